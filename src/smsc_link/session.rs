//! One session with an SMSC: bind, send what the lanes bring, take what comes, leave in order.
//!
//! What surprises: claiming runs beside reading. A claim waits for a commit, and an SMSC's
//! `enquire_link` must not wait for our disk (C024).

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use smol_str::SmolStr;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{Link, profile::Meaning, read::Delivered};
use crate::{
    config::TlvsAllowed,
    domain::{Content, Item, MtMessage},
    gateway::{
        self,
        lane::Outlet,
        mo::MoAccepted,
        submit::{NotTaken, PART_REFUSED},
    },
    metrics,
    smpp::{
        Action, BindKind, Command, CommandId, CommandStatus, Connection, Pdu, Role, Session,
        ShortMessage, Step, Tlvs, Version, codec,
        connection::ConnectionLimits,
        pdu::{Address, Bind, MessageResp},
        session::Limits,
        tag,
    },
};

const SIDE: &str = "link";
/// How long an end waits for its last octets to leave.
const FLUSH: Duration = Duration::from_secs(5);
/// Requests of an SMSC in work before its socket is no longer read.
const WINDOW_IN: usize = 1000;
/// Tries of one part within a session after its sisters were taken.
const PART_TRIES: u8 = 5;

/// A message under way with its parts' answers.
#[derive(Debug)]
pub(crate) struct Sending {
    item: Item,
    parts: Mutex<Parts>,
    is_given_up: AtomicBool,
    sent_at: Instant,
}

#[derive(Debug)]
struct Parts {
    /// The SMSC's id of each part, or [`PART_REFUSED`].
    ids: Vec<Option<SmolStr>>,
    tries: u8,
}

/// What a request of ours was about.
#[derive(Debug, Clone)]
enum Token {
    Bind,
    Part(Arc<Sending>, usize),
}

/// Something of the SMSC's that was taken.
struct Taken {
    answer: Command,
    mo: Option<MoAccepted>,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The bind was refused with this status.
    Refused(CommandStatus),
    /// It ended for this reason, a metric label.
    Over(&'static str),
}

type Claiming = Pin<Box<dyn Future<Output = Vec<Item>> + Send>>;

pub(crate) struct Talk<S> {
    link: Arc<Link>,
    kind: BindKind,
    connection: Connection<S>,
    session: Session<Token>,
    actions: Vec<Action<Token>>,
    outlet: Option<Arc<Outlet>>,
    work: FuturesUnordered<Pin<Box<dyn Future<Output = Taken> + Send>>>,
    claiming: Option<Claiming>,
    /// Claimed and not sent yet.
    ready: VecDeque<Item>,
    /// Parts that the SMSC asked us to send later.
    later: VecDeque<(Instant, (Arc<Sending>, usize), ShortMessage)>,
    /// Nothing is sent before this moment (P19).
    paused_until: Option<Instant>,
    unflushed: VecDeque<(u64, MoAccepted)>,
    unheard: Vec<MoAccepted>,
    takes_tlvs: bool,
    ends: Option<&'static str>,
    refused: Option<CommandStatus>,
    /// Once nothing new goes: when what is under way is waited for no longer (P38).
    stop_by: Option<Instant>,
    was_bound: bool,
    /// A suspect is in flight, and nothing else (P21).
    is_alone: bool,
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

    /// C028: nothing new goes; what is under way is waited for.
    fn stop(&mut self) {
        let drain = self.link.profile.settings.drain;
        self.stop_by.get_or_insert(Instant::now() + drain);
    }

    /// Says goodbye once nothing is under way, and then waits for the answer to that.
    async fn leave(&mut self, stop_by: Instant) {
        if !self.was_bound {
            self.ends.get_or_insert("unbound");
            return;
        }
        // What timed out is accounted for already; its answer would come as late next time.
        let is_under_way = self.is_busy() || !self.later.is_empty() || self.claiming.is_some();
        if is_under_way && Instant::now() < stop_by {
            return;
        }
        if self.session.is_bound() {
            self.finish_work().await;
            let limits = self.session.limits_mut();
            limits.response = limits.response.min(FLUSH);
            self.session.unbind(Instant::now(), &mut self.actions);
            self.send_all();
        }
    }

