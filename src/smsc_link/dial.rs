//! A configured link: its limits, its sessions, and how it comes back (P20).

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use anyhow::Context;
use smol_str::SmolStr;
use tokio::{net::TcpStream, sync::mpsc, time::Instant};

use super::{ending::Ended, habits::Seen, profile::Profile, session::Talk};
use crate::{
    config::{self, LinkBind},
    gateway::{
        Gateway,
        registry::{LinkCard, TraceLine},
        submit::LinkSeat,
        throttle::Bucket,
    },
    listen, metrics,
    smpp::{BindKind, Command, CommandStatus, Version, trace::summary},
    tasks::{Phase, Stopping, Tasks},
    tls::{self, Inside},
};

/// Failures in a row that are an alarm (P20).
const ALARM_AFTER: u32 = 3;
/// Least pause after the SMSC throttled us (P19).
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// What all sessions of one link share.
pub struct Link {
    pub(crate) gateway: Gateway,
    pub(crate) profile: Profile,
    pub(crate) seat: LinkSeat,
    pub(crate) card: Arc<LinkCard>,
    pub(crate) rate: Bucket,
    pub(crate) stopping: Stopping,
    tasks: Tasks,
    tls: Option<tokio_rustls::TlsConnector>,
    steering: Mutex<Steering>,
    seen: Mutex<Seen>,
}

/// The send rate as the SMSC's own throttling moves it (P19).
#[derive(Debug)]
struct Steering {
    /// Messages a second; 0 while the SMSC has not complained.
    rate: u32,
    /// Taken since the last look.
    taken: u32,
    looked_at: Instant,
}

/// All links of a node.
pub struct Links;

impl Links {
    /// Registers every link and dials. A link that cannot be reached is tried for ever.
    pub async fn start(
        gateway: &Gateway,
        links: &[config::SmscLink],
        tasks: &Tasks,
    ) -> anyhow::Result<()> {
        for settings in links {
            let link = Link::new(gateway, settings.clone(), tasks)
                .await
                .with_context(|| format!("smsc_link `{}`", settings.name))?;
            let kinds: &[BindKind] = match settings.bind {
                LinkBind::Transceiver => &[BindKind::Transceiver],
                LinkBind::Transmitter => &[BindKind::Transmitter],
                LinkBind::Receiver => &[BindKind::Receiver],
                LinkBind::TransmitterAndReceiver => &[BindKind::Transmitter, BindKind::Receiver],
            };
            for number in 0..settings.binds {
                for kind in kinds {
                    let link = Arc::clone(&link);
                    let name = format!("link {} {} {number}", settings.name, kind.as_str());
                    let kind = *kind;
                    tasks.spawn_in(Phase::Links, name, async move { link.keep_bound(kind).await });
                }
            }
        }
        Ok(())
    }
}

impl Link {
    async fn new(
        gateway: &Gateway,
        settings: config::SmscLink,
        tasks: &Tasks,
    ) -> anyhow::Result<Arc<Self>> {
        let name = SmolStr::from(&settings.name);
        let group = gateway.group(settings.group()).context("its group is not known")?;
        let epoch = gateway.lease(&name).await?;
        metrics::lease_epoch(&name, epoch);
        let card = Arc::new(LinkCard::new(
            name.clone(),
            settings.group().into(),
            settings.address.to_string(),
            settings.binds,
        ));
        card.window.store(settings.window, Ordering::Release);
        card.rate.store(settings.rate, Ordering::Release);
        let sends_whole = settings.long_messages == config::LongMessages::Payload
            && settings.version != config::SmppVersion::V33;
        card.sends_whole.store(sends_whole, Ordering::Release);
        metrics::link_limits(&name, settings.window, settings.rate);
        metrics::link_up(&name, 0);
        gateway.registry().add_link(Arc::clone(&card));
        let tls = settings
            .tls
            .then(|| tls::client(settings.tls_ca_file.as_deref(), Inside::Smpp))
            .transpose()?;
        Ok(Arc::new(Self {
            gateway: gateway.clone(),
            seat: LinkSeat { name, group, epoch },
            rate: Bucket::new(settings.rate, burst(settings.rate)),
            profile: Profile::new(settings),
            card,
            stopping: tasks.stopping_in(Phase::Links),
            tasks: tasks.clone(),
            tls,
            steering: Mutex::new(Steering { rate: 0, taken: 0, looked_at: Instant::now() }),
            seen: Mutex::default(),
        }))
    }

    pub(crate) fn version(&self) -> Version {
        use config::SmppVersion as Offered;
        match self.profile.settings.version {
            Offered::V33 => Version::V33,
            Offered::V34 => Version::V34,
            Offered::V50 => Version::V50,
        }
    }

