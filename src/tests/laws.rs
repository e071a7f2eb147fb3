//! The conservation laws L1 to L8, checked from outside: by SQL of this module's own on the file
//! that the gateway left, and by the journals that its peers kept.
//!
//! No code of the gateway's store is used but the walk along the audit chain. What surprises: a
//! text carries its own name (the tag at its end), so a message that the gateway stored twice
//! under two numbers is found, though each of the two rows is correct.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
};

use bramka::{
    demo::journal::{self, Entry, Event},
    domain::{MessageEvent, MessageState},
    store::{GroupLimits, Place, Store},
};
use sqlx::{ConnectOptions, Row, SqliteConnection, sqlite::SqliteConnectOptions};

/// What a law found, one sentence a breach.
pub(crate) type Breaches = Vec<String>;

/// Of one message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) is_mt: bool,
    pub(crate) state: String,
    pub(crate) charged: Option<i64>,
    pub(crate) charge_at: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) lane: (Option<i64>, String),
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) message: i64,
    pub(crate) at: i64,
    pub(crate) kind: String,
}

/// Everything that the laws look at.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) messages: BTreeMap<i64, Message>,
    /// By message, then in order.
    pub(crate) steps: Vec<Step>,
    /// Message and what waits for it.
    pub(crate) items: Vec<(i64, String)>,
    /// Message, line, gross.
    pub(crate) charges: Vec<(i64, i64, i64)>,
    /// Ids of the SMSC in receipts that matched nothing.
    pub(crate) orphans: HashSet<String>,
    pub(crate) audit: Result<i64, String>,
    pub(crate) smsc: Vec<Entry>,
    pub(crate) partners: Vec<Entry>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            messages: BTreeMap::new(),
            steps: Vec::new(),
            items: Vec::new(),
            charges: Vec::new(),
            orphans: HashSet::new(),
            audit: Ok(0),
            smsc: Vec::new(),
            partners: Vec::new(),
        }
    }
}

impl Default for Message {
    fn default() -> Self {
        Self {
            is_mt: true,
            state: "accepted".into(),
            charged: None,
            charge_at: None,
            tag: None,
            lane: (None, String::new()),
        }
    }
}

/// A connection that reads beside a gateway that may still live.
pub(crate) async fn reader(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .busy_timeout(std::time::Duration::from_secs(10));
    options.connect().await.expect("a database")
}

/// One number.
pub(crate) async fn count(database: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(database).await.expect(sql).get(0)
}

impl Evidence {
    /// Reads the database and the journals of the SMSC and of the partners.
    pub(crate) async fn gather(database: &Path, smsc: &Path, partners: &[&Path]) -> Self {
        let mut evidence = Self::of_store(database).await;
        journal::read(smsc, |entry| evidence.smsc.push(entry)).expect("the journal of the SMSC");
        for partner in partners {
            journal::read(partner, |entry| evidence.partners.push(entry)).expect("a journal");
        }
        evidence
    }

    pub(crate) async fn of_store(database: &Path) -> Self {
        let mut db = reader(database).await;
        let mut evidence = Self::default();
        let rows = sqlx::query(
            "select id, direction, state, gross_minor, charge_at, body, partner_id, link_group \
             from message",
        );
        for row in rows.fetch_all(&mut db).await.expect("messages") {
            let body: Vec<u8> = row.get("body");
            let message = Message {
                is_mt: row.get::<String, _>("direction") == "mt",
                state: row.get("state"),
                charged: row.get("gross_minor"),
                charge_at: row.get("charge_at"),
                tag: journal::tag_of(&String::from_utf8_lossy(&body)).map(str::to_owned),
                lane: (row.get("partner_id"), row.get("link_group")),
            };
            evidence.messages.insert(row.get("id"), message);
        }
        let rows =
            sqlx::query("select message_id, at, kind from message_event order by message_id, seq");
        for row in rows.fetch_all(&mut db).await.expect("events") {
            let (message, at, kind) = (row.get(0), row.get(1), row.get(2));
            evidence.steps.push(Step { message, at, kind });
        }
        let rows = sqlx::query("select message_id, what from lane_item");
        for row in rows.fetch_all(&mut db).await.expect("items") {
            evidence.items.push((row.get(0), row.get(1)));
        }
        let rows = sqlx::query("select message_id, line, gross_minor from charge");
        for row in rows.fetch_all(&mut db).await.expect("charges") {
            evidence.charges.push((row.get(0), row.get(1), row.get(2)));
        }
        let rows = sqlx::query("select smsc_message_id from orphan_receipt");
        for row in rows.fetch_all(&mut db).await.expect("orphans") {
            evidence.orphans.insert(row.get(0));
        }
        evidence.audit = audit(database).await;
        evidence
    }

