//! From changes to statements: the rows of a whole group, table by table.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smol_str::SmolStr;
use sqlx::{Arguments, AssertSqlSafe};

use super::{
    Error,
    bulk::{Insert, Listed},
    change::{
        Applied, Change, ChargeRow, Claim, EventRow, Gates, NewMo, NewMt, ReceiptKey, StateRow,
        lane_row, pack_tlvs,
    },
    db::{Tx, execute, fetch_in},
    rare,
};
use crate::domain::{
    ChargeAt, Content, Item, ItemKey, LaneId, MessageId, MessageState, MoMessage, MtMessage,
    OnUnknown, Sender,
};

/// Prepared texts of everything that is written by the dozen.
pub(super) struct Statements {
    message: Insert,
    event: Insert,
    item: Insert,
    receipt_key: Insert,
    charge: Insert,
    lane: Insert,
    item_out: Listed,
    claim: Listed,
    state: Listed,
}

const MESSAGE: &str = "id, direction, partner_id, service_id, service_version, caller, link_group, \
    sender, sender_kind, recipient, data_coding, has_udh, body, parts, tariff_id, tariff_code, \
    gross_minor, net_minor, currency, charge_at, on_unknown, accepted_at, deliver_after, \
    valid_until, receipts, reference, partner_reference, short_id, service_type, priority, \
    protocol_id, keyword, tlvs, likeness, state, state_at, error";

impl Statements {
    pub(super) fn new(is_postgres: bool) -> Self {
        let insert = |table, columns, suffix| Insert::new(table, columns, suffix, is_postgres);
        Self {
            message: insert("message", MESSAGE, ""),
            event: insert(
                "message_event",
                "message_id, seq, at, kind, who, link, attempt, detail",
                "",
            ),
            item: insert(
                "lane_item",
                "lane_id, due_at, seq, message_id, what, valid_until, attempt, deaths, \
                 receipt_state, receipt_error, receipt_at",
                "",
            ),
            // An SMSC that uses an id twice must not stop a group: the first message keeps it.
            receipt_key: insert(
                "receipt_key",
                "link_group, smsc_message_id, message_id, part",
                " on conflict do nothing",
            ),
            charge: insert(
                "charge",
                "id, message_id, line, partner_id, service_id, service_version, direction, \
                 tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, charged_at, \
                 reason",
                " on conflict do nothing",
            ),
            lane: insert("lane", "id, class, partner_id, is_paused", " on conflict do nothing"),
            item_out: Listed::new(
                "delete from lane_item where ",
                "(lane_id = ? and due_at = ? and seq = ?)",
                " or ",
                1,
                "",
            ),
            claim: Listed::new(
                "update lane_item set claim_link = $1, claim_epoch = $2, attempt = attempt + 1 \
                 where ",
                "(lane_id = ? and due_at = ? and seq = ? and claim_epoch is null)",
                " or ",
                3,
                " returning lane_id, due_at, seq",
            ),
            state: Listed::new(
                "update message set state = $1, state_at = $2, error = $3 where id in (",
                "?",
                ",",
                4,
                ")",
            ),
        }
    }
}

/// A state with its error: messages that share both share a statement.
type End<'s> = (MessageState, Option<&'s SmolStr>);

/// Runs one text; the block pushes its values into `$arguments`, whichever engine it is for.
macro_rules! run {
    ($tx:expr, $text:expr, $arguments:ident => $push:block) => {
        match &mut *$tx {
            Tx::Sqlite(tx) => {
                let mut $arguments = sqlx::sqlite::SqliteArguments::default();
                $push
                sqlx::query_with(AssertSqlSafe($text), $arguments).execute(&mut **tx).await?;
            }
            Tx::Postgres(tx) => {
                let mut $arguments = sqlx::postgres::PgArguments::default();
                $push
                sqlx::query_with(AssertSqlSafe($text), $arguments).execute(&mut **tx).await?;
            }
        }
    };
}

