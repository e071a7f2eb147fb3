//! Every line of the SMPP conformance list has a test that carries its number in its name. The
//! list tells an operator what was proved; a number without a test is a promise without proof.
//!
//! `K` is the codec, `S` the server that partners bind to, `C` the client that binds to an SMSC.

use std::collections::BTreeSet;

use super::nothing_broken;
use super::source::sources;

/// The numbers of the list: letter, first, last.
const LIST: &[(char, u16, u16)] = &[
    ('k', 1, 30),
    // Bind and session; submit_sm; the other operations; delivery.
    ('s', 1, 44),
    ('s', 50, 99),
    ('s', 110, 139),
    ('s', 150, 168),
    ('c', 1, 45),
];

/// Lines that say nothing of this program.
const NOT_APPLICABLE: &[(&str, &str)] = &[(
    "c042",
    "no listener for outbind is offered: an MSC that calls back would need a listening port on \
     our side, and no operator asked for one",
)];

/// Lines whose tests are still to be written. It may only shrink.
const TO_COME: &[&str] = &[];

fn listed() -> BTreeSet<String> {
    LIST.iter()
        .flat_map(|(letter, first, last)| {
            (*first..=*last).map(move |number| format!("{letter}{number:03}"))
        })
        .collect()
}

/// Numbers that a test's name carries: `s002_s003_...`, `c014_to_c018_...` and
/// `s017_..._and_s022_...` count for each.
fn carried(name: &str) -> Vec<String> {
    let is_number = |word: &&str| {
        word.len() == 4
            && word.starts_with(['k', 's', 'c'])
            && word[1..].bytes().all(|octet| octet.is_ascii_digit())
    };
    let words: Vec<&str> = name.split('_').collect();
    if !words.first().is_some_and(is_number) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate().filter(|(_, word)| is_number(word)) {
        let from = match index.checked_sub(2) {
            Some(first) if words[index - 1] == "to" && is_number(&words[first]) => words[first],
            _ => word,
        };
        let number = |word: &str| word[1..].parse::<u16>().expect("it has three digits");
        let letter = &word[..1];
        found.extend((number(from)..=number(word)).map(|number| format!("{letter}{number:03}")));
    }
    found
}

/// Numbers that tests of the tree carry.
fn tested() -> BTreeSet<String> {
    let mut tested = BTreeSet::new();
    for source in &sources() {
        for at in source.all("fn ").into_iter().filter(|at| source.in_test(*at)) {
            let name: String = source.code[at + 3..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            // Only what the test runner calls: an attribute stands before it.
            let before = source.code[..at].trim_end();
            let before = before.strip_suffix("async").unwrap_or(before).trim_end();
            if before.ends_with(']') {
                tested.extend(carried(&name));
            }
        }
    }
    tested
}

#[test]
fn every_line_of_the_conformance_list_has_a_test() {
    let (listed, tested) = (listed(), tested());
    let to_come: BTreeSet<String> = TO_COME.iter().map(ToString::to_string).collect();
    let apart: BTreeSet<String> = NOT_APPLICABLE.iter().map(|(id, _)| (*id).to_owned()).collect();
    let mut broken = Vec::new();
    for id in &listed {
        match (tested.contains(id), to_come.contains(id), apart.contains(id)) {
            (true, true, _) => broken.push(format!("{id}: has a test: strike it from TO_COME")),
            (true, _, true) => broken.push(format!("{id}: has a test: it does apply")),
            (false, false, false) => {
                broken.push(format!("{id}: write a test whose name starts with `{id}_`"));
            }
            _ => {}
        }
    }
    for id in to_come.union(&apart).chain(&tested).filter(|id| !listed.contains(*id)) {
        broken.push(format!("{id}: the list has no such line"));
    }
    for (id, reason) in NOT_APPLICABLE {
        assert!(reason.len() > 20, "{id} gives no reason");
    }
    nothing_broken("conformance", &broken);
}

#[test]
fn a_name_carries_numbers_from_its_beginning_on() {
    assert_eq!(carried("s002_s003_other_binds"), ["s002", "s003"]);
    assert_eq!(carried("c014_to_c016_safe"), ["c014", "c014", "c015", "c016"]);
    assert_eq!(carried("k001_a_and_k003_b"), ["k001", "k003"]);
    assert!(carried("a_sentence_about_s002").is_empty());
}
