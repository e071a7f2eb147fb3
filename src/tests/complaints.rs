//! What users of other gateways complain of, and what happens here instead. The number in a name
//! is that of the complaint.
//!
//! These wait, because what they ask for is not built yet:
//! * 7, configuration as a blob: every change is in the audit trail (below); exporting, planning
//!   and applying a whole set of business data comes with the portal's checks.
//! * 8, no web console: the portal.
//! * 16, billing gaps: a charge needs a delivery (below); reversals and statements come with them.
//! * 19, cluster: several nodes on one database.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bramka::{
    control,
    demo::{
        esme::{Esme, Failed, mt},
        fake_smsc::{CloseAfter, Closing, IdFormat, Script},
    },
    domain::MessageState,
    smpp::{Address, BindKind, CommandStatus as S, Pdu, ShortMessage, Tlvs, Version, tag},
    store::{CredentialRights, PartnerSetting, Stored},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::world::{
    Builder, LINK, PASSWORD, PartnerPlan, Wire, World, at_a_set_time, eventually, operator, raw,
    rights, service,
};

const SUBSCRIBER: &str = "48600100200";

fn text_of(message: &ShortMessage) -> String {
    String::from_utf8_lossy(&message.short_message).into_owned()
}

fn id_of(octets: &[u8]) -> bramka::domain::MessageId {
    bramka::domain::MessageId(std::str::from_utf8(octets).unwrap().parse().unwrap())
}

/// A world where acme has a competitor, globex, with VOTE on 7477.
fn with_globex() -> Builder {
    let mut builder = Builder::default();
    builder.partners.push(PartnerPlan::named("globex"));
    builder.services.push(service("globex", "vote", "7477", &["VOTE"]));
    builder
}

async fn waits(world: &World, class: &str) -> serde_json::Value {
    let socket = control::socket(&world.config.data_folder());
    let rows = control::Client::new(&socket, "test").get("/queues").await.unwrap();
    let rows = rows.as_array().unwrap();
    let found = rows.iter().find(|row| row["kind"] == class && row["waiting"] != 0);
    found.cloned().unwrap_or_default()
}

#[tokio::test]
async fn c3_01_a_receipt_finds_its_message_however_the_operator_spells_ids() {
    let mixed = "message_id_response = \"hex\"\nmessage_id_receipt = \"decimal\"";
    let cases = [
        ("hex, then decimal", mixed, IdFormat::Hex, Some(IdFormat::Decimal), false),
        (
            "leading zeros lost",
            "strip_leading_zeros = true",
            IdFormat::DecimalPadded(20),
            Some(IdFormat::Decimal),
            false,
        ),
        ("capitals", "", IdFormat::Hex, Some(IdFormat::HexUpper), false),
        ("receipt before the answer", "", IdFormat::Decimal, None, true),
    ];
    for (what, link, in_answer, in_receipt, is_early) in cases {
        let mut builder = Builder { link: link.into(), ..Builder::default() };
        builder.script.id_format = in_answer;
        builder.script.receipts.id_format = in_receipt;
        builder.script.receipts.come_before_answers = is_early;
        let world = builder.ready().await;
        let mut acme = world.bind("acme").await;
        let id = acme.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap().message_id;
        let receipt = acme.next_delivery().await.unwrap_or_else(|bad| panic!("{what}: {bad}"));
        assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&id[..]), "{what}");
        assert_eq!(world.gateway().store().overview_quick().await.unwrap(), 0, "{what}: orphans");
    }
}

