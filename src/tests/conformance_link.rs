//! How we behave towards an operator's SMSC: C001 to C028 and C040 to C045. Receipts (C029 to C035)
//! and texts (C036 to C039) have files of their own.
//!
//! C042 is not here: an SMSC that calls back (`outbind`) would need a port of ours that no
//! operator asked for, so it is not offered.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bramka::{
    demo::{
        esme::{Esme, mt},
        fake_smsc::{Closing, FakeSmsc, Nack, Options, Script, Submitted},
    },
    domain::{MessageId, MessageState},
    smpp::{
        Address, BindKind, Command, CommandStatus, Connection, ConnectionLimits, Pdu, ShortMessage,
        Step, Tlvs, Version, codec,
        pdu::{AlertNotification, BindResp, DataSm, MessageResp},
        tag,
        values::{esm_class, message_state as state},
    },
    store::EventLine,
};
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};

use super::world::{
    Builder, LINK, World, another_link, eventually, hurried, hurry, number, service, text,
};

const SUBSCRIBER: &str = "48600100200";
const FREE: &str = "7455";
const CHARGED: &str = "7466";
/// What no answer of a test takes, however busy the machine is.
const LONG: Duration = Duration::from_secs(10);

async fn submit(esme: &Esme, sender: &str, words: &str) -> MessageId {
    let id = esme.submit(mt(sender, SUBSCRIBER, words)).await.unwrap().message_id;
    number(&id)
}

async fn event(world: &World, id: MessageId, kind: &str) -> EventLine {
    eventually(&format!("{id} has the event {kind}"), async || {
        let events = world.gateway().store().events(id).await.unwrap();
        events.into_iter().find(|event| event.kind == kind)
    })
    .await
}

fn limit_of(world: &World) -> &'static str {
    **world.gateway().registry().link(LINK).unwrap().binding_limit.load()
}

/// An SMSC played by hand, one PDU after the other.
struct Hand {
    connection: Connection<TcpStream>,
    frames: std::collections::VecDeque<Bytes>,
}

impl Hand {
    async fn port() -> (TcpListener, std::net::SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = Connection::new(stream, ConnectionLimits::default());
        Self { connection, frames: std::collections::VecDeque::new() }
    }

    /// The next PDU; none once the other side has closed.
    async fn read(&mut self) -> Option<Command> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(codec::decode(&frame, Version::V34).unwrap());
            }
            let step = tokio::time::timeout(Duration::from_secs(10), self.connection.step(true));
            match step.await.expect("nothing came in time") {
                Ok(Step::Frames(frames)) => self.frames.extend(frames),
                Ok(Step::Flushed) => {}
                Ok(Step::Ended | Step::Bad(..)) | Err(_) => return None,
            }
        }
    }

    async fn expect(&mut self) -> Command {
        self.read().await.expect("the link closed instead")
    }

    async fn send(&mut self, command: Command) {
        self.connection.queue(&command, Version::V34).unwrap();
        self.connection.flush().await.unwrap();
    }

    async fn accept_bind(&mut self) -> Command {
        let bind = self.expect().await;
        let Pdu::Bind(kind, _) = &bind.pdu else { panic!("{bind:?}") };
        let tlvs = Tlvs::new().with_u8(tag::SC_INTERFACE_VERSION, 0x34);
        let resp = BindResp { system_id: "hand".into(), tlvs };
        self.send(Command::new(bind.sequence, Pdu::BindResp(*kind, resp))).await;
        bind
    }
}

