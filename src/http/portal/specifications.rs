//! `/specifications`: the library that developers read, and where staff publishes.
//!
//! What ships with the program is mixed with what the operator published. What surprises: opening
//! one is what makes it read, so that "changed since you last looked" is about the person and not
//! about the company.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};

use super::{
    apply::wording,
    cell::{Cell, Tag, Tone},
    desk::files::attachment,
    field::Choice,
    form::Form,
    list::{Ask, List},
    page::Page,
    person::Person,
};
use crate::{
    documents::{self, specification},
    domain::{Refusal, Right, application::Area},
    http::{App, error::Problem},
    partnership::{Error, Seen, Specification, SpecificationView, SpecificationWish},
};

const BASE: &str = "/specifications";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/specifications", get(list).post(publish))
        .route("/specifications/new", get(draft))
        .route("/specifications/{name}", get(show).post(withdraw))
        .route("/specifications/{name}/editions/{number}", get(show_edition))
        .route("/specifications/{name}/editions/{number}/file", get(file))
}

/// All that the reader may read.
#[derive(Template)]
#[template(path = "specifications.html", config = "src/http/portal/askama.toml")]
struct Library<'p> {
    page: &'p Page,
    list: List<'p>,
    may_publish: bool,
}

/// One edition. Its HTML was made from Markdown without HTML, so that nothing in it can run.
#[derive(Template)]
#[template(path = "specification.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    line: &'p Specification,
    title: &'p str,
    about: Vec<Tag>,
    news: &'p str,
    html: String,
    editions: List<'p>,
    has_editions: bool,
    file: Option<String>,
    /// The address of the edition in force, if another one is shown.
    newest: Option<String>,
    path: String,
    next: String,
    may_publish: bool,
}

/// The form of an edition.
#[derive(Template)]
#[template(path = "specification_new.html", config = "src/http/portal/askama.toml")]
struct Draft<'p> {
    page: &'p Page,
    form: &'p Form,
    areas: Vec<Choice>,
    levels: Vec<Choice>,
    is_next: bool,
}

/// Texts are kept in the two languages of the documents, which are those of the portal.
fn language(page: &Page) -> documents::Language {
    documents::Language::from_code(page.language.tag()).unwrap_or(documents::Language::English)
}

fn of<'l>(page: &Page, pair: &'l [String; 2]) -> &'l str {
    &pair[usize::from(language(page) == documents::Language::English)]
}

fn area(page: &Page, area: Option<Area>) -> String {
    match area {
        Some(area) => page.word("apply-area-", area.as_str()),
        None => page.t("specifications-every-area"),
    }
}

/// What the row says to its reader; nothing of what was read already.
fn seen(page: &Page, line: &Specification) -> Cell {
    if line.is_withdrawn {
        return Tag::new(Tone::Bad, page.t("specifications-withdrawn")).into();
    }
    match line.seen {
        Seen::Never => Tag::new(Tone::Busy, page.t("specifications-never")).into(),
        Seen::Before => Tag::new(Tone::Warn, page.t("specifications-before")).into(),
        Seen::Now => Cell::Nothing,
    }
}

async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let rows = page.app().partnership.specifications(&person.signed).await?;
    let page = page.titled("specifications-title");
    let cells = |line: &Specification| {
        vec![
            Cell::link(format!("{BASE}/{}", line.name), of(&page, &line.title)),
            seen(&page, line),
            Cell::text(area(&page, line.area)),
            Cell::text(&line.label),
            match line.published_at {
                Some(at) => page.day(at).into(),
                None => Cell::text(page.t("specifications-shipped")),
            },
        ]
    };
    let list = List::new(&page, &ask, BASE, "specifications-title", "specifications-empty")
        .column("specifications-name")
        .column("specifications-seen")
        .column("specifications-area")
        .column("specifications-label")
        .column("specifications-published")
        .with_csv()
        .rows(&rows, |line| line.name.clone(), cells)
        .further(None);
    if ask.is_csv() {
        return Ok(list.csv("specifications"));
    }
    let may_publish = person.may(Right::PublishSpecifications);
    Ok(page.show(&Library { page: &page, list, may_publish }))
}

