//! Mixed load from peers that outlive the gateway: subscribers text, a partner answers free and
//! charged, a second program of the same partner sends by itself. Whoever gets no answer sends
//! the same text again.
//!
//! What surprises: everything that the laws are checked against afterwards is in the peers'
//! journals, in files of their own; the gateway never writes there.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use bramka::{
    clock::Clock,
    demo::{
        PartnerApp,
        esme::{Esme, Failed, mt},
        fake_smsc::{self, FakeSmsc, Script},
        journal::{Entry, Event, JournalFile},
        sample_partner::{self, Answer},
        subscribers::{self, Plan},
    },
    smpp::{BindKind, CommandStatus, ShortMessage, Version, pdu::MessageResp},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use super::{
    process::Site,
    world::{PASSWORD, eventually},
};

/// Requests in flight on each partner session.
const WINDOW: usize = 10;

/// Numbers from a seed: every run with the same seed chooses the same instants.
pub(crate) struct Dice(u64);

impl Dice {
    /// The seed of the environment, or a new one; printed, so that a failure can be repeated.
    pub(crate) fn from_environment() -> (Self, u64) {
        let given = std::env::var("BRAMKA_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| Clock::system().random().unsigned_abs() & 0xffff_ffff);
        (Self(seed), seed)
    }

    /// splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The SMSC and the partner's programs.
pub(crate) struct Peers {
    pub(crate) smsc: FakeSmsc,
    folder: PathBuf,
    partner: Option<PartnerApp>,
    sender: JoinSet<u64>,
    sender_stop: watch::Sender<bool>,
}

impl Peers {
    /// The SMSC first: the gateway is told where it is.
    pub(crate) async fn new(folder: &Path, script: Script) -> Self {
        let options = fake_smsc::Options {
            journal: Some(folder.join("smsc.jsonl")),
            response: Duration::from_secs(5),
            ..fake_smsc::Options::default()
        };
        let smsc = FakeSmsc::with(options, script).await.expect("a port for the SMSC");
        Self {
            smsc,
            folder: folder.to_owned(),
            partner: None,
            sender: JoinSet::new(),
            sender_stop: watch::channel(false).0,
        }
    }

    /// Starts the partner's programs; they wait for the gateway by themselves.
    pub(crate) fn begin(&mut self, site: &Site, rate: f64) {
        let mut options = sample_partner::Options::new(site.smpp, "acme", PASSWORD);
        options.sessions = 2;
        options.window = WINDOW;
        options.answers =
            vec![Answer::new("WIN", "Thank you", None), Answer::new("PAY", "Your prize", None)];
        options.journal = Some(self.folder.join("partner.jsonl"));
        options.reconnect = (Duration::from_millis(10), Duration::from_millis(50));
        options.retry_delay = Duration::from_millis(100);
        self.partner = Some(PartnerApp::start(options).expect("a journal"));
        let journal = JournalFile::append_to(&self.folder.join("sender.jsonl")).expect("a journal");
        let sender = Sender {
            gateway: site.smpp,
            journal,
            clock: Clock::system(),
            rate,
            owed: VecDeque::new(),
            made: 0,
        };
        self.sender.spawn(sender.run(self.sender_stop.subscribe()));
    }

    /// Subscribers text for as long as this is polled, so many in a second to each number.
    pub(crate) async fn texting(&self, rate: f64) {
        let plan =
            |code: &str, text: &str| Plan { texts: vec![text.to_owned()], ..Plan::new(rate, code) };
        let (free, charged) = (plan("7455", "WIN now"), plan("7466", "PAY now"));
        tokio::join!(subscribers::text(&self.smsc, &free), subscribers::text(&self.smsc, &charged));
    }

    /// What the partner's programs and the SMSC still owe each other.
    pub(crate) fn answered(&self) -> u64 {
        let counts = self.partner.as_ref().map(PartnerApp::counts).unwrap_or_default();
        counts.mts_accepted + counts.receipts
    }

    /// Waits until every MO is answered, every answer accepted and every receipt acknowledged.
    pub(crate) async fn settle(&mut self) {
        self.sender_stop.send_replace(true);
        let sent = self.sender.join_next().await;
        sent.expect("a sender").expect("a sender that does not panic");
        let partner = self.partner.as_ref().expect("a partner");
        eventually("the peers owe each other nothing", async || {
            let counts = partner.counts();
            let replies = counts.mos - counts.mos_repeated;
            let is_quiet = self.smsc.deliveries_open() == 0
                && replies == counts.mts_accepted + counts.mts_refused;
            is_quiet.then_some(())
        })
        .await;
    }

    /// Unbinds the partner, so that its journal is whole.
    pub(crate) async fn end(&mut self) {
        if let Some(partner) = self.partner.take() {
            partner.stop().await;
        }
    }
}

/// A program that sends by itself, on a transmitter, and repeats what was not answered.
struct Sender {
    gateway: std::net::SocketAddr,
    journal: JournalFile,
    clock: Clock,
    rate: f64,
    owed: VecDeque<Owed>,
    made: u64,
}

struct Owed {
    tag: String,
    message: ShortMessage,
    attempt: u32,
}

impl Sender {
    async fn run(mut self, stop: watch::Receiver<bool>) -> u64 {
        let mut tries = tokio::time::interval(Duration::from_millis(20));
        tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tries.tick().await;
            if *stop.borrow() && self.owed.is_empty() {
                self.journal.flush();
                return self.made;
            }
            let bound =
                Esme::bind(self.gateway, BindKind::Transmitter, Version::V34, "acme", PASSWORD);
            if let Ok(esme) = bound.await {
                self.serve(&esme, &stop).await;
            }
        }
    }

    /// Sends until the connection ends; what has no answer is owed again.
    async fn serve(&mut self, esme: &Esme, stop: &watch::Receiver<bool>) {
        let mut beat = tokio::time::interval(Duration::from_millis(10));
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut flying = FuturesUnordered::new();
        let mut credit = 0.0_f64;
        loop {
            while !esme.is_closed()
                && flying.len() < WINDOW
                && let Some(owed) = self.owed.pop_front()
            {
                self.note(Event::MtSent { tag: owed.tag.clone(), attempt: owed.attempt });
                let message = owed.message.clone();
                flying.push(async move { (owed, esme.submit(message).await) });
            }
            self.journal.flush();
            if esme.is_closed() && flying.is_empty() {
                return;
            }
            if *stop.borrow() && flying.is_empty() && self.owed.is_empty() {
                return;
            }
            tokio::select! {
                Some((owed, answer)) = flying.next() => self.answered(owed, answer),
                _ = beat.tick() => {
                    credit = (credit + self.rate / 100.0).min(self.rate.max(1.0));
                    while credit >= 1.0 && !*stop.borrow() && self.owed.len() < 1000 {
                        self.make();
                        credit -= 1.0;
                    }
                }
            }
        }
    }

    fn make(&mut self) {
        let number = self.made;
        self.made += 1;
        let tag = format!("s{number}");
        let (sender, recipient) =
            (["7455", "7466"][usize::from(number % 2 == 1)], 48_500_000_000 + number);
        let message = mt(sender, &recipient.to_string(), &format!("News of today #{tag}"));
        self.owed.push_back(Owed { tag, message, attempt: 1 });
    }

    fn answered(&mut self, mut owed: Owed, answer: Result<MessageResp, Failed>) {
        match answer {
            Ok(resp) => {
                let id = String::from_utf8_lossy(&resp.message_id).into_owned();
                self.note(Event::MtAccepted { tag: owed.tag, id });
            }
            Err(Failed::Refused(status)) if !is_temporary(status) => {
                self.note(Event::MtRefused { tag: owed.tag, status: status.0 });
            }
            Err(_) => {
                owed.attempt += 1;
                self.owed.push_front(owed);
            }
        }
    }

    fn note(&mut self, event: Event) {
        self.journal.add(&Entry { at: self.clock.now(), event });
    }
}

fn is_temporary(status: CommandStatus) -> bool {
    [
        CommandStatus::RTHROTTLED,
        CommandStatus::RMSGQFUL,
        CommandStatus::RSYSERR,
        CommandStatus::RX_T_APPN,
    ]
    .contains(&status)
}
