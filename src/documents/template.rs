//! Puts values into a text: front matter and Markdown with placeholders in, a [`Document`] out.
//!
//! It finds no text and shows none. What surprises: a value is never Markdown. A company called
//! `*A* | [B](c)` keeps its stars, its bar and its brackets, and cannot start a list, a table cell
//! or a directive, because every value is escaped on its way into the text.

use minijinja::{
    AutoEscape, Environment, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use serde::Serialize;

use super::{
    parse,
    tree::{Document, Language},
};

/// A text is some pages; what is longer is a mistake.
const SOURCE_OCTETS_MAX: usize = 256 * 1024;

/// With values: a table of every price is long, but not that long.
const EXPANDED_OCTETS_MAX: usize = 1024 * 1024;

/// What is wrong with a text. Lines are those of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    #[error("there is no text `{kind}` in `{language}`")]
    NoText { kind: String, language: &'static str },
    #[error("the file starts with `---`, lines of `key: value` and `---`: {0}")]
    FrontMatter(String),
    #[error("placeholder `{name}` has no value")]
    UnknownPlaceholder { name: String },
    #[error("line {line}: {why}")]
    Template { line: usize, why: String },
    #[error("`#{0}` names no section or clause")]
    UnknownReference(String),
    #[error("line {line}: {what} does not belong into a document")]
    Unsupported { line: usize, what: &'static str },
    #[error("the text is longer than {0} octets")]
    TooLong(usize),
}

/// The lines at the top of a text, before values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front<'a> {
    pub(super) kind: &'a str,
    pub(super) title: &'a str,
    pub(super) number: &'a str,
    pub(super) version: &'a str,
    pub(super) language: Language,
    /// Line of the file at which the body starts, counted from 1.
    pub(super) body_line: usize,
    pub(super) body: &'a str,
}

/// Reads one text with these values.
pub fn read(source: &str, values: &impl Serialize) -> Result<Document, DocumentFault> {
    let front = front(source)?;
    let values = Value::from(Serde(values));
    let plain = environment(false);
    let body = expand(&environment(true), front.body, &values, front.body_line)?;
    let blocks = parse::blocks(&body, front.language, front.body_line)?;
    Ok(Document {
        kind: front.kind.to_owned(),
        title: expand(&plain, front.title, &values, 1)?,
        number: expand(&plain, front.number, &values, 1)?,
        version: front.version.to_owned(),
        language: front.language,
        blocks,
    })
}

/// The placeholders of a text, dotted, sorted.
pub fn placeholders(source: &str) -> Result<Vec<String>, DocumentFault> {
    let front = front(source)?;
    let environment = environment(true);
    let mut names = Vec::new();
    let parts = [(front.title, 1), (front.number, 1), (front.body, front.body_line)];
    for (part, line) in parts {
        let template = environment.template_from_str(part);
        let template = template.map_err(|error| fault(&error, line))?;
        names.extend(template.undeclared_variables(true));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

pub(super) fn front(source: &str) -> Result<Front<'_>, DocumentFault> {
    if source.len() > SOURCE_OCTETS_MAX {
        return Err(DocumentFault::TooLong(SOURCE_OCTETS_MAX));
    }
    let bad = |why: &str| DocumentFault::FrontMatter(why.to_owned());
    let rest = source.strip_prefix("---\n").ok_or_else(|| bad("it does not"))?;
    let (head, body) = rest.split_once("\n---\n").ok_or_else(|| bad("the end is missing"))?;
    let mut front = Front {
        kind: "",
        title: "",
        number: "",
        version: "",
        language: Language::English,
        body_line: head.lines().count() + 3,
        body,
    };
    let mut has_language = false;
    for line in head.lines() {
        let (key, value) =
            line.split_once(':').ok_or_else(|| bad(&format!("`{line}` has no colon")))?;
        let value = value.trim();
        match key.trim() {
            "kind" => front.kind = value,
            "title" => front.title = value,
            "number" => front.number = value,
            "version" => front.version = value,
            "language" => {
                front.language = Language::from_code(value)
                    .ok_or_else(|| bad(&format!("language `{value}` is not pl or en")))?;
                has_language = true;
            }
            key => return Err(bad(&format!("key `{key}` is unknown"))),
        }
    }
    if front.kind.is_empty() || front.title.is_empty() || front.version.is_empty() || !has_language
    {
        return Err(bad("kind, title, version and language must be there"));
    }
    Ok(front)
}

fn environment(is_markdown: bool) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_recursion_limit(32);
    // `{#` is where the name of a heading begins, so comments are `{* *}`.
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).comment_delimiters("{*", "*}");
    environment.set_syntax(syntax.build().expect("the delimiters differ"));
    environment.set_formatter(move |out, state, value| {
        if value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        let clean = clean(&value.to_string());
        Ok(out.write_str(&if is_markdown { escape(&clean) } else { clean })?)
    });
    environment
}

fn expand(
    environment: &Environment<'_>,
    source: &str,
    values: &Value,
    line: usize,
) -> Result<String, DocumentFault> {
    let template = environment.template_from_str(source).map_err(|error| fault(&error, line))?;
    let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    names.sort();
    if let Some(name) = names.into_iter().find(|name| !has_value(values, name)) {
        return Err(DocumentFault::UnknownPlaceholder { name });
    }
    let text = template.render(values.clone()).map_err(|error| fault(&error, line))?;
    if text.len() > EXPANDED_OCTETS_MAX {
        return Err(DocumentFault::TooLong(EXPANDED_OCTETS_MAX));
    }
    Ok(text)
}

