//! Waiting for what another partner has, or for what rests.
//!
//! It gives nothing to anybody: what becomes free changes hands in the store, within the step that
//! frees it. What surprises: a partner can wait for what it had itself while that rests.

use super::{Error, HoldWish, Partnership, Signed, reserve::terms_of};
use crate::{
    domain::{NumberState, Refusal, Right, look_alike::look},
    store::{HoldDenial, NewReservation, ReservationFilter, WaitRow},
};

/// Reservations of one partner on one number.
const OWN_MAX: u32 = 500;

impl Partnership {
    /// Joins the line for something that another partner has, or that rests.
    pub async fn wait_for_number(
        &self,
        signed: &Signed,
        wish: &HoldWish,
    ) -> Result<WaitRow, Error> {
        let (partner, row, keyword) = self.check_wish(signed, wish).await?;
        let class = self.class_of(&row.class)?;
        let look = look(&keyword);
        let new = NewReservation {
            number: row.id,
            keyword: &keyword,
            look: &look,
            partner,
            person: Some(signed.person),
            terms: terms_of(class, self.now()),
        };
        let own = ReservationFilter {
            partner: Some(partner),
            number: Some(row.id),
            limit: OWN_MAX,
            ..ReservationFilter::default()
        };
        let held = self.store.reservations(&own).await?;
        if held.iter().any(|one| one.keyword == keyword && one.state != NumberState::Quarantined) {
            return Err(Refusal::WrongState("it is yours already".to_owned()).into());
        }
        match self.store.wait_for_number(&signed.caller(), self.now(), &new).await? {
            Ok(row) => Ok(row),
            Err(HoldDenial::Taken) => Err(Refusal::Taken("place in the line").into()),
            Err(_) => Err(Refusal::WrongState("it is free; reserve it".to_owned()).into()),
        }
    }

    pub async fn stop_waiting(&self, signed: &Signed, id: i64) -> Result<(), Error> {
        self.require(signed, Right::ReserveNumbers)?;
        let partner = signed.partner.ok_or(Refusal::NotAllowed)?;
        let stood = self.store.stop_waiting(&signed.caller(), self.now(), (partner, id)).await?;
        if stood { Ok(()) } else { Err(Refusal::UnknownId("place in the line").into()) }
    }

    /// What the caller's partner waits for.
    pub async fn waits(&self, signed: &Signed) -> Result<Vec<WaitRow>, Error> {
        self.require(signed, Right::SeeNumbers)?;
        match signed.partner {
            Some(partner) => Ok(self.store.waits(partner).await?),
            None => Ok(Vec::new()),
        }
    }
}
