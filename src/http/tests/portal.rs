//! Pages: forms that only pages of ours may send, choices that are kept, a "no" for people.

use super::*;

/// The token of the page's forms and the cookie that it is bound to.
async fn token(world: &World) -> (String, String) {
    let page = world.send(request(Method::GET, "/gallery", &[])).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap();
    let cookie = page.header("set-cookie").split(';').next().unwrap();
    assert!(cookie.starts_with("__Host-visit="), "{cookie}");
    assert!(page.header("set-cookie").contains("; Secure; HttpOnly; SameSite=Lax"));
    assert_eq!(page.header("cache-control"), "no-store");
    (token.split('"').next().unwrap().to_owned(), cookie.to_owned())
}

fn form(headers: &[(&str, &str)], fields: &str) -> Request<Body> {
    let mut all = vec![
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html,*/*"),
        ("host", "portal.example"),
    ];
    all.extend(headers);
    request(Method::POST, "/gallery", &all).map(|_| Body::from(fields.to_owned()))
}

const RIGHT: &str = "name=Acme&mail=a%40b.pl&sum=2%2C46&kind=sms&agreed=yes";

#[tokio::test]
async fn a_form_is_taken_only_with_the_token_of_its_own_visitor() {
    let world = world().await;
    let (token, cookie) = token(&world).await;
    let with = format!("token={token}&{RIGHT}");
    let other = format!("__Host-visit={}", "0".repeat(32));
    for (cookie, fields, why) in [
        (&*cookie, RIGHT, "no token"),
        ("", &*with, "no cookie"),
        (&other, &with, "the token of somebody else"),
        (&cookie, &*format!("token={}&{RIGHT}", "0".repeat(64)), "a token out of the air"),
    ] {
        let reply = world.send(form(&[("cookie", cookie)], fields)).await;
        assert_eq!(reply.status, 403, "{why}");
        assert!(reply.text.contains("foreign_page"), "{why}: {}", reply.text);
    }
    let sent = world.send(form(&[("cookie", &cookie)], &with)).await;
    assert_eq!((sent.status, sent.header("location")), (303, "/gallery"));
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_even_with_its_token() {
    let world = world().await;
    let (token, cookie) = token(&world).await;
    let fields = format!("token={token}&{RIGHT}");
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "none", 403),
        ("sec-fetch-site", "same-origin", 303),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "https://portal.example.evil.example", 403),
        ("origin", "https://portal.example", 303),
    ] {
        let reply = world.send(form(&[("cookie", &cookie), (name, value)], &fields)).await;
        assert_eq!(reply.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_with_what_is_wrong() {
    let world = world().await;
    let (token, cookie) = token(&world).await;
    let fields = format!("token={token}&name=%3Cb%3EAcme&mail=&sum=abc&kind=wap");
    let headers = [("cookie", &*cookie), ("accept-language", "en")];
    let reply = world.send(form(&headers, &fields)).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text.contains("<title>Error: Parts of the portal"), "{}", reply.text);
    assert!(reply.text.contains("There is a problem"));
    assert!(reply.text.contains("value=\"&#60;b&#62;Acme\"") && !reply.text.contains("<b>Acme"));
    assert!(reply.text.contains("href=\"#sum\"") && reply.text.contains("value=\"abc\""));
    assert!(reply.text.contains("id=\"sum-error\"") && !reply.text.contains("id=\"name-error\""));
}

fn parts(cookie: &str, fields: &[(&str, &str, &str)]) -> Request<Body> {
    let mut body = String::new();
    for (name, file, value) in fields {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        body.push_str("--XX\r\nContent-Disposition: form-data; name=\"");
        for piece in [name, "\"", &file, "\r\n\r\n", value, "\r\n"] {
            body.push_str(piece);
        }
    }
    body += "--XX--\r\n";
    let headers = [("cookie", cookie), ("content-type", "multipart/form-data; boundary=XX")];
    request(Method::POST, "/gallery", &headers).map(|_| Body::from(body))
}

#[tokio::test]
async fn files_come_after_the_token_and_within_their_limit() {
    let world = world().await;
    let (token, cookie) = token(&world).await;
    let token = ("token", "", &*token);
    let file = ("file", "odpis.pdf", "%PDF-1.7");
    let right = [
        ("name", "", "Acme"),
        ("mail", "", "a"),
        ("sum", "", "1"),
        ("kind", "", "sms"),
        ("agreed", "", "yes"),
    ];
    let whole = [&[token][..], &right, &[file]].concat();
    assert_eq!(world.send(parts(&cookie, &whole)).await.status, 303);
    let early = [&[file, token][..], &right].concat();
    assert_eq!(world.send(parts(&cookie, &early)).await.code(), "foreign_page");
    let large = "x".repeat(crate::http::portal::form::UPLOAD_OCTETS_MAX + 1);
    let large = [&[token][..], &right, &[("file", "big.pdf", &*large)]].concat();
    assert_eq!(world.send(parts(&cookie, &large)).await.code(), "body_too_large");
    let many = vec![("more", "", "x"); 400];
    assert_eq!(world.send(parts(&cookie, &[&[token][..], &many].concat())).await.status, 413);
    let broken = request(Method::POST, "/gallery", &[("content-type", "multipart/form-data")]);
    assert_eq!(world.send(broken).await.status, 400);
}

#[tokio::test]
async fn a_choice_is_kept_and_leads_nowhere_else() {
    let world = world().await;
    let asked = "/preferences?language=pl&theme=dark&back=/problems%3Flang%3Den%26q%3D1";
    let reply = world.send(request(Method::GET, asked, &[])).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/problems?q=1"));
    let kept: Vec<&str> =
        reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(
        kept[0].starts_with("__Host-language=pl;") && kept[1].starts_with("__Host-theme=dark;")
    );
    let cookie = [("cookie", "__Host-language=pl; __Host-theme=dark"), ("accept-language", "en")];
    let page = world.send(request(Method::GET, "/problems", &cookie)).await;
    assert!(page.text.contains("<html lang=\"pl\" data-theme=\"dark\">"), "{}", page.text);
    let asked = world.send(request(Method::GET, "/problems?lang=en", &cookie)).await;
    assert!(asked.text.contains("<html lang=\"en\""));
    for back in ["//evil.example", "https://evil.example", "/\\evil.example", "/%0d%0aX:1", ""] {
        let path = format!("/preferences?theme=light&back={back}");
        let reply = world.send(request(Method::GET, &path, &[])).await;
        assert_eq!(reply.header("location"), "/", "{back}");
    }
}

#[tokio::test]
async fn a_no_is_a_page_for_people_and_a_problem_for_programs() {
    let world = world().await;
    let browser = [("accept", "text/html,application/xhtml+xml"), ("accept-language", "pl")];
    let page = world.send(request(Method::GET, "/nothing", &browser)).await;
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(
        page.text.contains("Nie znaleziono") && page.text.contains(page.header("x-request-id"))
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let program = world.send(request(Method::GET, "/nothing", &[("accept", "*/*")])).await;
    assert_eq!(program.header("content-type"), "application/problem+json");
    // The API speaks JSON to everybody.
    let api = world.send(request(Method::GET, "/api/v1/nothing", &browser)).await;
    assert_eq!(api.code(), "not_found");
    let wrong = world.send(request(Method::DELETE, "/static/x", &browser)).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET,HEAD"));
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages_and_asks_for_what_is_embedded() {
    let world = world().await;
    for path in
        ["/", "/docs", "/docs/messages", "/problems", "/problems/throttled", "/gallery", "/nothing"]
    {
        for language in ["pl", "en"] {
            let headers = [("accept-language", language), ("accept", "text/html")];
            let page = world.send(request(Method::GET, path, &headers)).await;
            assert!(page.text.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(!page.text.contains("style=\"") && !page.text.contains("<script>"), "{path}");
            let vary = page.header("vary");
            assert!(vary.contains("cookie") && vary.contains("accept-language"), "{path}");
            for piece in page.text.split("\"/static/").skip(1) {
                let name = piece.split('"').next().unwrap();
                let path = format!("/static/{name}");
                let asset = world.send(request(Method::GET, &path, &[])).await;
                assert!(asset.header("cache-control").contains("immutable"), "{name}");
            }
        }
    }
    let unknown =
        world.send(request(Method::GET, "/docs/nothing", &[("accept", "text/html")])).await;
    assert_eq!(unknown.status, 404);
    let old = world.send(request(Method::GET, "/static/portal.000000000000.css", &[])).await;
    assert_eq!((old.status, old.header("cache-control")), (200, "no-cache"));
    assert_eq!(world.send(request(Method::GET, "/static/mod.rs", &[])).await.status, 404);
}

#[tokio::test]
async fn a_list_is_a_file_for_a_spreadsheet_too() {
    let world = world().await;
    let reply = world.send(request(Method::GET, "/gallery?format=csv", &[])).await;
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"gallery.csv\"");
    let mut lines = reply.text.lines();
    assert!(lines.next().unwrap().starts_with("\u{feff}Name of the company,When,"));
    assert!(lines.next().unwrap().starts_with("Acme 0,2026-11-21T12:00:00Z,"), "{}", reply.text);
}

#[tokio::test]
async fn a_notice_is_shown_once_and_only_in_our_words() {
    let world = world().await;
    let cookie = [("cookie", "__Host-notice=gallery-notice-sent")];
    let page = world.send(request(Method::GET, "/", &cookie)).await;
    assert!(page.text.contains("We shall answer within five days."));
    assert!(page.header("set-cookie").starts_with("__Host-notice=; "));
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    let foreign = [("cookie", "__Host-notice=x-notice-call-us-at-1234")];
    let page = world.send(request(Method::GET, "/", &foreign)).await;
    assert!(!page.text.contains("1234") && !page.text.contains("role=\"status\""));
}
