//! `/partners`: companies for the desk, and what was agreed with each.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, show::cells};
use crate::{
    domain::{PartnerId, Refusal, Right, Side, row_id},
    http::{
        error::Problem,
        portal::{
            cell::{Cell, Summary},
            field::Choice,
            form::Form,
            list::{Ask, List},
            person::Person,
            sandbox,
            timeline::{Parcel, Passed, Station, TaskList},
        },
    },
    partnership::{NewAgreementOf, Stop},
    store::CompanyRow,
};

#[derive(Template)]
#[template(path = "partners.html", config = "src/http/portal/askama.toml")]
struct Partners<'p> {
    page: &'p Page,
    list: List<'p>,
}

/// `GET /partners`: companies by their number, the newest last; the CSV has the page as it is shown.
pub(super) async fn list(page: Page, ask: Ask) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let after = ask.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let rows = page.app().partnership.companies(&person.signed, after).await?;
    let page = page.titled("agreements-partners");
    let list = List::new(&page, &ask, "/partners", "agreements-partners", "agreements-no-partners")
        .column("agreements-company-name")
        .column("agreements-partner-number")
        .column("agreements-state")
        .column("agreements-nip")
        .with_csv()
        .rows(&rows, |row| row.partner_id.to_string(), |row| line(&page, row));
    if ask.is_csv() {
        return Ok(list.csv("partners"));
    }
    Ok(page.show(&Partners { page: &page, list }))
}

/// A prospect has no partner number yet: it is given with the framework agreement (R4.12).
fn line(page: &Page, row: &CompanyRow) -> Vec<Cell> {
    vec![
        Cell::link(format!("/partners/{}", row.partner_id), &row.legal_name),
        Cell::text(row.partner_number.clone().unwrap_or_default()),
        Cell::text(page.word("agreements-company-", &row.state)),
        Cell::code(&row.nip),
    ]
}

#[derive(Template)]
#[template(path = "partner.html", config = "src/http/portal/askama.toml")]
struct Partner<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p CompanyRow,
    path: String,
    summary: Summary,
    parcel: Parcel,
    list: List<'p>,
    kinds: Vec<Choice>,
    /// What its software has shown in the sandbox, for those who may see its access.
    checklist: Option<TaskList>,
    sandbox_path: String,
    may_prepare: bool,
    may_view: bool,
    view_path: String,
}

/// `GET /partners/{id}`: the desk only; a partner finds the same of itself at `/company`.
pub(super) async fn show(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, (&ask, &Form::empty()), row_id(&id, "partner")?).await
}

/// The page of one company, with a form that was not right or an empty one. How many people it has
/// is shown to those who may see people (S-22), and is no error for the others.
async fn whole(
    page: Page,
    person: &Person,
    (ask, form): (&Ask, &Form),
    id: i64,
) -> Result<Response, Problem> {
    if !person.is_operator() {
        return Err(Refusal::NotAllowed.into());
    }
    let partnership = page.app().partnership.clone();
    partnership.require(&person.signed, Right::SeeAgreements)?;
    let by = person.signed.caller();
    let row = partnership.company(&person.signed, PartnerId(id)).await?;
    let stops = partnership.agreement_stops(&by, PartnerId(id)).await?;
    let rows = partnership.agreements_of(&person.signed, PartnerId(id)).await?;
    let people = if person.may(Right::SeePeople) {
        Some(partnership.people(&person.signed, Some(PartnerId(id))).await?.len())
    } else {
        None
    };
    let exercised = if person.may(Right::SeeCredentials) {
        Some(partnership.sandbox_checklist(PartnerId(id)).await?)
    } else {
        None
    };
    let page = page.titled_as(&row.legal_name).under("/partners", "agreements-partners").with(form);
    let mut summary = company_summary(&page, &row);
    if let Some(people) = people {
        summary = summary.row(page.t("agreements-people"), Cell::text(people.to_string()));
    }
    let checklist = exercised.map(|items| sandbox::checklist(&page, &items));
    let language = page.language.tag();
    // All kinds: which may be prepared now is for the verb, whose refusal says what is missing.
    let kinds = partnership.agreement_kinds().iter();
    let kinds =
        kinds.map(|kind| Choice::new(kind.name.as_str(), kind.title.of(language))).collect();
    let path = format!("/partners/{id}");
    let list = List::new(&page, ask, &path, "agreements-title", "agreements-none")
        .column("agreements-number")
        .column("agreements-kind")
        .column("agreements-state")
        .column("agreements-sent-at")
        .column("agreements-return-by")
        .rows(&rows, |row| row.id.to_string(), |row| cells(&page, row));
    let body = Partner {
        page: &page,
        form,
        row: &row,
        path: path.clone(),
        summary,
        parcel: parcel(&page, &stops),
        list,
        kinds,
        checklist,
        sandbox_path: format!("/sandbox?partner={id}"),
        may_prepare: person.may(Right::PrepareAgreements),
        may_view: person.may(Right::ViewAsPartner),
        view_path: format!("/partners/{id}/view"),
    };
    Ok(page.show(&body))
}

