//! Commands that change what exists, and what is said where nothing was.

use super::*;
use crate::domain::{Delivery, partner::DefaultAlphabet};

/// A configuration whose limits differ from those that the program is built with.
fn host_with_limits() -> Host {
    let host = Host::without_daemon();
    let file = host.path().join("bramka.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(
        "[limits]\npartner_rate = 7\npartner_binds = 3\nbacklog_partner = 700\nbacklog_mo = 800\n\
         subscriber_charges_minute = 2\nsubscriber_charges_day = 9\n",
    );
    std::fs::write(file, text).unwrap();
    host
}

fn seeded(host: &Host) {
    let file = host.path().join("acme.toml");
    std::fs::write(host.path().join("acme1.password"), "hunter2\n").unwrap();
    std::fs::write(&file, seed_text()).unwrap();
    host.json(&["seed", file.to_str().unwrap()]);
}

const CHAT: [&str; 13] = [
    "service",
    "add",
    "chat",
    "--partner",
    "acme",
    "--number",
    "7455",
    "--billing",
    "free",
    "--link-group",
    "main",
    "--callback-url",
    "https://example.com/mo",
];

#[test]
fn what_is_not_said_is_taken_from_the_configuration_and_told() {
    let host = host_with_limits();
    let partner = host.json(&["partner", "add", "other"]);
    assert_eq!(
        ["rate", "burst", "backlog_max", "waiting_max"].map(|key| partner[key].as_u64().unwrap()),
        [7, 14, 700, 800]
    );
    let open = host.json(&["partner", "add", "open", "--rate", "0", "--backlog-max", "5"]);
    assert_eq!((&open["rate"], &open["backlog_max"]), (&json!(0), &json!(5)), "said is said");
    let credential = host.json(&[
        "credential",
        "add",
        "other1",
        "--partner",
        "other",
        "--address",
        "192.0.2.1/32",
    ]);
    assert_eq!(credential["binds_max"], 3);
    seeded(&host);
    let seeded = catalog(&host);
    let acme = seeded.partner_named("acme").unwrap();
    assert_eq!((acme.limits.rate, acme.limits.waiting_max), (7, 800));
    assert_eq!(seeded.credential("acme1").unwrap().binds_max, 3);
    let win = seeded.services().next().unwrap();
    assert_eq!((win.brakes.per_minute, win.brakes.per_day), (2, 9));
    let service = host.json(&[&CHAT[..], &["--charges-per-day", "0"]].concat());
    assert_eq!(
        (&service["charges_per_minute"], &service["charges_per_day"]),
        (&json!(2), &json!(0))
    );
}

#[test]
fn habits_of_a_partner_change_one_by_one() {
    let host = host_with_limits();
    seeded(&host);
    let before = catalog(&host).partner_named("acme").unwrap().habits.clone();
    let shown = host.json(&[
        "partner",
        "habit",
        "acme",
        "--hex-ids",
        "true",
        "--takes-data-sm",
        "true",
        "--prefers-rx-t-appn",
        "true",
        "--vendor-tlvs",
        "true",
        "--receipt-zone",
        "UTC",
        "--receipt-seconds",
        "true",
        "--alphabet",
        "latin1",
        "--strips-trailing-nul",
        "true",
    ]);
    assert_eq!((&shown["receipt_zone"], &shown["vendor_tlvs"]), (&json!("UTC"), &json!(true)));
    let habits = catalog(&host).partner_named("acme").unwrap().habits.clone();
    assert_eq!(habits.default_alphabet, DefaultAlphabet::Latin1);
    assert!(habits.takes_data_sm && habits.prefers_rx_t_appn && habits.receipt_seconds);
    assert!(habits.strip_trailing_nul && habits.vendor_tlvs);
    assert_eq!(habits.splits_long, before.splits_long, "what is not named stays");
    let trail = host.json(&["audit", "list"]);
    let zone = trail.as_array().unwrap().iter().find(|row| row["detail"]["what"] == "receipt_zone");
    assert_eq!(zone.unwrap()["detail"]["to"], "UTC");
    for (arguments, exit) in [
        (&["partner", "habit", "acme"][..], 2),
        (&["partner", "habit", "acme", "--receipt-zone", "Europe/Krakow"], 2),
        (&["partner", "habit", "nobody", "--hex-ids", "true"], 3),
    ] {
        assert_eq!(host.run(arguments).exit, exit, "{arguments:?}");
    }
}

#[test]
fn rights_of_a_credential_change_and_the_rest_of_them_stays() {
    let host = host_with_limits();
    seeded(&host);
    let shown = host.json(&[
        "credential",
        "set",
        "acme1",
        "--outbind",
        "esme.example.com:2775",
        "--receipts",
        "false",
        "--service-types",
        "CMT,VMN",
        "--kinds",
        "receiver",
        "--window",
        "20",
        "--pdu-octets",
        "9000",
    ]);
    assert_eq!(shown["outbind"], "esme.example.com:2775");
    let known = catalog(&host).credential("acme1").unwrap().as_ref().clone();
    assert_eq!(
        (known.may_transmit, known.may_receive, known.may_have_receipts),
        (false, true, false)
    );
    assert_eq!((known.window, known.pdu_octets_max, known.binds_max), (20, 9000, 3));
    assert_eq!(known.service_types, ["CMT", "VMN"]);
    assert_eq!(known.addresses.len(), 1, "what is not named stays");
    host.json(&["credential", "set", "acme1", "--outbind", "none", "--service-types", ""]);
    let known = catalog(&host).credential("acme1").unwrap().as_ref().clone();
    assert_eq!((known.outbind, known.service_types.len()), (None, 0));
    for (arguments, exit) in [
        (&["credential", "set", "acme1"][..], 2),
        (&["credential", "set", "acme1", "--outbind", "somewhere"], 2),
        (&["credential", "set", "acme1", "--service-types", "TOOLONG"], 2),
        (&["credential", "set", "nobody", "--window", "1"], 3),
    ] {
        assert_eq!(host.run(arguments).exit, exit, "{arguments:?}");
    }
}

