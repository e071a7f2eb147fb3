//! The task behind an [`Esme`](super::Esme): the socket, and who waits for which answer.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Delivered, ORDERS_AT_ONCE, Order, Shared};
use crate::smpp::{Command, CommandId, Connection, Pdu, Step, codec, pdu::MessageResp};

pub(super) struct Worker<S> {
    pub(super) connection: Connection<S>,
    pub(super) shared: Arc<Shared>,
    pub(super) waiting: HashMap<u32, oneshot::Sender<Command>>,
    pub(super) deliver: mpsc::Sender<Delivered>,
    pub(super) tell: mpsc::Sender<Command>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Worker<S> {
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut batch = Vec::with_capacity(ORDERS_AT_ONCE);
        loop {
            // Commands that nobody reads must not fill the memory, nor be dropped.
            let may_read = self.deliver.capacity() > 0 && self.tell.capacity() > 0;
            let may_order = self.connection.has_room();
            tokio::select! {
                step = self.connection.step(may_read) => match step {
                    Ok(Step::Frames(frames)) => {
                        if !self.take_all(&frames).await {
                            return;
                        }
                    }
                    Ok(Step::Bad(frames, _)) => {
                        self.take_all(&frames).await;
                        return;
                    }
                    Ok(Step::Flushed) => {}
                    Ok(Step::Ended) | Err(_) => return,
                },
                count = orders.recv_many(&mut batch, ORDERS_AT_ONCE), if may_order => {
                    let mut is_closing = count == 0;
                    for order in batch.drain(..) {
                        is_closing |= !self.obey(order);
                    }
                    if is_closing {
                        self.hang_up().await;
                        return;
                    }
                }
            }
            self.shared.waiting.store(self.waiting.len(), Ordering::Relaxed);
        }
    }

    async fn hang_up(&mut self) {
        let goodbye = async {
            self.connection.flush().await?;
            self.connection.shutdown().await
        };
        if let Ok(Err(error)) = timeout(Duration::from_secs(1), goodbye).await {
            tracing::trace!(%error, "the message centre was gone already");
        }
    }

    fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Request(command, tell) => {
                self.waiting.insert(command.sequence, tell);
                self.send(&command);
            }
            Order::Send(command) => self.send(&command),
            Order::Raw(octets) => self.connection.queue_raw(&octets),
            Order::Close => return false,
        }
        true
    }

    fn send(&mut self, command: &Command) {
        if let Err(error) = self.connection.queue(command, self.shared.version()) {
            tracing::warn!(%error, "a command does not fit");
            // Whoever waits for its answer learns that there is none.
            self.waiting.remove(&command.sequence);
        }
    }

    async fn take_all(&mut self, frames: &[Bytes]) -> bool {
        for frame in frames {
            if !self.take(frame).await {
                return false;
            }
        }
        true
    }

    /// Takes one frame; false if nobody is there for it any more.
    async fn take(&mut self, frame: &Bytes) -> bool {
        let command = match codec::decode(frame, self.shared.version()) {
            Ok(command) => command,
            Err(codec::Error::Recoverable { header, status, .. }) => {
                self.send(&Command::bare(header.id.response(), status, header.sequence));
                return true;
            }
            Err(codec::Error::BadLength { .. }) => return false,
        };
        let (id, sequence) = (command.pdu.command_id(), command.sequence);
        if id.is_response()
            && let Some(tell) = self.waiting.remove(&sequence)
        {
            if tell.send(command).is_err() {
                tracing::trace!("nobody waits for this answer any more");
            }
            return true;
        }
        if id == CommandId::ENQUIRE_LINK && self.shared.answers_enquire_link.load(Ordering::Relaxed)
        {
            self.send(&Command::new(sequence, Pdu::EnquireLinkResp));
            return true;
        }
        if id == CommandId::UNBIND && self.shared.answers_unbind.load(Ordering::Relaxed) {
            self.send(&Command::new(sequence, Pdu::UnbindResp));
        }
        match command.pdu {
            Pdu::DeliverSm(message) => {
                if self.shared.answers_deliveries.load(Ordering::Relaxed) {
                    let pdu = Pdu::DeliverSmResp(MessageResp::default());
                    self.send(&Command::new(sequence, pdu));
                }
                self.deliver.send(Delivered { sequence, message: *message }).await.is_ok()
            }
            _ => self.tell.send(command).await.is_ok(),
        }
    }
}
