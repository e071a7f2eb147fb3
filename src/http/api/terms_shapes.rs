//! Shapes of terms on the wire.
//!
//! They hold no rule. What surprises: who wrote a version and who approved it is in none of them,
//! for that stays inside the operator's house.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    asked::{self, tagged},
    shapes::moment,
};
use crate::{
    domain::agreement_kind::Both,
    store::{NoticeRow, TermsRow},
};

/// A text in both languages.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BothLanguages)]
pub(crate) struct BothBody {
    pub(super) pl: String,
    pub(super) en: String,
}

impl From<BothBody> for Both {
    fn from(body: BothBody) -> Self {
        Self { pl: body.pl, en: body.en }
    }
}

/// A version of terms.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Terms)]
pub(crate) struct TermsBody {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) label: String,
    /// `draft`, `published`, `in_force`, ...
    pub(super) state: &'static str,
    /// `all` or `new`: whom they bind.
    pub(super) applies_to: String,
    /// What silence means.
    pub(super) consent: String,
    /// What changes, in a few sentences.
    pub(super) summary: BothBody,
    #[schema(required, format = Date)]
    pub(super) effective_day: Option<String>,
    #[schema(required, format = DateTime)]
    published_at: Option<String>,
    #[schema(required, format = DateTime)]
    in_force_at: Option<String>,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// The entity tag without its quotes.
    version: i64,
}

/// A version with its whole wording.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WholeTerms)]
pub(crate) struct WholeBody {
    pub(super) terms: TermsBody,
    /// Markdown.
    pub(super) text: BothBody,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TermsVersions)]
pub(crate) struct ListBody {
    pub(super) terms: Vec<TermsBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    pub(super) next: Option<String>,
}

/// Both wordings, clause by clause.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TermsComparison)]
pub(crate) struct ComparisonBody {
    /// Label of the version before; null if there was none.
    #[schema(required)]
    pub(super) old: Option<String>,
    pub(super) new: String,
    #[schema(value_type = Vec<Object>)]
    pub(super) clauses: Vec<Value>,
}

/// Somebody who was told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Notice)]
pub(crate) struct NoticeBody {
    pub(super) id: i64,
    partner: i64,
    recipient: String,
    recipient_name: String,
    pub(super) state: String,
    #[schema(format = DateTime)]
    queued_at: String,
    #[schema(required, format = DateTime)]
    sent_at: Option<String>,
    #[schema(required, format = DateTime)]
    bounced_at: Option<String>,
    #[schema(required, format = DateTime)]
    answered_at: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Notices)]
pub(crate) struct NoticesBody {
    pub(super) notices: Vec<NoticeBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    pub(super) next: Option<i64>,
}

/// A new wording.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTermsBody {
    pub(super) kind: String,
    #[schema(min_length = 1, max_length = 64)]
    pub(super) label: String,
    /// `all` or `new`.
    pub(super) applies_to: String,
    pub(super) consent: String,
    pub(super) text: BothBody,
    pub(super) summary: BothBody,
}

/// Another wording of a draft.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WordingBody {
    pub(super) text: BothBody,
    pub(super) summary: BothBody,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsStepBody {
    /// `approve`, `publish` or `withdraw`.
    pub(super) step: String,
    /// From which day on, for `publish`.
    #[schema(nullable = false, format = Date)]
    pub(super) effective_day: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    pub(super) accepts: bool,
}

/// Which versions.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsWanted {
    /// Only those of this kind of agreement.
    #[param(min_length = 1, max_length = 32)]
    #[serde(default, deserialize_with = "asked::word")]
    pub(super) kind: Option<String>,
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
}

/// In which language.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LanguageWanted {
    /// `pl`, or `en` if not given.
    pub(super) language: Option<String>,
}

impl From<NoticeRow> for NoticeBody {
    fn from(row: NoticeRow) -> Self {
        Self {
            id: row.id,
            partner: row.partner_id,
            recipient: row.recipient,
            recipient_name: row.recipient_name,
            state: row.state,
            queued_at: moment(row.queued_at),
            sent_at: row.sent_at.map(moment),
            bounced_at: row.bounced_at.map(moment),
            answered_at: row.answered_at.map(moment),
        }
    }
}

pub(super) fn described(row: &TermsRow) -> TermsBody {
    TermsBody {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        label: row.label.clone(),
        state: row.state.as_str(),
        applies_to: row.applies_to.clone(),
        consent: row.consent.clone(),
        summary: BothBody { pl: row.summary_pl.clone(), en: row.summary_en.clone() },
        effective_day: row.effective_day.clone(),
        published_at: row.published_at.map(moment),
        in_force_at: row.in_force_at.map(moment),
        ended_at: row.ended_at.map(moment),
        version: row.version,
    }
}

pub(super) fn whole(row: &TermsRow) -> Response {
    let text = BothBody { pl: row.text_pl.clone(), en: row.text_en.clone() };
    tagged(&WholeBody { terms: described(row), text }, row.version)
}
