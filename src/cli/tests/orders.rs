//! `order`: what is open, one with its steps; and the file of steps as `check` reads it.

use super::*;
use crate::store::{GroupLimits, Place, Store};

#[test]
fn open_orders_are_listed_and_one_is_shown_with_its_steps() {
    let host = Host::without_daemon();
    assert_eq!(host.json(&["order", "list"]), json!([]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", host.path().join("bramka.db").display());
        let place = Place { url, readers: 1 };
        let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
        let new = crate::store::NewPartner {
            name: "acme".to_owned(),
            rate: 1,
            burst: 1,
            backlog_max: 1,
            waiting_max: 1,
        };
        store.add_partner(&crate::domain::Caller::Gateway, 1, &new).await.unwrap();
        for (id, state, open) in [(1, "completed", "null"), (2, "pending", "'reservation:1'")] {
            let ended = if open == "null" { "5" } else { "null" };
            let sql = format!(
                "insert into partner_order (id, partner_id, kind, state, subject, open_subject, \
                 name, reason, made_by, made_at, due_at, ended_at, version) values ({id}, 1, \
                 'number_release', '{state}', 'reservation:1', {open}, '7477', '', 'x', 0, 0, \
                 {ended}, 1)"
            );
            store.run_sql(&sql).await.unwrap();
        }
        store
            .run_sql(
                "insert into order_step (order_id, place, name, title_pl, title_en, side, \
                 working_days, done_by, due_at) values (2, 0, 'asked', 'Prośba', 'Request', \
                 'partner', 1, 'hand', 1795262400000000)",
            )
            .await
            .unwrap();
        store.close().await;
    });
    let open = host.json(&["order", "list"]);
    assert_eq!((&open[0]["reference"], open.as_array().unwrap().len()), (&json!("Z-000002"), 1));
    let all = host.json(&["order", "list", "--all", "--kind", "number_release"]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(host.json(&["order", "list", "--all", "--kind", "service_launch"]), json!([]));
    let shown = host.json(&["order", "show", "Z-000002"]);
    assert_eq!((&shown["state"], &shown["partner"]), (&json!("pending"), &json!("acme")));
    assert_eq!(shown["steps"][0], "asked (partner): due 2026-11-21T12:00:00Z");
    assert_eq!(host.run(&["order", "show", "9"]).exit, 3);
    assert_eq!(host.run(&["order", "list", "--kind", "odd"]).exit, 2);
}

#[test]
fn check_finds_every_mistake_in_the_steps_of_orders_with_its_line() {
    let host = Host::without_daemon();
    let file = host.path().join("bramka.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let more = "[partnership]\norders_file = \"orders.toml\"\n";
    std::fs::write(&file, format!("{text}{more}")).unwrap();
    let shipped = include_str!("../../../config/orders.toml");
    std::fs::write(host.path().join("orders.toml"), shipped).unwrap();
    assert_eq!(host.run(&["check"]).exit, 0);
    let spoilt = shipped.replacen("side = \"partner\"", "side = \"both\"", 2);
    std::fs::write(host.path().join("orders.toml"), spoilt).unwrap();
    let ended = host.run(&["check"]);
    assert_eq!(ended.exit, 2);
    for line in [23, 41] {
        let wanted = format!("orders.toml: line {line}: side `both` must be partner or operator");
        assert!(ended.err.contains(&wanted), "{}", ended.err);
    }
}
