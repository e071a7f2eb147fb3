//! Numbers and reservations: pages of partners and of the desk.
//!
//! They decide nothing; every step is a verb. What surprises: one page serves both sides. What a
//! partner may not know of others the verbs have left out of the rows already.

mod find;
mod held;
mod import;
mod rules;
mod show;

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
    domain::{NumberState, Refusal},
    http::App,
    partnership::Error,
    store::NumberRow,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/numbers", get(find::list))
        .route("/numbers/import", get(import::show).post(import::import))
        .route("/numbers/rules", get(rules::show))
        .route("/numbers/rules/word", post(rules::word))
        .route("/numbers/rules/quota", post(rules::quota))
        .route("/numbers/{id}", get(show::show))
        .route("/numbers/{id}/reserve", post(show::reserve))
        .route("/numbers/{id}/offer", post(show::offer))
        .route("/reservations", get(held::list))
        .route("/reservations/waits/{id}", post(held::stop_waiting))
        .route("/reservations/{id}", get(held::show))
        .route("/reservations/{id}/step", post(held::step))
}

fn state_tag(page: &Page, state: NumberState) -> Tag {
    let tone = match state {
        NumberState::Free | NumberState::Active => Tone::Good,
        NumberState::Reserved | NumberState::Ordered => Tone::Busy,
        NumberState::Suspended => Tone::Warn,
        NumberState::Quarantined => Tone::Calm,
        NumberState::Withdrawn => Tone::Bad,
    };
    Tag::new(tone, page.word("numbers-state-", state.as_str()))
}

fn state_choices(page: &Page, states: &[NumberState]) -> Vec<Choice> {
    let text = |state: &NumberState| page.word("numbers-state-", state.as_str());
    states.iter().map(|state| Choice::new(state.as_str(), text(state))).collect()
}

/// A class as people call it; one that left the plan keeps its word.
fn class_title(page: &Page, name: &str) -> String {
    let class = page.app().partnership.number_plan().class(name);
    class.map_or(name, |class| class.title.of(page.language.tag())).to_owned()
}

fn class_choices(page: &Page) -> Vec<Choice> {
    let classes = page.app().partnership.number_plan().classes();
    classes.map(|class| Choice::new(class.name.as_str(), class_title(page, &class.name))).collect()
}

/// What a subscriber pays now.
fn price(page: &Page, row: &NumberRow) -> String {
    match (&row.tariff, row.gross_minor, &row.currency) {
        (Some(_), Some(gross), Some(currency)) => page.money(gross, currency),
        (Some(_), ..) => String::new(),
        (None, ..) => page.t("numbers-no-price"),
    }
}

/// A number with its keyword.
fn name(digits: &str, keyword: &str) -> String {
    if keyword.is_empty() { digits.to_owned() } else { format!("{digits} {keyword}") }
}

/// Puts a "no" beside the field that it is about; what is about no field stays an error.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            for fault in &faults {
                let text = page.word("numbers-wrong-", fault.code);
                form.wrong(&fault.field, text);
            }
            Ok(())
        }
        Error::Refused(Refusal::Taken("keyword")) => {
            form.wrong("keyword", page.t("numbers-taken"));
            Ok(())
        }
        other => Err(other),
    }
}
