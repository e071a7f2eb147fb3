//! Stories: a real daemon, real sockets, and peers that know nothing of its insides. And the house
//! rules, which read the source tree.

#![expect(clippy::unwrap_used, reason = "a test may die of a surprise")]

mod biography;
mod browser;
mod complaints;
mod conformance_bind;
mod conformance_delivery;
mod conformance_limits;
mod conformance_link;
mod conformance_operations;
mod conformance_submit;
mod demo;
mod documents;
mod end_to_end;
mod faults;
mod interop;
mod kill;
mod laws;
mod link_content;
mod link_receipts;
mod load;
mod operate;
mod outage;
mod privacy;
mod process;
mod refusals;
mod sandbox;
mod services;
mod specifications;
mod standard_words;
mod tidy;
mod tls_grade;
mod tools;
mod traffic;
mod world;
