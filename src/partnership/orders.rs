//! Orders as both sides look at them, and how many are open.
//!
//! The steps that follow are in `order_steps`, and what numbers and services do to them in
//! `order_turns`. What surprises: there is no verb that opens one.

use super::{Error, Partnership, Signed};
use crate::{
    domain::{OrderKind, PartnerId, Refusal, Right},
    metrics,
    store::{FileLine, HappeningRow, OrderFilter, OrderItem, OrderRow, OrderStepRow},
};

const UNKNOWN: Refusal = Refusal::UnknownId("order");

/// An order with everything around it that its reader may see.
#[derive(Debug, Clone)]
pub struct OrderView {
    pub row: OrderRow,
    pub items: Vec<OrderItem>,
    /// In their order.
    pub steps: Vec<OrderStepRow>,
    pub history: Vec<HappeningRow>,
    pub files: Vec<FileLine>,
}

impl OrderView {
    /// The step that is waited for.
    pub fn next(&self) -> Option<&OrderStepRow> {
        let open = self.steps.iter().find(|step| step.done_at.is_none());
        open.filter(|_| !self.row.state.is_over())
    }
}

impl Partnership {
    /// Orders, the newest first: of a partner its own.
    pub async fn orders(
        &self,
        signed: &Signed,
        wish: &OrderFilter,
    ) -> Result<Vec<OrderRow>, Error> {
        let wish = self.own_orders(signed, wish)?;
        Ok(self.store.orders(&wish).await?)
    }

    /// How many there are like that.
    pub async fn count_orders(&self, signed: &Signed, wish: &OrderFilter) -> Result<i64, Error> {
        let wish = self.own_orders(signed, wish)?;
        Ok(self.store.count_orders(&wish).await?)
    }

    fn own_orders(&self, signed: &Signed, wish: &OrderFilter) -> Result<OrderFilter, Error> {
        self.require(signed, Right::SeeOrders)?;
        if signed.partner.is_none() && !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        Ok(OrderFilter { partner: signed.partner.or(wish.partner), ..wish.clone() })
    }

    pub(super) async fn reached_order(&self, signed: &Signed, id: i64) -> Result<OrderRow, Error> {
        let row = self.store.order(id).await?;
        let reached = row.filter(|row| signed.reaches(Some(PartnerId(row.partner_id))));
        Ok(reached.ok_or(UNKNOWN)?)
    }

    /// One order with its items, its steps, its timeline and its files.
    pub async fn order_view(&self, signed: &Signed, id: i64) -> Result<OrderView, Error> {
        self.require(signed, Right::SeeOrders)?;
        let row = self.reached_order(signed, id).await?;
        let subject = row.subject();
        Ok(OrderView {
            items: self.store.order_items(id).await?,
            steps: self.store.order_steps(id).await?,
            history: self.store.timeline(&subject, signed.partner.is_some()).await?,
            files: self.store.files_of(&subject).await?,
            row,
        })
    }

    /// What people call a kind.
    pub fn order_title(&self, kind: OrderKind, language: &str) -> &str {
        self.orders.of(kind).title.of(language)
    }

    /// Counts what is open, and what of it is late.
    pub async fn sweep_orders(&self) -> Result<(), Error> {
        let counts = self.store.open_orders_by(self.now()).await?;
        for kind in OrderKind::ALL {
            let found = counts.iter().find(|(word, ..)| word == kind.as_str());
            let (open, late) = found.map_or((0, 0), |(_, open, late)| (*open, *late));
            metrics::orders(kind.as_str(), open, late);
        }
        Ok(())
    }
}
