use std::time::Duration;

use super::*;
use crate::{
    demo::{
        esme::{self, Esme, Failed},
        journal::{self, Event},
    },
    smpp::{Command, CommandId, Pdu, Version, tag},
};

async fn smsc(change: impl FnOnce(&mut Script)) -> FakeSmsc {
    let mut script = Script::default();
    change(&mut script);
    FakeSmsc::with(Options::default(), script).await.unwrap()
}

async fn bind(smsc: &FakeSmsc, kind: BindKind) -> Esme {
    Esme::bind(smsc.address(), kind, Version::V34, "acme", "secret").await.unwrap()
}

async fn transceiver(smsc: &FakeSmsc) -> Esme {
    bind(smsc, BindKind::Transceiver).await
}

fn mt(text: &str) -> ShortMessage {
    esme::mt("7055", "48600100200", text)
}

/// A message that asks for no receipt.
fn quiet(text: &str) -> ShortMessage {
    ShortMessage { registered_delivery: 0, ..mt(text) }
}

fn status_of(result: Result<crate::smpp::pdu::MessageResp, Failed>) -> CommandStatus {
    match result {
        Ok(_) => CommandStatus::ROK,
        Err(Failed::Refused(status)) => status,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_submit_is_answered_noted_and_receipted() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut esme = transceiver(&smsc).await;
    let resp = esme.submit(mt("Thank you, you have won")).await.unwrap();
    assert_eq!(resp.message_id, "3000000001");

    let submit = smsc.wait_for_submits(1).await.unwrap().remove(0);
    assert_eq!(submit.system_id, "acme");
    assert_eq!(submit.message.source.digits, "7055");
    assert_eq!(submit.id.as_deref(), Some("3000000001"));

    let receipt = esme.next_delivery().await.unwrap();
    assert!(receipt.is_receipt());
    assert_eq!(receipt.message.source.digits, "48600100200");
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&b"3000000001"[..]));
    assert_eq!(receipt.message.tlvs.u8(tag::MESSAGE_STATE), Some(2));
    let text = String::from_utf8(receipt.message.short_message.to_vec()).unwrap();
    assert!(text.starts_with("id:3000000001 sub:001 dlvrd:001 submit date:"), "{text}");
    assert!(text.ends_with(" stat:DELIVRD err:000 Text:Thank you, you have "), "{text}");
    smsc.wait_until(|journal| journal.receipts_acked == 1).await.unwrap();
    assert_eq!(smsc.deliveries_open(), 0);
}

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
async fn only_the_right_password_binds() {
    let options =
        Options { accounts: vec![("acme".to_owned(), "secret".to_owned())], ..Options::default() };
    let smsc = FakeSmsc::with(options, Script::default()).await.unwrap();
    let cases = [
        ("acme", "secret", CommandStatus::ROK),
        ("acme", "wrong", CommandStatus::RINVPASWD),
        ("other", "secret", CommandStatus::RINVSYSID),
    ];
    for (system_id, password, status) in cases {
        let esme = Esme::connect(smsc.address()).await.unwrap();
        let bound = esme.bind_as(BindKind::Receiver, Version::V34, system_id, password).await;
        let got = match bound {
            Ok(_) => CommandStatus::ROK,
            Err(Failed::Refused(status)) => status,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(got, status, "{system_id} {password}");
    }
}

#[tokio::test]
async fn a_bind_is_refused_or_left_alone_as_the_script_says() {
    let smsc = smsc(|script| script.bind_status = Some(CommandStatus::RBINDFAIL)).await;
    let esme = Esme::connect(smsc.address()).await.unwrap();
    let as_trx = || esme.bind_as(BindKind::Transceiver, Version::V34, "acme", "x");
    assert!(matches!(as_trx().await, Err(Failed::Refused(CommandStatus::RBINDFAIL))));

    smsc.script(|script| {
        script.bind_status = None;
        script.refuses_transceiver = true;
    });
    assert!(matches!(as_trx().await, Err(Failed::Refused(CommandStatus::RINVCMDID))));

    smsc.script(|script| script.answers_binds = false);
    let bind = crate::smpp::pdu::Bind::default();
    let silent = esme.start(Pdu::Bind(BindKind::Receiver, Box::new(bind))).await.unwrap();
    smsc.wait_until(|journal| journal.binds_seen == 3).await.unwrap();
    assert!(smsc.binds().is_empty());
    drop(silent);

    // The same connection may still bind when the operator changed its mind.
    smsc.script(|script| script.answers_binds = true);
    esme.bind_as(BindKind::Transmitter, Version::V34, "acme", "x").await.unwrap();
    assert_eq!(smsc.binds()[0].kind, BindKind::Transmitter);
}

#[tokio::test]
async fn the_interface_version_is_told_or_withheld() {
    for version in [Some(0x50), Some(0x34), None] {
        let smsc = smsc(|script| script.interface_version = version).await;
        let esme = Esme::connect(smsc.address()).await.unwrap();
        let resp = esme.bind_as(BindKind::Receiver, Version::V50, "acme", "x").await.unwrap();
        assert_eq!(resp.tlvs.u8(tag::SC_INTERFACE_VERSION), version);
    }
}

#[tokio::test]
async fn statuses_are_given_always_or_first_or_by_recipient() {
    let smsc = smsc(|script| {
        script.answer_first(2, CommandStatus::RTHROTTLED);
        script.answer_recipient("48666", CommandStatus::RINVDSTADR);
    })
    .await;
    let esme = transceiver(&smsc).await;
    let cases = [
        ("48600", CommandStatus::RTHROTTLED),
        ("48600", CommandStatus::RTHROTTLED),
        ("48600", CommandStatus::ROK),
        ("48666", CommandStatus::RINVDSTADR),
        ("48600", CommandStatus::ROK),
    ];
    for (recipient, status) in cases {
        assert_eq!(status_of(esme.submit(esme::mt("7055", recipient, "a")).await), status);
    }
    smsc.script(|script| script.answer_with(CommandStatus::RSYSERR));
    assert_eq!(status_of(esme.submit(mt("a")).await), CommandStatus::RSYSERR);
    let (seen, taken) = smsc.journal(|journal| (journal.submits_seen, journal.submits_taken));
    assert_eq!((seen, taken), (6, 2));
}

#[tokio::test]
async fn a_silent_operator_takes_submits_and_never_answers() {
    let smsc = smsc(|script| script.answers_submits = false).await;
    let mut esme = transceiver(&smsc).await;
    let answer = esme.start(Pdu::SubmitSm(Box::new(mt("a")))).await.unwrap();
    smsc.wait_for_submits(1).await.unwrap();
    // The receipt shows that it was taken.
    assert!(esme.next_delivery().await.unwrap().is_receipt());
    assert_eq!(esme.in_flight(), 1);
    smsc.close_all(Closing::Fin);
    assert!(matches!(answer.await, Err(Failed::Closed)));
}

#[tokio::test]
async fn answers_come_late_or_last_first() {
    let smsc = smsc(|script| script.reverse_answers = 3).await;
    // A client that matches nothing shows the order on the wire.
    let mut esme = transceiver(&smsc).await;
    for sequence in 101..=103 {
        let pdu = Pdu::SubmitSm(Box::new(quiet("a")));
        esme.send(Command::new(sequence, pdu)).await.unwrap();
    }
    for sequence in [103, 102, 101] {
        assert_eq!(esme.read_command().await.unwrap().sequence, sequence);
    }

    smsc.script(|script| {
        script.reverse_answers = 0;
        script.answer_delay = Duration::from_millis(30);
    });
    let before = Instant::now();
    esme.submit(quiet("a")).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(30));
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
    assert!(receiver.next_delivery().await.unwrap().is_receipt());
    assert_eq!(transmitter.in_flight(), 1);
    assert!(answer.await.unwrap().status.is_ok());
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
async fn ids_are_decimal_or_hex_and_the_receipt_may_differ() {
    let cases = [
        (IdFormat::Decimal, None, "3000000001", "3000000001"),
        (IdFormat::Hex, None, "b2d05e01", "b2d05e01"),
        (IdFormat::HexUpper, Some(IdFormat::Decimal), "B2D05E01", "3000000001"),
        (IdFormat::DecimalPadded(12), Some(IdFormat::Decimal), "003000000001", "3000000001"),
        (IdFormat::HexPadded(10), Some(IdFormat::HexUpper), "00b2d05e01", "B2D05E01"),
    ];
    for (format, of_receipt, in_answer, in_receipt) in cases {
        let smsc = smsc(|script| {
            script.id_format = format;
            script.receipts.id_format = of_receipt;
        })
        .await;
        let mut esme = transceiver(&smsc).await;
        assert_eq!(esme.submit(mt("a")).await.unwrap().message_id, in_answer);
        let receipt = esme.next_delivery().await.unwrap().message;
        let id = receipt.tlvs.text(tag::RECEIPTED_MESSAGE_ID).unwrap();
        assert_eq!(id, in_receipt.as_bytes(), "{format:?}");
    }
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
async fn a_connection_ends_after_the_last_submit_of_the_script() {
    for how in [Closing::Fin, Closing::Reset] {
        let smsc = smsc(|script| script.close = Some(CloseAfter { submits: 2, how })).await;
        let esme = transceiver(&smsc).await;
        esme.submit(quiet("a")).await.unwrap();
        assert!(matches!(esme.submit(quiet("b")).await, Err(Failed::Closed)), "{how:?}");
        esme.closed().await.unwrap();
        // It was taken all the same, and the next connection works.
        assert_eq!(smsc.journal(|journal| journal.submits_taken), 2);
        transceiver(&smsc).await.submit(quiet("c")).await.unwrap();
    }
}

#[tokio::test]
async fn a_submit_is_nacked_by_its_number_or_by_none() {
    let nack = |is_sequence_zero| {
        Some(Nack { status: CommandStatus::RINVCMDLEN, is_sequence_zero, times: 1 })
    };
    let smsc = smsc(|script| script.nack = nack(false)).await;
    let mut esme = transceiver(&smsc).await;
    let answer = esme.request(Pdu::SubmitSm(Box::new(mt("a")))).await.unwrap();
    assert_eq!((answer.pdu, answer.status), (Pdu::GenericNack, CommandStatus::RINVCMDLEN));

    smsc.script(|script| script.nack = nack(true));
    esme.send(Command::new(700, Pdu::SubmitSm(Box::new(mt("b"))))).await.unwrap();
    let stray = esme.read_command().await.unwrap();
    assert_eq!((stray.pdu, stray.sequence), (Pdu::GenericNack, 0));
    assert_eq!(smsc.journal(|journal| journal.submits_taken), 0);
    // Its turns are used up.
    esme.submit(quiet("c")).await.unwrap();
}

#[tokio::test]
async fn signs_of_life_are_answered_unless_the_script_says_no() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = transceiver(&smsc).await;
    assert_eq!(esme.request(Pdu::EnquireLink).await.unwrap().pdu, Pdu::EnquireLinkResp);
    smsc.script(|script| script.answers_enquire_link = false);
    let silent = esme.start(Pdu::EnquireLink).await.unwrap();
    // What follows on the wire is answered, so the sign of life was passed over.
    esme.submit(quiet("a")).await.unwrap();
    assert_eq!(smsc.journal(|journal| journal.enquire_links_seen), 2);
    assert_eq!(esme.in_flight(), 1);
    drop(silent);
}

#[tokio::test]
async fn rude_octets_reach_the_peer_as_they_are() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut esme = transceiver(&smsc).await;
    // A generic_nack of 16 octets with status 3 and sequence_number 9.
    smsc.send_raw(&[0, 0, 0, 16, 0x80, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9]);
    let nack = esme.read_command().await.unwrap();
    assert_eq!((nack.status, nack.sequence), (CommandStatus::RINVCMDID, 9));
    // A length that cannot be ends the connection.
    smsc.send_raw(&[0, 0, 0, 1]);
    esme.closed().await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_reads_again_after_its_pause() {
    let smsc = smsc(|script| script.read_pause = Some(Duration::from_hours(1))).await;
    // The pause begins with the bind; what comes after it stays in the socket.
    let esme = transceiver(&smsc).await;
    let answer = esme.start(Pdu::SubmitSm(Box::new(quiet("a")))).await.unwrap();
    assert_eq!(smsc.journal(|journal| journal.submits_seen), 0);
    smsc.script(|script| script.read_pause = None);
    assert!(answer.await.unwrap().status.is_ok());
}

#[tokio::test]
async fn congestion_is_told_to_a_peer_of_5_0() {
    let smsc = smsc(|script| script.congestion = Some(85)).await;
    let esme =
        Esme::bind(smsc.address(), BindKind::Transmitter, Version::V50, "acme", "x").await.unwrap();
    let resp = esme.submit(quiet("a")).await.unwrap();
    assert_eq!(resp.tlvs.u8(tag::CONGESTION_STATE), Some(85));
}

#[tokio::test]
async fn operations_that_it_does_not_have_are_refused() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut esme = transceiver(&smsc).await;
    let query = Pdu::QuerySm(crate::smpp::pdu::QuerySm::default());
    assert_eq!(esme.request(query).await.unwrap().status, CommandStatus::RQUERYFAIL);
    // An outbind is the message centre's word; towards it, it is passed over.
    let outbind = Pdu::Outbind(crate::smpp::pdu::Outbind::default());
    esme.send(Command::new(1000, outbind)).await.unwrap();
    esme.send(Command::bare(CommandId(0x7777), CommandStatus::ROK, 1001)).await.unwrap();
    let nack = esme.read_command().await.unwrap();
    assert_eq!((nack.pdu, nack.sequence), (Pdu::GenericNack, 1001));
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
async fn an_operator_that_is_gone_takes_no_connection() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = transceiver(&smsc).await;
    smsc.script(|script| script.accepts_connections = false);
    smsc.close_all(Closing::Reset);
    esme.closed().await.unwrap();
    let bound = Esme::bind(smsc.address(), BindKind::Receiver, Version::V34, "acme", "x").await;
    assert!(bound.is_err());
    smsc.script(|script| script.accepts_connections = true);
    transceiver(&smsc).await;
}

