//! `/messages`: looking for messages, on a page and as CSV.
//!
//! What surprises: a page may be short and still not be the last one. A look ends after so many
//! entries and says how far it came; the way on is the same as to any next page.

use askama::Template;
use axum::response::Response;
use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{Page, message_id, state_tag};
use crate::{
    domain::{MessageState, Refusal, Right, ServiceId},
    http::{
        error::Problem,
        portal::{
            address::encoded,
            cell::{Cell, Time},
            field::Choice,
            list::{Ask, CSV_ROWS_MAX, List, ROWS},
            person::Person,
        },
    },
    partnership::number_pattern,
    store::{FoundMessage, FoundMessages, MessageFilter},
};

/// Looks that one file takes; each reads no more than a page does.
const LOOKS_MAX: usize = 40;
/// Rows that the store gives at once.
const LINES: usize = 1000;
/// Services that can be chosen from.
const SERVICES_MAX: usize = 200;
const DAY_US: i64 = 86_400_000_000;

#[derive(Template)]
#[template(path = "messages.html", config = "src/http/portal/askama.toml")]
struct Messages<'p> {
    page: &'p Page,
    list: List<'p>,
    /// To the form that has the same window handed over again.
    again_path: Option<String>,
    /// What could not be understood.
    wrong: Option<String>,
    /// The look ended here.
    looked_to: Option<Time>,
}

pub(super) async fn show(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let page = page.titled("messages-title");
    let (found, wrong) = match read(&page, &person, &ask) {
        Ok(wish) => (found(&page, &person, &ask, wish).await?, None),
        Err(wrong) => {
            // Whoever may not look at all learns that first.
            let nothing = MessageFilter { limit: 1, ..MessageFilter::default() };
            page.app().partnership.find_messages(&person.signed, &nothing).await?;
            (FoundMessages::default(), Some(page.t(wrong)))
        }
    };
    let list = List::new(&page, &ask, "/messages", "messages-title", "messages-empty")
        .search("q", "messages-q")
        .search("number", "messages-number")
        .moment("from", "messages-from")
        .moment("until", "messages-until")
        .filter("state", "messages-state", states(&page))
        .filter("direction", "messages-direction", directions(&page));
    let list = if person.is_operator() {
        list.search("partner", "messages-partner")
    } else {
        list.filter("service", "messages-service", services(&page, &person))
    };
    let list = columns(list, person.is_operator())
        .with_csv()
        .rows(&found.rows, |row| row.id.to_string(), |row| cells(&page, &person, row))
        .further(found.next.map(|next| next.to_string()));
    if ask.is_csv() {
        return Ok(list.csv("messages"));
    }
    let looked_to = found.looked_to.map(|at| page.time(at));
    let again_path = person.may(Right::RedeliverMessages).then(|| again_path(&ask));
    Ok(page.show(&Messages { page: &page, list, again_path, wrong, looked_to }))
}

/// What a replay can be narrowed by as well.
fn again_path(ask: &Ask) -> String {
    let names = ["from", "until", "service", "direction", "partner"];
    let asked = names.map(|name| format!("{name}={}", encoded(ask.get(name))));
    format!("/replays/new?{}", asked.join("&"))
}

/// What is looked for, or the key of what is wrong with it.
fn read(page: &Page, person: &Person, ask: &Ask) -> Result<MessageFilter, &'static str> {
    let state = match ask.get("state") {
        "" => None,
        word => Some(MessageState::parse(word).ok_or("messages-wrong-state")?),
    };
    let number = number_pattern(ask.get("number")).map_err(|_| "messages-wrong-number")?;
    let before = match ask.after() {
        None => None,
        Some(after) => Some(message_id(after).map_err(|_: Refusal| "messages-wrong-place")?),
    };
    Ok(MessageFilter {
        partner: ask.partner(page, person)?,
        service: ask.get("service").parse().ok().map(ServiceId),
        state,
        direction: match ask.get("direction") {
            known @ ("" | "mt" | "mo") => known.to_owned(),
            _ => return Err("messages-wrong-state"),
        },
        number,
        from: moment(ask.get("from"), 0)?,
        // A day ends with its last moment.
        until: moment(ask.get("until"), DAY_US)?,
        before,
        limit: ROWS,
    })
}

