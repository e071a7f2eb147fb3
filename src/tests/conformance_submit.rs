//! S050 to S099: `submit_sm`, field by field and rule by rule.

use std::{collections::HashSet, time::Duration};

use bramka::{
    config::Size,
    demo::esme::{Esme, Failed, mt},
    smpp::{
        Address, BindKind, Command, CommandStatus as S, Pdu, ShortMessage, Tlvs, Version,
        pdu::{Destination, SubmitMulti},
        tag, time,
    },
    store::{Change, CredentialRights, GroupLimits, PartnerSetting, Place, Store, Stored},
};

use super::world::{Builder, Wire, World, charged, eventually, operator, raw, rights};

const SUBSCRIBER: &str = "48600100200";
const TARIFF: u16 = 0x1d01;
const CHARGE_SESSION: u16 = 0x1d03;
const MO_ID: u16 = 0x1d09;

/// A message that nothing is wrong with.
fn good() -> ShortMessage {
    mt("7455", SUBSCRIBER, "hello")
}

fn from(sender: &str, ton: u8, npi: u8) -> ShortMessage {
    ShortMessage { source: Address::new(ton, npi, sender.to_owned()), ..good() }
}

fn to(recipient: &str, ton: u8, npi: u8) -> ShortMessage {
    ShortMessage { destination: Address::new(ton, npi, recipient.to_owned()), ..good() }
}

fn with_tlv(tag: u16, value: &[u8]) -> ShortMessage {
    let mut message = good();
    message.tlvs.push(tag, value.to_vec());
    message
}

async fn status_of(esme: &Esme, message: ShortMessage) -> S {
    esme.request(Pdu::SubmitSm(Box::new(message))).await.expect("what the story needs").status
}

/// Each message gets its status.
async fn check(esme: &Esme, table: impl IntoIterator<Item = (ShortMessage, S)>) {
    for (message, expected) in table {
        let shown = format!("{message:?}");
        assert_eq!(status_of(esme, message).await, expected, "{shown}");
    }
}

/// A point in time as `submit_sm` writes it.
fn in_seconds(world: &World, seconds: i64) -> Vec<u8> {
    time::write_absolute(world.gateway().now() + seconds * 1_000_000).to_vec()
}

#[tokio::test]
async fn s050_a_minimal_submit_gets_an_id_of_its_own() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let mut ids = HashSet::new();
    for _ in 0..10 {
        let id = esme.submit(good()).await.unwrap().message_id;
        assert!(!id.is_empty() && ids.insert(id));
    }
}

#[tokio::test]
async fn s051_a_refusal_is_a_bare_header_unless_its_reason_is_told_in_a_tlv() {
    for (wants_reason, octet, is_bare) in
        [(false, 0x34, true), (true, 0x33, true), (true, 0x34, false)]
    {
        let world =
            Builder::server(move |server| server.refusal_reason_tlv = wants_reason).build().await;
        let mut wire = Wire::connect(world.node.smpp[0]).await;
        wire.bind(BindKind::Transmitter, octet).await;
        let wrong = Pdu::SubmitSm(Box::new(to("", 1, 1)));
        wire.send(&Command::new(5, wrong), Version::V34).await;
        let frame = wire.frame().await.unwrap();
        assert_eq!(frame[4..16], [0x80, 0, 0, 4, 0, 0, 0, 0x0b, 0, 0, 0, 5]);
        assert_eq!(frame.len() == 16, is_bare, "{wants_reason} {octet:#x}");
    }
}

/// The body of a `submit_sm` by hand, so that fields may be longer than is legal.
fn body(service_type: &str, source: &str, recipient: &str, schedule: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for (before, field) in
        [(&[][..], service_type), (&[3, 1], source), (&[1, 1], recipient), (&[0, 0, 0], schedule)]
    {
        octets.extend(before);
        octets.extend(field.as_bytes());
        octets.push(0);
    }
    // validity NUL, registered, replace, coding, default id, length 2, "Hi".
    octets.extend(b"\0\0\0\0\0\x02Hi");
    octets
}

