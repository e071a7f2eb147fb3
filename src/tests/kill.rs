//! T-01: the real process under mixed load, killed at random instants and started again.
//!
//! `BRAMKA_KILLS` sets how often, `BRAMKA_SEED` repeats a run's instants. What surprises: a kill
//! is aimed not only at moments but at events (after so many further submits, acknowledgements,
//! answers), because in a busy process most moments fall into the same few places.

use std::{path::Path, time::Duration};

use bramka::{clock::Clock, demo::fake_smsc::Script};

use super::{
    laws::{self, Evidence, Terms},
    load::{Dice, Peers, setting},
    process::{Daemon, Site},
    world::eventually,
};

/// The link's window: at most so many become unknown by one kill (P9).
const WINDOW: usize = 10;
/// The link's rate.
const RATE: u64 = 1000;

/// What a run of kills did and found.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) kills: u64,
    pub(crate) ready: Vec<Duration>,
    pub(crate) mts: u64,
    pub(crate) mos: u64,
    pub(crate) charges: u64,
    pub(crate) unknown: Vec<u64>,
    pub(crate) unknown_left: u64,
    pub(crate) repeated_uncharged: u64,
    pub(crate) breaches: Vec<String>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut ready = self.ready.clone();
        ready.sort_unstable();
        let at = |part: usize| ready.get(ready.len().saturating_sub(1) * part / 100).copied();
        write!(
            f,
            "{} kills; {} MT, {} MO, {} charges; unknown at most {} a kill, {} in all, {} left; \
             uncharged sent again {}; ready in {:?} (median), {:?} (95 %), {:?} (worst); {} \
             breaches",
            self.kills,
            self.mts,
            self.mos,
            self.charges,
            self.unknown.iter().max().copied().unwrap_or_default(),
            self.unknown.iter().sum::<u64>(),
            self.unknown_left,
            self.repeated_uncharged,
            at(50).unwrap_or_default(),
            at(95).unwrap_or_default(),
            at(100).unwrap_or_default(),
            self.breaches.len(),
        )
    }
}

/// Runs the process under load and kills it so often; checks every law at the end.
pub(crate) async fn ordeal(binary: &Path, folder: &Path, kills: u64, dice: &mut Dice) -> Outcome {
    let script = Script {
        answer_delay: Duration::from_millis(3),
        retry_delay: Duration::from_millis(50),
        ..Script::default()
    };
    let mut peers = Peers::new(folder, script).await;
    let link = format!("window = {WINDOW}\nrate = {RATE}");
    let mut site = Site::new(binary, folder, peers.smsc.address(), &link, "").await;
    peers.begin(&site, 100.0);
    let mut ready = Vec::new();
    let mut instants = Vec::new();
    let clock = Clock::system();
    let daemon = tokio::select! {
        () = peers.texting(50.0) => unreachable!("subscribers text for ever"),
        daemon = async {
            for _ in 0..kills {
                let mut daemon = site.spawn();
                if let Some(took) = wait_for_the_instant(&mut daemon, &peers, dice).await {
                    ready.push(took);
                }
                daemon.kill().await;
                instants.push(clock.now());
            }
            let (daemon, took) = site.start().await;
            ready.push(took);
            daemon
        } => daemon,
    };
    peers.settle().await;
    drained(&site).await;
    let (code, _) = daemon.stop().await;
    assert_eq!(code, Some(0), "{}", site.log());
    peers.end().await;
    judge(&site, folder, &peers, &instants, ready).await
}

