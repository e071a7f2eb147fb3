//! `/people`: who has an account, and the form that invites somebody.
//!
//! The operator's people see their own side, or that of a partner named with `?partner=`. The
//! surprise: a partner's people may name one too, and it counts for nothing (S-21).

use askama::Template;
use axum::response::Response;

use super::{
    super::{
        cell::{Cell, Tag, Tone},
        field::Choice,
        form::Form,
        list::{Ask, List},
        page::Page,
    },
    confirm_first, explain, or_confirm,
};
use crate::{
    domain::{PartnerId, PersonState, Refusal, Right, Role},
    http::error::Problem,
    partnership::NewPerson,
    store::Person,
};

#[derive(Template)]
#[template(path = "people.html", config = "src/http/portal/askama.toml")]
struct People<'p> {
    page: &'p Page,
    list: List<'p>,
    may_invite: bool,
    new_path: String,
}

#[derive(Template)]
#[template(path = "new_person.html", config = "src/http/portal/askama.toml")]
struct NewPage<'p> {
    page: &'p Page,
    form: &'p Form,
    roles: &'p [Choice],
    languages: &'p [Choice],
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partner = ask.get("partner").parse().ok().map(PartnerId);
    let mut people = page.app().partnership.people(&person.signed, partner).await?;
    let wanted = ask.get("q").to_lowercase();
    people.retain(|one| {
        one.name.to_lowercase().contains(&wanted) || one.mail.to_lowercase().contains(&wanted)
    });
    let total = i64::try_from(people.len()).unwrap_or(i64::MAX);
    // They are a few hundred at most, so a page is cut out here.
    let behind = ask.after().and_then(|id| id.parse().ok());
    let start = behind.and_then(|id: i64| people.iter().position(|one| one.id.0 == id));
    let shown = people.split_off(start.map_or(0, |at| at + 1));
    let page = page.titled("accounts-people-title");
    let list = List::new(&page, &ask, "/people", "accounts-people-title", "accounts-people-empty")
        .search("q", "accounts-people-search")
        .column("accounts-name")
        .column("accounts-mail")
        .column("accounts-role")
        .column("accounts-state")
        .column("accounts-factor")
        .column("accounts-last-login")
        .total(total)
        .rows(&shown, |one| one.id.0.to_string(), |one| cells(&page, one));
    let new_path = match partner.filter(|_| person.is_operator()) {
        Some(partner) => format!("/people/new?partner={}", partner.0),
        None => "/people/new".to_owned(),
    };
    let may_invite = person.may(Right::ManagePeople);
    Ok(page.show(&People { page: &page, list, may_invite, new_path }))
}

fn cells(page: &Page, one: &Person) -> Vec<Cell> {
    vec![
        Cell::link(format!("/people/{}", one.id.0), &one.name),
        Cell::text(&one.mail),
        Cell::text(role(page, one.role)),
        state(page, one.state).into(),
        Cell::text(page.t(factor_key(one))),
        one.last_login_at
            .map_or_else(|| Cell::text(page.t("accounts-never")), |at| page.time(at).into()),
    ]
}

pub(super) fn role(page: &Page, role: Role) -> String {
    page.t(&["accounts-role-", role.as_str()].concat())
}

pub(super) fn state(page: &Page, state: PersonState) -> Tag {
    let tone = match state {
        PersonState::Active => Tone::Good,
        PersonState::Invited => Tone::Busy,
        PersonState::Locked => Tone::Warn,
        PersonState::Disabled => Tone::Bad,
    };
    Tag::new(tone, page.t(&["accounts-state-", state.as_str()].concat()))
}

pub(super) fn factor_key(person: &Person) -> &'static str {
    if person.secrets.totp.is_some() { "accounts-is-set" } else { "accounts-is-not-set" }
}

/// The roles of one side, each with what it is for.
pub(super) fn roles(page: &Page, is_operator: bool) -> Vec<Choice> {
    let choice = |word| {
        let key = ["accounts-role-", word].concat();
        let choice = Choice::new(word, page.t(&key));
        match page.hint(&key) {
            Some(hint) => choice.hint(hint),
            None => choice,
        }
    };
    Role::words(is_operator).into_iter().map(choice).collect()
}

pub(super) async fn show_new(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    if !person.may(Right::ManagePeople) {
        return Err(Refusal::NotAllowed.into());
    }
    if let Some(first) = confirm_first(&page, &person) {
        return Ok(first);
    }
    let language = page.language.tag();
    let form = Form::of([("partner", ask.get("partner")), ("language", language)]);
    Ok(render(page, &form, person.is_operator()))
}

fn render(page: Page, form: &Form, is_operator: bool) -> Response {
    let is_operators = is_operator && form.text("partner").is_empty();
    let roles = roles(&page, is_operators);
    let languages = [Choice::new("pl", "Polski"), Choice::new("en", "English")];
    let page = page
        .titled("accounts-new-person-title")
        .under("/people", "accounts-people-title")
        .with(form);
    page.show(&NewPage { page: &page, form, roles: &roles, languages: &languages })
}

pub(super) async fn invite(page: Page, mut form: Form) -> Result<Response, Problem> {
    const HERE: &str = "/people/new";
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(HERE)) };
    let new = NewPerson {
        partner: form.number("partner").map(PartnerId),
        mail: form.text("mail").to_owned(),
        name: form.text("name").to_owned(),
        role: form.text("role").to_owned(),
        language: form.text("language").to_owned(),
        company: String::new(),
    };
    match page.app().partnership.invite(&person.signed, &new).await {
        Ok(invited) => {
            let path = format!("/people/{}", invited.person.0);
            Ok(page.done(&path, "accounts-notice-invited"))
        }
        Err(error) => match explain(&page, &mut form, error) {
            Ok(()) => Ok(render(page, &form, person.is_operator())),
            Err(error) => or_confirm(HERE, error),
        },
    }
}
