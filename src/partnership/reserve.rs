//! The verbs of reservations: reserve, extend, order, release; activate, suspend, close; wait.
//!
//! A partner takes the steps before use, the operator those of use: whoever asks never approves
//! (S-25). What surprises: a look-alike of somebody's keyword is no refusal. It is a warning that
//! the partner confirms, because `GOL` and `G0L` may both be meant well.

use serde_json::json;

use super::{
    Error, Partnership, Signed,
    numbers::{field, no_step},
};
use crate::{
    domain::{
        Keyword, NumberClass, NumberEvent, NumberState, PartnerId, Refusal, Right, WordBar,
        agreement_kind::micros, look_alike::look,
    },
    metrics,
    store::{
        Addressee, HappeningRow, HoldDenial, HoldTerms, NewMail, NewReservation, NumberRow,
        ReservationFilter, ReservationRow, ReservationWrite, WaitRow,
    },
};

const REASON_MAX: usize = 1000;
const UNKNOWN: Refusal = Refusal::UnknownId("reservation");
const UNKNOWN_NUMBER: Refusal = Refusal::UnknownId("number");

/// A number, or a keyword on a shared one, that a partner wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldWish {
    pub number: i64,
    /// Empty for a number that is not shared.
    pub keyword: String,
    /// The partner knows that it looks like another keyword.
    pub despite_likeness: bool,
}

impl Partnership {
    /// Reserves for the partner of the caller. Of many who ask at once exactly one gets it.
    pub async fn reserve_number(
        &self,
        signed: &Signed,
        wish: &HoldWish,
    ) -> Result<ReservationRow, Error> {
        let (partner, row, keyword) = self.check_wish(signed, wish).await?;
        let class = self.class_of(&row.class)?;
        if self.store.is_held(row.id, &keyword).await? {
            return Err(taken(&keyword));
        }
        let look = look(&keyword);
        if !keyword.is_empty() && !wish.despite_likeness {
            self.warn_of_likeness(row.id, &look).await?;
        }
        let new = NewReservation {
            number: row.id,
            keyword: &keyword,
            look: &look,
            partner,
            person: Some(signed.person),
            terms: terms_of(class, self.now()),
        };
        let held = self.store.reserve_number(&signed.caller(), self.now(), &new).await?;
        let held = held.map_err(|denial| said(denial, &keyword, class))?;
        metrics::number_step("reserve");
        Ok(held)
    }

    /// The rules that need no transaction; answers with the keyword as it is stored.
    async fn check_wish(
        &self,
        signed: &Signed,
        wish: &HoldWish,
    ) -> Result<(PartnerId, NumberRow, String), Error> {
        self.require(signed, Right::ReserveNumbers)?;
        let partner = signed.partner.ok_or(Refusal::NotAllowed)?;
        if let Some(company) = self.store.company(partner).await?
            && !matches!(&*company.state, "contracted" | "live")
        {
            let text = "numbers are reserved once the framework agreement is in force";
            return Err(Refusal::WrongState(text.to_owned()).into());
        }
        let row = self.store.number(self.now(), wish.number).await?.ok_or(UNKNOWN_NUMBER)?;
        let text = wish.keyword.trim();
        if row.is_shared == 0 {
            return if text.is_empty() {
                Ok((partner, row, String::new()))
            } else {
                Err(field("keyword", "unwanted", "this number is not shared; leave it out"))
            };
        }
        if text.is_empty() {
            return Err(field("keyword", "missing", "this number is shared; name a keyword"));
        }
        let keyword =
            Keyword::parse(text).map_err(|bad| field("keyword", "invalid", &bad.to_string()))?;
        if keyword.is_catch_all() {
            return Err(field("keyword", "invalid", "`*` is not for partners"));
        }
        if let Some(bar) = self.bar(keyword.as_str()).await? {
            return Err(field("keyword", bar.as_str(), "nobody can reserve this word"));
        }
        Ok((partner, row, keyword.as_str().to_owned()))
    }

    /// Why a word cannot be reserved, by the plan or by staff.
    async fn bar(&self, word: &str) -> Result<Option<WordBar>, Error> {
        if let Some(bar) = self.plan.bar(word) {
            return Ok(Some(bar));
        }
        let seen = look(word);
        let words = self.store.number_words().await?;
        let hit = words.iter().find_map(|barred| {
            let bar = WordBar::parse(&barred.kind)?;
            let other = look(&barred.word);
            let is_hit = match bar {
                WordBar::Reserved => other == seen,
                WordBar::Forbidden => seen.contains(&other),
            };
            is_hit.then_some(bar)
        });
        Ok(hit)
    }

    async fn warn_of_likeness(&self, number: i64, look: &str) -> Result<(), Error> {
        let alike = self.store.keywords_like(number, look).await?;
        if alike.is_empty() {
            return Ok(());
        }
        let words: Vec<_> = alike.into_iter().map(|(word, _)| word).collect();
        let detail = format!("looks like {}; confirm if it is meant so", words.join(", "));
        Err(field("keyword", "alike", &detail))
    }

