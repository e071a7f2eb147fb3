//! Bramka: a premium-SMS/WAP partner gateway. One library, one binary.
pub mod callback;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod domain;
pub mod gateway;
pub mod http;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod payload;
pub mod smpp;
pub mod smpp_server;
pub mod smsc_link;
pub mod store;
pub mod tasks;
pub mod tls;
#[cfg(test)]
mod units_tests;
