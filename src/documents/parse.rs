//! Markdown with directives to the tree, numbers and references included.
//!
//! It reads a subset on purpose: raw HTML, images, code and quotes are mistakes, because an
//! agreement has none. What surprises: a link without words, `[](#notice/2)`, becomes the number of
//! that clause, so nobody types a number anywhere.

use std::{collections::BTreeMap, iter::Peekable, ops::Range};

use pulldown_cmark::{Alignment, Event, OffsetIter, Options, Parser, Tag, TagEnd};

use super::{
    directive::{Segment, segments},
    number,
    template::DocumentFault,
    tree::{Align, Block, Item, Language, Span, Table, is_safe_link, words},
};

/// Lists within lists; Markdown allows any depth, clauses have three.
const DEPTH_MAX: u8 = 3;

/// Reads the body of a text; `first_line` is where it stands in its file.
pub(super) fn blocks(
    body: &str,
    language: Language,
    first_line: usize,
) -> Result<Vec<Block>, DocumentFault> {
    let mut count = Count { language, section: 0, clause: 0, known: BTreeMap::new() };
    let mut blocks = Vec::new();
    for segment in segments(body, first_line)? {
        match segment {
            Segment::Text { text, line } => {
                blocks.extend(Reader::new(text, line, &mut count).all()?);
            }
            Segment::PageBreak => blocks.push(Block::PageBreak),
            Segment::Signatures(boxes) => blocks.push(Block::Signatures(boxes)),
        }
    }
    count.resolve(&mut blocks)?;
    Ok(blocks)
}

/// Where the numbering stands, and what can be referred to.
struct Count {
    language: Language,
    section: usize,
    /// Clauses of this section so far; a paragraph between two lists does not start anew.
    clause: usize,
    /// Sections by anchor.
    known: BTreeMap<String, usize>,
}

impl Count {
    /// Gives every reference its words, and refuses those that lead nowhere.
    fn resolve(&self, blocks: &mut [Block]) -> Result<(), DocumentFault> {
        let mut places = Vec::new();
        let mut section = 0;
        for block in &*blocks {
            match block {
                Block::Heading { level: 2, number, .. } if !number.is_empty() => section += 1,
                Block::Items(items) => collect(items, &[section], &mut places),
                _ => {}
            }
        }
        each_span(blocks, &mut |span| {
            let Some(target) = span.link.as_deref().and_then(|link| link.strip_prefix('#')) else {
                return Ok(());
            };
            let unknown = || DocumentFault::UnknownReference(target.to_owned());
            let (anchor, rest) = target.split_once('/').unwrap_or((target, ""));
            let section = *self.known.get(anchor).ok_or_else(unknown)?;
            let mut path = vec![section];
            for part in rest.split('/').filter(|part| !part.is_empty()) {
                path.push(part.parse().map_err(|_| unknown())?);
            }
            if path.len() > 1 && !places.contains(&path) {
                return Err(unknown());
            }
            if span.text.is_empty() {
                span.text = number::reference(self.language, section, &path[1..]);
            }
            span.link = Some(format!("#{anchor}"));
            Ok(())
        })
    }
}

/// The path of every clause, like 4, 2, 1. A section's lists count on.
fn collect(items: &[Item], above: &[usize], places: &mut Vec<Vec<usize>>) {
    let numbered = items.iter().filter(|item| !item.label.is_empty());
    for item in numbered {
        let before =
            places.iter().filter(|path| path.len() == above.len() + 1 && path.starts_with(above));
        let mut path = above.to_vec();
        path.push(before.count() + 1);
        places.push(path.clone());
        for block in &item.blocks {
            if let Block::Items(items) = block {
                collect(items, &path, places);
            }
        }
    }
}

fn each_span(
    blocks: &mut [Block],
    act: &mut impl FnMut(&mut Span) -> Result<(), DocumentFault>,
) -> Result<(), DocumentFault> {
    for block in blocks {
        match block {
            Block::Heading { spans, .. } | Block::Paragraph(spans) => {
                spans.iter_mut().try_for_each(&mut *act)?;
            }
            Block::Items(items) => {
                for item in items {
                    each_span(&mut item.blocks, act)?;
                }
            }
            Block::Table(table) => {
                let rows = std::iter::once(&mut table.head).chain(&mut table.rows);
                rows.flatten().flatten().try_for_each(&mut *act)?;
            }
            Block::Signatures(_) | Block::PageBreak => {}
        }
    }
    Ok(())
}

struct Reader<'a, 'c> {
    events: Peekable<OffsetIter<'a>>,
    text: &'a str,
    line: usize,
    count: &'c mut Count,
}

