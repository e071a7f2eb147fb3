//! Documents and signed copies, given out as attachments only (S-52).

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use super::{Page, Reader};
use crate::{domain::row_id, http::error::Problem, partnership::OpenFile};

pub(super) async fn document(
    page: Page,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    give(&page, &headers, &id, None).await
}

pub(super) async fn copy(
    page: Page,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    give(&page, &headers, &id, Some(&file)).await
}

async fn give(
    page: &Page,
    headers: &HeaderMap,
    id: &str,
    file: Option<&str>,
) -> Result<Response, Problem> {
    let Some(reader) = Reader::of(page, headers).await? else { return Ok(page.to_login()) };
    let id = row_id(id, "agreement")?;
    let found = page.app().partnership.agreement_file(&reader.by, id, file).await?;
    Ok(attachment(found))
}

fn attachment(file: OpenFile) -> Response {
    // Quotes and letters beyond ASCII would end the value; the name is a help, not a promise.
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
    let name: String = file.line.name.chars().map(plain).collect();
    let way = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let kind = HeaderValue::try_from(file.line.media_type);
    let headers = [
        (
            header::CONTENT_TYPE,
            kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
        ),
        (header::CONTENT_DISPOSITION, way.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, file.octets).into_response()
}
