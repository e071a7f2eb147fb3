//! Stories: a real daemon, real sockets, and peers that know nothing of its insides.
#![expect(clippy::unwrap_used, reason = "what helps a test may end it")]

mod complaints;
mod conformance_bind;
mod conformance_delivery;
mod conformance_link;
mod conformance_operations;
mod conformance_submit;
mod demo;
mod end_to_end;
mod faults;
mod interop;
mod kill;
mod link_content;
mod link_receipts;
mod world;
