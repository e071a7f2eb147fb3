//! `/numbers/rules`: classes and their terms, words that nobody may have, quotas of single partners.
//!
//! What surprises: the classes are shown and not edited. They are the plan's, a file that the
//! operator keeps beside its configuration.

use askama::Template;
use axum::response::Response;

use super::{Page, class_choices, class_title, explain};
use crate::{
    domain::{NumberClass, PartnerId, Refusal, Right, WordBar},
    http::{
        error::Problem,
        portal::{
            cell::Cell,
            field::Choice,
            form::Form,
            list::{Ask, List},
            person::Person,
        },
    },
};

#[derive(Template)]
#[template(path = "number_rules.html", config = "src/http/portal/askama.toml")]
struct Rules<'p> {
    page: &'p Page,
    form: &'p Form,
    classes: List<'p>,
    words: List<'p>,
    kinds: Vec<Choice>,
    class_choices: Vec<Choice>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, (&ask, &Form::empty())).await
}

async fn whole(
    page: Page,
    person: &Person,
    (ask, form): (&Ask, &Form),
) -> Result<Response, Problem> {
    if !person.may(Right::ApproveNumbers) {
        return Err(Refusal::NotAllowed.into());
    }
    let partnership = page.app().partnership.clone();
    let words = partnership.number_words(&person.signed).await?;
    let page = page.titled("numbers-rules").under("/numbers", "numbers-title").with(form);
    let all: Vec<&NumberClass> = partnership.number_plan().classes().collect();
    let classes = List::new(&page, ask, "/numbers/rules", "numbers-classes", "numbers-none")
        .column("numbers-class")
        .column("numbers-hold-days")
        .column("numbers-extensions")
        .column("numbers-quota")
        .column("numbers-rest-days")
        .column("numbers-cool-off-days")
        .rows(&all, |class| class.name.to_string(), |class| class_cells(&page, class));
    let words = List::new(&page, ask, "/numbers/rules", "numbers-words", "numbers-no-words")
        .column("numbers-word")
        .column("numbers-kind")
        .rows(
            &words,
            |row| row.word.clone(),
            |row| {
                let kind = page.word("numbers-bar-", &row.kind);
                vec![Cell::code(&row.word), Cell::text(kind)]
            },
        );
    let kinds = WordBar::ALL.iter().map(|bar| bar.as_str());
    let mut kinds: Vec<_> =
        kinds.map(|bar| Choice::new(bar, page.word("numbers-bar-", bar))).collect();
    kinds.push(Choice::new("none", page.t("numbers-bar-none")));
    let class_choices = class_choices(&page);
    Ok(page.show(&Rules { page: &page, form, classes, words, kinds, class_choices }))
}

fn class_cells(page: &Page, class: &NumberClass) -> Vec<Cell> {
    let figure = |number: i64| Cell::figure(page.number(number));
    vec![
        Cell::text(class_title(page, &class.name)),
        figure(class.hold_days.into()),
        figure(class.extensions),
        figure(class.quota),
        figure(class.rest_days.into()),
        figure(class.cool_off_days.into()),
    ]
}

/// Bars a word, or lets it go.
pub(super) async fn word(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    let (text, kind) = (form.text("word").to_owned(), WordBar::parse(form.text("kind")));
    match partnership.set_number_word(&person.signed, &text, kind).await {
        Ok(()) => Ok(page.done("/numbers/rules", "numbers-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, (&ask, &form)).await
        }
    }
}

/// A quota of one partner; an empty figure is the class's own again.
pub(super) async fn quota(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    let most = form.number("most");
    if most.is_none() && !form.text("most").is_empty() {
        form.wrong("most", page.t("numbers-wrong-invalid"));
        return whole(page, &person, (&ask, &form)).await;
    }
    let class = form.text("class").to_owned();
    let partner = PartnerId(form.number("partner").unwrap_or_default());
    match partnership.set_number_quota(&person.signed, partner, &class, most).await {
        Ok(()) => Ok(page.done("/numbers/rules", "numbers-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, (&ask, &form)).await
        }
    }
}
