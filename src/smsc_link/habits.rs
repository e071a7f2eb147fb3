//! What an operator does, held against what its link is told to expect: how ids are written in
//! answers and in receipts, and which alphabet `data_coding` 0 is (complaints 1 and 11).
//!
//! It changes no setting and asks the SMSC nothing; it says what to set. What surprises: a receipt
//! that matches nothing proves nothing, its answer may be from long ago. Only receipts that would
//! match if ids were read in another form do.

use std::collections::{HashSet, VecDeque};

use smol_str::SmolStr;

use super::profile::normal;
use crate::{
    config::{DefaultAlphabet, IdForm, SmscLink},
    gateway::registry::{LinkAdvice, LinkHabits},
    smpp::{ShortMessage, values::esm_class},
};

const ANSWERS_MAX: usize = 500;
const RECEIPTS_MAX: usize = 200;
const TEXTS_MAX: usize = 100;
/// An id has at most 65 octets. [50 s4.8.4.38]
const ID_MAX: usize = 65;
/// So many cases more than the settings explain are no coincidence.
const PROOF: usize = 3;

/// What was seen last on one link, as it came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    answers: VecDeque<SmolStr>,
    receipts: VecDeque<SmolStr>,
    texts: VecDeque<Letters>,
    is_new: bool,
}

/// What the octets of a text in the default alphabet can only be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    Gsm7,
    /// Seven octets for eight letters.
    Packed,
    Latin1,
    Utf8,
}

/// Ids in answers, ids in receipts, and whether leading zeros mean nothing.
type Forms = (IdForm, IdForm, bool);

/// The simplest first: of those that explain as much, it is the one to set.
const FORMS: [Forms; 6] = [
    (IdForm::Opaque, IdForm::Opaque, false),
    (IdForm::Opaque, IdForm::Opaque, true),
    (IdForm::Hex, IdForm::Decimal, false),
    (IdForm::Decimal, IdForm::Hex, false),
    (IdForm::Decimal, IdForm::Decimal, false),
    (IdForm::Hex, IdForm::Hex, false),
];

impl Seen {
    pub(crate) fn answer(&mut self, id: &[u8]) {
        self.is_new |= push(&mut self.answers, ANSWERS_MAX, id);
    }

    pub(crate) fn receipt(&mut self, id: &[u8]) {
        self.is_new |= push(&mut self.receipts, RECEIPTS_MAX, id);
    }

    pub(crate) fn text(&mut self, pdu: &ShortMessage) {
        let is_default = pdu.data_coding == 0 && pdu.esm_class & esm_class::UDHI == 0;
        let Some(letters) = is_default.then(|| letters(&pdu.short_message)).flatten() else {
            return;
        };
        if self.texts.len() >= TEXTS_MAX {
            self.texts.pop_front();
        }
        self.texts.push_back(letters);
        self.is_new = true;
    }

