//! Looks for messages find what is there, page by page, and read no table from end to end.

use super::{
    find::{FoundMessages, MessageFilter},
    tests::{NOON, any_postgres, on_both, sqlite},
    *,
};
use crate::domain::{MessageState, NumberPattern, PartnerId, ServiceId, ids::first_at};

/// Between two messages: all of them take more than two days.
const STEP: i64 = 300_000_000;
/// Of two partners and of nobody; a third has none.
const COUNT: i64 = 600;

/// What message `i` is; the statement below says the same.
fn is_mt(i: i64) -> bool {
    i % 3 != 0
}

fn partner_of(i: i64) -> Option<i64> {
    (i % 7 != 0 || is_mt(i)).then_some(1 + i % 2)
}

fn state_of(i: i64) -> MessageState {
    match (is_mt(i), i % 10) {
        (true, 0) => MessageState::Undeliverable,
        (true, 1) => MessageState::Unknown,
        (true, _) => MessageState::Delivered,
        (false, _) if partner_of(i).is_none() => MessageState::Unrouted,
        (false, _) => MessageState::Delivered,
    }
}

fn number_of(i: i64) -> String {
    format!("4860010{:04}", i % 40)
}

fn id_of(i: i64) -> i64 {
    first_at(NOON + i * STEP).0
}

async fn filled(store: &Store) {
    for (id, name) in [(1, "acme"), (2, "other"), (3, "silent")] {
        let row = format!(
            "insert into partner values ({id}, '{name}', 1, 0, 1, 100, 100, 'decimal', 1, 'utc', \
             'gsm', 0, 0, 0, 0, 0, 0)"
        );
        store.run_sql(&row).await.unwrap();
    }
    store.run_sql("insert into link_group values (90, 'main')").await.unwrap();
    let rows: Vec<String> = (0..COUNT)
        .map(|i| {
            let (id, number, state) = (id_of(i), number_of(i), state_of(i).as_str());
            let at = NOON + i * STEP;
            let partner = partner_of(i).map_or("null".to_owned(), |partner| partner.to_string());
            let (direction, sender, recipient) =
                if is_mt(i) { ("mt", "7455", &*number) } else { ("mo", &*number, "7455") };
            let reference = if i % 50 == 1 { "'order'" } else { "null" };
            format!(
                "({id}, '{direction}', {partner}, {}, 1, 'c', 'main', '{sender}', 'n', \
                 '{recipient}', 0, 0, '', 1, 'resend', {at}, 0, 0, 0, {reference}, '', 0, 0, '', \
                 '{state}', {at})",
                1 + i % 4
            )
        })
        .collect();
    let insert = format!(
        "insert into message (id, direction, partner_id, service_id, service_version, caller, \
         link_group, sender, sender_kind, recipient, data_coding, has_udh, body, parts, \
         on_unknown, accepted_at, deliver_after, valid_until, receipts, partner_reference, \
         service_type, priority, protocol_id, likeness, state, state_at) values {}",
        rows.join(", ")
    );
    store.run_sql(&insert).await.unwrap();
}

/// Every page of a look, each with seven rows.
async fn all(store: &Store, wish: &MessageFilter) -> Vec<i64> {
    let (mut ids, mut wish) = (Vec::new(), MessageFilter { limit: 7, ..wish.clone() });
    for _ in 0..1000 {
        let FoundMessages { rows, next, .. } = store.find_messages(&wish).await.unwrap();
        assert!(rows.len() <= 7);
        ids.extend(rows.iter().map(|row| row.id));
        match next {
            Some(next) => wish.before = Some(next),
            None => return ids,
        }
    }
    panic!("a look never ends");
}

fn wishes() -> Vec<(&'static str, MessageFilter)> {
    let any = MessageFilter::default;
    let of = |partner| MessageFilter { partner: Some(PartnerId(partner)), ..any() };
    let number = |text| NumberPattern::parse(text);
    vec![
        ("everything", any()),
        ("a partner", of(1)),
        ("a partner without messages", of(3)),
        (
            "a time",
            MessageFilter { from: Some(NOON + 10 * STEP), until: Some(NOON + 90 * STEP), ..any() },
        ),
        ("a time of a partner", MessageFilter { from: Some(NOON + 10 * STEP), ..of(2) }),
        ("a service", MessageFilter { service: Some(ServiceId(2)), ..of(2) }),
        ("trouble", MessageFilter { state: Some(MessageState::Undeliverable), ..any() }),
        ("trouble of a partner", MessageFilter { state: Some(MessageState::Unknown), ..of(2) }),
        (
            "no trouble of a partner",
            MessageFilter { state: Some(MessageState::Delivered), ..of(1) },
        ),
        ("unrouted", MessageFilter { state: Some(MessageState::Unrouted), ..any() }),
        ("a direction", MessageFilter { direction: "mo".to_owned(), ..any() }),
        ("a direction of a partner", MessageFilter { direction: "mt".to_owned(), ..of(1) }),
        ("a number", MessageFilter { number: number("48600100007"), ..any() }),
        ("a number of a partner", MessageFilter { number: number("48600100007"), ..of(2) }),
        ("the end of a number", MessageFilter { number: number("*0012"), ..of(1) }),
        ("both ends of a number", MessageFilter { number: number("48600***003"), ..any() }),
        (
            "all at once",
            MessageFilter {
                service: Some(ServiceId(2)),
                state: Some(MessageState::Delivered),
                direction: "mt".to_owned(),
                number: number("*005"),
                from: Some(NOON),
                ..of(2)
            },
        ),
    ]
}