    fn mts(&self) -> impl Iterator<Item = (&i64, &Message)> {
        self.messages.iter().filter(|(_, message)| message.is_mt)
    }

    fn steps_of(&self, message: i64) -> impl Iterator<Item = &Step> {
        let from = self.steps.partition_point(|step| step.message < message);
        self.steps[from..].iter().take_while(move |step| step.message == message)
    }

    /// Submits of the SMSC's journal: the moment and the tag.
    fn submits(&self) -> impl Iterator<Item = (i64, &str)> {
        self.smsc.iter().filter_map(|entry| match &entry.event {
            Event::Submit { tag: Some(tag), .. } => Some((entry.at, tag.as_str())),
            _ => None,
        })
    }

    /// MTs by the tag of their text.
    fn by_tag(&self) -> HashMap<&str, Vec<i64>> {
        let mut found: HashMap<&str, Vec<i64>> = HashMap::new();
        for (id, message) in self.mts() {
            if let Some(tag) = &message.tag {
                found.entry(tag).or_default().push(*id);
            }
        }
        found
    }

    /// How many of the uncharged messages the SMSC got more than once.
    pub(crate) fn repeated_uncharged(&self) -> u64 {
        let by_tag = self.by_tag();
        let mut seen = HashSet::new();
        let is_free =
            |tag: &str| by_tag.get(tag).is_some_and(|ids| self.messages[&ids[0]].charged.is_none());
        let again = self.submits().filter(|(_, tag)| !seen.insert(*tag) && is_free(tag));
        again.count() as u64
    }

    /// Messages that became unknown between one instant and the next, for each of those spans.
    pub(crate) fn unknown_between(&self, instants: &[i64]) -> Vec<u64> {
        let mut spans = vec![0; instants.len() + 1];
        for step in self.steps.iter().filter(|step| step.kind == "outcome_lost") {
            spans[instants.partition_point(|instant| *instant <= step.at)] += 1;
        }
        spans
    }
}

async fn audit(database: &Path) -> Result<i64, String> {
    let place = Place { url: format!("sqlite:{}", database.display()), readers: 1 };
    let (store, writer) =
        Store::open(place, GroupLimits::default()).await.map_err(|error| error.to_string())?;
    drop(writer);
    let verdict = store.verify_audit().await.map_err(|error| error.to_string())?;
    store.close().await;
    verdict.map_err(|fault| format!("record {} {}", fault.seq, fault.why))
}

