//! The control socket: how the commands of one host speak with its daemon.
//!
//! HTTP with JSON over a Unix socket that only its owner and root may open; who calls is known
//! from the kernel, not from a password. It is no API for partners and no network door.
//!
//! What surprises: it serves while the store is away, because that is when an operator needs to
//! take links down and to look. An action whose audit row cannot be written is logged instead.

pub mod client;
mod routes;
mod server;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
pub mod who;

use std::path::{Path, PathBuf};

pub use client::{Client, ClientError};
pub use server::{Door, Extras, listen, serve};

/// Where the socket of a data folder is.
pub fn socket(data_folder: &Path) -> PathBuf {
    data_folder.join("control.sock")
}
