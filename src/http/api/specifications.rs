//! `/api/v1/specifications`: the library, for those who keep a copy of what they build from.
//!
//! Texts are given as Markdown. What surprises: reading one here is looking at it, exactly as on
//! the page.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged},
    once,
    openapi::{IdempotencyKey, Problems},
    session::named,
    shapes::moment,
};
use crate::{
    documents::Language,
    domain::{Right, application::Area},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{Error, Specification, SpecificationView, SpecificationWish},
};

/// In both languages.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpecificationTexts)]
pub(crate) struct PairBody {
    pl: String,
    /// Empty is the Polish one.
    #[serde(default)]
    en: String,
}

impl From<PairBody> for [String; 2] {
    fn from(pair: PairBody) -> Self {
        [pair.pl, pair.en]
    }
}

/// One of the library.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Specification)]
pub(crate) struct LineBody {
    name: String,
    title: PairBody,
    /// As its author counts.
    label: String,
    /// Null: for all areas.
    #[schema(required)]
    area: Option<String>,
    /// The lowest level of a partner that reads it.
    level: i64,
    /// Null for what ships with the gateway.
    #[schema(required)]
    published_at: Option<String>,
    is_withdrawn: bool,
    /// Whether you looked at this edition: `never`, `before` (it changed since) or `now`.
    seen: &'static str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Specifications)]
pub(crate) struct ListBody {
    specifications: Vec<LineBody>,
}

/// One edition of an operator's specification.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SpecificationEdition)]
pub(crate) struct EditionBody {
    number: i64,
    label: String,
    published_at: String,
    news: PairBody,
    /// A file goes with it; the page gives it out.
    has_file: bool,
}

/// One with its text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SpecificationText)]
pub(crate) struct WholeBody {
    #[serde(flatten)]
    line: LineBody,
    /// Markdown.
    text: String,
    /// The newest first; none of what ships with the gateway.
    editions: Vec<EditionBody>,
}

/// Which wording is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `pl` or `en`; `en` if not given.
    #[param(inline)]
    #[serde(default)]
    language: Tongue,
    /// Number of an edition; the one in force if not given.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    edition: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tongue {
    Pl,
    #[default]
    En,
}

/// An edition to publish.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEdition)]
pub(crate) struct EditionWishBody {
    #[schema(min_length = 1, max_length = 20)]
    label: String,
    title: PairBody,
    /// Markdown, headings from `##`.
    text: PairBody,
    /// What is new in it.
    #[serde(default)]
    news: Option<PairBody>,
    /// `special_sms_mms`, `special_wap`, `special_number`; null for all.
    #[serde(default)]
    area: Option<String>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9)]
    level: i64,
}

impl EditionWishBody {
    fn named(self, name: String, version: i64) -> Result<SpecificationWish, Problem> {
        let area = match self.area.as_deref() {
            None => None,
            Some(word) => Some(Area::parse(word).ok_or_else(|| {
                Fault::InvalidFields.says(format!("`area` is one of {}", Area::words()))
            })?),
        };
        Ok(SpecificationWish {
            name,
            area,
            level: self.level,
            label: self.label,
            title: self.title.into(),
            text: self.text.into(),
            news: self.news.map(Into::into).unwrap_or_default(),
            file: None,
            version,
        })
    }
}

/// The first edition of a name.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSpecification)]
pub(crate) struct NewBody {
    /// Stands in its address.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,39}$")]
    name: String,
    edition: EditionWishBody,
}

