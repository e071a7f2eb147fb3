//! Who is at the other end of a page, and what the menu offers to whom.
//!
//! It decides no right: verbs do. The menu only spares people ways that would end in a refusal.

use axum::http::HeaderMap;
use smol_str::SmolStr;

use super::cookies;
use crate::{
    domain::Right,
    http::{App, signed},
    partnership::Signed,
};

/// The cookie of a session, without the prefix that `cookies` puts before it.
pub const SESSION: &str = "session";

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// What verbs are asked with.
    pub signed: Signed,
    pub name: SmolStr,
    /// One of the words of the glossary: `admin`, `developer`, `support` and so on.
    pub role: SmolStr,
    /// The partner's name; none for the operator's staff.
    pub partner: Option<SmolStr>,
}

impl Person {
    pub fn is_operator(&self) -> bool {
        self.signed.is_operator()
    }

    pub fn is_partner(&self) -> bool {
        !self.is_operator()
    }

    /// A member of staff that looks as a partner.
    pub fn is_viewing(&self) -> bool {
        self.signed.view.is_some()
    }

    /// Whether a button or an entry of the menu makes sense; the verb decides.
    pub fn may(&self, right: Right) -> bool {
        self.signed.may(right)
    }
}

/// Who is behind the cookie of a session, looked up for each page: whoever was disabled is nobody
/// at the next click (S-09).
pub async fn signed(app: &App, headers: &HeaderMap) -> Option<Person> {
    of_token(app, cookies::read(app, headers, SESSION)?).await
}

/// The same for a token.
pub(super) async fn of_token(app: &App, token: &str) -> Option<Person> {
    let found = signed::of_token(app, token).await;
    let signed = found.inspect_err(|_| tracing::error!("sessions cannot be read"));
    let signed = signed.ok().flatten()?;
    Some(Person {
        name: SmolStr::from(signed.name.as_str()),
        role: SmolStr::new_static(signed.role.as_str()),
        partner: signed.partner_name.as_deref().map(SmolStr::from),
        signed,
    })
}

/// One entry of the navigation.
pub struct Entry {
    pub path: &'static str,
    /// Key of its text.
    pub key: &'static str,
    /// Who sees it.
    pub shown: fn(Option<&Person>) -> bool,
}

const fn entry(path: &'static str, key: &'static str, shown: fn(Option<&Person>) -> bool) -> Entry {
    Entry { path, key, shown }
}

/// The navigation, in its order. A page of its own section adds its line here.
pub const MENU: &[Entry] = &[
    entry("/home", "accounts-home-title", |person| person.is_some()),
    entry("/desk", "desk-menu", |person| person.is_some_and(is_reader)),
    entry("/applications", "desk-applications", |person| person.is_some_and(is_reader)),
    entry("/partners", "agreements-partners", |person| person.is_some_and(Person::is_operator)),
    entry("/agreements", "agreements-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeAgreements))
    }),
    entry("/terms", "agreements-terms", |person| {
        person.is_some_and(|one| one.may(Right::SeeAgreements))
    }),
    entry("/credentials", "accounts-access-title", |person| {
        person.is_some_and(|one| one.is_partner() && one.may(Right::SeeCredentials))
    }),
    entry("/sandbox", "sandbox-title", |person| {
        person.is_some_and(|one| one.is_partner() && one.may(Right::SeeCredentials))
    }),
    entry("/numbers", "numbers-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeNumbers))
    }),
    entry("/reservations", "numbers-reservations", |person| {
        person.is_some_and(|one| one.is_partner() && one.may(Right::SeeNumbers))
    }),
    entry("/services", "services-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeServices))
    }),
    entry("/orders", "orders-title", |person| person.is_some_and(|one| one.may(Right::SeeOrders))),
    entry("/messages", "messages-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeTraffic))
    }),
    entry("/replays", "replays-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeTraffic))
    }),
    entry("/live", "live-title", |person| person.is_some_and(|one| one.may(Right::SeeCredentials))),
    entry("/traffic", "traffic-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeTraffic))
    }),
    entry("/specifications", "specifications-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeSpecifications))
    }),
    entry("/faults", "faults-title", |person| person.is_some_and(|one| one.may(Right::SeeTickets))),
    entry("/complaints", "complaints-title", |person| {
        person.is_some_and(|one| one.may(Right::SeeTickets))
    }),
    entry("/company", "agreements-company", |person| person.is_some_and(Person::is_partner)),
    entry("/people", "accounts-people-title", |person| {
        person.is_some_and(|one| one.may(Right::SeePeople))
    }),
    entry("/audit", "audit-title", |person| person.is_some_and(|one| one.may(Right::SeeAudit))),
    entry("/docs", "frame-menu-docs", |person| person.is_none_or(Person::is_partner)),
    // Whoever works here finds them in the interface's pages and in each answer.
    entry("/problems", "frame-menu-problems", |person| person.is_none()),
];

/// Whether the operator's lists of applications are for this person.
fn is_reader(person: &Person) -> bool {
    person.is_operator() && person.may(Right::SeeApplications)
}