#[tokio::test]
async fn c3_01_a_link_whose_operator_writes_ids_otherwise_says_what_to_set() {
    let mut builder = Builder::default();
    builder.script.id_format = IdFormat::Hex;
    builder.script.receipts.id_format = Some(IdFormat::Decimal);
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    for number in 0..5 {
        acme.submit(mt("7455", SUBSCRIBER, &format!("text {number}"))).await.unwrap();
    }
    let socket = control::socket(&world.config.data_folder());
    let client = control::Client::new(&socket, "test");
    let habits = eventually("the link knows better", async || {
        let links = client.get("/links").await.ok()?;
        let habits = &links[0]["habits"];
        (habits["advice"][0].is_object() && habits["receipts"] == 5).then(|| habits.clone())
    })
    .await;
    assert_eq!(habits["matched"], 0);
    assert_eq!(
        habits["advice"][0]["set"],
        "message_id_response = \"hex\", message_id_receipt = \"decimal\", strip_leading_zeros = false"
    );
    // Set so, they match, and nothing is left to say.
    let link = "message_id_response = \"hex\"\nmessage_id_receipt = \"decimal\"";
    let mut builder = Builder { link: link.into(), ..Builder::default() };
    builder.script.id_format = IdFormat::Hex;
    builder.script.receipts.id_format = Some(IdFormat::Decimal);
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    for number in 0..5 {
        acme.submit(mt("7455", SUBSCRIBER, &format!("text {number}"))).await.unwrap();
    }
    let socket = control::socket(&world.config.data_folder());
    let client = control::Client::new(&socket, "test");
    let advice = eventually("all five match", async || {
        let habits = client.get("/links").await.ok()?[0]["habits"].clone();
        (habits["matched"] == 5).then(|| habits["advice"].clone())
    })
    .await;
    assert_eq!(advice, serde_json::json!([]));
}

#[tokio::test]
async fn c3_02_receipts_and_texts_wait_for_a_partner_that_is_away_or_only_sends() {
    let world = World::new().await;
    let sender = world.bind_as("acme", BindKind::Transmitter, Version::V34).await;
    let id = sender.submit(mt("7455", SUBSCRIBER, "hello")).await.unwrap().message_id;
    assert!(world.smsc.mo(SUBSCRIBER, "7455", "win please").await.unwrap().is_ok());
    let receipts = eventually("a receipt waits", async || {
        let row = waits(&world, "receipt").await;
        (!row.is_null()).then_some(row)
    })
    .await;
    assert_eq!(
        (receipts["partner"].as_str(), receipts["limit"].as_str()),
        (Some("acme"), Some("absent"))
    );
    assert!(receipts["oldest_age_seconds"].is_number(), "{receipts}");
    sender.unbind().await.unwrap();
    let mut reader = world.bind_as("acme", BindKind::Receiver, Version::V34).await;
    let both = [reader.next_delivery().await.unwrap(), reader.next_delivery().await.unwrap()];
    let receipt = both.iter().find(|one| one.is_receipt()).unwrap();
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&id[..]));
    assert!(both.iter().any(|one| one.message.short_message == "win please"));
}

#[tokio::test]
async fn c3_03_a_partner_that_answers_nothing_holds_up_nobody_and_is_seen() {
    let world = with_globex().ready().await;
    let mut acme = world.bind("acme").await;
    let mut globex = world.bind("globex").await;
    acme.auto_answer(false);
    for _ in 0..50 {
        world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    }
    let held = eventually("acme's lane is held back", async || {
        let row = waits(&world, "mo").await;
        (row["limit"] == "window").then_some(row)
    })
    .await;
    assert_eq!(held["partner"], "acme");
    for _ in 0..20 {
        globex.submit(mt("7477", SUBSCRIBER, "hello")).await.unwrap();
        assert!(globex.next_delivery().await.unwrap().is_receipt());
    }
    // Nothing needs a restart: it goes on as soon as acme answers.
    acme.auto_answer(true);
    for _ in 0..10 {
        let unanswered = acme.next_delivery().await.unwrap();
        acme.answer(unanswered.sequence, S::ROK).await.unwrap();
    }
    for _ in 0..40 {
        acme.next_delivery().await.unwrap();
    }
}

