//! Whose turn it is: the way of an application, what was promised, what was said; answering and
//! withdrawing.
//!
//! The surprise: this page never shows who of the operator did something, nor scores.

use askama::Template;
use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{owner, private, version, wording};
use crate::{
    domain::{
        Caller,
        application::{ApplicationEvent, ApplicationState, Verdict},
        turn::{Owner, Standing, Stop},
    },
    http::{
        error::Problem,
        portal::{
            agreements,
            cell::{Cell, Summary, Tag, Time, Tone},
            form::Form,
            page::Page,
            timeline::{Parcel, Passed, Station, Step, Timeline, doer},
        },
        signed::Origin,
    },
    partnership::ApplicationView,
    store::HappeningRow,
};

/// Agreements that came of one application.
const AGREEMENTS_MAX: i64 = 50;

/// A question or an answer, as it is shown.
pub(in crate::http::portal) struct Said {
    pub(in crate::http::portal) who: String,
    pub(in crate::http::portal) at: Time,
    pub(in crate::http::portal) text: String,
}

#[derive(Template)]
#[template(path = "apply_status.html", config = "src/http/portal/askama.toml")]
struct Status<'p> {
    page: &'p Page,
    form: &'p Form,
    reference: &'p str,
    state: Tag,
    parcel: Parcel,
    summary: Summary,
    is_late: bool,
    is_asked: bool,
    may_withdraw: bool,
    version: i64,
    answer_path: String,
    said: Vec<Said>,
    timeline: Timeline,
    /// What there is to sign or was signed: address, name and state.
    agreements: Vec<(String, String, Tag)>,
}

#[derive(Template)]
#[template(path = "apply_withdraw.html", config = "src/http/portal/askama.toml")]
struct Withdraw<'p> {
    page: &'p Page,
    form: &'p Form,
    path: String,
    version: i64,
}

#[derive(Template)]
#[template(path = "apply_explain.html", config = "src/http/portal/askama.toml")]
struct Explain<'p> {
    page: &'p Page,
    form: &'p Form,
    is_sent: bool,
    reference: Option<&'p str>,
}

/// `/status`: where the link is, for somebody who comes without it.
pub(super) async fn explain(page: Page, headers: HeaderMap) -> Response {
    draw_explain(page, &headers, (&Form::empty(), false))
}

fn draw_explain(page: Page, headers: &HeaderMap, (form, is_sent): (&Form, bool)) -> Response {
    let known = super::remembered(page.app(), headers).map(|(reference, _)| reference.to_owned());
    let page = page.titled("apply-status").under("/", "apply-start").with(form);
    private(page.show(&Explain { page: &page, form, is_sent, reference: known.as_deref() }))
}

