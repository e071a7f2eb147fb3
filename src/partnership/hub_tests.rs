//! Who hears of what: the outbox of the ticket hub, on both engines.

use std::sync::Arc;

use serde_json::Value;

use super::{
    agree_tests::{World, refused, world},
    faults_tests::{of, staff},
    *,
};
use crate::domain::{
    ComplaintEvent, FaultArea, Refusal, Role, Severity, TicketEvent as E, refusal::FieldFault,
};
use crate::store::FaultRow;

fn admin() -> Signed {
    Signed::try_out(Role::OperatorAdmin, None)
}

impl World {
    async fn open_to_all(self) -> Self {
        let world = Box::pin(self.complained()).await;
        let verbs = world.verbs.clone().with_address_guard(Arc::new(|_| Ok(())));
        Self { verbs, ..world }
    }

    async fn listens(&self, by: &Signed, host: &str, query: &str) -> String {
        let url = format!("https://{host}.example/t?token=secret");
        self.verbs.listen(by, &url, query).await.unwrap().id
    }

    async fn filed(&self, partner: i64) -> FaultRow {
        let wish = FaultWish {
            partner: None,
            area: FaultArea::Wap,
            severity: Severity::Critical,
            title: "Nic".to_owned(),
            story: "Nic nie działa.".to_owned(),
            since_at: self.verbs.now(),
            contact: String::new(),
            items: Vec::new(),
            incident: None,
        };
        self.verbs.report_fault(&of(partner), &wish).await.unwrap()
    }

    async fn moved(&self, row: &FaultRow, event: E) -> FaultRow {
        let at = (row.id, row.version);
        self.verbs.step_fault(&staff(), at, event, "bo tak").await.unwrap()
    }

    /// Names of what waits for a listener, in order, without what all names begin and end with.
    async fn waits(&self, listener: &str) -> Vec<String> {
        let sql =
            format!("select kind from ticket_news where listener_id = '{listener}' order by id");
        let kinds = self.all(&sql).await;
        let short = |kind: &String| {
            kind.trim_start_matches("TroubleTicket").trim_end_matches("Event").to_owned()
        };
        kinds.iter().map(short).collect()
    }

