//! The HTTP edge over a real gateway on a store of its own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

use super::*;
use crate::{
    clock::{Clock, SetClock},
    config::Shutdown,
    domain::{Caller, Refusal},
    gateway::{Pages, Settings},
    store::{GroupLimits, NewApiKey, NewPartner, NewService, NewTariff, Place, Store},
    tasks::{Phase, Signals, Stopping, Systemd, Tasks},
};

const NOON: i64 = 1_795_262_400_000_000;

struct World {
    app: App,
    public: Router,
    clock: Arc<SetClock>,
    tasks: Tasks,
    acme: String,
    other: String,
    _pages: Pages,
    _folder: tempfile::TempDir,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect(&self.text)
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn world() -> World {
    world_with(config::Http::default(), 64).await
}

async fn world_with(limits: config::Http, work: usize) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("http.db").display());
    let (store, writer) =
        Store::open(Place { url, readers: 2 }, GroupLimits::default()).await.unwrap();
    let tasks = Tasks::with(&Shutdown::default(), Signals::none(), Systemd::Silent);
    tasks.spawn_in(Phase::Writer, "writer", async move { Ok(writer.run().await?) });
    let pepper = Secret::new("pepper");
    let mut keys = Vec::new();
    for (name, number, rate) in [("acme", "7455", 0), ("other", "7456", 1)] {
        keys.push(partner(&store, &pepper, name, number, rate).await);
    }
    let other = keys.pop().unwrap();
    let acme = keys.pop().unwrap();
    let clock = Arc::new(SetClock::at(NOON));
    let (gateway, pages) =
        Gateway::new(store, Clock::Set(Arc::clone(&clock)), Settings::default(), &[])
            .await
            .unwrap();
    let work = tasks.scope(Phase::Requests, "http_work", work);
    let app = App::new(gateway, limits, pepper, Arc::new(|| "bramka_up 1\n".to_owned()), work);
    let public = public(app.clone());
    World { public, app, clock, tasks, acme, other, _pages: pages, _folder: folder }
}

/// A partner with a free service, a charged one on another number, and a key.
async fn partner(store: &Store, pepper: &Secret, name: &str, number: &str, rate: u32) -> String {
    let by = Caller::Operator { name: "test".into() };
    let new = NewPartner { name: name.into(), rate, burst: 1, backlog_max: 100, waiting_max: 100 };
    store.add_partner(&by, NOON, &new).await.unwrap();
    if name == "acme" {
        let tariff = NewTariff {
            code: "T4".into(),
            valid_from: 0,
            net_minor: 400,
            vat_permille: 230,
            gross_minor: 492,
            currency: "PLN".into(),
        };
        store.add_tariff(&by, NOON, &tariff).await.unwrap();
    }
    for (service, number, billing) in
        [("info", number.to_owned(), "free"), ("win", format!("{number}1"), "mt")]
    {
        store.add_short_code(&by, NOON, &number).await.unwrap();
        let new = NewService {
            partner: name.into(),
            name: service.into(),
            state: "live".into(),
            short_code: number,
            keywords: vec!["WIN".into()],
            billing: billing.into(),
            tariff: (billing == "mt").then(|| "T4".into()),
            tariffs_allowed: Vec::new(),
            link_group: "main".into(),
            callback: None,
            on_unknown: "resend".into(),
            charge_at: "delivered".into(),
            charges_per_minute: 0,
            charges_per_day: 0,
            spend_per_day_minor: 0,
            validity_max_us: 0,
            test_numbers: Vec::new(),
        };
        store.add_service(&by, NOON, &new).await.unwrap();
    }
    let key = auth::mint(pepper).unwrap();
    let new = NewApiKey {
        partner: name.into(),
        prefix: key.prefix,
        secret: key.digest,
        expires_at: NOON + 3_600_000_000,
    };
    store.add_api_key(&by, NOON, &new).await.unwrap();
    key.shown.reveal().to_owned()
}

