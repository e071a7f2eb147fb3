//! The base of numbers as people use it: looking for numbers, importing pools, and what staff sets:
//! what is offered, barred words, quotas.
//!
//! Reserving is `reserve`. What surprises: a partner sees that a number is taken and never by whom,
//! nor that it is suspended; of what it holds itself it sees everything.

use super::{Error, Partnership, Signed};
use crate::{
    domain::{
        Caller, Keyword, NumberClass, NumberEvent, NumberPlan, NumberState, PartnerId, Refusal,
        Right, WordBar,
        number_import::{self, RefusedRow},
        refusal::FieldFault,
    },
    store::{
        NewTariff, NumberFilter, NumberPrice, NumberQuota, NumberRow, NumberWord,
        ReservationFilter, ReservationRow,
    },
};

/// Numbers that one transaction of an import takes: traffic waits no longer than for that.
const IMPORT_PAGE: usize = 500;
const QUOTA_MAX: i64 = 100_000;
/// Keywords of one number that its page shows.
const HOLDERS_MAX: u32 = 500;
const UNKNOWN: Refusal = Refusal::UnknownId("number");

/// What became of a file of numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    pub rows: usize,
    /// Numbers that are in the base now; of a trial, that would be.
    pub taken: usize,
    pub is_trial: bool,
    /// By line.
    pub refused: Vec<RefusedRow>,
}

/// A number with everything that its reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberView {
    pub row: NumberRow,
    pub prices: Vec<NumberPrice>,
    /// Live reservations: of staff all, of a partner its own.
    pub holders: Vec<ReservationRow>,
}

impl Partnership {
    pub fn number_plan(&self) -> &NumberPlan {
        &self.plan
    }

    /// Numbers that fit, page by page by their digits.
    pub async fn numbers(
        &self,
        signed: &Signed,
        wish: &NumberFilter,
    ) -> Result<Vec<NumberRow>, Error> {
        self.require(signed, Right::SeeNumbers)?;
        let mut wish = wish.clone();
        if let Some(own) = signed.partner {
            let is_hidden = |word: &str| {
                NumberState::parse(word).is_some_and(|state| {
                    matches!(state, NumberState::Ordered | NumberState::Suspended)
                })
            };
            // A filter must not tell what a row hides.
            if is_hidden(&wish.state) || wish.held_by.is_some() {
                wish.held_by = Some(own);
            }
        }
        let mut rows = self.store.numbers(self.now(), &wish).await?;
        for row in &mut rows {
            veil(signed, row);
        }
        Ok(rows)
    }

    pub async fn number(&self, signed: &Signed, id: i64) -> Result<NumberView, Error> {
        self.require(signed, Right::SeeNumbers)?;
        let mut row = self.store.number(self.now(), id).await?.ok_or(UNKNOWN)?;
        let filter = ReservationFilter {
            partner: signed.partner,
            number: Some(id),
            limit: HOLDERS_MAX,
            ..ReservationFilter::default()
        };
        let holders = self.store.reservations(&filter).await?;
        veil(signed, &mut row);
        Ok(NumberView { row, prices: self.store.number_prices(id).await?, holders })
    }

    /// The same by its digits.
    pub async fn number_called(
        &self,
        signed: &Signed,
        digits: &str,
    ) -> Result<Option<NumberRow>, Error> {
        self.require(signed, Right::SeeNumbers)?;
        let mut row = self.store.number_called(self.now(), digits).await?;
        if let Some(row) = &mut row {
            veil(signed, row);
        }
        Ok(row)
    }

    /// Takes the numbers of a file into the base, or only says what would become of each row.
    pub async fn import_numbers(
        &self,
        signed: &Signed,
        file: &[u8],
        is_trial: bool,
    ) -> Result<ImportReport, Error> {
        self.require(signed, Right::ApproveNumbers)?;
        self.import_numbers_by(&signed.caller(), file, is_trial).await
    }

    /// The same for the host's own command.
    pub async fn import_numbers_by(
        &self,
        by: &Caller,
        file: &[u8],
        is_trial: bool,
    ) -> Result<ImportReport, Error> {
        let now = self.now();
        let read = number_import::read(file, &self.plan, now)
            .map_err(|bad| field("file", "invalid", &bad.to_string()))?;
        let tariffs = self.tariffs_of_plan();
        let is_routed = |class: &str| self.plan.class(class).is_some_and(NumberClass::is_routed);
        let mut report =
            ImportReport { rows: read.rows, is_trial, refused: read.refused, ..Default::default() };
        for page in read.numbers.chunks(IMPORT_PAGE) {
            let known = if is_trial {
                self.known(page).await?
            } else {
                self.store.import_numbers(by, now, page, &tariffs, &is_routed).await?
            };
            report.taken += page.len() - known.len();
            report.refused.extend(known.into_iter().map(|place| RefusedRow {
                line: page[place].line,
                digits: page[place].digits.to_string(),
                code: "known",
                detail: format!("{} is in the base already", page[place].digits),
            }));
        }
        report
            .refused
            .sort_by(|one, other| (one.line, &one.digits).cmp(&(other.line, &other.digits)));
        Ok(report)
    }

