//! An SMPP client for tests and load: binds to a message centre and does what it is told, rude
//! things included.
//!
//! It has no `Session`, so it can send what is not legal. A task of its own reads, answers signs
//! of life and, unless told not to, every delivery. What surprises: an answer that nobody waits
//! for is not lost, it comes out of [`Esme::read_command`] like everything else unasked.

#[cfg(test)]
mod tests;
mod worker;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};

use self::worker::Worker;
use crate::smpp::{
    Address, BindKind, Command, CommandStatus, Connection, ConnectionLimits, Pdu, ShortMessage,
    Version,
    pdu::{Bind, BindResp, MessageResp},
    values::esm_class,
};

/// How long a bind, an answer or a delivery is waited for.
const DEADLINE: Duration = Duration::from_secs(10);
/// Orders and commands that may wait in each direction; reading stops when nobody takes them.
const WAITING_MAX: usize = 10_000;
/// Orders taken between two writes.
const ORDERS_AT_ONCE: usize = 256;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("connecting: {0}")]
    Connect(#[from] io::Error),
    #[error("the connection is closed")]
    Closed,
    #[error("no answer within {DEADLINE:?}")]
    Late,
    #[error("refused with {0}")]
    Refused(CommandStatus),
    #[error("answered with {0} instead")]
    Unexpected(&'static str),
}

/// A delivery that came: an MO or a receipt.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub sequence: u32,
    pub message: ShortMessage,
}

impl Delivered {
    pub fn is_receipt(&self) -> bool {
        self.message.esm_class & esm_class::TYPE == esm_class::RECEIPT
    }
}

enum Order {
    Request(Command, oneshot::Sender<Command>),
    Send(Command),
    Raw(Bytes),
    Close,
}

/// A connected ESME; it hangs up when it is dropped.
#[derive(Debug)]
pub struct Esme {
    orders: mpsc::Sender<Order>,
    deliveries: mpsc::Receiver<Delivered>,
    commands: mpsc::Receiver<Command>,
    shared: Arc<Shared>,
    closed: watch::Receiver<bool>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    next_sequence: AtomicU32,
    answers_deliveries: AtomicBool,
    answers_enquire_link: AtomicBool,
    answers_unbind: AtomicBool,
    /// Answers that are waited for.
    waiting: AtomicUsize,
    version: Mutex<Version>,
}

