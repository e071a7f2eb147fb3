//! One connection to the fake operator: reads a batch, decides it under the lock, writes a batch.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    BoundLine, Closing,
    delivery::Delivery,
    reset,
    state::{Shared, State},
};
use crate::smpp::{
    Action, BindKind, Command, CommandId, CommandStatus, Connection, ConnectionLimits, Limits, Pdu,
    Role, Session, Step, Tlvs, Version, codec,
    pdu::{Bind, BindResp},
    session::NotSent,
    tag,
};

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Closing in order takes no longer.
const GOODBYE: Duration = Duration::from_secs(1);
/// Answers that may be held back on one connection before reading stops.
const ANSWERS_MAX: usize = 100_000;

/// An answer to a submit that waits for its time or its turn.
pub(super) struct Answer {
    pub(super) due: Instant,
    /// Not before this delivery is acknowledged, but at the latest then.
    pub(super) behind: Option<u64>,
    pub(super) latest: Instant,
    pub(super) command: Command,
}

pub(super) struct Line {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u64,
    peer: SocketAddr,
    wake: Arc<Notify>,
    connection: Connection<TcpStream>,
    session: Session<Arc<Delivery>>,
    /// Whose bind this is, once it is one.
    pub(super) account: Bytes,
    pub(super) is_receiver: bool,
    /// Answers that wait for their time or their turn.
    pub(super) answers: VecDeque<Answer>,
    actions: Vec<Action<Arc<Delivery>>>,
    read_again_at: Option<Instant>,
    tick_at: Instant,
    pub(super) closing: Option<Closing>,
}

