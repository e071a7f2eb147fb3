//! What the partner's sessions share: the MOs it knows, the replies it owes, its journal.

use std::{
    collections::{HashSet, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use super::{Answer, Options};
use crate::{
    clock::Clock,
    demo::journal::{self, Entry, Event, JournalFile},
    smpp::{Address, CommandStatus, ShortMessage, Tlvs, tag, values::esm_class},
};

/// Replies that may wait; an MO beyond is refused for now.
const REPLIES_MAX: usize = 100_000;
/// MOs that are remembered.
const SEEN_MAX: usize = 1_000_000;

/// What the partner did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub sessions_bound: u64,
    pub binds: u64,
    pub mos: u64,
    pub mos_repeated: u64,
    pub mts_sent: u64,
    pub mts_accepted: u64,
    pub mts_refused: u64,
    pub receipts: u64,
}

/// A reply that is owed until it is answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) tag: String,
    pub(super) message: ShortMessage,
    pub(super) attempt: u32,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) changed: watch::Sender<()>,
    book: Mutex<Book>,
}

#[derive(Debug)]
pub(super) struct Book {
    pub(super) counts: Counts,
    replies: VecDeque<Arc<Reply>>,
    /// Refused for now, in the order of their time.
    later: VecDeque<(Instant, Arc<Reply>)>,
    seen: HashSet<String>,
    seen_order: VecDeque<String>,
    file: Option<JournalFile>,
    clock: Clock,
}

