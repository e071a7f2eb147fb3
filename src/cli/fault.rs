//! `fault list` and `fault show`: the queue from the host.
//!
//! They read the store itself, so they work while the daemon is down. What surprises: nothing is
//! worked on here. A step belongs to a person with an account, and whoever sits at the host is none.

use serde_json::{Value, json};

use super::{Failure, args::FaultCommand, desk::Desk, failure::Outcome};
use crate::{
    control::view::moment,
    store::{FaultFilter, FaultRow, Store},
};

pub(crate) async fn fault(desk: &mut Desk<'_>, command: FaultCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        FaultCommand::List { all, state, limit } => list(desk, &store, (all, state, limit)).await,
        FaultCommand::Show { id } => show(desk, &store, &id).await,
    };
    store.close().await;
    done
}

async fn list(
    desk: &mut Desk<'_>,
    store: &Store,
    (all, state, limit): (bool, Option<String>, u32),
) -> Outcome {
    let wish = FaultFilter { state: state.unwrap_or_default(), limit, ..FaultFilter::default() };
    let rows = if all {
        store.faults(&wish).await?
    } else {
        store.fault_queue(&wish, (i64::MIN, i64::MIN, i64::MIN)).await?
    };
    let rows: Vec<Value> = rows.iter().map(described).collect();
    let columns = ["reference", "severity", "state", "due_at", "partner", "owner", "title"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: &str) -> Outcome {
    let number = id.trim_start_matches(['F', 'f', '-', '0']);
    let row = match number.parse() {
        Ok(number) => store.fault(number).await?,
        Err(_) => None,
    };
    let Some(row) = row else {
        return Err(Failure::not_found(format!("no fault has the number {id}")));
    };
    let mut value = described(&row);
    let items = store.fault_items(row.id).await?;
    let items: Vec<String> =
        items.iter().map(|item| format!("{} {}", item.kind, item.name)).collect();
    let history = store.timeline(&row.subject(), false).await?;
    let history: Vec<String> = history
        .iter()
        .map(|one| format!("{} {} {} {}", moment(one.at), one.kind, one.who, one.note))
        .collect();
    value["since"] = json!(moment(row.since_at));
    value["contact"] = json!(row.contact);
    value["description"] = json!(row.story);
    value["evidence"] = json!(row.evidence);
    value["answer"] = json!(row.answer);
    value["items"] = json!(items);
    value["history"] = json!(history);
    desk.out.card(&value);
    Ok(())
}

fn described(row: &FaultRow) -> Value {
    json!({
        "reference": row.reference(), "area": row.area, "severity": row.severity,
        "state": row.state, "due_at": moment(row.due_at), "partner": row.partner,
        "owner": row.owner, "title": row.title, "reported_at": moment(row.made_at),
        "incident": row.incident_id, "cause": row.cause,
    })
}
