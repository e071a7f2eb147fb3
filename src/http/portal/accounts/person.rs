//! `/people/{id}`: one person, and what an administrator does about it.
//!
//! The surprise: a person who is kept out is so at the next click, not at the next log-in (S-09),
//! and nobody takes the own second factor or account away.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{
    super::{
        cell::{Cell, Summary},
        field::Choice,
        form::Form,
        page::Page,
    },
    or_confirm,
    people::{factor_key, role, roles, state},
};
use crate::{
    domain::{PersonEvent, PersonState, Refusal, Right, UserId},
    http::error::Problem,
    partnership::PersonChange,
    store::Person,
};

/// A button of its own form.
struct Action {
    path: String,
    text: String,
    class: &'static str,
    question: String,
}

#[derive(Template)]
#[template(path = "person.html", config = "src/http/portal/askama.toml")]
struct Body<'p> {
    page: &'p Page,
    form: &'p Form,
    person: &'p Person,
    summary: Summary,
    may_manage: bool,
    role_path: String,
    roles: &'p [Choice],
    actions: Vec<Action>,
}

fn id_of(text: &str) -> Result<UserId, Refusal> {
    text.parse().map(UserId).map_err(|_| Refusal::UnknownId("person"))
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let seen = page.app().partnership.person(&person.signed, id_of(&id)?).await?;
    let page = page.titled_as(&seen.name).under("/people", "accounts-people-title");
    let summary = Summary::new()
        .row(page.t("accounts-mail"), Cell::text(&seen.mail))
        .row(page.t("accounts-role"), Cell::text(role(&page, seen.role)))
        .row(page.t("accounts-state"), state(&page, seen.state))
        .row(page.t("accounts-factor"), Cell::text(page.t(factor_key(&seen))))
        .row(
            page.t("accounts-last-login"),
            seen.last_login_at
                .map_or_else(|| Cell::text(page.t("accounts-never")), |at| page.time(at).into()),
        )
        .row(page.t("accounts-made"), page.time(seen.made_at));
    let is_own = seen.id == person.signed.person;
    let form = Form::of([("role", seen.role.as_str())]);
    let roles = roles(&page, seen.partner.is_none());
    let body = Body {
        page: &page,
        form: &form,
        person: &seen,
        summary,
        may_manage: person.may(Right::ManagePeople) && !is_own,
        role_path: format!("/people/{}/role", seen.id.0),
        roles: &roles,
        actions: actions(&page, &seen),
    };
    Ok(page.show(&body))
}

/// What can be done, by the state that the person is in.
fn actions(page: &Page, person: &Person) -> Vec<Action> {
    let action = |step: &str, key: &str, class: &'static str| Action {
        path: format!("/people/{}/{step}", person.id.0),
        text: page.t(key),
        class,
        question: page.t1("accounts-sure", "name", &person.name),
    };
    let mut found = Vec::new();
    match person.state {
        PersonState::Invited => found.push(action("send-link", "accounts-invite-again", "second")),
        PersonState::Active => {
            found.push(action("send-link", "accounts-send-reset", "second"));
            found.push(action("end-sessions", "accounts-end-sessions", "second"));
        }
        PersonState::Locked => found.push(action("unlock", "accounts-unlock", "second")),
        PersonState::Disabled => found.push(action("enable", "accounts-enable", "second")),
    }
    if person.secrets.totp.is_some() {
        found.push(action("remove-second-factor", "accounts-remove-factor", "danger"));
    }
    if person.state != PersonState::Disabled {
        found.push(action("disable", "accounts-disable", "danger"));
    }
    found
}

/// The version that the page showed, so that two administrators do not undo each other unseen.
fn version(form: &Form) -> Result<i64, Refusal> {
    form.number("version").ok_or(Refusal::VersionConflict)
}

fn answer<T>(
    page: &Page,
    path: &str,
    notice: &str,
    done: Result<T, crate::partnership::Error>,
) -> Result<Response, Problem> {
    match done {
        Ok(_) => Ok(page.done(path, notice)),
        Err(error) => or_confirm(path, error),
    }
}

pub(super) async fn change_role(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let path = format!("/people/{}", id_of(&id)?.0);
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let change = PersonChange { role: Some(form.text("role").to_owned()), ..Default::default() };
    let partnership = &page.app().partnership;
    let done =
        partnership.change_person(&person.signed, id_of(&id)?, version(&form)?, &change).await;
    answer(&page, &path, "accounts-notice-role", done)
}

async fn set(
    page: Page,
    id: &str,
    form: &Form,
    (event, notice): (PersonEvent, &str),
) -> Result<Response, Problem> {
    let path = format!("/people/{}", id_of(id)?.0);
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let partnership = &page.app().partnership;
    let done = partnership.set_person(&person.signed, id_of(id)?, version(form)?, event).await;
    answer(&page, &path, notice, done)
}

pub(super) async fn disable(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    set(page, &id, &form, (PersonEvent::Disabled, "accounts-notice-disabled")).await
}

pub(super) async fn enable(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    set(page, &id, &form, (PersonEvent::Enabled, "accounts-notice-enabled")).await
}

pub(super) async fn unlock(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    set(page, &id, &form, (PersonEvent::Unlocked, "accounts-notice-enabled")).await
}

pub(super) async fn send_link(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let path = format!("/people/{}", id_of(&id)?.0);
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let done = page.app().partnership.send_link(&person.signed, id_of(&id)?).await;
    answer(&page, &path, "accounts-notice-link", done)
}

pub(super) async fn remove_second_factor(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let path = format!("/people/{}", id_of(&id)?.0);
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let partnership = &page.app().partnership;
    let done = partnership.remove_second_factor(&person.signed, id_of(&id)?, version(&form)?).await;
    answer(&page, &path, "accounts-notice-factor", done)
}

pub(super) async fn end_sessions(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let path = format!("/people/{}", id_of(&id)?.0);
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let done = page.app().partnership.end_sessions_of(&person.signed, id_of(&id)?).await;
    answer(&page, &path, "accounts-notice-ended", done)
}
