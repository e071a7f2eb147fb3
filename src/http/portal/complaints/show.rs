//! `/complaints/{id}`: one complaint with everything around it, and the steps that its reader can
//! take.
//!
//! What surprises: which buttons there are is asked of the state machine itself; and what the law
//! will do, and when, stands in words above all of them, because a count of days is read too late.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, lists, state_tag, subject_text};
use crate::{
    domain::{ComplaintEvent, ComplaintState, PartnerSays, Right, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            desk::files,
            field::Choice,
            form::Form,
            person::Person,
            timeline::{Step, Timeline, doer},
        },
    },
    partnership::ComplaintView,
    store::{ComplaintMessage, ComplaintRow, HappeningRow, complaint_reference},
};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each part of the page is there or not by itself"
)]
#[derive(Template)]
#[template(path = "complaint.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p ComplaintRow,
    title: String,
    state: Tag,
    left: Option<Cell>,
    /// What the law does, and when.
    law: Option<String>,
    summary: Summary,
    messages: Vec<Vec<Cell>>,
    earlier: Vec<(String, String, String)>,
    files: Vec<(String, String)>,
    timeline: Timeline,
    step_path: String,
    file_path: String,
    /// Steps of the staff without words, and with them.
    plain: Buttons,
    worded: Buttons,
    /// The buttons that decide, apart from the others, beside the charges.
    deciding: Buttons,
    charges: Vec<Choice>,
    says: Vec<Choice>,
    may_answer: bool,
    may_write: bool,
    is_staff: bool,
    may_assign: bool,
    may_confirm: bool,
}

type Buttons = Vec<(&'static str, String)>;

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, &Form::empty(), row_id(&id, "complaint")?).await
}

/// That it came, to be printed and handed over or sent by post.
pub(super) async fn confirmation(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "complaint")?;
    let (name, pdf) = page.app().partnership.complaint_confirmation(&person.signed, id).await?;
    Ok(files::attachment(&name, "application/pdf", pdf))
}

pub(super) async fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    id: i64,
) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let view = verbs.complaint_view(&person.signed, id).await?;
    let row = &view.row;
    let title = format!("{} {}", row.reference(), subject_text(&page, row.subject));
    let page = page.titled_as(title.clone()).under("/complaints", "complaints-title").with(form);
    let is_staff = person.is_operator() && person.may(Right::WorkTickets);
    let is_asked = person.is_partner() && person.may(Right::FileTickets);
    let is_over = row.state == ComplaintState::Closed;
    let steps = Steps::of(&page, person, row);
    // Charges are offered only where a button can give them back.
    let can_pay = steps.deciding.iter().any(|(step, _)| *step != "refuse");
    let body = One {
        form,
        state: state_tag(&page, row.state),
        left: Some(lists::left(&page, person, row)).filter(|left| !matches!(left, Cell::Nothing)),
        law: law(&page, person, row),
        summary: summary(&page, person, row),
        messages: view.messages.iter().map(|one| message(&page, &view, one)).collect(),
        earlier: earlier(&page, &view),
        files: kept(&view),
        timeline: timeline(&page, person, &view.history),
        step_path: format!("/complaints/{id}/step"),
        file_path: format!("/complaints/{id}/file"),
        charges: if can_pay { charges(&page, &view) } else { Vec::new() },
        says: says(&page),
        may_answer: is_asked && row.state.after(ComplaintEvent::Answer).is_some(),
        may_write: (is_staff || is_asked) && !is_over,
        is_staff: is_staff && !is_over,
        may_assign: is_staff && row.state.is_open(),
        may_confirm: person.is_operator() && person.may(Right::SeeFullNumbers),
        plain: steps.plain,
        worded: steps.worded,
        deciding: steps.deciding,
        title,
        row,
        page: &page,
    };
    Ok(page.show(&body))
}

/// The buttons of the staff.
#[derive(Default)]
struct Steps {
    plain: Buttons,
    worded: Buttons,
    deciding: Buttons,
}

