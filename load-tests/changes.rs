//! Services that change while messages flow: nothing lost, nothing misrouted, and what it costs.
//!
//! `cargo run --release --example changes -- --rate 5000 --changes 1000 --seconds 60
//! [--silent-partners 10000 --keywords 100000]` runs as long without a change, with them and
//! without them again, checks every message against the log of the changes and prints the latencies
//! of each part: the store grows and the machine varies, so that one quiet part says little. Build
//! the daemon first.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

mod common;

use common::{
    Arguments, Counts, Latencies, Plan, World,
    api::Api,
    crowd,
    offers::{NUMBER, Offers},
    partner, partner_name,
    verdict::{Judge, Verdict},
};
use tokio::task::JoinSet;

/// Services that change come in pairs. Few of them would have hundreds of versions each.
const PAIRS: usize = 25;
const PARTNERS: u64 = 10;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let rate = arguments.number("rate", 5000);
    let seconds = arguments.number("seconds", 60);
    let keywords = arguments.number("keywords", 100_000);
    let silent = arguments.number("silent-partners", 1_000);
    let plan = Plan {
        partners: PARTNERS,
        keywords: PARTNERS,
        link_window: 500,
        partner_window: 500,
        ..Plan::default()
    };
    let mut offers = None;
    let world = World::start_after(&plan, async |folder| {
        offers = Some(Offers::make(folder, PAIRS).await);
        if keywords > 0 {
            crowd::fill(&folder.join("bramka.db"), silent, keywords).await;
        }
    })
    .await;
    let (mut offers, world) = (offers.expect("they were made"), Arc::new(world));
    println!("gateway process {}, {} MiB resident", world.pid(), world.resident());
    let (counts, latencies) = (Arc::new(Counts::default()), Arc::new(Latencies::default()));
    let mut sessions = submit(&world, rate * 6 / 10, &counts, &latencies).await;
    let mut subscribers = text(&world, rate * 4 / 10, offers.words());
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(latencies.drain());
    let begun = offers.log().len();
    let mut took = Duration::ZERO;
    let mut parts = Vec::new();
    for name in ["quiet", "changed", "quiet again"] {
        let before = Gateway::look(&world).await;
        if name == "changed" {
            took = change(&world, &mut offers, arguments.number("changes", 1000), seconds).await;
        } else {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        let after = Gateway::look(&world).await;
        parts.push(format!(
            "=> {name:11} {}; {}",
            tell_latencies(&latencies.drain()),
            after.since(&before)
        ));
    }
    subscribers.abort_all();
    counts.is_over.store(true, Ordering::Release);
    let mut judge = Judge::of(&world.database()).await;
    judge.settled().await;
    let verdict = judge.verdict(offers.log()).await;
    sessions.abort_all();
    println!(
        "{} versions in {took:.1?}; {} MiB resident",
        offers.log().len() - begun,
        world.resident()
    );
    let acked = world.smsc.journal(|journal| journal.mos_acked);
    tell(&verdict, counts.snapshot(), acked);
    for part in parts {
        println!("{part}");
    }
}

fn tell_latencies(latencies: &Latencies) -> String {
    let [p50, p99, p999] =
        [500, 990, 999].map(|share| latencies.per_mille(share).as_secs_f64() * 1000.0);
    format!("submit_sm to its response: p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms")
}

/// What the gateway says of itself at a moment.
struct Gateway {
    cpu: f64,
    /// Seconds and count of groups, and of groups with people's changes.
    groups: (f64, f64),
    guests: (f64, f64),
}

