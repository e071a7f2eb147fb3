//! Writes the fault report anew: kills, a full disk, power cuts, clock jumps and rude peers; what
//! was lost and doubled.
//!
//! `cargo build && cargo build --release && cargo run --release --example faults`; the debug build
//! is for the negative control, Debian's `faketime` for the clock. `BRAMKA_KILLS` and `BRAMKA_SEED`
//! as in the tests. What surprises: it asserts nothing. It writes down what it found in
//! `load-tests/FAULTS.md`, and a loss would stand there.

#[path = "../src/tests/harness.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use the rest")]
mod harness;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bramka::{
    demo::{
        esme::{Esme, Failed, mt},
        fake_smsc::Script,
    },
    smpp::{BindKind, CommandStatus, Version},
};
use harness::{
    kill::{drained, ordeal},
    laws::{self, Evidence},
    load::{Dice, Peers, setting},
    process::{Site, beside, say},
    world::PASSWORD,
};

#[tokio::main]
async fn main() {
    let (mut dice, seed) = Dice::from_environment();
    let mut report = String::from(
        "# Faults\n\nWritten by `cargo run --release --example faults`; every figure is measured, \
         none is asserted.\nThe laws (L1 to L8) are checked by SQL on the store and by the journals \
         of the gateway's peers.\n\n",
    );
    let at = bramka::clock::Clock::system().timestamp();
    writeln!(report, "* date: {}\n* machine: {}\n* seed: {seed}\n", at.strftime("%F"), machine())
        .expect("a String takes everything");
    for (title, found) in [
        ("Kills (T-01)", kills(&mut dice).await),
        ("Full disk (T-22)", full_disk().await),
        ("Power cuts (T-03)", power(&mut dice, setting("BRAMKA_CUTS", 20), true).await),
        ("Power cuts without the sync, which must lose", power(&mut dice, 5, false).await),
        ("Clock jumps (T-26)", clock_jumps().await),
        ("Rude peers (T-17, T-18)", rude_peers(&mut dice).await),
    ] {
        say(&format!("{title}: {found}"));
        writeln!(report, "## {title}\n\n{found}\n").expect("a String takes everything");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("load-tests/FAULTS.md");
    std::fs::write(path, report).expect("a report");
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{cores} cores, {}, {build} build", output("uname", &["-sm"]))
}

async fn kills(dice: &mut Dice) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let kills = setting("BRAMKA_KILLS", 300);
    let outcome = ordeal(&beside(), folder.path(), kills, dice).await;
    let mut text = format!("{outcome}.");
    for breach in outcome.breaches.iter().take(20) {
        write!(text, "\n* {breach}").expect("a String takes everything");
    }
    text
}

/// A store on a small file system of memory, filled by traffic until it is refused.
async fn full_disk() -> String {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().to_string_lossy().into_owned();
    let size = ["-t", "tmpfs", "-o", "size=96m", "tmpfs", &folder];
    if !Command::new("mount").args(size).status().is_ok_and(|status| status.success()) {
        return "Not run: this machine does not let us mount a small file system.".into();
    }
    let found = fill(place.path()).await;
    output("umount", &["-l", &folder]);
    found
}

async fn fill(folder: &Path) -> String {
    // The peers' journals are not on the disk that is full.
    let journals = tempfile::tempdir().expect("a folder");
    let peers =
        Peers::new(journals.path(), Script { accepts_connections: false, ..Script::default() });
    let peers = peers.await;
    let more = "[store]\ndisk_soft = \"32MiB\"\ndisk_hard = \"16MiB\"\nreserve = \"8MiB\"";
    let mut site = Site::new(&beside(), folder, peers.smsc.address(), "", more).await;
    let (daemon, _) = site.start().await;
    let esme = Esme::bind(site.smpp, BindKind::Transmitter, Version::V34, "acme", PASSWORD);
    let esme = esme.await.expect("a bind");
    let (mut accepted, mut refused, mut others) = (0_u64, 0_u64, 0_u64);
    while refused < 1000 && accepted < 1_000_000 && others == 0 {
        let batch = (0..1000).map(|_| mt("7455", "48600100200", &"x".repeat(150)));
        for answer in esme.submit_pipelined(batch, 90).await {
            match answer {
                Ok(_) => accepted += 1,
                Err(Failed::Refused(CommandStatus::RMSGQFUL)) => refused += 1,
                Err(_) => others += 1,
            }
        }
    }
    daemon.kill().await;
    peers.smsc.script(|script| script.accepts_connections = true);
    let (daemon, took) = site.start().await;
    let mut db = laws::reader(&site.database()).await;
    let stored = laws::count(&mut db, "select count(*) from message").await;
    daemon.kill().await;
    format!(
        "{accepted} accepted until the limit, then {refused} refused with ESME_RMSGQFUL, {others} \
         failed otherwise; killed at the limit and ready again in {took:?}; {stored} stored, lost {}.",
        accepted.saturating_sub(stored.unsigned_abs()),
    )
}

/// A file system in a file, cut off without a last flush while messages are accepted.
struct Disk {
    image: String,
    folder: String,
}