#[tokio::test]
async fn s052_s053_s054_s062_s069_a_field_that_is_empty_wrong_or_too_long_has_its_own_status() {
    let world = Builder::default().build().await;
    let mut wire = Wire::connect(world.node.smpp[0]).await;
    wire.bind(BindKind::Transmitter, 0x34).await;
    for (body, expected) in [
        (body("", "7455", SUBSCRIBER, ""), S::ROK),
        (body("", "7455", "", ""), S::RINVDSTADR),
        (body("", "7455", "4860010020A", ""), S::RINVDSTADR),
        (body("", "7455", "486001002001234567890", ""), S::RINVDSTADR),
        (body("WAPPSH", "7455", SUBSCRIBER, ""), S::RINVSERTYP),
        (body("", "7455", SUBSCRIBER, "26112112000000000040"), S::RINVSCHED),
    ] {
        wire.write(&raw(4, 7, &body)).await;
        let answer = wire.command().await.unwrap();
        assert_eq!((answer.status, answer.sequence), (expected, 7), "{body:?}");
    }
}

#[tokio::test]
async fn s055_s056_s057_s058_reserved_types_and_plans_of_numbers_are_refused() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    check(
        &esme,
        [
            (to(SUBSCRIBER, 7, 1), S::RINVDSTTON),
            (to(SUBSCRIBER, 1, 2), S::RINVDSTNPI),
            (from("7455", 7, 1), S::RINVSRCTON),
            (from("7455", 3, 2), S::RINVSRCNPI),
            (to("0600100200", 2, 1), S::ROK),
        ],
    )
    .await;
}

#[tokio::test]
async fn s059_s060_s061_a_sender_is_the_partners_own_or_the_default_of_its_account() {
    let mut builder = Builder::default();
    let mut with_default = super::world::PartnerPlan::named("globex");
    with_default.credential.default_sender = Some("7477".into());
    builder.partners.push(with_default);
    builder.services.push(super::world::service("globex", "vote", "7477", &["VOTE"]));
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    check(
        &acme,
        [
            (from("7999", 3, 1), S::RINVSRCADR),
            (from("7477", 3, 1), S::RINVSRCADR),
            (from("", 0, 0), S::RINVSRCADR),
            (from("Twelve chars", 5, 0), S::RINVSRCADR),
            (from("Unregistered", 5, 0), S::RINVSRCADR),
        ],
    )
    .await;
    let globex = world.bind("globex").await;
    check(&globex, [(from("", 0, 0), S::ROK)]).await;
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(sent[0].message.source.digits, "7477");
}

#[tokio::test]
async fn s063_an_account_with_a_list_uses_no_other_service_type() {
    let world = Builder::default().build().await;
    let listed = CredentialRights { service_types: vec!["CMT".into()], ..rights() };
    world.allow("acme", &listed).await;
    let typed = |name: &'static str| ShortMessage { service_type: name.into(), ..good() };
    for (version, refused) in [(Version::V34, S::RINVSERTYP), (Version::V50, S::RSERTYPUNAUTH)] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        check(&esme, [(typed("CMT"), S::ROK), (typed("VMN"), refused), (typed(""), refused)]).await;
    }
}

#[tokio::test]
async fn s064_s065_priority_is_0_to_3_and_success_receipts_are_of_5_0() {
    let world = Builder::default().build().await;
    let old = world.bind("acme").await;
    let new = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    let urgent = |priority| ShortMessage { priority, ..good() };
    check(&old, [(urgent(3), S::ROK), (urgent(4), S::RINVPRTFLG)]).await;
    let receipt = |registered_delivery| ShortMessage { registered_delivery, ..good() };
    check(&old, [(receipt(3), S::RINVREGDLVFLG), (receipt(0x20), S::RINVREGDLVFLG)]).await;
    check(&new, [(receipt(3), S::ROK), (receipt(2), S::ROK)]).await;
}

#[tokio::test]
async fn s066_an_account_without_receipts_cannot_ask_for_one() {
    let world = Builder::default().build().await;
    world.allow("acme", &CredentialRights { may_have_receipts: false, ..rights() }).await;
    let esme = world.bind("acme").await;
    let without = ShortMessage { registered_delivery: 0, ..good() };
    check(&esme, [(good(), S::RINVREGDLVFLG), (without, S::ROK)]).await;
}

