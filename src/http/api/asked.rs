//! What many routes are asked in the same way: a query, a body, the version that was read, a page
//! of a list.
//!
//! It knows no noun. The surprise: every list goes by key and not by page number, except those
//! that TMF630 wants otherwise; the next page begins behind what was shown last, whatever came or
//! went meanwhile.

use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts, Query},
    http::{HeaderMap, HeaderValue, StatusCode, header, request},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::fields;
use crate::{
    domain::{Caller, Right},
    http::{
        App,
        auth::ApiCaller,
        edge::LoggedAs,
        error::{Fault, FieldError, Problem},
        signed::SignedCaller,
    },
};

/// Characters of the parser's words that are passed on: they may quote the request.
const DETAIL_MAX: usize = 200;
/// Characters of a word of the query.
const WORD_MAX: usize = 32;
/// Rows of a page if nothing is asked, and at most.
const LIMIT: i64 = 20;
const LIMIT_MAX: i64 = 100;
/// The same of the long lists.
const LONG_LIMIT: u32 = 50;
const LONG_LIMIT_MAX: u32 = 500;

/// The query of a request; what is not understood is a problem like any other.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, app).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Fault::BadRequest.says(bounded(&error.body_text()))),
        }
    }
}

/// Who reads agreements and terms: a person with the right to, or a system of the partner.
pub(crate) struct Reader {
    pub(crate) by: Caller,
    logged: LoggedAs,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        if brings_key(&parts.headers) {
            let caller = ApiCaller::from_request_parts(parts, app).await?;
            let by = Caller::ApiKey { partner: caller.partner, key: caller.key.clone() };
            return Ok(Self { by, logged: LoggedAs::from(&caller) });
        }
        let caller = SignedCaller::from_request_parts(parts, app).await?;
        app.partnership.require(&caller.0, Right::SeeAgreements)?;
        Ok(Self { by: caller.0.caller(), logged: LoggedAs::from(&caller) })
    }
}

impl Reader {
    pub(super) fn named(&self, response: Response) -> Response {
        logged(response, self.logged.clone())
    }
}

/// Whether a request comes with an API key, good or not, and not with a session.
pub(super) fn brings_key(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_once(' ')).map_or("", |(_, token)| token);
    token.trim_start().starts_with("bk_")
}

/// An answer that nobody on the way may keep, with who asked for the log.
pub(super) fn logged(mut response: Response, who: LoggedAs) -> Response {
    response.extensions_mut().insert(who);
    private(response)
}

/// An answer that nobody on the way may keep.
pub(super) fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page of a list that goes by number.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// `next` of the page before.
    #[param(minimum = 0)]
    pub(super) after: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
}

impl Paging {
    /// Where the page begins, and one row more than it shows: the one that says whether it is the
    /// last.
    pub(super) fn cut(&self) -> Result<(i64, usize), Problem> {
        Ok((place(self.after)?.unwrap_or_default(), limit(self.limit)?))
    }
}

/// The number of a row in the query: from 1, as the document says.
pub(super) fn from_one<'de, D: serde::Deserializer<'de>>(
    query: D,
) -> Result<Option<i64>, D::Error> {
    let number = Option::<i64>::deserialize(query)?;
    match number {
        Some(..1) => Err(serde::de::Error::custom("a number of a row is 1 or more")),
        number => Ok(number),
    }
}

/// A word of the query, 1 to 32 characters; who wants none leaves the parameter out.
pub(super) fn word<'de, D: serde::Deserializer<'de>>(query: D) -> Result<Option<String>, D::Error> {
    let word = Option::<String>::deserialize(query)?;
    let size = word.as_ref().map(|word| word.chars().take(WORD_MAX + 1).count());
    if size.is_some_and(|size| !(1..=WORD_MAX).contains(&size)) {
        let words =
            format!("a word has 1 to {WORD_MAX} characters; leave the parameter out for all");
        return Err(serde::de::Error::custom(words));
    }
    Ok(word)
}

/// Where a list that goes by number goes on, if it does not begin.
pub(super) fn place(after: Option<i64>) -> Result<Option<i64>, Problem> {
    match after {
        Some(..0) => Err(Fault::BadRequest.says("`after` is the `next` of the page before")),
        after => Ok(after),
    }
}

