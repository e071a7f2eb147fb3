//! S001 to S045: binding, and what may be asked when.

use std::time::Duration;

use bramka::{
    config::{BindAuthError, BindLimitError},
    demo::esme::{Esme, Failed, mt},
    domain::secret::Pepper,
    gateway::registry::SessionOrder,
    smpp::{
        Address, BindKind, Command, CommandId, CommandStatus as S, Pdu, ShortMessage, Version,
        pdu::{CancelSm, DataSm, Destination, MessageResp, QuerySm, ReplaceSm, SubmitMulti},
        tag,
    },
    store::{CredentialRights, NewApiKey},
};
use tokio::io::AsyncReadExt as _;

use super::world::{
    Builder, PASSWORD, PEPPER, PartnerPlan, Wire, World, bind_of, eventually, operator, raw, rights,
};

const KINDS: [BindKind; 3] = [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver];
const SUBSCRIBER: &str = "48600100200";

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn hello() -> Pdu {
    Pdu::SubmitSm(Box::new(mt("7455", SUBSCRIBER, "hello")))
}

/// What a bind is refused with; the connection is closed behind it.
async fn refused(world: &World, kind: BindKind, system_id: &str, password: &str) -> S {
    let esme = Esme::connect(world.node.smpp[0]).await.expect("a connection");
    match esme.bind_as(kind, Version::V34, system_id, password).await {
        Err(Failed::Refused(status)) => {
            esme.closed().await.expect("the end");
            status
        }
        other => panic!("{other:?}"),
    }
}

/// Refusals that do not wait.
fn quick(builder: Builder) -> Builder {
    let tune = builder.tune;
    Builder {
        tune: Some(Box::new(|config| {
            config.smpp_server.bind_fail_delay = vec![millis(1), millis(2)];
            if let Some(tune) = tune {
                tune(config);
            }
        })),
        ..builder
    }
}

#[tokio::test]
async fn s001_s002_s003_each_kind_of_bind_is_answered_with_our_name_and_its_sequence() {
    let world = Builder::default().build().await;
    for kind in KINDS {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        let bind = Pdu::Bind(kind, Box::new(bind_of("acme", PASSWORD)));
        let answer = wire.ask(&Command::new(77, bind)).await;
        assert_eq!((answer.status, answer.sequence), (S::ROK, 77));
        let Pdu::BindResp(answered, resp) = answer.pdu else { panic!("{answer:?}") };
        assert_eq!((answered, &resp.system_id[..]), (kind, &b"bramka"[..]));
    }
}

#[tokio::test]
async fn s004_s005_the_version_is_told_to_those_that_know_tlvs_and_others_never_see_one() {
    let world = Builder::default().ready().await;
    for (octet, told) in [(0x34, Some(0x34)), (0x50, Some(0x50)), (0x33, None), (0x00, None)] {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        let answer = wire.bind(BindKind::Receiver, octet).await;
        let Pdu::BindResp(_, resp) = answer.pdu else { panic!("{answer:?}") };
        let tlv = resp.tlvs.get(tag::SC_INTERFACE_VERSION).map(|value| value.to_vec());
        assert_eq!(tlv, told.map(|octet| vec![octet]), "{octet:#x}");
        world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
        let mo = wire.command().await.unwrap();
        let Pdu::DeliverSm(message) = mo.pdu else { panic!("{mo:?}") };
        assert_eq!(message.tlvs.iter().count() > 0, told.is_some(), "{octet:#x}");
        let resp = Pdu::DeliverSmResp(MessageResp::default());
        wire.send(&Command::new(mo.sequence, resp), Version::V34).await;
        let goodbye = wire.ask(&Command::new(9, Pdu::Unbind)).await;
        assert_eq!(goodbye.pdu, Pdu::UnbindResp);
    }
}

