//! Fills a text in: subject, plain body, and an HTML body made from the plain one.
//!
//! The HTML knows paragraphs, quotations and one button. What surprises: the button is marked with
//! characters that are taken out of all data, so that no applicant can put a button into a letter
//! that carries the operator's name.

use std::{borrow::Cow, collections::BTreeMap};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use super::{
    html::{ANCHOR, html},
    template::{KINDS, Kind, Templates, Type},
    words::{self, Language},
};
use crate::config;

/// A letter as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Around the label and the address of a button: characters for private use.
const BUTTON: [char; 3] = ['\u{e000}', '\u{e001}', '\u{e002}'];
/// Values are cut here: a name is no place for a book.
const TEXT_MAX: usize = 300;
const NOTE_MAX: usize = 10_000;
const SUBJECT_MAX: usize = 200;
const WORDS_MAX: usize = 50;
const WIDTH: usize = 76;
const HERE: &str = "http://localhost:8080";

/// Texts, and what is the same in all letters.
#[derive(Debug)]
pub struct Renderer {
    templates: Templates,
    environments: [Environment<'static>; 2],
    brand: String,
    /// Put before links that are paths.
    portal_url: String,
}

impl Renderer {
    pub fn new(templates: Templates, brand: &str, portal_url: &str) -> Self {
        Self {
            templates,
            environments: Language::ALL.map(environment),
            brand: line(brand, TEXT_MAX),
            portal_url: portal_url.trim_end_matches('/').to_owned(),
        }
    }

    /// With the brand and the address of the portal. Without an address, which only the sink
    /// allows, links lead to this machine.
    pub fn of_portal(templates: Templates, portal: &config::Portal) -> Self {
        let address = if portal.address.is_empty() { HERE } else { &portal.address };
        Self::new(templates, &portal.brand_name, address)
    }

    /// Fills the letter in. The error says what the data or the text lacks, never the data itself.
    pub fn render(&self, name: &str, language: Language, data: &Value) -> Result<Rendered, String> {
        let kind = Kind::named(name).ok_or_else(|| format!("no letter is called `{name}`"))?;
        kind.suffices(data)?;
        let text = self.templates.text(name, language).ok_or("its text is missing")?;
        let values = self.values(kind, data)?;
        let fill = |source: &str| self.fill(language, source, &values);
        let subject = line(&fill(&text.subject)?, SUBJECT_MAX);
        let footer = fill(self.templates.footer(language))?;
        let body = fill(&text.body)?;
        let blocks = blocks(&body);
        Ok(Rendered {
            text: plain(&blocks, &footer),
            html: html(language, &self.brand, &subject, &blocks, &footer),
            subject,
        })
    }

    fn fill(
        &self,
        language: Language,
        source: &str,
        values: &BTreeMap<&str, Value>,
    ) -> Result<String, String> {
        let environment = &self.environments[usize::from(language == Language::English)];
        let values = minijinja::Value::from(minijinja::value::Serde(values));
        environment.render_named_str("letter", source, values).map_err(|error| shown(&error))
    }

    /// The data with everything taken out that a letter must not hold.
    fn values(&self, kind: &Kind, data: &Value) -> Result<BTreeMap<&'static str, Value>, String> {
        let mut values = BTreeMap::from([("brand", Value::from(self.brand.as_str()))]);
        for variable in kind.variables {
            let given = data.get(variable.name).unwrap_or(&Value::Null);
            let value = match (given, variable.holds) {
                (Value::String(text), Type::Link) => Value::from(self.link(text)?),
                (Value::String(text), Type::Note | Type::Lines) => Value::from(note(text)),
                (Value::String(text), _) => Value::from(line(text, TEXT_MAX)),
                (Value::Array(list), _) => {
                    let words = list.iter().filter_map(Value::as_str).take(WORDS_MAX);
                    words.map(|word| line(word, TEXT_MAX)).collect()
                }
                (other, _) => other.clone(),
            };
            values.insert(variable.name, value);
        }
        Ok(values)
    }

