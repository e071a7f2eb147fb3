//! `bramka demo`: the whole world from one command.
//!
//! This process is the parent: it makes the folder, starts the fake SMSC, the gateway and the
//! sample partner as processes of their own, watches their journals and prints. It speaks no SMPP.
//!
//! What surprises: whether anything was lost or doubled is read from the journals of the two
//! peers, which are never killed. The gateway, which is, has no say in it.

mod business;
mod child;
mod figures;
mod folder;
mod gateway;
mod hail;
mod keys;
mod peer;
mod screen;

use std::{pin::pin, time::Duration};

use anyhow::Context as _;
use tokio::{
    net::UnixListener,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

pub use self::folder::AGREEMENTS;
pub(crate) use self::peer::{die_with_stdin, run as peer};
use self::{
    child::Child,
    figures::Figures,
    folder::{Folder, Ports, Secrets},
    gateway::Gateway,
    keys::Keys,
    peer::{Errand, Order, PartnerErrand, SmscErrand},
    screen::{Look, Screen},
};
use crate::{
    cli::{Exit, Failure, Output, args},
    clock::Clock,
    demo::tally::{Settled, Watch},
    store::{GroupLimits, Place, Store},
    tasks::{Signal, Signals},
};

/// What is younger than this may still be on its way.
const IN_FLIGHT: Duration = Duration::from_secs(15);
/// How long the end waits for what is on its way: longer than an unknown fate lasts here.
const SETTLE: Duration = Duration::from_secs(30);
/// A little more than the gateway's own grace.
const STOP: Duration = Duration::from_secs(50);
const PEER_STOP: Duration = Duration::from_secs(12);
const RATE_MAX: u32 = 5000;
/// After a kill that found nothing to kill.
const KILL_AGAIN: Duration = Duration::from_millis(20);

/// Runs the world until Ctrl-C, or pulls the plug of one that runs.
pub(crate) async fn run(options: args::Demo, out: &mut Output) -> Result<(), Failure> {
    if options.pull_plug {
        let text = hail::pull_plug(options.folder).await?;
        out.show(&serde_json::json!({ "answer": text.trim_end() }), text.trim_end());
        return Ok(());
    }
    let mut signals = Signals::system().context("listening for signals")?;
    let mut folder = Folder::open(options.folder.as_deref())?;
    let door = hail::listen(folder.path())?;
    let mut world = World::start(&folder, &options).await?;
    let keys = Keys::listen(out.is_terminal() && !out.is_json());
    let addresses = (&world.ports, &world.secrets, world.way_in.as_deref());
    let screen = Screen::new(addresses, &folder, keys.are_there());
    screen.begin(out);
    let mut front = Front { keys, screen, door };
    let ended = world.go_on(&options, &mut front, &mut signals, out).await;
    drop(front);
    let (look, is_settled) = match ended {
        Ok(()) => world.end(&mut signals, out).await?,
        Err(error) => {
            world.stop().await;
            folder.keep();
            let text = format!("{error:#}; see {}", folder.path().display());
            return Err(Failure::new(Exit::Failed, text));
        }
    };
    let is_good = look.tally.lost() == 0
        && look.tally.doubled() == 0
        && look.falls == 0
        && (!is_settled || i64::try_from(look.tally.charges_due) == Ok(look.charged.0));
    if !is_good {
        folder.keep();
    }
    let kept = (!folder.is_temporary()).then(|| folder.path().display().to_string());
    screen::summary(out, &look, is_settled, kept.as_deref());
    if is_good {
        return Ok(());
    }
    let text = format!(
        "lost {}, doubled {}, charged {} of {}, fell {}",
        look.tally.lost(),
        look.tally.doubled(),
        look.charged.0,
        look.tally.charges_due,
        look.falls
    );
    Err(Failure::new(Exit::Failed, text))
}

/// Where people see the world and touch it.
struct Front {
    keys: Keys,
    screen: Screen,
    door: UnixListener,
}

struct World {
    ports: Ports,
    secrets: Secrets,
    /// The link to the operator's desk.
    way_in: Option<String>,
    smsc: Child,
    partner: Child,
    gateway: Gateway,
    watch: Watch,
    figures: Figures,
    store: Store,
    /// The ledger of earlier demos in this folder.
    charged_before: (i64, i64),
    began: Instant,
    rate: u32,
    clock: Clock,
}

impl World {
    async fn start(folder: &Folder, options: &args::Demo) -> anyhow::Result<Self> {
        let secrets = folder.secrets()?;
        let ports = Ports::pick()?;
        folder.configure(&ports, &secrets)?;
        let url = format!("sqlite:{}", folder.file("bramka.db").display());
        // The writer is not run: the gateway has its own.
        let (store, _writer) =
            Store::open(Place { url, readers: 1 }, GroupLimits::default()).await?;
        business::seed(&store, &secrets).await?;
        let portal = format!("http://{}", ports.http);
        let way_in = business::way_in(&store, &secrets, &portal).await?;
        let charged_before = store.ledger().await?;
        let clock = Clock::system();
        let mut smsc = Child::start(&["demo-peer"], &folder.file("smsc.log"))?;
        let errand = SmscErrand {
            listen: ports.smsc,
            system_id: folder::SYSTEM_ID.into(),
            password: secrets.smsc.clone(),
            journal: folder.smsc_journal(),
            tariff_tag: folder::TARIFF_TAG,
            // Above those of any earlier demo, which the database may remember.
            first_id: u64::try_from(clock.now()).unwrap_or_default(),
            short_code: business::NUMBER.into(),
        };
        smsc.tell(&Errand::Smsc(errand)).await?;
        let mut partner = Child::start(&["demo-peer"], &folder.file("partner.log"))?;
        let errand = PartnerErrand {
            gateway: ports.gateway,
            system_id: business::PARTNER.into(),
            password: secrets.partner.clone(),
            journal: folder.partner_journal(),
        };
        partner.tell(&Errand::Partner(errand)).await?;
        let mut gateway = Gateway::start(folder, ports.admin)?;
        gateway.wait_until_ready(folder).await?;
        smsc.tell(&Order::Rate(options.rate)).await?;
        let watch = Watch::new(&folder.smsc_journal(), &folder.partner_journal(), business::NUMBER);
        Ok(Self {
            ports,
            secrets,
            way_in,
            smsc,
            partner,
            gateway,
            watch,
            figures: Figures::default(),
            store,
            charged_before,
            began: Instant::now(),
            rate: options.rate,
            clock,
        })
    }

    /// Until somebody or the time ends it. An error is a peer that ended.
    async fn go_on(
        &mut self,
        options: &args::Demo,
        front: &mut Front,
        signals: &mut Signals,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = options.seconds.map(|seconds| self.began + Duration::from_secs(seconds.into()));
        let mut kills = self.kill_times(options);
        loop {
            let next_kill = kills.last().copied();
            tokio::select! {
                _ = ticks.tick() => {
                    let look = self.look(false).await?;
                    front.screen.show(out, &look);
                    if out.is_closed() {
                        return Ok(());
                    }
                }
                () = maybe(next_kill) => {
                    kills.pop();
                    // Two moments may fall together; each is a kill of its own.
                    if self.gateway.pull_plug().is_none() {
                        kills.push(Instant::now() + KILL_AGAIN);
                    }
                }
                ended = self.gateway.next() => ended?,
                how = self.smsc.ended() => anyhow::bail!("the fake SMSC ended: {how}"),
                how = self.partner.ended() => anyhow::bail!("the sample partner ended: {how}"),
                key = front.keys.next() => {
                    if self.press(key).await? {
                        return Ok(());
                    }
                }
                hail = front.door.accept() => {
                    if let Ok((mut stream, _)) = hail
                        && hail::asks_for_plug(&mut stream).await
                    {
                        let text = match self.gateway.pull_plug() {
                            Some(id) => format!("killed the gateway, process {id}\n"),
                            None => "the gateway is down already\n".to_owned(),
                        };
                        hail::answer(stream, &text).await;
                    }
                }
                signal = signals.next() => {
                    if signal == Signal::Stop {
                        return Ok(());
                    }
                }
                () = maybe(end) => return Ok(()),
            }
        }
    }

    /// Random moments of the whole time but its ends, the next one last.
    fn kill_times(&self, options: &args::Demo) -> Vec<Instant> {
        let millis = u64::from(options.seconds.unwrap_or(0)) * 1000;
        let (first, length) = (millis / 20, (millis * 9 / 10).max(1));
        let mut times: Vec<Instant> = (0..options.kills)
            .map(|_| self.clock.random().unsigned_abs() % length)
            .map(|at| self.began + Duration::from_millis(first + at))
            .collect();
        times.sort_unstable_by(|one, other| other.cmp(one));
        times
    }

    /// True if it is the key that ends.
    async fn press(&mut self, key: u8) -> anyhow::Result<bool> {
        match key {
            b'p' | b'P' | b' ' => {
                self.gateway.pull_plug();
            }
            b'+' | b'=' => self.set_rate(self.rate.saturating_add(self.rate.max(1))).await?,
            b'-' => self.set_rate(self.rate / 2).await?,
            b'm' | b'M' => {
                let order = Order::Text {
                    from: "48500100200".into(),
                    to: business::GUEST_NUMBER.into(),
                    text: "hello from a subscriber".into(),
                };
                self.smsc.tell(&order).await?;
            }
            b'q' | b'Q' | 0x03 | 0x04 => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    async fn set_rate(&mut self, rate: u32) -> anyhow::Result<()> {
        self.rate = rate.clamp(1, RATE_MAX);
        self.smsc.tell(&Order::Rate(self.rate)).await
    }

    async fn look(&mut self, is_over: bool) -> anyhow::Result<Look> {
        self.figures.look(self.ports.admin).await;
        let settled = if is_over {
            Settled::All
        } else {
            Settled::Before { now: self.clock.now(), age: IN_FLIGHT }
        };
        let tally = self.watch.look(settled).context("reading the journals")?;
        // The database may be busy for a moment: a figure for eyes can wait.
        let (rows, sum) = self.store.ledger().await.unwrap_or(self.charged_before);
        let unknown = self.store.overview().await.map_or(0, |overview| overview.unknown);
        let gateway = &self.gateway;
        Ok(Look {
            passed: self.began.elapsed(),
            tally,
            charged: (rows - self.charged_before.0, sum - self.charged_before.1),
            unknown,
            queue: self.figures.queue,
            p99: self.figures.p99,
            rate: self.rate,
            kills: gateway.kills,
            falls: gateway.falls,
            away: gateway.away,
            away_max: gateway.away_max,
            gateway: gateway.id(),
            is_ready: gateway.is_ready(),
        })
    }

    /// Lets everything come to its end, stops in order and counts. True if all came to its end.
    async fn end(
        &mut self,
        signals: &mut Signals,
        out: &mut Output,
    ) -> anyhow::Result<(Look, bool)> {
        if !out.is_json() {
            out.line("\nNobody texts any more; waiting for what is on its way.");
        }
        let passed = self.began.elapsed();
        self.smsc.tell(&Order::Rate(0)).await?;
        let settling = self.settle();
        let mut impatience = pin!(async { while signals.next().await != Signal::Stop {} });
        let is_settled = tokio::select! {
            is_settled = settling => is_settled?,
            () = &mut impatience => false,
        };
        let (unknown, stopped) = (self.look(true).await?.unknown, self.stop().await);
        let mut look = self.look(true).await?;
        look.passed = passed;
        look.unknown = unknown;
        look.falls += u32::from(!stopped);
        self.store.close().await;
        Ok((look, is_settled))
    }

    async fn settle(&mut self) -> anyhow::Result<bool> {
        let until = Instant::now() + SETTLE;
        let mut ticks = interval(Duration::from_millis(200));
        while Instant::now() < until {
            tokio::select! {
                _ = ticks.tick() => {}
                ended = self.gateway.next() => {
                    ended?;
                    continue;
                }
            }
            let tally = self.watch.look(Settled::All).context("reading the journals")?;
            let (charged, _) = self.store.ledger().await.unwrap_or_default();
            let charged = charged - self.charged_before.0;
            if tally.is_settled() && i64::try_from(tally.charges_due) == Ok(charged) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True if the gateway stopped in order.
    async fn stop(&mut self) -> bool {
        let stopped = self.gateway.stop(STOP).await;
        self.partner.dismiss(PEER_STOP).await;
        self.smsc.dismiss(PEER_STOP).await;
        stopped
    }
}

async fn maybe(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
