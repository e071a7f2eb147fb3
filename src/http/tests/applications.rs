//! Applications over the API.

use super::*;

fn application() -> Value {
    let plan = json!({
        "revenue_minor": vec![100_050; 12],
        "marketing_plan": "Television and the press, every week.",
        "idea": "A quiz in which the audience votes.",
        "novelty": "Nobody has it yet.",
    });
    json!({
        "mail": "jan@acme.pl",
        "company": {
            "legal_name": "Acme Media sp. z o.o.", "nip": "526-104-08-28", "regon": "123456785",
            "street": "Prosta 1", "postal_code": "00-950", "city": "Warszawa",
        },
        "contacts": [{ "name": "Jan Nowak", "mail": "jan@acme.pl" }],
        "areas": ["special_wap"],
        "plans": { "special_wap": plan },
        "privacy_notice": "2026-01",
    })
}

async fn send(world: &World, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let request = request(Method::POST, "/api/v1/applications", &all);
    world.send(request.map(|_| Body::from(body.to_string()))).await
}

#[tokio::test]
async fn an_application_is_taken_and_followed_with_its_own_key() {
    let world = world().await;
    let taken = send(&world, &application(), &[("idempotency-key", "first")]).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    let answer = taken.json();
    assert_eq!(answer["reference"], "A-2026-000001");
    // Documents are uploaded to what exists already.
    assert_eq!(answer["state"], "draft");
    assert_eq!(taken.header("cache-control"), "no-store");
    let place = taken.header("location").to_owned();
    assert_eq!(place, "/api/v1/applications/A-2026-000001");

    let key = answer["key"].as_str().unwrap();
    let shown = world.get(key, &place).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let shown = shown.json();
    let tasks = shown["tasks"].as_array().unwrap();
    let left: Vec<_> = tasks.iter().filter(|task| task["progress"] != "complete").collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["section"], "documents");
    assert_eq!(left[0]["errors"][0]["code"], "document_missing");
    assert_eq!(shown["stops"][0]["turn"], "partner");

    let again = send(&world, &application(), &[("idempotency-key", "first")]).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json()["key"], answer["key"]);
    let other = json!({ "mail": "eve@acme.pl" });
    let mut changed = application();
    changed["mail"] = other["mail"].clone();
    let conflict = send(&world, &changed, &[("idempotency-key", "first")]).await;
    assert_eq!((conflict.status, &*conflict.code()), (422, "idempotency_conflict"));

    let submission = format!("{place}/submission");
    let bearer = format!("Bearer {key}");
    let early = world.send(request(Method::POST, &submission, &[("authorization", &bearer)])).await;
    assert_eq!((early.status, &*early.code()), (422, "invalid_fields"));
}

#[tokio::test]
async fn every_wrong_field_of_an_application_is_named_by_its_pointer() {
    let world = world().await;
    let mut body = application();
    body["company"]["nip"] = json!("89500218498");
    body["plans"]["special_wap"]["revenue_minor"][3] = json!(-5);
    let refused = send(&world, &body, &[]).await;
    assert_eq!((refused.status, &*refused.code()), (422, "invalid_fields"));
    let answer = refused.json();
    let found: Vec<_> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    let expected = [("/company/nip", "nip_form"), ("/plans/special_wap/revenue/3", "amount_form")];
    assert_eq!(found, expected);

    let mut unknown = application();
    unknown["vat"] = json!("x".repeat(5000));
    let refused = send(&world, &unknown, &[]).await;
    assert_eq!((refused.status, &*refused.code()), (422, "invalid_fields"));
    assert!(refused.text.len() < 2000);
}

#[tokio::test]
async fn an_application_is_nobodys_business_without_its_key() {
    let world = world().await;
    let taken = send(&world, &application(), &[]).await;
    let place = taken.header("location").to_owned();
    for key in ["", "ba_00000000000000000000000000000000", &world.acme] {
        let refused = world.get(key, &place).await;
        assert_eq!((refused.status, &*refused.code()), (401, "unauthorized"), "{key}");
        let unknown = world.get(key, "/api/v1/applications/A-2026-999999").await;
        assert_eq!(unknown.status, 401, "an unknown one is answered alike");
    }
    assert_eq!(world.send(request(Method::GET, &place, &[])).await.status, 401);
}

#[tokio::test]
async fn one_address_cannot_flood_the_desk() {
    let world = world().await;
    for number in 0..10 {
        let mut body = application();
        body["mail"] = json!(format!("a{number}@acme.pl"));
        assert_eq!(send(&world, &body, &[]).await.status, 201);
    }
    let refused = send(&world, &application(), &[]).await;
    assert_eq!((refused.status, &*refused.code()), (429, "too_many_tries"));
    assert_ne!(refused.header("retry-after"), "");
}
