//! `/faults/new`: first the area, with whom to call and what is known already; then the report.
//!
//! What surprises: without an area there is no form. Whoever reports sees the ways of exactly that
//! area (R4.34), and a known incident before anybody writes about it again.

use askama::Template;
use axum::response::Response;
use jiff::tz::TimeZone;

use super::{Page, area_text, explain, severity_choices};
use crate::{
    domain::{FaultArea, FaultItemKind, PartnerId, Refusal, Right, Severity},
    http::{
        error::Problem,
        portal::{address::encoded, field::Choice, form::Form, list::Ask, person::Person},
    },
    partnership::{FaultContact, FaultWish},
};

#[derive(Template)]
#[template(path = "fault_new.html", config = "src/http/portal/askama.toml")]
struct New<'p> {
    page: &'p Page,
    form: &'p Form,
    /// None: the area is still to be chosen.
    area: Option<(FaultArea, String)>,
    /// Word, text and what is named already, for the address.
    areas: Vec<(&'static str, String, String)>,
    contact: FaultContact,
    incidents: Vec<Known>,
    severities: Vec<Choice>,
    known: Vec<Choice>,
    is_staff: bool,
}

/// An incident that may be the very thing.
struct Known {
    path: String,
    title: String,
    follow: String,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let area = FaultArea::parse(ask.get("area"));
    let (messages, partner) = (ask.get("messages"), ask.get("partner"));
    let today = page.local_now();
    let form = Form::of([
        ("messages", messages.to_owned()),
        ("partner", partner.to_owned()),
        ("since_day", today.date().to_string()),
        ("since_time", format!("{:02}:{:02}", today.hour(), today.minute())),
        ("contact", person.name.to_string()),
    ]);
    whole(page, &person, &form, area).await
}

async fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    area: Option<FaultArea>,
) -> Result<Response, Problem> {
    if !person.may(Right::FileTickets) {
        return Err(Refusal::NotAllowed.into());
    }
    let verbs = page.app().partnership.clone();
    let language = page.language.tag();
    let open = verbs.incidents(&person.signed, true).await?;
    let open: Vec<_> =
        open.into_iter().filter(|row| area.is_none_or(|area| row.area == area)).collect();
    let page = page.titled("faults-new").under("/faults", "faults-title").with(form);
    let known = open.iter().map(|row| Known {
        path: format!("/incidents/{}", row.id),
        title: row.title(language).to_owned(),
        follow: format!("/incidents/{}/follow", row.id),
    });
    let belongs = open.iter().map(|row| Choice::new(row.id.to_string(), row.title(language)));
    let belongs = belongs.collect();
    let named = named(form);
    let area_of = |area: &FaultArea| (area.as_str(), area_text(&page, *area), named.clone());
    let areas = FaultArea::ALL.iter().map(area_of);
    let body = New {
        form,
        area: area.map(|area| (area, area_text(&page, area))),
        areas: areas.collect(),
        contact: area.map(|area| verbs.fault_contact(area)).unwrap_or_default(),
        incidents: known.collect(),
        severities: severity_choices(&page),
        known: belongs,
        is_staff: person.is_operator(),
        page: &page,
    };
    Ok(page.show(&body))
}

/// What the form has before an area is chosen, such as the message that somebody came from.
fn named(form: &Form) -> String {
    ["messages", "partner"]
        .into_iter()
        .filter(|name| !form.text(name).is_empty())
        .map(|name| format!("&{name}={}", encoded(form.text(name))))
        .collect()
}

pub(super) async fn send(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/faults/new")) };
    let area = FaultArea::parse(form.text("area"));
    let wish = read(&page, &person, &mut form);
    let Some(wish) = wish.filter(|_| form.is_right()) else {
        return whole(page, &person, &form, area).await;
    };
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    // To its end, even if the browser is closed in the middle.
    let work = async move { verbs.report_fault(&signed, &wish).await };
    match page.app().finish(work).await? {
        Ok(row) => Ok(page.done(&format!("/faults/{}", row.id), "faults-notice-reported")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, area).await
        }
    }
}

/// What was typed; none if the area or the severity is missing.
fn read(page: &Page, person: &Person, form: &mut Form) -> Option<FaultWish> {
    let severity = Severity::parse(form.text("severity"));
    if severity.is_none() {
        form.wrong("severity", page.t("faults-wrong-severity"));
    }
    form.require(page, "title", "faults-wrong-missing");
    form.require(page, "story", "faults-wrong-missing");
    let since_at = since(form);
    if since_at.is_none() {
        form.wrong("since_day", page.t("faults-wrong-since"));
    }
    let partner = partner(page, person, form);
    let mut items = Vec::new();
    for (field, kind) in [
        ("services", FaultItemKind::Service),
        ("numbers", FaultItemKind::Number),
        ("links", FaultItemKind::Link),
        ("messages", FaultItemKind::Message),
    ] {
        let text = form.text(field);
        let names = text.split([',', ';', ' ', '\n', '\r']).filter(|name| !name.is_empty());
        items.extend(names.map(|name| (kind, name.to_owned())));
    }
    Some(FaultWish {
        partner,
        area: FaultArea::parse(form.text("area"))?,
        severity: severity?,
        title: form.text("title").to_owned(),
        story: form.text("story").to_owned(),
        since_at: since_at?,
        contact: form.text("contact").to_owned(),
        items,
        incident: form.number("incident"),
    })
}

/// For whom staff files, by its name; its own if there is none.
fn partner(page: &Page, person: &Person, form: &mut Form) -> Option<PartnerId> {
    let name = form.text("partner").to_owned();
    if person.is_partner() || name.is_empty() {
        return None;
    }
    let catalog = page.app().gateway.catalog();
    let found = catalog.partner_named(&name).map(|partner| partner.id);
    if found.is_none() {
        form.wrong("partner", page.t1("faults-wrong-unknown", "name", &name));
    }
    found
}

/// A day and a time of Warsaw; without a time the day's beginning.
fn since(form: &Form) -> Option<i64> {
    let time = form.text("since_time");
    let time = if time.is_empty() { "00:00" } else { time };
    let time: jiff::civil::Time = time.parse().ok()?;
    let moment = form.date("since_day")?.to_datetime(time);
    let warsaw = TimeZone::get("Europe/Warsaw").ok()?;
    Some(moment.to_zoned(warsaw).ok()?.timestamp().as_microsecond())
}
