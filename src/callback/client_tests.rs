//! What the client makes of partners that answer, dawdle, lie and hang up.

use std::collections::HashMap;

use super::{
    super::{
        address::BadAddress,
        fake_partner::{Certificate, FakePartner, Reply},
        signature::SignedHeaders,
    },
    *,
};

const LABORATORY: Guard =
    Guard { insecure_http: true, insecure_private_addresses: true, refused_networks: Vec::new() };
const NOW: i64 = 1_795_255_200;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK";

fn client(settings: Settings) -> Client {
    let mut client = Client::new(settings).unwrap();
    let local = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    client.names = Names::Fixed(HashMap::from([
        ("partner.example", local(&["127.0.0.1"])),
        ("other.example", local(&["127.0.0.1"])),
        // Nothing listens on the first two.
        ("manyhomed.example", local(&["127.0.0.98", "127.0.0.99", "127.0.0.1"])),
        ("rebinding.example", local(&["1.1.1.1", "127.0.0.1"])),
        ("empty.example", local(&[])),
    ]));
    client
}

fn laboratory() -> Client {
    client(Settings { guard: LABORATORY, ..Settings::default() })
}

/// Short enough for a test; the partners that meet it never answer, so it cannot be too short.
fn impatient() -> Client {
    let timeout = Duration::from_millis(300);
    client(Settings { guard: LABORATORY, timeout, ..Settings::default() })
}

fn secrets() -> Secrets {
    Secrets::parse(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap()
}

async fn post(client: &Client, url: &str) -> Outcome {
    post_again(client, url, 0).await
}

async fn post_again(client: &Client, url: &str, redelivered: u32) -> Outcome {
    client
        .post(&Delivery {
            url,
            webhook_id: WebhookId::parse("mo_17").unwrap(),
            timestamp: NOW,
            body: Bytes::from_static(br#"{"type":"message.received"}"#),
            secrets: &secrets(),
            attempt: redelivered + 1,
            redelivered,
        })
        .await
}

fn class(outcome: &Outcome) -> &'static str {
    outcome.class()
}

async fn answered(octets: &'static [u8]) -> Outcome {
    let partner = FakePartner::plain(|_| Reply::Keep(octets.to_vec())).await;
    let outcome = post(&laboratory(), &partner.url("127.0.0.1")).await;
    assert_eq!(partner.seen().len(), 1);
    outcome
}

#[tokio::test]
async fn a_partner_receives_a_signed_post_that_it_can_verify() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let client = laboratory();
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
    post_again(&client, &partner.url("127.0.0.1"), 3).await;

    let [first, again] = &partner.seen()[..] else { panic!("not two requests") };
    assert_eq!(first.line, "POST /mo?token=t HTTP/1.1");
    assert_eq!(first.header("host"), Some(format!("127.0.0.1:{}", partner.port()).as_str()));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("user-agent"), Some("bramka/0.1.0"));
    assert_eq!(first.header("bramka-redelivery"), None);
    assert_eq!(again.header("bramka-redelivery"), Some("3"));
    for seen in [first, again] {
        let headers = SignedHeaders {
            id: seen.header("webhook-id").unwrap(),
            timestamp: seen.header("webhook-timestamp").unwrap(),
            signature: seen.header("webhook-signature").unwrap(),
        };
        assert_eq!(headers.id, "mo_17");
        assert_eq!(secrets().verify(&headers, &seen.body, NOW), Ok(()));
    }
}

#[tokio::test]
async fn any_2xx_with_any_body_is_yes() {
    for (octets, status) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nERROR"[..], 200),
        (b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", 201),
    ] {
        let Outcome::Delivered { status: got, .. } = answered(octets).await else {
            panic!("{status} is not taken as yes")
        };
        assert_eq!(got, status);
    }
}