/// Runs a statement of which the text was made, and reads what it returns.
macro_rules! fetch {
    ($tx:expr, $text:expr, $arguments:ident => $push:block) => {
        match &mut *$tx {
            Tx::Sqlite(tx) => {
                let mut $arguments = sqlx::sqlite::SqliteArguments::default();
                $push
                sqlx::query_as_with(AssertSqlSafe($text), $arguments).fetch_all(&mut **tx).await?
            }
            Tx::Postgres(tx) => {
                let mut $arguments = sqlx::postgres::PgArguments::default();
                $push
                sqlx::query_as_with(AssertSqlSafe($text), $arguments).fetch_all(&mut **tx).await?
            }
        }
    };
}

/// Writes rows in as many statements as they need; the last argument lists the values of one row.
macro_rules! write_rows {
    ($tx:expr, $statement:expr, $rows:expr, $row:ident => [$($value:expr),* $(,)?]) => {
        for (text, rows) in $statement.cut($rows) {
            run!($tx, text, arguments => {
                for $row in rows { $( add(&mut arguments, $value)?; )* }
            });
        }
    };
}

fn add<'t, A, T>(arguments: &mut A, value: T) -> Result<(), Error>
where
    A: Arguments,
    T: sqlx::Encode<'t, A::Database> + sqlx::Type<A::Database>,
{
    arguments.add(value).map_err(|error| Error::Unavailable(format!("binding a value: {error}")))
}

/// The rows of one group, gathered by table.
#[derive(Default)]
pub(super) struct Group {
    mts: Vec<NewMt>,
    mos: Vec<NewMo>,
    events: Vec<EventRow>,
    states: Vec<StateRow>,
    items_in: Vec<Item>,
    items_out: Vec<ItemKey>,
    receipt_keys: Vec<ReceiptKey>,
    charges: Vec<ChargeRow>,
    /// Leases that were looked at in this transaction, which gives none away.
    held: HashSet<(SmolStr, i64)>,
}

impl Group {
    /// Takes the rows of one change and says what becomes of it. `Fenced`: none of it is written.
    /// `Stale`: neither claims nor events of those items are.
    pub(super) async fn add(
        &mut self,
        tx: &mut Tx<'_>,
        change: &mut Change,
        statements: &Statements,
    ) -> Result<Applied, Error> {
        let mut verdict = Applied::Done;
        if let Some(claim) = change.claim.take() {
            if !self.holds(tx, &claim).await? {
                return Ok(Applied::Fenced);
            }
            verdict = write_claim(tx, &claim, statements).await?;
            if let Applied::Stale(keys) = &verdict {
                let is_stale = |event: &EventRow| keys.iter().any(|key| key.seq == event.message.0);
                change.events.retain(|event| !is_stale(event));
            }
        }
        for rare in std::mem::take(&mut change.rare) {
            rare::write(tx, rare).await?;
        }
        // The message itself stays in the change: the writer names it if the commit fails.
        self.mts.extend(change.mt.clone());
        self.mos.extend(change.mo.take());
        self.events.extend(std::mem::take(&mut change.events));
        self.states.extend(std::mem::take(&mut change.states));
        self.items_in.extend(std::mem::take(&mut change.items_in));
        self.items_out.extend(std::mem::take(&mut change.items_out));
        self.receipt_keys.extend(std::mem::take(&mut change.receipt_keys));
        self.charges.extend(change.charge.take().map(|charge| *charge));
        Ok(verdict)
    }

    /// The fence: a claim counts only while the lease still has its epoch.
    async fn holds(&mut self, tx: &mut Tx<'_>, claim: &Claim) -> Result<bool, Error> {
        let lease = (claim.link.clone(), claim.epoch);
        if self.held.contains(&lease) {
            return Ok(true);
        }
        let found = fetch_in!(
            tx,
            (i64,),
            "select epoch from lease where kind = 'link' and key = $1 and epoch = $2",
            claim.link.as_str(),
            claim.epoch
        )?;
        if found.is_some() {
            self.held.insert(lease);
        }
        Ok(found.is_some())
    }

