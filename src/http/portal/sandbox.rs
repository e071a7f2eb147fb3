//! `/sandbox`: a partner's test access, its magic numbers, a subscriber's phone to text from, what
//! was tested last, and what is still to be shown before a service goes live.
//!
//! It decides nothing. What surprises: accounts and keys are made by the forms of `/credentials`
//! and `/keys`, which are told that they are for tests; here stands only what is special about them.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};

use super::{
    address::encoded,
    cell::{Cell, Tag, Tone},
    form::Form,
    list::{Ask, List},
    page::Page,
    person::Person,
    timeline::{Task, TaskList},
};
use crate::{
    domain::{Fate, Msisdn, PartnerId, Refusal, Right, ShortCode},
    gateway::{self, sandbox::TestText},
    http::{App, error::Problem},
    partnership::{Exercised, SandboxView},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sandbox", get(show)).route("/sandbox/messages", post(text))
}

#[derive(Template)]
#[template(path = "sandbox.html", config = "src/http/portal/askama.toml")]
struct Sandbox<'p> {
    page: &'p Page,
    form: &'p Form,
    view: &'p SandboxView,
    checklist: TaskList,
    fates: Vec<(&'static str, String)>,
    messages: List<'p>,
    /// Of a member of staff that looks at somebody's; empty for the partner itself.
    query: String,
    account_path: String,
    key_path: String,
    may_manage: bool,
    may_text: bool,
    is_fresh: bool,
    confirm_path: String,
}

async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    draw(page, &person, &ask, None).await
}

/// Staff names the partner in the query; what a partner's person names does not count.
async fn draw(
    page: Page,
    person: &Person,
    ask: &Ask,
    form: Option<Form>,
) -> Result<Response, Problem> {
    let named = ask.get("partner").parse().ok().map(PartnerId);
    let view = page.app().partnership.sandbox(&person.signed, named).await?;
    let form = form.unwrap_or_else(|| first_text(&view));
    let page = page.titled("sandbox-title").with(&form);
    let query = match (person.is_operator(), named) {
        (true, Some(partner)) => format!("?partner={}", partner.0),
        _ => String::new(),
    };
    let here = format!("/sandbox{query}");
    let body = Sandbox {
        page: &page,
        form: &form,
        checklist: checklist(&page, &view.checklist),
        fates: Fate::ALL
            .iter()
            .map(|fate| (fate.number(), page.word("sandbox-fate-", fate.as_str())))
            .collect(),
        messages: messages(&page, ask, &view),
        view: &view,
        account_path: format!("/credentials{query}"),
        key_path: format!("/keys{query}"),
        query,
        may_manage: person.may(Right::ManageCredentials),
        may_text: person.is_partner() && person.may(Right::EditServices),
        is_fresh: page.now < person.signed.stepped_up_until,
        confirm_path: format!("/account/confirm?back={}", encoded(&here)),
    };
    Ok(page.show(&body))
}

/// What the phone says first: a text that the partner's own test service takes.
fn first_text(view: &SandboxView) -> Form {
    let (number, keyword) = view.service.clone().unwrap_or_default();
    let text = if keyword.is_empty() { String::new() } else { format!("{keyword} TEST") };
    Form::of([
        ("sender", Fate::Delivered.number().to_owned()),
        ("recipient", number),
        ("text", text),
    ])
}

/// Each item with when and by what it was done.
pub(super) fn checklist(page: &Page, items: &[Exercised]) -> TaskList {
    let task = |item: &Exercised| {
        let text = page.word("sandbox-exercise-", item.exercise.as_str());
        let (state, hint, href) = match item.at {
            Some(at) => (
                Tag::new(Tone::Good, page.t("sandbox-done")),
                format!("{}, {}", super::format::moment(page.language, at), item.evidence),
                // What did it is a message, or a session that may be gone.
                item.evidence.parse::<i64>().ok().map(|id| format!("/messages/{id}")),
            ),
            None => (
                Tag::new(Tone::Calm, page.t("sandbox-open")),
                page.word("sandbox-how-", item.exercise.as_str()),
                None,
            ),
        };
        Task { text, hint: Some(hint), href, state }
    };
    TaskList { tasks: items.iter().map(task).collect() }
}

fn messages<'p>(page: &'p Page, ask: &'p Ask, view: &SandboxView) -> List<'p> {
    List::new(page, ask, "/sandbox", "sandbox-messages", "sandbox-no-messages")
        .column("sandbox-at")
        .column("sandbox-way")
        .column("sandbox-number")
        .column("sandbox-state")
        .rows(
            &view.messages,
            |line| line.id.to_string(),
            |line| {
                let subscriber =
                    if line.direction == "mt" { &line.recipient } else { &line.sender };
                vec![
                    Cell::link(
                        format!("/messages/{}", line.id),
                        super::format::moment(page.language, line.accepted_at),
                    ),
                    Cell::text(page.word("messages-way-", &line.direction)),
                    Cell::code(crate::domain::number::mask(subscriber)),
                    Cell::text(page.word("messages-state-", &line.state)),
                ]
            },
        )
}

/// Sends a text as a subscriber would, and goes to its page, which follows it live.
async fn text(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/sandbox")) };
    let partner = page.app().partnership.may_text(&person.signed)?;
    let sender = Msisdn::parse(form.text("sender"));
    let recipient = ShortCode::parse(form.text("recipient"));
    if sender.is_err() {
        form.wrong("sender", page.t("sandbox-wrong-sender"));
    }
    if recipient.is_err() {
        form.wrong("recipient", page.t("sandbox-wrong-recipient"));
    }
    form.require(&page, "text", "sandbox-wrong-text");
    let (Ok(sender), Ok(recipient), true) = (sender, recipient, form.is_right()) else {
        return draw(page, &person, &ask, Some(form)).await;
    };
    let new = TestText { sender, recipient, text: form.text("text").to_owned() };
    let (gateway, by) = (page.app().gateway.clone(), person.signed.caller().to_string());
    let work = async move { gateway.text_by_hand(partner, &new, &by).await };
    match page.app().finish(work).await? {
        Ok(ids) => {
            let first = ids.first().map(ToString::to_string).unwrap_or_default();
            Ok(page.done(&format!("/messages/{first}"), "sandbox-notice-sent"))
        }
        Err(gateway::Error::Refused(refusal)) => {
            let (field, key) = match refusal {
                Refusal::NotYourNumber(_) => ("recipient", "sandbox-wrong-route"),
                Refusal::BadLength(_) => ("text", "sandbox-wrong-length"),
                other => return Err(other.into()),
            };
            form.wrong(field, page.t(key));
            draw(page, &person, &ask, Some(form)).await
        }
        Err(error) => Err(error.into()),
    }
}
