//! Where what the program is built of comes from, and under which licences. It reads `.deny.toml`,
//! so that one list serves these tests and `cargo deny`; advisories need a network and are left to
//! that tool.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::nothing_broken;
use super::source::root;

/// Where every package comes from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn policy() -> toml::Table {
    fs::read_to_string(root().join(".deny.toml")).unwrap().parse().unwrap()
}

/// Licences that `.deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let names = policy()["licenses"]["allow"].as_array().unwrap().clone();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Whether a licence expression can be met by what is allowed.
///
/// `AND` binds tighter than `OR`; old manifests write `/` for `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (is_met, rest) = any_of(&words, allowed);
    assert!(rest.is_empty(), "`{expression}` does not read as a licence expression");
    is_met
}

fn any_of<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut is_met, mut rest) = all_of(words, allowed);
    while let ["OR", after @ ..] = rest {
        let (other, after) = all_of(after, allowed);
        (is_met, rest) = (is_met || other, after);
    }
    (is_met, rest)
}

fn all_of<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut is_met, mut rest) = one(words, allowed);
    while let ["AND", after @ ..] = rest {
        let (other, after) = one(after, allowed);
        (is_met, rest) = (is_met && other, after);
    }
    (is_met, rest)
}

fn one<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inner @ ..] => {
            let (is_met, rest) = any_of(inner, allowed);
            assert_eq!(rest.first(), Some(&")"), "a bracket stays open");
            (is_met, &rest[1..])
        }
        [name, "WITH", exception, rest @ ..] => {
            (allowed.contains(&format!("{name} WITH {exception}")), rest)
        }
        [name, rest @ ..] => (allowed.contains(*name), rest),
        [] => (false, words),
    }
}

#[test]
fn a_licence_expression_is_met_by_one_side_of_or_and_both_of_and() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("MIT AND ISC OR GPL-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(is_met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_package_comes_from_the_public_registry() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let mut broken = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let source = package.get("source").and_then(toml::Value::as_str);
        if name != env!("CARGO_PKG_NAME") && source != Some(CRATES_IO) {
            broken.push(format!("Cargo.lock: `{name}` comes from {source:?}: use a release"));
        }
        if source.is_some() && package.get("checksum").is_none() {
            broken.push(format!("Cargo.lock: `{name}` has no checksum"));
        }
    }
    nothing_broken("sources of packages", &broken);
}

/// This machine as cargo names it. Packages of other platforms were never fetched here, and their
/// licences cannot be asked for without a network.
fn platform() -> String {
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn every_licence_is_allowed_and_every_allowed_licence_is_needed() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", &platform()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages: Vec<(&str, &str)> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["name"].as_str().unwrap(), package["license"].as_str()))
        .map(|(name, licence)| (name, licence.unwrap_or("none")))
        .collect();
    let allowed = allowed();
    let refused = |allowed: &BTreeSet<String>| -> Vec<String> {
        let refused = packages.iter().filter(|(_, licence)| !is_met(licence, allowed));
        refused.map(|(name, licence)| format!("`{name}` is under {licence}")).collect()
    };
    let mut broken = refused(&allowed);
    let unmet = broken.len();
    for licence in &allowed {
        let others = allowed.iter().filter(|other| *other != licence).cloned().collect();
        if refused(&others).len() == unmet {
            broken.push(format!(".deny.toml: nothing needs {licence}: strike it"));
        }
    }
    nothing_broken("licences", &broken);
}

#[test]
fn the_policy_denies_unknown_sources() {
    let policy = policy();
    assert_eq!(policy["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(policy["sources"]["unknown-git"].as_str(), Some("deny"));
    assert_eq!(policy["bans"]["multiple-versions"].as_str(), Some("warn"));
}
