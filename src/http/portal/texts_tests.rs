//! Both languages say the same, every text is used, and every used text is there.
//!
//! It reads the Fluent files as lines and the sources as words in quotes: no macro, no parser.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::*;

/// Keys of one file, with those of attributes as `key.attribute`, and the values they need.
fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            key = line.split_once('=').expect(line).0.trim().to_owned();
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} twice");
        } else if let Some(attribute) = line.trim_start().strip_prefix('.') {
            let name = attribute.split_once('=').expect(line).0.trim();
            found.insert(format!("{key}.{name}"), BTreeSet::new());
        }
        for piece in line.split('$').skip(1) {
            let name: String = piece.chars().take_while(char::is_ascii_alphanumeric).collect();
            found.get_mut(&key).expect(line).insert(name);
        }
    }
    found
}

#[test]
fn both_languages_say_the_same_things() {
    for (area, english, polish) in AREAS {
        assert_eq!(keys(english), keys(polish), "{area}");
        for (key, text) in [english, polish].into_iter().flat_map(|text| keys(text)).zip(0..) {
            assert!(key.0.starts_with(&format!("{area}-")), "{} in {area} ({text})", key.0);
        }
        for text in [english, polish] {
            let parsed = FluentResource::try_new((*text).to_owned());
            assert!(parsed.is_ok(), "{area}: {:?}", parsed.err().map(|(_, wrong)| wrong));
        }
    }
}

/// Templates and sources of the HTTP edge, without tests.
fn users() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let (mut open, mut found) = (vec![root], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let has = |ending: &str| path.extension().is_some_and(|found| found == ending);
            if path.is_dir() {
                open.extend((name != "tests").then_some(path));
            } else if (has("rs") || has("html")) && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.lines().filter(|line| !line.trim_start().starts_with("//!"));
                found.push((path, text.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    found
}

#[test]
fn every_key_is_used_and_every_used_key_is_known() {
    let mut known: BTreeMap<String, bool> = AREAS
        .iter()
        .flat_map(|(_, english, _)| keys(english).into_keys())
        .filter(|key| !key.contains('.'))
        .map(|key| (key, false))
        .collect();
    let areas: Vec<String> = AREAS.iter().map(|(area, ..)| format!("{area}-")).collect();
    let mut unknown = Vec::new();
    for (path, text) in users() {
        // Words in quotes that look like a key: an area, a hyphen, small letters.
        for word in text.split('"').skip(1) {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !word.chars().all(is_plain) || !areas.iter().any(|area| word.starts_with(area)) {
                continue;
            }
            if word.ends_with('-') {
                // The rest of the key is a word of the code, such as a state.
                known
                    .iter_mut()
                    .filter(|(key, _)| key.starts_with(word))
                    .for_each(|(_, used)| *used = true);
            } else if let Some(used) = known.get_mut(word) {
                *used = true;
            } else {
                unknown.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "keys without a text: {unknown:#?}");
    let unused: Vec<_> = known.into_iter().filter(|(_, used)| !used).map(|(key, _)| key).collect();
    assert!(unused.is_empty(), "texts that nothing says: {unused:#?}");
}

#[test]
fn polish_counts_in_three_forms() {
    let count = |n| t(Language::Polish, "lists-count", &[("count", Value::Count(n))]);
    assert_eq!(
        [0, 1, 2, 5, 22, 112].map(count),
        ["Brak wyników", "1 wynik", "2 wyniki", "5 wyników", "22 wyniki", "112 wyników"]
    );
}

#[test]
fn polish_is_shown_only_to_those_who_prefer_it() {
    let of = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
        Language::wanted(&headers)
    };
    assert_eq!(Language::wanted(&HeaderMap::new()), Language::English);
    assert_eq!(of("pl"), Language::Polish);
    assert_eq!(of("pl-PL,pl;q=0.9,en;q=0.8"), Language::Polish);
    assert_eq!(of("en-GB, pl;q=0.9"), Language::English);
    assert_eq!(of("de, *;q=0.1"), Language::English);
    assert_eq!(of("pl;q=rubbish"), Language::English);
}
