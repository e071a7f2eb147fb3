//! Reads the source tree as the rules see it: code without comments and literals, and which of it
//! is only compiled for tests.
//!
//! It is no parser: it knows comments, literals and matching braces, which is all that the rules
//! need. Every blanked octet becomes a space, so that an offset means the same in every view.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/`.
pub(super) struct Source {
    /// From the root of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and the insides of literals blanked.
    pub(super) code: String,
    /// Lines, counted from 0, that hold a comment.
    pub(super) commented: BTreeSet<usize>,
    /// Compiled only for tests, as a whole.
    pub(super) is_test: bool,
    /// Octets of items under `#[cfg(test)]`.
    tests: Vec<(usize, usize)>,
}

impl Source {
    pub(super) fn new(path: String, text: String) -> Self {
        let (code, commented) = blanked(&text);
        let tests = test_items(&code);
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_test = name == "tests.rs" || name.ends_with("_tests.rs") || path.contains("/tests/");
        Self { path, text, code, commented, is_test, tests }
    }

    /// The line, counted from 1, of an octet.
    pub(super) fn line(&self, at: usize) -> usize {
        self.code[..at].split('\n').count()
    }

    /// Whether an octet is compiled only for tests.
    pub(super) fn in_test(&self, at: usize) -> bool {
        self.is_test || self.tests.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    /// Where `word` stands in code.
    pub(super) fn all(&self, word: &str) -> Vec<usize> {
        self.code.match_indices(word).map(|(at, _)| at).collect()
    }

    /// The module that the file belongs to; none for `lib.rs` and `main.rs`.
    pub(super) fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?.trim_end_matches(".rs");
        (!matches!(first, "lib" | "main")).then_some(first)
    }

    /// How many `super::` lead from the file to the crate.
    pub(super) fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let parts: Vec<&str> = inside.split('/').collect();
        parts.len() - usize::from(parts.last() == Some(&"mod"))
    }

    /// Files that `#[cfg(test)] mod name;` makes tests of, as prefixes of paths.
    fn test_modules(&self) -> Vec<String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or_default();
        let stem = file.trim_end_matches(".rs");
        let below = match stem {
            "mod" | "lib" | "main" => folder.to_owned(),
            stem => format!("{folder}/{stem}"),
        };
        let mut found = Vec::new();
        for (from, to) in &self.tests {
            let (code, text) = (&self.code[*from..*to], &self.text[*from..*to]);
            let Some(name) = code.split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';'))
            else {
                continue;
            };
            let named = text.split("#[path = \"").nth(1).and_then(|rest| rest.split('"').next());
            found.push(named.map_or_else(
                || format!("{below}/{}", name.trim()),
                |path| format!("{folder}/{}", path.trim_end_matches(".rs")),
            ));
        }
        found
    }
}

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, sorted, without build output and history.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            let skipped = folder == root() && (name == "target" || name == ".git");
            if entry.file_type().unwrap().is_dir() {
                open.extend((!skipped).then_some(path));
            } else if !skipped {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as the messages show it.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")
}

/// Every Rust file below `src/`.
pub(super) fn sources() -> Vec<Source> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let mut sources: Vec<Source> = files_below(&root().join("src"))
        .into_iter()
        .filter(rust)
        .map(|path| Source::new(shown(&path), fs::read_to_string(&path).unwrap()))
        .collect();
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        let below = |test: &String| stem == test || stem.starts_with(&format!("{test}/"));
        source.is_test |= tests.iter().any(below);
    }
    sources
}

