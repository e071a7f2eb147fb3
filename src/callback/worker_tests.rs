//! Items on their way from a lane of a real gateway to a partner's endpoint and back.

use serde_json::Value;
use tokio::sync::Notify;

use super::{
    super::fake_partner::{FakePartner, Reply},
    world::{
        FAILURE, GONE, NOON, OK, OTHER_SECRET, SECRET, always, data, first, laboratory, submit,
        until, verify, world, world_with,
    },
    *,
};
use crate::{
    domain::{MessageState, ReceiptState},
    gateway::{mo::PartOf, receipt::NewReceipt},
    store::Stored,
};

#[tokio::test]
async fn an_mo_arrives_signed_and_once() {
    let partner = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner]).await;
    let id = world.mo("WIN PLEASE").await;
    world.until_state(id, MessageState::Delivered).await;

    let [seen] = &partner.seen()[..] else { panic!("not one request") };
    verify(seen, SECRET, NOON / 1_000_000);
    assert_eq!(seen.header("webhook-id"), Some(id.to_string().as_str()));
    assert_eq!(seen.header("bramka-redelivery"), None);
    let data = data(seen);
    for (field, expected) in [
        ("id", Value::from(id.to_string())),
        ("from", "48600100200".into()),
        ("to", "7455".into()),
        ("keyword", "WIN".into()),
        ("text", "WIN PLEASE".into()),
        ("alphabet", "gsm7".into()),
        ("service", "win".into()),
        ("billing", "mt".into()),
        ("received_at", "2026-11-21T12:00:00.000Z".into()),
        ("redelivery", 0.into()),
    ] {
        assert_eq!(data[field], expected, "{field}");
    }
    assert_eq!(world.attempts(id).await, [(1, "delivered: answered 200".to_owned())]);
    assert_eq!(world.tries_in_lane().await, [0_i64; 0]);
}

#[tokio::test]
async fn a_failed_mo_waits_and_goes_again_under_the_same_id() {
    let partner = FakePartner::plain(first(&[FAILURE])).await;
    let world = world(&[&partner]).await;
    let id = world.mo("WIN").await;
    world.until_event(id, "retry_planned").await;
    assert_eq!(partner.seen().len(), 1, "not again before its time");
    assert_eq!(world.state(id).await, MessageState::Accepted);

    // Five seconds and the most that jitter adds.
    world.clock.advance(Duration::from_secs(6));
    world.until_state(id, MessageState::Delivered).await;
    let [before, again] = &partner.seen()[..] else { panic!("not two requests") };
    assert_eq!(before.header("webhook-id"), again.header("webhook-id"));
    assert_eq!(again.header("bramka-redelivery"), Some("1"));
    assert_eq!(data(again)["redelivery"], 1);
    verify(again, SECRET, world.now_s());
    let attempts = world.attempts(id).await;
    assert_eq!(
        attempts,
        [(1, "server_error: answered 500".to_owned()), (2, "delivered: answered 200".to_owned())]
    );
}

#[tokio::test]
async fn what_a_partner_lost_after_its_yes_comes_again_under_the_same_id_and_changes_nothing() {
    let partner = FakePartner::plain(first(&[OK, OK, FAILURE])).await;
    let world = world(&[&partner]).await;
    let id = world.mo("WIN PLEASE").await;
    world.until_state(id, MessageState::Delivered).await;
    let books = world.gateway.store().ledger().await.unwrap();

    let number = id.to_string();
    let acme = world.gateway.catalog().partner_named("acme").unwrap().id;
    let (same, done) = world.gateway.redeliver(&number, Some(acme), "anna").await.unwrap();
    assert_eq!((same, done.is_delivered, &*done.outcome), (id, true, "delivered: answered 200"));
    // A no to a repeat is told, and neither plans another try nor speaks against the endpoint.
    let (_, done) = world.gateway.redeliver(&number, None, "anna").await.unwrap();
    assert_eq!((done.is_delivered, &*done.outcome), (false, "server_error: answered 500"));
    assert!(world.is_enabled("win"));

    let seen = partner.seen();
    let redeliveries: Vec<_> = seen.iter().map(|seen| data(seen)["redelivery"].clone()).collect();
    assert_eq!(redeliveries, [0, 1, 2]);
    for again in &seen {
        assert_eq!(again.header("webhook-id"), Some(&*number));
        assert_eq!(data(again)["text"], "WIN PLEASE");
    }
    until(async || world.attempts(id).await.len() == 3).await;
    assert_eq!(world.tries_in_lane().await, [0_i64; 0]);
    assert_eq!(world.state(id).await, MessageState::Delivered);
    assert_eq!(world.gateway.store().ledger().await.unwrap(), books);
}

