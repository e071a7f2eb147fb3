//! Numbers through pages and API: imported, reserved, ordered, activated.

use super::{
    agreements::{Browser, enrolled, staff},
    *,
};
use crate::{domain::PartnerId, partnership::NewPerson};

const POOL: &[u8] = b"digits,shared\n7477,\n7577,\n7655,yes\n74x7,\n";

/// A developer of acme (1) or of the other partner (2).
async fn developer(world: &World, partner: i64) -> String {
    let new = NewPerson {
        partner: Some(PartnerId(partner)),
        mail: format!("dev{partner}@acme.example"),
        name: "Ewa".to_owned(),
        role: "developer".to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = world.app.partnership.invite_by(&by, &new, true).await.unwrap();
    enrolled(world, &invited.path).await
}

fn browser<'w>(world: &'w World, token: &str) -> Browser<'w> {
    Browser { world, cookie: format!("__Host-session={token}") }
}

#[tokio::test]
async fn a_number_is_imported_found_reserved_ordered_and_activated_through_pages() {
    let world = world().await;
    let mut desk = browser(&world, &staff(&world, "provisioning").await);
    let trial = desk.send("/numbers/import", "/numbers/import", &[("step", "trial")], POOL).await;
    assert_eq!(trial.status, 200, "{}", trial.text);
    assert!(trial.text.contains("3 numbers would be taken, 1 refused"), "{}", trial.text);
    let done = desk.send("/numbers/import", "/numbers/import", &[("step", "import")], POOL).await;
    assert!(done.text.contains("3 numbers were taken") && done.text.contains("74x7"));
    let none = desk.send("/numbers/import", "/numbers/import", &[("step", "import")], b"").await;
    assert_eq!(none.status, 422);

    let mut acme = browser(&world, &developer(&world, 1).await);
    let found = acme.get("/numbers?q=*77&state=free").await;
    assert!(found.text.contains("7477") && found.text.contains("7577"), "{}", found.text);
    assert!(!found.text.contains("7655"));
    assert!(acme.get("/numbers?q=x").await.text.contains("A pattern has only digits"));
    let csv = acme.get("/numbers?format=csv&q=74").await;
    assert!(csv.text.contains("7477,Premium SMS") && !csv.text.contains("7577"), "{}", csv.text);
    assert_eq!(acme.get("/numbers/import").await.status, 403);
    assert_eq!(acme.get("/numbers/999").await.status, 404);

    let sent = acme.send("/numbers/1", "/numbers/1/reserve", &[("step", "reserve")], b"").await;
    assert_eq!((sent.status, sent.header("location")), (303, "/reservations/1"), "{}", sent.text);
    let keyword = [("step", "reserve"), ("keyword", "STOP")];
    let barred = acme.send("/numbers/3", "/numbers/3/reserve", &keyword, b"").await;
    assert_eq!(barred.status, 422);
    assert!(barred.text.contains("subscribers need it") && barred.text.contains("STOP"));
    let order = [("step", "order")];
    let sent = acme.send("/reservations/1", "/reservations/1/step", &order, b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);

    let other = browser(&world, &developer(&world, 2).await);
    assert_eq!(other.get("/reservations/1").await.status, 404);
    let waits = [("step", "wait")];
    let mut other = other;
    let sent = other.send("/numbers/1", "/numbers/1/reserve", &waits, b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let shown = other.get("/reservations").await;
    assert!(shown.text.contains("you are the first"), "{}", shown.text);

    let page = "/reservations/1";
    assert!(desk.get("/reservations?state=ordered").await.text.contains(page));
    let bare = desk.send(page, "/reservations/1/step", &[("step", "reject")], b"").await;
    assert_eq!(bare.status, 422, "the partner must be told why");
    let sent = desk.send(page, "/reservations/1/step", &[("step", "activate")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let shown = acme.get(page).await;
    assert!(shown.text.contains("Activated") && shown.text.contains("Active since"));

    let rule = [("word", "konkurs"), ("kind", "reserved")];
    let sent = desk.send("/numbers/rules", "/numbers/rules/word", &rule, b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(desk.get("/numbers/rules").await.text.contains("KONKURS"));
    for page in ["/numbers", "/numbers/1", "/numbers/3", "/numbers/rules", "/reservations"] {
        let shown = desk.get(page).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
        assert!(!shown.text.contains("numbers-"), "{page} shows a key: {}", shown.text);
    }
}

/// A request with a session, and perhaps a body and a version.
async fn ask(
    world: &World,
    token: &str,
    (method, path): (Method, &str),
    (kind, body): (&str, &str),
    version: Option<i64>,
) -> Reply {
    let bearer = format!("Bearer {token}");
    let tag = version.map(|version| format!("\"{version}\"")).unwrap_or_default();
    let mut headers = vec![("authorization", &*bearer), ("content-type", kind)];
    if version.is_some() {
        headers.push(("if-match", &*tag));
    }
    let request = request(method, path, &headers).map(|_| Body::from(body.to_owned()));
    world.send(request).await
}

#[tokio::test]
async fn the_api_says_who_won_and_takes_each_step_once() {
    let world = world().await;
    let (desk, acme, other) = (
        staff(&world, "provisioning").await,
        developer(&world, 1).await,
        developer(&world, 2).await,
    );
    let pool = ("text/csv", str::from_utf8(POOL).unwrap());
    let json = |body: &'static str| ("application/json", body);
    let import = (Method::POST, "/api/v1/numbers/import");
    let denied = ask(&world, &acme, import.clone(), pool, None).await;
    assert_eq!((denied.status, denied.code().as_str()), (403, "not_allowed"));
    let taken = ask(&world, &desk, import, pool, None).await.json();
    assert_eq!((&taken["taken"], &taken["refused"][0]["line"]), (&json!(3), &json!(5)));

    let list = (Method::GET, "/api/v1/numbers?pattern=*77&gross_to=500");
    let found = ask(&world, &acme, list, json(""), None).await.json();
    assert_eq!(found["numbers"][0]["digits"], "7477");
    assert_eq!(found["numbers"][0]["price"]["gross_minor"], 492);
    assert_eq!(found["numbers"][0]["price"]["vat_basis_points"], 2300);
    assert_eq!(found["numbers"].as_array().unwrap().len(), 1);
    let bad =
        ask(&world, &acme, (Method::GET, "/api/v1/numbers?pattern=%25"), json(""), None).await;
    assert_eq!(bad.status, 400);

    let reserve = (Method::POST, "/api/v1/reservations");
    let win = json(r#"{"short_code":"7655","keyword":"WIN"}"#);
    let won = ask(&world, &acme, reserve.clone(), win, None).await;
    assert_eq!((won.status, won.header("location")), (201, "/api/v1/reservations/1"));
    let late = ask(&world, &other, reserve.clone(), win, None).await;
    assert_eq!((late.status, late.code().as_str()), (409, "taken"));
    let alike = json(r#"{"short_code":"7655","keyword":"W1N"}"#);
    let warned = ask(&world, &other, reserve.clone(), alike, None).await;
    assert_eq!((warned.status, &warned.json()["errors"][0]["code"]), (422, &json!("alike")));
    let sure = json(r#"{"short_code":"7655","keyword":"W1N","despite_likeness":true}"#);
    assert_eq!(ask(&world, &other, reserve.clone(), sure, None).await.status, 201);
    let gone = json(r#"{"short_code":"7999"}"#);
    assert_eq!(ask(&world, &other, reserve, gone, None).await.status, 404);

    let step = |name: &str| format!("/api/v1/reservations/1/{name}");
    let order = step("order");
    let blind = ask(&world, &acme, (Method::POST, &order), json("{}"), None).await;
    assert_eq!(blind.status, 422);
    let foreign = ask(&world, &other, (Method::POST, &order), json("{}"), Some(1)).await;
    assert_eq!(foreign.status, 404);
    let ordered = ask(&world, &acme, (Method::POST, &order), json("{}"), Some(1)).await;
    assert_eq!(ordered.json()["state"], "ordered", "{}", ordered.text);
    let stale = ask(&world, &acme, (Method::POST, &order), json("{}"), Some(1)).await;
    assert_eq!((stale.status, stale.code().as_str()), (412, "version_conflict"));
    let activate = step("activate");
    let active = ask(&world, &desk, (Method::POST, &activate), json("{}"), Some(2)).await;
    assert_eq!((active.json()["state"].as_str(), active.header("etag")), (Some("active"), "\"3\""));

    let wait = (Method::POST, "/api/v1/number-waits");
    let place = ask(&world, &other, wait, win, None).await;
    assert_eq!((place.status, &place.json()["ahead"]), (201, &json!(0)));
    let leave = (Method::DELETE, "/api/v1/number-waits/1");
    assert_eq!(ask(&world, &acme, leave.clone(), json(""), None).await.status, 404);
    assert_eq!(ask(&world, &other, leave, json(""), None).await.status, 204);
}
