//! `/complaints/rates`: how often services are complained of, and which should be suspended.
//!
//! What surprises: the figures are of the last full hour, when the gateway counted them; a month of
//! the ledger is too much for a page.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, explain};
use crate::{
    domain::{Right, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Tag, Tone},
            form::Form,
            list::{Ask, List},
            person::Person,
        },
    },
    store::{AlarmRow, in_ten_thousand},
};

#[derive(Template)]
#[template(path = "complaint_rates.html", config = "src/http/portal/askama.toml")]
struct Rates<'p> {
    page: &'p Page,
    form: &'p Form,
    list: List<'p>,
    partners: List<'p>,
    alarms: Vec<Alarm>,
    threshold: String,
    may_decide: bool,
}

/// A proposal as the page shows it.
struct Alarm {
    version: i64,
    title: String,
    figures: String,
    state: Tag,
    reason: String,
    is_open: bool,
    path: String,
    /// The name of its field: there may be several forms on the page.
    field: String,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &ask, &Form::empty()).await
}

async fn whole(page: Page, person: &Person, ask: &Ask, form: &Form) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let rates = verbs.complaint_rates(&person.signed).await?;
    let page = page.titled("complaints-rates").under("/complaints", "complaints-title").with(form);
    let list =
        List::new(&page, ask, "/complaints/rates", "complaints-rates", "complaints-no-rates")
            .column("complaints-service")
            .column("complaints-partner")
            .column("complaints-count")
            .column("complaints-charges")
            .column("complaints-rate")
            .with_csv()
            .rows(
                &rates.services,
                |row| row.service_id.to_string(),
                |row| {
                    let (complaints, charges) = (row.complaints, row.charges);
                    let is_too_often = verbs.is_too_often(complaints, charges);
                    let service = vec![Cell::text(&row.service)];
                    let partner = (row.partner_id, row.partner.as_str());
                    cells(&page, service, partner, (complaints, charges), is_too_often)
                },
            );
    if ask.is_csv() {
        return Ok(list.csv("complaint-rates"));
    }
    let partners =
        List::new(&page, ask, "/complaints/rates", "complaints-by-partner", "complaints-no-rates")
            .column("complaints-partner")
            .column("complaints-count")
            .column("complaints-charges")
            .column("complaints-rate")
            .rows(
                &rates.partners,
                |row| row.partner_id.to_string(),
                |row| {
                    let (complaints, charges) = (row.complaints, row.charges);
                    let is_too_often = verbs.is_too_often(complaints, charges);
                    let partner = (row.partner_id, row.partner.as_str());
                    cells(&page, Vec::new(), partner, (complaints, charges), is_too_often)
                },
            );
    let rules = verbs.complaint_rules();
    let threshold = page.t2(
        "complaints-threshold",
        ("from", page.number(rules.rate_from)),
        ("rate", page.number(rules.rate_max)),
    );
    let body = Rates {
        form,
        list,
        partners,
        alarms: rates.alarms.iter().map(|row| alarm(&page, row)).collect(),
        threshold,
        may_decide: person.may(Right::ApproveServices),
        page: &page,
    };
    Ok(page.show(&body))
}

/// A rate over the threshold stands out; that alone suspends nothing.
fn cells(
    page: &Page,
    mut cells: Vec<Cell>,
    (partner, name): (i64, &str),
    (complaints, charges): (i64, i64),
    is_too_often: bool,
) -> Vec<Cell> {
    let rate = page.number(in_ten_thousand(complaints, charges));
    cells.extend([
        Cell::link(format!("/partners/{partner}"), name),
        Cell::figure(page.number(complaints)),
        Cell::figure(page.number(charges)),
        if is_too_often { Cell::tag(Tone::Bad, rate) } else { Cell::figure(rate) },
    ]);
    cells
}

/// A proposal with its figures as they were when it was made.
fn alarm(page: &Page, row: &AlarmRow) -> Alarm {
    let tone = match row.state.as_str() {
        "proposed" => Tone::Warn,
        "confirmed" => Tone::Bad,
        _ => Tone::Calm,
    };
    let figures = page.t2(
        "complaints-alarm-figures",
        ("complaints", page.number(row.complaints)),
        ("charges", page.number(row.charges)),
    );
    Alarm {
        version: row.version,
        title: format!("{} ({})", row.service, row.partner),
        figures,
        state: Tag::new(tone, page.word("complaints-alarm-", &row.state)),
        reason: row.reason.clone(),
        is_open: row.is_open(),
        path: format!("/complaints/rates/{}", row.id),
        field: field(row.id),
    }
}

/// The field of words of one proposal.
fn field(id: i64) -> String {
    format!("words-{id}")
}

pub(super) async fn decide(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = "/complaints/rates";
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(path)) };
    let id = row_id(&id, "complaint_alarm")?;
    let at = (id, form.number("version").unwrap_or_default());
    let is_confirmed = form.text("step") == "confirm";
    let words = form.text(&field(id)).to_owned();
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.decide_alarm(&signed, at, (is_confirmed, &words)).await };
    match page.app().finish(work).await? {
        Ok(()) => Ok(page.done(path, "complaints-notice-done")),
        Err(error) => {
            // The verb knows one field of words, the page one for each proposal.
            let mut found = Form::empty();
            explain(&page, &mut found, error)?;
            for (_, message) in found.errors() {
                form.wrong(&field(id), message);
            }
            whole(page, &person, &Ask::default(), &form).await
        }
    }
}
