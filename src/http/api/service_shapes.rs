//! Services as the interface shows and takes them.
//!
//! The surprise: the fields of a description are one list, from which the body that is read and the
//! body that is shown are both made; a test keeps it equal to the form of the domain.

use std::collections::BTreeMap;

use serde::Serialize;

use super::shapes::moment;
use crate::{domain::service_revision::ServiceForm, partnership::ServiceFile, store::OfferingRow};

/// A service to begin with.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewServiceBody {
    /// A word for logs and reports; it does not change.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[0-9A-Za-z][0-9A-Za-z._-]*$",
        example = "quiz-2026"
    )]
    name: String,
}

/// Why a step is taken; the other side reads it.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct ServiceStepBody {
    #[schema(max_length = 1000, nullable = false)]
    reason: Option<String>,
}

/// A remark on one field.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewCommentBody {
    /// A field of the description; without it the whole is meant.
    #[schema(max_length = 32, nullable = false, example = "answer")]
    field: Option<String>,
    #[schema(min_length = 1, max_length = 1000, example = "The price is missing.")]
    text: String,
}

macro_rules! description {
    ($($name:ident),+ $(,)?) => {
        /// Fields of a description to write; what is not named stays.
        #[expect(dead_code, reason = "it describes a body that is read field by field")]
        #[derive(utoipa::ToSchema)]
        pub(crate) struct ServiceChangeBody {
            $(#[schema(max_length = 2000, nullable = false)] $name: Option<String>,)+
        }

        /// A description as it was written; every field is text.
        #[derive(Serialize, utoipa::ToSchema)]
        #[schema(as = ServiceDescription)]
        pub(crate) struct DescriptionBody { $($name: String,)+ }

        impl From<ServiceForm> for DescriptionBody {
            fn from(form: ServiceForm) -> Self {
                Self { $($name: form.$name,)+ }
            }
        }

        pub(super) const FIELDS: &[&str] = &[$(stringify!($name)),+];
    };
}

description!(
    area,
    kind,
    short_code,
    keywords,
    billing,
    tariff,
    answer,
    help,
    stop,
    error,
    age,
    contact_mail,
    contact_phone,
    rules_url,
    register_entry,
    register_date,
    delivery,
    callback_url,
    coding,
    parts_max,
    rate,
    validity_hours,
    retry,
    on_unknown,
    tlvs,
    test_numbers,
    starts_on,
    ends_on,
);

/// A service in a list.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceLine)]
pub(crate) struct LineBody {
    id: i64,
    name: String,
    partner: String,
    /// `draft`, `submitted`, `approved`, `testing`, `live`, `suspended` or `closed`.
    state: &'static str,
    short_code: String,
    keywords: String,
    /// For If-Match.
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceList)]
pub(crate) struct ListBody {
    pub(super) services: Vec<LineBody>,
}

/// A condition for subscribers being served.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceGate)]
pub(crate) struct GateBody {
    gate: &'static str,
    is_passed: bool,
    /// What is in the way; empty if nothing is.
    why: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceComment)]
pub(crate) struct CommentBody {
    field: String,
    text: String,
    /// `partner` or `operator`.
    side: String,
    #[schema(format = DateTime)]
    at: String,
}

/// One description of a service.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ServiceRevision)]
pub(crate) struct RevisionBody {
    number: i64,
    /// `draft`, `submitted`, `approved`, `superseded` or `withdrawn`.
    state: &'static str,
    #[schema(required, format = DateTime)]
    submitted_at: Option<String>,
    #[schema(required, format = DateTime)]
    approved_at: Option<String>,
    /// Messages of this version of the service, and of later ones, follow it.
    #[schema(required)]
    service_version: Option<i64>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Service)]
pub(crate) struct ServiceBody {
    #[serde(flatten)]
    line: LineBody,
    description: DescriptionBody,
    /// What is wrong with the description, by field.
    mistakes: BTreeMap<String, String>,
    revisions: Vec<RevisionBody>,
    gates: Vec<GateBody>,
    comments: Vec<CommentBody>,
    /// Why it was returned, suspended or closed.
    reason: String,
    #[schema(required, format = DateTime)]
    live_at: Option<String>,
}

impl From<OfferingRow> for LineBody {
    fn from(row: OfferingRow) -> Self {
        let form = row.form();
        Self {
            id: row.id,
            name: row.name,
            partner: row.partner,
            state: row.state.as_str(),
            short_code: form.short_code,
            keywords: form.keywords,
            version: row.version,
        }
    }
}

impl From<ServiceFile> for ServiceBody {
    fn from(file: ServiceFile) -> Self {
        let gates = file.gates.into_iter().map(|(gate, why)| GateBody {
            gate: gate.as_str(),
            is_passed: why.is_none(),
            why: why.unwrap_or_default(),
        });
        let comments = file.comments.into_iter().map(|one| CommentBody {
            field: one.field,
            text: one.text,
            side: one.side,
            at: moment(one.at),
        });
        let revisions = file.revisions.into_iter().map(|one| RevisionBody {
            number: one.number,
            state: one.state.as_str(),
            submitted_at: one.submitted_at.map(moment),
            approved_at: one.approved_at.map(moment),
            service_version: one.service_version,
        });
        let mistakes = file.errors.iter().map(|error| (error.field.clone(), error.detail.clone()));
        Self {
            mistakes: mistakes.collect(),
            description: file.form.into(),
            revisions: revisions.collect(),
            gates: gates.collect(),
            comments: comments.collect(),
            reason: file.row.reason.clone(),
            live_at: file.row.live_at.map(moment),
            line: file.row.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_has_every_field_of_the_form() {
        let known: Vec<_> = ServiceForm::FIELDS.iter().map(|(_, name)| *name).collect();
        assert_eq!(FIELDS, known);
    }
}
