//! What opens an order and takes it on: within the transaction of the number or the service that
//! it is about, or in one of its own.
//!
//! It knows no rule and no date. What surprises: an order that somebody ticked in between stops
//! the whole step of the number or the service; whoever was slower reads both again.

use serde_json::json;

use super::{
    DeadlineStep, Error, Happening, NewFile, NewMail, OrderItem, OrderRow, OrderStepRow, Store,
    audit,
    db::{Tx, execute, fetch_in},
    deadlines::step_deadline,
    files::put_file,
    letters::{next_id, note_happening, queue_mail},
    orders::orders,
};
use crate::domain::{Caller, OrderKind, OrderState, PartnerId, UserId};

/// The promise of the operator's next step.
pub const ORDER_RULE: &str = "order_step";

/// An order that a step of a number or a service begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub partner: PartnerId,
    pub kind: OrderKind,
    pub state: OrderState,
    pub about: String,
    pub name: String,
    pub reason: String,
    pub owner: Option<UserId>,
    pub due_at: i64,
    pub items: Vec<OrderItem>,
    pub steps: Vec<OrderStepRow>,
    pub deadline: Option<DeadlineStep>,
}

/// One thing that happened to an order, for its timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHappening {
    /// `tick`, `note`, `complete` ...
    pub kind: &'static str,
    pub note: String,
    pub is_public: bool,
}

/// Everything that one step of an order writes.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderWrite {
    pub before: OrderRow,
    pub after: OrderRow,
    /// All of its steps as they are afterwards.
    pub steps: Vec<OrderStepRow>,
    pub happened: Vec<OrderHappening>,
    pub deadlines: Vec<DeadlineStep>,
    pub mails: Vec<NewMail>,
    pub file: Option<NewFile>,
}

/// What a step of a number or a service does to an order about it.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderTurn {
    Open(NewOrder),
    On(Box<OrderWrite>),
}

impl OrderTurn {
    /// For the detail of the audit row of that step.
    pub(super) fn told(&self) -> serde_json::Value {
        match self {
            Self::Open(new) => json!({ "kind": new.kind, "state": new.state }),
            Self::On(write) => json!({
                "id": write.before.id, "from": write.before.state, "state": write.after.state,
            }),
        }
    }
}

impl Store {
    /// Writes an order as the verb wants it, if it is still the one that was read.
    pub async fn step_order(
        &self,
        by: &Caller,
        at: i64,
        (what, write): (&str, &OrderWrite),
    ) -> Result<Option<OrderRow>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (before, after) = (&write.before, &write.after);
        let mut detail = json!({ "from": before.state, "to": after.state,
            "about": before.about, "done": write.steps.iter()
                .filter(|step| step.done_at == Some(at)).map(|step| &step.name)
                .collect::<Vec<_>>() });
        if let Some(file) = &write.file {
            detail["file"] = json!({ "id": file.id, "sha256": file.sha256 });
        }
        audit::append(&mut tx, at, by, what, &before.subject(), &detail).await?;
        if !put(&mut tx, at, by, write).await? {
            return Ok(None);
        }
        let row = fetch_in!(&mut tx, OrderRow, orders!("where o.id = $1"), before.id)?;
        tx.commit().await?;
        Ok(row)
    }
}

/// What the steps of a number or a service do to the orders about it. False: somebody was quicker
/// with one of them, and nothing may be committed. The audit row comes first.
pub(super) async fn take_turns(
    tx: &mut Tx<'_>,
    at: i64,
    by: &Caller,
    turns: &[OrderTurn],
) -> Result<bool, Error> {
    for turn in turns {
        match turn {
            OrderTurn::Open(new) => open(tx, at, by, new).await?,
            OrderTurn::On(write) => {
                if !put(tx, at, by, write).await? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

async fn open(tx: &mut Tx<'_>, at: i64, by: &Caller, new: &NewOrder) -> Result<(), Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from partner_order").await?;
    execute!(
        &mut *tx,
        "insert into partner_order (id, partner_id, kind, state, subject, open_subject, name, \
         reason, partner_owner_id, made_by, made_at, due_at, version) \
         values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, 1)",
        id,
        new.partner.0,
        new.kind.as_str(),
        new.state.as_str(),
        new.about.as_str(),
        new.name.as_str(),
        new.reason.as_str(),
        new.owner.map(|owner| owner.0),
        by.to_string(),
        at,
        new.due_at
    )?;
    for item in &new.items {
        execute!(
            &mut *tx,
            "insert into order_item (order_id, kind, name) values ($1, $2, $3) \
             on conflict do nothing",
            id,
            item.kind.as_str(),
            item.name.as_str()
        )?;
    }
    for step in &new.steps {
        insert_step(tx, id, step).await?;
    }
    let subject = format!("order:{id}");
    if let Some(deadline) = &new.deadline {
        step_deadline(tx, at, &subject, deadline).await?;
    }
    let happening = Happening {
        subject: &subject,
        kind: "order_open",
        note: new.reason.as_str(),
        is_public: true,
    };
    note_happening(tx, at, by, &happening).await
}

async fn insert_step(tx: &mut Tx<'_>, id: i64, step: &OrderStepRow) -> Result<(), Error> {
    execute!(
        tx,
        "insert into order_step (order_id, place, name, title_pl, title_en, side, working_days, \
         done_by, due_at, done_at, done_who) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        step.place,
        step.name.as_str(),
        step.title_pl.as_str(),
        step.title_en.as_str(),
        step.side.as_str(),
        step.working_days,
        step.done_by.as_str(),
        step.due_at,
        step.done_at,
        step.done_who.as_deref()
    )?;
    Ok(())
}

/// Everything of one write but its audit row; false: it is another version by now.
async fn put(tx: &mut Tx<'_>, at: i64, by: &Caller, write: &OrderWrite) -> Result<bool, Error> {
    let (before, after) = (&write.before, &write.after);
    let changed = execute!(
        &mut *tx,
        "update partner_order set state = $1, open_subject = $2, reason = $3, \
         partner_owner_id = $4, operator_owner_id = $5, ended_at = $6, version = version + 1 \
         where id = $7 and version = $8",
        after.state.as_str(),
        (!after.state.is_over()).then_some(after.about.as_str()),
        after.reason.as_str(),
        after.partner_owner_id,
        after.operator_owner_id,
        after.ended_at,
        before.id,
        before.version
    )?;
    if changed == 0 {
        return Ok(false);
    }
    for step in &write.steps {
        execute!(
            &mut *tx,
            "update order_step set due_at = $1, done_at = $2, done_who = $3 \
             where order_id = $4 and place = $5",
            step.due_at,
            step.done_at,
            step.done_who.as_deref(),
            before.id,
            step.place
        )?;
    }
    let subject = before.subject();
    for step in &write.deadlines {
        step_deadline(tx, at, &subject, step).await?;
    }
    if let Some(file) = &write.file {
        put_file(tx, at, by, file).await?;
    }
    for one in &write.happened {
        let kind = format!("order_{}", one.kind);
        let (note, is_public) = (one.note.as_str(), one.is_public);
        let happening = Happening { subject: &subject, kind: &kind, note, is_public };
        note_happening(tx, at, by, &happening).await?;
    }
    for letter in &write.mails {
        queue_mail(tx, at, letter).await?;
    }
    Ok(true)
}
