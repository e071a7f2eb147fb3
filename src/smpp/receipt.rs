//! The text of a delivery receipt, read and written. [34 app. B]
//!
//! The layout is an example in an appendix, so every message centre has its own: reading takes
//! keys in any case and order and makes do with what is there; writing keeps to the example. Not
//! here: which message a receipt belongs to, and in which time zone its dates are.
//!
//! What surprises: a value ends where the next *known* key begins, so `text:` is looked for last
//! and takes the rest. A subscriber's message may well say `stat:DELIVRD`.

use jiff::civil::DateTime;
use smol_str::SmolStr;

use super::values::message_state as state;

/// Octets of a receipt that are looked at; the layout needs about 150.
pub const OCTETS_MAX: usize = 1024;

/// Characters of the original message that are repeated in a receipt. [34 table B-1]
pub const TEXT_MAX: usize = 20;

/// Characters of a message id. [34 s5.2.23]
const ID_MAX: usize = 64;

/// What a receipt says. An empty or missing field was not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptText {
    pub id: SmolStr,
    pub sub: Option<u16>,
    pub dlvrd: Option<u16>,
    /// In the zone of whoever wrote it: no specification says which.
    pub submit_date: Option<DateTime>,
    pub done_date: Option<DateTime>,
    /// The word as it came, `DELIVRD` and the like.
    pub stat: SmolStr,
    /// Specific to the network or the message centre; `000` means none.
    pub err: SmolStr,
    /// The start of the message, in whatever alphabet it had.
    pub text: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// The words of each key; between two words there may be blanks, an underscore or nothing.
const KEYS: [(Key, &[&[u8]]); 8] = [
    (Key::Id, &[b"id"]),
    (Key::Sub, &[b"sub"]),
    (Key::Dlvrd, &[b"dlvrd"]),
    (Key::SubmitDate, &[b"submit", b"date"]),
    (Key::DoneDate, &[b"done", b"date"]),
    (Key::Stat, &[b"stat"]),
    (Key::Err, &[b"err"]),
    (Key::Text, &[b"text"]),
];

impl ReceiptText {
    /// Reads a receipt as far as it goes (C029). None: neither an id nor a state is in it.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let octets = &octets[..octets.len().min(OCTETS_MAX)];
        let mut receipt = Self::default();
        let mut seen = [false; KEYS.len()];
        let mut open = find_key(octets, 0);
        while let Some(found) = open {
            let is_last = found.key == Key::Text;
            let next = if is_last { None } else { find_key(octets, found.value_at) };
            let end = next.map_or(octets.len(), |next| next.key_at);
            // The first of two wins: whatever comes later is more likely part of a text.
            if !std::mem::replace(&mut seen[found.key as usize], true) {
                receipt.take(found.key, &octets[found.value_at..end]);
            }
            open = next;
        }
        (!receipt.id.is_empty() || !receipt.stat.is_empty()).then_some(receipt)
    }

    /// The octets of a receipt, in exactly the layout of the example.
    pub fn write(&self) -> Vec<u8> {
        self.write_dated(10)
    }

    /// The same with dates of `digits` digits: 10, or 12 for peers that want seconds.
    pub fn write_dated(&self, digits: usize) -> Vec<u8> {
        let id: String = self.id.chars().filter(|sign| is_plain(*sign)).take(ID_MAX).collect();
        let err: String = self.err.chars().filter(|sign| is_plain(*sign)).take(3).collect();
        let mut octets = format!(
            "id:{id} sub:{sub:03} dlvrd:{dlvrd:03} submit date:{submitted} done date:{done} \
             stat:{stat} err:{err:0>3} text:",
            sub = self.sub.unwrap_or(0).min(999),
            dlvrd = self.dlvrd.unwrap_or(0).min(999),
            submitted = write_date(self.submit_date, digits),
            done = write_date(self.done_date, digits),
            stat = self.message_state().map_or("UNKNOWN", word_of_state),
        )
        .into_bytes();
        octets.extend(self.text.iter().take(TEXT_MAX));
        octets
    }

    /// The `message_state` that `stat` stands for.
    pub fn message_state(&self) -> Option<u8> {
        state_of_word(self.stat.as_bytes())
    }

    /// Whether this can only be a receipt: for links that do not set `esm_class` (C035).
    pub fn is_unmistakable(&self) -> bool {
        !self.id.is_empty() && self.message_state().is_some()
    }

    fn take(&mut self, key: Key, value: &[u8]) {
        match key {
            Key::Id => self.id = word(value),
            Key::Sub => self.sub = number(value),
            Key::Dlvrd => self.dlvrd = number(value),
            Key::SubmitDate => self.submit_date = date(value),
            Key::DoneDate => self.done_date = date(value),
            Key::Stat => self.stat = word_without_key(value),
            Key::Err => self.err = word_without_key(value),
            Key::Text => self.text = value.to_vec(),
        }
    }
}

