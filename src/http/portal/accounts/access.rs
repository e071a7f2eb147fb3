//! `/credentials` and `/keys`: SMPP accounts and API keys of a partner.
//!
//! The surprise: what the operator's people see depends on `?partner=` in the address, so every
//! link of these pages carries it on. What changes them is in [`super::access_steps`].

use askama::Template;
use axum::{extract::Path, response::Response};

use super::super::{
    address::encoded,
    cell::{Cell, Summary, Tag, Tone},
    form::Form,
    list::{Ask, List},
    page::Page,
    person::Person,
};
use crate::{
    domain::{PartnerId, Refusal, Right},
    http::error::Problem,
    store::{ApiKeyLine, CredentialLine},
};

/// One of the two kinds, with what differs between their pages.
pub(super) struct Kind {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    rotate_hint: &'static str,
}

pub(super) const CREDENTIALS: Kind = Kind {
    path: "/credentials",
    title: "accounts-credentials-title",
    rotate_hint: "accounts-credential-rotate-hint",
};
pub(super) const KEYS: Kind =
    Kind { path: "/keys", title: "accounts-keys-title", rotate_hint: "accounts-key-rotate-hint" };

#[derive(Template)]
#[template(path = "access.html", config = "src/http/portal/askama.toml")]
struct Access<'p> {
    page: &'p Page,
    form: &'p Form,
    list: List<'p>,
    title: String,
    is_keys: bool,
    /// Beside a partner's own; the operator finds all of them at its desk.
    listeners: Option<&'static str>,
    may_manage: bool,
    is_fresh: bool,
    confirm_path: String,
    query: String,
    here: String,
}

#[derive(Template)]
#[template(path = "access_one.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    name: &'p str,
    summary: Summary,
    may_change: bool,
    rotate_path: String,
    revoke_path: String,
    rotate_hint: String,
    question: String,
}

/// Whose access it is, as the operator's people name it in the query. What a partner's people name
/// does not count.
pub(super) struct Whose(pub(super) Option<PartnerId>);

impl Whose {
    pub(super) fn of(ask: &Ask) -> Self {
        Self(ask.get("partner").parse().ok().map(PartnerId))
    }

    pub(super) fn query(&self) -> String {
        self.0.map_or_else(String::new, |partner| format!("?partner={}", partner.0))
    }
}

fn live(page: &Page, is_live: bool) -> Tag {
    if is_live {
        Tag::new(Tone::Good, page.t("accounts-live"))
    } else {
        Tag::new(Tone::Calm, page.t("accounts-ended"))
    }
}

fn is_live(page: &Page, line: &ApiKeyLine) -> bool {
    line.expires_at == 0 || line.expires_at > page.now
}

fn ends(page: &Page, at: i64) -> Cell {
    if at == 0 { Cell::text(page.t("accounts-never")) } else { page.time(at).into() }
}

pub(super) async fn show_credentials(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    list_credentials(page, &person, &ask, &Form::empty()).await
}

pub(super) async fn list_credentials(
    page: Page,
    person: &Person,
    ask: &Ask,
    form: &Form,
) -> Result<Response, Problem> {
    let whose = Whose::of(ask);
    let found = page.app().partnership.credentials(&person.signed, whose.0).await?;
    let page = page.titled(CREDENTIALS.title).with(form);
    let query = whose.query();
    let cells = |line: &CredentialLine| {
        let path = format!("/credentials/{}{query}", encoded(&line.system_id));
        vec![
            Cell::link(path, &line.system_id),
            Cell::text(page.word("accounts-mode-", &line.mode)),
            live(&page, line.is_active != 0).into(),
            Cell::code(&line.addresses),
            Cell::text(page.t(yes(line.tls_only != 0))),
            Cell::text(page.t(yes(line.is_rotating != 0))),
            page.time(line.made_at).into(),
        ]
    };
    let empty = "accounts-credentials-empty";
    let list = List::new(&page, ask, CREDENTIALS.path, CREDENTIALS.title, empty)
        .column("accounts-system-id")
        .column("accounts-mode")
        .column("accounts-state")
        .column("accounts-networks")
        .column("accounts-tls-only")
        .column("accounts-rotating")
        .column("accounts-made")
        .rows(&found, |line| line.system_id.clone(), cells);
    Ok(show_list(&page, person, form, list, &CREDENTIALS, &whose))
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "accounts-yes" } else { "accounts-no" }
}

pub(super) async fn show_keys(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    list_keys(page, &person, &ask, &Form::of([("days", "365")])).await
}

