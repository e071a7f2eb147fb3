//! MO: delivered to the partner and acknowledged by it.
//!
//! `cargo run --release --example mo -- --seconds 60 --partners 10 --keywords 10 [--in-flight 2000]`.

use std::sync::{Arc, atomic::Ordering};

mod common;

use common::{Arguments, Counts, Latencies, Plan, World, partner, partner_name};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let partners = arguments.number("partners", 10);
    let keywords = arguments.number("keywords", partners);
    let plan = Plan { partners, keywords, partner_window: 500, ..Plan::default() };
    let world = Arc::new(World::start(&plan).await);
    let (counts, latencies) = (Arc::new(Counts::default()), Arc::new(Latencies::default()));
    let mut tasks = tokio::task::JoinSet::new();
    // Partners beyond the first hundred are not bound: their numbers are in the catalog only.
    let bound = partners.min(arguments.number("sessions", 100));
    for number in 0..bound {
        let connection = partner::connect(world.smpp, &partner_name(number)).await;
        let load = partner::Load {
            window: 0,
            rate: 0,
            sender: String::new(),
            wants_receipts: false,
            text: "",
        };
        let (counts, latencies) = (Arc::clone(&counts), Arc::clone(&latencies));
        tasks.spawn(partner::run(connection, load, counts, latencies));
    }
    let in_flight = arguments.number("in-flight", 2000);
    let source = Arc::clone(&world);
    tasks.spawn(async move {
        common::text(&source, bound, keywords.div_ceil(partners), in_flight, 0).await;
    });
    println!("gateway process {}", world.pid());
    let seconds = arguments.number("seconds", 20);
    common::watch(&world, &counts, seconds, |counts| counts.delivered.load(Ordering::Relaxed))
        .await;
    let (sent, acked) = world.smsc.journal(|journal| (journal.mos_sent, journal.mos_acked));
    println!("MO sent {sent}, acknowledged {acked}, delivered {}", counts.snapshot().2);
}
