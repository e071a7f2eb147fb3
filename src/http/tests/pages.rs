//! Pages, health and what every answer has.

use super::*;

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
    assert_eq!(world.send(request(Method::GET, "/problems/nonsense", &[])).await.status, 404);
}

/// Reads the codes from the source of `Refusal`, so that a new one cannot be forgotten here.
#[test]
fn every_code_of_a_refusal_and_of_the_api_has_a_page_with_its_status() {
    let source = include_str!("../../domain/refusal.rs");
    let codes: Vec<&str> =
        source.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.len() >= 35 && codes.contains(&Refusal::NoSender.code()), "{codes:?}");
    for code in &codes {
        let page = problems::page(code).unwrap_or_else(|| panic!("`{code}` has no page"));
        // What people are told never goes over SMPP, and its page says so.
        assert!(page.smpp.is_some() || page.status != problems::NO_HTTP, "{code}");
    }
    for fault in Fault::ALL {
        let page = problems::page(fault.code()).unwrap_or_else(|| panic!("{fault:?} has no page"));
        assert_eq!(page.status, fault.status().as_u16(), "{fault:?}");
        // A store that is away is the one fault that both sides meet.
        assert_eq!(page.smpp.is_some(), fault == Fault::Unavailable, "{fault:?}");
    }
    let of_smpp = problems::pages().filter(|page| page.status == problems::NO_HTTP).count();
    // Wrong fields have one code, whether the body or a rule finds them.
    let shared = Fault::ALL.iter().filter(|fault| codes.contains(&fault.code())).count();
    assert_eq!(shared, 1);
    let known = codes.len() + Fault::ALL.len() + of_smpp - shared;
    assert_eq!(problems::pages().count(), known, "a page too many");
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

async fn fail() -> StatusCode {
    panic!("a mistake of ours with a secret in it")
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_request_after_it_works() {
    let world = world().await;
    let routes = Router::new().route("/fail", get(fail));
    let failing =
        edge::around(routes, &world.app, edge::Answers::People).with_state(world.app.clone());
    let failed = reply(failing.clone(), request(Method::GET, "/fail", &[])).await;
    assert_eq!((failed.status, &*failed.code()), (500, "internal"));
    assert!(!failed.text.contains("secret"), "{}", failed.text);
    assert_eq!(reply(failing, request(Method::GET, "/fail", &[])).await.status, 500);
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
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), 3);
    for status in ["202", "400", "401", "403", "409", "413", "415", "422", "429", "503"] {
        assert!(send["responses"][status].is_object(), "{status}");
    }
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 16, "{fields:?}");
    let one = &document["paths"]["/api/v1/messages/{id}"];
    assert!(one["get"].is_object() && one["delete"].is_object());
    // Every reference leads somewhere.
    for piece in reply.text.split("\"$ref\":\"#").skip(1) {
        let place = piece.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place}");
    }
}
