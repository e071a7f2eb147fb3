//! Statements that are written one at a time: parts, orphans, gates.

use super::{
    Error,
    change::{Applied, BrakeCheck, Idempotency, MoPart, Orphan, Rare, StopCheck, pack_tlvs},
    db::{Tx, execute, fetch_in},
    traffic,
};
use crate::domain::ItemKey;

#[expect(clippy::too_many_lines, reason = "one statement for each rare thing")]
pub(super) async fn write(tx: &mut Tx<'_>, rare: Rare) -> Result<(), Error> {
    match rare {
        Rare::Unclaim { items } => unclaim(tx, &items).await?,
        Rare::CountDeath { items } => {
            for item in items {
                execute!(
                    tx,
                    "update lane_item set deaths = deaths + 1, claim_link = null, \
                     claim_epoch = null where lane_id = $1 and due_at = $2 and seq = $3",
                    item.lane.0,
                    item.due_at,
                    item.seq
                )?;
            }
        }
        Rare::CountTry { items } => {
            for item in items {
                execute!(
                    tx,
                    "update lane_item set attempt = attempt + 1 \
                     where lane_id = $1 and due_at = $2 and seq = $3",
                    item.lane.0,
                    item.due_at,
                    item.seq
                )?;
            }
        }
        Rare::KeepPart(part) => keep_part(tx, &part).await?,
        Rare::DropParts(ids) => {
            for id in ids {
                execute!(tx, "delete from mo_part where id = $1", id)?;
            }
        }
        Rare::KeepOrphan(orphan) => keep_orphan(tx, &orphan).await?,
        Rare::DropOrphan(id) => {
            execute!(tx, "delete from orphan_receipt where id = $1", id)?;
        }
        Rare::DropReceiptKey { link_group, smsc_message_id } => {
            execute!(
                tx,
                "delete from receipt_key where link_group = $1 and smsc_message_id = $2",
                link_group.as_str(),
                smsc_message_id.as_str()
            )?;
        }
        Rare::PartState { link_group, smsc_message_id, state } => {
            execute!(
                tx,
                "update receipt_key set part_state = $1 \
                 where link_group = $2 and smsc_message_id = $3",
                i64::from(state.code()),
                link_group.as_str(),
                smsc_message_id.as_str()
            )?;
        }
        Rare::Replace { message, item, due_at, body, valid_until, deliver_after } => {
            execute!(
                tx,
                "update lane_item set due_at = $1, valid_until = coalesce($2, valid_until) \
                 where lane_id = $3 and due_at = $4 and seq = $5",
                due_at,
                valid_until,
                item.lane.0,
                item.due_at,
                item.seq
            )?;
            execute!(
                tx,
                "update message set body = $1, valid_until = coalesce($2, valid_until), \
                 deliver_after = coalesce($3, deliver_after) where id = $4",
                body.as_slice(),
                valid_until,
                deliver_after,
                message.0
            )?;
        }
        Rare::Quarantine { message, at, reason, pdu } => {
            execute!(
                tx,
                "insert into quarantine (message_id, at, reason, pdu) values ($1, $2, $3, $4) \
                 on conflict do nothing",
                message.0,
                at,
                reason.as_str(),
                pdu.as_slice()
            )?;
        }
        Rare::LeaveQuarantine(message) => {
            execute!(tx, "delete from quarantine where message_id = $1", message.0)?;
        }
        Rare::CallbackAttempt { message, service, at, attempt, outcome, took_ms } => {
            execute!(
                tx,
                "insert into callback_attempt (id, message_id, service_id, at, attempt, outcome, \
                 took_ms) values ((select coalesce(max(id), 0) + 1 from callback_attempt), \
                 $1, $2, $3, $4, $5, $6)",
                message.0,
                service.0,
                at,
                i64::from(attempt),
                outcome.as_str(),
                took_ms
            )?;
        }
        Rare::Stop { service, msisdn, message, at } => {
            execute!(
                tx,
                "insert into stopped_subscriber (service_id, msisdn, message_id, at) \
                 values ($1, $2, $3, $4) on conflict do nothing",
                service.0,
                msisdn.as_str(),
                message.0,
                at
            )?;
        }
        Rare::Start { service, msisdn } => {
            let sql = "delete from stopped_subscriber where service_id = $1 and msisdn = $2";
            execute!(tx, sql, service.0, msisdn.as_str())?;
        }
        Rare::Exercise { partner, exercise, at, evidence } => {
            execute!(
                tx,
                "insert into exercise (partner_id, exercise, at, evidence) \
                 values ($1, $2, $3, $4) on conflict do nothing",
                partner.0,
                exercise.as_str(),
                at,
                evidence.as_str()
            )?;
        }
        Rare::AddTraffic(rows) => traffic::add(tx, &rows).await?,
        Rare::ForgetTraffic(before) => traffic::forget(tx, &before).await?,
        Rare::ReserveIds { to } => {
            execute!(
                tx,
                "update node set ids_reserved_to = $1 where id = 1 and ids_reserved_to < $2",
                to,
                to - (5_000 << 22)
            )?;
        }
    }
    Ok(())
}

