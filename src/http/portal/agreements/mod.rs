//! Agreements, terms and companies: pages of partners, applicants and the desk.
//!
//! They decide nothing; every step is a verb. What surprises: an agreement's page is also for
//! somebody without an account. The link of an application lets in to the agreements that came of
//! it, for those are signed before anybody gets an account.

mod company;
mod drafting;
mod files;
mod notices;
mod partners;
mod show;
mod steps;
mod terms;

use axum::{
    Router,
    http::HeaderMap,
    routing::{get, post},
};

use super::{
    cell::{Tag, Tone},
    cookies,
    page::Page,
    person::Person,
};
use crate::{
    domain::{AgreementState, Caller, Right},
    http::{App, error::Problem},
    store::AgreementRow,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/agreements", get(show::list))
        .route("/agreements/{id}", get(show::show))
        .route("/agreements/{id}/document", get(files::document))
        .route("/agreements/{id}/files/{file}", get(files::copy))
        .route("/agreements/{id}/copy", post(steps::hand_in))
        .route("/agreements/{id}/countersign", post(steps::countersign))
        .route("/agreements/{id}/step", post(steps::step))
        .route("/partners", get(partners::list))
        .route("/partners/{id}", get(partners::show).post(partners::prepare))
        .route("/terms", get(terms::list))
        .route("/terms/new", get(drafting::begin).post(drafting::create))
        .route("/terms/{id}", get(terms::show).post(terms::step))
        .route("/terms/{id}/edit", get(drafting::edit).post(drafting::save))
        .route("/notices", get(notices::list))
        .route("/company", get(company::show).post(company::edit))
}

/// Who reads an agreement.
struct Reader {
    by: Caller,
    /// None for an applicant.
    person: Option<Person>,
}

impl Reader {
    /// None if nobody is logged in and no application's link was followed.
    async fn of(page: &Page, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let partnership = &page.app().partnership;
        if let Some(person) = page.person.clone() {
            partnership.require(&person.signed, Right::SeeAgreements)?;
            return Ok(Some(Self { by: person.signed.caller(), person: Some(person) }));
        }
        let kept = cookies::read(page.app(), headers, "application");
        let Some((reference, key)) = kept.and_then(|kept| kept.split_once('.')) else {
            return Ok(None);
        };
        let (by, _) = partnership.follow_link(reference, key).await?;
        Ok(Some(Self { by, person: None }))
    }

    fn is_staff(&self) -> bool {
        self.person.as_ref().is_some_and(Person::is_operator)
    }

    fn may(&self, right: Right) -> bool {
        match &self.person {
            Some(person) => person.may(right),
            None => right == Right::SignAgreements,
        }
    }
}

/// An agreement in one line: address, name and state.
pub(super) fn line(page: &Page, row: &AgreementRow) -> (String, String, Tag) {
    let name = format!("{} {}", kind_title(page, row), row.number);
    (format!("/agreements/{}", row.id), name, state_tag(page, row.state))
}

fn kind_title(page: &Page, row: &AgreementRow) -> String {
    let kind = page.app().partnership.agreement_kinds().get(&row.kind);
    kind.map_or(&*row.kind, |kind| kind.title.of(page.language.tag())).to_owned()
}

fn state_tag(page: &Page, state: AgreementState) -> Tag {
    let tone = match state {
        AgreementState::Draft => Tone::Calm,
        AgreementState::Sent | AgreementState::SignedByPartner => Tone::Busy,
        AgreementState::InForce => Tone::Good,
        AgreementState::Suspended => Tone::Warn,
        _ => Tone::Bad,
    };
    Tag::new(tone, page.word("agreements-state-", state.as_str()))
}
