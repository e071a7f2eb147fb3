//! The five-minute world: a fake operator, a sample partner, subscribers that text, and the count
//! of what was lost or doubled between them.
//!
//! The peers speak SMPP over real sockets and know nothing of the gateway, so they serve three
//! masters: the demonstration, the tests and the load generators. They have no store: what they
//! saw is in memory and, if asked for, in a journal file of one JSON line per event.
//!
//! What surprises: the fake operator is stricter about loss than most real ones. A receipt or an
//! MO is sent again, with the same content, until it is acknowledged, over any number of binds.

pub mod esme;
pub mod fake_smsc;
pub mod journal;
pub mod sample_partner;
pub mod subscribers;
pub mod tally;
mod world;

pub use esme::Esme;
pub use fake_smsc::{FakeSmsc, Script};
pub use sample_partner::PartnerApp;
pub use tally::Tally;
pub use world::AGREEMENTS;

pub(crate) use world::{die_with_stdin, peer, run};