fn fits(i: i64, wish: &MessageFilter) -> bool {
    let at = NOON + i * STEP;
    let number = number_of(i);
    let direction = if is_mt(i) { "mt" } else { "mo" };
    wish.partner.is_none_or(|partner| partner_of(i) == Some(partner.0))
        && wish.service.is_none_or(|service| service.0 == 1 + i % 4)
        && wish.state.is_none_or(|state| state == state_of(i))
        && (wish.direction.is_empty() || wish.direction == direction)
        && wish.from.is_none_or(|from| at >= from)
        && wish.until.is_none_or(|until| at < until)
        && match &wish.number {
            None => true,
            Some(NumberPattern::Whole(whole)) => number == whole.as_str(),
            Some(NumberPattern::Ends { head, tail }) => {
                number.starts_with(head.as_str()) && number.ends_with(tail.as_str())
            }
        }
}

on_both!(every_look_finds_what_fits_once_and_the_newest_first, engine => {
    let store = &engine.store;
    filled(store).await;
    for (name, wish) in wishes() {
        let expected: Vec<i64> = (0..COUNT).rev().filter(|i| fits(*i, &wish)).map(id_of).collect();
        assert_eq!(all(store, &wish).await, expected, "{name}");
    }
});

on_both!(a_message_is_found_by_whatever_somebody_calls_it, engine => {
    let store = &engine.store;
    filled(store).await;
    let (mt, mo) = (id_of(1), id_of(3));
    let key = format!("insert into receipt_key values ('main', 'A17', {mt}, 0, null)");
    store.run_sql(&key).await.unwrap();
    store.run_sql(&format!("update message set short_id = 'ABCDEFG1' where id = {mt}")).await.unwrap();
    let called = async |partner: Option<i64>, name: &str| {
        let found = store.messages_called(partner.map(PartnerId), name).await.unwrap();
        found.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let owner = partner_of(1);
    let stranger = Some(3);
    for name in [mt.to_string(), format!("{mt:X}"), "A17".to_owned(), "ABCDEFG1".to_owned()] {
        assert_eq!(called(owner, &name).await, [mt], "{name}");
        assert_eq!(called(None, &name).await, [mt], "{name}");
        assert!(called(stranger, &name).await.is_empty(), "{name}");
    }
    assert_eq!(called(None, &mo.to_string()).await, [mo]);
    let orders: Vec<i64> = (0..COUNT).rev().filter(|i| i % 50 == 1).map(id_of).collect();
    assert_eq!(called(None, "order").await, orders);
    let own: Vec<i64> = orders.iter().copied().filter(|id| {
        (0..COUNT).any(|i| id_of(i) == *id && partner_of(i) == Some(2))
    }).collect();
    assert_eq!(called(Some(2), "order").await, own);
    for unknown in ["", "0", "nothing", "99999999999999999999", "' or 1=1"] {
        assert!(called(None, unknown).await.is_empty(), "{unknown}");
    }
});

/// What ten million rows would be read by; `PostgreSQL` decides by what it has counted, so only
/// the other engine can be held to its word.
#[tokio::test]
async fn no_look_reads_a_table_from_end_to_end() {
    let engine = sqlite().await;
    for (name, wish) in wishes() {
        for plan in find::plans(&engine.store, &wish).await {
            let plan = plan.replace("SCAN p", "").replace("SCAN look", "").replace("SCAN hit", "");
            assert!(!plan.contains("SCAN"), "{name}: {plan}");
            let is_led = plan.contains("USING COVERING INDEX message_")
                || plan.contains("USING INDEX message_")
                || plan.contains("USING INTEGER PRIMARY KEY");
            assert!(is_led, "{name}: {plan}");
        }
    }
    let of = MessageFilter { partner: Some(PartnerId(1)), ..MessageFilter::default() };
    let number = NumberPattern::parse("48600100007");
    for wish in [
        of.clone(),
        MessageFilter { number: number.clone(), ..of.clone() },
        MessageFilter { service: Some(ServiceId(1)), ..of },
        MessageFilter { number, ..MessageFilter::default() },
    ] {
        let plans = find::plans(&engine.store, &wish).await;
        let hits = &plans[0];
        // A number and a service are read from the entries, and no message is touched.
        assert!(
            hits.contains("COVERING INDEX message_partner (partner_id=? AND id>? AND id<?)"),
            "{hits}"
        );
    }
    let trouble = MessageFilter { state: Some(MessageState::Expired), ..MessageFilter::default() };
    let hits = &find::plans(&engine.store, &trouble).await[0];
    assert!(hits.contains("message_trouble (state=? AND id>? AND id<?)"), "{hits}");
}
