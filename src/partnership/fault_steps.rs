//! The steps of a fault: take, ask, resume, solve, close, reopen, reject, take back, merge; notes.
//!
//! What a step does to the clocks stands here and nowhere else. What surprises: asking the partner
//! stops the clock only where the contract says so; the promise of the first answer is never
//! stopped, for it is kept by taking the fault at all.

use serde_json::json;

use super::{
    Error, Partnership, Signed, fault_letters::about, faults::STORY_MAX, files::FileFault,
    numbers::field, trouble_ticket,
};
use crate::{
    domain::{Caller, PartnerId, Refusal, Right, Severity, TicketEvent, TicketState},
    metrics,
    store::{ANSWER_RULE, Addressee, DeadlineStep, FaultRow, FaultWrite, NewMail, SOLUTION_RULE},
};

impl Partnership {
    /// Takes one step with a fault.
    pub async fn step_fault(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        event: TicketEvent,
        words: &str,
    ) -> Result<FaultRow, Error> {
        let is_mine = if signed.partner.is_some() {
            self.require(signed, Right::FileTickets)?;
            event.is_of_partner()
        } else {
            self.require(signed, Right::WorkTickets)?;
            event.is_of_operator() && event != TicketEvent::Merge
        };
        let before = self.faced(signed, id, version).await?;
        if !is_mine {
            return Err(Refusal::NotAllowed.into());
        }
        let words = checked_words(words, event.needs_words())?;
        let mut after = self.after_step(&before, event, words)?;
        if event == TicketEvent::Take {
            after.owner_id = Some(signed.person.0);
        }
        let deadlines = self.clocks(&before, &mut after, event).await?;
        let mails = self.step_letters(&after, event, words, signed.partner.is_some()).await?;
        let write = FaultWrite { deadlines, mails, ..plain(&before, after, words) };
        self.write_fault(&signed.caller(), write, event.as_str()).await
    }

    /// A fault that the caller reaches and has read as it is now.
    pub(super) async fn faced(
        &self,
        signed: &Signed,
        id: i64,
        version: i64,
    ) -> Result<FaultRow, Error> {
        let row = self.reached_fault(signed, id).await?;
        if row.version == version { Ok(row) } else { Err(Refusal::VersionConflict.into()) }
    }

    /// The row after a step, but for its clocks.
    pub(super) fn after_step(
        &self,
        row: &FaultRow,
        event: TicketEvent,
        words: &str,
    ) -> Result<FaultRow, Error> {
        use TicketEvent as E;
        let no_step =
            || Refusal::WrongState(format!("it is {}; `{event}` is no step from there", row.state));
        let state = row.state.after(event).ok_or_else(no_step)?;
        let now = self.now();
        let mut after = FaultRow { state, ..row.clone() };
        match event {
            E::Take => after.taken_at = Some(now),
            E::Resolve => {
                after.resolved_at = Some(now);
                words.clone_into(&mut after.answer);
            }
            E::Reject => words.clone_into(&mut after.answer),
            E::Reopen => {
                after.resolved_at = None;
                after.escalated = 0;
            }
            E::Recover => {
                after.resolved_at = row.resolved_at.or(Some(now));
                words.clone_into(&mut after.answer);
            }
            E::Pend | E::Resume | E::Close | E::Cancel | E::Merge => {}
        }
        if state.is_over() {
            after.ended_at = Some(now);
            after.open_cause = None;
        }
        Ok(after)
    }

    /// What a step does to the promises of a fault; also moves the day in its row.
    async fn clocks(
        &self,
        before: &FaultRow,
        after: &mut FaultRow,
        event: TicketEvent,
    ) -> Result<Vec<DeadlineStep>, Error> {
        use TicketEvent as E;
        let (targets, calendar) = (&self.faults.targets, &self.rules.calendar);
        let mut steps = Vec::new();
        match event {
            E::Take => steps.push(DeadlineStep::Meet { rule: ANSWER_RULE }),
            E::Pend if targets.pauses => steps.push(DeadlineStep::Pause { rule: SOLUTION_RULE }),
            E::Resume => {
                let unit = targets.solution[before.severity as usize].unit;
                let promise = self.store.deadline(&before.subject(), SOLUTION_RULE).await?;
                let promise =
                    promise.and_then(|row| row.promise().resume(self.now(), unit, calendar));
                if let Some(promise) = promise {
                    after.due_at = promise.due_at;
                    let due_at = promise.due_at;
                    steps.push(DeadlineStep::Resume { rule: SOLUTION_RULE, due_at });
                }
            }
            E::Reopen => {
                after.due_at = targets.solve_by(before.severity, self.now(), calendar);
                let due_at = after.due_at;
                steps.push(DeadlineStep::Again { rule: SOLUTION_RULE, due_at });
            }
            _ => {}
        }
        if after.state.is_over() || after.state == TicketState::Resolved {
            steps.push(DeadlineStep::Meet { rule: ANSWER_RULE });
            steps.push(DeadlineStep::Meet { rule: SOLUTION_RULE });
        }
        Ok(steps)
    }

