//! Cutting and joining long texts at every limit.

use proptest::prelude::*;

use super::*;
use crate::payload::{alphabet, udh};
use Alphabet::{Binary, Gsm7, Latin1, Ucs2, Utf8};

const SHORT: Reference = Reference::Bits8(0xAB);
const LONG: Reference = Reference::Bits16(0x1234);

fn bodies(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    match parts {
        [single] => vec![single],
        _ => parts.iter().map(|part| udh::split(part).expect("our own header").1).collect(),
    }
}

#[test]
fn the_limits_are_those_of_the_standard() {
    for (alphabet, single, short, long) in [
        (Gsm7, 160, 153, 152),
        (Binary, 140, 134, 133),
        (Latin1, 140, 134, 133),
        (Ucs2, 2 * 70, 2 * 67, 2 * 66),
    ] {
        for (reference, each) in [(SHORT, short), (LONG, long)] {
            let lengths = |octets: usize| {
                let text = vec![0x20; octets];
                let parts = split(&text, alphabet, reference, 255).expect("it fits");
                assert_eq!(count(&text, alphabet, reference), parts.len());
                bodies(&parts).iter().map(|body| body.len()).collect::<Vec<_>>()
            };
            let step = if alphabet == Ucs2 { 2 } else { 1 };
            assert_eq!(lengths(0), [0]);
            assert_eq!(lengths(single), [single], "{alphabet:?}");
            assert_eq!(lengths(single + step), [each, single + step - each], "{alphabet:?}");
            assert_eq!(lengths(2 * each), [each, each]);
            assert_eq!(lengths(2 * each + step), [each, each, step]);
        }
    }
}

#[test]
fn parts_are_numbered_under_one_reference() {
    let parts = split(&[0x41; 161], Gsm7, SHORT, 2).expect("two parts");
    assert_eq!(parts[0][..6], *b"\x05\x00\x03\xAB\x02\x01");
    assert_eq!(parts[1][..6], *b"\x05\x00\x03\xAB\x02\x02");
    let parts = split(&[0x41; 161], Gsm7, LONG, 2).expect("two parts");
    assert_eq!(parts[0][..7], *b"\x06\x08\x04\x12\x34\x02\x01");
    assert_eq!(parts[1][..7], *b"\x06\x08\x04\x12\x34\x02\x02");
}

#[test]
fn an_escape_pair_moves_whole_to_the_next_part() {
    // 152 letters, then a euro that would be cut after its escape.
    let text = alphabet::encode_gsm7(&format!("{}€{}", "a".repeat(152), "b".repeat(20)));
    let parts = split(&text.expect("GSM"), Gsm7, SHORT, 9).expect("two parts");
    let bodies = bodies(&parts);
    assert_eq!(bodies[0].len(), 152);
    assert_eq!(bodies[1][..2], [0x1B, 0x65]);
}

#[test]
fn a_surrogate_pair_moves_whole_to_the_next_part() {
    let text = alphabet::encode_ucs2(&format!("{}😀{}", "ą".repeat(66), "b".repeat(20)));
    let parts = split(&text, Ucs2, SHORT, 9).expect("two parts");
    let bodies = bodies(&parts);
    assert_eq!(bodies[0].len(), 2 * 66);
    assert_eq!(bodies[1][..4], [0xD8, 0x3D, 0xDE, 0x00]);
}

#[test]
fn moving_pairs_can_cost_a_part_that_division_would_not_count() {
    // 459 septets are three times 153, but every cut would fall on a pair.
    let mut text = vec![0x61; 152];
    for _ in 0..153 {
        text.extend([0x1B, 0x65]);
    }
    text.push(0x61);
    assert_eq!(text.len(), 3 * 153);
    assert_eq!(count(&text, Gsm7, SHORT), 4);
}

#[test]
fn too_many_parts_are_refused_at_the_limit() {
    let refused = |max| Err(NotSplit::TooManyParts { max });
    assert_eq!(split(&[0x41; 307], Gsm7, SHORT, 2), refused(2));
    assert!(split(&[0x41; 306], Gsm7, SHORT, 2).is_ok());
    assert_eq!(split(b"a", Gsm7, SHORT, 0), refused(0));
    let text = vec![0x41; 300 * 153];
    assert_eq!(split(&text[..255 * 153], Gsm7, SHORT, 255).map(|parts| parts.len()), Ok(255));
    assert_eq!(split(&text[..=255 * 153], Gsm7, SHORT, 255), refused(255));
    assert_eq!(count(&text, Gsm7, SHORT), 300);
}

#[test]
fn a_header_without_room_behind_it_is_an_error() {
    let header =
        |octets| Udh { elements: vec![Element::Other { id: 0x70, data: vec![0; octets] }] };
    let cut = |octets, alphabet| split_under(&header(octets), &[0x1B; 300], alphabet, SHORT, 255);
    assert_eq!(cut(132, Binary), Err(NotSplit::NoRoom));
    assert_eq!(cut(137, Binary), Err(NotSplit::Header(BadUdh::TooLong { octets: 145 })));
    // One septet of room never takes a pair.
    assert_eq!(cut(131, Gsm7), Err(NotSplit::NoRoom));
}

#[test]
fn pairs_that_a_stranger_cut_are_whole_after_joining() {
    let joined = join([&b"\x00\x41\xD8\x3D"[..], b"\xDE\x00"]);
    assert_eq!(alphabet::decode(&joined, Ucs2).as_deref(), Ok("A😀"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_part_reads_by_itself_and_all_join_to_the_text(
        text in "([a-z€\\[]|[ąłż]|[😀🎉]){0,900}", wide: bool,
    ) {
        let reference = if wide { LONG } else { SHORT };
        for alphabet in [Gsm7, Ucs2, Utf8] {
            let Ok(encoded) = alphabet::encode(&text, alphabet) else { continue };
            let parts = split(&encoded, alphabet, reference, 255).expect("fits in 255 parts");
            let bodies = bodies(&parts);
            prop_assert_eq!(parts.len(), count(&encoded, alphabet, reference));
            prop_assert_eq!(join(bodies.iter().copied()), encoded);
            let mut read = String::new();
            for body in bodies {
                read += &alphabet::decode(body, alphabet).expect("no pair is cut");
            }
            prop_assert_eq!(&read, &text);
        }
    }

    #[test]
    fn extended_characters_are_never_cut(text in "[a-d€\\[\\]{}|~^]{0,900}") {
        let encoded = alphabet::encode_gsm7(&text).expect("GSM");
        let parts = split(&encoded, Gsm7, SHORT, 255).expect("fits in 255 parts");
        let read: String =
            bodies(&parts).iter().map(|b| alphabet::decode(b, Gsm7).expect("whole")).collect();
        prop_assert_eq!(read, text);
    }

    #[test]
    fn no_part_is_larger_than_a_short_message(
        encoded in prop::collection::vec(any::<u8>(), 0..2_000), max_parts: u8,
    ) {
        for alphabet in [Gsm7, Latin1, Ucs2, Utf8, Binary] {
            let Ok(parts) = split(&encoded, alphabet, LONG, max_parts) else { continue };
            prop_assert!(parts.len() <= usize::from(max_parts));
            for part in &parts {
                let limit = match (alphabet, parts.len()) {
                    (Gsm7, 1) => 160,
                    (Gsm7, _) => 159,
                    _ => 140,
                };
                prop_assert!(part.len() <= limit);
            }
            prop_assert_eq!(join(bodies(&parts)), encoded.clone());
        }
    }
}
