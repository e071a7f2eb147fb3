//! One end of an SMPP session, without the socket.
//!
//! Feed it what arrived and what time it is, and do what it says. It never waits and never fails.
//! It owns what the protocol owns: which operation is legal when, who answers what by itself, the
//! window of our own requests, and every timer. It knows nothing of messages or partners.
//!
//! What surprises: a request that timed out is not forgotten. Its answer may still come, and is
//! handed over as long as the session lives (P7); only `close` ends that hope.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    codec,
    pdu::{Bind, Command, Pdu},
    values::{BindKind, CommandId, CommandStatus, Version},
};

/// Which side of the session this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The message centre: accepts binds.
    Mc,
    /// The external entity: binds.
    Esme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Bound(BindKind),
    /// An unbind was sent or received; only answers are legal.
    Unbinding,
}

/// Timers and sizes of one session.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub session_init: Duration,
    pub enquire_link: Duration,
    pub response: Duration,
    /// Unanswered `enquire_link`s that end the session (P32).
    pub misses: u32,
    /// None: a session without transactions lives on.
    pub inactivity: Option<Duration>,
    /// Requests of ours in flight.
    pub window: usize,
    /// Requests of the peer in flight before reading stops (P26).
    pub window_in: usize,
    /// A 3.4 peer may send `data_sm` on a receiver bind. [34 table 2-1]
    pub data_sm_on_receiver: bool,
    /// The longest time an `enquire_link` may wait for its answer.
    pub enquire_link_answer: Duration,
    /// An `enquire_link` of the peer counts as a transaction (S029).
    pub enquire_link_keeps: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session_init: Duration::from_secs(10),
            enquire_link: Duration::from_secs(30),
            response: Duration::from_mins(1),
            misses: 2,
            inactivity: None,
            window: 10,
            window_in: 1000,
            data_sm_on_receiver: false,
            enquire_link_answer: Duration::from_secs(10),
            enquire_link_keeps: false,
        }
    }
}

/// Why a session should end; a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    NoBind,
    NoAnswer,
    Inactive,
    BadLength,
    Unbound,
    Nacked,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoBind => "no_bind",
            Self::NoAnswer => "no_answer",
            Self::Inactive => "inactive",
            Self::BadLength => "bad_length",
            Self::Unbound => "unbound",
            Self::Nacked => "nacked",
        }
    }
}

/// What the owner of the socket has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<T> {
    Send(Command),
    /// Somebody wants to bind: answer with `accept_bind`, or refuse with `respond`.
    BindRequested(BindKind, Box<Bind>, u32),
    /// A legal request that the owner must answer with `respond`.
    Deliver(Command),
    /// Our request was answered, late or not. The token came with the request.
    Answered {
        token: T,
        command: Command,
    },
    /// No answer in time; the session lives and the answer may still come.
    TimedOut {
        token: T,
    },
    /// Something that is counted and not answered.
    Ignored(CommandId, &'static str),
    /// Flush what was sent, then close.
    Close(Reason),
}

/// A request of ours that has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding<T> {
    pub token: T,
    pub sent_at: Instant,
    /// `Action::TimedOut` was given for it.
    pub is_timed_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    WindowFull,
    NotBound,
}

/// One end of a session. `T` is what the owner wants back with an answer.
#[derive(Debug)]
pub struct Session<T> {
    role: Role,
    state: State,
    version: Version,
    limits: Limits,
    next_sequence: u32,
    /// Few entries, mostly answered in order: a queue searched from the front beats a map.
    outstanding: std::collections::VecDeque<(u32, Outstanding<T>)>,
    timed_out: usize,
    unanswered_in: usize,
    enquire: Option<(u32, Instant)>,
    missed: u32,
    opened_at: Instant,
    heard_at: Instant,
    transaction_at: Instant,
    unbind_sent: Option<(u32, Instant)>,
    /// The peer wants to go; it gets its pending answers first (S024).
    unbind_received_at: Option<Instant>,
    /// What an orderly end will be called.
    end: Reason,
}

impl<T: Clone> Session<T> {
    pub fn new(role: Role, limits: Limits, now: Instant) -> Self {
        Self {
            role,
            state: State::Open,
            version: Version::V34,
            limits,
            next_sequence: 1,
            outstanding: std::collections::VecDeque::new(),
            timed_out: 0,
            unanswered_in: 0,
            enquire: None,
            missed: 0,
            opened_at: now,
            heard_at: now,
            transaction_at: now,
            unbind_sent: None,
            unbind_received_at: None,
            end: Reason::Unbound,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    pub fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    pub fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound(_))
    }

