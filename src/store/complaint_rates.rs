//! How often services are complained of, and proposals to suspend those that are too often.
//!
//! Rates are counted by the gateway each hour and kept, because a month of the ledger is too much
//! to be counted for a page. What surprises: they are no verb of anybody and leave no record; a
//! proposal is one and does.

use std::collections::HashMap;

use serde_json::json;

use super::{
    Constraint, Error, Happening, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, note_happening, queue_mail},
};
use crate::domain::{Caller, ids::first_at};

/// Rows of a page.
const PAGE_MAX: i64 = 200;

/// Complaints and charges of one service in the days that were counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ComplaintRate {
    pub service_id: i64,
    pub service: String,
    pub partner_id: i64,
    pub partner: String,
    pub complaints: i64,
    pub charges: i64,
    pub counted_at: i64,
}

/// Complaints and charges of one partner in the same days, over all its services; complaints that
/// name no service count here too.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct PartnerComplaintRate {
    pub partner_id: i64,
    pub partner: String,
    pub complaints: i64,
    pub charges: i64,
    pub counted_at: i64,
}

/// A proposal to suspend a service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AlarmRow {
    pub id: i64,
    pub service_id: i64,
    pub service: String,
    pub partner_id: i64,
    pub partner: String,
    /// The service as its people know it; none if it was set up at the host.
    pub offering_id: Option<i64>,
    pub offering_version: Option<i64>,
    pub offering_state: Option<String>,
    pub complaints: i64,
    pub charges: i64,
    /// proposed, confirmed, dismissed
    pub state: String,
    pub reason: String,
    pub made_at: i64,
    pub decided_at: Option<i64>,
    pub decided_by: Option<String>,
    pub version: i64,
}

impl AlarmRow {
    pub fn trail(&self) -> String {
        format!("complaint_alarm:{}", self.id)
    }

    pub fn is_open(&self) -> bool {
        self.state == "proposed"
    }
}

/// Complaints in ten thousand charges.
pub fn in_ten_thousand(complaints: i64, charges: i64) -> i64 {
    complaints.saturating_mul(10_000) / charges.max(1)
}

macro_rules! alarms {
    ($rest:literal) => {
        concat!(
            "select a.id, a.service_id, s.name as service, a.partner_id, p.name as partner, \
             o.id as offering_id, o.version as offering_version, o.state as offering_state, \
             a.complaints, a.charges, a.state, a.reason, a.made_at, a.decided_at, a.decided_by, \
             a.version from complaint_alarm a join service s on s.id = a.service_id \
             join partner p on p.id = a.partner_id \
             left join offering o on o.service_id = a.service_id ",
            $rest
        )
    };
}

impl Store {
    /// Counts the complaints and charges of every service and partner since a moment, and keeps
    /// what is complained of.
    pub async fn count_complaint_rates(&self, at: i64, since: i64) -> Result<(), Error> {
        let complaints = fetch_all!(
            &self.db,
            (i64, i64, i64),
            "select c.service_id, s.partner_id, count(*) from complaint c \
             join service s on s.id = c.service_id where c.service_id is not null \
             and c.received_at >= $1 and coalesce(c.decision, '') <> 'withdrawn' \
             group by c.service_id, s.partner_id",
            since
        )?;
        let by_partner = fetch_all!(
            &self.db,
            (i64, i64),
            "select partner_id, count(*) from complaint where partner_id is not null \
             and received_at >= $1 and coalesce(decision, '') <> 'withdrawn' group by partner_id",
            since
        )?;
        // Of what nobody complains of the charges need not be counted one by one, but the ledger
        // is read in one go anyway.
        let charges: Vec<(i64, i64, i64)> = fetch_all!(
            &self.db,
            (i64, i64, i64),
            "select service_id, partner_id, count(*) from charge where id >= $1 and line = 0 \
             group by service_id, partner_id",
            first_at(since).0
        )?;
        let (mut of_service, mut of_partner) = (HashMap::new(), HashMap::new());
        for (service, partner, count) in charges {
            *of_service.entry(service).or_insert(0) += count;
            *of_partner.entry(partner).or_insert(0) += count;
        }
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        execute!(&mut tx, "delete from complaint_rate")?;
        for (service, partner, count) in complaints {
            execute!(
                &mut tx,
                "insert into complaint_rate (service_id, partner_id, complaints, charges, \
                 counted_at) values ($1, $2, $3, $4, $5)",
                service,
                partner,
                count,
                of_service.get(&service).copied().unwrap_or(0_i64),
                at
            )?;
        }
        execute!(&mut tx, "delete from complaint_rate_partner")?;
        for (partner, count) in by_partner {
            execute!(
                &mut tx,
                "insert into complaint_rate_partner (partner_id, complaints, charges, counted_at) \
                 values ($1, $2, $3, $4)",
                partner,
                count,
                of_partner.get(&partner).copied().unwrap_or(0_i64),
                at
            )?;
        }
        tx.commit().await
    }

