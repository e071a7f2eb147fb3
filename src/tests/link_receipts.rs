//! What an operator's receipts do to messages: C029 to C035.

use bramka::{
    demo::{
        esme::{Esme, mt},
        fake_smsc::{IdFormat, ReceiptForm, Submitted},
    },
    domain::{MessageId, MessageState},
    smpp::{
        Pdu, ShortMessage, Tlvs, tag,
        values::{esm_class, message_state as state},
    },
    store::EventLine,
};

use super::world::{Builder, World, at_a_set_time, eventually, hurried, number, service};

const SUBSCRIBER: &str = "48600100200";
const FREE: &str = "7455";
const CHARGED: &str = "7466";

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

/// A receipt as octets of text, for a submit of the fake SMSC.
fn receipt_text(submit: &Submitted, words: &str, esm: u8) -> ShortMessage {
    let id = submit.id.clone().unwrap();
    ShortMessage {
        source: submit.message.destination.clone(),
        destination: submit.message.source.clone(),
        esm_class: esm,
        short_message: words.replace("ID", &id).into_bytes().into(),
        ..ShortMessage::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c029_a_receipt_is_read_from_its_tlvs_or_from_whatever_text_there_is() {
    for form in [ReceiptForm::TlvsOnly, ReceiptForm::TextOnly, ReceiptForm::TlvsAndText] {
        let mut builder = Builder::default();
        builder.script.receipts.form = form;
        let world = builder.build().await;
        let acme = world.bind("acme").await;
        let id = submit(&acme, FREE, "hello").await;
        world.becomes(id, MessageState::Delivered).await;
        world.stop().await;
    }
    let mut builder = Builder::default();
    builder.script.receipts.are_sent = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    for words in [
        "id:ID stat:DELIVRD",
        "Id:ID Sub:001 Dlvrd:001 Submit Date:2611211200 Done Date:2611211201 Stat:delivrd Err:000",
        "id:ID submit date:261121120000 done date:261121120100 stat:DELIVRD err:000 text:hello",
    ] {
        let id = submit(&acme, FREE, "hello").await;
        let sent = eventually("it is sent", async || {
            let sent = world.smsc.submits();
            sent.last()
                .cloned()
                .filter(|_| sent.len() as u64 == world.smsc.journal(|j| j.submits_seen))
        });
        world.becomes(id, MessageState::Submitted).await;
        let receipt = receipt_text(&sent.await, words, esm_class::RECEIPT);
        assert!(world.smsc.deliver(None, receipt).await.unwrap().is_ok(), "{words}");
        world.becomes(id, MessageState::Delivered).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c030_ids_match_in_whatever_base_the_operator_writes_them() {
    let hex = "message_id_response = \"hex\"\nmessage_id_receipt = \"decimal\"";
    let padded = "strip_leading_zeros = true";
    for (link, answer, receipt) in [
        (hex, IdFormat::Hex, IdFormat::Decimal),
        (hex, IdFormat::HexUpper, IdFormat::DecimalPadded(16)),
        (padded, IdFormat::DecimalPadded(16), IdFormat::Decimal),
        ("", IdFormat::Hex, IdFormat::HexUpper),
    ] {
        let mut builder = Builder { link: link.into(), ..Builder::default() };
        builder.script.id_format = answer;
        builder.script.receipts.id_format = Some(receipt);
        let world = builder.build().await;
        let acme = world.bind("acme").await;
        let id = submit(&acme, FREE, "hello").await;
        world.becomes(id, MessageState::Delivered).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_smsc_takes_without_an_id_is_unknown_until_its_receipt_or_its_time() {
    for charge_at in ["delivered", "submitted"] {
        let (clock, mut builder) = at_a_set_time();
        builder.services[1].charge_at = charge_at.into();
        builder.script.id_format = IdFormat::Empty;
        builder.script.receipts.are_sent = false;
        let world = builder.build().await;
        let mut acme = world.bind("acme").await;
        let free = submit(&acme, FREE, "hello").await;
        let paid = submit(&acme, CHARGED, "hello").await;
        for id in [free, paid] {
            world.becomes(id, MessageState::Unknown).await;
            event(&world, id, "submitted").await;
        }
        let taken = if charge_at == "submitted" { (1, 492) } else { (0, 0) };
        assert_eq!(world.ledger().await, taken, "{charge_at}: the yes is not the delivery");
        // The SMSC did give it names of its own. What its receipt says can only be about one.
        let receipt = ShortMessage {
            source: mt(CHARGED, SUBSCRIBER, "").destination,
            destination: mt(CHARGED, SUBSCRIBER, "").source,
            esm_class: esm_class::RECEIPT,
            short_message: "id:77 stat:DELIVRD".into(),
            ..ShortMessage::default()
        };
        assert!(world.smsc.deliver(None, receipt).await.unwrap().is_ok());
        world.becomes(paid, MessageState::Delivered).await;
        assert_eq!(world.ledger().await, (1, 492), "{charge_at}");
        assert!(acme.next_delivery().await.unwrap().is_receipt());
        clock.advance(world.config.messages.unknown_ttl);
        world.becomes(free, MessageState::UnknownFinal).await;
        let receipt = acme.next_delivery().await.unwrap().message;
        assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state::UNKNOWN));
        assert_eq!(world.smsc.journal(|journal| journal.submits_seen), 2, "none went twice");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_receipt_never_comes_ends_as_unknown_and_a_late_one_charges_nobody() {
    for (charge_at, taken) in [("delivered", (0, 0)), ("submitted", (1, 492))] {
        let (clock, mut builder) = at_a_set_time();
        builder.services[1].charge_at = charge_at.into();
        builder.script.receipts.are_sent = false;
        let world = builder.build().await;
        let mut acme = world.bind("acme").await;
        let paid = submit(&acme, CHARGED, "hello").await;
        world.becomes(paid, MessageState::Submitted).await;
        let messages = &world.config.messages;
        clock.advance(messages.validity_charged + messages.receipt_ttl);
        world.becomes(paid, MessageState::UnknownFinal).await;
        let receipt = acme.next_delivery().await.unwrap().message;
        assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state::UNKNOWN));
        let written_off = event(&world, paid, "written_off").await;
        assert_eq!(written_off.detail.as_deref(), Some("no receipt came in time"));
        let late = receipt_text(&world.smsc.submits()[0], "stat:DELIVRD", esm_class::RECEIPT);
        assert!(world.smsc.deliver(None, late).await.unwrap().is_ok());
        assert_eq!(world.state_of(paid).await, MessageState::UnknownFinal);
        assert_eq!(world.ledger().await, taken, "{charge_at}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c031_a_receipt_before_its_answer_waits_for_it() {
    for link in ["", "bind = \"transmitter+receiver\""] {
        let mut builder = Builder { link: link.into(), ..Builder::default() };
        builder.script.receipts.come_before_answers = true;
        let world = builder.build().await;
        let mut acme = world.bind("acme").await;
        for _ in 0..5 {
            let id = submit(&acme, CHARGED, "hello").await;
            acme.next_delivery().await.unwrap();
            assert_eq!(world.state_of(id).await, MessageState::Delivered);
        }
        assert_eq!(world.ledger().await, (5, 5 * 492));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c032_a_receipt_for_nothing_we_know_is_kept_and_moves_no_message() {
    let (set, mut builder) = at_a_set_time();
    builder.script.receipts.have_unknown_ids = true;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, FREE, "hello").await;
    world.smsc.wait_until(|journal| journal.receipts_acked == 1).await.unwrap();
    let orphans = world.gateway().store().orphans(10).await.unwrap();
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].sender, SUBSCRIBER);
    world.becomes(id, MessageState::Submitted).await;
    set.advance(world.config.messages.orphan_ttl);
    eventually("it is given up", async || {
        world.gateway().store().orphans(10).await.unwrap().is_empty().then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c033_a_final_state_stays_whatever_later_receipts_say() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let id = submit(&acme, CHARGED, "hello").await;
    acme.next_delivery().await.unwrap();
    let sent = world.smsc.submits();
    for message_state in [state::DELIVERED, state::ENROUTE, state::UNDELIVERABLE] {
        world.smsc.send_receipt_for(&sent[0], message_state).unwrap();
    }
    world.smsc.wait_until(|journal| journal.receipts_acked == 4).await.unwrap();
    let event = event(&world, id, "late_receipt").await;
    assert!(event.detail.unwrap().contains("UNDELIV"), "the contradiction is on record (P16)");
    assert_eq!(world.state_of(id).await, MessageState::Delivered);
    assert_eq!(world.ledger().await, (1, 492));
    acme.request(Pdu::EnquireLink).await.unwrap();
    assert!(acme.try_delivery().is_none());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c034_where_text_and_tlv_disagree_the_tlv_counts() {
    let mut builder = Builder::default();
    builder.script.receipts.text_state = Some("UNDELIV");
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let id = submit(&acme, FREE, "hello").await;
    world.becomes(id, MessageState::Delivered).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c035_a_text_that_looks_like_a_receipt_is_one_only_where_the_link_says_so() {
    let words = "id:ID sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 \
                 stat:DELIVRD err:000 text:hello";
    for (link, is_receipt) in [("", false), ("receipt_by_text = true", true)] {
        let mut builder = Builder { link: link.into(), ..Builder::default() };
        builder.script.receipts.are_sent = false;
        builder.services.push(service("acme", "all", "7402", &["*"]));
        let world = builder.build().await;
        let mut acme = world.bind("acme").await;
        submit(&acme, "7402", "hello").await;
        let sent = world.smsc.wait_for_submits(1).await.unwrap();
        let receipt = receipt_text(&sent[0], words, 0);
        assert!(world.smsc.deliver(None, receipt).await.unwrap().is_ok());
        let came = acme.next_delivery().await.unwrap();
        assert_eq!(came.is_receipt(), is_receipt, "{link}");
        world.stop().await;
    }
}

/// A receipt under a name that nobody told us.
fn strange_receipt(name: &str, stat: &str) -> ShortMessage {
    ShortMessage {
        source: mt(CHARGED, SUBSCRIBER, "").destination,
        destination: mt(CHARGED, SUBSCRIBER, "").source,
        esm_class: esm_class::RECEIPT,
        short_message: format!("id:{name} stat:{stat}").into_bytes().into(),
        ..ShortMessage::default()
    }
}

/// A charged message in three parts that was sent and never answered.
async fn an_unknown_long_one(mut builder: Builder) -> (World, Esme, MessageId) {
    builder.script.answers_submits = false;
    builder.script.receipts.are_sent = false;
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    let long = ShortMessage {
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, "long ".repeat(70).into_bytes()),
        ..mt(CHARGED, SUBSCRIBER, "")
    };
    let id = number(&acme.submit(long).await.unwrap().message_id);
    world.becomes(id, MessageState::Unknown).await;
    (world, acme, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_all_parts_find_a_long_message_that_was_unknown_even_after_a_restart() {
    for (restarts, last, end, ledger) in [
        (false, "DELIVRD", MessageState::Delivered, (1, 492)),
        (false, "UNDELIV", MessageState::Undeliverable, (0, 0)),
        (true, "DELIVRD", MessageState::Delivered, (1, 492)),
    ] {
        let (mut world, acme, id) = an_unknown_long_one(hurried()).await;
        let receive = async |world: &World, name: &str, stat: &str| {
            let receipt = strange_receipt(name, stat);
            assert!(world.smsc.deliver(None, receipt).await.unwrap().is_ok());
        };
        receive(&world, "77", "DELIVRD").await;
        world.becomes(id, MessageState::Submitted).await;
        if restarts {
            acme.close().await.unwrap();
            let folder = world.stop().await;
            world = hurried().build_in(folder).await;
            world.link_up().await;
        }
        receive(&world, "91", "DELIVRD").await;
        // The SMSC repeats itself; that is no third part.
        receive(&world, "77", "DELIVRD").await;
        receive(&world, "91", "DELIVRD").await;
        assert_eq!(world.state_of(id).await, MessageState::Submitted);
        assert_eq!(world.ledger().await, (0, 0));
        receive(&world, "85", last).await;
        world.becomes(id, end).await;
        assert_eq!(world.ledger().await, ledger);
        assert!(world.gateway().store().orphans(10).await.unwrap().is_empty());
        // It has all its parts: what comes now is about something else.
        receive(&world, "99", "DELIVRD").await;
        assert_eq!(world.gateway().store().orphans(10).await.unwrap().len(), 1);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_receipt_ends_an_unknown_long_message_where_the_link_sends_it_in_one_piece() {
    let link = "long_messages = \"payload\"".into();
    let (world, _acme, id) = an_unknown_long_one(Builder { link, ..hurried() }).await;
    assert!(world.smsc.deliver(None, strange_receipt("77", "DELIVRD")).await.unwrap().is_ok());
    world.becomes(id, MessageState::Delivered).await;
    assert_eq!(world.ledger().await, (1, 492));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_parts_that_came_before_the_message_was_unknown_prove_it_too() {
    let mut builder = hurried();
    builder.script.answers_submits = false;
    builder.script.receipts.are_sent = true;
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    let long = ShortMessage {
        tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, "long ".repeat(70).into_bytes()),
        registered_delivery: 1,
        ..mt(CHARGED, SUBSCRIBER, "")
    };
    let id = number(&acme.submit(long).await.unwrap().message_id);
    world.becomes(id, MessageState::Delivered).await;
    event(&world, id, "outcome_lost").await;
    assert_eq!(world.ledger().await, (1, 492));
    eventually("no receipt is left over", async || {
        world.gateway().store().orphans(10).await.unwrap().is_empty().then_some(())
    })
    .await;
    world.stop().await;
}