#[tokio::test]
async fn the_journal_file_tells_the_same_story() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smsc.jsonl");
    let options = Options { journal: Some(path.clone()), ..Options::default() };
    let smsc = FakeSmsc::with(options, Script::default()).await.unwrap();
    let esme = transceiver(&smsc).await;
    let mut charged = mt("Thank you #k7");
    charged.tlvs = charged.tlvs.with_text(0x1d01, "P7");
    esme.submit(charged).await.unwrap();
    smsc.wait_until(|journal| journal.receipts_acked == 1).await.unwrap();
    smsc.mo("48600100200", "7055", "WIN #k8").await.unwrap();

    let mut events = Vec::new();
    journal::read(&path, |entry| events.push(entry.event)).unwrap();
    let id = || "3000000001".to_owned();
    let expected = [
        Event::Submit {
            id: Some(id()),
            status: 0,
            system_id: "acme".to_owned(),
            sender: "7055".to_owned(),
            recipient: "48600100200".to_owned(),
            body_hash: journal::body_hash(b"Thank you #k7"),
            tag: Some("k7".to_owned()),
            tariff: Some("P7".to_owned()),
        },
        Event::ReceiptSent { id: id() },
        Event::ReceiptAcked { id: id(), status: 0 },
        Event::Mo {
            number: 2,
            tag: Some("k8".to_owned()),
            from: "48600100200".to_owned(),
            to: "7055".to_owned(),
        },
        Event::MoAcked { number: 2, tag: Some("k8".to_owned()), status: 0 },
    ];
    assert_eq!(events, expected);
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

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop() {
    let smsc = FakeSmsc::start().await.unwrap();
    let mut esme = bind(&smsc, BindKind::Receiver).await;
    let plan = Plan { count: Some(3), ..Plan::new(1000.0, "7055") };
    let (stop, stopped) = oneshot::channel();
    let run = smsc.run(Some(plan), async { stopped.await.unwrap() });
    let watch = async {
        for _ in 0..3 {
            esme.next_delivery().await.unwrap();
        }
        stop.send(()).unwrap();
    };
    tokio::join!(run, watch);
    esme.closed().await.unwrap();
}
