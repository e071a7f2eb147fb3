//! `complaint list` and `complaint show`: the queue of the law from the host.
//!
//! They read the store itself, so they work while the daemon is down. What surprises: the
//! subscriber is masked here too. Whoever sits at the host could read the number elsewhere, but a
//! list on a terminal is copied into letters and tickets (S-44).

use serde_json::{Value, json};

use super::{Failure, args::ComplaintCommand, desk::Desk, failure::Outcome};
use crate::{
    control::view::moment,
    domain::number::mask,
    store::{ComplaintFilter, ComplaintRow, Store},
};

pub(crate) async fn complaint(desk: &mut Desk<'_>, command: ComplaintCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        ComplaintCommand::List { all, state, limit } => {
            list(desk, &store, (all, state, limit)).await
        }
        ComplaintCommand::Show { id } => show(desk, &store, &id).await,
    };
    store.close().await;
    done
}

async fn list(
    desk: &mut Desk<'_>,
    store: &Store,
    (all, state, limit): (bool, Option<String>, u32),
) -> Outcome {
    let state = state.unwrap_or_default();
    let wish = ComplaintFilter { state, limit, ..ComplaintFilter::default() };
    let rows = if all {
        store.complaints(&wish).await?
    } else {
        store.complaint_queue(&wish, (i64::MIN, i64::MIN)).await?
    };
    let rows: Vec<Value> = rows.iter().map(described).collect();
    let columns = ["reference", "subject", "state", "due_at", "partner", "service", "owner"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: &str) -> Outcome {
    let number = id.trim_start_matches(['R', 'r', '-', '0']);
    let row = match number.parse() {
        Ok(number) => store.complaint(number).await?,
        Err(_) => None,
    };
    let Some(row) = row else {
        return Err(Failure::not_found(format!("no complaint has the number {id}")));
    };
    let mut value = described(&row);
    let messages = store.complaint_messages(row.id).await?;
    let messages: Vec<String> = messages
        .iter()
        .map(|one| format!("{} {} {}", one.message_id, one.direction, one.short_code))
        .collect();
    let charges = store.complaint_charges(row.id).await?;
    let charges: Vec<String> = charges
        .iter()
        .map(|one| format!("{} {} {} {}", one.message_id, one.line, one.gross_minor, one.currency))
        .collect();
    let history = store.timeline(&row.trail(), false).await?;
    let history: Vec<String> = history
        .iter()
        .map(|one| format!("{} {} {} {}", moment(one.at), one.kind, one.who, one.note))
        .collect();
    value["subscriber"] = json!(mask(&row.msisdn));
    value["description"] = json!(row.story);
    value["partner_says"] = json!(row.partner_says);
    value["partner_answer"] = json!(row.partner_answer);
    value["reason"] = json!(row.reason);
    value["messages"] = json!(messages);
    value["charges"] = json!(charges);
    value["evidence_sha256"] = json!(row.pack_sha256);
    value["history"] = json!(history);
    desk.out.card(&value);
    Ok(())
}

fn described(row: &ComplaintRow) -> Value {
    json!({
        "reference": row.reference(), "subject": row.subject, "channel": row.channel,
        "demand": row.demand, "state": row.state, "received_at": moment(row.received_at),
        "due_at": moment(row.due_at), "partner": row.partner, "service": row.service,
        "owner": row.owner, "decision": row.decision, "refund_minor": row.refund_minor,
        "currency": row.currency, "appeals": row.appeals,
    })
}