impl Disk {
    fn run(program: &str, arguments: &[&str]) -> bool {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn mount(&self) -> bool {
        Self::run("mount", &["-o", "loop", &self.image, &self.folder])
    }

    fn unmount(&self) -> bool {
        Self::run("umount", &[&self.folder])
    }

    /// The shutdown ioctl of ext4 without a flush of the log: what is not on the disk is gone.
    fn cut(&self) -> bool {
        let by_python = format!(
            "import fcntl,os,struct; fcntl.ioctl(os.open({:?}, os.O_RDONLY), 0x8004587D, \
             struct.pack('I', 2))",
            self.folder
        );
        Self::run("xfs_io", &["-x", "-c", "shutdown", &self.folder])
            || Self::run("python3", &["-c", &by_python])
    }
}

/// The daemon with debug assertions, of this build or of the one beside it.
fn debug_build() -> PathBuf {
    let release = beside();
    let target =
        release.parent().and_then(Path::parent).expect("builds have a folder of their own");
    target.join("debug").join("bramka")
}

#[expect(clippy::too_many_lines, reason = "one story in the order it happens")]
async fn power(dice: &mut Dice, times: u64, is_safe: bool) -> String {
    // A release is deaf to the setting that takes the sync away.
    let program = if is_safe { beside() } else { debug_build() };
    if !program.exists() {
        return "Not run: build the daemon for debugging first (`cargo build`).".into();
    }
    let place = tempfile::tempdir().expect("a folder");
    let path = |name: &str| place.path().join(name).to_string_lossy().into_owned();
    let disk = Disk { image: path("image"), folder: path("disk") };
    std::fs::create_dir(&disk.folder).expect("a folder");
    let is_made = Disk::run("truncate", &["-s", "192M", &disk.image])
        && Disk::run("mkfs.ext4", &["-q", &disk.image])
        && disk.mount();
    if !is_made {
        return "Not run: this machine does not let us mount a file system in a file.".into();
    }
    let folder = Path::new(&disk.folder);
    let peers =
        Peers::new(place.path(), Script { accepts_connections: false, ..Script::default() });
    let peers = peers.await;
    let more = "[store]\ndisk_soft = \"16MiB\"\ndisk_hard = \"8MiB\"\nreserve = \"1MiB\"";
    let mut site = Site::new(&program, folder, peers.smsc.address(), "", more).await;
    let (mut accepted, mut cuts) = (Vec::new(), 0);
    site.is_unsafe = !is_safe;
    // The configuration is not what is tested.
    Disk::run("sync", &[]);
    for _ in 0..times {
        let (daemon, _) = site.start().await;
        let esme = Esme::bind(site.smpp, BindKind::Transmitter, Version::V34, "acme", PASSWORD);
        let esme = esme.await.expect("a bind");
        let life = Duration::from_millis(50 + dice.below(400));
        let cutting = async {
            // This wait is the fault: the moment of the cut.
            tokio::time::sleep(life).await;
            disk.cut()
        };
        let sending = async {
            let mut ids = Vec::new();
            while !esme.is_closed() && ids.len() < 5000 {
                // Each text is another: equal ones after a crash are taken for repeats (P11).
                let text = |place: usize| format!("message {cuts}-{}", ids.len() + place);
                let batch: Vec<_> =
                    (0..50).map(|place| mt("7466", "48600100200", &text(place))).collect();
                let answers = esme.submit_pipelined(batch, 50).await;
                let before = ids.len();
                ids.extend(answers.into_iter().flatten().map(|answer| answer.message_id));
                if ids.len() == before {
                    break;
                }
            }
            ids
        };
        let (was_cut, ids) = tokio::join!(cutting, sending);
        if !was_cut {
            daemon.kill().await;
            disk.unmount();
            return "Not run: needs `xfs_io` (or python3) for the shutdown ioctl.".into();
        }
        accepted.extend(ids);
        daemon.kill().await;
        cuts += 1;
        if !(disk.unmount() && disk.mount()) {
            return format!("Broke off after {cuts} cuts: the file system did not come back.");
        }
    }
    let (daemon, took) = site.start().await;
    daemon.kill().await;
    let evidence = Evidence::of_store(&site.database()).await;
    let is_stored = |id: &&bytes::Bytes| {
        let id = String::from_utf8_lossy(id).parse().unwrap_or(0);
        evidence.messages.contains_key(&id)
    };
    let lost = accepted.len() - accepted.iter().filter(is_stored).count();
    // Whoever still has the file system open keeps it a moment longer.
    Disk::run("umount", &["-l", &disk.folder]);
    format!(
        "{cuts} power cuts (ext4 shut down without a flush); {} accepted, {} stored, lost {lost}; \
         ready again in {took:?}.",
        accepted.len(),
        evidence.messages.len(),
    )
}

/// The wall clock goes forward and back by hours and by ten years while messages wait.
///
/// Debian's `faketime` lies to the process about the time of day and not about its monotonic
/// clock, as a machine does whose clock is set.
async fn clock_jumps() -> String {
    const EACH: usize = 200;
    let libraries = ["x86_64", "aarch64"]
        .map(|kind| format!("/usr/lib/{kind}-linux-gnu/faketime/libfaketimeMT.so.1"));
    let Some(library) = libraries.iter().find(|path| Path::new(path).exists()) else {
        return "Not run: needs Debian's `faketime`.".into();
    };
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, format!("{offset}\n")).expect("a file");
    set("+0");
    let away = Script { accepts_connections: false, ..Script::default() };
    let peers = Peers::new(folder.path(), away).await;
    let mut site = Site::new(&beside(), folder.path(), peers.smsc.address(), "", "").await;
    site.environment = vec![
        ("LD_PRELOAD", library.clone()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let (daemon, _) = site.start().await;
    let esme = Esme::bind(site.smpp, BindKind::Transceiver, Version::V34, "acme", PASSWORD);
    let mut esme = esme.await.expect("a bind");
    let (mut accepted, mut ids) = (0, Vec::new());
    let jumps = ["+0", "+1h", "-1h", "+10y", "+0"];
    for (round, offset) in jumps.into_iter().enumerate() {
        set(offset);
        // The watch looks at the clock each second, and what can expire is looked for as often.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let text = |place: usize| format!("message {round}-{place}");
        let batch = (0..EACH).map(|place| mt("7455", "48600100200", &text(place)));
        for answer in esme.submit_pipelined(batch, 50).await.into_iter().flatten() {
            accepted += 1;
            ids.push(answer.message_id);
        }
    }
    let seen = site.log().matches("step_ms").count();
    ids.sort();
    ids.dedup();
    peers.smsc.script(|script| script.accepts_connections = true);
    drained(&site).await;
    let mut receipts = 0;
    while esme.try_delivery().is_some() {
        receipts += 1;
    }
    let (code, _) = daemon.stop().await;
    let mut db = laws::reader(&site.database()).await;
    let stored = laws::count(&mut db, "select count(*) from message").await;
    let expired =
        laws::count(&mut db, "select count(*) from message where state = 'expired'").await;
    let delivered = laws::count(&mut db, "select count(*) from message where state = 'delivered'");
    format!(
        "forward and back by one hour and by ten years, {seen} jumps noticed; {accepted} accepted \
         under {} ids, {stored} stored, {} delivered afterwards with {receipts} receipts, \
         {expired} wrongly expired; exit code {code:?}.",
        ids.len(),
        delivered.await,
    )
}

/// Fuzzed octets, half-open and slow connections beside honest traffic.
async fn rude_peers(dice: &mut Dice) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut peers = Peers::new(folder.path(), Script::default()).await;
    let more = "connections_per_address = 2000\nunbound_max = 2000\nbind_rate = 10000";
    let mut site = Site::new(&beside(), folder.path(), peers.smsc.address(), "", "").await;
    site.server(more);
    let (daemon, _) = site.start().await;
    peers.begin(&site, 100.0);
    let mut fuzzed = 0_u64;
    let mut silent = Vec::new();
    let rude = async {
        for round in 0..2000_u64 {
            let Ok(esme) = Esme::connect(site.smpp).await else { continue };
            if round % 5 == 0 && silent.len() < 200 {
                // Half a header, and nothing more.
                drop(esme.send_raw(vec![0, 0, 0]).await);
                silent.push(esme);
                continue;
            }
            // As a transmitter: what it received it would keep to itself.
            if round % 2 == 0 {
                drop(esme.bind_as(BindKind::Transmitter, Version::V34, "acme", PASSWORD).await);
            }
            let length = usize::try_from(dice.below(300)).unwrap_or(0);
            let mut octets: Vec<u8> = (0..length).map(|_| dice.next().to_le_bytes()[0]).collect();
            if dice.below(2) == 0 && octets.len() >= 16 {
                octets[..4].copy_from_slice(&u32::try_from(length).unwrap_or(16).to_be_bytes());
            }
            drop(esme.send_raw(octets).await);
            drop(esme.close().await);
            fuzzed += 1;
        }
    };
    let deadline = Duration::from_mins(1);
    tokio::select! {
        () = peers.texting(50.0) => {}
        _ = tokio::time::timeout(deadline, rude) => {}
    }
    let half_open = silent.len();
    drop(silent);
    peers.settle().await;
    drained(&site).await;
    let (code, _) = daemon.stop().await;
    peers.end().await;
    let journals = ["partner.jsonl", "sender.jsonl"].map(|name| folder.path().join(name));
    let journals = journals.each_ref().map(PathBuf::as_path);
    let smsc = folder.path().join("smsc.jsonl");
    let evidence = Evidence::gather(&site.database(), &smsc, &journals).await;
    let terms = laws::Terms { unanswered_max: 0, window: 10, rate: 0, slack: 30 };
    let breaches = laws::all(&evidence, &terms);
    let panics = site.log().matches("panicked").count();
    format!(
        "{fuzzed} connections of random octets, {half_open} half-open ones, beside {} honest \
         messages: exit code {code:?}, {panics} panics, {} breaches {:?}.",
        evidence.messages.len(),
        breaches.len(),
        breaches.iter().take(5).collect::<Vec<_>>(),
    )
}