#[tokio::test]
async fn s006_a_peer_of_3_3_gets_ids_of_at_most_8_octets() {
    let world = Builder::default().build().await;
    let esme = world.bind_as("acme", BindKind::Transmitter, Version::V33).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..20 {
        let id = esme.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap().message_id;
        assert!((1..=8).contains(&id.len()), "{id:?}");
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn s007_s008_a_wrong_password_and_an_unknown_name_look_alike_unless_the_operator_opts_in() {
    for (switch, password, name) in [
        (BindAuthError::BindFail, S::RBINDFAIL, S::RBINDFAIL),
        (BindAuthError::InvalidPassword, S::RINVPASWD, S::RINVSYSID),
    ] {
        let world =
            quick(Builder::server(move |server| server.bind_auth_error = switch)).build().await;
        assert_eq!(refused(&world, BindKind::Transmitter, "acme", "wrong").await, password);
        assert_eq!(refused(&world, BindKind::Transmitter, "acmf", PASSWORD).await, name);
        assert_eq!(refused(&world, BindKind::Transmitter, "", "").await, name);
        world.bind("acme").await;
    }
}

#[tokio::test]
async fn s009_s010_s011_a_field_of_a_bind_that_is_too_long_has_a_status_of_its_own() {
    let world = Builder::default().build().await;
    // system_id NUL, password NUL, system_type NUL, version, ton, npi, range NUL. [34 s4.1.1]
    for (fields, expected) in [
        ("acme\0secret789\0\0", S::RINVPASWD),
        ("acme567890123456\0s3cret\0\0", S::RINVSYSID),
        ("acme\0s3cret\0type567890123\0", S::RINVSYSTYP),
    ] {
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        let body = [fields.as_bytes(), b"\x34\0\0\0"].concat();
        wire.write(&raw(2, 5, &body)).await;
        let answer = wire.command().await.unwrap();
        assert_eq!((answer.status, answer.sequence), (expected, 5), "{fields:?}");
        assert_eq!(answer.pdu.command_id(), CommandId::BIND_TRANSMITTER.response());
    }
}

#[tokio::test]
async fn s012_a_bind_from_an_address_that_is_not_listed_fails_like_a_wrong_password() {
    let builder = Builder::acme(|acme| acme.credential.addresses = vec!["127.0.0.9/32".into()]);
    let world = quick(builder).build().await;
    assert_eq!(refused(&world, BindKind::Transceiver, "acme", PASSWORD).await, S::RBINDFAIL);
    let listed = vec!["127.0.0.9/32".into(), "127.0.0.1/32".into()];
    let rights = CredentialRights { addresses: listed, ..rights() };
    world.allow("acme", &rights).await;
    world.bind("acme").await;
}

#[tokio::test]
async fn s013_a_suspended_partner_and_a_credential_that_is_off_do_not_bind() {
    let world = quick(Builder::default()).build().await;
    let store = world.gateway().store();
    store.set_partner_active(&operator(), 0, "acme", false).await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
    assert_eq!(refused(&world, BindKind::Transceiver, "acme", PASSWORD).await, S::RBINDFAIL);
    store.set_partner_active(&operator(), 0, "acme", true).await.unwrap();
    let off = CredentialRights { is_active: false, ..rights() };
    world.allow("acme", &off).await;
    assert_eq!(refused(&world, BindKind::Transceiver, "acme", PASSWORD).await, S::RBINDFAIL);
    world.allow("acme", &rights()).await;
    world.bind("acme").await;
}

#[tokio::test]
async fn s014_a_bind_above_the_limit_is_refused_while_the_others_live() {
    for (switch, expected) in
        [(BindLimitError::AlreadyBound, S::RALYBND), (BindLimitError::BindFail, S::RBINDFAIL)]
    {
        let mut builder = Builder::server(move |server| {
            server.bind_limit_error = switch;
            server.bind_probe = millis(100);
        });
        builder.partners[0].credential.binds_max = 1;
        let world = builder.build().await;
        let first = world.bind("acme").await;
        assert_eq!(refused(&world, BindKind::Receiver, "acme", PASSWORD).await, expected);
        first.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap();
        first.unbind().await.unwrap();
        first.closed().await.unwrap();
        world.bind("acme").await;
    }
}

#[tokio::test]
async fn s015_a_second_bind_on_a_session_is_refused_and_the_session_goes_on() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let again = esme.bind_as(BindKind::Receiver, Version::V34, "acme", PASSWORD).await;
    assert!(matches!(again, Err(Failed::Refused(S::RALYBND))), "{again:?}");
    esme.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap();
}

#[tokio::test]
async fn s016_a_kind_of_bind_that_is_not_sold_is_an_invalid_command() {
    let world = Builder::default().build().await;
    let receives = CredentialRights { may_transmit: false, ..rights() };
    world.allow("acme", &receives).await;
    for kind in [BindKind::Transmitter, BindKind::Transceiver] {
        assert_eq!(refused(&world, kind, "acme", PASSWORD).await, S::RINVCMDID);
    }
    world.bind_as("acme", BindKind::Receiver, Version::V34).await;
}

#[tokio::test]
async fn s017_s022_an_enquire_link_before_the_bind_is_answered_and_gains_no_time() {
    let world = Builder::server(|server| server.session_init = millis(150)).build().await;
    let esme = Esme::connect(world.node.smpp[0]).await.unwrap();
    while let Ok(answer) = esme.request(Pdu::EnquireLink).await {
        assert_eq!((answer.status, answer.pdu), (S::ROK, Pdu::EnquireLinkResp));
    }
    esme.closed().await.unwrap();
}

/// Every request of a transmitter with the answer it belongs to.
fn requests() -> Vec<Pdu> {
    let address = Address::new(1, 1, SUBSCRIBER);
    let multi = SubmitMulti {
        destinations: vec![Destination::Sme(address.clone())],
        message: ShortMessage::default(),
    };
    let replace = ReplaceSm { message_id: "1".into(), ..ReplaceSm::default() };
    vec![
        hello(),
        Pdu::QuerySm(QuerySm { message_id: "1".into(), ..QuerySm::default() }),
        Pdu::CancelSm(Box::new(CancelSm { message_id: "1".into(), ..CancelSm::default() })),
        Pdu::ReplaceSm(Box::new(replace)),
        Pdu::SubmitMulti(Box::new(multi)),
        Pdu::DataSm(Box::new(DataSm { destination: address, ..DataSm::default() })),
    ]
}

#[tokio::test]
async fn s018_s019_s020_a_request_of_a_transmitter_is_refused_before_and_beside_that_bind() {
    let world = Builder::default().build().await;
    let open = Esme::connect(world.node.smpp[0]).await.unwrap();
    let receiver = world.bind_as("acme", BindKind::Receiver, Version::V34).await;
    let modern = world.bind_as("acme", BindKind::Receiver, Version::V50).await;
    for esme in [&open, &receiver, &modern] {
        for request in requests() {
            let expected = request.command_id().response();
            let answer = esme.request(request).await.unwrap();
            assert_eq!(answer.pdu.command_id(), expected);
            assert_eq!(answer.status, S::RINVBNDSTS, "{expected:?}");
        }
    }
    open.bind_as(BindKind::Transmitter, Version::V34, "acme", PASSWORD).await.unwrap();
    receiver.unbind().await.unwrap();
}

#[tokio::test]
async fn s021_data_sm_of_a_receiver_is_taken_in_3_4_where_the_switch_says_so_and_never_in_5_0() {
    for (allowed, version, expected) in [
        (false, Version::V34, S::RINVBNDSTS),
        (true, Version::V34, S::ROK),
        (true, Version::V50, S::RINVBNDSTS),
    ] {
        let world =
            Builder::server(move |server| server.data_sm_on_receiver = allowed).build().await;
        let esme = world.bind_as("acme", BindKind::Receiver, version).await;
        let mut data = DataSm {
            source: Address::new(3, 1, "7455"),
            destination: Address::new(1, 1, SUBSCRIBER),
            ..DataSm::default()
        };
        data.tlvs.push(tag::MESSAGE_PAYLOAD, "hello");
        let answer = esme.request(Pdu::DataSm(Box::new(data))).await.unwrap();
        assert_eq!(answer.status, expected, "{allowed} {version:?}");
    }
}

#[tokio::test]
async fn s023_enquire_link_is_answered_while_the_partner_is_throttled_and_its_window_is_full() {
    let world = Builder::acme(|acme| {
        acme.partner.rate = 1;
        acme.credential.window = 1;
    })
    .ready()
    .await;
    let mut esme = world.bind("acme").await;
    esme.auto_answer(false);
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    esme.next_delivery().await.unwrap();
    let answers = esme.submit_pipelined(vec![mt("7455", SUBSCRIBER, "hello"); 5], 5).await;
    assert!(answers.iter().any(|one| matches!(one, Err(Failed::Refused(S::RTHROTTLED)))));
    esme.send(Command::new(0x1234, Pdu::EnquireLink)).await.unwrap();
    assert_eq!(esme.read_command().await.unwrap(), Command::new(0x1234, Pdu::EnquireLinkResp));
}

#[tokio::test]
async fn s024_what_was_submitted_before_an_unbind_is_answered_and_then_the_server_closes() {
    // A session that waits for its response timer instead would close too late for this test.
    let world = Builder::server(|server| server.response = Duration::from_mins(2)).build().await;
    let mut wire = Wire::connect(world.node.smpp[0]).await;
    wire.bind(BindKind::Transmitter, 0x34).await;
    let mut octets = bytes::BytesMut::new();
    for sequence in 10..30 {
        let submit = Command::new(sequence, hello());
        bramka::smpp::codec::encode(&submit, Version::V34, &mut octets).unwrap();
    }
    octets.extend(raw(6, 30, &[]));
    wire.write(&octets).await;
    let mut answered = Vec::new();
    while let Some(answer) = wire.command().await {
        assert_eq!(answer.status, S::ROK);
        answered.push(answer.sequence);
    }
    assert_eq!(answered.pop(), Some(30), "the goodbye is last");
    answered.sort_unstable();
    assert_eq!(answered, (10..30).collect::<Vec<u32>>());
}

#[tokio::test]
async fn s025_after_an_unbind_only_signs_of_life_and_its_answer_are_legal() {
    let world = Builder::default().build().await;
    let mut esme = world.bind("acme").await;
    esme.auto_unbind(false);
    let card = world.gateway().registry().sessions().remove(0);
    card.orders.try_send(SessionOrder::Kick("test".into())).unwrap();
    let unbind = esme.read_command().await.unwrap();
    assert_eq!(unbind.pdu, Pdu::Unbind);
    assert_eq!(esme.request(hello()).await.unwrap().status, S::RINVBNDSTS);
    assert_eq!(esme.request(Pdu::EnquireLink).await.unwrap().status, S::ROK);
    esme.send(Command::new(unbind.sequence, Pdu::UnbindResp)).await.unwrap();
    esme.closed().await.unwrap();
}

#[tokio::test]
async fn a_partner_that_is_disabled_loses_its_sessions_and_its_keys_at_once_and_no_other_does() {
    let mut builder = Builder::default();
    builder.partners.push(PartnerPlan::named("other"));
    let key = Pepper::new(PEPPER).mint().unwrap();
    builder.partners[0].api_key = Some(NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix.clone(),
        secret: key.hash.clone(),
        expires_at: i64::MAX,
        mode: bramka::domain::Mode::Live,
    });
    let world = builder.build().await;
    let mut acme = world.bind("acme").await;
    let mut stays = world.bind("other").await;
    acme.auto_unbind(false);
    // As the command does it in another process: nobody tells this one.
    let store = world.gateway().store();
    assert!(store.set_partner_active(&operator(), 0, "acme", false).await.unwrap());
    let began = tokio::time::Instant::now();
    let unbind = acme.read_command().await.unwrap();
    assert_eq!(unbind.pdu, Pdu::Unbind);
    // A second, and what a machine with other work takes.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    acme.send(Command::new(unbind.sequence, Pdu::UnbindResp)).await.unwrap();
    acme.closed().await.unwrap();
    let again =
        Esme::bind(world.node.smpp[0], BindKind::Transceiver, Version::V34, "acme", PASSWORD);
    assert!(again.await.is_err());
    let mut wire = Wire::connect(world.node.http[0]).await;
    let head = "GET /api/v1/messages/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    let request = format!("{head}authorization: Bearer {}\r\n\r\n", *key.shown);
    wire.write(request.as_bytes()).await;
    let mut answer = String::new();
    wire.0.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("partner_suspended"), "{answer}");
    assert_eq!(stays.request(Pdu::EnquireLink).await.unwrap().status, S::ROK);
    // One system_id alone can be shut out as well.
    let barred = CredentialRights { is_active: false, ..rights() };
    store.set_credential(&operator(), 0, "other", &barred).await.unwrap();
    assert_eq!(stays.read_command().await.unwrap().pdu, Pdu::Unbind);
    stays.closed().await.unwrap();
}

