//! Answers that explain (D7) and the limit that binds now (D35), as a partner and an operator see
//! them.

use std::time::Duration;

use bramka::{
    config::Size,
    control,
    demo::esme::{Esme, mt},
    domain::{Refusal, service_field::TextCoding},
    http::{error::Problem, problems},
    smpp::{
        Address, BindKind, Command, CommandId, CommandStatus as S, Pdu, ShortMessage, Tlvs,
        Version,
        pdu::{DataSm, Destination, SubmitMulti},
        tag,
    },
    smpp_server::status,
    store::{CredentialRights, NewTariff, PartnerSetting},
};

use super::world::{
    Builder, LINK, PartnerPlan, World, charged, eventually, get, operator, rights, service,
};

const SUBSCRIBER: &str = "48600100200";
const BARRED: &str = "48600100999";
const TARIFF: u16 = 0x1d01;
const SERVICE: u16 = 0x1d02;
const MO: u16 = 0x1d03;
const IDEMPOTENCY: u16 = 0x1d06;
const REASON: u16 = 0x1d08;

/// One of each refusal.
fn every_refusal() -> Vec<Refusal> {
    let text = || "x".to_owned();
    let retry_after = Duration::from_millis(1);
    vec![
        Refusal::NotYourNumber("x".into()),
        Refusal::NoSender,
        Refusal::BadSender(text()),
        Refusal::BadRecipient(text()),
        Refusal::RecipientBarred("x".into()),
        Refusal::SubscriberStopped("x".into(), "x".into()),
        Refusal::Throttled { rate: 1, retry_after },
        Refusal::BacklogFull { backlog: 1 },
        Refusal::StoreFull,
        Refusal::Draining,
        Refusal::BadValidity(text()),
        Refusal::BadSchedule(text()),
        Refusal::BadLength(text()),
        Refusal::BadDataCoding(1),
        Refusal::AlphabetNotAllowed { service: "x".into(), coding: TextCoding::Gsm7 },
        Refusal::TlvNotAllowed { tag: 0x1501, service: "x".into() },
        Refusal::BadUserData(text()),
        Refusal::BadServiceType("x".into()),
        Refusal::ServiceNotLive { service: "x".into(), state: "closed" },
        Refusal::UnknownService("x".into()),
        Refusal::AmbiguousService("x".into()),
        Refusal::TariffMissing("x".into()),
        Refusal::TariffUnknown("x".into()),
        Refusal::TariffNotAllowed("x".into()),
        Refusal::UnknownMo("x".into()),
        Refusal::ReceiptsNotAllowed,
        Refusal::ReplaceNotAllowed,
        Refusal::UnknownStoredText(1),
        Refusal::UnknownMessage("x".into()),
        Refusal::TooLateToCancel("x".into()),
        Refusal::NothingToCancel,
        Refusal::CannotReplace("x".into()),
        Refusal::IdempotencyConflict("x".into()),
        Refusal::BadIdempotencyId("x"),
        Refusal::SpendLimit("x"),
        Refusal::TooManyRecipients { count: 2, max: 1 },
        Refusal::PartnerSuspended,
        Refusal::BadField(text()),
    ]
}

/// One of each that only people and the API of people can meet.
fn every_refusal_of_people() -> Vec<Refusal> {
    vec![
        Refusal::FieldErrors(Vec::new()),
        Refusal::NotAllowed,
        Refusal::StepUpNeeded,
        Refusal::ViewOnly,
        Refusal::WrongState("x".to_owned()),
        Refusal::VersionConflict,
        Refusal::UnknownId("person"),
        Refusal::Taken("mail address"),
        Refusal::QuotaReached { most: 1 },
        Refusal::WrongLogIn,
        Refusal::TooManyTries { retry_after: Duration::from_secs(1) },
        Refusal::LinkInvalid,
    ]
}

#[test]
fn d7_a_page_names_the_status_that_the_refusal_has_over_http() {
    for refusal in every_refusal().into_iter().chain(every_refusal_of_people()) {
        let is_temporary = refusal.is_temporary();
        let problem = Problem::from(refusal);
        let page = problems::page(problem.code).unwrap();
        assert_eq!(page.status, problem.status.as_u16(), "{}", problem.code);
        assert_eq!(problem.retry_after.is_some(), is_temporary, "{}", problem.code);
    }
}

