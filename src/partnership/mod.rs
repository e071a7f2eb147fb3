//! The verbs of the partnership: apply, decide, agree, let people in.
//!
//! Each verb checks the right of its caller, asks the nouns of `domain` whether the step is legal,
//! and is one transaction of the store with its audit row, its happening and its letters. Pages
//! and API call the same verb. What surprises: a foreign id is answered exactly as an unknown one.

mod access;
mod accounts;
#[cfg(test)]
mod accounts_tests;
mod error;
mod factor;
mod guard;
mod links;
mod log_in;
mod passwords;
mod session;

pub use access::{CredentialWish, NewSecret};
pub use accounts::{Invited, NewPerson, PersonChange};
pub use error::Error;
pub use factor::Enrolment;
#[cfg(test)]
pub(crate) use factor::code_of;
pub use links::InvitationView;
pub use log_in::{Enrolled, LogIn, SignedIn, Visitor};
pub use session::{Enrolling, Signed};

use std::sync::Arc;

use crate::{clock::Clock, config, domain::seal::Seal, store::Store};

/// The verbs, cheap to clone.
#[derive(Clone)]
pub struct Partnership {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) seal: Seal,
    pub(crate) portal: Arc<config::Portal>,
    passwords: passwords::Passwords,
    guard: Arc<guard::Guard>,
}

impl Partnership {
    pub fn new(store: Store, clock: Clock, seal: Seal) -> Self {
        Self {
            store,
            clock,
            seal,
            portal: Arc::default(),
            passwords: passwords::Passwords::new(),
            guard: Arc::default(),
        }
    }

    /// The same with the portal's own settings.
    #[must_use]
    pub fn with_portal(self, portal: config::Portal) -> Self {
        Self { portal: Arc::new(portal), ..self }
    }

    /// The same with hashes that cost nothing, for tests of other things.
    #[cfg(test)]
    pub(crate) fn with_quick_passwords(self) -> Self {
        Self { passwords: passwords::Passwords::quick(), ..self }
    }

    /// Microseconds UTC.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    pub fn portal(&self) -> &config::Portal {
        &self.portal
    }
}

pub(crate) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
