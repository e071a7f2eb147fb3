//! Tables: columns as wide as their words need, thin rules, the head again on every page.
//!
//! Cells hold one paragraph; there are no spans over rows or columns. What surprises: a row is
//! never cut, so a cell longer than a page would run over its foot (texts have none).

use std::rc::Rc;

use super::{
    PdfFault,
    lines::{extent, lines},
    rows::{Mark, Place, Row, baseline, put_line},
};
use crate::documents::tree::{Align, Span, Table};

const SIZE: f32 = 9.2;
const LEADING: f32 = 12.6;
/// Between the words of two columns.
const GUTTER: f32 = 14.0;
const PAD: f32 = 3.2;

pub(super) fn table(rows: &mut Vec<Row>, table: &Table, place: Place) -> Result<(), PdfFault> {
    let widths = widths(table, place)?;
    let first = rows.len();
    let mut head = None;
    if !table.head.is_empty() {
        let mut row = strip(&table.head, table, &widths, place, true)?;
        row.keeps_next = true;
        head = Some(Rc::new(row.clone()));
        rows.push(row);
    }
    let count = table.rows.len();
    for (at, cells) in table.rows.iter().enumerate() {
        let mut row = strip(cells, table, &widths, place, false)?;
        row.repeats.clone_from(&head);
        // As with paragraphs: no row of a table stays alone.
        row.keeps_next = at + 1 < count && (at == 0 || at + 2 == count);
        rows.push(row);
    }
    if let Some(row) = rows.get_mut(first) {
        row.before = 9.0;
    }
    if let Some(row) = rows.get_mut(first..).and_then(<[Row]>::last_mut) {
        row.height += 6.0;
    }
    Ok(())
}

/// The whole width is used; what is left over goes to the columns by their own width.
fn widths(table: &Table, place: Place) -> Result<Vec<f32>, PdfFault> {
    let setting = Place { width: f32::MAX, ..place }.setting(SIZE, false);
    let strong = Place { width: f32::MAX, ..place }.setting(SIZE, true);
    let mut columns = vec![(0.0_f32, 0.0_f32); table.columns.len()];
    let head = table.head.iter().zip(&mut columns);
    for (cell, column) in head {
        let (whole, word) = extent(cell, strong)?;
        *column = (column.0.max(whole), column.1.max(word));
    }
    for row in &table.rows {
        for (cell, column) in row.iter().zip(&mut columns) {
            let (whole, word) = extent(cell, setting)?;
            *column = (column.0.max(whole), column.1.max(word));
        }
    }
    let gutters = GUTTER * count(columns.len());
    let room = (place.width - gutters).max(1.0);
    let whole: f32 = columns.iter().map(|column| column.0).sum();
    let words: f32 = columns.iter().map(|column| column.1).sum();
    let share = |least: f32, wish: f32, room: f32, least_sum: f32, wish_sum: f32| {
        if wish_sum > least_sum {
            least + (room - least_sum) * (wish - least) / (wish_sum - least_sum)
        } else {
            room / count(columns.len()).max(1.0)
        }
    };
    Ok(columns
        .iter()
        .map(|(wish, least)| {
            if whole <= room {
                // Everything fits: each its own and a part of the rest.
                wish + (room - whole) * (wish + 20.0) / (whole + 20.0 * count(columns.len()))
            } else if words <= room {
                share(*least, *wish, room, words, whole)
            } else {
                room * least / words
            }
        })
        .collect())
}

#[expect(clippy::cast_precision_loss, reason = "a table has some columns")]
fn count(columns: usize) -> f32 {
    columns as f32
}

fn strip(
    cells: &[Vec<Span>],
    table: &Table,
    widths: &[f32],
    place: Place,
    is_head: bool,
) -> Result<Row, PdfFault> {
    let mut row = Row::default();
    let mut text = Row::default();
    let mut x = place.left + GUTTER / 2.0;
    let mut tall: f32 = LEADING;
    for ((cell, width), align) in cells.iter().zip(widths).zip(&table.columns) {
        // A hair more than measured, or rounding would break the widest cell in two.
        let inner = Place { left: x, width: *width + 0.01, ..place };
        let mut y = PAD;
        for line in lines(cell, inner.setting(SIZE, is_head))? {
            let left = match align {
                Align::Left => x,
                Align::Centre => x + (width - line.width) / 2.0,
                Align::Right => x + width - line.width,
            };
            put_line(&mut text, &line, left, y + baseline(SIZE, LEADING), SIZE);
            y += LEADING;
        }
        tall = tall.max(y - PAD);
        x += width + GUTTER;
    }
    row.height = tall + 2.0 * PAD;
    if is_head {
        let (x, width) = (place.left, place.width);
        row.marks.push(Mark::Bar { x, y: 0.0, width, height: row.height, grey: 238 });
    }
    row.marks.append(&mut text.marks);
    let (grey, height) = if is_head { (60, 0.7) } else { (190, 0.4) };
    let y = row.height - height;
    row.marks.push(Mark::Bar { x: place.left, y, width: place.width, height, grey });
    Ok(row)
}