#[tokio::test]
async fn s067_s068_replacing_is_a_flag_of_0_or_1_and_is_refused_where_it_is_not_offered() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let replacing = |replace_if_present| ShortMessage { replace_if_present, ..good() };
    check(&esme, [(replacing(2), S::RINVREPFLAG), (replacing(1), S::ROK)]).await;
    // Only submit_multi of 3.4 does not offer it (S115); elsewhere it is always on.
    let multi = SubmitMulti {
        destinations: vec![Destination::Sme(good().destination)],
        message: replacing(1),
    };
    let answer = esme.request(Pdu::SubmitMulti(Box::new(multi))).await.unwrap();
    assert_eq!(answer.status, S::RINVSUBREP);
}

#[tokio::test]
async fn s070_s071_s072_s073_times_lie_between_now_and_the_horizon_and_in_order() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let scheduled = |seconds| ShortMessage {
        schedule_delivery_time: in_seconds(&world, seconds).into(),
        ..good()
    };
    let valid =
        |seconds| ShortMessage { validity_period: in_seconds(&world, seconds).into(), ..good() };
    let malformed = |text: &'static str| ShortMessage { validity_period: text.into(), ..good() };
    let crossed =
        ShortMessage { validity_period: in_seconds(&world, 600).into(), ..scheduled(900) };
    check(
        &esme,
        [
            (scheduled(-200), S::ROK),
            (scheduled(-400), S::RINVSCHED),
            (scheduled(3600), S::ROK),
            (scheduled(60 * 86_400), S::RINVSCHED),
            (malformed("261399000000000+"), S::RINVEXPIRY),
            (malformed("000000ab0000000R"), S::RINVEXPIRY),
            (valid(-10), S::RINVEXPIRY),
            (crossed, S::RINVEXPIRY),
            (valid(600), S::ROK),
        ],
    )
    .await;
}

#[tokio::test]
async fn s074_s088_a_long_validity_is_capped_and_in_5_0_the_time_to_live_counts_more() {
    let world = Builder::default().build().await;
    let year = ShortMessage { validity_period: "010000000000000R".into(), ..good() };
    let mut minute = year.clone();
    minute.tlvs.push(tag::QOS_TIME_TO_LIVE, 60u32.to_be_bytes().to_vec());
    let week = 7 * 86_400;
    for (version, message, seconds) in [
        (Version::V34, year.clone(), week),
        (Version::V50, year, week),
        (Version::V34, minute.clone(), week),
        (Version::V50, minute, 60),
    ] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        // A repeat after a session's end would get the earlier answer (P11).
        let text = format!("{version:?} {seconds}");
        let message = ShortMessage { short_message: text.into(), ..message };
        let id = esme.submit(message).await.unwrap().message_id;
        let (stored, _) = world.stored_mt(&id).await.unwrap();
        let lives = (stored.valid_until - stored.accepted_at) / 1_000_000;
        assert!((seconds - 1..=seconds).contains(&lives), "{version:?}: {lives}");
    }
}

#[tokio::test]
async fn s075_s076_there_are_no_canned_texts_with_or_without_one_of_the_partners_own() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let canned = ShortMessage { default_message_id: 7, ..good() };
    let alone = ShortMessage { short_message: "".into(), ..canned.clone() };
    check(&esme, [(canned, S::RINVDFTMSGID), (alone, S::RINVDFTMSGID)]).await;
}

#[tokio::test]
async fn s077_s078_one_text_at_a_time_in_3_4_the_payload_wins_in_5_0_and_none_is_a_message_too() {
    let world = World::new().await;
    let both = with_tlv(tag::MESSAGE_PAYLOAD, b"payload");
    let only = ShortMessage { short_message: "".into(), ..both.clone() };
    let empty = ShortMessage { short_message: "".into(), ..good() };
    let old = world.bind("acme").await;
    check(&old, [(both.clone(), S::RINVMSGLEN), (only, S::ROK)]).await;
    world.smsc.wait_for_submits(1).await.unwrap();
    check(&old, [(empty, S::ROK)]).await;
    world.smsc.wait_for_submits(2).await.unwrap();
    let new = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    check(&new, [(both, S::ROK)]).await;
    let sent = world.smsc.wait_for_submits(3).await.unwrap();
    let texts: Vec<_> = sent.iter().map(|one| one.message.short_message.clone()).collect();
    assert_eq!(texts, ["payload", "", "payload"]);
}

