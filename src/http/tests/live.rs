//! What is connected and what goes through, by page and API: to whom, in which words, and the
//! orders that staff gives.

use super::{
    agreements::staff,
    faults::{ask, browser, developer},
    *,
};
use crate::{
    control::tests::session_card,
    domain::{ServiceId, TrafficCounts},
    gateway::registry::{LinkCard, SessionOrder},
    store::{AuditQuery, Change, ServiceCounts, change::Rare},
};

/// Figures of acme's first service, some minutes ago.
async fn counted(world: &World, minutes_ago: i64, counts: [i64; 5]) {
    let gateway = &world.app.gateway;
    let service = gateway.catalog().services().map(|one| one.id.0).min().unwrap();
    let at = gateway.now() - minutes_ago * 60_000_000;
    let row = ServiceCounts { service: ServiceId(service), at, counts: TrafficCounts(counts) };
    let rare = vec![Rare::AddTraffic(vec![row])];
    gateway.store().save(Change { rare, ..Change::default() }).await.unwrap();
}

#[tokio::test]
async fn a_bind_appears_and_goes_and_another_partner_never_sees_it() {
    let world = world().await;
    let (card, mut heard) = session_card(&world.app.gateway);
    card.counters.failed("throttled", NOON);
    card.counters.meter.count(NOON - 1_000_000);
    let acme = browser(&world, &developer(&world, 1).await);
    let other = browser(&world, &developer(&world, 2).await);
    let shown = acme.get("/live").await;
    assert_eq!(shown.status, 200);
    for words in ["acme1", "192.0.2.7, TLS 1.3", "transceiver 3.4", "0 / 10", "/problems/throttled"]
    {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    // Neither an order nor a link is a partner's affair.
    assert!(!shown.text.contains("/end") && !shown.text.contains("Links to the operator"));
    assert!(acme.get("/live?lang=pl").await.text.contains("Sesje SMPP"));
    for path in ["/live", "/live?partner=acme", "/live?format=csv"] {
        let foreign = other.get(path).await;
        assert_eq!(foreign.status, 200);
        assert!(!foreign.text.contains("acme1"), "{path}: {}", foreign.text);
    }
    let binds = world.get(&world.acme, "/api/v1/binds").await.json();
    assert_eq!(binds["binds"][0]["session"]["rate"], 0.1, "{binds}");
    assert_eq!(binds["binds"][0]["last_error"]["code"], "throttled");
    // A bind that was refused since is the account's last error, in words.
    world.app.gateway.registry().bind_refused(&"acme1".into(), "password", NOON + 1);
    assert!(acme.get("/live").await.text.contains("Wrong password, 21 November 2026"));
    let none = world.get(&world.other, "/api/v1/binds").await.json();
    assert_eq!(none["binds"], json!([]));

    let desk_token = staff(&world, "support").await;
    let mut desk = browser(&world, &desk_token);
    let csv = desk.get("/live?format=csv&partner=acme").await;
    assert!(csv.header("content-type").starts_with("text/csv") && csv.text.contains("acme1"));
    assert!(desk.get("/live?partner=nobody").await.text.contains("There is no partner"));
    let page = format!("/live/binds/{}/end", card.name());
    assert!(desk.get("/live").await.text.contains(&page));
    let bare = desk.send(&page, &page, &[("reason", "")], b"").await;
    assert_eq!(bare.status, 422);
    assert!(heard.try_recv().is_err(), "nothing was ordered yet");
    let sent = desk.send(&page, &page, &[("reason", "It floods us")], b"").await;
    assert_eq!((sent.status, sent.header("location")), (303, "/live"), "{}", sent.text);
    assert!(matches!(heard.try_recv(), Ok(SessionOrder::Kick(_))));
    let trail = AuditQuery { what: "bind.kick".to_owned(), ..AuditQuery::default() };
    let rows = world.app.gateway.store().find_audit(&trail, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].who.contains("user:") && rows[0].detail.contains("It floods us"));

    world.app.gateway.registry().session_ended(card.id, NOON);
    assert!(!acme.get("/live").await.text.contains("192.0.2.7"));
    let gone = format!("/api/v1/binds/{}/end", card.name());
    let late = ask(&world, &desk_token, ("POST", &gone), &json!({ "reason": "again" }), &[]).await;
    assert_eq!((late.status, &*late.code()), (404, "unknown_id"));
}

#[tokio::test]
async fn staff_takes_a_link_down_and_up_and_a_partner_sees_none() {
    let world = world().await;
    let card = Arc::new(LinkCard::new("main".into(), "main".into(), "smsc:2775".to_owned(), 1));
    world.app.gateway.registry().add_link(Arc::clone(&card));
    card.failed("connection <refused>".to_owned(), NOON);
    let (support, auditor) = (staff(&world, "support").await, staff(&world, "auditor").await);
    let mut desk = browser(&world, &support);
    let shown = desk.get("/live").await;
    assert!(shown.text.contains("Broken 0/1"), "{}", shown.text);
    assert!(shown.text.contains("connection &#60;refused&#62;"), "{}", shown.text);
    let page = "/live/links/main/down";
    assert!(shown.text.contains(page));
    assert!(!browser(&world, &auditor).get("/live").await.text.contains(page));
    let sent = desk.send(page, page, &[("reason", "Works at the operator")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert_eq!(card.state(), "down");
    assert!(desk.get("/live/links?lang=pl").await.text.contains("Wyłączone 0/1"));
    let up = ("POST", "/api/v1/links/main/up");
    let wish = json!({ "reason": "done" });
    assert_eq!(ask(&world, &auditor, up, &wish, &[]).await.status, 403);
    let bare = ask(&world, &support, up, &json!({ "reason": " " }), &[]).await;
    assert_eq!((bare.status, &*bare.code()), (422, "invalid_fields"));
    let done = ask(&world, &support, up, &wish, &[]).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("broken")), "{}", done.text);
    let links = ask(&world, &support, ("GET", "/api/v1/links"), &Value::Null, &[]).await.json();
    assert_eq!(
        (&links["links"][0]["limit"], &links["links"][0]["rate_max"]),
        (&json!("absent"), &Value::Null)
    );
    let partner = developer(&world, 1).await;
    let refused = ask(&world, &partner, ("GET", "/api/v1/links"), &Value::Null, &[]).await;
    assert_eq!(refused.status, 403);
}

