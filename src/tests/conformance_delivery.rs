//! What a partner is given: S150 to S168, and what an operator's subscribers may send it.

use std::time::Duration;

use bramka::{
    demo::esme::{Delivered, Esme, mt},
    domain::{MessageId, MessageState},
    smpp::{
        Address, BindKind, CommandStatus, Pdu, ShortMessage, Tlvs, Version, tag,
        values::{esm_class, message_state as state},
    },
};
use bytes::Bytes;

use super::world::{
    Builder, PASSWORD, World, at_a_set_time, eventually, hurried, number, service, text,
};

const SUBSCRIBER: &str = "48600100200";
const CODE: &str = "7455";
/// The gateway's own TLVs towards partners, as the sample configuration has them.
const REDELIVERY: u16 = 0x1d07;
const MESSAGE_ID: u16 = 0x1d09;

async fn next(esme: &mut Esme) -> ShortMessage {
    esme.next_delivery().await.unwrap().message
}

/// A `deliver_sm` of a subscriber with any content.
fn mo(octets: impl Into<Bytes>) -> ShortMessage {
    ShortMessage {
        source: Address::new(1, 1, SUBSCRIBER),
        destination: Address::new(3, 1, CODE),
        short_message: octets.into(),
        ..ShortMessage::default()
    }
}

fn with_udh(header: &[u8], octets: &[u8]) -> ShortMessage {
    ShortMessage { esm_class: esm_class::UDHI, ..mo([header, octets].concat()) }
}

async fn arrives(world: &World, message: ShortMessage) {
    let status = world.smsc.deliver(None, message).await.unwrap();
    assert_eq!(status, CommandStatus::ROK);
}

/// The number of an MO as the partner sees it.
fn id_of(message: &ShortMessage) -> MessageId {
    let digits = message.tlvs.text(MESSAGE_ID).expect("every MO names its id");
    MessageId(String::from_utf8_lossy(digits).parse().unwrap())
}

/// A transceiver of acme that answers no delivery by itself, not even one behind its bind.
async fn silent(world: &World) -> Esme {
    let esme = Esme::connect(world.node.smpp[0]).await.unwrap();
    esme.auto_answer(false);
    esme.bind_as(BindKind::Transceiver, Version::V34, "acme", PASSWORD).await.unwrap();
    esme
}

/// What a session left unanswered is back in its lane.
async fn nothing_is_under_way(world: &World) {
    eventually("nothing is under way", async || {
        let lanes = world.gateway().lanes().all();
        lanes.iter().all(|lane| lane.in_flight() == 0).then_some(())
    })
    .await;
}

