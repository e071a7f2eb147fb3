//! How a file looks: its length, its comments, its opening words, and what never stands in it.

use std::collections::BTreeSet;

use super::nothing_broken;
use super::source::{Source, root, sources, table};

/// Lines above which a file hides a second noun.
const LINES_MAX: usize = 400;

/// Percent of written lines that hold a comment, for files over [`DENSITY_FROM`] lines.
const DENSITY: std::ops::RangeInclusive<usize> = 5..=25;
const DENSITY_FROM: usize = 100;

/// Files over the limit that stay so for a reason, or until somebody finds their second noun.
const LONG: &[(&str, &str)] = &[
    ("src/cli/seed.rs", "a few lines over: the file's shape and the order of writing it"),
    ("src/control/routes.rs", "one answer for each route; links and messages are to part"),
    ("src/demo/fake_smsc/state.rs", "a few lines over: all that one lock guards"),
    ("src/domain/application_form.rs", "six sections of one form, checked alike"),
    ("src/domain/company.rs", "every number of a company with its checksum"),
    ("src/domain/message.rs", "messages and their state machine, which are read together"),
    ("src/gateway/lane.rs", "a few lines over: one structure and its moves"),
    ("src/gateway/mt.rs", "the rules for an MT in the order in which they refuse; to be split"),
    ("src/gateway/submit.rs", "claiming and recording outcomes: two nouns, to be split"),
    ("src/http/problems/refusals.rs", "data: one text for each refusal in two languages"),
    ("src/partnership/agree.rs", "the steps of an agreement in their order; to be split"),
    ("src/partnership/agree_steps.rs", "what those steps share, and the sweep; to be split"),
    ("src/partnership/apply.rs", "the applicant's steps in their order; to be split"),
    ("src/smpp/codec.rs", "every field read beside where it is written, so that they agree"),
    ("src/smpp/session.rs", "one state machine; a part of its table would prove nothing"),
    ("src/smpp_server/read.rs", "every way a PDU can be wrong, in the order of its fields"),
    ("src/store/admin.rs", "one write for each noun that the operator sets up; to be split"),
    ("src/store/agreement_steps.rs", "one transaction for each step; to be split"),
    ("src/store/application_lists.rs", "every order and filter has a statement of its own"),
    ("src/store/applications.rs", "one transaction for each step; to be split"),
    ("src/store/apply.rs", "a few lines over: statements of a group, table by table"),
    ("src/store/terms.rs", "versions and notices: two nouns, to be split"),
    ("src/tasks/mod.rs", "a few lines over: starting and draining know each other's states"),
];

/// Files whose share of comments is outside the limits for a reason.
const UNUSUAL_COMMENTS: &[(&str, &str)] = &[
    ("src/http/portal/mod.rs", "opens with the guide to writing a page"),
    ("src/cli/args/business.rs", "an argument's comment is its line of help"),
    ("src/config/machine.rs", "a key's comment is its line of why in the shipped sample"),
    ("src/config/smpp_server.rs", "a key's comment is its line of why in the shipped sample"),
    ("src/config/smsc_link.rs", "a key's comment is its line of why in the shipped sample"),
    ("src/http/problems/faults.rs", "texts for people: data that explains itself"),
    ("src/http/problems/partnership.rs", "texts for people: data that explains itself"),
    ("src/http/problems/refusals.rs", "texts for people: data that explains itself"),
];

/// Files that still say too little of their traps. It may only shrink.
const TOO_SILENT: &[&str] = &[
    "src/cli/credential.rs",
    "src/cli/doctor.rs",
    "src/cli/live.rs",
    "src/cli/message.rs",
    "src/cli/partner.rs",
    "src/cli/seed.rs",
    "src/cli/service.rs",
    "src/cli/top.rs",
    "src/config/check.rs",
    "src/config/scalar.rs",
    "src/config/status.rs",
    "src/control/routes.rs",
    "src/demo/esme/worker.rs",
    "src/demo/fake_smsc/line.rs",
    "src/demo/fake_smsc/submit.rs",
    "src/demo/sample_partner/session.rs",
    "src/http/portal/accounts/access.rs",
    "src/http/portal/accounts/account.rs",
    "src/http/portal/accounts/people.rs",
    "src/http/portal/accounts/person.rs",
    "src/http/portal/apply/documents.rs",
    "src/http/portal/apply/spec.rs",
    "src/http/portal/apply/status.rs",
    "src/http/portal/apply/tasks.rs",
    "src/http/portal/desk/application.rs",
    "src/http/portal/desk/lists.rs",
    "src/smsc_link/write.rs",
    "src/store/admin.rs",
    "src/store/apply.rs",
    "src/store/load.rs",
    "src/store/rare.rs",
    "src/store/rows.rs",
];

/// Tests that may name `sleep`, each under a clock that stands still until every task waits, so
/// that no real time passes.
const SLEEPERS: &[(&str, &str)] =
    &[("src/tasks/tests.rs", "tasks that need virtual seconds to stop; the clock is paused")];

/// Lines of the file that are not compiled for tests only.
fn own_lines(source: &Source) -> Vec<usize> {
    let mut at = 0;
    let mut lines = Vec::new();
    for (number, line) in source.text.split_inclusive('\n').enumerate() {
        if !source.in_test(at) {
            lines.push(number);
        }
        at += line.len();
    }
    lines
}