/// `GET /specifications/{name}`: the edition in force.
async fn show(page: Page, ask: Ask, Path(name): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    one(page, &person, &ask, (&name, None)).await
}

/// An older edition; opening it is not reading what is in force.
async fn show_edition(
    page: Page,
    ask: Ask,
    Path((name, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    one(page, &person, &ask, (&name, Some(edition_number(&number)?))).await
}

/// A number that cannot be one is an edition that does not exist (S-20).
fn edition_number(text: &str) -> Result<i64, Refusal> {
    crate::domain::row_id(text, "specification")
}

async fn one(
    page: Page,
    person: &Person,
    ask: &Ask,
    (name, number): (&str, Option<i64>),
) -> Result<Response, Problem> {
    let verbs = page.app().partnership.clone();
    let view = verbs.specification(&person.signed, (name, number), language(&page)).await?;
    let newest = view.editions.first().map_or(0, |edition| edition.number);
    if view.number == newest {
        verbs.look_at_specification(&person.signed, name).await?;
    }
    let line = &view.line;
    let title = of(&page, &line.title).to_owned();
    let page = page.titled_as(&title).under(BASE, "specifications-title");
    let path = format!("{BASE}/{name}");
    let shown = view.editions.iter().find(|edition| edition.number == view.number);
    let file = shown.filter(|edition| edition.file_id.is_some());
    let body = One {
        page: &page,
        title: &title,
        about: about(&page, line),
        news: shown.map_or("", |edition| news(&page, edition)),
        html: html(&view)?,
        editions: editions(&page, ask, &path, &view),
        has_editions: !view.editions.is_empty(),
        file: file.map(|edition| format!("{path}/editions/{}/file", edition.number)),
        newest: (view.number != newest).then(|| path.clone()),
        next: format!("{BASE}/new?name={name}"),
        may_publish: person.may(Right::PublishSpecifications) && line.version != 0,
        path: path.clone(),
        line,
    };
    Ok(page.show(&body))
}

/// A text was checked before it was published; one that no longer passes is a fault of ours.
fn html(view: &SpecificationView) -> Result<String, Problem> {
    specification::html(&view.text).map_err(|fault| {
        tracing::error!(%fault, name = view.line.name, "a specification cannot be shown");
        crate::http::error::Fault::Internal.into()
    })
}

fn about(page: &Page, line: &Specification) -> Vec<Tag> {
    let mut tags = vec![
        Tag::new(Tone::Calm, page.t1("specifications-labelled", "label", &line.label)),
        Tag::new(Tone::Calm, area(page, line.area)),
    ];
    if line.level > 0 {
        tags.push(Tag::new(Tone::Calm, page.t1("specifications-from-level", "level", line.level)));
    }
    if line.is_withdrawn {
        tags.push(Tag::new(Tone::Bad, page.t("specifications-withdrawn")));
    }
    tags
}

fn news<'e>(page: &Page, edition: &'e crate::store::EditionRow) -> &'e str {
    if language(page) == documents::Language::Polish { &edition.news_pl } else { &edition.news_en }
}

fn editions<'p>(page: &'p Page, ask: &'p Ask, path: &'p str, view: &SpecificationView) -> List<'p> {
    List::new(page, ask, path, "specifications-editions", "specifications-empty")
        .column("specifications-label")
        .column("specifications-published")
        .column("specifications-news")
        .rows(
            &view.editions,
            |edition| edition.number.to_string(),
            |edition| {
                vec![
                    Cell::link(format!("{path}/editions/{}", edition.number), &edition.label),
                    page.day(edition.made_at).into(),
                    Cell::text(news(page, edition)),
                ]
            },
        )
        .further(None)
}