    /// Room for requests of ours. A timed-out request keeps its place: the peer may be slow, and
    /// more would not make it faster.
    pub fn free(&self) -> usize {
        if self.may_ask() { self.limits.window.saturating_sub(self.outstanding.len()) } else { 0 }
    }

    /// Whether this bind lets our side send requests: a transmitter never gets a delivery (S032).
    fn may_ask(&self) -> bool {
        match (self.role, self.state) {
            (Role::Mc, State::Bound(kind)) => kind.receives(),
            (Role::Esme, State::Bound(kind)) => kind.transmits(),
            (_, State::Open | State::Unbinding) => false,
        }
    }

    /// Requests of ours whose time is over and whose answer may still come.
    pub fn timed_out(&self) -> usize {
        self.timed_out
    }

    pub fn in_flight(&self) -> usize {
        self.outstanding.len()
    }

    /// Whether the socket may be read: not while the peer has too much unanswered (P26).
    pub fn may_read(&self) -> bool {
        self.unanswered_in < self.limits.window_in
    }

    fn sequence(&mut self) -> u32 {
        let sequence = self.next_sequence;
        // [50 s2.6.2] After 0x7FFFFFFF comes 1.
        self.next_sequence = if sequence >= 0x7fff_ffff { 1 } else { sequence + 1 };
        sequence
    }

    /// Sends a request of ours; the token comes back with its answer.
    pub fn request(
        &mut self,
        pdu: Pdu,
        token: T,
        now: Instant,
        actions: &mut Vec<Action<T>>,
    ) -> Result<u32, NotSent> {
        let may = match &pdu {
            Pdu::Bind(..) => self.role == Role::Esme && self.state == State::Open,
            _ => self.may_ask(),
        };
        if !may {
            return Err(NotSent::NotBound);
        }
        if self.outstanding.len() >= self.limits.window {
            return Err(NotSent::WindowFull);
        }
        let sequence = self.sequence();
        let waiting = Outstanding { token, sent_at: now, is_timed_out: false };
        self.outstanding.push_back((sequence, waiting));
        self.transaction_at = now;
        actions.push(Action::Send(Command::new(sequence, pdu)));
        Ok(sequence)
    }

    /// Sends something that nobody answers (`alert_notification`, `outbind`).
    pub fn notify(&mut self, pdu: Pdu, actions: &mut Vec<Action<T>>) {
        let sequence = self.sequence();
        actions.push(Action::Send(Command::new(sequence, pdu)));
    }

    /// Answers a request that was delivered to the owner.
    pub fn respond(&mut self, command: Command, actions: &mut Vec<Action<T>>) {
        self.unanswered_in = self.unanswered_in.saturating_sub(1);
        actions.push(Action::Send(command));
        if self.unbind_received_at.is_some() && self.unanswered_in == 0 {
            actions.push(Action::Close(self.end));
        }
    }

    pub fn accept_bind(
        &mut self,
        kind: BindKind,
        version: Version,
        answer: Command,
        now: Instant,
        actions: &mut Vec<Action<T>>,
    ) {
        self.version = version;
        self.state = State::Bound(kind);
        self.transaction_at = now;
        self.respond(answer, actions);
    }

    /// As ESME: the bind was accepted.
    pub fn bound(&mut self, kind: BindKind, version: Version, now: Instant) {
        self.version = version;
        self.state = State::Bound(kind);
        self.transaction_at = now;
    }

    /// Asks the peer to unbind; the session ends with its answer or the response timer.
    pub fn unbind(&mut self, now: Instant, actions: &mut Vec<Action<T>>) {
        if !self.is_bound() {
            actions.push(Action::Close(Reason::Unbound));
            return;
        }
        let sequence = self.sequence();
        self.state = State::Unbinding;
        self.unbind_sent = Some((sequence, now));
        actions.push(Action::Send(Command::new(sequence, Pdu::Unbind)));
    }

    /// Asks for a sign of life now, outside its timer (P33).
    pub fn probe(&mut self, now: Instant, actions: &mut Vec<Action<T>>) {
        if self.enquire.is_none() {
            self.enquire(now, actions);
        }
    }

    fn enquire(&mut self, now: Instant, actions: &mut Vec<Action<T>>) {
        let sequence = self.sequence();
        self.enquire = Some((sequence, now));
        actions.push(Action::Send(Command::new(sequence, Pdu::EnquireLink)));
    }

