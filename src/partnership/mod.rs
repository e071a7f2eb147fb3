//! The verbs of the partnership: apply, decide, agree, let people in.
//!
//! Each verb checks the right of its caller, asks the nouns of `domain` whether the step is legal,
//! and is one transaction of the store with its audit row, its happening and its letters. Pages
//! and API call the same verb. What surprises: a foreign id is answered exactly as an unknown one.

mod agree;
mod agree_steps;
#[cfg(test)]
mod agree_tests;
mod error;
mod terms;
#[cfg(test)]
mod terms_tests;

pub use agree::{
    Checklist, Draft, NewAgreementOf, Rendered, ReturnedCopy, Stop, Swept,
};
pub use error::Error;
pub use terms::{Comparison, TermsDraft, TermsSwept};

use std::sync::Arc;

use crate::{
    clock::Clock,
    domain::{AgreementKinds, seal::Seal},
    store::Store,
};

/// The verbs, cheap to clone.
#[derive(Clone)]
pub struct Partnership {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) seal: Seal,
    pub(crate) kinds: Arc<AgreementKinds>,
}

impl Partnership {
    pub fn new(store: Store, clock: Clock, seal: Seal) -> Self {
        Self { store, clock, seal, kinds: AgreementKinds::shipped() }
    }

    /// With kinds of agreement that the operator wrote itself.
    #[must_use]
    pub fn with_agreement_kinds(self, kinds: Arc<AgreementKinds>) -> Self {
        Self { kinds, ..self }
    }

    /// Microseconds UTC.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub fn agreement_kinds(&self) -> &AgreementKinds {
        &self.kinds
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn seal(&self) -> &Seal {
        &self.seal
    }
}
