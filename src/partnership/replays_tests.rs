//! Who may have what again, and that it is one, counted, and kept: on both engines.

use super::{
    agree_tests::{World, refused, world},
    faults_tests::{of, staff},
    *,
};
use crate::{
    domain::{
        MessageId, PartnerId, Refusal, ReplayCounts, ReplayEvent, ReplayState, Role, ServiceId,
    },
    store::{
        Change,
        change::{EventRow, Rare},
    },
};

const DAY: i64 = 86_400_000_000;

impl World {
    /// Three texts of the first partner in the last days, and one of the second.
    async fn texted_lately(&self) -> Vec<i64> {
        let mut own = Vec::new();
        for days_ago in [3, 2, 1] {
            own.push(self.texted(1, days_ago, Some(492)).await);
        }
        self.texted(2, 2, Some(492)).await;
        // One has been erased, the others have their texts.
        self.run(&format!("update message set body = 'WIN' where id <> {}", own[1])).await;
        own
    }

    fn lately(&self) -> ReplayWish {
        let now = self.verbs.now();
        ReplayWish { mo: true, receipts: true, from: now - 5 * DAY, ..ReplayWish::default() }
    }
}

fn wrong(refusal: Refusal) -> Vec<(String, &'static str)> {
    let Refusal::FieldErrors(faults) = refusal else { panic!("{refusal:?}") };
    faults.iter().map(|fault| (fault.field.to_string(), fault.code)).collect()
}

