//! Every metric that is promised is told by the program, not only by its tests.

use std::collections::BTreeSet;

use super::nothing_broken;
use super::source::sources;

/// Functions of `metrics` that nothing calls yet, so that their series say nothing. It may only
/// shrink.
const TO_COME: &[&str] = &[];

#[test]
fn every_metric_is_told_by_the_program() {
    let sources = sources();
    let metrics = sources.iter().find(|source| source.path == "src/metrics.rs").unwrap();
    let told: BTreeSet<&str> = sources
        .iter()
        .filter(|source| !source.is_test && source.path != metrics.path)
        .flat_map(|source| source.code.split("metrics::").skip(1))
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next())
        .collect();
    let mut broken = Vec::new();
    for at in metrics.all("\npub fn ") {
        let rest = &metrics.code[at + "\npub fn ".len()..];
        let name = rest.split('(').next().unwrap_or_default();
        let is_inside = metrics.all(&format!("{name}(")).len() > 1;
        let place = format!("src/metrics.rs:{}", metrics.line(at + 1));
        match (told.contains(name), TO_COME.contains(&name)) {
            (false, false) if !is_inside => {
                broken.push(format!("{place}: nothing calls `{name}`: its series says nothing"));
            }
            (true, true) => broken.push(format!("{place}: `{name}` is told: strike it")),
            _ => {}
        }
    }
    nothing_broken("metrics that are told", &broken);
}