/// A table of exceptions by path.
pub(super) fn table(rows: &'static [(&'static str, &'static str)]) -> BTreeSet<&'static str> {
    for (path, reason) in rows {
        assert!(reason.len() > 10, "the exception for {path} gives no reason");
    }
    rows.iter().map(|(path, _)| *path).collect()
}

/// The end of a quoted literal that starts at `at` with its quote.
fn quoted_end(octets: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < octets.len() && octets[end] != octets[at] {
        end += 1 + usize::from(octets[end] == b'\\');
    }
    end.min(octets.len() - 1)
}

/// The end of a raw literal, if one starts at `at` with its `r`.
fn raw_end(octets: &[u8], at: usize) -> Option<usize> {
    let hashes = octets[at + 1..].iter().take_while(|octet| **octet == b'#').count();
    let ident = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'_';
    let before = at.checked_sub(1).map_or(b' ', |before| octets[before]);
    if octets.get(at + 1 + hashes) != Some(&b'"') || (ident(before) && before != b'b') {
        return None;
    }
    let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let from = at + 2 + hashes;
    let length = octets[from..].windows(close.len()).position(|window| window == close)?;
    Some(from + length + close.len() - 1)
}

/// The end of a comment that nests, from its `/*`.
fn block_end(octets: &[u8], at: usize) -> usize {
    let (mut depth, mut end) = (0, at);
    while end + 1 < octets.len() {
        match &octets[end..end + 2] {
            b"/*" => (depth, end) = (depth + 1, end + 2),
            b"*/" => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            return end - 1;
        }
    }
    octets.len() - 1
}

/// Code without comments and insides of literals, and the lines that hold comments.
fn blanked(text: &str) -> (String, BTreeSet<usize>) {
    let octets = text.as_bytes();
    let mut code = octets.to_vec();
    let (mut commented, mut line, mut at) = (BTreeSet::new(), 0, 0);
    while at < octets.len() {
        let comment = octets[at] == b'/' && matches!(octets.get(at + 1), Some(b'/' | b'*'));
        let end = match octets[at] {
            b'/' if comment && octets[at + 1] == b'/' => {
                at + text[at..].find('\n').unwrap_or(octets.len() - at) - 1
            }
            b'/' if comment => block_end(octets, at),
            b'r' => raw_end(octets, at).unwrap_or(at),
            b'"' => quoted_end(octets, at),
            // A quote that closes after one character, or after an escape, is no lifetime.
            b'\'' if octets.get(at + 1) == Some(&b'\\') => quoted_end(octets, at),
            b'\'' => text[at + 1..]
                .char_indices()
                .nth(1)
                .filter(|(_, second)| *second == '\'')
                .map_or(at, |(length, _)| at + 1 + length),
            _ => at,
        };
        for octet in at..=end {
            if octets[octet] == b'\n' {
                line += 1;
            } else if end > at {
                code[octet] = b' ';
            }
            if comment {
                commented.insert(line);
            }
        }
        at = end + 1;
    }
    for octet in &mut code {
        if !octet.is_ascii() {
            *octet = b' ';
        }
    }
    (String::from_utf8(code).expect("only ASCII is left"), commented)
}

/// Items under `#[cfg(test)]`, from the attribute to the closing brace or semicolon.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut items: Vec<(usize, usize)> = Vec::new();
    for (from, _) in code.match_indices("#[cfg(test)]") {
        let mut depth = 0_usize;
        for (offset, octet) in code[from..].bytes().enumerate() {
            match octet {
                b'{' | b'(' | b'[' => depth += 1,
                b'}' | b')' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(octet, b'}' | b';') {
                items.push((from, from + offset + 1));
                break;
            }
        }
    }
    items
}

#[test]
fn the_reader_tells_code_from_comments_literals_and_tests() {
    let text = "//! Doc.\nfn a() { b(\"// no\", '\"', r#\"crate::x\"#); } // yes\n\
                /* one\n two */ fn c<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests { fn d() {} }\n\
                fn e() {}\n#[cfg(test)]\n#[path = \"f_tests.rs\"]\nmod f;\n";
    let source = Source::new("src/g/h.rs".into(), text.into());
    assert_eq!(source.commented, BTreeSet::from([0, 1, 2, 3]));
    assert!(!source.code.contains("crate::x") && !source.code.contains("no"), "{}", source.code);
    assert_eq!(source.code.len(), text.len());
    let place = |word: &str| source.all(word)[0];
    assert!(source.in_test(place("fn d")) && !source.in_test(place("fn e")));
    assert!(!source.in_test(place("fn c<'a>")));
    assert_eq!(source.line(place("fn e")), 7);
    assert_eq!(source.test_modules(), ["src/g/f_tests"]);
    assert_eq!((source.module(), source.depth()), (Some("g"), 2));
}
