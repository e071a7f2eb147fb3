//! `/agreements` and the page of one: where it stands, whose turn it is, what can be done.

use askama::Template;
use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{Page, Reader, kind_title, state_tag};
use crate::{
    domain::{AgreementState, PartnerId, Right, Side, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            field::Choice,
            form::Form,
            list::{Ask, List},
            timeline::{Step, Timeline, doer},
        },
    },
    partnership::Checklist,
    store::{AgreementRow, CompanyRow, HappeningRow, SignatureRow},
};

// More than anybody has: a partner has one of each kind in force and what came before.
/// Agreements of one page.
const LIST_MAX: i64 = 200;

#[derive(Template)]
#[template(path = "agreements.html", config = "src/http/portal/askama.toml")]
struct Agreements<'p> {
    page: &'p Page,
    list: List<'p>,
}

/// `GET /agreements`: those of the reader, filtered by state. A draft is the desk's alone.
pub(super) async fn list(page: Page, ask: Ask, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(&page, &headers).await? else { return Ok(page.to_login()) };
    let state = AgreementState::parse(ask.get("state"));
    let page_of = (0, LIST_MAX);
    let partnership = page.app().partnership.clone();
    let (rows, total) = partnership.agreements(&reader.by, state, None, page_of).await?;
    let page = page.titled("agreements-title");
    let states = AgreementState::ALL
        .iter()
        .map(|state| Choice::new(state.as_str(), page.word("agreements-state-", state.as_str())));
    let list = List::new(&page, &ask, "/agreements", "agreements-title", "agreements-empty")
        .filter("state", "agreements-state", states.collect())
        .column("agreements-number")
        .column("agreements-kind")
        .column("agreements-state")
        .column("agreements-sent-at")
        .column("agreements-return-by")
        .with_csv()
        .total(total)
        .rows(&rows, |row| row.id.to_string(), |row| cells(&page, row));
    if ask.is_csv() {
        return Ok(list.csv("agreements"));
    }
    Ok(page.show(&Agreements { page: &page, list }))
}

/// One line of a list; the day to come back by only while it is awaited.
pub(super) fn cells(page: &Page, row: &AgreementRow) -> Vec<Cell> {
    let day = |at: Option<i64>| at.map_or(Cell::Nothing, |at| page.day(at).into());
    vec![
        Cell::link(format!("/agreements/{}", row.id), &row.number),
        Cell::text(kind_title(page, row)),
        state_tag(page, row.state).into(),
        day(row.sent_at),
        day(row.return_by.filter(|_| row.state == AgreementState::Sent)),
    ]
}

#[derive(Template)]
#[template(path = "agreement.html", config = "src/http/portal/askama.toml")]
struct Agreement<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p AgreementRow,
    title: String,
    state: Tag,
    turn: String,
    summary: Summary,
    timeline: Timeline,
    copies: Vec<Copy>,
    ways: Vec<Choice>,
    /// Item, its text, whether it was done.
    reply: Vec<(&'static str, String, bool)>,
    copy_path: String,
    sign_path: String,
    step_path: String,
    is_staff: bool,
    can: Can,
}

/// Which forms make sense; the verb decides.
#[expect(clippy::struct_excessive_bools, reason = "each is a form of the page by itself")]
#[derive(Default)]
struct Can {
    hand_in: bool,
    decline: bool,
    send: bool,
    countersign: bool,
    reject: bool,
    end: bool,
    resume: bool,
    tick: bool,
}

struct Copy {
    text: String,
    by: String,
    at: crate::http::portal::cell::Time,
    file: Option<String>,
    has_signature: bool,
    rejected: Option<String>,
}

/// `GET /agreements/{id}`. A foreign one is answered as an unknown one (S-20).
pub(super) async fn show(
    page: Page,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(&page, &headers).await? else { return Ok(page.to_login()) };
    whole(page, &reader, row_id(&id, "agreement")?, &Form::empty()).await
}

/// The page of one agreement, with a form that was not right or an empty one.
pub(super) async fn whole(
    page: Page,
    reader: &Reader,
    id: i64,
    form: &Form,
) -> Result<Response, Problem> {
    let partnership = page.app().partnership.clone();
    let row = partnership.agreement(&reader.by, id).await?;
    let history = partnership.agreement_history(&reader.by, id).await?;
    let signatures = partnership.agreement_signatures(&reader.by, id).await?;
    let company = match &reader.person {
        Some(person) if reader.is_staff() => {
            partnership.company(&person.signed, PartnerId(row.partner_id)).await.ok()
        }
        _ => None,
    };
    let kind = partnership.agreement_kinds().get(&row.kind);
    let reply = kind.map_or_else(Vec::new, |kind| Checklist::of(kind, &row).0);
    let has_replied = reply.iter().all(|(_, is_done)| *is_done);
    let title = kind_title(&page, &row);
    let page = page
        .titled_as(format!("{title} {}", row.number))
        .under("/agreements", "agreements-title")
        .with(form);
    let ways = kind.map_or_else(Vec::new, |kind| kind.return_ways.clone());
    // Paper comes by post to the desk: a partner cannot say of itself that it arrived.
    let ways = ways
        .iter()
        .filter(|way| reader.is_staff() || **way != crate::domain::ReturnWay::Paper)
        .map(|way| Choice::new(way.as_str(), page.word("agreements-way-", way.as_str())))
        .collect();
    // What the operator owes in return is owed from the day the agreement is in force.
    let reply = if row.state == AgreementState::InForce { reply } else { Vec::new() };
    let can = can(reader, row.state, !reply.is_empty());
    let body = Agreement {
        page: &page,
        form,
        state: state_tag(&page, row.state),
        turn: turn(&page, reader, &row, has_replied),
        summary: summary(&page, company.as_ref(), &row),
        timeline: timeline(&page, reader, &history),
        copies: signatures.iter().map(|one| copy(&page, id, one)).collect(),
        ways,
        reply: reply
            .iter()
            .map(|(item, is_done)| {
                (item.as_str(), page.word("agreements-reply-", item.as_str()), *is_done)
            })
            .collect(),
        copy_path: format!("/agreements/{id}/copy"),
        sign_path: format!("/agreements/{id}/countersign"),
        step_path: format!("/agreements/{id}/step"),
        is_staff: reader.is_staff(),
        title,
        row: &row,
        can,
    };
    Ok(page.show(&body))
}