#[tokio::test]
async fn s026_a_drain_unbinds_each_session_and_waits_for_the_response_timer() {
    let world = Builder::server(|server| server.response = millis(300)).build().await;
    let mut polite = world.bind("acme").await;
    let mut silent = world.bind("acme").await;
    silent.auto_unbind(false);
    let began = tokio::time::Instant::now();
    let partners = async {
        for esme in [&mut polite, &mut silent] {
            assert_eq!(esme.read_command().await.unwrap().pdu, Pdu::Unbind);
            esme.closed().await.unwrap();
        }
    };
    tokio::join!(world.stop(), partners);
    assert!(began.elapsed() >= millis(300), "the silent one had its time");
}

#[tokio::test]
async fn s027_s028_a_silent_peer_is_asked_and_then_closed_and_its_delivery_goes_to_the_next() {
    let world = Builder::server(|server| {
        server.enquire_link = millis(100);
        server.response = millis(100);
    })
    .ready()
    .await;
    let mut silent = world.bind("acme").await;
    silent.auto_answer(false);
    silent.auto_enquire_link(false);
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    silent.next_delivery().await.unwrap();
    assert_eq!(silent.read_command().await.unwrap().pdu, Pdu::EnquireLink);
    silent.closed().await.unwrap();
    let mut next = world.bind("acme").await;
    assert_eq!(next.next_delivery().await.unwrap().message.short_message, "win");
}

