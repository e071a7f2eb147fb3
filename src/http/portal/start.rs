//! `/`: what this is and where to go, for somebody who was never here.

use askama::Template;
use axum::response::Response;

use super::page::Page;

#[derive(Template)]
#[template(path = "start.html", config = "src/http/portal/askama.toml")]
struct Start<'p> {
    page: &'p Page,
}

pub(super) async fn show(page: Page) -> Response {
    page.show(&Start { page: &page })
}
