//! `message`, `unknown`, `audit`: what the store remembers.
//!
//! These read the store itself, so they work while the daemon is down; only a decision about an
//! unknown message needs the daemon, which owns its lanes.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{AuditCommand, FindArgs, MessageCommand, UnknownCommand},
    desk::Desk,
    failure::Outcome,
    output::cell,
};
use crate::{
    control::{view, who},
    domain::{MessageId, MessageState, NumberPattern, PartnerId},
    partnership::AsPdu,
    store::{FoundMessage, MessageFilter, Store},
};

pub(crate) async fn message(desk: &mut Desk<'_>, command: MessageCommand) -> Outcome {
    match command {
        MessageCommand::Show { id, reveal } => {
            let store = desk.store().await?;
            let done = show(desk, &store, MessageId(id), reveal).await;
            store.close().await;
            done
        }
        MessageCommand::Find(wish) => {
            let store = desk.store().await?;
            let done = find(desk, &store, wish).await;
            store.close().await;
            done
        }
        MessageCommand::Trace { id } => {
            let store = desk.store().await?;
            let done = trace(desk, &store, MessageId(id)).await;
            store.close().await;
            done
        }
        MessageCommand::Redeliver { id } => redeliver(desk, id).await,
    }
}

async fn find(desk: &mut Desk<'_>, store: &Store, wish: FindArgs) -> Outcome {
    let limit = usize::try_from(wish.limit).unwrap_or(usize::MAX);
    let rows = match &wish.name {
        Some(name) => store.messages_called(None, name).await?,
        None => looked_for(store, wish, limit).await?,
    };
    let rows: Vec<Value> = rows.iter().take(limit).map(view::found).collect();
    let columns =
        ["id", "accepted_at", "direction", "partner", "sender", "recipient", "state", "error"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

/// One look after the other until there are enough: a person at the host can wait.
async fn looked_for(
    store: &Store,
    wish: FindArgs,
    limit: usize,
) -> Result<Vec<FoundMessage>, Failure> {
    let mut filter = filter(store, wish).await?;
    let mut rows = Vec::new();
    while rows.len() < limit {
        filter.limit = limit - rows.len();
        let found = store.find_messages(&filter).await?;
        rows.extend(found.rows);
        filter.before = found.next;
        if found.next.is_none() {
            break;
        }
    }
    Ok(rows)
}

async fn filter(store: &Store, wish: FindArgs) -> Result<MessageFilter, Failure> {
    let number = wish.number.as_deref().map(|text| {
        let usage = || Failure::usage(format!("`{text}` is no number; write 48600100200 or *200"));
        NumberPattern::parse(text).ok_or_else(usage)
    });
    let state = wish.state.as_deref().map(|word| {
        let words = MessageState::ALL.map(MessageState::as_str).join(", ");
        let usage = || Failure::usage(format!("`{word}` is no state; there are {words}"));
        MessageState::parse(word).ok_or_else(usage)
    });
    let partner = match wish.partner.as_deref() {
        None => None,
        Some(name) => {
            let catalog = store.load_catalog().await?;
            let known = catalog.partner_named(name).map(|partner| partner.id);
            let none = || Failure::not_found(format!("no partner is called `{name}`"));
            Some(known.ok_or_else(none)?)
        }
    };
    Ok(MessageFilter {
        partner,
        service: None,
        state: state.transpose()?,
        direction: wish.direction.unwrap_or_default(),
        number: number.transpose()?,
        from: wish.from.map(jiff::Timestamp::as_microsecond),
        until: wish.until.map(jiff::Timestamp::as_microsecond),
        before: wish.before.map(MessageId),
        limit: 0,
    })
}

async fn redeliver(desk: &mut Desk<'_>, id: i64) -> Outcome {
    let value = desk.client().post(&format!("/messages/{id}/redeliver"), &json!({})).await?;
    let outcome = cell(&value["outcome"]);
    let is_delivered = value["is_delivered"] == true;
    desk.out.show(&value, &format!("message {id} was handed over again: {outcome}"));
    if is_delivered {
        Ok(())
    } else {
        Err(Failure::failed(format!("its partner did not take it: {outcome}")))
    }
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: MessageId, is_open: bool) -> Outcome {
    let Some(line) = store.message_line(id).await? else {
        return Err(Failure::not_found(format!("no message has the id {id}")));
    };
    if is_open {
        // Looking at a subscriber's number is itself on record (S-40).
        let (by, now) = (desk.by(), desk.now());
        store.audit_message(&by, now, "message.reveal", id, &json!({})).await?;
    }
    let mut value = view::message(&line, is_open);
    let catalog = store.load_catalog().await?;
    let partner = line.partner_id.and_then(|id| catalog.partner(PartnerId(id)));
    value["partner"] = partner.map(|partner| partner.name.as_str()).into();
    value["pdu"] = store.message(id).await?.map(|stored| AsPdu::from(&stored).to_string()).into();
    let charges = store.charges(id).await?;
    value["charges"] = charges
        .iter()
        .map(|(line, gross_minor, currency, reason)| {
            json!({
                "line": line, "gross_minor": gross_minor, "currency": currency, "reason": reason,
            })
        })
        .collect();
    desk.out.card(&value);
    Ok(())
}

async fn trace(desk: &mut Desk<'_>, store: &Store, id: MessageId) -> Outcome {
    if store.message_line(id).await?.is_none() {
        return Err(Failure::not_found(format!("no message has the id {id}")));
    }
    let rows: Vec<Value> = store.events(id).await?.iter().map(view::event).collect();
    desk.out.rows(&rows, &["at", "kind", "who", "link", "attempt", "detail"]);
    Ok(())
}

pub(crate) async fn unknown(desk: &mut Desk<'_>, command: UnknownCommand) -> Outcome {
    match command {
        UnknownCommand::List { state, limit } => list(desk, state.as_deref(), limit).await,
        UnknownCommand::Resolve { id, outcome, reason, by } => {
            if let Some(name) = by.as_deref().filter(|name| !who::is_name(name)) {
                return Err(Failure::usage(format!("`{name}` is no name of a person")));
            }
            let client = match &by {
                Some(name) => desk.client_for(name),
                None => desk.client(),
            };
            let body = json!({ "outcome": outcome.as_str(), "reason": reason });
            let value = client.post(&format!("/unknown/{id}/resolve"), &body).await?;
            let text = if value["result"] == "proposed" {
                format!(
                    "{} is proposed by {}; somebody else must now say the same",
                    outcome.as_str(),
                    cell(&value["by"])
                )
            } else {
                format!("message {id} is {}", cell(&value["state"]))
            };
            desk.out.show(&value, &text);
            Ok(())
        }
    }
}

async fn list(desk: &mut Desk<'_>, state: Option<&str>, limit: i64) -> Outcome {
    let store = desk.store().await?;
    let catalog = store.load_catalog().await?;
    let lines = store.unknown(limit).await?;
    let rows: Vec<Value> = lines
        .iter()
        .filter(|line| state.is_none_or(|state| state == line.state))
        .map(|line| {
            let partner = line.partner_id.and_then(|id| catalog.partner(PartnerId(id)));
            view::unknown(line, partner.map(|partner| partner.name.as_str()))
        })
        .collect();
    store.close().await;
    let columns = [
        "id",
        "partner",
        "state",
        "state_at",
        "sender",
        "recipient",
        "gross_minor",
        "currency",
        "link_group",
    ];
    desk.out.rows(&rows, &columns);
    Ok(())
}

pub(crate) async fn audit(desk: &mut Desk<'_>, command: AuditCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        AuditCommand::Verify => verify(desk, &store).await,
        AuditCommand::List { limit } => {
            let records = store.audit(limit).await?;
            let rows: Vec<Value> = records
                .iter()
                .map(|record| {
                    let mut value = json!(record);
                    value["at"] = view::moment(record.at);
                    // It is JSON inside; a text only if somebody damaged it.
                    if let Ok(detail) = serde_json::from_str::<Value>(&record.detail) {
                        value["detail"] = detail;
                    }
                    value
                })
                .collect();
            desk.out.rows(&rows, &["seq", "at", "who", "what", "subject", "detail"]);
            Ok(())
        }
    };
    store.close().await;
    done
}

async fn verify(desk: &mut Desk<'_>, store: &Store) -> Outcome {
    match store.verify_audit().await? {
        Ok(records) => {
            let text = format!("{records} records, the chain is whole");
            desk.out.show(&json!({ "whole": true, "records": records }), &text);
            Ok(())
        }
        Err(fault) => {
            let value = json!({ "whole": false, "seq": fault.seq, "why": fault.why });
            if desk.out.is_json() {
                desk.out.document(&value);
            }
            Err(Failure::failed(format!("audit record {} {}", fault.seq, fault.why)))
        }
    }
}
