//! Reading lanes: the next page of one, which have something, how old it is, and what was claimed
//! by a process that is gone.

use std::sync::Arc;

use super::{
    Error, Store,
    db::{execute, fetch_all, fetch_optional},
    messages::network_error,
    rows::{COLUMNS, MessageRow},
};
use crate::domain::{Content, Item, ItemKey, LaneId, MessageId, Receipt, message::ReceiptState};

/// A row of a lane, with its claim if one is open.
#[derive(Debug, Clone)]
pub struct PagedItem {
    pub item: Item,
    pub claim: Option<(smol_str::SmolStr, i64)>,
}

/// An item that somebody meant to send and never reported on.
pub type OpenClaim = PagedItem;

/// How a lane looks from outside.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LaneAge {
    pub lane: i64,
    pub items: i64,
    pub oldest_seq: i64,
}

#[derive(Debug, sqlx::FromRow)]
struct ItemRow {
    lane_id: i64,
    due_at: i64,
    seq: i64,
    what: String,
    item_valid_until: i64,
    attempt: i64,
    deaths: i64,
    receipt_state: Option<i64>,
    receipt_error: Option<String>,
    receipt_at: Option<i64>,
    claim_link: Option<String>,
    claim_epoch: Option<i64>,
    #[sqlx(flatten)]
    message: MessageRow,
}

const ITEM: &str = "i.lane_id, i.due_at, i.seq, i.what, i.valid_until as item_valid_until, \
    i.attempt, i.deaths, i.receipt_state, i.receipt_error, i.receipt_at, i.claim_link, i.claim_epoch";

impl Store {
    /// The next items of a lane that are due at `from.due_at`, in order, from a place on.
    ///
    /// `due_at` 0 reads what was never planned for later; that is the bulk of a lane.
    pub async fn lane_page(&self, from: ItemKey, limit: i64) -> Result<Vec<PagedItem>, Error> {
        let text = format!(
            "select {ITEM}, {COLUMNS} from lane_item i join message m on m.id = i.message_id \
             where i.lane_id = $1 and i.due_at = $2 and i.seq >= $3 order by i.seq limit $4"
        );
        self.items(fetch_all!(
            &self.db,
            ItemRow,
            sqlx::AssertSqlSafe(text.clone()),
            from.lane.0,
            from.due_at,
            from.seq,
            limit
        )?)
    }

    /// Items that were planned for later and are due now.
    pub async fn lane_due(
        &self,
        lane: LaneId,
        now: i64,
        limit: i64,
    ) -> Result<Vec<PagedItem>, Error> {
        let text = format!(
            "select {ITEM}, {COLUMNS} from lane_item i join message m on m.id = i.message_id \
             where i.lane_id = $1 and i.due_at > 0 and i.due_at <= $2 \
             order by i.due_at, i.seq limit $3"
        );
        self.items(fetch_all!(
            &self.db,
            ItemRow,
            sqlx::AssertSqlSafe(text.clone()),
            lane.0,
            now,
            limit
        )?)
    }

    /// When the next planned item of a lane is due.
    pub async fn lane_next_due(&self, lane: LaneId) -> Result<Option<i64>, Error> {
        let row = fetch_optional!(
            &self.db,
            (Option<i64>,),
            "select min(due_at) from lane_item where lane_id = $1 and due_at > 0",
            lane.0
        )?;
        Ok(row.and_then(|(due,)| due))
    }

    /// Every lane that holds something, with its size and oldest item.
    pub async fn lanes(&self) -> Result<Vec<LaneAge>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64, i64, i64),
            "select lane_id, count(*), min(seq) from lane_item group by lane_id"
        )?;
        Ok(rows
            .into_iter()
            .map(|(lane, items, oldest_seq)| LaneAge { lane, items, oldest_seq })
            .collect())
    }

    /// What was claimed and never reported on. At start these are exactly the messages whose
    /// fate the last process took with it (P7).
    pub async fn open_claims(&self) -> Result<Vec<OpenClaim>, Error> {
        let text = format!(
            "select {ITEM}, {COLUMNS} from lane_item i join message m on m.id = i.message_id \
             where i.claim_epoch is not null"
        );
        self.items(fetch_all!(&self.db, ItemRow, sqlx::AssertSqlSafe(text.clone()))?)
    }

    /// Items past their validity, a page at a time through all lanes (P18).
    pub async fn expired_items(
        &self,
        after: ItemKey,
        now: i64,
        page: i64,
    ) -> Result<(Vec<PagedItem>, Option<ItemKey>), Error> {
        // The page is counted before the filter: a tick costs the same however little expires.
        let text = format!(
            "select {ITEM}, {COLUMNS} from (select * from lane_item \
               where (lane_id, due_at, seq) > ($1, $2, $3) \
               order by lane_id, due_at, seq limit $4) i join message m on m.id = i.message_id \
             where i.valid_until <= $5 and i.claim_epoch is null"
        );
        let rows = fetch_all!(
            &self.db,
            ItemRow,
            sqlx::AssertSqlSafe(text.clone()),
            after.lane.0,
            after.due_at,
            after.seq,
            page,
            now
        )?;
        let last = fetch_all!(
            &self.db,
            (i64, i64, i64),
            "select lane_id, due_at, seq from lane_item where (lane_id, due_at, seq) > \
             ($1, $2, $3) order by lane_id, due_at, seq limit $4",
            after.lane.0,
            after.due_at,
            after.seq,
            page
        )?;
        let is_last = i64::try_from(last.len()).unwrap_or(0) < page;
        let next = last.last().filter(|_| !is_last).map(|(lane, due_at, seq)| ItemKey {
            lane: LaneId(*lane),
            due_at: *due_at,
            seq: *seq,
        });
        Ok((self.items(rows)?, next))
    }

    /// The waiting item of one message in one lane class (`mt`, `mo`, `receipt`).
    pub async fn item_of(
        &self,
        message: MessageId,
        lane: LaneId,
    ) -> Result<Option<PagedItem>, Error> {
        // A message waits under its own number unless it was planned for later.
        let text = format!(
            "select {ITEM}, {COLUMNS} from lane_item i join message m on m.id = i.message_id \
             where i.lane_id = $1 and i.message_id = $2 and (i.seq = $2 or i.due_at > 0)"
        );
        let rows =
            fetch_all!(&self.db, ItemRow, sqlx::AssertSqlSafe(text.clone()), lane.0, message.0)?;
        Ok(self.items(rows)?.into_iter().next())
    }

    /// Takes a lease, or renews our own; the epoch grows when the owner changes.
    pub async fn take_lease(
        &self,
        kind: &str,
        key: &str,
        node: i64,
        until: i64,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "insert into lease (kind, key, node_id, epoch, expires_at) values ($1, $2, $3, 1, $4) \
             on conflict (kind, key) do update set \
             epoch = case when lease.node_id = excluded.node_id then lease.epoch \
                     else lease.epoch + 1 end, \
             node_id = excluded.node_id, expires_at = excluded.expires_at",
            kind,
            key,
            node,
            until
        )?;
        let epoch = super::db::fetch_in!(
            &mut tx,
            (i64,),
            "select epoch from lease where kind = $1 and key = $2",
            kind,
            key
        )?;
        tx.commit().await?;
        Ok(epoch.map_or(1, |(epoch,)| epoch))
    }

    fn items(&self, rows: Vec<ItemRow>) -> Result<Vec<PagedItem>, Error> {
        rows.into_iter().map(paged).collect()
    }
}

