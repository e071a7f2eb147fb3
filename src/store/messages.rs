//! Reading messages: one by its id, by the SMSC's name for it, by its likeness, and what is
//! unknown or held.

use std::sync::Arc;

use super::{
    Error, Store,
    change::Orphan,
    db::{fetch_all, fetch_optional},
    rows::{COLUMNS, MessageRow},
};
use crate::domain::{
    MessageId, MessageState, MoMessage, MtMessage, NetworkError, PartnerId, message::ReceiptState,
};

/// Messages of one page of the round that looks for receipts that never came.
const SILENT_PAGE: i64 = 20_000;

/// A message as lists show it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MessageLine {
    pub id: MessageId,
    pub direction: String,
    pub partner_id: Option<i64>,
    pub service_id: Option<i64>,
    pub service_version: Option<i64>,
    pub caller: String,
    pub link_group: String,
    pub sender: String,
    pub recipient: String,
    pub parts: i64,
    pub tariff: Option<String>,
    pub gross_minor: Option<i64>,
    pub currency: Option<String>,
    pub accepted_at: i64,
    pub valid_until: i64,
    pub keyword: Option<String>,
    pub partner_reference: Option<String>,
    pub state: &'static str,
    pub state_at: i64,
    pub error: Option<String>,
}

#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct EventLine {
    pub seq: i64,
    pub at: i64,
    pub kind: String,
    pub who: String,
    pub link: Option<String>,
    pub attempt: i64,
    pub detail: Option<String>,
}

/// A message whose fate nobody knows, or that waits for a person.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct UnknownLine {
    pub id: i64,
    pub partner_id: Option<i64>,
    pub state: String,
    pub state_at: i64,
    pub sender: String,
    pub recipient: String,
    pub gross_minor: Option<i64>,
    pub currency: Option<String>,
    pub caller: String,
    pub link_group: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct OrphanRow {
    id: i64,
    link: String,
    link_group: String,
    smsc_message_id: String,
    sender: String,
    recipient: String,
    state: i64,
    error: Option<String>,
    done_at: i64,
    received_at: i64,
}

/// Both kinds of message behind one id.
#[derive(Debug, Clone)]
pub enum Stored {
    Mt(Arc<MtMessage>, MessageState),
    Mo(Arc<MoMessage>, MessageState),
}

impl Store {
    /// One message, whole, with its state.
    pub async fn message(&self, id: MessageId) -> Result<Option<Stored>, Error> {
        let text = format!("select {COLUMNS} from message m where m.id = $1");
        let row = fetch_optional!(&self.db, MessageRow, sqlx::AssertSqlSafe(text.clone()), id.0)?;
        row.map(|row| {
            let state = row.state()?;
            Ok(match row.direction.as_str() {
                "mt" => Stored::Mt(row.into_mt()?, state),
                _ => Stored::Mo(row.into_mo()?, state),
            })
        })
        .transpose()
    }

    pub async fn message_line(&self, id: MessageId) -> Result<Option<MessageLine>, Error> {
        let text = format!("select {COLUMNS} from message m where m.id = $1");
        let row = fetch_optional!(&self.db, MessageRow, sqlx::AssertSqlSafe(text.clone()), id.0)?;
        row.map(|row| {
            Ok(MessageLine {
                id: MessageId(row.id),
                state: row.state()?.as_str(),
                direction: row.direction,
                partner_id: row.partner_id,
                service_id: row.service_id,
                service_version: row.service_version,
                caller: row.caller,
                link_group: row.link_group,
                sender: row.sender,
                recipient: row.recipient,
                parts: row.parts,
                tariff: row.tariff_code,
                gross_minor: row.gross_minor,
                currency: row.currency,
                accepted_at: row.accepted_at,
                valid_until: row.valid_until,
                keyword: row.keyword,
                partner_reference: row.partner_reference,
                state_at: row.state_at,
                error: row.error,
            })
        })
        .transpose()
    }

    /// Every step of a message, oldest first.
    pub async fn events(&self, id: MessageId) -> Result<Vec<EventLine>, Error> {
        fetch_all!(
            &self.db,
            EventLine,
            "select seq, at, kind, who, link, attempt, detail from message_event \
             where message_id = $1 order by seq",
            id.0
        )
    }

