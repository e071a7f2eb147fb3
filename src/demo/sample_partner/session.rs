//! One session of the partner: binds, serves, and binds again for as long as the partner runs.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::book::{Reply, Shared};
use crate::smpp::{
    Action, BindKind, Command, CommandStatus, Connection, ConnectionLimits, Limits, Pdu, Role,
    Session, Step, codec,
    pdu::{Bind, MessageResp},
};

/// Also how long a reply may wait that another session made.
const TICK: Duration = Duration::from_millis(100);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// What was asked of the gateway.
#[derive(Debug, Clone)]
enum Asked {
    Bind,
    Reply(Arc<Reply>),
}

/// Keeps one session alive until the partner stops.
pub(super) async fn keep(shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let (first, longest) = shared.options.reconnect;
    let mut pause = first;
    while !*stopping.borrow() {
        let was_bound = serve(&shared, &mut stopping).await;
        pause = if was_bound { first } else { pause.saturating_mul(2).min(longest) };
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
        }
    }
}

/// One connection from its beginning to its end; true if it was bound.
async fn serve(shared: &Arc<Shared>, stopping: &mut watch::Receiver<bool>) -> bool {
    let connecting = timeout(CONNECT_WITHIN, TcpStream::connect(shared.options.gateway));
    let stream = tokio::select! {
        connected = connecting => match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) | Err(_) => return false,
        },
        _ = stopping.wait_for(|is_stopping| *is_stopping) => return false,
    };
    let Ok(mut bound) = Bound::new(Arc::clone(shared), stream) else { return false };
    bound.bind();
    let mut is_stopping = false;
    loop {
        let next = bound.pump();
        if bound.is_over {
            break;
        }
        tokio::select! {
            step = bound.connection.step(bound.connection.has_room()) => match step {
                Ok(Step::Frames(frames)) => bound.take(&frames, None),
                Ok(Step::Bad(frames, error)) => bound.take(&frames, Some(error)),
                Ok(Step::Flushed) => {}
                Ok(Step::Ended) | Err(_) => break,
            },
            _ = stopping.wait_for(|is_stopping| *is_stopping), if !is_stopping => {
                is_stopping = true;
                bound.unbind();
            }
            () = sleep_until(next) => {}
        }
    }
    bound.end().await
}

struct Bound {
    shared: Arc<Shared>,
    connection: Connection<TcpStream>,
    session: Session<Asked>,
    actions: Vec<Action<Asked>>,
    had_bind: bool,
    is_over: bool,
    tick_at: Instant,
}

impl Bound {
    fn new(shared: Arc<Shared>, stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let now = Instant::now();
        let limits = Limits {
            response: shared.options.response,
            window: shared.options.window.max(1),
            ..Limits::default()
        };
        Ok(Self {
            connection: Connection::new(stream, ConnectionLimits::default()),
            session: Session::new(Role::Esme, limits, now),
            actions: Vec::new(),
            had_bind: false,
            is_over: false,
            tick_at: now + TICK,
            shared,
        })
    }

    fn bind(&mut self) {
        let options = &self.shared.options;
        let bind = Bind {
            system_id: options.system_id.as_bytes().to_vec().into(),
            password: options.password.as_bytes().to_vec().into(),
            interface_version: options.version.octet(),
            ..Bind::default()
        };
        let pdu = Pdu::Bind(BindKind::Transceiver, Box::new(bind));
        self.is_over |=
            self.session.request(pdu, Asked::Bind, Instant::now(), &mut self.actions).is_err();
        self.act(Instant::now());
    }

    fn unbind(&mut self) {
        self.session.unbind(Instant::now(), &mut self.actions);
        self.act(Instant::now());
    }

    fn take(&mut self, frames: &[bytes::Bytes], fault: Option<codec::Error>) {
        let now = Instant::now();
        for frame in frames {
            let decoded = codec::decode(frame, self.session.version());
            self.session.receive(decoded, now, &mut self.actions);
            self.act(now);
        }
        if let Some(fault) = fault {
            self.session.receive(Err(fault), now, &mut self.actions);
            self.act(now);
        }
        self.shared.lock().flush();
        self.shared.changed.send_replace(());
    }

