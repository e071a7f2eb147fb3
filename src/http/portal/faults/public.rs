//! `/incidents/public`: what is broken, for anybody without an account.
//!
//! What surprises: nothing of who is concerned stands here, and an incident that staff did not make
//! public is not even counted.

use askama::Template;
use axum::response::Response;

use super::{
    Page, area_text,
    incidents::{tag, told},
};
use crate::http::{
    error::Problem,
    portal::cell::{Tag, Time},
};

#[derive(Template)]
#[template(path = "incidents_public.html", config = "src/http/portal/askama.toml")]
struct Public<'p> {
    page: &'p Page,
    incidents: Vec<Shown>,
}

struct Shown {
    title: String,
    state: Tag,
    area: String,
    began: Time,
    news: Vec<(Time, String)>,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    let found = page.app().partnership.public_incidents().await?;
    let page = page.titled("faults-public");
    let shown = found.iter().map(|(row, news)| Shown {
        title: row.title(page.language.tag()).to_owned(),
        state: tag(&page, row),
        area: area_text(&page, row.area),
        began: page.time(row.began_at),
        news: told(&page, news),
    });
    Ok(page.show(&Public { page: &page, incidents: shown.collect() }))
}
