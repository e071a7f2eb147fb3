//! What the SMSC sends us: texts and receipts, each answered once it is stored.
//!
//! What surprises: an answer that the SMSC may not have read is remembered, because it will send
//! the same text again (P6).

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    Link,
    read::Delivered,
    session::{SIDE, Talk},
};
use crate::{
    gateway::{self, mo::MoAccepted},
    metrics,
    smpp::{Action, Command, CommandStatus, Pdu, ShortMessage, Tlvs, pdu::MessageResp},
};

/// Something of the SMSC's that was taken.
pub(super) struct Taken {
    pub(super) answer: Command,
    pub(super) mo: Option<MoAccepted>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    /// Puts a delivery to work; its answer follows the commit (C021).
    pub(super) fn begin(&mut self, command: Command) {
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

    pub(super) fn answer(&mut self, taken: Taken) {
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

    pub(super) fn settle_flushed(&mut self) {
        let written = self.connection.written_total();
        while self.unflushed.front().is_some_and(|(mark, _)| *mark <= written) {
            let Some((_, mo)) = self.unflushed.pop_front() else { return };
            self.unheard.push(mo);
        }
    }

    pub(super) async fn finish_work(&mut self) {
        while let Some(taken) = self.work.next().await {
            self.answer(taken);
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
        Ok(Delivered::Receipt(receipt, id)) => {
            link.seen().receipt(id.as_bytes());
            gateway.receipt(&link.seat, receipt).await.map(|_| None)
        }
        Ok(Delivered::Mo(mo)) => {
            link.seen().text(message);
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
