//! Joins the client to the lanes: one worker for each service that has an enabled callback.
//!
//! A worker takes items from its lane, posts a few at once and tells the gateway what became of
//! each. It stores nothing itself, and it looks the service up anew for every post, so a changed
//! address or secret counts from the next one on.
//!
//! The surprise: a post that is cut off by the end of the daemon is counted as a try. The partner
//! may have read it, and the repeat must say so.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use smol_str::{SmolStr, format_smolstr};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, sleep_until},
};

use super::{
    client::{self, Client},
    envelope::{self, Envelope},
    outcome::{Outcome, Reason},
    schedule::{self, Step, Why},
    signature::Secrets,
    window::{Answer, Window},
};
use crate::{
    config,
    domain::{Catalog, Content, Delivery, Item, Service, ServiceId, service::Callback},
    gateway::{Gateway, StoreError, again::Redelivery},
    metrics,
    tasks::{Phase, Scope, Stopping, Tasks},
};

/// How often the catalog is looked at for services that came, went or changed.
const LOOK: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(5);
/// Workers at once; a service beyond waits until another one goes.
const WORKERS_MAX: usize = 10_000;
/// A message of an endpoint that is given up, or one that could not be posted for a reason of
/// our own, does not go again before this (P22).
const PAUSE: Duration = Duration::from_secs(5);

/// Everything that posts to partners.
pub struct Callbacks;

impl Callbacks {
    /// Starts the task that starts the workers. Fails if the file of certificate authorities
    /// cannot be used.
    pub fn start(
        gateway: &Gateway,
        settings: &config::Callback,
        tasks: &Tasks,
    ) -> anyhow::Result<()> {
        Self::start_looking_every(LOOK, gateway, settings, tasks)
    }

    fn start_looking_every(
        period: Duration,
        gateway: &Gateway,
        settings: &config::Callback,
        tasks: &Tasks,
    ) -> anyhow::Result<()> {
        let per_endpoint = settings.per_endpoint_concurrency as usize;
        let client = Client::new(client::Settings::of(settings)).context("callbacks")?;
        let host = Arc::new(Host {
            gateway: gateway.clone(),
            client,
            schedule: settings.schedule.clone(),
            per_endpoint,
            places: Semaphore::new(settings.concurrency as usize),
            working: Mutex::default(),
            doors: tasks.stopping(),
            last: tasks.stopping_in(Phase::Writer),
        });
        let scope = tasks.scope(Phase::Requests, "callbacks", WORKERS_MAX);
        let orders = gateway.redeliveries();
        tasks.spawn_in(Phase::Requests, "callbacks", async move {
            host.supervise(period, &scope, orders).await;
            Ok(())
        });
        Ok(())
    }
}

/// What all workers share.
pub(super) struct Host {
    pub(super) gateway: Gateway,
    client: Client,
    schedule: Vec<Duration>,
    per_endpoint: usize,
    /// Posts in flight in all; who waits here waits in the order of coming.
    pub(super) places: Semaphore,
    working: Mutex<HashSet<ServiceId>>,
    /// Nothing new is taken from here on.
    doors: Stopping,
    /// What still flies is given up here: the writer needs the rest of the time.
    last: Stopping,
}

impl Host {
    async fn supervise(
        self: Arc<Self>,
        period: Duration,
        scope: &Scope,
        mut orders: mpsc::Receiver<Redelivery>,
    ) {
        let mut look = tokio::time::interval(period);
        let mut sweep = tokio::time::interval(SWEEP);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen: Option<Arc<Catalog>> = None;
        loop {
            tokio::select! {
                () = self.doors.cancelled() => return,
                _ = sweep.tick() => self.client.sweep(),
                Some(order) = orders.recv() => {
                    // What is dropped here, whoever waits for it is told of.
                    if let Err(full) = scope.spawn(Arc::clone(&self).redeliver(order)) {
                        tracing::warn!(%full, "nothing can be handed over again");
                    }
                }
                _ = look.tick() => {
                    let catalog = self.gateway.catalog();
                    // Idle workers sleep until an item comes; a new catalog may end them.
                    if seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &catalog)) {
                        for service in self.working().iter() {
                            self.gateway.to_callback(*service).wake_another();
                        }
                    }
                    self.start_missing(&catalog, scope);
                    seen = Some(catalog);
                }
            }
        }
    }

    fn start_missing(self: &Arc<Self>, catalog: &Catalog, scope: &Scope) {
        for service in catalog.services().filter(|service| enabled(service).is_some()) {
            if !self.working().insert(service.id) {
                continue;
            }
            let worker = Worker { host: Arc::clone(self), service: service.id };
            if let Err(full) = scope.spawn(worker.run()) {
                tracing::warn!(service = %service.name, %full, "callbacks of a service must wait");
                return;
            }
        }
    }

    fn working(&self) -> MutexGuard<'_, HashSet<ServiceId>> {
        // A std mutex: nothing awaits while it is held.
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service as it is now, if its callback may be used.
    pub(super) fn open(&self, service: ServiceId) -> Option<Arc<Service>> {
        let catalog = self.gateway.catalog();
        catalog.service(service).filter(|service| enabled(service).is_some()).cloned()
    }
}

