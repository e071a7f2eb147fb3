//! The one way out: text for people or JSON for programs, to a pipe that may close at any time.
//!
//! What surprises: a closed pipe is no mistake. `bramka message trace 1 | head -1` ends quietly
//! and with success, so after the first failed write everything else is swallowed.

use std::io::{IsTerminal as _, Write};

use serde::Serialize;
use serde_json::{Value, json};

/// Where a command writes.
pub struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    is_json: bool,
    is_terminal: bool,
    is_closed: bool,
}

impl Output {
    /// Standard output and standard error of this process.
    pub fn of_process() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { is_terminal, ..Self::new(Box::new(std::io::stdout()), Box::new(std::io::stderr())) }
    }

    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { out, err, is_json: false, is_terminal: false, is_closed: false }
    }

    pub(crate) fn use_json(&mut self, is_json: bool) {
        self.is_json = is_json;
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Nobody reads any more: an endless command ends.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// One result: a document for programs, a text for people.
    pub(crate) fn show(&mut self, value: &impl Serialize, text: &str) {
        if self.is_json {
            self.document(value);
        } else {
            self.line(text);
        }
    }

    /// Rows under headings, or one JSON list of them.
    pub(crate) fn rows(&mut self, rows: &[Value], columns: &[&str]) {
        if self.is_json {
            self.document(&rows);
        } else if rows.is_empty() {
            self.line("none");
        } else {
            self.line(&table(rows, columns));
        }
    }

    /// One thing with all its fields.
    pub(crate) fn card(&mut self, value: &Value) {
        if self.is_json {
            self.document(value);
            return;
        }
        let fields: Vec<(&String, &Value)> = value.as_object().into_iter().flatten().collect();
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in fields {
            let name = name.replace('_', " ");
            self.line(&format!("{name:<width$}  {}", cell(value)));
        }
    }

    /// One JSON document on one line: also the form of every line of an endless answer.
    pub(crate) fn document(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.complain(&format!("no JSON: {error}"), 1),
        }
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.raw(&format!("{text}\n"));
    }

    pub(crate) fn raw(&mut self, text: &str) {
        if self.is_closed {
            return;
        }
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.is_closed = written.is_err();
    }

    /// Something for the eyes beside the result; never part of it.
    pub(crate) fn remark(&mut self, text: &str) {
        if self.err.write_all(format!("{text}\n").as_bytes()).is_err() {
            self.is_closed = true;
        }
    }

    /// Why a command ends as it does.
    pub(crate) fn complain(&mut self, text: &str, exit: i32) {
        if self.is_json {
            self.remark(&json!({ "error": text, "exit": exit }).to_string());
        } else {
            self.remark(&format!("bramka: {text}"));
        }
    }
}

fn table(rows: &[Value], columns: &[&str]) -> String {
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|name| name.replace('_', " ").to_uppercase()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|name| cell(&row[*name])).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|place| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0))
        .collect();
    let is_number = |place: usize| rows.iter().all(|row| row[columns[place]].is_number());
    let mut text: Vec<String> = Vec::with_capacity(lines.len());
    for line in &lines {
        let mut cells: Vec<String> = Vec::with_capacity(line.len());
        for (place, cell) in line.iter().enumerate() {
            let width = widths[place];
            cells.push(if is_number(place) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            });
        }
        text.push(cells.join("  ").trim_end().to_owned());
    }
    text.join("\n")
}

/// A value on a terminal: peers choose some of these texts, so nothing may steer the terminal.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => {
            text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
        }
        Value::Number(number) => number.to_string(),
        Value::Array(list) if list.is_empty() => "-".to_owned(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", cell(value)));
            let text = fields.collect::<Vec<_>>().join(", ");
            if text.is_empty() { "-".to_owned() } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_swallows_the_rest_quietly() {
        let mut out = Output::new(Box::new(Closed), Box::new(std::io::sink()));
        out.line("one");
        assert!(out.is_closed());
        out.line("two");
    }

    #[test]
    fn a_table_lines_up_and_numbers_stand_to_the_right() {
        let rows = [json!({ "name": "acme", "n": 5 }), json!({ "name": "b", "n": 120 })];
        assert_eq!(table(&rows, &["name", "n"]), "NAME    N\nacme    5\nb     120");
    }

    #[test]
    fn a_peers_text_cannot_steer_the_terminal() {
        assert_eq!(cell(&json!("a\u{1b}[2Jb\n")), "a\u{fffd}[2Jb\u{fffd}");
    }
}