async fn unclaim(tx: &mut Tx<'_>, items: &[ItemKey]) -> Result<(), Error> {
    for item in items {
        execute!(
            tx,
            "update lane_item set claim_link = null, claim_epoch = null \
             where lane_id = $1 and due_at = $2 and seq = $3",
            item.lane.0,
            item.due_at,
            item.seq
        )?;
    }
    Ok(())
}

async fn keep_part(tx: &mut Tx<'_>, part: &MoPart) -> Result<(), Error> {
    execute!(
        tx,
        "insert into mo_part (id, link, link_group, sender, recipient, reference, total, number, \
         data_coding, body, tlvs, received_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        part.id,
        part.link.as_str(),
        part.link_group.as_str(),
        part.sender.as_str(),
        part.recipient.as_str(),
        i64::from(part.reference),
        i64::from(part.total),
        i64::from(part.number),
        i64::from(part.data_coding),
        part.body.as_ref(),
        pack_tlvs(&part.tlvs),
        part.received_at
    )?;
    Ok(())
}

async fn keep_orphan(tx: &mut Tx<'_>, orphan: &Orphan) -> Result<(), Error> {
    execute!(
        tx,
        "insert into orphan_receipt (id, link, link_group, smsc_message_id, sender, recipient, \
         state, error, done_at, received_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        orphan.id,
        orphan.link.as_str(),
        orphan.link_group.as_str(),
        orphan.smsc_message_id.as_str(),
        orphan.sender.as_str(),
        orphan.recipient.as_str(),
        i64::from(orphan.state.code()),
        orphan.network_error.map(|error| format!("{}:{}", error.kind, error.code)),
        orphan.done_at,
        orphan.received_at
    )?;
    Ok(())
}

/// Takes an idempotency id, or finds the answer that was given under it (P11).
pub(super) async fn take_idempotency(tx: &mut Tx<'_>, id: &Idempotency) -> Result<Applied, Error> {
    // An entry past its day is as good as none.
    execute!(
        tx,
        "delete from idempotency where partner_id = $1 and key = $2 and made_at < $3",
        id.partner.0,
        id.key.as_str(),
        id.not_before
    )?;
    let taken = execute!(
        tx,
        "insert into idempotency (partner_id, key, body_hash, message_id, made_at) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        id.partner.0,
        id.key.as_str(),
        id.body_hash.as_slice(),
        id.message.0,
        id.at
    )?;
    if taken == 1 {
        return Ok(Applied::Done);
    }
    let earlier = fetch_in!(
        tx,
        (Vec<u8>, i64),
        "select body_hash, message_id from idempotency where partner_id = $1 and key = $2",
        id.partner.0,
        id.key.as_str()
    )?;
    Ok(match earlier {
        Some((hash, message)) if hash == id.body_hash => {
            Applied::Replayed(crate::domain::MessageId(message))
        }
        _ => Applied::IdempotencyConflict,
    })
}

/// Whether the subscriber ended the service.
pub(super) async fn look_for_stop(tx: &mut Tx<'_>, check: &StopCheck) -> Result<Applied, Error> {
    let sql = "select at from stopped_subscriber where service_id = $1 and msisdn = $2";
    let found = fetch_in!(tx, (i64,), sql, check.service.0, check.msisdn.as_str())?;
    Ok(if found.is_some() { Applied::Stopped } else { Applied::Done })
}

/// Counts one charged message for a subscriber; over a limit, nothing is counted (P13).
pub(super) async fn count_spend(tx: &mut Tx<'_>, check: &BrakeCheck) -> Result<Applied, Error> {
    let so_far = |period: smol_str::SmolStr| (check.service.0, check.msisdn.clone(), period);
    let mut counts = [(0_i64, 0_i64); 2];
    for (index, period) in [&check.minute, &check.day].into_iter().enumerate() {
        let (service, msisdn, period) = so_far(period.clone());
        let row = fetch_in!(
            tx,
            (i64, i64),
            "select messages, amount_minor from spend \
             where service_id = $1 and msisdn = $2 and period = $3",
            service,
            msisdn.as_str(),
            period.as_str()
        )?;
        counts[index] = row.unwrap_or_default();
    }
    let [minute, day] = counts;
    let brakes = &check.brakes;
    if brakes.per_minute > 0 && minute.0 >= i64::from(brakes.per_minute) {
        return Ok(Applied::OverBrake("messages a minute"));
    }
    if brakes.per_day > 0 && day.0 >= i64::from(brakes.per_day) {
        return Ok(Applied::OverBrake("messages a day"));
    }
    if brakes.spend_per_day_minor > 0 && day.1 + check.amount_minor > brakes.spend_per_day_minor {
        return Ok(Applied::OverBrake("money a day"));
    }
    for period in [&check.minute, &check.day] {
        execute!(
            tx,
            "insert into spend (service_id, msisdn, period, messages, amount_minor) \
             values ($1, $2, $3, 1, $4) on conflict (service_id, msisdn, period) \
             do update set messages = spend.messages + 1, \
             amount_minor = spend.amount_minor + excluded.amount_minor",
            check.service.0,
            check.msisdn.as_str(),
            period.as_str(),
            check.amount_minor
        )?;
    }
    Ok(Applied::Done)
}
