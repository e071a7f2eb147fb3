//! How long a restart takes with a queue: 100,000 messages for a link that is away, SIGKILL, start.
//!
//! `cargo build --release && cargo run --release --example restart -- [MESSAGES]`. Promise P40 is
//! under 3 s. What surprises: the figure is the time from `exec` to `READY=1`, as systemd sees it,
//! not the gateway's own.

#[path = "../src/tests/harness.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use the rest")]
mod harness;

use bramka::{
    demo::{
        esme::{Esme, mt},
        fake_smsc::Script,
    },
    smpp::{BindKind, Version},
};
use harness::{
    load::Peers,
    process::{Site, beside, say},
    world::PASSWORD,
};

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let script = Script { accepts_connections: false, ..Script::default() };
    let peers = Peers::new(folder.path(), script).await;
    let mut site = Site::new(&beside(), folder.path(), peers.smsc.address(), "", "").await;
    let (daemon, took) = site.start().await;
    say(&format!("ready with nothing queued after {took:?}"));
    let esme = Esme::bind(site.smpp, BindKind::Transmitter, Version::V34, "acme", PASSWORD);
    let esme = esme.await.expect("a bind");
    let message = |number: usize| {
        let sender = ["7455", "7466"][number % 2];
        mt(sender, &format!("48{}", 500_000_000 + number), &format!("text #q{number}"))
    };
    let began = std::time::Instant::now();
    let answers = esme.submit_pipelined((0..count).map(message), 90).await;
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    say(&format!("{count} submitted in {:?}, {refused} refused", began.elapsed()));
    daemon.kill().await;
    for round in 1..=3 {
        let (daemon, took) = site.start().await;
        say(&format!("start {round} with {} queued: ready after {took:?}", count - refused));
        daemon.kill().await;
    }
    peers.smsc.script(|script| script.accepts_connections = true);
    let (daemon, took) = site.start().await;
    let began = std::time::Instant::now();
    peers.smsc.wait_for_submits(1).await.expect("a first message");
    say(&format!("ready after {took:?}, first message {:?} later", began.elapsed()));
    daemon.kill().await;
}
