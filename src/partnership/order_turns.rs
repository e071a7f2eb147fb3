//! What the steps of numbers and services do to the orders about them: one is opened, ticked, sent
//! back, ended, in the transaction of that step.
//!
//! Where an order is follows from whose step is next, and stands here and nowhere else. What
//! surprises: a step by hand can hold up the work itself. The operator who wrote it into the file
//! wants it done before the number or the service goes where the order leads.

use super::{Error, Partnership, order_letters::OrderNews};
use crate::{
    domain::{
        Caller, OrderEvent, OrderKind, OrderMove, OrderState, PartnerId, Refusal, Side,
        deadline::Span, order::order_moves,
    },
    store::{
        DeadlineStep, NewOrder, ORDER_RULE, OrderHappening, OrderItem, OrderRow, OrderStepRow,
        OrderTurn, OrderWrite,
    },
};

/// The number or the service that a step is about.
#[derive(Debug, Clone)]
pub(super) struct OrderAbout {
    pub(super) partner: PartnerId,
    pub(super) subject: String,
    /// What people call it.
    pub(super) name: String,
    pub(super) items: Vec<OrderItem>,
}

impl Partnership {
    /// What a step, by its word in the audit trail, means to the orders about its thing. Of a
    /// service that was live once another description is a change.
    pub(super) async fn order_turns(
        &self,
        by: &Caller,
        about: impl FnOnce() -> OrderAbout,
        (what, was_live, reason): (&str, bool, &str),
    ) -> Result<Vec<OrderTurn>, Error> {
        let moves = order_moves(what, was_live, by.partner().is_some());
        if moves.is_empty() {
            return Ok(Vec::new());
        }
        let about = about();
        let open = self.store.open_orders_about(&about.subject).await?;
        let mut turns = Vec::new();
        for (kind, step) in moves {
            match (open.iter().find(|row| row.kind == kind), step) {
                (None, OrderMove::Begin) => {
                    let new = self.new_order(by, &about, (kind, what, reason));
                    turns.push(OrderTurn::Open(new));
                }
                (None, _) => {}
                (Some(row), OrderMove::Begin) if kind.is_asked() => {
                    let text = format!("it is ordered already, see {}", row.reference());
                    return Err(Refusal::WrongState(text).into());
                }
                (Some(row), step) => {
                    let write = self.moved(by, row, step, (what, reason)).await?;
                    turns.extend(write.map(|write| OrderTurn::On(Box::new(write))));
                }
            }
        }
        Ok(turns)
    }

    fn new_order(
        &self,
        by: &Caller,
        about: &OrderAbout,
        (kind, what, reason): (OrderKind, &str, &str),
    ) -> NewOrder {
        let now = self.now();
        let step = |(place, step): (i64, &crate::domain::PlannedStep)| {
            let is_done = step.done_by == what;
            OrderStepRow {
                place,
                name: step.name.clone(),
                title_pl: step.title.pl.clone(),
                title_en: step.title.en.clone(),
                side: step.side,
                working_days: i64::from(step.working_days),
                done_by: step.done_by.clone(),
                due_at: None,
                done_at: is_done.then_some(now),
                done_who: is_done.then(|| by.to_string()),
            }
        };
        let planned = self.orders.of(kind);
        let mut steps: Vec<_> = (0..).zip(&planned.steps).map(step).collect();
        let left = steps.iter().filter(|step| step.done_at.is_none());
        let days = left.map(|step| step.working_days).sum::<i64>();
        let days = Span::working_days(u16::try_from(days).unwrap_or(u16::MAX));
        let next = self.start_next(&mut steps);
        let (state, deadline) = match next {
            Some((Side::Operator, due_at)) => (
                OrderState::Acknowledged,
                Some(DeadlineStep::Start { rule: ORDER_RULE, owner: "operator", due_at }),
            ),
            _ => (OrderState::Pending, None),
        };
        let owner = match by {
            Caller::User { partner: Some(_), user, .. } => Some(*user),
            _ => None,
        };
        NewOrder {
            partner: about.partner,
            kind,
            state,
            about: about.subject.clone(),
            name: about.name.clone(),
            reason: reason.to_owned(),
            owner,
            due_at: self.rules.calendar.due(now, days),
            items: about.items.clone(),
            steps,
            deadline,
        }
    }

    /// The clock of the next step begins; whose it is and until when it runs.
    fn start_next(&self, steps: &mut [OrderStepRow]) -> Option<(Side, i64)> {
        let next = steps.iter_mut().find(|step| step.done_at.is_none())?;
        let days = Span::working_days(u16::try_from(next.working_days).unwrap_or(u16::MAX));
        let due_at = self.rules.calendar.due(self.now(), days);
        next.due_at = Some(due_at);
        Some((next.side, due_at))
    }