    fn link(&self, link: &str) -> Result<String, String> {
        let whole = match link.strip_prefix('/') {
            Some(rest) => format!("{}/{rest}", self.portal_url),
            None => link.to_owned(),
        };
        let is_web = whole.starts_with("https://") || whole.starts_with("http://");
        let is_clean = whole.bytes().all(|octet| (0x21..0x7f).contains(&octet) && octet != b'"');
        (is_web && is_clean && whole.len() <= 1000)
            .then_some(whole)
            .ok_or_else(|| "its link is no web address".into())
    }

    /// All that is wrong with a set of texts.
    pub(super) fn complaints(templates: &Templates) -> Vec<String> {
        let renderer = Self::new(templates.clone(), "Bramka", "https://portal.example");
        let mut wrong = Vec::new();
        for language in Language::ALL {
            let file = |name: &str| format!("{name}.{}.txt", language.code());
            let footer = templates.footer(language);
            let unknown = renderer.unknown(language, footer, &[]);
            wrong.extend(unknown.into_iter().map(|text| format!("{}: {text}", file("footer"))));
            for kind in KINDS {
                wrong.extend(
                    renderer
                        .complaints_about(kind, language)
                        .into_iter()
                        .map(|text| format!("{}: {text}", file(kind.name))),
                );
            }
        }
        wrong
    }

    fn complaints_about(&self, kind: &Kind, language: Language) -> Vec<String> {
        // What has no parts was complained about when it was read.
        let Some(text) = self.templates.text(kind.name, language) else { return Vec::new() };
        let names: Vec<&str> = kind.variables.iter().map(|variable| variable.name).collect();
        let whole = format!("{}\n\n{}", text.subject, text.body);
        let mut wrong = self.unknown(language, &whole, &names);
        if !wrong.is_empty() {
            return wrong;
        }
        // Once with everything and once with only what is always there.
        let full = kind.sample();
        let mut least = full.clone();
        for variable in kind.variables.iter().filter(|variable| variable.is_optional) {
            least[variable.name] = Value::Null;
        }
        for data in [&full, &least] {
            match self.render(kind.name, language, data) {
                Ok(rendered) => {
                    let has_link = kind.variables.iter().any(|one| one.holds == Type::Link);
                    let buttons = rendered.html.matches(ANCHOR).count();
                    if buttons != usize::from(has_link) {
                        let text =
                            "must have `{{ button(\"...\", link) }}` on a line of its own, once";
                        wrong.push(if has_link { text.into() } else { "has a button".into() });
                    }
                }
                Err(text) => wrong.push(text),
            }
        }
        wrong.dedup();
        wrong
    }

    /// Syntax errors and variables that the letter is not told.
    fn unknown(&self, language: Language, source: &str, names: &[&str]) -> Vec<String> {
        let environment = &self.environments[usize::from(language == Language::English)];
        match environment.template_from_named_str("letter", source) {
            Ok(template) => {
                let used = template.undeclared_variables(false);
                let is_known =
                    |name: &str| names.contains(&name) || ["brand", "button"].contains(&name);
                let mut unknown: Vec<String> = used
                    .into_iter()
                    .filter(|name| !is_known(name))
                    .map(|name| format!("`{name}` is not known to this letter"))
                    .collect();
                unknown.sort();
                unknown
            }
            Err(error) => vec![shown(&error)],
        }
    }
}

