//! The house rules, as tests that read the source tree. They need nothing but the files, and each
//! says where a rule is broken and what to do instead.
//!
//! The surprise: every list of exceptions here may only shrink. An exception that is no longer
//! needed fails its test as well, so that no list outlives its reasons.

mod conformance;
mod imports;
mod licences;
mod repository;
mod settings;
mod source;
mod style;
mod telling;

use std::fmt::Write as _;

/// Fails with every broken rule at once: one run should be enough to know all of them.
#[track_caller]
fn nothing_broken(rule: &str, broken: &[String]) {
    let mut text = String::new();
    for line in broken {
        write!(text, "\n  {line}").unwrap();
    }
    assert!(broken.is_empty(), "{rule}: {} broken{text}", broken.len());
}
