//! WAP pushes against annotated octets, and odd ones that must be refused.

use proptest::prelude::*;

use super::*;
use crate::payload::udh;

/// Hex digits to octets, white space left out.
fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}

fn date(text: &str) -> Timestamp {
    parse_date(text).expect("a good date")
}

fn game() -> WapPush<'static> {
    WapPush::Indication(Indication {
        href: "https://wap.example.pl/d?t=AB12",
        text: "Pobierz gre",
        si_id: Some("m1"),
        action: Signal::High,
        ..Indication::default()
    })
}

const GAME: &str = "02 05 6a 00 45 c6 \
     0e 03 7761702e6578616d706c652e706c2f643f743d41423132 00 \
     11 03 6d31 00  08  01  03 506f626965727a20677265 00  01 01";

#[test]
fn an_indication_with_dates_is_the_example_of_its_specification() {
    let push = WapPush::Indication(Indication {
        href: "http://www.xyz.com/email/123/abc.wml",
        text: "You have 4 new emails",
        created: Some(date("1999-06-25T15:23:15Z")),
        expires: Some(date("1999-06-30T00:00:00Z")),
        ..Indication::default()
    });
    // prologue, si, indication, href http://www. xyz .com/ rest, created, si-expires, text
    let expected = hex("02 05 6A 00 45 C6 \
         0D 03 78797A 00 85 03 656D61696C2F3132332F6162632E776D6C 00 \
         0A C3 07 19990625152315 10 C3 04 19990630 \
         01 03 596F7520686176652034206E657720656D61696C73 00 01 01");
    assert_eq!(push.to_wbxml(), Ok(expected));
}

#[test]
fn an_indication_with_an_id_and_action_fits_one_message() {
    assert_eq!(game().to_wbxml(), Ok(hex(GAME)));
    assert_eq!(hex(GAME).len(), 54);
    let parts = game().to_user_data(WspForm::Charset, Reference::Bits8(1), 3).expect("one part");
    // ports 2948 from 9200; push with type SI and charset UTF-8
    let expected = hex(&format!("06 05 04 0b84 23f0  01 06 04 03 ae 81 ea {GAME}"));
    assert_eq!(expected.len(), 68);
    assert_eq!(parts, [expected]);
}

#[test]
fn a_loading_has_attributes_only() {
    let sl = |href, action| WapPush::Loading(Loading { href, action });
    let push = sl("https://wap.example.pl/x", Load::ExecuteHigh);
    let wbxml = "02 06 6a 00 85 0b 03 7761702e6578616d706c652e706c2f78 00 06 01";
    assert_eq!(push.to_wbxml(), Ok(hex(wbxml)));
    assert_eq!(push.to_wsp(WspForm::Charset), Ok(hex(&format!("01 06 04 03 b0 81 ea {wbxml}"))));
    let quiet = sl("http://www.a.net/", Load::ExecuteLow).to_wbxml();
    assert_eq!(quiet, Ok(hex("02 06 6a 00 85 0a 03 61 00 87 01")));
}

#[test]
fn the_other_header_names_the_application() {
    let pdu = game().to_wsp(WspForm::ApplicationId).expect("good");
    assert_eq!(pdu[..8], hex("01 06 05 AE AF 82 B4 80"));
    assert_eq!(pdu[8..], hex(GAME));
}

#[test]
fn addresses_are_shortened_only_at_their_beginning_and_host() {
    for (href, octets) in [
        ("http://a.com/", "0c 03 61 00 85"),
        ("http://www.a.edu/x", "0d 03 61 00 86 03 78 00"),
        ("https://a.org/x", "0e 03 61 00 88 03 78 00"),
        ("https://www.a.net/x", "0f 03 61 00 87 03 78 00"),
        // Without the slash the token would add one.
        ("http://a.com", "0c 03 612e636f6d 00"),
        ("http://a.pl/b.com/", "0c 03 612e706c2f622e636f6d2f 00"),
    ] {
        let mut out = Vec::new();
        write_href(&mut out, href, 0x0B);
        assert_eq!(out, hex(octets), "{href}");
    }
}

#[test]
fn dates_drop_zero_octets_at_their_end_only() {
    for (text, octets) in [
        ("1999-06-25T15:23:15Z", "C3 07 19990625152315"),
        ("1999-06-30T00:00:00Z", "C3 04 19990630"),
        ("2026-10-10T00:10:00Z", "C3 06 202610100010"),
        // An offset is taken into account.
        ("2026-01-01T01:00:00+01:00", "C3 04 20260101"),
    ] {
        let mut out = Vec::new();
        write_date(&mut out, parse_date(text).expect("good")).expect("in range");
        assert_eq!(out, hex(octets), "{text}");
    }
}