impl World {
    async fn send(&self, request: Request<Body>) -> Reply {
        reply(self.public.clone(), request).await
    }

    async fn post(&self, body: &Value) -> Reply {
        self.send(post(&self.acme, body, &[])).await
    }

    async fn post_with_key(&self, key: &'static str, body: &Value) -> Reply {
        self.send(post(&self.acme, body, &[("idempotency-key", key)])).await
    }

    async fn get(&self, key: &str, path: &str) -> Reply {
        self.send(request(Method::GET, path, &[("authorization", &format!("Bearer {key}"))])).await
    }

    async fn delete(&self, key: &str, path: &str) -> Reply {
        let headers = [("authorization", &*format!("Bearer {key}"))];
        self.send(request(Method::DELETE, path, &headers)).await
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::empty()).unwrap()
}

fn post(key: &str, body: &Value, headers: &[(&str, &str)]) -> Request<Body> {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", &*bearer), ("content-type", "application/json")];
    all.extend(headers);
    request(Method::POST, "/api/v1/messages", &all).map(|_| Body::from(body.to_string()))
}

async fn reply(router: Router, request: Request<Body>) -> Reply {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(octets.to_vec()).unwrap(),
    }
}

fn hello() -> Value {
    json!({ "to": "48600100200", "from": "7455", "text": "Hello" })
}

fn charged() -> Value {
    json!({ "to": "48600100200", "service": "win", "text": "You won" })
}