#[tokio::test]
async fn a_410_disables_and_a_500_is_tried_again_with_its_reason() {
    let gone = answered(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(gone, Outcome::Gone);
    let broken = answered(
        b"HTTP/1.1 500 Oops\r\nretry-after: 90\r\ncontent-length: 13\r\n\r\ndatabase down",
    )
    .await;
    let Outcome::Retry { reason, after } = broken else { panic!("{broken:?}") };
    assert_eq!(reason.to_string(), "answered 500: \"database down\"");
    assert_eq!(after, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn a_date_in_retry_after_counts_from_the_attempt() {
    let busy = answered(
        b"HTTP/1.1 503 Busy\r\nretry-after: Sat, 21 Nov 2026 10:05:00 GMT\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert!(busy.asks_to_slow_down());
    let Outcome::Retry { after, .. } = busy else { panic!() };
    assert_eq!(after, Some(Duration::from_mins(5)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let to = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        target.url("127.0.0.1")
    );
    let partner = FakePartner::plain(move |_| Reply::Keep(to.clone().into_bytes())).await;
    let outcome = post(&laboratory(), &partner.url("127.0.0.1")).await;
    assert_eq!(class(&outcome), "redirect");
    assert_eq!((partner.connections(), target.connections()), (1, 0));
}

#[tokio::test]
async fn silence_before_or_within_an_answer_ends_with_the_timeout() {
    for sent in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n\r\nwithout a length the end never comes",
    ] {
        let partner = FakePartner::plain(|_| Reply::Hang(sent.to_vec())).await;
        let client = impatient();
        let url = partner.url("127.0.0.1");
        let outcome = timeout(Duration::from_secs(20), post(&client, &url));
        assert_eq!(class(&outcome.await.unwrap()), "timeout", "{}", sent.escape_ascii());
        assert_eq!(client.idle(), 0);
    }
}

#[tokio::test]
async fn a_partner_that_never_finishes_tls_ends_with_the_timeout() {
    // Bound and never accepted from: the system completes the connection, nobody speaks.
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", deaf.local_addr().unwrap().port());
    let client = impatient();
    let outcome = timeout(Duration::from_secs(20), post(&client, &url)).await.unwrap();
    assert_eq!(class(&outcome), "timeout");
}

#[tokio::test]
async fn a_huge_answer_is_cut_off_and_its_connection_is_not_kept() {
    // It promises a terabyte and sends 64 KiB, so reading on would never end.
    let mut octets = b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n".to_vec();
    octets.extend(std::iter::repeat_n(b'x', 64 * 1024));
    let partner = FakePartner::plain(move |_| Reply::Hang(octets.clone())).await;
    let client = laboratory();
    let outcome = post(&client, &partner.url("127.0.0.1")).await;
    assert_eq!(class(&outcome), "delivered");
    assert_eq!(client.idle(), 0);
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let mut octets = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    octets.extend(std::iter::repeat_n(b'x', 64 * 1024));
    let partner = FakePartner::plain(move |_| Reply::Hang(octets.clone())).await;
    assert_eq!(class(&post(&laboratory(), &partner.url("127.0.0.1")).await), "http");
}

#[tokio::test]
async fn a_close_in_the_middle_of_an_answer_is_tried_again() {
    for sent in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let partner = FakePartner::plain(|_| Reply::Close(sent.to_vec())).await;
        let outcome = post(&laboratory(), &partner.url("127.0.0.1")).await;
        assert_eq!(class(&outcome), "closed", "{}", sent.escape_ascii());
        assert_eq!(partner.seen().len(), 1, "a fresh connection is not tried twice");
    }
}

#[tokio::test]
async fn rubbish_is_no_answer() {
    for sent in [&b"220 mail.example ESMTP\r\n"[..], b"HTTP/1.1 2000 OK\r\n\r\n", b"\0\0\0\x10"] {
        let partner = FakePartner::plain(|_| Reply::Close(sent.to_vec())).await;
        let outcome = post(&laboratory(), &partner.url("127.0.0.1")).await;
        assert!(matches!(class(&outcome), "http" | "closed"), "{}", sent.escape_ascii());
    }
}

#[tokio::test]
async fn a_hundred_callbacks_one_after_the_other_use_one_connection() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let client = laboratory();
    for _ in 0..100 {
        assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
    }
    assert_eq!((partner.connections(), partner.seen().len(), client.idle()), (1, 100, 1));
}

#[tokio::test]
async fn a_failure_with_a_whole_answer_keeps_the_connection_too() {
    let partner = FakePartner::plain(|number| {
        let status = if number == 0 { "503 Busy" } else { "200 OK" };
        Reply::Keep(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes())
    })
    .await;
    let client = laboratory();
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "server_error");
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
    assert_eq!(partner.connections(), 1);
}

#[tokio::test]
async fn kept_connections_are_bounded_and_forgotten_when_old() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let settings = Settings { guard: LABORATORY, idle_max: 2, ..Settings::default() };
    let client = client(settings);
    let url = partner.url("127.0.0.1");
    let burst =
        || async { tokio::join!(post(&client, &url), post(&client, &url), post(&client, &url)) };
    burst().await;
    assert_eq!((partner.seen().len(), client.idle()), (3, 2));
    client.sweep();
    assert_eq!(client.idle(), 2);
    client.pool.sweep(Instant::now() + Duration::from_secs(31));
    assert_eq!(client.idle(), 0);
}