/// Lists what you may read.
#[utoipa::path(
    get, path = "/api/v1/specifications", operation_id = "listSpecifications",
    tag = "specifications",
    responses((status = 200, description = "The library", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
) -> Result<Response, Problem> {
    let rows = app.partnership.specifications(&caller.0).await?;
    let specifications = rows.into_iter().map(described).collect();
    Ok(named(&caller, Json(ListBody { specifications }).into_response()))
}

/// Shows one with its text.
#[utoipa::path(
    get, path = "/api/v1/specifications/{name}", operation_id = "getSpecification",
    tag = "specifications",
    params(("name" = String, Path, description = "Name of the specification"), Wanted),
    responses((status = 200, description = "The text", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(name): Path<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let language = match wanted.language {
        Tongue::Pl => Language::Polish,
        Tongue::En => Language::English,
    };
    let at = (name.as_str(), wanted.edition);
    let view = app.partnership.specification(&caller.0, at, language).await?;
    if wanted.edition.is_none() {
        app.partnership.look_at_specification(&caller.0, &name).await?;
    }
    Ok(named(&caller, whole(view)))
}

/// Publishes a specification.
#[utoipa::path(
    post, path = "/api/v1/specifications", operation_id = "publishSpecification",
    tag = "specifications",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewBody), content_type = "application/json"),
    responses((status = 201, description = "Published", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn publish(
    State(app): State<App>,
    caller: SignedCaller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishSpecifications)?;
    let (new, repeat) = once::read::<NewBody>(&app, &headers, body).await?;
    let work = write(&app, &caller, new.edition.named(new.name, 0)?);
    let made = once::once(&app, &caller, repeat, "specification", Box::pin(work)).await?;
    let at = (made.id(), None);
    let view = app.partnership.specification(&caller.0, at, Language::English).await?;
    let place = format!("/api/v1/specifications/{}", made.id());
    Ok(named(&caller, made.placed(whole(view), &place)))
}

/// Publishes the next edition of one.
#[utoipa::path(
    put, path = "/api/v1/specifications/{name}", operation_id = "publishEdition",
    tag = "specifications",
    params(
        ("name" = String, Path, description = "Name of the specification"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(EditionWishBody), content_type = "application/json"),
    responses((status = 200, description = "Published", body = WholeBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn publish_next(
    State(app): State<App>,
    caller: SignedCaller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishSpecifications)?;
    let new: EditionWishBody = asked::body(&app, &headers, body).await?;
    // What nobody published is unknown, and not made by a change.
    let at = (name.as_str(), None);
    app.partnership.specification(&caller.0, at, Language::English).await?;
    let wish = new.named(name, asked::only_version(&headers)?)?;
    let name = app.finish(write(&app, &caller, wish)).await??;
    let at = (name.as_str(), None);
    let view = app.partnership.specification(&caller.0, at, Language::English).await?;
    Ok(named(&caller, whole(view)))
}

/// Publishes and answers the name.
fn write(
    app: &App,
    caller: &SignedCaller,
    wish: SpecificationWish,
) -> impl Future<Output = Result<String, Error>> + Send + use<> {
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    async move {
        // There is no file here that something could be wrong with.
        let done = verbs.publish_specification(&signed, &wish).await?;
        done.map(|()| wish.name).map_err(|fault| Error::Broken(fault.to_string()))
    }
}

/// Withdraws one; partners do not see it until the next edition.
#[utoipa::path(
    delete, path = "/api/v1/specifications/{name}", operation_id = "withdrawSpecification",
    tag = "specifications",
    params(
        ("name" = String, Path, description = "Name of the specification"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    responses((status = 204, description = "Withdrawn"), Problems),
    security(("session" = []))
)]
pub(crate) async fn withdraw(
    State(app): State<App>,
    caller: SignedCaller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::PublishSpecifications)?;
    let version = asked::only_version(&headers)?;
    let (verbs, signed) = (app.partnership.clone(), caller.0.clone());
    app.finish(async move { verbs.withdraw_specification(&signed, (&name, version)).await })
        .await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

fn described(line: Specification) -> LineBody {
    let [pl, en] = line.title;
    LineBody {
        name: line.name,
        title: PairBody { pl, en },
        label: line.label,
        area: line.area.map(|area| area.as_str().to_owned()),
        level: line.level,
        published_at: line.published_at.map(moment),
        is_withdrawn: line.is_withdrawn,
        seen: line.seen.as_str(),
    }
}

fn whole(view: SpecificationView) -> Response {
    let version = view.line.version;
    let editions = view.editions.into_iter().map(|edition| EditionBody {
        number: edition.number,
        label: edition.label,
        published_at: moment(edition.made_at),
        news: PairBody { pl: edition.news_pl, en: edition.news_en },
        has_file: edition.file_id.is_some(),
    });
    let body =
        WholeBody { editions: editions.collect(), line: described(view.line), text: view.text };
    tagged(&body, version)
}
