//! `/sessions`: where somebody is logged in, and how to end it. Letters about a new device lead
//! here.
//!
//! It needs no fresh code: whoever finds a stranger in the account must be fast.

use askama::Template;
use axum::response::Response;

use super::super::{cell::Time, form::Form, page::Page};
use crate::{domain::Refusal, http::error::Problem, store::SessionLine};

#[derive(Template)]
#[template(path = "sessions.html", config = "src/http/portal/askama.toml")]
struct Sessions<'p> {
    page: &'p Page,
    lines: Vec<Line>,
}

struct Line {
    id: i64,
    agent: String,
    address: String,
    begun: Time,
    seen: Time,
    is_this: bool,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let lines = page.app().partnership.sessions(&person.signed).await?;
    let page = page.titled("accounts-sessions-title").under("/account", "accounts-account-title");
    let line = |line: SessionLine| Line {
        id: line.id,
        agent: line.agent,
        address: line.address,
        begun: page.time(line.made_at),
        seen: page.time(line.seen_at),
        is_this: line.id == person.signed.session,
    };
    let lines = lines.into_iter().map(line).collect();
    Ok(page.show(&Sessions { page: &page, lines }))
}

pub(super) async fn end(page: Page, form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/sessions")) };
    let id = form.number("id").ok_or(Refusal::UnknownId("session"))?;
    page.app().partnership.end_session(&person.signed, id).await?;
    Ok(page.done("/sessions", "accounts-notice-ended"))
}

pub(super) async fn end_others(page: Page, _form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/sessions")) };
    page.app().partnership.end_other_sessions(&person.signed).await?;
    Ok(page.done("/sessions", "accounts-notice-ended"))
}
