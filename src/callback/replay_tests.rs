//! A replay to a callback: the same webhook ids, marked, and an endpoint that is away is waited for.

use super::{
    super::fake_partner::FakePartner,
    world::{FAILURE, OK, World, data, first, until, world},
    *,
};
use crate::{
    domain::{Caller, MessageState, PartnerId, ReplayState},
    store::{NewReplay, ReplayRow, ReplayScope, ReplayStart},
};

impl World {
    fn carry_out_replays(&self) {
        let replays = self.gateway.clone().run_replays(std::future::pending());
        self.tasks.spawn_in(Phase::Requests, "replays", replays);
    }

    /// All texts of the last hour.
    async fn begin_replay(&self) -> i64 {
        let now = self.gateway.now();
        let acme = self.gateway.catalog().partner_named("acme").unwrap().id;
        let scope = ReplayScope {
            partner: acme,
            service: None,
            mo: true,
            receipts: true,
            from: now - 3_600_000_000,
            until: now + 1_000_000,
        };
        let new = NewReplay { scope, found: 4, request: None };
        let store = self.gateway.store();
        match store.start_replay(&Caller::Gateway, now, &new).await.unwrap() {
            ReplayStart::Started(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn replay(&self, id: i64) -> ReplayRow {
        self.gateway.store().replay(id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn an_hour_of_texts_is_posted_again_as_repeats_and_a_no_is_asked_again() {
    // Four are taken; the first repeat meets an endpoint that is out of order for a moment.
    let partner = FakePartner::plain(first(&[OK, OK, OK, OK, FAILURE])).await;
    let world = world(&[&partner]).await;
    let mut ids = Vec::new();
    for place in 0..4 {
        let id = world.mo(&format!("WIN {place}")).await;
        world.until_state(id, MessageState::Delivered).await;
        ids.push(id.to_string());
    }
    let books = world.gateway.store().ledger().await.unwrap();
    let id = world.begin_replay().await;
    world.carry_out_replays();
    until(async || world.replay(id).await.state == ReplayState::Done).await;

    let row = world.replay(id).await;
    assert_eq!((row.sent, row.counts().total()), (4, 4));
    let seen = partner.seen();
    assert_eq!(seen.len(), 9, "four, the no, and four again");
    for again in &seen[4..] {
        let webhook = again.header("webhook-id").unwrap();
        assert!(ids.iter().any(|id| id == webhook), "{webhook}");
        assert_eq!(data(again)["redelivery"], 1);
        assert_eq!(again.header("bramka-redelivery"), Some("1"));
    }
    assert_eq!(world.gateway.store().ledger().await.unwrap(), books);
    assert_eq!(world.tries_in_lane().await, [0_i64; 0]);
    assert!(world.is_enabled("win"), "a no to a repeat does not speak against the endpoint");
}

#[tokio::test]
async fn what_is_erased_unfinished_or_of_a_closed_service_is_skipped_and_counted() {
    let partner = FakePartner::plain(first(&[OK, OK, OK])).await;
    let silent = FakePartner::plain(world::always(FAILURE)).await;
    let world = world(&[&partner, &silent]).await;
    let mut ids = Vec::new();
    for place in 0..3 {
        let id = world.mo(&format!("WIN {place}")).await;
        world.until_state(id, MessageState::Delivered).await;
        ids.push(id);
    }
    let waiting = world.mo("QUIZ").await;
    world.until_event(waiting, "retry_planned").await;
    let erased = "update message set body = x'' where id = ?";
    world.change_services(erased, &ids[1].to_string()).await;
    let id = world.begin_replay().await;
    world.carry_out_replays();
    until(async || world.replay(id).await.state == ReplayState::Done).await;
    let row = world.replay(id).await;
    assert_eq!((row.sent, row.erased, row.unfinished, row.no_way), (2, 1, 1, 0));
    assert_eq!(world.state(waiting).await, MessageState::Accepted);

    world.change_services("update service set state = ? where name = 'win'", "closed").await;
    let id = world.begin_replay().await;
    until(async || world.replay(id).await.state == ReplayState::Done).await;
    let row = world.replay(id).await;
    assert_eq!((row.sent, row.erased, row.unfinished, row.no_way), (0, 1, 1, 2));
    assert_eq!(
        PartnerId(row.partner_id),
        world.gateway.catalog().partner_named("acme").unwrap().id
    );
}