    /// The other side learns of what concerns it.
    pub(super) async fn step_letters(
        &self,
        row: &FaultRow,
        event: TicketEvent,
        words: &str,
        is_by_partner: bool,
    ) -> Result<Vec<NewMail>, Error> {
        use TicketEvent as E;
        let until = self.rules.calendar.due(self.now(), self.faults.targets.close_after);
        let (template, more) = match event {
            E::Pend => ("fault_question", json!({ "question": words })),
            E::Resolve => ("fault_resolved", json!({ "answer": words, "until": until })),
            E::Reopen => ("fault_reopened", json!({ "reason": words })),
            E::Resume if is_by_partner && !words.is_empty() => {
                ("fault_note", json!({ "note": words }))
            }
            E::Close | E::Reject | E::Merge if !is_by_partner => {
                let reason = (!words.is_empty()).then_some(words);
                ("fault_ended", json!({ "state": row.state, "reason": reason }))
            }
            _ => return Ok(Vec::new()),
        };
        let told = if is_by_partner { self.fault_desk() } else { self.reporter(row).await? };
        Ok(told.iter().map(|told| about(row, told, template, &more)).collect())
    }

    async fn reporter(&self, row: &FaultRow) -> Result<Option<Addressee>, Error> {
        match row.partner_id {
            Some(partner) => Ok(self.store.holder(PartnerId(partner), row.person_id).await?),
            None => Ok(None),
        }
    }

    pub(super) async fn write_fault(
        &self,
        by: &Caller,
        write: FaultWrite<'_>,
        step: &str,
    ) -> Result<FaultRow, Error> {
        let what = format!("fault.{step}");
        let write = FaultWrite { what: &what, ..write };
        let row = self.store.step_fault(by, self.now(), &write).await?;
        let row = row.ok_or(Refusal::VersionConflict)?;
        metrics::fault_step(step);
        Ok(row)
    }

    /// A fault that is not over, for what is no step of its life.
    async fn open_fault(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
    ) -> Result<FaultRow, Error> {
        let row = self.faced(signed, id, version).await?;
        if row.state.is_over() {
            return Err(Refusal::WrongState(format!("it is {}", row.state)).into());
        }
        Ok(row)
    }

    /// Writes a note; an internal one stays with the staff.
    pub async fn note_fault(
        &self,
        signed: &Signed,
        at: (i64, i64),
        words: &str,
        is_internal: bool,
    ) -> Result<FaultRow, Error> {
        let is_partner = signed.partner.is_some();
        self.require(signed, Right::on_tickets(is_partner))?;
        if is_partner && is_internal {
            return Err(Refusal::NotAllowed.into());
        }
        let before = self.open_fault(signed, at).await?;
        let words = checked_words(words, true)?;
        let told = match (is_internal, is_partner) {
            (true, _) => None,
            (false, true) => self.fault_desk(),
            (false, false) => self.reporter(&before).await?,
        };
        let more = json!({ "note": words });
        let mails = told.iter().map(|told| about(&before, told, "fault_note", &more)).collect();
        let write =
            FaultWrite { is_public: !is_internal, mails, ..plain(&before, before.clone(), words) };
        self.write_fault(&signed.caller(), write, "note").await
    }

    /// Somebody else of the staff goes on with it.
    pub async fn own_fault(&self, signed: &Signed, at: (i64, i64)) -> Result<FaultRow, Error> {
        self.require(signed, Right::WorkTickets)?;
        let before = self.open_fault(signed, at).await?;
        let after = FaultRow { owner_id: Some(signed.person.0), ..before.clone() };
        let write = FaultWrite { is_public: false, ..plain(&before, after, "") };
        self.write_fault(&signed.caller(), write, "own").await
    }