impl Steps {
    fn of(page: &Page, person: &Person, row: &ComplaintRow) -> Self {
        let mut steps = Self::default();
        if !person.is_operator() {
            return steps;
        }
        for event in row.state.steps().filter(|event| event.is_of_operator()) {
            let right = if event.decides() { Right::DecideComplaints } else { Right::WorkTickets };
            if !person.may(right) {
                continue;
            }
            let button = (event.as_str(), page.word("complaints-do-", event.as_str()));
            if event.decides() {
                steps.deciding.push(button);
            } else if event.needs_words() || event == ComplaintEvent::Ask {
                steps.worded.push(button);
            } else {
                steps.plain.push(button);
            }
        }
        steps
    }
}

/// The clock of the law in words, for the staff; the partner's own for a partner.
fn law(page: &Page, person: &Person, row: &ComplaintRow) -> Option<String> {
    let day = |at: i64| crate::http::portal::format::day(page.language, at);
    if person.is_operator() && row.state.is_open() {
        let key = if row.due_at < page.now { "complaints-law-over" } else { "complaints-law" };
        return Some(page.t1(key, "day", day(row.due_at)));
    }
    if person.is_operator() && row.decision.as_deref() == Some("by_law") && row.refund_minor == 0 {
        return Some(page.t("complaints-law-refund"));
    }
    let due = row.partner_due_at.filter(|_| row.state == ComplaintState::AskedPartner)?;
    Some(page.t1("complaints-partner-by", "day", day(due)))
}

/// What a partner can say; the decision stays the operator's (R4.36).
fn says(page: &Page) -> Vec<Choice> {
    let text = |one: &PartnerSays| page.word("complaints-says-", one.as_str());
    PartnerSays::ALL.iter().map(|one| Choice::new(one.as_str(), text(one))).collect()
}

/// What is known, without rows for what is not. The verb has hidden what is not the reader's.
fn summary(page: &Page, person: &Person, row: &ComplaintRow) -> Summary {
    let mut summary = Summary::new()
        .row(page.t("complaints-number"), Cell::code(&row.msisdn))
        .row(page.t("complaints-from"), page.day(row.from_at))
        .row(page.t("complaints-until"), page.day(row.until_at))
        .row(
            page.t("complaints-demand"),
            Cell::text(page.word("complaints-demand-", row.demand.as_str())),
        )
        .row(
            page.t("complaints-channel"),
            Cell::text(page.word("complaints-channel-", row.channel.as_str())),
        )
        .row(page.t("complaints-received"), page.day(row.received_at));
    for (key, text) in [
        ("complaints-name", &row.name),
        ("complaints-mail", &row.mail),
        ("complaints-address", &row.address),
        ("complaints-partner-answer", &row.partner_answer),
        ("complaints-reason", &row.reason),
    ] {
        if !text.is_empty() {
            summary = summary.row(page.t(key), Cell::text(text));
        }
    }
    if let Some(service) = &row.service {
        summary = summary.row(page.t("complaints-service"), Cell::text(service));
    }
    if let Some(says) = &row.partner_says {
        let text = page.word("complaints-says-", says);
        summary = summary.row(page.t("complaints-says"), Cell::text(text));
    }
    if let Some(decision) = &row.decision {
        let text = page.word("complaints-decision-", decision);
        summary = summary.row(page.t("complaints-decision"), Cell::text(text));
    }
    if row.refund_minor > 0 {
        let amount = page.money(row.refund_minor, &row.currency);
        summary = summary.row(page.t("complaints-refund"), Cell::text(amount));
    }
    if !person.is_operator() {
        return summary;
    }
    if let (Some(name), Some(id)) = (&row.partner, row.partner_id) {
        let link = Cell::link(format!("/partners/{id}"), name);
        summary = summary.row(page.t("complaints-partner"), link);
    }
    if let Some(owner) = &row.owner {
        summary = summary.row(page.t("complaints-owner"), Cell::text(owner));
    }
    match &row.pack_sha256 {
        Some(hash) => summary.row(page.t("complaints-pack-hash"), Cell::code(hash)),
        None => summary,
    }
}

