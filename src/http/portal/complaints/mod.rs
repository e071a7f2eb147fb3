//! Complaints of subscribers: pages of the staff and of the partners that are asked.
//!
//! They decide nothing; every step is a verb. What surprises: `/complaints` is two lists. A partner
//! sees its own, the newest first; the staff sees the queue by the clock of the law, whose next
//! victim stands on top.

mod lists;
mod rates;
mod show;
mod steps;
mod take;

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    cell::{Tag, Tone},
    field::Choice,
    form::Form,
    page::Page,
};
use crate::{
    domain::{ComplaintChannel, ComplaintDemand, ComplaintState, ComplaintSubject, Refusal},
    http::App,
    partnership::Error,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/complaints", get(lists::first))
        .route("/complaints/all", get(lists::all))
        .route("/complaints/new", get(take::show).post(take::send))
        .route("/complaints/rates", get(rates::show))
        .route("/complaints/rates/{id}", post(rates::decide))
        .route("/complaints/{id}", get(show::show))
        .route("/complaints/{id}/confirmation", get(show::confirmation))
        .route("/complaints/{id}/step", post(steps::step))
        .route("/complaints/{id}/file", post(steps::file))
}

fn state_tag(page: &Page, state: ComplaintState) -> Tag {
    let tone = match state {
        ComplaintState::Received => Tone::Warn,
        ComplaintState::AskedPartner | ComplaintState::Answered => Tone::Busy,
        ComplaintState::Accepted => Tone::Good,
        ComplaintState::Refused => Tone::Bad,
        ComplaintState::Closed => Tone::Calm,
    };
    Tag::new(tone, page.word("complaints-state-", state.as_str()))
}

fn subject_text(page: &Page, subject: ComplaintSubject) -> String {
    page.word("complaints-subject-", subject.as_str())
}

fn subject_choices(page: &Page) -> Vec<Choice> {
    let text = |one: &ComplaintSubject| Choice::new(one.as_str(), subject_text(page, *one));
    ComplaintSubject::ALL.iter().map(text).collect()
}

/// How it came is the partner's own way for a partner, which is never offered to the staff.
fn channel_choices(page: &Page) -> Vec<Choice> {
    let of_staff = ComplaintChannel::ALL.iter().filter(|one| **one != ComplaintChannel::Partner);
    let text = |one: &ComplaintChannel| page.word("complaints-channel-", one.as_str());
    of_staff.map(|one| Choice::new(one.as_str(), text(one))).collect()
}

fn demand_choices(page: &Page) -> Vec<Choice> {
    let text = |one: &ComplaintDemand| page.word("complaints-demand-", one.as_str());
    ComplaintDemand::ALL.iter().map(|one| Choice::new(one.as_str(), text(one))).collect()
}

fn state_choices(page: &Page) -> Vec<Choice> {
    let text = |one: &ComplaintState| page.word("complaints-state-", one.as_str());
    ComplaintState::ALL.iter().map(|one| Choice::new(one.as_str(), text(one))).collect()
}

/// Puts a "no" beside the field that it is about; what is about no field stays an error.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            let prefix = "complaints-wrong-";
            for fault in &faults {
                let name = fault.params.iter().find(|(name, _)| *name == "name");
                let name = name.map_or("", |(_, value)| value);
                // What cannot be given back is not "unknown" to whoever sees it on the page.
                let code = if fault.field == "charges" { "charge" } else { fault.code };
                let key = format!("{prefix}{}", code.replace('_', "-"));
                form.wrong(place_of(&fault.field), page.t1(&key, "name", name));
            }
            Ok(())
        }
        other => Err(other),
    }
}

/// The field of the page behind a field of the verb.
fn place_of(field: &str) -> &str {
    match field {
        "from" => "from_day",
        "until" => "until_day",
        "received" => "received_day",
        other => other,
    }
}