/// L1: every submit that was answered with success has one current state, and its history, step
/// by step, leads there by legal moves.
pub(crate) fn l1_nothing_vanishes(evidence: &Evidence) -> Breaches {
    let mut breaches = Breaches::new();
    for entry in &evidence.partners {
        if let Event::MtAccepted { tag, id } = &entry.event
            && !id.parse().is_ok_and(|id: i64| evidence.messages.contains_key(&id))
        {
            breaches.push(format!("{tag} was accepted as {id}, which is not stored"));
        }
    }
    let event_of = |kind: &str| MessageEvent::ALL.into_iter().find(|one| one.as_str() == kind);
    for (id, message) in &evidence.messages {
        let Some(current) = MessageState::parse(&message.state) else {
            breaches.push(format!("{id} has no state but {:?}", message.state));
            continue;
        };
        let is_unrouted = evidence.steps_of(*id).any(|step| step.kind == "unrouted");
        let start = if is_unrouted { MessageState::Unrouted } else { MessageState::Accepted };
        let mut state = start;
        for event in evidence.steps_of(*id).filter_map(|step| event_of(&step.kind)) {
            match state.after(event) {
                Some(next) => state = next,
                None => breaches.push(format!("{id}: {} after {event:?}", state.as_str())),
            }
        }
        // A claim is written to the item, not to the message.
        let is_claim = state == MessageState::Claimed && current == MessageState::Accepted;
        if state != current && !is_claim {
            let (says, leads) = (current.as_str(), state.as_str());
            breaches.push(format!("{id} is {says}, its history leads to {leads}"));
        }
    }
    breaches
}

/// L2: no charged message reached the SMSC twice, not even under two numbers of ours.
pub(crate) fn l2_charged_at_most_once(evidence: &Evidence) -> Breaches {
    let mut submits: HashMap<&str, u64> = HashMap::new();
    for (_, tag) in evidence.submits() {
        *submits.entry(tag).or_default() += 1;
    }
    let mut breaches = Breaches::new();
    for (tag, ids) in evidence.by_tag() {
        if evidence.messages[&ids[0]].charged.is_none() {
            continue;
        }
        if ids.len() > 1 {
            breaches.push(format!("{tag} was accepted {} times: {ids:?}", ids.len()));
        }
        let count = submits.get(tag).copied().unwrap_or_default();
        if count > 1 {
            breaches.push(format!("{tag} ({ids:?}) was submitted {count} times"));
        }
    }
    breaches
}

/// L3: accepted = ended + sent + unknown + held + queued: what is to be sent has an item, and
/// nothing else has one.
pub(crate) fn l3_accounts_balance(evidence: &Evidence) -> Breaches {
    let mut queued: HashMap<i64, u64> = HashMap::new();
    for (message, what) in &evidence.items {
        if what != "receipt" {
            *queued.entry(*message).or_default() += 1;
        }
    }
    let mut breaches = Breaches::new();
    for (id, message) in &evidence.messages {
        let waiting = queued.remove(id).unwrap_or_default();
        let due = u64::from(message.state == "accepted" || message.state == "claimed");
        if waiting != due {
            breaches.push(format!("{id} is {} and waits {waiting} times", message.state));
        }
    }
    breaches.extend(queued.keys().map(|id| format!("{id} waits and is not stored")));
    breaches
}

/// L4: every MO and every receipt whose `deliver_sm` was answered with success was seen by the
/// partner, or waits, or ended with a trace. The receipt of a charged message always matches.
pub(crate) fn l4_deliveries_arrive(evidence: &Evidence) -> Breaches {
    let mut breaches = Breaches::new();
    let seen: HashSet<&str> = evidence
        .partners
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::MoSeen { tag: Some(tag), .. } => Some(tag.as_str()),
            _ => None,
        })
        .collect();
    let kept: HashSet<&str> = evidence
        .messages
        .values()
        .filter(|message| !message.is_mt && message.state != "delivered")
        .filter_map(|message| message.tag.as_deref())
        .collect();
    let told: HashSet<&str> = evidence
        .partners
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Receipt { id, .. } => Some(id.as_str()),
            _ => None,
        })
        .collect();
    let by_tag = evidence.by_tag();
    let mut tags = HashMap::new();
    for entry in &evidence.smsc {
        match &entry.event {
            Event::Submit { id: Some(id), tag: Some(tag), .. } => {
                tags.insert(id.as_str(), tag.as_str());
            }
            Event::MoAcked { tag: Some(tag), status: 0, .. }
                if !seen.contains(tag.as_str()) && !kept.contains(tag.as_str()) => {
                    breaches.push(format!("the MO {tag} was taken and never handed over"));
                }
            Event::ReceiptAcked { id, status: 0 } => {
                let messages = tags.get(id.as_str()).and_then(|tag| by_tag.get(tag));
                let is_told = messages.is_some_and(|ids| {
                    ids.iter().any(|id| {
                        told.contains(id.to_string().as_str())
                            || evidence.items.contains(&(*id, "receipt".to_owned()))
                            || evidence.steps_of(*id).any(|step| step.kind == "receipt_expired")
                    })
                });
                // A free message may have gone twice, and one of its two receipts match nothing.
                let is_charged = messages.is_some_and(|ids| {
                    ids.iter().any(|id| evidence.messages[id].charged.is_some())
                });
                let is_kept = evidence.orphans.contains(id) && !is_charged;
                if !is_told && !is_kept {
                    breaches.push(format!("the receipt of {id} was taken and never handed over"));
                }
            }
            _ => {}
        }
    }
    breaches
}