#[tokio::test]
async fn s029_a_session_without_messages_is_unbound_and_the_switch_lets_enquire_link_keep_it() {
    let world = Builder::server(|server| {
        server.inactivity = Some(millis(100));
        server.enquire_link_keeps = false;
    })
    .build()
    .await;
    let mut esme = world.bind("acme").await;
    assert_eq!(esme.read_command().await.unwrap().pdu, Pdu::Unbind);
    esme.closed().await.unwrap();
}

#[tokio::test]
async fn s030_a_reset_in_the_middle_of_a_pdu_frees_the_place_at_once() {
    let mut builder = Builder::server(|server| server.bind_probe = Duration::from_mins(1));
    builder.partners[0].credential.binds_max = 1;
    let world = builder.build().await;
    let mut wire = Wire::connect(world.node.smpp[0]).await;
    assert_eq!(wire.bind(BindKind::Transceiver, 0x34).await.status, S::ROK);
    wire.write(&raw(4, 2, &[0; 40])[..30]).await;
    socket2::SockRef::from(&wire.0).set_linger(Some(Duration::ZERO)).unwrap();
    drop(wire);
    world.bind("acme").await;
}

#[tokio::test]
async fn s031_an_answer_before_the_bind_is_never_answered() {
    let world = Builder::default().build().await;
    let mut wire = Wire::connect(world.node.smpp[0]).await;
    wire.write(&raw(0x8000_0005, 3, &[0])).await;
    let answer = wire.bind(BindKind::Receiver, 0x34).await;
    assert!(matches!(answer.pdu, Pdu::BindResp(..)), "{answer:?}");
}

