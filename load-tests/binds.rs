//! Sessions: how fast partners come back, and what idle ones cost.
//!
//! `cargo run --release --example binds -- --binds 2000`.

use std::time::{Duration, Instant};

mod common;

use common::{Arguments, Plan, World, partner, partner_name};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let count = arguments.number("binds", 2000);
    let partners = count.min(100);
    let plan = Plan { partners, keywords: partners, ..Plan::default() };
    let world = World::start(&plan).await;
    let before = world.resident();
    let begun = Instant::now();
    let mut sessions = tokio::task::JoinSet::new();
    for number in 0..count {
        let (address, name) = (world.smpp, partner_name(number % partners));
        sessions.spawn(async move { partner::connect(address, &name).await });
    }
    let kept = sessions.join_all().await;
    println!("{} binds in {:?}", kept.len(), begun.elapsed());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = world.resident();
    println!(
        "=> {} MiB for {count} idle binds ({before} MiB before)",
        after.saturating_sub(before)
    );
    let begun = Instant::now();
    drop(kept);
    let mut again = tokio::task::JoinSet::new();
    for number in 0..count {
        let (address, name) = (world.smpp, partner_name(number % partners));
        again.spawn(async move { partner::connect(address, &name).await });
    }
    println!(
        "all lost and bound again in {:?} ({})",
        begun.elapsed(),
        again.join_all().await.len()
    );
}
