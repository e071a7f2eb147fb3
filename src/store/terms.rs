//! Versions of terms and the notices of their change.
//!
//! Notices and effects go partner by partner in pages, each page a transaction that also moves the
//! mark up to which the work is done. What surprises: a page that is done twice writes nothing the
//! second time, because the mark is part of its condition.


use super::{
    AgreementRow, Error, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, queue_mail},
};


#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct TermsRow {
    pub id: i64,
    pub kind: String,
    pub label: String,
    #[sqlx(try_from = "String")]
    pub state: crate::domain::terms::TermsState,
    pub applies_to: String,
    pub consent: String,
    pub text_pl: String,
    pub text_en: String,
    pub summary_pl: String,
    pub summary_en: String,
    pub made_by: String,
    pub made_at: i64,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
    pub published_at: Option<i64>,
    pub effective_day: Option<String>,
    pub effective_from: Option<i64>,
    pub notices_after: Option<i64>,
    pub effect_after: Option<i64>,
    pub in_force_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub version: i64,
}

impl TryFrom<String> for crate::domain::terms::TermsState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

impl Store {
    /// The version that a new agreement of the kind gets.
    pub async fn current_terms(&self, kind: &str) -> Result<Option<TermsRow>, Error> {
        fetch_optional!(
            &self.db,
            TermsRow,
            "select * from terms_version where kind = $1 and state = 'in_force' \
             order by effective_from desc, id desc limit 1",
            kind
        )
    }
}
