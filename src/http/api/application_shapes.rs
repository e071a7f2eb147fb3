//! Shapes of applications on the wire.
//!
//! Requests mirror the portal's form, so that the path of a wrong field is its JSON Pointer.
//! They hold no rule: a number that is no NIP is a text like any other here.

use std::collections::BTreeMap;

use super::shapes::moment;
use crate::{
    domain::{
        application::Verdict, application_form::ContactForm, company::CompanyForm,
        fields::FieldError,
    },
    partnership::ApplicationView,
};

/// An application in one piece.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApplication)]
pub(crate) struct NewApplicationBody {
    /// Where letters about it go.
    #[schema(example = "jan@acme.pl", min_length = 6, max_length = 254)]
    pub(super) mail: String,
    /// Language of the letters.
    #[serde(default)]
    #[schema(default = "pl", pattern = "^(pl|en)$")]
    pub(super) language: String,
    pub(super) company: CompanyBody,
    pub(super) contacts: Vec<ContactBody>,
    /// `special_sms_mms`, `special_wap`, `special_number`.
    pub(super) areas: Vec<String>,
    /// One plan for each area.
    pub(super) plans: BTreeMap<String, PlanBody>,
    /// Version of the privacy notice that was read and is accepted.
    #[schema(example = "2026-01")]
    pub(super) privacy_notice: String,
}

#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCompany)]
pub(crate) struct CompanyBody {
    legal_name: String,
    #[schema(example = "5261040828")]
    nip: String,
    #[schema(example = "123456785")]
    regon: String,
    #[serde(default)]
    krs: String,
    street: String,
    #[schema(example = "00-950")]
    postal_code: String,
    city: String,
    /// Two letters; `PL` if absent.
    #[serde(default)]
    country: String,
    /// IBAN or a Polish account of 26 digits.
    #[serde(default)]
    bank_account: String,
}

#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContact)]
pub(crate) struct ContactBody {
    name: String,
    #[serde(default)]
    role: String,
    mail: String,
    #[serde(default)]
    phone: String,
}

#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPlan)]
pub(crate) struct PlanBody {
    /// Planned net revenue of the next twelve months, grosze.
    #[schema(min_items = 12, max_items = 12)]
    pub(super) revenue_minor: Vec<i64>,
    pub(super) marketing_plan: String,
    pub(super) idea: String,
    /// What is new in it.
    pub(super) novelty: String,
}

impl From<CompanyBody> for CompanyForm {
    fn from(body: CompanyBody) -> Self {
        Self {
            legal_name: body.legal_name,
            nip: body.nip,
            regon: body.regon,
            krs: body.krs,
            street: body.street,
            postal_code: body.postal_code,
            city: body.city,
            country: body.country,
            bank_account: body.bank_account,
        }
    }
}

impl From<ContactBody> for ContactForm {
    fn from(body: ContactBody) -> Self {
        Self { name: body.name, role: body.role, mail: body.mail, phone: body.phone }
    }
}

/// The answer to a new application.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = BegunApplication)]
pub(crate) struct BegunBody {
    #[schema(example = "A-2026-000123")]
    pub(super) reference: String,
    /// `submitted`, or `draft` while documents are missing.
    pub(super) state: &'static str,
    /// The bearer token for this application. Keep it secret.
    pub(super) key: String,
    pub(super) version: i64,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Application)]
pub(crate) struct ApplicationBody {
    reference: String,
    /// `join`, `new_area`, `idea`.
    purpose: &'static str,
    state: &'static str,
    version: i64,
    submitted_at: Option<String>,
    decided_at: Option<String>,
    /// Until when a decision was promised first.
    promised_at: Option<String>,
    /// What holds now, after pauses.
    due_at: Option<String>,
    areas: Vec<AreaBody>,
    /// What is still to be done; empty once it was submitted.
    tasks: Vec<TaskBody>,
    messages: Vec<WordsBody>,
    timeline: Vec<StepBody>,
    /// Whose turn it is, from the application to the service.
    stops: Vec<StopBody>,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationArea)]
