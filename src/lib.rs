//! Bramka: a premium-SMS/WAP partner gateway. One library, one binary.
//!
//! The map, in reading order; each module opens with what it is for and what surprises in it.
//!
//! Pure, without I/O:
//!
//! * [`smpp`]: the protocol, both sides: PDUs to octets and back, and a session without a socket.
//! * [`payload`]: what is inside a short message: alphabets, headers, parts, WAP pushes.
//! * [`domain`]: the business in nouns, and every reason to say no.
//!
//! What every daemon has:
//!
//! * [`config`]: one TOML file; every mistake in it is reported at once, with its line.
//! * [`clock`]: the one place that asks what time it is.
//! * [`tasks`]: named tasks, the stop signal, the drain in phases, word to systemd.
//! * [`log`]: one line for each event, without texts, secrets and whole numbers of people.
//! * [`metrics`]: what the gateway says of itself in numbers; their names are a contract.
//! * [`listen`]: sockets that systemd gave, or that are bound before anything starts.
//! * [`tls`]: TLS for all edges; certificates change while it runs.
//!
//! The truth and the verbs:
//!
//! * [`store`]: all SQL; many changes share one commit.
//! * [`gateway`]: the verbs of traffic: take, promise, deliver, charge, account for.
//! * [`documents`]: agreements and letters as HTML and PDF, and what may be uploaded.
//! * [`partnership`]: the verbs of the partnership: apply, decide, agree, let people in.
//!
//! The edges:
//!
//! * [`smpp_server`]: partners bind to us.
//! * [`smsc_link`]: we bind to the operator's SMSCs.
//! * [`callback`]: messages and receipts to partners over signed HTTPS.
//! * [`mail`]: letters from the outbox to a mail server.
//! * [`http`]: the portal, the API, health and metrics.
//! * [`control`]: the host's own commands, over a local socket.
//!
//! What puts them together:
//!
//! * [`daemon`]: starts every part in order and stops it in order.
//! * [`demo`]: peers to try it with: an operator, a partner, subscribers.
//! * [`cli`]: every command of the one program.
//!
//! What holds everywhere (the first is enforced by a test that reads the imports):
//!
//! * Only the two SMPP edges, and the demo that plays their peers, know PDUs. Only `store` knows
//!   SQL; a violated constraint leaves it as a named conflict.
//! * Every write of a person carries who it was, and leaves an audit row in the same transaction.
//! * A partner's data is reached only through a caller that may see it; another partner's id is
//!   answered exactly as an unknown id.
//! * Every edge calls the same verb. A rule is written once.
//! * Nobody acknowledges before the commit returns. There is no code for recovery at start: lanes
//!   fill from the store.
//! * Everything has a limit: queues, buffers, fields and waits.
//! * Closed enums instead of traits of our own.

pub mod callback;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod documents;
pub mod domain;
pub mod gateway;
pub mod http;
pub mod listen;
pub mod log;
pub mod mail;
pub mod metrics;
pub mod partnership;
pub mod payload;
pub mod smpp;
pub mod smpp_server;
pub mod smsc_link;
pub mod store;
pub mod tasks;
pub mod tls;
#[cfg(test)]
#[expect(dead_code, reason = "tests of the library need Debian's packages only")]
#[path = "tests/tools.rs"]
mod tools;
#[cfg(test)]
mod units_tests;
