//! What people do to an order itself: tick a step, ask and answer, take it over, write notes, add
//! files; take back or refuse what was only asked for.
//!
//! What surprises: staff ticks the steps of both sides, for a partner may say on the telephone what
//! it has done; a partner ticks its own. Nobody ticks what the number or the service itself does.

use super::{
    Error, Partnership, Signed,
    fault_steps::{checked_words, is_full},
    files::FileFault,
    numbers::field,
    order_letters::OrderNews,
    order_turns::{tick, told},
};
use crate::{
    domain::{OrderEvent, PartnerId, Refusal, Right, Side, deadline::Unit},
    metrics,
    store::{DeadlineStep, ORDER_RULE, OrderHappening, OrderRow, OrderStepRow, OrderWrite},
};

impl Partnership {
    /// An order that is not over, that the caller may write on and has read as it is now.
    async fn open_order(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
    ) -> Result<(OrderRow, Vec<OrderStepRow>), Error> {
        self.require(signed, Right::on_orders(signed.partner.is_some()))?;
        let row = self.reached_order(signed, id).await?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        if row.state.is_over() {
            return Err(Refusal::WrongState(format!("it is {}", row.state)).into());
        }
        Ok((row, self.store.order_steps(id).await?))
    }

    async fn write_order(
        &self,
        signed: &Signed,
        (step, write): (&str, OrderWrite),
    ) -> Result<OrderRow, Error> {
        let what = format!("order.{step}");
        let done = self.store.step_order(&signed.caller(), self.now(), (&what, &write)).await?;
        let row = done.ok_or(Refusal::VersionConflict)?;
        metrics::order_step(step);
        Ok(row)
    }

    /// Ticks a step by hand. Of two who do it at once one wins.
    pub async fn tick_order(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (name, words): (&str, &str),
    ) -> Result<OrderRow, Error> {
        let (before, read) = self.open_order(signed, at).await?;
        let words = checked_words(words, false)?;
        let mut steps = read.clone();
        let step = steps.iter_mut().find(|step| step.name == name);
        let step = step.ok_or_else(|| field("step", "unknown", "is no step of this order"))?;
        if side_of(signed) == Side::Partner && step.side != Side::Partner {
            return Err(Refusal::NotAllowed.into());
        }
        if !step.is_by_hand() {
            let text = format!("it is finished by `{}`", step.done_by);
            return Err(Refusal::WrongState(text).into());
        }
        if step.done_at.is_some() {
            return Err(Refusal::WrongState("it is done already".to_owned()).into());
        }
        let happened = tick(step, self.now(), &signed.caller(), words);
        let after = before.clone();
        let write = plain(before, after, steps, happened);
        let write = self.settled(&read, write).await?;
        self.write_order(signed, ("tick", write)).await
    }

    /// Answers for it from now on, for its side; staff begins by this.
    pub async fn own_order(&self, signed: &Signed, at: (i64, i64)) -> Result<OrderRow, Error> {
        let (before, steps) = self.open_order(signed, at).await?;
        let mut after = before.clone();
        let person = Some(signed.person.0);
        match side_of(signed) {
            Side::Partner => after.partner_owner_id = person,
            Side::Operator => {
                after.operator_owner_id = person;
                after.state = after.state.after(OrderEvent::Take).unwrap_or(after.state);
            }
        }
        let write = plain(before, after, steps, told("own", String::new()));
        self.write_order(signed, ("own", write)).await
    }

    /// Asks the partner, goes on, or ends what was only asked for.
    pub async fn step_order(
        &self,
        signed: &Signed,
        at: (i64, i64),
        event: OrderEvent,
        words: &str,
    ) -> Result<OrderRow, Error> {
        if event == OrderEvent::Take {
            return self.own_order(signed, at).await;
        }
        let (before, steps) = self.open_order(signed, at).await?;
        let side = side_of(signed);
        if !event.is_of(side, before.kind) {
            return Err(Refusal::NotAllowed.into());
        }
        let words = checked_words(words, event.needs_words())?;
        let no_step = || {
            Refusal::WrongState(format!("it is {}; `{event}` is no step from there", before.state))
        };
        let state = before.state.after(event).ok_or_else(no_step)?;
        let mut after = OrderRow { state, ..before.clone() };
        if state.is_over() {
            words.clone_into(&mut after.reason);
        }
        let happened = told(event.as_str(), words.to_owned());
        let mut write = plain(before, after, steps.clone(), happened);
        match event {
            OrderEvent::Wait => write.deadlines.push(DeadlineStep::Pause { rule: ORDER_RULE }),
            OrderEvent::Resume => self.resume(&mut write).await?,
            _ => {}
        }
        let news = if state.is_over() { OrderNews::Ended(words) } else { OrderNews::Note(words) };
        if state.is_over() || !words.is_empty() {
            write.mails.extend(self.tell_other_side(&write.after, side, news).await?);
        }
        let write = self.settled(&steps, write).await?;
        self.write_order(signed, (event.as_str(), write)).await
    }