#[tokio::test]
async fn c3_03_work_that_could_go_and_does_not_raises_an_alarm_of_its_own() {
    let (clock, mut builder) = at_a_set_time();
    builder.partners.push(PartnerPlan::named("globex"));
    builder.services.push(service("globex", "vote", "7477", &["VOTE"]));
    let world = builder.ready().await;
    let mut acme = world.bind("acme").await;
    acme.auto_answer(false);
    // More than a window for a partner that answers nothing; one for a partner that is away.
    for _ in 0..15 {
        world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
    }
    assert!(world.smsc.mo(SUBSCRIBER, "7477", "vote").await.unwrap().is_ok());
    eventually("acme's lane is held back", async || {
        (waits(&world, "mo").await["limit"] == "window").then_some(())
    })
    .await;
    let socket = control::socket(&world.config.data_folder());
    let client = control::Client::new(&socket, "test");
    let stalled = async || client.get("/status").await.unwrap()["stalled"].clone();
    assert_eq!(stalled().await, serde_json::json!([]), "not at once");
    // The keeper looks once a second, and has to see the work before the time passes.
    let found = eventually("the alarm", async || {
        clock.advance(world.gateway().settings().stalled_after);
        let found = stalled().await;
        (!found.as_array().unwrap().is_empty()).then_some(found)
    })
    .await;
    assert_eq!(found.as_array().unwrap().len(), 1, "who is away is not stalled: {found}");
    assert_eq!(
        (&found[0]["subject"], &found[0]["name"], &found[0]["limit"]),
        (&"lane".into(), &"mo/acme".into(), &"window".into())
    );
    assert!(found[0]["seconds"].as_i64().unwrap() >= 300, "{found}");
    acme.auto_answer(true);
    for _ in 0..10 {
        let unanswered = acme.next_delivery().await.unwrap();
        acme.answer(unanswered.sequence, S::ROK).await.unwrap();
    }
    eventually("it goes on, and the alarm is over", async || {
        stalled().await.as_array().unwrap().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn c3_04_what_was_accepted_goes_on_after_a_restart() {
    let mut builder = Builder::default();
    builder.script.accepts_connections = false;
    let world = builder.build().await;
    let acme = world.bind("acme").await;
    let mut ids = HashSet::new();
    for number in 0..5 {
        let message = mt("7455", SUBSCRIBER, &format!("text {number}"));
        ids.insert(acme.submit(message).await.unwrap().message_id);
    }
    let folder = world.stop().await;
    let world = Builder::default().build_in(folder).await;
    let sent = world.smsc.wait_for_submits(5).await.unwrap();
    let texts: Vec<_> = sent.iter().map(|one| text_of(&one.message)).collect();
    assert_eq!(texts, ["text 0", "text 1", "text 2", "text 3", "text 4"]);
    let mut acme = world.bind("acme").await;
    for _ in 0..5 {
        let receipt = acme.next_delivery().await.unwrap();
        let id = receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID).unwrap();
        assert!(ids.remove(id), "{id:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_05_no_limit_is_hidden() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    // A default of one a second would need minutes; ten seconds are waited for.
    let messages = (0..300).map(|number| mt("7455", SUBSCRIBER, &format!("text {number}")));
    for answer in acme.submit_pipelined(messages, 50).await {
        answer.unwrap();
    }
    world.smsc.wait_for_submits(300).await.unwrap();
    // What could have held it back is written on both cards.
    let session = Arc::clone(&world.gateway().registry().sessions()[0]);
    assert_eq!((session.rate, session.window), (0, 10));
    let socket = control::socket(&world.config.data_folder());
    let links = control::Client::new(&socket, "test").get("/links").await.unwrap();
    assert_eq!((&links[0]["rate"], &links[0]["window"]), (&0.into(), &10.into()));
    eventually("nothing binds", async || {
        let links = control::Client::new(&socket, "test").get("/links").await.ok()?;
        (links[0]["limit"] == "none").then_some(())
    })
    .await;
}

#[tokio::test]
async fn c3_06_a_change_is_kept_without_a_further_word() {
    let world = World::new().await;
    let long = || mt("7455", SUBSCRIBER, &"a".repeat(161));
    world.bind("acme").await.submit(long()).await.unwrap();
    world.set("acme", PartnerSetting::SplitsLong(false)).await;
    let folder = world.stop().await;
    let world = Builder::default().build_in(folder).await;
    let refused = world.bind("acme").await.submit(long()).await;
    assert!(matches!(refused, Err(Failed::Refused(S::RINVMSGLEN))), "{refused:?}");
}

#[tokio::test]
async fn c3_07_every_change_names_who_made_it_and_cannot_be_rewritten_unseen() {
    let world = World::new().await;
    world.set("acme", PartnerSetting::Rate { rate: 5, burst: 10 }).await;
    let store = world.gateway().store();
    let newest = &store.audit(1).await.unwrap()[0];
    assert_eq!((newest.who.as_str(), newest.subject.as_str()), ("operator:test", "acme"));
    assert!(newest.detail.contains("\"rate\":5"), "{}", newest.detail);
    assert!(store.verify_audit().await.unwrap().is_ok());
}

#[tokio::test]
async fn c3_09_a_charged_message_whose_answer_is_lost_is_not_sent_again() {
    let mut builder = Builder::default();
    builder.script.close = Some(CloseAfter { submits: 1, how: Closing::Reset });
    // A receipt would prove that it was sent, and end the doubt.
    builder.script.receipts.are_sent = false;
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    let id = acme.submit(mt("7466", SUBSCRIBER, "your prize")).await.unwrap().message_id;
    eventually("its fate is unknown", async || {
        let (_, state) = world.stored_mt(&id).await?;
        (state == MessageState::Unknown).then_some(())
    })
    .await;
    // What comes after it on the new session would come after a repeat, too.
    world.link_up().await;
    acme.submit(mt("7455", SUBSCRIBER, "afterwards")).await.unwrap();
    let sent = world.smsc.wait_for_submits(2).await.unwrap();
    let texts: Vec<_> = sent.iter().map(|one| text_of(&one.message)).collect();
    assert_eq!(texts, ["your prize", "afterwards"]);
    assert_eq!(world.gateway().store().ledger().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn c3_10_an_operators_own_tlvs_go_through_both_ways() {
    let link = "tlvs.content_class = { tag = 0x1402, type = \"octets\", direction = \"any\" }\n\
                tlvs.campaign = { tag = 0x1403, direction = \"mt\", type = \"int2\", default = \"258\" }";
    let world = Builder { link: link.into(), ..Builder::default() }.ready().await;
    let mut acme = world.bind("acme").await;
    let mut message = mt("7455", SUBSCRIBER, "hello");
    message.tlvs = Tlvs::new();
    message.tlvs.push(0x1402, vec![0, 0xff, 7]);
    acme.submit(message).await.unwrap();
    let sent = world.smsc.wait_for_submits(1).await.unwrap();
    assert_eq!(sent[0].message.tlvs.get(0x1402).map(AsRef::as_ref), Some(&[0, 0xff, 7][..]));
    assert_eq!(
        sent[0].message.tlvs.get(0x1403).map(AsRef::as_ref),
        Some(&[1, 2][..]),
        "the link's own default"
    );
    assert!(acme.next_delivery().await.unwrap().is_receipt());
    let mut mo = mt(SUBSCRIBER, "7455", "win");
    mo.source = Address::new(1, 1, SUBSCRIBER);
    mo.tlvs.push(0x1402, vec![9, 9]);
    // One that nobody ever heard of comes through as octets.
    mo.tlvs.push(0x3ffe, vec![1]);
    assert!(world.smsc.deliver(None, mo).await.unwrap().is_ok());
    let got = acme.next_delivery().await.unwrap().message.tlvs;
    let got = |tag| got.get(tag).map(AsRef::as_ref);
    assert_eq!((got(0x1402), got(0x3ffe)), (Some(&[9, 9][..]), Some(&[1][..])));
}

/// The link's alphabet, the partner's, what the partner sends and what the operator gets.
type Spelling = (&'static str, &'static str, u8, Vec<u8>, u8, Vec<u8>);

#[tokio::test]
async fn c3_11_letters_stay_what_they_are_whatever_alphabet_each_side_speaks() {
    let polish =
        "\u{17c}\u{f3}\u{142}w".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let cases: [Spelling; 5] = [
        // GSM 7-bit has @ at 0 and u with dots at 0x7E.
        ("gsm7", "gsm7", 0, vec![0x00, 0x7e, 0x01], 0, vec![0x00, 0x7e, 0x01]),
        ("latin1", "gsm7", 0, vec![0x00, 0x7e, 0x01], 0, b"@\xfc\xa3".to_vec()),
        ("gsm7", "latin1", 0, b"@\xfc\xa3".to_vec(), 0, vec![0x00, 0x7e, 0x01]),
        ("utf8", "gsm7", 0, vec![0x00, 0x7e, 0x01], 0, "@\u{fc}\u{a3}".as_bytes().to_vec()),
        ("gsm7", "gsm7", 8, polish.clone(), 8, polish),
    ];
    for (on_link, of_partner, coding, octets, coding_sent, expected) in cases {
        let link = format!("alphabet = \"{on_link}\"");
        let world = Builder { link, ..Builder::default() }.ready().await;
        world.set("acme", PartnerSetting::DefaultAlphabet(of_partner)).await;
        let mut acme = world.bind("acme").await;
        let message = ShortMessage {
            data_coding: coding,
            short_message: octets.clone().into(),
            registered_delivery: 0,
            ..mt("7455", SUBSCRIBER, "")
        };
        acme.submit(message).await.unwrap();
        let sent = world.smsc.wait_for_submits(1).await.unwrap();
        let seen = (sent[0].message.data_coding, sent[0].message.short_message.to_vec());
        assert_eq!(seen, (coding_sent, expected), "{of_partner} to {on_link}");
        // And the same octets back.
        let mo = ShortMessage {
            data_coding: seen.0,
            short_message: seen.1.into(),
            registered_delivery: 0,
            ..mt(SUBSCRIBER, "7455", "")
        };
        catch_all(&world).await;
        assert!(world.smsc.deliver(None, mo).await.unwrap().is_ok());
        let back = acme.next_delivery().await.unwrap().message;
        let seen = (back.data_coding, back.short_message.to_vec());
        assert_eq!(seen, (coding, octets), "{on_link} to {of_partner}");
    }
}

/// Every text to 7455 goes to acme.
async fn catch_all(world: &World) {
    let everything = service("acme", "all", "7455", &["*"]);
    world.gateway().store().add_service(&operator(), 0, &everything).await.unwrap();
    world.gateway().reload_catalog().await.unwrap();
}

#[tokio::test]
async fn c3_12_a_long_text_is_one_message_with_one_receipt_and_parts_are_joined_in_every_form() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let mut long = mt("7455", SUBSCRIBER, "");
    long.tlvs.push(tag::MESSAGE_PAYLOAD, "win ".repeat(100).into_bytes());
    let id = acme.submit(long).await.unwrap().message_id;
    assert_eq!(world.smsc.wait_for_submits(3).await.unwrap().len(), 3);
    let receipt = acme.next_delivery().await.unwrap();
    assert_eq!(receipt.message.tlvs.text(tag::RECEIPTED_MESSAGE_ID), Some(&id[..]));
    let part = |header: &[u8], text: &str, esm_class| ShortMessage {
        esm_class,
        short_message: [header, text.as_bytes()].concat().into(),
        registered_delivery: 0,
        ..mt(SUBSCRIBER, "7455", "")
    };
    let sar = |number, text: &str| {
        let tlvs = Tlvs::new()
            .with_u16(tag::SAR_MSG_REF_NUM, 9)
            .with_u8(tag::SAR_TOTAL_SEGMENTS, 2)
            .with_u8(tag::SAR_SEGMENT_SEQNUM, number);
        ShortMessage { tlvs, ..part(b"", text, 0) }
    };
    let forms = [
        // 8-bit and 16-bit reference of a user data header, second part first; SAR TLVs.
        [
            part(b"\x05\x00\x03\x07\x02\x02", "please 1", 0x40),
            part(b"\x05\x00\x03\x07\x02\x01", "win ", 0x40),
        ],
        [
            part(b"\x06\x08\x04\x01\x07\x02\x02", "please 2", 0x40),
            part(b"\x06\x08\x04\x01\x07\x02\x01", "win ", 0x40),
        ],
        [sar(1, "win "), sar(2, "please 3")],
    ];
    for (number, parts) in (1..).zip(forms) {
        for part in parts {
            assert!(world.smsc.deliver(None, part).await.unwrap().is_ok());
        }
        // Were there a second receipt for the long text, it would come before this.
        let whole = acme.next_delivery().await.unwrap().message;
        assert_eq!(text_of(&whole), format!("win please {number}"));
    }
}

#[tokio::test]
async fn c3_13_a_long_text_counts_once_and_the_operators_rate_shapes_instead_of_refusing() {
    let mut builder = Builder::acme(|acme| {
        acme.partner.rate = 1;
        acme.partner.burst = 3;
    });
    builder.link = "rate = 20".into();
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    let long = |number| mt("7455", SUBSCRIBER, &format!("{number}{}", "a".repeat(200)));
    let answers = acme.submit_pipelined((0..3).map(long), 3).await;
    assert!(answers.iter().all(Result::is_ok), "six parts, and three messages: {answers:?}");
    let fourth = acme.submit(long(3)).await;
    assert!(matches!(fourth, Err(Failed::Refused(S::RTHROTTLED))), "{fourth:?}");
    // More than the link's rate at once: all accepted, and all of them go.
    world.set("acme", PartnerSetting::Rate { rate: 0, burst: 1 }).await;
    let messages = (0..40).map(|number| mt("7455", SUBSCRIBER, &format!("text {number}")));
    let answers = acme.submit_pipelined(messages, 40).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    world.smsc.wait_for_submits(6 + 40).await.unwrap();
}

/// A partner's web server: fails the first post and says 204 without a body to the others.
async fn web(seen: Arc<Mutex<Vec<String>>>, listener: TcpListener) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let text = request(&mut stream).await;
        let count = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(text);
            seen.len()
        };
        let status = if count == 1 { "500 Oops" } else { "204 No Content" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("what the story needs");
    }
}

/// One whole request.
async fn request(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&octets).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        let read = stream.read_buf(&mut octets).await.expect("what the story needs");
        assert!(read > 0, "cut off: {text}");
    }
}

#[tokio::test]
async fn c3_14_any_2xx_is_a_yes_a_no_comes_again_and_every_post_is_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut server = tokio::task::JoinSet::new();
    server.spawn(web(Arc::clone(&seen), listener));
    let mut builder = Builder::default();
    let secret = bramka::callback::Secret::generate().unwrap().reveal();
    builder.services[0].callback = Some((url, vec![secret]));
    builder.settings = "[callback]\ninsecure_http = true\ninsecure_private_addresses = true\n\
                        schedule = [\"0s\", \"100ms\", \"1s\"]"
        .into();
    let world = builder.ready().await;
    world.smsc.queue_mo(SUBSCRIBER, "7455", "win please").unwrap();
    let posts = eventually("two posts, and nothing waits", async || {
        let posts = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_done = posts.len() >= 2 && waits(&world, "callback").await.is_null();
        is_done.then_some(posts)
    })
    .await;
    assert_eq!(posts.len(), 2, "a yes is a yes: {posts:?}");
    let header = |post: &str, name: &str| {
        let line = post.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned())
    };
    assert_eq!(header(&posts[0], "webhook-id"), header(&posts[1], "webhook-id"));
    for post in &posts {
        assert!(header(post, "webhook-signature").is_some_and(|value| value.starts_with("v1,")));
        assert!(post.contains("\"win please\""), "{post}");
    }
}