#[tokio::test]
async fn only_what_was_handed_over_and_is_ones_own_is_handed_over_again() {
    let partner = FakePartner::plain(first(&[GONE])).await;
    let world = world(&[&partner]).await;
    let waiting = world.mo("WIN").await;
    world.until_event(waiting, "retry_planned").await;
    let submitted = submit(&world).await;
    let acme = world.gateway.catalog().partner_named("acme").unwrap().id;
    let stranger = crate::domain::PartnerId(acme.0 + 1);
    let other = waiting.to_string();
    for (id, owner, expected) in [
        (other.as_str(), None, "wrong_state"),
        (&submitted.to_string(), Some(acme), "wrong_state"),
        (&other, Some(stranger), "unknown_message"),
        ("1", Some(acme), "unknown_message"),
        ("no number", None, "unknown_message"),
    ] {
        let refused = world.gateway.redeliver(id, owner, "anna").await.unwrap_err();
        let crate::gateway::Error::Refused(refusal) = refused else { panic!("{refused}") };
        assert_eq!(refusal.code(), expected, "{id} {owner:?}: {refusal}");
    }
    assert_eq!(partner.seen().len(), 1);
}

#[tokio::test]
async fn a_410_disables_the_callback_and_everything_waits_until_it_is_enabled() {
    let partner = FakePartner::plain(first(&[GONE])).await;
    let other = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner, &other]).await;
    world.has_an_administrator().await;
    let refused = world.mo("WIN 1").await;
    world.until_event(refused, "retry_planned").await;
    assert!(!world.is_enabled("win"));
    assert_eq!(world.letters().await, [("callback_disabled".to_owned(), "ala@acme.pl".to_owned())]);
    let trail = world.gateway.store().audit(1).await.unwrap();
    assert_eq!((&*trail[0].what, &*trail[0].who), ("service.callback", "gateway"));
    let waiting = world.mo("WIN 2").await;
    world.clock.advance(Duration::from_hours(1));
    let elsewhere = world.mo("QUIZ").await;
    world.until_state(elsewhere, MessageState::Delivered).await;
    assert_eq!(partner.seen().len(), 1);
    assert_eq!(world.tries_in_lane().await, [1, 0]);
    assert_eq!(world.state(refused).await, MessageState::Accepted);

    world.change_services("update service set callback_enabled = ?", "1").await;
    world.until_state(refused, MessageState::Delivered).await;
    world.until_state(waiting, MessageState::Delivered).await;
    assert_eq!(partner.seen().len(), 3);
}