#[test]
fn d7_a_page_names_the_status_that_the_refusal_has_over_smpp() {
    // The list above is whole if it has as many codes as the enum gives out.
    let source = include_str!("../domain/refusal.rs");
    let codes = source.lines().filter(|line| line.contains("=> \"") && line.ends_with("\","));
    assert_eq!(codes.count(), every_refusal().len() + every_refusal_of_people().len());
    for refusal in every_refusal_of_people() {
        assert_eq!(problems::page(refusal.code()).unwrap().smpp, None, "{}", refusal.code());
    }
    for refusal in every_refusal() {
        let page = problems::page(refusal.code()).unwrap();
        let name = status::of_refusal(&refusal).to_string();
        assert_eq!(page.smpp, Some(name.as_str()), "{}", refusal.code());
    }
}

fn good() -> ShortMessage {
    mt("7455", SUBSCRIBER, "hello")
}

fn from(sender: &str) -> ShortMessage {
    ShortMessage { source: Address::new(3, 1, sender.to_owned()), ..good() }
}

fn with_tlv(mut message: ShortMessage, tag: u16, value: &[u8]) -> ShortMessage {
    message.tlvs.push(tag, value.to_vec());
    message
}

/// The code in front of the reason, and the status.
fn told(answer: &Command) -> (String, S) {
    let tlvs = match &answer.pdu {
        Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp) => resp.tlvs.clone(),
        Pdu::SubmitMultiResp(resp) => resp.tlvs.clone(),
        _ => Tlvs::new(),
    };
    let reason = String::from_utf8_lossy(tlvs.text(REASON).unwrap_or_default()).into_owned();
    let (code, words) = reason.split_once(": ").unwrap_or_default();
    assert!(!answer.status.is_ok() && !words.is_empty(), "{answer:?}");
    (code.to_owned(), answer.status)
}

/// The code is the expected one, its page is there, and the page names the status.
async fn check(world: &World, esme: &Esme, code: &str, pdu: Pdu) {
    let answer = esme.request(pdu).await.unwrap();
    let (said, status) = told(&answer);
    assert_eq!(said, code, "{answer:?}");
    let page = get(world.node.http[0], &format!("/problems/{code}")).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{code}: {page}");
    // One page serves several fields; each has a status of its own.
    if !["bad_field", "bad_sender"].contains(&code) {
        let shown = page.contains(&format!("command_status {status}<"));
        assert!(shown, "{code}: {status} is not on its page");
    }
}

/// Every refusal that hangs on the message alone.
fn refused_messages() -> Vec<(&'static str, ShortMessage)> {
    let to =
        |digits: &'static str| ShortMessage { destination: Address::new(1, 1, digits), ..good() };
    let past = "200101000000000+";
    vec![
        ("not_your_number", from("7999")),
        ("no_sender", from("")),
        ("bad_sender", from("12")),
        ("bad_recipient", to("12")),
        ("recipient_barred", to(BARRED)),
        ("bad_validity", ShortMessage { validity_period: past.into(), ..good() }),
        ("bad_schedule", ShortMessage { schedule_delivery_time: past.into(), ..good() }),
        ("bad_length", ShortMessage { data_coding: 8, short_message: "odd".into(), ..good() }),
        ("bad_data_coding", ShortMessage { data_coding: 0x0b, ..good() }),
        (
            "bad_user_data",
            ShortMessage { esm_class: 0x40, short_message: "\x0bx".into(), ..good() },
        ),
        ("service_not_live", from("7477")),
        ("unknown_service", with_tlv(good(), SERVICE, b"nothing")),
        ("ambiguous_service", from("7499")),
        ("tariff_missing", from("7488")),
        ("tariff_unknown", with_tlv(from("7488"), TARIFF, b"T99")),
        ("tariff_not_allowed", with_tlv(from("7488"), TARIFF, b"T25")),
        ("unknown_mo", with_tlv(good(), MO, b"12345")),
        ("unknown_stored_text", ShortMessage { default_message_id: 1, ..good() }),
        ("bad_idempotency_id", with_tlv(good(), IDEMPOTENCY, &[b'x'; 65])),
        ("bad_field", with_tlv(good(), SERVICE, b"two words")),
        ("bad_field", ShortMessage { priority: 9, ..good() }),
    ]
}

