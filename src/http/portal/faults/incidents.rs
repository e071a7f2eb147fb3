//! `/incidents`: what is broken for many, with its news; staff opens, tells and ends, others follow.
//!
//! What surprises: a partner's people see incidents that are not public too. Public are those that
//! people without an account may read.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, area_choices, area_text, explain};
use crate::{
    domain::{FaultArea, Right, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Tag, Time, Tone},
            field::Choice,
            form::Form,
            list::{Ask, List},
            person::Person,
        },
    },
    partnership::IncidentWish,
    store::{FaultFilter, IncidentNews, IncidentRow},
};

/// All of them, and for the staff the form of a new one.
#[derive(Template)]
#[template(path = "incidents.html", config = "src/http/portal/askama.toml")]
struct Incidents<'p> {
    page: &'p Page,
    form: &'p Form,
    list: List<'p>,
    areas: Vec<Choice>,
    may_open: bool,
}

/// One with its news and, for its reader, the faults of it that the reader may see.
#[derive(Template)]
#[template(path = "incident.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p IncidentRow,
    title: String,
    state: Tag,
    area: String,
    began: Time,
    news: Vec<(Time, String)>,
    faults: Vec<(String, String)>,
    may_tell: bool,
    may_follow: bool,
    follows: bool,
    news_path: String,
    follow_path: String,
}

/// Whether it goes on, in a word and a sign.
pub(super) fn tag(page: &Page, row: &IncidentRow) -> Tag {
    if row.ended_at.is_some() {
        Tag::new(Tone::Good, page.t("faults-incident-over"))
    } else {
        Tag::new(Tone::Bad, page.t("faults-incident-open"))
    }
}

/// News in the language of the page, the latest first.
pub(super) fn told(page: &Page, news: &[IncidentNews]) -> Vec<(Time, String)> {
    let language = page.language.tag();
    news.iter().map(|one| (page.time(one.at), one.text(language).to_owned())).collect()
}

pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    all(page, &person, (&ask, &Form::empty())).await
}

async fn all(page: Page, person: &Person, (ask, form): (&Ask, &Form)) -> Result<Response, Problem> {
    let rows = page.app().partnership.incidents(&person.signed, false).await?;
    let page = page.titled("faults-incidents").with(form);
    // No next page is offered: whoever looks for an old incident finds it from its faults.
    let shown = rows.len().min(crate::http::portal::list::ROWS);
    let list = List::new(&page, ask, "/incidents", "faults-incidents", "faults-incidents-empty")
        .column("faults-incident")
        .column("faults-area")
        .column("faults-state")
        .column("faults-began");
    let list = list.rows(
        &rows[..shown],
        |row| row.id.to_string(),
        |row| {
            vec![
                Cell::link(format!("/incidents/{}", row.id), row.title(page.language.tag())),
                Cell::text(area_text(&page, row.area)),
                tag(&page, row).into(),
                page.time(row.began_at).into(),
            ]
        },
    );
    let may_open = person.is_operator() && person.may(Right::WorkTickets);
    let areas = area_choices(&page);
    Ok(page.show(&Incidents { page: &page, form, list, areas, may_open }))
}

/// Announces one; the right comes first, so that a form without an area tells nothing.
pub(super) async fn open(page: Page, ask: Ask, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for("/incidents")) };
    page.app().partnership.require(&person.signed, Right::WorkTickets)?;
    let Some(area) = FaultArea::parse(form.text("area")) else {
        form.wrong("area", page.t("faults-wrong-missing"));
        return all(page, &person, (&ask, &form)).await;
    };
    let text = |name: &str| form.text(name).to_owned();
    let wish = IncidentWish {
        area,
        title_pl: text("title_pl"),
        title_en: text("title_en"),
        text_pl: text("text_pl"),
        text_en: text("text_en"),
        is_public: form.is_on("public"),
    };
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.open_incident(&signed, &wish).await };
    match page.app().finish(work).await? {
        Ok(id) => Ok(page.done(&format!("/incidents/{id}"), "faults-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            all(page, &person, (&ask, &form)).await
        }
    }
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    one(page, &person, &Form::empty(), row_id(&id, "incident")?).await
}

async fn one(page: Page, person: &Person, form: &Form, id: i64) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let row = verbs.incident(&person.signed, id).await?;
    let (news, follows) = verbs.incident_news(&person.signed, id).await?;
    let wish = FaultFilter { incident: Some(id), limit: 50, ..FaultFilter::default() };
    let faults = verbs.faults(&person.signed, &wish).await?;
    let title = row.title(page.language.tag()).to_owned();
    let page = page.titled_as(&title).under("/incidents", "faults-incidents").with(form);
    let name = |fault: &crate::store::FaultRow| {
        (format!("/faults/{}", fault.id), format!("{} {}", fault.reference(), fault.title))
    };
    let is_open = row.ended_at.is_none();
    let body = One {
        form,
        state: tag(&page, &row),
        area: area_text(&page, row.area),
        began: page.time(row.began_at),
        news: told(&page, &news),
        faults: faults.iter().map(name).collect(),
        may_tell: is_open && person.is_operator() && person.may(Right::WorkTickets),
        may_follow: is_open && !follows && person.may(Right::FileTickets),
        follows: is_open && follows,
        news_path: format!("/incidents/{id}/news"),
        follow_path: format!("/incidents/{id}/follow"),
        title,
        row: &row,
        page: &page,
    };
    Ok(page.show(&body))
}

/// News, or the end with its last news.
pub(super) async fn tell(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let path = format!("/incidents/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "incident")?;
    let at = (id, form.number("version").unwrap_or_default());
    let texts = [form.text("text_pl").to_owned(), form.text("text_en").to_owned()];
    let ends = form.text("step") == "end";
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.tell_incident(&signed, at, [&texts[0], &texts[1]], ends).await };
    match page.app().finish(work).await? {
        Ok(()) => Ok(page.done(&path, "faults-notice-done")),
        Err(error) => {
            explain(&page, &mut form, error)?;
            one(page, &person, &form, id).await
        }
    }
}

/// "This is it." The form has nothing but its token.
pub(super) async fn follow(
    page: Page,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, Problem> {
    let path = format!("/incidents/{id}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let id = row_id(&id, "incident")?;
    page.app().partnership.follow_incident(&person.signed, id).await?;
    Ok(page.done(&path, "faults-notice-followed"))
}
