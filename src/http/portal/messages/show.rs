//! `/messages/{id}`: one message from its acceptance to its last step, what that means, and what
//! can be done.
//!
//! What surprises: it looks again by itself while the message is on its way, and only then; what is
//! final is read once. A shown number stays out of that, because each look at one is on record.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, message_id, state_tag};
use crate::{
    domain::{Mode, Right},
    http::{
        error::Problem,
        portal::{
            address::encoded,
            cell::{Cell, Summary, Tag, Time, Tone},
            person::Person,
            timeline::doer,
        },
    },
    partnership::{AsPdu, MessageView},
    payload::preview,
};

#[derive(Template)]
#[template(path = "message.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    title: String,
    path: String,
    state: Tag,
    /// What happened, and what is to do.
    story: String,
    advice: String,
    /// It is on its way, and the page looks again.
    is_live: bool,
    summary: Summary,
    /// The text, for whoever may see it and asked.
    text: Option<String>,
    steps: Vec<StepRow>,
    /// For the staff: links and what was said.
    has_details: bool,
    tries: Vec<TryRow>,
    charges: Vec<(String, String)>,
    /// Command and fields.
    pdu: (String, Summary),
    reveal_path: Option<String>,
    redeliver_path: Option<String>,
    fault_path: Option<String>,
}

/// One step of the timeline.
struct StepRow {
    at: Time,
    /// Since the step before.
    after: String,
    what: String,
    attempt: i64,
    who: String,
    link: String,
    detail: String,
}

struct TryRow {
    at: Time,
    attempt: i64,
    outcome: String,
    took: String,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = message_id(&id)?;
    let view = page.app().partnership.message_view(&person.signed, id).await?;
    Ok(whole(page, &person, &view))
}

/// The page of a view, closed or open.
pub(super) fn whole(page: Page, person: &Person, view: &MessageView) -> Response {
    let line = &view.line;
    let title = page.t1("messages-one", "id", line.id);
    let page = page.titled_as(title.clone()).under("/messages", "messages-title");
    let is_shown = view.is_open || view.body.is_some();
    let may_see = person.may(Right::SeeFullNumbers) || person.may(Right::SeeTexts);
    let may_reveal = !is_shown && may_see && !person.is_viewing();
    let may_redeliver = view.is_handed && person.may(Right::RedeliverMessages);
    let story = view.story.as_str();
    let body = One {
        title,
        path: format!("/messages/{}", line.id),
        state: state_tag(&page, view.state.as_str()),
        story: page.word("messages-what-", story),
        advice: page.word("messages-todo-", story),
        is_live: !view.state.is_final() && !is_shown,
        summary: summary(&page, person, view),
        text: view
            .body
            .as_ref()
            .map(|body| preview::full(&body.octets, body.data_coding, body.has_udh)),
        steps: steps(&page, view),
        has_details: person.is_operator(),
        tries: tries(&page, view),
        charges: charges(&page, view),
        pdu: (page.t1("messages-pdu", "command", view.pdu.command), fields(&page, &view.pdu)),
        reveal_path: may_reveal.then(|| format!("/messages/{}/reveal", line.id)),
        redeliver_path: may_redeliver.then(|| format!("/messages/{}/redeliver", line.id)),
        fault_path: person.may(Right::FileTickets).then(|| fault_path(person, view)),
        page: &page,
    };
    page.show(&body)
}

fn fault_path(person: &Person, view: &MessageView) -> String {
    let id = view.line.id;
    match &view.partner {
        Some(name) if person.is_operator() => {
            format!("/faults/new?messages={id}&partner={}", encoded(name))
        }
        _ => format!("/faults/new?messages={id}"),
    }
}