fn key(key: &str, body: &str) -> RequestKey {
    RequestKey { key_hash: key.into(), body_hash: body.into(), shown: key.into() }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = Box::pin(world(on_postgres).await.complained()).await;
                $body
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(a_replay_is_counted_started_once_and_stopped_with_one_record_each, world => {
    let own = world.texted_lately().await;
    let wish = world.lately();
    let audited = world.verbs.store.last_audit().await.unwrap();
    let preview = world.verbs.preview_replay(&of(1), &wish).await.unwrap();
    assert_eq!(preview.counts, ReplayCounts { sent: 2, erased: 1, ..ReplayCounts::default() });
    assert_eq!(world.verbs.store.last_audit().await.unwrap(), audited, "counting changes nothing");

    let (row, is_again) =
        world.verbs.start_replay(&of(1), &wish, Some(key("k", "b"))).await.unwrap();
    assert_eq!((row.state, row.found, is_again), (ReplayState::Waiting, 3, false));
    let again = world.verbs.start_replay(&of(1), &wish, Some(key("k", "b"))).await.unwrap();
    assert_eq!((again.0.id, again.1), (row.id, true));
    let conflict = refused(world.verbs.start_replay(&of(1), &wish, Some(key("k", "c"))).await);
    assert_eq!(conflict.code(), "idempotency_conflict");
    let second = refused(world.verbs.start_replay(&of(1), &wish, None).await);
    assert_eq!(second.code(), "wrong_state", "one at a time");
    let (other, _) = world.verbs.start_replay(&of(2), &wish, Some(key("k", "b"))).await.unwrap();
    assert_eq!(other.found, 1, "each partner has its own");

    let page = world.verbs.store.replay_page(&row, 2).await.unwrap();
    assert_eq!(page.iter().map(|id| id.0).collect::<Vec<_>>(), own[..2]);
    let stopped = world.verbs.stop_replay(&of(1), row.id).await.unwrap();
    assert_eq!((stopped.state, stopped.version), (ReplayState::Stopped, 2));
    assert!(stopped.ended_at.is_some());
    assert_eq!(refused(world.verbs.stop_replay(&of(1), row.id).await).code(), "wrong_state");
    let written = format!(
        "select what from audit where seq > {audited} and subject = 'replay:{}' order by seq",
        row.id
    );
    assert_eq!(world.all(&written).await, ["replay.start", "replay.stop"]);
    // What is over makes room for the next one.
    world.verbs.start_replay(&of(1), &wish, None).await.unwrap();
});

on_both!(another_partners_replay_is_unknown_and_who_may_not_is_told_so, world => {
    world.texted_lately().await;
    let (row, _) = world.verbs.start_replay(&of(1), &world.lately(), None).await.unwrap();
    for refusal in [
        refused(world.verbs.replay(&of(2), row.id).await),
        refused(world.verbs.stop_replay(&of(2), row.id).await),
        refused(world.verbs.replay_of(PartnerId(2), row.id).await),
        refused(world.verbs.replay(&of(2), 999).await),
    ] {
        assert_eq!(refusal, Refusal::UnknownId("replay"));
    }
    let viewer = Signed { role: Role::PartnerViewer, ..of(1) };
    let may_not = refused(world.verbs.start_replay(&viewer, &world.lately(), None).await);
    assert_eq!(may_not, Refusal::NotAllowed);
    let all = ReplayFilter { limit: 10, ..ReplayFilter::default() };
    assert_eq!(world.verbs.replays(&of(1), &all).await.unwrap().len(), 1);
    assert!(world.verbs.replays(&of(2), &all).await.unwrap().is_empty());
    assert_eq!(world.verbs.replays(&staff(), &all).await.unwrap().len(), 1);
    let running = ReplayFilter { state: Some(ReplayState::Running), ..all };
    assert!(world.verbs.replays(&staff(), &running).await.unwrap().is_empty());
    // Staff names whose it is; a partner's person has its own whatever is named.
    let unnamed = refused(world.verbs.preview_replay(&staff(), &world.lately()).await);
    assert_eq!(unnamed, Refusal::UnknownId("partner"));
    let named = ReplayWish { partner: Some(PartnerId(1)), ..world.lately() };
    assert_eq!(world.verbs.preview_replay(&of(2), &named).await.unwrap().counts.sent, 1);
});

on_both!(a_window_is_of_the_past_short_and_not_older_than_its_texts, world => {
    world.texted_lately().await;
    let now = world.verbs.now();
    let good = world.lately();
    let of_one = |service| ReplayWish { service: Some(ServiceId(service)), ..good.clone() };
    for (wish, expected) in [
        (ReplayWish { mo: false, receipts: false, ..good.clone() }, ("kinds", "missing")),
        (ReplayWish { until: Some(now + 1), ..good.clone() }, ("until", "future")),
        (ReplayWish { until: Some(good.from), ..good.clone() }, ("from", "order")),
        (ReplayWish { from: now - 8 * DAY, ..good.clone() }, ("from", "erased")),
        (ReplayWish { mo: false, from: now - 32 * DAY, ..good.clone() }, ("from", "too_long")),
        (of_one(2), ("service", "unknown")),
        (of_one(999), ("service", "unknown")),
    ] {
        let faults = wrong(refused(world.verbs.preview_replay(&of(1), &wish).await));
        assert_eq!(faults, [(expected.0.to_owned(), expected.1)], "{wish:?}");
    }
    // Receipts carry no text, and the erasing of texts is no end to them.
    let receipts = ReplayWish { mo: false, from: now - 30 * DAY, ..good.clone() };
    assert_eq!(world.verbs.preview_replay(&of(1), &receipts).await.unwrap().counts.total(), 0);
    assert_eq!(world.verbs.preview_replay(&of(1), &of_one(1)).await.unwrap().counts.sent, 2);
    let few = ReplayRules { messages_max: 2, ..ReplayRules::default() };
    let verbs = world.verbs.clone().with_replay_rules(few);
    let faults = wrong(refused(verbs.preview_replay(&of(1), &good).await));
    assert_eq!(faults, [("until".to_owned(), "too_many")]);
});

on_both!(progress_is_written_with_its_events_and_the_next_page_begins_behind_it, world => {
    let own = world.texted_lately().await;
    let store = &world.verbs.store;
    let (row, _) = world.verbs.start_replay(&of(1), &world.lately(), None).await.unwrap();
    let mut counts = ReplayCounts { sent: 1, ..ReplayCounts::default() };
    let event = EventRow {
        message: MessageId(own[0]),
        seq: 2,
        at: world.verbs.now(),
        kind: "redelivered",
        who: "user:1".into(),
        link: None,
        attempt: 2,
        detail: Some(row.subject()),
    };
    let last = MessageId(own[0]);
    let progress = |counts| Rare::ReplayProgress { replay: row.id, last, counts };
    let change = Change { rare: vec![progress(counts)], ..Change::default() }.event(event);
    store.save(change).await.unwrap();
    let now = store.replay(row.id).await.unwrap().unwrap();
    assert_eq!((now.counts(), now.version), (counts, row.version));
    assert_eq!(store.events(last).await.unwrap().last().unwrap().kind, "redelivered");
    let page = store.replay_page(&now, 10).await.unwrap();
    assert_eq!(page.iter().map(|id| id.0).collect::<Vec<_>>(), own[1..]);

    assert!(store.turn_replay(row.id, Some("nobody is there")).await.unwrap());
    let waiting = store.replay(row.id).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.reason.as_deref()), (ReplayState::Waiting, Some("nobody is there")));
    assert_eq!(store.open_replays().await.unwrap().len(), 1);
    let by = crate::domain::Caller::Gateway;
    assert!(store.end_replay(&by, 1, row.id, (ReplayEvent::Finish, None)).await.unwrap());
    assert!(!store.turn_replay(row.id, None).await.unwrap(), "what is over does not go on");
    assert!(!store.end_replay(&by, 1, row.id, (ReplayEvent::Stop, None)).await.unwrap());
    // What was under way when it ended is counted all the same.
    counts.sent = 2;
    store.save(Change { rare: vec![progress(counts)], ..Change::default() }).await.unwrap();
    let ended = store.replay(row.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.counts().sent), (ReplayState::Done, 3));
});