/// The word of a `message_state` in a receipt; what nobody defined is `UNKNOWN` (K028).
pub fn word_of_state(value: u8) -> &'static str {
    match value {
        state::SCHEDULED => "SCHEDLD",
        state::ENROUTE => "ENROUTE",
        state::DELIVERED => "DELIVRD",
        state::EXPIRED => "EXPIRED",
        state::DELETED => "DELETED",
        state::UNDELIVERABLE => "UNDELIV",
        state::ACCEPTED => "ACCEPTD",
        state::REJECTED => "REJECTD",
        state::SKIPPED => "SKIPPED",
        _ => "UNKNOWN",
    }
}

/// The `message_state` of a word, by the five letters that all spellings share: `DELIVRD`,
/// `DELIVERED` and `delivrd` are one. A single digit is taken for the state itself.
pub fn state_of_word(word: &[u8]) -> Option<u8> {
    if let [digit @ b'0'..=b'9'] = word {
        return Some(digit - b'0');
    }
    let stem: [u8; 5] = word.get(..5)?.try_into().ok()?;
    Some(match &stem.map(|octet| octet.to_ascii_uppercase()) {
        b"SCHED" => state::SCHEDULED,
        b"ENROU" => state::ENROUTE,
        b"DELIV" => state::DELIVERED,
        b"EXPIR" => state::EXPIRED,
        b"DELET" => state::DELETED,
        b"UNDEL" => state::UNDELIVERABLE,
        b"ACCEP" => state::ACCEPTED,
        b"UNKNO" => state::UNKNOWN,
        b"REJEC" => state::REJECTED,
        b"SKIPP" => state::SKIPPED,
        _ => return None,
    })
}

#[derive(Clone, Copy)]
struct Found {
    key: Key,
    key_at: usize,
    value_at: usize,
}

/// The next known key at or after `from`, with the colon that makes it one.
fn find_key(octets: &[u8], from: usize) -> Option<Found> {
    (from..octets.len()).filter(|at| begins_word(octets, *at)).find_map(|key_at| {
        KEYS.iter().find_map(|(key, words)| {
            let value_at = match_key(octets, key_at, words)?;
            Some(Found { key: *key, key_at, value_at })
        })
    })
}

/// `done date` is a key, `abandoned date` and `msg_id` are not.
fn begins_word(octets: &[u8], at: usize) -> bool {
    at == 0 || !matches!(octets[at - 1], b'_' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// Where the value begins if these words and a colon stand at `at`.
fn match_key(octets: &[u8], mut at: usize, words: &[&[u8]]) -> Option<usize> {
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            at += octets[at..].iter().take_while(|octet| matches!(octet, b' ' | b'_')).count();
        }
        if !octets.get(at..at + word.len())?.eq_ignore_ascii_case(word) {
            return None;
        }
        at += word.len();
    }
    at += octets[at..].iter().take_while(|octet| is_blank(**octet)).count();
    (octets.get(at) == Some(&b':')).then_some(at + 1)
}

fn is_blank(octet: u8) -> bool {
    octet == 0 || octet.is_ascii_whitespace()
}