async fn world_of_refusals() -> World {
    let mut builder = Builder::default();
    let mut open = charged("acme", "shop", "7488", &["SHOP"]);
    open.tariff = None;
    open.tariffs_allowed = vec!["T4".into()];
    let mut halted = service("acme", "old", "7477", &["OLD"]);
    halted.state = "suspended".into();
    let mut thrifty = charged("acme", "thrift", "7500", &["THRIFT"]);
    thrifty.charges_per_minute = 1;
    let twins =
        [charged("acme", "one", "7499", &["ONE"]), charged("acme", "two", "7499", &["TWO"])];
    builder.services.extend([open, halted, thrifty]);
    builder.services.extend(twins);
    builder.script.receipts.are_sent = false;
    let world = builder.ready().await;
    let store = world.gateway().store();
    let dear = NewTariff::polish("T25", 2500, 3075);
    store.add_tariff(&operator(), 0, &dear).await.unwrap();
    store.bar_number(&operator(), 0, BARRED, "premium barred").await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
    world
}

#[tokio::test]
async fn d7_whatever_is_wrong_with_a_message_the_answer_names_a_code_that_has_a_page() {
    let world = world_of_refusals().await;
    let esme = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    for (code, message) in refused_messages() {
        check(&world, &esme, code, Pdu::SubmitSm(Box::new(message))).await;
    }
    let first = with_tlv(good(), IDEMPOTENCY, b"order-17");
    esme.submit(first.clone()).await.unwrap();
    let other = ShortMessage { short_message: "another".into(), ..first };
    check(&world, &esme, "idempotency_conflict", Pdu::SubmitSm(Box::new(other))).await;
    esme.submit(from("7500")).await.unwrap();
    let again = ShortMessage { short_message: "again".into(), ..from("7500") };
    check(&world, &esme, "spend_limit", Pdu::SubmitSm(Box::new(again))).await;
    let data = DataSm {
        source: Address::new(3, 1, "7999"),
        destination: good().destination,
        tlvs: Tlvs::new().with_text(tag::MESSAGE_PAYLOAD, "hello"),
        ..DataSm::default()
    };
    check(&world, &esme, "not_your_number", Pdu::DataSm(Box::new(data))).await;
    let lists =
        SubmitMulti { destinations: vec![Destination::List("friends".into())], message: good() };
    check(&world, &esme, "no_distribution_lists", Pdu::SubmitMulti(Box::new(lists))).await;
}

#[tokio::test]
async fn d7_a_refusal_for_the_account_or_the_moment_names_its_code_too() {
    let world = world_of_refusals().await;
    let few = CredentialRights {
        may_have_receipts: false,
        service_types: vec!["CMT".into()],
        ..rights()
    };
    world.allow("acme", &few).await;
    let submit = || Pdu::SubmitSm(Box::new(good()));
    let typed = ShortMessage { service_type: "CMT".into(), ..good() };
    let esme = world.bind("acme").await;
    check(&world, &esme, "bad_service_type", submit()).await;
    check(&world, &esme, "receipts_not_allowed", Pdu::SubmitSm(Box::new(typed))).await;
    world.allow("acme", &rights()).await;
    let esme = world.bind("acme").await;
    let replacing = ShortMessage { replace_if_present: 1, ..good() };
    let destinations = vec![Destination::Sme(good().destination)];
    let multi = SubmitMulti { destinations, message: replacing };
    check(&world, &esme, "replace_not_allowed", Pdu::SubmitMulti(Box::new(multi))).await;
    world.set("acme", PartnerSetting::Rate { rate: 1, burst: 1 }).await;
    esme.submit(good()).await.unwrap();
    check(&world, &esme, "throttled", submit()).await;
    world.set("acme", PartnerSetting::Rate { rate: 0, burst: 1 }).await;
    world.set("acme", PartnerSetting::Backlog { backlog_max: 0, waiting_max: 10 }).await;
    check(&world, &esme, "backlog_full", submit()).await;
    // `partner_suspended` is heard over HTTP: a session of such a partner is ended.
    world.gateway().drain();
    check(&world, &esme, "draining", submit()).await;
}

#[tokio::test]
async fn d7_a_disk_that_is_full_says_so() {
    let tune: Box<dyn FnOnce(&mut bramka::config::Config) + Send> =
        Box::new(|config| config.store.disk_soft = Size::gib(1 << 30));
    let world = Builder { tune: Some(tune), ..Builder::default() }.build().await;
    let esme = world.bind("acme").await;
    eventually("no MT is taken", async || esme.submit(good()).await.err()).await;
    check(&world, &esme, "store_full", Pdu::SubmitSm(Box::new(good()))).await;
}

