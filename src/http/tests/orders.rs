//! Orders through pages and API: a number is ordered, worked on and given back; the same as
//! TMF641 has it.

use super::{
    agreements::staff,
    desk::PDF,
    faults::{ask, browser, developer},
    *,
};

const POOL: &[u8] = b"digits,shared\n7477,\n7577,\n";

/// The number 7477, in use by acme: its order is the first one.
async fn in_use(world: &World, acme: &str, desk: &str) {
    let (mut acme, mut desk) = (browser(world, acme), browser(world, desk));
    let imported =
        desk.send("/numbers/import", "/numbers/import", &[("step", "import")], POOL).await;
    assert!(imported.text.contains("2 numbers were taken"), "{}", imported.text);
    acme.send("/numbers/1", "/numbers/1/reserve", &[("step", "reserve")], b"").await;
    let (page, path) = ("/reservations/1", "/reservations/1/step");
    let sent = acme.send(page, path, &[("step", "order")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(desk.get("/desk").await.text.contains("Order 1"));
    let sent = desk.send(page, path, &[("step", "activate")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
}

#[tokio::test]
async fn a_number_is_given_back_by_an_order_that_both_sides_see() {
    let world = world().await;
    let tokens = (developer(&world, 1).await, staff(&world, "provisioning").await);
    in_use(&world, &tokens.0, &tokens.1).await;
    let (mut acme, mut desk) = (browser(&world, &tokens.0), browser(&world, &tokens.1));
    let done = acme.get("/orders?state=completed").await;
    assert!(done.text.contains("Z-000001 Activation of a number: 7477"), "{}", done.text);
    let (page, path) = ("/reservations/1", "/reservations/1/step");
    let bare = acme.send(page, path, &[("step", "ask_release")], b"").await;
    assert_eq!(bare.status, 422, "the operator must be told why");
    let asked = [("step", "ask_release"), ("reason", "The contest is over")];
    assert_eq!(acme.send(page, path, &asked, b"").await.status, 303);
    let shown = acme.get(page).await;
    assert!(shown.text.contains("Z-000002 Release of a number: Waiting for the partner"));
    assert!(!shown.text.contains("value=\"ask_release\""), "nobody asks twice");

    let (one, step) = ("/orders/2", "/orders/2/step");
    let note = [("step", "note"), ("words", "he was difficult"), ("internal", "yes")];
    assert_eq!(desk.send(one, step, &note, b"").await.status, 303);
    assert!(!acme.get(one).await.text.contains("difficult"));
    assert!(desk.get(one).await.text.contains("difficult"));
    let early = desk.send(page, path, &[("step", "close"), ("reason", "asked")], b"").await;
    assert_eq!(early.status, 409, "its advertising goes on: {}", early.text);
    let file = acme.send(one, "/orders/2/file", &[], PDF.as_bytes()).await;
    assert_eq!(file.status, 303, "{}", file.text);
    assert!(desk.get(one).await.text.contains("copy.pdf"));
    let ticked = [("step", "tick.advertising_ended"), ("words", "Nothing is printed any more")];
    assert_eq!(acme.send(one, step, &ticked, b"").await.status, 303);
    let shown = desk.get(one).await.text;
    for part in ["In progress", "Advertising of the number has ended. Nothing is printed any more"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let bare = desk.send(one, step, &[("step", "wait"), ("words", "")], b"").await;
    assert!(bare.status == 422 && bare.text.contains("Write a text"), "{}", bare.text);
    let closed = desk.send(page, path, &[("step", "close"), ("reason", "as asked")], b"").await;
    assert_eq!(closed.status, 303, "{}", closed.text);

    let mut other = browser(&world, &developer(&world, 2).await);
    for path in ["/orders/2", "/orders/999"] {
        assert_eq!(other.get(path).await.status, 404);
        let sent = other.send("/orders", &format!("{path}/step"), &[("step", "own")], b"").await;
        assert_eq!(sent.status, 404);
    }
    assert!(!other.get("/orders").await.text.contains("Z-0000"));
    let csv = acme.get("/orders?format=csv&kind=number_release").await.text;
    assert!(
        csv.contains("Z-000002 Release of a number: 7477,") && csv.contains("Completed"),
        "{csv}"
    );
    assert!(!csv.contains("Z-000001"));
    for page in ["/orders", "/orders/1", "/orders/2", "/desk", "/reservations/1"] {
        for who in [&acme, &desk] {
            let shown = who.get(page).await.text;
            assert!(!shown.contains("orders-"), "{page} shows a key: {shown}");
        }
    }
}

#[tokio::test]
async fn orders_over_the_api_are_ticked_by_the_version_that_was_read_and_are_seen_as_tmf641() {
    let world = world().await;
    let (acme, desk) = (developer(&world, 1).await, staff(&world, "provisioning").await);
    in_use(&world, &acme, &desk).await;
    let get = async |by: &str, path: &str| ask(&world, by, ("GET", path), &Value::Null, &[]).await;
    let held = get(&acme, "/api/v1/reservations/1").await;
    let (path, why) = ("/api/v1/reservations/1/ask_release", json!({ "reason": "over" }));
    let asked =
        ask(&world, &acme, ("POST", path), &why, &[("if-match", held.header("etag"))]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);

    let list = get(&acme, "/api/v1/orders?limit=1").await.json();
    assert_eq!((&list["orders"][0]["id"], &list["next"]), (&json!(2), &json!(2)));
    let rest = get(&acme, "/api/v1/orders?limit=1&after=2").await.json();
    assert_eq!((&rest["orders"][0]["id"], &rest["next"]), (&json!(1), &Value::Null));
    let open = get(&desk, "/api/v1/orders?state=open&kind=number_release").await.json();
    assert_eq!(open["orders"].as_array().unwrap().len(), 1);
    for odd in ["state=odd", "kind=odd", "after=0", "limit=0", "page=1"] {
        assert_eq!(get(&acme, &format!("/api/v1/orders?{odd}")).await.status, 400, "{odd}");
    }
    let shown = get(&acme, "/api/v1/orders/2").await;
    let tag = [("if-match", shown.header("etag"))];
    let shown = shown.json();
    assert_eq!((&shown["state"], &shown["about"]), (&json!("pending"), &json!("reservation:1")));
    assert_eq!(shown["steps"][1]["name"], "advertising_ended");
    assert_eq!(shown["items"], json!([{ "kind": "number", "name": "7477" }]));

    let steps = "/api/v1/orders/2/steps";
    let tick = json!({ "action": "tick", "step": "advertising_ended", "text": "done" });
    let bare = ask(&world, &acme, ("POST", steps), &tick, &[]).await;
    assert_eq!(bare.status, 422, "without the version nothing is ticked");
    let odd = json!({ "action": "complete" });
    assert_eq!(ask(&world, &desk, ("POST", steps), &odd, &tag).await.status, 422);
    let done = ask(&world, &acme, ("POST", steps), &tick, &tag).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("in_progress")), "{}", done.text);
    let stale = ask(&world, &desk, ("POST", steps), &json!({ "action": "take" }), &tag).await;
    assert_eq!(stale.status, 412, "somebody was quicker");
    let tag = done.header("etag").to_owned();
    let note = ("POST", "/api/v1/orders/2/notes");
    let noted = ask(&world, &desk, note, &json!({ "text": "soon" }), &[("if-match", &tag)]).await;
    assert_eq!(noted.status, 200, "{}", noted.text);

    let orders = "/tmf-api/serviceOrdering/v4/serviceOrder";
    let one = get(&desk, &format!("{orders}/2")).await.json();
    assert_eq!((&one["state"], &one["category"]), (&json!("inProgress"), &json!("number_release")));
    assert_eq!(one["note"][0]["text"], "soon");
    let item = &one["serviceOrderItem"][0];
    assert_eq!((&item["action"], &item["service"]["state"]), (&json!("delete"), &json!("active")));
    assert_eq!(item["service"]["serviceCharacteristic"][0]["value"], "7477");
    assert_eq!(one["milestone"][1]["status"], "completed");
    let page = get(&acme, &format!("{orders}?state=completed&limit=1&fields=state")).await;
    assert_eq!((page.header("x-total-count"), page.header("x-result-count")), ("1", "1"));
    assert_eq!(page.json()[0].as_object().unwrap().len(), 3, "id, href and what was asked for");
    assert_eq!(get(&acme, &format!("{orders}?state=closed")).await.status, 422);
    let other = developer(&world, 2).await;
    for path in ["/api/v1/orders/2", &format!("{orders}/2")] {
        assert_eq!(get(&other, path).await.status, 404);
    }
    assert_eq!(get(&other, orders).await.header("x-total-count"), "0");
}
