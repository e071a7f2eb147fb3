//! The steps of a complaint: ask the partner, its answer, decide, give back, take back, appeal.
//!
//! What a step does to the clocks stands here and nowhere else. What surprises: nothing stops the
//! clock of the law, and an appeal begins it anew; a decision is one transaction with its refund,
//! its letter and its record, so that whoever is killed in between has done nothing at all.

use super::{
    Error, Partnership, Signed,
    complaint_views::{refundable, shown},
    fault_steps::checked_words,
    numbers::field,
    trouble_ticket,
};
use crate::{
    domain::{
        Caller, ComplaintDecision, ComplaintEvent, PartnerSays, Refusal, Right, refusal::FieldFault,
    },
    metrics,
    store::{
        ComplaintCharge, ComplaintRow, ComplaintStepped, ComplaintWrite, DeadlineStep, LAW_RULE,
        PARTNER_RULE,
    },
};

/// What a person does with a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComplaintStep<'a> {
    pub event: ComplaintEvent,
    /// A question, an answer, a reason.
    pub words: &'a str,
    /// Of the partner's answer.
    pub says: Option<PartnerSays>,
    /// Messages whose charges are given back.
    pub charges: &'a [i64],
}

impl<'a> ComplaintStep<'a> {
    pub fn plain(event: ComplaintEvent, words: &'a str) -> Self {
        Self { event, words, says: None, charges: &[] }
    }
}

impl Partnership {
    /// Takes one step with a complaint.
    pub async fn step_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
        step: &ComplaintStep<'_>,
    ) -> Result<ComplaintRow, Error> {
        use ComplaintEvent as E;
        let event = step.event;
        let is_mine = if signed.partner.is_some() {
            self.require(signed, Right::FileTickets)?;
            event.is_of_partner()
        } else {
            let right = if event.decides() { Right::DecideComplaints } else { Right::WorkTickets };
            self.require(signed, right)?;
            event.is_of_operator()
        };
        let before = self.faced_complaint(signed, at).await?;
        if !is_mine {
            return Err(Refusal::NotAllowed.into());
        }
        let words = checked_words(step.words, event.needs_words())?;
        let mut after = self.after_complaint(&before, (event, words))?;
        match event {
            _ if !event.pays() && !step.charges.is_empty() => {
                return Err(field("charges", "invalid", "belong to a step that gives them back"));
            }
            E::Ask if before.partner_id.is_none() => {
                return Err(field("partner", "missing", "say first whose service it is about"));
            }
            E::Answer => {
                let says = step.says;
                let says = says.ok_or_else(|| field("says", "missing", "accept or refuse"))?;
                after.partner_says = Some(says.as_str().to_owned());
            }
            _ if event.pays() => {
                let ledger = self.store.complaint_charges(before.id).await?;
                if let Err(error) = give_back(&mut after, &ledger, step) {
                    // What is given back already may have been by whoever was quicker just now.
                    self.faced_complaint(signed, at).await?;
                    return Err(error);
                }
            }
            _ => {}
        }
        if matches!(event, E::Accept | E::Refuse) {
            after.decided_by = Some(signed.caller().to_string());
        }
        let deadlines = self.complaint_clocks(&before, &mut after, event).await?;
        let (files, mails) = self.complaint_letters(&mut after, &signed.name, step).await?;
        let write = ComplaintWrite {
            deadlines,
            files,
            mails,
            refunds: step.charges,
            ..plain(&before, after, words)
        };
        let row = self.write_complaint(&signed.caller(), write, event.as_str()).await?;
        Ok(shown(signed, row))
    }

    /// A complaint that the caller reaches and has read as it is now.
    pub(super) async fn faced_complaint(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
    ) -> Result<ComplaintRow, Error> {
        let row = self.reached_complaint(signed, id).await?;
        if row.version == version { Ok(row) } else { Err(Refusal::VersionConflict.into()) }
    }

    /// The row after a step, but for its clocks and what was said with it.
    pub(super) fn after_complaint(
        &self,
        row: &ComplaintRow,
        (event, words): (ComplaintEvent, &str),
    ) -> Result<ComplaintRow, Error> {
        use ComplaintEvent as E;
        let no_step =
            || Refusal::WrongState(format!("it is {}; `{event}` is no step from there", row.state));
        let state = row.state.after(event).ok_or_else(no_step)?;
        let now = self.now();
        let mut after = ComplaintRow { state, ..row.clone() };
        let mut decide = |decision: ComplaintDecision| {
            after.decision = Some(decision.as_str().to_owned());
            after.decided_at = Some(now);
            words.clone_into(&mut after.reason);
        };
        match event {
            E::Accept => decide(ComplaintDecision::Accepted),
            E::Refuse => decide(ComplaintDecision::Refused),
            E::Lapse => decide(ComplaintDecision::ByLaw),
            E::Withdraw => decide(ComplaintDecision::Withdrawn),
            E::Answer => {
                words.clone_into(&mut after.partner_answer);
                after.answered_at = Some(now);
            }
            E::Appeal => {
                (after.decision, after.decided_at, after.decided_by) = (None, None, None);
                (after.partner_says, after.answered_at, after.ended_at) = (None, None, None);
                after.partner_answer.clear();
                after.reason.clear();
                after.appeals += 1;
            }
            E::Ask | E::Refund | E::Close => {}
        }
        if matches!(event, E::Close | E::Withdraw) {
            after.ended_at = Some(now);
        }
        Ok(after)
    }

    /// What a step does to the promises of a complaint; also moves the moments in its row.
    pub(super) async fn complaint_clocks(
        &self,
        before: &ComplaintRow,
        after: &mut ComplaintRow,
        event: ComplaintEvent,
    ) -> Result<Vec<DeadlineStep>, Error> {
        use ComplaintEvent as E;
        let (terms, calendar, now) = (&self.complaints.terms, &self.rules.calendar, self.now());
        let mut steps = Vec::new();
        match event {
            E::Ask => {
                let due_at = terms.partner_by(now, calendar);
                after.partner_due_at = Some(due_at);
                let rule = PARTNER_RULE;
                let known = self.store.deadline(&before.trail(), rule).await?;
                steps.push(match known {
                    Some(_) => DeadlineStep::Again { rule, due_at },
                    None => DeadlineStep::Start { rule, owner: "partner", due_at },
                });
            }
            E::Answer => steps.push(DeadlineStep::Meet { rule: PARTNER_RULE }),
            E::Appeal => {
                after.counts_from = now;
                after.due_at = terms.answer_by(now, calendar);
                after.told_step = 0;
                after.step_at = terms.next_step(0, now);
                after.partner_due_at = None;
                let due_at = after.due_at;
                steps.push(DeadlineStep::Again { rule: LAW_RULE, due_at });
            }
            E::Close | E::Withdraw => after.step_at = None,
            E::Accept | E::Refuse | E::Lapse => {
                after.step_at = Some(calendar.due(now, terms.close_after));
            }
            E::Refund => {}
        }
        if before.state.is_open() && !after.state.is_open() {
            steps.push(DeadlineStep::Meet { rule: LAW_RULE });
            steps.push(DeadlineStep::Meet { rule: PARTNER_RULE });
        }
        Ok(steps)
    }

    pub(super) async fn write_complaint(
        &self,
        by: &Caller,
        write: ComplaintWrite<'_>,
        step: &str,
    ) -> Result<ComplaintRow, Error> {
        let what = format!("complaint.{step}");
        let write = ComplaintWrite { what: &what, ..write };
        match self.store.step_complaint(by, self.now(), &write).await? {
            ComplaintStepped::Done(row) => {
                metrics::complaint_step(step);
                metrics::complaint_refunds(write.refunds.len());
                Ok(*row)
            }
            ComplaintStepped::Stale => Err(Refusal::VersionConflict.into()),
            // The gateway was quicker: it takes charges back by itself.
            ComplaintStepped::NoCharge(message) => Err(no_charge(message)),
        }
    }
}

