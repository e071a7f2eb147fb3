//! `/traffic`: how much goes through each service, as charts, as tables below them, and as a file.
//!
//! What surprises: the last minute is always missing, and after a kill of the gateway up to one
//! more is. These are figures to look at; what is charged stands in the ledger.

use askama::Template;
use axum::response::Response;

use super::{
    cell::Cell,
    chart::{Chart, Series, StepName},
    format,
    list::{Ask, CSV_ROWS_MAX, List},
    page::Page,
    person::Person,
    texts::{self, Language, Value},
};
use crate::{
    domain::{Counted, PartnerId, ServiceId, TrafficCounts, TrafficStep},
    http::error::Problem,
    partnership::TrafficView,
    store::{ServiceTraffic, TrafficFilter},
};

/// Services that have a chart of their own on the page of all; the others have a link.
const CHARTS_MAX: usize = 5;
/// Services of the table.
const SERVICES_MAX: u32 = 200;

#[derive(Template)]
#[template(path = "traffic.html", config = "src/http/portal/askama.toml")]
struct Traffic<'p> {
    page: &'p Page,
    title: String,
    step: &'static str,
    /// Address, name, whether it is this one.
    steps: Vec<(String, String, bool)>,
    filter: Option<&'p str>,
    wrong: Option<String>,
    charts: Vec<Chart<'p>>,
    services: List<'p>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let (partner, wrong) = match ask.partner(&page, &person) {
        Ok(partner) => (partner, None),
        Err(key) => (Some(PartnerId(0)), Some(page.t(key))),
    };
    let step = TrafficStep::parse(ask.get("step")).unwrap_or(TrafficStep::Quarter);
    let wish = TrafficFilter {
        partner,
        service: ask.get("service").parse().ok().map(ServiceId),
        step,
        during: step.last(page.now),
        limit: SERVICES_MAX,
    };
    if ask.is_csv() {
        return file(&page, &ask, &person, &wish).await;
    }
    let verbs = page.app().partnership.clone();
    let view = verbs.traffic_figures(&person.signed, &wish).await?;
    let one = wish.service.and_then(|_| view.services.first());
    let title = one.map_or_else(|| page.t("traffic-title"), |service| service.name.to_string());
    let is_one = wish.service.is_some();
    let page = page.titled_as(title.clone());
    let page = if is_one { page.under("/traffic", "traffic-title") } else { page };
    let whole = if is_one { title.clone() } else { page.t("traffic-all") };
    let mut charts = vec![chart(&page, "all", &whole, &view, wish.step)];
    if !is_one && view.services.len() > 1 {
        for service in view.services.iter().take(CHARTS_MAX) {
            let own = TrafficFilter { service: Some(service.service), limit: 1, ..wish };
            let view = verbs.traffic_figures(&person.signed, &own).await?;
            let (id, name) = (format!("service-{}", service.service.0), name(&person, service));
            charts.push(chart(&page, &id, &name, &view, wish.step));
        }
    }
    let body = Traffic {
        title,
        step: step.as_str(),
        steps: steps(&page, &ask, step),
        filter: person.is_operator().then(|| ask.get("partner")),
        wrong,
        services: services(&page, &ask, &person, (&view, step)),
        charts,
        page: &page,
    };
    Ok(page.show(&body))
}

/// Two partners may have a service of the same name.
fn name(person: &Person, service: &ServiceTraffic) -> String {
    if person.is_operator() {
        format!("{} ({})", service.name, service.partner_name)
    } else {
        service.name.to_string()
    }
}

fn chart<'p>(
    page: &'p Page,
    id: &str,
    title: &str,
    view: &TrafficView,
    step: TrafficStep,
) -> Chart<'p> {
    let lines = Counted::ALL.map(|what| Series {
        name: page.word("traffic-", what.as_str()),
        class: what.as_str(),
        values: view.steps.iter().map(|(_, counts)| counts.of(what)).collect(),
    });
    let steps = view.steps.iter().map(|(at, _)| step_name(page, step, *at)).collect();
    Chart::new(page, id, title)
        .saying(summary(page, view.total))
        .axes(page.word("traffic-unit-", step.as_str()), page.word("traffic-time-", step.as_str()))
        .lines(steps, lines.into())
}

