//! Complaints as their readers see them: lists, the queue of the law, one with all around it.
//!
//! It changes nothing. What surprises: a partner never learns whom a number belongs to, and whoever
//! may not see numbers sees them masked, in lists as well, and may not look for one (S-44): a list
//! that can be filtered by a number tells it.

use super::{Error, Partnership, Signed, complaints::msisdn};
use crate::{
    domain::{Refusal, Right, number::mask},
    store::{
        ComplaintCharge, ComplaintFilter, ComplaintMessage, ComplaintRow, ComplaintTickets,
        DeadlineRow, EarlierComplaint, FileLine, HappeningRow,
    },
};

pub(super) const UNKNOWN: Refusal = Refusal::UnknownId("complaint");

/// A complaint with everything around it that its reader may see.
#[derive(Debug, Clone)]
pub struct ComplaintView {
    pub row: ComplaintRow,
    pub messages: Vec<ComplaintMessage>,
    pub charges: Vec<ComplaintCharge>,
    pub earlier: Vec<EarlierComplaint>,
    pub history: Vec<HappeningRow>,
    pub files: Vec<FileLine>,
    pub deadlines: Vec<DeadlineRow>,
}

impl ComplaintView {
    /// What was charged for a message and not given back: amount and currency.
    pub fn refundable(&self, message: i64) -> Option<(i64, &str)> {
        refundable(&self.charges, message)
    }
}

/// The charge of a message that has nothing against it in the ledger.
pub(super) fn refundable(charges: &[ComplaintCharge], message: i64) -> Option<(i64, &str)> {
    let mut lines = charges.iter().filter(|one| one.message_id == message);
    let first = lines.next().filter(|one| one.line == 0)?;
    lines.next().is_none().then_some((first.gross_minor, first.currency.as_str()))
}

impl Partnership {
    /// Complaints, the newest first: of a partner its own.
    pub async fn complaints(
        &self,
        signed: &Signed,
        wish: &ComplaintFilter,
    ) -> Result<Vec<ComplaintRow>, Error> {
        self.require(signed, Right::SeeTickets)?;
        let mut wish = self.sought(signed, wish)?;
        if signed.partner.is_some() {
            wish.partner = signed.partner;
        } else if !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        let rows = self.store.complaints(&wish).await?;
        Ok(rows.into_iter().map(|row| shown(signed, row)).collect())
    }

    /// The queue of the staff: the least time left first.
    pub async fn complaint_queue(
        &self,
        signed: &Signed,
        wish: &ComplaintFilter,
        after: Option<(i64, i64)>,
    ) -> Result<Vec<ComplaintRow>, Error> {
        self.require(signed, Right::SeeTickets)?;
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let wish = self.sought(signed, wish)?;
        let start = after.unwrap_or((i64::MIN, i64::MIN));
        let rows = self.store.complaint_queue(&wish, start).await?;
        Ok(rows.into_iter().map(|row| shown(signed, row)).collect())
    }

    /// Complaints as tickets, and how many there are: of a partner its own.
    pub async fn complaint_tickets(
        &self,
        signed: &Signed,
        wish: &ComplaintTickets,
    ) -> Result<(Vec<ComplaintRow>, i64), Error> {
        self.require(signed, Right::SeeTickets)?;
        if signed.partner.is_none() && !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        let wish = ComplaintTickets { partner: signed.partner, ..wish.clone() };
        let count = self.store.count_complaint_tickets(&wish).await?;
        let rows = match wish.limit {
            ..1 => Vec::new(),
            _ => self.store.complaint_tickets(&wish).await?,
        };
        Ok((rows.into_iter().map(|row| shown(signed, row)).collect(), count))
    }

    /// A filter with its number as it is kept. Whoever may not see numbers may not try them out.
    fn sought(&self, signed: &Signed, wish: &ComplaintFilter) -> Result<ComplaintFilter, Error> {
        let mut wish = wish.clone();
        if wish.msisdn.trim().is_empty() {
            wish.msisdn.clear();
            return Ok(wish);
        }
        if !signed.may(Right::SeeFullNumbers) {
            return Err(Refusal::NotAllowed.into());
        }
        let found = msisdn(&wish.msisdn, &self.complaints.country);
        // What is no number is nobody's.
        wish.msisdn = found.map_or_else(|| "-".to_owned(), |number| number.as_str().to_owned());
        Ok(wish)
    }

    pub async fn complaint(&self, signed: &Signed, id: i64) -> Result<ComplaintRow, Error> {
        self.require(signed, Right::SeeTickets)?;
        Ok(shown(signed, self.reached_complaint(signed, id).await?))
    }

    /// The row as it is kept, for verbs.
    pub(super) async fn reached_complaint(
        &self,
        signed: &Signed,
        id: i64,
    ) -> Result<ComplaintRow, Error> {
        let row = self.store.complaint(id).await?;
        Ok(row.filter(|row| signed.reaches(row.partner())).ok_or(UNKNOWN)?)
    }

    /// One complaint with its messages, its timeline and its files.
    pub async fn complaint_view(&self, signed: &Signed, id: i64) -> Result<ComplaintView, Error> {
        self.require(signed, Right::SeeTickets)?;
        let row = self.reached_complaint(signed, id).await?;
        let mut view = self.whole_complaint(signed, row).await?;
        if !signed.may(Right::SeeTraffic) {
            // That there were messages, and what they cost, is money; the rest is traffic.
            for one in &mut view.messages {
                (one.trace, one.keyword) = ("{}".to_owned(), None);
            }
        }
        Ok(ComplaintView { row: shown(signed, view.row), ..view })
    }

    /// What of a complaint belongs to its reader, under the row as it is kept.
    pub(super) async fn whole_complaint(
        &self,
        signed: &Signed,
        row: ComplaintRow,
    ) -> Result<ComplaintView, Error> {
        let (trail, own) = (row.trail(), signed.partner.map(|partner| partner.0));
        // A number may have used the services of many; each learns of its own alone (S-20).
        let mut messages = self.store.complaint_messages(row.id).await?;
        messages.retain(|one| own.is_none() || one.partner_id == own);
        let mut charges = self.store.complaint_charges(row.id).await?;
        charges.retain(|one| own.is_none_or(|own| one.partner_id == own));
        let mut earlier = self.store.earlier_complaints(&row.msisdn, row.id).await?;
        earlier.retain(|one| own.is_none() || one.partner_id == own);
        let mut files = self.store.files_of(&trail).await?;
        files.retain(|one| own.is_none() || one.partner_id == own);
        Ok(ComplaintView {
            messages,
            charges,
            earlier,
            files,
            history: self.store.timeline(&trail, own.is_some()).await?,
            deadlines: self.store.deadlines(&trail).await?,
            row,
        })
    }

    pub fn complaint_rules(&self) -> &super::ComplaintRules {
        &self.complaints
    }
}

/// The row for these eyes: the number by right, the person behind it never to a partner.
pub(super) fn shown(signed: &Signed, row: ComplaintRow) -> ComplaintRow {
    let is_full = signed.may(Right::SeeFullNumbers);
    let msisdn = if is_full { row.msisdn.clone() } else { mask(&row.msisdn) };
    if is_full && signed.is_operator() {
        return ComplaintRow { msisdn, ..row };
    }
    let hidden = String::new;
    ComplaintRow { msisdn, name: hidden(), mail: hidden(), address: hidden(), ..row }
}
