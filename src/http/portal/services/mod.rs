//! Services on pages: the list, one with its gates and its history, the form in sections.
//!
//! What surprises: one page serves both sides. A partner reads on it what is to do, staff reads
//! what was written, and each has the buttons of its own steps only.

mod list;
mod section;
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
    texts::{self, Value},
};
use crate::{
    domain::{LifeState, Refusal, refusal::FieldFault, service_revision::ServiceForm},
    http::App,
    partnership::Error,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/services", get(list::list).post(list::draft))
        .route("/services/{id}", get(show::show))
        .route("/services/{id}/section/{section}", get(section::show).post(section::save))
        .route("/services/{id}/step", post(steps::step))
        .route("/services/{id}/comment", post(steps::comment))
        .route("/services/{id}/secret", post(steps::secret))
}

fn state_tag(page: &Page, state: LifeState) -> Tag {
    let tone = match state {
        LifeState::Live => Tone::Good,
        LifeState::Submitted | LifeState::Approved | LifeState::Testing => Tone::Busy,
        LifeState::Draft => Tone::Calm,
        LifeState::Suspended => Tone::Warn,
        LifeState::Closed => Tone::Bad,
    };
    Tag::new(tone, page.word("services-state-", state.as_str()))
}

/// What can be chosen in a field; empty: it is written.
fn choices(page: &Page, field: &str) -> Vec<Choice> {
    let (prefix, words): (_, &[&str]) = match field {
        "area" => ("services-area-", &["sms", "mms", "wap", "voice"]),
        "kind" => {
            let kinds = &["one_off", "subscription", "chat", "vote", "contest", "donation"];
            ("services-kind-", kinds)
        }
        "billing" => ("services-billing-", &["mo", "mt", "free"]),
        "age" => ("services-age-", &["all", "16", "18"]),
        "delivery" => ("services-delivery-", &["smpp", "callback"]),
        "coding" => ("services-coding-", &["auto", "gsm7", "ucs2"]),
        "on_unknown" => ("services-unknown-", &["park", "resend"]),
        _ => return Vec::new(),
    };
    words.iter().map(|one| Choice::new(*one, page.word(prefix, one))).collect()
}

/// A field's name on pages.
fn label(page: &Page, field: &str) -> String {
    page.word("services-field-", field)
}

/// A field's value as people read it.
fn shown(page: &Page, form: &ServiceForm, field: &str) -> String {
    let value = form.get(field).unwrap_or_default();
    let choices = choices(page, field);
    choices.iter().find(|one| one.value == value).map_or(value, |one| one.text.as_str()).to_owned()
}

/// Puts what a verb found wrong beside its field; any other "no" goes on as it is.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            for fault in &faults {
                form.wrong(&fault.field, said(page, fault));
            }
            Ok(())
        }
        Error::Refused(Refusal::Taken("service name")) => {
            form.wrong("name", page.t("services-name-taken"));
            Ok(())
        }
        other => Err(other),
    }
}

/// A mistake as a sentence in the reader's language.
fn said(page: &Page, fault: &FieldFault) -> String {
    let key = format!("{}{}", "services-wrong-", fault.code.replace('_', "-"));
    let params: Vec<_> = fault
        .params
        .iter()
        .map(|(name, value)| match value.parse() {
            Ok(count) => (*name, Value::Count(count)),
            Err(_) => (*name, Value::text(value)),
        })
        .collect();
    let text = texts::t(page.language, &key, &params);
    let text = if text == key { fault.detail.clone() } else { text };
    // A list of mistakes has no other context, so that each names its field.
    if ServiceForm::FIELDS.iter().any(|(_, name)| *name == fault.field) {
        format!("{}: {text}", label(page, &fault.field))
    } else {
        text
    }
}
