//! One partner's connection, from its first octet to its last.
//!
//! One task does everything: it reads, it writes, it waits for commits and for what the lanes
//! bring. `admission` is what a bind adds, `answers` and `delivery` the two directions, `ending`
//! the end. What surprises is what it remembers until then: answers that the partner may not have
//! seen (P5, P11) and deliveries that the partner did not answer.

use std::sync::atomic::Ordering;
use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};

use super::{
    Host,
    admission::Bound,
    answers::Work,
    bind::Transport,
    delivery::Token,
    doors::{AddressPlace, UnboundPlace},
    request::{Done, Promise},
};
use crate::{
    domain::{Exercise, MessageId},
    gateway::{likeness::Likeness, registry::SessionOrder},
    metrics,
    smpp::{
        Action, Command, Connection, Pdu, Role, Session, Step, codec, connection::ConnectionLimits,
        pdu::Outbind, session::Limits,
    },
};

/// The side of this module in metrics.
pub(super) const SIDE: &str = "server";

/// The places that a connection holds.
pub(crate) struct Places {
    pub(crate) unbound: UnboundPlace,
    pub(crate) address: AddressPlace,
}

pub(crate) struct Talk<S> {
    pub(super) host: Arc<Host>,
    pub(super) connection: Connection<S>,
    pub(super) session: Session<Token>,
    pub(super) peer: SocketAddr,
    pub(super) transport: Transport,
    pub(super) unbound: Option<UnboundPlace>,
    pub(super) _address: AddressPlace,
    pub(super) bound: Option<Bound>,
    pub(super) actions: Vec<Action<Token>>,
    pub(super) work: Work,
    /// Answers that are not with the kernel yet, by the count of octets that must have left.
    pub(super) unflushed: VecDeque<(u64, Promise)>,
    /// Answers after which the partner has sent nothing (P11).
    pub(super) unheard: Vec<(MessageId, Likeness)>,
    /// Why it ends, once it does; a metric label.
    pub(super) ends: Option<&'static str>,
    pub(super) is_stopping: bool,
    pub(super) probed_at: Option<Instant>,
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
        transport: Transport,
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
            transport,
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

    pub(super) fn free(&self) -> usize {
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
            self.note_sign_of_life(&decoded).await;
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

    /// Of a test session it is remembered that it can answer an `enquire_link`.
    async fn note_sign_of_life(&mut self, decoded: &Result<Command, codec::Error>) {
        let Ok(Command { pdu: Pdu::EnquireLinkResp, .. }) = decoded else { return };
        let Some(card) = self.bound.as_ref().map(|bound| Arc::clone(&bound.card)) else { return };
        self.host.gateway.exercised_on(&card, Exercise::EnquireLink).await;
    }

    /// Does what the session said. Requests go to work; everything else is done at once.
    pub(super) async fn perform(&mut self) {
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

    pub(super) fn send(&mut self, command: &Command) {
        metrics::pdu(SIDE, "out", command.pdu.name());
        self.trace("out", command);
        if let Err(unfit) = self.connection.queue(command, self.session.version()) {
            tracing::error!(session.peer = %self.peer, command = command.pdu.name(), %unfit,
                "a PDU of ours does not fit");
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
}
