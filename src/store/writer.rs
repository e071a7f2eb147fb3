//! The one task that writes, in the daemon on a thread of its own. It takes what is there, commits
//! once, answers all.
//!
//! A group is closed after `records` or after `wait`, whichever is first (P3). Under light load it
//! is closed at once: waiting would only add delay. While one group commits, the next gathers in
//! the inbox, and when the inbox is full, whoever sends waits: nothing is dropped.
//!
//! What surprises: a failed commit is *ambiguous*. On `SQLite` the writer then ends and takes the
//! daemon with it, unanswered: a sync is never tried twice (P4). On `PostgreSQL` everybody in the
//! group is told "unavailable", and before the next group is written, what turns out to be stored
//! after all is voided, so that no one is charged for a message whose partner heard an error.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    Error,
    apply::{Group, Statements},
    change::{Applied, Change},
    db::{self, Pen, Place},
    guests::{Asking, GUESTS_MAX, Staying},
};
use crate::{
    domain::{LaneId, MessageId},
    metrics,
};

pub(super) struct Command {
    pub(super) change: Change,
    /// None: nobody waits for this one, it only must not be lost.
    pub(super) done: Option<oneshot::Sender<Result<Applied, Arc<Error>>>>,
}

#[derive(Debug, Clone, Copy)]
pub struct GroupLimits {
    pub records: usize,
    pub wait: Duration,
    pub inbox: usize,
    /// A commit that takes longer counts as failed, and its outcome as ambiguous (P4).
    pub timeout: Duration,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            records: 256,
            wait: Duration::from_millis(5),
            inbox: 8192,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Changes for which a sync is worth its while.
const COMPANY: usize = 64;

/// What everybody may see of the writer.
#[derive(Debug)]
pub(super) struct Signs {
    /// The last commit worked.
    pub(super) is_up: AtomicBool,
    /// Guests are served. A writer that nobody runs serves none.
    pub(super) has_begun: AtomicBool,
}

/// The writing end of the store; `run` is its whole life.
pub struct Writer {
    place: Place,
    db: db::Db,
    inbox: mpsc::Receiver<Command>,
    asking: mpsc::Receiver<Asking>,
    limits: GroupLimits,
    signs: Arc<Signs>,
    statements: Statements,
    /// Those who write in the next group.
    guests: Vec<Asking>,
    /// Messages of a group whose commit was ambiguous.
    doubtful: Vec<MessageId>,
    /// Lanes that have a row.
    lanes: HashSet<LaneId>,
}

impl Writer {
    pub(super) fn new(
        place: Place,
        db: db::Db,
        (inbox, asking): (mpsc::Receiver<Command>, mpsc::Receiver<Asking>),
        limits: GroupLimits,
        signs: Arc<Signs>,
    ) -> Self {
        let statements = Statements::new(db.is_postgres());
        Self {
            place,
            db,
            inbox,
            asking,
            limits,
            signs,
            statements,
            guests: Vec::with_capacity(GUESTS_MAX),
            doubtful: Vec::new(),
            lanes: HashSet::new(),
        }
    }

    /// Writes until every sender is gone. An error means that nothing may be acknowledged any
    /// more: the caller ends the process.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending()).await
    }

