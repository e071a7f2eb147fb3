//! What the repository holds, and what it must not tell of the machine it was written on.

use std::fs;

use super::nothing_broken;
use super::source::{files_below, root, shown};

/// The top level, beside files whose names begin with a dot.
const TOP: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "src",
    "config",
    "migrations",
    "load-tests",
    "systemd",
    "target",
];

#[test]
fn the_top_level_holds_what_a_reader_expects() {
    let mut broken = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with('.') && !TOP.contains(&name.as_str()) {
            broken.push(format!("{name}: put it into one of {TOP:?}"));
        }
    }
    nothing_broken("top level", &broken);
}

/// Traces of one machine or of one company's network. Each is cut in two, so that this list does
/// not find itself.
const TRACES: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("/Us", "ers/"),
    ("artif", "actory"),
    ("kell", "nr"),
    ("verd", "accio"),
    ("dev", "pi"),
    ("sonatype", "-nexus"),
    ("replace", "-with"),
    ("extra-index", "-url"),
    ("sparse", "+http://"),
];

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    let mut broken = Vec::new();
    for path in files_below(root()) {
        // A file that is no text, such as a font, has no words.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for (first, second) in TRACES {
                let trace = format!("{first}{second}");
                if line.to_lowercase().contains(&trace.to_lowercase()) {
                    broken.push(format!(
                        "{}:{}: `{trace}`: use a relative path or an invented name",
                        shown(&path),
                        number + 1
                    ));
                }
            }
        }
    }
    nothing_broken("traces of a machine", &broken);
}