    /// Lanes of this group that have no row yet, as far as the writer knows.
    pub(super) fn new_lanes(&self, known: &HashSet<LaneId>) -> Vec<LaneId> {
        let mut lanes: Vec<LaneId> = self
            .items_in
            .iter()
            .map(|item| item.key.lane)
            .filter(|lane| !known.contains(lane))
            .collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// Writes everything: rows come before their changes of state, and go last.
    pub(super) async fn write(
        &mut self,
        tx: &mut Tx<'_>,
        statements: &Statements,
        new_lanes: &[LaneId],
    ) -> Result<(), Error> {
        let lanes: Vec<_> = new_lanes.iter().copied().filter_map(lane_row).collect();
        write_rows!(tx, statements.lane, &lanes, row => [row.0.0, row.1, row.2, 0_i64]);
        self.write_messages(tx, statements).await?;
        write_rows!(tx, statements.event, &self.events, row => [
            row.message.0, row.seq, row.at, row.kind, row.who.as_str(), row.link.as_deref(),
            i64::from(row.attempt), row.detail.as_deref(),
        ]);
        self.write_items(tx, statements).await?;
        write_rows!(tx, statements.receipt_key, &self.receipt_keys, row => [
            row.link_group.as_str(), row.smsc_message_id.as_str(), row.message.0,
            i64::from(row.part),
        ]);
        write_rows!(tx, statements.charge, &self.charges, row => [
            row.id, row.message.0, row.line, row.partner.0, row.service.0, row.service_version,
            row.direction, row.price.tariff.0, row.price.code.as_str(),
            row.price.gross.amount_minor, row.price.net.amount_minor,
            row.price.gross.currency.as_str(), row.msisdn.as_str(), row.at, row.reason,
        ]);
        self.write_states(tx, statements).await?;
        self.drop_items(tx, statements).await
    }

    async fn write_messages(&self, tx: &mut Tx<'_>, statements: &Statements) -> Result<(), Error> {
        write_rows!(tx, statements.message, &self.mts, row => [
            row.message.id.0, "mt", Some(row.message.partner.0), Some(row.message.service.0),
            Some(row.message.service_version), row.message.caller.as_str(),
            row.message.link_group.as_str(), row.message.sender.as_str(),
            sender_kind(&row.message.sender), row.message.recipient.as_str(),
            i64::from(row.message.body.data_coding), i64::from(row.message.body.has_udh),
            row.message.body.octets.as_ref(), i64::from(row.message.parts),
            mt_price(&row.message).map(|p| p.tariff.0),
            mt_price(&row.message).map(|p| p.code.as_str()),
            mt_price(&row.message).map(|p| p.gross.amount_minor),
            mt_price(&row.message).map(|p| p.net.amount_minor),
            mt_price(&row.message).map(|p| p.gross.currency.as_str()),
            row.message.charge.as_ref().map(|(_, at)| charge_at(*at)),
            on_unknown(row.message.on_unknown), row.message.accepted_at,
            row.message.deliver_after, row.message.valid_until,
            i64::from(row.message.receipts.to_bits()), row.message.reference.map(i64::from),
            row.message.partner_reference.as_deref(), row.message.short_id.as_deref(),
            row.message.service_type.as_str(), i64::from(row.message.priority),
            i64::from(row.message.protocol_id), None::<&str>, pack_tlvs(&row.message.tlvs),
            row.likeness.as_slice(), MessageState::Accepted.as_str(), row.message.accepted_at,
            None::<&str>,
        ]);
        write_rows!(tx, statements.message, &self.mos, row => [
            row.message.id.0, "mo", row.message.service.map(|(partner, ..)| partner.0),
            row.message.service.map(|(_, service, _)| service.0),
            row.message.service.map(|(.., version)| version), row.message.link.as_str(),
            row.message.link_group.as_str(), row.message.sender.as_str(), "number",
            row.message.recipient.as_str(), i64::from(row.message.body.data_coding),
            i64::from(row.message.body.has_udh), row.message.body.octets.as_ref(),
            i64::from(row.message.parts), mo_price(&row.message).map(|p| p.tariff.0),
            mo_price(&row.message).map(|p| p.code.as_str()),
            mo_price(&row.message).map(|p| p.gross.amount_minor),
            mo_price(&row.message).map(|p| p.net.amount_minor),
            mo_price(&row.message).map(|p| p.gross.currency.as_str()),
            mo_price(&row.message).map(|_| "accepted"), "resend", row.message.accepted_at, 0_i64,
            row.message.valid_until, 0_i64, None::<i64>, None::<&str>, None::<&str>, "", 0_i64,
            0_i64, row.message.keyword.as_ref().map(super::super::domain::number::Keyword::as_str),
            pack_tlvs(&row.message.tlvs), row.likeness.as_slice(), row.state.as_str(),
            row.message.accepted_at, row.why,
        ]);
        Ok(())
    }

    async fn write_items(&self, tx: &mut Tx<'_>, statements: &Statements) -> Result<(), Error> {
        write_rows!(tx, statements.item, &self.items_in, row => [
            row.key.lane.0, row.key.due_at, row.key.seq, row.content.message_id().0,
            row.content.what(), row.valid_until, i64::from(row.attempt), i64::from(row.deaths),
            receipt_of(row).map(|receipt| i64::from(receipt.state.code())),
            receipt_of(row).and_then(|receipt| receipt.network_error)
                .map(|error| format!("{}:{}", error.kind, error.code)),
            receipt_of(row).map(|receipt| receipt.done_at),
        ]);
        Ok(())
    }

    /// Of several changes to one message only the last one shows; equal ones share a statement.
    async fn write_states(&self, tx: &mut Tx<'_>, statements: &Statements) -> Result<(), Error> {
        let mut last: HashMap<MessageId, &StateRow> = HashMap::new();
        for row in &self.states {
            last.insert(row.message, row);
        }
        let mut alike: HashMap<End<'_>, (i64, Vec<i64>)> = HashMap::new();
        for row in last.into_values() {
            let entry = alike.entry((row.state, row.error.as_ref())).or_default();
            entry.0 = entry.0.max(row.at);
            entry.1.push(row.message.0);
        }
        for ((state, error), (at, mut messages)) in alike {
            messages.sort_unstable();
            for (text, ids) in statements.state.cut(&messages) {
                run!(tx, text, arguments => {
                    add(&mut arguments, state.as_str())?;
                    add(&mut arguments, at)?;
                    add(&mut arguments, error.map(SmolStr::as_str))?;
                    for id in ids {
                        add(&mut arguments, *id)?;
                    }
                });
            }
        }
        Ok(())
    }

    async fn drop_items(&mut self, tx: &mut Tx<'_>, statements: &Statements) -> Result<(), Error> {
        self.items_out.sort_unstable();
        write_rows!(tx, statements.item_out, &self.items_out, row => [
            row.lane.0, row.due_at, row.seq,
        ]);
        Ok(())
    }
}

/// The claim counts only for items that are there and unclaimed. An item in memory may be older
/// than that: a page may be read while the item's row is on its way out.
async fn write_claim(
    tx: &mut Tx<'_>,
    claim: &Claim,
    statements: &Statements,
) -> Result<Applied, Error> {
    let mut claimed: Vec<(i64, i64, i64)> = Vec::with_capacity(claim.items.len());
    for (text, keys) in statements.claim.cut(&claim.items) {
        let rows: Vec<(i64, i64, i64)> = fetch!(tx, text, arguments => {
            add(&mut arguments, claim.link.as_str())?;
            add(&mut arguments, claim.epoch)?;
            for key in keys {
                add(&mut arguments, key.lane.0)?;
                add(&mut arguments, key.due_at)?;
                add(&mut arguments, key.seq)?;
            }
        });
        claimed.extend(rows);
    }
    if claimed.len() == claim.items.len() {
        return Ok(Applied::Done);
    }
    let is_stale = |key: &&ItemKey| !claimed.contains(&(key.lane.0, key.due_at, key.seq));
    Ok(Applied::Stale(claim.items.iter().filter(is_stale).copied().collect()))
}

/// Asks the conditions of a change. Anything but `Done` leaves the change unwritten.
pub(super) async fn pass_gates(
    tx: &mut Tx<'_>,
    gates: Option<Box<Gates>>,
) -> Result<Applied, Error> {
    let Some(gates) = gates else { return Ok(Applied::Done) };
    if let Some(id) = &gates.idempotency {
        let verdict = rare::take_idempotency(tx, id).await?;
        if verdict != Applied::Done {
            return Ok(verdict);
        }
    }
    let mut verdict = match &gates.stop {
        Some(check) => rare::look_for_stop(tx, check).await?,
        None => Applied::Done,
    };
    if let Some(check) = gates.brakes.as_ref().filter(|_| verdict == Applied::Done) {
        verdict = rare::count_spend(tx, check).await?;
    }
    if let Some(id) = gates.idempotency.as_ref().filter(|_| verdict != Applied::Done) {
        // The id was not used after all: the same request may succeed tomorrow.
        execute!(
            tx,
            "delete from idempotency where partner_id = $1 and key = $2",
            id.partner.0,
            id.key.as_str()
        )?;
    }
    Ok(verdict)
}

/// After an ambiguous commit: messages that are stored although their partner was refused are
/// taken out before anything is dispatched again (P4).
pub(super) async fn void(tx: &mut Tx<'_>, doubtful: &[MessageId]) -> Result<(), Error> {
    for id in doubtful {
        let found = fetch_in!(
            tx,
            (i64,),
            "select state_at from message where id = $1 and state = 'accepted'",
            id.0
        )?;
        let Some((at,)) = found else { continue };
        execute!(tx, "update message set state = 'void_unacked' where id = $1", id.0)?;
        execute!(tx, "delete from lane_item where message_id = $1", id.0)?;
        execute!(
            tx,
            "insert into message_event (message_id, seq, at, kind, who, link, attempt, detail) \
             values ($1, $2, $3, 'voided', 'gateway', null, 0, 'the commit was ambiguous') \
             on conflict do nothing",
            id.0,
            id.0 + 1,
            at
        )?;
    }
    Ok(())
}

fn mt_price(message: &Arc<MtMessage>) -> Option<&crate::domain::Price> {
    message.charge.as_ref().map(|(price, _)| price)
}

fn mo_price(message: &Arc<MoMessage>) -> Option<&crate::domain::Price> {
    message.charge.as_ref()
}

fn receipt_of(item: &Item) -> Option<&crate::domain::Receipt> {
    match &item.content {
        Content::Receipt(_, receipt) => Some(receipt),
        _ => None,
    }
}

pub(super) fn sender_kind(sender: &Sender) -> &'static str {
    match sender {
        Sender::ShortCode(_) => "short_code",
        Sender::Number(_) => "number",
        Sender::Name(_) => "name",
    }
}

pub(super) fn charge_at(at: ChargeAt) -> &'static str {
    match at {
        ChargeAt::Submitted => "submitted",
        ChargeAt::Delivered => "delivered",
    }
}

pub(super) fn on_unknown(wish: OnUnknown) -> &'static str {
    match wish {
        OnUnknown::Resend => "resend",
        OnUnknown::Park => "park",
    }
}
