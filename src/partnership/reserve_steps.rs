//! The steps of a reservation: extend, order, release; activate, refuse, suspend, resume, close.
//!
//! A partner takes the steps before use, the operator those of use: whoever asks never approves
//! (S-25). What surprises: a refused order is no end. The reservation goes on, with time to put
//! right what was wrong.

use serde_json::json;

use super::{
    Error, Partnership, Signed,
    numbers::{field, no_step},
    order_turns::OrderAbout,
    reserve::{said, terms_of},
};
use crate::{
    domain::{
        Caller, NumberClass, NumberEvent, NumberState, PartnerId, Refusal, Right,
        agreement_kind::micros,
    },
    metrics,
    store::{Addressee, NewMail, OrderItem, ReservationRow, ReservationWrite},
};

const REASON_MAX: usize = 1000;

impl Partnership {
    /// Takes one step with a reservation: a partner before use, staff in use.
    pub async fn step_reservation(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        event: NumberEvent,
        reason: &str,
    ) -> Result<ReservationRow, Error> {
        let right = if NumberState::is_of_partner(event) {
            Right::ReserveNumbers
        } else {
            Right::ApproveNumbers
        };
        self.require(signed, right)?;
        let row = self.reservation(signed, id).await?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        if matches!(
            event,
            NumberEvent::Reserve
                | NumberEvent::Expire
                | NumberEvent::CoolOff
                | NumberEvent::Withdraw
                | NumberEvent::Offer
        ) {
            return Err(no_step(row.state, event));
        }
        let reason = check_reason(event, reason)?;
        if event == NumberEvent::Activate && row.ordered_by == Some(signed.caller().to_string()) {
            // Two persons, whatever roles they have (S-25).
            return Err(Refusal::NotAllowed.into());
        }
        let class = self.class_of(&row.class)?;
        let mut after = self.after(&row, class, event)?;
        match event {
            NumberEvent::Order => after.ordered_by = Some(signed.caller().to_string()),
            NumberEvent::Extend if row.extensions >= class.extensions => {
                let text = format!("it may be extended {} times", class.extensions);
                return Err(Refusal::WrongState(text).into());
            }
            _ => {}
        }
        reason.clone_into(&mut after.reason);
        let mails = self.letters(&row, event, reason).await?;
        self.write_step(&signed.caller(), &row, after, (event.as_str(), reason), mails).await
    }

    /// The row after a step, by the rules of its class.
    pub(super) fn after(
        &self,
        row: &ReservationRow,
        class: &NumberClass,
        event: NumberEvent,
    ) -> Result<ReservationRow, Error> {
        use NumberEvent as E;
        let state = row.state.after(event).ok_or_else(|| no_step(row.state, event))?;
        let now = self.now();
        let mut after = ReservationRow { state, ..row.clone() };
        match event {
            E::Extend => {
                after.expires_at = row.expires_at.saturating_add(micros(class.hold_days));
                after.extensions += 1;
                after.warned_at = None;
            }
            E::Order => after.ordered_at = Some(now),
            // The partner gets time to put right what was refused.
            E::Reject => {
                after.expires_at = row.expires_at.max(class.hold_until(now));
                after.warned_at = None;
                (after.ordered_at, after.ordered_by) = (None, None);
            }
            E::Activate => after.active_at = Some(now),
            E::Close => {
                after.cools_until = Some(class.cools_until(now));
                after.ended_at = Some(now);
            }
            _ => {}
        }
        if state == NumberState::Free {
            after.slot = None;
            after.ended_at = row.ended_at.or(Some(now));
        }
        Ok(after)
    }

    pub(super) async fn write_step(
        &self,
        by: &Caller,
        before: &ReservationRow,
        after: ReservationRow,
        (step, note): (&str, &str),
        mails: Vec<NewMail>,
    ) -> Result<ReservationRow, Error> {
        let class = self.class_of(&before.class)?;
        let (what, is_routed) = (format!("number.{step}"), class.is_routed());
        let orders = self.order_turns(by, || about(before), (&what, false, note)).await?;
        let offer = |row: &ReservationRow, told: &Addressee| letter(row, told, "number_waited", "");
        let write = ReservationWrite {
            what: &what,
            before,
            is_routed: is_routed && after.state == NumberState::Active,
            after,
            note,
            mails,
            next: (terms_of(class, self.now()), &offer),
            orders,
        };
        let done = self.store.step_reservation(by, self.now(), &write).await?;
        let row = done.map_err(|denial| said(denial, &before.keyword, class))?;
        metrics::number_step(step);
        Ok(row)
    }

    /// Letters about a step, to the partner; an order is told to the desk.
    pub(super) async fn letters(
        &self,
        row: &ReservationRow,
        event: NumberEvent,
        reason: &str,
    ) -> Result<Vec<NewMail>, Error> {
        let template = match event {
            NumberEvent::Order => return Ok(self.desk_letter(row, "number_ordered", "")),
            NumberEvent::AskRelease => {
                return Ok(self.desk_letter(row, "number_release_asked", reason));
            }
            NumberEvent::Activate => "number_active",
            NumberEvent::Reject => "number_refused",
            NumberEvent::Suspend => "number_suspended",
            NumberEvent::Resume => "number_resumed",
            NumberEvent::Close => "number_closed",
            NumberEvent::Expire => "number_expired",
            _ => return Ok(Vec::new()),
        };
        let told = self.store.holder(PartnerId(row.partner_id), row.person_id).await?;
        Ok(told.map(|told| letter(row, &told, template, reason)).into_iter().collect())
    }

    fn desk_letter(
        &self,
        row: &ReservationRow,
        template: &'static str,
        reason: &str,
    ) -> Vec<NewMail> {
        if self.rules.desk_mail.is_empty() {
            return Vec::new();
        }
        let desk = Addressee {
            partner_id: row.partner_id,
            mail: self.rules.desk_mail.clone(),
            name: String::new(),
            language: self.rules.desk_language.clone(),
        };
        vec![letter(row, &desk, template, reason)]
    }
}

fn check_reason(event: NumberEvent, reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if NumberState::needs_reason(event) && reason.is_empty() {
        return Err(field("reason", "missing", "the other side is told why"));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(field("reason", "too_long", &format!("has {REASON_MAX} characters at most")));
    }
    Ok(reason)
}

/// What an order about a reservation is about.
fn about(row: &ReservationRow) -> OrderAbout {
    let mut items = vec![OrderItem::new("number", &row.digits)];
    if !row.keyword.is_empty() {
        items.push(OrderItem::new("keyword", &row.keyword));
    }
    OrderAbout {
        partner: PartnerId(row.partner_id),
        subject: row.subject(),
        name: format!("{} {}", row.digits, row.keyword).trim_end().to_owned(),
        items,
    }
}

/// A letter about a reservation.
pub(super) fn letter(
    row: &ReservationRow,
    told: &Addressee,
    template: &'static str,
    reason: &str,
) -> NewMail {
    let mut data = json!({
        "number": row.digits, "partner": row.partner,
        "link": format!("/reservations/{}", row.id),
    });
    if !row.keyword.is_empty() {
        data["keyword"] = json!(row.keyword);
    }
    match template {
        "number_refused" | "number_suspended" | "number_closed" | "number_release_asked" => {
            data["reason"] = json!(reason);
        }
        "number_expires" | "number_waited" => data["expires_at"] = json!(row.expires_at),
        _ => {}
    }
    if !matches!(template, "number_ordered" | "number_release_asked")
        && let Some(data) = data.as_object_mut()
    {
        data.remove("partner");
    }
    told.letter(template, data, row.subject(), Some(PartnerId(row.partner_id)))
}