#[test]
fn a_callback_changes_its_address_and_its_secret_which_is_shown_once() {
    let host = host_with_limits();
    seeded(&host);
    let first = host.json(&CHAT)["callback_secret"].as_str().unwrap().to_owned();
    let changed = host.json(&[
        "service",
        "callback",
        "chat",
        "--url",
        "https://example.org/in",
        "--new-secret",
    ]);
    let second = changed["callback_secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let endpoint = |host: &Host| {
        let catalog = catalog(host);
        let chat = catalog.services().find(|service| service.name == "chat").unwrap();
        match &chat.delivery {
            Delivery::Callback(endpoint) => endpoint.clone(),
            Delivery::Smpp => panic!("chat has a callback"),
        }
    };
    let now = format!("{:?}", endpoint(&host));
    assert!(now.contains("https://example.org/in"), "{now}");
    host.json(&["service", "callback", "chat", "--disable"]);
    let disabled = format!("{:?}", endpoint(&host));
    assert_ne!(now, disabled);
    host.json(&["service", "callback", "chat", "--enable", "--partner", "acme"]);
    assert_eq!(format!("{:?}", endpoint(&host)), now);
    let trail = host.run(&["audit", "list", "--json"]).out;
    assert!(!trail.contains(&second), "a secret never stands in the trail");
    assert_eq!(host.json(&["service", "attempts", "chat"]), json!([]));
    for (arguments, exit) in [
        (&["service", "callback", "chat"][..], 2),
        (&["service", "callback", "chat", "--url", "ftp://x"], 2),
        (&["service", "callback", "win", "--enable"], 1),
        (&["service", "callback", "nothing", "--enable"], 3),
        (&["service", "attempts", "nothing"], 3),
    ] {
        assert_eq!(host.run(arguments).exit, exit, "{arguments:?}");
    }
}

#[test]
fn two_services_of_one_name_are_told_apart_by_their_partners() {
    let host = host_with_limits();
    seeded(&host);
    host.json(&["partner", "add", "other"]);
    host.json(&CHAT);
    let mut others = CHAT;
    others[4] = "other";
    host.json(&others);
    assert_eq!(host.run(&["service", "callback", "chat", "--disable"]).exit, 2);
    host.json(&["service", "callback", "chat", "--disable", "--partner", "other"]);
    let trail = host.json(&["audit", "list", "--limit", "1"]);
    assert_eq!(trail[0]["what"], "service.callback");
}

#[test]
fn a_barred_subscriber_and_a_sender_name_are_in_the_catalog() {
    let host = host_with_limits();
    seeded(&host);
    let ended = host.run(&["number", "bar", "48600100200", "--reason", "asked for it"]);
    assert_eq!(ended.exit, 0, "{}", ended.err);
    assert!(!ended.out.contains("48600100200"), "a number is masked: {}", ended.out);
    let subscriber = crate::domain::Msisdn::parse("48600100200").unwrap();
    assert!(catalog(&host).is_barred(&subscriber));
    host.json(&["partner", "sender", "acme", "WINNERS"]);
    let now = catalog(&host);
    let acme = now.partner_named("acme").unwrap().id;
    let sender = crate::domain::Sender::parse("WINNERS").unwrap();
    assert!(now.service_for(acme, &sender, Some("win"), None).is_ok());
    for (arguments, exit) in [
        (&["number", "bar", "abc"][..], 2),
        (&["partner", "sender", "acme", "7455"], 2),
        (&["partner", "sender", "acme", "LONGER THAN ELEVEN"], 2),
        (&["partner", "sender", "nobody", "WINNERS"], 3),
    ] {
        assert_eq!(host.run(arguments).exit, exit, "{arguments:?}");
    }
}

#[test]
fn a_subscriber_is_forgotten_only_when_its_number_is_said_twice() {
    let host = Host::without_daemon();
    seeded(&host);
    let erase = ["privacy", "erase", "--msisdn", "+48600100200"];
    let refused = host.run(&erase);
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("--confirm 48600100200"), "{}", refused.err);
    let dry = host.json(&[&erase[..], &["--dry-run"]].concat());
    assert_eq!((&dry["messages"], &dry["dry_run"]), (&json!(0), &json!(true)));
    let done = host.json(&[&erase[..], &["--confirm", "48600100200"]].concat());
    assert_eq!(done["messages"], 0);
    let newest = &host.json(&["audit", "list", "--limit", "1"])[0];
    assert_eq!(newest["what"], "privacy.erase");
    assert!(!newest.to_string().contains("600100200"), "{newest}");
    let copy = host.json(&["privacy", "export", "--msisdn", "48600100200"]);
    assert_eq!((&copy["messages"], &copy["is_barred"]), (&json!([]), &json!(false)));
}