impl<'a, 'c> Reader<'a, 'c> {
    fn new(text: &'a str, line: usize, count: &'c mut Count) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
        let events = Parser::new_ext(text, options).into_offset_iter().peekable();
        Self { events, text, line, count }
    }

    fn all(mut self) -> Result<Vec<Block>, DocumentFault> {
        self.blocks(None, 0)
    }

    fn unsupported(&self, at: &Range<usize>, what: &'static str) -> DocumentFault {
        let lines = self.text.get(..at.start).map_or(0, |text| text.matches('\n').count());
        DocumentFault::Unsupported { line: self.line + lines, what }
    }

    /// Blocks until the end of `inside`, which is taken too.
    fn blocks(&mut self, inside: Option<TagEnd>, depth: u8) -> Result<Vec<Block>, DocumentFault> {
        let mut blocks = Vec::new();
        while let Some((event, at)) = self.events.peek().cloned() {
            if let Event::End(end) = event
                && Some(end) == inside
            {
                self.events.next();
                break;
            }
            match event {
                Event::Start(Tag::Paragraph) => {
                    self.events.next();
                    blocks.push(Block::Paragraph(self.spans()?));
                    self.events.next();
                }
                Event::Start(Tag::Heading { level, id, classes, .. }) => {
                    self.events.next();
                    let is_numbered = !classes.iter().any(|class| &**class == "unnumbered");
                    let anchor = id.map(|id| id.to_string()).unwrap_or_default();
                    blocks.push(self.heading(level as u8, anchor, is_numbered)?);
                }
                Event::Start(Tag::List(first)) => {
                    self.events.next();
                    if depth >= DEPTH_MAX {
                        return Err(self.unsupported(&at, "a list four deep"));
                    }
                    blocks.push(Block::Items(self.items(first.is_some(), depth)?));
                }
                Event::Start(Tag::Table(columns)) => {
                    self.events.next();
                    blocks.push(Block::Table(self.table(&columns)?));
                }
                Event::Rule => return Err(self.unsupported(&at, "a rule")),
                event => {
                    if let Some(what) = foreign(&event) {
                        return Err(self.unsupported(&at, what));
                    }
                    // A list without blank lines has its words without a paragraph.
                    let spans = self.spans()?;
                    if spans.is_empty() {
                        self.events.next();
                    } else {
                        blocks.push(Block::Paragraph(spans));
                    }
                }
            }
        }
        Ok(blocks)
    }

    fn heading(
        &mut self,
        level: u8,
        anchor: String,
        is_numbered: bool,
    ) -> Result<Block, DocumentFault> {
        let spans = self.spans()?;
        self.events.next();
        let mut number = String::new();
        if level == 2 && is_numbered {
            self.count.section += 1;
            self.count.clause = 0;
            number = number::heading(self.count.language, self.count.section);
            if !anchor.is_empty() {
                self.count.known.insert(anchor.clone(), self.count.section);
            }
        }
        Ok(Block::Heading { level: level.min(3), anchor, number, spans })
    }

    fn items(&mut self, is_numbered: bool, depth: u8) -> Result<Vec<Item>, DocumentFault> {
        let mut items = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => {
                    let mut place = items.len() + 1;
                    if is_numbered && depth == 0 && self.count.section > 0 {
                        self.count.clause += 1;
                        place = self.count.clause;
                    }
                    let Count { language, section, .. } = *self.count;
                    let label = if is_numbered {
                        number::clause(language, section, depth, place)
                    } else {
                        String::new()
                    };
                    let blocks = self.blocks(Some(TagEnd::Item), depth + 1)?;
                    items.push(Item { label, depth, blocks });
                }
                Event::End(TagEnd::List(_)) => break,
                _ => {}
            }
        }
        Ok(items)
    }

    fn table(&mut self, columns: &[Alignment]) -> Result<Table, DocumentFault> {
        let align = |column: &Alignment| match column {
            Alignment::Right => Align::Right,
            Alignment::Center => Align::Centre,
            Alignment::None | Alignment::Left => Align::Left,
        };
        let columns = columns.iter().map(align).collect();
        let mut table = Table { columns, head: Vec::new(), rows: Vec::new() };
        let mut row = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::TableCell) => {
                    row.push(self.spans()?);
                    self.events.next();
                }
                Event::End(TagEnd::TableHead) => table.head = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => table.rows.push(std::mem::take(&mut row)),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        if table.head.iter().all(|cell| words(cell).is_empty()) {
            // A table of names and values: Markdown insists on a head, nobody needs to see it.
            table.head.clear();
        }
        Ok(table)
    }

    /// Inline text up to what is not inline, which stays.
    fn spans(&mut self) -> Result<Vec<Span>, DocumentFault> {
        let mut spans: Vec<Span> = Vec::new();
        let mut look = Span::plain("");
        while let Some((event, at)) = self.events.peek().cloned() {
            match event {
                Event::Text(text) => push(&mut spans, &look, &text),
                Event::SoftBreak => push(&mut spans, &look, " "),
                Event::HardBreak => push(&mut spans, &look, "\n"),
                Event::Start(Tag::Strong) => look.is_bold = true,
                Event::End(TagEnd::Strong) => look.is_bold = false,
                Event::Start(Tag::Emphasis) => look.is_italic = true,
                Event::End(TagEnd::Emphasis) => look.is_italic = false,
                Event::Start(Tag::Link { dest_url, .. }) => {
                    if !is_safe_link(&dest_url) {
                        return Err(
                            self.unsupported(&at, "a link that is not https, mailto or tel")
                        );
                    }
                    look.link = Some(dest_url.to_string());
                }
                Event::End(TagEnd::Link) => {
                    // A reference has no words of its own yet.
                    if spans.last().is_none_or(|last| last.link != look.link) {
                        spans.push(look.clone());
                    }
                    look.link = None;
                }
                event => match foreign(&event) {
                    Some(what) => return Err(self.unsupported(&at, what)),
                    None => break,
                },
            }
            self.events.next();
        }
        Ok(spans)
    }
}

fn push(spans: &mut Vec<Span>, look: &Span, text: &str) {
    let is_same = |last: &&mut Span| {
        last.is_bold == look.is_bold && last.is_italic == look.is_italic && last.link == look.link
    };
    match spans.last_mut().filter(is_same) {
        Some(last) => last.text.push_str(text),
        None => spans.push(Span { text: text.to_owned(), ..look.clone() }),
    }
}

/// What an agreement does not have.
fn foreign(event: &Event<'_>) -> Option<&'static str> {
    match event {
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => Some("HTML"),
        Event::Code(_) | Event::Start(Tag::CodeBlock(_)) => Some("code"),
        Event::Start(Tag::BlockQuote(_)) => Some("a quotation"),
        Event::Start(Tag::Image { .. }) => Some("a picture"),
        _ => None,
    }
}
