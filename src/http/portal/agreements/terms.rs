//! `/terms`: versions of terms, what changed, who was told, and the partner's answer.
//!
//! Both wordings stand clause by clause. What surprises: whoever wrote a version cannot approve
//! it, which the verb says and not the page.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::Page;
use crate::{
    domain::{Right, row_id, terms::TermsState, wording::Piece},
    http::{
        error::{Fault, Problem},
        portal::{
            cell::{Cell, Summary, Tag, Tone},
            form::Form,
            list::{Ask, List},
            person::Person,
        },
    },
    partnership::Comparison,
    store::{NoticeRow, TermsRow},
};

/// Notices of one page.
const NOTICES_MAX: i64 = 200;

#[derive(Template)]
#[template(path = "terms_list.html", config = "src/http/portal/askama.toml")]
struct TermsList<'p> {
    page: &'p Page,
    list: List<'p>,
    may_draft: bool,
}

/// `GET /terms`: every version; a partner sees none that was not published.
pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    partnership.require(&person.signed, Right::SeeAgreements)?;
    let rows = partnership.terms_list(&person.signed.caller(), None).await?;
    let page = page.titled("agreements-terms");
    let cells = |row: &TermsRow| {
        vec![
            Cell::link(format!("/terms/{}", row.id), &row.label),
            Cell::text(title(&page, row)),
            state(&page, row.state).into(),
            Cell::text(row.effective_day.clone().unwrap_or_default()),
        ]
    };
    let list = List::new(&page, &ask, "/terms", "agreements-terms", "agreements-no-terms")
        .column("agreements-label")
        .column("agreements-kind")
        .column("agreements-state")
        .column("agreements-effective")
        .rows(&rows, |row| row.id.to_string(), cells);
    let may_draft = person.is_operator() && person.may(Right::PublishTerms);
    Ok(page.show(&TermsList { page: &page, list, may_draft }))
}

fn title(page: &Page, row: &TermsRow) -> String {
    let kind = page.app().partnership.agreement_kinds().get(&row.kind);
    kind.map_or(&*row.kind, |kind| kind.title.of(page.language.tag())).to_owned()
}

fn state(page: &Page, state: TermsState) -> Tag {
    let tone = match state {
        TermsState::Draft => Tone::Calm,
        TermsState::Published => Tone::Busy,
        TermsState::InForce => Tone::Good,
        _ => Tone::Bad,
    };
    Tag::new(tone, page.word("agreements-terms-", state.as_str()))
}

#[derive(Template)]
#[template(path = "terms.html", config = "src/http/portal/askama.toml")]
struct Terms<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p TermsRow,
    path: String,
    state: Tag,
    summary: Summary,
    about: &'p str,
    text: &'p str,
    comparison: Comparison,
    compared: Option<String>,
    notices: List<'p>,
    notices_title: String,
    may_publish: bool,
    /// Never who wrote it (S1.8).
    may_approve: bool,
    may_answer: bool,
}

/// `GET /terms/{id}`: what changed stands first, the whole wording is folded (S1.8).
pub(super) async fn show(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, (&ask, &Form::empty()), row_id(&id, "terms")?).await
}