    /// Writes until every sender is gone, or until `stop`: then what is in the inbox is committed
    /// and nothing new is taken.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut stop = std::pin::pin!(stop);
        let mut pen = Some(db::open_pen(&self.place, Some(&self.db)).await?);
        self.set_up(true);
        self.signs.has_begun.store(true, Ordering::Release);
        let mut commands: Vec<Command> = Vec::with_capacity(self.limits.records);
        let mut was_busy = false;
        loop {
            let has_more = tokio::select! {
                biased;
                () = &mut stop, if !self.inbox.is_closed() => {
                    self.inbox.close();
                    self.asking.close();
                    continue;
                }
                has_more = self.gather(&mut commands, was_busy) => has_more,
            };
            if !has_more {
                return Ok(());
            }
            was_busy = commands.len() >= 16;
            if pen.is_none() {
                pen = self.reopen().await;
            }
            let outcome = match pen.as_mut() {
                Some(pen) => self.commit_in_time(pen, &mut commands).await,
                None => Err(Error::Unavailable("no connection to the database".to_owned())),
            };
            match outcome {
                Ok(answers) => answer(&mut commands, answers),
                Err(error) => {
                    let fatal = self.fail(&mut commands, error);
                    if let Some(fatal) = fatal {
                        return Err(fatal);
                    }
                    pen = None;
                }
            }
        }
    }

    async fn commit_in_time(
        &mut self,
        pen: &mut Pen,
        commands: &mut [Command],
    ) -> Result<Vec<Applied>, Error> {
        let limit = self.limits.timeout;
        let commit = tokio::time::timeout(limit, self.commit(pen, commands)).await;
        commit.unwrap_or_else(|_| {
            // Cut off anywhere, perhaps while the database was already syncing.
            pen.distrust();
            Err(Error::Unavailable(format!("a commit took longer than {limit:?}")))
        })
    }

    /// Fills one group. Answers false when every sender is gone and nothing is left.
    async fn gather(&mut self, commands: &mut Vec<Command>, was_busy: bool) -> bool {
        let records = self.limits.records;
        tokio::select! {
            Some(guest) = self.asking.recv() => self.guests.push(guest),
            count = self.inbox.recv_many(commands, records) => if count == 0 {
                return false;
            },
        }
        if was_busy {
            self.gather_company(commands).await;
        }
        while commands.len() < records
            && let Ok(command) = self.inbox.try_recv()
        {
            commands.push(command);
        }
        while self.guests.len() < GUESTS_MAX
            && let Ok(guest) = self.asking.try_recv()
        {
            self.guests.push(guest);
        }
        true
    }

    async fn gather_company(&mut self, commands: &mut Vec<Command>) {
        let records = self.limits.records;
        // Enough company makes a commit cheap; who is in the group already need not wait for more.
        let deadline = Instant::now() + self.limits.wait;
        while commands.len() < records.min(COMPANY) {
            let room = records - commands.len();
            let more = tokio::time::timeout_at(deadline, self.inbox.recv_many(commands, room));
            match more.await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }

    /// Begins the group. A guest that leaves the transaction broken costs the group nothing: it
    /// begins again without any.
    async fn serve_guests(&mut self, pen: &mut Pen) -> Result<Vec<Staying>, Error> {
        let guests = std::mem::take(&mut self.guests);
        let (begun, count) = (Instant::now(), guests.len());
        match pen.open_group(guests).await {
            Ok(staying) => {
                if count > 0 {
                    metrics::guests(begun.elapsed());
                }
                Ok(staying)
            }
            Err(error) if count > 0 => {
                tracing::warn!(error = %error, "people's changes were not written");
                *pen = db::open_pen(&self.place, Some(&self.db)).await?;
                pen.open_group(Vec::new()).await
            }
            Err(error) => Err(error),
        }
    }

    async fn commit(
        &mut self,
        pen: &mut Pen,
        commands: &mut [Command],
    ) -> Result<Vec<Applied>, Error> {
        let begun = Instant::now();
        let staying = self.serve_guests(pen).await?;
        let mut tx = pen.group().await?;
        if !self.doubtful.is_empty() {
            super::apply::void(&mut tx, &self.doubtful).await?;
        }
        let mut group = Group::default();
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands.iter_mut() {
            let verdict = super::apply::pass_gates(&mut tx, command.change.gates.take()).await?;
            if verdict == Applied::Done {
                answers.push(group.add(&mut tx, &mut command.change, &self.statements).await?);
            } else {
                answers.push(verdict);
            }
        }
        let new_lanes = group.new_lanes(&self.lanes);
        group.write(&mut tx, &self.statements, &new_lanes).await?;
        tx.commit().await?;
        staying.into_iter().for_each(Staying::committed);
        self.lanes.extend(new_lanes);
        self.doubtful.clear();
        metrics::commit(begun.elapsed(), commands.len());
        Ok(answers)
    }

    /// Tells everybody and decides whether the writer may go on.
    fn fail(&mut self, commands: &mut Vec<Command>, error: Error) -> Option<Error> {
        let is_ambiguous = !matches!(error, Error::Full(_) | Error::Conflict(_));
        let is_sqlite = !self.db.is_postgres();
        if is_sqlite && is_ambiguous {
            // Nobody is answered: a session that ends without an answer is an uncertain one, and
            // the repeat of its messages will be recognised (P11).
            tracing::error!(error = %error, "the commit failed; stopping, nothing of this group was acknowledged");
            commands.clear();
            self.set_up(false);
            return Some(error);
        }
        tracing::error!(error = %error, changes = commands.len(), "a group was not committed");
        let error = Arc::new(error);
        for command in commands.drain(..) {
            if let Some(mt) = &command.change.mt {
                self.doubtful.push(mt.message.id);
            }
            if let Some(done) = command.done {
                // A verb that no longer waits has lost its session; there is nobody to tell.
                drop(done.send(Err(Arc::clone(&error))));
            }
        }
        if is_ambiguous {
            self.set_up(false);
        }
        None
    }

    async fn reopen(&mut self) -> Option<Pen> {
        match db::open_pen(&self.place, Some(&self.db)).await {
            Ok(pen) => {
                self.set_up(true);
                Some(pen)
            }
            Err(error) => {
                tracing::warn!(error = %error, "the store is still away");
                None
            }
        }
    }

    fn set_up(&self, up: bool) {
        self.signs.is_up.store(up, Ordering::Release);
        metrics::store_up(up);
    }
}

fn answer(commands: &mut Vec<Command>, answers: Vec<Applied>) {
    for (command, applied) in commands.drain(..).zip(answers) {
        if let Some(done) = command.done {
            // See `fail`: nobody left to tell.
            drop(done.send(Ok(applied)));
        }
    }
}
