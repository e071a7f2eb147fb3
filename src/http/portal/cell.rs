//! Small things that pages are full of: times, tags, links, figures; and what holds them in rows.
//!
//! Each writes itself as HTML, so a template puts `{{ cell }}` and is done. The surprise: a tag
//! has a sign before its word, because colour alone tells nothing to many (WCAG 1.4.1).

use std::fmt;

use askama::{Template, filters::HtmlSafe};

use super::{format, texts::Language};

/// `<time>`: local to the eye, UTC for machines and on hover.
#[derive(Debug, Clone, Template)]
#[template(
    ext = "html",
    source = "<time datetime=\"{{ utc }}\" title=\"{{ utc }} UTC\">{{ shown }}</time>"
)]
pub struct Time {
    utc: String,
    shown: String,
}

impl HtmlSafe for Time {}

impl Time {
    pub fn moment(language: Language, at_us: i64) -> Self {
        Self { utc: format::utc(at_us), shown: format::moment(language, at_us) }
    }

    /// To the millisecond.
    pub fn exact(language: Language, at_us: i64) -> Self {
        Self { utc: format::exact_utc(at_us), shown: format::exact(language, at_us) }
    }

    pub fn day(language: Language, at_us: i64) -> Self {
        Self { utc: format::utc(at_us), shown: format::day(language, at_us) }
    }
}

/// What a tag or a step says beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing happens.
    Calm,
    /// Somebody is at work.
    Busy,
    /// Done, and well.
    Good,
    /// Somebody should look.
    Warn,
    /// Over, and not well.
    Bad,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Busy => "busy",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The sign before the word.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Calm => "\u{25cb}",
            Self::Busy => "\u{25d0}",
            Self::Good => "\u{2713}",
            Self::Warn => "!",
            Self::Bad => "\u{d7}",
        }
    }
}

/// A word in a coloured box.
#[derive(Debug, Clone, Template)]
#[template(
    ext = "html",
    source = "<span class=\"tag {{ tone.class() }}\"><span aria-hidden=\"true\">{{ tone.sign() }}</span> {{ text }}</span>"
)]
pub struct Tag {
    text: String,
    tone: Tone,
}

impl HtmlSafe for Tag {}

impl Tag {
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

/// One value in a table or a summary.
#[derive(Debug, Clone)]
pub enum Cell {
    Text(String),
    /// Numbers, ids, addresses: of equal width.
    Code(String),
    Link {
        href: String,
        text: String,
    },
    /// Aligned right: numbers and money, written out.
    Figure(String),
    Time(Time),
    Tag(Tag),
    Nothing,
}

/// How a cell is written; a template of an enum of its own would need odd paths.
#[derive(Template)]
#[template(path = "cell.html", config = "src/http/portal/askama.toml")]
struct Written<'c> {
    cell: &'c Cell,
}

impl HtmlSafe for Cell {}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written { cell: self }.fmt(f)
    }
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    pub fn link(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link { href: href.into(), text: text.into() }
    }

    /// A number or money as `page.number` and `page.money` write it.
    pub fn figure(text: impl Into<String>) -> Self {
        Self::Figure(text.into())
    }

    pub fn tag(tone: Tone, text: impl Into<String>) -> Self {
        Self::Tag(Tag::new(tone, text))
    }

    pub(super) fn is_figure(&self) -> bool {
        matches!(self, Self::Figure(_))
    }

    /// The value in a CSV file; moments are UTC there, because a spreadsheet knows no Warsaw.
    pub(super) fn plain(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::Code(text)
            | Self::Link { text, .. }
            | Self::Figure(text)
            | Self::Tag(Tag { text, .. }) => text,
            Self::Time(time) => &time.utc,
            Self::Nothing => "",
        }
    }
}

impl From<Time> for Cell {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

impl From<Tag> for Cell {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

/// One row of a summary.
#[derive(Debug, Clone)]
struct Row {
    name: String,
    value: Cell,
    /// Address and text of the link that changes the value.
    change: Option<(String, String)>,
}

/// Names and values below each other, each with a way to change it.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "summary.html", config = "src/http/portal/askama.toml")]
pub struct Summary {
    rows: Vec<Row>,
}

impl HtmlSafe for Summary {}

impl Summary {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn row(mut self, name: impl Into<String>, value: impl Into<Cell>) -> Self {
        self.rows.push(Row { name: name.into(), value: value.into(), change: None });
        self
    }

    /// With a link that says `text` and, for those who only hear it, the name of the row.
    #[must_use]
    pub fn row_with(
        mut self,
        name: impl Into<String>,
        value: impl Into<Cell>,
        href: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let change = Some((href.into(), text.into()));
        self.rows.push(Row { name: name.into(), value: value.into(), change });
        self
    }
}