impl Shared {
    pub(super) fn new(options: Options) -> io::Result<Self> {
        let file = options.journal.as_deref().map(JournalFile::append_to).transpose()?;
        let book = Book {
            counts: Counts::default(),
            replies: VecDeque::new(),
            later: VecDeque::new(),
            seen: HashSet::new(),
            seen_order: VecDeque::new(),
            file,
            clock: Clock::system(),
        };
        Ok(Self { options, changed: watch::Sender::new(()), book: Mutex::new(book) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn note(&mut self, event: Event) {
        if let Some(file) = &mut self.file {
            file.add(&Entry { at: self.clock.now(), event });
        }
    }

    pub(super) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            file.flush();
        }
    }

    /// Takes an MO or a receipt and answers its `deliver_sm`. The notes are made first.
    pub(super) fn take(&mut self, message: &ShortMessage, options: &Options) -> CommandStatus {
        match message.esm_class & esm_class::TYPE {
            esm_class::RECEIPT | esm_class::INTERMEDIATE => self.take_receipt(message),
            _ => return self.take_mo(message, options),
        }
        CommandStatus::ROK
    }

    fn take_receipt(&mut self, message: &ShortMessage) {
        let text = journal::text_of(message);
        let id = match message.tlvs.text(tag::RECEIPTED_MESSAGE_ID) {
            Some(id) => String::from_utf8_lossy(id).into_owned(),
            None => field(&text, "id:").unwrap_or_default().to_owned(),
        };
        let state = message.tlvs.u8(tag::MESSAGE_STATE);
        let state = state.unwrap_or_else(|| state_of(field(&text, "stat:").unwrap_or_default()));
        self.counts.receipts += 1;
        self.note(Event::Receipt { id, state });
    }

    fn take_mo(&mut self, message: &ShortMessage, options: &Options) -> CommandStatus {
        if self.replies.len() + self.later.len() >= REPLIES_MAX {
            return CommandStatus::RMSGQFUL;
        }
        let text = journal::text_of(message);
        let mo_tag = journal::tag_of(&text).map(str::to_owned);
        let gateway_id = message.tlvs.text(tag::RECEIPTED_MESSAGE_ID);
        let gateway_id = gateway_id.map(|id| String::from_utf8_lossy(id).into_owned());
        let key = mo_tag.clone().or_else(|| gateway_id.clone());
        let repeated = key.as_ref().is_some_and(|key| !self.remember(key));
        self.counts.mos += 1;
        self.counts.mos_repeated += u64::from(repeated);
        self.note(Event::MoSeen {
            tag: mo_tag.clone(),
            gateway_id,
            from: lossy(&message.source),
            to: lossy(&message.destination),
            repeated,
        });
        let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        let fits = |answer: &&Answer| answer.keyword == "*" || answer.keyword == word;
        if !repeated && let Some(answer) = options.answers.iter().find(fits) {
            // A handset's MO has no tag of its own.
            let own = || format!("p{}", self.counts.mos);
            let key = mo_tag.or_else(|| key.filter(|key| is_tag(key))).unwrap_or_else(own);
            let message = reply(message, answer, &key, options);
            self.replies.push_back(Arc::new(Reply { tag: key, message, attempt: 1 }));
        }
        CommandStatus::ROK
    }

    /// False if it was known.
    fn remember(&mut self, key: &str) -> bool {
        if !self.seen.insert(key.to_owned()) {
            return false;
        }
        self.seen_order.push_back(key.to_owned());
        if self.seen_order.len() > SEEN_MAX
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// The next reply to send; it is the caller's until it is answered or owed again.
    pub(super) fn next_reply(&mut self, now: Instant) -> Option<Arc<Reply>> {
        let is_time = self.later.front().is_some_and(|(due, _)| *due <= now);
        let reply = if is_time {
            self.later.pop_front().map(|(_, reply)| reply)
        } else {
            self.replies.pop_front()
        }?;
        self.counts.mts_sent += 1;
        self.note(Event::MtSent { tag: reply.tag.clone(), attempt: reply.attempt });
        Some(reply)
    }

    /// A reply that was sent and not answered is owed again, with the same text.
    pub(super) fn owe_again(&mut self, reply: &Reply) {
        self.replies.push_front(again(reply));
    }

    pub(super) fn answered(
        &mut self,
        reply: &Reply,
        status: CommandStatus,
        id: &[u8],
        retry_at: Instant,
    ) {
        match status {
            CommandStatus::ROK => {
                self.counts.mts_accepted += 1;
                let id = String::from_utf8_lossy(id).into_owned();
                self.note(Event::MtAccepted { tag: reply.tag.clone(), id });
            }
            CommandStatus::RTHROTTLED
            | CommandStatus::RMSGQFUL
            | CommandStatus::RSYSERR
            | CommandStatus::RX_T_APPN => self.later.push_back((retry_at, again(reply))),
            _ => {
                self.counts.mts_refused += 1;
                self.note(Event::MtRefused { tag: reply.tag.clone(), status: status.0 });
            }
        }
    }
}

fn again(reply: &Reply) -> Arc<Reply> {
    let attempt = reply.attempt.saturating_add(1);
    Arc::new(Reply { tag: reply.tag.clone(), message: reply.message.clone(), attempt })
}

fn reply(mo: &ShortMessage, answer: &Answer, key: &str, options: &Options) -> ShortMessage {
    let mut tlvs = Tlvs::new();
    if let Some(tariff) = &answer.tariff {
        tlvs = tlvs.with_text(options.tariff_tag, tariff);
    }
    if let Some(service) = &answer.service {
        tlvs = tlvs.with_text(options.service_tag, service);
    }
    ShortMessage {
        source: mo.destination.clone(),
        destination: mo.source.clone(),
        registered_delivery: 1,
        short_message: format!("{} #{key}", answer.text).into_bytes().into(),
        tlvs,
        ..ShortMessage::default()
    }
}

fn is_tag(key: &str) -> bool {
    journal::tag_of(&format!("#{key}")) == Some(key)
}

fn lossy(address: &Address) -> String {
    String::from_utf8_lossy(&address.digits).into_owned()
}

/// The word after a key of a receipt's text. [34 app. B]
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let at = text.to_ascii_lowercase().find(key)?;
    text.get(at + key.len()..)?.split_whitespace().next()
}

fn state_of(stat: &str) -> u8 {
    match stat {
        "ENROUTE" => 1,
        "DELIVRD" => 2,
        "EXPIRED" => 3,
        "DELETED" => 4,
        "UNDELIV" => 5,
        "ACCEPTD" => 6,
        "REJECTD" => 8,
        _ => 7,
    }
}
