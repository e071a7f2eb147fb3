//! What is wrong with a field, as a sentence in the reader's language.
//!
//! Every code of `FieldErrors` has a text `apply-wrong-CODE` that uses the code's parameters. The
//! surprise: a code without a text shows the English detail instead of nothing.

use crate::{
    domain::{Refusal, fields::FieldErrors, refusal::FieldFault},
    http::{
        error::Problem,
        portal::{
            form::Form,
            page::Page,
            texts::{self, Value},
        },
    },
    partnership::{Error, FileFault},
};

/// The id of a field on a page. Dots would need escapes in addresses and styles.
pub(in crate::http::portal) fn id(field: &str) -> String {
    field.replace('.', "-")
}

/// Puts what a verb found wrong into the form; any other "no" goes on as it is.
pub(in crate::http::portal) fn take(
    page: &Page,
    form: &mut Form,
    error: Error,
    name: impl Fn(&str) -> String,
) -> Result<(), Problem> {
    let Error::Refused(Refusal::FieldErrors(faults)) = error else { return Err(error.into()) };
    for fault in &faults {
        form.wrong(&name(&fault.field), of_fault(page, fault));
    }
    Ok(())
}

/// The same for what a task list says.
pub(in crate::http::portal) fn take_all(
    page: &Page,
    form: &mut Form,
    errors: &FieldErrors,
    name: impl Fn(&str) -> String,
) {
    for error in errors {
        let text = worded(page, &error.field, (error.code, &error.detail), &error.params);
        form.wrong(&name(&error.field), text);
    }
}

pub(in crate::http::portal) fn of_fault(page: &Page, fault: &FieldFault) -> String {
    worded(page, &fault.field, (fault.code, &fault.detail), &fault.params)
}

/// The last step of a path that is no number: what the field is called, whatever it is part of.
fn last(field: &str) -> String {
    let step = field.rsplit('.').find(|step| !step.bytes().all(|octet| octet.is_ascii_digit()));
    step.unwrap_or_default().replace('_', "-")
}

/// A summary of errors must say of each line by itself which field is meant.
fn worded(
    page: &Page,
    field: &str,
    (code, detail): (&str, &str),
    params: &[(&'static str, String)],
) -> String {
    let last = last(field);
    if code == "missing" {
        let missing = texts::known(page.language, &format!("{}{last}", "apply-missing-"));
        return missing.unwrap_or_else(|| page.t("apply-wrong-missing"));
    }
    let key = format!("{}{}", "apply-wrong-", code.replace('_', "-"));
    let values: Vec<_> = params
        .iter()
        .map(|(name, value)| match (*name, value.parse()) {
            ("kind", _) => (*name, Value::text(document(page, value))),
            // A NIP or an account is a name and no quantity.
            ("value" | "version", _) | (_, Err(_)) => (*name, Value::text(value)),
            (_, Ok(count)) => (*name, Value::Count(count)),
        })
        .collect();
    let text = texts::t(page.language, &key, &values);
    if text == key {
        return detail.to_owned();
    }
    let name = texts::known(page.language, &format!("{}{last}", "apply-field-"));
    match name.filter(|_| matches!(code, "length" | "control" | "date_form" | "file_missing")) {
        Some(name) => format!("{name}: {text}"),
        None => text,
    }
}

pub(in crate::http::portal) fn document(page: &Page, kind: &str) -> String {
    page.word("apply-document-", kind)
}

pub(in crate::http::portal) fn area(page: &Page, area: &str) -> String {
    page.word("apply-area-", area)
}

/// Why an uploaded file was not taken, or a problem that is nobody's fault here.
pub(in crate::http::portal) fn of_file(page: &Page, fault: FileFault) -> Result<String, Problem> {
    let code = match &fault {
        FileFault::Refused(upload) => upload.code(),
        FileFault::NoRoom => "file_no_room",
        FileFault::Infected(_) => "file_infected",
        FileFault::NoScan(_) => "file_no_scan",
        _ => return Err(crate::http::portal::desk::files::problem(fault)),
    };
    Ok(worded(page, "", (code, &fault.to_string()), &[]))
}
