//! One partner's connection, from its first octet to its last.
//!
//! One task does everything: it reads, it writes, it waits for commits and for what the lanes
//! bring. What surprises is what it remembers at its end: answers that the partner may not have
//! seen (P5, P11) and deliveries that the partner did not answer.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use smol_str::{SmolStr, format_smolstr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};

use super::{
    Host,
    bind::{Admitted, Origin, Refused},
    doors::{AddressPlace, BindPlace, UnboundPlace},
    read::Reading,
    request::{self, Asking, Done, Promise},
    write::Writing,
};
use crate::{
    domain::{Caller, Content, Credential, Item, MessageId, Partner},
    gateway::{
        Gateway,
        deliver::DeliveryRefused,
        lane::Outlet,
        likeness::Likeness,
        mt::Submitter,
        registry::{SessionCard, SessionCounters, SessionOrder, TraceLine},
    },
    metrics,
    smpp::{
        Action, BindKind, Command, CommandId, CommandStatus, Connection, Pdu, Role, Session, Step,
        Tlvs, Version, codec,
        connection::ConnectionLimits,
        pdu::{Bind, BindResp, Outbind},
        session::Limits,
        tag,
    },
};

/// The side of this module in metrics.
const SIDE: &str = "server";
/// How long an end waits for its last octets to leave.
const FLUSH: Duration = Duration::from_secs(5);

/// A delivery under way; a long one has several PDUs.
#[derive(Debug)]
struct Delivery {
    item: Item,
    left: AtomicU32,
    /// Its time was over and it went back to its lane; a late answer changes nothing.
    is_given_up: AtomicBool,
}

type Token = Arc<Delivery>;
type Work = FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>;

/// The places that a connection holds.
pub(crate) struct Places {
    pub(crate) unbound: UnboundPlace,
    pub(crate) address: AddressPlace,
}

pub(crate) struct Talk<S> {
    host: Arc<Host>,
    connection: Connection<S>,
    session: Session<Token>,
    peer: SocketAddr,
    is_tls: bool,
    unbound: Option<UnboundPlace>,
    _address: AddressPlace,
    bound: Option<Bound>,
    actions: Vec<Action<Token>>,
    work: Work,
    /// Answers that are not with the kernel yet, by the count of octets that must have left.
    unflushed: VecDeque<(u64, Promise)>,
    /// Answers after which the partner has sent nothing (P11).
    unheard: Vec<(MessageId, Likeness)>,
    /// Why it ends, once it does; a metric label.
    ends: Option<&'static str>,
    is_stopping: bool,
    probed_at: Option<Instant>,
}

/// What a bind added.
struct Bound {
    kind: BindKind,
    asking: Arc<Asking>,
    writing: Writing,
    card: Arc<SessionCard>,
    orders: mpsc::Receiver<SessionOrder>,
    outlet: Option<Arc<Outlet>>,
    who: SmolStr,
    traces: Vec<mpsc::Sender<TraceLine>>,
    /// A suspect is in flight, and nothing else (P21).
    is_alone: bool,
    /// The application is broken for good (S162): its next delivery, and how often it said so.
    pause: Option<(Instant, u32)>,
    _place: BindPlace,
}

impl Bound {
    fn is_paused(&self) -> bool {
        self.pause.is_some_and(|(until, _)| Instant::now() < until)
    }

    /// S162: an application that is broken for good would refuse all that waits for it, message by
    /// message. What is queued is held back as long as a retry would be.
    fn hold_back(&mut self, gateway: &Gateway) {
        let times = self.pause.map_or(0, |(_, times)| times);
        let settings = gateway.settings();
        let step = (times as usize).min(settings.retry.len().saturating_sub(1));
        let pause = settings.retry.get(step).copied().unwrap_or_default();
        tracing::error!(session.id = self.card.id, partner = %self.card.partner_name, ?pause,
            "the partner's application has a permanent fault; deliveries wait");
        self.pause = Some((Instant::now() + pause, times.saturating_add(1)));
    }
}