/// Asks for the link again. Whoever asks hears the same whatever was typed.
pub(super) async fn send_link(
    page: Page,
    origin: Origin,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, Problem> {
    form.require(&page, "reference", "apply-reference-missing");
    let is_right = form.is_right();
    if is_right {
        let reference = form.text("reference").to_uppercase();
        let partnership = &page.app().partnership;
        partnership.send_application_link(&reference, origin.visitor().address).await?;
    }
    Ok(draw_explain(page, &headers, (&form, is_right)))
}

pub(super) async fn show(
    page: Page,
    by: &Caller,
    view: &ApplicationView,
) -> Result<Response, Problem> {
    draw_page(page, by, view, &Form::empty()).await
}

async fn draw_page(
    page: Page,
    by: &Caller,
    view: &ApplicationView,
    form: &Form,
) -> Result<Response, Problem> {
    let row = &view.row;
    let partnership = page.app().partnership.clone();
    let (agreements, _) = partnership.agreements(by, None, None, (0, AGREEMENTS_MAX)).await?;
    let page = page.titled_as(row.reference.clone()).under("/status", "apply-status").with(form);
    let stops = view.stops(page.now);
    let said = said(&page, view, ("apply-them", "apply-you"));
    let body = Status {
        page: &page,
        form,
        reference: &row.reference,
        state: state(&page, row.state),
        parcel: parcel(&page, &stops),
        summary: summary(&page, view),
        is_late: stops.iter().any(|stop| stop.days_late > 0 && stop.owner == Some(Owner::Operator)),
        is_asked: row.state == ApplicationState::NeedsInformation,
        may_withdraw: row.state.after(ApplicationEvent::Withdraw).is_some(),
        version: row.version,
        answer_path: format!("/apply/{}/answer", row.reference),
        said,
        timeline: Timeline { steps: happened(&page, &view.timeline) },
        agreements: agreements.iter().map(|row| agreements::line(&page, row)).collect(),
    };
    Ok(private(page.show(&body)))
}

pub(in crate::http::portal) fn said(
    page: &Page,
    view: &ApplicationView,
    (operator, partner): (&str, &str),
) -> Vec<Said> {
    let said = view.messages.iter().map(|message| Said {
        who: page.t(if message.side == "operator" { operator } else { partner }),
        at: page.time(message.at),
        text: message.text.clone(),
    });
    said.collect()
}

pub(in crate::http::portal) fn state(page: &Page, state: ApplicationState) -> Tag {
    let (tone, key) = match state {
        ApplicationState::Draft => (Tone::Calm, "apply-state-draft"),
        ApplicationState::Submitted => (Tone::Busy, "apply-state-submitted"),
        ApplicationState::InReview => (Tone::Busy, "apply-state-in-review"),
        ApplicationState::NeedsInformation => (Tone::Warn, "apply-state-needs-information"),
        ApplicationState::Decided => (Tone::Good, "apply-state-decided"),
        ApplicationState::Withdrawn => (Tone::Calm, "apply-state-withdrawn"),
    };
    Tag::new(tone, page.t(key))
}

/// The line of stops.
pub(in crate::http::portal) fn parcel(page: &Page, stops: &[Stop; 5]) -> Parcel {
    let station = |stop: &Stop| {
        let passed = match stop.standing {
            Standing::Done => Passed::Done,
            Standing::Ended => Passed::Stopped,
            Standing::Open | Standing::Paused => Passed::Here,
            Standing::Later => Passed::Ahead,
        };
        let station =
            Station::new(passed, page.t(&format!("{}{}", "apply-stop-", stop.kind.as_str())));
        let note = note(page, stop);
        if note.is_empty() { station } else { station.note(note) }
    };
    Parcel { label: page.t("apply-way"), stations: stops.iter().map(station).collect() }
}

fn note(page: &Page, stop: &Stop) -> String {
    if let Some(at) = stop.done_at {
        return crate::http::portal::format::day(page.language, at);
    }
    let turn = match (stop.standing, stop.owner) {
        (Standing::Ended, _) => page.t("apply-turn-ended"),
        (_, Some(Owner::Operator)) => page.t("apply-turn-operator"),
        (_, Some(Owner::Partner)) => page.t("apply-turn-partner"),
        (_, None) => return String::new(),
    };
    match (stop.standing, stop.due_at) {
        (Standing::Paused, _) => format!("{turn}; {}", page.t("apply-paused")),
        (Standing::Open, Some(_)) if stop.days_late > 0 => {
            let key = match stop.owner {
                Some(Owner::Operator) => "apply-operator-late",
                _ => "apply-partner-late",
            };
            page.count(key, stop.days_late)
        }
        (Standing::Open, Some(due_at)) => {
            let day = crate::http::portal::format::day(page.language, due_at);
            format!("{turn}; {}", page.t2("apply-by", ("day", day), ("left", page.left(due_at))))
        }
        _ => turn,
    }
}

fn summary(page: &Page, view: &ApplicationView) -> Summary {
    let row = &view.row;
    let mut summary = Summary::new();
    if !row.legal_name.is_empty() {
        summary = summary.row(page.t("apply-legal-name"), Cell::text(&row.legal_name));
    }
    if let Some(at) = row.submitted_at {
        summary = summary.row(page.t("apply-submitted-at"), page.time(at));
    }
    if let Some(decision) = &view.decision {
        summary = summary.row(page.t("apply-promised"), page.day(decision.promised_at));
        if decision.due_at != decision.promised_at {
            summary = summary.row(page.t("apply-due"), page.day(decision.due_at));
        }
    }
    for judged in &view.areas {
        let tag = match &judged.verdict {
            None => Tag::new(Tone::Busy, page.t("apply-verdict-open")),
            Some(Verdict::Accepted) => Tag::new(Tone::Good, page.t("apply-verdict-accepted")),
            Some(Verdict::Declined(_)) => Tag::new(Tone::Bad, page.t("apply-verdict-declined")),
        };
        summary = summary.row(wording::area(page, judged.area.as_str()), tag);
        if let Some(Verdict::Declined(declined)) = &judged.verdict {
            let reason =
                format!("{}{}", "apply-reason-", declined.reason.as_str().replace('_', "-"));
            let text = format!("{} {}", page.t(&reason), declined.text);
            summary = summary.row(page.t("apply-why"), Cell::text(text.trim()));
            if let Some(day) = declined.reapply_on {
                let day = crate::http::portal::format::date(page.language, day);
                summary = summary.row(page.t("apply-again"), Cell::text(day));
            }
        }
    }
    summary
}

/// What happened, the latest first.
pub(in crate::http::portal) fn happened(page: &Page, rows: &[HappeningRow]) -> Vec<Step> {
    let step = |row: &HappeningRow| {
        let tone = match row.kind.as_str() {
            "accepted" => Tone::Good,
            "declined" | "withdrawn" => Tone::Bad,
            "asked" => Tone::Warn,
            "submitted" | "taken_up" | "answered" => Tone::Busy,
            _ => Tone::Calm,
        };
        let who = match row.who.split(':').next() {
            Some("applicant") => page.t("apply-applicant"),
            _ if row.who == "operator" => page.t("apply-them"),
            _ => doer(&row.who).to_owned(),
        };
        Step {
            at: page.time(row.at),
            what: page.word("apply-happened-", &row.kind),
            who,
            why: Some(row.note.clone()).filter(|note| !note.is_empty()),
            tone,
        }
    };
    rows.iter().rev().map(step).collect()
}

pub(super) async fn answer(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    let at = (view.row.id, version(&form));
    match page.app().partnership.answer_application(&by, at, form.text("text")).await {
        Ok(_) => Ok(page.done(&format!("/apply/{reference}"), "apply-notice-answered")),
        Err(error) => {
            wording::take(&page, &mut form, error, wording::id)?;
            draw_page(page, &by, &view, &form).await
        }
    }
}

pub(super) async fn ask_withdraw(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let (_, view) = owner(&page, &headers, &reference).await?;
    Ok(draw_withdraw(page, &view, &Form::empty()))
}

fn draw_withdraw(page: Page, view: &ApplicationView, form: &Form) -> Response {
    let reference = &view.row.reference;
    let page = page
        .titled("apply-withdraw")
        .under("/status", "apply-status")
        .under_as(format!("/apply/{reference}"), reference.clone())
        .with(form);
    let path = format!("/apply/{reference}/withdraw");
    private(page.show(&Withdraw { page: &page, form, path, version: view.row.version }))
}

pub(super) async fn withdraw(
    page: Page,
    headers: HeaderMap,
    Path(reference): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let (by, view) = owner(&page, &headers, &reference).await?;
    if !form.is_on("sure") {
        form.wrong("sure", page.t("apply-withdraw-unsure"));
        return Ok(draw_withdraw(page, &view, &form));
    }
    let at = (view.row.id, version(&form));
    page.app().partnership.withdraw_application(&by, at).await?;
    Ok(page.done(&format!("/apply/{reference}"), "apply-notice-withdrawn"))
}