/// One language's filters.
fn environment(language: Language) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Plain text; the HTML is made, and escaped, from the finished text.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let wrong = |what: &'static str| Error::new(ErrorKind::InvalidOperation, what);
    environment.add_filter("date", move |at: i64| {
        words::date(language, at).ok_or_else(|| wrong("is no date"))
    });
    environment.add_filter("moment", move |at: i64| {
        words::moment(language, at).ok_or_else(|| wrong("is no date"))
    });
    environment.add_filter("day", move |day: Cow<'_, str>| {
        words::day(language, &day).ok_or_else(|| wrong("is no day"))
    });
    environment.add_filter("word", move |code: Cow<'_, str>| words::word(language, &code));
    environment.add_filter("words", move |codes: Vec<String>| {
        codes.iter().map(|code| words::word(language, code)).collect::<Vec<_>>().join(", ")
    });
    environment.add_filter("quoted", |text: Cow<'_, str>| {
        text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
    });
    environment.add_filter("lines", |text: Cow<'_, str>| text.trim().to_owned());
    environment.add_function("button", |label: Cow<'_, str>, link: Cow<'_, str>| {
        format!("{}{label}{}{link}{}", BUTTON[0], BUTTON[1], BUTTON[2])
    });
    environment
}

/// What a template's author is told.
fn shown(error: &Error) -> String {
    let place = error.line().map_or_else(String::new, |line| format!("line {line}: "));
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    format!("{place}{}{detail}", error.kind())
}

/// One line without anything that a mail header or a button could be made of.
fn line(text: &str, max: usize) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace() || is_trick(c));
    let joined: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let joined = joined.join(" ");
    // Anybody may apply under any name: one that is a link would be a letter in our name.
    let joined = joined.replace("://", ": //");
    joined.chars().take(max).collect()
}

fn note(text: &str) -> String {
    let clean = text.replace("\r\n", "\n");
    let clean = clean.chars().filter(|c| *c == '\n' || !(c.is_control() || is_trick(*c)));
    clean.take(NOTE_MAX).collect()
}

/// Marks of buttons, and characters that turn the direction of writing round.
fn is_trick(c: char) -> bool {
    BUTTON.contains(&c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A piece of a letter between empty lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph(Vec<String>),
    Quote(Vec<String>),
    Button { label: String, link: String },
}

fn blocks(body: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut last_was_empty = true;
    for line in body.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            last_was_empty = true;
            continue;
        }
        let button = line.strip_prefix(BUTTON[0]).and_then(|rest| rest.strip_suffix(BUTTON[2]));
        if let Some((label, link)) = button.and_then(|inside| inside.split_once(BUTTON[1])) {
            blocks.push(Block::Button { label: label.to_owned(), link: link.to_owned() });
            last_was_empty = true;
            continue;
        }
        // A mark inside a line makes no button.
        let line: String = line.chars().filter(|c| !BUTTON.contains(c)).collect();
        let quoted = line.strip_prefix('>').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        match (quoted, blocks.last_mut()) {
            (Some(quoted), Some(Block::Quote(lines))) => lines.push(quoted.to_owned()),
            (Some(quoted), _) => blocks.push(Block::Quote(vec![quoted.to_owned()])),
            (None, Some(Block::Paragraph(lines))) if !last_was_empty => lines.push(line),
            (None, _) => blocks.push(Block::Paragraph(vec![line])),
        }
        last_was_empty = false;
    }
    blocks
}

fn plain(blocks: &[Block], footer: &str) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(blocks.len() + 1);
    for block in blocks {
        parts.push(match block {
            Block::Paragraph(lines) => {
                lines.iter().map(|line| wrapped(line, "")).collect::<Vec<_>>().join("\n")
            }
            Block::Quote(lines) => {
                lines.iter().map(|line| wrapped(line, "> ")).collect::<Vec<_>>().join("\n")
            }
            // An address is never broken.
            Block::Button { label, link } => format!("{label}:\n{link}"),
        });
    }
    // The mark after which mail programs show a signature. [RFC 3676 s4.3]
    let footer: Vec<String> = footer.trim().lines().map(|line| wrapped(line, "")).collect();
    parts.push(format!("-- \n{}", footer.join("\n")));
    parts.join("\n\n") + "\n"
}

fn wrapped(line: &str, prefix: &str) -> String {
    let mut out = prefix.to_owned();
    let mut width = prefix.len();
    for (place, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if place > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(prefix);
            width = prefix.len();
        } else if place > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
