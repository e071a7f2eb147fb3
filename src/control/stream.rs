//! Lines of a trace as the body of an answer: one JSON document a line, until somebody leaves.
//!
//! What surprises: the body ends with the daemon's doors, or a trace that nobody watches would
//! hold up the stop.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use crate::{gateway::registry::TraceLine, tasks::Stopping};

/// Lines that may wait for a slow reader; a session never waits for its observer.
pub(crate) const LINES_MAX: usize = 256;

/// What is done when the reader has left.
type Farewell = Box<dyn FnOnce() + Send>;

pub(crate) struct Lines {
    source: mpsc::Receiver<TraceLine>,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
    farewell: Option<Farewell>,
}

impl Lines {
    pub(crate) fn new(
        lines: mpsc::Receiver<TraceLine>,
        stopping: Stopping,
        farewell: impl FnOnce() + Send + 'static,
    ) -> Self {
        let over = Box::pin(async move { stopping.cancelled().await });
        Self { source: lines, over, farewell: Some(Box::new(farewell)) }
    }
}

impl Body for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        self.source.poll_recv(cx).map(|line| {
            line.map(|line| {
                let mut octets =
                    serde_json::to_vec(&super::view::trace_line(&line)).unwrap_or_default();
                octets.push(b'\n');
                Ok(Frame::data(octets.into()))
            })
        })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(farewell) = self.farewell.take() {
            farewell();
        }
    }
}
