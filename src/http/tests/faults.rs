//! Faults through pages and API: reported about a message, solved, opened again, closed; the same
//! as TMF621 has it.

use super::{
    agreements::{Browser, enrolled, staff},
    desk::PDF,
    *,
};
use crate::{domain::PartnerId, partnership::NewPerson};

pub(super) async fn developer(world: &World, partner: i64) -> String {
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

pub(super) fn browser<'w>(world: &'w World, token: &str) -> Browser<'w> {
    Browser { world, cookie: format!("__Host-session={token}") }
}

pub(super) async fn ask(
    world: &World,
    token: &str,
    way: (&str, &str),
    body: &Value,
    more: &[(&str, &str)],
) -> Reply {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", &*bearer), ("content-type", "application/json")];
    headers.extend(more);
    let method = Method::from_bytes(way.0.as_bytes()).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = request(method, way.1, &headers).map(|_| Body::from(body));
    world.send(request).await
}

pub(super) async fn message(world: &World) -> String {
    let sent = world.post(&hello()).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    sent.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_fault_about_a_message_goes_its_whole_way_through_pages() {
    let world = world().await;
    let message = message(&world).await;
    let mut acme = browser(&world, &developer(&world, 1).await);
    let mut desk = browser(&world, &staff(&world, "support").await);
    let areas = acme.get("/faults/new").await;
    assert!(areas.text.contains("/faults/new?area=settlement"), "{}", areas.text);
    let page = "/faults/new?area=sms";
    let bare = acme.send(page, "/faults/new", &[("area", "sms")], b"").await;
    assert_eq!(bare.status, 422);
    assert!(bare.text.contains("Choose a severity") && bare.text.contains("Fill in this field"));
    let fields = [
        ("area", "sms"),
        ("severity", "major"),
        ("title", "No receipts"),
        ("story", "Since morning"),
        ("since_day", "2026-11-20"),
        ("since_time", "14:30"),
        ("messages", message.as_str()),
    ];
    let foreign = [&fields[..6], &[("messages", "12345")]].concat();
    let wrong = acme.send(page, "/faults/new", &foreign, b"").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("12345") && wrong.text.contains("check the spelling"));
    let sent = acme.send(page, "/faults/new", &fields, b"").await;
    assert_eq!((sent.status, sent.header("location")), (303, "/faults/1"), "{}", sent.text);
    let shown = acme.get("/faults/1").await;
    assert!(shown.text.contains(&message) && shown.text.contains("Acknowledged"), "{}", shown.text);

    let mut other = browser(&world, &developer(&world, 2).await);
    for path in ["/faults/1", "/faults/999"] {
        assert_eq!(other.get(path).await.status, 404);
    }
    assert!(!other.get("/faults").await.text.contains("No receipts"));
    let _ = &mut other;

    let (one, step) = ("/faults/1", "/faults/1/step");
    assert!(desk.get("/faults").await.text.contains("F-000001 No receipts"));
    let sent = desk.send(one, step, &[("step", "take")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let note = [("step", "note"), ("words", "the customer is difficult"), ("internal", "yes")];
    assert_eq!(desk.send(one, step, &note, b"").await.status, 303);
    assert!(!acme.get(one).await.text.contains("difficult"));
    assert!(desk.get(one).await.text.contains("difficult"));
    let bare = desk.send(one, step, &[("step", "resolve")], b"").await;
    assert_eq!(bare.status, 422, "the partner must be told how");
    let file = acme.send(one, "/faults/1/file", &[], PDF.as_bytes()).await;
    assert_eq!(file.status, 303, "{}", file.text);
    assert!(desk.get(one).await.text.contains("copy.pdf"));
    for (by, what, words) in
        [(true, "resolve", "done"), (false, "reopen", "no"), (true, "resolve", "now")]
    {
        let by = if by { &mut desk } else { &mut acme };
        let sent = by.send(one, step, &[("step", what), ("words", words)], b"").await;
        assert_eq!(sent.status, 303, "{what}: {}", sent.text);
    }
    let sent = acme.send(one, step, &[("step", "close")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(acme.get("/faults?format=csv").await.text.contains("F-000001 No receipts"));
    assert!(!desk.get("/faults").await.text.contains("F-000001"), "the queue has open ones only");
    assert!(desk.get("/faults/all").await.text.contains("F-000001"));
}

#[tokio::test]
async fn an_incident_is_read_by_everybody_only_if_it_is_public() {
    let world = world().await;
    let mut desk = browser(&world, &staff(&world, "support").await);
    let visitor = Browser { world: &world, cookie: String::new() };
    for (title, is_public) in [("Delays", true), ("Secret", false)] {
        let mut fields = vec![
            ("area", "sms"),
            ("title_pl", title),
            ("title_en", title),
            ("text_pl", "Pracujemy."),
        ];
        if is_public {
            fields.push(("public", "yes"));
        }
        let sent = desk.send("/incidents", "/incidents", &fields, b"").await;
        assert_eq!(sent.status, 303, "{}", sent.text);
    }
    let shown = visitor.get("/incidents/public").await;
    assert!(shown.text.contains("Delays") && !shown.text.contains("Secret"), "{}", shown.text);
    let mut acme = browser(&world, &developer(&world, 1).await);
    assert!(acme.get("/faults/new").await.text.contains("Secret"));
    let sent = acme.send("/incidents/1", "/incidents/1/follow", &[], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(acme.get("/incidents/1").await.text.contains("We write to you"));
    let end = [("step", "end"), ("text_pl", "Koniec.")];
    assert_eq!(desk.send("/incidents/1", "/incidents/1/news", &end, b"").await.status, 303);
    assert!(visitor.get("/incidents/public").await.text.contains("Koniec."));
}

#[tokio::test]
async fn a_report_over_the_api_is_made_once_listed_by_cursor_and_seen_as_tmf621() {
    let world = world().await;
    let (acme, desk) = (developer(&world, 1).await, staff(&world, "support").await);
    let new = json!({
        "area": "wap", "severity": "critical", "title": "No pages", "description": "All day",
        "since": "2026-11-20T10:00:00Z",
    });
    let key = [("idempotency-key", "once")];
    let first = ask(&world, &acme, ("POST", "/api/v1/faults"), &new, &key).await;
    assert_eq!(
        (first.status, first.header("location")),
        (201, "/api/v1/faults/1"),
        "{}",
        first.text
    );
    let again = ask(&world, &acme, ("POST", "/api/v1/faults"), &new, &key).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    for _ in 0..2 {
        ask(&world, &acme, ("POST", "/api/v1/faults"), &new, &[]).await;
    }
    let list =
        ask(&world, &acme, ("GET", "/api/v1/faults?limit=2"), &Value::Null, &[]).await.json();
    let ids = |list: &Value| -> Vec<i64> {
        list["faults"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
    };
    assert_eq!((ids(&list), &list["next"]), (vec![3, 2], &json!(2)));
    let rest = ask(&world, &acme, ("GET", "/api/v1/faults?limit=2&after=2"), &Value::Null, &[])
        .await
        .json();
    assert_eq!((ids(&rest), &rest["next"]), (vec![1], &Value::Null));
    let odd = ask(&world, &acme, ("GET", "/api/v1/faults?state=odd"), &Value::Null, &[]).await;
    assert_eq!(odd.status, 400);

    let ticket = "/tmf-api/troubleTicket/v4/troubleTicket";
    let one = format!("{ticket}/1");
    let patch = |status: &str| json!({ "status": status, "statusChangeReason": "because" });
    let early = ask(&world, &desk, ("PATCH", &one), &patch("resolved"), &[]).await;
    assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"));
    for (by, status) in
        [(&desk, "inProgress"), (&desk, "resolved"), (&acme, "inProgress"), (&desk, "pending")]
    {
        let done = ask(&world, by, ("PATCH", &one), &patch(status), &[]).await;
        assert_eq!((done.status, &done.json()["status"]), (200, &json!(status)), "{}", done.text);
    }
    let note = json!({ "text": "still" });
    let tag = ask(&world, &acme, ("GET", "/api/v1/faults/1"), &Value::Null, &[]).await;
    let tag = [("if-match", tag.header("etag"))];
    let noted = ask(&world, &acme, ("POST", "/api/v1/faults/1/notes"), &note, &tag).await;
    assert_eq!(noted.status, 200, "{}", noted.text);
    let stale = ask(&world, &acme, ("POST", "/api/v1/faults/1/notes"), &note, &tag).await;
    assert_eq!(stale.status, 412);
    let shown = ask(&world, &desk, ("GET", &one), &Value::Null, &[]).await.json();
    assert_eq!(shown["note"][0]["text"], "still");
    for member in ["id", "href", "name", "description", "severity", "ticketType", "creationDate"] {
        assert!(shown[member].is_string(), "{member}");
    }
    let page = format!("{ticket}?status=acknowledged&offset=1&limit=1&fields=status");
    let page = ask(&world, &desk, ("GET", &page), &Value::Null, &[]).await;
    assert_eq!((page.header("x-total-count"), page.header("x-result-count")), ("2", "1"));
    assert_eq!(page.json()[0].as_object().unwrap().len(), 3, "id, href and what was asked for");
    let open = json!({ "description": "No pages", "severity": "minor", "ticketType": "fault/wap" });
    let made = ask(&world, &desk, ("POST", ticket), &open, &[]).await;
    assert_eq!((made.status, &made.json()["ticketType"]), (201, &json!("fault/wap")));
}
