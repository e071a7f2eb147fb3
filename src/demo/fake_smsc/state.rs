//! What all connections of one fake operator share, under one lock that is taken once for a batch
//! of PDUs and never held across an await.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{
    BindKind, CommandStatus, Delivery, FIRST_ID, Options, PoisonError, Script, ShortMessage, What,
    delivery::{self, Outbox},
    script::Closing,
};
use crate::{
    clock::Clock,
    demo::journal::{Entry, Event, JournalFile},
    smpp::Version,
};

/// Octets of `send_raw` that may wait on one connection.
const RAW_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) changed: watch::Sender<()>,
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(options: Options, script: Script) -> io::Result<Self> {
        let file = options.journal.as_deref().map(JournalFile::append_to).transpose()?;
        let state = State {
            script,
            journal: Journal::default(),
            accounts: HashMap::new(),
            anyone: Outbox::default(),
            lines: HashMap::new(),
            told: HashMap::new(),
            ahead: HashSet::new(),
            file,
            clock: Clock::system(),
            deliveries_max: options.deliveries_max,
            next_line: 1,
            next_id: options.first_id.max(FIRST_ID),
            next_delivery: 1,
        };
        Ok(Self { options, changed: watch::Sender::new(()), state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell_changed(&self) {
        self.changed.send_replace(());
    }
}

/// One `submit_sm` as it came.
#[derive(Debug, Clone)]
pub struct Submitted {
    pub at: Instant,
    /// Which connection it came on; counted from 1.
    pub line: u64,
    pub system_id: Bytes,
    pub sequence: u32,
    pub status: CommandStatus,
    /// The `message_id` in the answer; none if it was refused.
    pub id: Option<String>,
    pub message: ShortMessage,
    pub(super) number: Option<u64>,
}

/// What was seen since the start.
#[derive(Debug, Default)]
pub struct Journal {
    /// The newest submits, oldest first.
    pub submits: VecDeque<Submitted>,
    pub submits_seen: u64,
    pub submits_taken: u64,
    /// Binds that were asked for, refused ones too.
    pub binds_seen: u64,
    pub connections_ended: u64,
    pub mos_sent: u64,
    pub mos_acked: u64,
    pub receipts_sent: u64,
    pub receipts_acked: u64,
    /// `deliver_sm` that were answered with something else than success.
    pub deliveries_refused: u64,
    pub enquire_links_seen: u64,
    /// PDUs that were answered with an error by the protocol, or not at all.
    pub faults_seen: u64,
    /// Requests other than binds, submits and signs of life.
    pub others_seen: u64,
    /// The most submits of one connection that were unanswered at once: the window as it was
    /// used.
    pub unanswered_max: usize,
    pub(super) deliveries_made: u64,
    pub(super) deliveries_done: u64,
}

/// An established bind.
#[derive(Debug, Clone)]
pub struct BoundLine {
    pub line: u64,
    pub system_id: Bytes,
    pub kind: BindKind,
    pub version: Version,
    pub peer: SocketAddr,
    /// Deliveries that were written to it.
    pub deliveries: u64,
}

/// A connection as the others see it.
#[derive(Debug, Default)]
pub(super) struct LineEntry {
    pub(super) wake: Arc<Notify>,
    pub(super) bound: Option<BoundLine>,
    pub(super) closing: Option<Closing>,
    pub(super) raw: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) script: Script,
    pub(super) journal: Journal,
    accounts: HashMap<Bytes, Outbox>,
    /// Deliveries for whoever receives.
    anyone: Outbox,
    pub(super) lines: HashMap<u64, LineEntry>,
    /// Who waits for the answer to a delivery.
    told: HashMap<u64, oneshot::Sender<CommandStatus>>,
    /// Receipts that an answer on another connection waits for.
    ahead: HashSet<u64>,
    file: Option<JournalFile>,
    clock: Clock,
    deliveries_max: usize,
    next_line: u64,
    next_id: u64,
    next_delivery: u64,
}

impl State {
    pub(super) fn open_line(&mut self) -> (u64, Arc<Notify>) {
        let number = self.next_line;
        self.next_line += 1;
        let entry = LineEntry::default();
        let wake = Arc::clone(&entry.wake);
        self.lines.insert(number, entry);
        (number, wake)
    }

    pub(super) fn close_line(&mut self, number: u64) {
        self.lines.remove(&number);
        self.journal.connections_ended += 1;
    }

    pub(super) fn binds(&self) -> Vec<BoundLine> {
        let mut binds: Vec<_> =
            self.lines.values().filter_map(|entry| entry.bound.clone()).collect();
        binds.sort_by_key(|bound| bound.line);
        binds
    }

    pub(super) fn wake_all(&self) {
        for entry in self.lines.values() {
            entry.wake.notify_one();
        }
    }

    fn wake_receivers(&self, account: Option<&Bytes>) {
        for entry in self.lines.values() {
            let Some(bound) = &entry.bound else { continue };
            if bound.kind.receives() && account.is_none_or(|name| *name == bound.system_id) {
                entry.wake.notify_one();
            }
        }
    }

    pub(super) fn close_all(&mut self, how: Closing) {
        for entry in self.lines.values_mut() {
            entry.closing = Some(how);
        }
        self.wake_all();
    }

    pub(super) fn send_raw(&mut self, octets: &[u8]) {
        for entry in self.lines.values_mut() {
            if entry.raw.len() + octets.len() <= RAW_MAX {
                entry.raw.extend_from_slice(octets);
            }
        }
        self.wake_all();
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Notes a submit, in memory and in the file.
    pub(super) fn note_submit(&mut self, submit: Submitted, kept: usize, event: Option<Event>) {
        self.journal.submits_seen += 1;
        self.journal.submits_taken += u64::from(submit.id.is_some());
        if kept > 0 {
            if self.journal.submits.len() >= kept {
                self.journal.submits.pop_front();
            }
            self.journal.submits.push_back(submit);
        }
        if let Some(event) = event {
            self.note(event);
        }
    }

    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    fn note(&mut self, event: Event) {
        if let Some(file) = &mut self.file {
            file.add(&Entry { at: self.clock.now(), event });
        }
    }

    /// Hands the lines of a batch to the kernel.
    pub(super) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            file.flush();
        }
    }

    pub(super) fn deliveries_full(&self) -> bool {
        let open = self.journal.deliveries_made - self.journal.deliveries_done;
        open >= self.deliveries_max as u64
    }

    /// Queues one delivery; false if too many wait already.
    pub(super) fn queue(
        &mut self,
        account: Option<Bytes>,
        due: Instant,
        message: ShortMessage,
        what: What,
        tell: Option<oneshot::Sender<CommandStatus>>,
    ) -> bool {
        if self.deliveries_full() {
            return false;
        }
        let number = self.next_delivery;
        self.next_delivery += 1;
        self.journal.deliveries_made += 1;
        let delivery = Delivery { number, account, message, what };
        if let Some(tell) = tell {
            self.told.insert(number, tell);
        }
        if matches!(delivery.what, What::Mo) && self.has_file() {
            let (from, to) = (&delivery.message.source, &delivery.message.destination);
            let (from, to) = (lossy(&from.digits), lossy(&to.digits));
            self.note(Event::Mo { number, tag: delivery.tag(), from, to });
        }
        self.put(due, Arc::new(delivery));
        true
    }

    /// Queues the receipts for an accepted message, as the script wants them.
    pub(super) fn queue_receipts(
        &mut self,
        account: &Bytes,
        submit: &ShortMessage,
        number: u64,
        message_state: u8,
        due: Instant,
    ) -> bool {
        let plan = &self.script.receipts;
        let (copies, has_unknown) = (plan.copies.min(100), plan.have_unknown_ids);
        let format = plan.id_format.unwrap_or(self.script.id_format);
        // No answer carries an id below the first one.
        let id = format.write(if has_unknown { number % FIRST_ID } else { number });
        let at = self.clock.timestamp();
        let receipt = delivery::receipt(submit, &id, message_state, &self.script, at);
        let mut is_queued = true;
        for _ in 0..copies {
            let what = What::Receipt { id: id.clone() };
            is_queued &= self.queue(Some(account.clone()), due, receipt.clone(), what, None);
        }
        is_queued
    }

    /// Queues a delivery, or puts one back that was sent and not acknowledged: any bind of its
    /// account may take it.
    pub(super) fn put(&mut self, due: Instant, delivery: Arc<Delivery>) {
        self.wake_receivers(delivery.account.as_ref());
        match delivery.account.clone() {
            None => self.anyone.put(due, delivery),
            Some(name) => self.accounts.entry(name).or_default().put(due, delivery),
        }
    }

    /// The part of what is due that one of the account's binds should take now.
    pub(super) fn share(&self, account: &Bytes) -> usize {
        let waiting = self.accounts.get(account).map_or(0, Outbox::len) + self.anyone.len();
        let receivers = self.lines.values().filter_map(|entry| entry.bound.as_ref());
        let receivers =
            receivers.filter(|bound| bound.kind.receives() && bound.system_id == *account).count();
        waiting.div_ceil(receivers.max(1))
    }

    /// Marks the newest delivery as one that an answer waits for.
    pub(super) fn put_last_ahead(&mut self) -> u64 {
        let number = self.next_delivery - 1;
        self.ahead.insert(number);
        number
    }

    pub(super) fn is_ahead(&self, number: u64) -> bool {
        self.ahead.contains(&number)
    }

    pub(super) fn take_due(&mut self, account: &Bytes, now: Instant) -> Option<Arc<Delivery>> {
        let own = self.accounts.get_mut(account).and_then(|outbox| outbox.take_due(now));
        own.or_else(|| self.anyone.take_due(now))
    }

    pub(super) fn next_due(&self, account: &Bytes) -> Option<Instant> {
        let own = self.accounts.get(account).and_then(Outbox::next_due);
        own.into_iter().chain(self.anyone.next_due()).min()
    }

    pub(super) fn note_sent(&mut self, line: u64, delivery: &Delivery) {
        if let Some(bound) = self.lines.get_mut(&line).and_then(|entry| entry.bound.as_mut()) {
            bound.deliveries += 1;
        }
        match &delivery.what {
            What::Mo => self.journal.mos_sent += 1,
            What::Receipt { id } => {
                self.journal.receipts_sent += 1;
                if self.has_file() {
                    self.note(Event::ReceiptSent { id: id.clone() });
                }
            }
        }
    }

    /// A delivery was answered for good.
    pub(super) fn note_done(&mut self, delivery: &Delivery, status: CommandStatus) {
        self.journal.deliveries_done += 1;
        if self.ahead.remove(&delivery.number) {
            self.wake_all();
        }
        self.journal.deliveries_refused += u64::from(!status.is_ok());
        match &delivery.what {
            What::Mo => self.journal.mos_acked += 1,
            What::Receipt { .. } => self.journal.receipts_acked += 1,
        }
        if self.has_file() {
            let status = status.0;
            self.note(match &delivery.what {
                What::Mo => Event::MoAcked { number: delivery.number, tag: delivery.tag(), status },
                What::Receipt { id } => Event::ReceiptAcked { id: id.clone(), status },
            });
        }
        if let Some(tell) = self.told.remove(&delivery.number)
            && tell.send(status).is_err()
        {
            tracing::trace!("nobody waits for this answer any more");
        }
    }

    pub(super) fn summary(&self) -> String {
        let journal = &self.journal;
        let mut text = format!(
            "{} submits ({} taken), {} binds now, {} asked for, MO {}/{} acked, receipts {}/{} \
             acked, {} faults",
            journal.submits_seen,
            journal.submits_taken,
            self.binds().len(),
            journal.binds_seen,
            journal.mos_acked,
            journal.mos_sent,
            journal.receipts_acked,
            journal.receipts_sent,
            journal.faults_seen,
        );
        if let Some(failure) = self.file.as_ref().and_then(JournalFile::failure) {
            // Writing to a String cannot fail.
            write!(text, "; journal: {failure}").expect("a String takes everything");
        }
        text
    }
}

pub(super) fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
