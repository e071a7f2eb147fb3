//! What happens to reservations by the clock: the letter the day before, the end, the end of a rest.
//!
//! Each thing is a step like those of people, so that a sweep that is interrupted or done twice
//! does nothing twice. What surprises: the letter says the moment that held when it was written; an
//! extension takes the mark away, and the next end is told again.

use super::{Error, Partnership, reserve_steps::letter};
use crate::{
    domain::{Caller, NumberEvent, PartnerId, Refusal, agreement_kind::micros},
    metrics,
    store::ReservationRow,
};

/// What one turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NumbersSwept {
    pub warned: usize,
    pub expired: usize,
    pub cooled: usize,
}

impl Partnership {
    /// Tells whose reservation ends, ends those whose time is over, frees what has rested.
    pub async fn sweep_numbers(&self) -> Result<NumbersSwept, Error> {
        let mut swept = NumbersSwept::default();
        let now = self.now();
        for row in self.store.ending_reservations(now, false).await? {
            swept.expired += usize::from(self.end_hold(&row, NumberEvent::Expire).await?);
        }
        let earliest = self.plan.classes().map(|class| class.warn_days).max().unwrap_or(0);
        for row in self.store.ending_reservations(now + micros(earliest), true).await? {
            swept.warned += usize::from(self.warn_holder(&row, now).await?);
        }
        for row in self.store.cooled_reservations(now).await? {
            swept.cooled += usize::from(self.end_hold(&row, NumberEvent::CoolOff).await?);
        }
        for (class, state, count) in self.store.numbers_by_state().await? {
            metrics::numbers(&class, &state, count);
        }
        Ok(swept)
    }

    async fn end_hold(&self, row: &ReservationRow, event: NumberEvent) -> Result<bool, Error> {
        let Ok(class) = self.class_of(&row.class) else { return Ok(false) };
        let after = self.after(row, class, event)?;
        let mails = self.letters(row, event, "").await?;
        unless_stale(
            self.write_step(&Caller::Gateway, row, after, (event.as_str(), ""), mails).await,
        )
    }

    async fn warn_holder(&self, row: &ReservationRow, now: i64) -> Result<bool, Error> {
        let Ok(class) = self.class_of(&row.class) else { return Ok(false) };
        if class.warn_days == 0 || row.expires_at > now + micros(class.warn_days) {
            return Ok(false);
        }
        let told = self.store.holder(PartnerId(row.partner_id), row.person_id).await?;
        let mails = told.map(|told| letter(row, &told, "number_expires", ""));
        let after = ReservationRow { warned_at: Some(now), ..row.clone() };
        let mails = mails.into_iter().collect();
        unless_stale(self.write_step(&Caller::Gateway, row, after, ("warn", ""), mails).await)
    }
}

/// Somebody was quicker: then the next turn sees what they did.
fn unless_stale(done: Result<ReservationRow, Error>) -> Result<bool, Error> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::VersionConflict)) => Ok(false),
        Err(error) => Err(error),
    }
}
