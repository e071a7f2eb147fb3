//! The partner against a fake operator that plays the gateway: both are message centres.

use super::*;
use crate::{
    demo::{
        FakeSmsc, Script, esme,
        fake_smsc::{self, CloseAfter, Closing, ReceiptForm},
        journal::{self, Event},
        subscribers::{self, Plan},
        tally::{Settled, Tally},
    },
    smpp::CommandStatus,
};

fn options(gateway: &FakeSmsc) -> Options {
    Options {
        reconnect: (Duration::from_millis(1), Duration::from_millis(20)),
        retry_delay: Duration::from_millis(1),
        ..Options::new(gateway.address(), "acme", "secret")
    }
}

async fn gateway(change: impl FnOnce(&mut Script)) -> FakeSmsc {
    let mut script = Script::default();
    change(&mut script);
    FakeSmsc::with(fake_smsc::Options::default(), script).await.unwrap()
}

#[tokio::test]
async fn an_mo_is_answered_by_its_keyword_with_a_charge_and_its_tag() {
    let gateway = gateway(|_| {}).await;
    let app = PartnerApp::start(Options {
        answers: vec![
            Answer::new("win", "You are in", Some("P7")),
            Answer::new("INFO", "Sunny", None),
        ],
        ..options(&gateway)
    })
    .unwrap();
    let texts = ["Win 4711 #k1", "INFO #k2", "NOISE #k3"];
    for text in texts {
        assert_eq!(gateway.mo("48600100200", "7055", text).await.unwrap(), CommandStatus::ROK);
    }
    let submits = gateway.wait_for_submits(2).await.unwrap();
    let replies: Vec<_> = submits.iter().map(|submit| journal::text_of(&submit.message)).collect();
    assert_eq!(replies, ["You are in #k1", "Sunny #k2"]);
    assert_eq!(submits[0].message.tlvs.text(0x1d01), Some(&b"P7"[..]));
    assert_eq!(submits[1].message.tlvs.text(0x1d01), None);
    assert_eq!(submits[0].message.source.digits, "7055");
    assert_eq!(submits[0].message.destination.digits, "48600100200");
    let counts = app.wait_until(|counts| counts.receipts == 2).await.unwrap();
    assert_eq!((counts.mos, counts.mts_accepted), (3, 2));
}

#[tokio::test]
async fn the_same_mo_is_answered_once() {
    let gateway = gateway(|_| {}).await;
    let app = PartnerApp::start(options(&gateway)).unwrap();
    for text in ["WIN #k1", "WIN #k1", "WIN #k2"] {
        gateway.mo("48600100200", "7055", text).await.unwrap();
    }
    let counts = app.wait_until(|counts| counts.receipts == 2).await.unwrap();
    assert_eq!((counts.mos, counts.mos_repeated, counts.mts_sent), (3, 1, 2));
}

#[tokio::test]
async fn a_text_of_a_handset_without_a_tag_is_answered_too() {
    let gateway = gateway(|_| {}).await;
    let app = PartnerApp::start(options(&gateway)).unwrap();
    let mut with_id = esme::mt("48600100200", "7055", "WIN");
    with_id.tlvs = with_id.tlvs.with_text(crate::smpp::tag::RECEIPTED_MESSAGE_ID, "M77");
    for message in [with_id.clone(), with_id, esme::mt("48600100200", "7055", "WIN")] {
        gateway.deliver(None, message).await.unwrap();
    }
    app.wait_until(|counts| counts.mts_accepted == 2).await.unwrap();
    let replies: Vec<_> =
        gateway.submits().iter().map(|submit| journal::text_of(&submit.message)).collect();
    assert_eq!(replies, ["Thank you #M77", "Thank you #p3"]);
}

#[tokio::test]
async fn a_reply_without_an_answer_is_sent_again_with_the_same_text() {
    for how in [Closing::Fin, Closing::Reset] {
        let gateway = gateway(|script| script.close = Some(CloseAfter { submits: 1, how })).await;
        let app = PartnerApp::start(options(&gateway)).unwrap();
        gateway.queue_mo("48600100200", "7055", "WIN #k1").unwrap();
        let counts = app.wait_until(|counts| counts.mts_accepted == 1).await.unwrap();
        assert_eq!((counts.binds, counts.mts_sent), (2, 2), "{how:?}");
        let submits = gateway.submits();
        assert_eq!(submits[0].message, submits[1].message);
    }
}