    async fn bodies(&self, listener: &str) -> Vec<Value> {
        let sql =
            format!("select body from ticket_news where listener_id = '{listener}' order by id");
        let bodies = self.all(&sql).await;
        bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await.open_to_all().await;
                $body
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(each_step_is_told_to_the_operator_and_to_the_partner_whose_ticket_it_is, world => {
    let all = world.listens(&admin(), "desk", "").await;
    let statuses = world.listens(&admin(), "desk", "eventType=TroubleTicketStatusChangeEvent").await;
    let (own, other) = (world.listens(&of(1), "one", "").await, world.listens(&of(2), "two", "").await);
    let row = world.filed(1).await;
    let row = world.moved(&row, E::Take).await;
    let row = world.verbs.note_fault(&staff(), (row.id, row.version), "intern", true).await.unwrap();
    let row = world.verbs.note_fault(&staff(), (row.id, row.version), "publik", false).await.unwrap();
    let row = world.moved(&row, E::Pend).await;
    let row = world.moved(&row, E::Resume).await;
    world.moved(&row, E::Resolve).await;
    let public = ["Create", "StatusChange", "AttributeValueChange", "StatusChange",
        "InformationRequired", "StatusChange", "StatusChange", "Resolved"];
    assert_eq!(world.waits(&own).await, public);
    let mut whole = public.to_vec();
    whole.insert(2, "AttributeValueChange");
    assert_eq!(world.waits(&all).await, whole);
    assert_eq!(world.waits(&statuses).await, ["StatusChange"; 4]);
    assert_eq!(world.waits(&other).await, Vec::<String>::new(), "not its ticket");
    let bodies = world.bodies(&own).await;
    assert!(!bodies.iter().any(|body| body.to_string().contains("intern")));
    assert_eq!(bodies[2]["event"]["troubleTicket"]["note"][0]["text"], "publik");
    let states: Vec<_> = bodies.iter().map(|body| body["event"]["troubleTicket"]["status"].as_str().unwrap()).collect();
    assert_eq!(states[..4], ["acknowledged", "inProgress", "inProgress", "pending"], "as it was then");
    for member in ["eventId", "eventTime", "eventType", "correlationId", "domain", "title", "description", "priority", "timeOcurred"] {
        assert!(bodies[0][member].is_string(), "{member}");
    }
});

on_both!(a_complaint_is_told_without_its_subscriber_and_moves_from_partner_to_partner, world => {
    let (one, two) = (world.listens(&of(1), "one", "").await, world.listens(&of(2), "two", "").await);
    let desk = world.listens(&admin(), "desk", "").await;
    let wish = ComplaintWish { partner: "partner1".to_owned(), ..world.complaint() };
    let row = world.verbs.take_complaint(&staff(), &wish).await.unwrap();
    let at = (row.id, row.version);
    let row = world.verbs.assign_complaint(&staff(), at, ("partner2", "")).await.unwrap();
    let step = ComplaintStep::plain(ComplaintEvent::Ask, "Dlaczego?");
    world.verbs.step_complaint(&staff(), (row.id, row.version), &step).await.unwrap();
    assert_eq!(world.waits(&one).await, ["Create", "Delete"]);
    assert_eq!(world.waits(&two).await, ["Create", "StatusChange", "InformationRequired"]);
    assert_eq!(
        world.waits(&desk).await,
        ["Create", "AttributeValueChange", "StatusChange", "InformationRequired"]
    );
    for listener in [&one, &two, &desk] {
        let told: String = world.bodies(listener).await.iter().map(Value::to_string).collect();
        for hidden in ["48600100200", "600 100 200", "Łucja", "lucja@", "Chłodna"] {
            assert!(!told.contains(hidden), "{hidden}: {told}");
        }
    }
    let gone = &world.bodies(&one).await[1]["event"]["troubleTicket"];
    assert_eq!(gone.as_object().unwrap().len(), 2, "its id and where it was: {gone}");
});

on_both!(a_listener_is_its_owners_has_a_secret_of_its_own_and_its_trail_hides_its_token, world => {
    let own = world.listens(&of(1), "one", "").await;
    for (by, id) in [(of(2), own.as_str()), (of(1), "nosuch"), (admin(), "nosuch")] {
        assert_eq!(refused(world.verbs.unlisten(&by, id).await), Refusal::UnknownId("listener"));
    }
    let seen = async |by: Signed| world.verbs.listeners(&by).await.unwrap().len();
    assert_eq!((seen(of(1)).await, seen(of(2)).await, seen(admin()).await), (1, 0, 1));
    let support = Signed::try_out(Role::OperatorSupport, None);
    let listen = async |by: &Signed, url: &str, query: &str| world.verbs.listen(by, url, query).await.map(|made| made.id);
    assert_eq!(refused(listen(&support, "https://x.example", "").await), Refusal::NotAllowed);
    let twice = listen(&of(1), "https://one.example/t?token=secret", "").await;
    assert_eq!(refused(twice), Refusal::Taken("listener"));
    let Refusal::FieldErrors(wrong) = refused(listen(&of(1), "https://x.example", "status=open").await) else { panic!() };
    assert!(matches!(&wrong[..], [FieldFault { code: "invalid", .. }]), "{wrong:?}");
    for host in 2..=10 {
        listen(&of(1), &format!("https://{host}.example"), "").await.unwrap();
    }
    assert!(matches!(refused(listen(&of(1), "https://11.example", "").await), Refusal::WrongState(_)));
    world.filed(1).await;
    world.verbs.unlisten(&of(1), &own).await.unwrap();
    assert_eq!(world.waits(&own).await, Vec::<String>::new());
    let trail = world.all("select what || ' ' || detail from audit where subject like 'hub:%'").await;
    assert_eq!(trail.len(), 11, "ten made and one removed");
    assert!(trail[0].contains("https://one.example") && !trail[0].contains("secret"), "{trail:?}");
    assert_eq!(world.one("select count(*) || '' from ticket_listener where secret is null").await, "0");
});

on_both!(a_queue_that_is_full_counts_what_it_misses, world => {
    let own = world.listens(&of(1), "one", "").await;
    world.filed(1).await;
    world.run(&format!(
        "insert into ticket_news (id, listener_id, event_id, kind, body, at) \
         with recursive n(i) as (select 2 union all select i + 1 from n where i < 10000) \
         select i, '{own}', 'e' || i, 'k', '', 0 from n"
    )).await;
    let row = world.filed(1).await;
    world.moved(&row, E::Take).await;
    let listed = world.verbs.listeners(&of(1)).await.unwrap();
    assert_eq!((listed[0].waiting, listed[0].missed), (10_000, 2));
});
