//! Hands over again what a partner was given in a window of time (D8): page by page, by the way
//! that each service has now, slowly enough that nobody notices.
//!
//! Whether a replay may be is decided elsewhere (`partnership::replays`); here it is carried out.
//! Nothing is written into a lane, a message or the ledger, so that nothing can be charged and no
//! state can move. What surprises: a page counts as done only when the whole of it is. After a
//! crash its messages come once more, under the same ids and marked like the first time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until};

use super::{
    Error, Gateway,
    again::{REDELIVERED, Redelivered, Taken},
};
use crate::{
    domain::{
        Caller, Content, MessageId, MessageState, ReplayCounts, ReplayEvent, ReplayOutcome,
        replay::{fit_of_mo, fit_of_receipt},
    },
    metrics,
    store::{
        Change, ReplayRow, Stored,
        change::{EventRow, Rare},
    },
};

/// How often is looked for new replays, and for a way that is open again.
const LOOK: Duration = Duration::from_secs(1);
/// Messages on their way at once, of one replay.
const PAGE: i64 = 16;
/// Replays at once: each has its turn at the common pace.
const TOGETHER: usize = 100;
/// The longest pause before a partner that answered with no is asked again.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The step of a message that its partner would not take again.
const REFUSED: &str = "redelivery_refused";

/// Spreads messages over time; one for all replays of a node.
#[derive(Debug)]
struct Pace(Mutex<Instant>);

impl Pace {
    async fn wait(&self, a_second: u32) {
        let due = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let due = (*next).max(Instant::now());
            *next = due + Duration::from_secs(1) / a_second.max(1);
            due
        };
        sleep_until(due).await;
    }
}

