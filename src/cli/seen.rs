//! What a running daemon saw, as findings of `doctor`: links whose operators do not do what their
//! settings say, and what stands still.
//!
//! It asks the daemon and tests nothing itself. What surprises: a link without traffic is fine as
//! far as anybody can know, and says so.

use serde_json::Value;

use super::{doctor::Finding, live::list, output::cell};

/// What `/links` and `/status` tell.
pub(super) fn findings(links: Value, status: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for link in list(links) {
        of_habits(&link, &mut findings);
    }
    let stalls = status["stalled"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.extend(stalls.iter().map(of_stall));
    findings
}

fn of_habits(link: &Value, findings: &mut Vec<Finding>) {
    let what = format!("habits of link {}", cell(&link["name"]));
    let habits = &link["habits"];
    let advice = habits["advice"].as_array().map(Vec::as_slice).unwrap_or_default();
    for one in advice {
        let set = format!("set {} for this link, then restart", cell(&one["set"]));
        findings.push(Finding::warn(&*what, cell(&one["seen"]), &set));
    }
    if !advice.is_empty() {
        return;
    }
    let text = if habits["receipts"] == 0 && habits["texts"] == 0 {
        "no receipts or texts seen yet".to_owned()
    } else {
        format!(
            "{} of the last {} receipts match one of the last {} answers; no alphabet contradicts \
             the settings",
            cell(&habits["matched"]),
            cell(&habits["receipts"]),
            cell(&habits["answers"]),
        )
    };
    findings.push(Finding::ok(what, text));
}

fn of_stall(stall: &Value) -> Finding {
    Finding::warn(
        format!("{} {}", cell(&stall["subject"]), cell(&stall["name"])),
        format!(
            "work waits and nothing went for {} s; held back by {}",
            cell(&stall["seconds"]),
            cell(&stall["limit"])
        ),
        "see `bramka queue summary` and `bramka link list`; `bramka trace` shows what the other \
         side answers",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_link_saw_and_what_stands_still_becomes_advice() {
        let advice =
            json!([{"seen": "of the last 5 receipts 5 would match", "set": "x = \"hex\""}]);
        let links = json!([
            {"name": "north", "habits": {"receipts": 5, "texts": 0, "advice": advice}},
            {"name": "south", "habits": {"receipts": 0, "texts": 0, "advice": []}},
            {"name": "west", "habits": {"answers": 9, "receipts": 7, "matched": 7, "texts": 1,
                "advice": []}},
        ]);
        let status = json!({"stalled": [
            {"subject": "lane", "name": "mo/acme", "limit": "window", "seconds": 301},
        ]});
        let found = findings(links, &status);
        let said: Vec<String> = found
            .iter()
            .map(|one| format!("{} {}: {} -> {}", one.word(), one.what, one.text, one.advice))
            .collect();
        assert_eq!(said.len(), 4, "{said:#?}");
        assert!(said[0].starts_with("warn habits of link north: of the last 5"), "{}", said[0]);
        assert!(said[0].contains("-> set x = \"hex\" for this link"), "{}", said[0]);
        assert!(said[1].starts_with("ok habits of link south: no receipts"), "{}", said[1]);
        assert!(said[2].starts_with("ok habits of link west: 7 of the last 7"), "{}", said[2]);
        assert!(said[3].starts_with("warn lane mo/acme: work waits and nothing went for 301 s"));
    }

    #[test]
    fn a_daemon_of_another_version_that_tells_less_is_no_trouble() {
        assert!(findings(json!(null), &json!({})).is_empty());
        assert_eq!(findings(json!([{"name": "north"}]), &json!({})).len(), 1);
    }
}
