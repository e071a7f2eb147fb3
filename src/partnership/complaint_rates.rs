//! Services that are complained of too often: counted by the gateway, suspended by a person.
//!
//! What surprises: what a person decided holds for as long as complaints are counted. A service
//! that staff let run is not proposed again the next hour for the same complaints.

use serde_json::json;

use super::{Error, Partnership, Signed, StepNote, fault_steps::checked_words};
use crate::{
    domain::{LifeEvent, Refusal, Right},
    metrics,
    store::{AlarmRow, ComplaintRate, NewMail, PartnerComplaintRate, in_ten_thousand},
};

/// How often the gateway's services and partners are complained of.
#[derive(Debug)]
pub struct ComplaintRates {
    pub services: Vec<ComplaintRate>,
    pub partners: Vec<PartnerComplaintRate>,
    pub alarms: Vec<AlarmRow>,
}

impl Partnership {
    /// Counts anew, and proposes to suspend what is over the threshold; answers how many.
    pub async fn sweep_complaint_rates(&self) -> Result<usize, Error> {
        let now = self.now();
        let since = now.saturating_sub(self.complaints.rate_span);
        self.store.count_complaint_rates(now, since).await?;
        let mut proposed = 0;
        for rate in self.store.complaint_rates().await? {
            if !self.is_too_often(rate.complaints, rate.charges) {
                continue;
            }
            let mails: Vec<NewMail> = self.alarm_letter(&rate).into_iter().collect();
            if self.store.propose_suspension(now, (&rate, since), &mails).await? {
                metrics::complaint_step("propose_suspension");
                proposed += 1;
            }
        }
        Ok(proposed)
    }

    /// Fewer than a handful are chance, whatever the share is.
    pub fn is_too_often(&self, complaints: i64, charges: i64) -> bool {
        complaints >= self.complaints.rate_from
            && in_ten_thousand(complaints, charges) >= self.complaints.rate_max
    }

    fn alarm_letter(&self, rate: &ComplaintRate) -> Option<NewMail> {
        let desk = self.complaint_desk()?;
        let data = json!({
            "service": rate.service, "partner": rate.partner, "complaints": rate.complaints,
            "charges": rate.charges, "link": "/complaints/rates",
        });
        Some(desk.letter("complaint_alarm", data, format!("service:{}", rate.service_id), None))
    }

    /// How often services and partners are complained of, and what is proposed; for the staff.
    pub async fn complaint_rates(&self, signed: &Signed) -> Result<ComplaintRates, Error> {
        self.require(signed, Right::SeeTickets)?;
        if !signed.is_operator() || signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        Ok(ComplaintRates {
            services: self.store.complaint_rates().await?,
            partners: self.store.partner_complaint_rates().await?,
            alarms: self.store.complaint_alarms().await?,
        })
    }

    /// Suspends a service as proposed, or lets it run; both with a reason.
    pub async fn decide_alarm(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        (is_confirmed, words): (bool, &str),
    ) -> Result<(), Error> {
        self.require(signed, Right::ApproveServices)?;
        let row = self.store.complaint_alarm(id).await?;
        let row = row.ok_or(Refusal::UnknownId("complaint_alarm"))?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        if !row.is_open() {
            return Err(Refusal::WrongState(format!("it is {}", row.state)).into());
        }
        let words = checked_words(words, true)?;
        if is_confirmed {
            self.suspend_complained(signed, &row, words).await?;
        }
        let state = if is_confirmed { "confirmed" } else { "dismissed" };
        let by = signed.caller();
        let is_mine = self.store.decide_alarm(&by, self.now(), &row, (state, words)).await?;
        if is_mine { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }

    /// The service first, the proposal after it: cut off in between, it is proposed still, and
    /// confirming once more finds the service suspended already.
    async fn suspend_complained(
        &self,
        signed: &Signed,
        row: &AlarmRow,
        words: &str,
    ) -> Result<(), Error> {
        let (Some(id), Some(version)) = (row.offering_id, row.offering_version) else {
            let text = "the service was set up at the host; suspend it there, then dismiss this";
            return Err(Refusal::WrongState(text.to_owned()).into());
        };
        if row.offering_state.as_deref() == Some("suspended") {
            return Ok(());
        }
        let note = StepNote { reason: words, link_group: "" };
        self.step_service(signed, (id, version), LifeEvent::Suspend, note).await?;
        Ok(())
    }
}
