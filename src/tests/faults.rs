//! Rude peers, lost answers, links that die: one node, one test for each row of the list of
//! faults (`T-xx`), as far as it can be told without a machine of its own.

use std::{path::Path, time::Duration};

use bramka::{
    demo::{
        esme::{Esme, Failed, mt},
        fake_smsc::{CloseAfter, Closing, FakeSmsc, IdFormat, Script, Submitted},
    },
    domain::{MessageId, MessageState},
    smpp::{Address, BindKind, CommandStatus, Pdu, ShortMessage, Tlvs, Version},
    store::Stored,
};

use super::{
    kill,
    laws::{self, Evidence},
    load::Peers,
    process::Site,
    world::{Builder, PASSWORD, World, eventually},
};

const SUBSCRIBER: &str = "48600100200";

async fn world(link: &str, settings: &str, script: Script) -> World {
    let world =
        Builder { link: link.into(), settings: settings.into(), script, ..Builder::default() };
    let world = world.build().await;
    world.link_up().await;
    world
}

fn id_of(resp: &bramka::smpp::pdu::MessageResp) -> MessageId {
    MessageId(String::from_utf8_lossy(&resp.message_id).parse().expect("a number"))
}

async fn submit(esme: &Esme, sender: &str, recipient: &str, text: &str) -> MessageId {
    id_of(&esme.submit(mt(sender, recipient, text)).await.expect("accepted"))
}

async fn state(world: &World, id: MessageId) -> Option<MessageState> {
    match world.gateway().store().message(id).await.expect("a store that reads") {
        Some(Stored::Mt(_, state) | Stored::Mo(_, state)) => Some(state),
        None => None,
    }
}

async fn becomes(world: &World, id: MessageId, wanted: MessageState) {
    eventually(&format!("{id} is {wanted:?}"), async || {
        (state(world, id).await == Some(wanted)).then_some(())
    })
    .await;
}