/// Lets the process live until an instant that the dice choose; the time until it was ready, if
/// it was.
async fn wait_for_the_instant(
    daemon: &mut Daemon,
    peers: &Peers,
    dice: &mut Dice,
) -> Option<Duration> {
    // One in eight dies while it starts.
    if dice.below(8) == 0 {
        let life = Duration::from_millis(1 + dice.below(150));
        return tokio::time::timeout(life, daemon.ready()).await.ok()?.ok();
    }
    let took = daemon.ready().await.unwrap_or_else(|why| panic!("not ready: {why}"));
    let further = 1 + dice.below(60);
    let seen = |peers: &Peers, which| {
        peers.smsc.journal(|journal| match which {
            0 => journal.submits_seen,
            1 => journal.mos_acked,
            2 => journal.receipts_acked,
            _ => 0,
        })
    };
    let which = dice.below(5);
    let from = if which == 3 { peers.answered() } else { seen(peers, which) };
    let reached = async {
        match which {
            0..=2 => {
                let wait = peers.smsc.wait_until(|journal| {
                    let now = [journal.submits_seen, journal.mos_acked, journal.receipts_acked];
                    usize::try_from(which).is_ok_and(|place| now[place] >= from + further)
                });
                wait.await.expect("traffic goes on after a start");
            }
            3 => {
                eventually("the partner hears of something", async || {
                    (peers.answered() >= from + further).then_some(())
                })
                .await;
            }
            _ => {
                let life = Duration::from_micros(1 + dice.next() % 600_000);
                assert!(!daemon.ends_within(life).await, "the process ended by itself");
            }
        }
    };
    reached.await;
    Some(took)
}

/// Waits until nothing waits in any lane and nothing is on its way. A busy machine may take its
/// time, but every twenty seconds it must have moved something.
pub(crate) async fn drained(site: &Site) {
    let mut db = laws::reader(&site.database()).await;
    let mut left = i64::MAX;
    while left > 0 {
        let before = left;
        left = eventually("the lanes grow shorter", async || {
            let open = laws::count(
                &mut db,
                "select (select count(*) from lane_item) + (select count(*) from message \
                 where state in ('accepted', 'claimed', 'submitted'))",
            );
            Some(open.await).filter(|open| *open < before)
        })
        .await;
    }
}

async fn judge(
    site: &Site,
    folder: &Path,
    peers: &Peers,
    instants: &[i64],
    ready: Vec<Duration>,
) -> Outcome {
    let journals = [folder.join("partner.jsonl"), folder.join("sender.jsonl")];
    let evidence = Evidence::gather(
        &site.database(),
        &folder.join("smsc.jsonl"),
        &[&journals[0], &journals[1]],
    )
    .await;
    let terms = Terms {
        unanswered_max: peers.smsc.journal(|journal| journal.unanswered_max),
        window: WINDOW,
        rate: RATE,
        slack: 30,
    };
    let mut breaches = laws::all(&evidence, &terms);
    let unknown = evidence.unknown_between(instants);
    for (kill, count) in unknown.iter().enumerate().filter(|(_, count)| **count > WINDOW as u64) {
        breaches.push(format!("P9: {count} became unknown by kill {kill}"));
    }
    let is_left = |state: &str| state == "unknown";
    Outcome {
        kills: instants.len() as u64,
        ready,
        mts: evidence.messages.values().filter(|message| message.is_mt).count() as u64,
        mos: evidence.messages.values().filter(|message| !message.is_mt).count() as u64,
        charges: evidence.charges.len() as u64,
        unknown_left: evidence.messages.values().filter(|one| is_left(&one.state)).count() as u64,
        unknown,
        repeated_uncharged: evidence.repeated_uncharged(),
        breaches,
    }
}

#[cfg(test)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t01_no_kill_loses_or_doubles_anything() {
    let (mut dice, seed) = Dice::from_environment();
    let kills = setting("BRAMKA_KILLS", 50);
    // What a failure leaves behind is the evidence.
    let mut folder = tempfile::Builder::new();
    let folder = folder.prefix("bramka-kill-").disable_cleanup(true).tempdir().expect("a folder");
    super::process::say(&format!("seed {seed}, in {}", folder.path().display()));
    let binary = Path::new(env!("CARGO_BIN_EXE_bramka"));
    let outcome = ordeal(binary, folder.path(), kills, &mut dice).await;
    let report = format!("seed {seed}: {outcome}");
    let first: Vec<&String> = outcome.breaches.iter().take(20).collect();
    assert!(first.is_empty(), "{report}\n{first:#?}\nkept in {}", folder.path().display());
    assert!(outcome.charges > kills && outcome.mos > kills, "hardly any traffic: {report}");
    // Shown with --nocapture; figures are measured, not asserted.
    super::process::say(&report);
    std::fs::remove_dir_all(folder.path()).expect("a folder to remove");
}
