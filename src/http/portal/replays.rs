//! `/replays`: a partner has what it lost handed over again; what was found, how far it is, and an
//! end to it.
//!
//! What surprises: counting and starting are one form. The first button counts and shows what a
//! start would do, the second one appears under the count; what was changed between is counted anew.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use jiff::tz::TimeZone;

use super::{
    address::encoded,
    cell::{Cell, Summary, Tag, Tone},
    field::Choice,
    form::Form,
    list::{Ask, Gathered, List},
    messages::{moment, services},
    page::Page,
    person::Person,
};
use crate::{
    domain::{
        PartnerId, Refusal, ReplayCounts, ReplayOutcome, ReplayState, Right, ServiceId,
        ids::moment_of, message::MessageId, row_id,
    },
    http::{App, error::Problem},
    partnership::{Error, ReplayFilter, ReplayPreview, ReplayWish},
    store::ReplayRow,
};

/// Rows that the store gives at once.
const LINES: usize = 500;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/replays", get(list))
        .route("/replays/new", get(new).post(count_or_start))
        .route("/replays/{id}", get(show))
        .route("/replays/{id}/stop", post(stop))
}

#[derive(Template)]
#[template(path = "replays.html", config = "src/http/portal/askama.toml")]
struct Replays<'p> {
    page: &'p Page,
    list: List<'p>,
    may_start: bool,
}

async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let rows = lines(&page, &person, &ask).await?;
    let page = page.titled("replays-title");
    let states = ReplayState::ALL
        .iter()
        .map(|state| Choice::new(state.as_str(), page.word("replays-state-", state.as_str())));
    let list = List::new(&page, &ask, "/replays", "replays-title", "replays-empty")
        .filter("state", "replays-state", states.collect())
        .column("replays-replay")
        .column("replays-state")
        .column("replays-from")
        .column("replays-until")
        .column("replays-progress")
        .column("replays-made");
    let list = if person.is_operator() { list.column("replays-partner") } else { list };
    let list =
        list.with_csv().rows(&rows, |row| row.id.to_string(), |row| cells(&page, &person, row));
    if ask.is_csv() {
        return Ok(list.csv("replays"));
    }
    let may_start = person.may(Right::RedeliverMessages);
    Ok(page.show(&Replays { page: &page, list, may_start }))
}

/// A file has more rows than the store gives at once.
async fn lines(page: &Page, person: &Person, ask: &Ask) -> Result<Vec<ReplayRow>, Problem> {
    let mut filter = ReplayFilter {
        partner: None,
        state: ReplayState::parse(ask.get("state")),
        before: ask.after().and_then(|after| after.parse().ok()),
        limit: 0,
    };
    let mut found = Gathered::of(ask, LINES);
    while let Some(limit) = found.room() {
        filter.limit = limit;
        found.add(page.app().partnership.replays(&person.signed, &filter).await?);
        filter.before = found.last().map(|row| row.id);
    }
    Ok(found.rows())
}

fn cells(page: &Page, person: &Person, row: &ReplayRow) -> Vec<Cell> {
    let mut cells = vec![
        Cell::link(format!("/replays/{}", row.id), row.id.to_string()),
        state_tag(page, row.state).into(),
        page.exact(row.from_at).into(),
        page.exact(row.until_at).into(),
        Cell::text(progress(page, row)),
        page.time(row.made_at).into(),
    ];
    if person.is_operator() {
        cells.push(Cell::link(format!("/partners/{}", row.partner_id), &row.partner));
    }
    cells
}

fn progress(page: &Page, row: &ReplayRow) -> String {
    let done = page.number(row.counts().total());
    page.t2("replays-done-of", ("done", done), ("found", page.number(row.found)))
}

fn state_tag(page: &Page, state: ReplayState) -> Tag {
    let tone = match state {
        ReplayState::Waiting => Tone::Warn,
        ReplayState::Running => Tone::Busy,
        ReplayState::Done => Tone::Good,
        ReplayState::Stopped => Tone::Calm,
        ReplayState::Failed => Tone::Bad,
    };
    Tag::new(tone, page.word("replays-state-", state.as_str()))
}

#[derive(Template)]
#[template(path = "replay_new.html", config = "src/http/portal/askama.toml")]
struct New<'p> {
    page: &'p Page,
    form: &'p Form,
    services: Vec<Choice>,
    is_staff: bool,
    /// What a start would do, once it was counted.
    preview: Option<Summary>,
    can_start: bool,
}

