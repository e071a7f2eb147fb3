//! `/home`: the first page after log-in, with the ways that somebody has.
//!
//! A section of the portal adds its line to [`WAYS`]. The surprise: what somebody has no right to
//! is left out here, and still refused by the verb.

use askama::Template;
use axum::response::Response;

use super::super::{apply::parcel, page::Page, person::Person, timeline::Parcel};
use crate::{
    domain::{
        Right,
        turn::{self, Stop},
    },
    http::error::Problem,
};

/// Address, key of its name, key of what it is for, and who sees it.
type Way = (&'static str, &'static str, &'static str, fn(&Person) -> bool);

const WAYS: &[Way] = &[
    ("/desk", "desk-home", "accounts-home-desk", is_reader),
    ("/applications", "desk-applications", "accounts-home-applications", is_reader),
    ("/partners", "agreements-partners", "accounts-home-partners", |person| person.is_operator()),
    ("/agreements", "agreements-title", "accounts-home-agreements", |person| {
        person.may(Right::SeeAgreements)
    }),
    ("/company", "agreements-company", "accounts-home-company", |person| {
        person.is_partner() && person.may(Right::SeeCompany)
    }),
    ("/credentials", "accounts-credentials-title", "accounts-home-credentials", |person| {
        person.is_partner() && person.may(Right::SeeCredentials)
    }),
    ("/keys", "accounts-keys-title", "accounts-home-keys", |person| {
        person.is_partner() && person.may(Right::SeeCredentials)
    }),
    ("/people", "accounts-people-title", "accounts-home-people", |person| {
        person.may(Right::SeePeople)
    }),
    ("/audit", "audit-title", "accounts-home-audit", |person| person.may(Right::SeeAudit)),
    ("/docs", "frame-menu-docs", "accounts-home-docs", |person| person.is_partner()),
    ("/account", "accounts-account-title", "accounts-home-account", |_| true),
];

fn is_reader(person: &Person) -> bool {
    person.is_operator() && person.may(Right::SeeApplications)
}

#[derive(Template)]
#[template(path = "home.html", config = "src/http/portal/askama.toml")]
struct Home<'p> {
    page: &'p Page,
    name: &'p str,
    role: String,
    whose: String,
    ways: Vec<(&'static str, String, String)>,
    /// The way of the partner's company, while it is one.
    parcel: Option<Parcel>,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    let stops = partnership.own_journey(&person.signed).await?;
    let is_on_way = |stops: &[Stop; 5]| turn::current(stops).is_some();
    let parcel = stops.filter(is_on_way).map(|stops| parcel(&page, &stops));
    let company = match person.signed.partner.filter(|_| person.may(Right::SeeCompany)) {
        // A partner that was made on the host has no company yet.
        Some(partner) => partnership.company(&person.signed, partner).await.ok(),
        None => None,
    };
    let company = company.map(|company| company.legal_name);
    let company = company.or_else(|| person.partner.as_ref().map(ToString::to_string));
    let ways = WAYS
        .iter()
        .filter(|(.., shown)| shown(&person))
        .map(|(path, name, what, _)| (*path, page.t(name), page.t(what)))
        .collect();
    let page = page.titled("accounts-home-title");
    let role = page.t(&["accounts-role-", &person.role].concat());
    let whose = company.map_or_else(
        || page.t("accounts-home-operator"),
        |partner| page.t1("accounts-home-partner", "partner", partner),
    );
    Ok(page.show(&Home { page: &page, name: &person.name, role, whose, parcel, ways }))
}
