//! Orders to what is connected, each behind a page that says what will happen and asks for the
//! reason.
//!
//! What surprises: there is no version in these forms. The name of a bind is of one session alone,
//! so that nobody ends the one that came after it; and a link that is told twice to be down is down.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{super::form::Form, Page, live};
use crate::http::error::{Fault, Problem};

/// Characters of a reason.
const REASON_MAX: usize = 200;

#[derive(Template)]
#[template(path = "live_order.html", config = "src/http/portal/askama.toml")]
struct Order<'p> {
    page: &'p Page,
    form: &'p Form,
    title: String,
    lead: String,
    path: String,
    button: &'static str,
}

pub(super) async fn ask_end(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    asked_end(page, &id, &Form::empty())
}

fn asked_end(page: Page, id: &str, form: &Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    live::may_order(page.app(), &person.signed)?;
    let card = page.app().gateway.bind_named(id)?;
    let title = page.t1("live-end", "name", &card.system_id);
    let lead = page.t1("live-end-lead", "partner", &card.partner_name);
    Ok(whole(page, form, (title, lead), format!("/live/binds/{id}/end"), "live-end-now"))
}

pub(super) async fn end(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/live")) };
    live::may_order(page.app(), &person.signed)?;
    let Some(reason) = reason(&page, &mut form) else { return asked_end(page, &id, &form) };
    let (app, signed) = (page.app().clone(), person.signed.clone());
    let work = async move { live::end_bind(&app, &signed, &id, &reason).await };
    page.app().finish(work).await??;
    Ok(page.done("/live", "live-notice-ended"))
}

pub(super) async fn ask_link(
    page: Page,
    Path((name, step)): Path<(String, String)>,
) -> Result<Response, Problem> {
    asked_link(page, &name, &step, &Form::empty())
}

fn asked_link(page: Page, name: &str, step: &str, form: &Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    live::may_order(page.app(), &person.signed)?;
    let link = page.app().gateway.link_named(name)?;
    let (title, lead, button) = if is_up(step)? {
        ("live-take-up", "live-take-up-lead", "live-take-up-now")
    } else {
        ("live-take-down", "live-take-down-lead", "live-take-down-now")
    };
    let (title, lead) = (page.t1(title, "name", &link.name), page.t(lead));
    let path = format!("/live/links/{}/{step}", super::encoded(name));
    Ok(whole(page, form, (title, lead), path, button))
}

pub(super) async fn order_link(
    page: Page,
    Path((name, step)): Path<(String, String)>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/live")) };
    live::may_order(page.app(), &person.signed)?;
    let is_wanted = is_up(&step)?;
    let Some(reason) = reason(&page, &mut form) else {
        return asked_link(page, &name, &step, &form);
    };
    let (app, signed) = (page.app().clone(), person.signed.clone());
    let work = async move { live::want_link(&app, &signed, &name, is_wanted, &reason).await };
    page.app().finish(work).await??;
    Ok(page.done("/live", "live-notice-ordered"))
}

fn is_up(step: &str) -> Result<bool, Problem> {
    match step {
        "up" => Ok(true),
        "down" => Ok(false),
        _ => Err(Fault::NotFound.into()),
    }
}

/// Why somebody orders it; none if the form is to be shown again.
fn reason(page: &Page, form: &mut Form) -> Option<String> {
    form.require(page, "reason", "live-wrong-reason");
    if form.text("reason").chars().nth(REASON_MAX).is_some() {
        form.wrong("reason", page.t("live-wrong-reason"));
    }
    form.is_right().then(|| form.text("reason").to_owned())
}

fn whole(
    page: Page,
    form: &Form,
    (title, lead): (String, String),
    path: String,
    button: &'static str,
) -> Response {
    let page = page.titled_as(title.clone()).under("/live", "live-title").with(form);
    page.show(&Order { page: &page, form, title, lead, path, button })
}
