#![doc = "map"]
pub mod callback;
pub mod clock;
pub mod domain;
pub mod gateway;
pub mod metrics;
pub mod payload;
pub mod store;
