//! The wordings of two versions of terms, clause by clause and word by word (R1.19).
//!
//! Clauses are paired by their numbers, so that an inserted clause does not make everything after
//! it look changed. It knows no Markdown beyond the marks in front of a number. What surprises: a
//! very long clause is shown as replaced as a whole, for the comparison has a bound on its work.

use std::collections::{BTreeMap, HashMap};

/// Cells of the table of one comparison; beyond it a clause is replaced as a whole.
const CELLS_MAX: usize = 4_000_000;
/// Clauses of one text; what follows belongs to the last one.
const CLAUSES_MAX: usize = 2000;

/// One numbered part of a text; what stands before the first number has the number "".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    pub number: String,
    pub text: String,
}

/// A run of words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "what", content = "words", rename_all = "snake_case")]
pub enum Piece {
    Same(String),
    Removed(String),
    Added(String),
}

/// One clause in both wordings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClauseChange {
    pub number: String,
    /// None: the clause is new.
    pub old: Option<String>,
    /// None: the clause is gone.
    pub new: Option<String>,
    pub is_changed: bool,
    pub pieces: Vec<Piece>,
}

/// Every clause of both wordings, in the order of the new one; one that is gone stands where it
/// stood.
pub fn compare(old: &str, new: &str) -> Vec<ClauseChange> {
    let (old, new) = (clauses(old), clauses(new));
    let kept: HashMap<&str, usize> =
        new.iter().enumerate().map(|(place, clause)| (&*clause.number, place)).collect();
    let before: HashMap<&str, &str> =
        old.iter().map(|clause| (&*clause.number, &*clause.text)).collect();
    // What is gone goes behind the last of its predecessors that is still there.
    let mut gone: BTreeMap<Option<usize>, Vec<ClauseChange>> = BTreeMap::new();
    let mut after = None;
    for clause in &old {
        match kept.get(&*clause.number) {
            Some(place) => after = Some(*place),
            None => gone.entry(after).or_default().push(change(
                clause.number.clone(),
                Some(&clause.text),
                None,
            )),
        }
    }
    let mut all = gone.remove(&None).unwrap_or_default();
    for (place, clause) in new.iter().enumerate() {
        let old = before.get(&*clause.number).copied();
        all.push(change(clause.number.clone(), old, Some(&clause.text)));
        all.extend(gone.remove(&Some(place)).unwrap_or_default());
    }
    all
}

fn change(number: String, old: Option<&str>, new: Option<&str>) -> ClauseChange {
    let pieces = pieces(old.unwrap_or_default(), new.unwrap_or_default());
    let is_changed = old.is_none()
        || new.is_none()
        || pieces.iter().any(|piece| !matches!(piece, Piece::Same(_)));
    let owned = |text: &str| text.to_owned();
    ClauseChange { number, old: old.map(owned), new: new.map(owned), is_changed, pieces }
}

/// The clauses of a text.
pub fn clauses(text: &str) -> Vec<Clause> {
    let mut found: Vec<Clause> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut section, mut item) = (String::new(), String::new());
    for line in text.lines() {
        let number =
            number(line).filter(|_| found.len() < CLAUSES_MAX).map(|number| match number {
                Number::Section(digits) => {
                    section = format!("§ {digits}");
                    item.clear();
                    section.clone()
                }
                Number::Item(digits) => {
                    item = joined(&section, &digits);
                    item.clone()
                }
                Number::Point(digits) => {
                    joined(if item.is_empty() { &section } else { &item }, &digits)
                }
            });
        match number {
            Some(mut number) => {
                let times = seen.entry(number.clone()).or_default();
                *times += 1;
                if *times > 1 {
                    number = format!("{number} ({times})");
                }
                found.push(Clause { number, text: line.trim().to_owned() });
            }
            None if line.trim().is_empty() => {}
            None => match found.last_mut() {
                Some(clause) => {
                    clause.text.push('\n');
                    clause.text.push_str(line.trim());
                }
                None => {
                    found.push(Clause { number: String::new(), text: line.trim().to_owned() });
                }
            },
        }
    }
    found
}

fn joined(above: &str, digits: &str) -> String {
    if above.is_empty() { digits.to_owned() } else { format!("{above}.{digits}") }
}

enum Number {
    /// `§ 3`
    Section(String),
    /// `2.` or `2.1`
    Item(String),
    /// `4)`
    Point(String),
}

/// The number that a line begins with. `14 days` and `5.05.2022` are none.
fn number(line: &str) -> Option<Number> {
    let line = line.trim_start_matches([' ', '\t', '#', '*', '>', '\\']);
    let (is_section, rest) = match line.strip_prefix('§') {
        Some(rest) => (true, rest.trim_start_matches([' ', '\u{a0}'])),
        None => (false, line),
    };
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (head, tail) = rest.split_at(end.unwrap_or(rest.len()));
    let digits = head.trim_end_matches('.');
    let is_number = !digits.is_empty()
        && digits.split('.').all(|part| (1..=3).contains(&part.len()) && !part.starts_with('0'));
    let ends = |tail: &str| tail.is_empty() || tail.starts_with([' ', '\t', '*', '\u{a0}']);
    if !is_number {
        return None;
    }
    if is_section {
        return Some(Number::Section(digits.to_owned()));
    }
    if let Some(tail) = tail.strip_prefix(')') {
        return ends(tail).then(|| Number::Point(format!("{digits})")));
    }
    let has_dot = head.len() > digits.len() || digits.contains('.');
    (has_dot && ends(tail)).then(|| Number::Item(digits.to_owned()))
}

