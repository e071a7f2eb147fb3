//! The portal: pages for people, rendered on the server, in Polish and English, without any
//! outside resource; JavaScript makes them nicer and is never needed.
//!
//! # A page in six lines
//!
//! ```text
//! #[derive(Template)]
//! #[template(path = "offer.html", config = "src/http/portal/askama.toml")]
//! struct Offer<'p> { page: &'p Page, form: &'p Form }
//!
//! pub(super) async fn show(page: Page) -> Response {
//!     let (page, form) = (page.titled("offer-title").under("/offers", "offers-title"), Form::empty());
//!     page.show(&Offer { page: &page, form: &form })
//! }
//! ```
//!
//! and `.route("/offers/new", get(offer::show).post(offer::create))` in [`routes`], a line in
//! `person::MENU`, texts in `texts/en/offer.ftl` and `texts/pl/offer.ftl` with their area named in
//! `texts::areas!`. A template is only the body: the layout comes around it. In it:
//!
//! ```html
//! <h1>{{ page.t("offer-title") }}</h1>
//! {{ page.error_summary(form) }}
//! {{ page.form_start("/offers/new") }}            (form_start_files for one with files)
//! {{ page.input(form, "name", "offer-name").width("many") }}
//! {{ page.area(form, "text", "offer-text") }} {{ page.date(..) }} {{ page.sum(..) }}
//! {{ page.select(form, "kind", "offer-kind", kinds) }} {{ page.radios(..) }} {{ page.checkboxes(..) }}
//! {{ page.tick(form, "agreed", "offer-agreed") }} {{ page.upload(form, "file", "offer-file") }}
//! <div class="buttons"><button>{{ page.t("offer-send") }}</button></div></form>
//! ```
//!
//! A field's key is its label; the attribute `.hint` of the key is its hint. The other end:
//!
//! ```text
//! pub(super) async fn create(page: Page, mut form: Form) -> Response {
//!     form.require(&page, "name", "offer-name-missing");
//!     if !form.is_right() { return show_form(page.with(&form), &form) }   // 422, "Error: ..."
//!     page.done("/offers", "offer-notice-created")                        // 303, notice there
//! }
//! ```
//!
//! A page for people who are logged in begins with
//! `let Some(person) = &page.person else { return page.to_login() };`.
//! The token of a form is checked before the handler runs ([`guard`]); a handler of POST takes
//! `Form`, never a body. Values: `page.t1(key, name, value)`, `page.count(key, n)`,
//! `page.time(us)`, `page.day(us)`, `page.left(us)`, `page.money(minor, "PLN")`; parts:
//! [`cell::Tag`], [`cell::Summary`], [`list::List`], [`timeline::Timeline`],
//! [`timeline::TaskList`], [`timeline::Parcel`]. `/gallery` shows all of them in debug builds.
//!
//! The surprise: no `style="..."` and no inline script works anywhere, the content policy
//! forbids both (S-50).

mod accounts;
pub mod address;
mod agreements;
mod apply;
pub mod assets;
mod audit;
mod bank;
pub mod cell;
pub mod chart;
mod complaints;
pub mod cookies;
mod desk;
pub mod failure;
mod faults;
pub mod field;
pub mod form;
pub mod format;
#[cfg(debug_assertions)]
mod gallery;
pub mod guard;
pub mod letters;
pub mod list;
mod live;
mod messages;
mod numbers;
mod orders;
pub mod page;
pub mod person;
pub mod preferences;
mod reference;
mod replays;
mod sandbox;
mod secret;
mod services;
mod specifications;
mod start;
pub mod texts;
pub mod timeline;
mod traffic;
mod view_as;

use axum::{Router, middleware, routing::get};

use super::App;

/// Every page, behind the guard.
pub(super) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(start::show))
        .merge(reference::routes())
        .route("/audit", get(audit::show))
        .route("/preferences", get(preferences::prefer))
        .merge(accounts::routes())
        .merge(apply::routes())
        .merge(desk::routes())
        .merge(gallery())
        .merge(agreements::routes())
        .merge(bank::routes())
        .merge(view_as::routes())
        .merge(numbers::routes())
        .merge(services::routes())
        .merge(orders::routes())
        .merge(specifications::routes())
        .merge(faults::routes())
        .merge(complaints::routes())
        .merge(letters::routes())
        .merge(messages::routes())
        .merge(replays::routes())
        .merge(live::routes())
        .route("/traffic", get(traffic::show))
        .merge(sandbox::routes())
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
}

/// What every page is drawn with.
pub(super) fn files() -> Router<App> {
    Router::new().route("/static/{name}", get(assets::serve))
}

#[cfg(debug_assertions)]
fn gallery() -> Router<App> {
    Router::new().route("/gallery", get(gallery::show).post(gallery::send))
}

/// A release has no page of samples.
#[cfg(not(debug_assertions))]
fn gallery() -> Router<App> {
    Router::new()
}