impl Shared {
    fn version(&self) -> Version {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Esme {
    /// Connects and binds over plain TCP.
    pub async fn bind(
        to: SocketAddr,
        kind: BindKind,
        version: Version,
        system_id: &str,
        password: &str,
    ) -> Result<Self, Failed> {
        let esme = Self::connect(to).await?;
        esme.bind_as(kind, version, system_id, password).await?;
        Ok(esme)
    }

    /// Connects and sends nothing.
    pub async fn connect(to: SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Speaks over any stream, TLS for instance.
    pub fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (orders, taken) = mpsc::channel(WAITING_MAX);
        let (deliver, deliveries) = mpsc::channel(WAITING_MAX);
        let (tell, commands) = mpsc::channel(WAITING_MAX);
        let (close, closed) = watch::channel(false);
        let shared = Arc::new(Shared {
            next_sequence: AtomicU32::new(1),
            answers_deliveries: AtomicBool::new(true),
            answers_enquire_link: AtomicBool::new(true),
            answers_unbind: AtomicBool::new(true),
            waiting: AtomicUsize::new(0),
            version: Mutex::new(Version::V34),
        });
        let worker = Worker {
            connection: Connection::new(stream, ConnectionLimits::default()),
            shared: Arc::clone(&shared),
            waiting: HashMap::new(),
            deliver,
            tell,
        };
        let mut task = JoinSet::new();
        task.spawn(async move {
            worker.run(taken).await;
            close.send_replace(true);
        });
        Self { orders, deliveries, commands, shared, closed, _task: task }
    }

    /// Binds a connection that is open.
    pub async fn bind_as(
        &self,
        kind: BindKind,
        version: Version,
        system_id: &str,
        password: &str,
    ) -> Result<BindResp, Failed> {
        let bind = Bind {
            system_id: system_id.as_bytes().to_vec().into(),
            password: password.as_bytes().to_vec().into(),
            interface_version: version.octet(),
            ..Bind::default()
        };
        self.set_version(version);
        let answer = self.request(Pdu::Bind(kind, Box::new(bind))).await?;
        match answer.pdu {
            _ if !answer.status.is_ok() => Err(Failed::Refused(answer.status)),
            Pdu::BindResp(_, resp) => Ok(resp),
            other => Err(Failed::Unexpected(other.name())),
        }
    }

    /// The version that PDUs are written and read in.
    pub fn set_version(&self, version: Version) {
        *self.shared.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    fn sequence(&self) -> u32 {
        self.shared.next_sequence.fetch_add(1, Ordering::Relaxed) & 0x7fff_ffff
    }

    async fn order(&self, order: Order) -> Result<(), Failed> {
        self.orders.send(order).await.map_err(|_| Failed::Closed)
    }

    /// Sends any request and waits for its answer.
    pub async fn request(&self, pdu: Pdu) -> Result<Command, Failed> {
        self.start(pdu).await?.await
    }

    /// Sends any request; the answer is waited for separately.
    pub async fn start(
        &self,
        pdu: Pdu,
    ) -> Result<impl Future<Output = Result<Command, Failed>> + use<>, Failed> {
        let (tell, told) = oneshot::channel();
        self.order(Order::Request(Command::new(self.sequence(), pdu), tell)).await?;
        Ok(async move {
            match timeout(DEADLINE, told).await {
                Ok(Ok(command)) => Ok(command),
                Ok(Err(_)) => Err(Failed::Closed),
                Err(_) => Err(Failed::Late),
            }
        })
    }

    /// Submits one message; an error status is [`Failed::Refused`].
    pub async fn submit(&self, message: ShortMessage) -> Result<MessageResp, Failed> {
        let answer = self.request(Pdu::SubmitSm(Box::new(message))).await?;
        submitted(answer)
    }

    /// Submits all with so many in flight; results in the order of the messages.
    pub async fn submit_pipelined(
        &self,
        messages: impl IntoIterator<Item = ShortMessage>,
        window: usize,
    ) -> Vec<Result<MessageResp, Failed>> {
        let mut results = Vec::new();
        let mut flying = std::collections::VecDeque::new();
        for message in messages {
            if flying.len() >= window.max(1)
                && let Some(answer) = flying.pop_front()
            {
                results.push(finish(answer).await);
            }
            flying.push_back(self.start(Pdu::SubmitSm(Box::new(message))).await);
        }
        for answer in flying {
            results.push(finish(answer).await);
        }
        results
    }

    /// Sends a command as it is and waits for nothing.
    pub async fn send(&self, command: Command) -> Result<(), Failed> {
        self.order(Order::Send(command)).await
    }

    /// Sends octets as they are.
    pub async fn send_raw(&self, octets: impl Into<Bytes>) -> Result<(), Failed> {
        self.order(Order::Raw(octets.into())).await
    }

    /// Whether deliveries are acknowledged as they come.
    pub fn auto_answer(&self, is_on: bool) {
        self.shared.answers_deliveries.store(is_on, Ordering::Relaxed);
    }

    /// Whether an `unbind` of the message centre is answered at once; it is told either way.
    pub fn auto_unbind(&self, answers: bool) {
        self.shared.answers_unbind.store(answers, Ordering::Relaxed);
    }

    pub fn auto_enquire_link(&self, is_on: bool) {
        self.shared.answers_enquire_link.store(is_on, Ordering::Relaxed);
    }

    /// Answers a delivery by hand.
    pub async fn answer(&self, sequence: u32, status: CommandStatus) -> Result<(), Failed> {
        let pdu = Pdu::DeliverSmResp(MessageResp::default());
        self.send(Command { status, sequence, pdu }).await
    }

    /// The next MO or receipt.
    pub async fn next_delivery(&mut self) -> Result<Delivered, Failed> {
        next(&mut self.deliveries).await
    }

    /// A delivery that is here already.
    pub fn try_delivery(&mut self) -> Option<Delivered> {
        self.deliveries.try_recv().ok()
    }

    /// The next command that nobody asked for: nacks, stray answers, `unbind`, `enquire_link` with
    /// their automatic answers off.
    pub async fn read_command(&mut self) -> Result<Command, Failed> {
        next(&mut self.commands).await
    }

    /// Requests of ours that have no answer yet.
    pub fn in_flight(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    pub async fn unbind(&self) -> Result<CommandStatus, Failed> {
        Ok(self.request(Pdu::Unbind).await?.status)
    }

    /// Closes our side in order.
    pub async fn close(&self) -> Result<(), Failed> {
        self.order(Order::Close).await
    }

    /// Waits until the connection is gone, whoever ended it.
    pub async fn closed(&self) -> Result<(), Failed> {
        let mut closed = self.closed.clone();
        match timeout(DEADLINE, closed.wait_for(|is_closed| *is_closed)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Failed::Late),
        }
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }
}

/// A message from a short code to a subscriber that asks for a receipt.
pub fn mt(sender: &str, recipient: &str, text: &str) -> ShortMessage {
    ShortMessage {
        source: Address::new(3, 1, sender.as_bytes().to_vec()),
        destination: Address::new(1, 1, recipient.as_bytes().to_vec()),
        registered_delivery: 1,
        short_message: text.as_bytes().to_vec().into(),
        ..ShortMessage::default()
    }
}

fn submitted(answer: Command) -> Result<MessageResp, Failed> {
    match answer.pdu {
        _ if !answer.status.is_ok() => Err(Failed::Refused(answer.status)),
        Pdu::SubmitSmResp(resp) => Ok(resp),
        other => Err(Failed::Unexpected(other.name())),
    }
}

async fn finish(
    started: Result<impl Future<Output = Result<Command, Failed>>, Failed>,
) -> Result<MessageResp, Failed> {
    submitted(started?.await?)
}

async fn next<T>(from: &mut mpsc::Receiver<T>) -> Result<T, Failed> {
    match timeout(DEADLINE, from.recv()).await {
        Ok(Some(item)) => Ok(item),
        Ok(None) => Err(Failed::Closed),
        Err(_) => Err(Failed::Late),
    }
}