/// Filled in with the window of a list of messages that leads here.
async fn new(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    // Of an MT it is the receipt that can be had again.
    let (mo, receipts) = match ask.get("direction") {
        "mo" => ("yes", ""),
        "mt" => ("", "yes"),
        _ => ("yes", "yes"),
    };
    let now = local(page.now);
    let until = Some(ask.get("until")).filter(|until| !until.is_empty()).unwrap_or(&now);
    let form = Form::of([
        ("from", ask.get("from").to_owned()),
        ("until", until.to_owned()),
        ("service", ask.get("service").to_owned()),
        ("partner", ask.get("partner").to_owned()),
        ("mo", mo.to_owned()),
        ("receipts", receipts.to_owned()),
    ]);
    whole(page, &person, &form, None)
}

fn whole(
    page: Page,
    person: &Person,
    form: &Form,
    preview: Option<&ReplayPreview>,
) -> Result<Response, Problem> {
    if !person.may(Right::RedeliverMessages) {
        return Err(Refusal::NotAllowed.into());
    }
    let page = page.titled("replays-new").under("/replays", "replays-title").with(form);
    let body = New {
        form,
        services: services(&page, person),
        is_staff: person.is_operator(),
        can_start: preview.is_some_and(|preview| preview.counts.sent > 0),
        preview: preview
            .map(|preview| counted(&page, preview.counts.total(), &preview.counts, true)),
        page: &page,
    };
    Ok(page.show(&body))
}

/// How many there are of each outcome; nothing is said of what does not occur.
fn counted(page: &Page, found: i64, counts: &ReplayCounts, is_preview: bool) -> Summary {
    let sent = if is_preview { "replays-would-send" } else { "replays-outcome-sent" };
    let mut summary = Summary::new()
        .row(page.t("replays-found"), Cell::figure(page.number(found)))
        .row(page.t(sent), Cell::figure(page.number(counts.sent)));
    for (outcome, count) in [
        (ReplayOutcome::Erased, counts.erased),
        (ReplayOutcome::Unfinished, counts.unfinished),
        (ReplayOutcome::Refused, counts.refused),
        (ReplayOutcome::NoWay, counts.no_way),
    ] {
        if count > 0 {
            let text = page.word("replays-outcome-", outcome.as_str());
            summary = summary.row(text, Cell::figure(page.number(count)));
        }
    }
    summary
}

async fn count_or_start(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else {
        return Ok(Page::to_login_for("/replays/new"));
    };
    let wish = read(&page, &person, &mut form);
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let Some(wish) = wish.filter(|_| form.is_right()) else {
        // Whoever may not at all learns that first.
        verbs.require(&signed, Right::RedeliverMessages)?;
        return whole(page, &person, &form, None);
    };
    if form.text("step") != "start" {
        return match verbs.preview_replay(&signed, &wish).await {
            Ok(preview) => whole(page, &person, &form, Some(&preview)),
            Err(error) => {
                explain(&page, &mut form, error)?;
                whole(page, &person, &form, None)
            }
        };
    }
    // To its end, even if the browser is closed in the middle.
    let work = async move { verbs.start_replay(&signed, &wish, None).await };
    match page.app().finish(work).await? {
        Ok((row, _)) => Ok(page.done(&format!("/replays/{}", row.id), "replays-notice-started")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form, None)
        }
    }
}

/// What was typed; none if something is missing without which there is no window.
fn read(page: &Page, person: &Person, form: &mut Form) -> Option<ReplayWish> {
    let moments = ["from", "until"].map(|name| {
        let at = moment(form.text(name), 0).ok().flatten();
        if at.is_none() {
            form.wrong(name, page.t("replays-wrong-moment"));
        }
        at
    });
    let partner = if person.is_operator() {
        let catalog = page.app().gateway.catalog();
        let found = catalog.partner_named(form.text("partner")).map(|partner| partner.id);
        if found.is_none() {
            form.wrong("partner", page.t("replays-wrong-partner"));
        }
        found
    } else {
        None::<PartnerId>
    };
    let [from, until] = moments;
    Some(ReplayWish {
        partner,
        service: form.text("service").parse().ok().map(ServiceId),
        mo: form.text("mo") == "yes",
        receipts: form.text("receipts") == "yes",
        from: from?,
        until: Some(until?),
    })
}

