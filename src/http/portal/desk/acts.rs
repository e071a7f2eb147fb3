//! What the desk does with an application: take up, ask, score, remark, answer an idea.
//!
//! Each is one form of the application's page and one verb. The surprise: the scores of an area
//! come together and are saved one after the other, each with the version that the one before
//! made, because the audit trail wants each by itself.

use axum::{extract::Path, response::Response};

use super::application::{again, score_name};
use crate::{
    domain::{
        Refusal, Right,
        application::{Area, Criterion},
        row_id,
    },
    http::{
        error::Problem,
        portal::{apply::wording, form::Form, page::Page, person::Person},
    },
    partnership::Error,
};

fn at(id: i64, form: &Form) -> (i64, i64) {
    (id, form.number("version").unwrap_or_default())
}

/// The way back leads to the application: what a form is sent to is no page.
fn log_in(id: i64) -> Response {
    Page::to_login_for(&format!("/applications/{id}"))
}

/// The application's page with a notice, or with what is wrong.
async fn finish<T>(
    page: Page,
    person: &Person,
    id: i64,
    mut form: Form,
    (done, notice): (Result<T, Error>, &str),
) -> Result<Response, Problem> {
    match done {
        Ok(_) => Ok(page.done(&format!("/applications/{id}"), notice)),
        Err(error) => {
            wording::take(&page, &mut form, error, wording::id)?;
            again(page, person, id, &form).await
        }
    }
}

pub(super) async fn take_up(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(log_in(id)) };
    let done = page.app().partnership.take_up(&person.signed, at(id, &form)).await;
    finish(page, &person, id, form, (done, "desk-notice-taken-up")).await
}

pub(super) async fn ask(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(log_in(id)) };
    let partnership = page.app().partnership.clone();
    let question = form.text("question");
    let done = partnership.ask_applicant(&person.signed, at(id, &form), question).await;
    finish(page, &person, id, form, (done, "desk-notice-asked")).await
}

pub(super) async fn comment(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(log_in(id)) };
    let partnership = page.app().partnership.clone();
    let text = form.text("comment");
    let done = partnership.comment_on_application(&person.signed, at(id, &form), text).await;
    finish(page, &person, id, form, (done, "desk-notice-commented")).await
}

pub(super) async fn answer_idea(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(log_in(id)) };
    let partnership = page.app().partnership.clone();
    let answer = form.text("answer");
    let done = partnership.answer_idea(&person.signed, at(id, &form), answer).await;
    finish(page, &person, id, form, (done, "desk-notice-answered")).await
}

pub(super) async fn score(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(log_in(id)) };
    let partnership = page.app().partnership.clone();
    // Where no score is new no verb is asked, and so the right is asked for here.
    partnership.require(&person.signed, Right::ReviewApplications)?;
    let area = Area::parse(form.text("area")).ok_or(Refusal::UnknownId("area"))?;
    let staff = partnership.application(&person.signed, id).await?;
    let kept = staff.view.areas.iter().find(|judged| judged.area == area);
    let (_, mut version) = at(id, &form);
    let mut done = Ok(version);
    for criterion in Criterion::ALL {
        let Some(score) = form.number(&score_name(area.as_str(), *criterion)) else { continue };
        let score = u8::try_from(score).unwrap_or(u8::MAX);
        if kept.is_some_and(|kept| kept.scores.of(*criterion) == Some(score)) {
            continue;
        }
        let what = (area, *criterion, score);
        done = partnership.score_application(&person.signed, (id, version), what).await;
        match &done {
            Ok(next) => version = *next,
            Err(_) => break,
        }
    }
    finish(page, &person, id, form, (done, "desk-notice-scored")).await
}