impl Gateway {
    async fn look(world: &World) -> Self {
        let mut api = Api::connect(world.admin, "").await;
        let page = api.read("/metrics").await;
        let value = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or_default()
        };
        let histogram =
            |name: &str| (value(&format!("{name}_sum")), value(&format!("{name}_count")));
        Self {
            cpu: world.cpu(),
            groups: histogram("bramka_commit_duration_seconds"),
            guests: histogram("bramka_commit_guests_seconds"),
        }
    }

    fn since(&self, before: &Self) -> String {
        let mean = |now: (f64, f64), then: (f64, f64)| {
            let count = now.1 - then.1;
            (if count > 0.0 { (now.0 - then.0) * 1000.0 / count } else { 0.0 }, count)
        };
        let (group, groups) = mean(self.groups, before.groups);
        let (guest, guests) = mean(self.guests, before.guests);
        format!(
            "CPU {:.1} s, {groups} groups of {group:.2} ms, {guests} with changes of {guest:.2} ms",
            self.cpu - before.cpu
        )
    }
}

fn tell(verdict: &Verdict, (accepted, refused, delivered): (u64, u64, u64), acked: u64) {
    println!(
        "MO: {acked} acknowledged, {} stored; MT: {accepted} accepted, {} stored, {refused} \
         refused; handed over {delivered} times, {} once each",
        verdict.mo, verdict.mt, verdict.handed
    );
    let lost = acked.saturating_sub(verdict.mo) + accepted.saturating_sub(verdict.mt);
    println!(
        "=> lost {}, misrouted {} of {} of the changing services ({} of their texts met none); the \
         last of an old version {} ms after the change",
        lost + verdict.stuck,
        verdict.misrouted,
        verdict.checked + verdict.unrouted,
        verdict.unrouted,
        verdict.lag_us / 1000
    );
    for example in &verdict.examples {
        println!("   {example}");
    }
}

/// A session of each partner; the first also submits from the number of the changing services.
async fn submit(
    world: &World,
    rate: u64,
    counts: &Arc<Counts>,
    latencies: &Arc<Latencies>,
) -> JoinSet<()> {
    let mut sessions = JoinSet::new();
    let own = (0..PARTNERS).map(|owner| (owner, (70_000 + owner).to_string()));
    for (owner, sender) in own.chain([(0, NUMBER.to_owned())]) {
        let connection = partner::connect(world.smpp, &partner_name(owner)).await;
        let load = partner::Load {
            window: 100,
            rate: rate / (PARTNERS + 1),
            sender,
            wants_receipts: true,
            text: "Thank you. Your code is 4711.",
        };
        sessions.spawn(partner::run(connection, load, Arc::clone(counts), Arc::clone(latencies)));
    }
    sessions
}

/// Three texts of four go to services that stay as they are.
fn text(world: &Arc<World>, rate: u64, words: Vec<String>) -> JoinSet<()> {
    let mut subscribers = JoinSet::new();
    let (source, others) = (Arc::clone(world), rate * 3 / 4);
    subscribers.spawn(async move { common::text(&source, PARTNERS, 1, 10_000, others).await });
    let (source, rate) = (Arc::clone(world), rate / 4);
    subscribers.spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let (begun, mut sent) = (Instant::now(), 0_u64);
        loop {
            ticks.tick().await;
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            while sent < micros * rate / 1_000_000 {
                let place = usize::try_from(sent).expect("a count of minutes") % words.len();
                let from = format!("48{:09}", 600_000_000 + sent % 100_000_000);
                if source.smsc.queue_mo(&from, NUMBER, &format!("{} {sent}", words[place])).is_err()
                {
                    break;
                }
                sent += 1;
            }
        }
    });
    subscribers
}

/// Makes `count` changes evenly over that time; how long it really took.
async fn change(world: &World, offers: &mut Offers, count: u64, seconds: u64) -> Duration {
    // Connected only now: one that asks nothing for a while is told to go.
    let mut desk = offers.through(world.http).await;
    let begun = Instant::now();
    let mut made = 0;
    while made < count {
        let due = Duration::from_secs(seconds) * u32::try_from(made).unwrap_or(u32::MAX)
            / u32::try_from(count).unwrap_or(u32::MAX);
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        made += desk.change().await;
    }
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(seconds).saturating_sub(took)).await;
    took
}