/// When, from or to where, with which word, what it cost and what became of it.
fn message(page: &Page, view: &ComplaintView, one: &ComplaintMessage) -> Vec<Cell> {
    let trace: serde_json::Value = serde_json::from_str(&one.trace).unwrap_or_default();
    let steps = trace["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let steps: Vec<&str> = steps.iter().filter_map(|step| step["what"].as_str()).collect();
    let keyword = one.keyword.clone().unwrap_or_default();
    let mut sum = 0;
    let mut currency = "";
    let mut lines = 0;
    for charge in view.charges.iter().filter(|charge| charge.message_id == one.message_id) {
        sum += charge.gross_minor;
        currency = &charge.currency;
        lines += 1;
    }
    let price = match (lines, sum) {
        (0, _) => Cell::Nothing,
        (_, 0) => Cell::tag(Tone::Good, page.t("complaints-given-back")),
        _ => Cell::figure(page.money(sum, currency)),
    };
    vec![
        page.time(one.accepted_at).into(),
        Cell::text(page.word("complaints-way-", &one.direction)),
        Cell::code(format!("{} {keyword}", one.short_code).trim()),
        price,
        Cell::text(steps.join(", ")),
    ]
}

/// Charges that can be given back, to be ticked.
fn charges(page: &Page, view: &ComplaintView) -> Vec<Choice> {
    let choice = |one: &ComplaintMessage| {
        let (minor, currency) = view.refundable(one.message_id)?;
        let day = crate::http::portal::format::moment(page.language, one.accepted_at);
        let money = page.money(minor, currency);
        let text = format!("{money} · {} · {day}", one.short_code);
        Some(Choice::new(one.message_id.to_string(), text))
    };
    view.messages.iter().filter_map(choice).collect()
}

/// Other complaints of the same number: address, number, what became of it.
fn earlier(page: &Page, view: &ComplaintView) -> Vec<(String, String, String)> {
    let line = |one: &crate::store::EarlierComplaint| {
        let subject = page.word("complaints-subject-", &one.subject);
        let state = page.word("complaints-state-", &one.state);
        let path = format!("/complaints/{}", one.id);
        (path, complaint_reference(one.id), format!("{subject}, {state}"))
    };
    view.earlier.iter().map(line).collect()
}

/// Files that the scanner let through.
fn kept(view: &ComplaintView) -> Vec<(String, String)> {
    let kept = view.files.iter().filter(|file| file.scan == "clean");
    kept.map(|file| (format!("/files/{}", file.id), file.name.clone())).collect()
}

/// Who of the other side it was stays there.
fn timeline(page: &Page, person: &Person, history: &[HappeningRow]) -> Timeline {
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("complaint_");
        let tone = match what {
            "accept" | "refund" | "close" | "answer" => Tone::Good,
            "ask" | "remind" | "appeal" => Tone::Warn,
            "refuse" | "lapse" | "overdue" => Tone::Bad,
            _ => Tone::Calm,
        };
        let who = if person.is_operator() {
            doer(&row.who).to_owned()
        } else if row.who.starts_with(&format!("user:{}:", person.signed.person.0)) {
            person.name.to_string()
        } else {
            page.t("complaints-side-other")
        };
        let said = page.word("complaints-happened-", what);
        let what_said = if row.is_public == 0 {
            format!("{said} {}", page.t("complaints-inside"))
        } else {
            said
        };
        // The rule of a promise is no word for people.
        let why = Some(row.note.clone()).filter(|note| !note.is_empty() && row.kind != "overdue");
        Step { at: page.time(row.at), what: what_said, who, why, tone }
    };
    Timeline { steps: history.iter().rev().map(step).collect() }
}
