//! Reading a JSON object field by field, collecting everything that is wrong.
//!
//! Unknown fields are refused, not ignored (S-24). The surprise: JSON allows a field twice; the
//! last one counts, as in every common parser, so that what is checked is what is used.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::asked::version;
use crate::http::{
    App,
    error::{Fault, FieldError, Problem},
};

/// Wrong fields that are named; a body of a megabyte must not make an answer of ten.
const ERRORS_MAX: usize = 32;
/// Octets of a peer's text that are quoted back.
const QUOTED_MAX: usize = 40;

/// Reads a body that must be one JSON object.
pub(super) async fn object(
    headers: &HeaderMap,
    body: Body,
    octets_max: usize,
) -> Result<Map<String, Value>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let is_plain = headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    if !kind.eq_ignore_ascii_case("application/json") || !is_plain {
        return Err(Fault::UnsupportedMediaType.into());
    }
    let octets = match Limited::new(body, octets_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(
                Fault::BodyTooLarge.says(format!("the body has more than {octets_max} octets"))
            );
        }
        Err(_) => return Err(Fault::BadRequest.into()),
    };
    match serde_json::from_slice(&octets) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Fault::MalformedJson.says("the body is JSON, but not an object")),
        // The parser names a place and what it wanted there, never the text itself.
        Err(error) => Err(Fault::MalformedJson.says(format!("the body is not JSON: {error}"))),
    }
}

/// The fields that are left, and what was wrong so far.
pub(super) struct Fields {
    /// Pointer to the object that these are the fields of; empty for the body itself.
    place: String,
    left: Map<String, Value>,
    errors: Vec<FieldError>,
    count: usize,
}

impl Fields {
    pub(super) fn new(left: Map<String, Value>) -> Self {
        Self { place: String::new(), left, errors: Vec::new(), count: 0 }
    }

    /// The fields of a body that is one JSON object.
    pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        Ok(Self::new(object(headers, body, app.limits.body_octets_max.as_usize()).await?))
    }

    /// The fields of an object that is the field `name` of the body.
    pub(super) fn within(name: &str, left: Map<String, Value>) -> Self {
        Self { place: format!("/{name}"), ..Self::new(left) }
    }

    /// Takes over what was wrong in an object within.
    pub(super) fn absorb(&mut self, inner: Self) {
        let unnamed = inner.count - inner.errors.len();
        for error in inner.errors {
            self.add(error);
        }
        self.count += unnamed;
    }

    pub(super) fn is_good(&self) -> bool {
        self.count == 0
    }

    pub(super) fn wrong(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        // [RFC 6901 s3] escapes two characters.
        let escaped = name.replace('~', "~0").replace('/', "~1");
        self.add(FieldError {
            pointer: Some(format!("{}/{escaped}", self.place)),
            header: None,
            detail: detail.into(),
            code,
        });
    }

    pub(super) fn add(&mut self, error: FieldError) {
        self.count += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// A text of `least` to `most` characters, then whatever `read` makes of it.
    pub(super) fn text<T>(
        &mut self,
        name: &str,
        (least, most): (usize, usize),
        read: impl FnOnce(&str) -> Result<T, (&'static str, String)>,
    ) -> Option<T> {
        let Value::String(text) = self.left.remove(name)? else {
            self.wrong(name, "invalid", "must be a string");
            return None;
        };
        if !(least..=most).contains(&text.chars().take(most + 1).count()) {
            self.wrong(name, "invalid", format!("must have {least} to {most} characters"));
            return None;
        }
        match read(&text) {
            Ok(value) => Some(value),
            Err((code, detail)) => {
                self.wrong(name, code, detail);
                None
            }
        }
    }

    /// A text as it is.
    pub(super) fn plain(&mut self, name: &str, size: (usize, usize)) -> Option<String> {
        self.text(name, size, |text| Ok(text.to_owned()))
    }

    /// The version in If-Match; 0, which nothing has, if it is wrong.
    pub(super) fn version(&mut self, headers: &HeaderMap) -> i64 {
        version(headers).map_err(|error| self.add(error)).unwrap_or_default()
    }

    /// A field that is an object itself.
    pub(super) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        let Value::Object(object) = self.left.remove(name)? else {
            self.wrong(name, "invalid", "must be an object");
            return None;
        };
        Some(object)
    }

    /// True or false; absent is false.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.left.remove(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.wrong(name, "invalid", "must be true or false");
                false
            }
        }
    }

    /// A whole number between two others. JSON has only one kind of number: 1.0 is whole.
    pub(super) fn number(&mut self, name: &str, least: i64, most: i64) -> Option<i64> {
        let value = self.left.remove(name)?;
        #[expect(clippy::cast_possible_truncation, reason = "the guard leaves small whole numbers")]
        let whole = value.as_i64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        });
        let found = whole.filter(|number| (least..=most).contains(number));
        if found.is_none() {
            self.wrong(name, "invalid", format!("must be a whole number from {least} to {most}"));
        }
        found
    }

    /// Names what was not asked for.
    pub(super) fn refuse_unknown(&mut self, known: &[&str], of_what: &str) {
        for name in std::mem::take(&mut self.left).keys() {
            let near = known
                .iter()
                .map(|field| (strsim::levenshtein(field, &quoted(name)), field))
                .min()
                .filter(|(distance, _)| *distance <= 2)
                .map_or_else(String::new, |(_, field)| format!("; did you mean `{field}`?"));
            self.wrong(
                &quoted(name),
                "unknown",
                format!("`{}` is not a field of {of_what}{near}", quoted(name)),
            );
        }
    }

    /// Everything that was not asked for is unknown; without a mistake the answer is `Ok`.
    pub(super) fn finish(mut self, known: &[&str]) -> Result<(), Problem> {
        self.refuse_unknown(known, "a message");
        if self.count == 0 {
            return Ok(());
        }
        let many = if self.count == 1 {
            "1 field is wrong".to_owned()
        } else {
            format!("{} fields are wrong", self.count)
        };
        let mut problem = Fault::InvalidFields.says(many);
        problem.errors = self.errors;
        Err(problem)
    }
}

fn quoted(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(QUOTED_MAX).collect()
}