enum Event {
    Done(Done),
    Step(io::Result<Step>),
    Woken,
    Order(SessionOrder),
    Tick,
    Stop,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    pub(crate) fn new(
        host: Arc<Host>,
        stream: S,
        peer: SocketAddr,
        is_tls: bool,
        places: Places,
    ) -> Self {
        let settings = &host.settings;
        let limits = Limits {
            session_init: settings.session_init,
            enquire_link: settings.enquire_link,
            response: settings.response,
            misses: settings.enquire_link_misses,
            inactivity: settings.inactivity,
            window: settings.window as usize,
            window_in: settings.window_in as usize,
            data_sm_on_receiver: settings.data_sm_on_receiver,
            enquire_link_answer: settings.response,
            enquire_link_keeps: settings.enquire_link_keeps,
        };
        let connection_limits = ConnectionLimits {
            pdu_octets_max: settings.pdu_octets_max_unbound as usize,
            write_octets_max: settings.write_buffer.as_usize(),
            pdu_within: settings.pdu_complete_within,
        };
        Self {
            connection: Connection::new(stream, connection_limits),
            session: Session::new(Role::Mc, limits, Instant::now()),
            peer,
            is_tls,
            unbound: Some(places.unbound),
            _address: places.address,
            bound: None,
            actions: Vec::new(),
            work: FuturesUnordered::new(),
            unflushed: VecDeque::new(),
            unheard: Vec::new(),
            ends: None,
            is_stopping: false,
            probed_at: None,
            host,
        }
    }

    /// We called: says so first; the partner is to bind now (S035).
    pub(crate) async fn outbind(mut self) {
        let outbind = Outbind {
            system_id: self.host.settings.system_id.clone().into(),
            // A password would travel in the clear to whoever answers there.
            password: Bytes::new(),
        };
        self.session.notify(Pdu::Outbind(outbind), &mut self.actions);
        self.perform().await;
        self.run().await;
    }

