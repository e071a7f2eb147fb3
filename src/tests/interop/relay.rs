//! A wire that writes down what it carries, in the format of packet captures.
//!
//! Capturing on a network interface needs rights that a test has not, so the octets are noted
//! where they pass and dressed as TCP over IP. What surprises: a relay may listen before anybody
//! knows where to; connections wait until [`Relay::forward_to`] says so.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{BufMut, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::Instant,
};

/// The port that every captured connection seems to go to.
pub(crate) const PORT: u16 = 2775;
/// A frame begins with the Internet Protocol, nothing below it.
const LINK_TYPE_RAW: u32 = 101;
/// One record's payload; more would not fit into the length of an IP packet.
const CHUNK: usize = 32 * 1024;

/// `enquire_link_resp` as it begins: its length, its id, no error.
const SIGN_OF_LIFE: [u8; 12] = [0, 0, 0, 16, 0x80, 0, 0, 0x15, 0, 0, 0, 0];

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PUSH: u8 = 0x08;
const ACK: u8 = 0x10;

pub(crate) struct Relay {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    capture: Arc<Mutex<Capture>>,
    _tasks: JoinSet<()>,
}

struct Capture {
    side: u8,
    records: BytesMut,
    started: Instant,
    connections: u16,
    /// Answers to `enquire_link` from whoever connected.
    signs_of_life: usize,
}

/// Both directions of one connection; index 0 is whoever connected.
struct Line {
    capture: Arc<Mutex<Capture>>,
    port: u16,
    next: Mutex<[u32; 2]>,
}

impl Relay {
    /// `side` tells the addresses in the capture apart.
    pub(crate) async fn new(side: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let capture = Arc::new(Mutex::new(Capture {
            side,
            records: BytesMut::new(),
            started: Instant::now(),
            connections: 0,
            signs_of_life: 0,
        }));
        let (target, told) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, told, Arc::clone(&capture)));
        Self { address, target, capture, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn forward_to(&self, target: SocketAddr) {
        self.target.send_replace(Some(target));
    }

    pub(crate) fn is_told(&self) -> bool {
        self.target.borrow().is_some()
    }

    /// How often whoever connected answered an `enquire_link`.
    pub(crate) fn signs_of_life(&self) -> usize {
        self.capture.lock().unwrap_or_else(PoisonError::into_inner).signs_of_life
    }
}

/// Writes everything that relays noted so far into one file.
pub(crate) fn write(relays: &[&Relay], name: &str) -> PathBuf {
    let mut octets = BytesMut::new();
    // The file's header: magic number, version 2.4, no zone, no accuracy, longest record.
    octets.put_u32(0xa1b2_c3d4);
    octets.put_u16(2);
    octets.put_u16(4);
    octets.put_u64(0);
    octets.put_u32(65_535);
    octets.put_u32(LINK_TYPE_RAW);
    for relay in relays {
        octets.put_slice(&relay.capture.lock().unwrap_or_else(PoisonError::into_inner).records);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, &octets).unwrap();
    path
}

async fn accept(
    listener: TcpListener,
    mut target: watch::Receiver<Option<SocketAddr>>,
    capture: Arc<Mutex<Capture>>,
) {
    let Ok(target) = target.wait_for(Option::is_some).await.map(|target| *target) else { return };
    let target = target.expect("waited for");
    let mut lines = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        lines.spawn(carry(near, target, Arc::clone(&capture)));
    }
}

async fn carry(near: TcpStream, target: SocketAddr, capture: Arc<Mutex<Capture>>) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let port = {
        let mut capture = capture.lock().unwrap_or_else(PoisonError::into_inner);
        capture.connections += 1;
        40_000 + capture.connections
    };
    let line = Line { capture, port, next: Mutex::new([0, 0]) };
    line.note(0, SYN, &[]);
    line.note(1, SYN | ACK, &[]);
    line.note(0, ACK, &[]);
    let (near_reads, near_writes) = near.into_split();
    let (far_reads, far_writes) = far.into_split();
    tokio::join!(line.pump(0, near_reads, far_writes), line.pump(1, far_reads, near_writes));
}

impl Line {
    async fn pump(&self, side: usize, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.note(side, PUSH | ACK, &buffer[..count]);
            if to.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
        self.note(side, FIN | ACK, &[]);
        // The other side may be gone already, which is what this would tell it.
        to.shutdown().await.ok();
    }

    /// One packet with headers that fit its neighbours; checksums are left out.
    fn note(&self, side: usize, flags: u8, payload: &[u8]) {
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if side == 0 && payload.windows(SIGN_OF_LIFE.len()).any(|at| at == SIGN_OF_LIFE) {
            capture.signs_of_life += 1;
        }
        let at = capture.started.elapsed();
        let length = u32::try_from(40 + payload.len()).expect("a chunk is small");
        let hosts = [[10, 0, capture.side, 1], [10, 0, capture.side, 2]];
        let octets = &mut capture.records;
        octets.put_u32(u32::try_from(at.as_secs()).expect("a test is short"));
        octets.put_u32(at.subsec_micros());
        octets.put_u32(length);
        octets.put_u32(length);
        octets.put_slice(&[0x45, 0]);
        octets.put_u16(u16::try_from(length).expect("a chunk is small"));
        octets.put_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
        octets.put_slice(&hosts[side]);
        octets.put_slice(&hosts[1 - side]);
        let ports = [self.port, PORT];
        octets.put_u16(ports[side]);
        octets.put_u16(ports[1 - side]);
        octets.put_u32(next[side]);
        octets.put_u32(if flags & ACK == 0 { 0 } else { next[1 - side] });
        octets.put_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        octets.put_slice(payload);
        let takes = length - 40 + u32::from(flags & (SYN | FIN) != 0);
        next[side] = next[side].wrapping_add(takes);
    }
}
