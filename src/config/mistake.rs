//! What is wrong with a configuration, and how that is laid out for a human.
//!
//! It finds no mistakes itself. The surprise: values are cut and cleaned before they are shown,
//! because a configuration file can hold anything, and the text ends on a terminal.

use std::fmt::{self, Write as _};

const VALUE_SHOWN_MAX: usize = 40;

/// One thing to correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// File as the user named it, or `environment`.
    pub source: String,
    /// Counted from 1; nothing when what is wrong is that a key is missing.
    pub line: Option<usize>,
    /// Dotted path with index: `smsc_link[0].window`; empty for the whole file.
    pub path: String,
    /// What the file says, where showing it helps and gives nothing away.
    pub value: Option<String>,
    /// What is wrong and what would be right.
    pub text: String,
}

/// Every mistake found, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub(crate) Vec<Mistake>);

impl Mistakes {
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sources: Vec<&str> = Vec::new();
        for mistake in &self.0 {
            if !sources.contains(&mistake.source.as_str()) {
                sources.push(&mistake.source);
            }
        }
        for (index, source) in sources.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write_source(f, source, self.0.iter().filter(|m| m.source == *source))?;
        }
        Ok(())
    }
}

fn write_source<'a>(
    f: &mut fmt::Formatter<'_>,
    source: &str,
    mistakes: impl Iterator<Item = &'a Mistake>,
) -> fmt::Result {
    let mut rows: Vec<(usize, String, &str)> =
        mistakes.map(|m| (m.line.unwrap_or(usize::MAX), subject(m), m.text.as_str())).collect();
    rows.sort_by_key(|(line, ..)| *line);

    let count = rows.len();
    write!(f, "{source}: {count} mistake{}", if count == 1 { "" } else { "s" })?;
    // A single very long subject must not push every text out of the window.
    let width = rows.iter().map(|(_, subject, _)| subject.chars().count()).max().unwrap_or(0);
    let width = width.min(44);
    for (line, subject, text) in rows {
        let line = if line == usize::MAX { "      -".into() } else { format!("line {line:<2}") };
        write!(f, "\n  {line:<7}  {subject:<width$}  {text}")?;
    }
    Ok(())
}

fn subject(mistake: &Mistake) -> String {
    let mut subject = clean(&mistake.path);
    if let Some(value) = &mistake.value {
        let _infallible = write!(subject, " = {}", clean(value));
    }
    subject
}

/// Text from a file, safe and short enough for a terminal.
pub(crate) fn clean(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(VALUE_SHOWN_MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().count() > VALUE_SHOWN_MAX {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(line: usize, path: &str, value: Option<&str>, text: &str) -> Mistake {
        Mistake {
            source: "config/bramka.toml".into(),
            line: Some(line),
            path: path.into(),
            value: value.map(Into::into),
            text: text.into(),
        }
    }

    #[test]
    fn mistakes_are_laid_out_in_columns_in_the_order_of_the_file() {
        let mistakes = Mistakes(vec![
            mistake(22, "http.lisen", None, "unknown key; did you mean `listen`?"),
            mistake(14, "smsc_link[0].window", Some("0"), "must be 1 to 1000"),
        ]);
        assert_eq!(
            mistakes.to_string(),
            "config/bramka.toml: 2 mistakes\n\
             \x20 line 14  smsc_link[0].window = 0  must be 1 to 1000\n\
             \x20 line 22  http.lisen               unknown key; did you mean `listen`?"
        );
    }

    #[test]
    fn a_value_cannot_write_to_the_terminal() {
        let shown = Mistakes(vec![mistake(1, "node.name", Some("\u{1b}[2J\u{9b}1m"), "no")]);
        assert!(!shown.to_string().contains(['\u{1b}', '\u{9b}']));
        assert_eq!(clean(&"x".repeat(100)).len(), VALUE_SHOWN_MAX + 3);
    }
}