/// Forms that the state and the rights allow; a race that they lose ends in the verb's refusal.
fn can(reader: &Reader, state: AgreementState, has_reply: bool) -> Can {
    use AgreementState as S;
    let staff = |right| reader.is_staff() && reader.may(right);
    let partner = !reader.is_staff() && reader.may(Right::SignAgreements);
    Can {
        hand_in: state == S::Sent && (partner || staff(Right::SendAgreements)),
        decline: state == S::Sent && partner,
        send: state == S::Draft && staff(Right::SendAgreements),
        countersign: state == S::SignedByPartner && staff(Right::CountersignAgreements),
        reject: state == S::SignedByPartner && staff(Right::CountersignAgreements),
        end: state == S::InForce && staff(Right::TerminateAgreements),
        resume: state == S::Suspended && staff(Right::TerminateAgreements),
        tick: has_reply && staff(Right::CountersignAgreements),
    }
}

/// Whose turn it is (D13), in the words of the side that reads.
fn turn(page: &Page, reader: &Reader, row: &AgreementRow, has_replied: bool) -> String {
    let key = match (row.state.turn(has_replied), reader.is_staff()) {
        (None, _) => "agreements-turn-nobody",
        (Some(Side::Partner), false) | (Some(Side::Operator), true) => "agreements-turn-you",
        (Some(Side::Partner), true) => "agreements-turn-partner",
        (Some(Side::Operator), false) => "agreements-turn-operator",
    };
    let due = row.return_by.filter(|_| row.state == AgreementState::Sent);
    match due {
        Some(due) => format!("{}; {}.", page.t(key).trim_end_matches('.'), page.left(due)),
        None => page.t(key),
    }
}

/// Days without an hour: an agreement counts by days.
fn summary(page: &Page, company: Option<&CompanyRow>, row: &AgreementRow) -> Summary {
    let mut summary = Summary::new();
    if let Some(company) = company {
        let partner = Cell::link(format!("/partners/{}", row.partner_id), &company.legal_name);
        summary = summary.row(page.t("agreements-partner"), partner);
    }
    let contact = format!("{} <{}>", row.contact_name, row.contact_mail);
    summary = summary.row(page.t("agreements-contact"), Cell::text(contact));
    for (key, at) in [
        ("agreements-sent-at", row.sent_at),
        ("agreements-return-by", row.return_by),
        ("agreements-signed-at", row.signed_at),
        ("agreements-in-force-at", row.in_force_at),
        ("agreements-valid-until", row.valid_until),
        ("agreements-ended-at", row.ended_at),
    ] {
        if let Some(at) = at {
            summary = summary.row(page.t(key), page.day(at));
        }
    }
    summary
}

/// Who of the operator it was stays inside.
fn timeline(page: &Page, reader: &Reader, history: &[HappeningRow]) -> Timeline {
    let side = |kind: &str| match kind {
        "agreement_signed_by_partner" | "agreement_declined" => page.t("agreements-side-partner"),
        _ => page.t("agreements-side-operator"),
    };
    let step = |row: &HappeningRow| {
        let what = row.kind.trim_start_matches("agreement_");
        let tone = match what {
            "in_force" | "resumed" | "signed_by_partner" => Tone::Good,
            "copy_rejected" | "suspended" | "reminder" => Tone::Warn,
            "declined" | "terminated" | "expired" | "lapsed" | "superseded" => Tone::Bad,
            _ => Tone::Calm,
        };
        let note = if what == "reply" {
            page.word("agreements-reply-", &row.note)
        } else {
            row.note.clone()
        };
        Step {
            at: page.time(row.at),
            what: page.word("agreements-happened-", what),
            who: if reader.is_staff() { doer(&row.who).to_owned() } else { side(&row.kind) },
            why: Some(note).filter(|note| !note.is_empty()),
            tone,
        }
    };
    Timeline { steps: history.iter().rev().map(step).collect() }
}

/// A signature in a PDF is shown as found, never as verified (R4.13).
fn copy(page: &Page, id: i64, row: &SignatureRow) -> Copy {
    let side = page.word("agreements-side-", &row.side);
    Copy {
        text: format!("{side}: {}", page.word("agreements-way-", &row.way)),
        by: row.signed_by.clone(),
        at: page.time(row.recorded_at),
        file: row.file_id.as_ref().map(|file| format!("/agreements/{id}/files/{file}")),
        has_signature: row.has_signature != 0,
        rejected: row.rejected_why.clone(),
    }
}
