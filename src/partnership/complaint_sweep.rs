//! What happens to complaints by the clock: the desk is told at steps, what nobody answered is
//! accepted by law, what was decided long enough ago is closed.
//!
//! Each is a write like those of people, so that a sweep done twice does nothing twice. What
//! surprises: the law names no charges. What it accepts waits for a person who says what is given
//! back; a machine that gave back all that happened in some days would give back too much.

use serde_json::json;

use super::{ComplaintStep, Error, Partnership, complaint_letters::about, complaint_steps::plain};
use crate::{
    domain::{Caller, ComplaintEvent, ComplaintState, Refusal},
    metrics,
    store::{ComplaintRow, ComplaintWrite},
};

/// What one turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComplaintsSwept {
    pub stepped: usize,
    pub lapsed: usize,
    pub closed: usize,
}

impl Partnership {
    /// Does what is due, and counts what is open.
    pub async fn sweep_complaints(&self) -> Result<ComplaintsSwept, Error> {
        let mut swept = ComplaintsSwept::default();
        let now = self.now();
        // What the law accepts needs no word before it any more.
        for row in self.store.complaints_to_lapse(now).await? {
            swept.lapsed += usize::from(self.by_time(&row, ComplaintEvent::Lapse).await?);
        }
        for row in self.store.complaints_to_step(now).await? {
            if row.state.is_open() {
                swept.stepped += usize::from(self.tell_step(&row).await?);
            } else {
                swept.closed += usize::from(self.by_time(&row, ComplaintEvent::Close).await?);
            }
        }
        let counts = self.store.open_complaints_by().await?;
        for state in ComplaintState::ALL.iter().filter(|state| state.is_open()) {
            let count = counts.iter().find(|(known, _)| known == state.as_str());
            metrics::complaints(state.as_str(), count.map_or(0, |(_, count)| *count));
        }
        Ok(swept)
    }

    /// Tells the desk and whoever works on it how long it is open, and when the law decides.
    async fn tell_step(&self, row: &ComplaintRow) -> Result<bool, Error> {
        let terms = &self.complaints.terms;
        let Some(days) = terms.step_to_tell(row.told_step, row.counts_from, self.now()) else {
            return Ok(false);
        };
        let more = json!({ "days": days, "state": row.state, "due_at": row.due_at });
        let told = self.complaint_workers(row).await?;
        let mails = told.iter().map(|told| about(row, told, "complaint_step", &more)).collect();
        let step_at = terms.next_step(days, row.counts_from);
        let after = ComplaintRow { told_step: days, step_at, ..row.clone() };
        let note = days.to_string();
        let write = ComplaintWrite { is_public: false, mails, ..plain(row, after, &note) };
        unless_stale(self.write_complaint(&Caller::Gateway, write, "remind").await)
    }

    async fn by_time(&self, row: &ComplaintRow, event: ComplaintEvent) -> Result<bool, Error> {
        let mut after = self.after_complaint(row, (event, ""))?;
        let deadlines = self.complaint_clocks(row, &mut after, event).await?;
        let step = ComplaintStep::plain(event, "");
        let (files, mails) = self.complaint_letters(&mut after, "", &step).await?;
        let write = ComplaintWrite { deadlines, mails, files, ..plain(row, after, "") };
        unless_stale(self.write_complaint(&Caller::Gateway, write, event.as_str()).await)
    }
}

/// Somebody was quicker: then the next turn sees what they did.
fn unless_stale(done: Result<ComplaintRow, Error>) -> Result<bool, Error> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::VersionConflict)) => Ok(false),
        Err(error) => Err(error),
    }
}
