//! Divides rows among pages: headings stay with what follows, no line of a paragraph stays alone,
//! a table's head comes again.

use super::{PdfFault, rows::Row, sheet};

/// More is no agreement but a mistake.
const PAGES_MAX: usize = 500;

/// A row and where its top is, from the top of the text.
pub(super) struct Placed {
    pub(super) top: f32,
    pub(super) row: Row,
}

pub(super) fn pages(rows: Vec<Row>) -> Result<Vec<Vec<Placed>>, PdfFault> {
    let mut pages: Vec<Vec<Placed>> = vec![Vec::new()];
    let mut used = 0.0;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        // What must stay together.
        let mut group = Vec::new();
        for row in rows.by_ref() {
            let is_open = row.keeps_next;
            group.push(row);
            if !is_open {
                break;
            }
        }
        let is_fresh = pages.last().is_none_or(Vec::is_empty);
        let height: f32 = group.iter().map(Row::whole).sum();
        let is_forced = group.first().is_some_and(|row| row.starts_page);
        if !is_fresh && (is_forced || used + height > sheet::TEXT_HEIGHT) {
            start(&mut pages, &mut used)?;
        }
        for row in group {
            // A group that is longer than a page is divided all the same.
            let is_fresh = pages.last().is_none_or(Vec::is_empty);
            if !is_fresh && used + row.whole() > sheet::TEXT_HEIGHT {
                start(&mut pages, &mut used)?;
            }
            let is_fresh = pages.last().is_none_or(Vec::is_empty);
            if is_fresh && let Some(head) = row.repeats.as_deref() {
                put(&mut pages, &mut used, head.clone());
            }
            put(&mut pages, &mut used, row);
        }
    }
    Ok(pages)
}

fn start(pages: &mut Vec<Vec<Placed>>, used: &mut f32) -> Result<(), PdfFault> {
    if pages.len() >= PAGES_MAX {
        return Err(PdfFault::TooLong(PAGES_MAX));
    }
    pages.push(Vec::new());
    *used = 0.0;
    Ok(())
}

fn put(pages: &mut [Vec<Placed>], used: &mut f32, row: Row) {
    let Some(page) = pages.last_mut() else { return };
    // No gap at the top of a page.
    let top = if page.is_empty() { 0.0 } else { *used + row.before };
    *used = top + row.height;
    page.push(Placed { top, row });
}
