//! The API over a real gateway.

use super::*;

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
    let pdu = message["pdu"].as_str().unwrap();
    assert!(pdu.starts_with("submit_sm ") && pdu.contains("=48600***200 "), "{pdu}");
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
            "/from",
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

/// A push of what `wap_push` says, from acme's number.
fn push(wap_push: &Value) -> Value {
    json!({ "to": "48600100200", "from": "7455", "wap_push": wap_push })
}

async fn stored(world: &World, reply: &Reply) -> (bool, u8, String, u8) {
    let id = reply.json()["id"].as_str().expect(&reply.text).parse().unwrap();
    let store = world.app.gateway.store();
    let Some(Stored::Mt(message, _)) = store.message(MessageId(id)).await.unwrap() else {
        panic!("{id} is no MT");
    };
    let body = &message.body;
    (body.has_udh, body.data_coding, secret::hex(&body.octets), message.parts)
}

#[tokio::test]
async fn a_wap_push_becomes_the_octets_of_its_specification_below_its_ports() {
    let world = world().await;
    // The vectors of WAP-167 and WAP-168, each below ports 2948 from 9200 and the push header.
    let si = "02056a0045c60d0378797a008503656d61696c2f3132332f6162632e776d6c000ac3071999062515\
              231510c304199906300103596f7520686176652034206e657720656d61696c73000101";
    let game = "02056a0045c60e037761702e6578616d706c652e706c2f643f743d414231320011036d31000801\
                03506f626965727a20677265000101";
    let sl = "02066a00850b037761702e6578616d706c652e706c2f78000601";
    for (wap_push, kind, wbxml) in [
        (
            json!({
                "kind": "si", "href": "http://www.xyz.com/email/123/abc.wml",
                "text": "You have 4 new emails", "created": "1999-06-25T17:23:15+02:00",
                "expires": "1999-06-30T00:00:00Z"
            }),
            "ae",
            si,
        ),
        (
            json!({
                "kind": "si", "href": "https://wap.example.pl/d?t=AB12", "text": "Pobierz gre",
                "id": "m1", "action": "signal-high"
            }),
            "ae",
            game,
        ),
        (
            json!({
                "kind": "sl", "href": "https://wap.example.pl/x", "action": "execute-high"
            }),
            "b0",
            sl,
        ),
    ] {
        let reply = world.post(&push(&wap_push)).await;
        assert_eq!((reply.status, &reply.json()["parts"]), (202, &json!(1)), "{}", reply.text);
        let whole = format!("0605040b8423f001060403{kind}81ea{wbxml}");
        assert_eq!(stored(&world, &reply).await, (true, 4, whole, 1));
    }
    let long = json!({
        "kind": "si", "href": "https://wap.example.pl/", "text": "długo ".repeat(30)
    });
    let reply = world.post(&push(&long)).await;
    // 3 octets of prologue and more, 210 of text: two parts of 128 and the rest.
    assert_eq!((reply.status, &reply.json()["parts"]), (202, &json!(2)), "{}", reply.text);
}

#[tokio::test]
async fn every_mistake_in_a_wap_push_is_named_with_its_place() {
    let world = world().await;
    let good = || json!({ "kind": "si", "href": "https://wap.example.pl/", "text": "x" });
    let with = |field: &str, value: Value| {
        let mut wap_push = good();
        wap_push[field] = value;
        push(&wap_push)
    };
    let both = |field: &str, value: Value| {
        let mut body = push(&good());
        body[field] = value;
        body
    };
    for (body, pointer, code) in [
        (push(&json!("si")), "/wap_push", "invalid"),
        (push(&json!({ "href": "https://wap.example.pl/" })), "/wap_push/kind", "missing"),
        (push(&json!({ "kind": "sl" })), "/wap_push/href", "missing"),
        (with("kind", json!("sl")), "/wap_push/text", "invalid"),
        (with("kind", json!("push")), "/wap_push/kind", "invalid"),
        (with("href", json!("ftp://a/")), "/wap_push/href", "invalid"),
        (with("href", json!("https://żółw.pl/")), "/wap_push/href", "invalid"),
        (with("text", json!("a\u{0}b")), "/wap_push/text", "invalid"),
        (with("text", json!("ż".repeat(600))), "/wap_push/text", "invalid"),
        (with("action", json!("execute-high")), "/wap_push/action", "invalid"),
        (with("action", json!("delete")), "/wap_push/id", "missing"),
        (with("expires", json!("tomorrow")), "/wap_push/expires", "invalid"),
        (with("herf", json!("x")), "/wap_push/herf", "unknown"),
        (both("text", json!("Hello")), "/text", "invalid"),
        (both("coding", json!("gsm7")), "/coding", "invalid"),
        (both("udh", json!("BQADAQIB")), "/udh", "invalid"),
    ] {
        let reply = world.post(&body).await;
        assert_eq!((reply.status, &*reply.code()), (422, "invalid_fields"), "{body}");
        let problem = reply.json();
        let errors = problem["errors"].as_array().unwrap();
        let is_named = errors.iter().any(|e| e["pointer"] == pointer && e["code"] == code);
        assert!(is_named, "{pointer} {code}: {}", reply.text);
    }
    let charged = json!({
        "to": "48600100200", "service": "win",
        "wap_push": { "kind": "sl", "href": "https://wap.example.pl/x" }
    });
    let reply = world.post(&charged).await;
    assert_eq!(reply.json()["errors"][0]["pointer"], "/wap_push", "{}", reply.text);
    let asking = json!({ "to": "48600100200", "service": "win", "wap_push": good() });
    assert_eq!(world.post(&asking).await.status, 202, "an SI asks, so it may be charged");
    world.app.gateway.tune(Settings { parts_max: 2, ..Settings::default() });
    let long = with("text", json!("x".repeat(400)));
    let reply = world.post(&long).await;
    assert_eq!(reply.json()["errors"][0]["code"], "bad_length", "{}", reply.text);
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
        (json!({ "to": "48600100200", "text": "Hello" }), 422, "invalid_fields"),
        (json!({ "to": "48600100200", "text": "Hello", "service": "no" }), 422, "invalid_fields"),
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
    world.clock.advance(Duration::from_hours(1));
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
        (405, "method_not_allowed", "GET,HEAD,POST")
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
async fn requests_of_a_minute_are_counted_by_key_or_by_address_and_health_is_not() {
    let world = world().await;
    world.app.gateway.tune(Settings {
        anonymous_requests_minute: 2,
        key_requests_minute: 3,
        ..Settings::default()
    });
    let path = "/api/v1/messages/1";
    for _ in 0..3 {
        assert_eq!(world.get(&world.acme, path).await.status, 404);
    }
    let slowed = world.get(&world.acme, path).await;
    assert_eq!((slowed.status, &*slowed.code()), (429, "too_many_requests"));
    assert_eq!(slowed.header("retry-after"), "20");
    assert_eq!(world.get(&world.other, path).await.status, 404, "another key has its own count");
    for _ in 0..2 {
        assert_eq!(world.send(request(Method::GET, "/problems", &[])).await.status, 200);
    }
    assert_eq!(world.get("bk_a_b", path).await.code(), "too_many_requests", "no key is no account");
    assert_eq!(world.send(request(Method::GET, "/livez", &[])).await.status, 200);
}
