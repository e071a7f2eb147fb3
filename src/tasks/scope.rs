//! Tasks that come and go, such as sessions: limited, counted, waited for.
//!
//! The surprise: a panic in one ends that task alone. One broken message must not end the daemon
//! (P21); who reads the count decides what it means.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Phase, Tasks, start};

/// A family of tasks with a limit. Clones are the same family.
#[derive(Clone)]
pub struct Scope {
    tasks: Tasks,
    name: &'static str,
    phase: Phase,
    places: Arc<Semaphore>,
    limit: usize,
    panics: Arc<AtomicU64>,
}

/// The limit is reached, or the daemon is about to end; the work was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all {limit} places of {name} are taken")]
pub struct ScopeFull {
    pub name: &'static str,
    pub limit: usize,
}

impl Tasks {
    /// A family of tasks that are waited for in `phase`.
    pub fn scope(&self, phase: Phase, name: &'static str, limit: usize) -> Scope {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Scope {
            tasks: self.clone(),
            name,
            phase,
            places: Arc::new(Semaphore::new(limit)),
            limit,
            panics: Arc::default(),
        }
    }
}

impl Scope {
    /// Starts one, unless the limit is reached.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), ScopeFull> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| ScopeFull { name: self.name, limit: self.limit })?;
        self.start(place, work);
        Ok(())
    }

    /// Starts one as soon as there is a place.
    pub async fn spawn_when_free(&self, work: impl Future<Output = ()> + Send + 'static) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        self.start(place.expect("the semaphore of a scope is never closed"), work);
    }

    fn start(&self, place: OwnedSemaphorePermit, work: impl Future<Output = ()> + Send + 'static) {
        let scope = self.clone();
        // Counted before it runs: a drain that begins now must already wait for it.
        self.tasks.change(|board| *board.dynamic.entry(scope.phase).or_default() += 1);
        start(async move {
            if let Some(Err(text)) = scope.tasks.unless_dropped(scope.phase, work).await {
                scope.panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!(scope = scope.name, "a task panicked: {text}");
            }
            drop(place);
            scope.tasks.change(|board| {
                let count = board.dynamic.entry(scope.phase).or_default();
                *count = count.saturating_sub(1);
            });
        });
    }

    /// How many run now.
    pub fn count(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// How many have panicked since the start.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}