pub(super) async fn list_keys(
    page: Page,
    person: &Person,
    ask: &Ask,
    form: &Form,
) -> Result<Response, Problem> {
    let whose = Whose::of(ask);
    let found = page.app().partnership.api_keys(&person.signed, whose.0).await?;
    let page = page.titled(KEYS.title).with(form);
    let query = whose.query();
    let cells = |line: &ApiKeyLine| {
        vec![
            Cell::link(format!("/keys/{}{query}", encoded(&line.prefix)), &line.prefix),
            Cell::text(page.word("accounts-mode-", &line.mode)),
            live(&page, is_live(&page, line)).into(),
            ends(&page, line.expires_at),
            page.time(line.made_at).into(),
        ]
    };
    let list = List::new(&page, ask, KEYS.path, KEYS.title, "accounts-keys-empty")
        .column("accounts-key")
        .column("accounts-mode")
        .column("accounts-state")
        .column("accounts-expires")
        .column("accounts-made")
        .rows(&found, |line| line.prefix.clone(), cells);
    Ok(show_list(&page, person, form, list, &KEYS, &whose))
}

fn show_list(
    page: &Page,
    person: &Person,
    form: &Form,
    list: List<'_>,
    kind: &Kind,
    whose: &Whose,
) -> Response {
    let here = format!("{}{}", kind.path, whose.query());
    let body = Access {
        page,
        form,
        list,
        title: page.t(kind.title),
        is_keys: kind.path == KEYS.path,
        listeners: person.is_partner().then_some("/listeners"),
        may_manage: person.may(Right::ManageCredentials),
        is_fresh: page.now < person.signed.stepped_up_until,
        confirm_path: format!("/account/confirm?back={}", encoded(&here)),
        query: whose.query(),
        here,
    };
    page.show(&body)
}

pub(super) async fn show_credential(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let whose = Whose::of(&ask);
    let found = page.app().partnership.credentials(&person.signed, whose.0).await?;
    let line = found.iter().find(|line| line.system_id == name);
    let line = line.ok_or(Refusal::UnknownId("system_id"))?;
    let mut summary = Summary::new()
        .row(page.t("accounts-state"), live(&page, line.is_active != 0))
        .row(page.t("accounts-networks"), Cell::code(&line.addresses))
        .row(page.t("accounts-tls-only"), Cell::text(page.t(yes(line.tls_only != 0))))
        .row(page.t("accounts-binds"), Cell::text(line.binds_max.to_string()))
        .row(page.t("accounts-window"), Cell::text(line.send_window.to_string()))
        .row(page.t("accounts-rotating"), Cell::text(page.t(yes(line.is_rotating != 0))))
        .row(page.t("accounts-made"), page.time(line.made_at));
    // No limit is hidden (D7): those of the whole partner hold for each of its accounts.
    if let Some(partner) = page.app().gateway.catalog().partner_named(&line.partner) {
        let limits = &partner.limits;
        let rate = match limits.rate {
            0 => page.t("accounts-no-limit"),
            rate => rate.to_string(),
        };
        summary = summary
            .row(page.t("accounts-rate"), Cell::text(rate))
            .row(page.t("accounts-burst"), Cell::text(limits.burst.to_string()))
            .row(page.t("accounts-backlog"), Cell::text(limits.backlog_max.to_string()))
            .row(page.t("accounts-waiting"), Cell::text(limits.waiting_max.to_string()));
    }
    let may_change = line.is_active != 0 && person.may(Right::ManageCredentials);
    Ok(show_one(page, &name, summary, may_change, &CREDENTIALS, &whose))
}

pub(super) async fn show_key(
    page: Page,
    Path(name): Path<String>,
    ask: Ask,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let whose = Whose::of(&ask);
    let found = page.app().partnership.api_keys(&person.signed, whose.0).await?;
    let line = found.iter().find(|line| line.prefix == name);
    let line = line.ok_or(Refusal::UnknownId("key"))?;
    let summary = Summary::new()
        .row(page.t("accounts-state"), live(&page, is_live(&page, line)))
        .row(page.t("accounts-expires"), ends(&page, line.expires_at))
        .row(page.t("accounts-made"), page.time(line.made_at));
    let may_change = is_live(&page, line) && person.may(Right::ManageCredentials);
    Ok(show_one(page, &name, summary, may_change, &KEYS, &whose))
}

fn show_one(
    page: Page,
    name: &str,
    summary: Summary,
    may_change: bool,
    kind: &Kind,
    whose: &Whose,
) -> Response {
    let query = whose.query();
    let page = page.titled_as(name).under(format!("{}{query}", kind.path), kind.title);
    let path = |step: &str| format!("{}/{}/{step}{query}", kind.path, encoded(name));
    let body = One {
        page: &page,
        name,
        summary,
        may_change,
        rotate_path: path("rotate"),
        revoke_path: path("revoke"),
        rotate_hint: page.t(kind.rotate_hint),
        question: page.t1("accounts-sure", "name", name),
    };
    page.show(&body)
}