    /// It is worse, or less bad, than it was reported: its solution is promised anew.
    pub async fn rate_fault(
        &self,
        signed: &Signed,
        at: (i64, i64),
        severity: Severity,
        words: &str,
    ) -> Result<FaultRow, Error> {
        self.require(signed, Right::WorkTickets)?;
        let before = self.open_fault(signed, at).await?;
        if !matches!(before.state, TicketState::Acknowledged | TicketState::InProgress) {
            let text = format!("it is {}; its clock does not run", before.state);
            return Err(Refusal::WrongState(text).into());
        }
        let words = checked_words(words, true)?;
        let (targets, calendar) = (&self.faults.targets, &self.rules.calendar);
        let due_at = targets.solve_by(severity, self.now(), calendar);
        let after = FaultRow { severity, due_at, escalated: 0, ..before.clone() };
        let write = FaultWrite {
            deadlines: vec![DeadlineStep::Again { rule: SOLUTION_RULE, due_at }],
            ..plain(&before, after, words)
        };
        self.write_fault(&signed.caller(), write, "rate").await
    }

    /// Two reports of one thing: this one ends, the other one goes on with what both named.
    pub async fn merge_fault(
        &self,
        signed: &Signed,
        at: (i64, i64),
        other: i64,
    ) -> Result<FaultRow, Error> {
        self.require(signed, Right::WorkTickets)?;
        let before = self.faced(signed, at.0, at.1).await?;
        let kept = self.reached_fault(signed, other).await?;
        // Else one partner would read of another's messages.
        if kept.id == before.id || kept.partner_id != before.partner_id || kept.state.is_over() {
            let detail = "must be another open fault of the same partner";
            return Err(field("other", "invalid", detail));
        }
        let words = kept.reference();
        let mut after = self.after_step(&before, TicketEvent::Merge, &words)?;
        after.merged_into = Some(other);
        let event = TicketEvent::Merge;
        let deadlines = self.clocks(&before, &mut after, event).await?;
        let mails = self.step_letters(&after, event, &words, false).await?;
        let write = FaultWrite { deadlines, mails, ..plain(&before, after, &words) };
        self.write_fault(&signed.caller(), write, event.as_str()).await
    }

    /// The fault is part of an incident, or is not after all.
    pub async fn link_fault(
        &self,
        signed: &Signed,
        at: (i64, i64),
        incident: Option<i64>,
    ) -> Result<FaultRow, Error> {
        self.require(signed, Right::WorkTickets)?;
        let before = self.open_fault(signed, at).await?;
        if let Some(incident) = incident {
            self.incident(signed, incident).await?;
        }
        let after = FaultRow { incident_id: incident, ..before.clone() };
        let write = plain(&before, after, "");
        self.write_fault(&signed.caller(), write, "link").await
    }

    /// Adds a file to a fault that is not over.
    pub async fn add_fault_file(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (name, octets): (&str, &[u8]),
    ) -> Result<Result<FaultRow, FileFault>, Error> {
        let is_partner = signed.partner.is_some();
        self.require(signed, Right::on_tickets(is_partner))?;
        let before = self.open_fault(signed, at).await?;
        let partner = before.partner_id.map(PartnerId);
        let sealed = self.sealed_upload(&before.subject(), partner, name, octets).await;
        let new = match sealed {
            Ok((new, _)) => new,
            Err(fault) => return Ok(Err(fault)),
        };
        let shown = new.name.clone();
        let write = FaultWrite { file: Some(new), ..plain(&before, before.clone(), &shown) };
        match self.write_fault(&signed.caller(), write, "file").await {
            Err(Error::Store(error)) if is_full(&error) => Ok(Err(FileFault::NoRoom)),
            done => done.map(Ok),
        }
    }
}

pub(super) fn is_full(error: &crate::store::Error) -> bool {
    matches!(error, crate::store::Error::Conflict(crate::store::Constraint::FileRoom))
}

/// A write that only changes the row; the word of the trail is given when it is written.
pub(super) fn plain<'a>(before: &'a FaultRow, after: FaultRow, note: &'a str) -> FaultWrite<'a> {
    FaultWrite {
        what: "",
        before,
        after,
        note,
        is_public: true,
        deadlines: Vec::new(),
        mails: Vec::new(),
        file: None,
        news: trouble_ticket::fault_stepped,
    }
}

pub(super) fn checked_words(words: &str, is_needed: bool) -> Result<&str, Error> {
    let words = words.trim();
    if is_needed && words.is_empty() {
        return Err(field("words", "missing", "the other side is told"));
    }
    if words.chars().count() > STORY_MAX {
        return Err(field("words", "too_long", &format!("has {STORY_MAX} characters at most")));
    }
    Ok(words)
}
