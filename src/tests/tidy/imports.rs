//! Who may import whom. The table is the architecture: a row may only name rows above it, so that
//! no two modules ever need each other.

use super::nothing_broken;
use super::source::{Source, sources};

struct Row {
    module: &'static str,
    may: &'static [&'static str],
    /// What to do instead of an import that is not allowed.
    instead: &'static str,
}

const fn row(module: &'static str, may: &'static [&'static str], instead: &'static str) -> Row {
    Row { module, may, instead }
}

/// What an edge is told that reaches past the verbs.
const VERBS: &str = "ask a verb of `gateway`; rows and rules are not an edge's business";

/// Only the two SMPP edges and `demo`, which plays their peers, know `smpp`.
const TABLE: &[Row] = &[
    // Pure: the protocol, the contents, the nouns.
    row("smpp", &[], "the protocol knows nothing of ours: take a plain value as an argument"),
    row("payload", &[], "contents know nothing of ours: take a plain value as an argument"),
    row("domain", &["payload"], "nouns are pure: let a verb of `gateway` bring both together"),
    // What every daemon has.
    row("config", &[], "configuration is data: let the user of a setting interpret it"),
    row("tasks", &["config"], "tasks know no business: pass them a future"),
    row("clock", &["config", "tasks"], "time knows no business"),
    row("log", &["config", "clock"], "the log knows no business: pass it fields"),
    row("listen", &["config"], "sockets know no business"),
    row("tls", &["config", "tasks"], "certificates know no business"),
    row("metrics", &["domain"], "numbers are told, never asked for: pass plain values"),
    // Storage and verbs.
    row("store", &["domain", "config", "clock", "metrics"], "storage knows nouns only"),
    row(
        "gateway",
        &["domain", "payload", "config", "clock", "metrics", "store"],
        "a verb answers with nouns; the edge that asked translates them",
    ),
    row("documents", &["domain", "config"], "a document is made of plain values"),
    row(
        "partnership",
        &["domain", "config", "clock", "metrics", "store", "documents"],
        "a verb answers with nouns; the edge that asked translates them",
    ),
    // Edges.
    row(
        "mail",
        &[
            "domain",
            "config",
            "tasks",
            "clock",
            "tls",
            "metrics",
            "store",
            "documents",
            "partnership",
        ],
        VERBS,
    ),
    row(
        "callback",
        &[
            "domain",
            "payload",
            "config",
            "tasks",
            "clock",
            "tls",
            "metrics",
            "gateway",
            "partnership",
        ],
        VERBS,
    ),
    row(
        "smpp_server",
        &[
            "smpp", "payload", "domain", "config", "tasks", "clock", "log", "listen", "tls",
            "metrics", "gateway",
        ],
        VERBS,
    ),
    row(
        "smsc_link",
        &[
            "smpp", "payload", "domain", "config", "tasks", "clock", "log", "listen", "tls",
            "metrics", "gateway",
        ],
        VERBS,
    ),
    row(
        "http",
        &[
            "payload",
            "domain",
            "config",
            "tasks",
            "clock",
            "log",
            "listen",
            "tls",
            "metrics",
            "store",
            "gateway",
            "documents",
            "partnership",
        ],
        VERBS,
    ),
    row(
        "control",
        &["domain", "config", "tasks", "clock", "log", "listen", "metrics", "store", "gateway"],
        VERBS,
    ),
    // What puts them together.
    row(
        "daemon",
        &[
            "domain",
            "config",
            "tasks",
            "clock",
            "log",
            "listen",
            "tls",
            "metrics",
            "store",
            "gateway",
            "documents",
            "partnership",
            "mail",
            "callback",
            "smpp_server",
            "smsc_link",
            "http",
            "control",
        ],
        "the daemon starts parts and does none of their work",
    ),
    row(
        "demo",
        &[
            "smpp",
            "payload",
            "domain",
            "config",
            "tasks",
            "clock",
            "log",
            "listen",
            "tls",
            "metrics",
            "store",
            "gateway",
            "documents",
            "partnership",
            "mail",
            "callback",
            "control",
            "daemon",
        ],
        "the demo sets up a world, starts the daemon and plays its peers from outside",
    ),
    row(
        "admin",
        &[
            "domain",
            "config",
            "tasks",
            "clock",
            "log",
            "tls",
            "store",
            "gateway",
            "documents",
            "partnership",
            "mail",
            "callback",
            "control",
        ],
        "a command asks the store, a verb or the running daemon",
    ),
    row(
        "cli",
        &[
            "payload",
            "domain",
            "config",
            "tasks",
            "clock",
            "log",
            "listen",
            "tls",
            "metrics",
            "store",
            "gateway",
            "documents",
            "partnership",
            "mail",
            "callback",
            "control",
            "demo",
            "daemon",
            "admin",
        ],
        "a command asks the store, a verb or the running daemon; it speaks no SMPP itself",
    ),
];

/// The one import against the order of the table.
const AGAINST_THE_ORDER: &[(&str, &str)] = &[
    // The options of the command `demo` are read with those of all commands.
    ("demo", "cli"),
];

/// Modules that code names after a path to the crate, with where it does.
fn named(source: &Source) -> Vec<(usize, String)> {
    let ident = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let home = "super::".repeat(source.depth());
    let mut found = Vec::new();
    for path in ["crate::", home.as_str()] {
        for at in source.all(path) {
            // A longer chain of `super::` ends elsewhere: in a module within the file.
            let before = &source.code[..at];
            if before.ends_with("super::") || before.ends_with("self::") {
                continue;
            }
            let from = at + path.len();
            let rest = &source.code[from..];
            if !rest.starts_with('{') {
                found.push((at, ident(rest)));
                continue;
            }
            let (mut depth, mut start) = (0_usize, true);
            for (offset, c) in rest.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => start = true,
                    c if c.is_whitespace() => {}
                    _ if depth == 1 && start => {
                        found.push((from + offset, ident(&rest[offset..])));
                        start = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        }
    }
    found
}

#[test]
fn a_module_imports_only_what_its_row_allows() {
    let sources = sources();
    let modules: Vec<&str> = sources.iter().filter_map(Source::module).collect();
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test) {
        let Some(module) = source.module() else { continue };
        let Some(row) = TABLE.iter().find(|row| row.module == module) else {
            broken.push(format!(
                "{}:1: `{module}` has no row; give it one in src/tests/tidy/imports.rs",
                source.path
            ));
            continue;
        };
        for (at, name) in named(source) {
            let known = modules.contains(&name.as_str());
            let allowed = name == module
                || row.may.contains(&name.as_str())
                || AGAINST_THE_ORDER.contains(&(module, name.as_str()));
            if known && !allowed && !source.in_test(at) {
                broken.push(format!(
                    "{}:{}: `{module}` must not use `{name}`; it may use {:?}: {}",
                    source.path,
                    source.line(at),
                    row.may,
                    row.instead
                ));
            }
        }
    }
    nothing_broken("who may import whom", &broken);
}

#[test]
fn the_table_of_imports_has_no_circle() {
    for (index, row) in TABLE.iter().enumerate() {
        for used in row.may {
            assert!(
                TABLE[..index].iter().any(|above| above.module == *used),
                "`{}` names `{used}`, which does not stand above it",
                row.module
            );
        }
    }
}

#[test]
fn only_the_smpp_edges_and_the_demo_know_the_protocol_and_no_smpp_edge_knows_the_store() {
    let users = |of: &str| -> Vec<&str> {
        TABLE.iter().filter(|row| row.may.contains(&of)).map(|row| row.module).collect()
    };
    assert_eq!(users("smpp"), ["smpp_server", "smsc_link", "demo"]);
    // The portal's verbs and the outbox read lists too; what stays out are the two SMPP edges.
    let no_edge = ["smpp_server", "smsc_link", "callback"];
    assert!(users("store").iter().all(|user| !no_edge.contains(user)), "{:?}", users("store"));
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let text = "use crate::{a::{B, c}, d};\nuse crate::e::F;\nuse super::super::{g, h as i};\n\
                fn j(k: &crate::l::M) -> super::n::O { super::super::p() }\n// crate::no\n";
    let source = Source::new("src/x/y.rs".into(), text.into());
    let mut names: Vec<String> = named(&source).into_iter().map(|(_, name)| name).collect();
    names.sort();
    assert_eq!(names, ["a", "d", "e", "g", "h", "l", "p"]);
}
