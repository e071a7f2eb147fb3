//! Every block as rows: strips across the page that are never cut.
//!
//! What surprises: the number of a clause is a mark in the first row of its text, which hangs to
//! the right of it; so numbers never stand alone at the foot of a page.

use std::rc::Rc;

use super::{
    PdfFault,
    face::{Face, Run, shape},
    lines::{Line, Setting, lines},
    sheet, table,
};
use crate::documents::tree::{Block, Document, Item, Language, Signature, Span, words};

/// Something drawn; places are from the left of the text and the top of the row.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    Text {
        x: f32,
        y: f32,
        size: f32,
        run: Run,
        is_grey: bool,
    },
    /// A filled bar: a rule or a background.
    Bar {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        grey: u8,
    },
    Link {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        address: String,
    },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Space above, unless the row is the first of its page.
    pub(super) before: f32,
    pub(super) height: f32,
    pub(super) keeps_next: bool,
    pub(super) starts_page: bool,
    /// The row that comes again when this one begins a page.
    pub(super) repeats: Option<Rc<Row>>,
    /// What the reader's list of contents says.
    pub(super) outline: Option<String>,
    pub(super) marks: Vec<Mark>,
}

impl Row {
    pub(super) fn whole(&self) -> f32 {
        self.before + self.height
    }
}

/// Where text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) left: f32,
    pub(super) width: f32,
    pub(super) language: Language,
}

impl Place {
    pub(super) const fn setting(self, size: f32, is_strong: bool) -> Setting {
        Setting { width: self.width, size, language: self.language, is_strong }
    }
}

pub(super) fn rows(document: &Document) -> Result<Vec<Row>, PdfFault> {
    let place = Place { left: 0.0, width: sheet::TEXT_WIDTH, language: document.language };
    let mut rows = Vec::new();
    blocks(&mut rows, &document.blocks, place)?;
    Ok(rows)
}

fn blocks(rows: &mut Vec<Row>, list: &[Block], place: Place) -> Result<(), PdfFault> {
    let mut starts_page = false;
    for block in list {
        let first = rows.len();
        match block {
            Block::PageBreak => {
                starts_page = true;
                continue;
            }
            Block::Heading { level, number, spans, .. } => {
                heading(rows, *level, number, spans, place)?;
            }
            Block::Paragraph(spans) => paragraph(rows, spans, place)?,
            Block::Items(items) => clauses(rows, items, place)?,
            Block::Table(content) => table::table(rows, content, place)?,
            Block::Signatures(boxes) => signatures(rows, boxes, place)?,
        }
        if let Some(row) = rows.get_mut(first)
            && std::mem::take(&mut starts_page)
        {
            row.starts_page = true;
        }
    }
    Ok(())
}

fn heading(
    rows: &mut Vec<Row>,
    level: u8,
    number: &str,
    spans: &[Span],
    place: Place,
) -> Result<(), PdfFault> {
    let (size, leading, before) = match level {
        1 => (17.0, 22.0, 4.0),
        2 => (11.0, 15.0, 17.0),
        _ => (9.8, 14.0, 11.0),
    };
    let mut text = spans.to_vec();
    if !number.is_empty() {
        text.insert(0, Span::plain(format!("{number}\u{a0}\u{a0}")));
    }
    let first = rows.len();
    for line in lines(&text, place.setting(size, true))? {
        let mut row = Row { height: leading, keeps_next: true, ..Row::default() };
        put_line(&mut row, &line, place.left, baseline(size, leading), size);
        rows.push(row);
    }
    if let Some(row) = rows.get_mut(first) {
        row.before = before;
        row.outline = (level == 2).then(|| words(&text).replace('\u{a0}', " "));
    }
    // Beneath a heading there is some air, which is part of what cannot be cut.
    if let Some(row) = rows.last_mut() {
        row.height += if level == 1 { 8.0 } else { 2.0 };
    }
    Ok(())
}

fn paragraph(rows: &mut Vec<Row>, spans: &[Span], place: Place) -> Result<(), PdfFault> {
    let lines = lines(spans, place.setting(sheet::TEXT_SIZE, false))?;
    let count = lines.len();
    for (at, line) in lines.iter().enumerate() {
        let mut row = Row { height: sheet::LEADING, ..Row::default() };
        if at == 0 {
            row.before = sheet::PARAGRAPH_GAP;
        }
        // Neither the first line nor the last stays alone.
        row.keeps_next = at + 1 < count && (at == 0 || at + 2 == count);
        put_line(
            &mut row,
            line,
            place.left,
            baseline(sheet::TEXT_SIZE, sheet::LEADING),
            sheet::TEXT_SIZE,
        );
        rows.push(row);
    }
    Ok(())
}

