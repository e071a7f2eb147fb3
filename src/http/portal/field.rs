//! The fields of forms, with label, hint, error and what was typed.
//!
//! One key says all about a field: its value is the label, its attribute `.hint` the hint. The
//! surprise: no field has `required` or a pattern. The browser's own messages come in the
//! browser's language, vanish by themselves and cannot be listed, so the server says it all.

use askama::{Template, filters::HtmlSafe};

use super::{form::Form, page::Page};

/// One choice of a select, radios or checkboxes.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub text: String,
    pub hint: Option<String>,
}

impl Choice {
    pub fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self { value: value.into(), text: text.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input(&'static str),
    Area,
    Select,
    Radios,
    Checkboxes,
    Tick,
    Upload,
    Money,
}

/// A field on its way to a page.
#[derive(Template)]
#[template(path = "field.html", config = "src/http/portal/askama.toml")]
pub struct Field<'a> {
    page: &'a Page,
    form: &'a Form,
    name: &'a str,
    kind: Kind,
    label: String,
    hint: Option<String>,
    choices: &'a [Choice],
    is_optional: bool,
    is_heading: bool,
    width: &'static str,
    autocomplete: Option<&'static str>,
    inputmode: Option<&'static str>,
    accept: Option<&'static str>,
    rows: u8,
}

impl HtmlSafe for Field<'_> {}

impl Field<'_> {
    /// Says "(optional)"; every other field is needed.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// The label is the heading of a page with one question.
    #[must_use]
    pub fn heading(mut self) -> Self {
        self.is_heading = true;
        self
    }

    /// As wide as what belongs there: `few` (5), `some` (10) or `many` (20 characters).
    #[must_use]
    pub fn width(mut self, width: &'static str) -> Self {
        self.width = width;
        self
    }

    /// A value of the HTML attribute, such as `organization` or `one-time-code`.
    #[must_use]
    pub fn autocomplete(mut self, purpose: &'static str) -> Self {
        self.autocomplete = Some(purpose);
        self
    }

    #[must_use]
    pub fn email(mut self) -> Self {
        self.kind = Kind::Input("email");
        self.autocomplete.get_or_insert("email");
        self
    }

    #[must_use]
    pub fn phone(mut self) -> Self {
        self.kind = Kind::Input("tel");
        self.autocomplete.get_or_insert("tel");
        self
    }

    #[must_use]
    pub fn password(mut self) -> Self {
        self.kind = Kind::Input("password");
        self
    }

    /// Digits that are no quantity: `type=number` would count them up and drop leading zeros.
    #[must_use]
    pub fn digits(mut self) -> Self {
        self.inputmode = Some("numeric");
        self
    }

    #[must_use]
    pub fn rows(mut self, rows: u8) -> Self {
        self.rows = rows;
        self
    }

    /// Media types and endings for a file.
    #[must_use]
    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = Some(accept);
        self
    }

    fn error(&self) -> Option<&str> {
        self.form.error(self.name)
    }

    /// What was typed; never a password.
    fn value(&self) -> &str {
        if self.kind == Kind::Input("password") { "" } else { self.form.text(self.name) }
    }

    /// The ids that describe the field, for those who hear it.
    fn described(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = self.error().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }

    fn is_group(&self) -> bool {
        matches!(self.kind, Kind::Radios | Kind::Checkboxes)
    }
}

/// Every field of the portal is made by one of these; `key` names label and hint.
impl Page {
    fn field<'a>(&'a self, form: &'a Form, name: &'a str, key: &str, kind: Kind) -> Field<'a> {
        Field {
            page: self,
            form,
            name,
            kind,
            label: self.t(key),
            hint: self.hint(key),
            choices: &[],
            is_optional: false,
            is_heading: false,
            width: "full",
            autocomplete: None,
            inputmode: None,
            accept: None,
            rows: 5,
        }
    }

    pub fn input<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Input("text"))
    }

    pub fn area<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Area)
    }

    pub fn date<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Input("date")).width("many")
    }

    /// A moment, on the clock of whoever types it.
    pub fn moment<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Input("datetime-local")).width("many")
    }

    pub fn sum<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        Field { inputmode: Some("decimal"), ..self.field(form, name, key, Kind::Money) }
    }

    /// A file; its form needs `form_start_files`.
    pub fn upload<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Upload)
    }

    /// One checkbox, whose label is a sentence to agree with. Its value is `yes`.
    pub fn tick<'a>(&'a self, form: &'a Form, name: &'a str, key: &str) -> Field<'a> {
        self.field(form, name, key, Kind::Tick)
    }

    pub fn select<'a>(
        &'a self,
        form: &'a Form,
        name: &'a str,
        key: &str,
        choices: &'a [Choice],
    ) -> Field<'a> {
        Field { choices, ..self.field(form, name, key, Kind::Select) }
    }

    pub fn radios<'a>(
        &'a self,
        form: &'a Form,
        name: &'a str,
        key: &str,
        choices: &'a [Choice],
    ) -> Field<'a> {
        Field { choices, ..self.field(form, name, key, Kind::Radios) }
    }

    pub fn checkboxes<'a>(
        &'a self,
        form: &'a Form,
        name: &'a str,
        key: &str,
        choices: &'a [Choice],
    ) -> Field<'a> {
        Field { choices, ..self.field(form, name, key, Kind::Checkboxes) }
    }

    /// `<form>` with its token. Close it with `</form>`.
    pub fn form_start<'a>(&'a self, path: &'a str) -> FormStart<'a> {
        FormStart { page: self, path, has_files: false }
    }

    /// The same for a form with files.
    pub fn form_start_files<'a>(&'a self, path: &'a str) -> FormStart<'a> {
        FormStart { page: self, path, has_files: true }
    }

    /// "There is a problem", with a link to every wrong field; nothing if all is right.
    pub fn error_summary<'a>(&'a self, form: &'a Form) -> ErrorSummary<'a> {
        ErrorSummary { page: self, form }
    }
}

/// The token is the first field, so that it is checked before any file is read.
#[derive(Template)]
#[template(
    ext = "html",
    source = "<form method=\"post\" action=\"{{ path }}\" novalidate{% if has_files %} enctype=\"multipart/form-data\"{% endif %}><input type=\"hidden\" name=\"token\" value=\"{{ page.token() }}\">"
)]
pub struct FormStart<'a> {
    page: &'a Page,
    path: &'a str,
    has_files: bool,
}

impl HtmlSafe for FormStart<'_> {}

#[derive(Template)]
#[template(path = "error_summary.html", config = "src/http/portal/askama.toml")]
pub struct ErrorSummary<'a> {
    page: &'a Page,
    form: &'a Form,
}

impl HtmlSafe for ErrorSummary<'_> {}
