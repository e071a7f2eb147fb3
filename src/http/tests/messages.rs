//! Looking for messages and reading the biography of one, through pages and API.

use super::{
    agreements::{Browser, enrolled, staff},
    *,
};
use crate::{
    domain::{
        Body as Octets, Item, MessageState, Msisdn, NetworkError, PartnerId, ShortCode,
        message::ReceiptState,
    },
    gateway::{
        mo::NewMo,
        receipt::NewReceipt,
        submit::{LinkSeat, NotTaken},
    },
    partnership::NewPerson,
    store::{AuditQuery, Change},
};

const NUMBER: &str = "48600100200";
const MASKED: &str = "48600***200";

pub(super) async fn person(world: &World, partner: i64, role: &str) -> String {
    let new = NewPerson {
        partner: Some(PartnerId(partner)),
        mail: format!("{role}{partner}@acme.example"),
        name: role.to_owned(),
        role: role.to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = world.app.partnership.invite_by(&by, &new, true).await.unwrap();
    enrolled(world, &invited.path).await
}

pub(super) fn browser<'w>(world: &'w World, token: &str) -> Browser<'w> {
    Browser { world, cookie: format!("__Host-session={token}") }
}

async fn sent(world: &World, key: &str, body: &Value) -> String {
    let sent = world.send(post(key, body, &[])).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    sent.json()["id"].as_str().unwrap().to_owned()
}

async fn seat(world: &World) -> LinkSeat {
    let gateway = &world.app.gateway;
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    LinkSeat { name: "north".into(), group, epoch }
}

/// What waits for the links, claimed.
async fn claimed(world: &World, seat: &LinkSeat) -> Vec<Item> {
    let gateway = &world.app.gateway;
    gateway.claim(seat, &gateway.to_links(seat.group), 10).await
}

/// Everything that was only noted is stored.
async fn settled(world: &World) {
    world.app.gateway.store().save(Change::default()).await.unwrap();
}

async fn receipt(world: &World, seat: &LinkSeat, state: ReceiptState, code: Option<u16>) {
    let new = NewReceipt {
        smsc_message_id: "4711".into(),
        state,
        network_error: code.map(|code| NetworkError { kind: 3, code }),
        done_at: NOON,
        sender: NUMBER.into(),
        recipient: "7455".into(),
        reference: None,
    };
    world.app.gateway.receipt(seat, new).await.unwrap();
}

async fn mo(world: &World, to: &str, text: &str) -> MessageId {
    let octets = bytes::Bytes::copy_from_slice(text.as_bytes());
    let new = NewMo {
        sender: Msisdn::parse(NUMBER).unwrap(),
        recipient: ShortCode::parse(to).unwrap(),
        body: Octets { data_coding: 0, has_udh: false, octets },
        text: text.to_owned(),
        part: None,
        tlvs: Vec::new(),
    };
    world.app.gateway.accept_mo(&seat(world).await, new).await.unwrap().id
}

async fn reveals(world: &World, id: &str) -> i64 {
    let query = AuditQuery {
        what: "message.reveal".to_owned(),
        subject: id.to_owned(),
        ..AuditQuery::default()
    };
    let found = world.app.gateway.store().find_audit(&query, 100).await.unwrap();
    i64::try_from(found.len()).unwrap()
}

