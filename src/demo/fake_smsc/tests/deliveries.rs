//! Receipts and MOs that go out until they are acknowledged.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_message_that_asks_for_no_receipt_gets_none() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = transceiver(&smsc).await;
    esme.submit(quiet("a")).await.unwrap();
    esme.submit(ShortMessage { registered_delivery: 2, ..mt("only failures") }).await.unwrap();
    assert_eq!(smsc.deliveries_open(), 0);
    smsc.script(|script| script.receipts.are_unasked = true);
    esme.submit(quiet("b")).await.unwrap();
    smsc.wait_until(|journal| journal.receipts_acked == 1).await.unwrap();
}

#[tokio::test]
async fn receipts_may_overtake_the_answer_on_the_same_bind() {
    let smsc = smsc(|script| script.receipts.come_before_answers = true).await;
    let mut esme = transceiver(&smsc).await;
    esme.auto_answer(false);
    // The answer matches no request of the client, so that it comes out in the order it came.
    esme.send(Command::new(500, Pdu::SubmitSm(Box::new(mt("a"))))).await.unwrap();
    let answer = esme.read_command().await.unwrap();
    assert_eq!(answer.sequence, 500);
    assert!(esme.try_delivery().expect("the receipt came first").is_receipt());
}

#[tokio::test]
async fn receipts_may_overtake_the_answer_on_another_bind() {
    let smsc = smsc(|script| script.receipts.come_before_answers = true).await;
    let mut receiver = bind(&smsc, BindKind::Receiver).await;
    let transmitter = bind(&smsc, BindKind::Transmitter).await;
    let answer = transmitter.start(Pdu::SubmitSm(Box::new(mt("a")))).await.unwrap();
    assert!(answer.await.unwrap().status.is_ok());
    assert!(receiver.try_delivery().expect("the receipt came first").is_receipt());
}

#[tokio::test]
async fn receipts_are_doubled_unknown_or_contradict_themselves() {
    let smsc = smsc(|script| {
        script.receipts.copies = 2;
        script.receipts.text_state = Some("UNDELIV");
        script.receipts.network_error = Some([3, 0, 27]);
    })
    .await;
    let mut esme = transceiver(&smsc).await;
    esme.submit(mt("a")).await.unwrap();
    let first = esme.next_delivery().await.unwrap();
    let second = esme.next_delivery().await.unwrap();
    assert_eq!(first.message, second.message);
    assert_eq!(first.message.tlvs.u8(tag::MESSAGE_STATE), Some(2));
    assert_eq!(first.message.tlvs.get(tag::NETWORK_ERROR_CODE).unwrap(), &[3_u8, 0, 27][..]);
    let text = String::from_utf8(first.message.short_message.to_vec()).unwrap();
    assert!(text.contains("stat:UNDELIV err:027"), "{text}");

    smsc.script(|script| {
        script.receipts = Receipts { have_unknown_ids: true, ..Receipts::default() };
    });
    let resp = esme.submit(mt("b")).await.unwrap();
    let unknown = esme.next_delivery().await.unwrap();
    let id = unknown.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID).unwrap();
    assert_ne!(id, resp.message_id);
}

#[tokio::test]
async fn receipts_carry_text_or_tlvs_only() {
    let smsc = smsc(|script| script.receipts.form = ReceiptForm::TextOnly).await;
    let mut esme = transceiver(&smsc).await;
    esme.submit(mt("a")).await.unwrap();
    let receipt = esme.next_delivery().await.unwrap().message;
    assert!(receipt.tlvs.is_empty());
    assert!(receipt.short_message.starts_with(b"id:3000000001 "));

    smsc.script(|script| script.receipts.form = ReceiptForm::TlvsOnly);
    esme.submit(mt("b")).await.unwrap();
    let receipt = esme.next_delivery().await.unwrap().message;
    assert!(receipt.short_message.is_empty());
    assert_eq!(receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&b"3000000002"[..]));
}

#[tokio::test]
async fn a_receipt_can_be_sent_by_hand() {
    let smsc = smsc(|script| script.receipts.are_sent = false).await;
    let mut esme = transceiver(&smsc).await;
    esme.submit(mt("a")).await.unwrap();
    let submit = smsc.submits().remove(0);
    for (state, class) in [(1, 0x20), (5, 0x04)] {
        smsc.send_receipt_for(&submit, state).unwrap();
        let receipt = esme.next_delivery().await.unwrap().message;
        assert_eq!(receipt.tlvs.u8(tag::MESSAGE_STATE), Some(state));
        assert_eq!(receipt.esm_class, class);
    }
}

#[tokio::test]
async fn an_mo_resolves_with_the_answer_of_the_peer() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut esme = bind(&smsc, BindKind::Receiver).await;
    assert_eq!(smsc.mo("48600100200", "7055", "WIN").await.unwrap(), CommandStatus::ROK);
    let mo = esme.next_delivery().await.unwrap();
    assert!(!mo.is_receipt());
    assert_eq!(mo.message.short_message, "WIN");
    assert_eq!(mo.message.destination.digits, "7055");

    esme.auto_answer(false);
    let refuse = async {
        let mo = esme.next_delivery().await.unwrap();
        // "Żółw" in UCS-2.
        assert_eq!(mo.message.data_coding, 8);
        assert_eq!(mo.message.short_message.len(), 8);
        esme.answer(mo.sequence, CommandStatus::RX_R_APPN).await.unwrap();
    };
    let (status, ()) = tokio::join!(smsc.mo("48600100200", "7055", "Żółw"), refuse);
    assert_eq!(status.unwrap(), CommandStatus::RX_R_APPN);
}

