//! Every route there is, read from the sources of the routers: none can be forgotten (S-20).
//!
//! It knows no role. The surprise: the source is read as text, for a router does not tell its
//! routes; so routes stay literal strings in `.route("...", ...)`, which `every_route_is_read`
//! sees to.

use std::{collections::BTreeSet, path::Path};

/// Method and pattern.
pub(super) type Route = (String, String);

/// All routes of the port for people and partners.
pub(super) fn all() -> BTreeSet<Route> {
    let mut found = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    read_folder(&folder, &mut found);
    found
}

fn read_folder(folder: &Path, found: &mut BTreeSet<Route>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            read_folder(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            read(&without_admin(&text), found);
        }
    }
}

/// The port for the operator's monitoring has no accounts and a test of its own.
fn without_admin(text: &str) -> String {
    match text.split_once("pub fn admin(") {
        Some((before, rest)) => {
            let after = rest.split_once("\n}\n").map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => text.to_owned(),
    }
}

fn read(text: &str, found: &mut BTreeSet<Route>) {
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    for call in code.split(".route(").skip(1) {
        let call = call.trim_start().strip_prefix('"').expect("a route is a literal text");
        let (path, rest) = call.split_once('"').unwrap();
        let (mut depth, mut end) = (1, rest.len());
        for (place, letter) in rest.char_indices() {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            if depth == 0 {
                end = place;
                break;
            }
        }
        let handlers = &rest[..end];
        let before = found.len();
        for method in ["get", "post", "put", "patch", "delete"] {
            let call = format!("{method}(");
            let is_there = handlers.match_indices(&call).any(|(place, _)| {
                !handlers[..place]
                    .ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            });
            if is_there {
                found.insert((method.to_uppercase(), path.to_owned()));
            }
        }
        assert!(found.len() > before, "{path} has no method, or stands twice");
    }
}
