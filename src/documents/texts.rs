//! The texts themselves: shipped ones inside the program, an operator's own in a folder over them.
//!
//! It keeps no list of versions; the verb that made a document keeps what it made. What surprises:
//! an operator's text is checked as strictly as a shipped one, and all mistakes come at once.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::{
    Document, DocumentFault, Language, Values,
    answer::{self, AnswerValues},
    template::{self, front, has_value, placeholders},
    tree::{Block, Item},
};

macro_rules! shipped {
    ($( $kind:literal ),+ $(,)?) => {
        /// Every kind of document there is a text for.
        pub const KINDS: &[&str] = &[$( $kind ),+];

        const SHIPPED: &[(&str, &str, &str)] = &[$( (
            $kind,
            include_str!(concat!("../../config/documents/", $kind, ".pl.md")),
            include_str!(concat!("../../config/documents/", $kind, ".en.md")),
        ) ),+];
    };
}

shipped![
    "nda",
    "framework",
    "annex_special_sms_mms",
    "annex_special_wap",
    "annex_special_number",
    "data_processing",
];

/// No text of an operator is longer.
const FILE_OCTETS_MAX: u64 = 256 * 1024;

/// All texts, the operator's where there is one.
#[derive(Debug, Clone)]
pub struct Texts {
    texts: BTreeMap<(&'static str, Language), Text>,
    /// Letters about complaints by their names; only in Polish.
    letters: Vec<(&'static str, Text)>,
}

#[derive(Debug, Clone)]
struct Text {
    /// `config/documents/nda.pl.md` or the operator's file.
    name: String,
    source: String,
}

/// Something wrong with one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMistake {
    pub file: String,
    pub text: String,
}

impl fmt::Display for TextMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.text)
    }
}

impl Texts {
    /// What the program brings.
    pub fn shipped() -> Self {
        let mut texts = BTreeMap::new();
        for (kind, polish, english) in SHIPPED {
            for (language, source) in [(Language::Polish, polish), (Language::English, english)] {
                let name = file_name(kind, language);
                texts.insert((*kind, language), Text { name, source: (*source).to_owned() });
            }
        }
        let letter = |(kind, source): (&'static str, &str)| {
            let name = file_name(kind, Language::Polish);
            (kind, Text { name, source: source.to_owned() })
        };
        Self { texts, letters: answer::SHIPPED.into_iter().map(letter).collect() }
    }

    /// The files of a folder over the shipped texts; a file that is absent leaves the shipped one.
    pub fn with_folder(folder: &Path) -> io::Result<Self> {
        let mut texts = Self::shipped();
        for ((kind, language), text) in &mut texts.texts {
            own(&folder.join(file_name(kind, *language)), text)?;
        }
        for (kind, text) in &mut texts.letters {
            own(&folder.join(file_name(kind, Language::Polish)), text)?;
        }
        Ok(texts)
    }

    /// The text before values.
    pub fn source(&self, kind: &str, language: Language) -> Option<&str> {
        let kind = KINDS.iter().find(|known| **known == kind)?;
        self.texts.get(&(*kind, language)).map(|text| text.source.as_str())
    }

    /// The version that the head of a text names, for the record of what was agreed.
    pub fn version(&self, kind: &str, language: Language) -> Option<String> {
        let front = front(self.source(kind, language)?).ok()?;
        Some(front.version.to_owned())
    }

    /// A document with its values. The values are [`Values`] or anything of that shape.
    pub fn render(
        &self,
        kind: &str,
        language: Language,
        values: &impl Serialize,
    ) -> Result<Document, DocumentFault> {
        let source = self.source(kind, language).ok_or_else(|| DocumentFault::NoText {
            kind: kind.to_owned(),
            language: language.code(),
        })?;
        template::read(source, values)
    }

    /// A letter about a complaint.
    pub fn complaint_letter(
        &self,
        kind: &str,
        values: &AnswerValues,
    ) -> Result<Document, DocumentFault> {
        let found = self.letters.iter().find(|(known, _)| *known == kind);
        let (_, text) = found.ok_or_else(|| DocumentFault::NoText {
            kind: kind.to_owned(),
            language: Language::Polish.code(),
        })?;
        template::read(&text.source, values)
    }

