//! Documents and signed copies, given out as attachments only (S-52).

use axum::{extract::Path, http::HeaderMap, response::Response};

use super::{Page, Reader};
use crate::{
    domain::row_id,
    http::{error::Problem, portal::desk::files::attachment},
};

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
    Ok(attachment(&found.line.name, &found.line.media_type, found.octets))
}
