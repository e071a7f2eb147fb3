//! What a form sent: its fields as typed, its files, and what is wrong with them.
//!
//! The surprise: a form keeps what was typed, right or wrong, so that a page with errors shows it
//! again; only files must be chosen anew, which browsers insist on.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, FromRequestParts, Multipart, Request},
    http::{HeaderMap, header, request::Parts},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::page::Page;
use crate::http::{
    App,
    error::{Fault, Problem},
};

/// Fields of one form, files among them.
const FIELDS_MAX: usize = 300;
/// Octets of one field that is no file.
const FIELD_OCTETS_MAX: usize = 64 << 10;
/// Octets of one file (S-51).
pub const UPLOAD_OCTETS_MAX: usize = 10 << 20;
/// Octets of a whole form with files.
const UPLOADS_OCTETS_MAX: usize = 21 << 20;
/// Forms with files read at once: they are held in memory.
static UPLOADS: Semaphore = Semaphore::const_new(8);

/// Reads a body that is a file by itself, as the API takes it. The seat is held for as long as
/// the file is in memory.
pub(in crate::http) async fn octets(
    body: axum::body::Body,
) -> Result<(Bytes, SemaphorePermit<'static>), Problem> {
    let seat = UPLOADS.try_acquire().map_err(|_| Problem::from(Fault::Busy))?;
    match Limited::new(body, UPLOAD_OCTETS_MAX).collect().await {
        Ok(body) => Ok((body.to_bytes(), seat)),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Fault::BodyTooLarge.says(format!("a file has at most {UPLOAD_OCTETS_MAX} octets")))
        }
        Err(_) => Err(Fault::BadRequest.into()),
    }
}

/// A file as it came; nothing about it has been checked but its length.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The name that the browser gives, without folders.
    pub name: String,
    /// The type that the browser gives.
    pub media_type: String,
    pub octets: Bytes,
}

/// Fields, files and errors.
#[derive(Debug, Clone, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    files: Vec<(String, Upload)>,
    errors: Vec<(String, String)>,
}

impl Form {
    /// An empty form, for the first look at it.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A form that shows what is kept already.
    pub fn of<N: Into<String>, V: Into<String>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { fields, ..Self::default() }
    }

    /// What was typed, without space around it; empty for an absent field.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default().trim()
    }

    /// Every value of a field with many, such as checkboxes.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let name = name.to_owned();
        self.fields.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a value was chosen.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|chosen| chosen == value)
    }

    /// Whether a single checkbox was ticked, or a button pressed.
    pub fn is_on(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// A whole number, as typed by people: spaces are left out.
    pub fn number(&self, name: &str) -> Option<i64> {
        let digits: String = self.text(name).chars().filter(|c| !c.is_whitespace()).collect();
        digits.parse().ok()
    }

    /// Money in minor units, from "1 234,56" or "1234.56".
    pub fn money(&self, name: &str) -> Option<i64> {
        let plain: String = self
            .text(name)
            .trim_end_matches("zł")
            .trim_end_matches("PLN")
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| if c == ',' { '.' } else { c })
            .collect();
        let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
        let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        if whole.is_empty() || rest.len() > 2 || !digits(whole) || !digits(rest) {
            return None;
        }
        let minor: i64 = format!("{rest:0<2}").parse().ok()?;
        whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(minor)
    }

    /// The day in a date field.
    pub fn date(&self, name: &str) -> Option<jiff::civil::Date> {
        self.text(name).parse().ok()
    }

    /// The file of a field; none if nothing was chosen.
    pub fn file(&self, name: &str) -> Option<&Upload> {
        self.files.iter().find(|(key, _)| key == name).map(|(_, file)| file)
    }

    /// Says that a field is wrong. The first message of a field is the one that is shown.
    pub fn wrong(&mut self, name: &str, message: impl Into<String>) {
        if self.error(name).is_none() {
            self.errors.push((name.to_owned(), message.into()));
        }
    }

    /// Says that a field is missing unless something was typed; `key` says how to fix it.
    pub fn require(&mut self, page: &Page, name: &str, key: &str) {
        if self.text(name).is_empty() && self.file(name).is_none() {
            self.wrong(name, page.t(key));
        }
    }

    /// Changes a kept value, such as one that was tidied up.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), value.into()));
    }

    pub fn is_right(&self) -> bool {
        self.errors.is_empty()
    }

    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|(key, _)| key == name).map(|(_, message)| message.as_str())
    }

    /// Fields with their messages, in the order in which they were found.
    pub fn errors(&self) -> &[(String, String)] {
        &self.errors
    }
}

/// The guard has read it already; a handler of GET has none.
impl FromRequestParts<App> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(|| Fault::ForeignPage.into())
    }
}

