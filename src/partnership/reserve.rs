//! Reserving a number, or a keyword on a shared one, and looking at what is reserved.
//!
//! The steps that follow are in `reserve_steps`. What surprises: a look-alike of somebody's keyword is no refusal. It is a warning that
//! the partner confirms, because `GOL` and `G0L` may both be meant well.

use super::{Error, Partnership, Signed, numbers::field};
use crate::{
    domain::{
        Keyword, NumberClass, PartnerId, Refusal, Right, WordBar, agreement_kind::micros,
        look_alike::look,
    },
    metrics,
    store::{
        HappeningRow, HoldDenial, HoldTerms, NewReservation, NumberRow, ReservationFilter,
        ReservationRow,
    },
};

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
            self.warn_of_likeness(row.id, &keyword, &look).await?;
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
    pub(super) async fn check_wish(
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

    async fn warn_of_likeness(&self, number: i64, keyword: &str, look: &str) -> Result<(), Error> {
        let alike = self.store.keywords_like(number, look).await?;
        if alike.is_empty() {
            return Ok(());
        }
        // Somebody was quicker by a moment: that is no likeness.
        if alike.iter().any(|(word, _)| word == keyword) {
            return Err(taken(keyword));
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

    /// A class that left the plan keeps its numbers and lets nobody do anything with them.
    pub(super) fn class_of(&self, name: &str) -> Result<&NumberClass, Error> {
        let gone = || Refusal::WrongState(format!("class `{name}` is not in the plan any more"));
        Ok(self.plan.class(name).ok_or_else(gone)?)
    }
}

pub(super) fn terms_of(class: &NumberClass, now: i64) -> HoldTerms<'_> {
    HoldTerms {
        class: &class.name,
        expires_at: class.hold_until(now),
        quota: class.quota,
        rests_since: now.saturating_sub(micros(class.rest_days)),
    }
}

fn taken(keyword: &str) -> Error {
    Refusal::Taken(if keyword.is_empty() { "number" } else { "keyword" }).into()
}

pub(super) fn said(denial: HoldDenial, keyword: &str, class: &NumberClass) -> Error {
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
