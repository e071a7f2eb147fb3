//! Who is at the other end of a page, and what the menu offers to whom.
//!
//! It decides no right: verbs do. The menu only spares people ways that would end in a refusal.

use axum::http::HeaderMap;
use smol_str::SmolStr;

use super::cookies;
use crate::{domain::Caller, http::App};

/// The cookie of a session, without the prefix that `cookies` puts before it.
pub const SESSION: &str = "session";

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// What verbs are asked with.
    pub caller: Caller,
    pub name: SmolStr,
    /// One of the words of the glossary: `admin`, `developer`, `support` and so on.
    pub role: SmolStr,
    /// The partner's name; none for the operator's staff.
    pub partner: Option<SmolStr>,
}

impl Person {
    pub fn is_operator(&self) -> bool {
        self.partner.is_none()
    }

    pub fn is_partner(&self) -> bool {
        self.partner.is_some()
    }

    /// Whether the person has one of these roles.
    pub fn is(&self, roles: &[&str]) -> bool {
        roles.contains(&&*self.role)
    }
}

/// THE SEAM for accounts: whoever keeps sessions looks the cookie up here, and nowhere else.
///
/// The cookie's value is a secret: only its hash may be asked for in the store.
#[expect(clippy::unused_async, reason = "looking a session up will ask the store")]
pub async fn signed(app: &App, headers: &HeaderMap) -> Option<Person> {
    let _session = cookies::read(app, headers, SESSION)?;
    None
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
    entry("/docs", "frame-menu-docs", |_| true),
    entry("/problems", "frame-menu-problems", |_| true),
];