    /// Takes one decoded PDU, or the fault of one.
    pub fn receive(
        &mut self,
        decoded: Result<Command, codec::Error>,
        now: Instant,
        actions: &mut Vec<Action<T>>,
    ) {
        self.heard_at = now;
        self.missed = 0;
        match decoded {
            Ok(command) if command.pdu.command_id().is_response() => {
                self.answer(command, now, actions);
            }
            Ok(command) => self.take_request(command, now, actions),
            Err(codec::Error::BadLength { sequence, .. }) => {
                // K021: after a wrong length nobody knows where the next PDU begins.
                actions.push(Action::Send(nack(CommandStatus::RINVCMDLEN, sequence)));
                actions.push(Action::Close(Reason::BadLength));
            }
            Err(codec::Error::Recoverable { header, status, reason }) => {
                let (id, sequence) = (header.id, header.sequence);
                actions.push(Action::Ignored(id, reason));
                if id.is_response() || is_unanswered(id) {
                    return;
                }
                let answer = if self.knows(id) {
                    let status = self.status_in_state(id).unwrap_or(status);
                    Command::bare(id.response(), status, sequence)
                } else {
                    nack(CommandStatus::RINVCMDID, sequence)
                };
                actions.push(Action::Send(answer));
            }
        }
    }

    fn take_request(&mut self, command: Command, now: Instant, actions: &mut Vec<Action<T>>) {
        let (id, sequence) = (command.pdu.command_id(), command.sequence);
        match command.pdu {
            Pdu::EnquireLink => {
                if self.limits.enquire_link_keeps {
                    self.transaction_at = now;
                }
                actions.push(Action::Send(Command::new(sequence, Pdu::EnquireLinkResp)));
                return;
            }
            Pdu::Unbind => {
                self.take_unbind(sequence, now, actions);
                return;
            }
            // Nothing waits for an answer to it, and a nack would be an error (C040).
            Pdu::AlertNotification(_) | Pdu::Outbind(_) if self.role == Role::Esme => {
                actions.push(Action::Deliver(command));
                return;
            }
            Pdu::AlertNotification(_) | Pdu::Outbind(_) => {
                actions.push(Action::Ignored(id, "not legal towards a message centre"));
                return;
            }
            _ => {}
        }
        if !self.knows(id) {
            actions.push(Action::Ignored(id, "unknown command"));
            actions.push(Action::Send(nack(CommandStatus::RINVCMDID, sequence)));
            return;
        }
        if let Some(status) = self.status_in_state(id) {
            actions.push(Action::Ignored(id, "not legal in this state"));
            actions.push(Action::Send(Command::bare(id.response(), status, sequence)));
            return;
        }
        self.unanswered_in += 1;
        self.transaction_at = now;
        match command.pdu {
            Pdu::Bind(kind, bind) => actions.push(Action::BindRequested(kind, bind, sequence)),
            _ => actions.push(Action::Deliver(command)),
        }
    }

    /// Two unbinds that cross are both answered: each side got what it wanted.
    fn take_unbind(&mut self, sequence: u32, now: Instant, actions: &mut Vec<Action<T>>) {
        if self.state == State::Open {
            let status = CommandStatus::RINVBNDSTS;
            actions.push(Action::Send(Command { status, sequence, pdu: Pdu::UnbindResp }));
            return;
        }
        self.state = State::Unbinding;
        self.unbind_received_at.get_or_insert(now);
        actions.push(Action::Send(Command::new(sequence, Pdu::UnbindResp)));
        if self.unanswered_in == 0 {
            actions.push(Action::Close(self.end));
        }
    }

    /// Operations that this side serves at all.
    fn knows(&self, id: CommandId) -> bool {
        use CommandId as C;
        match self.role {
            Role::Mc => match id {
                C::SUBMIT_SM
                | C::SUBMIT_MULTI
                | C::DATA_SM
                | C::QUERY_SM
                | C::CANCEL_SM
                | C::REPLACE_SM => true,
                // S138: recognised and not licensed, but only where 5.0 was agreed (S040).
                id if is_broadcast(id) => self.version >= Version::V50,
                id => BindKind::of(id).is_some(),
            },
            Role::Esme => matches!(id, C::DELIVER_SM | C::DATA_SM),
        }
    }