/// L5: one ledger row for each message in a chargeable state, of its price, and no other.
pub(crate) fn l5_ledger_is_right(evidence: &Evidence) -> Breaches {
    let mut breaches = Breaches::new();
    let mut rows: HashMap<i64, Vec<i64>> = HashMap::new();
    for (message, _, gross) in evidence.charges.iter().filter(|(_, line, _)| *line == 0) {
        rows.entry(*message).or_default().push(*gross);
    }
    for (id, message) in &evidence.messages {
        let is_due = match message.charge_at.as_deref() {
            Some("delivered") => message.state == "delivered",
            Some(_) => ["submitted", "delivered", "undeliverable"].contains(&&*message.state),
            None => message.charged.is_some() && message.state == "delivered",
        };
        let due: Vec<i64> = message.charged.filter(|_| is_due).into_iter().collect();
        let found = rows.remove(id).unwrap_or_default();
        if found != due {
            breaches.push(format!("{id} ({}) owes {due:?}, is charged {found:?}", message.state));
        }
    }
    breaches.extend(rows.keys().map(|id| format!("{id} is charged and not stored")));
    breaches
}

/// L6: the window was never exceeded, nor the rate in any second by more than 5 %.
pub(crate) fn l6_limits_hold(
    evidence: &Evidence,
    unanswered_max: usize,
    window: usize,
    rate: u64,
) -> Breaches {
    let mut breaches = Breaches::new();
    if unanswered_max > window {
        breaches.push(format!("{unanswered_max} were unanswered at once; the window is {window}"));
    }
    let mut second: std::collections::VecDeque<i64> = std::collections::VecDeque::new();
    let mut most = 0;
    let mut moments: Vec<i64> = evidence
        .smsc
        .iter()
        .filter(|entry| matches!(entry.event, Event::Submit { .. }))
        .map(|entry| entry.at)
        .collect();
    moments.sort_unstable();
    for at in moments {
        while second.front().is_some_and(|first| *first <= at - 1_000_000) {
            second.pop_front();
        }
        second.push_back(at);
        most = most.max(second.len() as u64);
    }
    if rate > 0 && most * 100 > rate * 105 {
        breaches.push(format!("{most} in one second; the rate is {rate}"));
    }
    breaches
}

/// L7: in each lane the SMSC saw messages in the order of their acceptance, except those with a
/// recorded second try. Answers that are under way at once may finish in any order, so a message
/// may be overtaken by as many as `slack` of its neighbours.
pub(crate) fn l7_order_is_kept(evidence: &Evidence, slack: usize) -> Breaches {
    let by_tag = evidence.by_tag();
    let mut lanes: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    let mut known = HashSet::new();
    for (_, tag) in evidence.submits() {
        let Some(id) = by_tag.get(tag).map(|ids| ids[0]) else { continue };
        let message = &evidence.messages[&id];
        let is_again = evidence.steps_of(id).any(|step| {
            ["retry_planned", "resend_planned", "released", "let_go"].contains(&&*step.kind)
        });
        if !is_again && known.insert(id) {
            lanes.entry((&message.lane, message.charged.is_some())).or_default().push(id);
        }
    }
    let mut breaches = Breaches::new();
    for sent in lanes.values() {
        // Those that were sent so far; behind a message may be only its neighbours.
        let mut before = BTreeSet::new();
        for id in sent {
            let overtaken_by = before.range(*id..).count();
            if overtaken_by > slack {
                breaches.push(format!("{id} was overtaken by {overtaken_by}"));
            }
            before.insert(*id);
        }
    }
    breaches
}