    /// Talks until one side ends it, then leaves everything in order.
    pub(crate) async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.host.tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.ends.is_none() {
            let event = self.next(&mut ticks).await;
            self.handle(event).await;
        }
        self.end().await;
    }

    async fn next(&mut self, ticks: &mut tokio::time::Interval) -> Event {
        // P26: a peer with too much in work, or that reads no answers, is not read.
        let may_read = self.session.may_read() && self.connection.has_room();
        let free = self.free();
        let (outlet, orders) = match &mut self.bound {
            Some(bound) => (bound.outlet.clone(), Some(&mut bound.orders)),
            None => (None, None),
        };
        let woken = async {
            match outlet {
                Some(outlet) if free > 0 => outlet.woken().await,
                _ => std::future::pending().await,
            }
        };
        let order = async {
            match orders {
                Some(orders) => orders.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(done) = self.work.next() => Event::Done(done),
            step = self.connection.step(may_read) => Event::Step(step),
            () = woken => Event::Woken,
            Some(order) = order => Event::Order(order),
            _ = ticks.tick() => Event::Tick,
            () = self.host.stopping.cancelled(), if !self.is_stopping => Event::Stop,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Done(done) => {
                self.answer(done);
                // One commit ends many: answer them all in one write.
                while let Some(Some(done)) = self.work.next().now_or_never() {
                    self.answer(done);
                }
            }
            Event::Step(Ok(step)) => self.stepped(step).await,
            Event::Step(Err(error)) => {
                tracing::debug!(session.peer = %self.peer, %error, "the connection broke");
                self.ends = Some("broken");
            }
            Event::Woken => self.deliver().await,
            Event::Order(order) => self.obey(order),
            Event::Tick => self.tick().await,
            Event::Stop => {
                self.is_stopping = true;
                self.session.unbind(Instant::now(), &mut self.actions);
                self.perform().await;
            }
        }
        self.settle_flushed();
    }

    fn free(&self) -> usize {
        match &self.bound {
            Some(bound) if !bound.kind.receives() || bound.is_alone || bound.is_paused() => 0,
            Some(_) if self.connection.has_room() => self.session.free(),
            _ => 0,
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
                tracing::warn!(session.peer = %self.peer, %error, "the stream is lost");
                self.session.receive(Err(error), Instant::now(), &mut self.actions);
                self.perform().await;
            }
        }
    }

    async fn take(&mut self, frames: Vec<Bytes>) {
        // Whatever the partner sends now, it sent after those answers (P11).
        self.unheard.clear();
        let now = Instant::now();
        if let Some(bound) = &self.bound {
            let counters = &bound.card.counters;
            counters.last_heard_at.store(self.host.gateway.now(), Ordering::Relaxed);
        }
        if self.probed_at.take().is_some() {
            let limits = self.session.limits_mut();
            limits.misses = self.host.settings.enquire_link_misses;
            limits.enquire_link_answer = self.host.settings.response;
        }
        for frame in frames {
            let decoded = codec::decode(&frame, self.session.version());
            self.note_incoming(&decoded);
            self.session.receive(decoded, now, &mut self.actions);
            self.perform().await;
            if self.ends.is_some() {
                return;
            }
        }
        if self.free() > 0 {
            self.deliver().await;
        }
    }

    fn note_incoming(&mut self, decoded: &Result<Command, codec::Error>) {
        match decoded {
            Ok(command) => {
                metrics::pdu(SIDE, "in", command.pdu.name());
                self.trace("in", command);
            }
            Err(codec::Error::Recoverable { header, status, reason }) => {
                metrics::bad_pdu(SIDE, &status.to_string());
                tracing::warn!(session.peer = %self.peer, command = header.id.name(),
                    sequence = header.sequence, %status, reason, "a PDU is wrong");
            }
            Err(codec::Error::BadLength { .. }) => {}
        }
    }

    /// Does what the session said. Requests go to work; everything else is done at once.
    async fn perform(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Send(command) => {
                    if matches!(command.pdu, Pdu::UnbindResp) {
                        // S024: what was accepted is answered before the goodbye.
                        self.finish_work().await;
                    }
                    self.send(&command);
                }
                Action::BindRequested(kind, bind, sequence) => {
                    self.bind(kind, &bind, sequence).await;
                }
                Action::Deliver(command) => self.begin(command),
                Action::Answered { token, command } => self.answered(&token, &command).await,
                Action::TimedOut { token } => self.timed_out(&token).await,
                Action::Ignored(id, why) => {
                    metrics::bad_pdu(SIDE, why);
                    tracing::debug!(session.peer = %self.peer, command = id.name(), why, "ignored");
                }
                Action::Close(reason) => self.ends = Some(reason.as_str()),
            }
        }
        // What the session said while acting comes next; the buffer is used again.
        actions.append(&mut self.actions);
        self.actions = actions;
        if !self.actions.is_empty() && self.ends.is_none() {
            Box::pin(self.perform()).await;
        }
    }

    fn send(&mut self, command: &Command) {
        metrics::pdu(SIDE, "out", command.pdu.name());
        self.trace("out", command);
        if let Err(unfit) = self.connection.queue(command, self.session.version()) {
            tracing::error!(session.peer = %self.peer, command = command.pdu.name(), %unfit,
                "a PDU of ours does not fit");
        }
    }

    /// Puts a request to work; its answer comes by itself.
    fn begin(&mut self, command: Command) {
        let Some(bound) = &self.bound else { return };
        let gateway = self.host.gateway.clone();
        let asking = Arc::clone(&bound.asking);
        self.work.push(Box::pin(request::handle(gateway, asking, command)));
    }

    fn answer(&mut self, done: Done) {
        if let Some(bound) = &self.bound {
            let counters = &bound.card.counters;
            match done.refused {
                None => counters.submitted.fetch_add(1, Ordering::Relaxed),
                Some(_) => counters.refused.fetch_add(1, Ordering::Relaxed),
            };
            if let Some(code) = done.refused {
                counters.last_error.store(Arc::new(Some(code.to_owned())));
            }
        }
        if done.is_uncertain {
            for promise in done.promises {
                self.host.gateway.unanswered(promise.id, promise.likeness, promise.held);
            }
            self.ends = Some("store_failed");
            return;
        }
        let mut actions = Vec::new();
        self.session.respond(done.answer, &mut actions);
        for action in actions {
            match action {
                Action::Send(command) => self.send(&command),
                // S024: that was the last answer of a peer that wants to go.
                Action::Close(reason) => self.ends = Some(reason.as_str()),
                _ => {}
            }
        }
        let mark = self.connection.queued_total();
        self.unflushed.extend(done.promises.into_iter().map(|promise| (mark, promise)));
    }

    /// Answers that left: what was held for them may go (P5).
    fn settle_flushed(&mut self) {
        let written = self.connection.written_total();
        while self.unflushed.front().is_some_and(|(mark, _)| *mark <= written) {
            let Some((_, promise)) = self.unflushed.pop_front() else { return };
            self.unheard.push((promise.id, promise.likeness));
            self.host.gateway.answered(promise.held);
        }
    }

    async fn finish_work(&mut self) {
        while let Some(done) = self.work.next().await {
            self.answer(done);
        }
    }

    /// Sends what waits, up to the window (S168); a suspect goes alone (P21).
    async fn deliver(&mut self) {
        let free = self.free();
        let Some(bound) = &self.bound else { return };
        let Some(outlet) = bound.outlet.clone().filter(|_| free > 0) else { return };
        let mut items = self.host.gateway.deliveries(&outlet, free).await.into_iter();
        let now = Instant::now();
        while let Some(item) = items.next() {
            let is_suspect = item.deaths > 0;
            if is_suspect && self.session.in_flight() > self.session.timed_out() {
                // Nothing is taken before an answer comes, or it would be taken and given back
                // as fast as this task can.
                if let Some(bound) = &mut self.bound {
                    bound.is_alone = true;
                }
                self.host.gateway.not_sent(std::iter::once(item).chain(items).collect());
                return;
            }
            let pdus = self.pdus_of(&item);
            let count = u32::try_from(pdus.len()).unwrap_or(1);
            let token = Arc::new(Delivery {
                item,
                left: AtomicU32::new(count),
                is_given_up: AtomicBool::new(false),
            });
            let in_flight = self.session.in_flight();
            let limits = self.session.limits_mut();
            let window = limits.window;
            // The parts of one message go together, even where they are more than the window.
            limits.window = window.max(in_flight + pdus.len());
            for pdu in pdus {
                let sent = self.session.request(pdu, Arc::clone(&token), now, &mut self.actions);
                debug_assert!(sent.is_ok(), "the window was checked above");
            }
            self.session.limits_mut().window = window;
            if is_suspect {
                if let Some(bound) = &mut self.bound {
                    bound.is_alone = true;
                }
                self.host.gateway.not_sent(items.collect());
                break;
            }
        }
        self.count_window();
        Box::pin(self.perform()).await;
    }

    fn pdus_of(&self, item: &Item) -> Vec<Pdu> {
        let Some(bound) = &self.bound else { return Vec::new() };
        let visible = match &item.content {
            Content::Receipt(message, _) => self.host.gateway.visible_id(message),
            Content::Mo(_) | Content::Mt(_) => SmolStr::default(),
        };
        bound.writing.delivery(item, &visible)
    }

    fn count_window(&self) {
        if let Some(bound) = &self.bound {
            let in_use = u32::try_from(self.session.in_flight()).unwrap_or(u32::MAX);
            bound.card.counters.window_in_use.store(in_use, Ordering::Relaxed);
        }
    }

    /// The partner answered a delivery (S159 to S164).
    async fn answered(&mut self, token: &Token, command: &Command) {
        let Some(bound) = &mut self.bound else { return };
        bound.is_alone = false;
        if token.is_given_up.load(Ordering::Acquire) {
            return;
        }
        let who = bound.who.clone();
        let gateway = self.host.gateway.clone();
        let status = command.status;
        let outcome = if status.is_ok() && command.pdu.command_id() != CommandId::GENERIC_NACK {
            if token.left.fetch_sub(1, Ordering::AcqRel) > 1 {
                return;
            }
            bound.card.counters.delivered.fetch_add(1, Ordering::Relaxed);
            bound.pause = None;
            gateway.handed(&token.item, &who).await
        } else {
            // One refused part refuses the whole.
            token.is_given_up.store(true, Ordering::Release);
            let refused = refused_how(status);
            let word = status.to_string();
            bound.card.counters.last_error.store(Arc::new(Some(word.clone())));
            if status == CommandStatus::RX_P_APPN {
                bound.hold_back(&gateway);
            }
            gateway.delivery_refused(&token.item, &who, refused, &word).await
        };
        if let Err(error) = outcome {
            tracing::error!(%error, message.id = %token.item.content.message_id(),
                "an answer of a partner could not be noted");
        }
        self.count_window();
    }

    /// S164: it goes again, marked, perhaps over another session.
    async fn timed_out(&mut self, token: &Token) {
        let Some(bound) = &mut self.bound else { return };
        bound.is_alone = false;
        if token.is_given_up.swap(true, Ordering::AcqRel) {
            return;
        }
        let who = bound.who.clone();
        tracing::warn!(session.id = bound.card.id, message.id = %token.item.content.message_id(),
            "no answer to a delivery in time");
        let item = token.item.clone();
        if let Err(error) = self.host.gateway.delivery_lost(item, &who, false).await {
            tracing::error!(%error, "a lost delivery could not be noted");
        }
    }

    fn obey(&mut self, order: SessionOrder) {
        let now = Instant::now();
        match order {
            SessionOrder::Kick(why) => {
                tracing::info!(session.peer = %self.peer, why, "kicked");
                self.session.unbind(now, &mut self.actions);
            }
            SessionOrder::Probe => {
                self.probed_at = Some(now);
                let limits = self.session.limits_mut();
                limits.misses = 1;
                limits.enquire_link_answer = self.host.settings.bind_probe;
                self.session.probe(now, &mut self.actions);
            }
            SessionOrder::Trace(lines) => {
                if let Some(bound) = &mut self.bound {
                    bound.traces.retain(|trace| !trace.is_closed());
                    bound.traces.push(lines);
                }
            }
            SessionOrder::Alert(subscriber) => {
                if let Some(bound) = &self.bound
                    && bound.kind.receives()
                {
                    let pdu = super::write::alert(&subscriber, &bound.card.system_id);
                    self.session.notify(pdu, &mut self.actions);
                }
            }
        }
        let actions = std::mem::take(&mut self.actions);
        for action in actions {
            match action {
                Action::Send(command) => self.send(&command),
                Action::Close(reason) => self.ends = Some(reason.as_str()),
                _ => {}
            }
        }
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        let settings = &self.host.settings;
        if self.connection.is_dribbling(now) {
            self.ends = Some("slow_pdu");
            return;
        }
        let stalled = self.connection.stalled_since();
        if stalled.is_some_and(|since| now - since >= settings.write_stall) {
            self.ends = Some("slow_reader");
            return;
        }
        self.session.tick(now, &mut self.actions);
        self.perform().await;
        if self.free() > 0 && self.bound.as_ref().is_some_and(|bound| bound.pause.is_some()) {
            self.deliver().await;
        }
        // A peer that answers none of a whole window will not answer the next one either.
        if self.bound.is_some() && self.session.timed_out() > 0 && self.session.free() == 0 {
            self.ends.get_or_insert("no_answer");
        }
    }

    async fn bind(&mut self, kind: BindKind, bind: &Bind, sequence: u32) {
        let origin = Origin { address: self.peer.ip(), is_tls: self.is_tls };
        match self.host.judge(kind, bind, origin).await {
            Ok(admitted) => self.admit(kind, bind, sequence, admitted).await,
            Err(refused) => self.turn_away(kind, bind, sequence, refused).await,
        }
    }

    async fn turn_away(&mut self, kind: BindKind, bind: &Bind, sequence: u32, refused: Refused) {
        metrics::bind(SIDE, refused.reason);
        tracing::warn!(session.peer = %self.peer, system_id = %String::from_utf8_lossy(&bind.system_id),
            kind = kind.as_str(), status = %refused.status, reason = refused.reason, "a bind was refused");
        tokio::select! {
            () = tokio::time::sleep(refused.delay) => {}
            () = self.host.stopping.cancelled() => {}
        }
        let answer = Command::bare(kind.command().response(), refused.status, sequence);
        self.session.respond(answer, &mut self.actions);
        self.ends = Some("bind_refused");
        for action in std::mem::take(&mut self.actions) {
            if let Action::Send(command) = action {
                self.send(&command);
            }
        }
    }

    async fn admit(&mut self, kind: BindKind, bind: &Bind, sequence: u32, admitted: Admitted) {
        let Admitted { credential, partner, version, place } = admitted;
        let (orders_in, orders) = mpsc::channel(8);
        self.limit(&credential);
        let card = self.card(kind, version, &credential, &partner, orders_in);
        let tlv = self.host.settings.vendor_tlv.clone();
        let writing = Writing::new(version, partner.habits.clone(), tlv);
        let asking = self.asking(&card, &credential, &partner, &writing);
        let mut tlvs = Tlvs::new();
        // S004, S005: told to peers of 3.4 and later, and never to older ones.
        if bind.interface_version >= 0x34 {
            tlvs = tlvs.with_u8(tag::SC_INTERFACE_VERSION, version.octet());
        }
        let resp = BindResp { system_id: self.host.settings.system_id.clone().into(), tlvs };
        let answer = Command::new(sequence, Pdu::BindResp(kind, resp));
        self.session.accept_bind(kind, version, answer, Instant::now(), &mut self.actions);
        self.unbound = None;
        self.tell_bound(&card, &credential, &partner);
        self.host.gateway.registry().session_began(Arc::clone(&card));
        self.bound = Some(Bound {
            kind,
            asking: Arc::new(asking),
            writing,
            who: format_smolstr!("smpp:{}#{}", credential.system_id, card.id),
            outlet: kind.receives().then(|| self.host.gateway.to_sessions(partner.id)),
            card,
            orders,
            traces: Vec::new(),
            is_alone: false,
            pause: None,
            _place: place,
        });
        // `perform` is on the stack already and sends the answer; deliveries come behind it.
        if let Some(Action::Send(command)) = self.actions.pop() {
            self.send(&command);
        }
        self.deliver().await;
    }

    /// Limits of the account, or those of the gateway where it has none.
    fn limit(&mut self, credential: &Credential) {
        let settings = &self.host.settings;
        let own = |own: u32, default: u32| if own > 0 { own } else { default } as usize;
        let limits = self.session.limits_mut();
        limits.window = own(credential.window, settings.window);
        limits.window_in = settings.window_in as usize;
        self.connection.limits_mut().pdu_octets_max =
            own(credential.pdu_octets_max, settings.pdu_octets_max);
    }

    fn card(
        &mut self,
        kind: BindKind,
        version: Version,
        credential: &Credential,
        partner: &Partner,
        orders: mpsc::Sender<SessionOrder>,
    ) -> Arc<SessionCard> {
        let gateway = &self.host.gateway;
        let window = u32::try_from(self.session.limits_mut().window).unwrap_or(u32::MAX);
        let card = SessionCard {
            id: gateway.registry().next_session(),
            partner: partner.id,
            partner_name: partner.name.clone(),
            system_id: credential.system_id.clone(),
            kind: kind.as_str(),
            version: version.as_str(),
            peer: self.peer,
            is_tls: self.is_tls,
            bound_at: gateway.now(),
            window,
            rate: partner.limits.rate,
            counters: SessionCounters::default(),
            orders,
            is_sent_away: AtomicBool::new(false),
        };
        card.counters.last_heard_at.store(card.bound_at, Ordering::Relaxed);
        Arc::new(card)
    }

    fn asking(
        &self,
        card: &SessionCard,
        credential: &Credential,
        partner: &Partner,
        writing: &Writing,
    ) -> Asking {
        let settings = &self.host.settings;
        let tells_why = settings.refusal_reason_tlv && writing.has_own_tlvs();
        Asking {
            from: Submitter {
                caller: Caller::Session {
                    partner: partner.id,
                    system_id: credential.system_id.clone(),
                    session: card.id,
                },
                partner: partner.id,
                default_sender: credential.default_sender.clone(),
                may_have_receipts: credential.may_have_receipts,
                service_types: credential.service_types.clone(),
            },
            reading: self.reading(partner, writing.version),
            reason: tells_why.then_some(settings.vendor_tlv.reason),
            prefers_rx_t_appn: partner.habits.prefers_rx_t_appn,
        }
    }

    /// No hidden limit: those in force stand in the line (D7).
    fn tell_bound(&mut self, card: &SessionCard, credential: &Credential, partner: &Partner) {
        metrics::bind(SIDE, "ok");
        metrics::session(SIDE, card.kind, "bound", 1.0);
        let limits = &partner.limits;
        tracing::info!(
            session.id = card.id, session.peer = %card.peer, partner = %partner.name,
            system_id = %card.system_id, kind = card.kind, version = card.version,
            tls = card.is_tls, binds_max = credential.binds_max, window = card.window,
            window_in = self.host.settings.window_in, rate = limits.rate, burst = limits.burst,
            backlog_max = limits.backlog_max, waiting_max = limits.waiting_max,
            pdu_octets_max = self.connection.limits_mut().pdu_octets_max, "bound"
        );
    }

    fn reading(&self, partner: &Partner, version: Version) -> Reading {
        let settings = self.host.gateway.settings();
        Reading {
            version,
            alphabet: partner.habits.default_alphabet,
            strips_trailing_nul: partner.habits.strip_trailing_nul,
            splits_long: partner.habits.splits_long,
            parts_max: settings.parts_max,
            country_prefix: settings.country_prefix.clone(),
            tlv: self.host.settings.vendor_tlv.clone(),
        }
    }

    fn trace(&mut self, direction: &'static str, command: &Command) {
        let Some(bound) = &mut self.bound else { return };
        if bound.traces.is_empty() {
            return;
        }
        let line = super::trace::line(self.host.gateway.now(), direction, command);
        // A reader that is too slow misses lines; a session never waits for it.
        bound.traces.retain(|trace| {
            !matches!(trace.try_send(line.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
    }

    /// Leaves: last answers, places, and what nobody can be sure of.
    async fn end(mut self) {
        let reason = self.ends.unwrap_or("unknown");
        self.finish_work().await;
        // A peer that took nothing for so long takes the rest no sooner (P28).
        let patience = if reason == "slow_reader" { Duration::ZERO } else { FLUSH };
        let flushed = tokio::time::timeout(patience, self.connection.flush()).await;
        if matches!(flushed, Ok(Ok(()))) {
            self.settle_flushed();
            // The peer may be gone already; the socket is closed anyway.
            drop(tokio::time::timeout(FLUSH, self.connection.shutdown()).await);
        }
        self.leave_promises();
        let gateway = self.host.gateway.clone();
        metrics::session_closed(SIDE, reason);
        let Some(bound) = self.bound.take() else { return };
        metrics::session(SIDE, bound.kind.as_str(), "bound", -1.0);
        gateway.registry().session_ended(bound.card.id);
        tracing::info!(session.id = bound.card.id, session.peer = %self.peer,
            partner = %bound.card.partner_name, system_id = %bound.card.system_id, reason,
            submitted = bound.card.counters.submitted.load(Ordering::Relaxed),
            delivered = bound.card.counters.delivered.load(Ordering::Relaxed), "session ended");
        let orderly = matches!(reason, "unbound" | "inactive" | "slow_reader");
        let mut lost: Vec<Token> = Vec::new();
        for outstanding in self.session.close() {
            let is_back = outstanding.token.is_given_up.load(Ordering::Acquire);
            if !is_back && !lost.iter().any(|token| Arc::ptr_eq(token, &outstanding.token)) {
                lost.push(outstanding.token);
            }
        }
        let is_suspect = !orderly && lost.len() == 1;
        for token in lost {
            let item = token.item.clone();
            if let Err(error) = gateway.delivery_lost(item, &bound.who, is_suspect).await {
                tracing::error!(%error, "a lost delivery could not be noted");
            }
        }
        if let Some(outlet) = &bound.outlet {
            outlet.wake_another();
        }
    }

    /// Answers that the partner may not have seen: a repeat gets the same again (P11).
    fn leave_promises(&mut self) {
        let gateway = &self.host.gateway;
        for (_, promise) in self.unflushed.drain(..) {
            gateway.unanswered(promise.id, promise.likeness, promise.held);
        }
        for (id, likeness) in self.unheard.drain(..) {
            gateway.unanswered(id, likeness, None);
        }
    }
}

/// After a panic nothing may stay behind in a task that is gone. In an orderly end all of this is
/// empty by now.
impl<S> Drop for Talk<S> {
    fn drop(&mut self) {
        let gateway = &self.host.gateway;
        for (_, promise) in self.unflushed.drain(..) {
            gateway.unanswered(promise.id, promise.likeness, promise.held);
        }
        if let Some(bound) = self.bound.take() {
            gateway.registry().session_ended(bound.card.id);
        }
        let mut back: Vec<Token> = Vec::new();
        for outstanding in self.session.close() {
            let is_back = outstanding.token.is_given_up.swap(true, Ordering::AcqRel);
            if !is_back {
                back.push(outstanding.token);
            }
        }
        gateway.not_sent(back.into_iter().map(|token| token.item.clone()).collect());
    }
}

/// S160 to S163, S041: what an error answer to a delivery means.
fn refused_how(status: CommandStatus) -> DeliveryRefused {
    match status {
        CommandStatus::RX_R_APPN | CommandStatus::RX_P_APPN => DeliveryRefused::Never,
        _ => DeliveryRefused::Later,
    }
}