/// What a company is, for the desk and for itself.
pub(super) fn company_summary(page: &Page, row: &CompanyRow) -> Summary {
    let mut summary = Summary::new()
        .row(page.t("agreements-company-name"), Cell::text(&row.legal_name))
        .row(page.t("agreements-state"), Cell::text(page.word("agreements-company-", &row.state)));
    let address = format!("{}, {} {}, {}", row.street, row.postal_code, row.city, row.country);
    let number = row.partner_number.clone().unwrap_or_default();
    for (key, value) in [
        ("agreements-partner-number", &number),
        ("agreements-nip", &row.nip),
        ("agreements-regon", &row.regon),
        ("agreements-krs", &row.krs),
        ("agreements-address", &address),
        ("agreements-bank", &row.bank_account),
    ] {
        if !value.is_empty() {
            summary = summary.row(page.t(key), Cell::text(value));
        }
    }
    summary
}

/// The way of the agreements into the partnership (D13).
pub(in crate::http::portal) fn parcel(page: &Page, stops: &[Stop]) -> Parcel {
    let kinds = page.app().partnership.agreement_kinds();
    let language = page.language.tag();
    let station = |stop: &Stop| {
        // What nobody waits for yet lies ahead; what ended badly is a dead end and no past stop.
        let passed = match stop.state {
            "in_force" => Passed::Done,
            "awaited" if stop.turn.is_none() => Passed::Ahead,
            "terminated" | "expired" | "lapsed" | "declined" => Passed::Stopped,
            _ => Passed::Here,
        };
        let title = kinds.get(&stop.kind).map_or(&*stop.kind, |kind| kind.title.of(language));
        let mut note = page.word("agreements-state-", stop.state);
        let turn = match stop.turn {
            Some(Side::Partner) => Some("agreements-turn-partner"),
            Some(Side::Operator) => Some("agreements-turn-operator"),
            None => None,
        };
        if let Some(turn) = turn {
            note = format!("{note}. {}", page.t(turn).trim_end_matches('.'));
        }
        if let Some(due) = stop.due_at {
            note = format!("{note}; {}", page.left(due));
        }
        Station::new(passed, title).note(note)
    };
    Parcel { label: page.t("agreements-way-in"), stations: stops.iter().map(station).collect() }
}

/// Prepares an agreement with its document.
pub(super) async fn prepare(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else {
        return Ok(Page::to_login_for(&format!("/partners/{id}")));
    };
    let id = row_id(&id, "partner")?;
    page.app().partnership.require(&person.signed, Right::PrepareAgreements)?;
    for (field, key) in [
        ("kind", "agreements-kind-missing"),
        ("contact_name", "agreements-contact-missing"),
        ("contact_mail", "agreements-mail-missing"),
    ] {
        form.require(&page, field, key);
    }
    if !form.is_right() {
        return whole(page, &person, (&ask, &form), id).await;
    }
    // An applicant without an account reads its agreements by the link of its application.
    let new = NewAgreementOf {
        partner: PartnerId(id),
        kind: form.text("kind").to_owned(),
        language: None,
        contact_name: form.text("contact_name").to_owned(),
        contact_mail: form.text("contact_mail").to_owned(),
        application: page.app().partnership.application_behind(PartnerId(id)).await?,
        valid_until: None,
    };
    let row = page.app().partnership.prepare(&person.signed, &new).await?;
    Ok(page.done(&format!("/agreements/{}", row.id), "agreements-notice-prepared"))
}
