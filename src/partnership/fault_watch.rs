//! Faults that the gateway files by itself: a link that is down, receipts that do not come, unknown
//! outcomes that grow, charges that do not fit their messages.
//!
//! Each cause is filed once, with what was seen, and closed with a note when it is over. It repairs
//! nothing. What surprises: how long a link is down is counted from the first look that found it
//! so, for a link remembers only when it was last bound; and a wrong charge is not over because
//! time went by, but when the very messages that were named are right.

use std::{collections::BTreeMap, time::Duration};

use super::{Error, Partnership, fault_steps::plain, fault_sweep::unless_stale, micros};
use crate::{
    domain::{Caller, FaultArea, FaultItemKind, MessageId, Severity, TicketEvent},
    store::{
        ANSWER_RULE, DeadlineStep, FaultItem, FaultRow, FaultWrite, NewFault, SOLUTION_RULE,
        WrongCharge,
    },
};

/// How far back unknown outcomes count as growth.
const GROWTH: i64 = 3_600_000_000;
/// Of what names nothing.
const NOTHING: (FaultItemKind, Vec<String>) = (FaultItemKind::Message, Vec::new());
/// Links that are watched.
const LINKS_MAX: usize = 1000;

/// A link as it was seen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLink {
    pub name: String,
    /// Where it leads, for the evidence.
    pub address: String,
    pub is_bound: bool,
    /// False: an operator took it down, and that is no fault.
    pub is_wanted: bool,
    pub last_error: Option<String>,
}

/// What one look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultsFiled {
    pub filed: usize,
    pub recovered: usize,
}

/// The memory between two looks.
#[derive(Debug, Default)]
pub struct FaultWatch {
    /// Since when each link was found down.
    down: BTreeMap<String, i64>,
}

/// Something that is wrong now, as it is filed.
struct Trouble {
    cause: String,
    severity: Severity,
    title: String,
    evidence: String,
    since_at: i64,
    area: FaultArea,
    /// What it names, of one kind.
    items: (FaultItemKind, Vec<String>),
}

impl FaultWatch {
    /// Looks once: files what is new, closes what is over.
    pub async fn look(
        &mut self,
        verbs: &Partnership,
        links: &[SeenLink],
    ) -> Result<FaultsFiled, Error> {
        let mut done = FaultsFiled::default();
        for (link, since) in self.links_down(links, verbs.now(), verbs.faults.link_down_after) {
            done.filed += usize::from(verbs.file_trouble(&down(link, since)).await?);
        }
        let is_over = |row: &FaultRow| {
            let name = row.cause.as_deref().and_then(|cause| cause.strip_prefix("link_down:"));
            links.iter().any(|link| Some(link.name.as_str()) == name && !is_down(link))
        };
        for row in verbs.store.faults_of_causes("link_down:").await? {
            if is_over(&row) {
                done.recovered +=
                    usize::from(verbs.recover(&row, "the link is bound again").await?);
            }
        }
        verbs.watch_receipts(&mut done).await?;
        verbs.watch_unknown(&mut done).await?;
        verbs.watch_charges(&mut done).await?;
        Ok(done)
    }

    /// Links that were down for too long, and since when.
    fn links_down<'l>(
        &mut self,
        links: &'l [SeenLink],
        now: i64,
        after: Duration,
    ) -> Vec<(&'l SeenLink, i64)> {
        self.down.retain(|name, _| links.iter().any(|link| link.name == *name && is_down(link)));
        let mut found = Vec::new();
        for link in links.iter().filter(|link| is_down(link)).take(LINKS_MAX) {
            let since = *self.down.entry(link.name.clone()).or_insert(now);
            if now - since >= micros(after) {
                found.push((link, since));
            }
        }
        found
    }
}

fn charge_line(one: &WrongCharge) -> String {
    let amount =
        |minor: Option<i64>| minor.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
    let (owed, charged) = (amount(one.owed_minor), amount(one.charged_minor));
    format!(
        "message {} is {}: {owed} is its price, {charged} is charged",
        one.message_id, one.state
    )
}

fn is_down(link: &SeenLink) -> bool {
    link.is_wanted && !link.is_bound
}

fn down(link: &SeenLink, since_at: i64) -> Trouble {
    let error = link.last_error.as_deref().unwrap_or("none");
    Trouble {
        cause: format!("link_down:{}", link.name),
        severity: Severity::Critical,
        title: format!("{}: link down", link.name),
        evidence: format!("address: {}\nlast error: {error}", link.address),
        since_at,
        area: FaultArea::Sms,
        items: (FaultItemKind::Link, vec![link.name.clone()]),
    }
}

