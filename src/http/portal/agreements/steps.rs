//! Forms of an agreement's page, each one step of it.

use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{Page, Reader, show};
use crate::{
    domain::{ReplyItem, ReturnWay, Right, row_id},
    http::{
        error::{Fault, Problem},
        portal::form::Form,
    },
    partnership::{AgreementStep, HandedCopy},
};

/// The way back leads to the agreement: what a form is sent to is no page.
fn log_in(id: &str) -> Response {
    Page::to_login_for(&format!("/agreements/{id}"))
}

/// A signed copy comes back.
pub(super) async fn hand_in(
    page: Page,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(&page, &headers).await? else { return Ok(log_in(&id)) };
    let at = (row_id(&id, "agreement")?, form.number("version").unwrap_or_default());
    // Before the form is judged: who may not hand in learns nothing of what the form lacks.
    if let Some(person) = &reader.person {
        let is_staff = person.is_operator();
        let right = if is_staff { Right::SendAgreements } else { Right::SignAgreements };
        page.app().partnership.require(&person.signed, right)?;
    }
    // 422 with the page: what was typed is kept, the file must be chosen again.
    let Some(way) = checked(&page, &mut form, true) else {
        return show::whole(page, &reader, at.0, &form).await;
    };
    let partnership = page.app().partnership.clone();
    let copy = copy(&form, way);
    match &reader.person {
        Some(person) => partnership.hand_in(&person.signed, at, &copy).await?,
        None => partnership.hand_in_by(&reader.by, at, &copy).await?,
    };
    Ok(page.done(&format!("/agreements/{}", at.0), "agreements-notice-handed-in"))
}

/// The operator signs.
pub(super) async fn countersign(
    page: Page,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(&page, &headers).await? else { return Ok(log_in(&id)) };
    let Some(person) = &reader.person else { return Ok(log_in(&id)) };
    let at = (row_id(&id, "agreement")?, form.number("version").unwrap_or_default());
    // Before the form is judged: who may not sign learns nothing of what the form lacks.
    page.app().partnership.require(&person.signed, Right::CountersignAgreements)?;
    let Some(way) = checked(&page, &mut form, false) else {
        return show::whole(page, &reader, at.0, &form).await;
    };
    page.app().partnership.countersign(&person.signed, at, &copy(&form, way)).await?;
    Ok(page.done(&format!("/agreements/{}", at.0), "agreements-notice-in-force"))
}

/// Everything that takes a reason at most.
pub(super) async fn step(
    page: Page,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(&page, &headers).await? else { return Ok(log_in(&id)) };
    let at = (row_id(&id, "agreement")?, form.number("version").unwrap_or_default());
    let name = form.text("step").to_owned();
    if matches!(&*name, "reject" | "decline" | "suspend" | "terminate") {
        form.require(&page, "reason", "agreements-reason-missing");
        if !form.is_right() {
            return show::whole(page, &reader, at.0, &form).await;
        }
    }
    let partnership = page.app().partnership.clone();
    let reason = form.text("reason").replace("\r\n", "\n");
    let step = match &*name {
        "render" => AgreementStep::Render,
        "send" => AgreementStep::Send,
        "reject" => AgreementStep::RejectCopy(&reason),
        "decline" => AgreementStep::Decline(&reason),
        "suspend" => AgreementStep::Suspend(&reason),
        "resume" => AgreementStep::Resume,
        "terminate" => AgreementStep::Terminate(&reason),
        "tick" => {
            let item = ReplyItem::parse(form.text("item"));
            AgreementStep::Tick(item.ok_or_else(|| Fault::BadRequest.says("no such item"))?)
        }
        _ => return Err(Fault::BadRequest.says("no such step")),
    };
    match (&reader.person, step) {
        (Some(person), step) => partnership.take_step(&person.signed, at, step).await?,
        (None, AgreementStep::Decline(reason)) => {
            partnership.decline_agreement(&reader.by, at.0, at.1, reason).await?
        }
        (None, _) => return Ok(log_in(&id)),
    };
    Ok(page.done(&format!("/agreements/{}", at.0), "agreements-notice-done"))
}

/// The way of a copy, once the form is right.
fn checked(page: &Page, form: &mut Form, needs_file: bool) -> Option<ReturnWay> {
    let way = ReturnWay::parse(form.text("way"));
    if way.is_none() {
        form.wrong("way", page.t("agreements-way-missing"));
    }
    form.require(page, "signed_by", "agreements-signed-by-missing");
    if needs_file && way != Some(ReturnWay::Paper) {
        form.require(page, "file", "agreements-file-missing");
    }
    way.filter(|_| form.is_right())
}

fn copy(form: &Form, way: ReturnWay) -> HandedCopy<'_> {
    let file = form.file("file").map(|file| (&*file.name, &*file.octets));
    HandedCopy { way, signed_by: form.text("signed_by"), file }
}
