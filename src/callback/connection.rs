//! One HTTP/1.1 connection to a partner: sends a request, reads what comes back.
//!
//! It does not know where the octets flow (TCP or TLS), and it never dials.
//!
//! The surprise: no task runs behind it. hyper splits a connection into a handle and a future
//! that moves the octets; here that future is polled by whoever uses the connection. So a
//! delivery that is dropped takes its socket with it, nothing outlives the client, and an idle
//! connection costs no wake-ups.

use std::{
    future::{Future, poll_fn},
    io::ErrorKind,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::outcome::{Answer, Reason};

/// Status line and headers together.
const HEAD_MAX: usize = 32 * 1024;
/// A connection is not kept for ever, or a changed DNS entry would never be looked at.
const LIFE_MAX: Duration = Duration::from_mins(5);

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// None once the connection has ended; a finished future must not be polled again.
    driver: Option<Driver>,
    opened: Instant,
}

/// The exchange failed.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) reason: Reason,
    /// Not even a status came back. On a reused connection the partner had most likely closed
    /// it just before.
    pub(super) is_unanswered: bool,
}

impl Connection {
    pub(super) async fn over<S>(stream: S) -> Result<Self, Reason>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(HEAD_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| reason_of(&error))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)), opened: Instant::now() })
    }

    /// Whether another request may go out on it. Looks at the socket without waiting, so that a
    /// partner's close, or octets that nobody asked for, are noticed.
    pub(super) fn is_usable(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        advance(&mut self.driver, &mut context);
        self.driver.is_some() && self.sender.is_ready() && self.opened.elapsed() < LIFE_MAX
    }

    /// Sends a request and reads its answer, of which `answer_max` octets: the rest is of no
    /// interest, so the connection is cut there.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        answer_max: usize,
    ) -> Result<Answer, Broken> {
        let driver = &mut self.driver;
        let mut talk = pin!(talk(&mut self.sender, request, answer_max));
        poll_fn(|context| {
            advance(driver, context);
            talk.as_mut().poll(context)
        })
        .await
    }
}

/// Dropping a finished driver closes its channels, which ends whatever `talk` waits for. Its
/// error is not lost: `talk` sees it too.
fn advance(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(running) = driver
        && let Poll::Ready(Ok(()) | Err(_)) = running.as_mut().poll(context)
    {
        *driver = None;
    }
}

async fn talk(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    answer_max: usize,
) -> Result<Answer, Broken> {
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| Broken { reason: reason_of(&error), is_unanswered: true })?;
    let (head, body) = response.into_parts();
    let has_length = head.headers.contains_key(header::CONTENT_LENGTH)
        || head.headers.contains_key(header::TRANSFER_ENCODING);
    let body = read(body, has_length, answer_max)
        .await
        .map_err(|reason| Broken { reason, is_unanswered: false })?;
    let retry_after = head.headers.get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Answer { status: head.status, retry_after, body })
}

/// Reads to the end or to the limit. An answer that breaks off in between is no answer, not even
/// with a status of 200: many frameworks send the status with the first octet of output and fail
/// afterwards, and a repeat is cheaper than a lost MO.
async fn read(mut body: Incoming, has_length: bool, answer_max: usize) -> Result<Vec<u8>, Reason> {
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let Ok(data) = frame.into_data() else { continue };
                let room = answer_max - octets.len();
                octets.extend_from_slice(&data[..data.len().min(room)]);
                if octets.len() == answer_max {
                    break;
                }
            }
            // Without a length the close is the end, and many TLS servers close without saying
            // goodbye. Refusing that would retry those partners for ever.
            Err(error) if !has_length && io_kind(&error) == Some(ErrorKind::UnexpectedEof) => break,
            Err(error) => return Err(reason_of(&error)),
        }
    }
    Ok(octets)
}

fn reason_of(error: &hyper::Error) -> Reason {
    if error.is_parse() {
        return Reason::Http;
    }
    match io_kind(error) {
        None if !error.is_incomplete_message() && !error.is_closed() && !error.is_canceled() => {
            Reason::Http
        }
        _ => Reason::Closed,
    }
}

fn io_kind(error: &hyper::Error) -> Option<ErrorKind> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}