fn step_name(page: &Page, step: TrafficStep, at: i64) -> StepName {
    let local = format::in_warsaw(at);
    match (step, page.language) {
        (TrafficStep::Day, language) => {
            let short = if language == Language::English { "%-d %b" } else { "%-d.%m" };
            StepName { short: local.strftime(short).to_string(), whole: format::day(language, at) }
        }
        (_, language) => StepName {
            short: local.strftime("%H:%M").to_string(),
            whole: format::moment(language, at),
        },
    }
}

/// What the chart says, for whoever hears it.
fn summary(page: &Page, total: TrafficCounts) -> String {
    let values = Counted::ALL.map(|what| (what.as_str(), Value::text(page.number(total.of(what)))));
    texts::t(page.language, "traffic-summary", &values)
}

/// The times that can be looked at: each is as fine as its length wants.
fn steps(page: &Page, ask: &Ask, here: TrafficStep) -> Vec<(String, String, bool)> {
    let link = |step: TrafficStep| {
        let href = format!("/traffic{}", ask.with(&[("step", step.as_str())]));
        (href, page.word("traffic-last-", step.as_str()), step == here)
    };
    TrafficStep::ALL.map(link).into()
}

fn services<'p>(
    page: &'p Page,
    ask: &'p Ask,
    person: &Person,
    (view, step): (&TrafficView, TrafficStep),
) -> List<'p> {
    let list = List::new(page, ask, "/traffic", "traffic-services", "traffic-none");
    let list = columns(list.column("traffic-service"), person).with_csv();
    list.rows(
        &view.services,
        |row| row.service.0.to_string(),
        |row| {
            let href = format!("/traffic?step={}&service={}", step.as_str(), row.service.0);
            let mut cells = vec![Cell::link(href, row.name.as_str())];
            if person.is_operator() {
                let path = format!("/partners/{}", row.partner.0);
                cells.push(Cell::link(path, row.partner_name.as_str()));
            }
            cells.extend(Counted::ALL.map(|what| Cell::figure(page.number(row.counts.of(what)))));
            cells
        },
    )
}

fn columns<'p>(list: List<'p>, person: &Person) -> List<'p> {
    let list = if person.is_operator() { list.column("traffic-partner") } else { list };
    Counted::ALL.iter().fold(list, |list, what| {
        list.column(match what {
            Counted::Taken => "traffic-taken",
            Counted::Accepted => "traffic-accepted",
            Counted::Delivered => "traffic-delivered",
            Counted::Failed => "traffic-failed",
            Counted::Refused => "traffic-refused",
        })
    })
}

/// Every figure by time and service; a spreadsheet wants plain digits.
async fn file(
    page: &Page,
    ask: &Ask,
    person: &Person,
    wish: &TrafficFilter,
) -> Result<Response, Problem> {
    let limit = u32::try_from(CSV_ROWS_MAX).unwrap_or(u32::MAX);
    let wish = TrafficFilter { limit, ..*wish };
    let lines = page.app().partnership.traffic_lines(&person.signed, &wish).await?;
    let list = List::new(page, ask, "/traffic", "traffic-title", "traffic-none");
    let list = columns(list.column("traffic-begin").column("traffic-service"), person);
    let list = list.rows(
        &lines,
        |(at, _)| at.to_string(),
        |(at, row)| {
            let mut cells = vec![page.time(*at).into(), Cell::text(row.name.as_str())];
            if person.is_operator() {
                cells.push(Cell::text(row.partner_name.as_str()));
            }
            cells.extend(Counted::ALL.map(|what| Cell::text(row.counts.of(what).to_string())));
            cells
        },
    );
    Ok(list.csv("traffic"))
}