impl Line {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection of the fake SMSC keeps Nagle's delay");
        }
        let now = Instant::now();
        let (number, wake) = shared.lock().open_line();
        let limits = Limits {
            enquire_link: shared.options.enquire_link,
            response: shared.options.response,
            // A script may leave any number of submits without an answer.
            window_in: usize::MAX,
            window: usize::MAX,
            ..Limits::default()
        };
        Self {
            shared,
            number,
            peer,
            wake,
            connection: Connection::new(stream, ConnectionLimits::default()),
            session: Session::new(Role::Mc, limits, now),
            account: Bytes::new(),
            is_receiver: false,
            answers: VecDeque::new(),
            actions: Vec::new(),
            read_again_at: None,
            tick_at: now + TICK,
            closing: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let next = self.pump();
            if self.closing.is_some() {
                break;
            }
            let may_read = self.read_again_at.is_none()
                && self.connection.has_room()
                && self.answers.len() < ANSWERS_MAX;
            tokio::select! {
                step = self.connection.step(may_read) => match step {
                    Ok(Step::Frames(frames)) => self.take(&frames, None),
                    Ok(Step::Bad(frames, error)) => self.take(&frames, Some(error)),
                    Ok(Step::Flushed) => {}
                    Ok(Step::Ended) | Err(_) => break,
                },
                () = self.wake.notified() => {}
                () = sleep_until(next) => {}
            }
        }
        self.end().await;
    }

    /// Takes a batch of frames, under the lock once.
    fn take(&mut self, frames: &[Bytes], fault: Option<codec::Error>) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let now = Instant::now();
        if let Some(pause) = state.script.read_pause {
            self.read_again_at = Some(now + pause);
        }
        for frame in frames {
            if codec::header(frame).id == CommandId::ENQUIRE_LINK {
                state.journal.enquire_links_seen += 1;
                if !state.script.answers_enquire_link {
                    continue;
                }
            }
            let decoded = codec::decode(frame, self.session.version());
            self.session.receive(decoded, now, &mut self.actions);
            self.act(&mut state, now);
            if self.closing.is_some() {
                break;
            }
        }
        if let Some(fault) = fault {
            self.session.receive(Err(fault), now, &mut self.actions);
            self.act(&mut state, now);
        }
        state.flush();
        drop(state);
        shared.tell_changed();
    }

    /// Does what the session said, and what it says to that.
    fn act(&mut self, state: &mut State, now: Instant) {
        let mut actions = std::mem::take(&mut self.actions);
        while !actions.is_empty() {
            for action in actions.drain(..) {
                self.act_on(state, action, now);
            }
            std::mem::swap(&mut actions, &mut self.actions);
        }
        self.actions = actions;
    }

    fn act_on(&mut self, state: &mut State, action: Action<Arc<Delivery>>, now: Instant) {
        match action {
            Action::Send(command) => self.send(&command),
            Action::BindRequested(kind, bind, sequence) => {
                self.bind(state, kind, &bind, sequence, now);
            }
            Action::Deliver(Command { sequence, pdu: Pdu::SubmitSm(message), .. }) => {
                self.submit(state, *message, sequence, now);
            }
            Action::Deliver(command) => {
                state.journal.others_seen += 1;
                self.send(&refusal(&command));
            }
            Action::Answered { token, command } => {
                Self::answered(state, token, command.status, now);
            }
            Action::Ignored(..) => state.journal.faults_seen += 1,
            // What has no answer goes to the next bind, once, when this one has ended.
            Action::TimedOut { .. } | Action::Close(_) => {
                self.closing = self.closing.or(Some(Closing::Fin));
            }
        }
    }

    pub(super) fn send(&mut self, command: &Command) {
        if let Err(error) = self.connection.queue(command, self.session.version()) {
            tracing::warn!(%error, "the fake SMSC was told to send what does not fit");
        }
    }

    fn bind(
        &mut self,
        state: &mut State,
        kind: BindKind,
        bind: &Bind,
        sequence: u32,
        now: Instant,
    ) {
        state.journal.binds_seen += 1;
        let script = &state.script;
        if !script.answers_binds {
            return;
        }
        let accounts = &self.shared.options.accounts;
        let is_known = accounts.is_empty()
            || accounts.iter().any(|(name, _)| *name.as_bytes() == bind.system_id);
        let is_right = accounts.is_empty()
            || accounts.iter().any(|(name, password)| {
                *name.as_bytes() == bind.system_id && *password.as_bytes() == bind.password
            });
        let status = match script.bind_status {
            Some(status) => status,
            None if script.refuses_transceiver && kind == BindKind::Transceiver => {
                CommandStatus::RINVCMDID
            }
            None if !is_known => CommandStatus::RINVSYSID,
            None if !is_right => CommandStatus::RINVPASWD,
            None => CommandStatus::ROK,
        };
        let version = Version::of_bind(bind.interface_version);
        let mut tlvs = Tlvs::new();
        if let Some(octet) = script.interface_version {
            tlvs = tlvs.with_u8(tag::SC_INTERFACE_VERSION, octet);
        }
        let pdu = Pdu::BindResp(kind, BindResp { system_id: "fake_smsc".into(), tlvs });
        let answer = Command { status, sequence, pdu };
        if !status.is_ok() {
            self.session.respond(answer, &mut self.actions);
            return;
        }
        self.session.accept_bind(kind, version, answer, now, &mut self.actions);
        self.account = bind.system_id.clone();
        self.is_receiver = kind.receives();
        if let Some(entry) = state.lines.get_mut(&self.number) {
            entry.bound = Some(BoundLine {
                line: self.number,
                system_id: bind.system_id.clone(),
                kind,
                version,
                peer: self.peer,
                deliveries: 0,
            });
        }
    }

    /// Our `deliver_sm` was answered: a temporary status means that it comes again.
    fn answered(state: &mut State, token: Arc<Delivery>, status: CommandStatus, now: Instant) {
        let is_temporary = matches!(
            status,
            CommandStatus::RSYSERR
                | CommandStatus::RMSGQFUL
                | CommandStatus::RTHROTTLED
                | CommandStatus::RX_T_APPN
        );
        if is_temporary {
            state.journal.deliveries_refused += 1;
            state.put(now + state.script.retry_delay, token);
        } else {
            state.note_done(&token, status);
        }
    }

    /// Moves what is due into the write buffer, lets time pass, and says when to come again.
    fn pump(&mut self) -> Instant {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let now = Instant::now();
        if self.read_again_at.is_some_and(|at| at <= now || state.script.read_pause.is_none()) {
            self.read_again_at = None;
        }
        if now >= self.tick_at {
            self.tick_at = now + TICK;
            self.session.tick(now, &mut self.actions);
            self.act(&mut state, now);
        }
        if let Some(entry) = state.lines.get_mut(&self.number) {
            self.closing = self.closing.or(entry.closing);
            if !entry.raw.is_empty() {
                self.connection.queue_raw(&std::mem::take(&mut entry.raw));
            }
        }
        let mut next = self.tick_at.min(self.read_again_at.unwrap_or(self.tick_at));
        let receipts_first = state.script.receipts.come_before_answers;
        if receipts_first {
            self.deliver(&mut state, now, &mut next);
        }
        self.release_answers(&state, now, &mut next);
        if !receipts_first {
            self.deliver(&mut state, now, &mut next);
        }
        state.flush();
        next
    }

    fn release_answers(&mut self, state: &State, now: Instant, next: &mut Instant) {
        let turn = state.script.reverse_answers;
        if turn > 1 {
            while self.answers.len() >= turn {
                let batch: Vec<_> = self.answers.drain(..turn).collect();
                for answer in batch.iter().rev() {
                    self.send(&answer.command);
                }
            }
            return;
        }
        while let Some(answer) = self.answers.front() {
            let is_free = answer.behind.is_none_or(|number| !state.is_ahead(number));
            let due = if is_free { answer.due } else { answer.latest };
            if due > now {
                *next = (*next).min(due);
                break;
            }
            if let Some(answer) = self.answers.pop_front() {
                self.send(&answer.command);
            }
        }
    }

    fn deliver(&mut self, state: &mut State, now: Instant, next: &mut Instant) {
        if !self.is_receiver || !self.session.is_bound() || self.closing.is_some() {
            return;
        }
        let mut free = state.script.window.saturating_sub(self.session.in_flight());
        free = free.min(state.share(&self.account));
        let had_room = free > 0;
        while free > 0 && self.connection.has_room() {
            let Some(delivery) = state.take_due(&self.account, now) else { break };
            let pdu = Pdu::DeliverSm(Box::new(delivery.message.clone()));
            match self.session.request(pdu, Arc::clone(&delivery), now, &mut self.actions) {
                Ok(_) => {
                    state.note_sent(self.number, &delivery);
                    self.act(state, now);
                    free -= 1;
                }
                Err(NotSent::WindowFull | NotSent::NotBound) => {
                    state.put(now, delivery);
                    return;
                }
            }
        }
        // Without room in the window or the buffer an answer or a flush wakes this line; with the
        // share used up and more due, the next turn is at once.
        let may_go_on = state.script.window > self.session.in_flight();
        if had_room
            && may_go_on
            && self.connection.has_room()
            && let Some(due) = state.next_due(&self.account)
        {
            *next = (*next).min(due);
        }
    }

    async fn end(mut self) {
        let how = self.closing.unwrap_or(Closing::Fin);
        {
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            state.close_line(self.number);
            let now = Instant::now();
            // Everything unacknowledged goes to another bind, or waits for one.
            for waiting in self.session.close() {
                state.put(now, waiting.token);
            }
            drop(state);
            shared.tell_changed();
        }
        if how == Closing::Reset {
            reset(self.connection.stream());
            return;
        }
        let goodbye = async {
            self.connection.flush().await?;
            self.connection.shutdown().await
        };
        if let Ok(Err(error)) = tokio::time::timeout(GOODBYE, goodbye).await {
            tracing::trace!(%error, "a peer of the fake SMSC was gone already");
        }
    }
}

/// The answer to an operation that the fake operator does not have.
fn refusal(command: &Command) -> Command {
    let id = command.pdu.command_id();
    let status = match id {
        CommandId::QUERY_SM => CommandStatus::RQUERYFAIL,
        CommandId::CANCEL_SM => CommandStatus::RCANCELFAIL,
        CommandId::REPLACE_SM => CommandStatus::RREPLACEFAIL,
        _ => CommandStatus::RSUBMITFAIL,
    };
    Command::bare(id.response(), status, command.sequence)
}
