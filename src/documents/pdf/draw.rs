//! Puts rows on pages, with the line above and the page number below.
//!
//! It decides no places but those of the edges. What surprises: nothing of it may depend on the
//! time or the machine, and the writer puts neither in unless it is told to.

use krilla::{
    SerializeSettings,
    action::{Action, LinkAction},
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect},
    metadata::Metadata,
    num::NormalizedF32,
    outline::{Outline, OutlineNode},
    page::{Page, PageSettings},
    paint::Fill,
    surface::Surface,
};

use super::{
    PdfFault,
    face::{self, Face, Run, shape},
    pages::Placed,
    rows::Mark,
    sheet,
};
use crate::documents::tree::{Document, Language};

const SMALL: f32 = 8.0;

pub(super) fn draw(document: &Document, pages: &[Vec<Placed>]) -> Result<Vec<u8>, PdfFault> {
    let wrong = |what: &str| PdfFault::Writer(what.to_owned());
    let mut pdf = krilla::Document::new_with(SerializeSettings {
        // Without structure there is nothing to tag.
        enable_tagging: false,
        ..SerializeSettings::default()
    });
    let mut outline = Outline::new();
    for (index, rows) in pages.iter().enumerate() {
        let settings = PageSettings::from_wh(sheet::WIDTH, sheet::HEIGHT)
            .ok_or_else(|| wrong("no such page"))?;
        let mut page = pdf.start_page_with(settings);
        let mut surface = page.surface();
        edges(&mut surface, document, index, pages.len())?;
        for placed in rows {
            let top = sheet::TOP + placed.top;
            if let Some(text) = &placed.row.outline {
                let at = XyzDestination::new(index, Point::from_xy(0.0, top - 10.0));
                outline.push_child(OutlineNode::new(text.clone(), at));
            }
            for mark in &placed.row.marks {
                put(&mut surface, mark, top);
            }
        }
        // Links belong to the page and not to what is drawn on it.
        surface.finish();
        links(&mut page, rows);
        page.finish();
    }
    // No dates: the octets would differ with each run. The id is made of what the document is.
    pdf.set_outline(outline);
    let id = format!("{} {} {}", document.kind, document.number, document.version);
    pdf.set_metadata(
        Metadata::new()
            .title(document.title.clone())
            .language(document.language.code().to_owned())
            .document_id(id),
    );
    pdf.finish().map_err(|error| PdfFault::Writer(format!("{error:?}")))
}

/// Title and number above (on the first page the title stands in the text), page number below.
fn edges(
    surface: &mut Surface<'_>,
    document: &Document,
    index: usize,
    count: usize,
) -> Result<(), PdfFault> {
    let right = sheet::TEXT_WIDTH;
    let line = 46.0;
    let mut above = 0.0;
    if !document.number.is_empty() {
        let run = shape(Face::Regular, &document.number)?;
        above = run.width * SMALL + 20.0;
        text(surface, right - run.width * SMALL, line, SMALL, &run, 100);
    }
    if index > 0 {
        let run = shortened(&document.title, right - above)?;
        text(surface, 0.0, line, SMALL, &run, 100);
    }
    bar(surface, 0.0, line + 6.0, right, 0.4, 170);
    let (page, of, version) = match document.language {
        Language::Polish => ("strona", "z", "wersja"),
        Language::English => ("page", "of", "version"),
    };
    let foot = sheet::HEIGHT - 40.0;
    let run = shape(Face::Regular, &format!("{page} {} {of} {count}", index + 1))?;
    text(surface, right - run.width * SMALL, foot, SMALL, &run, 100);
    let run = shape(Face::Regular, &format!("{version} {}", document.version))?;
    text(surface, 0.0, foot, SMALL, &run, 100);
    Ok(())
}

/// A title ends with an ellipsis where the number needs the room.
fn shortened(title: &str, room: f32) -> Result<Run, PdfFault> {
    let mut run = shape(Face::Regular, title)?;
    let mut letters: Vec<char> = title.chars().collect();
    while run.width * SMALL > room && letters.pop().is_some() {
        let text: String = letters.iter().collect();
        run = shape(Face::Regular, &format!("{}…", text.trim_end()))?;
    }
    Ok(run)
}

fn put(surface: &mut Surface<'_>, mark: &Mark, top: f32) {
    match mark {
        Mark::Text { x, y, size, run, is_grey } => {
            text(surface, *x, top + y, *size, run, if *is_grey { 100 } else { 0 });
        }
        Mark::Bar { x, y, width, height, grey } => {
            bar(surface, *x, top + y, *width, *height, *grey);
        }
        Mark::Link { .. } => {}
    }
}

fn ink(surface: &mut Surface<'_>, grey: u8) {
    surface.set_fill(Some(Fill {
        paint: rgb::Color::new(grey, grey, grey).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    }));
}

fn text(surface: &mut Surface<'_>, x: f32, y: f32, size: f32, run: &Run, grey: u8) {
    ink(surface, grey);
    let at = Point::from_xy(sheet::LEFT + x, y);
    surface.draw_glyphs(at, &run.glyphs, face::font(run.face), &run.text, size, false);
}

/// Filled and not stroked: hairlines of a stroke vanish on some printers.
fn bar(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, height: f32, grey: u8) {
    ink(surface, grey);
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(sheet::LEFT + x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn links(page: &mut Page<'_>, rows: &[Placed]) {
    for placed in rows {
        for mark in &placed.row.marks {
            let Mark::Link { x, y, width, height, address } = mark else { continue };
            let (left, top) = (sheet::LEFT + x, sheet::TOP + placed.top + y);
            let Some(rect) = Rect::from_xywh(left, top, *width, *height) else { continue };
            let target = Target::Action(Action::Link(LinkAction::new(address.clone())));
            page.add_annotation(Annotation::new_link(LinkAnnotation::new(rect, target), None));
        }
    }
}
