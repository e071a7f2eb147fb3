//! Breaks paragraphs into lines, ragged on the right and without hyphens.
//!
//! It looks at a paragraph as a whole: the sum of the squared gaps at the right is least, so no
//! line is short because the one before was greedy. What surprises: a Polish line never ends with a
//! one-letter word, and `§`, `ust.` and the like never part from their number.

use super::{
    PdfFault,
    face::{Face, Run, shape},
};
use crate::documents::tree::{Language, Span};

/// Text of one look; whole words with the spaces between them.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) run: Run,
    pub(super) link: Option<String>,
}

/// One line, its pieces from left to right.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) pieces: Vec<Piece>,
    /// In points.
    pub(super) width: f32,
}

/// What cannot be broken: a word, maybe of several looks.
struct Word {
    parts: Vec<(Face, Option<String>, String)>,
    width: f32,
    /// The line ends after it.
    is_last: bool,
}

/// How lines are set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) width: f32,
    pub(super) size: f32,
    pub(super) language: Language,
    /// Every face as its strong one.
    pub(super) is_strong: bool,
}

pub(super) fn lines(spans: &[Span], setting: Setting) -> Result<Vec<Line>, PdfFault> {
    let words = words(spans, setting)?;
    let space = shape(Face::Regular, " ")?.width * setting.size;
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, word) in words.iter().enumerate() {
        if word.is_last || at + 1 == words.len() {
            let paragraph = &words[start..=at];
            for range in breaks(paragraph, space, setting.width) {
                lines.push(line(&paragraph[range], setting.size)?);
            }
            start = at + 1;
        }
    }
    Ok(lines)
}

/// How wide the text is in one line, and how wide its longest word.
pub(super) fn extent(spans: &[Span], setting: Setting) -> Result<(f32, f32), PdfFault> {
    let words = words(spans, setting)?;
    let space = shape(Face::Regular, " ")?.width * setting.size;
    let longest = words.iter().map(|word| word.width).fold(0.0, f32::max);
    let mut widest: f32 = 0.0;
    let mut width = 0.0;
    for word in &words {
        width += word.width + space;
        widest = widest.max(width - space);
        if word.is_last {
            width = 0.0;
        }
    }
    Ok((widest, longest))
}

fn words(spans: &[Span], setting: Setting) -> Result<Vec<Word>, PdfFault> {
    let mut words = Vec::new();
    let mut parts: Vec<(Face, Option<String>, String)> = Vec::new();
    for span in spans {
        let face = if setting.is_strong { Face::of(span).bold() } else { Face::of(span) };
        let mut text = String::new();
        let put = |text: &mut String, parts: &mut Vec<_>| {
            if !text.is_empty() {
                parts.push((face, span.link.clone(), std::mem::take(text)));
            }
        };
        for letter in span.text.chars() {
            match letter {
                ' ' | '\n' => {
                    put(&mut text, &mut parts);
                    let whole: String = parts.iter().map(|part| part.2.as_str()).collect();
                    if letter == ' ' && is_bound(&whole, setting.language) {
                        text.push('\u{a0}');
                    } else if !parts.is_empty() {
                        end(&mut words, &mut parts, letter == '\n', setting)?;
                    }
                }
                letter => text.push(letter),
            }
        }
        put(&mut text, &mut parts);
    }
    if !parts.is_empty() {
        end(&mut words, &mut parts, false, setting)?;
    }
    Ok(words)
}

/// Whether a word keeps the next one beside it.
fn is_bound(word: &str, language: Language) -> bool {
    let last = word.rsplit('\u{a0}').next().unwrap_or(word);
    let last = last.trim_start_matches(['(', '„', '“', '"']);
    let is_number = last.len() <= 3 && last.chars().all(|letter| letter.is_ascii_digit());
    let is_sign = [
        "§", "ust.", "pkt", "art.", "Art.", "Article", "Articles", "lit.", "nr", "no.", "clause",
        "ul.", "al.", "lok.", "NIP", "REGON", "KRS", "sp.", "PLN",
    ];
    let is_short = language == Language::Polish
        && last.chars().count() == 1
        && last.chars().all(char::is_alphabetic);
    !last.is_empty() && (is_sign.contains(&last) || is_short || is_number)
}

/// Ends a word; one that is wider than the line is cut wherever it must be.
fn end(
    words: &mut Vec<Word>,
    parts: &mut Vec<(Face, Option<String>, String)>,
    is_last: bool,
    setting: Setting,
) -> Result<(), PdfFault> {
    let parts = std::mem::take(parts);
    let mut width = 0.0;
    for (face, _, text) in &parts {
        width += shape(*face, text)?.width * setting.size;
    }
    if width <= setting.width {
        words.push(Word { parts, width, is_last });
        return Ok(());
    }
    let mut piece = Word { parts: Vec::new(), width: 0.0, is_last: false };
    for (face, link, text) in parts {
        let mut letters = String::new();
        for letter in text.chars() {
            let one = shape(face, letter.encode_utf8(&mut [0; 4]))?.width * setting.size;
            if piece.width + one > setting.width && piece.width > 0.0 {
                piece.parts.push((face, link.clone(), std::mem::take(&mut letters)));
                let fresh = Word { parts: Vec::new(), width: 0.0, is_last: false };
                words.push(std::mem::replace(&mut piece, fresh));
            }
            letters.push(letter);
            piece.width += one;
        }
        piece.parts.push((face, link, letters));
    }
    words.push(Word { is_last, ..piece });
    Ok(())
}

/// Where lines start and end: least sum of squared gaps, and no last line of one short word.
fn breaks(words: &[Word], space: f32, width: f32) -> Vec<std::ops::Range<usize>> {
    let count = words.len();
    // For each word: the least cost of everything from it on, and where its line ends.
    let mut best = vec![(f32::INFINITY, count); count + 1];
    best[count] = (0.0, count);
    for start in (0..count).rev() {
        let mut used = 0.0;
        for end in start..count {
            used += words[end].width + if end > start { space } else { 0.0 };
            if used > width && end > start {
                break;
            }
            let gap = ((width - used) / width).max(0.0);
            let is_last = end + 1 == count;
            let cost = match (is_last, start == end && start > 0) {
                (true, false) => 0.0,
                (true, true) => 0.1,
                (false, _) => gap * gap + 0.001,
            };
            let cost = cost + best[end + 1].0;
            if cost < best[start].0 {
                best[start] = (cost, end + 1);
            }
        }
    }
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < count {
        let end = best[start].1.max(start + 1);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Joins words to runs of one look, so that spaces are inside the text and can be copied.
fn line(words: &[Word], size: f32) -> Result<Line, PdfFault> {
    let mut joined: Vec<(Face, Option<String>, String)> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        for (at, (face, link, text)) in word.parts.iter().enumerate() {
            let is_spaced = place > 0 && at == 0;
            match joined.last_mut() {
                Some(last) if last.0 == *face && last.1 == *link => {
                    if is_spaced {
                        last.2.push(' ');
                    }
                    last.2.push_str(text);
                }
                last => {
                    if let Some(last) = last
                        && is_spaced
                    {
                        last.2.push(' ');
                    }
                    joined.push((*face, link.clone(), text.clone()));
                }
            }
        }
    }
    let mut pieces = Vec::with_capacity(joined.len());
    let mut width = 0.0;
    for (face, link, text) in joined {
        let run = shape(face, &text)?;
        width += run.width * size;
        pieces.push(Piece { run, link });
    }
    Ok(Line { pieces, width })
}