/// A lane's and a link's limit, as `bramka queue summary` and a scrape show them.
async fn limits(world: &World, link: &str) -> (Option<String>, String, String) {
    let socket = control::socket(&world.config.data_folder());
    let queues = control::Client::new(&socket, "test").get("/queues").await.unwrap();
    let rows = queues.as_array().unwrap();
    let lane = rows.iter().find(|row| row["waiting"] != 0);
    let lane = lane.and_then(|row| row["limit"].as_str()).map(str::to_owned);
    let card = world.gateway().registry().link(link).unwrap();
    let metrics = get(world.node.admin[0], "/metrics").await;
    (lane, (**card.binding_limit.load()).to_owned(), metrics)
}

/// A world whose link and partner have names of their own: every world of this process writes the
/// same metrics.
fn named(name: &'static str, link: &str) -> Builder {
    Builder {
        partners: vec![PartnerPlan::named(name)],
        services: vec![service(name, "win", "7455", &["WIN"])],
        link: link.to_owned(),
        tune: Some(Box::new(move |config| {
            config.smsc_link[0].group = LINK.into();
            config.smsc_link[0].name = name.into();
        })),
        ..Builder::default()
    }
}

/// Six messages wait; the limit is seen on the lane, the link and in both metrics at once.
async fn binds(builder: Builder, name: &str, limit: &str) {
    let world = builder.build().await;
    let esme = world.bind_as(name, BindKind::Transmitter, Version::V34).await;
    for _ in 0..6 {
        esme.submit(good()).await.unwrap();
    }
    let link =
        format!("bramka_binding_limit{{subject=\"link\",name=\"{name}\",limit=\"{limit}\"}} 1");
    let lane = format!("subject=\"lane\",name=\"mt_bulk/{name}/{LINK}\",limit=\"{limit}\"}} 1");
    let mut seen = Default::default();
    let found = tokio::time::timeout(
        Duration::from_secs(15),
        eventually(limit, async || {
            seen = limits(&world, name).await;
            let is_shown = seen.2.contains(&lane) && (limit == "absent" || seen.2.contains(&link));
            (seen.0.as_deref() == Some(limit) && seen.1 == limit && is_shown).then_some(())
        }),
    );
    let found = found.await;
    let about: Vec<_> = seen.2.lines().filter(|line| line.contains(name)).collect();
    assert!(found.is_ok(), "{limit}: lane {:?}, link {}, {about:#?}", seen.0, seen.1);
}

#[tokio::test]
async fn d35_a_window_that_is_full_is_named() {
    let mut builder = named("narrow", "window = 2");
    builder.script.answers_submits = false;
    binds(builder, "narrow", "window").await;
}

#[tokio::test]
async fn d35_a_contract_rate_is_named() {
    binds(named("paced", "rate = 1"), "paced", "rate").await;
}

#[tokio::test]
async fn d35_an_smsc_that_throttles_is_named() {
    let mut builder = named("choked", "");
    builder.script.answer_with(S::RTHROTTLED);
    binds(builder, "choked", "smsc_throttle").await;
}

#[tokio::test]
async fn d35_a_link_that_is_not_there_is_named() {
    let mut builder = named("gone", "");
    builder.script.accepts_connections = false;
    binds(builder, "gone", "absent").await;
}

#[tokio::test]
async fn d35_a_partner_that_is_away_or_does_not_answer_is_named() {
    let world = named("quiet", "").build().await;
    for _ in 0..20 {
        world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    }
    eventually("the partner is absent", async || {
        (limits(&world, "quiet").await.0.as_deref() == Some("absent")).then_some(())
    })
    .await;
    let esme = world.bind("quiet").await;
    esme.auto_answer(false);
    eventually("its window is full", async || {
        let (lane, _, metrics) = limits(&world, "quiet").await;
        let is_shown = metrics.contains("subject=\"lane\",name=\"mo/quiet\",limit=\"window\"} 1");
        (lane.as_deref() == Some("window") && is_shown).then_some(())
    })
    .await;
}

#[tokio::test]
async fn d7_what_is_not_offered_says_so_and_has_a_page() {
    let world = Builder::default().build().await;
    let esme = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    let cell = Pdu::Other(CommandId::BROADCAST_SM, bytes::Bytes::new());
    assert_eq!(esme.request(cell).await.unwrap().status, S::RPROHIBITED);
    let page = get(world.node.http[0], "/problems/prohibited").await;
    assert!(page.contains("command_status ESME_RPROHIBITED"), "{page}");
}