fn paged(row: ItemRow) -> Result<PagedItem, Error> {
    let message_id = MessageId(row.message.id);
    let content = match row.what.as_str() {
        "mo" => Content::Mo(row.message.into_mo()?),
        "receipt" => {
            let state = row
                .receipt_state
                .and_then(|code| u8::try_from(code).ok())
                .and_then(ReceiptState::from_code)
                .ok_or_else(|| row.message.corrupt("receipt_state", "not a state"))?;
            let receipt = Receipt {
                message: message_id,
                state,
                network_error: row.receipt_error.as_deref().and_then(network_error),
                done_at: row.receipt_at.unwrap_or_default(),
            };
            Content::Receipt(row.message.into_mt()?, receipt)
        }
        _ => Content::Mt(Arc::clone(&row.message.into_mt()?)),
    };
    Ok(PagedItem {
        item: Item {
            key: ItemKey { lane: LaneId(row.lane_id), due_at: row.due_at, seq: row.seq },
            valid_until: row.item_valid_until,
            attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
            deaths: u32::try_from(row.deaths).unwrap_or(u32::MAX),
            content,
        },
        claim: row.claim_link.zip(row.claim_epoch).map(|(link, epoch)| (link.into(), epoch)),
    })
}

impl Store {
    /// When the oldest item of a lane was accepted (microseconds UTC).
    pub async fn oldest(&self, lane: LaneId) -> Result<Option<i64>, Error> {
        let row = fetch_optional!(
            &self.db,
            (i64,),
            "select m.accepted_at from lane_item i join message m on m.id = i.message_id \
             where i.lane_id = $1 order by i.lane_id, i.due_at, i.seq limit 1",
            lane.0
        )?;
        Ok(row.map(|(at,)| at))
    }

    /// How many receipts match nothing.
    pub async fn overview_quick(&self) -> Result<i64, Error> {
        let row = fetch_optional!(&self.db, (i64,), "select count(*) from orphan_receipt")?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// The number after which this run gives out its own, and the row of this database.
    ///
    /// The first numbers of this run are reserved before any is given out: a process that dies
    /// young has written events and ledger rows under numbers that no message has, and the next
    /// one must not give them out again.
    pub async fn begin_ids(&self, now: i64) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "insert into node (id, schema_made_at, incarnation, ids_reserved_to) \
             values (1, 0, 1, 0) on conflict do nothing"
        )?;
        let reserved =
            super::db::fetch_in!(&mut tx, (i64,), "select ids_reserved_to from node where id = 1")?;
        let newest = super::db::fetch_in!(&mut tx, (Option<i64>,), "select max(id) from message")?;
        let newest = newest.and_then(|(id,)| id).unwrap_or_default();
        let after = reserved.map_or(0, |(id,)| id).max(newest);
        let first = crate::domain::ids::first_at(now).0.max(after);
        execute!(
            &mut tx,
            "update node set ids_reserved_to = $1 where id = 1",
            first + (2_000 << 22)
        )?;
        tx.commit().await?;
        Ok(after)
    }

    /// Notes how far numbers have been given out. Ten seconds ahead of need, so that one write
    /// in ten seconds is enough.
    pub async fn reserve_ids(&self, last: i64) -> Result<(), Error> {
        self.note(super::Change {
            rare: vec![super::change::Rare::ReserveIds { to: last + (10_000 << 22) }],
            ..super::Change::default()
        })
        .await
    }
}
