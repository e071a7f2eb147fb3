//! The core without sockets: accept, claim, submit, receipt, hand over, as fast as it goes.
//!
//! Prints messages a second and CPU microseconds per message. What the protocol and the sockets
//! cost is the difference to `mt`.
//!
//! `cargo run --release --example core -- [seconds] [in flight] [charged|free]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring program, not the daemon"
)]
#![expect(clippy::disallowed_methods, reason = "a measuring program has no Tasks")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bramka::{
    clock::Clock,
    domain::{
        Body, Caller, Content, Msisdn, ReceiptWish, Sender, ShortCode, message::ReceiptState,
    },
    gateway::{
        Gateway, Settings,
        mt::{NewMt, Submitter},
        receipt::NewReceipt,
        submit::LinkSeat,
    },
    store::{GroupLimits, NewPartner, NewService, NewTariff, Place, Store},
};
use bytes::Bytes;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(10, |text| text.parse().unwrap());
    let in_flight: usize = arguments.next().map_or(500, |text| text.parse().unwrap());
    let is_charged = arguments.next().as_deref() == Some("charged");
    let folder = tempfile::tempdir().unwrap();
    let gateway = world(folder.path(), is_charged).await;
    let done = Arc::new(AtomicU64::new(0));
    let cpu = cpu_seconds();
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(link(gateway.clone()));
    tasks.spawn(partner(gateway.clone(), Arc::clone(&done)));
    for _ in 0..in_flight {
        tasks.spawn(submitter(gateway.clone()));
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let count = done.load(Ordering::Relaxed);
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
    let (rate, cost) = (count as f64 / took, (cpu_seconds() - cpu) * 1e6 / count as f64);
    println!("{count} messages in {took:.1} s: {rate:.0}/s, {cost:.1} us CPU each");
    println!("waiting: {:?}", gateway.store().overview().await.unwrap());
}

async fn world(folder: &std::path::Path, is_charged: bool) -> Gateway {
    let url = format!("sqlite:{}", folder.join("core.db").display());
    let (store, writer) =
        Store::open(Place { url, readers: 2 }, GroupLimits::default()).await.unwrap();
    tokio::spawn(writer.run());
    let by = Caller::Operator { name: "load".into() };
    let partner = NewPartner::unhurried("acme", 1_000_000);
    store.add_partner(&by, 0, &partner).await.unwrap();
    store.add_short_code(&by, 0, "7455").await.unwrap();
    let tariff = NewTariff::polish("T4", 400, 492);
    store.add_tariff(&by, 0, &tariff).await.unwrap();
    let service = NewService {
        billing: if is_charged { "mt".into() } else { "mo".into() },
        tariff: Some("T4".into()),
        ..NewService::free("acme", "win", "7455", &["WIN"], "main")
    };
    store.add_service(&by, 0, &service).await.unwrap();
    let (gateway, pages) =
        Gateway::new(store, Clock::System, Settings::default(), &["main".into()]).await.unwrap();
    gateway.begin().await.unwrap();
    tokio::spawn(gateway.clone().keep(pages, std::future::pending(), || ()));
    gateway
}

async fn submitter(gateway: Gateway) {
    let catalog = gateway.catalog();
    let partner = catalog.partner_named("acme").unwrap().id;
    let from = Submitter {
        caller: Caller::Session { partner, system_id: "acme".into(), session: 1 },
        partner,
        mode: bramka::domain::Mode::Live,
        default_sender: None,
        may_have_receipts: true,
        service_types: Vec::new(),
    };
    for number in 0_u64.. {
        let recipient = Msisdn::parse(&format!("48600{:06}", number % 1_000_000)).unwrap();
        let octets = Bytes::from_static(b"Thank you for taking part. Your number is 42.");
        let body = Body { data_coding: 0, has_udh: false, octets };
        let new = NewMt {
            sender: Some(Sender::ShortCode(ShortCode::parse("7455").unwrap())),
            receipts: ReceiptWish::FINAL,
            ..NewMt::plain(recipient, body)
        };
        let accepted = gateway.accept_mt(&from, new).await.unwrap();
        gateway.answered(accepted.held);
    }
}

/// Answers every submit at once and sends its receipt right after.
async fn link(gateway: Gateway) {
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = LinkSeat { name: "north".into(), group, epoch };
    let outlet = gateway.to_links(group);
    let mut tasks = tokio::task::JoinSet::new();
    let mut next = 0_u64;
    loop {
        let woken = outlet.woken();
        let items = gateway.claim(&seat, &outlet, 256).await;
        if items.is_empty() {
            woken.await;
            continue;
        }
        for item in items {
            next += 1;
            let id = smol_str::format_smolstr!("{next}");
            gateway.submitted(&seat, &item, std::slice::from_ref(&id)).await.unwrap();
            let (gateway, seat) = (gateway.clone(), seat.clone());
            tasks.spawn(async move {
                let receipt = NewReceipt {
                    smsc_message_id: id,
                    state: ReceiptState::Delivered,
                    network_error: None,
                    done_at: gateway.now(),
                    sender: "48600000000".into(),
                    recipient: "7455".into(),
                    reference: None,
                };
                gateway.receipt(&seat, receipt).await.unwrap();
            });
        }
        while tasks.try_join_next().is_some() {}
    }
}

async fn partner(gateway: Gateway, done: Arc<AtomicU64>) {
    let id = gateway.catalog().partner_named("acme").unwrap().id;
    let outlet = gateway.to_sessions(id, bramka::domain::Mode::Live);
    loop {
        let woken = outlet.woken();
        let items = gateway.deliveries(&outlet, 256).await;
        if items.is_empty() {
            woken.await;
            continue;
        }
        for item in items {
            assert!(matches!(item.content, Content::Receipt(..)));
            gateway.handed(&item, &"smpp:acme#1".into()).await.unwrap();
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
