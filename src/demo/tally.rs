//! The count of what was lost or doubled, from the journals of the two peers alone.
//!
//! Nothing of the gateway is read. What surprises: an MO that the partner got twice is not
//! counted as doubled. The gateway promises at least one delivery with the same identifier; only
//! a reply that reached the SMSC twice would charge a subscriber twice.

use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    path::Path,
    time::Duration,
};

use super::journal::{self, Event, Tail};

/// Which events must have come to their end.
#[derive(Debug, Clone, Copy)]
pub enum Settled {
    /// Everything: the world stands still.
    All,
    /// What is older than this at that moment (microseconds since 1970 UTC); the rest is in
    /// flight.
    Before { now: i64, age: Duration },
}

impl Settled {
    fn until(self) -> i64 {
        match self {
            Self::All => i64::MAX,
            Self::Before { now, age } => {
                now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
            }
        }
    }
}

/// What was counted. Every number but `*_again` counts different messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// MOs that the SMSC had.
    pub mos_sent: u64,
    /// MOs that the gateway took over.
    pub mos_acked: u64,
    /// MOs that the gateway refused for good.
    pub mos_refused: u64,
    pub mos_seen: u64,
    /// Further times that the partner got an MO.
    pub mos_seen_again: u64,
    pub mos_lost: u64,
    pub mos_in_flight: u64,
    /// Replies that the partner sent.
    pub mts_sent: u64,
    /// Further times that it sent one, because no answer came.
    pub mts_sent_again: u64,
    /// Replies that the gateway took over.
    pub mts_accepted: u64,
    pub mts_refused: u64,
    /// Replies that reached the SMSC and were taken.
    pub mts_taken: u64,
    /// Further times that the SMSC took one: each may have charged a subscriber again.
    pub mts_doubled: u64,
    pub mts_lost: u64,
    pub mts_in_flight: u64,
    /// Accepted replies that never reached the SMSC, of which the partner was told by a receipt.
    pub mts_given_up: u64,
    /// Receipts that the gateway took over and whose reply is known.
    pub receipts_acked: u64,
    pub receipts_seen: u64,
    /// Further receipts for the same reply with the same state.
    pub receipts_seen_again: u64,
    pub receipts_lost: u64,
    pub receipts_in_flight: u64,
    /// Charged replies that the SMSC took and said to be delivered: what the ledger must hold.
    pub charges_due: u64,
    /// Submits without a tag, which nothing can be said about.
    pub untagged: u64,
}

impl Tally {
    /// Counts the journal of the SMSC and those of all its partners.
    pub fn read<P: AsRef<Path>>(smsc: &Path, partners: &[P], settled: Settled) -> io::Result<Self> {
        let mut book = Book::default();
        journal::read(smsc, |entry| book.take(entry.at, entry.event))?;
        for partner in partners {
            journal::read(partner.as_ref(), |entry| book.take(entry.at, entry.event))?;
        }
        Ok(book.count(settled.until()))
    }

    /// Everything that was begun has come to its end.
    pub fn is_settled(&self) -> bool {
        self.mos_acked + self.mos_refused == self.mos_sent
            && self.mos_seen == self.mos_acked
            && self.mts_sent >= self.mos_seen
            && self.mts_accepted + self.mts_refused == self.mts_sent
            && self.receipts_seen + self.mts_given_up == self.mts_accepted
    }

    pub fn lost(&self) -> u64 {
        self.mos_lost + self.mts_lost + self.receipts_lost
    }

    pub fn doubled(&self) -> u64 {
        self.mts_doubled
    }
}

/// The same count again and again while the journals grow.
#[derive(Debug)]
pub struct Watch {
    smsc: Tail,
    partner: Tail,
    book: Book,
}

impl Watch {
    /// Counts only submits from `sender`, because others may use the same SMSC, and only what
    /// began with an MO of this journal.
    pub fn new(smsc: &Path, partner: &Path, sender: &str) -> Self {
        let book = Book { only_from: Some(sender.to_owned()), ..Book::default() };
        Self { smsc: Tail::of(smsc), partner: Tail::of(partner), book }
    }

