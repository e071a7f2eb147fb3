//! The sandbox over HTTP: test keys apart from live ones, a subscriber played by page and by
//! interface, and the list that shows what was done.

use super::{
    faults::{browser, developer},
    *,
};
use crate::domain::{Mode, SANDBOX};

/// A test key of acme; its first one brings the partner's own test service.
pub(super) async fn test_key(world: &World) -> String {
    let key = world.app.pepper.mint().unwrap();
    let new = NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: 0,
        mode: Mode::Test,
    };
    let by = Caller::Operator { name: "root".into() };
    world.app.gateway.store().add_api_key(&by, NOON, &new).await.unwrap();
    world.app.gateway.reload_catalog().await.unwrap();
    key.shown.to_string()
}

async fn text(world: &World, key: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let request = request(Method::POST, "/api/v1/sandbox/messages", &headers);
    world.send(request.map(|_| Body::from(body.to_string()))).await
}

async fn group_of(world: &World, id: &str) -> (String, bool) {
    let id = MessageId(id.parse().unwrap());
    match world.app.gateway.store().message(id).await.unwrap().unwrap() {
        Stored::Mt(message, _) => (message.link_group.to_string(), message.charge.is_some()),
        Stored::Mo(message, _) => (message.link_group.to_string(), message.charge.is_some()),
    }
}

#[tokio::test]
async fn what_comes_by_a_test_key_stays_in_the_sandbox_and_costs_nothing() {
    let world = world().await;
    let key = test_key(&world).await;
    let sent = world.send(post(&key, &charged(), &[("idempotency-key", "one")])).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let tested = sent.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(group_of(&world, &tested).await, (SANDBOX.to_owned(), false));
    // The same name for live traffic is another one.
    let live = world.post_with_key("one", &charged()).await;
    assert_eq!(live.status, 202, "{}", live.text);
    assert!(live.header("idempotency-replayed").is_empty());
    let live = live.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(group_of(&world, &live).await, ("main".to_owned(), true));
    // What is charged waits for its answer to leave; what is free is there at once.
    assert_eq!(claimable(&world).await, 1, "a link of an operator is offered the live one alone");
}

#[tokio::test]
async fn a_text_by_hand_needs_a_test_key_and_a_number_of_ones_own() {
    let world = world().await;
    let key = test_key(&world).await;
    let body = json!({ "from": "48000000001", "to": "7455", "text": "WIN now" });
    assert_eq!(text(&world, &world.acme, &body).await.status, 403, "a live key plays nobody");
    let sent = text(&world, &key, &body).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let ids = sent.json()["ids"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 1);
    assert_eq!(group_of(&world, ids[0].as_str().unwrap()).await, (SANDBOX.to_owned(), false));
    let twice = json!({ "from": "48000000009", "to": "7455", "text": "WIN now" });
    assert_eq!(text(&world, &key, &twice).await.json()["ids"].as_array().unwrap().len(), 2);
    for (field, value, status) in
        [("to", "7456", 403), ("to", "12", 422), ("from", "600", 422), ("text", "", 422)]
    {
        let mut wrong = body.clone();
        wrong[field] = value.into();
        let reply = text(&world, &key, &wrong).await;
        assert_eq!(reply.status, status, "{field} {value}: {}", reply.text);
    }
    let bare = text(&world, &key, &json!({})).await;
    assert_eq!(bare.status, 422, "{}", bare.text);
}

#[tokio::test]
async fn the_checklist_is_each_partners_own() {
    let world = world().await;
    let key = test_key(&world).await;
    let bare = world.get(&key, "/api/v1/sandbox/checklist").await.json();
    assert_eq!(bare["is_complete"], false);
    assert_eq!(bare["exercises"].as_array().unwrap().len(), 6);
    assert!(bare["exercises"].as_array().unwrap().iter().all(|item| item["done_at"].is_null()));
    let sent = world.send(post(&key, &hello(), &[])).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let store = world.app.gateway.store();
    store.save(crate::store::Change::default()).await.unwrap();
    let list = world.get(&key, "/api/v1/sandbox/checklist").await.json();
    let done: Vec<&Value> = list["exercises"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| !item["done_at"].is_null())
        .collect();
    assert_eq!(done.len(), 1, "{list}");
    assert_eq!((&done[0]["exercise"], &done[0]["evidence"]), (&json!("mt"), &sent.json()["id"]));
    let other = world.get(&world.other, "/api/v1/sandbox/checklist").await.json();
    assert!(other["exercises"].as_array().unwrap().iter().all(|item| item["done_at"].is_null()));
}

#[tokio::test]
async fn a_developer_opens_the_sandbox_with_one_click_and_texts_from_its_phone() {
    let world = world().await;
    let mut acme = browser(&world, &developer(&world, 1).await);
    let bare = acme.get("/sandbox").await;
    assert_eq!(bare.status, 200, "{}", bare.text);
    assert!(bare.text.contains("48000000006") && bare.text.contains("Bind with a test system_id"));
    let made = acme.send("/sandbox", "/credentials", &[("mode", "test")], b"").await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains("acme-test") && made.text.contains("href=\"/sandbox\""));
    let shown = acme.get("/sandbox").await;
    assert!(shown.text.contains("/credentials/acme-test") && shown.text.contains(">00000<"));
    let credential = world.app.gateway.catalog().credential("acme-test").unwrap().mode;
    assert_eq!(credential, Mode::Test);
    let again = acme.send("/sandbox", "/credentials", &[("mode", "test")], b"").await;
    assert!(again.text.contains("acme-t2"), "{}", again.text);

    let fields = [("sender", "48000000001"), ("recipient", "00000"), ("text", "T1 hello")];
    let sent = acme.send("/sandbox", "/sandbox/messages", &fields, b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let page = sent.header("location").to_owned();
    assert!(page.starts_with("/messages/"));
    let shown = acme.get(&page).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("A test: no operator"), "{}", shown.text);
    assert!(acme.get("/sandbox").await.text.contains(&page));
    for (name, value, words) in [
        ("sender", "600", "with the country code"),
        ("recipient", "1", "3 to 8 digits"),
        ("recipient", "7456", "None of your services"),
        ("text", "", "Enter a text"),
    ] {
        let mut wrong = fields;
        wrong.iter_mut().find(|field| field.0 == name).unwrap().1 = value;
        let reply = acme.send("/sandbox", "/sandbox/messages", &wrong, b"").await;
        assert_eq!(reply.status, 422, "{name} {value}: {}", reply.text);
        assert!(reply.text.contains(words), "{name} {value}: {}", reply.text);
    }
}