/// Whatever was sent before this answer is here now.
async fn round_trip(esme: &Esme) {
    esme.request(Pdu::EnquireLink).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s150_s151_an_mo_comes_from_the_subscriber_to_the_short_code_and_says_nothing_else() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    arrives(&world, mo("win please")).await;
    let plain = next(&mut acme).await;
    assert_eq!(plain.source, Address::new(1, 1, SUBSCRIBER));
    assert_eq!(plain.destination.digits, CODE);
    assert_eq!((plain.esm_class, plain.data_coding), (0, 0));
    let nothing = ShortMessage {
        source: plain.source.clone(),
        destination: plain.destination.clone(),
        short_message: plain.short_message.clone(),
        tlvs: plain.tlvs.clone(),
        ..ShortMessage::default()
    };
    assert_eq!(plain, nothing, "schedule, validity, replace flag and default id are empty");
    // Ports 2948 and 9200: a header that is not about parts stays. [3GPP 23.040 s9.2.3.24.4]
    let ports = [6, 5, 4, 0x0b, 0x84, 0x23, 0xf0];
    arrives(&world, with_udh(&ports, b"win")).await;
    let headed = next(&mut acme).await;
    assert_eq!(headed.esm_class, esm_class::UDHI);
    assert_eq!(headed.short_message, [ports.as_slice(), b"win"].concat());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s152_s153_s158_a_receipt_names_the_message_the_state_and_the_networks_cause() {
    let mut builder = Builder::default();
    builder.script.receipts.state = state::UNDELIVERABLE;
    builder.script.receipts.network_error = Some([3, 0, 34]);
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt(CODE, SUBSCRIBER, "hello");
    message.tlvs = Tlvs::new().with_u16(tag::USER_MESSAGE_REFERENCE, 4711);
    let id = acme.submit(message).await.unwrap().message_id;
    let receipt = next(&mut acme).await;
    assert_eq!(receipt.esm_class & esm_class::TYPE, esm_class::RECEIPT);
    assert_eq!(
        (&receipt.source.digits[..], &receipt.destination.digits[..]),
        (SUBSCRIBER.as_bytes(), CODE.as_bytes())
    );
    assert_eq!(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&id[..]));
    assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state::UNDELIVERABLE));
    assert_eq!(receipt.tlvs.get(tag::NETWORK_ERROR_CODE).map(|v| &v[..]), Some(&[3, 0, 34][..]));
    assert_eq!(receipt.tlvs.u16(tag::USER_MESSAGE_REFERENCE), Some(4711));
    let text = text(&receipt);
    let id = String::from_utf8_lossy(&id);
    assert!(text.starts_with(&format!("id:{id} sub:001 dlvrd:000 submit date:")), "{text}");
    assert!(text.contains(" stat:UNDELIV err:034 text:hello"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s154_only_the_receipts_that_were_asked_for_come() {
    for (script_state, wishes) in
        [(state::DELIVERED, [0x00, 0x02]), (state::UNDELIVERABLE, [0x00, 0x03])]
    {
        let mut builder = Builder::default();
        builder.script.receipts.state = script_state;
        let world = builder.build().await;
        let mut acme = world.bind_as("acme", BindKind::Transceiver, Version::V50).await;
        for wish in wishes {
            let mut message = mt(CODE, SUBSCRIBER, "quiet");
            message.registered_delivery = wish;
            let id = acme.submit(message).await.unwrap().message_id;
            let id = number(&id);
            eventually("it ends", async || world.state_of(id).await.is_final().then_some(())).await;
        }
        let mut loud = mt(CODE, SUBSCRIBER, "loud");
        loud.registered_delivery = if script_state == state::DELIVERED { 0x03 } else { 0x02 };
        let id = acme.submit(loud).await.unwrap().message_id;
        let receipt = next(&mut acme).await;
        assert_eq!(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&id[..]));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s155_three_final_receipts_of_the_smsc_are_one_for_the_partner() {
    let mut builder = Builder::default();
    builder.script.receipts.copies = 3;
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id);
    }
    world.smsc.wait_until(|journal| journal.receipts_acked == 15).await.unwrap();
    let mut seen = Vec::new();
    for _ in &ids {
        let receipt = next(&mut acme).await;
        seen.push(Bytes::copy_from_slice(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID).unwrap()));
    }
    round_trip(&acme).await;
    assert!(acme.try_delivery().is_none());
    ids.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, ids);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s156_an_intermediate_notification_comes_only_where_it_was_asked_for() {
    let mut builder = Builder::default();
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    for wish in [0x01, 0x11] {
        let mut message = mt(CODE, SUBSCRIBER, "hello");
        message.registered_delivery = wish;
        acme.submit(message).await.unwrap();
    }
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    for submit in &sent {
        world.smsc.send_receipt_for(submit, state::ENROUTE).unwrap();
    }
    let notification = next(&mut acme).await;
    assert_eq!(notification.esm_class & esm_class::TYPE, esm_class::INTERMEDIATE);
    assert_eq!(notification.tlvs.u8(tag::MESSAGE_STATE), Some(state::ENROUTE));
    for submit in &sent {
        world.smsc.send_receipt_for(submit, state::DELIVERED).unwrap();
    }
    for _ in &sent {
        let receipt = next(&mut acme).await;
        assert_eq!(receipt.esm_class & esm_class::TYPE, esm_class::RECEIPT);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s157_a_message_whose_time_passes_ends_with_an_expired_receipt() {
    let (set, builder) = at_a_set_time();
    let world = builder.build().await;
    world.link_up().await;
    world.link_down().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt(CODE, SUBSCRIBER, "hello");
    // A minute. [34 s7.1.1.2]
    message.validity_period = "000000000100000R".into();
    acme.submit(message).await.unwrap();
    set.advance(Duration::from_secs(61));
    let receipt = next(&mut acme).await;
    assert!(text(&receipt).contains("stat:EXPIRED"), "{}", text(&receipt));
    assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state::EXPIRED));
    assert_eq!(world.smsc.submits().len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s159_an_acknowledged_mo_is_done() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    arrives(&world, mo("win")).await;
    let id = id_of(&next(&mut acme).await);
    world.becomes(id, MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s160_s163_what_the_application_cannot_take_now_comes_again_and_says_so() {
    let world = hurried().build().await;
    let mut acme = silent(&world).await;
    for status in [
        CommandStatus::RX_T_APPN,
        CommandStatus::RTHROTTLED,
        CommandStatus::RMSGQFUL,
        CommandStatus::RSYSERR,
    ] {
        arrives(&world, mo("win")).await;
        let first = acme.next_delivery().await.unwrap();
        assert_eq!(first.message.tlvs.u8(REDELIVERY), None);
        acme.answer(first.sequence, status).await.unwrap();
        let second = acme.next_delivery().await.unwrap();
        assert_eq!(id_of(&second.message), id_of(&first.message), "{status}");
        assert_eq!(second.message.tlvs.u8(REDELIVERY), Some(1), "{status}");
        acme.answer(second.sequence, CommandStatus::ROK).await.unwrap();
        world.becomes(id_of(&first.message), MessageState::Delivered).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s161_a_rejected_mo_does_not_come_again_and_the_others_go_on() {
    let world = hurried().build().await;
    let mut acme = silent(&world).await;
    arrives(&world, mo("win one")).await;
    let first = acme.next_delivery().await.unwrap();
    acme.answer(first.sequence, CommandStatus::RX_R_APPN).await.unwrap();
    world.becomes(id_of(&first.message), MessageState::Rejected).await;
    arrives(&world, mo("win two")).await;
    let second = acme.next_delivery().await.unwrap();
    assert_eq!(text(&second.message), "win two");
    acme.answer(second.sequence, CommandStatus::ROK).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s162_after_a_permanent_fault_what_is_queued_waits_and_is_not_lost() {
    let mut builder = Builder {
        tune: Some(Box::new(|config| config.messages.retry = vec![Duration::from_millis(300)])),
        ..Builder::default()
    };
    builder.partners[0].credential.window = 1;
    let world = builder.build().await;
    let mut acme = silent(&world).await;
    arrives(&world, mo("win one")).await;
    arrives(&world, mo("win two")).await;
    let first = acme.next_delivery().await.unwrap();
    acme.answer(first.sequence, CommandStatus::RX_P_APPN).await.unwrap();
    let refused_at = tokio::time::Instant::now();
    world.becomes(id_of(&first.message), MessageState::Rejected).await;
    let second = acme.next_delivery().await.unwrap();
    assert!(refused_at.elapsed() >= Duration::from_millis(250), "{:?}", refused_at.elapsed());
    assert_eq!(text(&second.message), "win two");
    acme.answer(second.sequence, CommandStatus::ROK).await.unwrap();
    world.becomes(id_of(&second.message), MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s164_without_an_answer_in_time_it_comes_again_as_a_possible_duplicate() {
    let world = hurried().build().await;
    let mut acme = silent(&world).await;
    arrives(&world, mo("win")).await;
    let first = acme.next_delivery().await.unwrap();
    let second = acme.next_delivery().await.unwrap();
    assert_eq!(id_of(&second.message), id_of(&first.message));
    assert_eq!(second.message.tlvs.u8(REDELIVERY), Some(1));
    acme.answer(second.sequence, CommandStatus::ROK).await.unwrap();
    world.becomes(id_of(&first.message), MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s165_a_long_mo_is_a_payload_for_3_4_and_parts_for_3_3() {
    let world = World::new().await;
    let long = format!("win {}", "lorem ipsum ".repeat(25));
    let mut acme = world.bind("acme").await;
    arrives(
        &world,
        ShortMessage {
            tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, long.clone().into_bytes()),
            ..mo("")
        },
    )
    .await;
    let whole = next(&mut acme).await;
    assert!(whole.short_message.is_empty());
    assert_eq!(whole.tlvs.get(tag::MESSAGE_PAYLOAD).map(|v| &v[..]), Some(long.as_bytes()));
    acme.unbind().await.unwrap();
    acme.closed().await.unwrap();
    let mut old = world.bind_as("acme", BindKind::Transceiver, Version::V33).await;
    arrives(
        &world,
        ShortMessage {
            tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, long.clone().into_bytes()),
            ..mo("")
        },
    )
    .await;
    let mut joined = String::new();
    for number in 1..=2 {
        let part = next(&mut old).await;
        assert!(part.tlvs.is_empty());
        assert_eq!(part.esm_class, esm_class::UDHI);
        // 5, then element 0 of 3 octets: reference, total, number.
        assert_eq!(
            (&part.short_message[..3], &part.short_message[4..6]),
            (&[5, 0, 3][..], &[2, number][..])
        );
        joined.push_str(&String::from_utf8_lossy(&part.short_message[6..]));
    }
    assert_eq!(joined, long);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s166_an_mo_waits_for_its_partner_until_it_is_too_old_and_then_says_so() {
    let (set, builder) = at_a_set_time();
    let world = builder.build().await;
    arrives(&world, mo("win old")).await;
    set.advance(world.config.messages.validity_mo + Duration::from_secs(1));
    arrives(&world, mo("win new")).await;
    let mut acme = world.bind("acme").await;
    let new = next(&mut acme).await;
    assert_eq!(text(&new), "win new");
    let expired = eventually("the old one is expired", async || {
        let counts = metrics_of(&world).await;
        counts
            .lines()
            .find(|line| line.contains("expired") && line.contains("mo"))
            .map(str::to_owned)
    })
    .await;
    assert!(!expired.ends_with(" 0"), "{expired}");
    world.stop().await;
}

async fn metrics_of(world: &World) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(world.node.admin[0]).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s167_with_a_window_of_one_a_subscribers_texts_come_in_their_order() {
    let mut builder = Builder::default();
    builder.partners[0].credential.window = 1;
    let world = builder.build().await;
    for number in 0..20 {
        arrives(&world, mo(format!("win {number}").into_bytes())).await;
    }
    let mut acme = world.bind("acme").await;
    for number in 0..20 {
        assert_eq!(text(&next(&mut acme).await), format!("win {number}"));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s168_no_more_are_sent_than_the_partners_window_holds() {
    let mut builder = Builder::default();
    builder.partners[0].credential.window = 3;
    let world = builder.build().await;
    for number in 0..5 {
        arrives(&world, mo(format!("win {number}").into_bytes())).await;
    }
    let mut acme = silent(&world).await;
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(acme.next_delivery().await.unwrap());
    }
    round_trip(&acme).await;
    assert!(acme.try_delivery().is_none());
    acme.answer(taken[0].sequence, CommandStatus::ROK).await.unwrap();
    taken.push(acme.next_delivery().await.unwrap());
    round_trip(&acme).await;
    assert!(acme.try_delivery().is_none());
    for one in &taken[1..] {
        acme.answer(one.sequence, CommandStatus::ROK).await.unwrap();
    }
    let last = acme.next_delivery().await.unwrap();
    acme.answer(last.sequence, CommandStatus::ROK).await.unwrap();
    world.stop().await;
}

/// A long text in three parts.
const PARTS: [&[u8]; 3] = [b"win one ", b"two ", b"three"];

/// How one part of the three says which it is.
type Form = fn(u8) -> ShortMessage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c036_the_parts_of_an_mo_are_joined_in_whatever_order_and_form_they_come() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let eight: Form = |n| with_udh(&[5, 0, 3, 77, 3, n], PARTS[usize::from(n) - 1]);
    let sixteen: Form = |n| with_udh(&[6, 8, 4, 1, 77, 3, n], PARTS[usize::from(n) - 1]);
    let sar: Form = |n| ShortMessage {
        tlvs: Tlvs::new()
            .with_u16(tag::SAR_MSG_REF_NUM, 78)
            .with_u8(tag::SAR_TOTAL_SEGMENTS, 3)
            .with_u8(tag::SAR_SEGMENT_SEQNUM, n),
        ..mo(PARTS[usize::from(n) - 1])
    };
    for (form, name) in [(eight, "8 bit"), (sixteen, "16 bit"), (sar, "SAR")] {
        // The second comes twice: the operator did not hear our answer.
        for number in [3, 2, 2, 1] {
            arrives(&world, form(number)).await;
        }
        let whole = next(&mut acme).await;
        assert_eq!(text(&whole), "win one two three", "{name}");
        assert_eq!(whole.esm_class, 0, "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c036_an_mo_whose_part_never_comes_is_delivered_as_it_is_after_its_time() {
    let (set, builder) = at_a_set_time();
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    arrives(&world, with_udh(&[5, 0, 3, 77, 3, 1], PARTS[0])).await;
    arrives(&world, with_udh(&[5, 0, 3, 77, 3, 3], PARTS[2])).await;
    round_trip(&acme).await;
    assert!(acme.try_delivery().is_none());
    set.advance(Duration::from_secs(301));
    assert_eq!(text(&next(&mut acme).await), "win one three");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mo_beyond_what_may_wait_stays_with_the_operator_its_last_part_too() {
    let mut builder = hurried();
    builder.partners[0].partner.waiting_max = 2;
    let world = builder.build().await;
    arrives(&world, mo("win 1")).await;
    arrives(&world, with_udh(&[5, 0, 3, 77, 2, 1], b"win long ")).await;
    arrives(&world, mo("win 2")).await;
    world.smsc.queue_mo(SUBSCRIBER, CODE, "win 3").unwrap();
    let last = world.smsc.deliver(None, with_udh(&[5, 0, 3, 77, 2, 2], b"end"));
    let mut texts = Vec::new();
    let (status, ()) = tokio::join!(last, async {
        world.smsc.wait_until(|journal| journal.deliveries_refused >= 6).await.unwrap();
        let mut acme = world.bind("acme").await;
        for _ in 0..4 {
            texts.push(text(&next(&mut acme).await));
        }
    });
    assert!(status.unwrap().is_ok());
    texts.sort_unstable();
    assert_eq!(texts, ["win 1", "win 2", "win 3", "win long end"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keywords_lead_to_services_and_what_no_keyword_takes_is_acknowledged() {
    let services = vec![
        service("acme", "win", "7455", &["WIN"]),
        service("acme", "car", "7455", &["WIN.CAR"]),
        service("acme", "frog", "7455", &["ŻABA"]),
        service("acme", "all", "7477", &["*"]),
    ];
    let builder = Builder { services, ..Builder::default() };
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    assert!(world.smsc.mo(SUBSCRIBER, "7455", "nothing of ours").await.unwrap().is_ok());
    assert!(world.smsc.mo(SUBSCRIBER, "7499", "win").await.unwrap().is_ok(), "no such number");
    for (to, sent, keyword) in [
        ("7455", "win please", "WIN"),
        ("7455", "WIN.CAR now", "WIN.CAR"),
        ("7455", "wIn.cartoon", "WIN"),
        ("7455", " !win", "WIN"),
        ("7455", "żaba", "ZABA"),
        ("7455", "Zaba 1", "ZABA"),
        ("7477", "whatever", "*"),
    ] {
        assert!(world.smsc.mo(SUBSCRIBER, to, sent).await.unwrap().is_ok());
        let id = id_of(&next(&mut acme).await);
        let line = world.gateway().store().message_line(id).await.unwrap().unwrap();
        assert_eq!(line.keyword.as_deref(), Some(keyword), "{sent}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_ends_three_sessions_is_put_aside_and_the_others_go_on() {
    let world = World::new().await;
    arrives(&world, mo("win poison")).await;
    let mut poison = None;
    for _ in 0..3 {
        let mut acme = silent(&world).await;
        let first = acme.next_delivery().await.unwrap();
        assert_eq!(text(&first.message), "win poison");
        poison = Some(id_of(&first.message));
        acme.close().await.unwrap();
        nothing_is_under_way(&world).await;
    }
    world.becomes(poison.unwrap(), MessageState::Quarantined).await;
    arrives(&world, mo("win good")).await;
    let mut acme = world.bind("acme").await;
    assert_eq!(text(&next(&mut acme).await), "win good");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_is_delivered_alone() {
    let world = World::new().await;
    arrives(&world, mo("win suspect")).await;
    let mut acme = silent(&world).await;
    acme.next_delivery().await.unwrap();
    acme.close().await.unwrap();
    nothing_is_under_way(&world).await;
    arrives(&world, mo("win other")).await;
    let mut acme = silent(&world).await;
    let suspect: Delivered = acme.next_delivery().await.unwrap();
    assert_eq!(text(&suspect.message), "win suspect");
    round_trip(&acme).await;
    assert!(acme.try_delivery().is_none(), "nothing goes beside it");
    acme.answer(suspect.sequence, CommandStatus::ROK).await.unwrap();
    let other = acme.next_delivery().await.unwrap();
    assert_eq!(text(&other.message), "win other");
    acme.answer(other.sequence, CommandStatus::ROK).await.unwrap();
    world.stop().await;
}
