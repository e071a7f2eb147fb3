//! Every alphabet against its table in the standard, and any text there and back.

use proptest::prelude::*;

use super::*;
use Alphabet::{Binary, Gsm7, Latin1, Ucs2, Utf8};

#[test]
fn data_coding_names_its_alphabet() {
    for (codings, alphabet) in [
        (vec![0x01, 0x03], Latin1),
        (vec![0x02, 0x04, 0x14, 0x15, 0x17, 0x44, 0x54, 0xF4, 0xF5, 0xF7, 0xFF], Binary),
        (vec![0x08, 0x18, 0x1B, 0x48, 0x58, 0xE0, 0xEF], Ucs2),
        (vec![0x10, 0x11, 0x13, 0x40, 0x50, 0xC0, 0xC8, 0xD0, 0xDB, 0xF0, 0xF3, 0xF8], Gsm7),
    ] {
        for coding in codings {
            assert_eq!(Alphabet::of(coding, Utf8), Ok(alphabet), "0x{coding:02X}");
        }
    }
}

#[test]
fn only_data_coding_zero_asks_the_link() {
    for default in [Gsm7, Latin1, Utf8] {
        assert_eq!(Alphabet::of(0, default), Ok(default));
    }
    for coding in 1..=u8::MAX {
        assert_eq!(Alphabet::of(coding, Gsm7), Alphabet::of(coding, Latin1), "0x{coding:02X}");
    }
}

#[test]
fn reserved_compressed_and_foreign_codings_are_told_apart() {
    for coding in [0x0B, 0x0C, 0x0F, 0x1C, 0x1F, 0x4C, 0x5F, 0x80, 0xBF] {
        assert_eq!(Alphabet::of(coding, Gsm7), Err(UnknownCoding::Reserved(coding)));
    }
    for coding in [0x20, 0x3F, 0x60, 0x7F] {
        assert_eq!(Alphabet::of(coding, Gsm7), Err(UnknownCoding::Compressed(coding)));
    }
    for coding in [0x05, 0x06, 0x07, 0x09, 0x0A, 0x0D, 0x0E] {
        assert_eq!(Alphabet::of(coding, Gsm7), Err(UnknownCoding::Unsupported(coding)));
    }
}

#[test]
fn octets_read_as_text() {
    for (octets, alphabet, text) in [
        // An octet 0x00 is `@`, never an end.
        (&b"a\x00b\x02\x11"[..], Gsm7, "a@b$_"),
        // ESC e is the euro; ESC f has no meaning and shows `f`.
        (b"\x1B\x65 \x1B\x66", Gsm7, "€ f"),
        (b"\x1B\x28\x1B\x29\x1B\x3C\x1B\x3E\x1B\x2F\x1B\x3D\x1B\x40\x1B\x14", Gsm7, "{}[]\\~|^"),
        (b"\x1B\x1B", Gsm7, " "),
        (b"\xF3\x41", Latin1, "óA"),
        // zł
        (b"\x00\x7A\x01\x42", Ucs2, "zł"),
        // U+1F600 as a surrogate pair.
        (b"\xD8\x3D\xDE\x00", Ucs2, "😀"),
        // Halves of a pair, in the wrong order and alone.
        (b"\xDE\x00\xD8\x3D\x00\x41", Ucs2, "\u{FFFD}\u{FFFD}A"),
        (b"\xD8\x3D", Ucs2, "\u{FFFD}"),
        (b"\xC5\x82", Utf8, "ł"),
        (b"", Gsm7, ""),
    ] {
        assert_eq!(decode(octets, alphabet).as_deref(), Ok(text), "{octets:02X?}");
        assert_eq!(decode_lenient(octets, alphabet), text, "{octets:02X?}");
    }
}

#[test]
fn broken_text_is_refused_or_shown_as_far_as_it_goes() {
    use DecodeError::{EndsInEscape, NotASeptet, NotText, NotUtf8, OddLength};
    for (octets, alphabet, error, shown) in [
        (&b"a\x80b"[..], Gsm7, NotASeptet { at: 1 }, "a\u{FFFD}b"),
        (b"a\x1B", Gsm7, EndsInEscape, "a\u{FFFD}"),
        (b"\x00\x7A\x01", Ucs2, OddLength { octets: 3 }, "z\u{FFFD}"),
        (b"\xFE\xFF\x00\x7A\x01", Ucs2, OddLength { octets: 5 }, "z\u{FFFD}"),
        (b"z\xFF", Utf8, NotUtf8 { at: 1 }, "z\u{FFFD}"),
        (b"z\x01", Binary, NotText, "z\u{FFFD}"),
    ] {
        assert_eq!(decode(octets, alphabet), Err(error), "{octets:02X?}");
        assert_eq!(decode_lenient(octets, alphabet), shown, "{octets:02X?}");
    }
}

#[test]
fn text_is_written_as_it_travels() {
    assert_eq!(encode_gsm7("@$€[").as_deref(), Ok(&b"\x00\x02\x1B\x65\x1B\x3C"[..]));
    assert_eq!(encode_latin1("óA").as_deref(), Ok(&b"\xF3\x41"[..]));
    assert_eq!(encode_ucs2("zł😀"), b"\x00\x7A\x01\x42\xD8\x3D\xDE\x00");
}

#[test]
fn a_character_that_does_not_fit_is_named_with_its_place() {
    let refused = |char, at| Err(Unencodable { char, at });
    // The place counts characters: `é` takes two octets in UTF-8 and one place.
    assert_eq!(encode_gsm7("éał"), refused('ł', 2));
    assert_eq!(encode_gsm7("a`"), refused('`', 1));
    assert_eq!(encode_latin1("zł"), refused('ł', 1));
    assert_eq!(encode("z", Binary), refused('z', 0));
    let said = Unencodable { char: 'ł', at: 2 }.to_string();
    assert_eq!(said, "character 2 (U+0142) is not in the alphabet");
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(text in any::<String>()) {
        for alphabet in [Gsm7, Latin1, Ucs2, Utf8] {
            if let Ok(octets) = encode(&text, alphabet) {
                prop_assert_eq!(decode(&octets, alphabet), Ok(text.clone()));
            }
        }
    }

    #[test]
    fn gsm_text_reads_the_same(
        septets in prop::collection::vec((0_u8..0x80).prop_filter("escape", |s| *s != ESCAPE), 0..80),
        escaped in prop::collection::vec(prop::sample::select(&b"\x0A\x14()/<=>@e"[..]), 0..20),
    ) {
        let mut octets = septets;
        octets.extend(escaped.iter().flat_map(|septet| [ESCAPE, *septet]));
        let text = decode(&octets, Gsm7).expect("septets");
        prop_assert_eq!(encode_gsm7(&text), Ok(octets));
    }

    #[test]
    fn strict_and_lenient_agree_where_strict_accepts(
        octets in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        for alphabet in [Gsm7, Latin1, Ucs2, Utf8] {
            let starts_with_mark = octets.starts_with(b"\xFE\xFF");
            if let Ok(text) = decode(&octets, alphabet) && !starts_with_mark {
                prop_assert_eq!(decode_lenient(&octets, alphabet), text);
            }
        }
    }
}