#[tokio::test]
async fn s032_s033_a_receipt_waits_for_a_session_that_receives_and_a_transmitter_gets_nothing() {
    let world = World::new().await;
    let mut transmitter = world.bind_as("acme", BindKind::Transmitter, Version::V34).await;
    transmitter.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap();
    world.smsc.wait_for_submits(1).await.unwrap();
    let mut receiver = world.bind_as("acme", BindKind::Receiver, Version::V34).await;
    assert!(receiver.next_delivery().await.unwrap().is_receipt());
    assert!(world.smsc.mo(SUBSCRIBER, "7455", "win").await.unwrap().is_ok());
    assert_eq!(receiver.next_delivery().await.unwrap().message.short_message, "win");
    transmitter.unbind().await.unwrap();
    assert!(transmitter.try_delivery().is_none());
}

#[tokio::test]
async fn s033_a_receipt_goes_to_the_receiver_that_is_bound_beside_its_transmitter() {
    let world = World::new().await;
    let mut receiver = world.bind_as("acme", BindKind::Receiver, Version::V34).await;
    let transmitter = world.bind_as("acme", BindKind::Transmitter, Version::V34).await;
    transmitter.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap();
    assert!(receiver.next_delivery().await.unwrap().is_receipt());
}

#[tokio::test]
async fn s034_a_session_whose_window_is_full_is_passed_over() {
    let world = Builder::acme(|acme| acme.credential.window = 1).ready().await;
    let mut one = world.bind("acme").await;
    let mut other = world.bind("acme").await;
    one.auto_answer(false);
    other.auto_answer(false);
    for text in ["win 1", "win 2", "win 3"] {
        world.smsc.queue_mo(SUBSCRIBER, "7455", text).unwrap();
    }
    let first = one.next_delivery().await.unwrap();
    other.next_delivery().await.unwrap();
    one.answer(first.sequence, S::ROK).await.unwrap();
    assert_eq!(one.next_delivery().await.unwrap().message.short_message, "win 3");
    assert!(other.try_delivery().is_none());
}

/// A world that calls acme at the listener, with an MO that waits.
async fn world_that_calls(listener: &tokio::net::TcpListener) -> World {
    let world = Builder::server(|server| {
        server.outbind = true;
        server.outbind_retry = millis(100);
        server.session_init = millis(200);
    })
    .ready()
    .await;
    let outbind = Some(listener.local_addr().expect("a port").to_string());
    world.allow("acme", &CredentialRights { outbind, ..rights() }).await;
    assert!(world.smsc.mo(SUBSCRIBER, "7455", "win").await.expect("room").is_ok());
    world
}

