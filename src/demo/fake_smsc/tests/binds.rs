//! Who is let in, and what a session may do besides messages.

use std::time::Duration;

use super::*;

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