#[test]
fn dates_and_actions_are_validated() {
    for text in ["", "1999-06-25", "1999-13-01T00:00:00Z", "1969-12-31T00:00:00Z", "yesterday"] {
        assert_eq!(parse_date(text), Err(BadPush::BadDate(text.to_owned())), "{text}");
    }
    assert_eq!(Signal::parse("signal-high"), Ok(Signal::High));
    assert_eq!(Load::parse("cache"), Ok(Load::Cache));
    assert!(matches!(Signal::parse("cache"), Err(BadPush::UnknownAction(..))));
    assert!(matches!(Load::parse("delete"), Err(BadPush::UnknownAction(..))));
}

#[test]
fn a_push_that_a_handset_could_not_use_is_refused() {
    let good = Indication { href: "http://a.pl/", text: "x", ..Indication::default() };
    let long = "a".repeat(1_025);
    let early = Some(date("2026-01-01T00:00:00Z"));
    for (indication, error) in [
        (Indication { href: "", ..good }, BadPush::NotAnAddress),
        (Indication { href: "ftp://a.pl/", ..good }, BadPush::NotAnAddress),
        (Indication { href: "http://", ..good }, BadPush::NotAnAddress),
        (Indication { href: "https:///x", ..good }, BadPush::NotAnAddress),
        (Indication { href: "javascript:x", ..good }, BadPush::NotAnAddress),
        (Indication { href: "http://a.pl/ł", ..good }, BadPush::BadCharacter { what: "href" }),
        (Indication { href: "http://a.pl/\0", ..good }, BadPush::BadCharacter { what: "href" }),
        (Indication { href: "http://a b", ..good }, BadPush::BadCharacter { what: "href" }),
        (Indication { si_id: Some("a\0"), ..good }, BadPush::BadCharacter { what: "si-id" }),
        (Indication { text: "a\0b", ..good }, BadPush::BadCharacter { what: "text" }),
        (
            Indication { text: &long, ..good },
            BadPush::TooLong { what: "text", octets: 1_025, max: 1_024 },
        ),
        (Indication { action: Signal::Delete, ..good }, BadPush::DeleteWithoutId),
        (Indication { created: early, expires: early, ..good }, BadPush::ExpiresBeforeCreated),
    ] {
        assert_eq!(WapPush::Indication(indication).to_wbxml(), Err(error), "{indication:?}");
    }
}

#[test]
fn a_deletion_needs_no_address_and_no_text() {
    let push = WapPush::Indication(Indication {
        si_id: Some("m1"),
        action: Signal::Delete,
        ..Indication::default()
    });
    // si with content, indication with attributes only: si-id, action delete
    assert_eq!(push.to_wbxml(), Ok(hex("02 05 6a 00 45 86 11 03 6d31 00 09 01 01")));
}

#[test]
fn a_long_push_repeats_its_ports_in_every_part() {
    let text = "Wygrana ".repeat(30);
    let push = WapPush::Indication(Indication {
        href: "https://wap.example.pl/d",
        text: &text,
        ..Indication::default()
    });
    let parts = push.to_user_data(WspForm::Charset, Reference::Bits8(0x7F), 9).expect("parts");
    assert_eq!(parts.len(), 3);
    for (number, part) in (1..).zip(&parts) {
        assert_eq!(part[..12], [0x0B, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 0, 3, 0x7F, 3, number]);
    }
    assert_eq!(parts[0].len(), 140);
    let bodies = parts.iter().map(|part| udh::split(part).expect("our own").1);
    assert_eq!(Ok(parts::join(bodies)), push.to_wsp(WspForm::Charset));
    let refused = push.to_user_data(WspForm::Charset, Reference::Bits8(0x7F), 2);
    assert_eq!(refused, Err(BadPush::NotSplit(NotSplit::TooManyParts { max: 2 })));
}

proptest! {
    #[test]
    fn any_strings_make_a_bounded_document_or_an_error(
        href in "(https?://(www.)?)?\\PC{0,40}", text in any::<String>(), si_id in any::<String>(),
    ) {
        let push = WapPush::Indication(Indication {
            href: &href,
            text: &text,
            si_id: Some(&si_id),
            ..Indication::default()
        });
        if let Ok(wbxml) = push.to_wbxml() {
            prop_assert!(wbxml.len() <= href.len() + text.len() + si_id.len() + 20);
            prop_assert!(wbxml.ends_with(&[END, END]) || text.is_empty());
        }
    }
}