#[tokio::test]
async fn a_message_is_accepted_shown_and_taken_back() {
    let world = world().await;
    let mut body = hello();
    body["reference"] = json!("order 17");
    let accepted = world.post(&body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let answer = accepted.json();
    assert_eq!(answer["parts"], 1);
    assert_eq!(answer["price"], Value::Null);
    assert_eq!(answer["state"], "accepted");
    let place = format!("/api/v1/messages/{}", answer["id"].as_str().unwrap());
    assert_eq!(accepted.header("location"), place);

    let shown = world.get(&world.acme, &place).await;
    let message = shown.json();
    assert_eq!(shown.status, 200);
    assert_eq!(message["from"], "7455");
    assert_eq!(message["reference"], "order 17");
    assert_eq!(message["accepted_at"], "2026-11-21T12:00:00Z");
    assert_eq!(message["valid_until"], "2026-11-22T12:00:00Z");
    let events: Vec<_> = message["events"].as_array().unwrap().iter().map(|e| &e["what"]).collect();
    assert_eq!(events, ["accepted"]);
    assert!(message.pointer("/events/0/who").is_none(), "who did it is not the partner's to know");

    assert_eq!(world.delete(&world.acme, &place).await.status, 204);
    let message = world.get(&world.acme, &place).await.json();
    assert_eq!((&message["state"], &message["is_final"]), (&json!("deleted"), &json!(true)));
    let again = world.delete(&world.acme, &place).await;
    assert_eq!((again.status, &*again.code()), (409, "too_late_to_cancel"));
}

#[tokio::test]
async fn a_charged_message_tells_its_price_and_goes_once_its_answer_was_taken() {
    let world = world().await;
    let accepted = world.post(&charged()).await;
    let answer = accepted.json();
    assert_eq!(accepted.status, 202, "{answer}");
    assert_eq!(answer["price"], json!({ "tariff": "T4", "amount_minor": 492, "currency": "PLN" }));
    assert_eq!(claimable(&world).await, 1);
}

#[tokio::test]
async fn a_charged_message_whose_answer_was_lost_waits_until_it_is_asked_for_again() {
    let world = world().await;
    let lost = world.public.clone().oneshot(post(&world.acme, &charged(), &[])).await.unwrap();
    let place = lost.headers()[header::LOCATION].to_str().unwrap().to_owned();
    drop(lost);
    assert_eq!(claimable(&world).await, 0);

    let again = world.post(&charged()).await;
    assert_eq!(again.header("location"), place, "the same message, not a second charge");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(claimable(&world).await, 1);
    let third = world.post(&charged()).await;
    assert_ne!(third.header("location"), place, "a third equal text is a new order");
}

/// Takes every message of the links' lanes.
async fn claimable(world: &World) -> usize {
    let gateway = &world.app.gateway;
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = crate::gateway::submit::LinkSeat { name: "north".into(), group, epoch };
    gateway.claim(&seat, &gateway.to_links(group), 10).await.len()
}

#[tokio::test]
async fn the_same_key_answers_the_same_message_and_never_another_one() {
    let world = world().await;
    let first = world.post_with_key("order-17", &hello()).await;
    let again = world.post_with_key("\"order-17\"", &hello()).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    let mut other = hello();
    other["text"] = json!("Bye");
    let conflict = world.post_with_key("order-17", &other).await;
    assert_eq!((conflict.status, &*conflict.code()), (422, "idempotency_conflict"));
}

#[tokio::test]
async fn a_lost_answer_with_a_key_does_not_swallow_an_equal_text_under_another_key() {
    let world = world().await;
    let first = post(&world.acme, &hello(), &[("idempotency-key", "a")]);
    drop(world.public.clone().oneshot(first).await.unwrap());
    let second = world.post_with_key("b", &hello()).await;
    assert_eq!(second.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn another_partners_message_is_answered_exactly_as_an_unknown_one() {
    let world = world().await;
    let id = world.post(&hello()).await.json()["id"].as_str().unwrap().to_owned();
    let unknown = "9".repeat(id.len() - 1);
    for method in [Method::GET, Method::DELETE] {
        let mut bodies = Vec::new();
        for id in [&id, &unknown] {
            let bearer = format!("Bearer {}", world.other);
            let headers = [("authorization", &*bearer), ("x-request-id", "same")];
            let path = format!("/api/v1/messages/{id}");
            let reply = world.send(request(method.clone(), &path, &headers)).await;
            assert_eq!(reply.status, 404);
            bodies.push(reply.text.replace(id.as_str(), "ID"));
        }
        assert_eq!(bodies[0], bodies[1]);
    }
    for odd in ["0", "-1", "%00", "a%2Fb", &"1".repeat(200), "%F0%9F%98%80"] {
        let reply = world.get(&world.acme, &format!("/api/v1/messages/{odd}")).await;
        assert_eq!((reply.status, &*reply.code()), (404, "unknown_message"), "{odd}");
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let world = world().await;
    let body = json!({
        "to": "600", "form": "7455", "text": 5, "data_coding": 4, "validity": 0,
        "valid_until": "soon", "receipts": "often", "coding": "ebcdic", "a/b": 1,
    });
    let reply = world.send(post(&world.acme, &body, &[("idempotency-key", "a b")])).await;
    assert_eq!((reply.status, &*reply.code()), (422, "invalid_fields"));
    let problem = reply.json();
    let named = |key: &str| -> Vec<String> {
        let errors = problem["errors"].as_array().unwrap();
        let mut found: Vec<String> =
            errors.iter().filter_map(|error| Some(error[key].as_str()?.to_owned())).collect();
        found.sort();
        found.dedup();
        found
    };
    assert_eq!(
        named("pointer"),
        [
            "/a~1b",
            "/coding",
            "/data_coding",
            "/form",
            "/receipts",
            "/text",
            "/to",
            "/valid_until",
            "/validity"
        ]
    );
    assert_eq!(named("header"), ["Idempotency-Key"]);
    assert!(reply.text.contains("did you mean `from`?"), "{}", reply.text);
}

#[tokio::test]
async fn an_answer_to_rubbish_stays_small() {
    let world = world().await;
    let many: serde_json::Map<String, Value> =
        (0..20_000).map(|number| (format!("field{number}"), Value::Null)).collect();
    let reply = world.post(&Value::Object(many)).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text.len() < 8192, "{}", reply.text.len());
}

#[tokio::test]
async fn octets_travel_as_they_are_behind_their_header() {
    let world = world().await;
    // UDH 05 00 03 01 02 01, then CA FE.
    let good = json!({
        "to": "+48600100200", "from": "7455", "binary": "yv4=", "data_coding": 4, "udh": "BQADAQIB"
    });
    assert_eq!(world.post(&good).await.status, 202);
    for (field, value, code) in [
        ("udh", json!("BAADAQIB"), "bad_user_data"),
        ("binary", json!("not base64!!"), "invalid"),
        ("data_coding", json!(245), "bad_data_coding"),
        ("data_coding", json!("4"), "invalid"),
        ("text", json!("Hello"), "invalid"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let reply = world.post(&bad).await;
        assert_eq!(reply.status, 422, "{field}");
        assert_eq!(reply.json()["errors"][0]["code"], code, "{field}: {}", reply.text);
    }
}

#[tokio::test]
async fn refusals_have_their_status_code_and_a_page() {
    let world = world().await;
    let with = |field: &str, value: Value| {
        let mut body = hello();
        body[field] = value;
        body
    };
    let cases = [
        (with("from", json!("7456")), 403, "not_your_number"),
        (with("service", json!("wni")), 422, "unknown_service"),
        (with("answers", json!("1")), 422, "unknown_mo"),
        (with("deliver_after", json!("2036-01-01T00:00:00Z")), 422, "bad_schedule"),
        (with("valid_until", json!("2020-01-01T00:00:00Z")), 422, "bad_validity"),
        (json!({ "to": "48600100200", "text": "Hello" }), 422, "no_sender"),
    ];
    for (body, status, code) in cases {
        let reply = world.post(&body).await;
        assert_eq!((reply.status, &*reply.code()), (status, code), "{}", reply.text);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["request_id"].as_str(), Some(reply.header("x-request-id")));
        let page = problem["type"].as_str().unwrap();
        assert_eq!(world.send(request(Method::GET, page, &[])).await.status, 200);
    }
}

#[tokio::test]
async fn a_partner_over_its_rate_is_told_when_to_come_again() {
    let world = world().await;
    let body = json!({ "to": "48600100200", "from": "7456", "text": "Hello" });
    let first = world.send(post(&world.other, &body, &[])).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let second = world.send(post(&world.other, &body, &[])).await;
    assert_eq!((second.status, &*second.code()), (429, "throttled"));
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(second.json()["retry_after"], 1);
}

#[tokio::test]
async fn only_a_known_whole_and_living_key_opens() {
    let world = world().await;
    let good = format!("Bearer {}", world.acme);
    let (name, _) = world.acme.rsplit_once('_').unwrap();
    let (_, secret) = world.other.rsplit_once('_').unwrap();
    let mixed = format!("Bearer {name}_{secret}");
    let long = format!("Bearer {}", "x".repeat(5000));
    let path = "/api/v1/messages/1";
    for bad in ["", "Bearer", "Basic abc", "Bearer bk_", "Bearer bk_a_b", &mixed, &long] {
        let reply = world.send(request(Method::GET, path, &[("authorization", bad)])).await;
        assert_eq!((reply.status, &*reply.code()), (401, "unauthorized"), "{bad}");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(world.send(request(Method::GET, path, &[])).await.status, 401);
    let lower = good.replace("Bearer", "bearer");
    for right in [&good, &lower] {
        let reply = world.send(request(Method::GET, path, &[("authorization", right)])).await;
        assert_eq!(reply.status, 404, "a right key and an unknown message");
    }
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.get(&world.acme, path).await.status, 401, "the key has expired");
}

#[tokio::test]
async fn many_wrong_keys_are_slowed_down_and_a_right_one_still_works() {
    let world = world().await;
    let path = "/api/v1/messages/1";
    for _ in 0..30 {
        assert_eq!(world.get("bk_a_b", path).await.status, 401);
    }
    let slowed = world.get("bk_a_b", path).await;
    assert_eq!((slowed.status, &*slowed.code()), (429, "too_many_failures"));
    assert_eq!(slowed.header("retry-after"), "60");
    assert_eq!(world.get(&world.acme, path).await.status, 404);
}

#[tokio::test]
async fn a_suspended_partner_is_told_so() {
    let world = world().await;
    let by = Caller::Operator { name: "test".into() };
    world.app.gateway.store().set_partner_active(&by, NOON, "acme", false).await.unwrap();
    world.app.gateway.reload_catalog().await.unwrap();
    let reply = world.post(&hello()).await;
    assert_eq!((reply.status, &*reply.code()), (403, "partner_suspended"));
}

#[tokio::test]
async fn what_is_not_http_as_described_is_a_problem_too() {
    let limits = config::Http { body_octets_max: config::Size::kib(1), ..config::Http::default() };
    let world = world_with(limits, 64).await;
    let raw = |text: &str, kind: &str| {
        post(&world.acme, &Value::Null, &[]).map(|_| Body::from(text.to_owned())).map_kind(kind)
    };
    let json = "application/json; charset=utf-8";
    for (body, kind, status, code) in [
        ("{\"to\":", json, 400, "malformed_json"),
        ("[1]", json, 400, "malformed_json"),
        ("", json, 400, "malformed_json"),
        ("\u{feff}{}", json, 400, "malformed_json"),
        (&"[".repeat(1000), json, 400, "malformed_json"),
        ("{}", json, 422, "invalid_fields"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
        (&" ".repeat(1025), json, 413, "body_too_large"),
    ] {
        let reply = world.send(raw(body, kind)).await;
        assert_eq!((reply.status, &*reply.code()), (status, code), "{body:.20}");
    }
    let put = world.send(request(Method::PUT, "/api/v1/messages", &[])).await;
    assert_eq!(
        (put.status, &*put.code(), put.header("allow")),
        (405, "method_not_allowed", "POST")
    );
    let odd = world.send(request(Method::PATCH, "/api/v1/messages/1", &[])).await;
    assert_eq!((odd.status, odd.header("allow")), (405, "GET,HEAD,DELETE"));
    let nothing = world.send(request(Method::GET, "/api/v1/mesages", &[])).await;
    assert_eq!((nothing.status, &*nothing.code()), (404, "not_found"));
}

trait MapKind {
    fn map_kind(self, kind: &str) -> Self;
}

impl MapKind for Request<Body> {
    fn map_kind(mut self, kind: &str) -> Self {
        self.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        self
    }
}

#[tokio::test]
async fn every_answer_has_safe_headers_and_an_id() {
    let world = world().await;
    for path in ["/problems", "/problems/throttled", "/nothing", "/api/v1/messages", "/livez"] {
        let reply = world.send(request(Method::GET, path, &[("x-request-id", "<bad>")])).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(reply.header("strict-transport-security").contains("max-age"), "{path}");
        assert_eq!(reply.header("x-request-id").len(), 16, "{path}");
    }
    let named = world.send(request(Method::GET, "/livez", &[("x-request-id", "my-17")])).await;
    assert_eq!(named.header("x-request-id"), "my-17");
}

#[tokio::test]
async fn pages_speak_the_readers_language() {
    let world = world().await;
    let headers = [("accept-language", "pl-PL,en;q=0.5")];
    let polish = world.send(request(Method::GET, "/problems/throttled", &headers)).await;
    assert!(polish.text.contains("Za szybko") && polish.text.contains("lang=\"pl\""));
    let english = world.send(request(Method::GET, "/problems/throttled", &[])).await;
    assert!(english.text.contains("Over your rate") && english.text.contains("ESME_RTHROTTLED"));
    let list = world.send(request(Method::GET, "/problems", &[])).await;
    for page in problems::pages() {
        assert!(list.text.contains(&format!("/problems/{}\"", page.code)), "{}", page.code);
    }
    let style = world.send(request(Method::GET, "/problems/style.css", &[])).await;
    assert!(style.header("content-type").starts_with("text/css"));
    assert_eq!(world.send(request(Method::GET, "/problems/nonsense", &[])).await.status, 404);
}

/// Reads the codes from the source of `Refusal`, so that a new one cannot be forgotten here.
#[test]
fn every_code_of_a_refusal_and_of_the_api_has_a_page_with_its_status() {
    let source = include_str!("../domain/refusal.rs");
    let codes: Vec<&str> =
        source.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.len() >= 35 && codes.contains(&Refusal::NoSender.code()), "{codes:?}");
    for code in &codes {
        let page = problems::page(code).unwrap_or_else(|| panic!("`{code}` has no page"));
        assert!(page.smpp.is_some(), "{code}");
    }
    for fault in Fault::ALL {
        let page = problems::page(fault.code()).unwrap_or_else(|| panic!("{fault:?} has no page"));
        assert_eq!(page.status, fault.status().as_u16(), "{fault:?}");
        assert!(page.smpp.is_none(), "{fault:?}");
    }
    assert_eq!(problems::pages().count(), codes.len() + Fault::ALL.len(), "a page too many");
}

#[test]
fn pages_name_the_status_that_refusals_are_answered_with() {
    let text = || "x".to_owned();
    let wait = Duration::from_millis(1);
    let refusals = [
        Refusal::NotYourNumber("x".into()),
        Refusal::NoSender,
        Refusal::BadSender(text()),
        Refusal::BadRecipient(text()),
        Refusal::RecipientBarred("x".into()),
        Refusal::Throttled { rate: 1, retry_after: wait },
        Refusal::BacklogFull { backlog: 1 },
        Refusal::StoreFull,
        Refusal::Draining,
        Refusal::BadValidity(text()),
        Refusal::BadSchedule(text()),
        Refusal::BadLength(text()),
        Refusal::BadDataCoding(1),
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
    ];
    for refusal in refusals {
        let is_temporary = refusal.is_temporary();
        let problem = Problem::from(refusal);
        let page = problems::page(problem.code).unwrap();
        assert_eq!(page.status, problem.status.as_u16(), "{}", problem.code);
        assert_eq!(problem.retry_after.is_some(), is_temporary, "{}", problem.code);
    }
}

#[tokio::test]
async fn readiness_falls_when_the_gateway_drains_and_liveness_stays() {
    let world = world().await;
    let admin = admin(world.app.clone());
    let ask = |path: &'static str| reply(admin.clone(), request(Method::GET, path, &[]));
    assert_eq!(ask("/startupz").await.status, 503);
    assert_eq!(ask("/readyz").await.text, "[-] started failed\nunavailable\n");
    world.app.started();
    assert_eq!(ask("/startupz").await.status, 200);
    assert_eq!(ask("/readyz").await.text, "ok\n");
    assert!(ask("/readyz?verbose").await.text.contains("[+] store ok"));
    assert_eq!(ask("/metrics").await.text, "bramka_up 1\n");

    world.app.gateway.drain();
    let ready = ask("/readyz").await;
    assert_eq!((ready.status, &*ready.text), (503, "[-] not_draining failed\nunavailable\n"));
    assert_eq!(ask("/livez").await.status, 200);
    let outside = world.send(request(Method::GET, "/readyz?verbose", &[])).await;
    assert_eq!((outside.status, &*outside.text), (503, "unavailable\n"));
    assert_eq!(world.send(request(Method::GET, "/metrics", &[])).await.status, 404);
    let refused = world.post(&hello()).await;
    assert_eq!((refused.status, &*refused.code()), (503, "draining"));
}

#[tokio::test]
async fn work_past_the_limit_is_refused_and_not_queued() {
    let world = world_with(config::Http::default(), 0).await;
    let reply = world.post(&hello()).await;
    assert_eq!((reply.status, &*reply.code()), (503, "busy"));
    assert_eq!(reply.header("retry-after"), "1");
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_request_after_it_works() {
    let world = world().await;
    async fn fail() -> StatusCode {
        panic!("a mistake of ours with a secret in it")
    }
    let routes = Router::new().route("/fail", axum::routing::get(fail));
    let router = edge::around(routes, &world.app).with_state(world.app.clone());
    let failed = reply(router.clone(), request(Method::GET, "/fail", &[])).await;
    assert_eq!((failed.status, &*failed.code()), (500, "internal"));
    assert!(!failed.text.contains("secret"), "{}", failed.text);
    assert_eq!(reply(router, request(Method::GET, "/fail", &[])).await.status, 500);
}

#[tokio::test]
async fn the_document_describes_every_route_of_the_api() {
    let world = world().await;
    let reply = world.send(request(Method::GET, "/api/v1/openapi.json", &[])).await;
    let document = reply.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let send = &document["paths"]["/api/v1/messages"]["post"];
    let schema = &send["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["additionalProperties"], false, "{send:#}");
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), 2);
    for status in ["202", "400", "401", "403", "409", "413", "415", "422", "429", "503"] {
        assert!(send["responses"][status].is_object(), "{status}");
    }
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 15, "{fields:?}");
    let one = &document["paths"]["/api/v1/messages/{id}"];
    assert!(one["get"].is_object() && one["delete"].is_object());
    // Every reference leads somewhere.
    for piece in reply.text.split("\"$ref\":\"#").skip(1) {
        let place = piece.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place}");
    }
}

/// A gateway with its doors open on a port of this machine.
async fn open(
    world: &World,
    limits: &config::Http,
) -> (SocketAddr, tokio_util::sync::CancellationToken) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopping, soft, _) = Stopping::manual();
    let seats = Seats::new(&world.tasks, "http_connections", limits);
    let router = world.public.clone();
    world.tasks.spawn("http", serve(listener, Door::Plain, router, seats, stopping));
    (address, soft)
}