pub(crate) struct AreaBody {
    area: &'static str,
    /// `accepted`, `declined`, or null.
    decision: Option<&'static str>,
    reason: Option<&'static str>,
    text: Option<String>,
    /// Date from which it can be asked for again.
    reapply_on: Option<String>,
    refer_to: Option<String>,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationTask)]
pub(crate) struct TaskBody {
    section: &'static str,
    /// `empty`, `incomplete`, `complete`.
    progress: &'static str,
    errors: Vec<WrongBody>,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = WrongField)]
pub(crate) struct WrongBody {
    /// JSON Pointer.
    pointer: String,
    code: &'static str,
    detail: String,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationMessage)]
pub(crate) struct WordsBody {
    at: String,
    /// `operator` or `partner`.
    side: String,
    text: String,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationStep)]
pub(crate) struct StepBody {
    at: String,
    what: String,
    note: String,
}

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationStop)]
pub(crate) struct StopBody {
    stop: &'static str,
    /// `later`, `open`, `paused`, `done`, `ended`.
    standing: &'static str,
    /// `operator`, `partner`, or null.
    turn: Option<&'static str>,
    promised_at: Option<String>,
    due_at: Option<String>,
    days_late: i64,
}

/// What the owner of an application sees.
pub(super) fn described(view: &ApplicationView, now: i64) -> ApplicationBody {
    let row = &view.row;
    let stops = view.stops(now);
    ApplicationBody {
        reference: row.reference.clone(),
        purpose: row.purpose.as_str(),
        state: row.state.as_str(),
        version: row.version,
        submitted_at: row.submitted_at.map(moment),
        decided_at: row.decided_at.map(moment),
        promised_at: view.decision.as_ref().map(|decision| moment(decision.promised_at)),
        due_at: view.decision.as_ref().map(|decision| moment(decision.due_at)),
        areas: view
            .areas
            .iter()
            .map(|judged| area(judged.area.as_str(), judged.verdict.as_ref()))
            .collect(),
        tasks: view
            .tasks
            .iter()
            .map(|task| TaskBody {
                section: task.section.as_str(),
                progress: task.progress.as_str(),
                errors: task.errors.iter().map(wrong).collect(),
            })
            .collect(),
        messages: view
            .messages
            .iter()
            .map(|one| WordsBody {
                at: moment(one.at),
                side: one.side.clone(),
                text: one.text.clone(),
            })
            .collect(),
        timeline: view
            .timeline
            .iter()
            .map(|one| StepBody {
                at: moment(one.at),
                what: one.kind.clone(),
                note: one.note.clone(),
            })
            .collect(),
        stops: stops
            .iter()
            .map(|stop| StopBody {
                stop: stop.kind.as_str(),
                standing: stop.standing.as_str(),
                turn: stop.owner.map(crate::domain::turn::Owner::as_str),
                promised_at: stop.promised_at.map(moment),
                due_at: stop.due_at.map(moment),
                days_late: stop.days_late,
            })
            .collect(),
    }
}

fn area(area: &'static str, verdict: Option<&Verdict>) -> AreaBody {
    let mut body = AreaBody {
        area,
        decision: None,
        reason: None,
        text: None,
        reapply_on: None,
        refer_to: None,
    };
    match verdict {
        None => {}
        Some(Verdict::Accepted) => body.decision = Some("accepted"),
        Some(Verdict::Declined(declined)) => {
            body.decision = Some("declined");
            body.reason = Some(declined.reason.as_str());
            body.text = Some(declined.text.clone()).filter(|text| !text.is_empty());
            body.reapply_on = declined.reapply_on.map(|day| day.to_string());
            body.refer_to.clone_from(&declined.refer_to);
        }
    }
    body
}

fn wrong(error: &FieldError) -> WrongBody {
    WrongBody {
        pointer: format!("/{}", error.field.replace('.', "/")),
        code: error.code,
        detail: error.detail.clone(),
    }
}