/// Puts a "no" beside the field that it is about; what is about no field stays an error.
fn explain(page: &Page, form: &mut Form, error: Error) -> Result<(), Error> {
    let Error::Refused(Refusal::FieldErrors(faults)) = error else { return Err(error) };
    let prefix = "replays-wrong-";
    for fault in &faults {
        let name = fault.params.iter().find(|(name, _)| *name == "name");
        let name = name.map_or("", |(_, value)| value);
        // Kinds are two ticks here; what is wrong with both stands at the first.
        let place = if fault.field == "kinds" { "mo" } else { fault.field.as_str() };
        let key = format!("{prefix}{}", fault.code.replace('_', "-"));
        form.wrong(place, page.t1(&key, "name", name));
    }
    Ok(())
}

#[derive(Template)]
#[template(path = "replay.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    title: String,
    path: String,
    state: Tag,
    reason: Option<String>,
    progress: String,
    is_open: bool,
    summary: Summary,
    counts: Summary,
    stop_path: Option<String>,
    /// For what ended before its end: the rest of the window.
    again_path: Option<String>,
}

async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let row = page.app().partnership.replay(&person.signed, row_id(&id, "replay")?).await?;
    let title = page.t1("replays-one", "id", row.id);
    let page = page.titled_as(title.clone()).under("/replays", "replays-title");
    let (is_open, may) = (row.state.is_open(), person.may(Right::RedeliverMessages));
    let is_broken_off = matches!(row.state, ReplayState::Stopped | ReplayState::Failed);
    let body = One {
        title,
        path: format!("/replays/{}", row.id),
        state: state_tag(&page, row.state),
        // What a session or an endpoint said is English and the operator's; a partner reads what
        // it can do about it.
        reason: row.reason.as_ref().map(|_| page.t("replays-nobody")),
        progress: progress(&page, &row),
        is_open,
        summary: summary(&page, &person, &row),
        counts: counted(&page, row.found, &row.counts(), false),
        stop_path: (may && is_open).then(|| format!("/replays/{}/stop", row.id)),
        again_path: (may && is_broken_off).then(|| rest(&row)),
        page: &page,
    };
    Ok(page.show(&body))
}

fn summary(page: &Page, person: &Person, row: &ReplayRow) -> Summary {
    let kinds = [(row.mo, "replays-mo"), (row.receipts, "replays-receipts")];
    let kinds: Vec<_> =
        kinds.iter().filter(|(has, _)| *has == 1).map(|(_, key)| page.t(key)).collect();
    let mut summary = Summary::new()
        .row(page.t("replays-from"), page.exact(row.from_at))
        .row(page.t("replays-until"), page.exact(row.until_at))
        .row(page.t("replays-kinds"), Cell::text(kinds.join(", ")));
    if let Some(service) = &row.service {
        summary = summary.row(page.t("replays-service"), Cell::text(service));
    }
    if person.is_operator() {
        let partner = Cell::link(format!("/partners/{}", row.partner_id), &row.partner);
        summary = summary.row(page.t("replays-partner"), partner);
        if let Some(reason) = &row.reason {
            summary = summary.row(page.t("replays-reason"), Cell::text(reason));
        }
    }
    summary = summary.row(page.t("replays-made"), page.time(row.made_at));
    if let Some(ended_at) = row.ended_at {
        summary = summary.row(page.t("replays-ended"), page.time(ended_at));
    }
    summary
}

/// The form filled in with what is left of the window.
fn rest(row: &ReplayRow) -> String {
    // A replay keeps its place page by page: some of what went comes once more.
    let from = moment_of(MessageId(row.last_message_id)).max(row.from_at);
    let direction = match (row.mo, row.receipts) {
        (1, 0) => "mo",
        (0, 1) => "mt",
        _ => "",
    };
    let service = row.service_id.map(|id| id.to_string()).unwrap_or_default();
    format!(
        "/replays/new?from={}&until={}&direction={direction}&service={service}&partner={}",
        encoded(&local(from)),
        encoded(&local(row.until_at)),
        encoded(&row.partner)
    )
}

/// A moment as a field for moments has it, on the clock of Warsaw; seconds are kept.
fn local(at: i64) -> String {
    let zone = TimeZone::get("Europe/Warsaw").unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_microsecond(at).unwrap_or_default();
    at.to_zoned(zone).datetime().strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

async fn stop(page: Page, Path(id): Path<String>, _form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/replays")) };
    let (id, verbs) = (row_id(&id, "replay")?, page.app().partnership.clone());
    let signed = person.signed.clone();
    page.app().finish(async move { verbs.stop_replay(&signed, id).await }).await??;
    Ok(page.done(&format!("/replays/{id}"), "replays-notice-stopped"))
}
