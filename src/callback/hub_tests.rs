//! Listeners of the ticket hub: told in order, signed, tried again, given up.

use serde_json::Value;

use super::{
    super::{
        fake_partner::{FakePartner, Reply},
        signature::SignedHeaders,
        worker::world::{FAILURE, GONE, NOON, OK, laboratory},
    },
    *,
};
use crate::{
    clock::{Clock, SetClock},
    domain::{FaultArea, Role, Severity, seal::Seal},
    partnership::{FaultRules, FaultWish, NewHub, Signed},
    store::tests::{Engine, sqlite},
};

const DESK: &str = "desk@operator.example";

struct World {
    hub: Hub,
    verbs: Partnership,
    clock: Arc<SetClock>,
    engine: Engine,
}

async fn world() -> World {
    let engine = sqlite().await;
    let clock = Arc::new(SetClock::at(NOON));
    let seal = Seal::new([&b"seal"[..]]);
    let mut rules = FaultRules::default();
    DESK.clone_into(&mut rules.desk_mail);
    let verbs = Partnership::new(engine.store.clone(), Clock::Set(Arc::clone(&clock)), seal)
        .with_address_guard(address_guard(&laboratory()))
        .with_fault_rules(rules);
    let hub = Hub::new(&verbs, &laboratory()).unwrap();
    World { hub, verbs, clock, engine }
}

fn admin() -> Signed {
    Signed::try_out(Role::OperatorAdmin, None)
}

impl World {
    async fn listens(&self, to: &FakePartner, query: &str) -> NewHub {
        self.verbs.listen(&admin(), &to.url("127.0.0.1"), query).await.unwrap()
    }

    /// A fault with a note: two events.
    async fn report(&self) -> i64 {
        let desk = Signed::try_out(Role::OperatorSupport, None);
        let wish = FaultWish {
            partner: None,
            area: FaultArea::Sms,
            severity: Severity::Minor,
            title: "Slow".to_owned(),
            story: "Since noon.".to_owned(),
            since_at: self.verbs.now(),
            contact: String::new(),
            items: Vec::new(),
            incident: None,
        };
        let row = self.verbs.report_fault(&desk, &wish).await.unwrap();
        self.verbs.note_fault(&desk, (row.id, row.version), "Seen", true).await.unwrap();
        row.id
    }

    /// State, events taken and waiting, and how the last try ended.
    async fn one(&self) -> (String, i64, i64, String) {
        let row = self.verbs.listeners(&admin()).await.unwrap().remove(0);
        (row.state, row.sent, row.waiting, row.last_outcome)
    }
}

#[tokio::test]
async fn a_listener_is_told_in_order_and_can_prove_who_told_it() {
    let desk = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let world = world().await;
    let made = world.listens(&desk, "").await;
    world.report().await;
    assert_eq!(world.one().await.2, 2);
    world.hub.round().await;
    let seen = desk.seen();
    let bodies: Vec<Value> =
        seen.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    let kinds: Vec<_> = bodies.iter().map(|body| body["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["TroubleTicketCreateEvent", "TroubleTicketAttributeValueChangeEvent"]);
    let ticket = &bodies[1]["event"]["troubleTicket"];
    assert_eq!((&ticket["name"], &ticket["note"][0]["text"]), (&"Slow".into(), &"Seen".into()));
    let secrets = Secrets::parse(&[made.secret.as_str()]).unwrap();
    for (one, body) in seen.iter().zip(&bodies) {
        let id = one.header("webhook-id").unwrap();
        assert_eq!(body["eventId"], id);
        let headers = SignedHeaders {
            id,
            timestamp: one.header("webhook-timestamp").unwrap(),
            signature: one.header("webhook-signature").unwrap(),
        };
        assert_eq!(secrets.verify(&headers, &one.body, NOON / 1_000_000), Ok(()));
    }
    assert_eq!(world.one().await, ("active".into(), 2, 0, "delivered: answered 200".into()));
    world.hub.round().await;
    assert_eq!(desk.seen().len(), 2, "each once");
}

#[tokio::test]
async fn what_was_not_taken_goes_again_later_before_what_follows() {
    let desk = FakePartner::plain(|number| match number {
        0 => Reply::Keep(FAILURE.to_vec()),
        _ => Reply::Keep(OK.to_vec()),
    })
    .await;
    let world = world().await;
    world.listens(&desk, "").await;
    world.report().await;
    world.hub.round().await;
    world.hub.round().await;
    assert_eq!(desk.seen().len(), 1, "not before its time");
    let (state, sent, waiting, said) = world.one().await;
    assert_eq!((state.as_str(), sent, waiting), ("active", 0, 2));
    assert!(said.starts_with("server_error: answered 500"), "{said}");
    world.clock.advance(Duration::from_secs(7));
    world.hub.round().await;
    let seen = desk.seen();
    let ids: Vec<_> = seen.iter().map(|one| one.header("webhook-id").unwrap()).collect();
    assert_eq!((ids.len(), ids[0]), (3, ids[1]), "the same event under the same name");
    assert_ne!(ids[1], ids[2]);
    assert_eq!(seen[1].header("bramka-redelivery"), Some("1"));
    assert_eq!(world.one().await.1, 2);
}

#[tokio::test]
async fn a_listener_that_is_gone_or_silent_for_days_is_told_nothing_more() {
    for answer in [GONE, FAILURE] {
        let desk = FakePartner::plain(move |_| Reply::Keep(answer.to_vec())).await;
        let world = world().await;
        world.listens(&desk, "").await;
        world.report().await;
        let mut hours = 0;
        while world.one().await.0 == "active" {
            world.hub.round().await;
            world.clock.advance(Duration::from_hours(1));
            hours += 1;
            assert!(hours < 24 * 7, "it is tried for ever");
        }
        let (state, sent, waiting, said) = world.one().await;
        assert_eq!((state.as_str(), sent, waiting), ("disabled", 0, 0), "{said}");
        assert_eq!(answer == GONE, hours == 1);
        assert!(answer == GONE || hours > 48, "{hours} h are not days");
        let sql = "select recipient from mail where template = 'listener_disabled'";
        assert_eq!(world.engine.store.texts(sql).await.unwrap(), [DESK], "once");
        world.report().await;
        assert_eq!(world.one().await.2, 0, "nothing is kept for it");
    }
}

#[tokio::test]
async fn one_that_is_away_holds_up_nobody_else() {
    let away = FakePartner::plain(|_| Reply::Keep(FAILURE.to_vec())).await;
    let there = FakePartner::plain(|_| Reply::Keep(OK.to_vec())).await;
    let world = world().await;
    world.listens(&away, "").await;
    world.listens(&there, "eventType=TroubleTicketCreateEvent").await;
    world.report().await;
    world.hub.round().await;
    assert_eq!((away.seen().len(), there.seen().len()), (1, 1));
}

#[tokio::test]
async fn an_address_is_refused_where_a_callbacks_would_be() {
    let guard = address_guard(&config::Callback::default());
    for url in ["http://desk.example/t", "https://127.0.0.1/t", "https://10.0.0.1/t", "desk", ""] {
        assert!(guard(url).is_err(), "{url}");
    }
    assert_eq!(guard("https://desk.example/t"), Ok(()));
}