/// L8: the audit chain holds.
pub(crate) fn l8_audit_verifies(evidence: &Evidence) -> Breaches {
    match &evidence.audit {
        Ok(count) if *count > 0 => Vec::new(),
        Ok(_) => vec!["the trail is empty".into()],
        Err(why) => vec![why.clone()],
    }
}

/// How a run was limited, for the laws that need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) unanswered_max: usize,
    pub(crate) window: usize,
    pub(crate) rate: u64,
    pub(crate) slack: usize,
}

/// All laws; each breach with the name of its law.
pub(crate) fn all(evidence: &Evidence, terms: &Terms) -> Breaches {
    let found = [
        ("L1", l1_nothing_vanishes(evidence)),
        ("L2", l2_charged_at_most_once(evidence)),
        ("L3", l3_accounts_balance(evidence)),
        ("L4", l4_deliveries_arrive(evidence)),
        ("L5", l5_ledger_is_right(evidence)),
        ("L6", l6_limits_hold(evidence, terms.unanswered_max, terms.window, terms.rate)),
        ("L7", l7_order_is_kept(evidence, terms.slack)),
        ("L8", l8_audit_verifies(evidence)),
    ];
    found
        .into_iter()
        .flat_map(|(law, breaches)| breaches.into_iter().map(move |one| format!("{law}: {one}")))
        .collect()
}

/// Each law on a small store in which everything is right, and on the same store in which it was
/// broken by hand.
#[cfg(test)]
mod broken_by_hand {
    use super::super::world::{PartnerPlan, operator};
    use super::*;

    /// One free and one charged MT, delivered and told, and one MO, handed over.
    const RIGHT: [&str; 3] = [
        "insert into message (id, direction, partner_id, caller, link_group, sender, sender_kind, \
           recipient, data_coding, has_udh, body, parts, gross_minor, charge_at, on_unknown, \
           accepted_at, deliver_after, valid_until, receipts, service_type, priority, \
           protocol_id, likeness, state, state_at) values \
         (1, 'mt', 1, 'smpp:acme#1', 'main', '7455', 'short_code', '48600100200', 0, 0, \
           x'6120236631', 1, null, null, 'resend', 0, 0, 9, 3, '', 0, 0, x'', 'delivered', 0), \
         (2, 'mt', 1, 'smpp:acme#1', 'main', '7466', 'short_code', '48600100200', 0, 0, \
           x'6120236632', 1, 492, 'delivered', 'park', 0, 0, 9, 3, '', 0, 0, x'', 'delivered', 0), \
         (3, 'mo', 1, 'link:main', 'main', '48600100200', 'msisdn', '7455', 0, 0, x'6120236633', \
           1, null, null, 'resend', 0, 0, 9, 0, '', 0, 0, x'', 'delivered', 0)",
        "insert into message_event (message_id, seq, at, kind, who, attempt) values \
         (1, 1, 0, 'accepted', 'a', 0), (1, 2, 0, 'submitted', 'a', 1), \
         (1, 3, 0, 'delivered', 'a', 1), (2, 1, 0, 'accepted', 'a', 0), \
         (2, 2, 0, 'claimed', 'a', 1), (2, 3, 0, 'submitted', 'a', 1), \
         (2, 4, 0, 'delivered', 'a', 1), (3, 1, 0, 'accepted', 'a', 0), \
         (3, 2, 0, 'delivered', 'a', 1)",
        "insert into charge (id, message_id, line, partner_id, service_id, service_version, \
           direction, tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, \
           charged_at, reason) values \
         (1, 2, 0, 1, 1, 1, 'mt', 1, 'T4', 492, 400, 'PLN', '48600100200', 0, 'delivered')",
    ];