fn says(fault: Fault, detail: &str) -> Problem {
    fault.says(detail)
}

/// Reads a whole body. The token must be right before anything large is read.
pub(super) async fn read(
    app: &App,
    mut request: Request,
    is_token: impl Fn(&str) -> bool,
) -> Result<(Form, Option<SemaphorePermit<'static>>), Problem> {
    if is_multipart(request.headers()) {
        let seat = UPLOADS.try_acquire().map_err(|_| Problem::from(Fault::Busy))?;
        DefaultBodyLimit::max(UPLOADS_OCTETS_MAX).apply(&mut request);
        let parts = Multipart::from_request(request, app)
            .await
            .map_err(|wrong| says(Fault::BadRequest, &wrong.body_text()))?;
        return Ok((multipart(parts, is_token).await?, Some(seat)));
    }
    DefaultBodyLimit::max(app.limits.body_octets_max.as_usize()).apply(&mut request);
    let fields = axum::Form::<Vec<(String, String)>>::from_request(request, app).await;
    let axum::Form(mut fields) = fields.map_err(|wrong| {
        let is_large = wrong.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        let fault = if is_large { Fault::BodyTooLarge } else { Fault::BadRequest };
        says(fault, &wrong.body_text())
    })?;
    if fields.len() > FIELDS_MAX || fields.iter().any(|(_, value)| value.len() > FIELD_OCTETS_MAX) {
        return Err(Fault::BodyTooLarge.into());
    }
    if !fields.iter().any(|(name, value)| name == "token" && is_token(value)) {
        return Err(Fault::ForeignPage.into());
    }
    fields.retain(|(name, _)| name != "token");
    Ok((Form { fields, ..Form::default() }, None))
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

async fn multipart(mut parts: Multipart, is_token: impl Fn(&str) -> bool) -> Result<Form, Problem> {
    let broken = |wrong: axum::extract::multipart::MultipartError| {
        let is_large = wrong.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        let fault = if is_large { Fault::BodyTooLarge } else { Fault::BadRequest };
        says(fault, &wrong.body_text())
    };
    let mut form = Form::default();
    let mut is_ours = false;
    let mut count = 0;
    while let Some(mut part) = parts.next_field().await.map_err(broken)? {
        count += 1;
        if count > FIELDS_MAX {
            return Err(Fault::BodyTooLarge.into());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(bare);
        if file.is_some() && !is_ours {
            return Err(Fault::ForeignPage.into());
        }
        let media_type = part.content_type().unwrap_or_default().to_owned();
        let most = if file.is_some() { UPLOAD_OCTETS_MAX } else { FIELD_OCTETS_MAX };
        let mut octets = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            if octets.len() + chunk.len() > most {
                return Err(Fault::BodyTooLarge.into());
            }
            octets.extend_from_slice(&chunk);
        }
        if let Some(file) = file {
            // A field without a chosen file comes as a file without name and content.
            if !(file.is_empty() && octets.is_empty()) {
                let upload = Upload { name: file, media_type, octets: octets.into() };
                form.files.push((name, upload));
            }
            continue;
        }
        let value = String::from_utf8(octets)
            .map_err(|_| says(Fault::BadRequest, "a field is not UTF-8"))?;
        if name == "token" && is_token(&value) {
            is_ours = true;
        } else if !is_ours {
            return Err(Fault::ForeignPage.into());
        } else {
            form.fields.push((name, value));
        }
    }
    if is_ours { Ok(form) } else { Err(Fault::ForeignPage.into()) }
}

/// Some browsers told the folder as well.
fn bare(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_as_people_write_it() {
        for (typed, minor) in [
            ("1 234,56", Some(123_456)),
            ("1\u{a0}234,5 zł", Some(123_450)),
            ("12.00 PLN", Some(1200)),
            ("7", Some(700)),
            ("-7", None),
            ("1,234", None),
            ("1.2.3", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Form::of([("sum", typed)]).money("sum"), minor, "{typed}");
        }
    }

    #[test]
    fn a_file_loses_its_folder() {
        assert_eq!(bare("C:\\papers\\odpis.pdf"), "odpis.pdf");
        assert_eq!(bare("../../odpis.pdf"), "odpis.pdf");
    }

    #[test]
    fn the_first_error_of_a_field_stays() {
        let mut form = Form::of([("nip", " 123 ")]);
        assert!(form.is_right());
        form.wrong("nip", "too short");
        form.wrong("nip", "odd");
        assert_eq!((form.error("nip"), form.errors().len()), (Some("too short"), 1));
        assert_eq!(form.text("nip"), "123");
    }
}
