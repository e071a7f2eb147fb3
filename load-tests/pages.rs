//! Pages of the portal in a house of many partners and a long audit trail.
//!
//! `cargo run --release --example pages -- --companies 10000 --records 1000000 --looks 200` prints
//! how long each page took from the request to its last octet, one after the other and by eight
//! browsers at once. Build the daemon first. With `--tickets 100000` the desk has so many faults and
//! complaints, and their pages and the lists of the API are looked at instead of the others; with
//! `--past 10000000` it is the message search, over so many messages.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::time::{Duration, Instant};

use bramka::domain::PartnerId;
mod common;

use common::{
    Arguments, BUSY, Plan, World,
    api::{Api, bearer},
    people::{log_in, verbs},
};

/// Browsers at once in the second round.
const CROWD: u64 = 8;

const STAFF: &[&str] = &[
    "/home",
    "/desk",
    "/applications",
    "/applications?search=company+7000",
    "/applications/5000",
    "/partners",
    "/partners/5000",
    "/agreements",
    "/agreements?state=in_force",
    "/agreements/50002",
    "/terms",
    "/people",
    "/account",
    "/audit",
    "/audit?subject=company%3A5000",
    "/audit?what=agreement.send",
];
const PARTNER: &[&str] =
    &["/home", "/company", "/agreements", "/agreements/50002", "/people", "/credentials", "/keys"];
/// Of the desk, once there are tickets.
const TICKETS_STAFF: &[&str] = &[
    "/faults",
    "/faults/all",
    "/faults/all?state=closed&severity=minor",
    "/faults/1000",
    "/complaints",
    "/complaints/all",
    "/complaints/all?state=closed",
    "/complaints/700",
    "/complaints/rates",
    "/incidents",
];
const TICKETS_PARTNER: &[&str] = &["/faults", "/faults?state=closed", "/complaints"];
const TICKETS_API: &[&str] = &[
    "/api/v1/faults?limit=100",
    "/api/v1/faults?state=closed&after=500",
    "/api/v1/complaints?limit=100",
    "/tmf-api/troubleTicket/v4/troubleTicket",
    "/tmf-api/troubleTicket/v4/troubleTicket?status=inProgress&limit=100",
    "/tmf-api/troubleTicket/v4/troubleTicket?offset=500&limit=100",
    "/tmf-api/troubleTicket/v4/troubleTicket?ticketType=complaint&limit=100",
    "/tmf-api/troubleTicket/v4/troubleTicket?ticketType=complaint&status=resolved",
];
/// Over messages of two million subscribers; the last one has stars and names nobody exactly.
const SEARCHES: &[&str] = &[
    "/messages",
    "/messages?state=undeliverable",
    "/messages?number=48600792000",
    "/messages?number=48601999999",
    "/messages?number=48600792000&partner=p0",
    "/messages?state=undeliverable&partner=p0&direction=mt",
    "/messages?number=48600***200",
    "/messages?q=order-17",
];
const SEARCHES_API: &[&str] =
    &["/api/v1/messages?number=48600792000", "/api/v1/messages?state=undeliverable&limit=100"];
const STRANGER: &[&str] = &["/", "/login", "/apply", "/status", "/docs", "/problems"];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let plan = Plan {
        partners: 1,
        keywords: 1,
        companies: arguments.number("companies", 10_000),
        records: arguments.number("records", 1_000_000),
        tickets: arguments.number("tickets", 0),
        past: arguments.number("past", 0),
        ..Plan::default()
    };
    let looks = arguments.number("looks", 200);
    let (mut staff, mut partner) = (String::new(), String::new());
    let world = World::start_after(&plan, async |folder| {
        let (verbs, busy) = (verbs(folder).await, PartnerId(BUSY.cast_signed()));
        staff = log_in(&verbs, None, "operator@operator.example").await;
        partner = log_in(&verbs, Some(busy), "boss@company5000.example").await;
    })
    .await;
    println!("gateway process {}", world.pid());
    let mut slowest = Duration::ZERO;
    let cookie = |token: &str| format!("cookie: __Host-session={token}");
    let looked = if plan.past > 0 {
        vec![("staff", cookie(&staff), SEARCHES), ("staff", bearer(&staff), SEARCHES_API)]
    } else if plan.tickets == 0 {
        vec![
            ("staff", cookie(&staff), STAFF),
            ("partner", cookie(&partner), PARTNER),
            ("stranger", "x-nobody: 1".to_owned(), STRANGER),
        ]
    } else {
        vec![
            ("staff", cookie(&staff), TICKETS_STAFF),
            ("partner", cookie(&partner), TICKETS_PARTNER),
            ("staff", bearer(&staff), TICKETS_API),
            ("partner", bearer(&partner), TICKETS_API),
        ]
    };
    for (who, header, pages) in looked {
        for page in pages {
            let alone = look(world.http, page, &header, looks).await;
            let begun = Instant::now();
            let crowd = (0..CROWD).map(|_| look(world.http, page, &header, looks / CROWD));
            let mut together: Vec<_> =
                futures_util::future::join_all(crowd).await.into_iter().flatten().collect();
            let looked = u32::try_from(together.len()).expect("a few looks");
            let rate = f64::from(looked) / begun.elapsed().as_secs_f64();
            together.sort_unstable();
            let (p50, p95) = (place(&alone, 50), place(&alone, 95));
            slowest = slowest.max(p95);
            println!(
                "{who:9}{page:70} p50 {p50:>9.1?}  p95 {p95:>9.1?}  {CROWD} at once: p95 {:>9.1?}, \
                 {rate:.0}/s",
                place(&together, 95)
            );
        }
    }
    println!("=> the slowest page has a p95 of {slowest:.1?}; {} MiB resident", world.resident());
}

fn place(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent / 100).min(sorted.len() - 1)).copied().unwrap_or_default()
}

/// Times of `count` looks at a page over one connection, sorted; the first look is not counted.
async fn look(
    address: std::net::SocketAddr,
    page: &str,
    header: &str,
    count: u64,
) -> Vec<Duration> {
    let mut api = Api::connect(address, header).await;
    let mut times = Vec::new();
    for round in 0..=count {
        let begun = Instant::now();
        let status = api.look(page).await;
        assert!(status == 200, "{page} answered {status}");
        if round > 0 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    times
}