    fn submit(at: i64, id: &str, tag: &str) -> Entry {
        let event = Event::Submit {
            id: Some(id.into()),
            status: 0,
            system_id: "bramka".into(),
            sender: "7466".into(),
            recipient: "48600100200".into(),
            body_hash: String::new(),
            tag: Some(tag.into()),
            tariff: None,
        };
        Entry { at, event }
    }

    fn mo_acked(tag: &str) -> Entry {
        Entry { at: 0, event: Event::MoAcked { number: 0, tag: Some(tag.into()), status: 0 } }
    }

    fn receipt_acked(id: &str) -> Entry {
        Entry { at: 0, event: Event::ReceiptAcked { id: id.into(), status: 0 } }
    }

    fn accepted(tag: &str, id: &str) -> Entry {
        Entry { at: 0, event: Event::MtAccepted { tag: tag.into(), id: id.into() } }
    }

    fn told(id: &str) -> Entry {
        Entry { at: 0, event: Event::Receipt { id: id.into(), state: 2 } }
    }

    fn mo_seen(tag: &str) -> Entry {
        let event = Event::MoSeen {
            tag: Some(tag.into()),
            gateway_id: None,
            from: String::new(),
            to: String::new(),
            repeated: false,
        };
        Entry { at: 0, event }
    }

    const TERMS: Terms = Terms { unanswered_max: 10, window: 10, rate: 100, slack: 0 };

