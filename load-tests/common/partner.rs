//! A partner's session that costs little: one buffer of ready-made PDUs, headers read, no bodies.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bramka::smpp::{
    BindKind, Command, CommandId, Connection, Pdu, ShortMessage, Step, Version, codec,
    connection::ConnectionLimits,
    pdu::{Address, Bind, MessageResp},
};
use tokio::net::TcpStream;

use super::{Counts, Latencies};

/// What one session does.
#[derive(Clone)]
pub(crate) struct Load {
    /// Submits in flight; 0 sends none.
    pub(crate) window: usize,
    /// Submits a second; 0 is as fast as the window allows.
    pub(crate) rate: u64,
    pub(crate) sender: String,
    pub(crate) wants_receipts: bool,
    pub(crate) text: &'static str,
}

/// A bound session, and what came right behind the answer to its bind.
pub(crate) struct Bound {
    connection: Connection<TcpStream>,
    early: Vec<bytes::Bytes>,
}

pub(crate) async fn connect(address: SocketAddr, name: &str) -> Bound {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let limits = ConnectionLimits { write_octets_max: 1 << 20, ..ConnectionLimits::default() };
    let mut connection = Connection::new(stream, limits);
    let bind = Bind {
        system_id: name.to_owned().into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    };
    let pdu = Pdu::Bind(BindKind::Transceiver, Box::new(bind));
    connection.queue(&Command::new(1, pdu), Version::V34).expect("a bind");
    loop {
        let step = connection.step(true).await.expect("an answer to the bind");
        if let Step::Frames(mut early) = step {
            let header = codec::header(&early.remove(0));
            assert!(header.status.is_ok(), "bind of {name}: {}", header.status);
            return Bound { connection, early };
        }
    }
}

/// Talks until it is aborted.
pub(crate) async fn run(bound: Bound, load: Load, counts: Arc<Counts>, latencies: Arc<Latencies>) {
    let Bound { mut connection, early } = bound;
    let mut sequence = 1_u32;
    let mut sent: HashMap<u32, Instant> = HashMap::with_capacity(load.window);
    for frame in early {
        take(&frame, &mut connection, &mut sent, &counts, &latencies);
    }
    let begun = Instant::now();
    let mut total = 0_u64;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    loop {
        let now = Instant::now();
        let allowed = match load.rate {
            _ if counts.is_over.load(Ordering::Acquire) => 0,
            0 => u64::MAX,
            rate => {
                u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) * rate / 1_000_000
            }
        };
        while sent.len() < load.window && total < allowed {
            sequence += 1;
            total += 1;
            let pdu = submit(&load, total);
            connection.queue(&Command::new(sequence, pdu), Version::V34).expect("a submit");
            sent.insert(sequence, now);
        }
        let step = tokio::select! {
            step = connection.step(true) => step,
            _ = ticks.tick(), if load.rate > 0 && load.window > 0 => continue,
        };
        match step {
            Ok(Step::Frames(frames)) => {
                for frame in frames {
                    take(&frame, &mut connection, &mut sent, &counts, &latencies);
                }
            }
            Ok(Step::Flushed) => {}
            other => panic!("the gateway ended a session: {other:?}"),
        }
    }
}

fn take(
    frame: &bytes::Bytes,
    connection: &mut Connection<TcpStream>,
    sent: &mut HashMap<u32, Instant>,
    counts: &Counts,
    latencies: &Latencies,
) {
    let header = codec::header(frame);
    match header.id {
        CommandId::SUBMIT_SM_RESP => {
            if let Some(at) = sent.remove(&header.sequence) {
                latencies.note(at.elapsed());
            }
            if header.status.is_ok() {
                counts.accepted.fetch_add(1, Ordering::Relaxed);
            } else {
                counts.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        CommandId::DELIVER_SM => {
            counts.delivered.fetch_add(1, Ordering::Relaxed);
            let pdu = Pdu::DeliverSmResp(MessageResp::default());
            connection.queue(&Command::new(header.sequence, pdu), Version::V34).expect("an answer");
        }
        CommandId::ENQUIRE_LINK => {
            let pdu = Pdu::EnquireLinkResp;
            connection.queue(&Command::new(header.sequence, pdu), Version::V34).expect("an answer");
        }
        _ => {}
    }
}

fn submit(load: &Load, number: u64) -> Pdu {
    Pdu::SubmitSm(Box::new(ShortMessage {
        source: Address::new(0, 0, load.sender.clone()),
        destination: Address::new(1, 1, format!("48{:09}", 500_000_000 + number % 100_000_000)),
        registered_delivery: u8::from(load.wants_receipts),
        short_message: load.text.into(),
        ..ShortMessage::default()
    }))
}