fn is_plain(sign: char) -> bool {
    !sign.is_control() && !sign.is_whitespace()
}

/// The octets up to the first blank.
fn token(value: &[u8]) -> &[u8] {
    value.split(|octet| is_blank(*octet)).find(|token| !token.is_empty()).unwrap_or_default()
}

/// Latin-1 has the first 256 characters of Unicode in the same places.
fn latin1(octets: &[u8]) -> SmolStr {
    octets.iter().take(ID_MAX).map(|octet| char::from(*octet)).collect()
}

fn word(value: &[u8]) -> SmolStr {
    latin1(token(value))
}

/// As [`word`], but a key that we do not know is not the value of an empty field before it.
fn word_without_key(value: &[u8]) -> SmolStr {
    let token = token(value);
    if token.contains(&b':') { SmolStr::default() } else { latin1(token) }
}

fn number(value: &[u8]) -> Option<u16> {
    std::str::from_utf8(token(value)).ok()?.parse().ok()
}

/// `YYMMDDhhmm` or `YYMMDDhhmmss`. A receipt is about now: the century is ours.
fn date(value: &[u8]) -> Option<DateTime> {
    let digits = token(value);
    if !matches!(digits.len(), 10 | 12) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut pairs = digits
        .chunks_exact(2)
        .map(|pair| i16::from(pair[0] - b'0') * 10 + i16::from(pair[1] - b'0'));
    let year = 2000 + pairs.next()?;
    // Each is at most 99.
    let mut next = || pairs.next().and_then(|pair| i8::try_from(pair).ok());
    let (month, day, hour, minute) = (next()?, next()?, next()?, next()?);
    DateTime::new(year, month, day, hour, minute, next().unwrap_or(0), 0).ok()
}

