//! `/files/{id}`: a file, only ever as an attachment (S-52).
//!
//! The operator's people, a partner's people and an applicant all come here; the verb knows whose
//! file it is. The surprise: a file of somebody else is answered as one that does not exist.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use crate::{
    domain::{Caller, Refusal},
    http::{
        error::{Fault, Problem},
        portal::{
            address::encoded,
            apply,
            form::{Form, Upload},
            page::Page,
        },
    },
    partnership::{Error, FileFault},
};

pub(super) async fn download(
    page: Page,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let applicant = apply::applicant(&page, &headers).await?;
    let by = match (&page.person, applicant) {
        (Some(person), _) => person.signed.caller(),
        (None, Some(id)) => Caller::Applicant { application: id },
        (None, None) => return Ok(page.to_login()),
    };
    if let Some(person) = &page.person {
        let right = page.app().partnership.right_to_file(&by, &id).await.map_err(problem)?;
        page.app().partnership.require(&person.signed, right)?;
    }
    let file = page.app().partnership.open_file(&by, &id).await.map_err(problem)?;
    Ok(attachment(&file.line.name, &file.line.media_type, file.octets))
}

/// A file that no browser opens by itself.
pub(in crate::http::portal) fn attachment(
    name: &str,
    media_type: &str,
    octets: Vec<u8>,
) -> Response {
    // RFC 6266: the name in UTF-8; the plain name is for what does not know it.
    let place = format!(
        "attachment; filename=\"file\"; filename*=UTF-8''{}",
        encoded(name).replace('/', "%2F")
    );
    let text = |value: &str| HeaderValue::from_str(value).ok();
    let kind = text(media_type);
    let kind = kind.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"));
    let place = text(&place).unwrap_or_else(|| HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, place),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, octets).into_response()
}

/// Adds the file of a form by its verb, and goes on; none with the reason at the field. Texts: that
/// a file is missing, and that it was kept.
pub(in crate::http::portal) async fn attach<R: Send + 'static, W>(
    page: &Page,
    form: &mut Form,
    (path, [missing, done]): (&str, [&str; 2]),
    add: impl FnOnce(Upload) -> W,
) -> Result<Option<Response>, Problem>
where
    W: Future<Output = Result<Result<R, FileFault>, Error>> + Send + 'static,
{
    let Some(upload) = form.file("file").cloned() else {
        form.wrong("file", page.t(missing));
        return Ok(None);
    };
    match page.app().finish(add(upload)).await?? {
        Ok(_) => Ok(Some(page.done(path, done))),
        Err(fault) => {
            form.wrong("file", apply::wording::of_file(page, fault)?);
            Ok(None)
        }
    }
}

/// Why a file cannot be had, or not be kept.
pub(in crate::http::portal) fn problem(fault: FileFault) -> Problem {
    match fault {
        FileFault::Unknown => Refusal::UnknownId("file").into(),
        FileFault::NotYetScanned => Refusal::WrongState(fault.to_string()).into(),
        FileFault::Store(cause) => {
            tracing::error!(%cause, "a file cannot be read");
            Fault::Unavailable.into()
        }
        other => {
            tracing::error!(cause = %other, "a file cannot be handled");
            Fault::Internal.into()
        }
    }
}