/// The words of two texts as runs that stay, go and come.
pub fn pieces(old: &str, new: &str) -> Vec<Piece> {
    let old: Vec<&str> = old.split_whitespace().collect();
    let new: Vec<&str> = new.split_whitespace().collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut made = Runs::default();
    made.push(Kind::Same, &old[..head]);
    middle(&mut made, gone, come);
    made.push(Kind::Same, &old[old.len() - tail..]);
    made.finish()
}

/// The longest common subsequence of what differs.
fn middle<'a>(made: &mut Runs<'a>, old: &[&'a str], new: &[&'a str]) {
    let width = new.len() + 1;
    let Some(cells) = (old.len() + 1).checked_mul(width).filter(|cells| *cells <= CELLS_MAX) else {
        made.push(Kind::Removed, old);
        made.push(Kind::Added, new);
        return;
    };
    let mut best = vec![0_u32; cells];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            best[i * width + j] = if a == b {
                best[(i + 1) * width + j + 1] + 1
            } else {
                best[(i + 1) * width + j].max(best[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            made.push(Kind::Same, &old[i..=i]);
            (i, j) = (i + 1, j + 1);
        } else if best[(i + 1) * width + j] >= best[i * width + j + 1] {
            made.push(Kind::Removed, &old[i..=i]);
            i += 1;
        } else {
            made.push(Kind::Added, &new[j..=j]);
            j += 1;
        }
    }
    made.push(Kind::Removed, &old[i..]);
    made.push(Kind::Added, &new[j..]);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Same,
    Removed,
    Added,
}

/// Words gathered into runs of one kind.
#[derive(Default)]
struct Runs<'a>(Vec<(Kind, Vec<&'a str>)>);

impl<'a> Runs<'a> {
    fn push(&mut self, kind: Kind, words: &[&'a str]) {
        if words.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some((last, run)) if *last == kind => run.extend(words),
            _ => self.0.push((kind, words.to_vec())),
        }
    }

    fn finish(self) -> Vec<Piece> {
        let piece = |(kind, words): (Kind, Vec<&str>)| {
            let words = words.join(" ");
            match kind {
                Kind::Same => Piece::Same(words),
                Kind::Removed => Piece::Removed(words),
                Kind::Added => Piece::Added(words),
            }
        };
        self.0.into_iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Same(words) => words.clone(),
            Piece::Removed(words) => format!("[-{words}-]"),
            Piece::Added(words) => format!("[+{words}+]"),
        };
        pieces.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changed_words_are_shown_where_they_stand() {
        let of = |old, new| shown(&pieces(old, new));
        assert_eq!(of("pays 40 % of it", "pays 50 % of it"), "pays [-40-] [+50+] % of it");
        assert_eq!(of("a b", "a b"), "a b");
        assert_eq!(of("", "a"), "[+a+]");
        assert_eq!(of("a  b\n c", "a b c"), "a b c", "white space is no change");
        assert_eq!(of("a b c d", "b x d"), "[-a-] b [-c-] [+x+] d");
    }

    #[test]
    fn clauses_are_found_by_their_numbers_with_their_section_in_front() {
        let text = "Preamble\n\n## § 1\n1. One\nmore of one\n2. Two\n   1) first\n   2) second\n\
                    # § 2 Dates\n14 days later\n5.05.2022 it begins\n1. Again";
        let found = clauses(text);
        let numbers: Vec<_> = found.iter().map(|clause| clause.number.as_str()).collect();
        assert_eq!(numbers, ["", "§ 1", "§ 1.1", "§ 1.2", "§ 1.2.1)", "§ 1.2.2)", "§ 2", "§ 2.1"]);
        assert_eq!(found[2].text, "1. One\nmore of one");
        assert!(found[6].text.contains("5.05.2022"));
    }

    #[test]
    fn an_inserted_clause_leaves_the_others_unchanged_and_a_removed_one_stays_in_its_place() {
        let old = "§ 1\nstays\n§ 2\ngoes\n§ 3\nrate 40";
        let new = "§ 1\nstays\n§ 3\nrate 50\n§ 4\ncomes";
        let all = compare(old, new);
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.number.as_str(), one.old.is_some(), one.new.is_some(), one.is_changed))
            .collect();
        assert_eq!(
            told,
            [
                ("§ 1", true, true, false),
                ("§ 2", true, false, true),
                ("§ 3", true, true, true),
                ("§ 4", false, true, true)
            ]
        );
        assert_eq!(shown(&all[2].pieces), "§ 3 rate [-40-] [+50+]");
    }

    #[test]
    fn a_number_that_comes_twice_is_told_apart() {
        let numbers: Vec<_> =
            clauses("1. a\n1. b").into_iter().map(|clause| clause.number).collect();
        assert_eq!(numbers, ["1", "1 (2)"]);
    }

    #[test]
    fn what_is_too_long_to_compare_is_replaced_as_a_whole() {
        let old = (0..3000).map(|n| format!("a{n}")).collect::<Vec<_>>().join(" ");
        let new = (0..3000).map(|n| format!("b{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(pieces(&old, &new).len(), 2);
    }

    proptest! {
        #[test]
        fn both_wordings_can_be_read_back_from_the_pieces(
            old in "[abc ]{0,40}", new in "[abc ]{0,40}"
        ) {
            let all = pieces(&old, &new);
            let read = |skip: fn(&Piece) -> bool| {
                let words = |piece: &Piece| match piece {
                    Piece::Same(words) | Piece::Removed(words) | Piece::Added(words) => words.clone(),
                };
                all.iter().filter(|piece| !skip(piece)).map(words).collect::<Vec<_>>().join(" ")
            };
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(read(|piece| matches!(piece, Piece::Added(_))), plain(&old));
            prop_assert_eq!(read(|piece| matches!(piece, Piece::Removed(_))), plain(&new));
        }
    }
}
