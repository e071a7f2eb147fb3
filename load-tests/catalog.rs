//! The catalog in memory: how long it takes to load, what it costs, how fast a text finds its
//! service, and how fast one change of a service is taken over.
//!
//! `cargo run --release --example catalog -- --partners 10000 --keywords 1000000`. No daemon runs:
//! this process reads the store as the daemon does when it starts.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bramka::{
    domain::{Catalog, Msisdn, ServiceId, ShortCode, catalog::Route},
    store::{GroupLimits, Place, Store},
};

mod common;

use common::{
    Arguments,
    crowd::{fill, number_of, word_of},
};

/// Texts that are routed.
const TEXTS: u64 = 200_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::read();
    let partners = arguments.number("partners", 10_000);
    let keywords = arguments.number("keywords", 1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("bramka.db");
    let place = Place { url: format!("sqlite:{}", database.display()), readers: 2 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("a store");
    drop(writer);
    fill(&database, partners, keywords).await;
    let (before, begun) = (resident(), Instant::now());
    let catalog = store.load_catalog().await.expect("a catalog");
    println!(
        "loaded in {:.2?}: {} partners, {} services, {} MiB more resident than before",
        begun.elapsed(),
        catalog.partners().count(),
        catalog.services().count(),
        resident().saturating_sub(before)
    );
    route(&catalog, keywords);
    renew(&store, &catalog, keywords).await;
    drop(catalog);
    println!("{} MiB stay resident once it is dropped", resident().saturating_sub(before));
    store.close().await;
}

/// Texts as subscribers write them, half of which no service takes.
fn route(catalog: &Catalog, keywords: u64) {
    let subscriber = Msisdn::parse("48600100200").expect("a number");
    let texts: Vec<_> = (0..TEXTS).map(|place| text(place, keywords)).collect();
    let (mut times, mut found) = (Vec::with_capacity(texts.len()), 0_u64);
    for (number, text) in &texts {
        let begun = Instant::now();
        let route = black_box(catalog.route(number, black_box(text), &subscriber));
        times.push(begun.elapsed());
        found += u64::from(matches!(route, Route::To { .. }));
    }
    let begun = Instant::now();
    for (number, text) in &texts {
        black_box(catalog.route(number, black_box(text), &subscriber));
    }
    let mean = begun.elapsed() / u32::try_from(TEXTS).expect("a small number");
    times.sort_unstable();
    let place = |share: usize| times[(times.len() * share / 1000).min(times.len() - 1)];
    println!(
        "{TEXTS} texts, {found} of them routed: mean {mean:?}, p50 {:?}, p99 {:?}, p99.9 {:?} with \
         the clock in each",
        place(500),
        place(990),
        place(999)
    );
}

fn text(place: u64, keywords: u64) -> (ShortCode, String) {
    // A multiplier without a common factor walks over all of them in no order.
    let keyword = place.wrapping_mul(2_654_435_761) % keywords;
    let number = ShortCode::parse(&number_of(keyword)).expect("a number");
    let word = word_of(keyword);
    let text = match place % 6 {
        0 => word,
        1 => format!(" łoś{} zażółć gęślą jaźń", &word[3..]),
        2 => format!("{}, proszę o więcej", word.to_lowercase()),
        // Nobody has these.
        3 => format!("Łosoś{keyword} pięćset"),
        4 => format!("{word}x and a longer text without any keyword at its beginning"),
        _ => "Dziękuję, ale nie wiem, co mam napisać".to_owned(),
    };
    (number, text)
}

/// One service after the other, as the watch of a daemon takes over what people change.
async fn renew(store: &Store, catalog: &Catalog, keywords: u64) {
    let services: Vec<ServiceId> = catalog.services().map(|service| service.id).collect();
    let changes = 100.min(services.len());
    let step = services.len() / changes;
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    for place in 0..changes {
        let one = Instant::now();
        let next = store.renew_catalog(catalog, &services[place * step..=place * step], &[]).await;
        black_box(next.expect("a catalog"));
        longest = longest.max(one.elapsed());
    }
    let mean = begun.elapsed() / u32::try_from(changes).expect("a small number");
    println!("one service of {keywords} keywords taken over: mean {mean:?}, at most {longest:?}");
}

/// Resident memory of this process in MiB; pages of 4 KiB.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = statm.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a number");
    pages * 4 / 1024
}
