//! Takes letters from the outbox and brings each to an end: sent, later, bounced or failed.
//!
//! A letter is first claimed, then handed over, and marked as sent after the server's 250: a crash
//! in between sends it again, under the same Message-ID. What surprises: while the server cannot
//! be reached no letter's tries are counted, so an outage of days makes none fail.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, sleep_until};

use super::{
    letter::{ATTACHMENTS_MAX, Attachment, Attachments, Composed, NoAttachment, Sender},
    pool::Pool,
    render::{Rendered, Renderer},
    server::{Line, Outcome, Server},
    sink::Sink,
    template::Templates,
    words::Language,
};
use crate::{
    clock::Clock,
    config, metrics,
    store::{Letter, Store},
    tasks::{Phase, Stopping, Tasks},
};

const LOOK: Duration = Duration::from_secs(1);
/// Letters taken at one look.
const BATCH: i64 = 50;
const COUNT: Duration = Duration::from_secs(10);
const FORGET: Duration = Duration::from_hours(1);

/// Where letters go.
enum Way {
    Server(Box<Pool>),
    Sink(Sink),
    /// They wait.
    None,
}

/// The worker and what it needs.
pub struct Post {
    store: Store,
    clock: Clock,
    settings: config::Mail,
    renderer: Renderer,
    sender: Sender,
    attachments: Attachments,
    way: Way,
}

impl Post {
    /// Checks everything that can be checked before the first letter. `settings` name files where
    /// they really are.
    pub fn new(
        store: Store,
        clock: Clock,
        settings: config::Mail,
        portal: &config::Portal,
        attachments: Attachments,
    ) -> anyhow::Result<Self> {
        let templates = Templates::load(settings.templates.as_deref())
            .map_err(|wrong| anyhow::anyhow!("{}", wrong.join("\n")))
            .context("texts of letters")?;
        let way = if settings.sink {
            Way::Sink(Sink::new(settings.sink_letters as usize))
        } else if settings.server.is_empty() {
            Way::None
        } else {
            Way::Server(Box::new(Pool::new(Server::new(settings.clone())?, settings.rate)))
        };
        Ok(Self {
            renderer: Renderer::of_portal(templates, portal),
            sender: Sender::new(&settings, &portal.brand_name)?,
            store,
            clock,
            settings,
            attachments,
            way,
        })
    }

    /// What the letters end in where nothing is sent.
    pub fn sink(&self) -> Option<Sink> {
        match &self.way {
            Way::Sink(sink) => Some(sink.clone()),
            Way::Server(_) | Way::None => None,
        }
    }

    /// Starts the worker.
    pub fn start(self, tasks: &Tasks) {
        let stopping = tasks.stopping();
        tasks.spawn_in(Phase::Requests, "mail", async move {
            self.run(&stopping).await;
            Ok(())
        });
    }

