//! `receipt`: receipts that nobody claims, and those that were put aside.
//!
//! The list reads the store, so it works while the daemon is down; another try needs the daemon,
//! which owns the lanes and knows what is in flight.

use serde_json::{Value, json};

use super::{args::ReceiptCommand, desk::Desk, failure::Outcome, output::cell};
use crate::{control::view, domain::PartnerId};

pub(crate) async fn receipt(desk: &mut Desk<'_>, command: ReceiptCommand) -> Outcome {
    match command {
        ReceiptCommand::List { limit } => list(desk, limit).await,
        ReceiptCommand::Release { id } => {
            let client = desk.client();
            let value = client.post(&format!("/receipts/{id}/release"), &json!({})).await?;
            let text = match value["result"].as_str() {
                Some("waits") => format!("no message is found for receipt {id}; it waits on"),
                Some("sent") => format!("the receipt of message {id} goes to its partner again"),
                _ => format!("receipt {id} found its message: {}", cell(&value["result"])),
            };
            desk.out.show(&value, &text);
            Ok(())
        }
        ReceiptCommand::Drop { id, reason } => {
            let client = desk.client();
            let body = json!({ "reason": reason });
            let value = client.post(&format!("/receipts/{id}/drop"), &body).await?;
            desk.out.show(&value, &format!("receipt {id} is dropped"));
            Ok(())
        }
    }
}

async fn list(desk: &mut Desk<'_>, limit: i64) -> Outcome {
    let store = desk.store().await?;
    let catalog = store.load_catalog().await?;
    let mut rows: Vec<Value> = store.orphans(limit).await?.iter().map(view::orphan).collect();
    rows.extend(store.quarantined_receipts(limit).await?.iter().map(|line| {
        let partner = line.partner_id.and_then(|id| catalog.partner(PartnerId(id)));
        view::quarantined(line, partner.map(|partner| partner.name.as_str()))
    }));
    store.close().await;
    let columns =
        ["id", "kind", "at", "link", "smsc_message_id", "sender", "recipient", "state", "reason"];
    desk.out.rows(&rows, &columns);
    Ok(())
}
