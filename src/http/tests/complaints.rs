//! Complaints through pages and API: taken about a message that was charged, answered by the
//! partner, given back once.

use super::{
    agreements::staff,
    faults::{ask, browser, developer, message},
    *,
};

/// A charge of a message, as if the gateway had written it.
async fn charge(world: &World, message: &str) {
    let sql = format!(
        "insert into charge (id, message_id, line, partner_id, service_id, service_version, \
         direction, tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, charged_at, \
         reason) values (1, {message}, 0, 1, 1, 1, 'mt', 1, 'T4', 492, 400, 'PLN', '48600100200', \
         {NOON}, 'delivered')"
    );
    world.app.partnership.store().run_sql(&sql).await.unwrap();
}

async fn ledger(world: &World) -> Vec<String> {
    let sql = "select line || ' ' || gross_minor from charge order by line";
    world.app.partnership.store().texts(sql).await.unwrap()
}

#[tokio::test]
async fn a_complaint_goes_its_whole_way_through_pages() {
    let world = world().await;
    let message = message(&world).await;
    charge(&world, &message).await;
    let mut desk = browser(&world, &staff(&world, "support").await);
    let mut acme = browser(&world, &developer(&world, 1).await);
    let other = browser(&world, &developer(&world, 2).await);
    let new = "/complaints/new";
    let bare = desk.send(new, new, &[("from_day", "2026-11-01")], b"").await;
    assert_eq!(bare.status, 422);
    assert!(bare.text.contains("Choose one") && bare.text.contains("Fill in this field"));
    let fields = [
        ("msisdn", "600 100 200"),
        ("subject", "not_ordered"),
        ("demand", "refund"),
        ("channel", "phone"),
        ("story", "I never ordered it."),
        ("name", "Anna Lis"),
        ("from_day", "2026-11-01"),
        ("until_day", "2026-11-21"),
        ("received_day", "2026-11-21"),
    ];
    let foreign = [&fields[..], &[("partner", "nobody")]].concat();
    let wrong = desk.send(new, new, &foreign, b"").await;
    assert!(wrong.status == 422 && wrong.text.contains("nobody"), "{}", wrong.text);
    // A partner's way is no way of the staff.
    let odd = [&fields[..3], &[("channel", "partner")], &fields[4..]].concat();
    assert_eq!(desk.send(new, new, &odd, b"").await.status, 422);
    let sent = desk.send(new, new, &fields, b"").await;
    assert_eq!((sent.status, sent.header("location")), (303, "/complaints/1"), "{}", sent.text);
    let (one, step) = ("/complaints/1", "/complaints/1/step");
    let shown = desk.get(one).await.text;
    for part in ["If nobody answers by 21 December 2026", "48600100200", "Anna Lis", "4.92"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(desk.get("/complaints").await.text.contains("R-000001"));
    for path in [one, "/complaints/999"] {
        assert_eq!(other.get(path).await.status, 404);
    }

    let sent = desk.send(one, step, &[("step", "ask"), ("words", "When?")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let shown = acme.get(one).await.text;
    assert!(shown.contains("Your answer") && !shown.contains("Anna Lis"), "{shown}");
    let bare = acme.send(one, step, &[("step", "answer"), ("words", "Never.")], b"").await;
    assert_eq!(bare.status, 422, "it must say what should be done");
    let answer = [("step", "answer"), ("words", "Never."), ("says", "accept")];
    assert_eq!(acme.send(one, step, &answer, b"").await.status, 303);
    assert_eq!(desk.send(one, step, &[("step", "pack")], b"").await.status, 303);

    let pays = [("step", "accept"), ("words", "You are right."), ("charges", message.as_str())];
    let sent = desk.send(one, step, &pays, b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert_eq!(ledger(&world).await, ["0 492", "1 -492"]);
    let again = [("step", "refund"), ("charges", message.as_str())];
    let sent = desk.send(one, step, &again, b"").await;
    assert!(sent.status == 422 && sent.text.contains("given back already"), "{}", sent.text);
    let shown = acme.get(one).await.text;
    assert!(
        shown.contains("Accepted") && shown.contains("dowody-R-000001-partner.json"),
        "{shown}"
    );
    assert!(!shown.contains("odpowiedz-R-000001.pdf"), "the subscriber's letter");
    assert!(acme.get("/complaints?format=csv").await.text.contains("R-000001"));
    assert!(!desk.get("/complaints").await.text.contains("R-000001"), "open ones only");
    assert!(desk.get("/complaints/all").await.text.contains("R-000001"));
    assert_eq!(acme.get("/complaints/rates").await.status, 403);
    assert_eq!(desk.get("/complaints/rates").await.status, 200);
}

#[tokio::test]
async fn a_complaint_over_the_api_is_made_once_and_a_stale_decision_gives_nothing_back() {
    let world = world().await;
    let message = message(&world).await;
    charge(&world, &message).await;
    let (acme, desk) = (developer(&world, 1).await, staff(&world, "support").await);
    let new = json!({
        "subject": "price", "demand": "refund", "msisdn": "48600100200",
        "description": "Too dear", "from": "2026-11-01", "until": "2026-11-21",
    });
    let (key, path) = ([("idempotency-key", "once")], "/api/v1/complaints");
    let first = ask(&world, &acme, ("POST", path), &new, &key).await;
    assert_eq!(
        (first.status, first.header("location")),
        (201, "/api/v1/complaints/1"),
        "{}",
        first.text
    );
    assert_eq!(first.json()["channel"], "partner");
    assert_eq!(first.json()["ticket_status"], "acknowledged");
    let again = ask(&world, &acme, ("POST", path), &new, &key).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    let of_staff = ask(&world, &desk, ("POST", path), &new, &[]).await;
    assert_eq!(of_staff.status, 422, "staff says how it came");
    let one = "/api/v1/complaints/1";
    let shown = ask(&world, &desk, ("GET", one), &Value::Null, &[]).await;
    let tag = shown.header("etag").to_owned();
    assert_eq!(shown.json()["messages"][0]["id"], message);
    assert_eq!(shown.json()["charges"][0]["gross_minor"], 492);
    let pay = json!({ "text": "Yes.", "charges": [message] });
    let (accept, refuse) = (format!("{one}/accept"), format!("{one}/refuse"));
    let no = ask(&world, &desk, ("POST", &refuse), &pay, &[("if-match", &tag)]).await;
    assert_eq!(no.status, 422, "a refusal gives nothing back");
    let blind = ask(&world, &desk, ("POST", &accept), &pay, &[]).await;
    assert_eq!(blind.status, 422, "which one was read?");
    let odd = json!({ "text": "Yes.", "charges": ["x"] });
    let odd = ask(&world, &desk, ("POST", &accept), &odd, &[("if-match", &tag)]).await;
    assert_eq!(odd.status, 422);
    assert_eq!(ledger(&world).await.len(), 1);
    let done = ask(&world, &desk, ("POST", &accept), &pay, &[("if-match", &tag)]).await;
    assert_eq!((done.status, &done.json()["refund_minor"]), (200, &json!(492)), "{}", done.text);
    let stale = ask(&world, &desk, ("POST", &accept), &pay, &[("if-match", &tag)]).await;
    assert_eq!(stale.status, 412);
    assert_eq!(ledger(&world).await, ["0 492", "1 -492"]);
    let unknown = ask(&world, &desk, ("POST", &format!("{one}/dance")), &json!({}), &[]).await;
    assert_eq!(unknown.status, 404);
    let list = ask(&world, &acme, ("GET", "/api/v1/complaints?state=accepted"), &Value::Null, &[]);
    assert_eq!(list.await.json()["complaints"][0]["reference"], "R-000001");
}