    fn act(&mut self, now: Instant) {
        let mut actions = std::mem::take(&mut self.actions);
        while !actions.is_empty() {
            for action in actions.drain(..) {
                self.act_on(action, now);
            }
            std::mem::swap(&mut actions, &mut self.actions);
        }
        self.actions = actions;
    }

    fn act_on(&mut self, action: Action<Asked>, now: Instant) {
        match action {
            Action::Send(command) => {
                if let Err(error) = self.connection.queue(&command, self.session.version()) {
                    tracing::warn!(%error, "a reply of the sample partner does not fit");
                }
            }
            Action::Deliver(command) => self.deliver(command),
            Action::Answered { token: Asked::Bind, command } => self.bound(&command, now),
            Action::Answered { token: Asked::Reply(reply), command } => {
                let id = match &command.pdu {
                    Pdu::SubmitSmResp(resp) => resp.message_id.clone(),
                    _ => bytes::Bytes::new(),
                };
                let retry_at = now + self.shared.options.retry_delay;
                self.shared.lock().answered(&reply, command.status, &id, retry_at);
            }
            // Only the end of the session tells which replies were not answered.
            Action::TimedOut { .. } | Action::Close(_) => self.is_over = true,
            Action::BindRequested(..) | Action::Ignored(..) => {}
        }
    }

    fn bound(&mut self, answer: &Command, now: Instant) {
        if !answer.status.is_ok() {
            self.is_over = true;
            return;
        }
        self.session.bound(BindKind::Transceiver, self.shared.options.version, now);
        self.had_bind = true;
        let mut book = self.shared.lock();
        book.counts.binds += 1;
        book.counts.sessions_bound += 1;
    }

    fn deliver(&mut self, command: Command) {
        let Command { sequence, pdu, .. } = command;
        let resp = MessageResp::default();
        let (status, pdu) = match pdu {
            Pdu::DeliverSm(message) => {
                let shared = &self.shared;
                let status = shared.lock().take(&message, &shared.options);
                (status, Pdu::DeliverSmResp(resp))
            }
            Pdu::DataSm(_) => (CommandStatus::RX_R_APPN, Pdu::DataSmResp(resp)),
            _ => return,
        };
        self.session.respond(Command { status, sequence, pdu }, &mut self.actions);
    }

    /// Sends what is owed, lets time pass, and says when to come again.
    fn pump(&mut self) -> Instant {
        let now = Instant::now();
        if now >= self.tick_at {
            self.tick_at = now + TICK;
            self.session.tick(now, &mut self.actions);
            self.act(now);
        }
        let shared = Arc::clone(&self.shared);
        let mut book = shared.lock();
        let mut has_sent = false;
        while self.session.free() > 0 && self.connection.has_room() {
            let Some(reply) = book.next_reply(now) else { break };
            let pdu = Pdu::SubmitSm(Box::new(reply.message.clone()));
            let asked = Asked::Reply(Arc::clone(&reply));
            if self.session.request(pdu, asked, now, &mut self.actions).is_err() {
                book.owe_again(&reply);
                break;
            }
            has_sent = true;
        }
        book.flush();
        drop(book);
        if has_sent {
            self.act(now);
            shared.changed.send_replace(());
        }
        self.tick_at
    }

    async fn end(mut self) -> bool {
        // Answers to what was read, and the answer to an unbind.
        if let Ok(Err(error)) = timeout(Duration::from_secs(1), self.connection.flush()).await {
            tracing::trace!(%error, "the gateway was gone already");
        }
        let mut book = self.shared.lock();
        for waiting in self.session.close().into_iter().rev() {
            if let Asked::Reply(reply) = waiting.token {
                book.owe_again(&reply);
            }
        }
        book.counts.sessions_bound -= u64::from(self.had_bind);
        drop(book);
        self.shared.changed.send_replace(());
        self.had_bind
    }
}
