//! The protocol: SMPP 3.3, 3.4 and 5.0, both sides. Pure but for `connection`, which is the one
//! place that touches a socket. Knows nothing of partners, prices or the store.
//!
//! Read `values` and `pdu` for the nouns, `codec` for octets, `session` for who may say what when.
//!
//! What surprises: requests are judged, answers are not. A field that is wrong in a request is the
//! sender's mistake and gets that field's status; a response is read as far as it goes, because a
//! strict reader would end sessions that work.

pub mod codec;
#[cfg(test)]
mod codec_properties;
#[cfg(test)]
mod codec_tests;
pub mod connection;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod oracle_tests;
pub mod pdu;
pub mod receipt;
pub mod session;
pub mod time;
pub mod tlv;
pub mod trace;
pub mod values;
#[cfg(test)]
mod vectors;

pub use connection::{Connection, ConnectionLimits, Step};
pub use pdu::{Address, Command, Pdu, ShortMessage};
pub use session::{Action, Limits, Reason, Role, Session, State};
pub use tlv::{Tlvs, tag};
pub use values::{BindKind, CommandId, CommandStatus, Version};