    fn tune(&mut self) {
        let window = self.link.card.window.load(Ordering::Acquire);
        self.session.limits_mut().window = window as usize;
        self.link.tune();
    }

    /// How many may be claimed now.
    fn may_claim(&self, now: Instant) -> usize {
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        let is_suspect = self.ready.front().is_some_and(|item| item.deaths > 0) || self.is_alone;
        let is_stopping = self.stop_by.is_some();
        if is_stopping || is_paused || is_suspect || self.claiming.is_some() {
            return 0;
        }
        if self.outlet.is_none() || !self.connection.has_room() {
            return 0;
        }
        let free = self.session.free().saturating_sub(self.ready.len());
        self.link.rate.room(self.link.gateway.clock().monotonic_nanos(), free)
    }

    /// When sending may go on, if only time holds it back.
    fn resume_at(&self, now: Instant) -> Option<Instant> {
        let pause = self.paused_until.filter(|until| *until > now);
        let part = self.later.front().map(|(at, ..)| *at);
        let rate = if self.session.free() > 0 && self.stop_by.is_none() {
            let wait = self.link.rate.wait(self.link.gateway.clock().monotonic_nanos());
            (wait > Duration::ZERO).then(|| now + wait)
        } else {
            None
        };
        let next = [pause.or(rate), part].into_iter().flatten().min();
        next.map(|at| at.max(now + Duration::from_millis(1)))
    }

    /// Sends what is claimed and claims what fits.
    async fn pump(&mut self) {
        let now = Instant::now();
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
        }
        self.is_alone &= self.is_busy();
        self.send_later(now);
        self.send_ready(now).await;
        let free = self.may_claim(now);
        if free > 0
            && let Some(outlet) = self.outlet.clone()
        {
            let link = Arc::clone(&self.link);
            let mut claim: Claiming =
                Box::pin(async move { link.gateway.claim(&link.seat, &outlet, free).await });
            match (&mut claim).now_or_never() {
                // Nothing had to be written first: no need to wait.
                Some(items) if items.is_empty() => {}
                Some(items) => {
                    self.ready.extend(items);
                    self.send_ready(now).await;
                }
                None => self.claiming = Some(claim),
            }
        }
        self.send_all();
        self.note_limit(now);
    }

    /// Whether an answer is waited for in time.
    fn is_busy(&self) -> bool {
        self.session.in_flight() > self.session.timed_out()
    }

    async fn send_ready(&mut self, now: Instant) {
        while self.session.free() > 0 && !self.is_alone && self.stop_by.is_none() {
            let Some(item) = self.ready.front() else { break };
            let is_suspect = item.deaths > 0;
            if is_suspect && self.is_busy() {
                break;
            }
            let Some(item) = self.ready.pop_front() else { break };
            self.send_item(item, now).await;
            self.is_alone = is_suspect && self.is_busy();
        }
    }

    async fn send_item(&mut self, item: Item, now: Instant) {
        let Content::Mt(message) = item.content.clone() else { return };
        if let Some(name) = self.link.profile.missing_tlv(&message) {
            let status = smol_str::format_smolstr!("no value for {name}");
            self.refuse(&item, NotTaken::Never { status }).await;
            return;
        }
        let pdus = self.link.profile.submits(&message, self.takes_tlvs);
        let parts = Parts { ids: vec![None; pdus.len()], tries: 0 };
        let sending = Arc::new(Sending {
            item,
            parts: Mutex::new(parts),
            is_given_up: AtomicBool::new(false),
            sent_at: now,
        });
        // A message is one in rates; whoever sells by parts sets the rate accordingly.
        // Room for it was seen before it was claimed; a race between two binds costs one message.
        self.link.rate.take(self.link.gateway.clock().monotonic_nanos()).unwrap_or_default();
        for (part, pdu) in pdus.into_iter().enumerate() {
            self.submit(pdu, (Arc::clone(&sending), part), now);
        }
    }

    /// The parts of one message go together, even where they are more than the window.
    fn submit(&mut self, pdu: ShortMessage, token: (Arc<Sending>, usize), now: Instant) {
        let token = Token::Part(token.0, token.1);
        let in_flight = self.session.in_flight();
        let limits = self.session.limits_mut();
        let window = limits.window;
        limits.window = window.max(1 + in_flight);
        let sent =
            self.session.request(Pdu::SubmitSm(Box::new(pdu)), token, now, &mut self.actions);
        debug_assert!(sent.is_ok(), "it is bound, and the window was made to fit");
        self.session.limits_mut().window = window;
        self.link.sent_one();
    }