/// The engine does not name what it misses, so each name is looked up beforehand.
pub(super) fn has_value(values: &Value, name: &str) -> bool {
    let mut at = values.clone();
    for part in name.split('.') {
        match at.get_attr(part) {
            Ok(next) if !next.is_undefined() => at = next,
            _ => return false,
        }
    }
    true
}

fn fault(error: &minijinja::Error, first_line: usize) -> DocumentFault {
    let line = error.line().unwrap_or(1) + first_line - 1;
    let why = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    DocumentFault::Template { line, why }
}

/// One line without control characters: nothing that a form lets in may break a line of a text.
fn clean(value: &str) -> String {
    let words: Vec<&str> = value
        .split(|letter: char| letter.is_whitespace() && letter != '\u{a0}' || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// A backslash before every sign that Markdown could read.
fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 8);
    for letter in value.chars() {
        if letter.is_ascii_punctuation() {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tree::{Block, Item, words};
    use super::*;

    const HEAD: &str = "---\nkind: nda\ntitle: T {{ a.b }}\nversion: 1\nlanguage: en\n---\n";

    fn text(body: &str) -> String {
        format!("{HEAD}{body}")
    }

    #[test]
    fn a_placeholder_without_a_value_is_named() {
        let values = json!({ "a": { "b": "x" } });
        for (body, name) in [
            ("{{ a.c }}", "a.c"),
            ("{{ company.legal_name }}", "company.legal_name"),
            ("{% if a.d %}x{% endif %}", "a.d"),
        ] {
            let fault = read(&text(body), &values).unwrap_err();
            assert_eq!(fault, DocumentFault::UnknownPlaceholder { name: name.to_owned() });
        }
        assert!(read(&text("{{ a.b }}"), &values).is_ok());
    }

    #[test]
    fn a_line_of_a_loop_without_a_value_is_an_error_at_its_line() {
        let values = json!({ "a": { "b": "x" }, "rows": [{ "net": 1 }] });
        let body = "\n{% for row in rows %}\n{{ row.gross }}\n{% endfor %}\n";
        let fault = read(&text(body), &values).unwrap_err();
        assert!(matches!(fault, DocumentFault::Template { line: 9, .. }), "{fault:?}");
    }

    #[test]
    fn a_value_is_never_markdown() {
        let evil = "1. *A* | [B](https://c) <b> `d` \\ # ::: e\r\n\r\n- f\n\n## g\u{0}";
        let values = json!({ "a": { "b": evil } });
        let document = read(&text("{{ a.b }}\n"), &values).unwrap();
        let expected = "1. *A* | [B](https://c) <b> `d` \\ # ::: e - f ## g";
        assert_eq!(document.title, format!("T {expected}"));
        let [Block::Paragraph(spans)] = document.blocks.as_slice() else {
            panic!("{:?}", document.blocks)
        };
        assert_eq!(words(spans), expected);
        assert!(spans.iter().all(|span| !span.is_italic && span.link.is_none()));
        let table = "| x | y |\n|---|---|\n| {{ a.b }} | z |\n";
        let document = read(&text(table), &values).unwrap();
        let [Block::Table(table)] = document.blocks.as_slice() else {
            panic!("{:?}", document.blocks)
        };
        assert_eq!(words(&table.rows[0][0]), expected);
        assert_eq!(words(&table.rows[0][1]), "z");
    }

    #[test]
    fn front_matter_that_lacks_something_is_refused() {
        for (source, part) in [
            ("# T\n", "does not"),
            ("---\nkind: a\n", "end"),
            ("---\nkind: a\ntitle: b\nversion: 1\n---\n", "language"),
            ("---\nkind: a\ntitle: b\nversion: 1\nlanguage: de\n---\n", "`de`"),
            ("---\nkind: a\ncolour: red\n---\n", "`colour`"),
            ("---\nkind\n---\n", "colon"),
        ] {
            let fault = read(source, &json!({})).unwrap_err().to_string();
            assert!(fault.contains(part), "{source:?}: {fault}");
        }
    }

    fn walk(items: &[Item], labels: &mut Vec<String>, refs: &mut Vec<String>) {
        for item in items {
            labels.push(item.label.clone());
            for block in &item.blocks {
                match block {
                    Block::Items(items) => walk(items, labels, refs),
                    Block::Paragraph(spans) => refs.push(words(spans)),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn clauses_are_numbered_across_paragraphs_and_named_where_they_are_referred_to() {
        let body = "## One {#one}\n\n1. A\n   1. B\n   2. C\n\nbetween\n\n1. D [](#two)\n\n\
                    ## Two {#two}\n\n1. E [](#one/1/2)\n";
        let values = json!({ "a": { "b": "x" } });
        let document = read(&text(body), &values).unwrap();
        let mut labels = Vec::new();
        let mut refs = Vec::new();
        for block in &document.blocks {
            if let Block::Items(items) = block {
                walk(items, &mut labels, &mut refs);
            }
        }
        assert_eq!(labels, ["1.1", "(a)", "(b)", "1.2", "2.1"]);
        assert_eq!(refs[3], "D clause\u{a0}2");
        assert_eq!(refs[4], "E clause\u{a0}1.1(b)");
        for wrong in ["[](#three)", "[](#two/2)", "[](#one/1/3)"] {
            let fault = read(&text(&format!("{body}\n{wrong}\n")), &values).unwrap_err();
            assert!(matches!(fault, DocumentFault::UnknownReference(_)), "{wrong}: {fault:?}");
        }
    }
}