#[tokio::test]
async fn the_configured_schedule_ends_in_a_disabled_callback_and_begins_anew_when_enabled() {
    let partner = FakePartner::plain(first(&[FAILURE, FAILURE, FAILURE])).await;
    let schedule = vec![Duration::ZERO, Duration::from_mins(1)];
    let world = world_with(&[&partner], config::Callback { schedule, ..laboratory() }).await;
    let id = world.mo("WIN").await;
    world.until_retries(id, 1).await;
    assert!(world.is_enabled("win"));
    world.clock.advance(Duration::from_secs(72));
    world.until_retries(id, 2).await;
    assert!(!world.is_enabled("win"));
    assert_eq!(world.state(id).await, MessageState::Accepted);

    world.change_services("update service set callback_enabled = ?", "1").await;
    world.clock.advance(Duration::from_secs(72));
    world.until_retries(id, 3).await;
    assert!(world.is_enabled("win"), "one more failure is no reason to disable it");
    world.clock.advance(Duration::from_secs(72));
    world.until_state(id, MessageState::Delivered).await;
    let redeliveries: Vec<Value> =
        partner.seen().iter().map(|seen| data(seen)["redelivery"].clone()).collect();
    assert_eq!(redeliveries, [0, 1, 2, 3]);
}

#[tokio::test]
async fn an_address_that_the_configuration_forbids_is_never_dialled() {
    let partner = FakePartner::plain(always(OK)).await;
    for (settings, why) in [
        (
            config::Callback { insecure_http: false, ..laboratory() },
            "address_refused: callback address must begin with `https://`",
        ),
        (
            config::Callback { insecure_private_addresses: false, ..laboratory() },
            "address_refused: host leads to an address that is not public (loopback)",
        ),
    ] {
        let world = world_with(&[&partner], settings).await;
        let id = world.mo("WIN").await;
        world.until_event(id, "retry_planned").await;
        assert_eq!(world.attempts(id).await, [(1, why.to_owned())]);
    }
    assert_eq!(partner.connections(), 0);
}

#[tokio::test]
async fn a_receipt_of_a_message_sent_over_the_api_comes_to_the_callback() {
    let partner = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner]).await;
    let accepted = submit(&world).await;

    let outlet = world.gateway.to_links(world.seat.group);
    let mut claimed = Vec::new();
    while claimed.is_empty() {
        claimed = world.gateway.claim(&world.seat, &outlet, 1).await;
        tokio::task::yield_now().await;
    }
    world.gateway.submitted(&world.seat, &claimed[0], &["abc".into()]).await.unwrap();
    let receipt = NewReceipt {
        smsc_message_id: "abc".into(),
        state: ReceiptState::Delivered,
        network_error: None,
        done_at: NOON + 2_000_000,
        sender: "48600100200".into(),
        recipient: "7455".into(),
        reference: None,
    };
    world.gateway.receipt(&world.seat, receipt).await.unwrap();
    world.until_event(accepted, "receipt_handed").await;

    let [seen] = &partner.seen()[..] else { panic!("not one request") };
    verify(seen, SECRET, world.now_s());
    assert_eq!(seen.header("webhook-id"), Some(format!("{accepted}-delivered").as_str()));
    let data = data(seen);
    assert_eq!(data["id"], accepted.to_string());
    assert_eq!(data["reference"], "order 9");
    assert_eq!(data["state"], "delivered");
    assert_eq!(data["final_at"], "2026-11-21T12:00:02.000Z");
    assert_eq!(data["charged"]["amount_minor"], 492);
}

#[tokio::test]
async fn the_parts_of_a_long_text_arrive_as_one() {
    let partner = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner]).await;
    let part = |number| Some(PartOf { reference: 7, total: 2, number });
    world.part("of a long text", part(2)).await;
    assert_eq!(partner.seen().len(), 0);
    let id = world.part("WIN the first half ", part(1)).await;
    world.until_state(id, MessageState::Delivered).await;
    let [seen] = &partner.seen()[..] else { panic!("not one request") };
    let data = data(seen);
    assert_eq!(data["text"], "WIN the first half of a long text");
    assert_eq!(data["parts"], 2);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_holds_up_nobody_else() {
    let silent = FakePartner::plain(|_| Reply::Hang(Vec::new())).await;
    let lively = FakePartner::plain(always(OK)).await;
    let world = world(&[&silent, &lively]).await;
    let per_endpoint = config::Callback::default().per_endpoint_concurrency as usize;
    for number in 0..per_endpoint + 4 {
        world.mo(&format!("WIN {number}")).await;
    }
    silent.seen_at_least(per_endpoint).await;
    for number in 0..20 {
        let id = world.mo(&format!("QUIZ {number}")).await;
        world.until_state(id, MessageState::Delivered).await;
    }
    assert_eq!(silent.seen().len(), per_endpoint, "and no more than may be in flight");
}

