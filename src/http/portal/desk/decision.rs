//! `/applications/{id}/decision`: yes or no for each area, with a reason for each no.
//!
//! The surprise: nothing is decided while a criterion has no score, whether the answer is yes or
//! no (R4.08); the page says so at the area.

use askama::Template;
use axum::{extract::Path, response::Response};

use crate::{
    domain::{
        Right,
        application::{Area, DeclineReason, Declined, Verdict},
        row_id,
    },
    http::{
        error::Problem,
        portal::{
            apply::{
                spec::{Drawn, Kind, Spec, draw},
                wording,
            },
            field::Choice,
            form::Form,
            page::Page,
            person::Person,
        },
    },
    store::Extras,
};

#[derive(Template)]
#[template(path = "desk_decision.html", config = "src/http/portal/askama.toml")]
struct Decision<'p> {
    page: &'p Page,
    form: &'p Form,
    path: String,
    version: i64,
    fields: Vec<Drawn<'p>>,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    page.app().partnership.require(&person.signed, Right::DecideApplications)?;
    draw_page(page, &person, id, &Form::empty()).await
}

fn name(area: Area, field: &str) -> String {
    if field.is_empty() {
        format!("areas-{}", area.as_str())
    } else {
        format!("areas-{}-{field}", area.as_str())
    }
}

fn specs(page: &Page, area: Area) -> Vec<Spec> {
    let verdicts = vec![
        Choice::new("accepted", page.t("desk-accept")),
        Choice::new("declined", page.t("desk-decline")),
    ];
    let reasons = DeclineReason::ALL.iter().map(|reason| {
        let key = format!("{}{}", "apply-reason-", reason.as_str().replace('_', "-"));
        Choice::new(reason.as_str(), page.t(&key))
    });
    vec![
        Spec::new(Kind::Radios, name(area, ""), "desk-verdict")
            .of(verdicts)
            .under(wording::area(page, area.as_str())),
        Spec::new(Kind::Select, name(area, "reason"), "desk-reason")
            .of(reasons.collect())
            .optional(),
        Spec::new(Kind::Area, name(area, "text"), "desk-reason-text").optional(),
        Spec::new(Kind::Date, name(area, "reapply_on"), "desk-reapply-on").optional(),
        Spec::new(Kind::Text, name(area, "refer_to"), "desk-refer-to").optional(),
    ]
}

async fn draw_page(page: Page, person: &Person, id: i64, form: &Form) -> Result<Response, Problem> {
    let staff = page.app().partnership.application(&person.signed, id).await?;
    let row = &staff.view.row;
    let page = page
        .titled("desk-decide")
        .under("/applications", "desk-applications")
        .under_as(format!("/applications/{id}"), row.reference.clone())
        .with(form);
    let specs: Vec<Spec> =
        staff.view.areas.iter().flat_map(|judged| specs(&page, judged.area)).collect();
    // A form that was wrong keeps the version that its page was made from.
    let version = form.number("version").unwrap_or(row.version);
    let path = format!("/applications/{id}/decision");
    let fields = draw(&page, form, &specs);
    Ok(page.show(&Decision { page: &page, form, path, version, fields }))
}

pub(super) async fn send(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else {
        return Ok(Page::to_login_for(&format!("/applications/{id}/decision")));
    };
    let partnership = page.app().partnership.clone();
    let mut verdicts = Vec::new();
    for area in Area::ALL {
        match form.text(&name(*area, "")) {
            "accepted" => verdicts.push((*area, Verdict::Accepted)),
            "declined" => {
                if let Some(declined) = declined(&page, *area, &mut form) {
                    verdicts.push((*area, Verdict::Declined(declined)));
                }
            }
            _ => {}
        }
    }
    if form.is_right() {
        let at = (id, form.number("version").unwrap_or_default());
        let signed = person.signed.clone();
        let nothing = |_| Extras::default();
        // Whoever closes the browser now has decided all the same.
        let work = async move {
            partnership.decide_application(&signed, at, verdicts, &[], &nothing).await
        };
        match page.app().finish(work).await? {
            Ok(_) => return Ok(page.done(&format!("/applications/{id}"), "desk-notice-decided")),
            Err(error) => wording::take(&page, &mut form, error, field_id)?,
        }
    }
    draw_page(page, &person, id, &form).await
}

/// What was typed of a refusal; a mistake that only a page can have stands in the form.
fn declined(page: &Page, area: Area, form: &mut Form) -> Option<Declined> {
    let Some(reason) = DeclineReason::parse(form.text(&name(area, "reason"))) else {
        form.wrong(&name(area, "reason"), page.t("desk-reason-missing"));
        return None;
    };
    let date = name(area, "reapply_on");
    if !form.text(&date).is_empty() && form.date(&date).is_none() {
        form.wrong(&date, page.t("desk-reapply-wrong"));
    }
    let refer_to = form.text(&name(area, "refer_to"));
    Some(Declined {
        reason,
        text: form.text(&name(area, "text")).to_owned(),
        reapply_on: form.date(&date),
        refer_to: Some(refer_to.to_owned()).filter(|name| !name.is_empty()),
    })
}

/// Missing scores are said at the area: their own fields are on another page.
fn field_id(field: &str) -> String {
    let area = field.split_once(".scores").map_or(field, |(area, _)| area);
    wording::id(area)
}
