//! What a partner may ask beside `submit_sm`: S110 to S139.

use bramka::{
    demo::esme::{Esme, Failed, mt},
    smpp::{
        Address, BindKind, Command, CommandId, CommandStatus, Pdu, Tlvs, Version,
        pdu::{
            CancelSm, DataSm, Destination, MessageResp, QuerySm, QuerySmResp, ReplaceSm,
            SubmitMulti, SubmitMultiResp,
        },
        tag,
        values::{esm_class, message_state as state},
    },
};
use bytes::Bytes;

use super::world::{
    Builder, LINK, PartnerPlan, Wire, World, at_a_set_time, eventually, service, text,
};

const SUBSCRIBER: &str = "48600100200";
const CODE: &str = "7455";

/// Two partners with a free service each, and a link that is down: what is submitted waits.
async fn waiting_world() -> World {
    let world = two_partners().await;
    world.link_down().await;
    world
}

async fn two_partners() -> World {
    let mut builder = Builder::default();
    builder.partners.push(PartnerPlan::named("beta"));
    builder.services.push(service("beta", "beta-win", "7400", &["WIN"]));
    let world = builder.build().await;
    world.link_up().await;
    world
}

fn link_up_again(world: &World) {
    world.gateway().registry().link(LINK).unwrap().want(true);
}

fn sme(digits: &str) -> Destination {
    Destination::Sme(Address::new(1, 1, digits.as_bytes().to_vec()))
}

fn multi(destinations: Vec<Destination>) -> Pdu {
    Pdu::SubmitMulti(Box::new(SubmitMulti { destinations, message: mt(CODE, "", "hello") }))
}

fn source(digits: &str) -> Address {
    Address::new(3, 1, digits.as_bytes().to_vec())
}

async fn multi_resp(esme: &Esme, pdu: Pdu) -> SubmitMultiResp {
    let answer = esme.request(pdu).await.unwrap();
    assert_eq!(answer.status, CommandStatus::ROK);
    match answer.pdu {
        Pdu::SubmitMultiResp(resp) => resp,
        other => panic!("{other:?}"),
    }
}

async fn status_of(esme: &Esme, pdu: Pdu) -> CommandStatus {
    esme.request(pdu).await.unwrap().status
}

async fn query(esme: &Esme, id: &Bytes, from: &str) -> Result<QuerySmResp, CommandStatus> {
    let pdu = Pdu::QuerySm(QuerySm { message_id: id.clone(), source: source(from) });
    let answer = esme.request(pdu).await.unwrap();
    match answer.pdu {
        Pdu::QuerySmResp(resp) if answer.status.is_ok() => Ok(resp),
        _ => Err(answer.status),
    }
}

fn cancel(id: &Bytes) -> Pdu {
    Pdu::CancelSm(Box::new(CancelSm {
        message_id: id.clone(),
        source: source(CODE),
        ..CancelSm::default()
    }))
}

fn cancel_all(service_type: &str) -> Pdu {
    Pdu::CancelSm(Box::new(CancelSm {
        service_type: service_type.as_bytes().to_vec().into(),
        message_id: Bytes::new(),
        source: source(CODE),
        destination: Address::new(1, 1, SUBSCRIBER.as_bytes().to_vec()),
    }))
}

fn replace(id: &Bytes, text: &'static str) -> ReplaceSm {
    ReplaceSm {
        message_id: id.clone(),
        source: source(CODE),
        registered_delivery: 1,
        short_message: text.into(),
        ..ReplaceSm::default()
    }
}

fn data_sm(text: &'static str) -> DataSm {
    DataSm {
        source: source(CODE),
        destination: Address::new(1, 1, SUBSCRIBER.as_bytes().to_vec()),
        registered_delivery: 1,
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, text),
        ..DataSm::default()
    }
}