    pub fn look(&mut self, settled: Settled) -> io::Result<Tally> {
        let book = &mut self.book;
        for tail in [&mut self.smsc, &mut self.partner] {
            match tail.read(|entry| book.take(entry.at, entry.event)) {
                // Its writer has not begun.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(book.count(settled.until()))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, numbers: [u64; 5]| {
            let [given, arrived, in_flight, lost, doubled] = numbers;
            writeln!(f, "{name:<12}{given:>10}{arrived:>10}{in_flight:>11}{lost:>7}{doubled:>9}")
        };
        writeln!(
            f,
            "{:<12}{:>10}{:>10}{:>11}{:>7}{:>9}",
            "", "accepted", "arrived", "in flight", "lost", "doubled"
        )?;
        let mos = [self.mos_acked, self.mos_seen, self.mos_in_flight, self.mos_lost, 0];
        line(f, "MO", mos)?;
        let mts = [
            self.mts_accepted,
            self.mts_taken,
            self.mts_in_flight,
            self.mts_lost,
            self.mts_doubled,
        ];
        line(f, "MT", mts)?;
        let receipts = [
            self.receipts_acked,
            self.receipts_seen,
            self.receipts_in_flight,
            self.receipts_lost,
            0,
        ];
        line(f, "receipts", receipts)?;
        writeln!(f, "lost {}, doubled {}", self.lost(), self.doubled())
    }
}

#[derive(Debug, Default)]
struct Mo {
    /// The SMSC of this journal sent it.
    is_ours: bool,
    is_refused: bool,
    acked_at: Option<i64>,
    seen: u64,
}

/// One reply under its tag.
#[derive(Debug, Default)]
struct Mt {
    sent: u64,
    accepted_at: Option<i64>,
    gateway_ids: Vec<String>,
    refused: u64,
    taken: u64,
    has_tariff: bool,
    receipt_acked_at: Option<i64>,
}

#[derive(Debug, Default)]
struct Book {
    mos: HashMap<String, Mo>,
    mts: HashMap<String, Mt>,
    /// The tag behind each `message_id` of the SMSC.
    tags: HashMap<String, String>,
    /// States of the receipts that the partner got, by the gateway's id.
    receipts: HashMap<String, Vec<u8>>,
    untagged: u64,
    only_from: Option<String>,
}

impl Book {
    fn take(&mut self, at: i64, event: Event) {
        match event {
            Event::Submit { sender, .. }
                if self.only_from.as_ref().is_some_and(|only| *only != sender) => {}
            Event::Submit { id: Some(id), tag: Some(tag), tariff, .. } => {
                let mt = self.mts.entry(tag.clone()).or_default();
                mt.taken += 1;
                mt.has_tariff |= tariff.is_some();
                self.tags.insert(id, tag);
            }
            Event::Submit { id: Some(_), tag: None, .. } => self.untagged += 1,
            Event::Mo { tag: Some(tag), .. } => {
                self.mos.entry(tag).or_default().is_ours = true;
            }
            Event::MoAcked { tag: Some(tag), status, .. } => {
                let mo = self.mos.entry(tag).or_default();
                if status == 0 {
                    mo.acked_at.get_or_insert(at);
                } else {
                    mo.is_refused = true;
                }
            }
            Event::MoSeen { tag: Some(tag), .. } => self.mos.entry(tag).or_default().seen += 1,
            // Ids that no submit got are the script's invention.
            Event::ReceiptAcked { id, status: 0 } => {
                if let Some(mt) = self.tags.get(&id).and_then(|tag| self.mts.get_mut(tag)) {
                    mt.receipt_acked_at.get_or_insert(at);
                }
            }
            Event::MtSent { tag, .. } => self.mts.entry(tag).or_default().sent += 1,
            Event::MtAccepted { tag, id } => {
                let mt = self.mts.entry(tag).or_default();
                mt.accepted_at.get_or_insert(at);
                mt.gateway_ids.push(id);
            }
            Event::MtRefused { tag, .. } => self.mts.entry(tag).or_default().refused += 1,
            Event::Receipt { id, state } => self.receipts.entry(id).or_default().push(state),
            Event::Submit { id: None, .. }
            | Event::Mo { .. }
            | Event::MoAcked { .. }
            | Event::MoSeen { .. }
            | Event::ReceiptSent { .. }
            | Event::ReceiptAcked { .. } => {}
        }
    }