/// The form of a first edition, or of the next one with what the last one says.
async fn draft(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let verbs = page.app().partnership.clone();
    verbs.require(&person.signed, Right::PublishSpecifications)?;
    let mut form = Form::empty();
    if !ask.get("name").is_empty() {
        let at = (ask.get("name"), None);
        let polish = verbs.specification(&person.signed, at, documents::Language::Polish).await?;
        let english = verbs.specification(&person.signed, at, documents::Language::English).await?;
        let line = &polish.line;
        let version = line.version.to_string();
        let level = line.level.to_string();
        for (field, value) in [
            ("name", line.name.as_str()),
            ("version", &version),
            ("level", &level),
            ("area", line.area.map_or("", Area::as_str)),
            ("title_pl", &line.title[0]),
            ("title_en", &line.title[1]),
            ("text_pl", &polish.text),
            ("text_en", &english.text),
        ] {
            form.set(field, value);
        }
    }
    Ok(show_draft(page, &form))
}

fn show_draft(page: Page, form: &Form) -> Response {
    let is_next = form.number("version").unwrap_or_default() > 0;
    let key = if is_next { "specifications-next" } else { "specifications-new" };
    let page = page.titled(key).under(BASE, "specifications-title").with(form);
    let mut areas = vec![Choice::new("", page.t("specifications-every-area"))];
    areas.extend(Area::ALL.iter().map(|&one| Choice::new(one.as_str(), area(&page, Some(one)))));
    let levels = (0..=9).map(|level: u8| Choice::new(level.to_string(), level.to_string()));
    let body = Draft { page: &page, form, areas, levels: levels.collect(), is_next };
    if form.is_right() {
        return page.show(&body);
    }
    page.show_as(axum::http::StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// Publishes; whatever is wrong stands at its field, with what was typed kept.
async fn publish(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(BASE)) };
    let text = |name: &str| form.text(name).to_owned();
    let wish = SpecificationWish {
        name: text("name").trim().to_owned(),
        area: Area::parse(form.text("area")),
        level: form.number("level").unwrap_or_default(),
        label: text("label"),
        title: [text("title_pl"), text("title_en")],
        text: [text("text_pl"), text("text_en")],
        news: [text("news_pl"), text("news_en")],
        file: form.file("file").map(|file| (file.name.clone(), file.octets.to_vec())),
        version: form.number("version").unwrap_or_default(),
    };
    let path = format!("{BASE}/{}", wish.name);
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.publish_specification(&signed, &wish).await };
    match page.app().finish(work).await? {
        Ok(Ok(())) => return Ok(page.done(&path, "specifications-notice-published")),
        Ok(Err(fault)) => form.wrong("file", wording::of_file(&page, fault)?),
        Err(Error::Refused(Refusal::FieldErrors(faults))) => {
            for fault in &faults {
                let told = fault.params.first().map_or("", |(_, value)| value);
                let prefix = "specifications-wrong-";
                let code = fault.code.replace('_', "-");
                let key = format!("{prefix}{}-{code}", head(&fault.field));
                form.wrong(&fault.field, page.t1(&key, "why", told));
            }
        }
        Err(other) => return Err(other.into()),
    }
    Ok(show_draft(page, &form))
}

/// `title` of `title_pl`: both languages are explained alike.
fn head(field: &str) -> &str {
    field.split('_').next().unwrap_or(field)
}

/// From the version that was read, so that nobody withdraws what was mended meanwhile.
async fn withdraw(page: Page, Path(name): Path<String>, form: Form) -> Result<Response, Problem> {
    let path = format!("{BASE}/{name}");
    let Some(person) = page.person.clone() else { return Ok(Page::to_login_for(&path)) };
    let version = form.number("version").unwrap_or_default();
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    let work = async move { verbs.withdraw_specification(&signed, (&name, version)).await };
    page.app().finish(work).await??;
    Ok(page.done(&path, "specifications-notice-withdrawn"))
}

/// The file of an edition, as an attachment (S-52).
async fn file(
    page: Page,
    Path((name, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let at = (name.as_str(), edition_number(&number)?);
    let found = page.app().partnership.specification_file(&person.signed, at).await?;
    let file = found.map_err(super::desk::files::problem)?;
    Ok(attachment(&file.line.name, &file.line.media_type, file.octets))
}