#[tokio::test]
async fn a_changed_address_and_secret_count_from_the_next_delivery_on() {
    let old = FakePartner::plain(always(OK)).await;
    let new = FakePartner::plain(always(OK)).await;
    let world = world(&[&old]).await;
    let before = world.mo("WIN 1").await;
    world.until_state(before, MessageState::Delivered).await;
    world.change_services("update service set callback_url = ?", &new.url("127.0.0.1")).await;
    world.change_services("update service set callback_secrets = ?", OTHER_SECRET).await;
    world.mo("WIN 2").await;
    verify(&new.seen_at_least(1).await[0], OTHER_SECRET, world.now_s());
    assert_eq!(old.seen().len(), 1);
}

#[tokio::test]
async fn nothing_is_posted_unsigned() {
    let partner = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner]).await;
    world.change_services("update service set callback_secrets = ?", "whsec_short").await;
    let id = world.mo("WIN").await;
    world.until_event(id, "retry_planned").await;
    assert_eq!(partner.connections(), 0);
    let [(1, outcome)] = &world.attempts(id).await[..] else { panic!("not one attempt") };
    assert!(outcome.starts_with("secret_refused: "), "{outcome}");
}

#[tokio::test]
async fn a_text_too_long_for_a_body_is_put_aside_for_a_person() {
    let partner = FakePartner::plain(always(OK)).await;
    let world = world(&[&partner]).await;
    let id = world.mo(&format!("WIN {}", "x".repeat(70_000))).await;
    world.until_state(id, MessageState::Quarantined).await;
    assert_eq!(partner.connections(), 0);
    let next = world.mo("WIN").await;
    world.until_state(next, MessageState::Delivered).await;
}

#[tokio::test]
async fn a_post_in_flight_may_end_before_the_daemon_does() {
    let let_go = Arc::new(Notify::new());
    let held = Arc::clone(&let_go);
    let partner = FakePartner::plain(move |_| Reply::Held(Arc::clone(&held), OK.to_vec())).await;
    let world = world(&[&partner]).await;
    let id = world.mo("WIN").await;
    partner.seen_at_least(1).await;
    // Something of an earlier phase keeps the doors open long enough.
    let stopping = world.tasks.stopping();
    let gateway = world.gateway.clone();
    world.tasks.spawn("an answer", async move {
        stopping.cancelled().await;
        let_go.notify_one();
        while !matches!(
            gateway.store().message(id).await?,
            Some(Stored::Mo(_, MessageState::Delivered))
        ) {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    world.tasks.drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(world.state(id).await, MessageState::Delivered);
}

#[tokio::test]
async fn a_post_that_the_end_cuts_off_is_counted_and_kept() {
    let partner = FakePartner::plain(|_| Reply::Hang(Vec::new())).await;
    let world = world(&[&partner]).await;
    let id = world.mo("WIN").await;
    partner.seen_at_least(1).await;
    world.tasks.drain(Duration::from_secs(20)).await.unwrap();
    until(async || world.tries_in_lane().await == [1]).await;
    assert_eq!(world.state(id).await, MessageState::Accepted);
    assert_eq!(partner.seen().len(), 1);
}

#[test]
fn a_callback_that_is_enabled_again_has_its_whole_schedule_before_it() {
    for (tries, number) in [(0, 1), (8, 9), (9, 10), (10, 1), (19, 10), (u32::MAX, 6)] {
        assert_eq!(place_in_schedule(tries, 10), number, "{tries}");
    }
    assert_eq!(place_in_schedule(7, 0), 1);
}
