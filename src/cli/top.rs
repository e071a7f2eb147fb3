//! `top`: links and partners with their rates, looked at again and again.
//!
//! Rates are differences between two looks, made here: the daemon keeps no history. What
//! surprises: counts of binds that ended between two looks are gone, so a rate is never below 0.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{args::Top, desk::Desk, failure::Outcome, live::list};

const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// What was counted at the last look.
#[derive(Default)]
struct Before {
    counts: HashMap<String, u64>,
    at: Option<Instant>,
}

pub(crate) async fn top(desk: &mut Desk<'_>, wish: &Top) -> Outcome {
    let is_screen = desk.out.is_terminal() && !desk.out.is_json();
    let is_once = wish.once || !(desk.out.is_terminal() || desk.out.is_json());
    let mut every = tokio::time::interval(Duration::from_secs(wish.every));
    let mut before = Before::default();
    let client = desk.client();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _interrupted = tokio::signal::ctrl_c() => return Ok(()),
        }
        let mut look = client.get("/top").await?;
        add_rates(&mut look, &mut before, Instant::now());
        if is_screen && !is_once {
            desk.out.raw(CLEAR);
        }
        draw(desk, &look);
        if is_once || desk.out.is_closed() {
            return Ok(());
        }
    }
}

fn draw(desk: &mut Desk<'_>, look: &Value) {
    if desk.out.is_json() {
        desk.out.document(look);
        return;
    }
    let word = |key: &str, yes: &'static str, no: &'static str| {
        if look[key] == true { yes } else { no }
    };
    let head = format!(
        "{}  {}  {}  store {}\n",
        super::output::cell(&look["node"]),
        super::output::cell(&look["at"]),
        word("ready", "ready", "NOT READY"),
        word("store_up", "up", "AWAY"),
    );
    desk.out.line(&head);
    let columns = [
        "name",
        "state",
        "bound",
        "submitted_per_second",
        "received_per_second",
        "in_flight",
        "window",
        "limit",
        "last_error",
    ];
    desk.out.rows(&list(look["links"].clone()), &columns);
    desk.out.line("");
    let columns = [
        "name",
        "binds",
        "submitted_per_second",
        "refused_per_second",
        "delivered_per_second",
        "mt_waiting",
        "mo_waiting",
        "receipts_waiting",
    ];
    desk.out.rows(&list(look["partners"].clone()), &columns);
}

fn add_rates(look: &mut Value, before: &mut Before, now: Instant) {
    let passed = before.at.map(|at| now.saturating_duration_since(at).as_secs_f64());
    let mut counts = HashMap::new();
    for (table, keys) in [
        ("links", &["submitted", "received"][..]),
        ("partners", &["submitted", "refused", "delivered"][..]),
    ] {
        for row in look[table].as_array_mut().into_iter().flatten() {
            for key in keys {
                let count = row[*key].as_u64().unwrap_or_default();
                let place = format!("{table}/{}/{key}", row["name"]);
                let last = before.counts.get(&place).copied();
                row[format!("{key}_per_second")] = rate(last, count, passed);
                counts.insert(place, count);
            }
        }
    }
    *before = Before { counts, at: Some(now) };
}

fn rate(last: Option<u64>, count: u64, passed: Option<f64>) -> Value {
    let (Some(last), Some(passed)) = (last, passed) else { return Value::Null };
    if passed <= 0.0 {
        return Value::Null;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for eyes; counts stay below 2^52")]
    let per_second = count.saturating_sub(last) as f64 / passed;
    json!((per_second * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_difference_of_two_looks_and_never_negative() {
        let look = |count: u64| {
            json!({ "links": [{ "name": "north", "submitted": count, "received": 0 }],
                    "partners": [] })
        };
        let (mut before, start) = (Before::default(), Instant::now());
        let mut first = look(100);
        add_rates(&mut first, &mut before, start);
        assert_eq!(first["links"][0]["submitted_per_second"], Value::Null);
        let mut second = look(150);
        add_rates(&mut second, &mut before, start + Duration::from_secs(2));
        assert_eq!(second["links"][0]["submitted_per_second"], json!(25.0));
        let mut restarted = look(10);
        add_rates(&mut restarted, &mut before, start + Duration::from_secs(4));
        assert_eq!(restarted["links"][0]["submitted_per_second"], json!(0.0));
    }
}
