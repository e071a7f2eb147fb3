//! MT: accepted, submitted, receipted, the receipt delivered.
//!
//! `cargo run --release --example mt -- --seconds 60 --partners 10 --window 100 [--charged]
//! [--rate 5000] [--past 10000000]` prints messages a second and the gateway's CPU for each. Build
//! the daemon first.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::sync::{Arc, atomic::Ordering};

mod common;

use common::{Arguments, Counts, Latencies, Plan, World, partner, partner_name};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let partners = arguments.number("partners", 10);
    let seconds = arguments.number("seconds", 20);
    let rate = arguments.number("rate", 0);
    let plan = Plan {
        partners,
        keywords: arguments.number("keywords", partners),
        is_charged: arguments.has("charged"),
        link_window: arguments.number("link-window", 500),
        link_binds: arguments.number("binds", 2),
        past: arguments.number("past", 0),
        ..Plan::default()
    };
    let world = World::start(&plan).await;
    let window = usize::try_from(arguments.number("window", 100)).expect("a window");
    let sessions = arguments.number("sessions", partners.min(10));
    let (counts, latencies) = (Arc::new(Counts::default()), Arc::new(Latencies::default()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..sessions {
        let owner = number % partners;
        let connection = partner::connect(world.smpp, &partner_name(owner)).await;
        let load = partner::Load {
            window,
            rate: rate / sessions,
            sender: (70_000 + owner).to_string(),
            wants_receipts: true,
            text: "Thank you. Your code is 4711.",
        };
        let (counts, latencies) = (Arc::clone(&counts), Arc::clone(&latencies));
        tasks.spawn(partner::run(connection, load, counts, latencies));
    }
    println!("gateway process {}", world.pid());
    common::watch(&world, &counts, seconds, |counts| counts.delivered.load(Ordering::Relaxed))
        .await;
    let (accepted, refused, delivered) = counts.snapshot();
    println!("accepted {accepted}, refused {refused}, receipts delivered {delivered}");
    println!(
        "submit_sm to its response: p50 {:?}, p99 {:?}, p99.9 {:?}",
        latencies.per_mille(500),
        latencies.per_mille(990),
        latencies.per_mille(999)
    );
}