    fn count(&self, until: i64) -> Tally {
        let mut tally = Tally { untagged: self.untagged, ..Tally::default() };
        for mo in self.mos.values().filter(|mo| self.counts(mo)) {
            count_mo(&mut tally, mo, until);
        }
        for (tag, mt) in &self.mts {
            tally.charges_due += u64::from(mt.has_tariff && mt.receipt_acked_at.is_some());
            if self.only_from.is_none() || self.mos.get(tag).is_some_and(|mo| self.counts(mo)) {
                self.count_mt(&mut tally, mt, until);
            }
        }
        for states in self.receipts.values() {
            let different: HashSet<_> = states.iter().collect();
            tally.receipts_seen_again += (states.len() - different.len()) as u64;
        }
        tally
    }

    /// What an earlier run left in the gateway has no beginning in these journals.
    fn counts(&self, mo: &Mo) -> bool {
        self.only_from.is_none() || mo.is_ours
    }

    fn count_mt(&self, tally: &mut Tally, mt: &Mt, until: i64) {
        let is_told = mt.gateway_ids.iter().any(|id| self.receipts.contains_key(id));
        tally.mts_sent += u64::from(mt.sent > 0);
        tally.mts_sent_again += mt.sent.saturating_sub(1);
        tally.mts_accepted += u64::from(mt.accepted_at.is_some());
        tally.mts_refused += u64::from(mt.refused > 0);
        tally.mts_taken += u64::from(mt.taken > 0);
        tally.mts_doubled += mt.taken.saturating_sub(1);
        tally.receipts_seen += u64::from(is_told && mt.taken > 0);
        if let Some(at) = mt.accepted_at
            && mt.taken == 0
        {
            if is_told {
                tally.mts_given_up += 1;
            } else if at <= until {
                tally.mts_lost += 1;
            } else {
                tally.mts_in_flight += 1;
            }
        }
        // Without an id of the gateway the partner could not recognise its receipt.
        if let Some(at) = mt.receipt_acked_at
            && !mt.gateway_ids.is_empty()
        {
            tally.receipts_acked += 1;
            if !is_told && at <= until {
                tally.receipts_lost += 1;
            } else if !is_told {
                tally.receipts_in_flight += 1;
            }
        }
    }
}

fn count_mo(tally: &mut Tally, mo: &Mo, until: i64) {
    tally.mos_sent += 1;
    tally.mos_acked += u64::from(mo.acked_at.is_some());
    tally.mos_refused += u64::from(mo.is_refused);
    tally.mos_seen += u64::from(mo.seen > 0);
    tally.mos_seen_again += mo.seen.saturating_sub(1);
    if let Some(at) = mo.acked_at
        && mo.seen == 0
    {
        if at <= until {
            tally.mos_lost += 1;
        } else {
            tally.mos_in_flight += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mo_acked(tag: &str) -> Event {
        Event::MoAcked { number: 1, tag: Some(tag.to_owned()), status: 0 }
    }

    fn mo_seen(tag: &str) -> Event {
        let (from, to) = ("48600100200".to_owned(), "7055".to_owned());
        Event::MoSeen { tag: Some(tag.to_owned()), gateway_id: None, from, to, repeated: false }
    }

    fn submit(id: &str, tag: &str) -> Event {
        Event::Submit {
            id: Some(id.to_owned()),
            status: 0,
            system_id: "acme".to_owned(),
            sender: "7055".to_owned(),
            recipient: "48600100200".to_owned(),
            body_hash: String::new(),
            tag: Some(tag.to_owned()),
            tariff: None,
        }
    }

    fn accepted(tag: &str, id: &str) -> Event {
        Event::MtAccepted { tag: tag.to_owned(), id: id.to_owned() }
    }

    fn receipt_acked(id: &str) -> Event {
        Event::ReceiptAcked { id: id.to_owned(), status: 0 }
    }

    fn receipt(id: &str) -> Event {
        Event::Receipt { id: id.to_owned(), state: 2 }
    }

    fn count(events: Vec<Event>, settled: Settled) -> Tally {
        let mut book = Book::default();
        for event in events {
            book.take(1_000_000, event);
        }
        book.count(settled.until())
    }

    #[test]
    fn a_whole_story_loses_and_doubles_nothing() {
        let story = vec![
            mo_acked("k1"),
            submit("s1", "k1"),
            receipt_acked("s1"),
            mo_seen("k1"),
            mo_seen("k1"),
            accepted("k1", "g1"),
            receipt("g1"),
        ];
        let tally = count(story, Settled::All);
        assert_eq!((tally.lost(), tally.doubled()), (0, 0));
        assert_eq!((tally.mos_seen, tally.mos_seen_again), (1, 1));
        assert_eq!((tally.mts_taken, tally.receipts_seen), (1, 1));
    }

    #[test]
    fn each_missing_end_is_a_loss() {
        let stories = [
            vec![mo_acked("k1")],
            vec![accepted("k1", "g1")],
            vec![submit("s1", "k1"), receipt_acked("s1"), accepted("k1", "g1")],
        ];
        for story in stories {
            let young = Settled::Before { now: 2_000_000, age: Duration::from_secs(2) };
            let old = Settled::Before { now: 4_000_000, age: Duration::from_secs(2) };
            assert_eq!(count(story.clone(), young).lost(), 0, "{story:?}");
            assert_eq!(count(story.clone(), old).lost(), 1, "{story:?}");
            assert_eq!(count(story, Settled::All).lost(), 1);
        }
    }

    #[test]
    fn a_reply_that_the_operator_took_twice_is_doubled() {
        let story = vec![submit("s1", "k1"), submit("s2", "k1"), accepted("k1", "g1")];
        let tally = count(story, Settled::All);
        assert_eq!((tally.mts_taken, tally.doubled(), tally.lost()), (1, 1, 0));
    }

    #[test]
    fn an_accepted_reply_whose_end_was_told_is_not_lost() {
        let tally = count(vec![accepted("k1", "g1"), receipt("g1")], Settled::All);
        assert_eq!((tally.lost(), tally.mts_given_up), (0, 1));
    }

    #[test]
    fn what_was_not_accepted_cannot_be_lost() {
        let story = vec![
            Event::MtSent { tag: "k1".to_owned(), attempt: 1 },
            Event::MtRefused { tag: "k1".to_owned(), status: 0x58 },
            receipt_acked("nobody"),
        ];
        let tally = count(story, Settled::All);
        assert_eq!((tally.lost(), tally.mts_sent, tally.mts_refused), (0, 1, 1));
    }

    #[test]
    fn what_strangers_and_earlier_runs_sent_is_not_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (smsc, partner) = (folder.path().join("smsc"), folder.path().join("partner"));
        let mut watch = Watch::new(&smsc, &partner, "7055");
        assert_eq!(watch.look(Settled::All).unwrap(), Tally::default());

        let mut stranger = submit("s1", "k0");
        if let Event::Submit { sender, .. } = &mut stranger {
            "7066".clone_into(sender);
        }
        let mo = Event::Mo {
            number: 1,
            tag: Some("k1".to_owned()),
            from: "48600100200".to_owned(),
            to: "7055".to_owned(),
        };
        let events = [stranger.clone(), stranger, mo, submit("s2", "k1"), submit("s3", "old")];
        let mut file = journal::JournalFile::append_to(&smsc).unwrap();
        for event in events {
            file.add(&journal::Entry { at: 1, event });
        }
        file.flush();
        let tally = watch.look(Settled::All).unwrap();
        assert_eq!((tally.mos_sent, tally.mts_taken, tally.doubled()), (1, 1, 0));
    }

    #[test]
    fn the_table_shows_the_two_numbers_that_matter() {
        let tally = count(vec![mo_acked("k1"), mo_acked("k2"), mo_seen("k2")], Settled::All);
        let expected = "              accepted   arrived  in flight   lost  doubled
MO                   2         1          0      1        0
MT                   0         0          0      0        0
receipts             0         0          0      0        0
lost 1, doubled 0
";
        assert_eq!(tally.to_string(), expected);
    }
}