    /// Dials for ever, one session after the other (P20).
    async fn keep_bound(self: Arc<Self>, kind: BindKind) -> anyhow::Result<()> {
        let mut failures = 0u32;
        let mut kind = kind;
        while !self.stopping.is_cancelled() {
            if !self.card.is_wanted.load(Ordering::Acquire) {
                let changed = self.card.changed.notified();
                if !self.card.is_wanted.load(Ordering::Acquire) {
                    tokio::select! {
                        () = changed => {}
                        () = self.stopping.cancelled() => {}
                    }
                }
                continue;
            }
            let began = Instant::now();
            let ended = self.once(kind).await;
            if self.stopping.is_cancelled() {
                break;
            }
            let was_long = began.elapsed() > self.profile.settings.reconnect_max;
            failures = if was_long { 1 } else { failures.saturating_add(1) };
            let pause = match &ended {
                Ok(Ended::Refused(CommandStatus::RINVCMDID)) if kind == BindKind::Transceiver => {
                    // C007: an SMSC without transceivers; the receiver gets a task of its own.
                    tracing::warn!(link = %self.seat.name, "no transceiver here: binding one each way");
                    kind = BindKind::Transmitter;
                    self.add_receiver();
                    Duration::ZERO
                }
                Ok(Ended::Refused(status)) => self.after_refusal(*status, failures),
                Ok(Ended::Over(reason)) => {
                    tracing::info!(link = %self.seat.name, reason, "session ended");
                    self.back_off(failures)
                }
                Err(error) => {
                    self.note(&format!("{error:#}"));
                    tracing::warn!(link = %self.seat.name, error = %format!("{error:#}"), "not connected");
                    self.back_off(failures)
                }
            };
            if failures == ALARM_AFTER {
                tracing::error!(link = %self.seat.name, failures, "the link does not come up");
            }
            metrics::link_reconnect(&self.seat.name);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stopping.cancelled() => {}
                () = self.card.changed.notified() => {}
            }
        }
        Ok(())
    }

    fn add_receiver(self: &Arc<Self>) {
        let link = Arc::clone(self);
        let name = format!("link {} receiver", self.seat.name);
        // Boxed, because a task that starts its like has a type without end.
        let work: Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> =
            Box::pin(link.keep_bound(BindKind::Receiver));
        self.tasks.spawn_in(Phase::Links, name, work);
    }

    /// One session from dialling to its end.
    async fn once(self: &Arc<Self>, kind: BindKind) -> anyhow::Result<Ended> {
        let settings = &self.profile.settings;
        let address = &settings.address;
        let dialling = TcpStream::connect((address.host.as_str(), address.port));
        let stream = tokio::time::timeout(settings.connect, dialling)
            .await
            .with_context(|| format!("no connection within {:?}", settings.connect))?
            .with_context(|| format!("connecting to {address}"))?;
        listen::tune(&stream).context("tuning the socket")?;
        let Some(connector) = &self.tls else {
            return Ok(Talk::new(Arc::clone(self), kind, stream).run().await);
        };
        // C044: whatever is wrong with the certificate, it is not tried again in the clear.
        let name = tls::server_name(settings.tls_name())?;
        let handshake = connector.connect(name, stream);
        let stream = tokio::time::timeout(settings.connect, handshake)
            .await
            .context("no TLS handshake in time")?
            .map_err(|error| anyhow::anyhow!(tls::handshake_problem(&error)))?;
        Ok(Talk::new(Arc::clone(self), kind, stream).run().await)
    }

    /// C005, C006: wrong credentials must not lock our account at the operator.
    fn after_refusal(&self, status: CommandStatus, failures: u32) -> Duration {
        self.note(&format!("bind refused: {status}"));
        let is_credentials = matches!(
            status,
            CommandStatus::RBINDFAIL | CommandStatus::RINVPASWD | CommandStatus::RINVSYSID
        );
        if is_credentials {
            tracing::error!(link = %self.seat.name, %status, "our credentials were refused");
            return self.profile.settings.credentials_retry;
        }
        tracing::warn!(link = %self.seat.name, %status, "the bind was refused");
        self.back_off(failures)
    }

    /// Doubling, capped, the upper half at random.
    fn back_off(&self, failures: u32) -> Duration {
        let settings = &self.profile.settings;
        let doubled = settings
            .reconnect_min
            .saturating_mul(1 << failures.saturating_sub(1).min(16))
            .min(settings.reconnect_max);
        let half = doubled / 2;
        let spread = i64::try_from(half.as_millis()).unwrap_or(i64::MAX).max(1);
        let jitter = self.gateway.clock().random().rem_euclid(spread).unsigned_abs();
        half + Duration::from_millis(jitter)
    }

    fn note(&self, error: &str) {
        self.card.failed(error.to_owned(), self.gateway.now());
    }

    pub(crate) fn is_bound(&self, kind: BindKind) {
        let bound = self.card.bound.fetch_add(1, Ordering::AcqRel) + 1;
        self.card.since.store(self.gateway.now(), Ordering::Release);
        self.card.last_error.store(Arc::new(None));
        metrics::link_up(&self.seat.name, bound);
        metrics::session("link", kind.as_str(), "bound", 1.0);
    }

    pub(crate) fn is_unbound(&self, kind: BindKind) {
        let bound = self.card.bound.fetch_sub(1, Ordering::AcqRel) - 1;
        metrics::link_up(&self.seat.name, bound);
        metrics::session("link", kind.as_str(), "bound", -1.0);
        if bound == 0 {
            self.card.binding_limit.store(Arc::new("absent"));
            metrics::binding_limit("link", &self.seat.name, "absent");
        }
    }

    /// Takes new limits from the card.
    pub(crate) fn tune(&self) {
        let contract = self.card.rate.load(Ordering::Acquire);
        let steered = self.steering.lock().unwrap_or_else(PoisonError::into_inner).rate;
        let rate = match (contract, steered) {
            (0, steered) => steered,
            (contract, 0) => contract,
            (contract, steered) => contract.min(steered),
        };
        self.rate.tune(rate, burst(rate));
    }

    /// What its operator does, for whoever asks why nothing matches.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge_habits(&self) {
        let habits = self.seen().judge(&self.profile.settings);
        let Some(habits) = habits else { return };
        let before = self.card.habits.swap(Arc::new(habits));
        let now = self.card.habits.load();
        let is_old = |set: &str| before.advice.iter().any(|advice| advice.set == set);
        for advice in now.advice.iter().filter(|advice| !is_old(&advice.set)) {
            tracing::warn!(link = %self.seat.name, seen = advice.seen, set = advice.set,
                "the operator does something else than the settings say");
        }
    }

    pub(crate) fn took_one(&self) {
        self.steering.lock().unwrap_or_else(PoisonError::into_inner).taken += 1;
    }

    /// The SMSC says that it is too much: half of what it took, and a pause (P19, C014).
    pub(crate) fn throttled(&self) -> Duration {
        {
            let mut steering = self.steering.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = match steering.rate {
                0 => steering.taken.max(self.card.rate.load(Ordering::Acquire)),
                rate => rate,
            };
            steering.rate = (seen / 2).max(1);
        }
        self.tune();
        THROTTLE_PAUSE
    }

    /// One request more is on its way; `heard_of_one` follows, whatever becomes of it.
    pub(crate) fn sent_one(&self) {
        self.card.in_flight.fetch_add(1, Ordering::Relaxed);
        metrics::window_in_use(&self.card.name, 1.0);
    }

    /// An answer came, or its session is over.
    pub(crate) fn heard_of_one(&self) {
        self.card.in_flight.fetch_sub(1, Ordering::Relaxed);
        metrics::window_in_use(&self.card.name, -1.0);
    }

    /// Additive increase: a tenth more each second without a complaint, until none is needed.
    pub(crate) fn relax(&self, now: Instant) {
        {
            let mut steering = self.steering.lock().unwrap_or_else(PoisonError::into_inner);
            if now - steering.looked_at < Duration::from_secs(1) {
                return;
            }
            let taken = std::mem::take(&mut steering.taken);
            steering.looked_at = now;
            self.judge_habits();
            if steering.rate == 0 {
                return;
            }
            steering.rate += (steering.rate / 10).max(1);
            let contract = self.card.rate.load(Ordering::Acquire);
            // Twice what is asked for is no limit any more.
            if (contract > 0 && steering.rate >= contract) || steering.rate > taken.max(10) * 2 {
                steering.rate = 0;
            }
        }
        self.tune();
    }

    pub(crate) fn trace(&self, direction: &'static str, command: &Command) {
        if self.card.traces.is_empty() {
            return;
        }
        let line = TraceLine {
            at: self.gateway.now(),
            direction,
            command: command.pdu.name(),
            status: command.status.to_string(),
            sequence: command.sequence,
            summary: summary(command),
        };
        self.card.traces.retain(|_, trace: &mut mpsc::Sender<TraceLine>| {
            !matches!(trace.try_send(line.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
    }
}

/// A tenth of a second's worth at once, so that a rate is even and a window is filled.
fn burst(rate: u32) -> u32 {
    (rate / 10).max(1)
}