/// A world with one more link and a service that goes there. Its SMSC is played by hand, and has
/// this long for every answer.
async fn by_hand(patience: Duration) -> (World, TcpListener) {
    let (listener, address) = Hand::port().await;
    let mut builder = Builder {
        tune: Some(Box::new(move |config| {
            hurry(config);
            for link in &mut config.smsc_link {
                link.connect = patience;
                link.response = patience;
            }
        })),
        settings: another_link("hand", address, ""),
        ..Builder::default()
    };
    let mut to_hand = service("acme", "hand", "7401", &["HAND"]);
    to_hand.link_group = "hand".into();
    builder.services.push(to_hand);
    (builder.build().await, listener)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c001_nothing_is_sent_before_the_answer_to_the_bind() {
    let (world, listener) = by_hand(Duration::from_millis(200)).await;
    let acme = world.bind("acme").await;
    acme.submit(mt("7401", SUBSCRIBER, "hello")).await.unwrap();
    let mut hand = Hand::accept(&listener).await;
    let bind = hand.expect().await;
    assert!(matches!(bind.pdu, Pdu::Bind(BindKind::Transceiver, _)));
    // Nobody answers: the next thing that comes is the end.
    assert!(hand.read().await.is_none());
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    let submit = hand.expect().await;
    assert!(matches!(submit.pdu, Pdu::SubmitSm(_)), "{submit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c002_each_session_counts_its_requests_from_1() {
    let world = hurried().build().await;
    let acme = world.bind("acme").await;
    for _ in 0..2 {
        world.link_up().await;
        submit(&acme, FREE, "one").await;
        submit(&acme, FREE, "two").await;
        let seen = world.smsc.submits().len() as u64;
        world.smsc.wait_for_submits(seen.next_multiple_of(2).max(2)).await.unwrap();
        let binds = world.smsc.journal(|journal| journal.binds_seen);
        world
            .smsc
            .wait_until(|journal| journal.receipts_acked == journal.submits_seen)
            .await
            .unwrap();
        world.smsc.close_all(Closing::Fin);
        world.smsc.wait_until(|journal| journal.binds_seen > binds).await.unwrap();
    }
    let sequences: Vec<_> = world.smsc.submits().iter().map(|one| one.sequence).collect();
    // The bind was 1.
    assert_eq!(sequences, [2, 3, 2, 3]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c003_without_a_version_in_the_answer_no_tlv_is_sent_unless_the_link_says_so() {
    for (link, has_tlvs) in [("", false), ("tlvs_allowed = \"always\"", true)] {
        let mut builder = Builder { link: link.into(), ..hurried() };
        builder.script.interface_version = None;
        let world = builder.build().await;
        let acme = world.bind("acme").await;
        submit(&acme, FREE, &"long ".repeat(50)).await;
        let sent = world.smsc.wait_for_submits(2).await.unwrap();
        for one in &sent {
            assert_eq!(!one.message.tlvs.is_empty(), has_tlvs, "{link}: {:?}", one.message.tlvs);
            assert_eq!(one.message.esm_class, esm_class::UDHI);
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c004_c043_congestion_steers_a_5_0_session_and_means_nothing_in_3_4() {
    for (shown, limit) in [(0x34, "none"), (0x50, "smsc_throttle")] {
        let mut builder = Builder { link: "version = \"5.0\"".into(), ..hurried() };
        builder.script.interface_version = Some(shown);
        builder.script.congestion = Some(95);
        let world = builder.build().await;
        let acme = world.bind("acme").await;
        let id = submit(&acme, FREE, "hello").await;
        world.becomes(id, MessageState::Delivered).await;
        assert_eq!(world.smsc.binds()[0].version, Version::V50, "offered");
        // The pause is noted before the receipt, which came behind the answer, is acknowledged.
        assert_eq!(limit_of(&world), limit, "{shown:x}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c005_refused_credentials_are_not_tried_again_soon() {
    for status in [CommandStatus::RBINDFAIL, CommandStatus::RINVPASWD, CommandStatus::RINVSYSID] {
        // Another link, refused for another reason, shows how much time passes.
        let busy = FakeSmsc::with(
            Options::default(),
            Script { bind_status: Some(CommandStatus::RSYSERR), ..Script::default() },
        )
        .await
        .unwrap();
        let mut builder = hurried();
        builder.script.bind_status = Some(status);
        builder.settings = another_link("busy", busy.address(), "");
        let world = builder.build().await;
        busy.wait_until(|journal| journal.binds_seen >= 10).await.unwrap();
        world.smsc.wait_until(|journal| journal.binds_seen == 1).await.unwrap();
        busy.wait_until(|journal| journal.binds_seen >= 20).await.unwrap();
        assert_eq!(world.smsc.journal(|journal| journal.binds_seen), 1, "{status}");
        let card = world.gateway().registry().link(LINK).unwrap();
        let error = card.last_error.load();
        assert!(error.as_deref().is_some_and(|error| error.contains(&status.to_string())));
        assert!(world.config.smsc_link[0].credentials_retry >= Duration::from_secs(30));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c006_already_bound_is_waited_out() {
    let mut builder = hurried();
    builder.script.bind_status = Some(CommandStatus::RALYBND);
    let world = builder.build().await;
    world.smsc.wait_until(|journal| journal.binds_seen >= 2).await.unwrap();
    // Each refused connection was closed before the next.
    world.smsc.wait_until(|journal| journal.connections_ended >= 1).await.unwrap();
    world.smsc.script(|script| script.bind_status = None);
    world.link_up().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c007_without_transceivers_there_is_one_bind_each_way() {
    let mut builder = hurried();
    builder.script.refuses_transceiver = true;
    let world = builder.build().await;
    let binds = world.smsc.wait_for_binds(2).await.unwrap();
    let mut kinds: Vec<_> = binds.iter().map(|bind| bind.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["receiver", "transmitter"]);
    let mut acme = world.bind("acme").await;
    submit(&acme, FREE, "hello").await;
    assert!(acme.next_delivery().await.unwrap().is_receipt());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c008_a_refused_connection_is_dialled_again() {
    let mut builder = hurried();
    builder.script.accepts_connections = false;
    let world = builder.build().await;
    let card = world.gateway().registry().link(LINK).unwrap();
    assert_eq!(card.bound.load(Ordering::Acquire), 0);
    world.smsc.script(|script| script.accepts_connections = true);
    world.link_up().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c009_a_bind_without_an_answer_is_given_up_and_tried_again() {
    let mut builder = hurried();
    builder.script.answers_binds = false;
    let world = builder.build().await;
    world.smsc.wait_until(|journal| journal.connections_ended >= 1).await.unwrap();
    world.smsc.script(|script| script.answers_binds = true);
    world.link_up().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c010_no_more_requests_are_open_than_the_window_holds() {
    let mut builder = Builder { link: "window = 3".into(), ..Builder::default() };
    // Answers are held until there are ten, which never happens.
    builder.script.reverse_answers = 10;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    for _ in 0..6 {
        submit(&acme, FREE, "hello").await;
    }
    world.smsc.wait_for_submits(3).await.unwrap();
    // An MO goes through the same session; behind it nothing more has come.
    assert!(world.smsc.mo(SUBSCRIBER, FREE, "win").await.unwrap().is_ok());
    assert_eq!(world.smsc.submits().len(), 3);
    assert_eq!(limit_of(&world), "window");
    world.smsc.script(|script| script.reverse_answers = 0);
    world.smsc.wait_for_submits(6).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c011_answers_in_another_order_find_their_messages() {
    let mut builder = Builder::default();
    builder.script.reverse_answers = 5;
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let mut expected = Vec::new();
    for number in 0..5 {
        let recipient = format!("4860010020{number}");
        let id = acme.submit(mt(FREE, &recipient, "hello")).await.unwrap().message_id;
        expected.push((id, Bytes::from(recipient)));
    }
    let mut seen = Vec::new();
    for _ in &expected {
        let receipt = acme.next_delivery().await.unwrap().message;
        let id = receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID).unwrap();
        seen.push((Bytes::copy_from_slice(id), receipt.source.digits.clone()));
    }
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c012_an_answer_that_comes_too_late_is_noted_and_applied_once() {
    let mut builder = hurried();
    builder.script.reverse_answers = 2;
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    // Its answer is held; it goes again, and with that the answers come, the second one first.
    let id = submit(&acme, FREE, "hello").await;
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    let late = event(&world, id, "late_response").await;
    assert_eq!(late.link.as_deref(), Some(LINK));
    world.becomes(id, MessageState::Submitted).await;
    world.smsc.send_receipt_for(&sent[1], state::DELIVERED).unwrap();
    world.becomes(id, MessageState::Delivered).await;
    world.stop().await;
}

/// A world where a charged message has timed out without an answer.
async fn with_an_unknown() -> (World, Esme, MessageId, Submitted) {
    let mut builder = hurried();
    builder.script.receipts.are_sent = false;
    // Held, not thrown away: two are never there.
    builder.script.reverse_answers = 2;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "your prize").await;
    world.becomes(id, MessageState::Unknown).await;
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    (world, acme, id, sent[0].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c013_a_charged_message_without_an_answer_is_unknown_and_not_sent_again() {
    let (world, acme, id, _) = with_an_unknown().await;
    assert_eq!(world.ledger().await, (0, 0));
    // What comes behind it goes; it does not.
    world.smsc.script(|script| script.reverse_answers = 0);
    submit(&acme, FREE, "next").await;
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    assert_eq!(text(&sent[1].message), "next");
    // And its late answer proves that it was sent.
    world.becomes(id, MessageState::Submitted).await;
    world.smsc.send_receipt_for(&sent[0], state::DELIVERED).unwrap();
    world.becomes(id, MessageState::Delivered).await;
    assert_eq!(world.ledger().await, (1, 492));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c013_a_receipt_proves_that_an_unknown_message_was_sent() {
    let (world, mut acme, id, sent) = with_an_unknown().await;
    world.smsc.send_receipt_for(&sent, state::DELIVERED).unwrap();
    let receipt = acme.next_delivery().await.unwrap().message;
    assert!(text(&receipt).contains("stat:DELIVRD"));
    assert_eq!(world.state_of(id).await, MessageState::Delivered);
    assert_eq!(world.ledger().await, (1, 492));
    // The answer that follows changes nothing.
    world.smsc.script(|script| script.reverse_answers = 0);
    event(&world, id, "late_response").await;
    assert_eq!(world.state_of(id).await, MessageState::Delivered);
    assert_eq!(world.ledger().await, (1, 492));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c013_a_receipt_that_came_before_the_message_was_unknown_proves_it_too() {
    let mut builder = hurried();
    builder.script.reverse_answers = 2;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "your prize").await;
    world.smsc.wait_until(|journal| journal.receipts_acked == 1).await.unwrap();
    world.becomes(id, MessageState::Delivered).await;
    event(&world, id, "outcome_lost").await;
    assert_eq!(world.ledger().await, (1, 492));
    eventually("its row is gone", async || {
        world.gateway().store().orphans(10).await.unwrap().is_empty().then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c014_throttling_makes_a_pause_and_the_message_goes_again() {
    let mut builder = hurried();
    builder.script.answer_first(1, CommandStatus::RTHROTTLED);
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    let refused_at = world.smsc.wait_for_submits(1).await.unwrap()[0].at;
    eventually("the link is throttled", async || {
        (limit_of(&world) == "smsc_throttle").then_some(())
    })
    .await;
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    // P19: a pause of a second.
    assert!(sent[1].at - refused_at >= Duration::from_millis(900));
    world.becomes(id, MessageState::Delivered).await;
    assert_eq!(world.ledger().await, (1, 492));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c015_c016_a_full_queue_and_a_system_error_are_tried_again_later() {
    for status in [CommandStatus::RMSGQFUL, CommandStatus::RSYSERR] {
        let mut builder = hurried();
        builder.script.answer_first(2, status);
        let world = builder.build().await;
        let acme = world.bind("acme").await;
        let id = submit(&acme, FREE, "hello").await;
        world.becomes(id, MessageState::Delivered).await;
        assert_eq!(world.smsc.submits().len(), 3, "{status}");
        let events = world.gateway().store().events(id).await.unwrap();
        let retries: Vec<_> = events.iter().filter(|event| event.kind == "retry_planned").collect();
        assert_eq!(retries.len(), 2);
        assert_eq!(retries[0].detail.as_deref(), Some(&*status.to_string()));
        // C016: the link's page shows it.
        let card = world.gateway().registry().link(LINK).unwrap();
        assert_eq!(card.last_error.load().as_deref(), Some(&*status.to_string()));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c017_c018_c041_what_is_in_no_list_is_final_with_its_code() {
    let vendor = "permanent_status = [\"ESME_RMSGQFUL\"]\nsafe_status = [\"ESME_RTHROTTLED\", \
                  \"FULL_NOW\"]\nstatus_names = { FULL_NOW = 0x410 }";
    let cases = [
        ("", CommandStatus::RINVDSTADR, "ESME_RINVDSTADR"),
        ("", CommandStatus::RINVSRCADR, "ESME_RINVSRCADR"),
        ("", CommandStatus::RINVMSGLEN, "ESME_RINVMSGLEN"),
        ("", CommandStatus::RSUBMITFAIL, "ESME_RSUBMITFAIL"),
        ("", CommandStatus(0x410), "0x00000410"),
        (vendor, CommandStatus::RMSGQFUL, "ESME_RMSGQFUL"),
    ];
    for (link, status, name) in cases {
        let mut builder = Builder { link: link.into(), ..hurried() };
        // An answer of sixteen octets (C041).
        builder.script.answer_with(status);
        let world = builder.build().await;
        let mut acme = world.bind("acme").await;
        let id = submit(&acme, FREE, "hello").await;
        let receipt = acme.next_delivery().await.unwrap().message;
        assert!(text(&receipt).contains("stat:REJECTD"), "{}", text(&receipt));
        let line = world.gateway().store().message_line(id).await.unwrap().unwrap();
        assert_eq!((line.state, line.error.as_deref()), ("rejected", Some(name)));
        assert_eq!(world.smsc.submits().len(), 1, "{name}");
        world.stop().await;
    }
    let mut builder = Builder { link: vendor.into(), ..hurried() };
    builder.script.answer_first(1, CommandStatus(0x410));
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    world.becomes(id, MessageState::Delivered).await;
    assert_eq!(world.smsc.submits().len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c019_c020_a_nack_fails_its_request_with_its_status_and_one_without_a_number_the_session() {
    let mut builder = hurried();
    let status = CommandStatus::RINVCMDLEN;
    builder.script.nack = Some(Nack { status, is_sequence_zero: false, times: 1 });
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    world.becomes(id, MessageState::Rejected).await;
    let line = world.gateway().store().message_line(id).await.unwrap().unwrap();
    assert_eq!(line.error.as_deref(), Some("ESME_RINVCMDLEN"));
    assert_eq!(world.smsc.journal(|journal| journal.binds_seen), 1);
    world.smsc.script(|script| {
        script.nack = Some(Nack { status, is_sequence_zero: true, times: 1 });
    });
    let id = submit(&acme, FREE, "again").await;
    world.smsc.wait_until(|journal| journal.binds_seen == 2).await.unwrap();
    world.becomes(id, MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c021_an_mo_is_stored_before_its_answer_put_off_when_full_refused_when_unreadable() {
    let mut builder = hurried();
    builder.partners[0].partner.waiting_max = 1;
    let world = builder.build().await;
    let strange = ShortMessage {
        source: Address::new(1, 1, SUBSCRIBER),
        destination: Address::new(3, 1, FREE),
        // Reserved. [34 s5.2.19]
        data_coding: 0x0b,
        short_message: "win".into(),
        ..ShortMessage::default()
    };
    let status = world.smsc.deliver(None, strange).await.unwrap();
    assert_eq!(status, CommandStatus::RX_R_APPN);
    assert!(world.smsc.mo(SUBSCRIBER, FREE, "win").await.unwrap().is_ok());
    let acme_id = world.gateway().catalog().partner_named("acme").unwrap().id;
    let lane = bramka::domain::Lane::Mo { partner: acme_id, mode: bramka::domain::Mode::Live };
    let lanes = world.gateway().store().lanes().await.unwrap();
    let stored = lanes.iter().find(|age| age.lane == lane.id().0).map(|age| age.items);
    assert_eq!(stored, Some(1), "it is in the store by the time of the answer");
    let refused = world.smsc.journal(|journal| journal.deliveries_refused);
    world.smsc.queue_mo(SUBSCRIBER, FREE, "win too").unwrap();
    world.smsc.wait_until(|journal| journal.deliveries_refused > refused).await.unwrap();
    let mut acme = world.bind("acme").await;
    assert_eq!(text(&acme.next_delivery().await.unwrap().message), "win");
    assert_eq!(text(&acme.next_delivery().await.unwrap().message), "win too");
    world.stop().await;
}

/// P24 from the other seat: to the SMSC that delivers we say "later", never "never" and never yes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c021_p24_an_mo_met_by_a_stopped_writer_is_put_off_and_the_session_lives() {
    let (world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    let deliver = |sequence, words: &'static str| {
        let message = ShortMessage {
            source: Address::new(1, 1, SUBSCRIBER),
            destination: Address::new(3, 1, FREE),
            short_message: words.into(),
            ..ShortMessage::default()
        };
        Command::new(sequence, Pdu::DeliverSm(Box::new(message)))
    };
    hand.send(deliver(1, "win")).await;
    assert_eq!(hand.expect().await.status, CommandStatus::ROK);
    world.break_store().await;
    // The first is in the group that fails; the second meets a writer that is gone.
    for sequence in [2, 3] {
        hand.send(deliver(sequence, "win too")).await;
        let answer = hand.expect().await;
        assert_eq!((answer.sequence, answer.status), (sequence, CommandStatus::RX_T_APPN));
    }
    hand.send(Command::new(4, Pdu::EnquireLink)).await;
    let answer = hand.expect().await;
    assert_eq!((answer.sequence, answer.pdu), (4, Pdu::EnquireLinkResp));
    let mut acme = world.bind("acme").await;
    assert_eq!(text(&acme.next_delivery().await.unwrap().message), "win");
    assert!(acme.try_delivery().is_none(), "what was put off is not half there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c022_c023_c040_deliveries_are_answered_with_an_empty_id_and_alerts_not_at_all() {
    let (world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    let source = Address::new(1, 1, SUBSCRIBER);
    let destination = Address::new(3, 1, FREE);
    let alert = AlertNotification {
        source: source.clone(),
        esme: Address::new(0, 0, "bramka"),
        tlvs: Tlvs::new(),
    };
    hand.send(Command::new(1, Pdu::AlertNotification(Box::new(alert)))).await;
    let deliver = ShortMessage {
        source: source.clone(),
        destination: destination.clone(),
        short_message: "win".into(),
        ..ShortMessage::default()
    };
    hand.send(Command::new(2, Pdu::DeliverSm(Box::new(deliver)))).await;
    let empty = MessageResp::default();
    assert_eq!(hand.expect().await, Command::new(2, Pdu::DeliverSmResp(empty.clone())));
    let data = DataSm {
        source,
        destination,
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, "win by data_sm"),
        ..DataSm::default()
    };
    hand.send(Command::new(3, Pdu::DataSm(Box::new(data)))).await;
    assert_eq!(hand.expect().await, Command::new(3, Pdu::DataSmResp(empty)));
    let mut acme = world.bind("acme").await;
    assert_eq!(text(&acme.next_delivery().await.unwrap().message), "win");
    assert_eq!(text(&acme.next_delivery().await.unwrap().message), "win by data_sm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c024_a_sign_of_life_is_given_within_a_second_whatever_waits_for_the_disk() {
    let (_world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    for number in 1..=300 {
        let deliver = ShortMessage {
            source: Address::new(1, 1, SUBSCRIBER),
            destination: Address::new(3, 1, FREE),
            short_message: "win".into(),
            ..ShortMessage::default()
        };
        let command = Command::new(number, Pdu::DeliverSm(Box::new(deliver)));
        hand.connection.queue(&command, Version::V34).unwrap();
    }
    let asked_at = tokio::time::Instant::now();
    hand.send(Command::new(999, Pdu::EnquireLink)).await;
    loop {
        let command = hand.expect().await;
        if command.pdu == Pdu::EnquireLinkResp {
            assert_eq!(command.sequence, 999);
            break;
        }
    }
    assert!(asked_at.elapsed() < Duration::from_secs(1), "{:?}", asked_at.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c025_c026_a_silent_smsc_is_asked_and_left_and_what_was_charged_is_unknown() {
    let mut builder = Builder {
        tune: Some(Box::new(|config| {
            hurry(config);
            config.smsc_link[0].enquire_link = Duration::from_millis(100);
            config.smsc_link[0].response = Duration::from_mins(1);
        })),
        ..Builder::default()
    };
    builder.script.reverse_answers = 2;
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    world.smsc.wait_until(|journal| journal.enquire_links_seen >= 2).await.unwrap();
    assert_eq!(world.smsc.journal(|journal| journal.binds_seen), 1, "C025: it answers");
    world.smsc.script(|script| script.answers_enquire_link = false);
    world.smsc.wait_until(|journal| journal.binds_seen >= 2).await.unwrap();
    world.becomes(id, MessageState::Unknown).await;
    assert_eq!(world.smsc.submits().len(), 1);
    world.smsc.script(|script| script.answers_enquire_link = true);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c027_an_unbind_of_the_smsc_is_answered_and_the_link_comes_back() {
    let (_world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    hand.send(Command::new(5, Pdu::Unbind)).await;
    assert_eq!(hand.expect().await, Command::new(5, Pdu::UnbindResp));
    assert!(hand.read().await.is_none());
    Hand::accept(&listener).await.accept_bind().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c028_a_stop_waits_for_answers_says_goodbye_and_waits_for_that_answer_too() {
    let (world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    hand.accept_bind().await;
    let acme = world.bind("acme").await;
    acme.submit(mt("7401", SUBSCRIBER, "hello")).await.unwrap();
    let submit = hand.expect().await;
    let stopping = world.stop();
    let smsc = async {
        let resp = MessageResp { message_id: "17".into(), tlvs: Tlvs::new() };
        hand.send(Command::new(submit.sequence, Pdu::SubmitSmResp(resp))).await;
        let unbind = hand.expect().await;
        assert_eq!(unbind.pdu, Pdu::Unbind);
        // It is still there for what was under way.
        hand.send(Command::new(9, Pdu::EnquireLink)).await;
        assert_eq!(hand.expect().await, Command::new(9, Pdu::EnquireLinkResp));
        hand.send(Command::new(unbind.sequence, Pdu::UnbindResp)).await;
        assert!(hand.read().await.is_none());
    };
    tokio::join!(stopping, smsc);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c028_an_orderly_stop_leaves_nothing_unknown_while_answers_are_slow() {
    let mut builder = Builder::default();
    builder.script.answer_delay = Duration::from_millis(300);
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(submit(&acme, CHARGED, "hello").await);
    }
    world.smsc.wait_for_submits(1).await.unwrap();
    world.node.gateway.drain();
    world.tasks.drain(Duration::from_secs(30)).await.unwrap();
    let mut sent = 0;
    for id in ids {
        match world.state_of(id).await {
            MessageState::Submitted => sent += 1,
            // What did not go waits for the next start.
            MessageState::Accepted => {}
            other => panic!("{id} is {other:?}"),
        }
    }
    assert_eq!(sent, world.smsc.submits().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c028_a_stop_does_not_wait_longer_than_the_link_may_drain() {
    let mut builder = Builder {
        tune: Some(Box::new(|config| {
            config.smsc_link[0].drain = Duration::from_millis(100);
        })),
        ..Builder::default()
    };
    builder.script.answers_submits = false;
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    world.smsc.wait_for_submits(1).await.unwrap();
    world.node.gateway.drain();
    world.tasks.drain(Duration::from_secs(8)).await.unwrap();
    assert_eq!(world.state_of(id).await, MessageState::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c045_a_new_password_is_used_by_the_next_bind_and_ends_no_session() {
    let (world, listener) = by_hand(LONG).await;
    let mut hand = Hand::accept(&listener).await;
    let password = |bind: Command| match bind.pdu {
        Pdu::Bind(_, bind) => bind.password,
        other => panic!("{other:?}"),
    };
    assert_eq!(password(hand.accept_bind().await), "smscpass");
    std::fs::write(world.folder.path().join("smsc.password"), "newpass\n").unwrap();
    hand.send(Command::new(1, Pdu::EnquireLink)).await;
    assert_eq!(hand.expect().await, Command::new(1, Pdu::EnquireLinkResp));
    hand.send(Command::new(2, Pdu::Unbind)).await;
    assert_eq!(hand.expect().await, Command::new(2, Pdu::UnbindResp));
    let mut hand = Hand::accept(&listener).await;
    assert_eq!(password(hand.accept_bind().await), "newpass");
}

/// A door with TLS before a fake SMSC. Counts what does not even begin as TLS does.
struct TlsDoor {
    address: std::net::SocketAddr,
    in_clear: Arc<std::sync::atomic::AtomicU32>,
    greeted: Arc<std::sync::atomic::AtomicU32>,
    _task: tokio::task::JoinSet<()>,
}

impl TlsDoor {
    /// With the certificate that its peers must trust, for `localhost`.
    async fn before(smsc: std::net::SocketAddr) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (listener, address) = Hand::port().await;
        let in_clear = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let greeted = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let (plain, all) = (Arc::clone(&in_clear), Arc::clone(&greeted));
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut first = [0];
                stream.peek(&mut first).await.unwrap();
                all.fetch_add(1, Ordering::AcqRel);
                // A handshake record. [RFC 8446 s5.1]
                if first != [0x16] {
                    plain.fetch_add(1, Ordering::AcqRel);
                }
                let Ok(mut inside) = acceptor.accept(stream).await else { continue };
                let mut onward = TcpStream::connect(smsc).await.unwrap();
                // One link, one session at a time.
                drop(tokio::io::copy_bidirectional(&mut inside, &mut onward).await);
            }
        });
        (Self { address, in_clear, greeted, _task: task }, made.cert.pem())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c044_tls_wants_the_right_name_and_a_failure_is_not_tried_in_clear() {
    for (name, is_right) in [("localhost", true), ("smsc.example", false)] {
        let smsc = FakeSmsc::start().await.unwrap();
        let (door, certificate) = TlsDoor::before(smsc.address()).await;
        let more = format!("tls = true\ntls_name = \"{name}\"\ntls_ca_file = \"smsc-ca.pem\"");
        let mut builder = hurried();
        builder.settings = another_link("tls", door.address, &more);
        builder.files.push(("smsc-ca.pem", certificate));
        let world = builder.build().await;
        if is_right {
            smsc.wait_for_binds(1).await.unwrap();
            assert!(smsc.mo(SUBSCRIBER, FREE, "win over tls").await.unwrap().is_ok());
        } else {
            eventually("it was tried three times", async || {
                (door.greeted.load(Ordering::Acquire) >= 3).then_some(())
            })
            .await;
            assert_eq!(smsc.journal(|journal| journal.binds_seen), 0);
            let card = world.gateway().registry().link("tls").unwrap();
            assert!(card.last_error.load().is_some());
        }
        assert_eq!(door.in_clear.load(Ordering::Acquire), 0);
    }
}