    fn send_later(&mut self, now: Instant) {
        while self.later.front().is_some_and(|(at, ..)| *at <= now) && self.session.is_bound() {
            let Some((_, token, pdu)) = self.later.pop_front() else { return };
            self.submit(pdu, token, now);
        }
    }

    async fn refuse(&mut self, item: &Item, why: NotTaken) {
        if let Err(error) = self.link.gateway.not_taken(&self.link.seat, item, why).await {
            tracing::error!(%error, link = %self.link.seat.name, "a refusal could not be noted");
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
    fn send_all(&mut self) {
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

    fn send(&mut self, command: &Command) {
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

    /// Puts a delivery to work; its answer follows the commit (C021).
    fn begin(&mut self, command: Command) {
        let link = Arc::clone(&self.link);
        link.card.received.fetch_add(1, Ordering::Relaxed);
        if let Pdu::AlertNotification(alert) = &command.pdu {
            // C040: nobody answers it.
            let text = String::from_utf8_lossy(&alert.source.digits).into_owned();
            link.gateway.registry().alert(&text);
            return;
        }
        self.work.push(Box::pin(take_delivery(link, command)));
    }

    fn answer(&mut self, taken: Taken) {
        let mut actions = Vec::new();
        self.session.respond(taken.answer, &mut actions);
        for action in actions {
            if let Action::Send(command) = action {
                self.send(&command);
            }
        }
        if let Some(mo) = taken.mo {
            self.unflushed.push_back((self.connection.queued_total(), mo));
        }
    }

    fn settle_flushed(&mut self) {
        let written = self.connection.written_total();
        while self.unflushed.front().is_some_and(|(mark, _)| *mark <= written) {
            let Some((_, mo)) = self.unflushed.pop_front() else { return };
            self.unheard.push(mo);
        }
    }

    async fn finish_work(&mut self) {
        while let Some(taken) = self.work.next().await {
            self.answer(taken);
        }
    }

    /// The SMSC answered a part of a message (C010 to C018).
    async fn answered(&mut self, sending: Arc<Sending>, part: usize, command: &Command) {
        self.link.heard_of_one();
        let Content::Mt(message) = sending.item.content.clone() else { return };
        let is_nack = command.pdu.command_id() == CommandId::GENERIC_NACK;
        let status = match command.status {
            CommandStatus::ROK if is_nack => CommandStatus::RUNKNOWNERR,
            status => status,
        };
        metrics::submit_response(
            &self.link.seat.name,
            &self.link.profile.status_name(status),
            sending.sent_at.elapsed(),
        );
        self.steer(&command.pdu);
        if status.is_ok() {
            let id = match &command.pdu {
                Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp) => {
                    self.link.profile.response_id(&resp.message_id)
                }
                _ => SmolStr::default(),
            };
            self.taken_part(&sending, &message, part, id).await;
        } else {
            self.refused_part(sending, &message, part, status).await;
        }
    }

    async fn taken_part(
        &mut self,
        sending: &Arc<Sending>,
        message: &Arc<MtMessage>,
        part: usize,
        id: SmolStr,
    ) {
        let whole = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.ids[part] = Some(id);
            parts.ids.iter().cloned().collect::<Option<Vec<SmolStr>>>()
        };
        let Some(ids) = whole else { return };
        self.link.card.submitted.fetch_add(1, Ordering::Relaxed);
        self.link.took_one();
        let gateway = &self.link.gateway;
        let outcome = if sending.is_given_up.swap(true, Ordering::AcqRel) {
            // Late, but the session lives: it is known now that it was sent (P7).
            gateway.submitted_late(&self.link.seat, message, &ids).await
        } else {
            gateway.submitted(&self.link.seat, &sending.item, &ids).await
        };
        if let Err(error) = outcome {
            tracing::error!(%error, link = %self.link.seat.name, message.id = %message.id,
                "an answer of the SMSC could not be noted");
        }
    }

    async fn refused_part(
        &mut self,
        sending: Arc<Sending>,
        message: &Arc<MtMessage>,
        part: usize,
        status: CommandStatus,
    ) {
        let link = Arc::clone(&self.link);
        let name = link.profile.status_name(status);
        link.card.last_error.store(Arc::new(Some(name.to_string())));
        if status == CommandStatus::RTHROTTLED {
            self.paused_until = Some(Instant::now() + link.throttled());
        }
        if sending.is_given_up.load(Ordering::Acquire) {
            link.gateway.refused_late(&link.seat, message, &name).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a late refusal could not be noted");
            });
            return;
        }
        let meaning = link.profile.meaning(status, message.is_charged());
        let (is_alone, tries) = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.tries = parts.tries.saturating_add(1);
            (parts.ids.len() == 1, parts.tries)
        };
        if is_alone {
            let why = match meaning {
                Meaning::Later => NotTaken::Later { status: name },
                Meaning::Never => NotTaken::Never { status: name },
            };
            sending.is_given_up.store(true, Ordering::Release);
            self.refuse(&sending.item, why).await;
            return;
        }
        // Its sisters may be with the subscriber: only this part can be tried again.
        if meaning == Meaning::Later && tries < PART_TRIES {
            let at = Instant::now() + Duration::from_secs(1 << tries.min(5));
            let pdu = link.profile.submits(message, self.takes_tlvs).into_iter().nth(part);
            if let Some(pdu) = pdu {
                self.later.push_back((at, (sending, part), pdu));
            }
            return;
        }
        let has_sisters = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.ids[part] = Some(PART_REFUSED.into());
            parts.ids.iter().any(|id| id.as_deref() != Some(PART_REFUSED))
        };
        if has_sisters {
            self.taken_part(&sending, message, part, PART_REFUSED.into()).await;
            return;
        }
        // Nothing of it was taken.
        sending.is_given_up.store(true, Ordering::Release);
        self.refuse(&sending.item, NotTaken::Never { status: name }).await;
    }

    /// C043: a 5.0 SMSC says how busy it is; 80 to 90 is where it works best.
    fn steer(&mut self, pdu: &Pdu) {
        let (Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp)) = pdu else { return };
        if let Some(state) = resp.tlvs.u8(tag::CONGESTION_STATE)
            && self.session.version() >= Version::V50
            && state > 90
        {
            self.paused_until = Some(Instant::now() + self.link.throttled());
        }
    }

    /// C013: the outcome is not known. Charged ones become UNKNOWN and are not sent again (P7).
    async fn timed_out(&mut self, sending: &Arc<Sending>) {
        if sending.is_given_up.swap(true, Ordering::AcqRel) {
            return;
        }
        let id = sending.item.content.message_id();
        tracing::warn!(link = %self.link.seat.name, message.id = %id, "no answer in time");
        self.lost(vec![sending.item.clone()], false).await;
    }

    async fn lost(&mut self, items: Vec<Item>, is_death: bool) {
        let gateway = &self.link.gateway;
        if let Err(error) = gateway.outcome_lost(&self.link.seat.name, items, is_death).await {
            tracing::error!(%error, link = %self.link.seat.name, "lost outcomes could not be noted");
        }
    }

    /// What holds this link back now (D35).
    fn note_limit(&self, now: Instant) {
        let card = &self.link.card;
        let limit = if self.paused_until.is_some_and(|until| now < until) {
            "smsc_throttle"
        } else if self.session.is_bound() && self.session.free() == 0 {
            "window"
        } else if self.link.rate.wait(self.link.gateway.clock().monotonic_nanos()) > Duration::ZERO
        {
            "rate"
        } else if self.claiming.is_some() {
            "store"
        } else {
            "none"
        };
        if **card.binding_limit.load() != limit {
            card.binding_limit.store(Arc::new(limit));
            metrics::binding_limit("link", &card.name, limit);
        }
    }

    async fn end(mut self) -> Ended {
        let reason = self.ends.unwrap_or("unknown");
        if let Some(claiming) = self.claiming.take() {
            self.ready.extend(claiming.await);
        }
        self.finish_work().await;
        if matches!(tokio::time::timeout(FLUSH, self.connection.flush()).await, Ok(Ok(()))) {
            self.settle_flushed();
            drop(tokio::time::timeout(FLUSH, self.connection.shutdown()).await);
        }
        for (_, mo) in self.unflushed.drain(..) {
            self.link.gateway.mo_unanswered(&mo);
        }
        for mo in self.unheard.drain(..) {
            self.link.gateway.mo_unanswered(&mo);
        }
        let lost = self.take_lost();
        let is_death = matches!(reason, "broken" | "peer_closed" | "bad_length" | "nacked");
        self.lost(lost, is_death).await;
        let unsent: Vec<Item> = self.ready.drain(..).collect();
        self.link.gateway.unclaim(&self.link.seat, unsent).await;
        if self.was_bound {
            self.link.is_unbound(self.kind);
        }
        metrics::session_closed(SIDE, reason);
        match self.refused {
            Some(status) => Ended::Refused(status),
            None => Ended::Over(reason),
        }
    }

    /// Everything sent and never answered, each message once.
    fn take_lost(&mut self) -> Vec<Item> {
        let mut lost = Vec::new();
        let mut under_way: Vec<Arc<Sending>> = Vec::new();
        for waiting in self.session.close() {
            if let Token::Part(sending, _) = waiting.token {
                self.link.heard_of_one();
                under_way.push(sending);
            }
        }
        under_way.extend(self.later.drain(..).map(|(_, (sending, _), _)| sending));
        for sending in under_way {
            if !sending.is_given_up.swap(true, Ordering::AcqRel) {
                lost.push(sending.item.clone());
            }
        }
        lost
    }
}

