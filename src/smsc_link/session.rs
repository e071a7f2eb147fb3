//! One session with an SMSC: bind, send what the lanes bring, take what comes, leave in order.
//!
//! This is the loop and the memory; `pace` says how much it may claim, `sending` follows a message,
//! `taking` what the SMSC sends, `ending` the end. What surprises: one task does all of it, so
//! nothing in the loop may wait for a disk.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{Link, ending::Ended, pace::Claiming, sending::Sending, taking::Taken};
use crate::{
    config::TlvsAllowed,
    domain::Item,
    gateway::{lane::Outlet, mo::MoAccepted},
    metrics,
    smpp::{
        Action, BindKind, Command, CommandStatus, Connection, Pdu, Role, Session, ShortMessage,
        Step, Version, codec,
        connection::ConnectionLimits,
        pdu::{Address, Bind},
        session::Limits,
        tag,
    },
};

pub(super) const SIDE: &str = "link";
/// Requests of an SMSC in work before its socket is no longer read.
const WINDOW_IN: usize = 1000;

/// What a request of ours was about.
#[derive(Debug, Clone)]
pub(super) enum Token {
    Bind,
    Part(Arc<Sending>, usize),
}

pub(crate) struct Talk<S> {
    pub(super) link: Arc<Link>,
    pub(super) kind: BindKind,
    pub(super) connection: Connection<S>,
    pub(super) session: Session<Token>,
    pub(super) actions: Vec<Action<Token>>,
    pub(super) outlet: Option<Arc<Outlet>>,
    pub(super) work: FuturesUnordered<Pin<Box<dyn Future<Output = Taken> + Send>>>,
    pub(super) claiming: Option<Claiming>,
    /// Claimed and not sent yet.
    pub(super) ready: VecDeque<Item>,
    /// Parts that the SMSC asked us to send later.
    pub(super) later: VecDeque<(Instant, (Arc<Sending>, usize), ShortMessage)>,
    /// Nothing is sent before this moment (P19).
    pub(super) paused_until: Option<Instant>,
    pub(super) unflushed: VecDeque<(u64, MoAccepted)>,
    pub(super) unheard: Vec<MoAccepted>,
    pub(super) takes_tlvs: bool,
    pub(super) ends: Option<&'static str>,
    pub(super) refused: Option<CommandStatus>,
    /// Once nothing new goes: when what is under way is waited for no longer (P38).
    pub(super) stop_by: Option<Instant>,
    pub(super) was_bound: bool,
    /// A suspect is in flight, and nothing else (P21).
    pub(super) is_alone: bool,
}

enum Event {
    Taken(Taken),
    Claimed(Vec<Item>),
    Step(std::io::Result<Step>),
    Woken,
    Resume,
    Changed,
    Tick,
    Stop,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    pub(crate) fn new(link: Arc<Link>, kind: BindKind, stream: S) -> Self {
        let settings = &link.profile.settings;
        let limits = Limits {
            session_init: settings.connect,
            enquire_link: settings.enquire_link,
            response: settings.response,
            misses: 1,
            inactivity: None,
            window: 1,
            window_in: WINDOW_IN,
            data_sm_on_receiver: true,
            enquire_link_answer: settings.enquire_link.min(settings.response),
            enquire_link_keeps: true,
        };
        let connection_limits = ConnectionLimits {
            pdu_octets_max: settings.pdu_octets_max as usize,
            ..ConnectionLimits::default()
        };
        Self {
            connection: Connection::new(stream, connection_limits),
            session: Session::new(Role::Esme, limits, Instant::now()),
            kind,
            actions: Vec::new(),
            outlet: kind.transmits().then(|| link.gateway.to_links(link.seat.group)),
            work: FuturesUnordered::new(),
            claiming: None,
            ready: VecDeque::new(),
            later: VecDeque::new(),
            paused_until: None,
            unflushed: VecDeque::new(),
            unheard: Vec::new(),
            takes_tlvs: true,
            ends: None,
            refused: None,
            stop_by: None,
            was_bound: false,
            is_alone: false,
            link,
        }
    }