    async fn run(&self, stopping: &Stopping) {
        let ticker = |period| {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut look, mut count, mut forget) = (ticker(LOOK), ticker(COUNT), ticker(FORGET));
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                _ = look.tick() => self.round(stopping).await,
                _ = count.tick() => self.count().await,
                _ = forget.tick() => self.forget().await,
            }
        }
        self.hang_up().await;
    }

    /// One look at the outbox; gives every letter that is due one try.
    pub(super) async fn round(&self, stopping: &Stopping) {
        if matches!(self.way, Way::None) || self.is_resting() {
            return;
        }
        loop {
            let due = match self.store.due_letters(self.clock.now(), BATCH).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    break;
                }
            };
            let is_last = due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
            stream::iter(due)
                .for_each_concurrent(self.settings.connections as usize, |letter| async move {
                    if !stopping.is_cancelled() && !self.is_resting() {
                        self.bring(&letter, stopping).await;
                    }
                })
                .await;
            if is_last || stopping.is_cancelled() || self.is_resting() {
                break;
            }
        }
        self.hang_up().await;
    }

    /// Gives a letter one try. Nothing is noted while there is no server to try it with.
    async fn bring(&self, letter: &Letter, stopping: &Stopping) {
        let line = match &self.way {
            Way::Server(pool) => {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = sleep_until(pool.turn()) => {}
                }
                match pool.line(self.clock.instant()).await {
                    Some(line) => Some(line),
                    None => return,
                }
            }
            Way::Sink(_) | Way::None => None,
        };
        let until = self.after(self.lease());
        match self.store.claim_letter(letter, until).await {
            Ok(true) => {}
            // Another node has it.
            Ok(false) => return self.keep(line),
            Err(error) => {
                tracing::warn!(%error, letter = letter.id, "a letter could not be claimed");
                return self.keep(line);
            }
        }
        let noted = match self.prepare(letter).await {
            Ok((rendered, files)) => self.hand_over(letter, rendered, files, line).await,
            Err(NotMade::Never(why)) => {
                self.keep(line);
                metrics::mail_sent("failed");
                tracing::error!(
                    letter = letter.id,
                    template = letter.template,
                    why,
                    "a letter can never be sent"
                );
                self.store.letter_ended(letter.id, false, &why).await
            }
            Err(NotMade::Later(why)) => {
                self.keep(line);
                self.again(letter, &why).await
            }
        };
        if let Err(error) = noted {
            // The claim ends by itself, and the letter goes again.
            tracing::error!(%error, letter = letter.id, "what became of a letter was not noted");
        }
    }

    async fn hand_over(
        &self,
        letter: &Letter,
        rendered: Rendered,
        files: Vec<Attachment>,
        line: Option<Line>,
    ) -> Result<(), crate::store::Error> {
        let outcome = if let (Way::Sink(sink), _) = (&self.way, &line) {
            sink.keep(self.clock.now(), letter, rendered, files);
            Outcome::Sent("kept in memory".into())
        } else {
            match (self.sender.compose(letter, rendered, files), line) {
                (Ok(composed), Some(line)) => self.send(&composed, line).await,
                (Ok(_), None) => Outcome::Later("there is no server".into()),
                (Err(why), line) => {
                    self.keep(line);
                    metrics::mail_sent("failed");
                    return self.store.letter_ended(letter.id, false, &why).await;
                }
            }
        };
        match outcome {
            Outcome::Sent(answer) => {
                metrics::mail_sent("sent");
                self.store.letter_sent(letter.id, self.clock.now(), &answer).await
            }
            Outcome::Bounced(why) => {
                metrics::mail_sent("bounced");
                tracing::warn!(letter = letter.id, template = letter.template, why, "bounced");
                self.store.letter_ended(letter.id, true, &why).await
            }
            Outcome::Later(why) => self.again(letter, &why).await,
        }
    }

    async fn send(&self, composed: &Composed, line: Line) -> Outcome {
        let (outcome, line) = line.send(composed).await;
        self.keep(line);
        outcome
    }

    /// Another try, unless the letter has waited for days.
    async fn again(&self, letter: &Letter, why: &str) -> Result<(), crate::store::Error> {
        let waited = self.clock.now().saturating_sub(letter.tried_from);
        if waited > micros(self.settings.give_up_after) {
            metrics::mail_sent("failed");
            tracing::error!(letter = letter.id, template = letter.template, why, "given up");
            return self.store.letter_ended(letter.id, false, why).await;
        }
        metrics::mail_sent("later");
        let random = self.clock.random().unsigned_abs();
        let (least, most) = (self.settings.retry_min, self.settings.retry_max);
        let pause = pause(least, most, letter.attempt, random);
        tracing::info!(letter = letter.id, why, pause_s = pause.as_secs(), "a letter goes later");
        self.store.letter_put_off(letter.id, self.after(pause), why).await
    }

    /// The text and the files of a letter.
    async fn prepare(&self, letter: &Letter) -> Result<(Rendered, Vec<Attachment>), NotMade> {
        let data: Value = serde_json::from_str(&letter.data)
            .map_err(|_| NotMade::Never("its data is no JSON".into()))?;
        let language = Language::of(&letter.language);
        let rendered =
            self.renderer.render(&letter.template, language, &data).map_err(NotMade::Never)?;
        let mut files = Vec::new();
        let mut octets = 0;
        let ids = letter.attachments.split(',').filter(|id| !id.is_empty());
        for id in ids {
            if files.len() == ATTACHMENTS_MAX {
                return Err(NotMade::Never(format!("more than {ATTACHMENTS_MAX} attachments")));
            }
            let file = (self.attachments)(id.to_owned()).await.map_err(|error| match error {
                NoAttachment::Gone => NotMade::Never(format!("attachment {id}: {error}")),
                NoAttachment::Later(why) => NotMade::Later(why),
            })?;
            octets += file.octets.len();
            if octets > self.settings.attachment_octets_max.as_usize() {
                return Err(NotMade::Never("its attachments are too large".into()));
            }
            files.push(file);
        }
        Ok((rendered, files))
    }

    fn keep(&self, line: Option<Line>) {
        if let (Way::Server(pool), Some(line)) = (&self.way, line) {
            pool.give_back(line);
        }
    }

    /// Nothing more to send: a server likes a goodbye better than a silent guest.
    async fn hang_up(&self) {
        if let Way::Server(pool) = &self.way {
            pool.hang_up().await;
        }
    }

    fn is_resting(&self) -> bool {
        match &self.way {
            Way::Server(pool) => pool.is_resting(self.clock.instant()),
            Way::Sink(_) | Way::None => false,
        }
    }

    /// Longer than any try can take: only a node that died loses its claim.
    fn lease(&self) -> Duration {
        self.settings.timeout.saturating_mul(20)
    }

    fn after(&self, pause: Duration) -> i64 {
        self.clock.now().saturating_add(micros(pause))
    }

    async fn count(&self) {
        let counts = match self.store.mail_counts().await {
            Ok(counts) => counts,
            Err(error) => return tracing::warn!(%error, "letters could not be counted"),
        };
        let age = counts.oldest_queued_at.map_or(0, |at| self.clock.now().saturating_sub(at));
        let states = [
            ("queued", counts.queued),
            ("sent", counts.sent),
            ("bounced", counts.bounced),
            ("failed", counts.failed),
        ];
        metrics::mails(&states, age);
    }

    /// Letters that ended without being sent are emptied after a while (S-43).
    async fn forget(&self) {
        let before = self.clock.now().saturating_sub(micros(self.settings.keep_failed));
        if let Err(error) = self.store.forget_letters(before).await {
            tracing::warn!(%error, "old letters could not be emptied");
        }
    }
}

/// Why a letter has no message.
enum NotMade {
    Never(String),
    Later(String),
}

/// The pause doubles with each try; half of it is random, so that letters of one moment part.
fn pause(least: Duration, most: Duration, tries: i64, random: u64) -> Duration {
    let doublings = u32::try_from(tries.clamp(0, 30)).unwrap_or(30);
    let whole = least.saturating_mul(1 << doublings).min(most);
    let half = whole / 2;
    let octave = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
    half + Duration::from_micros(random % octave)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