    /// The id behind a short name that a peer with 8-octet ids uses.
    pub async fn by_short_id(
        &self,
        partner: PartnerId,
        short_id: &str,
    ) -> Result<Option<MessageId>, Error> {
        let row = fetch_optional!(
            &self.db,
            (i64,),
            "select id from message where partner_id = $1 and short_id = $2",
            partner.0,
            short_id
        )?;
        Ok(row.map(|(id,)| MessageId(id)))
    }

    /// The message and part that an SMSC knows by this id (P14).
    pub async fn by_smsc_id(
        &self,
        link_group: &str,
        smsc_message_id: &str,
    ) -> Result<Option<(MessageId, u8)>, Error> {
        let row = fetch_optional!(
            &self.db,
            (i64, i64),
            "select message_id, part from receipt_key \
             where link_group = $1 and smsc_message_id = $2",
            link_group,
            smsc_message_id
        )?;
        Ok(row.map(|(id, part)| (MessageId(id), u8::try_from(part).unwrap_or(0))))
    }

    /// The parts of a message that an SMSC named, with the state of each that has ended. A part
    /// that it refused while it took another has a name of ours, and has ended.
    pub async fn part_states(
        &self,
        id: MessageId,
    ) -> Result<Vec<(u8, Option<ReceiptState>)>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64, Option<i64>, String),
            "select part, part_state, smsc_message_id from receipt_key \
             where message_id = $1 and part > 0 order by part",
            id.0
        )?;
        Ok(rows
            .into_iter()
            .map(|(part, state, name)| {
                let state =
                    state.and_then(|code| ReceiptState::from_code(u8::try_from(code).ok()?));
                let refused = name.starts_with('!').then_some(ReceiptState::Rejected);
                (u8::try_from(part).unwrap_or(u8::MAX), state.or(refused))
            })
            .collect())
    }

    /// What needs a person: unknown, held and quarantined messages, oldest first.
    pub async fn unknown(&self, limit: i64) -> Result<Vec<UnknownLine>, Error> {
        fetch_all!(
            &self.db,
            UnknownLine,
            "select id, partner_id, state, state_at, sender, recipient, gross_minor, currency, \
             caller, link_group from message \
             where state in ('unknown', 'held', 'quarantined') order by state_at limit $1",
            limit
        )
    }

    /// Unknown since before a moment, oldest first; the given number at most.
    pub async fn unknown_since_before(
        &self,
        before: i64,
        limit: i64,
    ) -> Result<Vec<MessageId>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64,),
            "select id from message where state in ('unknown', 'held', 'quarantined') \
             and state = 'unknown' and state_at <= $1 order by state_at limit $2",
            before,
            limit
        )?;
        Ok(rows.into_iter().map(|(id,)| MessageId(id)).collect())
    }

    /// MT that were submitted, whose validity ended before `overdue` (microseconds UTC) and that
    /// have no final state: those of one page of ids, and where the next page begins. None: that
    /// was the last one.
    pub async fn silent_page(
        &self,
        after: i64,
        overdue: i64,
    ) -> Result<(Vec<MessageId>, Option<i64>), Error> {
        // Nothing accepted later can be overdue: ids are time-ordered.
        let before = crate::domain::ids::first_at(overdue).0;
        let page = fetch_optional!(
            &self.db,
            (Option<i64>,),
            "select max(id) from (select id from message where id > $1 and id < $2 \
             order by id limit $3) as page",
            after,
            before,
            SILENT_PAGE
        )?;
        let Some((Some(last),)) = page else { return Ok((Vec::new(), None)) };
        let rows = fetch_all!(
            &self.db,
            (i64,),
            "select id from message where id > $1 and id <= $2 and direction = 'mt' \
             and state = 'submitted' and valid_until <= $3 order by id",
            after,
            last,
            overdue
        )?;
        Ok((rows.into_iter().map(|(id,)| MessageId(id)).collect(), Some(last)))
    }

    /// How many messages are in each of the states that need a person.
    pub async fn unknown_counts(&self) -> Result<Vec<(String, i64)>, Error> {
        fetch_all!(
            &self.db,
            (String, i64),
            "select state, count(*) from message \
             where state in ('unknown', 'held', 'quarantined') group by state"
        )
    }

    /// The answers that may not have arrived when the process last ended: the newest messages
    /// of every caller since `since`, at most `per_caller` of each (P11, P12).
    pub async fn uncertain(
        &self,
        since: i64,
        per_caller: i64,
    ) -> Result<Vec<(MessageId, Vec<u8>, i64)>, Error> {
        // Ids are time-ordered, so the newest rows are found without an index on time.
        let floor = crate::domain::ids::first_at(since).0;
        let rows = fetch_all!(
            &self.db,
            (i64, Vec<u8>, i64),
            "select id, likeness, accepted_at from (\
               select id, likeness, accepted_at, \
                 row_number() over (partition by caller order by id desc) as place \
               from (select id, likeness, accepted_at, caller from message \
                 where id >= $1 order by id desc limit 20000) as newest) as recent \
             where place <= $2",
            floor,
            per_caller
        )?;
        Ok(rows.into_iter().map(|(id, likeness, at)| (MessageId(id), likeness, at)).collect())
    }

    /// What waits unclaimed between two numbers, of one partner.
    pub async fn waiting_between(
        &self,
        partner: PartnerId,
        sender: &str,
        recipient: &str,
    ) -> Result<Vec<Arc<MtMessage>>, Error> {
        let text = format!(
            "select {COLUMNS} from lane_item i join message m on m.id = i.message_id \
             where i.what = 'mt' and i.claim_epoch is null and m.partner_id = $1 \
             and m.sender = $2 and m.recipient = $3 order by m.id limit 1000"
        );
        let rows = fetch_all!(
            &self.db,
            MessageRow,
            sqlx::AssertSqlSafe(text.clone()),
            partner.0,
            sender,
            recipient
        )?;
        rows.into_iter().map(MessageRow::into_mt).collect()
    }

    /// Receipts that matched nothing, oldest first.
    pub async fn orphans(&self, limit: i64) -> Result<Vec<Orphan>, Error> {
        let rows = fetch_all!(
            &self.db,
            OrphanRow,
            "select id, link, link_group, smsc_message_id, sender, recipient, state, error, \
             done_at, received_at from orphan_receipt order by id limit $1",
            limit
        )?;
        Ok(rows.into_iter().filter_map(orphan).collect())
    }

    /// Which of those receipts have an answer by now.
    pub async fn answered_orphans(&self) -> Result<std::collections::HashSet<i64>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64,),
            "select o.id from orphan_receipt o join receipt_key k \
             on k.link_group = o.link_group and k.smsc_message_id = o.smsc_message_id"
        )?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Ledger rows of one message: line, gross in minor units, currency, reason.
    pub async fn charges(&self, id: MessageId) -> Result<Vec<(i64, i64, String, String)>, Error> {
        fetch_all!(
            &self.db,
            (i64, i64, String, String),
            "select line, gross_minor, currency, reason from charge \
             where message_id = $1 order by line",
            id.0
        )
    }

    /// How many rows the ledger has, and their gross amounts together, in minor units.
    pub async fn ledger(&self) -> Result<(i64, i64), Error> {
        let found = fetch_optional!(
            &self.db,
            (i64, i64),
            "select count(*), cast(coalesce(sum(gross_minor), 0) as bigint) from charge"
        )?;
        Ok(found.unwrap_or((0, 0)))
    }
}

pub(super) fn orphan(row: OrphanRow) -> Option<Orphan> {
    Some(Orphan {
        id: row.id,
        link: row.link.into(),
        link_group: row.link_group.into(),
        smsc_message_id: row.smsc_message_id.into(),
        sender: row.sender.into(),
        recipient: row.recipient.into(),
        state: ReceiptState::from_code(u8::try_from(row.state).ok()?)?,
        network_error: row.error.as_deref().and_then(network_error),
        done_at: row.done_at,
        received_at: row.received_at,
    })
}

/// `kind:code`, as items and orphans keep it.
pub(crate) fn network_error(text: &str) -> Option<NetworkError> {
    let (kind, code) = text.split_once(':')?;
    Some(NetworkError { kind: kind.parse().ok()?, code: code.parse().ok()? })
}
