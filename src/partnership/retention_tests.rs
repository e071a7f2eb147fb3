//! Forgetting, by a clock that is set, on both engines.

use std::time::Duration;

use super::{
    agree_tests::{World, on_both, world},
    *,
};

const DAY: Duration = Duration::from_hours(24);

async fn application(world: &World, id: i64, state: &str, accepted: i64) {
    let now = world.verbs.now();
    world
        .run(&format!(
            "insert into application (id, reference, purpose, state, link_hash, link_sealed, \
             language, mail, nip, legal_name, search_name, form, reviewer, is_accepted, \
             notice_version, consented_from, version, made_at, changed_at) values ({id}, 'A-{id}', \
             'join', '{state}', 'h{id}', '', 'pl', 'a@x.pl', '', '', '', '{{}}', '', {accepted}, \
             '', '', 1, {now}, {now})"
        ))
        .await;
    world
        .run(&format!(
            "insert into application_message (id, application_id, at, who, side, text) \
             values ({id}, {id}, {now}, 'x', 'partner', 'secret words')"
        ))
        .await;
    world
        .run(&format!(
            "insert into application_key (key_hash, body_hash, application_id, at) \
             values ('k{id}', 'b', {id}, {now})"
        ))
        .await;
    world
        .run(&format!(
            "insert into mail (id, recipient, recipient_name, language, template, data, \
             attachments, subject, state, attempt, due_at, queued_at, tried_from) values ({id}, \
             'a@x.pl', 'A', 'pl', 'x', '', '', 'application:{id}', 'sent', 1, {now}, {now}, {now})"
        ))
        .await;
}

on_both!(s45_what_came_to_nothing_is_forgotten_in_its_time_and_nothing_else, w => {
    let keeping = config::Retention::default();
    application(&w, 1, "draft", 0).await;
    application(&w, 2, "decided", 0).await;
    application(&w, 3, "decided", 1).await;
    application(&w, 4, "in_review", 0).await;
    application(&w, 5, "draft", 0).await;
    let left = async || w.one("select cast(id as text) from application order by id").await;
    let keys = async || w.one("select key_hash from application_key order by key_hash").await;
    assert_eq!(w.verbs.sweep_old(&keeping).await.unwrap(), 0);

    w.clock.advance(3 * DAY);
    assert_eq!(w.verbs.sweep_old(&keeping).await.unwrap(), 5, "keys of repeats");
    assert_eq!((&*left().await, &*keys().await), ("1|2|3|4|5", ""));
    assert_eq!(w.one("select detail from audit").await, r#"{"application_keys":5}"#);

    w.clock.advance(28 * DAY);
    assert_eq!(w.verbs.sweep_old(&keeping).await.unwrap(), 1, "the draft");
    assert_eq!(left().await, "2|3|4|5", "the newest number is never given again");
    let texts = "select cast(application_id as text) from application_message order by id";
    assert_eq!(w.one(texts).await, "2|3|4|5");

    w.clock.advance(400 * DAY);
    w.verbs.sweep_old(&keeping).await.unwrap();
    assert_eq!(left().await, "3|4|5");
    w.clock.advance(400 * DAY);
    w.verbs.sweep_old(&keeping).await.unwrap();
    assert_eq!(w.one("select cast(id as text) from mail order by id").await, "5");
    let rows = w.all("select what from audit").await;
    assert!(rows.len() >= 4 && rows.iter().all(|what| what == "retention.erase"), "{rows:?}");
    assert_eq!(w.verbs.sweep_old(&keeping).await.unwrap(), 0);
});

on_both!(s45_ended_sessions_and_links_go_and_live_ones_stay, w => {
    let keeping = config::Retention::default();
    let now = w.verbs.now();
    w.run(
        "insert into person (id, mail, name, role, state, totp_step, language, theme, failures, \
         version, made_at) values (1, 'p@x.pl', 'P', 'admin', 'active', 0, 'pl', 'auto', 0, 1, 0)",
    )
    .await;
    let day = 86_400_000_000_i64;
    for (name, made_at) in [("old", now - 40 * day), ("new", now)] {
        w.run(&format!(
            "insert into session (token, id, person_id, stage, made_at, seen_at, address, agent, \
             stepped_up_at) values ('{name}', 1, 1, 'full', {made_at}, {made_at}, '', '', 0)"
        ))
        .await;
        w.run(&format!(
            "insert into one_time_link (token, person_id, purpose, made_at, expires_at) \
             values ('{name}', 1, 'reset', {made_at}, {made_at} + {day})"
        ))
        .await;
    }
    assert_eq!(w.verbs.sweep_old(&keeping).await.unwrap(), 2);
    assert_eq!(w.one("select token from session").await, "new");
    assert_eq!(w.one("select token from one_time_link").await, "new");
});
