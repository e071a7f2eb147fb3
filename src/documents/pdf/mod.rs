//! The tree as PDF: A4, own text flow, the fonts inside.
//!
//! It takes no pictures and no styles from outside. What surprises: there is no time, no random
//! number and no machine in the file, so the same document gives the same octets in every process
//! (the digest of an agreement would prove nothing otherwise).
//!
//! `face` shapes words, `lines` breaks paragraphs, `rows` makes unbreakable strips of every block,
//! `pages` divides those, `draw` puts them down.

mod draw;
mod face;
mod lines;
mod pages;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use super::tree::Document;

/// Sizes in points; 72 to the inch.
mod sheet {
    pub(super) const WIDTH: f32 = 595.28;
    pub(super) const HEIGHT: f32 = 841.89;
    pub(super) const LEFT: f32 = 68.0;
    pub(super) const RIGHT: f32 = 68.0;
    /// Where text begins; the line with title and number stands above it.
    pub(super) const TOP: f32 = 78.0;
    /// Where text ends; the page number stands below it.
    pub(super) const BOTTOM: f32 = 72.0;
    pub(super) const TEXT_WIDTH: f32 = WIDTH - LEFT - RIGHT;
    pub(super) const TEXT_HEIGHT: f32 = HEIGHT - TOP - BOTTOM;
    pub(super) const TEXT_SIZE: f32 = 9.8;
    pub(super) const LEADING: f32 = 14.0;
    pub(super) const PARAGRAPH_GAP: f32 = 5.0;
}

/// Why there is no PDF of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfFault {
    /// A box instead of a letter of a name must not be signed by anybody.
    #[error("the fonts have no letter for `{0}` (U+{code:04X})", code = u32::from(*.0))]
    NoLetter(char),
    #[error("the document has more than {0} pages")]
    TooLong(usize),
    #[error("the PDF cannot be written: {0}")]
    Writer(String),
}

/// The octets of a PDF, the same each time.
pub fn pdf(document: &Document) -> Result<Vec<u8>, PdfFault> {
    let rows = rows::rows(document)?;
    let pages = pages::pages(rows)?;
    draw::draw(document, &pages)
}
