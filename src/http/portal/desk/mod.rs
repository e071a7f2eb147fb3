//! The operator's desk: applications in lists and one by one, files, and what is due.
//!
//! Pages only draw what verbs allow. What surprises: each form carries the version that its page
//! showed, so that of two people who decide at once the second is told to look again.

mod acts;
mod application;
mod decision;
pub(super) mod files;
mod home;
mod lists;

use axum::{
    Router,
    routing::{get, post},
};

use crate::http::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/desk", get(home::show))
        .route("/applications", get(lists::show))
        .route("/applications/{id}", get(application::show))
        .route("/applications/{id}/review", post(acts::take_up))
        .route("/applications/{id}/question", post(acts::ask))
        .route("/applications/{id}/score", post(acts::score))
        .route("/applications/{id}/comment", post(acts::comment))
        .route("/applications/{id}/reply", post(acts::answer_idea))
        .route("/applications/{id}/decision", get(decision::show).post(decision::send))
        .route("/files/{id}", get(files::download))
}