    /// Breaks the store with `sql` and the journals with `change`; what the laws say then.
    async fn broken(sql: &[&'static str], change: impl FnOnce(&mut Evidence)) -> Breaches {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("bramka.db");
        let place = Place { url: format!("sqlite:{}", database.display()), readers: 1 };
        let (store, writer) = Store::open(place, GroupLimits::default()).await.unwrap();
        drop(writer);
        store.add_partner(&operator(), 0, &PartnerPlan::named("acme").partner).await.unwrap();
        store.close().await;
        let mut db = reader(&database).await;
        for line in RIGHT.iter().chain(sql) {
            sqlx::query(*line).execute(&mut db).await.unwrap();
        }
        drop(db);
        let mut evidence = Evidence::of_store(&database).await;
        evidence.smsc = vec![
            submit(1, "s1", "f1"),
            submit(2, "s2", "f2"),
            receipt_acked("s1"),
            receipt_acked("s2"),
            mo_acked("f3"),
        ];
        evidence.partners =
            vec![accepted("f1", "1"), accepted("f2", "2"), told("1"), told("2"), mo_seen("f3")];
        change(&mut evidence);
        all(&evidence, &TERMS)
    }

    async fn breaks(law: &str, sql: &[&'static str], change: impl FnOnce(&mut Evidence)) {
        let found = broken(sql, change).await;
        assert!(found.iter().any(|one| one.starts_with(law)), "{law} not found: {found:?}");
    }

    #[tokio::test]
    async fn a_right_store_breaks_no_law() {
        assert_eq!(broken(&[], |_| {}).await, Breaches::new());
    }

    #[tokio::test]
    async fn l1_sees_an_accepted_message_that_is_gone_and_a_history_that_cannot_be() {
        breaks("L1", &[], |evidence| evidence.partners.push(accepted("f9", "9"))).await;
        breaks("L1", &["update message set state = 'nowhere' where id = 1"], |_| {}).await;
        breaks("L1", &["update message set state = 'expired' where id = 1"], |_| {}).await;
        let again = "insert into message_event (message_id, seq, at, kind, who, attempt) \
                     values (2, 5, 0, 'submitted', 'a', 1)";
        breaks("L1", &[again], |_| {}).await;
    }

    #[tokio::test]
    async fn l2_sees_a_charged_message_that_went_twice_under_one_number_or_two() {
        breaks("L2", &[], |evidence| evidence.smsc.push(submit(9, "s9", "f2"))).await;
        breaks(
            "L2",
            &["update message set body = x'6120236632', gross_minor = 492 where id = 1"],
            |_| {},
        )
        .await;
        let found = broken(&[], |evidence| evidence.smsc.push(submit(9, "s9", "f1"))).await;
        assert!(found.is_empty(), "a free message may go twice: {found:?}");
    }

    #[tokio::test]
    async fn l3_sees_a_message_that_waits_nowhere_and_an_item_too_many() {
        breaks("L3", &["update message set state = 'accepted' where id = 1"], |_| {}).await;
        let item = "insert into lane_item (lane_id, due_at, seq, message_id, what, valid_until, \
                    attempt, deaths) values (1, 0, 1, 1, 'mt', 9, 0, 0)";
        breaks("L3", &[item], |_| {}).await;
    }

    #[tokio::test]
    async fn l4_sees_what_was_taken_and_never_handed_over() {
        breaks("L4", &[], |evidence| evidence.smsc.push(mo_acked("f8"))).await;
        breaks("L4", &[], |evidence| {
            evidence.partners.retain(|entry| *entry != told("2"));
        })
        .await;
        let kept = broken(&[], |evidence| {
            evidence.partners.retain(|entry| *entry != told("1"));
            evidence.orphans.insert("s1".into());
        });
        assert!(kept.await.is_empty(), "a receipt of a free message may match nothing");
    }

    #[tokio::test]
    async fn l5_sees_a_charge_that_is_missing_wrong_doubled_or_of_nothing() {
        breaks("L5", &["delete from charge"], |_| {}).await;
        breaks("L5", &["update charge set gross_minor = 493"], |_| {}).await;
        breaks("L5", &["update charge set message_id = 1"], |_| {}).await;
        breaks("L5", &["update message set state = 'undeliverable' where id = 2"], |_| {}).await;
    }

    #[tokio::test]
    async fn l6_sees_a_window_and_a_rate_exceeded() {
        let evidence = Evidence {
            smsc: (0..106).map(|at| submit(at * 9_000, "s", "t")).collect(),
            ..Evidence::default()
        };
        assert_eq!(l6_limits_hold(&evidence, 10, 10, 106), Breaches::new());
        assert_eq!(l6_limits_hold(&evidence, 10, 10, 100).len(), 1);
        assert_eq!(l6_limits_hold(&evidence, 11, 10, 106).len(), 1);
    }

    #[tokio::test]
    async fn l7_sees_a_message_overtaken_in_its_lane() {
        let lane = |charged: Option<i64>, tag: &str| Message {
            charged,
            tag: Some(tag.into()),
            ..Message::default()
        };
        let messages = [
            (1, lane(None, "a")),
            (2, lane(None, "b")),
            (3, lane(None, "c")),
            (4, lane(Some(1), "d")),
        ];
        let mut evidence = Evidence { messages: messages.into(), ..Evidence::default() };
        evidence.smsc = ["d", "b", "c", "a"].map(|tag| submit(0, "s", tag)).to_vec();
        assert_eq!(l7_order_is_kept(&evidence, 2), Breaches::new());
        assert_eq!(l7_order_is_kept(&evidence, 1).len(), 1);
        evidence.steps = vec![Step { message: 1, at: 0, kind: "resend_planned".into() }];
        assert_eq!(l7_order_is_kept(&evidence, 1), Breaches::new());
    }

    #[tokio::test]
    async fn l8_sees_a_record_that_was_changed() {
        breaks("L8", &["update audit set who = 'nobody'"], |_| {}).await;
    }

    #[test]
    fn unknown_messages_are_counted_by_the_kill_before_them() {
        let at = |at: i64| Step { message: 1, at, kind: "outcome_lost".into() };
        let evidence = Evidence { steps: vec![at(5), at(15), at(16)], ..Evidence::default() };
        assert_eq!(evidence.unknown_between(&[10, 20]), [1, 2, 0]);
    }
}