/// A panic must not take claimed messages with it: what was sent is unknown, what was not goes
/// back. In an orderly end all of this is empty by now.
impl<S> Drop for Talk<S> {
    fn drop(&mut self) {
        let unsent: Vec<Item> = self.ready.drain(..).collect();
        self.link.gateway.not_sent(unsent);
        for waiting in self.session.close() {
            if let Token::Part(..) = waiting.token {
                self.link.heard_of_one();
            }
        }
    }
}

/// Takes one delivery of the SMSC and answers it after the commit.
async fn take_delivery(link: Arc<Link>, command: Command) -> Taken {
    let sequence = command.sequence;
    let (message, is_data) = match command.pdu {
        Pdu::DeliverSm(message) => (*message, false),
        Pdu::DataSm(data) => (ShortMessage::from(*data), true),
        pdu => {
            let id = pdu.command_id().response();
            let answer = Command::bare(id, CommandStatus::RINVCMDID, sequence);
            return Taken { answer, mo: None };
        }
    };
    let (status, mo) = deliver(&link, &message).await;
    let resp = MessageResp { message_id: Bytes::new(), tlvs: Tlvs::new() };
    // C022, C023: both answers carry an empty message_id.
    let pdu = if is_data { Pdu::DataSmResp(resp) } else { Pdu::DeliverSmResp(resp) };
    Taken { answer: Command { status, sequence, pdu }, mo }
}

