//! The JSON API for partners' systems, version 1.
//!
//! It translates and calls a verb of the gateway; a rule of the business never stands here. The
//! surprise: requests are read field by field instead of by `serde`, because a developer wants
//! to hear of every wrong field at once.

mod acceptance;
pub mod access;
pub mod agreement_steps;
pub mod agreements;
mod application_shapes;
pub mod applications;
mod asked;
pub mod bank;
pub mod companies;
mod complaint_shapes;
pub mod complaints;
pub mod desk;
mod fault_shapes;
pub mod faults;
pub mod fields;
pub mod incidents;
pub mod live;
pub mod message_search;
pub mod messages;
pub mod new_message;
pub mod numbers;
mod once;
pub mod openapi;
mod order_shapes;
pub mod orders;
pub mod people;
pub mod replays;
pub mod reservations;
pub mod sandbox;
pub mod service_shapes;
pub mod services;
pub mod session;
mod shapes;
pub mod specifications;
pub mod terms;
mod terms_shapes;
pub mod ticket_work;
pub mod tmf;
pub mod tmf_hub;
pub mod tmf_orders;
mod tmf_shapes;
pub mod tmf_tickets;
pub mod traffic;
pub(crate) mod wap_push;