#[tokio::test]
async fn c3_15_a_message_is_its_own_log() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let id = acme.submit(mt("7466", SUBSCRIBER, "your prize")).await.unwrap().message_id;
    acme.next_delivery().await.unwrap();
    let store = world.gateway().store();
    let events = eventually("its partner has the receipt", async || {
        let events = store.events(id_of(&id)).await.ok()?;
        let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
        kinds.iter().any(|kind| kind.contains("receipt")).then_some(kinds)
    })
    .await;
    for kind in ["accepted", "claimed", "submitted", "delivered"] {
        assert!(events.iter().any(|known| known == kind), "{kind} in {events:?}");
    }
    let line = store.message_line(id_of(&id)).await.unwrap().unwrap();
    assert_eq!((line.state, line.recipient.as_str()), ("delivered", SUBSCRIBER));
}

#[tokio::test]
async fn c3_16_only_what_was_delivered_is_charged_and_a_closed_service_charges_nobody() {
    let mut builder = Builder::default();
    // 5 is UNDELIVERABLE. [34 s5.2.28]
    builder.script.receipts.state = 5;
    let world = builder.ready().await;
    let mut acme = world.bind("acme").await;
    let id = acme.submit(mt("7466", SUBSCRIBER, "your prize")).await.unwrap().message_id;
    let receipt = acme.next_delivery().await.unwrap().message;
    assert!(text_of(&receipt).contains("stat:UNDELIV"), "failures are told, too");
    let store = world.gateway().store();
    assert_eq!(store.ledger().await.unwrap(), (0, 0));
    world.smsc.script(|script| script.receipts.state = 2);
    let (message, _) = world.stored_mt(&id).await.unwrap();
    let by = operator();
    assert!(store.set_service_state(&by, 0, message.service, "closed").await.unwrap());
    world.gateway().reload_catalog().await.unwrap();
    let refused = acme.submit(mt("7466", SUBSCRIBER, "another")).await;
    assert!(matches!(refused, Err(Failed::Refused(S::RINVSRCADR))), "{refused:?}");
    assert_eq!((world.smsc.submits().len(), store.ledger().await.unwrap()), (1, (0, 0)));
}