#[tokio::test]
async fn s079_a_long_text_is_split_or_refused_as_the_partner_chose() {
    let world = World::new().await;
    let long = |count| mt("7455", SUBSCRIBER, &"a".repeat(count));
    let esme = world.bind("acme").await;
    check(&esme, [(long(161), S::ROK)]).await;
    assert_eq!(world.smsc.wait_for_submits(2).await.unwrap().len(), 2);
    world.set("acme", PartnerSetting::SplitsLong(false)).await;
    let esme = world.bind("acme").await;
    check(&esme, [(long(161), S::RINVMSGLEN), (long(160), S::ROK)]).await;
}

#[tokio::test]
async fn s080_s081_s083_a_header_that_cannot_be_is_refused() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let concatenated: &[u8] = b"\x05\x00\x03\x01\x02\x01hello";
    let with_header = |octets: &[u8]| ShortMessage {
        esm_class: 0x40,
        data_coding: 4,
        short_message: octets.to_vec().into(),
        ..good()
    };
    let twice = |tlvs: Tlvs| ShortMessage { tlvs, ..with_header(concatenated) };
    let sar = |total, number| {
        let tlvs = Tlvs::new()
            .with_u16(tag::SAR_MSG_REF_NUM, 1)
            .with_u8(tag::SAR_TOTAL_SEGMENTS, total)
            .with_u8(tag::SAR_SEGMENT_SEQNUM, number);
        ShortMessage { tlvs, ..good() }
    };
    check(
        &esme,
        [
            (with_header(concatenated), S::ROK),
            (with_header(b"\x0b\x00\x03\x01\x02\x01hello"), S::RINVESMCLASS),
            (with_header(b""), S::RINVESMCLASS),
            (twice(Tlvs::new().with_u16(tag::SAR_MSG_REF_NUM, 1)), S::RTLVNOTALLWD),
            (twice(Tlvs::new().with_u16(tag::DESTINATION_PORT, 2948)), S::RTLVNOTALLWD),
            (sar(2, 1), S::ROK),
            (sar(2, 0), S::RINVTLVVAL),
            (sar(2, 3), S::RINVTLVVAL),
        ],
    )
    .await;
}

#[tokio::test]
async fn s082_an_incomplete_set_of_sar_tlvs_says_nothing() {
    let world = World::new().await;
    let esme = world.bind("acme").await;
    let mut message = good();
    message.tlvs =
        Tlvs::new().with_u16(tag::SAR_MSG_REF_NUM, 1).with_u8(tag::SAR_SEGMENT_SEQNUM, 9);
    check(&esme, [(message, S::ROK)]).await;
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!((sent[0].message.esm_class, &sent[0].message.short_message[..]), (0, &b"hello"[..]));
}