/// What one try at one message came to.
enum Tried {
    /// None: the partner never wanted such a receipt, and it does not count.
    Ended(Option<ReplayOutcome>),
    /// Nobody is there to take it.
    Absent(&'static str),
    /// The partner answered: not now.
    Later(String),
    /// Whether it came nobody knows.
    Lost,
}

/// Of which try at which kind of message that is said.
#[derive(Clone, Copy)]
struct Try {
    flow: &'static str,
    attempt: u32,
}

/// A page under way.
struct Page {
    left: Vec<MessageId>,
    counts: ReplayCounts,
    events: Vec<EventRow>,
    /// Messages that got lost while they were the only ones on their way (P21).
    lost: HashMap<MessageId, u32>,
    /// Something got lost: the rest goes one by one, so that the one to blame is found.
    is_careful: bool,
}

/// Why nothing of a page went in a round.
struct Stuck {
    why: String,
    /// The partner answered, and wants to be left alone for a while.
    is_answered: bool,
}

impl Gateway {
    /// Carries out the replays there are, until the stop. What was under way then goes on at the
    /// next start.
    pub async fn run_replays(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rate = Pace(Mutex::new(Instant::now()));
        let mut going = HashSet::new();
        let mut runs = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(ended) = runs.next() => {
                    going.remove(&ended);
                    metrics::replays_running(going.len());
                }
                _ = look.tick() => match self.inner.store.open_replays().await {
                    Ok(rows) => {
                        for row in rows {
                            if going.len() < TOGETHER && going.insert(row.id) {
                                runs.push(self.run_replay(&rate, row.id));
                            }
                        }
                        metrics::replays_running(going.len());
                    }
                    Err(error) => tracing::warn!(%error, "replays could not be looked for"),
                },
            }
        }
    }

    /// Runs one until it is over, or the store fails; then the next look takes it up again.
    async fn run_replay(&self, rate: &Pace, id: i64) -> i64 {
        loop {
            match Box::pin(self.replay_page(rate, id)).await {
                Ok(true) => {}
                Ok(false) => return id,
                Err(error) => {
                    tracing::warn!(%error, replay = id, "a replay pauses");
                    sleep(PAUSE_MAX).await;
                    return id;
                }
            }
        }
    }

    /// One page. False: it is over.
    async fn replay_page(&self, rate: &Pace, id: i64) -> Result<bool, Error> {
        let store = &self.inner.store;
        let Some(row) = store.replay(id).await?.filter(|row| row.state.is_open()) else {
            return Ok(false);
        };
        let left = store.replay_page(&row, PAGE).await?;
        let Some(last) = left.last().copied() else {
            self.end_replay(id, (ReplayEvent::Finish, None)).await?;
            return Ok(false);
        };
        if row.state.after(ReplayEvent::Begin).is_some() && !store.turn_replay(id, None).await? {
            return Ok(false);
        }
        let mut page = Page {
            left,
            counts: ReplayCounts::default(),
            events: Vec::new(),
            lost: HashMap::new(),
            is_careful: false,
        };
        let is_open = self.hand_page(rate, &row, &mut page).await?;
        // Of a page that was not ended the place stays, and what went is counted all the same.
        let last = if is_open { last } else { MessageId(row.last_message_id) };
        let progress = Rare::ReplayProgress { replay: id, last, counts: page.counts };
        let change = Change {
            events: page.events.into_iter().collect(),
            rare: vec![progress],
            ..Change::default()
        };
        store.save(change).await?;
        if !is_open {
            // A replay that failed says so only after it was counted.
            self.end_if_tired(&row).await?;
        }
        Ok(is_open)
    }

    /// Tries until all of a page has ended. False: it was stopped, or nobody took anything for too
    /// long.
    async fn hand_page(
        &self,
        rate: &Pace,
        row: &ReplayRow,
        page: &mut Page,
    ) -> Result<bool, Error> {
        let mut moved_at = Instant::now();
        let mut pause = LOOK;
        loop {
            let before = page.left.len();
            let stuck = self.hand_round(rate, row, page).await?;
            if page.left.len() < before {
                moved_at = Instant::now();
                pause = LOOK;
            }
            let Some(stuck) = stuck else { return Ok(true) };
            if !self.inner.store.turn_replay(row.id, Some(&stuck.why)).await? {
                return Ok(false);
            }
            if moved_at.elapsed() >= self.settings().replay_wait {
                return Ok(false);
            }
            sleep(pause).await;
            pause = if stuck.is_answered { (pause * 2).min(PAUSE_MAX) } else { LOOK };
        }
    }

    /// One round through what is left of a page. None: nothing is left.
    async fn hand_round(
        &self,
        rate: &Pace,
        row: &ReplayRow,
        page: &mut Page,
    ) -> Result<Option<Stuck>, Error> {
        let left = std::mem::take(&mut page.left);
        let mut stuck = None;
        // Together, or one at a time until the first that is not taken.
        let width = if page.is_careful { 1 } else { left.len().max(1) };
        for ids in left.chunks(width) {
            if stuck.is_some() {
                page.left.extend_from_slice(ids);
                continue;
            }
            let tries = ids.iter().map(|id| async move {
                rate.wait(self.settings().replay_rate).await;
                (*id, self.replay_one(*id).await)
            });
            for (id, tried) in join_all(tries).await {
                if let Some(why) = self.note_try(row, page, id, tried?, ids.len() == 1) {
                    page.left.push(id);
                    stuck = Some(why);
                }
            }
        }
        Ok(stuck)
    }

    /// Counts what ended; why it has not, else.
    fn note_try(
        &self,
        row: &ReplayRow,
        page: &mut Page,
        id: MessageId,
        (tried, of): (Tried, Try),
        was_alone: bool,
    ) -> Option<Stuck> {
        let outcome = match tried {
            Tried::Ended(None) => return None,
            Tried::Ended(Some(outcome)) => outcome,
            Tried::Absent(why) => return Some(Stuck { why: why.into(), is_answered: false }),
            Tried::Later(why) => return Some(Stuck { why, is_answered: true }),
            Tried::Lost => {
                page.is_careful = true;
                let lost = page.lost.entry(id).or_default();
                *lost += u32::from(was_alone);
                if *lost < self.settings().quarantine_after {
                    let why = "the partner did not answer".to_owned();
                    return Some(Stuck { why, is_answered: true });
                }
                ReplayOutcome::Refused
            }
        };
        page.counts.add(outcome, 1);
        metrics::redelivered(of.flow, outcome.as_str());
        let kind = match outcome {
            ReplayOutcome::Sent => REDELIVERED,
            ReplayOutcome::Refused => REFUSED,
            _ => return None,
        };
        let mut event = self.note_row(id, kind, row.made_by.as_str()).saying(row.subject());
        event.attempt = of.attempt;
        page.events.push(event);
        None
    }

    /// One message, as far as it gets now.
    async fn replay_one(&self, id: MessageId) -> Result<(Tried, Try), Error> {
        let (content, state, fit) = match self.inner.store.message(id).await? {
            Some(Stored::Mo(message, state)) => {
                let fit = fit_of_mo(state, !message.body.octets.is_empty());
                (Content::Mo(message), state, Some(fit))
            }
            Some(Stored::Mt(message, state)) => {
                let fit = fit_of_receipt(state, message.receipts);
                let receipt = self.last_receipt(id, state).await?;
                (Content::Receipt(message, receipt), state, fit)
            }
            // Erased since the page was read.
            None => {
                let of = Try { flow: "mo", attempt: 0 };
                return Ok((Tried::Ended(Some(ReplayOutcome::Erased)), of));
            }
        };
        let flow = content.what();
        let ended = |outcome| Ok((Tried::Ended(outcome), Try { flow, attempt: 0 }));
        if fit != Some(ReplayOutcome::Sent) {
            return ended(fit);
        }
        let before = self.tries_before(id).await?;
        let is_mo = matches!(content, Content::Mo(_));
        if is_mo && before == 0 && state == MessageState::Delivered {
            // The gateway answered it itself, and its partner never saw it.
            return ended(Some(ReplayOutcome::NoWay));
        }
        let Some(lane) = self.way_now(&content) else {
            return ended(Some(ReplayOutcome::NoWay));
        };
        if let Some(why) = self.hindrance(lane) {
            return Ok((Tried::Absent(why), Try { flow, attempt: 0 }));
        }
        // Marked as a repeat in any case: what expired was tried, and nobody knows how often.
        let before = before.max(1);
        let tried = match self.hand_again(lane, content, before).await {
            Ok(Some(Redelivered { taken: Taken::Yes, .. })) => {
                Tried::Ended(Some(ReplayOutcome::Sent))
            }
            Ok(Some(Redelivered { taken: Taken::Never, .. })) => {
                Tried::Ended(Some(ReplayOutcome::Refused))
            }
            Ok(Some(Redelivered { taken: Taken::Later, outcome })) => Tried::Later(outcome),
            Ok(None) => Tried::Lost,
            Err(Error::Refused(refusal)) => Tried::Later(refusal.to_string()),
            Err(error) => return Err(error),
        };
        Ok((tried, Try { flow, attempt: before.saturating_add(1) }))
    }

    /// Fails a replay that nobody stopped and that could not go on.
    async fn end_if_tired(&self, row: &ReplayRow) -> Result<(), Error> {
        let now = self.inner.store.replay(row.id).await?;
        let Some(now) = now.filter(|row| row.state.is_open()) else { return Ok(()) };
        self.end_replay(row.id, (ReplayEvent::Fail, now.reason.as_deref())).await
    }

    async fn end_replay(
        &self,
        id: i64,
        (event, reason): (ReplayEvent, Option<&str>),
    ) -> Result<(), Error> {
        let (store, now) = (&self.inner.store, self.now());
        if store.end_replay(&Caller::Gateway, now, id, (event, reason)).await? {
            tracing::info!(replay = id, event = event.as_str(), reason, "a replay ended");
        }
        Ok(())
    }
}