#[tokio::test]
async fn a_partner_that_asks_to_close_is_dialled_anew() {
    let partner = FakePartner::plain(|_| {
        Reply::Close(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec())
    })
    .await;
    let client = laboratory();
    for connections in 1..=3 {
        assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
        assert_eq!((partner.connections(), client.idle()), (connections, 0));
    }
}

#[tokio::test]
async fn a_kept_connection_that_dies_unanswered_costs_no_attempt() {
    // The partner answers once, swallows the next request, and is well again.
    let partner = FakePartner::plain(|number| match number {
        1 => Reply::Close(Vec::new()),
        _ => Reply::Keep(OK.to_vec()),
    })
    .await;
    let client = laboratory();
    post(&client, &partner.url("127.0.0.1")).await;
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
    let seen = partner.seen();
    assert_eq!((partner.connections(), seen.len()), (2, 3));
    assert_eq!(seen[1].header("webhook-id"), seen[2].header("webhook-id"));
}

#[tokio::test]
async fn octets_that_nobody_asked_for_are_no_answer_to_the_next_callback() {
    let partner = FakePartner::plain(|number| match number {
        // Two answers to one request.
        0 => Reply::Keep([OK, OK].concat()),
        _ => Reply::Keep(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_vec()),
    })
    .await;
    let client = laboratory();
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "delivered");
    assert_eq!(class(&post(&client, &partner.url("127.0.0.1")).await), "server_error");
}

