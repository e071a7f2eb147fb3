//! What a link makes of texts: alphabets, parts, tariffs; and how it survives bad company.

use std::time::Duration;

use bramka::{
    demo::{
        esme::{Esme, mt},
        fake_smsc::{CloseAfter, Closing, FakeSmsc},
    },
    domain::{
        MessageId, MessageState,
        secret::{self, Pepper},
    },
    smpp::{
        Address, CommandStatus, ShortMessage, Tlvs, tag,
        values::{esm_class, message_state as state},
    },
    store::NewApiKey,
};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use super::world::{
    Builder, LINK, PEPPER, Wire, World, another_link, at_a_set_time, eventually, hurried, number,
    service,
};

const SUBSCRIBER: &str = "48600100200";
const FREE: &str = "7455";
const CHARGED: &str = "7466";

async fn submit(esme: &Esme, message: ShortMessage) -> MessageId {
    let id = esme.submit(message).await.unwrap().message_id;
    number(&id)
}

fn coded(data_coding: u8, octets: impl Into<Bytes>) -> ShortMessage {
    ShortMessage { data_coding, short_message: octets.into(), ..mt(FREE, SUBSCRIBER, "") }
}

fn mo(data_coding: u8, octets: impl Into<Bytes>) -> ShortMessage {
    ShortMessage {
        source: Address::new(1, 1, SUBSCRIBER),
        destination: Address::new(3, 1, FREE),
        data_coding,
        short_message: octets.into(),
        ..ShortMessage::default()
    }
}

