//! The contract of the metrics, held against what a scrape really gets (D30).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use super::*;
use crate::domain::{Currency, Money, TariffId};

/// The contract as people read it: one line for each series.
const FILE: &str = include_str!("../config/metrics.txt");

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

/// The file that the contract asks for.
fn written() -> String {
    let mut text = String::from(
        "# What the gateway says of itself at /metrics. Names, types, units and labels are a\n\
         # contract: dashboards and alerts hang on them. A test compares this file with what is\n\
         # served, and a change here is a change of version.\n\
         #\n\
         # name | type | unit | labels | meaning\n",
    );
    for series in CONTRACT {
        let labels = if series.labels.is_empty() { "-" } else { &series.labels.join(",") };
        let Series { name, unit, help, .. } = series;
        writeln!(text, "{name} | {} | {unit} | {labels} | {help}", kind(series.kind)).unwrap();
    }
    text
}

#[test]
fn the_file_says_what_the_contract_says() {
    let (expected, file) = (written(), FILE.replace("\r\n", "\n"));
    for (number, (expected, found)) in expected.lines().zip(file.lines()).enumerate() {
        assert_eq!(found, expected, "config/metrics.txt:{}", number + 1);
    }
    assert_eq!(file.lines().count(), expected.lines().count(), "config/metrics.txt");
}

#[test]
fn a_name_ends_as_its_type_and_unit_ask_for() {
    for series in CONTRACT {
        let name = series.name;
        assert!(name.starts_with("bramka_"), "{name}");
        assert_eq!(name.ends_with("_total"), series.kind == Kind::Counter, "{name}");
        let stem = name.trim_end_matches("_total");
        for unit in ["seconds", "bytes", "minor"] {
            assert_eq!(stem.ends_with(&format!("_{unit}")), series.unit == unit, "{name}: {unit}");
        }
        assert!(series.help.len() > 3 && !series.help.ends_with('.'), "{name}: {}", series.help);
    }
    let names: BTreeSet<&str> = CONTRACT.iter().map(|series| series.name).collect();
    assert_eq!(names.len(), CONTRACT.len(), "a name stands twice");
}

/// What a scrape says of one series.
#[derive(Default)]
struct Scraped {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    buckets: BTreeSet<String>,
}

/// Label names of `a="x",b="y"`; no value here holds a comma or a quote.
fn label_names(labels: &str) -> Vec<(&str, &str)> {
    labels.split(',').filter_map(|label| label.split_once('=')).collect()
}

fn scraped(text: &str) -> BTreeMap<String, Scraped> {
    let mut found: BTreeMap<String, Scraped> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some((name, help)) =
            line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
        {
            help.clone_into(&mut found.entry(name.to_owned()).or_default().help);
            continue;
        }
        if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            kind.clone_into(&mut found.entry(name.to_owned()).or_default().kind);
            continue;
        }
        let series = line.rsplit_once(' ').expect("a sample has a value").0;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let stem = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|stem| found.get(*stem).is_some_and(|series| series.kind == "histogram"));
        let series = found.entry(stem.unwrap_or(name).to_owned()).or_default();
        for (label, value) in label_names(labels.trim_end_matches('}')) {
            if label == "le" {
                series.buckets.insert(value.trim_matches('"').to_owned());
            } else {
                series.labels.insert(label.to_owned());
            }
        }
    }
    found
}