    /// What a step of the thing does to an open order; none if it changes nothing of it.
    async fn moved(
        &self,
        by: &Caller,
        row: &OrderRow,
        step: OrderMove,
        (what, reason): (&str, &str),
    ) -> Result<Option<OrderWrite>, Error> {
        let before = self.store.order_steps(row.id).await?;
        let (mut steps, mut after) = (before.clone(), row.clone());
        let now = self.now();
        let mut happened = Vec::new();
        match step {
            OrderMove::Begin | OrderMove::Tick => {
                let open =
                    |step: &&mut OrderStepRow| step.done_by == what && step.done_at.is_none();
                let Some(done) = steps.iter_mut().find(open) else { return Ok(None) };
                happened.push(tick(done, now, by, ""));
            }
            OrderMove::Back => {
                let first = row.kind.begins_with();
                let Some(again) = steps.iter_mut().find(|step| step.done_by == first) else {
                    return Ok(None);
                };
                (again.done_at, again.done_who) = (None, None);
                happened.push(told("back", noted(&again.name, reason)));
            }
            OrderMove::End(OrderEvent::Complete) => {
                happened.extend(finish_work(row, &mut steps, now, by)?);
            }
            OrderMove::End(event) => {
                after.state = after.state.after(event).unwrap_or(after.state);
                reason.clone_into(&mut after.reason);
                happened.push(told(event.as_str(), reason.to_owned()));
            }
        }
        let write = OrderWrite {
            before: row.clone(),
            after,
            steps,
            happened,
            deadlines: Vec::new(),
            mails: Vec::new(),
            file: None,
        };
        Ok(Some(self.settled(&before, write).await?))
    }

    /// Where an order is after its steps changed: its state, its clock, and who is told that it is
    /// their turn.
    pub(super) async fn settled(
        &self,
        before: &[OrderStepRow],
        write: OrderWrite,
    ) -> Result<OrderWrite, Error> {
        let OrderWrite { mut after, mut steps, mut happened, mut deadlines, mut mails, .. } = write;
        let next = |steps: &[OrderStepRow]| {
            steps.iter().find(|step| step.done_at.is_none()).map(|step| (step.place, step.side))
        };
        let (was, is) = (next(before), next(&steps));
        if !after.state.is_over() && was != is {
            after.state = after.state.with_next(is.map(|(_, side)| side));
            if after.state == OrderState::Completed {
                happened.push(told("complete", String::new()));
            }
        }
        if after.state.is_over() {
            after.ended_at = Some(self.now());
            deadlines.push(DeadlineStep::Meet { rule: ORDER_RULE });
        } else if was != is {
            if matches!(was, Some((_, Side::Operator))) {
                deadlines.push(DeadlineStep::Meet { rule: ORDER_RULE });
            }
            match self.start_next(&mut steps) {
                Some((Side::Operator, due_at)) => {
                    deadlines.push(self.clock_of(&after, due_at).await?);
                }
                // Whoever was sent back what it described has a letter of that already.
                Some((Side::Partner, _)) => {
                    let step = steps.iter().find(|step| step.done_at.is_none());
                    if let Some(step) = step.filter(|step| step.is_by_hand()) {
                        mails.extend(self.tell_partner(&after, OrderNews::Turn(step)).await?);
                    }
                }
                None => {}
            }
        }
        Ok(OrderWrite { after, steps, happened, deadlines, mails, ..write })
    }

    /// One promise for every step of the operator, promised anew for each.
    async fn clock_of(&self, row: &OrderRow, due_at: i64) -> Result<DeadlineStep, Error> {
        let rule = ORDER_RULE;
        let known = self.store.deadline(&row.subject(), rule).await?;
        Ok(match known {
            Some(_) => DeadlineStep::Again { rule, due_at },
            None => DeadlineStep::Start { rule, owner: "operator", due_at },
        })
    }
}

/// The work is done, and with it every step that the work itself finishes; those behind it that
/// somebody ticks stay.
fn finish_work(
    row: &OrderRow,
    steps: &mut [OrderStepRow],
    now: i64,
    by: &Caller,
) -> Result<Vec<OrderHappening>, Error> {
    let end = steps.iter().position(|step| step.done_by == row.kind.ends_with());
    let before = &steps[..end.unwrap_or_default()];
    let open = before.iter().find(|step| step.is_by_hand() && step.done_at.is_none());
    if let Some(open) = open {
        let text = format!("step `{}` of order {} is not done yet", open.name, row.reference());
        return Err(Refusal::WrongState(text).into());
    }
    let work = steps.iter_mut().filter(|step| !step.is_by_hand() && step.done_at.is_none());
    Ok(work.map(|step| tick(step, now, by, "")).collect())
}

/// Marks a step as done; its name begins the note, and words of a person follow.
pub(super) fn tick(step: &mut OrderStepRow, now: i64, by: &Caller, words: &str) -> OrderHappening {
    step.done_at = Some(now);
    step.done_who = Some(by.to_string());
    told("tick", noted(&step.name, words))
}

pub(super) fn told(kind: &'static str, note: String) -> OrderHappening {
    OrderHappening { kind, note, is_public: true }
}

fn noted(name: &str, words: &str) -> String {
    if words.is_empty() { name.to_owned() } else { format!("{name} {words}") }
}