    /// Binds and talks until the session ends. Whatever was under way is accounted for.
    pub(crate) async fn run(mut self) -> Ended {
        self.bind();
        let settings = &self.link.profile.settings;
        let bind_by = Instant::now() + settings.connect;
        let shortest = settings.connect.min(settings.response).min(settings.enquire_link);
        let tick = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
        let mut ticks = tokio::time::interval(tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.ends.is_none() {
            let event = self.next(&mut ticks).await;
            self.handle(event).await;
            if !self.was_bound && Instant::now() >= bind_by {
                // C009: no answer to the bind.
                self.ends.get_or_insert("no_bind");
            }
        }
        self.end().await
    }

    /// C001: the bind is first, and nothing goes before its answer.
    fn bind(&mut self) {
        let settings = &self.link.profile.settings;
        // C045: whoever changes the password changes the file, and the next bind knows.
        let password = settings.password_file.fresh();
        let bind = Bind {
            system_id: Bytes::copy_from_slice(settings.system_id.as_bytes()),
            password: Bytes::copy_from_slice(password.reveal().trim_end().as_bytes()),
            system_type: Bytes::copy_from_slice(settings.system_type.as_bytes()),
            interface_version: self.link.version().octet(),
            address_range: Address::new(
                settings.address_ton,
                settings.address_npi,
                Bytes::copy_from_slice(settings.address_range.as_bytes()),
            ),
        };
        let pdu = Pdu::Bind(self.kind, Box::new(bind));
        let sent = self.session.request(pdu, Token::Bind, Instant::now(), &mut self.actions);
        debug_assert!(sent.is_ok(), "a fresh session has room for its bind");
        self.send_all();
    }

    async fn next(&mut self, ticks: &mut tokio::time::Interval) -> Event {
        let now = Instant::now();
        let card = Arc::clone(&self.link.card);
        // Before the look: what changes between the two would go unnoticed.
        let changed = card.changed.notified();
        if self.stop_by.is_none() && !card.is_wanted.load(Ordering::Acquire) {
            return Event::Changed;
        }
        let may_read = self.session.may_read() && self.connection.has_room();
        let free = self.may_claim(now);
        let outlet = self.outlet.clone();
        let woken = async {
            match outlet {
                Some(outlet) if free > 0 => outlet.woken().await,
                _ => std::future::pending().await,
            }
        };
        let resume_at = self.resume_at(now);
        let resume = async {
            match resume_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let claiming = async {
            match &mut self.claiming {
                Some(claiming) => claiming.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            items = claiming => Event::Claimed(items),
            Some(taken) = self.work.next() => Event::Taken(taken),
            step = self.connection.step(may_read) => Event::Step(step),
            () = resume => Event::Resume,
            () = woken => Event::Woken,
            () = changed => Event::Changed,
            _ = ticks.tick() => Event::Tick,
            () = self.link.stopping.cancelled(), if self.stop_by.is_none() => Event::Stop,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Taken(taken) => {
                self.answer(taken);
                while let Some(Some(taken)) = self.work.next().now_or_never() {
                    self.answer(taken);
                }
            }
            Event::Claimed(items) => {
                self.claiming = None;
                self.ready.extend(items);
                self.pump().await;
            }
            Event::Step(Ok(step)) => self.stepped(step).await,
            Event::Step(Err(error)) => {
                tracing::info!(link = %self.link.seat.name, %error, "the connection broke");
                self.ends = Some("broken");
            }
            Event::Woken | Event::Resume => self.pump().await,
            Event::Changed => {
                self.tune();
                if !self.link.card.is_wanted.load(Ordering::Acquire) {
                    self.stop();
                }
            }
            Event::Tick => {
                self.session.tick(Instant::now(), &mut self.actions);
                self.perform().await;
                // An SMSC that answers none of a whole window will not answer the next.
                if self.session.timed_out() > 0 && self.session.free() == 0 {
                    self.ends.get_or_insert("no_answer");
                }
                self.link.relax(Instant::now());
                // A change of limits while this task was busy told nobody.
                self.tune();
                self.pump().await;
            }
            Event::Stop => self.stop(),
        }
        self.settle_flushed();
        if let Some(stop_by) = self.stop_by {
            self.leave(stop_by).await;
        }
    }

    async fn stepped(&mut self, step: Step) {
        match step {
            Step::Frames(frames) => self.take(frames).await,
            Step::Flushed => {}
            Step::Ended => self.ends = Some("peer_closed"),
            Step::Bad(frames, error) => {
                self.take(frames).await;
                metrics::bad_pdu(SIDE, "ESME_RINVCMDLEN");
                tracing::error!(link = %self.link.seat.name, %error, "the stream is lost");
                self.session.receive(Err(error), Instant::now(), &mut self.actions);
                self.perform().await;
            }
        }
        if self.ends.is_none() {
            self.pump().await;
        }
    }

    async fn take(&mut self, frames: Vec<Bytes>) {
        self.unheard.clear();
        let now = Instant::now();
        for frame in frames {
            let decoded = codec::decode(&frame, self.session.version());
            match &decoded {
                Ok(command) => {
                    metrics::pdu(SIDE, "in", command.pdu.name());
                    self.link.trace("in", command);
                }
                Err(error) => {
                    metrics::bad_pdu(SIDE, "undecodable");
                    tracing::warn!(link = %self.link.seat.name, %error, "a PDU is wrong");
                }
            }
            self.session.receive(decoded, now, &mut self.actions);
            self.perform().await;
            if self.ends.is_some() {
                return;
            }
        }
    }

    async fn perform(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Send(command) => {
                    if matches!(command.pdu, Pdu::UnbindResp) {
                        self.finish_work().await;
                    }
                    self.send(&command);
                }
                Action::Deliver(command) => self.begin(command),
                Action::Answered { token: Token::Bind, command } => self.bind_answered(&command),
                Action::Answered { token: Token::Part(sending, part), command } => {
                    self.answered(sending, part, &command).await;
                }
                Action::TimedOut { token: Token::Bind } => self.ends = Some("no_bind"),
                Action::TimedOut { token: Token::Part(sending, _) } => {
                    self.timed_out(&sending).await;
                }
                Action::Ignored(id, why) => {
                    metrics::bad_pdu(SIDE, why);
                    tracing::debug!(link = %self.link.seat.name, command = id.name(), why, "ignored");
                }
                Action::Close(reason) => self.ends = Some(reason.as_str()),
                Action::BindRequested(..) => {}
            }
        }
        actions.append(&mut self.actions);
        self.actions = actions;
        if !self.actions.is_empty() && self.ends.is_none() {
            Box::pin(self.perform()).await;
        }
    }

    /// Sends what the session put into the buffer outside of `perform`.
    pub(super) fn send_all(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Send(command) => self.send(&command),
                Action::Close(reason) => self.ends = Some(reason.as_str()),
                _ => {}
            }
        }
        self.actions = actions;
    }

    pub(super) fn send(&mut self, command: &Command) {
        metrics::pdu(SIDE, "out", command.pdu.name());
        self.link.trace("out", command);
        if let Err(unfit) = self.connection.queue(command, self.session.version()) {
            tracing::error!(link = %self.link.seat.name, command = command.pdu.name(), %unfit,
                "a PDU of ours does not fit");
        }
    }

    /// C003, C004: the SMSC's answer says whether TLVs may be sent, and of which version.
    fn bind_answered(&mut self, command: &Command) {
        let kind = self.kind;
        if !command.status.is_ok() || !matches!(command.pdu, Pdu::BindResp(..)) {
            self.refused = Some(command.status);
            self.ends = Some("bind_refused");
            return;
        }
        self.was_bound = true;
        let shown = match &command.pdu {
            Pdu::BindResp(_, resp) => resp.tlvs.u8(tag::SC_INTERFACE_VERSION),
            _ => None,
        };
        let offered = self.link.version();
        let version = match (self.link.profile.settings.tlvs_allowed, shown) {
            (TlvsAllowed::Never, _) | (TlvsAllowed::Auto, None) => Version::V33,
            (TlvsAllowed::Always, None) => Version::V34.min(offered),
            (_, Some(octet)) => Version::of_bind(octet).min(offered),
        };
        self.takes_tlvs = version.takes_tlvs();
        self.session.bound(kind, version, Instant::now());
        self.tune();
        self.link.is_bound(kind);
        tracing::info!(link = %self.link.seat.name, kind = kind.as_str(), version = version.as_str(),
            window = self.link.card.window.load(Ordering::Relaxed),
            rate = self.link.card.rate.load(Ordering::Relaxed), tlvs = self.takes_tlvs, "bound");
    }
}
