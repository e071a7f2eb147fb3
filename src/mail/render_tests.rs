//! What applicants write into letters that carry the operator's name.

use serde_json::json;

use super::*;

fn renderer() -> Renderer {
    Renderer::new(Templates::shipped().unwrap(), "Operator & Co", "https://portal.example/")
}

fn question(text: &str) -> Rendered {
    let data = json!({
        "reference": "W/1", "question": text, "answer_by": null, "link": "/applications/1",
    });
    renderer().render("application_question", Language::English, &data).unwrap()
}

#[test]
fn nobody_can_put_a_header_a_button_or_markup_into_a_letter() {
    let letter = question(
        "<script>alert(1)</script>\r\n\u{e000}Click\u{e001}https://evil.example\u{e002}\n\u{202e}x",
    );
    assert_eq!(letter.html.matches(ANCHOR).count(), 1);
    assert!(!letter.html.contains("href=\"https://evil"), "{}", letter.html);
    assert!(!letter.html.contains("<script"), "{}", letter.html);
    assert!(letter.html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", letter.html);
    assert!(!letter.text.contains(['\u{e000}', '\u{202e}', '\r']));
    assert!(letter.text.contains("> <script>alert(1)</script>\n> Click"), "{}", letter.text);
    assert!(letter.html.contains("Operator &amp; Co"));

    let data = json!({
        "reference": "W/1\r\nBcc: all@example.com", "company": "https://evil.example/ sp. z o.o.",
        "promised_at": 0, "link": "/a",
    });
    let letter = renderer().render("application_received", Language::Polish, &data).unwrap();
    assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
    assert!(!letter.text.contains("https://evil"), "{}", letter.text);
}

#[test]
fn a_link_is_a_web_address_or_a_path_of_the_portal() {
    let link = |link: &str| {
        let data = json!({ "login": "a", "valid_until": 0, "link": link });
        renderer().render("password_reset", Language::English, &data)
    };
    let letter = link("/reset?a=1&b=2").unwrap();
    assert!(letter.text.contains("\nhttps://portal.example/reset?a=1&b=2\n"), "{}", letter.text);
    assert!(letter.html.contains("href=\"https://portal.example/reset?a=1&amp;b=2\""));
    assert!(link("https://other.example/x").is_ok());
    for bad in ["javascript:alert(1)", "reset", "https://x y", "https://x\"y", "https://x\ny", ""] {
        let error = link(bad).unwrap_err();
        assert_eq!(error, "its link is no web address", "{bad}");
    }
}

#[test]
fn long_lines_of_the_plain_text_are_wrapped_and_links_are_not() {
    let letter = question(&"słowo ".repeat(100));
    let quoted: Vec<&str> = letter.text.lines().filter(|line| line.starts_with('>')).collect();
    assert!(quoted.len() > 7, "{quoted:?}");
    assert!(quoted.iter().all(|line| line.chars().count() <= WIDTH), "{quoted:?}");
    let long = format!("/x?key={}", "a".repeat(200));
    let data = json!({ "login": "a", "valid_until": 0, "link": long });
    let letter = renderer().render("password_reset", Language::English, &data).unwrap();
    assert!(letter.text.contains(&format!("\nhttps://portal.example{long}\n")));
}

#[test]
fn an_error_never_shows_the_data() {
    let data = json!({ "login": "a", "valid_until": i64::MAX, "link": "/canary" });
    let error = renderer().render("password_reset", Language::Polish, &data).unwrap_err();
    assert!(error.contains("is no date"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    assert!(renderer().render("unknown", Language::Polish, &data).is_err());
}

#[test]
fn a_letter_without_its_optional_parts_has_no_holes() {
    let kind = Kind::named("application_declined").unwrap();
    let mut data = kind.sample();
    data["may_apply_from"] = Value::Null;
    let letter = renderer().render(kind.name, Language::Polish, &data).unwrap();
    assert!(!letter.text.contains("\n\n\n"), "{}", letter.text);
    assert!(!letter.text.contains("Nowy wniosek"), "{}", letter.text);
}