/// Zeros stand for a date that is not known: the field has a fixed width.
fn write_date(date: Option<DateTime>, digits: usize) -> String {
    let layout = if digits > 10 { "%y%m%d%H%M%S" } else { "%y%m%d%H%M" };
    date.map_or_else(|| "0".repeat(digits), |date| date.strftime(layout).to_string())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn sample() -> ReceiptText {
        ReceiptText {
            id: "0123456789".into(),
            sub: Some(1),
            dlvrd: Some(1),
            submit_date: Some(date(2026, 11, 21).at(12, 0, 0, 0)),
            done_date: Some(date(2026, 11, 21).at(12, 5, 0, 0)),
            stat: "DELIVRD".into(),
            err: "000".into(),
            text: b"Kod: 1234".to_vec(),
        }
    }

    const SAMPLE: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611211200 \
         done date:2611211205 stat:DELIVRD err:000 text:Kod: 1234";

    #[test]
    fn a_receipt_is_written_in_the_layout_of_appendix_b_and_reads_back() {
        assert_eq!(String::from_utf8(sample().write()).unwrap(), SAMPLE);
        assert_eq!(ReceiptText::parse(SAMPLE.as_bytes()), Some(sample()));
    }

    #[test]
    fn unknown_fields_are_written_with_their_widths() {
        let bare = ReceiptText { id: "7".into(), stat: "5".into(), ..ReceiptText::default() };
        assert_eq!(
            String::from_utf8(bare.write()).unwrap(),
            "id:7 sub:000 dlvrd:000 submit date:0000000000 done date:0000000000 \
             stat:UNDELIV err:000 text:",
        );
    }

    #[test]
    fn a_written_receipt_cannot_be_broken_by_its_values() {
        let rude = ReceiptText {
            id: "1 stat:DELIVRD\r\n".into(),
            err: "12345".into(),
            stat: "REJECTD".into(),
            sub: Some(u16::MAX),
            text: vec![b'x'; 500],
            ..ReceiptText::default()
        };
        let octets = rude.write();
        let read = ReceiptText::parse(&octets).unwrap();
        assert_eq!((read.stat.as_str(), read.err.as_str()), ("REJECTD", "123"));
        assert_eq!((read.sub, read.text.len()), (Some(999), 20));
    }

    #[test]
    fn keys_come_in_any_case_order_and_spacing() {
        let texts = [
            "STAT:DELIVRD ERR:000 ID:0123456789 SUB:001 DLVRD:001 SUBMIT DATE:2611211200 \
             DONE DATE:2611211205 TEXT:Kod: 1234",
            "Id: 0123456789  Sub: 1 Dlvrd: 1 Submit  date: 2611211200 Done_Date : 261121120500 \
             Stat: DELIVRD Err: 000 Text:Kod: 1234",
            "delivery of id:0123456789\tsub:001\ndlvrd:001 submitdate:261121120000 \
             donedate:2611211205 npi:1 stat:DELIVRD retry:2 err:000 text:Kod: 1234",
        ];
        for text in texts {
            assert_eq!(ReceiptText::parse(text.as_bytes()), Some(sample()), "{text}");
        }
    }

    #[test]
    fn what_is_missing_stays_empty() {
        let read = |text: &str| ReceiptText::parse(text.as_bytes());
        let bare = read("id:a1 stat:EXPIRED").unwrap();
        assert_eq!((bare.id.as_str(), bare.message_state()), ("a1", Some(3)));
        assert_eq!((bare.sub, bare.submit_date, bare.err.as_str()), (None, None, ""));
        assert_eq!(read("id: stat:UNDELIV err: retry:1 text:").unwrap().err, "");
        assert_eq!(read("id: stat:UNDELIV").unwrap().id, "");
        assert_eq!(read("id:1 submit date:2613451200 done date:today").unwrap().submit_date, None);
        for not_a_receipt in
            ["", "hello", "id", "msg_id:5", "id: stat: err:000", "text:id:5 stat:X"]
        {
            assert_eq!(read(not_a_receipt), None, "{not_a_receipt}");
        }
    }

    #[test]
    fn the_text_takes_the_rest_and_cannot_change_the_state() {
        let read = ReceiptText::parse(b"id:1 stat:EXPIRED text:id:2 stat:DELIVRD").unwrap();
        assert_eq!((read.id.as_str(), read.stat.as_str()), ("1", "EXPIRED"));
        assert_eq!(read.text, b"id:2 stat:DELIVRD");
    }

    #[test]
    fn latin_1_octets_are_kept_and_a_huge_text_is_not_read_to_its_end() {
        let read = ReceiptText::parse(b"id:\xc4b stat:DELIVRD text:za\xbf\xf3\xb3\xe6").unwrap();
        assert_eq!(
            (read.id.as_str(), read.text.as_slice()),
            ("\u{c4}b", &b"za\xbf\xf3\xb3\xe6"[..])
        );
        let mut late = vec![b' '; OCTETS_MAX];
        late.extend(b"id:1 stat:DELIVRD");
        assert_eq!(ReceiptText::parse(&late), None);
    }

    #[test]
    fn words_and_states_match_both_ways_and_spellings_do_not_matter() {
        for state in 0..=9 {
            assert_eq!(state_of_word(word_of_state(state).as_bytes()), Some(state));
            assert_eq!(word_of_state(state).len(), 7);
        }
        let spellings =
            [("DELIVERED", 2), ("delivrd", 2), ("Undeliverable", 5), ("ACCEPTED", 6), ("8", 8)];
        for (word, state) in spellings {
            assert_eq!(state_of_word(word.as_bytes()), Some(state), "{word}");
        }
        assert_eq!(
            (word_of_state(200), state_of_word(b"WEIRD"), state_of_word(b"DEL")),
            ("UNKNOWN", None, None)
        );
    }

    #[test]
    fn only_an_id_with_a_known_state_is_unmistakable() {
        let is_receipt = |text: &str| {
            ReceiptText::parse(text.as_bytes()).is_some_and(|read| read.is_unmistakable())
        };
        assert!(is_receipt(SAMPLE));
        assert!(!is_receipt("my id: 5"));
        assert!(!is_receipt("stat:DELIVRD"));
    }
}
