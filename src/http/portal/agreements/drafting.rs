//! `/terms/new` and `/terms/{id}/edit`: a version of terms is written, in both languages.
//!
//! Saving is the preview: the page of a draft shows its comparison with what is in force. What
//! surprises: editing voids an approval, and makes the editor the one who cannot approve.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::Page;
use crate::{
    domain::{
        Refusal, Right,
        agreement_kind::Both,
        row_id,
        terms::{AppliesTo, Consent, TermsState},
    },
    http::{
        error::Problem,
        portal::{field::Choice, form::Form, person::Person},
    },
    partnership::{Error, TermsDraft},
    store::TermsRow,
};

/// Fields and what to do about an empty one.
const FIELDS: [(&str, &str); 5] = [
    ("label", "agreements-label-missing"),
    ("summary_pl", "agreements-summary-missing"),
    ("summary_en", "agreements-summary-missing"),
    ("text_pl", "agreements-text-missing"),
    ("text_en", "agreements-text-missing"),
];

#[derive(Template)]
#[template(path = "terms_draft.html", config = "src/http/portal/askama.toml")]
struct DraftPage<'p> {
    page: &'p Page,
    form: &'p Form,
    path: String,
    /// None for a new version: kind and meaning are chosen once.
    row: Option<&'p TermsRow>,
    kinds: Vec<Choice>,
    applies: Vec<Choice>,
    consents: Vec<Choice>,
}

/// The empty form: most changes concern everybody, and silence accepts (Q1.7).
pub(super) async fn begin(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    page.app().partnership.require(&person.signed, Right::PublishTerms)?;
    let form = Form::of([
        ("applies_to", AppliesTo::All.as_str().to_owned()),
        ("consent", Consent::Silent.as_str().to_owned()),
    ]);
    Ok(draw(page, &form, None))
}

/// Kind and meaning are chosen here and never again: notices would no longer be true.
pub(super) async fn create(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let partnership = page.app().partnership.clone();
    partnership.require(&person.signed, Right::PublishTerms)?;
    form.require(&page, "kind", "agreements-kind-missing");
    let kind = form.text("kind").to_owned();
    if !kind.is_empty() && partnership.agreement_kinds().get(&kind).is_none() {
        form.wrong("kind", page.t("agreements-kind-missing"));
    }
    let (applies_to, consent) =
        (AppliesTo::parse(form.text("applies_to")), Consent::parse(form.text("consent")));
    require_texts(&page, &mut form, true);
    let (true, Some(applies_to), Some(consent)) = (form.is_right(), applies_to, consent) else {
        return Ok(draw(page, &form, None));
    };
    let label = form.text("label").trim().to_owned();
    let (text, summary) = texts(&form);
    let draft = TermsDraft { kind, label, applies_to, consent, text, summary };
    match partnership.draft_terms(&person.signed.caller(), &draft).await {
        Ok(row) => Ok(page.done(&format!("/terms/{}", row.id), "agreements-notice-drafted")),
        Err(error) => {
            take(&page, &mut form, error)?;
            Ok(draw(page, &form, None))
        }
    }
}

/// The form with the texts as they are.
pub(super) async fn edit(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let row = draft(&page, &person, &id).await?;
    let form = Form::of([
        ("text_pl", row.text_pl.clone()),
        ("text_en", row.text_en.clone()),
        ("summary_pl", row.summary_pl.clone()),
        ("summary_en", row.summary_en.clone()),
    ]);
    Ok(draw(page, &form, Some(&row)))
}

/// Saves the texts; the version of the page decides between two editors.
pub(super) async fn save(
    page: Page,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let row = draft(&page, &person, &id).await?;
    require_texts(&page, &mut form, false);
    if !form.is_right() {
        return Ok(draw(page, &form, Some(&row)));
    }
    let partnership = page.app().partnership.clone();
    let version = form.number("version").unwrap_or_default();
    match partnership.edit_terms(&person.signed.caller(), row.id, version, texts(&form)).await {
        Ok(row) => Ok(page.done(&format!("/terms/{}", row.id), "agreements-notice-drafted")),
        Err(error) => {
            take(&page, &mut form, error)?;
            Ok(draw(page, &form, Some(&row)))
        }
    }
}

/// The version, while it may still be written.
async fn draft(page: &Page, person: &Person, id: &str) -> Result<TermsRow, Problem> {
    let partnership = &page.app().partnership;
    partnership.require(&person.signed, Right::PublishTerms)?;
    let row = partnership.terms(&person.signed.caller(), row_id(id, "terms")?).await?;
    if row.state != TermsState::Draft {
        return Err(Refusal::WrongState("only a draft can be edited".to_owned()).into());
    }
    Ok(row)
}

/// Browsers end lines with CR LF, which a comparison must not take for a change.
fn texts(form: &Form) -> (Both, Both) {
    let text = |name: &str| form.text(name).replace("\r\n", "\n");
    (
        Both { pl: text("text_pl"), en: text("text_en") },
        Both { pl: text("summary_pl"), en: text("summary_en") },
    )
}

fn require_texts(page: &Page, form: &mut Form, is_new: bool) {
    for (field, key) in FIELDS {
        if is_new || field != "label" {
            form.require(page, field, key);
        }
    }
}

/// A mistake that the verb found goes to its field; anything else is a page of its own.
fn take(page: &Page, form: &mut Form, error: Error) -> Result<(), Problem> {
    match error {
        Error::Refused(Refusal::FieldErrors(faults)) => {
            for fault in faults {
                let name = fault.field.replace('.', "_");
                let field = FIELDS.iter().find(|(field, _)| *field == name);
                form.wrong(
                    field.map_or("label", |(field, _)| field),
                    page.t("agreements-text-wrong"),
                );
            }
            Ok(())
        }
        Error::Refused(Refusal::Taken(_)) => {
            form.wrong("label", page.t("agreements-label-taken"));
            Ok(())
        }
        error => Err(error.into()),
    }
}

fn draw(page: Page, form: &Form, row: Option<&TermsRow>) -> Response {
    let language = page.language.tag();
    let kinds = page.app().partnership.agreement_kinds().iter();
    let kinds =
        kinds.map(|kind| Choice::new(kind.name.as_str(), kind.title.of(language))).collect();
    let page = page.under("/terms", "agreements-terms");
    let (page, path) = match row {
        None => (page.titled("agreements-draft-new"), "/terms/new".to_owned()),
        Some(row) => {
            let page = page.under_as(format!("/terms/{}", row.id), row.label.clone());
            (page.titled("agreements-draft-edit"), format!("/terms/{}/edit", row.id))
        }
    };
    let page = page.with(form);
    let applies = vec![
        Choice::new(AppliesTo::All.as_str(), page.t("agreements-applies-all")),
        Choice::new(AppliesTo::New.as_str(), page.t("agreements-applies-new")),
    ];
    let consents = vec![
        Choice::new(Consent::Silent.as_str(), page.t("agreements-consent-silent")),
        Choice::new(Consent::Explicit.as_str(), page.t("agreements-consent-explicit")),
    ];
    page.show(&DraftPage { page: &page, form, path, row, kinds, applies, consents })
}