#[tokio::test]
async fn tls_reaches_the_named_partner_and_keeps_the_connection() {
    let certificate = Certificate::of("partner.example");
    let partner = FakePartner::tls(&certificate, |_| Reply::Keep(OK.to_vec())).await;
    let client = trusting(&certificate);
    for _ in 0..5 {
        let outcome = post(&client, &partner.url("partner.example")).await;
        assert_eq!(class(&outcome), "delivered", "{outcome:?}");
    }
    assert_eq!(partner.connections(), 1);
    assert_eq!(partner.seen()[0].server_name.as_deref(), Some("partner.example"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_nothing_is_sent_in_clear() {
    let certificate = Certificate::of("partner.example");
    let partner = FakePartner::tls(&certificate, |_| Reply::Keep(OK.to_vec())).await;
    let outcome = post(&trusting(&certificate), &partner.url("other.example")).await;
    let Outcome::Retry { reason: Reason::Tls(text), after: None } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(text.contains("not valid for name"), "{text}");
    assert_eq!((partner.connections(), partner.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let certificate = Certificate::of("partner.example");
    let trusted = Certificate::of("partner.example");
    let partner = FakePartner::tls(&certificate, |_| Reply::Keep(OK.to_vec())).await;
    for client in [trusting(&trusted), laboratory()] {
        assert_eq!(class(&post(&client, &partner.url("partner.example")).await), "tls");
    }
    assert_eq!((partner.connections(), partner.seen().len()), (2, 0));
}

#[tokio::test]
async fn an_https_address_that_speaks_plain_http_gets_nothing() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let url = partner.url("127.0.0.1").replace("http://", "https://");
    // The partner sees a TLS hello, no request; it would wait for ever.
    let outcome = post(&impatient(), &url).await;
    assert!(matches!(class(&outcome), "tls" | "timeout"), "{outcome:?}");
    assert_eq!((partner.connections(), partner.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_tls_partner_that_closes_without_goodbye_is_believed_only_without_a_length() {
    for (sent, expected) in [
        (&b"HTTP/1.1 200 OK\r\n\r\nOK"[..], "delivered"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nOK", "closed"),
    ] {
        let certificate = Certificate::of("partner.example");
        let partner = FakePartner::tls(&certificate, |_| Reply::Close(sent.to_vec())).await;
        let outcome = post(&trusting(&certificate), &partner.url("partner.example")).await;
        assert_eq!(class(&outcome), expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn private_addresses_are_refused_before_anything_is_dialled() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let strict = client(Settings {
        guard: Guard { insecure_http: true, ..Guard::default() },
        ..Settings::default()
    });
    for host in ["127.0.0.1", "partner.example", "rebinding.example"] {
        let outcome = post(&strict, &partner.url(host)).await;
        let reason = Reason::Address(BadAddress::NotPublic("loopback"));
        assert_eq!(outcome, Outcome::Retry { reason, after: None }, "{host}");
    }
    assert_eq!(partner.connections(), 0);
}

#[tokio::test]
async fn a_crooked_url_is_refused_at_the_attempt_as_when_it_was_saved() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let guard = Guard { insecure_private_addresses: true, ..Guard::default() };
    let client = client(Settings { guard, ..Settings::default() });
    let outcome = post(&client, &partner.url("127.0.0.1")).await;
    let reason = Reason::Address(BadAddress::Scheme);
    assert_eq!(outcome, Outcome::Retry { reason, after: None });
    assert_eq!(partner.connections(), 0);
}

#[tokio::test]
async fn names_without_an_address_are_tried_again() {
    let client = laboratory();
    assert_eq!(class(&post(&client, "http://nowhere.example/").await), "unresolved");
    assert_eq!(class(&post(&client, "http://empty.example/").await), "address_refused");
}

#[tokio::test]
async fn a_dead_address_among_good_ones_is_passed_over() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let outcome = post(&laboratory(), &partner.url("manyhomed.example")).await;
    assert_eq!(class(&outcome), "delivered");
}

#[tokio::test]
async fn a_refused_connection_says_so_without_an_address() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let url = partner.url("127.0.0.97");
    let Outcome::Retry { reason, .. } = post(&laboratory(), &url).await else { panic!() };
    assert_eq!(reason.to_string(), "connection failed: refused");
}

#[tokio::test]
async fn the_resolver_of_the_system_is_asked_by_default() {
    let partner = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let settings = Settings { guard: LABORATORY, ..Settings::default() };
    let client = Client::new(settings).unwrap();
    assert_eq!(class(&post(&client, &partner.url("localhost")).await), "delivered");
}

#[test]
fn a_ca_file_without_a_certificate_is_a_mistake_in_the_settings() {
    let missing = std::env::temp_dir().join("bramka-there-is-no-such-file.pem");
    let settings = Settings { ca_file: Some(missing), ..Settings::default() };
    let Err(error) = Client::new(settings) else { panic!("a missing file was taken") };
    assert!(error.to_string().contains("bramka-there-is-no-such-file.pem"), "{error}");
}

fn trusting(certificate: &Certificate) -> Client {
    let ca_file = Some(certificate.file.clone());
    client(Settings { guard: LABORATORY, ca_file, ..Settings::default() })
}
