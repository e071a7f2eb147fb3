//! We are the ESME: dial the operator's SMSCs, send what waits, take what comes.
//!
//! Read `dial` for dialling and back-off, `session` for the loop of one session with its `pace`,
//! `sending`, `taking` and `ending`, `profile` for an operator's ways and `habits` for
//! what it really does, `read` and `write` for how
//! PDUs and messages become each other.
//!
//! What surprises: losing a session is ordinary, and the list of what it leaves unanswered is the
//! most important thing it says (P7).

mod dial;
mod ending;
mod habits;
mod pace;
pub(crate) mod profile;
mod read;
mod sending;
mod session;
mod taking;
mod write;

pub use dial::{Link, Links};