    /// What it comes to; nothing if nothing was seen since the last time.
    pub(crate) fn judge(&mut self, settings: &SmscLink) -> Option<LinkHabits> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        let told = (
            settings.message_id_response,
            settings.message_id_receipt,
            settings.strip_leading_zeros,
        );
        let matched = self.matches(told);
        let advice = [self.forms_to_set(told, matched), self.alphabet_to_set(settings)];
        Some(LinkHabits {
            answers: self.answers.len(),
            receipts: self.receipts.len(),
            matched,
            texts: self.texts.len(),
            advice: advice.into_iter().flatten().collect(),
        })
    }

    /// How many receipts name a message of the answers if ids are read so.
    fn matches(&self, (answer, receipt, strips): Forms) -> usize {
        let known: HashSet<SmolStr> =
            self.answers.iter().map(|id| normal(id.as_bytes(), answer, strips)).collect();
        let is_known = |id: &&SmolStr| known.contains(&normal(id.as_bytes(), receipt, strips));
        self.receipts.iter().filter(is_known).count()
    }

    fn forms_to_set(&self, told: Forms, matched: usize) -> Option<LinkAdvice> {
        let mut best = (matched, told);
        for forms in FORMS {
            let count = self.matches(forms);
            if count > best.0 {
                best = (count, forms);
            }
        }
        let (count, (answer, receipt, strips)) = best;
        if count < matched + PROOF {
            return None;
        }
        let total = self.receipts.len();
        Some(LinkAdvice {
            seen: format!(
                "of the last {total} receipts {count} would match an answer if ids were {} in \
                 answers and {} in receipts{}; as it is set {matched} do",
                answer.as_str(),
                receipt.as_str(),
                if strips { " without leading zeros" } else { "" },
            ),
            set: format!(
                "message_id_response = \"{}\", message_id_receipt = \"{}\", \
                 strip_leading_zeros = {strips}",
                answer.as_str(),
                receipt.as_str(),
            ),
        })
    }

    fn alphabet_to_set(&self, settings: &SmscLink) -> Option<LinkAdvice> {
        let count = |wanted| self.texts.iter().filter(|one| **one == wanted).count();
        let told = match settings.alphabet {
            DefaultAlphabet::Gsm7 if settings.packed_gsm7 => Some(Letters::Packed),
            DefaultAlphabet::Gsm7 => Some(Letters::Gsm7),
            DefaultAlphabet::Latin1 => Some(Letters::Latin1),
            DefaultAlphabet::Utf8 => Some(Letters::Utf8),
            // Every octet that tells something is none of ASCII's letters.
            DefaultAlphabet::Ia5 => None,
        };
        if told == Some(Letters::Packed) {
            // Septets in a row look like anything.
            return None;
        }
        let known = told.map_or(0, count);
        let all = [Letters::Gsm7, Letters::Latin1, Letters::Utf8, Letters::Packed];
        let best = all.into_iter().max_by_key(|one| count(*one))?;
        if Some(best) == told || count(best) < known + PROOF {
            return None;
        }
        let (word, set) = match best {
            Letters::Gsm7 => ("GSM 7-bit", "alphabet = \"gsm7\""),
            Letters::Packed => ("packed GSM 7-bit", "alphabet = \"gsm7\", packed_gsm7 = true"),
            Letters::Latin1 => ("Latin-1", "alphabet = \"latin1\""),
            Letters::Utf8 => ("UTF-8", "alphabet = \"utf8\""),
        };
        Some(LinkAdvice {
            seen: format!(
                "of the last {} texts with data_coding 0 that tell alphabets apart {} are {word}",
                self.texts.len(),
                count(best),
            ),
            set: set.to_owned(),
        })
    }
}

fn push(ring: &mut VecDeque<SmolStr>, max: usize, id: &[u8]) -> bool {
    if id.is_empty() || id.len() > ID_MAX {
        return false;
    }
    if ring.len() >= max {
        ring.pop_front();
    }
    ring.push_back(SmolStr::from(String::from_utf8_lossy(id)));
    true
}