    /// Services with complaints, the most first.
    pub async fn complaint_rates(&self) -> Result<Vec<ComplaintRate>, Error> {
        fetch_all!(
            &self.db,
            ComplaintRate,
            "select r.service_id, s.name as service, r.partner_id, p.name as partner, \
             r.complaints, r.charges, r.counted_at from complaint_rate r \
             join service s on s.id = r.service_id join partner p on p.id = r.partner_id \
             order by r.complaints desc, r.service_id limit $1",
            PAGE_MAX
        )
    }

    /// Partners with complaints, the most first.
    pub async fn partner_complaint_rates(&self) -> Result<Vec<PartnerComplaintRate>, Error> {
        fetch_all!(
            &self.db,
            PartnerComplaintRate,
            "select r.partner_id, p.name as partner, r.complaints, r.charges, r.counted_at \
             from complaint_rate_partner r join partner p on p.id = r.partner_id \
             order by r.complaints desc, r.partner_id limit $1",
            PAGE_MAX
        )
    }

    /// Proposals, the open ones first, then the newest.
    pub async fn complaint_alarms(&self) -> Result<Vec<AlarmRow>, Error> {
        fetch_all!(
            &self.db,
            AlarmRow,
            alarms!(
                "order by case when a.state = 'proposed' then 0 else 1 end, a.id desc limit $1"
            ),
            PAGE_MAX
        )
    }

    pub async fn complaint_alarm(&self, id: i64) -> Result<Option<AlarmRow>, Error> {
        fetch_optional!(&self.db, AlarmRow, alarms!("where a.id = $1"), id)
    }

    /// Proposes a suspension, unless it is proposed or somebody decided since a moment.
    pub async fn propose_suspension(
        &self,
        at: i64,
        (rate, since): (&ComplaintRate, i64),
        mails: &[NewMail],
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::take_turn(&mut tx).await?;
        let known = fetch_in!(
            &mut tx,
            (i64,),
            "select id from complaint_alarm where service_id = $1 and made_at >= $2 limit 1",
            rate.service_id,
            since
        )?;
        if known.is_some() {
            return Ok(false);
        }
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from complaint_alarm").await?;
        let trail = format!("complaint_alarm:{id}");
        let detail = json!({
            "service": rate.service_id, "complaints": rate.complaints, "charges": rate.charges,
        });
        let by = Caller::Gateway;
        audit::append(&mut tx, at, &by, "complaint_alarm.propose", &trail, &detail).await?;
        match put(&mut tx, at, id, rate).await {
            Err(Error::Conflict(Constraint::AlarmOnce)) => return Ok(false),
            done => done?,
        }
        let kind = "complaint_alarm_propose";
        let happening = Happening { subject: &trail, kind, note: "", is_public: false };
        note_happening(&mut tx, at, &by, &happening).await?;
        for mail in mails {
            queue_mail(&mut tx, at, mail).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Somebody decided about a proposal; false if somebody else did.
    pub async fn decide_alarm(
        &self,
        by: &Caller,
        at: i64,
        row: &AlarmRow,
        (state, reason): (&str, &str),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (what, detail) = ("complaint_alarm.decide", json!({ "state": state }));
        audit::append(&mut tx, at, by, what, &row.trail(), &detail).await?;
        let touched = execute!(
            &mut tx,
            "update complaint_alarm set state = $1, reason = $2, open_service = null, \
             decided_at = $3, decided_by = $4, version = version + 1 \
             where id = $5 and version = $6 and state = 'proposed'",
            state,
            reason,
            at,
            by.to_string(),
            row.id,
            row.version
        )?;
        if touched > 0 {
            tx.commit().await?;
        }
        Ok(touched > 0)
    }
}

async fn put(tx: &mut Tx<'_>, at: i64, id: i64, rate: &ComplaintRate) -> Result<(), Error> {
    execute!(
        tx,
        "insert into complaint_alarm (id, service_id, partner_id, complaints, charges, state, \
         open_service, reason, made_at, version) \
         values ($1, $2, $3, $4, $5, 'proposed', $2, '', $6, 1)",
        id,
        rate.service_id,
        rate.partner_id,
        rate.complaints,
        rate.charges,
        at
    )?;
    Ok(())
}
