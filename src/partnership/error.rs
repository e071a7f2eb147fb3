//! What a verb of the partnership may answer instead of its result.

use std::sync::Arc;

use crate::{domain::Refusal, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no; the caller can act on it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store says no, or cannot say anything.
    #[error("{0}")]
    Store(Arc<store::Error>),
    /// The machine cannot do what it must: no randomness, a seal that does not open.
    #[error("{0}")]
    Broken(String),
}

impl From<Arc<store::Error>> for Error {
    fn from(error: Arc<store::Error>) -> Self {
        match error.as_ref() {
            store::Error::Full(_) => Self::Refused(Refusal::StoreFull),
            _ => Self::Store(error),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Arc::new(error).into()
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Broken(format!("no randomness: {error}"))
    }
}

impl From<crate::domain::seal::BrokenSeal> for Error {
    fn from(error: crate::domain::seal::BrokenSeal) -> Self {
        Self::Broken(error.to_string())
    }
}
