//! Every key of the configuration does something: outside of `config` there is code that reads it.

use std::collections::BTreeSet;

use super::nothing_broken;
use super::source::{sources, table};

/// Keys that methods of the configuration itself read, for others.
const READ_INSIDE: &[(&str, &str)] = &[
    ("insecure_admin_listen", "the check of the configuration allows what it names"),
    ("permanent_status", "asked for as codes, by `SmscLink::permanent_codes`"),
    ("plain_from", "asked for by address, by `SmppServer::allows_plain`"),
    ("safe_status", "asked for as codes, by `SmscLink::safe_codes`"),
    ("url_file", "asked for as the URL that it holds, by `Config::store_url`"),
];

#[test]
fn every_key_is_read_by_the_program() {
    let inside = table(READ_INSIDE);
    let sources = sources();
    let outside: Vec<_> = sources
        .iter()
        .filter(|source| !source.is_test && !source.path.starts_with("src/config/"))
        .collect();
    let is_read = |key: &str| {
        let plain = format!(".{key}");
        let escaped = format!(".r#{key}");
        outside.iter().any(|source| {
            [&plain, &escaped].into_iter().any(|word| {
                source.all(word).into_iter().any(|at| {
                    let next = source.code[at + word.len()..].chars().next();
                    let ends = next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
                    ends && !source.in_test(at)
                })
            })
        })
    };
    let mut broken = Vec::new();
    for key in keys() {
        match (is_read(&key), inside.contains(key.as_str())) {
            (false, false) => {
                broken.push(format!("{key}: nothing reads it; make it work or strike it"));
            }
            (true, true) => broken.push(format!("{key}: it is read outside; strike the exception")),
            _ => {}
        }
    }
    let keys = keys();
    for key in inside.iter().filter(|key| !keys.contains(**key)) {
        broken.push(format!("{key}: there is no such key; strike the exception"));
    }
    nothing_broken("keys that are read", &broken);
}

/// The keys of the shipped sample, which its own test keeps true.
fn keys() -> BTreeSet<String> {
    let sample = include_str!("../../../config/bramka.toml");
    let keys: BTreeSet<String> = sample
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once(" = "))
        .map(|(key, _)| key.to_owned())
        .filter(|key| {
            key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
        .collect();
    assert!(keys.len() > 100, "the sample has keys");
    keys
}
