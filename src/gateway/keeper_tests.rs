//! What ends and begins by time, under a clock that jumps (P37, T-26).

use std::{sync::Arc, time::Duration};

use super::{Gateway, keeper::Silence, mt::NewMt};
use crate::{
    clock::{Clock, SetClock},
    control::tests::{Daemon, daemon_by, mt, submitter, unknown_message},
    domain::{ItemKey, LaneId, MessageId, MessageState},
    gateway::submit::LinkSeat,
    store::Stored,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A daemon whose clock a test sets, with a charged service; nobody keeps it but the test.
async fn standing(folder: &std::path::Path) -> (Arc<SetClock>, Daemon) {
    let set = Arc::new(SetClock::at(1_900_000_000 * SECOND));
    let daemon = daemon_by(folder, Clock::Set(Arc::clone(&set))).await;
    unknown_message(&daemon.gateway).await;
    keep_once(&daemon.gateway).await;
    (set, daemon)
}

/// One turn of the keeper.
async fn keep_once(gateway: &Gateway) {
    let mut from = ItemKey { lane: LaneId(0), due_at: 0, seq: 0 };
    gateway.begin_what_is_due().await;
    gateway.end_what_is_over(&mut from, &mut Silence::default()).await;
}

async fn accepted(gateway: &Gateway, new: NewMt) -> MessageId {
    let accepted = gateway.accept_mt(&submitter(gateway), new).await.unwrap();
    gateway.answered(accepted.held);
    accepted.id
}

async fn state(gateway: &Gateway, id: MessageId) -> MessageState {
    match gateway.store().message(id).await.unwrap() {
        Some(Stored::Mt(_, state)) => state,
        other => panic!("{other:?}"),
    }
}

/// How many a link is given that asks.
async fn given(gateway: &Gateway) -> usize {
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = LinkSeat { name: "north".into(), group, epoch };
    gateway.claim(&seat, &gateway.to_links(group), 10).await.len()
}

#[tokio::test]
async fn t26_nothing_expires_and_nothing_planned_begins_by_a_clock_that_jumped_ten_years() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, daemon) = standing(folder.path()).await;
    let gateway = &daemon.gateway;
    let waits = accepted(gateway, mt()).await;
    let tomorrow = Some(gateway.now() + DAY);
    let planned = accepted(gateway, NewMt { deliver_after: tomorrow, ..mt() }).await;
    for years in [10, -10, 10] {
        clock.step(years * 365 * DAY);
        keep_once(gateway).await;
        assert_eq!(state(gateway, waits).await, MessageState::Accepted, "{years}");
    }
    let status = daemon.client.get("/status").await.unwrap();
    assert_eq!(status["clock_believed"], false);
    assert_eq!(given(gateway).await, 1, "what waits is sent, and what is planned is not");
    assert_eq!(state(gateway, planned).await, MessageState::Accepted);
}

#[tokio::test]
async fn t26_what_somebody_confirms_or_ten_minutes_pass_over_is_the_time() {
    for confirms in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (clock, daemon) = standing(folder.path()).await;
        let gateway = &daemon.gateway;
        let waits = accepted(gateway, mt()).await;
        clock.step(365 * DAY);
        keep_once(gateway).await;
        assert_eq!(state(gateway, waits).await, MessageState::Accepted);
        if confirms {
            let nothing = serde_json::json!({});
            daemon.client.post("/clock/confirm", &nothing).await.unwrap();
            let last = gateway.store().audit(1).await.unwrap();
            assert_eq!(last[0].what, "clock.confirm");
        } else {
            clock.advance(Duration::from_mins(10));
        }
        keep_once(gateway).await;
        assert_eq!(state(gateway, waits).await, MessageState::Expired, "{confirms}");
    }
}