#[tokio::test]
async fn silence_ends_the_session_and_the_reply_comes_again() {
    let gateway = gateway(|script| script.answers_submits = false).await;
    let options = Options { response: Duration::from_millis(1), ..options(&gateway) };
    let app = PartnerApp::start(options).unwrap();
    gateway.queue_mo("48600100200", "7055", "WIN #k1").unwrap();
    gateway.wait_for_submits(1).await.unwrap();
    gateway.script(|script| script.answers_submits = true);
    let counts = app.wait_until(|counts| counts.mts_accepted == 1).await.unwrap();
    assert!(counts.mts_sent > 1);
}

#[tokio::test]
async fn only_a_temporary_refusal_is_tried_again() {
    let gateway = gateway(|script| {
        script.answer_first(1, CommandStatus::RTHROTTLED);
        script.answer_first(1, CommandStatus::RINVDSTADR);
    })
    .await;
    let app = PartnerApp::start(options(&gateway)).unwrap();
    gateway.queue_mo("48600100200", "7055", "WIN #k1").unwrap();
    let counts = app.wait_until(|counts| counts.mts_refused == 1).await.unwrap();
    assert_eq!((counts.mts_sent, counts.mts_accepted), (2, 0));
}

#[tokio::test]
async fn it_binds_again_until_it_is_let_in_and_unbinds_when_it_stops() {
    let gateway = gateway(|script| script.bind_status = Some(CommandStatus::RBINDFAIL)).await;
    let app = PartnerApp::start(Options { sessions: 3, ..options(&gateway) }).unwrap();
    gateway.wait_until(|journal| journal.binds_seen >= 4).await.unwrap();
    gateway.script(|script| script.bind_status = None);
    gateway.wait_for_binds(3).await.unwrap();
    app.stop().await;
    gateway.wait_for_binds(0).await.unwrap();
}

#[tokio::test]
async fn a_receipt_is_read_from_its_text_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partner.jsonl");
    let gateway = gateway(|script| {
        script.receipts.form = ReceiptForm::TextOnly;
        script.receipts.state = 5;
    })
    .await;
    let options = Options { journal: Some(path.clone()), ..options(&gateway) };
    let app = PartnerApp::start(options).unwrap();
    gateway.mo("48600100200", "7055", "WIN #k1").await.unwrap();
    app.wait_until(|counts| counts.receipts == 1).await.unwrap();

    let mut events = Vec::new();
    journal::read(&path, |entry| events.push(entry.event)).unwrap();
    let (tag, id) = ("k1".to_owned(), "3000000001".to_owned());
    let expected = [
        Event::MoSeen {
            tag: Some(tag.clone()),
            gateway_id: None,
            from: "48600100200".to_owned(),
            to: "7055".to_owned(),
            repeated: false,
        },
        Event::MtSent { tag: tag.clone(), attempt: 1 },
        Event::MtAccepted { tag, id: id.clone() },
        Event::Receipt { id, state: 5 },
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn the_tally_of_both_journals_sees_what_a_broken_connection_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let (of_smsc, of_partner) = (folder.path().join("smsc"), folder.path().join("partner"));
    let script = Script {
        // Without a gateway in between, nothing keeps the repeated reply from being taken twice.
        close: Some(CloseAfter { submits: 5, how: Closing::Reset }),
        ..Script::default()
    };
    let smsc = fake_smsc::Options { journal: Some(of_smsc.clone()), ..Default::default() };
    let smsc = FakeSmsc::with(smsc, script).await.unwrap();
    // One reply in flight at a time: exactly the fifth is without an answer.
    let options = Options { journal: Some(of_partner.clone()), window: 1, ..options(&smsc) };
    let app = PartnerApp::start(options).unwrap();
    let plan = Plan { count: Some(20), ..Plan::new(10_000.0, "7055") };
    assert_eq!(subscribers::text(&smsc, &plan).await, 20);
    app.wait_until(|counts| counts.mts_accepted == 20 && counts.receipts >= 21).await.unwrap();
    smsc.wait_until(|journal| journal.receipts_acked == 21).await.unwrap();

    let tally = Tally::read(&of_smsc, &[&of_partner], Settled::All).unwrap();
    assert_eq!((tally.mos_sent, tally.mos_acked, tally.mos_seen), (20, 20, 20));
    assert_eq!((tally.mts_accepted, tally.mts_taken, tally.mts_sent_again), (20, 20, 1));
    assert_eq!((tally.lost(), tally.doubled()), (0, 1), "{tally}");
}