#[test]
fn a_file_holds_one_noun() {
    let mut broken = Vec::new();
    let mut excused = table(LONG);
    for source in sources().iter().filter(|source| !source.is_test) {
        let lines = own_lines(source).len();
        let listed = excused.remove(source.path.as_str());
        if lines > LINES_MAX && !listed {
            broken.push(format!("{}:{lines}: over {LINES_MAX} lines; split it", source.path));
        } else if lines <= LINES_MAX && listed {
            broken.push(format!("{}: only {lines} lines: strike it from LONG", source.path));
        }
    }
    broken.extend(excused.iter().map(|path| format!("{path}: gone: strike it from LONG")));
    nothing_broken("length of files", &broken);
}

#[test]
fn comments_name_traps_and_do_not_drown_the_code() {
    let mut broken = Vec::new();
    let mut excused = table(UNUSUAL_COMMENTS);
    let mut silent: BTreeSet<&str> = TOO_SILENT.iter().copied().collect();
    for source in sources().iter().filter(|source| !source.is_test) {
        let all: Vec<&str> = source.text.lines().collect();
        let lines = own_lines(source);
        let written = lines.iter().filter(|line| !all[**line].trim().is_empty()).count();
        let comments = lines.iter().filter(|line| source.commented.contains(line)).count();
        let percent = comments * 100 / written.max(1);
        let usual = lines.len() <= DENSITY_FROM || DENSITY.contains(&percent);
        let listed = excused.remove(source.path.as_str());
        let listed = silent.remove(source.path.as_str()) || listed;
        if usual == listed {
            let advice = if listed {
                "usual by now: strike it from UNUSUAL_COMMENTS or TOO_SILENT"
            } else if percent < *DENSITY.start() {
                "say which traps the code avoids, and where its numbers come from"
            } else {
                "say less, or let names say it"
            };
            broken.push(format!("{}: {percent} % comments: {advice}", source.path));
        }
    }
    let gone = excused.iter().chain(&silent);
    broken.extend(gone.map(|path| format!("{path}: gone: strike it")));
    nothing_broken("share of comments", &broken);
}

#[test]
fn every_module_opens_by_saying_what_it_is_for() {
    let broken: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}:1: open with `//!`: what it is for, what surprises", source.path))
        .collect();
    nothing_broken("opening words", &broken);
}

/// What never stands in code, and what does instead. Each word is cut in two, so that this list
/// does not find itself.
const NEVER: &[(&str, &str, &str)] = &[
    ("print", "ln!", "write to the output that was handed in, or to the log"),
    ("eprint", "!", "write to the output that was handed in, or to the log"),
    ("pri", "nt!", "write to the output that was handed in, or to the log"),
    ("db", "g!", "write to the log"),
    ("#[ig", "nore", "assert the known wrong behaviour as it is, with a comment"),
    ("to", "do!", "refuse what is not there"),
    ("unimple", "mented!", "refuse what is not there"),
    ("unbounded", "_channel", "everything has a limit: use a bounded channel"),
    ("unbounded", "::<", "everything has a limit: use a bounded channel"),
    ("#[al", "low(", "use #[expect(.., reason)], which goes away by itself"),
    ("#![al", "low(", "use #[expect(.., reason)], which goes away by itself"),
    ("SystemTime", "::now", "ask Clock, or take the time as an argument"),
];

/// Where a word that never stands elsewhere has its one place.
const PLACES: &[(&str, &str)] =
    &[("src/clock.rs", "the one place that asks the machine for the time")];

#[test]
fn what_never_stands_in_code_does_not() {
    let mut broken = Vec::new();
    let mut excused = table(PLACES);
    for source in &sources() {
        for (first, second, instead) in NEVER {
            let word = format!("{first}{second}");
            for at in source.all(&word) {
                let before = source.code[..at].chars().next_back().unwrap_or(' ');
                let is_part = word.starts_with(char::is_alphabetic)
                    && (before.is_alphanumeric() || before == '_');
                if is_part || PLACES.iter().any(|(path, _)| *path == source.path) {
                    excused.remove(source.path.as_str());
                    continue;
                }
                broken.push(format!("{}:{}: `{word}`: {instead}", source.path, source.line(at)));
            }
        }
    }
    broken.extend(excused.iter().map(|path| format!("{path}: needs no place: strike it")));
    nothing_broken("what never stands in code", &broken);
}

#[test]
fn tests_wait_for_events_and_never_for_time() {
    let mut broken = Vec::new();
    let mut excused = table(SLEEPERS);
    for source in &sources() {
        for at in source.all("sleep(") {
            let listed = SLEEPERS.iter().any(|(path, _)| *path == source.path);
            excused.remove(source.path.as_str());
            if source.in_test(at) && !listed {
                broken.push(format!(
                    "{}:{}: a test sleeps: wait for the event, or use paused time",
                    source.path,
                    source.line(at)
                ));
            }
        }
    }
    broken.extend(excused.iter().map(|path| format!("{path}: sleeps no more: strike it")));
    nothing_broken("sleeping tests", &broken);
}

#[test]
fn the_map_has_a_sentence_for_every_module() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let sources = sources();
    let mut modules: Vec<&str> = sources
        .iter()
        .filter(|source| !source.is_test)
        .filter_map(Source::module)
        .filter(|module| *module != "tests")
        .collect();
    modules.dedup();
    let broken: Vec<String> = modules
        .iter()
        .filter(|module| !map.lines().any(|line| line.starts_with(&format!("//! * [`{module}`]"))))
        .map(|module| format!("src/lib.rs: say in one line `//! * [`{module}`]: ...`"))
        .collect();
    nothing_broken("the map", &broken);
}
