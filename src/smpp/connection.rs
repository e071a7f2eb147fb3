//! The socket under a session: many PDUs in one read, many answers in one write.
//!
//! Reading and writing go on in one place, so that a peer that does not read cannot stop us from
//! reading it, and everything is bounded: the frame, the time it may take, what waits to be
//! written. What surprises: `step` is cancel-safe, nothing is lost if another branch of a select
//! wins.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{
    codec::{self, Unfit},
    pdu::Command,
    values::Version,
};

/// Octets read at once. Small, because thousands of sessions are idle.
const READ_AT_ONCE: usize = 16 * 1024;

#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Octets of one PDU, header and all.
    pub pdu_octets_max: usize,
    /// Octets that may wait to be written (P28).
    pub write_octets_max: usize,
    /// A PDU must be whole this long after its first octet (P31).
    pub pdu_within: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            pdu_octets_max: 70_000,
            write_octets_max: 256 * 1024,
            pdu_within: Duration::from_secs(10),
        }
    }
}

/// What a step brought.
#[derive(Debug)]
pub enum Step {
    /// Whole frames, one or many.
    Frames(Vec<Bytes>),
    /// Everything that was queued is with the kernel.
    Flushed,
    /// The peer closed its side.
    Ended,
    /// A length that cannot be; the frames before it come first.
    Bad(Vec<Bytes>, codec::Error),
}

/// A framed connection over any stream.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    read: BytesMut,
    write: BytesMut,
    limits: ConnectionLimits,
    /// When the first octet of an unfinished PDU came.
    partial_since: Option<Instant>,
    /// When writing last got somewhere while something waited.
    stalled_since: Option<Instant>,
    written: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S, limits: ConnectionLimits) -> Self {
        Self {
            stream,
            read: BytesMut::new(),
            write: BytesMut::new(),
            limits,
            partial_since: None,
            stalled_since: None,
            written: 0,
        }
    }

    pub fn limits_mut(&mut self) -> &mut ConnectionLimits {
        &mut self.limits
    }

    /// Appends a PDU to what waits to be written.
    pub fn queue(&mut self, command: &Command, version: Version) -> Result<(), Unfit> {
        codec::encode(command, version, &mut self.write)
    }

    /// Appends octets as they are; for tests that are rude on purpose.
    pub fn queue_raw(&mut self, octets: &[u8]) {
        self.write.extend_from_slice(octets);
    }

    /// Octets that wait to be written.
    pub fn queued(&self) -> usize {
        self.write.len()
    }

    /// Whether more may be queued.
    pub fn has_room(&self) -> bool {
        self.write.len() < self.limits.write_octets_max
    }

    /// All octets that this connection was given so far, written or not.
    pub fn queued_total(&self) -> u64 {
        self.written + self.write.len() as u64
    }

    /// All octets that are with the kernel.
    pub fn written_total(&self) -> u64 {
        self.written
    }

    /// Since when nothing could be written although something waits.
    pub fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// A PDU began and did not end in time (P31).
    pub fn is_dribbling(&self, now: Instant) -> bool {
        self.partial_since.is_some_and(|since| now - since > self.limits.pdu_within)
    }

    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Reads and writes until something happened. With `may_read` false it only writes: the peer
    /// has enough in flight, and its own window stops it.
    pub async fn step(&mut self, may_read: bool) -> io::Result<Step> {
        if !may_read {
            // The rest of a PDU may wait in the kernel: that is our doing, not the peer's.
            self.partial_since = None;
        }
        let had_queued = !self.write.is_empty();
        poll_fn(|context| {
            let wrote_all = self.poll_write(context)?;
            if may_read && let Poll::Ready(step) = self.poll_read(context)? {
                return Poll::Ready(Ok(step));
            }
            if had_queued && wrote_all {
                return Poll::Ready(Ok(Step::Flushed));
            }
            Poll::Pending
        })
        .await
    }

    /// Writes what is queued and nothing else; for the end of a session.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|context| match self.poll_write(context) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        })
        .await
    }

    /// Closes our side in order (TLS says goodbye).
    pub async fn shutdown(&mut self) -> io::Result<()> {
        tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await
    }

    /// Answers true when nothing waits any more.
    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        while !self.write.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.write) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.write.advance(count);
                    self.written += count as u64;
                    self.stalled_since = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return Ok(false);
                }
            }
        }
        // An idle session keeps no buffer.
        if self.write.capacity() > READ_AT_ONCE {
            self.write = BytesMut::new();
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Ok(())) => Ok(true),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(false),
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> io::Result<Poll<Step>> {
        loop {
            if let Some(step) = self.take_frames() {
                return Ok(Poll::Ready(step));
            }
            let mut scratch = [std::mem::MaybeUninit::<u8>::uninit(); READ_AT_ONCE];
            let mut buffer = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    return Ok(Poll::Ready(Step::Ended));
                }
                Poll::Ready(Ok(())) => {
                    self.read.extend_from_slice(buffer.filled());
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
    }

    fn take_frames(&mut self) -> Option<Step> {
        let mut frames = Vec::new();
        loop {
            match codec::frame(&mut self.read, self.limits.pdu_octets_max) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    self.read.clear();
                    return Some(Step::Bad(frames, error));
                }
            }
        }
        if self.read.is_empty() {
            self.partial_since = None;
            // The frames may still hold the old buffer; an idle session must not.
            self.read = BytesMut::new();
        } else if self.partial_since.is_none() || !frames.is_empty() {
            self.partial_since = Some(Instant::now());
        }
        (!frames.is_empty()).then_some(Step::Frames(frames))
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