#[tokio::test]
async fn c3_17_a_password_is_nowhere_on_disk_and_there_is_no_default_one() {
    let world = World::new().await;
    world.bind("acme").await;
    for name in ["admin", "bramka", "demo", "guest", "root"] {
        let guess = Esme::bind(world.node.smpp[0], BindKind::Transceiver, Version::V34, name, name);
        assert!(matches!(guess.await, Err(Failed::Refused(S::RBINDFAIL))), "{name}");
    }
    let folder = world.stop().await;
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
        let Ok(octets) = std::fs::read(entry.path()) else { continue };
        let found = octets.windows(PASSWORD.len()).any(|some| some == PASSWORD.as_bytes());
        assert!(!found, "{:?}", entry.path());
        files += 1;
    }
    assert!(files > 1, "there is a database to look into");
}

#[tokio::test]
async fn c3_18_an_account_binds_from_its_networks_only_and_a_ghost_does_not_keep_its_place() {
    let mut builder = Builder::server(|server| {
        server.bind_probe = std::time::Duration::from_millis(200);
        server.bind_fail_delay = vec![std::time::Duration::from_millis(1); 2];
    });
    builder.partners[0].credential.binds_max = 1;
    let world = builder.build().await;
    let elsewhere =
        CredentialRights { addresses: vec!["203.0.113.0/24".parse().unwrap()], ..rights() };
    world.allow("acme", &elsewhere).await;
    let mut wire = Wire::connect(world.node.smpp[0]).await;
    assert_eq!(wire.bind(BindKind::Transceiver, 0x34).await.status, S::RBINDFAIL);
    let here = CredentialRights {
        addresses: vec!["127.0.0.0/8".parse().unwrap()],
        binds_max: 1,
        ..rights()
    };
    world.allow("acme", &here).await;
    // The ghost answers no sign of life, as a session behind a dead router.
    let mut ghost = Wire::connect(world.node.smpp[0]).await;
    assert!(ghost.bind(BindKind::Transceiver, 0x34).await.status.is_ok());
    world.bind("acme").await;
}

