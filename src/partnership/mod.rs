//! The verbs of the partnership: apply, decide, agree, let people in.
//!
//! Each verb checks the right of its caller, asks the nouns of `domain` whether the step is legal,
//! and is one transaction of the store with its audit row, its happening and its letters. Pages
//! and API call the same verb. What surprises: a foreign id is answered exactly as an unknown one.

mod applicant;
mod apply;
#[cfg(test)]
mod apply_tests;
mod decide;
#[cfg(test)]
mod decide_tests;
mod error;
mod flood;
mod rules;
mod wording;

pub use applicant::{ApplicationView, LaterSteps};
pub use apply::{Beginning, Begun, NewIdea, WholeApplication};
pub use decide::{Decided, StaffView};
pub use error::Error;
pub use rules::Rules;

use std::sync::Arc;

use crate::{clock::Clock, domain::seal::Seal, store::Store};

/// The verbs, cheap to clone.
#[derive(Clone)]
pub struct Partnership {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) seal: Seal,
    pub(crate) rules: Arc<Rules>,
    floods: Arc<flood::Floods>,
}

impl Partnership {
    pub fn new(store: Store, clock: Clock, seal: Seal) -> Self {
        Self { store, clock, seal, rules: Arc::default(), floods: Arc::default() }
    }

    /// The same with the operator's own deadlines, addresses and notices.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules: Arc::new(rules), ..self }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
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
}