fn enabled(service: &Service) -> Option<&Callback> {
    match &service.delivery {
        Delivery::Callback(callback) if callback.is_enabled => Some(callback),
        Delivery::Callback(_) | Delivery::Smpp => None,
    }
}

/// The one consumer of a service's lane.
struct Worker {
    host: Arc<Host>,
    service: ServiceId,
}

/// However a worker ends, also by a panic, another may then be started.
impl Drop for Worker {
    fn drop(&mut self) {
        self.host.working().remove(&self.service);
    }
}

impl Worker {
    async fn run(self) {
        let host = &*self.host;
        let outlet = host.gateway.to_callback(self.service);
        let mut window = Window::new(host.per_endpoint);
        let mut posts = FuturesUnordered::new();
        loop {
            let woken = outlet.woken();
            let is_stopping = host.doors.is_cancelled();
            let is_open = !is_stopping && host.open(self.service).is_some();
            if !is_open && posts.is_empty() {
                return;
            }
            let rest = window.rest(Instant::now());
            if is_open && rest.is_none() {
                let free = window.width().saturating_sub(posts.len());
                let items = host.gateway.deliveries(&outlet, free).await;
                posts.extend(items.into_iter().map(|item| self.deliver(item)));
            }
            tokio::select! {
                Some(answer) = posts.next() => window.learn(answer, Instant::now()),
                () = woken => {}
                () = host.doors.cancelled(), if !is_stopping => {}
                () = sleep_until(rest.unwrap_or_else(Instant::now)), if rest.is_some() => {}
            }
        }
    }

    /// Brings one item to an end of this try, whichever it is.
    async fn deliver(&self, item: Item) -> Answer {
        let host = &*self.host;
        let place = tokio::select! {
            biased;
            () = host.doors.cancelled() => None,
            place = host.places.acquire() => place.ok(),
        };
        let service = place.is_some().then(|| host.open(self.service)).flatten();
        let Some(service) = service else {
            host.gateway.not_sent(vec![item]);
            return Answer::None;
        };
        let who = format_smolstr!("callback:{}", service.name);
        let (answer, noted) = match host.post(&item, &service, &who).await {
            Ok(Posted::Answered(outcome, took)) => {
                (Answer::of(&outcome), host.settle(&item, &service, &who, &outcome, took).await)
            }
            Ok(Posted::Unfit(why)) => {
                (Answer::None, host.gateway.delivery_unfit(&item, &who, &why).await)
            }
            Ok(Posted::CutOff) => {
                (Answer::None, host.gateway.delivery_lost(item.clone(), &who, false).await)
            }
            Err(error) => {
                tracing::warn!(%error, message.id = %item.content.message_id(),
                    "a message for a callback could not be read");
                (Answer::None, host.again(&item, PAUSE, &who, "not tried: store").await)
            }
        };
        if let Err(error) = noted {
            // The writer is gone, and the daemon with it. The row is still there.
            tracing::error!(%error, message.id = %item.content.message_id(),
                "what became of a callback could not be noted");
        }
        answer
    }
}

pub(super) enum Posted {
    Answered(Outcome, Duration),
    /// It can never be posted.
    Unfit(String),
    /// The daemon ended first.
    CutOff,
}

