//! What only the daemon knows: its state, links, binds, queues, traces, its log.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::{
    args::{BindCommand, LinkCommand, TraceCommand},
    desk::{Desk, partner_named},
    failure::Outcome,
    output::cell,
};

pub(crate) async fn status(desk: &mut Desk<'_>) -> Outcome {
    let value = desk.client().get("/status").await?;
    desk.out.card(&value);
    Ok(())
}

pub(crate) async fn queues(desk: &mut Desk<'_>, is_all: bool) -> Outcome {
    let mut rows = list(desk.client().get("/queues").await?);
    rows.retain(|row| is_all || row["waiting"] != 0 || row["in_flight"] != 0);
    let columns = [
        "kind",
        "partner",
        "group",
        "service",
        "waiting",
        "in_flight",
        "oldest_age_seconds",
        "limit",
    ];
    desk.out.rows(&rows, &columns);
    Ok(())
}

pub(crate) async fn link(desk: &mut Desk<'_>, command: LinkCommand) -> Outcome {
    let value = match command {
        LinkCommand::List => {
            let rows = list(desk.client().get("/links").await?);
            let columns = [
                "name",
                "group",
                "state",
                "bound",
                "binds",
                "in_flight",
                "window",
                "rate",
                "limit",
                "submitted",
                "received",
                "last_error",
            ];
            desk.out.rows(&rows, &columns);
            return Ok(());
        }
        LinkCommand::Up { name } => order(desk, &format!("/links/{}/up", segment(&name))).await?,
        LinkCommand::Down { name } => {
            order(desk, &format!("/links/{}/down", segment(&name))).await?
        }
    };
    let text = format!("link {} is {}", cell(&value["name"]), cell(&value["state"]));
    desk.out.show(&value, &text);
    Ok(())
}

async fn order(desk: &Desk<'_>, target: &str) -> Result<Value, super::Failure> {
    Ok(desk.client().post(target, &json!({})).await?)
}

pub(crate) async fn bind(desk: &mut Desk<'_>, command: BindCommand) -> Outcome {
    match command {
        BindCommand::List { partner } => {
            let mut rows = list(desk.client().get("/binds").await?);
            if let Some(name) = partner {
                // A typing mistake must not look like a partner that is away.
                let store = desk.store().await?;
                partner_named(&store.load_catalog().await?, &name)?;
                store.close().await;
                rows.retain(|row| row["partner"] == name);
            }
            let columns = [
                "id",
                "partner",
                "system_id",
                "kind",
                "version",
                "peer",
                "tls",
                "bound_at",
                "window_in_use",
                "window",
                "submitted",
                "refused",
                "delivered",
            ];
            desk.out.rows(&rows, &columns);
        }
        BindCommand::Kick { id, reason } => {
            let body = json!({ "reason": reason });
            let value = desk.client().post(&format!("/binds/{id}/kick"), &body).await?;
            let text = format!("bind {id} of {} is told to go", cell(&value["system_id"]));
            desk.out.show(&value, &text);
        }
    }
    Ok(())
}

/// Shows PDUs until Ctrl-C, until nobody reads, or until what is traced ends.
pub(crate) async fn trace(desk: &mut Desk<'_>, command: TraceCommand) -> Outcome {
    let target = match command {
        TraceCommand::Session { id } => format!("/binds/{id}/trace"),
        TraceCommand::Link { name } => format!("/links/{}/trace", segment(&name)),
    };
    let client = desk.client();
    let out = &mut *desk.out;
    let lines = client.lines(&target, |line| {
        if out.is_json() {
            out.document(&line);
        } else {
            out.line(&trace_text(&line));
        }
        if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    tokio::select! {
        ended = lines => Ok(ended?),
        _interrupted = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn trace_text(line: &Value) -> String {
    let arrow = if line["direction"] == "in" { "->" } else { "<-" };
    format!(
        "{} {arrow} {} #{} {} {}",
        cell(&line["at"]),
        cell(&line["command"]),
        cell(&line["sequence"]),
        cell(&line["status"]),
        cell(&line["summary"])
    )
}

pub(crate) async fn confirm_clock(desk: &mut Desk<'_>) -> Outcome {
    let value = desk.client().post("/clock/confirm", &json!({})).await?;
    let now = value["now"].as_str().unwrap_or_default().to_owned();
    desk.out.show(&value, &format!("the clock is believed: {now}"));
    Ok(())
}

pub(crate) async fn log_level(desk: &mut Desk<'_>, level: &str) -> Outcome {
    let value = desk.client().post("/log", &json!({ "level": level })).await?;
    desk.out.show(&value, &format!("the daemon logs `{level}` from now on"));
    Ok(())
}

pub(crate) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::with_capacity(name.len()), |mut text, octet| {
        if octet.is_ascii_alphanumeric() || b"-_".contains(&octet) {
            text.push(char::from(octet));
        } else {
            write!(text, "%{octet:02X}").expect("a String takes every text");
        }
        text
    })
}