async fn data_resp(esme: &Esme, pdu: DataSm) -> (CommandStatus, MessageResp) {
    let answer = esme.request(Pdu::DataSm(Box::new(pdu))).await.unwrap();
    match answer.pdu {
        Pdu::DataSmResp(resp) => (answer.status, resp),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s110_s116_three_good_addresses_get_one_id_and_a_receipt_each() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let numbers = ["48600100201", "48600100202", "48600100203"];
    let resp = multi_resp(&acme, multi(numbers.map(sme).into())).await;
    assert_eq!(resp.unsuccess, []);
    let id = String::from_utf8_lossy(&resp.message_id).into_owned();
    assert!(!id.is_empty());
    let mut sources = Vec::new();
    for _ in numbers {
        let receipt = acme.next_delivery().await.unwrap().message;
        assert!(text(&receipt).starts_with(&format!("id:{id} ")), "{}", text(&receipt));
        assert_eq!(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(id.as_bytes()));
        sources.push(String::from_utf8_lossy(&receipt.source.digits).into_owned());
    }
    sources.sort_unstable();
    assert_eq!(sources, numbers);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_one_bad_address_of_three_is_listed_with_its_status_and_the_others_go() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let bad = Address::new(1, 1, "not-a-number");
    let destinations = vec![sme("48600100201"), Destination::Sme(bad.clone()), sme("48600100203")];
    let resp = multi_resp(&acme, multi(destinations)).await;
    assert_eq!(resp.unsuccess.len(), 1);
    assert_eq!(resp.unsuccess[0].address, bad);
    assert_eq!(resp.unsuccess[0].status, CommandStatus::RINVDSTADR);
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    let mut to: Vec<_> = sent.iter().map(|one| one.message.destination.digits.clone()).collect();
    to.sort_unstable();
    assert_eq!(to, ["48600100201", "48600100203"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s112_s113_s114_s115_a_submit_multi_that_cannot_be_read_is_refused_as_the_table_says() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let list = Destination::List("friends".into());
    let status = status_of(&acme, multi(vec![list])).await;
    assert_eq!(status, CommandStatus::RCNTSUBDL, "S114");
    let Pdu::SubmitMulti(mut replacing) = multi(vec![sme("48600100201")]) else { unreachable!() };
    replacing.message.replace_if_present = 1;
    let status = status_of(&acme, Pdu::SubmitMulti(replacing)).await;
    assert_eq!(status, CommandStatus::RINVSUBREP, "S115");
    // S112, S113: a client that could not be made to say it says it in octets.
    let raw = |count: u8, flag: u8| {
        let one = [&[flag], b"\x01\x0148600100201\0".as_slice()].concat();
        let tail = b"\0\0\0\0\0\0\0\0\0\x05hello";
        let head = [b"\0\x03\x017455\0".as_slice(), &[count]].concat();
        let body = [head, one.repeat(usize::from(count)), tail.to_vec()].concat();
        Pdu::Other(CommandId::SUBMIT_MULTI, body.into())
    };
    for (what, pdu, status) in [
        ("S112: no destination", raw(0, 1), CommandStatus::RINVNUMDESTS),
        ("S112: 255 in 3.4", raw(255, 1), CommandStatus::RINVNUMDESTS),
        ("S113: neither address nor list", raw(1, 3), CommandStatus::RINVDESTFLAG),
    ] {
        assert_eq!(status_of(&acme, pdu).await, status, "{what}");
    }
    assert_eq!(world.smsc.submits().len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_s118_data_sm_carries_its_text_in_message_payload_or_is_refused() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let (status, resp) = data_resp(&acme, data_sm("by data_sm")).await;
    assert!(status.is_ok());
    assert!(!resp.message_id.is_empty());
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(text(&sent[0].message), "by data_sm");
    let bare = DataSm { tlvs: Tlvs::new(), ..data_sm("") };
    let (status, resp) = data_resp(&acme, bare).await;
    assert_eq!(status, CommandStatus::RMISSINGTLV);
    assert!(resp.message_id.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s119_an_address_of_64_characters_is_read_and_refused_for_what_it_is() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let destination = Address::new(1, 1, vec![b'4'; 64]);
    let (status, _) = data_resp(&acme, DataSm { destination, ..data_sm("x") }).await;
    // Not the status of a field that is too long: the codec took it.
    assert_eq!(status, CommandStatus::RINVDSTADR);
    let (status, _) = data_resp(&acme, data_sm("the stream is whole")).await;
    assert!(status.is_ok());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s120_a_transaction_is_refused_as_a_delivery_failure_with_its_reason() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let transaction = DataSm { esm_class: esm_class::MODE_TRANSACTION, ..data_sm("now") };
    let (status, resp) = data_resp(&acme, transaction).await;
    assert_eq!(status, CommandStatus::RDELIVERYFAILURE);
    assert!(resp.message_id.is_empty());
    assert!(resp.tlvs.u8(tag::DELIVERY_FAILURE_REASON).is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s121_s139_a_wish_for_an_alert_is_kept_and_no_answer_to_the_alert_is_waited_for() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let transmitter = world.bind_as("acme", BindKind::Transmitter, Version::V34).await;
    let mut pdu = data_sm("are you there");
    pdu.registered_delivery = 0;
    pdu.tlvs = pdu.tlvs.with_u8(tag::SET_DPF, 1);
    let (status, resp) = data_resp(&transmitter, pdu).await;
    assert!(status.is_ok());
    assert_eq!(resp.tlvs.u8(tag::DPF_RESULT), Some(1));
    // alert_notification of the operator: source_addr, then esme_addr. [34 s4.12.1]
    let body = b"\x01\x0148600100200\0\0\0bramka\0";
    let length = u8::try_from(16 + body.len()).unwrap();
    let header = [0, 0, 0, length, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 77];
    world.smsc.send_raw(&[&header, body.as_slice()].concat());
    let alert = acme.read_command().await.unwrap();
    let Pdu::AlertNotification(alert) = alert.pdu else { panic!("{alert:?}") };
    assert_eq!(alert.source.digits, SUBSCRIBER);
    // Nobody answered it, and the session goes on: the unbind is the next thing that happens.
    assert!(acme.unbind().await.unwrap().is_ok());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s122_a_waiting_message_is_enroute_or_scheduled_without_a_date() {
    let world = waiting_world().await;
    let acme = world.bind("acme").await;
    let modern = world.bind_as("acme", BindKind::Transceiver, Version::V50).await;
    let id = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id;
    let found = query(&acme, &id, CODE).await.unwrap();
    assert_eq!((found.message_state, found.final_date.len()), (state::ENROUTE, 0));
    assert_eq!(found.message_id, id);
    // In an hour. [34 s7.1.1.2]
    let mut later = mt(CODE, SUBSCRIBER, "later");
    later.schedule_delivery_time = "000000010000000R".into();
    let id = acme.submit(later).await.unwrap().message_id;
    assert_eq!(query(&modern, &id, CODE).await.unwrap().message_state, state::SCHEDULED);
    assert_eq!(query(&acme, &id, CODE).await.unwrap().message_state, state::ENROUTE);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s123_a_final_message_shows_its_state_its_date_and_the_networks_cause() {
    let mut builder = Builder::default();
    builder.script.receipts.state = state::UNDELIVERABLE;
    builder.script.receipts.network_error = Some([3, 0, 34]);
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let id = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id;
    acme.next_delivery().await.unwrap();
    let found = query(&acme, &id, CODE).await.unwrap();
    assert_eq!(found.message_state, state::UNDELIVERABLE);
    assert_eq!(found.final_date.len(), 16, "{:?}", found.final_date);
    assert_eq!(found.error_code, 34);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s124_s125_s126_what_is_not_yours_is_answered_as_what_is_not() {
    let world = waiting_world().await;
    let acme = world.bind("acme").await;
    let beta = world.bind("beta").await;
    let id = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id;
    let unknown = Err(CommandStatus::RINVMSGID);
    assert_eq!(query(&acme, &"1234567".into(), CODE).await, unknown, "S124");
    assert_eq!(query(&acme, &"no number".into(), CODE).await, unknown, "S124");
    assert_eq!(query(&acme, &id, "7456").await, unknown, "S125");
    assert_eq!(query(&beta, &id, CODE).await, unknown, "S126");
    assert_eq!(query(&beta, &id, "").await, unknown, "S126");
    assert_eq!(status_of(&beta, cancel(&id)).await, CommandStatus::RINVMSGID);
    let taken = Pdu::ReplaceSm(Box::new(replace(&id, "mine now")));
    assert_eq!(status_of(&beta, taken).await, CommandStatus::RREPLACEFAIL);
    assert_eq!(query(&acme, &id, CODE).await.unwrap().message_state, state::ENROUTE);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s127_s128_s131_a_cancelled_message_is_deleted_with_a_receipt_and_never_sent() {
    let world = waiting_world().await;
    let mut acme = world.bind("acme").await;
    let id = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id;
    let answer = acme.request(cancel(&id)).await.unwrap();
    assert_eq!((answer.status, answer.pdu), (CommandStatus::ROK, Pdu::CancelSmResp), "S131");
    let receipt = acme.next_delivery().await.unwrap().message;
    assert!(text(&receipt).contains("stat:DELETED"), "{}", text(&receipt));
    assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state::DELETED));
    assert_eq!(query(&acme, &id, CODE).await.unwrap().message_state, state::DELETED);
    assert_eq!(status_of(&acme, cancel(&id)).await, CommandStatus::RCANCELFAIL, "S128");
    // What comes after it is sent, and it is not.
    acme.submit(mt(CODE, SUBSCRIBER, "next")).await.unwrap();
    link_up_again(&world);
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(text(&sent[0].message), "next");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s129_s130_an_empty_id_cancels_all_between_two_numbers_of_the_service_type_if_given() {
    let world = waiting_world().await;
    let acme = world.bind("acme").await;
    assert_eq!(status_of(&acme, cancel_all("")).await, CommandStatus::RCANCELFAIL, "S130");
    let mut ids = Vec::new();
    for (kind, recipient) in [("", SUBSCRIBER), ("GOLD", SUBSCRIBER), ("", "48600100999")] {
        let mut message = mt(CODE, recipient, "hello");
        message.service_type = kind.as_bytes().to_vec().into();
        ids.push(acme.submit(message).await.unwrap().message_id);
    }
    let states = async || {
        let mut states = Vec::new();
        for id in &ids {
            states.push(query(&acme, id, CODE).await.unwrap().message_state);
        }
        states
    };
    assert!(status_of(&acme, cancel_all("GOLD")).await.is_ok());
    assert_eq!(states().await, [state::ENROUTE, state::DELETED, state::ENROUTE]);
    assert!(status_of(&acme, cancel_all("")).await.is_ok());
    assert_eq!(states().await, [state::DELETED, state::DELETED, state::ENROUTE]);
    assert_eq!(status_of(&acme, cancel_all("")).await, CommandStatus::RCANCELFAIL, "S130");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s132_a_replaced_message_is_sent_once_with_its_new_text() {
    let world = waiting_world().await;
    let acme = world.bind("acme").await;
    let id = acme.submit(mt(CODE, SUBSCRIBER, "old")).await.unwrap().message_id;
    let answer = acme.request(Pdu::ReplaceSm(Box::new(replace(&id, "new")))).await.unwrap();
    assert_eq!((answer.status, answer.pdu), (CommandStatus::ROK, Pdu::ReplaceSmResp));
    acme.submit(mt(CODE, SUBSCRIBER, "last")).await.unwrap();
    link_up_again(&world);
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    let texts: Vec<_> = sent.iter().map(|one| text(&one.message)).collect();
    assert_eq!(texts, ["new", "last"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s133_s135_what_is_final_unknown_or_has_parts_cannot_be_replaced() {
    let world = two_partners().await;
    let mut acme = world.bind("acme").await;
    let failed = CommandStatus::RREPLACEFAIL;
    let unknown = Pdu::ReplaceSm(Box::new(replace(&"1234567".into(), "new")));
    assert_eq!(status_of(&acme, unknown).await, failed, "S133: unknown");
    let id = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await.unwrap().message_id;
    acme.next_delivery().await.unwrap();
    let done = Pdu::ReplaceSm(Box::new(replace(&id, "new")));
    assert_eq!(status_of(&acme, done).await, failed, "S133: final");
    world.link_down().await;
    let mut part = mt(CODE, SUBSCRIBER, "");
    part.esm_class = esm_class::UDHI;
    part.short_message = b"\x05\x00\x03\x01\x02\x01part".as_slice().into();
    let id = acme.submit(part).await.unwrap().message_id;
    let headed = Pdu::ReplaceSm(Box::new(replace(&id, "new")));
    assert_eq!(status_of(&acme, headed).await, failed, "S135: a header");
    let id = acme.submit(mt(CODE, SUBSCRIBER, &"long ".repeat(40))).await.unwrap().message_id;
    let long = Pdu::ReplaceSm(Box::new(replace(&id, "new")));
    assert_eq!(status_of(&acme, long).await, failed, "S135: several parts");
    assert_eq!(world.smsc.submits().len(), 1, "no new message came of it");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s134_empty_times_keep_the_old_ones() {
    let world = two_partners().await;
    let acme = world.bind("acme").await;
    let modern = world.bind_as("acme", BindKind::Transceiver, Version::V50).await;
    let mut later = mt(CODE, SUBSCRIBER, "old");
    later.schedule_delivery_time = "000000010000000R".into();
    let id = acme.submit(later).await.unwrap().message_id;
    assert!(status_of(&acme, Pdu::ReplaceSm(Box::new(replace(&id, "new")))).await.is_ok());
    let found = query(&modern, &id, CODE).await.unwrap();
    assert_eq!(found.message_state, state::SCHEDULED, "it still waits for its hour");
    // A new time is taken: now.
    let mut now = replace(&id, "newer");
    now.schedule_delivery_time = "000000000000000R".into();
    assert!(status_of(&acme, Pdu::ReplaceSm(Box::new(now))).await.is_ok());
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(text(&sent[0].message), "newer");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s136_s137_replace_if_present_replaces_the_same_service_type_only() {
    let world = waiting_world().await;
    let acme = world.bind("acme").await;
    let replacing = |service_type: &'static str, text| {
        let mut message = mt(CODE, SUBSCRIBER, text);
        message.registered_delivery = 0;
        message.replace_if_present = 1;
        message.service_type = service_type.into();
        message
    };
    acme.submit(replacing("", "first")).await.unwrap();
    acme.submit(replacing("", "second")).await.unwrap();
    acme.submit(replacing("GOLD", "other")).await.unwrap();
    link_up_again(&world);
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    let mut texts: Vec<_> = sent.iter().map(|one| text(&one.message)).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["other", "second"]);
    acme.submit(mt(CODE, SUBSCRIBER, "the end")).await.unwrap();
    let sent = world.smsc.wait_for_submits(3).await.unwrap();
    assert_eq!(text(&sent[2].message), "the end", "the first never came");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s138_broadcast_is_prohibited_in_5_0() {
    let world = World::new().await;
    let modern = world.bind_as("acme", BindKind::Transceiver, Version::V50).await;
    for id in
        [CommandId::BROADCAST_SM, CommandId::QUERY_BROADCAST_SM, CommandId::CANCEL_BROADCAST_SM]
    {
        let answer = modern.request(Pdu::Other(id, Bytes::new())).await.unwrap();
        assert_eq!(answer.status, CommandStatus::RPROHIBITED, "{}", id.name());
        assert_eq!(answer.pdu.command_id(), id.response());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_message_goes_at_its_time_and_not_before() {
    let (set, builder) = at_a_set_time();
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let mut later = mt(CODE, SUBSCRIBER, "later");
    later.schedule_delivery_time = "000000010000000R".into();
    acme.submit(later).await.unwrap();
    acme.submit(mt(CODE, SUBSCRIBER, "at once")).await.unwrap();
    let done = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(text(&done[0].message), "at once");
    set.advance(std::time::Duration::from_secs(3599));
    acme.submit(mt(CODE, SUBSCRIBER, "a second too early")).await.unwrap();
    world.smsc.wait_for_submits(2).await.unwrap();
    set.advance(std::time::Duration::from_secs(1));
    let done = world.smsc.wait_for_submits(3).await.unwrap();
    let texts: Vec<_> = done.iter().map(|one| text(&one.message)).collect();
    assert_eq!(texts, ["at once", "a second too early", "later"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stray_answer_to_nothing_is_ignored_and_the_session_goes_on() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    acme.send(Command::new(4711, Pdu::CancelSmResp)).await.unwrap();
    let outcome = acme.submit(mt(CODE, SUBSCRIBER, "hello")).await;
    assert!(!matches!(outcome, Err(Failed::Closed | Failed::Refused(_))), "{outcome:?}");
    eventually("it is with the SMSC", async || (!world.smsc.submits().is_empty()).then_some(()))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s131_a_refused_query_cancel_or_replace_says_why_to_5_0_and_is_a_bare_header_to_3_4() {
    // This partner asked for our TLVs; answers that have no place for one stay as they are.
    let world = World::new().await;
    let unknown = Bytes::from_static(b"4711");
    let query = Pdu::QuerySm(QuerySm { message_id: unknown.clone(), source: source(CODE) });
    let asked = [
        (query, 0x8000_0003_u32, &[0_u8, 0, 7, 0][..]),
        (cancel(&unknown), 0x8000_0008, &[]),
        (Pdu::ReplaceSm(Box::new(replace(&unknown, "x"))), 0x8000_0007, &[]),
    ];
    for interface_version in [0x34, 0x50] {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        assert_eq!(
            wire.bind(BindKind::Transceiver, interface_version).await.status,
            CommandStatus::ROK
        );
        for (number, (pdu, id, fields)) in (2..).zip(&asked) {
            wire.send(&Command::new(number, pdu.clone()), Version::V50).await;
            let frame = wire.frame().await.unwrap();
            assert_eq!(frame[4..8], id.to_be_bytes(), "{pdu:?}");
            assert_ne!(frame[8..12], [0; 4], "it is refused");
            let body = &frame[16..];
            if interface_version == 0x34 {
                assert!(body.is_empty(), "{pdu:?}: {body:?}");
                continue;
            }
            let (before, tlv) = body.split_at(fields.len());
            assert_eq!(before, *fields);
            // 0x1D08, the length of all that follows, and the words.
            assert_eq!(tlv[..2], [0x1d, 0x08]);
            assert_eq!(usize::from(u16::from_be_bytes([tlv[2], tlv[3]])), tlv.len() - 4);
            let words = std::str::from_utf8(&tlv[4..]).unwrap();
            assert!(words.contains(':') && words.is_ascii(), "{words}");
        }
    }
    world.stop().await;
}