#[tokio::test]
async fn a_partner_finds_its_own_messages_masked_and_no_foreign_one() {
    let world = world().await;
    let mut body = hello();
    body["reference"] = json!("order-17");
    let own = sent(&world, &world.acme, &body).await;
    let foreign = json!({ "to": NUMBER, "from": "7456", "text": "Hello" });
    let foreign = sent(&world, &world.other, &foreign).await;
    let acme = browser(&world, &person(&world, 1, "developer").await);

    for query in [
        String::new(),
        format!("?q={own}"),
        "?q=order-17".to_owned(),
        format!("?number={NUMBER}"),
        "?number=*200".to_owned(),
        format!("?number={MASKED}"),
        "?state=accepted&direction=mt".to_owned(),
        "?from=2026-11-21T12:00&until=2026-11-22T00:00".to_owned(),
        "?from=2026-11-21&until=2026-11-21".to_owned(),
        "?partner=other".to_owned(),
    ] {
        let shown = acme.get(&format!("/messages{query}")).await;
        assert_eq!(shown.status, 200);
        assert!(shown.text.contains(&format!("/messages/{own}\"")), "{query}: {}", shown.text);
        assert!(shown.text.contains(MASKED) && !shown.text.contains(&format!(">{NUMBER}")));
        assert!(!shown.text.contains(&format!("/messages/{foreign}")), "{query}");
    }
    for query in [
        "?q=order-18",
        "?number=48600100201",
        "?state=delivered",
        "?direction=mo",
        "?until=2026-11-20",
        "?from=2026-11-22",
    ] {
        let shown = acme.get(&format!("/messages{query}")).await;
        assert!(shown.text.contains("Nothing matches"), "{query}: {}", shown.text);
    }
    for (query, words) in [
        ("?number=acme", "stars in place of digits"),
        ("?from=yesterday", "Write a moment as"),
        ("?state=lost", "does not exist"),
        ("?after=x", "Begin from the first one"),
    ] {
        let shown = acme.get(&format!("/messages{query}")).await;
        assert!(shown.text.contains(words), "{query}: {}", shown.text);
    }
    let file = acme.get("/messages?format=csv").await;
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.text.contains(&own) && file.text.contains(MASKED), "{}", file.text);
    assert!(file.text.contains("2026-11-21T12:00:00.000Z") && !file.text.contains(&foreign));

    let seen = acme.get(&format!("/messages/{foreign}")).await;
    let unknown = acme.get("/messages/912345678901234567").await;
    assert_eq!((seen.status, unknown.status), (404, 404));
    let other = unknown.json()["detail"].to_string().replace("912345678901234567", &foreign);
    assert_eq!(seen.json()["detail"].to_string(), other, "unknown in the same words");
    assert_eq!(seen.code(), unknown.code());
    assert_eq!(acme.get("/messages/x").await.status, 404);

    let desk = browser(&world, &staff(&world, "support").await);
    let shown = desk.get("/messages").await.text;
    assert!(shown.contains(&own) && shown.contains(&foreign), "{shown}");
    let shown = desk.get("/messages?partner=other").await.text;
    assert!(!shown.contains(&own) && shown.contains(&foreign), "{shown}");
    let finance = browser(&world, &staff(&world, "finance").await);
    assert_eq!(finance.get("/messages").await.status, 403);
    assert_eq!(finance.get("/messages?number=acme").await.status, 403);
    assert_eq!(finance.get(&format!("/messages/{own}")).await.status, 403);
}

#[tokio::test]
async fn who_sees_no_whole_numbers_cannot_find_one_out_by_asking() {
    let world = world().await;
    let own = sent(&world, &world.acme, &hello()).await;
    let link = format!("/messages/{own}\"");
    let viewer = browser(&world, &person(&world, 1, "viewer").await);
    let developer = browser(&world, &person(&world, 1, "developer").await);
    // Only the hidden digits are wrong.
    for wrong in ["48600999200", "486009*", "*99200"] {
        let path = format!("/messages?number={wrong}");
        assert!(viewer.get(&path).await.text.contains(&link), "{wrong}");
        assert!(!developer.get(&path).await.text.contains(&link), "{wrong}");
    }
    let path = "/messages?number=48601100200";
    assert!(!viewer.get(path).await.text.contains(&link), "a digit that is shown is compared");
}

