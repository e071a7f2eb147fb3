//! What Markdown has no words for: page breaks and boxes to sign in.
//!
//! Directives stand at the start of a line: `::: pagebreak`, and `::: signatures` with one line
//! `side | name | note` for each box, closed by `:::`. What surprises: a body is cut at them before
//! Markdown sees it, so a list never reaches over one.

use super::{template::DocumentFault, tree::Signature};

/// A part of a body.
pub(super) enum Segment<'a> {
    Text { text: &'a str, line: usize },
    PageBreak,
    Signatures(Vec<Signature>),
}

/// Cuts the body at its directives.
pub(super) fn segments(body: &str, first_line: usize) -> Result<Vec<Segment<'_>>, DocumentFault> {
    let mut segments = Vec::new();
    let (mut start, mut start_line, mut at) = (0, first_line, 0);
    let mut boxes: Option<Vec<Signature>> = None;
    for (line, text) in (first_line..).zip(body.split_inclusive('\n')) {
        let end = at + text.len();
        let unsupported = |what| DocumentFault::Unsupported { line, what };
        let word = text.strip_prefix(":::").map(str::trim);
        match (&mut boxes, word) {
            (Some(_), Some("")) => {
                segments.push(Segment::Signatures(boxes.take().unwrap_or_default()));
                (start, start_line) = (end, line + 1);
            }
            (Some(boxes), None) => {
                if !text.trim().is_empty() {
                    boxes.push(signature(text));
                }
            }
            (None, Some(word)) => {
                segments.push(Segment::Text { text: &body[start..at], line: start_line });
                match word {
                    "pagebreak" => segments.push(Segment::PageBreak),
                    "signatures" => boxes = Some(Vec::new()),
                    _ => return Err(unsupported("an unknown directive")),
                }
                (start, start_line) = (end, line + 1);
            }
            (Some(_), Some(_)) => return Err(unsupported("a directive inside another")),
            (None, None) => {}
        }
        at = end;
    }
    if boxes.is_some() {
        let line = first_line + body.lines().count();
        return Err(DocumentFault::Unsupported { line, what: "a directive without its end" });
    }
    segments.push(Segment::Text { text: &body[start..], line: start_line });
    Ok(segments)
}

fn signature(line: &str) -> Signature {
    // A bar of a value is escaped and so does not divide.
    let mut cells = vec![String::new()];
    let mut letters = line.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '|' => cells.push(String::new()),
            '\\' => {
                if let (Some(cell), Some(next)) = (cells.last_mut(), letters.next()) {
                    cell.push(next);
                }
            }
            letter => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(letter);
                }
            }
        }
    }
    let mut cells = cells.into_iter().map(|cell| cell.trim().to_owned());
    let mut next = || cells.next().unwrap_or_default();
    Signature { side: next(), name: next(), note: next() }
}
