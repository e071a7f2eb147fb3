//! Faults and incidents: pages of partners, of the staff, and one for everybody.
//!
//! They decide nothing; every step is a verb. What surprises: `/faults` is two lists. A partner
//! sees its own, the newest first; the staff sees the queue, the worst with the least time first.

mod incidents;
mod lists;
mod public;
mod report;
mod show;
mod steps;

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
    domain::{FaultArea, Refusal, Severity, TicketState},
    http::App,
    partnership::Error,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/faults", get(lists::first))
        .route("/faults/all", get(lists::all))
        .route("/faults/new", get(report::show).post(report::send))
        .route("/faults/{id}", get(show::show))
        .route("/faults/{id}/step", post(steps::step))
        .route("/faults/{id}/file", post(steps::file))
        .route("/incidents", get(incidents::list).post(incidents::open))
        .route("/incidents/public", get(public::show))
        .route("/incidents/{id}", get(incidents::show))
        .route("/incidents/{id}/news", post(incidents::tell))
        .route("/incidents/{id}/follow", post(incidents::follow))
}

fn state_tag(page: &Page, state: TicketState) -> Tag {
    let tone = match state {
        TicketState::Acknowledged => Tone::Calm,
        TicketState::InProgress => Tone::Busy,
        TicketState::Pending => Tone::Warn,
        TicketState::Resolved | TicketState::Closed => Tone::Good,
        TicketState::Rejected | TicketState::Cancelled => Tone::Bad,
    };
    Tag::new(tone, page.word("faults-state-", state.as_str()))
}

fn severity_tag(page: &Page, severity: Severity) -> Tag {
    let tone = match severity {
        Severity::Critical => Tone::Bad,
        Severity::Major => Tone::Warn,
        Severity::Minor => Tone::Busy,
        Severity::Question => Tone::Calm,
    };
    Tag::new(tone, page.word("faults-severity-", severity.as_str()))
}

fn area_text(page: &Page, area: FaultArea) -> String {
    page.word("faults-area-", area.as_str())
}

fn area_choices(page: &Page) -> Vec<Choice> {
    FaultArea::ALL.iter().map(|area| Choice::new(area.as_str(), area_text(page, *area))).collect()
}

fn severity_choices(page: &Page) -> Vec<Choice> {
    let choice = |severity: &Severity| {
        let name = severity.as_str();
        let text = page.word("faults-severity-", name);
        Choice::new(name, text).hint(page.word("faults-means-", name))
    };
    Severity::ALL.iter().map(choice).collect()
}

fn state_choices(page: &Page) -> Vec<Choice> {
    let text = |state: &TicketState| page.word("faults-state-", state.as_str());
    TicketState::ALL.iter().map(|state| Choice::new(state.as_str(), text(state))).collect()
}

/// Puts a "no" beside the field that it is about; what is about no field stays an error.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            let prefix = "faults-wrong-";
            for fault in &faults {
                let name = fault.params.iter().find(|(name, _)| *name == "name");
                let name = name.map_or("", |(_, value)| value);
                let key = format!("{prefix}{}", fault.code.replace('_', "-"));
                form.wrong(&fault.field, page.t1(&key, "name", name));
            }
            Ok(())
        }
        other => Err(other),
    }
}
