//! `order list` and `order show`: what is being done with partners, from the host.
//!
//! They read the store itself, so they work while the daemon is down. What surprises: nothing is
//! ticked here. A step belongs to a person with an account, and whoever sits at the host is none.

use serde_json::{Value, json};

use super::{Failure, args::OrderCommand, desk::Desk, failure::Outcome};
use crate::{
    control::view::moment,
    store::{OrderFilter, OrderRow, OrderStepRow, Store},
};

pub(crate) async fn order(desk: &mut Desk<'_>, command: OrderCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        OrderCommand::List { all, kind, limit } => list(desk, &store, (all, kind, limit)).await,
        OrderCommand::Show { id } => show(desk, &store, &id).await,
    };
    store.close().await;
    done
}

async fn list(
    desk: &mut Desk<'_>,
    store: &Store,
    (all, kind, limit): (bool, Option<String>, u32),
) -> Outcome {
    let kind = kind.unwrap_or_default();
    let wish = OrderFilter { open: !all, kind, limit, ..OrderFilter::default() };
    let rows: Vec<Value> = store.orders(&wish).await?.iter().map(described).collect();
    desk.out.rows(&rows, &["reference", "kind", "name", "state", "due_at", "partner", "owner"]);
    Ok(())
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: &str) -> Outcome {
    let number = id.trim_start_matches(['Z', 'z', '-', '0']);
    let row = match number.parse() {
        Ok(number) => store.order(number).await?,
        Err(_) => None,
    };
    let Some(row) = row else {
        return Err(Failure::not_found(format!("no order has the number {id}")));
    };
    let mut value = described(&row);
    let items = store.order_items(row.id).await?;
    let items: Vec<_> = items.iter().map(|item| format!("{} {}", item.kind, item.name)).collect();
    let steps = store.order_steps(row.id).await?;
    let history = store.timeline(&row.subject(), false).await?;
    let history: Vec<String> = history
        .iter()
        .map(|one| format!("{} {} {} {}", at(one.at), one.kind, one.who, one.note))
        .collect();
    value["about"] = json!(row.about);
    value["reason"] = json!(row.reason);
    value["partner_owner"] = json!(row.partner_owner);
    value["ended_at"] = json!(row.ended_at.map(moment));
    value["items"] = json!(items);
    value["steps"] = json!(steps.iter().map(step).collect::<Vec<_>>());
    value["history"] = json!(history);
    desk.out.card(&value);
    Ok(())
}

fn step(step: &OrderStepRow) -> String {
    let state = match (step.done_at, step.due_at) {
        (Some(done), _) => format!("done {}", at(done)),
        (None, Some(due)) => format!("due {}", at(due)),
        (None, None) => "later".to_owned(),
    };
    format!("{} ({}): {state}", step.name, step.side)
}

/// Within a line, and so without the quotes of a value.
fn at(moment_us: i64) -> String {
    moment(moment_us).as_str().unwrap_or_default().to_owned()
}

fn described(row: &OrderRow) -> Value {
    json!({
        "reference": row.reference(), "kind": row.kind, "name": row.name, "state": row.state,
        "due_at": moment(row.due_at), "partner": row.partner, "owner": row.operator_owner,
        "opened_at": moment(row.made_at),
    })
}
