//! What happens to faults by the clock: the desk is told at shares of the time, and what was solved
//! long enough ago is closed.
//!
//! Each is a write like those of people, so that a sweep done twice does nothing twice. What
//! surprises: a share is told only while the clock runs; what waits for its partner escalates
//! nothing.

use serde_json::json;

use super::{Error, Partnership, fault_letters::about, fault_steps::plain};
use crate::{
    domain::{Caller, Refusal, Severity, TicketEvent, TicketState},
    metrics,
    store::{FaultRow, FaultWrite, SOLUTION_RULE},
};

/// What one turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultsSwept {
    pub escalated: usize,
    pub closed: usize,
}

impl Partnership {
    /// Tells the desk what runs out of time, closes what stayed solved, counts what is open.
    pub async fn sweep_faults(&self) -> Result<FaultsSwept, Error> {
        let mut swept = FaultsSwept::default();
        let targets = &self.faults.targets;
        let highest = targets.escalate_at.iter().max().copied().unwrap_or(0);
        for row in self.store.faults_to_escalate(i64::from(highest)).await? {
            swept.escalated += usize::from(self.escalate(&row).await?);
        }
        for row in self.store.resolved_faults(self.now()).await? {
            let until = row.resolved_at.map(|at| self.rules.calendar.due(at, targets.close_after));
            if until.is_some_and(|until| until < self.now()) {
                swept.closed += usize::from(self.close_by_time(&row).await?);
            }
        }
        self.count_open_faults().await?;
        Ok(swept)
    }

    async fn escalate(&self, row: &FaultRow) -> Result<bool, Error> {
        let promise = self.store.deadline(&row.subject(), SOLUTION_RULE).await?;
        let Some(promise) = promise.filter(|one| one.met_at.is_none()) else { return Ok(false) };
        let span = (promise.started_at, promise.due_at);
        let share = self.faults.targets.share_to_tell(row.escalated, span, self.now());
        let Some(share) = share else { return Ok(false) };
        let more = json!({ "severity": row.severity, "share": share, "due_at": promise.due_at });
        let desk = self.fault_desk();
        let mails = desk.iter().map(|told| about(row, told, "fault_escalated", &more)).collect();
        let after = FaultRow { escalated: share, ..row.clone() };
        let note = format!("{share} %");
        let write = FaultWrite { is_public: false, mails, ..plain(row, after, &note) };
        unless_stale(self.write_fault(&Caller::Gateway, write, "escalate").await)
    }

    async fn close_by_time(&self, row: &FaultRow) -> Result<bool, Error> {
        let event = TicketEvent::Close;
        let after = self.after_step(row, event, "")?;
        let mails = self.step_letters(&after, event, "", false).await?;
        let write = FaultWrite { mails, ..plain(row, after, "") };
        unless_stale(self.write_fault(&Caller::Gateway, write, event.as_str()).await)
    }

    async fn count_open_faults(&self) -> Result<(), Error> {
        let counts = self.store.open_faults_by().await?;
        for state in TicketState::ALL.iter().filter(|state| !state.is_over()) {
            for severity in Severity::ALL {
                let is_it = |one: &&(String, String, i64)| {
                    one.0 == state.as_str() && one.1 == severity.as_str()
                };
                let count = counts.iter().find(is_it).map_or(0, |(.., count)| *count);
                metrics::faults(state.as_str(), severity.as_str(), count);
            }
        }
        Ok(())
    }
}

/// Somebody was quicker: then the next turn sees what they did.
pub(super) fn unless_stale(done: Result<FaultRow, Error>) -> Result<bool, Error> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::VersionConflict)) => Ok(false),
        Err(error) => Err(error),
    }
}