/// Adds what is given back to the row, if all of it can be.
fn give_back(
    after: &mut ComplaintRow,
    ledger: &[ComplaintCharge],
    step: &ComplaintStep<'_>,
) -> Result<(), Error> {
    if step.event == ComplaintEvent::Refund && step.charges.is_empty() {
        return Err(field("charges", "missing", "name what is given back"));
    }
    let (mut sum, mut seen) = (0_i64, Vec::new());
    for message in step.charges {
        let Some((amount, currency)) = refundable(ledger, *message) else {
            return Err(no_charge(*message));
        };
        let is_other = (after.refund_minor + sum > 0) && after.currency != currency;
        if seen.contains(message) || is_other {
            return Err(no_charge(*message));
        }
        seen.push(*message);
        currency.clone_into(&mut after.currency);
        sum = sum.saturating_add(amount);
    }
    after.refund_minor = after.refund_minor.saturating_add(sum);
    Ok(())
}

fn no_charge(message: i64) -> Error {
    let detail = format!("message {message} has no charge that can be given back");
    let fault = FieldFault::new("charges", "unknown", detail);
    let params = vec![("name", message.to_string())];
    Refusal::FieldErrors(vec![FieldFault { params, ..fault }]).into()
}

/// A write that only changes the row; the word of the trail is given when it is written.
pub(super) fn plain<'a>(
    before: &'a ComplaintRow,
    after: ComplaintRow,
    note: &'a str,
) -> ComplaintWrite<'a> {
    ComplaintWrite {
        what: "",
        before,
        after,
        note,
        is_public: true,
        deadlines: Vec::new(),
        mails: Vec::new(),
        files: Vec::new(),
        refunds: &[],
        news: trouble_ticket::complaint_stepped,
    }
}