#[tokio::test]
async fn c3_20_an_odd_pdu_is_answered_and_everything_goes_on() {
    let world = with_globex().ready().await;
    let globex = world.bind("globex").await;
    let mut odd = Wire::connect(world.node.smpp[0]).await;
    odd.bind(BindKind::Transceiver, 0x34).await;
    let bodies: [(u32, &[u8]); 6] = [
        // submit_sm without a body, with half of one, with a text longer than the rest
        (4, b""),
        (4, b"\0\x03\x017455\0\x01\x01486"),
        (4, b"\0\x03\x017455\0\x01\x0148600100200\0\0\0\0\0\0\0\0\0\0\xff"),
        // a TLV whose length runs over the end
        (4, b"\0\x03\x017455\0\x01\x0148600100200\0\0\0\0\0\0\0\0\0\0\x02Hi\x14\x02\x00\xff\x01"),
        // commands that do not exist
        (0x00ff_ff00, b"rubbish"),
        (0x8000_0004, b"an answer to nothing\0"),
    ];
    for (sequence, (id, body)) in (10..).zip(bodies) {
        odd.write(&raw(id, sequence, body)).await;
    }
    // The same session and everybody else go on.
    odd.write(&raw(0x15, 99, &[])).await;
    loop {
        let frame = odd.frame().await.expect("a session that lives");
        if frame[12..16] == [0, 0, 0, 99] {
            break;
        }
    }
    globex.submit(mt("7477", SUBSCRIBER, "hello")).await.unwrap();
    // The same from the operator's side.
    for (id, body) in [(5, &b"\0\x01\x01486"[..]), (0x00ff_ff00, b"rubbish")] {
        world.smsc.send_raw(&raw(id, 77, body));
    }
    let status = world.smsc.mo(SUBSCRIBER, "7477", "vote").await.unwrap();
    assert!(status.is_ok());
    let card = world.gateway().registry().link(LINK).unwrap();
    assert_eq!(card.bound.load(std::sync::atomic::Ordering::Relaxed), 1);
}

