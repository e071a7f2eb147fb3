//! Lines to the mail server: kept between the letters of one look, paced, and left alone for a
//! while when the server cannot be reached.
//!
//! It notes nothing about letters. What surprises: no line outlives the look that opened it, so
//! there is no idle connection to keep alive and no task that does.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::server::{Line, Server};
use crate::metrics;

/// First and longest rest after the server could not be reached.
const REST: Duration = Duration::from_secs(2);
const REST_MAX: Duration = Duration::from_mins(5);

pub(super) struct Pool {
    server: Server,
    /// Time between two letters.
    gap: Duration,
    // Std mutexes: nothing awaits while one is held.
    lines: Mutex<Vec<Line>>,
    /// When the next letter may go.
    next: Mutex<Instant>,
    rest: Mutex<Rest>,
}

/// How long a server that cannot be reached is left alone.
#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Option<Instant>,
    next: Duration,
}

impl Pool {
    /// `rate` is letters in a second at most.
    pub(super) fn new(server: Server, rate: u32) -> Self {
        Self {
            server,
            gap: Duration::from_secs(1) / rate.max(1),
            lines: Mutex::default(),
            next: Mutex::new(Instant::now()),
            rest: Mutex::new(Rest { until: None, next: REST }),
        }
    }

    /// A line that still works, or a new one. None: the server rests from `now` on.
    pub(super) async fn line(&self, now: Instant) -> Option<Line> {
        while let Some(mut line) = self.pooled() {
            if line.is_alive().await {
                return Some(line);
            }
        }
        match self.server.connect().await {
            Ok(line) => {
                self.with_rest(|rest| *rest = Rest { until: None, next: REST });
                Some(line)
            }
            Err(why) => {
                metrics::mail_sent("unreachable");
                let pause = self.with_rest(|rest| {
                    let pause = rest.next;
                    rest.until = Some(now + pause);
                    rest.next = pause.saturating_mul(2).min(REST_MAX);
                    pause
                });
                tracing::warn!(why, pause_s = pause.as_secs(), "no connection to the mail server");
                None
            }
        }
    }

    pub(super) fn give_back(&self, line: Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(super) async fn hang_up(&self) {
        while let Some(line) = self.pooled() {
            line.hang_up().await;
        }
    }

    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.with_rest(|rest| rest.until.is_some_and(|until| now < until))
    }

    /// When this letter may go, so that no more than the rate go in a second.
    pub(super) fn turn(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(Instant::now());
        *next = turn + self.gap;
        turn
    }

    fn pooled(&self) -> Option<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn with_rest<T>(&self, then: impl FnOnce(&mut Rest) -> T) -> T {
        then(&mut self.rest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
