//! What is wrong with a form, field by field, for a page and an API alike.
//!
//! Each mistake has a stable code and its parameters, from which a page makes a sentence in the
//! reader's language, and an English sentence for an API. It knows no form and no language.

use super::refusal::{FieldFault, Refusal};

/// Mistakes that are kept of one form; a hostile one must not make an endless answer.
const MISTAKES_MAX: usize = 64;

/// A value that cannot be one, before anybody knows in which field it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// Stable word such as `nip_checksum`, the key of a message.
    pub code: &'static str,
    /// What the message needs, such as the value itself.
    pub params: Vec<(&'static str, String)>,
    /// What is wrong and what would be right, in English.
    pub detail: String,
}

impl BadValue {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, params: Vec::new(), detail: detail.into() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }
}

/// One mistake in its place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// Path with dots, such as `company.nip` or `areas.special_wap.revenue.3`.
    pub field: String,
    pub code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<(&'static str, String)>,
    pub detail: String,
}

/// Everything that is wrong with a form. Empty is right.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct FieldErrors(Vec<FieldError>);

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("nothing is wrong"),
            [one] => write!(f, "{}: {}", one.field, one.detail),
            [first, rest @ ..] => {
                write!(f, "{}: {}; and {} more", first.field, first.detail, rest.len())
            }
        }
    }
}

/// The fields below one place of a form that is being read.
pub struct Below<'e> {
    errors: &'e mut FieldErrors,
    prefix: String,
}

impl Below<'_> {
    /// The value of a field, or nothing and one mistake more.
    pub fn keep<T>(&mut self, field: &str, read: Result<T, BadValue>) -> Option<T> {
        self.errors.keep(&format!("{}.{field}", self.prefix), read)
    }
}

impl FieldErrors {
    pub fn of(field: impl Into<String>, bad: BadValue) -> Self {
        let mut errors = Self::default();
        errors.push(field.into(), bad);
        errors
    }

    pub fn below(&mut self, prefix: String) -> Below<'_> {
        Below { errors: self, prefix }
    }

    /// The value, or nothing and one mistake more.
    pub fn keep<T>(&mut self, field: &str, read: Result<T, BadValue>) -> Option<T> {
        read.map_err(|bad| self.push(field.to_owned(), bad)).ok()
    }

    pub fn push(&mut self, field: String, bad: BadValue) {
        if self.0.len() < MISTAKES_MAX {
            self.0.push(FieldError {
                field,
                code: bad.code,
                params: bad.params,
                detail: bad.detail,
            });
        }
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
        self.0.truncate(MISTAKES_MAX);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    /// Mistakes of one field or of what stands below it.
    pub fn within<'s>(&'s self, field: &'s str) -> impl Iterator<Item = &'s FieldError> {
        self.0.iter().filter(move |error| {
            error
                .field
                .strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// `Ok` if nothing is wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        let faults = errors.0.into_iter().map(|error| FieldFault {
            field: error.field.into(),
            code: error.code,
            params: error.params,
            detail: error.detail,
        });
        Self::FieldErrors(faults.collect())
    }
}

impl<'e> IntoIterator for &'e FieldErrors {
    type Item = &'e FieldError;
    type IntoIter = std::slice::Iter<'e, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