    /// The status for an operation that is not legal now; none if it is. [50 table 2-1]
    fn status_in_state(&self, id: CommandId) -> Option<CommandStatus> {
        let is_bind = BindKind::of(id).is_some();
        let legal = match (self.role, self.state) {
            (Role::Mc, State::Open) => is_bind,
            (Role::Mc, State::Bound(_)) if is_bind => {
                return Some(CommandStatus::RALYBND);
            }
            (Role::Mc, State::Bound(kind)) => {
                // S021: 5.0 says no where 3.4 leaves it open.
                let may_send_data = self.limits.data_sm_on_receiver && self.version < Version::V50;
                kind.transmits() || (id == CommandId::DATA_SM && may_send_data)
            }
            (Role::Esme, State::Bound(kind)) => {
                kind.receives() || (id == CommandId::DATA_SM && self.version < Version::V50)
            }
            (Role::Esme, State::Open) | (_, State::Unbinding) => false,
        };
        (!legal).then_some(CommandStatus::RINVBNDSTS)
    }

    fn answer(&mut self, command: Command, now: Instant, actions: &mut Vec<Action<T>>) {
        let (id, sequence) = (command.pdu.command_id(), command.sequence);
        if let Some((unbind, _)) = self.unbind_sent
            && id == CommandId::UNBIND_RESP
            && unbind == sequence
        {
            actions.push(Action::Close(self.end));
            return;
        }
        if id == CommandId::ENQUIRE_LINK_RESP {
            if self.enquire.is_some_and(|(enquire, _)| enquire == sequence) {
                self.enquire = None;
            }
            return;
        }
        if let Some(place) = self.outstanding.iter().position(|(known, _)| *known == sequence) {
            let (_, waiting) = self.outstanding.remove(place).expect("found above");
            if waiting.is_timed_out {
                self.timed_out -= 1;
            }
            self.transaction_at = now;
            actions.push(Action::Answered { token: waiting.token, command });
            return;
        }
        if id == CommandId::GENERIC_NACK {
            // C019: a nack that names no request of ours means that the peer lost the stream.
            if sequence == 0 && self.role == Role::Esme {
                actions.push(Action::Close(Reason::Nacked));
                return;
            }
            if self.enquire.is_some_and(|(enquire, _)| enquire == sequence) {
                // It does not know enquire_link, but it lives.
                self.enquire = None;
                return;
            }
        }
        actions.push(Action::Ignored(id, "no request of ours has this sequence_number"));
    }

    /// Lets time pass. Call at least once a second.
    pub fn tick(&mut self, now: Instant, actions: &mut Vec<Action<T>>) {
        if self.state == State::Open && now - self.opened_at >= self.limits.session_init {
            actions.push(Action::Close(Reason::NoBind));
            return;
        }
        let unbinding_since = self.unbind_sent.map(|(_, at)| at).or(self.unbind_received_at);
        if let Some(since) = unbinding_since {
            if now - since >= self.limits.response {
                actions.push(Action::Close(self.end));
            }
            return;
        }
        for (_, waiting) in &mut self.outstanding {
            if !waiting.is_timed_out && now - waiting.sent_at >= self.limits.response {
                waiting.is_timed_out = true;
                self.timed_out += 1;
                actions.push(Action::TimedOut { token: waiting.token.clone() });
            }
        }
        if !self.is_bound() {
            return;
        }
        if let Some((_, sent_at)) = self.enquire {
            if now - sent_at >= self.limits.enquire_link_answer {
                self.enquire = None;
                // [34 s4.11] Anything that came since is a sign of life, too.
                if self.heard_at <= sent_at {
                    self.missed += 1;
                }
                if self.missed >= self.limits.misses {
                    actions.push(Action::Close(Reason::NoAnswer));
                    return;
                }
                self.enquire(now, actions);
            }
        } else if now - self.heard_at >= self.limits.enquire_link {
            self.enquire(now, actions);
        }
        if let Some(inactivity) = self.limits.inactivity
            && now - self.transaction_at >= inactivity
        {
            self.end = Reason::Inactive;
            self.unbind(now, actions);
        }
    }

    /// Ends the session and hands back every request that was sent and never answered. For a
    /// charged MT that list is exactly the set whose fate is unknown.
    pub fn close(&mut self) -> Vec<Outstanding<T>> {
        self.timed_out = 0;
        self.outstanding.drain(..).map(|(_, waiting)| waiting).collect()
    }
}

fn is_broadcast(id: CommandId) -> bool {
    matches!(
        id,
        CommandId::BROADCAST_SM | CommandId::QUERY_BROADCAST_SM | CommandId::CANCEL_BROADCAST_SM
    )
}

/// Requests that nobody answers, not even with a nack (C040).
fn is_unanswered(id: CommandId) -> bool {
    matches!(id, CommandId::ALERT_NOTIFICATION | CommandId::OUTBIND)
}

fn nack(status: CommandStatus, sequence: u32) -> Command {
    Command { status, sequence, pdu: Pdu::GenericNack }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