const PACKED: &str = "packed_gsm7 = true";
const LATIN: &str = "alphabet = \"latin1\"";
const UTF8: &str = "alphabet = \"utf8\"";
/// `WIN €[` in GSM 7-bit: the last two are escaped. [3GPP 23.038 s6.2.1.1]
const EXTENDED: &[u8] = b"WIN \x1be\x1b<";
/// `WIN é` in GSM 7-bit.
const ACCENT: &[u8] = b"WIN \x05";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c038_an_mo_is_read_in_the_alphabet_of_its_link() {
    // A smiling face beyond the first plane, as a surrogate pair.
    let surrogates = [b"\0W\0I\0N\0 ".as_slice(), &[0xd8, 0x3d, 0xde, 0x00]].concat();
    for (link, data_coding, octets, seen_coding, seen) in [
        ("", 0, EXTENDED.to_vec(), 0, EXTENDED.to_vec()),
        (LATIN, 0, b"WIN \xe9".to_vec(), 0, ACCENT.to_vec()),
        // U+00DD is not in GSM 7-bit: it comes as UCS-2.
        (LATIN, 0, b"WIN \xdd".to_vec(), 8, b"\0W\0I\0N\0 \0\xdd".to_vec()),
        (UTF8, 0, "WIN é".as_bytes().to_vec(), 0, ACCENT.to_vec()),
        // `WIN` packed: 1010111, 1001001, 1001110 from the low bit up.
        (PACKED, 0, vec![0xd7, 0xa4, 0x13], 0, b"WIN".to_vec()),
        ("", 3, b"WIN \xe9".to_vec(), 3, b"WIN \xe9".to_vec()),
        ("", 8, surrogates.clone(), 8, surrogates.clone()),
    ] {
        let world = Builder { link: link.into(), ..Builder::default() }.build().await;
        let mut acme = world.bind("acme").await;
        assert!(world.smsc.deliver(None, mo(data_coding, octets)).await.unwrap().is_ok());
        let came = acme.next_delivery().await.unwrap().message;
        assert_eq!((came.data_coding, &came.short_message[..]), (seen_coding, &seen[..]), "{link}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c037_c038_binary_and_ports_reach_the_catch_all_and_the_keyword() {
    let mut builder = Builder::default();
    builder.services.push(service("acme", "all", "7402", &["*"]));
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let binary = ShortMessage {
        destination: Address::new(3, 1, "7402"),
        ..mo(4, vec![0x00, 0xff, 0x1b, 0x80])
    };
    assert!(world.smsc.deliver(None, binary).await.unwrap().is_ok());
    let came = acme.next_delivery().await.unwrap().message;
    assert_eq!((came.data_coding, &came.short_message[..]), (4, &[0x00, 0xff, 0x1b, 0x80][..]));
    // Application ports: the keyword stands behind the header.
    let headed = [&[6, 5, 4, 0x0b, 0x84, 0x23, 0xf0], b"win".as_slice()].concat();
    let headed = ShortMessage { esm_class: esm_class::UDHI, ..mo(0, headed) };
    assert!(world.smsc.deliver(None, headed).await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.destination.digits, FREE);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c038_the_packed_parts_of_a_long_mo_are_read_behind_their_fill_bits() {
    use bramka::payload::septet::{fill_bits, pack};
    let world = Builder { link: PACKED.into(), ..Builder::default() }.build().await;
    let mut acme = world.bind("acme").await;
    for (number, words) in [(1, b"win one ".as_slice()), (2, b"and two")] {
        // A header of six octets leaves one fill bit.
        let packed = pack(words, fill_bits(6));
        let octets = [&[5, 0, 3, 9, 2, number], &packed[..]].concat();
        let part = ShortMessage { esm_class: esm_class::UDHI, ..mo(0, octets) };
        assert!(world.smsc.deliver(None, part).await.unwrap().is_ok());
    }
    let came = acme.next_delivery().await.unwrap().message;
    assert_eq!(came.short_message, "win one and two");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c039_a_national_sender_becomes_international() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    for (ton, digits) in [(2, "600100200"), (1, "48600100200"), (1, "+48600100200")] {
        let message = ShortMessage { source: Address::new(ton, 1, digits), ..mo(0, "win") };
        assert!(world.smsc.deliver(None, message).await.unwrap().is_ok());
        let came = acme.next_delivery().await.unwrap().message;
        assert_eq!(came.source, Address::new(1, 1, SUBSCRIBER), "{digits}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mt_is_written_in_the_alphabet_of_its_link() {
    let surrogates = vec![0xd8, 0x3d, 0xde, 0x00];
    for (link, sent, seen) in [
        ("", coded(0, EXTENDED), (0, EXTENDED.to_vec())),
        (LATIN, coded(0, ACCENT), (0, b"WIN \xe9".to_vec())),
        (UTF8, coded(0, ACCENT), (0, "WIN é".as_bytes().to_vec())),
        (PACKED, coded(0, "WIN"), (0, vec![0xd7, 0xa4, 0x13])),
        ("", coded(8, surrogates.clone()), (8, surrogates.clone())),
        ("", coded(4, vec![0, 0xff, 0x1b]), (4, vec![0, 0xff, 0x1b])),
    ] {
        let world = Builder { link: link.into(), ..Builder::default() }.build().await;
        let acme = world.bind("acme").await;
        submit(&acme, sent).await;
        let sent = world.smsc.wait_for_submits(1).await.unwrap();
        let message = &sent[0].message;
        assert_eq!((message.data_coding, message.short_message.to_vec()), seen, "{link}");
        world.stop().await;
    }
}

/// Cuts where each is: the reference, the total, the number, and the text.
fn part_of(message: &ShortMessage, way: &str) -> (Vec<u8>, u8, u8, Vec<u8>) {
    if way == "udh" {
        let octets = &message.short_message;
        assert_eq!((message.esm_class, &octets[..3]), (esm_class::UDHI, &[5, 0, 3][..]));
        return (octets[3..4].to_vec(), octets[4], octets[5], octets[6..].to_vec());
    }
    assert_eq!(message.esm_class, 0);
    let reference = message.tlvs.u16(tag::SAR_MSG_REF_NUM).unwrap().to_be_bytes().to_vec();
    let total = message.tlvs.u8(tag::SAR_TOTAL_SEGMENTS).unwrap();
    let number = message.tlvs.u8(tag::SAR_SEGMENT_SEQNUM).unwrap();
    (reference, total, number, message.short_message.to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_charged_mt_goes_in_parts_with_one_tariff_one_receipt_and_one_charge() {
    let words = "lorem ipsum dolor ".repeat(20);
    for way in ["udh", "sar"] {
        let link =
            format!("long_messages = \"{way}\"\ntariff_way = \"tlv\"\ntariff_tlv_tag = 0x1401");
        let world = Builder { link, ..Builder::default() }.build().await;
        let mut acme = world.bind("acme").await;
        let message = ShortMessage {
            tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, words.clone().into_bytes()),
            ..mt(CHARGED, SUBSCRIBER, "")
        };
        let id = submit(&acme, message).await;
        let sent = world.smsc.wait_for_submits(3).await.unwrap();
        let mut joined = Vec::new();
        let first = part_of(&sent[0].message, way);
        for (index, one) in (1..).zip(&sent) {
            let (reference, total, number, octets) = part_of(&one.message, way);
            assert_eq!((&reference, total, number), (&first.0, 3, index), "{way}");
            let tariff = one.message.tlvs.text(0x1401);
            assert_eq!(tariff, (index == 1).then_some(b"T4".as_slice()), "{way} {index}");
            joined.extend(octets);
        }
        assert_eq!(String::from_utf8(joined).unwrap(), words, "{way}");
        let receipt = acme.next_delivery().await.unwrap().message;
        assert_eq!(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(id.to_string().as_bytes()));
        assert_eq!(world.ledger().await, (1, 492), "{way}");
        assert!(acme.try_delivery().is_none());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_mt_goes_whole_where_the_link_takes_payloads_and_has_its_receipt() {
    let words = "lorem ipsum dolor ".repeat(20);
    let link = "long_messages = \"payload\"".into();
    let world = Builder { link, ..Builder::default() }.build().await;
    let mut acme = world.bind("acme").await;
    let message = ShortMessage {
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, words.clone().into_bytes()),
        ..mt(CHARGED, SUBSCRIBER, "")
    };
    submit(&acme, message).await;
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(
        sent[0].message.tlvs.get(tag::MESSAGE_PAYLOAD).map(|v| &v[..]),
        Some(words.as_bytes())
    );
    assert!(acme.next_delivery().await.unwrap().is_receipt());
    assert_eq!(world.ledger().await, (1, 492));
    world.stop().await;
}

/// Sends a message over the API; the answer's head and body.
async fn post(world: &World, key: &str, body: &serde_json::Value) -> String {
    let body = body.to_string();
    let head = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut wire = Wire::connect(world.node.http[0]).await;
    wire.write((head + &body).as_bytes()).await;
    let mut answer = String::new();
    wire.0.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wap_push_of_the_api_reaches_the_smsc_octet_by_octet_and_a_long_one_in_headed_parts() {
    // The way of the link is not asked: only a header can repeat the ports.
    for way in ["udh", "sar", "payload"] {
        let key = Pepper::new(PEPPER).mint().unwrap();
        let mut builder =
            Builder { link: format!("long_messages = \"{way}\""), ..Builder::default() };
        builder.partners[0].api_key = Some(NewApiKey {
            partner: "acme".into(),
            prefix: key.prefix.clone(),
            secret: key.hash.clone(),
            expires_at: i64::MAX,
            mode: bramka::domain::Mode::Live,
        });
        let world = builder.ready().await;
        let mut body = serde_json::json!({
            "to": SUBSCRIBER, "from": FREE,
            "wap_push": {
                "kind": "si", "href": "https://wap.example.pl/d?t=AB12", "text": "Pobierz gre",
                "id": "m1", "action": "signal-high"
            }
        });
        let answer = post(&world, &key.shown, &body).await;
        assert!(answer.contains("202 Accepted") && answer.contains("\"parts\":1"), "{answer}");
        let sent = world.smsc.wait_for_submits(1).await.unwrap();
        let short = &sent[0].message;
        assert_eq!((short.esm_class, short.data_coding), (esm_class::UDHI, 4));
        // ports 2948 from 9200, push of an SI in UTF-8, WBXML
        let vector = "0605040b8423f001060403ae81ea\
             02056a0045c60e037761702e6578616d706c652e706c2f643f743d414231320011036d3100080103\
             506f626965727a20677265000101";
        assert_eq!(secret::hex(&short.short_message), vector);

        body["wap_push"]["text"] = "x".repeat(300).into();
        let answer = post(&world, &key.shown, &body).await;
        assert!(answer.contains("\"parts\":3"), "{answer}");
        let sent = world.smsc.wait_for_submits(4).await.unwrap();
        let mut joined = Vec::new();
        for (number, part) in (1..).zip(&sent[1..]) {
            let octets = &part.message.short_message;
            assert_eq!((part.message.esm_class, part.message.data_coding), (esm_class::UDHI, 4));
            // Ports as above, then part `number` of 3 of one reference.
            let reference = sent[1].message.short_message[9];
            let header = [11, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 0, 3, reference, 3, number];
            assert_eq!(octets[..12], header, "{way}");
            assert!(octets.len() <= 140);
            joined.extend_from_slice(&octets[12..]);
        }
        let joined = secret::hex(&joined);
        assert!(joined.starts_with("01060403ae81ea02056a00") && joined.ends_with("7878000101"));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_mt_is_delivered_only_if_every_part_was() {
    let mut builder = hurried();
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let words = "long ".repeat(60);
    let long = || ShortMessage {
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, words.clone().into_bytes()),
        ..mt(CHARGED, SUBSCRIBER, "")
    };
    let id = submit(&acme, long()).await;
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    world.smsc.send_receipt_for(&sent[1], state::DELIVERED).unwrap();
    world.smsc.send_receipt_for(&sent[0], state::UNDELIVERABLE).unwrap();
    world.becomes(id, MessageState::Undeliverable).await;
    assert_eq!(world.ledger().await, (0, 0));
    // The second part refused for good: its sister's receipt ends the message, unpaid.
    world.smsc.script(|script| {
        script.rules.clear();
        script.answer_first(1, CommandStatus::ROK);
        script.answer_first(1, CommandStatus::RINVDSTADR);
    });
    let id = submit(&acme, long()).await;
    let sent = world.smsc.wait_for_submits(4).await.unwrap();
    world.becomes(id, MessageState::Submitted).await;
    world.smsc.send_receipt_for(&sent[2], state::DELIVERED).unwrap();
    world.becomes(id, MessageState::Rejected).await;
    // Both refused: nothing of it was taken.
    world.smsc.script(|script| script.answer_with(CommandStatus::RINVDSTADR));
    let id = submit(&acme, long()).await;
    world.becomes(id, MessageState::Rejected).await;
    assert_eq!(world.ledger().await, (0, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_ends_two_sessions_is_sent_alone_the_second_time_and_then_put_aside() {
    let mut builder = hurried();
    let close = || Some(CloseAfter { submits: 1, how: Closing::Reset });
    builder.script.close = close();
    let world = builder.build().await;
    world.link_up().await;
    let acme = world.bind("acme").await;
    let poison = submit(&acme, mt(FREE, SUBSCRIBER, "poison")).await;
    world.smsc.wait_until(|journal| journal.connections_ended == 1).await.unwrap();
    world.smsc.script(|script| script.close = close());
    let good = submit(&acme, mt(FREE, SUBSCRIBER, "good")).await;
    world.becomes(poison, MessageState::Quarantined).await;
    world.becomes(good, MessageState::Delivered).await;
    let sent = world.smsc.submits();
    let words = |line: u64| -> Vec<_> {
        let of_it = sent.iter().filter(|one| one.line == line);
        of_it.map(|one| one.message.short_message.clone()).collect()
    };
    assert_eq!(words(sent[0].line), ["poison"]);
    assert_eq!(sent.iter().filter(|one| one.message.short_message == "poison").count(), 2);
    let second = sent.iter().rfind(|one| one.message.short_message == "poison").unwrap();
    assert_eq!(words(second.line), ["poison"], "alone");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_smsc_of_a_group_is_gone_the_other_carries_on() {
    let spare = FakeSmsc::start().await.unwrap();
    let mut builder = hurried();
    builder.settings = another_link("spare", spare.address(), &format!("group = \"{LINK}\""));
    let world = builder.build().await;
    world.link_up().await;
    spare.wait_for_binds(1).await.unwrap();
    let mut acme = world.bind("acme").await;
    world.smsc.script(|script| script.accepts_connections = false);
    world.smsc.close_all(Closing::Reset);
    for _ in 0..5 {
        submit(&acme, mt(FREE, SUBSCRIBER, "hello")).await;
    }
    for _ in 0..5 {
        assert!(acme.next_delivery().await.unwrap().is_receipt());
    }
    // A charged one that was with the first when it fell would be UNKNOWN; these were free.
    assert!(!spare.submits().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_follow_the_schedule_and_end_with_the_validity() {
    let (clock, mut builder) = at_a_set_time();
    builder.tune = Some(Box::new(|config| {
        config.messages.retry = [60, 600].map(Duration::from_secs).to_vec();
    }));
    builder.script.answer_with(CommandStatus::RMSGQFUL);
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt(FREE, SUBSCRIBER, "hello");
    // A quarter of an hour. [34 s7.1.1.2]
    message.validity_period = "000000001500000R".into();
    let id = submit(&acme, message).await;
    let is_planned = async |count: usize| {
        eventually("the next try is planned", async || {
            let events = world.gateway().store().events(id).await.unwrap();
            (events.iter().filter(|event| event.kind == "retry_planned").count() == count)
                .then_some(())
        })
        .await;
    };
    is_planned(1).await;
    // The first pause is at most a minute, at least half of it (P19).
    clock.advance(Duration::from_secs(29));
    submit(&acme, mt(FREE, "48600100999", "what comes behind")).await;
    world.smsc.wait_for_submits(2).await.unwrap();
    clock.advance(Duration::from_secs(31));
    let sent = world.smsc.wait_for_submits(3).await.unwrap();
    assert!(
        sent[..2].iter().filter(|one| one.message.destination.digits == SUBSCRIBER).count() == 1
    );
    is_planned(2).await;
    clock.advance(Duration::from_mins(15));
    let receipt = acme.next_delivery().await.unwrap().message;
    let words = String::from_utf8_lossy(&receipt.short_message).into_owned();
    assert!(words.contains("stat:EXPIRED"), "{words}");
    world.stop().await;
}