async fn all_of(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset after the answer is as good an end as a close.
    drop(stream.read_to_end(&mut text).await);
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_message_comes_through_a_real_socket_and_the_stop_waits_for_nobody_idle() {
    let world = world().await;
    let (address, stop) = open(&world, &config::Http::default()).await;
    let body = charged().to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        world.acme,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 4096];
    let count = stream.read(&mut first).await.unwrap();
    let answer = String::from_utf8_lossy(&first[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("content-length: "), "{answer}");
    assert_eq!(claimable(&world).await, 1, "its answer is out, so the charged message goes");
    stop.cancel();
    assert_eq!(all_of(stream).await, "", "an idle connection is closed at the stop");
}

#[tokio::test]
async fn an_address_has_only_so_many_connections() {
    let world = world().await;
    let limits = config::Http { connections_per_address: 2, ..config::Http::default() };
    let (address, _stop) = open(&world, &limits).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        streams.push(stream);
    }
    let third = TcpStream::connect(address).await.unwrap();
    assert_eq!(all_of(third).await, "", "the third is closed without a word");
    drop(streams.pop());
    // The place comes back once the server has seen the end.
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked =
            stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if asked.is_ok() && all_of(stream).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_header_that_never_ends_closes_the_connection() {
    let world = world().await;
    let limits =
        config::Http { header_timeout: Duration::from_millis(50), ..config::Http::default() };
    let (address, _stop) = open(&world, &limits).await;
    for begun in ["", "GET /livez HTTP/1.1\r\nx: "] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = all_of(stream).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    let large = format!("GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(60_000));
    drop(stream.write_all(large.as_bytes()).await);
    let answer = all_of(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer:.40}");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_a_timeout() {
    let limits =
        config::Http { request_timeout: Duration::from_millis(50), ..config::Http::default() };
    let world = world_with(limits.clone(), 64).await;
    let (address, _stop) = open(&world, &limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        world.acme
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 408");
}