    /// Every mistake of every text: unknown placeholders, wrong heads, clauses that differ
    /// between the languages.
    pub fn check(&self) -> Vec<TextMistake> {
        let mut mistakes = Vec::new();
        for kind in KINDS {
            let mut shapes = Vec::new();
            for language in Language::ALL {
                let Some(text) = self.texts.get(&(*kind, language)) else { continue };
                let mut say = |why: String| {
                    mistakes.push(TextMistake { file: text.name.clone(), text: why });
                };
                if let Some(shape) = check_one(kind, language, &text.source, &mut say) {
                    shapes.push((text.name.clone(), shape));
                }
            }
            if let [(_, polish), (file, english)] = shapes.as_slice()
                && let Some(why) = difference(polish, english)
            {
                mistakes.push(TextMistake { file: file.clone(), text: why });
            }
        }
        for (kind, text) in &self.letters {
            if let Err(fault) = self.complaint_letter(kind, &AnswerValues::sample()) {
                mistakes.push(TextMistake { file: text.name.clone(), text: fault.to_string() });
            }
        }
        mistakes
    }
}

/// A file over a text; one that is absent leaves it.
fn own(path: &Path, text: &mut Text) -> io::Result<()> {
    let octets = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if octets > FILE_OCTETS_MAX {
        let why = format!("{}: longer than {FILE_OCTETS_MAX} octets", path.display());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    let source = fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    // Editors of other systems end lines otherwise.
    *text = Text { name: path.display().to_string(), source: source.replace("\r\n", "\n") };
    Ok(())
}

fn file_name(kind: &str, language: Language) -> String {
    format!("{kind}.{}.md", language.code())
}

/// What the two languages must have in common.
#[derive(PartialEq, Eq)]
struct Shape {
    version: String,
    clauses: Vec<String>,
    placeholders: Vec<String>,
}

fn check_one(
    kind: &str,
    language: Language,
    source: &str,
    say: &mut impl FnMut(String),
) -> Option<Shape> {
    let sample = Values::sample(language);
    let all = Value::from(Serde(&sample));
    let head = match front(source) {
        Ok(head) => head,
        Err(fault) => {
            say(fault.to_string());
            return None;
        }
    };
    if head.kind != kind {
        say(format!("its head says kind `{}`", head.kind));
    }
    if head.language != language {
        say(format!("its head says language `{}`", head.language.code()));
    }
    let names = match placeholders(source) {
        Ok(names) => names,
        Err(fault) => {
            say(fault.to_string());
            return None;
        }
    };
    let mut is_known = true;
    for name in names.iter().filter(|name| !has_value(&all, name)) {
        say(DocumentFault::UnknownPlaceholder { name: name.clone() }.to_string());
        is_known = false;
    }
    if !is_known {
        return None;
    }
    match template::read(source, &sample) {
        Ok(document) => {
            let mut clauses = Vec::new();
            shape(&document.blocks, "", &mut clauses);
            let version = document.version;
            Some(Shape { version, clauses, placeholders: names })
        }
        Err(fault) => {
            say(fault.to_string());
            None
        }
    }
}

/// Sections and clauses as paths without language: `2.1.3`.
fn shape(blocks: &[Block], above: &str, paths: &mut Vec<String>) {
    let (mut section, mut place) = (0, 0);
    let mut prefix = above.to_owned();
    for block in blocks {
        match block {
            Block::Heading { number, .. } if !number.is_empty() => {
                section += 1;
                place = 0;
                prefix = format!("{above}{section}.");
                paths.push(prefix.clone());
            }
            Block::Items(items) => {
                for Item { label, blocks, .. } in items {
                    if !label.is_empty() {
                        place += 1;
                        let path = format!("{prefix}{place}.");
                        paths.push(path.clone());
                        shape(blocks, &path, paths);
                    }
                }
            }
            _ => {}
        }
    }
}

fn difference(polish: &Shape, english: &Shape) -> Option<String> {
    if polish.version != english.version {
        return Some(format!(
            "version {} here, {} in Polish: a translation is of one version",
            english.version, polish.version
        ));
    }
    let longest = polish.clauses.len().max(english.clauses.len());
    for place in 0..longest {
        let (here, there) = (english.clauses.get(place), polish.clauses.get(place));
        if here != there {
            let name = |clause: Option<&String>| {
                clause.map_or_else(|| "the end".to_owned(), |path| format!("`{path}`"))
            };
            let (here, there) = (name(here), name(there));
            return Some(format!("clause {here} stands where Polish has {there}"));
        }
    }
    let missing = polish.placeholders.iter().find(|name| !english.placeholders.contains(name));
    let more = english.placeholders.iter().find(|name| !polish.placeholders.contains(name));
    match (missing, more) {
        (Some(name), _) => Some(format!("`{name}` of the Polish text is not here")),
        (_, Some(name)) => Some(format!("`{name}` is not in the Polish text")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_texts_have_no_mistakes() {
        let mistakes = Texts::shipped().check();
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{}", list.join("\n"));
    }

    #[test]
    fn every_kind_renders_in_both_languages_with_the_values_in_it() {
        let texts = Texts::shipped();
        for kind in KINDS {
            for language in Language::ALL {
                let document = texts.render(kind, language, &Values::sample(language)).unwrap();
                let html = super::super::html::html(&document);
                assert!(html.contains("Źródło Gęśli &amp; Jaźń"), "{kind} {language:?}");
                assert!(html.contains("Operator Przykładowy"), "{kind} {language:?}");
                assert!(!html.contains("{{") && !html.contains("{%"), "{kind} {language:?}");
                assert_eq!(document.kind, *kind);
            }
        }
    }

    #[test]
    fn a_folder_goes_before_the_shipped_texts_and_what_it_lacks_is_shipped() {
        let folder = tempfile::tempdir().unwrap();
        let own =
            "---\r\nkind: nda\r\ntitle: Own\r\nversion: 7\r\nlanguage: en\r\n---\r\nHello\r\n";
        fs::write(folder.path().join("nda.en.md"), own).unwrap();
        let texts = Texts::with_folder(folder.path()).unwrap();
        let document = texts.render("nda", Language::English, &serde_json::json!({})).unwrap();
        assert_eq!((document.title.as_str(), document.version.as_str()), ("Own", "7"));
        let shipped = Texts::shipped();
        let source = texts.source("framework", Language::English);
        assert_eq!(source, shipped.source("framework", Language::English));
        let big = vec![b'x'; 300 * 1024];
        fs::write(folder.path().join("nda.pl.md"), big).unwrap();
        assert!(Texts::with_folder(folder.path()).is_err());
    }

    #[test]
    fn every_mistake_of_an_operators_texts_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, head: &str, body: &str| {
            let text = format!("---\n{head}\n---\n{body}");
            fs::write(folder.path().join(name), text).unwrap();
        };
        write("nda.pl.md", "kind: nda\ntitle: T\nversion: 1\nlanguage: pl", "{{ company.nipp }}");
        write("nda.en.md", "kind: x\ntitle: T\nversion: 1\nlanguage: pl", "{{ a.b }} {{ c }}");
        write(
            "framework.pl.md",
            "kind: framework\ntitle: T\nversion: 1\nlanguage: pl",
            "## A\n\n1. b\n",
        );
        write(
            "framework.en.md",
            "kind: framework\ntitle: T\nversion: 1\nlanguage: en",
            "## A\n\n- b\n",
        );
        write("data_processing.pl.md", "title: T", "");
        let mistakes = Texts::with_folder(folder.path()).unwrap().check();
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let all = list.join("\n");
        for part in [
            "nda.pl.md: placeholder `company.nipp`",
            "nda.en.md: its head says kind `x`",
            "nda.en.md: its head says language `pl`",
            "nda.en.md: placeholder `a.b`",
            "nda.en.md: placeholder `c`",
            "framework.en.md: clause the end stands where Polish has `1.1.`",
            "data_processing.pl.md: the file starts with",
        ] {
            assert!(all.contains(part), "{part} is missing in\n{all}");
        }
        assert_eq!(list.len(), 7, "{all}");
    }
}