#[tokio::test]
async fn s084_s085_modes_and_types_that_are_not_an_esmes_are_refused() {
    let world = Builder::default().build().await;
    let class = |esm_class| ShortMessage { esm_class, ..good() };
    for version in [Version::V34, Version::V50] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        check(
            &esme,
            [
                (class(0x02), S::RINVESMCLASS),
                (class(0x04), S::RINVESMCLASS),
                (class(0x20), S::RINVESMCLASS),
                (class(0x03), S::ROK),
                (class(0x08), S::ROK),
                (class(0x10), S::ROK),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn s086_s087_a_reserved_coding_and_half_a_character_are_refused() {
    let world = Builder::default().build().await;
    for (version, reserved) in [(Version::V34, S::RSUBMITFAIL), (Version::V50, S::RINVDCS)] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        let coded = |data_coding| ShortMessage { data_coding, ..good() };
        let even = ShortMessage { short_message: "even".into(), ..coded(8) };
        check(&esme, [(coded(0x0b), reserved), (coded(8), S::RINVMSGLEN), (even, S::ROK)]).await;
    }
}

#[tokio::test]
async fn s089_the_reference_of_the_partner_comes_back_in_the_receipt() {
    let world = World::new().await;
    let mut esme = world.bind("acme").await;
    esme.submit(with_tlv(tag::USER_MESSAGE_REFERENCE, &[0x12, 0x34])).await.unwrap();
    let receipt = esme.next_delivery().await.unwrap();
    assert!(receipt.is_receipt());
    assert_eq!(receipt.message.tlvs.u16(tag::USER_MESSAGE_REFERENCE), Some(0x1234));
}

/// Messages that the store knows, of both directions.
async fn known(world: &World) -> i64 {
    world
        .gateway()
        .store()
        .census()
        .await
        .expect("what the story needs")
        .iter()
        .map(|(_, _, count)| count)
        .sum()
}

#[tokio::test]
async fn s090_above_its_rate_a_partner_is_throttled_and_nothing_is_stored() {
    let world = Builder::acme(|acme| acme.partner.rate = 1).build().await;
    let esme = world.bind("acme").await;
    let answers = esme.submit_pipelined(vec![good(); 20], 20).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(!taken.is_empty() && !refused.is_empty());
    for one in refused {
        assert!(matches!(one, Err(Failed::Refused(S::RTHROTTLED))), "{one:?}");
    }
    assert_eq!(known(&world).await, i64::try_from(taken.len()).unwrap());
}

#[tokio::test]
async fn s091_above_its_backlog_a_partner_is_told_that_the_queue_is_full() {
    let mut builder = Builder::acme(|acme| acme.partner.backlog_max = 2);
    builder.script.answers_submits = false;
    let world = builder.build().await;
    let esme = world.bind("acme").await;
    check(&esme, [(good(), S::ROK), (good(), S::ROK), (good(), S::RMSGQFUL)]).await;
    assert_eq!(known(&world).await, 2);
}

#[tokio::test]
async fn s092_p24_a_gateway_that_cannot_work_says_so_in_the_word_that_the_partner_prefers() {
    for (prefers, expected) in [(false, S::RSYSERR), (true, S::RX_T_APPN)] {
        let world = Builder::default().build().await;
        world.set("acme", PartnerSetting::PrefersRxTAppn(prefers)).await;
        let esme = world.bind("acme").await;
        world.gateway().drain();
        check(&esme, [(good(), expected), (good(), expected)]).await;
        assert_eq!(esme.request(Pdu::EnquireLink).await.unwrap().status, S::ROK);
    }
}

/// A commit of `SQLite` that failed may have happened: neither a yes nor a no would be true.
#[tokio::test]
async fn s092_p4_when_the_writer_stopped_nobody_is_answered_and_the_session_ends() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let idle = world.bind("acme").await;
    esme.submit(good()).await.unwrap();
    world.break_store().await;
    let unanswered = esme.submit(good()).await;
    assert!(matches!(unanswered, Err(Failed::Closed)), "{unanswered:?}");
    assert!(!world.gateway().is_ready());
    let also = idle.submit(good()).await;
    assert!(matches!(also, Err(Failed::Closed)), "the writer is gone for everybody: {also:?}");
}

#[tokio::test]
async fn s093_what_was_answered_is_in_the_database_for_everybody_who_looks() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let id = esme.submit(good()).await.unwrap().message_id;
    // Another connection sees only what is committed.
    let place = Place { url: world.config.store_url().reveal().to_owned(), readers: 1 };
    let (other, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    let id: i64 = std::str::from_utf8(&id).unwrap().parse().unwrap();
    let found = other.message(bramka::domain::MessageId(id)).await.unwrap();
    let Some(Stored::Mt(message, _)) = found else { panic!("{id} is not there") };
    assert_eq!(&message.body.octets[..], b"hello");
}

#[tokio::test]
async fn s094_a_thousand_pipelined_submits_get_a_thousand_answers() {
    let world = Builder::default().build().await;
    let esme = world.bind("acme").await;
    let answers = esme.submit_pipelined(vec![good(); 1000], 1000).await;
    let ids: HashSet<_> = answers.into_iter().map(|one| one.unwrap().message_id).collect();
    assert_eq!(ids.len(), 1000);
    assert_eq!(known(&world).await, 1000);
}

#[tokio::test]
async fn s095_beyond_the_window_nothing_is_dropped() {
    let world = Builder::server(|server| server.window_in = 2).build().await;
    let esme = world.bind("acme").await;
    let answers = esme.submit_pipelined(vec![good(); 100], 100).await;
    assert_eq!(answers.iter().filter(|one| one.is_ok()).count(), 100);
    assert_eq!(known(&world).await, 100);
}

#[tokio::test]
async fn s096_congestion_is_told_to_5_0_only_and_rises_with_what_waits_for_the_store() {
    let world = Builder::default().build().await;
    let old = world.bind("acme").await;
    let new = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    assert_eq!(old.submit(good()).await.unwrap().tlvs.u8(tag::CONGESTION_STATE), None);
    let idle = new.submit(good()).await.unwrap().tlvs.u8(tag::CONGESTION_STATE).unwrap();
    assert!(idle < 100, "{idle}");
    let place = Place { url: world.config.store_url().reveal().to_owned(), readers: 1 };
    let limits = GroupLimits { inbox: 10, ..GroupLimits::default() };
    // Nobody runs this writer: what is handed to it stays in its inbox.
    let (store, _writer) = Store::open(place, limits).await.unwrap();
    let mut told = vec![store.congestion()];
    for _ in 0..10 {
        store.note(Change::default()).await.unwrap();
        told.push(store.congestion());
    }
    assert_eq!(told, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
}

#[tokio::test]
async fn s097_a_barred_subscriber_is_refused() {
    let world = Builder::default().build().await;
    let store = world.gateway().store();
    store.bar_number(&operator(), 0, SUBSCRIBER, "premium barred").await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
    let esme = world.bind("acme").await;
    check(&esme, [(good(), S::RSUBMITFAIL), (to("48600100201", 1, 1), S::ROK)]).await;
}

#[tokio::test]
async fn s098_a_charged_message_names_a_tariff_that_exists_and_is_agreed() {
    let mut builder = Builder::default();
    let mut open = charged("acme", "shop", "7488", &["SHOP"]);
    open.tariff = None;
    open.tariffs_allowed = vec!["T4".into()];
    builder.services.push(open);
    let world = builder.build().await;
    let store = world.gateway().store();
    let dear = bramka::store::NewTariff::polish("T25", 2500, 3075);
    store.add_tariff(&operator(), 0, &dear).await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
    let priced = |code: &str| ShortMessage {
        source: Address::new(3, 1, "7488"),
        ..with_tlv(TARIFF, code.as_bytes())
    };
    let bare = ShortMessage { tlvs: Tlvs::new(), ..priced("T4") };
    for (version, prohibited) in [(Version::V34, S::RSUBMITFAIL), (Version::V50, S::RPROHIBITED)] {
        let esme = world.bind_as("acme", BindKind::Transmitter, version).await;
        check(
            &esme,
            [
                (bare.clone(), S::RMISSINGTLV),
                (priced("T99"), S::RINVTLVVAL),
                (priced("T25"), prohibited),
                (priced("T4"), S::ROK),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn s099_a_reply_quotes_an_mo_of_the_same_partner_and_subscriber() {
    let world = World::new().await;
    let mut esme = world.bind("acme").await;
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    let mo = esme.next_delivery().await.unwrap();
    let id = mo.message.tlvs.get(MO_ID).unwrap().to_vec();
    let elsewhere = ShortMessage {
        destination: Address::new(1, 1, "48600100299"),
        ..with_tlv(CHARGE_SESSION, &id)
    };
    check(
        &esme,
        [
            (with_tlv(CHARGE_SESSION, b"12345"), S::RINVTLVVAL),
            (with_tlv(CHARGE_SESSION, b"not-an-id"), S::RINVTLVVAL),
            (elsewhere, S::RINVTLVVAL),
            (with_tlv(CHARGE_SESSION, &id), S::ROK),
        ],
    )
    .await;
}

#[tokio::test]
async fn p24_p38_a_draining_node_refuses_submits_for_now_and_new_binds() {
    let world = Builder::server(|server| {
        server.bind_fail_delay = vec![Duration::ZERO, Duration::from_millis(1)];
    })
    .build()
    .await;
    let esme = world.bind("acme").await;
    world.gateway().drain();
    check(&esme, [(good(), S::RSYSERR)]).await;
    let late = Esme::connect(world.node.smpp[0]).await.unwrap();
    let bind = late.bind_as(BindKind::Transmitter, Version::V34, "acme", super::world::PASSWORD);
    assert!(matches!(bind.await, Err(Failed::Refused(S::RBINDFAIL))));
}

#[tokio::test]
async fn p35_a_disk_that_is_nearly_full_takes_no_mt_and_keeps_its_sessions() {
    let tune: Box<dyn FnOnce(&mut bramka::config::Config) + Send> =
        Box::new(|config| config.store.disk_soft = Size::gib(1 << 30));
    let world = Builder { tune: Some(tune), ..Builder::default() }.ready().await;
    let mut esme = world.bind("acme").await;
    eventually("no MT is taken", async || {
        (status_of(&esme, good()).await == S::RMSGQFUL).then_some(())
    })
    .await;
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    while esme.next_delivery().await.unwrap().is_receipt() {}
}