/// Also seen elsewhere: after a "not now" of the operator a storm of repeats.
#[tokio::test]
async fn an_operators_not_now_is_followed_by_a_pause_and_not_by_a_storm() {
    let mut builder = Builder::default();
    builder.script.answer_with(S::RTHROTTLED);
    let world = builder.ready().await;
    let acme = world.bind("acme").await;
    for number in 0..20 {
        acme.submit(mt("7455", SUBSCRIBER, &format!("text {number}"))).await.unwrap();
    }
    let card = world.gateway().registry().link(LINK).unwrap();
    eventually("the pause", async || {
        (**card.binding_limit.load() == "smsc_throttle").then_some(())
    })
    .await;
    world.smsc.script(|script: &mut Script| script.rules.clear());
    world.smsc.wait_until(|journal| journal.submits_seen >= 21).await.unwrap();
    let tries = world.smsc.journal(|journal| journal.submits_seen);
    assert!(tries <= 60, "{tries} tries for 20 messages");
}

/// What the operator's own records show of a message is in the store under the same id.
#[tokio::test]
async fn an_mo_is_stored_before_the_operator_has_its_yes() {
    let world = World::new().await;
    assert!(world.smsc.mo(SUBSCRIBER, "7455", "win please").await.unwrap().is_ok());
    let mut acme = world.bind("acme").await;
    let mo = acme.next_delivery().await.unwrap().message;
    let id = id_of(mo.tlvs.text(0x1d09).unwrap());
    let stored = world.gateway().store().message(id).await.unwrap();
    assert!(matches!(stored, Some(Stored::Mo(..))));
}

#[tokio::test]
async fn c3_20_a_request_that_means_nothing_here_is_refused_and_not_forgotten() {
    let world = World::new().await;
    let acme = world.bind("acme").await;
    let unheard_of = Pdu::Other(bramka::smpp::CommandId(0x0001_0200), bytes::Bytes::new());
    let answer = acme.request(unheard_of).await.unwrap();
    assert_eq!((answer.status, answer.pdu), (S::RINVCMDID, Pdu::GenericNack));
}