    /// Places of the numbers that are in the base.
    async fn known(&self, page: &[number_import::NewNumber]) -> Result<Vec<usize>, Error> {
        let digits = || page.iter().map(|number| number.digits.as_str());
        let (Some(from), Some(to)) = (digits().min(), digits().max()) else {
            return Ok(Vec::new());
        };
        let known: std::collections::HashSet<_> =
            self.store.known_numbers(from, to).await?.into_iter().collect();
        let places = page.iter().enumerate();
        Ok(places.filter(|(_, n)| known.contains(n.digits.as_str())).map(|(p, _)| p).collect())
    }

    fn tariffs_of_plan(&self) -> Vec<NewTariff> {
        let tariffs = self.plan.tariffs();
        let prices =
            tariffs.flat_map(|tariff| tariff.prices.iter().map(move |price| (tariff, price)));
        prices
            .map(|(tariff, price)| NewTariff {
                code: tariff.code.to_string(),
                valid_from: price.valid_from(),
                net_minor: price.net,
                vat_permille: price.vat / 10,
                gross_minor: price.gross,
                currency: "PLN".to_owned(),
            })
            .collect()
    }

    /// Takes a number that nobody holds out of the offer, or into it again.
    pub async fn offer_number(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        event: NumberEvent,
    ) -> Result<NumberRow, Error> {
        self.require(signed, Right::ApproveNumbers)?;
        let row = self.store.number(self.now(), id).await?.ok_or(UNKNOWN)?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        // A shared number without a keyword in use is as free as any other.
        let state = if row.is_shared != 0 && row.state == NumberState::Active && row.keywords == 0 {
            NumberState::Free
        } else {
            row.state
        };
        let is_withdrawn = match state.after(event) {
            Some(NumberState::Withdrawn) => true,
            Some(NumberState::Free) if event == NumberEvent::Offer => false,
            _ => return Err(no_step(row.state, event)),
        };
        let by = signed.caller();
        let done = self.store.set_withdrawn(&by, self.now(), (id, version), is_withdrawn).await?;
        if !done {
            return Err(Refusal::VersionConflict.into());
        }
        Ok(self.store.number(self.now(), id).await?.ok_or(UNKNOWN)?)
    }

    /// Words that staff barred besides those of the plan.
    pub async fn number_words(&self, signed: &Signed) -> Result<Vec<NumberWord>, Error> {
        self.require(signed, Right::ApproveNumbers)?;
        Ok(self.store.number_words().await?)
    }

    /// Bars a word, or lets it go where there is no reason any more.
    pub async fn set_number_word(
        &self,
        signed: &Signed,
        word: &str,
        kind: Option<WordBar>,
    ) -> Result<(), Error> {
        self.require(signed, Right::ApproveNumbers)?;
        let word =
            Keyword::parse(word).map_err(|bad| field("word", "invalid", &bad.to_string()))?;
        let (by, kind) = (signed.caller(), kind.map(WordBar::as_str));
        Ok(self.store.set_number_word(&by, self.now(), word.as_str(), kind).await?)
    }

    /// Quotas of a partner that are not the class's own.
    pub async fn number_quotas(
        &self,
        signed: &Signed,
        partner: PartnerId,
    ) -> Result<Vec<NumberQuota>, Error> {
        self.require(signed, Right::SeeNumbers)?;
        if !signed.reaches(Some(partner)) {
            return Err(Refusal::UnknownId("partner").into());
        }
        Ok(self.store.number_quotas(partner).await?)
    }

    /// Gives a partner a quota of its own, or the class's where `most` is none.
    pub async fn set_number_quota(
        &self,
        signed: &Signed,
        partner: PartnerId,
        class: &str,
        most: Option<i64>,
    ) -> Result<(), Error> {
        self.require(signed, Right::ApproveNumbers)?;
        if self.plan.class(class).is_none() {
            return Err(field("class", "invalid", "is no class of the plan"));
        }
        if most.is_some_and(|most| !(0..=QUOTA_MAX).contains(&most)) {
            return Err(field("most", "invalid", &format!("must be 0 to {QUOTA_MAX}")));
        }
        if self.store.company(partner).await?.is_none() {
            return Err(Refusal::UnknownId("partner").into());
        }
        let by = signed.caller();
        Ok(self.store.set_number_quota(&by, self.now(), (partner, class), most).await?)
    }
}

/// Hides from a partner what is another's business.
fn veil(signed: &Signed, row: &mut NumberRow) {
    let Some(own) = signed.partner else { return };
    row.keywords = 0;
    if row.partner_id == Some(own.0) {
        return;
    }
    (row.partner_id, row.partner, row.reservation_id) = (None, None, None);
    row.state = match row.state {
        NumberState::Ordered => NumberState::Reserved,
        NumberState::Suspended => NumberState::Active,
        other => other,
    };
}

pub(super) fn no_step(state: NumberState, event: NumberEvent) -> Error {
    Refusal::WrongState(format!("it is {state}; `{event}` is no step from there")).into()
}

pub(super) fn field(name: &'static str, code: &'static str, detail: &str) -> Error {
    Refusal::FieldErrors(vec![FieldFault::new(name, code, detail)]).into()
}