/// The page of one version. Who made and who approved it stays inside the operator's house.
async fn whole(
    page: Page,
    person: &Person,
    (ask, form): (&Ask, &Form),
    id: i64,
) -> Result<Response, Problem> {
    let partnership = page.app().partnership.clone();
    partnership.require(&person.signed, Right::SeeAgreements)?;
    let by = person.signed.caller();
    let row = partnership.terms(&by, id).await?;
    let comparison = partnership.compare_terms(&by, id, page.language.tag()).await?;
    let notices = partnership.notices(&by, id, (0, NOTICES_MAX)).await?;
    let page = page.titled_as(&row.label).under("/terms", "agreements-terms").with(form);
    let mut summary =
        Summary::new().row(page.t("agreements-kind"), Cell::text(title(&page, &row))).row(
            page.t("agreements-effective"),
            Cell::text(row.effective_day.clone().unwrap_or_default()),
        );
    if person.is_operator() {
        let approved_by = match &row.approved_by {
            Some(who) => partnership.doer(who).await?,
            None => String::new(),
        };
        summary = summary
            .row(page.t("agreements-made-by"), Cell::text(partnership.doer(&row.made_by).await?))
            .row(page.t("agreements-approved-by"), Cell::text(approved_by));
    }
    let is_english = page.language.tag() == "en";
    let path = format!("/terms/{id}");
    // Only who was told can answer, and only before the day in force: from then on silence counts.
    let was_told = !notices.is_empty();
    let is_open = row.state == TermsState::Published
        && row.effective_from.is_some_and(|from| from > page.now);
    let list = List::new(&page, ask, &path, "agreements-notices", "agreements-no-notices")
        .column("agreements-recipient")
        .column("agreements-state")
        .column("agreements-queued-at")
        .column("agreements-sent-at")
        .column("agreements-answered-at")
        .rows(&notices, |notice| notice.id.to_string(), |notice| proof(&page, notice));
    let compared = comparison
        .old
        .as_ref()
        .map(|old| page.t2("agreements-compared", ("old", old), ("new", &comparison.new)));
    let body = Terms {
        page: &page,
        form,
        path: path.clone(),
        state: state(&page, row.state),
        summary,
        about: if is_english { &row.summary_en } else { &row.summary_pl },
        text: if is_english { &row.text_en } else { &row.text_pl },
        compared,
        comparison,
        notices: list,
        notices_title: page.t(if person.is_operator() {
            "agreements-notices"
        } else {
            "agreements-own-notices"
        }),
        may_publish: person.is_operator() && person.may(Right::PublishTerms),
        may_approve: row.state == TermsState::Draft
            && row.approved_by.is_none()
            && row.made_by != person.signed.person.to_string(),
        may_answer: was_told && is_open && person.may(Right::SignAgreements),
        row: &row,
    };
    Ok(page.show(&body))
}

/// Who was told when, as it can be shown to a court.
fn proof(page: &Page, row: &NoticeRow) -> Vec<Cell> {
    let at = |at: Option<i64>| at.map_or(Cell::Nothing, |at| page.time(at).into());
    vec![
        Cell::text(format!("{} <{}>", row.recipient_name, row.recipient)),
        Cell::text(page.word("agreements-notice-of-", &row.state)),
        page.time(row.queued_at).into(),
        at(row.sent_at),
        at(row.answered_at),
    ]
}

/// Approve, publish, withdraw; accept or not.
pub(super) async fn step(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else {
        return Ok(Page::to_login_for(&format!("/terms/{id}")));
    };
    let partnership = page.app().partnership.clone();
    let (id, by) = (row_id(&id, "terms")?, person.signed.caller());
    let version = form.number("version").unwrap_or_default();
    let name = form.text("step").to_owned();
    let right = if matches!(&*name, "accept" | "refuse") {
        Right::SignAgreements
    } else {
        Right::PublishTerms
    };
    partnership.require(&person.signed, right)?;
    match &*name {
        "approve" => drop(partnership.approve_terms(&by, id, version).await?),
        "withdraw" => drop(partnership.withdraw_terms(&by, id, version).await?),
        "publish" => {
            let Some(day) = form.date("effective_day") else {
                form.wrong("effective_day", page.t("agreements-effective-missing"));
                return whole(page, &person, (&ask, &form), id).await;
            };
            drop(partnership.publish_terms(&by, id, version, day).await?);
        }
        "accept" => partnership.answer_terms(&by, id, true).await?,
        "refuse" => partnership.answer_terms(&by, id, false).await?,
        _ => return Err(Fault::BadRequest.says("no such step")),
    }
    Ok(page.done(&format!("/terms/{id}"), "agreements-notice-done"))
}
