//! What the gateway files by itself from its own counts: once, with evidence, closed when it is over.

use std::time::Duration;

use super::{
    agree_tests::{World, world},
    *,
};
use crate::{
    domain::{FaultArea, Severity, TicketState as S, ids::first_at},
    store::FaultRow,
};

const MINUTE: i64 = 60_000_000;

impl World {
    /// So many MT accepted one after the other from so many minutes ago, all in one state.
    async fn mts(&self, count: i64, minutes_ago: i64, state: &str) -> i64 {
        let at = self.verbs.now() - minutes_ago * MINUTE;
        let first = first_at(at).0;
        self.run(&format!(
            "insert into message (id, direction, caller, link_group, sender, sender_kind, \
             recipient, data_coding, has_udh, body, parts, on_unknown, accepted_at, \
             deliver_after, valid_until, receipts, service_type, priority, protocol_id, \
             likeness, state, state_at) with recursive n(i) as \
             (select 1 union all select i + 1 from n where i < {count}) \
             select {first} + i, 'mt', 'acme', 'main', '7455', 'number', '48600100200', 0, 0, '', \
             1, 'park', {at}, 0, {at}, 1, '', 0, 0, '', '{state}', {at} from n"
        ))
        .await;
        first + 1
    }

    async fn looks(&self) -> (usize, usize) {
        let done = FaultWatch::default().look(&self.verbs, &[]).await.unwrap();
        (done.filed, done.recovered)
    }

    async fn of_cause(&self, cause: &str) -> FaultRow {
        self.verbs.store.fault_of_cause(cause).await.unwrap().expect(cause)
    }

    /// It was filed once, is closed by the gateway with a note, and is not filed again.
    async fn is_over(&self, id: i64) {
        assert_eq!(self.looks().await, (0, 1));
        assert_eq!(self.looks().await, (0, 0), "closed once");
        let row = self.verbs.store.fault(id).await.unwrap().unwrap();
        assert_eq!((row.state, row.open_cause), (S::Closed, None));
        assert!(row.answer.starts_with("over: "), "{}", row.answer);
        let kinds = self
            .all(&format!("select kind from happening where subject = 'fault:{id}' order by id"))
            .await;
        assert_eq!(kinds, ["fault_report", "fault_recover"]);
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await.helped().await;
                $body
                $world.letters_fit().await;
            }
        }
    };
}

on_both!(receipts_that_do_not_come_are_filed_once_and_closed_when_they_come, world => {
    let late = i64::try_from(world.verbs.fault_rules().receipt_late_after.as_secs()).unwrap() / 60;
    world.mts(100, late + 10, "delivered").await;
    world.mts(100, late + 9, "submitted").await;
    assert_eq!(world.looks().await, (0, 0), "half of them came");
    world.mts(1, late + 8, "submitted").await;
    // What was sent a moment ago may still be on its way.
    world.mts(1000, 1, "submitted").await;
    assert_eq!(world.looks().await, (1, 0));
    assert_eq!(world.looks().await, (0, 0), "once");
    let row = world.of_cause("receipts_missing").await;
    assert_eq!((row.severity, row.area, row.partner_id), (Severity::Major, FaultArea::Sms, None));
    assert!(row.evidence.contains("201 sent, 101 without a receipt"), "{}", row.evidence);
    world.run("update message set state = 'delivered' where state = 'submitted'").await;
    world.is_over(row.id).await;
});

on_both!(unknown_outcomes_that_grow_are_filed_once_and_closed_when_they_stop, world => {
    world.mts(49, 5, "unknown").await;
    world.mts(1000, 70, "unknown").await;
    assert_eq!(world.looks().await, (0, 0), "old ones are no growth");
    world.mts(1, 4, "unknown").await;
    assert_eq!(world.looks().await, (1, 0));
    assert_eq!(world.looks().await, (0, 0), "once");
    let row = world.of_cause("unknown_growing").await;
    assert_eq!(row.severity, Severity::Major);
    assert!(row.evidence.starts_with("50 messages became unknown"), "{}", row.evidence);
    world.clock.advance(Duration::from_hours(1));
    world.is_over(row.id).await;
});

on_both!(a_charge_that_does_not_fit_its_message_is_filed_once_and_closed_when_it_does, world => {
    let id = world.mts(6, 10, "delivered").await;
    world.run("update message set gross_minor = 492, net_minor = 400, currency = 'PLN', charge_at = 'delivered'").await;
    world.run(&format!("update message set state = 'submitted' where id = {}", id + 4)).await;
    world.run(&format!("update message set state = 'submitted', charge_at = 'submitted' where id = {}", id + 5)).await;
    let charge = async |message: i64, line: i64, gross: i64| world.run(&format!(
        "insert into charge (id, message_id, line, partner_id, service_id, service_version, \
         direction, tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, \
         charged_at, reason) values ({message} * 2 + {line}, {message}, {line}, 1, 1, 1, 'mt', 1, 'T4', {gross}, 400, \
         'PLN', '48600100200', 0, 'delivered')"
    )).await;
    for message in [id, id + 1, id + 2, id + 3, id + 5] {
        charge(message, 0, 492).await;
    }
    charge(id + 1, 1, -492).await;
    assert_eq!(world.looks().await, (0, 0), "all as it should be, one given back, one not due");
    // Charged too much, charged though free, and not charged at all.
    world.run(&format!("update charge set gross_minor = 500 where message_id = {id}")).await;
    world.run(&format!("update message set gross_minor = null where id = {}", id + 2)).await;
    world.run(&format!("delete from charge where message_id in ({}, {})", id + 3, id + 5)).await;
    assert_eq!(world.looks().await, (1, 0));
    assert_eq!(world.looks().await, (0, 0), "once");
    let row = world.of_cause("charge_mismatch").await;
    assert_eq!((row.severity, row.area), (Severity::Major, FaultArea::Settlement));
    let evidence: Vec<&str> = row.evidence.lines().collect();
    assert_eq!(evidence, [
        format!("message {} is submitted: 492 is its price, nothing is charged", id + 5),
        format!("message {} is delivered: 492 is its price, nothing is charged", id + 3),
        format!("message {} is delivered: nothing is its price, 492 is charged", id + 2),
        format!("message {id} is delivered: 492 is its price, 500 is charged"),
    ]);
    let items = world.verbs.store.fault_items(row.id).await.unwrap();
    assert_eq!((items.len(), items[0].kind.as_str()), (4, "message"));
    // Time alone repairs nothing.
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(world.looks().await, (0, 0));
    world.run(&format!("update charge set gross_minor = 492 where message_id = {id}")).await;
    world.run(&format!("update message set gross_minor = 492 where id = {}", id + 2)).await;
    charge(id + 3, 0, 492).await;
    assert_eq!(world.looks().await, (0, 0), "one is wrong still");
    charge(id + 5, 0, 492).await;
    world.is_over(row.id).await;
});