fn clauses(rows: &mut Vec<Row>, items: &[Item], place: Place) -> Result<(), PdfFault> {
    let size = sheet::TEXT_SIZE;
    let mut hang: f32 = if items.iter().any(|item| item.label.len() > 3) { 28.0 } else { 21.0 };
    for item in items {
        hang = hang.max(shape(Face::Regular, &item.label)?.width * size + 7.0);
    }
    let inner = Place { left: place.left + hang, width: place.width - hang, ..place };
    for item in items {
        let first = rows.len();
        blocks(rows, &item.blocks, inner)?;
        if rows.len() == first {
            rows.push(Row { height: sheet::LEADING, ..Row::default() });
        }
        let is_bullet = item.label.is_empty();
        let label = if is_bullet { "–" } else { &item.label };
        let run = shape(Face::Regular, label)?;
        let Some(row) = rows.get_mut(first) else { continue };
        let y = baseline(size, sheet::LEADING);
        let x = if is_bullet { place.left + hang - 13.0 } else { place.left };
        row.marks.insert(0, Mark::Text { x, y, size, run, is_grey: false });
        row.before = if item.depth == 0 && !is_bullet { sheet::PARAGRAPH_GAP } else { 2.5 };
    }
    Ok(())
}

/// Boxes side by side, two in a row, never cut; one alone stands at the right.
fn signatures(rows: &mut Vec<Row>, boxes: &[Signature], place: Place) -> Result<(), PdfFault> {
    const GUTTER: f32 = 30.0;
    const ROOM: f32 = 74.0;
    let width = (place.width - GUTTER) / 2.0;
    // What is signed must not stand on a page without words.
    if let Some(row) = rows.last_mut() {
        row.keeps_next = true;
    }
    for pair in boxes.chunks(2) {
        let mut row = Row { before: 26.0, ..Row::default() };
        let mut tall: f32 = 0.0;
        let mut feet = Vec::new();
        for (at, Signature { side, name, note }) in pair.iter().enumerate() {
            let is_right = at == 1 || boxes.len() == 1;
            let left = place.left + if is_right { width + GUTTER } else { 0.0 };
            let inner = Place { left, width, ..place };
            let mut y = 0.0;
            let parts = [(side, 10.0, true), (name, sheet::TEXT_SIZE, false)];
            for (text, size, is_strong) in parts {
                for line in lines(&[Span::plain(text.as_str())], inner.setting(size, is_strong))? {
                    put_line(&mut row, &line, left, y + baseline(size, sheet::LEADING), size);
                    y += sheet::LEADING;
                }
            }
            tall = tall.max(y);
            feet.push((left, lines(&[Span::plain(note.as_str())], inner.setting(8.0, false))?));
        }
        let rule = tall + ROOM;
        let mut lowest = rule;
        for (left, lines) in feet {
            row.marks.push(Mark::Bar { x: left, y: rule, width, height: 0.6, grey: 60 });
            let mut y = rule + 4.0;
            for line in lines {
                put_line(&mut row, &line, left, y + baseline(8.0, 11.0), 8.0);
                y += 11.0;
            }
            lowest = f32::max(lowest, y);
        }
        row.height = lowest + 4.0;
        rows.push(row);
    }
    Ok(())
}

/// Where letters stand in a line of this height: the x-height in the middle looks right.
pub(super) fn baseline(size: f32, leading: f32) -> f32 {
    leading / 2.0 + size * 0.36
}

pub(super) fn put_line(row: &mut Row, line: &Line, left: f32, y: f32, size: f32) {
    let mut x = left;
    for piece in &line.pieces {
        let width = piece.run.width * size;
        if let Some(address) = piece.link.as_ref().filter(|link| !link.starts_with('#')) {
            let area =
                Mark::Link { x, y: y - size, width, height: size * 1.3, address: address.clone() };
            row.marks.push(area);
        }
        row.marks.push(Mark::Text { x, y, size, run: piece.run.clone(), is_grey: false });
        x += width;
    }
}