    /// Reservations, the newest first: of a partner its own.
    pub async fn reservations(
        &self,
        signed: &Signed,
        wish: &ReservationFilter,
    ) -> Result<Vec<ReservationRow>, Error> {
        self.require(signed, Right::SeeNumbers)?;
        let mut wish = wish.clone();
        if signed.partner.is_some() {
            wish.partner = signed.partner;
        }
        Ok(self.store.reservations(&wish).await?)
    }

    pub async fn reservation(&self, signed: &Signed, id: i64) -> Result<ReservationRow, Error> {
        self.require(signed, Right::SeeNumbers)?;
        let row = self.store.reservation(id).await?;
        let reached = row.filter(|row| signed.reaches(Some(PartnerId(row.partner_id))));
        Ok(reached.ok_or(UNKNOWN)?)
    }

    /// What happened to a reservation, the oldest first.
    pub async fn reservation_history(
        &self,
        signed: &Signed,
        id: i64,
    ) -> Result<Vec<HappeningRow>, Error> {
        let row = self.reservation(signed, id).await?;
        Ok(self.store.timeline(&row.subject(), !signed.is_operator()).await?)
    }

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
        by: &crate::domain::Caller,
        before: &ReservationRow,
        after: ReservationRow,
        (step, note): (&str, &str),
        mails: Vec<NewMail>,
    ) -> Result<ReservationRow, Error> {
        let class = self.class_of(&before.class)?;
        let (what, is_routed) = (format!("number.{step}"), class.is_routed());
        let offer = |row: &ReservationRow, told: &Addressee| letter(row, told, "number_waited", "");
        let write = ReservationWrite {
            what: &what,
            before,
            is_routed: is_routed && after.state == NumberState::Active,
            after,
            note,
            mails,
            next: (terms_of(class, self.now()), &offer),
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
            NumberEvent::Order => return Ok(self.desk_letter(row)),
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

    fn desk_letter(&self, row: &ReservationRow) -> Vec<NewMail> {
        if self.rules.desk_mail.is_empty() {
            return Vec::new();
        }
        let desk = Addressee {
            partner_id: row.partner_id,
            mail: self.rules.desk_mail.clone(),
            name: String::new(),
            language: self.rules.desk_language.clone(),
        };
        vec![letter(row, &desk, "number_ordered", "")]
    }

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
            limit: 500,
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

    /// A class that left the plan keeps its numbers and lets nobody do anything with them.
    pub(super) fn class_of(&self, name: &str) -> Result<&NumberClass, Error> {
        let gone = || Refusal::WrongState(format!("class `{name}` is not in the plan any more"));
        Ok(self.plan.class(name).ok_or_else(gone)?)
    }
}

fn terms_of(class: &NumberClass, now: i64) -> HoldTerms<'_> {
    HoldTerms {
        class: &class.name,
        expires_at: class.hold_until(now),
        quota: class.quota,
        rests_since: now.saturating_sub(micros(class.rest_days)),
    }
}

fn check_reason(event: NumberEvent, reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    let needs = matches!(event, NumberEvent::Reject | NumberEvent::Suspend | NumberEvent::Close);
    if needs && reason.is_empty() {
        return Err(field("reason", "missing", "the partner is told why"));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(field("reason", "too_long", &format!("has {REASON_MAX} characters at most")));
    }
    Ok(reason)
}

fn taken(keyword: &str) -> Error {
    Refusal::Taken(if keyword.is_empty() { "number" } else { "keyword" }).into()
}

fn said(denial: HoldDenial, keyword: &str, class: &NumberClass) -> Error {
    let state = |text: String| Refusal::WrongState(text).into();
    match denial {
        HoldDenial::Unknown => UNKNOWN_NUMBER.into(),
        HoldDenial::Stale => Refusal::VersionConflict.into(),
        HoldDenial::Taken => taken(keyword),
        HoldDenial::Withdrawn => state("this number is not offered".to_owned()),
        HoldDenial::Sharing { is_shared: true } => {
            field("keyword", "missing", "this number is shared; name a keyword")
        }
        HoldDenial::Sharing { is_shared: false } => {
            field("keyword", "unwanted", "this number is not shared; leave it out")
        }
        HoldDenial::Quota { most } => Refusal::QuotaReached { most }.into(),
        HoldDenial::Rests => {
            let days = class.rest_days;
            state(format!("you let it go; it can be yours again {days} days later"))
        }
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
        "number_refused" | "number_suspended" | "number_closed" => data["reason"] = json!(reason),
        "number_expires" | "number_waited" => data["expires_at"] = json!(row.expires_at),
        _ => {}
    }
    if template != "number_ordered"
        && let Some(data) = data.as_object_mut()
    {
        data.remove("partner");
    }
    NewMail {
        recipient: told.mail.clone(),
        recipient_name: told.name.clone(),
        language: told.language.clone(),
        template,
        data,
        attachments: Vec::new(),
        subject: row.subject(),
        partner: Some(PartnerId(row.partner_id)),
    }
}
