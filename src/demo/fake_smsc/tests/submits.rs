//! Messages that come in and how they are answered.

use std::time::Duration;

use super::*;

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
async fn congestion_is_told_to_a_peer_of_5_0() {
    let smsc = smsc(|script| script.congestion = Some(85)).await;
    let esme =
        Esme::bind(smsc.address(), BindKind::Transmitter, Version::V50, "acme", "x").await.unwrap();
    let resp = esme.submit(quiet("a")).await.unwrap();
    assert_eq!(resp.tlvs.u8(tag::CONGESTION_STATE), Some(85));
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