/// Every tag is closed in its order, and no `<` stands in a text: a drawing that a browser takes.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect(piece);
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn charts_are_drawings_with_their_figures_below_and_names_are_only_names() {
    let world = world().await;
    let store = world.app.gateway.store();
    let odd = NewService::free("acme", "<b>&\"quiz\"", "7477", &["QUIZ"], "main");
    let by = Caller::Operator { name: "root".into() };
    store.add_short_code(&by, NOON, "7477").await.unwrap();
    store.add_service(&by, NOON, &odd).await.unwrap();
    world.app.gateway.reload_catalog().await.unwrap();
    let catalog = world.app.gateway.catalog();
    let quiz = catalog.services().find(|one| one.name == odd.name).unwrap().id;
    let row =
        ServiceCounts { service: quiz, at: NOON - 120_000_000, counts: TrafficCounts([7; 5]) };
    let rare = vec![Rare::AddTraffic(vec![row])];
    store.save(Change { rare, ..Change::default() }).await.unwrap();
    counted(&world, 3, [1234, 20, 10, 5, 1]).await;

    let acme = browser(&world, &developer(&world, 1).await);
    for (step, title) in [("minute", "All services"), ("quarter", "All services"), ("day", "All")] {
        let shown = acme.get(&format!("/traffic?step={step}")).await;
        assert_eq!(shown.status, 200);
        assert!(shown.text.contains(title) && shown.text.contains("1,241"), "{}", shown.text);
        assert!(!shown.text.contains("<b>&"), "a name is no tag");
        let drawings: Vec<&str> = shown.text.split("<svg viewBox=\"0 0 720").skip(1).collect();
        assert_eq!(drawings.len(), 3, "all, and two services");
        for drawing in drawings {
            let inside = drawing.split_once('>').unwrap().1.split_once("</svg>").unwrap().0;
            well_formed(inside);
            assert_eq!(inside.matches("<polyline").count(), 5);
        }
    }
    let one = acme.get(&format!("/traffic?service={}&lang=pl", quiz.0)).await;
    assert!(one.text.contains("Te same liczby"));
    assert!(one.text.contains("Odebrane od abonentów: 7."), "{}", one.text);
    let csv = acme.get("/traffic?step=minute&format=csv").await;
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", csv.text);
    assert!(lines[1].starts_with("2026-11-21T11:57:00Z,") && lines[1].ends_with(",1234,20,10,5,1"));
    // Another partner has no figures, and finds none by the number of a service.
    let other = browser(&world, &developer(&world, 2).await);
    let foreign = other.get(&format!("/traffic?service={}", quiz.0)).await;
    assert!(foreign.text.contains("Nothing went through"), "{}", foreign.text);
    assert!(!foreign.text.contains("quiz"));
}

#[tokio::test]
async fn the_api_tells_every_step_of_a_time_and_whose_it_was() {
    let world = world().await;
    counted(&world, 3, [4, 3, 2, 1, 0]).await;
    counted(&world, 40, [1, 0, 0, 0, 0]).await;
    let path = "/api/v1/traffic?step=minute&from=2026-11-21T11:15:00Z&until=2026-11-21T12:00:00Z";
    let shown = world.get(&world.acme, path).await.json();
    assert_eq!(shown["steps"].as_array().unwrap().len(), 45);
    assert_eq!(shown["total"]["taken"], 5, "{shown}");
    let at = |index: usize| &shown["steps"][index];
    assert_eq!(
        (&at(42)["at"], &at(42)["counts"]["accepted"]),
        (&json!("2026-11-21T11:57:00Z"), &json!(3))
    );
    assert_eq!(at(5)["counts"]["taken"], 1);
    assert_eq!(shown["services"][0]["partner"], "acme");
    let own = world.get(&world.other, path).await.json();
    assert_eq!((&own["total"]["taken"], &own["services"]), (&json!(0), &json!([])));
    let desk = staff(&world, "auditor").await;
    for (query, status, taken) in [
        ("step=day", 200, 5),
        ("step=day&partner=1", 200, 5),
        ("step=day&partner=2", 200, 0),
        ("step=day&service=999", 200, 0),
        ("step=week", 400, 0),
        ("service=0", 400, 0),
        ("from=yesterday", 422, 0),
        ("from=2026-11-21T12:00:00Z&until=2026-11-21T11:00:00Z", 422, 0),
        ("step=minute&from=2026-11-01T12:00:00Z", 422, 0),
    ] {
        let path = format!("/api/v1/traffic?{query}");
        let reply = ask(&world, &desk, ("GET", &path), &Value::Null, &[]).await;
        assert_eq!(reply.status, status, "{query}: {}", reply.text);
        if status == 200 {
            assert_eq!(reply.json()["total"]["taken"], taken, "{query}");
        }
    }
    let test = sandbox::test_key(&world).await;
    assert_eq!(world.get(&test, "/api/v1/traffic").await.status, 403);
}