#[tokio::test]
async fn a_temporary_refusal_brings_the_delivery_again() {
    let smsc = smsc(|script| script.retry_delay = Duration::from_millis(5)).await;
    let mut esme = bind(&smsc, BindKind::Receiver).await;
    esme.auto_answer(false);
    let refuse_once = async {
        let first = esme.next_delivery().await.unwrap();
        esme.answer(first.sequence, CommandStatus::RX_T_APPN).await.unwrap();
        let second = esme.next_delivery().await.unwrap();
        assert_eq!(first.message, second.message);
        esme.answer(second.sequence, CommandStatus::ROK).await.unwrap();
    };
    let (status, ()) = tokio::join!(smsc.mo("48600100200", "7055", "WIN"), refuse_once);
    assert_eq!(status.unwrap(), CommandStatus::ROK);
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_the_next_bind() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut dying = transceiver(&smsc).await;
    dying.auto_answer(false);
    dying.submit(mt("paid #k1")).await.unwrap();
    let receipt = dying.next_delivery().await.unwrap();
    smsc.queue_mo("48600100200", "7055", "WIN #k2").unwrap();
    let mo = dying.next_delivery().await.unwrap();
    drop(dying);
    smsc.wait_for_binds(0).await.unwrap();
    // Nobody is bound, and nothing is forgotten.
    assert_eq!(smsc.deliveries_open(), 2);

    let mut risen = transceiver(&smsc).await;
    let again = [risen.next_delivery().await.unwrap(), risen.next_delivery().await.unwrap()];
    for lost in [receipt, mo] {
        assert!(again.iter().any(|delivered| delivered.message == lost.message));
    }
    smsc.wait_until(|journal| journal.mos_acked + journal.receipts_acked == 2).await.unwrap();
    assert_eq!(smsc.deliveries_open(), 0);
}

#[tokio::test]
async fn a_delivery_without_an_answer_goes_to_the_next_bind() {
    let options = Options { response: Duration::from_millis(20), ..Options::default() };
    let smsc = FakeSmsc::with(options, Script::default()).await.unwrap();
    let mute = transceiver(&smsc).await;
    mute.auto_answer(false);
    smsc.queue_mo("48600100200", "7055", "WIN").unwrap();
    mute.closed().await.unwrap();
    let mut other = transceiver(&smsc).await;
    assert_eq!(other.next_delivery().await.unwrap().message.short_message, "WIN");
}

#[tokio::test]
async fn receipts_are_spread_over_the_binds_of_their_account_only() {
    let smsc = smsc(|script| {
        script.window = 5;
        script.receipts.delay = Duration::from_millis(20);
    })
    .await;
    let first = bind(&smsc, BindKind::Receiver).await;
    let second = bind(&smsc, BindKind::Receiver).await;
    let stranger =
        Esme::bind(smsc.address(), BindKind::Receiver, Version::V34, "other", "x").await.unwrap();
    let transmitter = bind(&smsc, BindKind::Transmitter).await;
    let results = transmitter.submit_pipelined((0..200).map(|_| mt("a")), 50).await;
    assert!(results.iter().all(Result::is_ok));
    smsc.wait_until(|journal| journal.receipts_acked == 200).await.unwrap();
    let counts: Vec<_> = smsc.binds().iter().map(|bound| bound.deliveries).collect();
    assert_eq!(counts[0] + counts[1], 200);
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
    assert_eq!(counts[2..], [0, 0]);
    drop((first, second, stranger));
}

#[tokio::test]
async fn the_window_limits_what_is_in_flight() {
    let smsc = smsc(|script| script.window = 2).await;
    let mut esme = transceiver(&smsc).await;
    esme.auto_answer(false);
    for _ in 0..5 {
        smsc.queue_mo("48600100200", "7055", "WIN").unwrap();
    }
    let first = esme.next_delivery().await.unwrap();
    esme.next_delivery().await.unwrap();
    assert_eq!(smsc.journal(|journal| journal.mos_sent), 2);
    esme.answer(first.sequence, CommandStatus::ROK).await.unwrap();
    esme.next_delivery().await.unwrap();
    assert_eq!(smsc.journal(|journal| journal.mos_sent), 3);
}

#[tokio::test]
async fn too_many_deliveries_are_refused_as_queue_full() {
    let options = Options { deliveries_max: 1, ..Options::default() };
    let smsc = FakeSmsc::with(options, Script::default()).await.unwrap();
    smsc.queue_mo("48600100200", "7055", "WIN").unwrap();
    assert!(smsc.queue_mo("48600100200", "7055", "WIN").is_err());
    let esme = bind(&smsc, BindKind::Transmitter).await;
    assert_eq!(status_of(esme.submit(mt("a")).await), CommandStatus::RMSGQFUL);
}

#[tokio::test]
async fn a_delivery_for_one_account_goes_to_no_other() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut other =
        Esme::bind(smsc.address(), BindKind::Receiver, Version::V34, "other", "x").await.unwrap();
    let for_acme = esme::mt("48600100200", "7055", "for acme");
    let delivered = smsc.deliver(Some("acme"), for_acme);
    let then_bind = async {
        // The one that is bound gets what is for anybody, and only that.
        smsc.queue_mo("48600100200", "7055", "for anybody").unwrap();
        assert_eq!(other.next_delivery().await.unwrap().message.short_message, "for anybody");
        let mut acme = bind(&smsc, BindKind::Receiver).await;
        assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "for acme");
    };
    let (status, ()) = tokio::join!(delivered, then_bind);
    assert_eq!(status.unwrap(), CommandStatus::ROK);
    assert!(other.try_delivery().is_none());
}