#[tokio::test]
async fn a_message_tells_its_whole_way_to_a_delivery() {
    let world = world().await;
    let id = sent(&world, &world.acme, &charged()).await;
    let path = format!("/messages/{id}");
    let acme = browser(&world, &person(&world, 1, "developer").await);
    let desk = browser(&world, &staff(&world, "support").await);
    let waits = acme.get(&path).await.text;
    assert!(waits.contains("It waits for its turn") && waits.contains("data-refresh"), "{waits}");
    assert!(waits.contains(&format!("<a href=\"{path}\">Look again</a>")), "{waits}");
    assert!(waits.contains("charged nothing for this message"));

    let seat = seat(&world).await;
    let items = claimed(&world, &seat).await;
    world.clock.advance(Duration::from_millis(35));
    world.app.gateway.submitted(&seat, &items[0], &["4711".into()]).await.unwrap();
    settled(&world).await;
    let underway = acme.get(&path).await.text;
    assert!(underway.contains("its receipt has not come yet"), "{underway}");
    assert!(underway.contains("+35 ms"), "{underway}");
    world.clock.advance(Duration::from_millis(2400));
    receipt(&world, &seat, ReceiptState::Delivered, None).await;
    let shown = acme.get(&path).await.text;
    for words in [
        "It reached the subscriber&#39;s phone",
        "12:00:00.000",
        "+2.4 s",
        "Accepted",
        "The SMSC took it",
        "PLN\u{a0}4.92 (T4)",
        "the message was delivered",
        "Version of the service",
        MASKED,
        "submit_sm",
        "registered_delivery",
        &format!("/faults/new?messages={id}"),
    ] {
        let plain = words.replace("&#39;", "'");
        assert!(shown.contains(words) || shown.contains(&plain), "{words}: {shown}");
    }
    for hidden in ["data-refresh", "Look again", NUMBER, "north", "4711", "You won"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
    // Links, the names that SMSCs give and who submitted it are the operator's.
    let whole = desk.get(&path).await.text;
    for words in ["north", "4711", "Group of links", "api:bk_", "acme"] {
        assert!(whole.contains(words), "{words}: {whole}");
    }
    let found = desk.get("/messages?q=4711").await.text;
    assert!(found.contains(&format!("{path}\"")), "by the SMSC's own name: {found}");
}

#[tokio::test]
async fn a_failure_says_why_and_what_to_do() {
    let world = world().await;
    let seat = seat(&world).await;
    let acme = browser(&world, &person(&world, 1, "developer").await);
    let id = sent(&world, &world.acme, &hello()).await;
    let items = claimed(&world, &seat).await;
    world.app.gateway.submitted(&seat, &items[0], &["4711".into()]).await.unwrap();
    receipt(&world, &seat, ReceiptState::Undeliverable, Some(27)).await;
    let shown = acme.get(&format!("/messages/{id}")).await.text;
    for words in ["for the reason below", "off or out of reach (3:27)", "otherwise try later"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let found = acme.get("/messages?state=undeliverable").await.text;
    assert!(found.contains(&id), "{found}");

    let id = sent(&world, &world.acme, &hello()).await;
    let items = claimed(&world, &seat).await;
    let why = NotTaken::Never { status: "ESME_RINVDSTADR".into() };
    world.app.gateway.not_taken(&seat, &items[0], why).await.unwrap();
    let shown = acme.get(&format!("/messages/{id}")).await.text;
    for words in ["The operator", "refused it, for the reason below", "ESME_RINVDSTADR"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn a_text_says_which_keyword_took_it_and_one_that_nobody_takes_says_why() {
    let world = world().await;
    let acme = browser(&world, &person(&world, 1, "developer").await);
    let desk = browser(&world, &staff(&world, "support").await);
    let taken = mo(&world, "7455", "win please").await;
    let shown = acme.get(&format!("/messages/{taken}")).await.text;
    assert!(shown.contains("WIN on 7455") && shown.contains("It waits for the partner"), "{shown}");
    assert!(shown.contains(MASKED) && !shown.contains("win please"), "{shown}");
    assert!(shown.contains("deliver_sm") && shown.contains("sm_length"), "{shown}");
    let lost = mo(&world, "7455", "hello").await;
    assert_eq!(acme.get(&format!("/messages/{lost}")).await.status, 404, "it is nobody's");
    let shown = desk.get(&format!("/messages/{lost}")).await.text;
    for words in ["No keyword on this number takes the text", "None on 7455", "Taken by no service"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let found = desk.get(&format!("/messages?number={NUMBER}&direction=mo")).await.text;
    assert!(found.contains(&lost.to_string()) && found.contains(&taken.to_string()), "{found}");
}

#[tokio::test]
async fn numbers_and_texts_are_shown_by_right_and_each_look_is_on_record() {
    let world = world().await;
    let id = sent(&world, &world.acme, &hello()).await;
    let (path, reveal) = (format!("/messages/{id}"), format!("/messages/{id}/reveal"));
    let mut developer = browser(&world, &person(&world, 1, "developer").await);
    let shown = developer.send(&path, &reveal, &[], b"").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains(NUMBER) && shown.text.contains("Hello"), "{}", shown.text);
    // It does not refresh itself: that would be a look each time.
    assert!(!shown.text.contains("data-refresh") && !shown.text.contains("Show number"));
    assert_eq!(reveals(&world, &id).await, 1);
    let closed = developer.get(&reveal).await;
    assert!(closed.status == 200 && !closed.text.contains(NUMBER), "{}", closed.text);

    // An administrator of the operator may see numbers and no texts.
    let mut admin = browser(&world, &staff(&world, "admin").await);
    let shown = admin.send(&path, &reveal, &[], b"").await;
    assert!(shown.text.contains(NUMBER) && !shown.text.contains("Hello"), "{}", shown.text);
    assert_eq!(reveals(&world, &id).await, 2);

    let mut viewer = browser(&world, &person(&world, 1, "viewer").await);
    assert!(!viewer.get(&path).await.text.contains("Show number"));
    assert_eq!(viewer.send(&path, &reveal, &[], b"").await.status, 403);
    let mut stranger = browser(&world, &person(&world, 2, "developer").await);
    // There is no form of it to send, so that another page gives the token.
    assert_eq!(stranger.send("/faults/new?area=sms", &reveal, &[], b"").await.status, 404);
    assert_eq!(reveals(&world, &id).await, 2);
}

#[tokio::test]
async fn a_text_that_a_callback_took_is_handed_over_again_by_right() {
    let world = world().await;
    let (store, by) = (world.app.gateway.store(), Caller::Operator { name: "test".into() });
    store.add_short_code(&by, NOON, "7460").await.unwrap();
    let service = NewService {
        callback: Some(("https://acme.example/sms".to_owned(), vec!["secret".into()])),
        ..NewService::free("acme", "back", "7460", &["GO"], "main")
    };
    store.add_service(&by, NOON, &service).await.unwrap();
    world.app.gateway.reload_catalog().await.unwrap();
    let id = mo(&world, "7460", "GO on").await;
    let path = format!("/messages/{id}");
    let mut acme = browser(&world, &person(&world, 1, "developer").await);
    assert!(!acme.get(&path).await.text.contains("Hand over again"), "it goes by itself");

    let gateway = world.app.gateway.clone();
    let service = gateway.catalog().services().find(|one| one.name == "back").unwrap().id;
    let items = gateway.deliveries(&gateway.to_callback(service), 10).await;
    let who = "callback:back".into();
    gateway
        .callback_tried(&items[0], service, "delivered: answered 204".to_owned(), 12)
        .await
        .unwrap();
    gateway.handed(&items[0], &who).await.unwrap();
    settled(&world).await;
    let shown = acme.get(&path).await.text;
    for words in ["Hand over again", "delivered: answered 204", "12 ms", "callback:back"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let mut orders = gateway.redeliveries();
    let poster = async {
        let order = orders.recv().await.unwrap();
        let answer = crate::gateway::again::Redelivered {
            taken: crate::gateway::again::Taken::Yes,
            outcome: "delivered: answered 200".to_owned(),
        };
        order.answer.send(answer).unwrap();
    };
    let redeliver = format!("{path}/redeliver");
    let (sent, ()) = tokio::join!(acme.send(&path, &redeliver, &[], b""), poster);
    assert_eq!((sent.status, sent.header("location")), (303, &*path), "{}", sent.text);
    assert!(acme.get(&path).await.text.contains("Handed over again on request"));

    let mut viewer = browser(&world, &person(&world, 1, "viewer").await);
    assert!(!viewer.get(&path).await.text.contains("Hand over again<"));
    assert_eq!(viewer.send("/account", &redeliver, &[], b"").await.status, 403);
    let query = AuditQuery { what: "message.redeliver".to_owned(), ..AuditQuery::default() };
    assert_eq!(store.find_audit(&query, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fault_is_reported_about_a_message_that_is_filled_in() {
    let world = world().await;
    let id = sent(&world, &world.acme, &hello()).await;
    let acme = browser(&world, &person(&world, 1, "developer").await);
    let areas = acme.get(&format!("/faults/new?messages={id}")).await.text;
    let next = format!("/faults/new?area=sms&#38;messages={id}");
    assert!(areas.contains(&next) || areas.contains(&next.replace("&#38;", "&amp;")), "{areas}");
    let form = acme.get(&format!("/faults/new?area=sms&messages={id}")).await.text;
    assert!(form.contains(&format!("{id}</textarea>")), "{form}");
}

#[tokio::test]
async fn the_api_finds_messages_of_a_key_whole_and_of_a_person_masked() {
    let world = world().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut body = hello();
        body["reference"] = json!(format!("order-{number}"));
        ids.push(sent(&world, &world.acme, &body).await);
    }
    let foreign = json!({ "to": NUMBER, "from": "7456", "text": "Hello" });
    let foreign = sent(&world, &world.other, &foreign).await;
    let list = "/api/v1/messages";
    let found = |reply: &Reply| -> Vec<String> {
        let body = reply.json();
        let rows = body["messages"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&world.acme, &format!("{list}?limit=2{after}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        seen.extend(found(&page));
        match page.json()["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids, "each once, the newest first");
    let one = world.get(&world.acme, &format!("{list}?id=order-3")).await;
    assert_eq!(found(&one), [ids[1].clone()]);
    let row = &one.json()["messages"][0];
    assert_eq!((&row["to"], &row["state"]), (&json!(NUMBER), &json!("accepted")));
    assert_eq!((&row["direction"], &row["reference"]), (&json!("mt"), &json!("order-3")));
    for query in [format!("?id={foreign}"), "?number=48600100201".into(), "?state=expired".into()] {
        assert!(found(&world.get(&world.acme, &format!("{list}{query}")).await).is_empty());
    }
    for (query, status) in [
        ("?state=lost", 400),
        ("?direction=up", 400),
        ("?limit=0", 400),
        ("?odd=1", 400),
        ("?from=yesterday", 422),
        ("?number=acme", 400),
        ("?number=0000000", 422),
        ("?id=", 400),
        ("?after=99999999999999999999", 422),
    ] {
        let reply = world.get(&world.acme, &format!("{list}{query}")).await;
        assert_eq!(reply.status, status, "{query}: {}", reply.text);
    }
    let viewer = person(&world, 1, "viewer").await;
    let masked = world.get(&viewer, &format!("{list}?id={}", ids[0])).await;
    assert_eq!(masked.json()["messages"][0]["to"], MASKED);
    assert!(!found(&world.get(&viewer, list).await).contains(&foreign));
    let finance = person(&world, 1, "finance").await;
    assert_eq!(world.get(&finance, list).await.status, 403);
    let support = staff(&world, "support").await;
    assert_eq!(found(&world.get(&support, &format!("{list}?partner=2")).await), [foreign]);
    assert_eq!(world.get("bk_none_none", list).await.status, 401);
    let states: Vec<_> = MessageState::ALL.iter().map(|state| state.as_str()).collect();
    for state in states {
        let reply = world.get(&world.acme, &format!("{list}?state={state}")).await;
        assert_eq!(reply.status, 200, "the document names `{state}`");
    }
}
