//! What a replay would be about: the window, and how many messages of it would go.
//!
//! It starts nothing. What surprises: everything of the partner is read, also what is not asked for.
//! What is read is bounded that way; what is found is not.

use super::{
    Error, Store,
    db::{fetch_all, fetch_optional},
};
use crate::domain::{
    MessageState, PartnerId, ReceiptWish, ReplayCounts, SANDBOX, ServiceId,
    ids::first_at,
    replay::{fit_of_mo, fit_of_receipt},
};

/// Which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayScope {
    pub partner: PartnerId,
    /// None: of every service.
    pub service: Option<ServiceId>,
    pub mo: bool,
    pub receipts: bool,
    /// Accepted at or after, and before, in microseconds UTC.
    pub from: i64,
    pub until: i64,
}

impl Store {
    /// What a replay would come to; none if there are more than `most` messages to look at.
    pub async fn count_replay(
        &self,
        scope: &ReplayScope,
        most: i64,
    ) -> Result<Option<ReplayCounts>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64, String, String, i64, i64, i64),
            "select fits, direction, state, receipts, has_text, count(*) from (\
             select cast(case when m.link_group <> $4 and ($5 = 0 or m.service_id = $5) \
             and ((m.direction = 'mo' and $6 = 1) or (m.direction = 'mt' and $7 = 1)) \
             then 1 else 0 end as bigint) as fits, m.direction, m.state, m.receipts, \
             cast(case when length(m.body) > 0 then 1 else 0 end as bigint) as has_text \
             from message m \
             where m.partner_id = $1 and m.id >= $2 and m.id < $3 order by m.id limit $8\
             ) as seen group by fits, direction, state, receipts, has_text",
            scope.partner.0,
            first_at(scope.from).0,
            first_at(scope.until).0,
            SANDBOX,
            scope.service.map_or(0, |service| service.0),
            i64::from(scope.mo),
            i64::from(scope.receipts),
            most.saturating_add(1)
        )?;
        if rows.iter().map(|(.., count)| count).sum::<i64>() > most {
            return Ok(None);
        }
        let mut counts = ReplayCounts::default();
        for (_, direction, state, receipts, has_text, count) in
            rows.into_iter().filter(|(fits, ..)| *fits == 1)
        {
            let state = MessageState::parse(&state).ok_or_else(|| Error::Corrupt {
                table: "message",
                column: "state",
                id: direction.clone(),
                why: format!("`{state}` is none"),
            })?;
            let wish = ReceiptWish::from_bits(i16::try_from(receipts).unwrap_or_default());
            let outcome = match &*direction {
                "mo" => Some(fit_of_mo(state, has_text == 1)),
                _ => fit_of_receipt(state, wish),
            };
            if let Some(outcome) = outcome {
                counts.add(outcome, count);
            }
        }
        Ok(Some(counts))
    }

    /// Whether there is such a partner, and whether the service is its own; none is.
    pub async fn can_be_replayed(
        &self,
        partner: PartnerId,
        service: Option<ServiceId>,
    ) -> Result<(bool, bool), Error> {
        let found = fetch_optional!(
            &self.db,
            (i64, i64),
            "select (select count(*) from partner where id = $1), \
             (select count(*) from service where id = $2 and partner_id = $1)",
            partner.0,
            service.map_or(0, |service| service.0)
        )?;
        let (partners, services) = found.unwrap_or_default();
        Ok((partners > 0, service.is_none() || services > 0))
    }
}
