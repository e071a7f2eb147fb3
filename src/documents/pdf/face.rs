//! The four faces of the text font, and words as glyphs of them.
//!
//! The font is Noto Sans, which the crate `notosans` carries under the SIL Open Font Licence; it has
//! every letter of Latin, Greek and Cyrillic. There is no other to fall back to.

use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};

use super::PdfFault;
use crate::documents::tree::Span;

/// A cut of the font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
    Italic,
    BoldItalic,
}

impl Face {
    pub(super) const fn of(span: &Span) -> Self {
        match (span.is_bold, span.is_italic) {
            (false, false) => Self::Regular,
            (true, false) => Self::Bold,
            (false, true) => Self::Italic,
            (true, true) => Self::BoldItalic,
        }
    }

    /// The same as a strong one, for headings.
    pub(super) const fn bold(self) -> Self {
        match self {
            Self::Regular | Self::Bold => Self::Bold,
            Self::Italic | Self::BoldItalic => Self::BoldItalic,
        }
    }
}

struct Loaded {
    font: Font,
    shaper: rustybuzz::Face<'static>,
}

static FACES: LazyLock<[Loaded; 4]> = LazyLock::new(|| {
    let files = [
        notosans::REGULAR_TTF,
        notosans::BOLD_TTF,
        notosans::ITALIC_TTF,
        notosans::BOLD_ITALIC_TTF,
    ];
    files.map(|octets| Loaded {
        font: Font::new(octets.into(), 0).expect("the font inside the program is a font"),
        shaper: rustybuzz::Face::from_slice(octets, 0)
            .expect("the font inside the program is a font"),
    })
});

fn loaded(face: Face) -> &'static Loaded {
    &FACES[face as usize]
}

/// Text as glyphs, sizes for a font of one point.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) face: Face,
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// At one point.
    pub(super) width: f32,
}

pub(super) fn font(face: Face) -> Font {
    loaded(face).font.clone()
}

/// Shapes text from left to right; a letter that the font lacks is a fault.
#[expect(clippy::cast_precision_loss, reason = "font units are some thousands")]
pub(super) fn shape(face: Face, text: &str) -> Result<Run, PdfFault> {
    let shaper = &loaded(face).shaper;
    let missing = text.chars().find(|letter| shaper.glyph_index(*letter).is_none());
    if let Some(letter) = missing {
        return Err(PdfFault::NoLetter(letter));
    }
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    buffer.set_direction(Direction::LeftToRight);
    let result = rustybuzz::shape(shaper, &[], buffer);
    let em = shaper.units_per_em() as f32;
    let places = result.glyph_positions();
    let infos = result.glyph_infos();
    let mut glyphs = Vec::with_capacity(infos.len());
    let mut width = 0.0;
    for (at, (info, place)) in infos.iter().zip(places).enumerate() {
        let start = info.cluster as usize;
        // A cluster ends where the next other one starts.
        let next = infos[at..].iter().map(|later| later.cluster as usize).find(|end| *end > start);
        let advance = place.x_advance as f32 / em;
        glyphs.push(KrillaGlyph::new(
            GlyphId::new(info.glyph_id),
            advance,
            place.x_offset as f32 / em,
            place.y_offset as f32 / em,
            0.0,
            start..next.unwrap_or(text.len()),
            None,
        ));
        width += advance;
    }
    Ok(Run { face, text: text.to_owned(), glyphs, width })
}