fn summary(page: &Page, person: &Person, view: &MessageView) -> Summary {
    let line = &view.line;
    let text = |key: &str| page.t(key);
    let mut summary = Summary::new()
        .row(text("messages-direction"), Cell::text(page.word("messages-way-", &line.direction)))
        .row(text("messages-sender"), Cell::code(&line.sender))
        .row(text("messages-recipient"), Cell::code(&line.recipient));
    if Mode::of(&line.link_group) == Mode::Test {
        summary = summary.row(text("messages-mode"), Tag::new(Tone::Calm, text("messages-test")));
    }
    if let (Some(name), true) = (&view.partner, person.is_operator()) {
        let path = format!("/partners/{}", line.partner_id.unwrap_or_default());
        summary = summary.row(text("messages-partner"), Cell::link(path, name));
    }
    if let Some(name) = &view.service {
        let cell = match view.described {
            Some((offering, _)) if person.may(Right::SeeServices) => {
                Cell::link(format!("/services/{offering}"), name)
            }
            _ => Cell::text(name),
        };
        summary = summary.row(text("messages-service"), cell);
    }
    if let Some(version) = line.service_version {
        let version = match view.described {
            Some((_, Some(number))) => {
                page.t2("messages-version-described", ("version", version), ("number", number))
            }
            _ => version.to_string(),
        };
        summary = summary.row(text("messages-version"), Cell::text(version));
    }
    if line.direction == "mo" {
        summary = summary.row(text("messages-rule"), Cell::text(rule(page, view)));
    }
    let price = match (&line.tariff, line.gross_minor, &line.currency) {
        (Some(code), Some(minor), Some(currency)) => {
            let money = page.money(minor, currency);
            page.t2("messages-price-of", ("money", money), ("tariff", code))
        }
        _ => text("messages-free"),
    };
    summary = summary.row(text("messages-tariff"), Cell::text(price));
    if let Some(error) = &line.error {
        summary = summary.row(text("messages-reason"), Cell::text(reason(page, view, error)));
    }
    if let Some(reference) = &line.partner_reference {
        summary = summary.row(text("messages-reference"), Cell::code(reference));
    }
    if person.is_operator() {
        summary = summary
            .row(text("messages-group"), Cell::code(&line.link_group))
            .row(text("messages-caller"), Cell::code(&line.caller));
    }
    summary = summary
        .row(text("messages-parts"), Cell::text(page.number(line.parts)))
        .row(text("messages-at"), page.exact(line.accepted_at));
    if view.deliver_after > 0 {
        summary = summary.row(text("messages-deliver-after"), page.time(view.deliver_after));
    }
    summary.row(text("messages-valid-until"), page.time(line.valid_until))
}

/// Which keyword took a text.
fn rule(page: &Page, view: &MessageView) -> String {
    let number = &view.line.recipient;
    match view.line.keyword.as_deref() {
        None => page.t1("messages-rule-none", "number", number),
        Some("*") => page.t1("messages-rule-any", "number", number),
        Some(keyword) => page.t2("messages-rule-word", ("keyword", keyword), ("number", number)),
    }
}

/// The stored reason, behind its meaning where that is known.
fn reason(page: &Page, view: &MessageView, error: &str) -> String {
    match view.cause {
        Some(cause) => format!("{} ({error})", page.word("messages-cause-", cause)),
        None => error.to_owned(),
    }
}

fn steps(page: &Page, view: &MessageView) -> Vec<StepRow> {
    let mut before = None;
    let step = |event: &crate::store::EventLine| StepRow {
        at: page.exact(event.at),
        after: before.replace(event.at).map_or_else(String::new, |last| span(event.at - last)),
        what: page.word("messages-step-", &event.kind),
        attempt: event.attempt,
        who: doer(&event.who).to_owned(),
        link: event.link.clone().unwrap_or_default(),
        detail: event.detail.clone().unwrap_or_default(),
    };
    view.events.iter().map(step).collect()
}

/// How long something took: `+35 ms`, `+2.4 s`, `+3 min`, `+5 h`.
fn span(us: i64) -> String {
    let ms = us.max(0) / 1000;
    match ms {
        0..1000 => format!("+{ms} ms"),
        1000..60_000 => format!("+{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..7_200_000 => format!("+{} min", ms / 60_000),
        _ => format!("+{} h", ms / 3_600_000),
    }
}

fn tries(page: &Page, view: &MessageView) -> Vec<TryRow> {
    let row = |one: &crate::store::CallbackAttempt| TryRow {
        at: page.exact(one.at),
        attempt: one.attempt,
        outcome: one.outcome.clone(),
        took: format!("{} ms", page.number(one.took_ms)),
    };
    view.tries.iter().map(row).collect()
}

/// The amount of each line of the books, and why.
fn charges(page: &Page, view: &MessageView) -> Vec<(String, String)> {
    let row = |(_, minor, currency, reason): &(i64, i64, String, String)| {
        // `complaint:12`: what gave it back, and which one.
        let reason = reason.split(':').next().unwrap_or_default();
        (page.money(*minor, currency), page.word("messages-charge-", reason))
    };
    view.charges.iter().map(row).collect()
}

fn fields(page: &Page, pdu: &AsPdu) -> Summary {
    let rows = pdu.fields.iter().fold(Summary::new(), |rows, (name, value)| {
        rows.row(*name, if value.is_empty() { Cell::Nothing } else { Cell::code(value) })
    });
    pdu.tlvs.iter().fold(rows, |rows, (tag, octets)| {
        let octets = page.t1("messages-pdu-octets", "count", page.number(*octets));
        rows.row(format!("0x{tag:04x}"), Cell::text(octets))
    })
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_has_the_unit_that_people_would_use() {
        for (us, text) in [
            (-5, "+0 ms"),
            (35_900, "+35 ms"),
            (2_449_000, "+2.4 s"),
            (61_000_000, "+1 min"),
            (7_199_000_000, "+119 min"),
            (7_200_000_000, "+2 h"),
        ] {
            assert_eq!(span(us), text);
        }
    }
}
