//! A document after reading: what HTML and PDF are both made of.
//!
//! It holds no styles. What surprises: numbers are already in it. `§ 4`, `4.2` and `(a)` are text
//! like any other, so that no two ways of showing a document can number it differently.

/// The languages that texts come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Polish,
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Polish, Self::English];

    /// `pl` or `en`, as in file names and in `lang`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Polish => "pl",
            Self::English => "en",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

/// One text with its values put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `nda`, `framework` ...
    pub kind: String,
    /// As it stands in the list of documents and at the top of each page.
    pub title: String,
    /// The number of this very document, or empty.
    pub number: String,
    /// Of the wording, not of the values.
    pub version: String,
    pub language: Language,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// `level` 1 is the title, 2 a numbered section, 3 a heading without a number.
    Heading {
        level: u8,
        /// What it can be linked to by; may be empty.
        anchor: String,
        number: String,
        spans: Vec<Span>,
    },
    Paragraph(Vec<Span>),
    /// Numbered clauses, or bullets where every `label` is empty.
    Items(Vec<Item>),
    Table(Table),
    Signatures(Vec<Signature>),
    PageBreak,
}

/// One clause of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `1.`, `4.2`, `(a)`; empty for a bullet.
    pub label: String,
    /// 0 for a clause of a section, 1 for what is inside it.
    pub depth: u8,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<Align>,
    pub head: Vec<Vec<Span>>,
    pub rows: Vec<Vec<Vec<Span>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Centre,
    Right,
}

/// A box in which one side signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `For the Operator`.
    pub side: String,
    /// The company, or empty.
    pub name: String,
    /// Words under the line, like `place, date, stamp`.
    pub note: String,
}

/// Text of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub is_bold: bool,
    pub is_italic: bool,
    /// Where it leads: an address that [`is_safe_link`] allows, or `#anchor`.
    pub link: Option<String>,
}

impl Span {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_bold: false, is_italic: false, link: None }
    }
}

/// The words of spans, without their looks.
pub fn words(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

/// Whether a text may lead there. Nothing else becomes a link, above all no `javascript:`.
pub fn is_safe_link(address: &str) -> bool {
    let is_clean = address.chars().all(|letter| letter.is_ascii_graphic());
    let is_known = ["https://", "mailto:", "tel:", "#"];
    is_clean && is_known.iter().any(|start| address.starts_with(start))
}
