//! One desk: everything that waits for the operator's people, whatever it is about (D19).
//!
//! Clocks that a law sets come first, then what is late, then the least time left; what has no
//! clock comes last. What surprises: each part is asked for by the right that its work needs, so
//! that nobody is shown what he could not do.

use super::{Error, Partnership, Signed};
use crate::{
    domain::{AgreementState, Right, terms::TermsState},
    store::Whose,
};

/// Rows of one part; what is more is seen when these are done.
const PART_MAX: i64 = 100;

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// `application:12`, `agreement:7`, `company:3`, `terms:2`, `bank_change:5`, `notice:9`.
    pub subject: String,
    /// What to do: the rule of a promise, or a word such as `approve_terms`.
    pub rule: String,
    /// What people call it; may be empty.
    pub title: String,
    pub due_at: Option<i64>,
    pub paused_at: Option<i64>,
}

impl Waiting {
    fn new(subject: String, rule: &str, title: String) -> Self {
        Self { subject, rule: rule.to_owned(), title, due_at: None, paused_at: None }
    }

    /// A clock that a law sets, such as the answer to a complaint.
    pub fn is_legal(&self) -> bool {
        self.rule.starts_with("legal")
    }

    pub fn is_late(&self, now: i64) -> bool {
        self.paused_at.is_none() && self.due_at.is_some_and(|due| due < now)
    }
}

impl Partnership {
    /// Everything that waits for somebody with the caller's rights, in the order of its urgency.
    pub async fn desk_waits(&self, signed: &Signed) -> Result<Vec<Waiting>, Error> {
        let promises = self.open_promises(signed).await?;
        let mut waits: Vec<Waiting> = promises
            .into_iter()
            .map(|row| Waiting {
                title: String::new(),
                due_at: Some(row.due_at),
                paused_at: row.paused_at,
                subject: row.subject,
                rule: row.rule,
            })
            .collect();
        if signed.may(Right::PrepareAgreements) {
            self.agreements_waiting(AgreementState::Draft, "send_agreement", &mut waits).await?;
            self.first_agreements_waiting(&mut waits).await?;
        }
        if signed.may(Right::CountersignAgreements) {
            let state = AgreementState::SignedByPartner;
            self.agreements_waiting(state, "countersign_agreement", &mut waits).await?;
        }
        if signed.may(Right::PublishTerms) {
            for row in self.store.terms_list("", true).await? {
                if row.state == TermsState::Draft {
                    let is_approved = row.approved_by.is_some();
                    let rule = if is_approved { "publish_terms" } else { "approve_terms" };
                    waits.push(Waiting::new(format!("terms:{}", row.id), rule, row.label));
                }
            }
        }
        for row in self.bank_changes_for_staff(signed).await? {
            let subject = format!("bank_change:{}", row.id);
            let lapses = Some(row.lapses_at);
            let wait = Waiting::new(subject, "confirm_bank", row.legal_name);
            waits.push(Waiting { due_at: lapses, ..wait });
        }
        if signed.may(Right::SeeAgreements) {
            for row in self.store.bounced_notices().await? {
                let subject = format!("notice:{}", row.id);
                let title = format!("{}, {}", row.legal_name, row.recipient);
                waits.push(Waiting::new(subject, "bounced_notice", title));
            }
        }
        let now = self.now();
        waits.sort_by_key(|one| {
            let due = one.due_at.unwrap_or(i64::MAX);
            (one.paused_at.is_some(), !one.is_legal(), !one.is_late(now), due)
        });
        Ok(waits)
    }

    /// Agreements at a step of ours that no promise names already.
    async fn agreements_waiting(
        &self,
        state: AgreementState,
        rule: &str,
        waits: &mut Vec<Waiting>,
    ) -> Result<(), Error> {
        let (rows, _) =
            self.store.agreements(Whose::All, Some(state), None, (0, PART_MAX), true).await?;
        for row in rows {
            let subject = row.subject();
            match waits.iter_mut().find(|one| one.subject == subject) {
                Some(promise) => promise.title = row.number,
                None => waits.push(Waiting::new(subject, rule, row.number)),
            }
        }
        Ok(())
    }

    /// Accepted companies whose first agreement has not gone out: the sweep sends it, unless a
    /// setting is missing.
    async fn first_agreements_waiting(&self, waits: &mut Vec<Waiting>) -> Result<(), Error> {
        let Some(kind) = self.first_kind() else { return Ok(()) };
        for row in self.store.without_first(&kind, PART_MAX).await? {
            let subject = format!("company:{}", row.partner_id);
            if !waits.iter().any(|one| one.subject == subject) {
                waits.push(Waiting::new(subject, "first_agreement", row.name));
            }
        }
        Ok(())
    }
}