/// A moment of Warsaw as a browser or a person writes it; `whole_day` is added to a bare day.
pub(in crate::http::portal) fn moment(
    text: &str,
    whole_day: i64,
) -> Result<Option<i64>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = "messages-wrong-time";
    let warsaw = TimeZone::get("Europe/Warsaw").map_err(|_| wrong)?;
    let is_day = text.len() == 10;
    let at: DateTime = if is_day {
        text.parse::<Date>().map_err(|_| wrong)?.into()
    } else {
        text.parse().map_err(|_| wrong)?
    };
    let at = at.to_zoned(warsaw).map_err(|_| wrong)?.timestamp().as_microsecond();
    Ok(Some(if is_day { at.saturating_add(whole_day) } else { at }))
}

/// A name is looked for by itself; a file has more rows than the store gives at once.
async fn found(
    page: &Page,
    person: &Person,
    ask: &Ask,
    mut wish: MessageFilter,
) -> Result<FoundMessages, Problem> {
    let verbs = &page.app().partnership;
    let name = ask.get("q");
    if !name.is_empty() {
        let rows = verbs.messages_called(&person.signed, name).await?;
        return Ok(FoundMessages { rows, ..FoundMessages::default() });
    }
    if !ask.is_csv() {
        return Ok(verbs.find_messages(&person.signed, &wish).await?);
    }
    let mut all = FoundMessages::default();
    for _ in 0..LOOKS_MAX {
        wish.limit = (CSV_ROWS_MAX - all.rows.len()).min(LINES);
        let found = verbs.find_messages(&person.signed, &wish).await?;
        all.rows.extend(found.rows);
        wish.before = found.next;
        if found.next.is_none() || all.rows.len() >= CSV_ROWS_MAX {
            break;
        }
    }
    Ok(all)
}

fn states(page: &Page) -> Vec<Choice> {
    let text = |state: MessageState| {
        Choice::new(state.as_str(), page.word("messages-state-", state.as_str()))
    };
    MessageState::ALL.into_iter().map(text).collect()
}

fn directions(page: &Page) -> Vec<Choice> {
    ["mt", "mo"].map(|way| Choice::new(way, page.word("messages-way-", way))).into()
}

pub(in crate::http::portal) fn services(page: &Page, person: &Person) -> Vec<Choice> {
    let catalog = page.app().gateway.catalog();
    let mut own: Vec<_> = catalog
        .services()
        .filter(|service| Some(service.partner) == person.signed.partner)
        .map(|service| (service.name.clone(), service.id.0))
        .collect();
    own.sort();
    own.truncate(SERVICES_MAX);
    own.into_iter().map(|(name, id)| Choice::new(id.to_string(), name)).collect()
}

fn columns(list: List<'_>, is_staff: bool) -> List<'_> {
    let list = list
        .column("messages-message")
        .column("messages-at")
        .column("messages-direction")
        .column("messages-sender")
        .column("messages-recipient")
        .column("messages-service")
        .column("messages-state")
        .column("messages-price");
    if is_staff { list.column("messages-partner") } else { list }
}

fn cells(page: &Page, person: &Person, row: &FoundMessage) -> Vec<Cell> {
    let price = match (row.gross_minor, &row.currency) {
        (Some(minor), Some(currency)) => Cell::figure(page.money(minor, currency)),
        _ => Cell::Nothing,
    };
    let mut cells = vec![
        Cell::link(format!("/messages/{}", row.id), row.id.to_string()),
        page.exact(row.accepted_at).into(),
        Cell::text(page.word("messages-way-", &row.direction)),
        Cell::text(&row.sender),
        Cell::text(&row.recipient),
        row.service.as_ref().map_or(Cell::Nothing, Cell::text),
        state_tag(page, &row.state).into(),
        price,
    ];
    if person.is_operator() {
        cells.push(match (&row.partner, row.partner_id) {
            (Some(name), Some(id)) => Cell::link(format!("/partners/{id}"), name),
            _ => Cell::Nothing,
        });
    }
    cells
}