/// ASCII letters are the same in all of them and tell nothing. GSM 7-bit has `@`, pounds and Greek
/// letters where others have control characters, and nothing above 0x7F.
fn letters(octets: &[u8]) -> Option<Letters> {
    let is_control = |octet: &u8| *octet < 0x20 && !matches!(octet, b'\n' | b'\r' | b'\t' | 0x1b);
    let has_controls = octets.iter().any(is_control);
    let has_high = octets.iter().any(|octet| *octet >= 0x80);
    match (has_high, has_controls) {
        (false, false) => None,
        (false, true) => Some(Letters::Gsm7),
        (true, true) => Some(Letters::Packed),
        (true, false) if std::str::from_utf8(octets).is_ok() => Some(Letters::Utf8),
        (true, false) => Some(Letters::Latin1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(response: IdForm, receipt: IdForm) -> SmscLink {
        SmscLink {
            message_id_response: response,
            message_id_receipt: receipt,
            ..SmscLink::default()
        }
    }

    fn seen(ids: &[(&str, &str)]) -> Seen {
        let mut seen = Seen::default();
        for (answer, receipt) in ids {
            seen.answer(answer.as_bytes());
            seen.receipt(receipt.as_bytes());
        }
        seen
    }

    #[test]
    fn ids_in_two_forms_are_named_and_what_to_set() {
        use IdForm::{Decimal, Hex, Opaque};
        // 0x1a2b is 6699.
        let mixed = [("1A2B", "6699"), ("1A2C", "6700"), ("1A2D", "6701")];
        let padded = [("007", "7"), ("008", "8"), ("009", "9")];
        let turned = mixed.map(|(hex, decimal)| (decimal, hex));
        for (ids, told, expected) in [
            (mixed, (Opaque, Opaque), Some(("\"hex\"", "\"decimal\"", "false"))),
            (mixed, (Hex, Decimal), None),
            (turned, (Opaque, Opaque), Some(("\"decimal\"", "\"hex\"", "false"))),
            (padded, (Opaque, Opaque), Some(("\"opaque\"", "\"opaque\"", "true"))),
            (padded, (Decimal, Decimal), None),
            (padded, (Hex, Decimal), None),
            (mixed.map(|(one, _)| (one, one)), (Opaque, Opaque), None),
        ] {
            let habits = seen(&ids).judge(&link(told.0, told.1)).unwrap();
            let set = habits.advice.first().map(|advice| advice.set.clone());
            let expected = expected.map(|(answer, receipt, strips)| {
                format!(
                    "message_id_response = {answer}, message_id_receipt = {receipt}, \
                     strip_leading_zeros = {strips}"
                )
            });
            assert_eq!(set, expected, "{ids:?} {told:?}");
        }
    }

    #[test]
    fn receipts_of_messages_that_nobody_remembers_prove_nothing() {
        let strangers = [("1a2b", "9001"), ("1a2c", "9002"), ("1a2d", "9003"), ("1a2e", "9004")];
        let mut seen = seen(&strangers);
        let habits = seen.judge(&link(IdForm::Opaque, IdForm::Opaque)).unwrap();
        assert_eq!((habits.receipts, habits.matched), (4, 0));
        assert!(habits.advice.is_empty(), "{:?}", habits.advice);
        assert!(seen.judge(&SmscLink::default()).is_none(), "nothing new");
    }

    #[test]
    fn an_alphabet_that_is_not_the_one_that_is_set_is_named() {
        use DefaultAlphabet::{Gsm7, Ia5, Latin1, Utf8};
        let gsm7: &[u8] = b"a\x00b";
        let latin1: &[u8] = b"caf\xe9";
        let utf8 = "za\u{17c}".as_bytes();
        let packed: &[u8] = &[0xe8, 0x32, 0x9b, 0xfd, 0x06];
        for (text, told, expected) in [
            (gsm7, Gsm7, None),
            (gsm7, Latin1, Some("alphabet = \"gsm7\"")),
            (latin1, Gsm7, Some("alphabet = \"latin1\"")),
            (latin1, Ia5, Some("alphabet = \"latin1\"")),
            (latin1, Latin1, None),
            (utf8, Gsm7, Some("alphabet = \"utf8\"")),
            (utf8, Utf8, None),
            (packed, Gsm7, Some("alphabet = \"gsm7\", packed_gsm7 = true")),
            (b"hello".as_slice(), Latin1, None),
        ] {
            let mut seen = Seen { is_new: true, ..Seen::default() };
            for _ in 0..PROOF {
                seen.text(&ShortMessage {
                    short_message: text.to_vec().into(),
                    ..ShortMessage::default()
                });
            }
            let settings = SmscLink { alphabet: told, ..SmscLink::default() };
            let habits = seen.judge(&settings).unwrap();
            let set = habits.advice.first().map(|advice| advice.set.as_str());
            assert_eq!(set, expected, "{text:?} {told:?}");
        }
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut seen = Seen::default();
        for number in 0..10_000 {
            seen.answer(number.to_string().as_bytes());
            seen.receipt(number.to_string().as_bytes());
        }
        seen.answer(&[b'1'; 66]);
        assert_eq!((seen.answers.len(), seen.receipts.len()), (ANSWERS_MAX, RECEIPTS_MAX));
    }
}
