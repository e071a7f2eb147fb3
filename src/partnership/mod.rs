//! The verbs of the partnership: apply, decide, agree, let people in.
//!
//! Each verb checks the right of its caller, asks the nouns of `domain` whether the step is legal,
//! and is one transaction of the store with its audit row, its happening and its letters. Pages
//! and API call the same verb. What surprises: a foreign id is answered exactly as an unknown one.

mod clamd;
mod files;
#[cfg(test)]
mod files_tests;

pub use clamd::{ScanFault, Scanner};
pub use files::{FileFault, OpenFile};

use crate::{clock::Clock, domain::seal::Seal, store::Store};

/// The verbs, cheap to clone.
#[derive(Clone)]
pub struct Partnership {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) seal: Seal,
    scanner: Scanner,
}

impl Partnership {
    pub fn new(store: Store, clock: Clock, seal: Seal) -> Self {
        Self { store, clock, seal, scanner: Scanner::none() }
    }

    /// The same with a scanner of uploads.
    #[must_use]
    pub fn with_scanner(self, scanner: Scanner) -> Self {
        Self { scanner, ..self }
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