impl Partnership {
    /// Of what was sent an hour ago, more than half has no receipt, and it is more than a few.
    async fn watch_receipts(&self, done: &mut FaultsFiled) -> Result<(), Error> {
        let until = self.now() - micros(self.faults.receipt_late_after);
        let from = until - GROWTH;
        let (sent, silent) = self.store.receipts_between(from, until).await?;
        let is_wrong = silent >= self.faults.receipts_missing && silent.saturating_mul(2) > sent;
        let trouble = Trouble {
            cause: "receipts_missing".to_owned(),
            severity: Severity::Major,
            title: "Receipts do not come".to_owned(),
            evidence: format!("accepted an hour long: {sent} sent, {silent} without a receipt"),
            since_at: from,
            area: FaultArea::Sms,
            items: NOTHING,
        };
        self.file_or_recover(is_wrong, &trouble, done).await
    }

    async fn watch_unknown(&self, done: &mut FaultsFiled) -> Result<(), Error> {
        let from = self.now() - GROWTH;
        let count = self.store.unknown_since(from).await?;
        let trouble = Trouble {
            cause: "unknown_growing".to_owned(),
            severity: Severity::Major,
            title: "Unknown outcomes grow".to_owned(),
            evidence: format!("{count} messages became unknown within an hour"),
            since_at: from,
            area: FaultArea::Sms,
            items: NOTHING,
        };
        self.file_or_recover(count >= self.faults.unknown_growth, &trouble, done).await
    }

    /// Of what was accepted within the last hour, the newest page: each message that is owed has
    /// one row of the ledger, of its price, and no other has any (L5 of the laws).
    async fn watch_charges(&self, done: &mut FaultsFiled) -> Result<(), Error> {
        const CAUSE: &str = "charge_mismatch";
        let now = self.now();
        let wrong = self.store.wrong_charges(now - GROWTH, now).await?;
        if wrong.is_empty() {
            let Some(row) = self.store.fault_of_cause(CAUSE).await? else { return Ok(()) };
            for item in self.store.fault_items(row.id).await? {
                let message = MessageId(item.name.parse().unwrap_or_default());
                if self.store.wrong_charge(message).await?.is_some() {
                    return Ok(());
                }
            }
            let note = "over: the charges of the messages that were named are right";
            done.recovered += usize::from(self.recover(&row, note).await?);
            return Ok(());
        }
        let lines: Vec<String> = wrong.iter().map(charge_line).collect();
        let trouble = Trouble {
            cause: CAUSE.to_owned(),
            severity: Severity::Major,
            title: "Charges do not fit their messages".to_owned(),
            evidence: lines.join("\n"),
            since_at: now - GROWTH,
            area: FaultArea::Settlement,
            items: (
                FaultItemKind::Message,
                wrong.iter().map(|one| one.message_id.to_string()).collect(),
            ),
        };
        done.filed += usize::from(self.file_trouble(&trouble).await?);
        Ok(())
    }

    async fn file_or_recover(
        &self,
        is_wrong: bool,
        trouble: &Trouble,
        done: &mut FaultsFiled,
    ) -> Result<(), Error> {
        if is_wrong {
            done.filed += usize::from(self.file_trouble(trouble).await?);
        } else if let Some(row) = self.store.fault_of_cause(&trouble.cause).await? {
            let note = format!("over: {}", trouble.evidence);
            done.recovered += usize::from(self.recover(&row, &note).await?);
        }
        Ok(())
    }

    /// Files what nobody filed yet; false if it is filed already.
    async fn file_trouble(&self, trouble: &Trouble) -> Result<bool, Error> {
        // Spares the turn at the writers' lock each minute; the constraint has the last word.
        if self.store.fault_of_cause(&trouble.cause).await?.is_some() {
            return Ok(false);
        }
        let (kind, names) = &trouble.items;
        let item = |name: &String| FaultItem {
            kind: kind.as_str().to_owned(),
            name: name.clone(),
            trace: String::new(),
        };
        let items: Vec<FaultItem> = names.iter().map(item).collect();
        let (now, targets) = (self.now(), &self.faults.targets);
        let new = NewFault {
            partner: None,
            person: None,
            area: trouble.area,
            severity: trouble.severity,
            title: &trouble.title,
            story: "",
            since_at: trouble.since_at,
            contact: "",
            cause: Some(&trouble.cause),
            evidence: &trouble.evidence,
            items: &items,
            incident: None,
            answer_by: targets.answer_by(trouble.severity, now, &self.rules.calendar),
            solve_by: targets.solve_by(trouble.severity, now, &self.rules.calendar),
        };
        Ok(self.file_fault(&Caller::Gateway, &new).await?.is_some())
    }

    /// Closes what is over, whoever works on it.
    async fn recover(&self, row: &FaultRow, note: &str) -> Result<bool, Error> {
        let after = self.after_step(row, TicketEvent::Recover, note)?;
        let met = [ANSWER_RULE, SOLUTION_RULE].map(|rule| DeadlineStep::Meet { rule });
        let write = FaultWrite { deadlines: met.to_vec(), ..plain(row, after, note) };
        unless_stale(self.write_fault(&Caller::Gateway, write, "recover").await)
    }
}