impl Host {
    pub(super) async fn post(
        &self,
        item: &Item,
        service: &Service,
        who: &SmolStr,
    ) -> Result<Posted, StoreError> {
        let Envelope { webhook_id, body } = match self.envelope(item, service).await? {
            Ok(envelope) => envelope,
            Err(why) => return Ok(Posted::Unfit(why)),
        };
        let callback = enabled(service).expect("only services with a callback get here");
        let secrets = match Secrets::parse(&callback.secrets) {
            Ok(secrets) => secrets,
            Err(bad) => {
                tracing::warn!(%who, error = %bad, "a callback cannot be signed");
                let outcome = Outcome::Retry { reason: Reason::Secret(bad), after: None };
                return Ok(Posted::Answered(outcome, Duration::ZERO));
            }
        };
        let delivery = client::Delivery {
            url: &callback.url,
            webhook_id,
            timestamp: self.gateway.now().div_euclid(1_000_000),
            body,
            secrets: &secrets,
            attempt: item.attempt.saturating_add(1),
            redelivered: item.attempt,
        };
        let started = Instant::now();
        let outcome = tokio::select! {
            biased;
            outcome = self.client.post(&delivery) => outcome,
            () = self.last.cancelled() => return Ok(Posted::CutOff),
        };
        Ok(Posted::Answered(outcome, started.elapsed()))
    }

    async fn envelope(
        &self,
        item: &Item,
        service: &Service,
    ) -> Result<Result<Envelope, String>, StoreError> {
        let made = match &item.content {
            Content::Mo(message) => envelope::mo(message, service, item.attempt),
            Content::Receipt(message, receipt) => {
                // What was charged the ledger knows: an expired message may have been charged
                // when it was submitted, or never have been submitted at all.
                let is_charged = message.charge.is_some()
                    && !self.gateway.store().charges(message.id).await?.is_empty();
                envelope::receipt(message, receipt, is_charged, item.attempt)
            }
            Content::Mt(_) => return Ok(Err("an MT does not go to a callback".to_owned())),
        };
        Ok(made.map_err(|bad| bad.to_string()))
    }

    /// Notes the try and does what the schedule says.
    async fn settle(
        &self,
        item: &Item,
        service: &Service,
        who: &SmolStr,
        outcome: &Outcome,
        took: Duration,
    ) -> Result<(), StoreError> {
        metrics::callback(outcome.class());
        let said = outcome.said();
        let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.gateway.callback_tried(item, service.id, said.clone(), took_ms).await?;
        let random = self.gateway.clock().random().unsigned_abs();
        let number = place_in_schedule(item.attempt, self.schedule.len());
        match schedule::step(&self.schedule, outcome, number, random) {
            Step::Done => self.gateway.handed(item, who).await,
            Step::Again(delay) => self.again(item, delay, who, &said).await,
            Step::GiveUp(why) => {
                self.give_up(service, why).await;
                self.again(item, PAUSE, who, &said).await
            }
        }
    }

    /// Disables the callback, unless somebody has given it another address meanwhile. The
    /// message is kept by the caller.
    async fn give_up(&self, service: &Service, why: Why) {
        let url = |service: &Service| enabled(service).map(|callback| callback.url.clone());
        let is_same = self.open(service.id).is_some_and(|now| url(&now) == url(service));
        if !is_same {
            return;
        }
        tracing::warn!(service = %service.name, ?why,
            "a callback is disabled; its messages wait until somebody enables it");
        if let Err(error) = self.gateway.disable_callback(service.id, why == Why::Gone).await {
            tracing::error!(%error, service = %service.name, "a callback could not be disabled");
        }
    }

    async fn again(
        &self,
        item: &Item,
        delay: Duration,
        who: &SmolStr,
        why: &str,
    ) -> Result<(), StoreError> {
        let delay = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        let due_at = self.gateway.now().saturating_add(delay);
        self.gateway.deliver_at(item, due_at, who, why).await
    }
}

/// The number of this attempt in the schedule, from 1. After the last one the endpoint was
/// disabled; if it is enabled again, the schedule begins anew, or one failure would disable it.
fn place_in_schedule(tries: u32, delays: usize) -> u32 {
    let delays = u32::try_from(delays).unwrap_or(u32::MAX).max(1);
    tries % delays + 1
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "worker_world.rs"]
pub(super) mod world;