    /// The clock of the operator's step runs again; what is the partner's step is ticked instead.
    async fn resume(&self, write: &mut OrderWrite) -> Result<(), Error> {
        let next = write.steps.iter_mut().find(|step| step.done_at.is_none());
        let Some(next) = next.filter(|step| step.side == Side::Operator) else {
            let text = "it waits for a step of the partner; that one is to be done".to_owned();
            return Err(Refusal::WrongState(text).into());
        };
        let promise = self.store.deadline(&write.before.subject(), ORDER_RULE).await?;
        let calendar = &self.rules.calendar;
        let promise =
            promise.and_then(|row| row.promise().resume(self.now(), Unit::WorkingDay, calendar));
        if let Some(promise) = promise {
            next.due_at = Some(promise.due_at);
            let due_at = promise.due_at;
            write.deadlines.push(DeadlineStep::Resume { rule: ORDER_RULE, due_at });
        }
        Ok(())
    }

    async fn tell_other_side(
        &self,
        row: &OrderRow,
        side: Side,
        news: OrderNews<'_>,
    ) -> Result<Option<crate::store::NewMail>, Error> {
        match side {
            Side::Partner => Ok(self.tell_order_desk(row, news)),
            Side::Operator => self.tell_partner(row, news).await,
        }
    }

    /// Writes a note; an internal one stays with the staff.
    pub async fn note_order(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (words, is_internal): (&str, bool),
    ) -> Result<OrderRow, Error> {
        let (before, steps) = self.open_order(signed, at).await?;
        let side = side_of(signed);
        if is_internal && side == Side::Partner {
            return Err(Refusal::NotAllowed.into());
        }
        let words = checked_words(words, true)?;
        let note = OrderHappening { kind: "note", note: words.to_owned(), is_public: !is_internal };
        let after = before.clone();
        let mut write = plain(before, after, steps, note);
        if !is_internal {
            let news = OrderNews::Note(words);
            write.mails.extend(self.tell_other_side(&write.after, side, news).await?);
        }
        self.write_order(signed, ("note", write)).await
    }

    /// Adds a file; both sides see it.
    pub async fn add_order_file(
        &self,
        signed: &Signed,
        at: (i64, i64),
        (name, octets): (&str, &[u8]),
    ) -> Result<Result<OrderRow, FileFault>, Error> {
        let (before, steps) = self.open_order(signed, at).await?;
        let partner = Some(PartnerId(before.partner_id));
        let new = match self.sealed_upload(&before.subject(), partner, name, octets).await {
            Ok((new, _)) => new,
            Err(fault) => return Ok(Err(fault)),
        };
        let after = before.clone();
        let happened = told("file", new.name.clone());
        let write = OrderWrite { file: Some(new), ..plain(before, after, steps, happened) };
        match self.write_order(signed, ("file", write)).await {
            Err(Error::Store(error)) if is_full(&error) => Ok(Err(FileFault::NoRoom)),
            done => done.map(Ok),
        }
    }
}

fn side_of(signed: &Signed) -> Side {
    if signed.partner.is_some() { Side::Partner } else { Side::Operator }
}

/// A write of one happening, before its clocks and letters.
fn plain(
    before: OrderRow,
    after: OrderRow,
    steps: Vec<OrderStepRow>,
    happened: OrderHappening,
) -> OrderWrite {
    OrderWrite {
        before,
        after,
        steps,
        happened: vec![happened],
        deadlines: Vec::new(),
        mails: Vec::new(),
        file: None,
    }
}