/// Tells everything that can be told, once.
fn tell_everything() {
    let took = Duration::from_millis(3);
    let money = |amount_minor| Money { amount_minor, currency: Currency::PLN };
    let price =
        Price { tariff: TariffId(1), code: "T123".into(), gross: money(123), net: money(100) };
    message("mt", "accepted");
    duration("mt", 1_500);
    queue("mt", "acme", 3, 1_000_000);
    unknown(&[("held".to_owned(), 2)]);
    orphans(1);
    orphan_matched();
    commit(took, 17);
    guests(took);
    store_up(true);
    receipt("north", "matched");
    submit_response("north", "0x00000000", took);
    accepted_in("smpp", took);
    quarantined(1);
    charge_mismatch();
    charge(&price);
    charge_reversed(&price);
    replayed("same_key");
    redelivered("mo", "sent");
    replays_running(1);
    retried("mo");
    unrouted("no_number");
    standard_word("stop");
    incomplete("north");
    throttled("acme", "rate");
    refusal("smpp", "throttled");
    bind("mc", "accepted");
    session("mc", "transceiver", "bound", 1.0);
    session_closed("mc", "unbound");
    pdu("mc", "in", "submit_sm");
    bad_pdu("mc", "0x00000002");
    link_up("north", 2);
    link_limits("north", 10, 100);
    window_in_use("north", 1.0);
    link_reconnect("north");
    lease_epoch("north", 4);
    binding_limit("link", "north", "window");
    stalled("lane", "mo/acme", 1);
    callback("delivered");
    mails(&[("queued", 1)], 1_000_000);
    mail_sent("sent");
    http_request("/api/v1/messages", 202);
    disk_free(1 << 30);
    deadlines_overdue("decision", 1);
    forgotten("applications", 1);
    numbers("premium_sms", "free", 3);
    number_step("reserve");
    service_step("draft");
    orders("service_launch", 2, 1);
    order_step("tick");
    faults("pending", "major", 1);
    fault_step("take");
    complaints("received", 1);
    complaint_step("take");
    complaint_refunds(1);
    ticket_news("delivered");
    ticket_news_waiting(1);
    clock_jump();
    clock_believed(true);
    charged_twice(1);
    insecure_settings(0);
}

/// What a scrape gets after `told`.
fn scrape(told: impl FnOnce()) -> String {
    let mut builder = PrometheusBuilder::new();
    for (name, bounds) in buckets() {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds).unwrap();
    }
    let recorder = builder.build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe();
        told();
    });
    recorder.handle().render()
}

#[test]
fn a_scrape_and_the_contract_are_the_same_in_both_directions() {
    let text = scrape(tell_everything);
    let mut found = scraped(&text);
    for series in CONTRACT {
        let Some(scraped) = found.remove(series.name) else {
            panic!("{} is promised and never told", series.name);
        };
        assert_eq!(scraped.kind, kind(series.kind), "{}", series.name);
        assert_eq!(scraped.help, series.help, "{}", series.name);
        let labels: BTreeSet<String> = series.labels.iter().map(ToString::to_string).collect();
        assert_eq!(scraped.labels, labels, "{}", series.name);
    }
    assert!(found.is_empty(), "told and not promised: {:?}", found.keys());
}

#[test]
fn every_histogram_has_bounds_that_rise() {
    let found = scraped(&scrape(tell_everything));
    for series in CONTRACT.iter().filter(|series| series.kind == Kind::Histogram) {
        // Without bounds the exporter would serve a summary, which cannot be added up over nodes.
        let (_, bounds) = buckets().find(|(name, _)| *name == series.name).unwrap();
        assert!(bounds.is_sorted_by(|one, next| one < next), "{}", series.name);
        assert_eq!(found[series.name].buckets.len(), bounds.len() + 1, "{}: +Inf", series.name);
    }
}

#[test]
fn every_recording_function_is_told_once_by_these_tests() {
    // A function that is added and not called above would leave its series unproved.
    let tests = include_str!("metrics_tests.rs");
    let code = concat!(include_str!("metrics.rs"), include_str!("metrics/tickets.rs"));
    let helpers = ["buckets", "describe", "partner_label"];
    for name in code.split("\npub fn ").skip(1).filter_map(|rest| rest.split('(').next()) {
        let told = tests.contains(&format!("\n    {name}("));
        assert!(told || helpers.contains(&name), "`{name}` is told nowhere in these tests");
    }
}

#[test]
fn partners_beyond_the_limit_share_one_label() {
    let mut seen = HashSet::new();
    let mut label = |name: &str| label_among(&mut seen, name);
    let labels: BTreeSet<String> =
        (0..PARTNERS_MAX + 100).map(|number| label(&format!("p{number}"))).collect();
    assert_eq!(labels.len(), PARTNERS_MAX + 1);
    assert!(labels.contains("other"));
    // A name that was seen keeps its label, whoever came later.
    assert_eq!(label("p0"), "p0");
    assert_eq!(label("p599"), "other");
}