fn recipients(submits: &[Submitted], recipient: &str) -> usize {
    submits.iter().filter(|one| one.message.destination.digits == recipient.as_bytes()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_charged_message_without_an_answer_is_unknown_and_a_free_one_goes_again() {
    let close = |submits| Some(CloseAfter { submits, how: Closing::Reset });
    let world = world("", "", Script { close: close(1), ..Script::default() }).await;
    let acme = world.bind("acme").await;
    let charged = submit(&acme, "7466", "48600100201", "your prize").await;
    becomes(&world, charged, MessageState::Unknown).await;
    world.link_up().await;
    world.smsc.script(|script| script.close = close(1));
    let free = submit(&acme, "7455", "48600100202", "hello").await;
    becomes(&world, free, MessageState::Delivered).await;
    let submits = world.smsc.submits();
    assert_eq!(recipients(&submits, "48600100201"), 1);
    assert_eq!(recipients(&submits, "48600100202"), 2);
    let events = world.gateway().store().events(free).await.unwrap();
    assert!(events.iter().any(|event| event.kind == "resend_planned"), "{events:?}");
    // The charged one was taken after all: its receipt proves it (P8 a).
    world.smsc.send_receipt_for(&submits[0], 2).unwrap();
    becomes(&world, charged, MessageState::Delivered).await;
    assert_eq!(world.gateway().store().ledger().await.unwrap(), (1, 492));
    assert_eq!(recipients(&world.smsc.submits(), "48600100201"), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_an_answer_after_its_time_proves_that_the_message_was_sent() {
    let script = Script { answer_delay: Duration::from_millis(2500), ..Script::default() };
    let world = world("response = \"1s\"\nwindow = 5", "", script).await;
    world.smsc.script(|script| script.receipts.are_sent = false);
    let acme = world.bind("acme").await;
    let id = submit(&acme, "7466", SUBSCRIBER, "your prize").await;
    becomes(&world, id, MessageState::Unknown).await;
    becomes(&world, id, MessageState::Submitted).await;
    assert_eq!(recipients(&world.smsc.submits(), SUBSCRIBER), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_receipt_before_the_answer_and_under_another_spelling_is_matched() {
    let mut script = Script {
        answer_delay: Duration::from_millis(20),
        id_format: IdFormat::HexPadded(12),
        ..Script::default()
    };
    script.receipts.come_before_answers = true;
    script.receipts.id_format = Some(IdFormat::Decimal);
    let link = "message_id_response = \"hex\"\nmessage_id_receipt = \"decimal\"";
    let world = world(link, "", script).await;
    let acme = world.bind("acme").await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let sender = ["7455", "7466"][number % 2];
        ids.push(submit(&acme, sender, SUBSCRIBER, &format!("text {number}")).await);
    }
    for id in ids {
        becomes(&world, id, MessageState::Delivered).await;
    }
    eventually("no orphan is left", async || {
        let orphans = world.gateway().store().orphans(10).await.expect("a store that reads");
        orphans.is_empty().then_some(())
    })
    .await;
    assert_eq!(world.gateway().store().ledger().await.unwrap(), (10, 4920));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_message_that_ends_two_sessions_is_put_aside_and_the_others_go_on() {
    let world = world("", "", Script::default()).await;
    let acme = world.bind("acme").await;
    let close = || Some(CloseAfter { submits: 1, how: Closing::Reset });
    world.smsc.script(|script| script.close = close());
    let poison = submit(&acme, "7455", "48600100666", "poison").await;
    world.smsc.wait_for_submits(1).await.unwrap();
    world.smsc.script(|script| script.close = close());
    becomes(&world, poison, MessageState::Quarantined).await;
    let next = submit(&acme, "7455", SUBSCRIBER, "hello").await;
    becomes(&world, next, MessageState::Delivered).await;
    assert_eq!(recipients(&world.smsc.submits(), "48600100666"), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_what_a_partner_repeats_after_a_lost_answer_is_the_same_message() {
    let world = World::new().await;
    // The connection ends behind the submit, before the answer was read: nothing came after it,
    // not even the answer to a receipt, which would prove that the answer before it was read.
    let lost = world.bind("acme").await;
    lost.auto_answer(false);
    lost.auto_enquire_link(false);
    drop(lost.start(Pdu::SubmitSm(Box::new(mt("7466", SUBSCRIBER, "order 1")))).await.unwrap());
    let store = world.gateway().store();
    eventually("it is stored", async || {
        let found = store.census().await.expect("a store that reads");
        (found.iter().map(|(_, _, count)| count).sum::<i64>() == 1).then_some(())
    })
    .await;
    drop(lost);
    eventually("its session is gone", async || {
        world.gateway().registry().sessions().is_empty().then_some(())
    })
    .await;
    let acme = world.bind("acme").await;
    let again = submit(&acme, "7466", SUBSCRIBER, "order 1").await;
    becomes(&world, again, MessageState::Delivered).await;
    assert_eq!(recipients(&world.smsc.submits(), SUBSCRIBER), 1);
    // Two orders of the same text, both answered, are two orders.
    let first = submit(&acme, "7466", SUBSCRIBER, "order 2").await;
    let second = submit(&acme, "7466", SUBSCRIBER, "order 2").await;
    assert_ne!(first, second);
    becomes(&world, second, MessageState::Delivered).await;
    becomes(&world, first, MessageState::Delivered).await;
    assert_eq!(store.ledger().await.unwrap(), (3, 3 * 492));
    // And with an id of the partner's own.
    let mut named = mt("7466", SUBSCRIBER, "order 3");
    named.tlvs = Tlvs::new().with_text(0x1d06, "order-3");
    let first = id_of(&acme.submit(named.clone()).await.unwrap());
    assert_eq!(id_of(&acme.submit(named).await.unwrap()), first);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_partner_that_does_not_read_is_closed_and_delays_nobody() {
    let settings = "[smpp_server]\nwrite_stall = \"1s\"\nresponse = \"1s\"";
    let world = slow_world(settings).await;
    let slow = world.bind("acme").await;
    slow.auto_answer(false);
    slow.auto_enquire_link(false);
    for number in 0..20 {
        world.smsc.queue_mo(SUBSCRIBER, "7455", &format!("win {number}")).unwrap();
    }
    let other = world.bind_as("acme", BindKind::Transmitter, Version::V34).await;
    let id = submit(&other, "7455", SUBSCRIBER, "hello").await;
    becomes(&world, id, MessageState::Submitted).await;
    slow.closed().await.unwrap();
    // Nothing was lost with it.
    let mut next = world.bind("acme").await;
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 20 {
        let message = next.next_delivery().await.unwrap();
        if !message.is_receipt() {
            seen.insert(message.message.short_message);
        }
    }
    world.stop().await;
}

/// Its SMSC sends no receipts; its partner's settings are given.
async fn slow_world(settings: &str) -> World {
    let mut script = Script::default();
    script.receipts.are_sent = false;
    let config = bramka::config::Config::from_text(settings, Path::new(".")).expect("settings");
    let world = Builder { config, script, ..Builder::default() }.build().await;
    world.link_up().await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_wrong_lengths_and_unknown_commands_end_or_are_answered_and_never_hurt() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    for length in [0_u32, 1, 15, 0x8000_0000, 0xffff_ffff] {
        let esme = world.bind("acme").await;
        let mut octets = length.to_be_bytes().to_vec();
        octets.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9]);
        esme.send_raw(octets).await.unwrap();
        esme.closed().await.unwrap();
    }
    let mut esme = world.bind("acme").await;
    let mut octets = 16_u32.to_be_bytes().to_vec();
    octets.extend_from_slice(&[0, 0, 0x77, 0x77, 0, 0, 0, 0, 0, 0, 0, 9]);
    esme.send_raw(octets).await.unwrap();
    let nack = esme.read_command().await.unwrap();
    assert_eq!((nack.pdu, nack.status), (Pdu::GenericNack, CommandStatus::RINVCMDID));
    // Both the session with the strange command and its neighbour still work.
    submit(&esme, "7455", SUBSCRIBER, "one").await;
    let id = submit(&acme, "7455", SUBSCRIBER, "two").await;
    becomes(&world, id, MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_t19_a_silent_bind_at_the_limit_makes_room_and_a_live_one_does_not() {
    let mut plan = super::world::PartnerPlan::named("acme");
    plan.credential.binds_max = 1;
    let settings = "[smpp_server]\nbind_probe = \"1s\"\nbind_fail_delay = [\"1ms\", \"2ms\"]";
    let config = bramka::config::Config::from_text(settings, Path::new(".")).expect("settings");
    let world = Builder { config, partners: vec![plan], ..Builder::default() }.build().await;
    world.link_up().await;
    let first = world.bind("acme").await;
    let second =
        Esme::bind(world.node.smpp[0], BindKind::Transceiver, Version::V34, "acme", PASSWORD).await;
    assert!(matches!(second, Err(Failed::Refused(CommandStatus::RALYBND))), "{second:?}");
    // Now the first is a ghost: its host is gone, its connection is not.
    first.auto_enquire_link(false);
    let third = world.bind("acme").await;
    first.closed().await.unwrap();
    submit(&third, "7455", SUBSCRIBER, "hello").await;
    world.stop().await;
}

/// Drops what comes to a connection before TCP sees it, as a firewall's DROP rule does: nothing is
/// acknowledged, and nothing is reset. A filter of one's own socket needs no right that a rule of
/// the machine would, so this runs everywhere.
fn drop_all_that_comes(socket: &socket2::Socket) {
    // BPF_RET | BPF_K: keep this many octets of each packet. [linux/bpf_common.h]
    let nothing = socket2::SockFilter::new(0x06, 0, 0, 0);
    socket.attach_filter(&[nothing]).expect("a filter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_peer_behind_a_drop_rule_is_noticed_and_its_place_is_given_to_the_next() {
    let mut plan = super::world::PartnerPlan::named("acme");
    plan.credential.binds_max = 1;
    // A twentieth of what is the default.
    let default = bramka::config::SmppServer::default();
    let (idle, answer) = (default.enquire_link / 20, default.response / 20);
    let tune = move |config: &mut bramka::config::Config| {
        config.smpp_server.enquire_link = idle;
        config.smpp_server.response = answer;
    };
    let mut builder = Builder { partners: vec![plan], ..Builder::default() };
    builder.tune = Some(Box::new(tune));
    let world = builder.ready().await;
    let stream = tokio::net::TcpStream::connect(world.node.smpp[0]).await.unwrap();
    let socket =
        socket2::Socket::from(std::os::fd::AsFd::as_fd(&stream).try_clone_to_owned().unwrap());
    let ghost = Esme::over(stream);
    ghost.bind_as(BindKind::Transceiver, Version::V34, "acme", PASSWORD).await.unwrap();
    // A sign of life is answered as long as it comes.
    ghost.request(Pdu::EnquireLink).await.unwrap();
    drop_all_that_comes(&socket);
    let dropped = tokio::time::Instant::now();
    // What comes for it meanwhile is lost with the session and not for good.
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    eventually("its session is over", async || {
        world.gateway().registry().sessions().is_empty().then_some(())
    })
    .await;
    // Idle, then two signs of life without an answer; looked at every half of the shortest timer.
    let within = default.enquire_link + default.enquire_link_misses * default.response;
    assert!(within <= Duration::from_mins(1), "P32: {within:?}");
    assert!(dropped.elapsed() < Duration::from_secs(10), "{:?}", dropped.elapsed());
    assert!(!ghost.is_closed(), "no FIN and no RST came through");
    let mut next = world.bind("acme").await;
    assert_eq!(next.next_delivery().await.unwrap().message.short_message, "win");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t20_a_storm_of_binds_ends_with_everybody_bound() {
    let mut plan = super::world::PartnerPlan::named("acme");
    plan.credential.binds_max = 2000;
    let settings = "[smpp_server]\nconnections_per_address = 2000\nbind_rate = 1000\n\
                    unbound_max = 2000\nbind_fail_delay = [\"1ms\", \"20ms\"]";
    // Both ends of a thousand connections are in this process.
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let enough = rustix::process::Rlimit { current: most.maximum, ..most };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, enough).expect("more files");
    let config = bramka::config::Config::from_text(settings, Path::new(".")).expect("settings");
    let world = Builder { config, partners: vec![plan], ..Builder::default() }.build().await;
    world.link_up().await;
    let old = world.bind("acme").await;
    let bind = async |_: usize| loop {
        let (to, kind) = (world.node.smpp[0], BindKind::Transceiver);
        match Esme::bind(to, kind, Version::V34, "acme", PASSWORD).await {
            Ok(esme) => break esme,
            Err(
                Failed::Refused(CommandStatus::RBINDFAIL) | Failed::Closed | Failed::Connect(_),
            ) => {
                tokio::task::yield_now().await;
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    let began = tokio::time::Instant::now();
    let bound = futures_util::future::join_all((0..1000).map(bind)).await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(world.gateway().registry().sessions().len(), 1001);
    assert!(bound.iter().all(|esme| !esme.is_closed()) && !old.is_closed());
    submit(&old, "7455", SUBSCRIBER, "hello").await;
    drop(bound);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t25_parts_in_any_order_and_repeated_make_one_message() {
    let world = World::new().await;
    let part = |number: u8, text: &str| ShortMessage {
        source: FakeSmsc::subscriber(SUBSCRIBER),
        destination: Address::new(3, 1, b"7455".to_vec()),
        esm_class: 0x40,
        short_message: [&[5, 0, 3, 77, 3, number][..], text.as_bytes()].concat().into(),
        ..ShortMessage::default()
    };
    for (number, text) in [(3, "for you"), (1, "win two "), (1, "win two "), (2, "prizes ")] {
        let status = world.smsc.deliver(None, part(number, text)).await.unwrap();
        assert!(status.is_ok(), "{status}");
    }
    let mut acme = world.bind("acme").await;
    let mo = acme.next_delivery().await.unwrap();
    assert_eq!(String::from_utf8_lossy(mo.message.content()), "win two prizes for you");
    world.stop().await;
    assert!(acme.try_delivery().is_none(), "one message, once");
}

/// A real process with a queue for a link that is away.
async fn queued(folder: &Path, count: usize) -> (Peers, Site, super::process::Daemon) {
    let script = Script { accepts_connections: false, ..Script::default() };
    let peers = Peers::new(folder, script).await;
    let binary = Path::new(env!("CARGO_BIN_EXE_bramka"));
    let link = "reconnect_max = \"1s\"";
    let mut site = Site::new(binary, folder, peers.smsc.address(), link, "").await;
    let (daemon, _) = site.start().await;
    let esme = Esme::bind(site.smpp, BindKind::Transmitter, Version::V34, "acme", PASSWORD);
    let esme = esme.await.expect("a bind");
    let message = |number: usize| {
        let sender = ["7455", "7466"][number % 2];
        mt(sender, &format!("48{}", 500_000_000 + number), &format!("text #q{number}"))
    };
    let answers = esme.submit_pipelined((0..count).map(message), 50).await;
    assert!(answers.iter().all(Result::is_ok));
    (peers, site, daemon)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t21_t24_a_queue_for_a_dead_link_waits_quietly_survives_a_kill_and_goes_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (peers, mut site, daemon) = queued(folder.path(), 3000).await;
    // While the link is away nothing is tried, so nothing is counted or written.
    let mut db = laws::reader(&site.database()).await;
    let tried = laws::count(&mut db, "select coalesce(sum(attempt), 0) from lane_item").await;
    let events = laws::count(&mut db, "select count(*) from message_event").await;
    assert_eq!((tried, events), (0, 3000));
    daemon.kill().await;
    peers.smsc.script(|script| script.accepts_connections = true);
    let (daemon, _) = site.start().await;
    eventually("all are sent", async || {
        (peers.smsc.journal(|journal| journal.submits_seen) >= 3000).then_some(())
    })
    .await;
    eventually("nothing waits", async || {
        let waiting = "select count(*) from lane_item where what = 'mt'";
        (laws::count(&mut db, waiting).await == 0).then_some(())
    })
    .await;
    assert_eq!(daemon.stop().await.0, Some(0), "{}", site.log());
    let evidence = Evidence::gather(&site.database(), &folder.path().join("smsc.jsonl"), &[]).await;
    assert_eq!(laws::l2_charged_at_most_once(&evidence), laws::Breaches::new());
    assert_eq!(evidence.repeated_uncharged(), 0);
    assert_eq!(laws::l1_nothing_vanishes(&evidence), laws::Breaches::new());
    assert_eq!(laws::l7_order_is_kept(&evidence, 0), laws::Breaches::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t27_an_orderly_stop_under_load_makes_nothing_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = Script { answer_delay: Duration::from_millis(20), ..Script::default() };
    let mut peers = Peers::new(folder.path(), script).await;
    let binary = Path::new(env!("CARGO_BIN_EXE_bramka"));
    let mut site = Site::new(binary, folder.path(), peers.smsc.address(), "", "").await;
    peers.begin(&site, 100.0);
    let (daemon, _) = site.start().await;
    let (daemon, took) = tokio::select! {
        () = peers.texting(50.0) => unreachable!("subscribers text for ever"),
        stopped = async {
            for round in 1..=3_u64 {
                peers.smsc.wait_for_submits(round * 40).await.expect("traffic");
            }
            let (code, took) = daemon.stop().await;
            assert_eq!(code, Some(0), "{}", site.log());
            // A second one is stopped by two signals: it skips the waiting and still commits.
            let (daemon, _) = site.start().await;
            let seen = peers.smsc.journal(|journal| journal.submits_seen);
            peers.smsc.wait_for_submits(seen + 40).await.expect("traffic");
            (daemon, took)
        } => stopped,
    };
    assert!(took < Duration::from_secs(45), "{took:?}");
    let unknown = "select count(*) from message_event where kind = 'outcome_lost'";
    let mut db = laws::reader(&site.database()).await;
    assert_eq!(laws::count(&mut db, unknown).await, 0);
    daemon.signal(rustix::process::Signal::TERM);
    daemon.signal(rustix::process::Signal::TERM);
    let (code, took) = daemon.ended().await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(code.is_some(), "it ended by itself, not by a signal");
    let (daemon, _) = site.start().await;
    peers.settle().await;
    kill::drained(&site).await;
    assert_eq!(daemon.stop().await.0, Some(0), "{}", site.log());
    peers.end().await;
    let journals = ["partner.jsonl", "sender.jsonl"].map(|name| folder.path().join(name));
    let smsc = folder.path().join("smsc.jsonl");
    let evidence = Evidence::gather(
        &site.database(),
        &smsc,
        &journals.each_ref().map(std::path::PathBuf::as_path),
    )
    .await;
    for law in [
        laws::l1_nothing_vanishes,
        laws::l2_charged_at_most_once,
        laws::l3_accounts_balance,
        laws::l4_deliveries_arrive,
        laws::l5_ledger_is_right,
    ] {
        assert_eq!(law(&evidence), laws::Breaches::new());
    }
}