async fn deliver(link: &Link, message: &ShortMessage) -> (CommandStatus, Option<MoAccepted>) {
    let gateway = &link.gateway;
    let outcome = match link.profile.delivery(message, gateway.now()) {
        Ok(Delivered::Receipt(receipt)) => gateway.receipt(&link.seat, receipt).await.map(|_| None),
        Ok(Delivered::Mo(mo)) => {
            let began = Instant::now();
            let accepted = gateway.accept_mo(&link.seat, *mo).await.map(Some);
            metrics::accepted_in(SIDE, began.elapsed());
            accepted
        }
        Err(unreadable) => {
            // C021: it would be as unreadable the next time.
            tracing::warn!(link = %link.seat.name, why = %unreadable, "a delivery cannot be read");
            metrics::bad_pdu(SIDE, "unreadable");
            return (CommandStatus::RX_R_APPN, None);
        }
    };
    match outcome {
        Ok(mo) => (CommandStatus::ROK, mo),
        Err(error) => {
            metrics::refusal(
                "link",
                match &error {
                    gateway::Error::Refused(refusal) => refusal.code(),
                    gateway::Error::Store(_) => "unavailable",
                },
            );
            tracing::warn!(link = %link.seat.name, %error, "a delivery was put off");
            // C021: the operator keeps it and tries again.
            (CommandStatus::RX_T_APPN, None)
        }
    }
}