#[tokio::test]
async fn s035_s036_s037_a_partner_that_is_away_is_called_binds_and_gets_what_waits() {
    for kind in [BindKind::Receiver, BindKind::Transceiver] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _world = world_that_calls(&listener).await;
        // The first call is not answered with a bind, and ends with the timer.
        let mut silent = Esme::over(listener.accept().await.unwrap().0);
        assert!(matches!(silent.read_command().await.unwrap().pdu, Pdu::Outbind(_)));
        silent.closed().await.unwrap();
        let mut esme = Esme::over(listener.accept().await.unwrap().0);
        let called = esme.read_command().await.unwrap();
        let Pdu::Outbind(outbind) = called.pdu else { panic!("{called:?}") };
        assert_eq!((&outbind.system_id[..], &outbind.password[..]), (&b"bramka"[..], &b""[..]));
        esme.bind_as(kind, Version::V34, "acme", PASSWORD).await.unwrap();
        assert_eq!(esme.next_delivery().await.unwrap().message.short_message, "win");
    }
}

#[tokio::test]
async fn s038_s039_an_unknown_request_is_nacked_and_an_unknown_answer_is_passed_over() {
    let world = Builder::default().build().await;
    let mut esme = world.bind("acme").await;
    esme.send_raw(raw(0x8000_00ff, 8, b"junk")).await.unwrap();
    esme.send_raw(raw(0xff, 9, b"junk")).await.unwrap();
    let nack = esme.read_command().await.unwrap();
    assert_eq!((nack.status, nack.sequence), (S::RINVCMDID, 9));
    assert_eq!(nack.pdu, Pdu::GenericNack);
}

#[tokio::test]
async fn s040_broadcast_is_unknown_in_3_4_and_prohibited_in_5_0() {
    let world = Builder::default().build().await;
    for (version, id, status) in [
        (Version::V34, CommandId::GENERIC_NACK, S::RINVCMDID),
        (Version::V50, CommandId::BROADCAST_SM.response(), S::RPROHIBITED),
    ] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        let broadcast = Pdu::Other(CommandId::BROADCAST_SM, vec![0; 12].into());
        let answer = esme.request(broadcast).await.unwrap();
        assert_eq!((answer.pdu.command_id(), answer.status), (id, status));
    }
}

#[tokio::test]
async fn s041_a_nack_for_a_delivery_fails_it_for_now_and_any_other_changes_nothing() {
    let tune: Box<dyn FnOnce(&mut bramka::config::Config) + Send> =
        Box::new(|config| config.messages.retry = vec![millis(2)]);
    let world = Builder { tune: Some(tune), ..Builder::default() }.ready().await;
    let mut esme = world.bind("acme").await;
    esme.auto_answer(false);
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    let first = esme.next_delivery().await.unwrap();
    let nack = |sequence| Command { status: S::RSYSERR, sequence, pdu: Pdu::GenericNack };
    esme.send(nack(4711)).await.unwrap();
    esme.send(nack(first.sequence)).await.unwrap();
    let again = esme.next_delivery().await.unwrap();
    assert_eq!(again.message.short_message, "win");
    assert_ne!(again.sequence, first.sequence);
    esme.answer(again.sequence, S::ROK).await.unwrap();
    eventually("nothing waits", async || {
        let overview = world.gateway().store().overview().await.unwrap();
        (overview.waiting == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn s042_an_answer_of_unknown_sequence_is_passed_over() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    esme.answer(4711, S::ROK).await.unwrap();
    esme.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap();
}

#[tokio::test]
async fn s043_s044_odd_and_repeated_sequences_are_echoed_and_each_is_answered() {
    let world = Builder::default().build().await;
    let mut esme = world.bind("acme").await;
    let sequences = [0, 500, 500, 0x8000_0001];
    for sequence in sequences {
        esme.send(Command::new(sequence, hello())).await.unwrap();
    }
    let (mut echoed, mut ids) = (Vec::new(), std::collections::HashSet::new());
    for _ in sequences {
        let answer = esme.read_command().await.unwrap();
        assert_eq!(answer.status, S::ROK);
        echoed.push(answer.sequence);
        let Pdu::SubmitSmResp(resp) = answer.pdu else { panic!("{answer:?}") };
        assert!(ids.insert(resp.message_id), "no de-duplication by sequence");
    }
    echoed.sort_unstable();
    assert_eq!(echoed, sequences);
}
