//! A secret on the answer to the form that made it, and nowhere else.

use askama::Template;

use super::{cell::Time, page::Page};

/// The page of a secret that nobody can show again.
#[derive(Template)]
#[template(path = "secret.html", config = "src/http/portal/askama.toml")]
pub(super) struct SecretPage<'p> {
    pub(super) page: &'p Page,
    pub(super) title: String,
    /// What it is the secret of: what that is called, and its name.
    pub(super) of: Option<(String, &'p str)>,
    /// What the secret is called.
    pub(super) label: String,
    pub(super) secret: &'p str,
    pub(super) ends: Option<Time>,
    /// Where the reader goes once it is kept.
    pub(super) back: &'p str,
}