/// A place has the right shape and is none here. The document can say the shape only, so that this
/// is no bad request but a wrong field.
fn no_place() -> Problem {
    Fault::InvalidFields.says("`after` is the `next` of the page before")
}

/// Rows that a page shows.
pub(super) fn limit(asked: Option<i64>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Fault::BadRequest.says(format!("`limit` is 1 to {LIMIT_MAX}")));
    }
    Ok(usize::try_from(limit).unwrap_or_default())
}

/// Rows of a list of numbers or of what stands on them, whose pages are longer.
pub(super) fn long_limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LONG_LIMIT);
    if !(1..=LONG_LIMIT_MAX).contains(&limit) {
        return Err(Fault::BadRequest.says(format!("`limit` is 1 to {LONG_LIMIT_MAX}")));
    }
    Ok(limit)
}

/// Shortens `rows` to a page; the key of its last row, if there are more.
pub(super) fn paged<T, K>(rows: &mut Vec<T>, limit: usize, key: impl FnOnce(&T) -> K) -> Option<K> {
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    rows.last().filter(|_| !is_last).map(key)
}

/// A page of rows that are all there already, behind the one with the key `after`.
pub(super) fn page_of<T>(
    rows: Vec<T>,
    (after, limit): (Option<&str>, Option<i64>),
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = self::limit(limit)?;
    let begin = match after {
        None => 0,
        Some(after) => rows
            .iter()
            .position(|row| key(row) == after)
            .map(|place| place + 1)
            .ok_or_else(no_place)?,
    };
    let mut rows: Vec<T> = rows.into_iter().skip(begin).take(limit + 1).collect();
    let next = paged(&mut rows, limit, &key);
    Ok((rows, next))
}

/// A body of a fixed shape. Fields that it does not have are refused (S-24).
pub(super) async fn body<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    shaped(fields::object(headers, body, app.limits.body_octets_max.as_usize()).await?)
}

/// The same of an object that was read.
pub(super) fn shaped<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(object))
        .map_err(|error| Fault::InvalidFields.says(bounded(&error.to_string())))
}

/// The parser's words.
fn bounded(words: &str) -> String {
    words.chars().take(DETAIL_MAX).collect()
}

/// The version in If-Match. [RFC 9110 s13.1.1]
pub(super) fn version(headers: &HeaderMap) -> Result<i64, FieldError> {
    let text = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let inside = text.and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    inside.and_then(|version| version.parse().ok()).ok_or(FieldError {
        pointer: None,
        header: Some("If-Match"),
        detail: "must be the ETag of the answer that showed it".to_owned(),
        code: if text.is_some() { "invalid" } else { "missing" },
    })
}

/// The same for a request that has no fields.
pub(super) fn only_version(headers: &HeaderMap) -> Result<i64, Problem> {
    version(headers).map_err(one_wrong)
}

/// One wrong field alone.
pub(super) fn one_wrong(error: FieldError) -> Problem {
    let mut problem = Fault::InvalidFields.says("1 field is wrong");
    problem.errors.push(error);
    problem
}

/// An answer with its version as the entity tag.
pub(super) fn tagged(body: &impl Serialize, version: i64) -> Response {
    tagged_as(StatusCode::OK, body, version)
}

/// The same with another status.
pub(super) fn tagged_as(status: StatusCode, body: &impl Serialize, version: i64) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer that says where what was made is found.
pub(super) fn placed(mut response: Response, place: &str) -> Response {
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_when_there_is_one() {
        let rows = || (1..=5).collect::<Vec<i64>>();
        let page = |after: Option<&str>, limit| {
            page_of(rows(), (after, limit), ToString::to_string).map_err(|problem| problem.code)
        };
        assert_eq!(page(None, Some(2)), Ok((vec![1, 2], Some("2".to_owned()))));
        assert_eq!(page(Some("2"), Some(3)), Ok((vec![3, 4, 5], None)));
        assert_eq!(page(Some("5"), None), Ok((vec![], None)));
        assert_eq!(page(Some("9"), None), Err("invalid_fields"));
        assert_eq!(page(None, Some(0)), Err("bad_request"));
        assert_eq!(page(None, Some(101)), Err("bad_request"));
    }
}
