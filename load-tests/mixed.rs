//! Everything at once: charged and free MT with receipts, and MO, at a given rate each.
//!
//! `cargo run --release --example mixed -- --seconds 60 --mt 5000 --mo 2000 [--charged]`.

use std::sync::{Arc, atomic::Ordering};

mod common;

use common::{Arguments, Counts, Latencies, Plan, World, partner, partner_name};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let partners = arguments.number("partners", 10);
    let plan = Plan {
        partners,
        keywords: partners,
        is_charged: arguments.has("charged"),
        link_window: arguments.number("link-window", 500),
        partner_window: 500,
        ..Plan::default()
    };
    let world = Arc::new(World::start(&plan).await);
    let (counts, latencies) = (Arc::new(Counts::default()), Arc::new(Latencies::default()));
    let mut tasks = tokio::task::JoinSet::new();
    let mt = arguments.number("mt", 5000);
    for number in 0..partners {
        let connection = partner::connect(world.smpp, &partner_name(number)).await;
        let load = partner::Load {
            window: 100,
            rate: mt / partners,
            sender: (70_000 + number).to_string(),
            wants_receipts: true,
            text: "Thank you. Your code is 4711.",
        };
        let (counts, latencies) = (Arc::clone(&counts), Arc::clone(&latencies));
        tasks.spawn(partner::run(connection, load, counts, latencies));
    }
    let (source, rate) = (Arc::clone(&world), arguments.number("mo", 2000));
    tasks.spawn(async move { common::text(&source, partners, 1, 10_000, rate).await });
    let seconds = arguments.number("seconds", 20);
    println!("deliveries (receipts and MO):");
    common::watch(&world, &counts, seconds, |counts| counts.delivered.load(Ordering::Relaxed))
        .await;
    let (accepted, refused, delivered) = counts.snapshot();
    println!("MT accepted {accepted}, refused {refused}; deliveries {delivered}");
    println!(
        "submit_sm to its response: p50 {:?}, p99 {:?}, p99.9 {:?}",
        latencies.per_mille(500),
        latencies.per_mille(990),
        latencies.per_mille(999)
    );
}
