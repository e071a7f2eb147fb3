//! A partner that is away: memory while a million MO wait for it, and how fast they leave.
//!
//! `cargo run --release --example queue -- --messages 1_000_000`.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

mod common;

use common::{Arguments, Counts, Latencies, Plan, World, partner, partner_name};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let wanted = arguments.number("messages", 1_000_000);
    let plan = Plan { partners: 1, keywords: 1, partner_window: 500, ..Plan::default() };
    let world = Arc::new(World::start(&plan).await);
    let source = Arc::clone(&world);
    let texting = tokio::spawn(async move { common::text(&source, 1, 1, 2000, 0).await });
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let acked = world.smsc.journal(|journal| journal.mos_acked);
        println!("{acked} wait, {} MiB", world.resident());
        if acked >= wanted {
            break;
        }
    }
    texting.abort();
    println!(
        "=> {} MiB with {wanted} messages queued, taken in {:?}",
        world.resident(),
        begun.elapsed()
    );
    let (counts, latencies) = (Arc::new(Counts::default()), Arc::new(Latencies::default()));
    let connection = partner::connect(world.smpp, &partner_name(0)).await;
    let load = partner::Load {
        window: 0,
        rate: 0,
        sender: String::new(),
        wants_receipts: false,
        text: "",
    };
    let begun = Instant::now();
    let session = tokio::spawn(partner::run(connection, load, Arc::clone(&counts), latencies));
    while counts.delivered.load(Ordering::Relaxed) < wanted {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if begun.elapsed() > Duration::from_mins(10) {
            break;
        }
    }
    session.abort();
    println!("=> {} delivered in {:?}", counts.snapshot().2, begun.elapsed());
}
