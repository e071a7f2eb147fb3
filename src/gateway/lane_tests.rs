//! Heads of lanes by themselves: order, pages, and what is known to be on its way.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::lane::{Exit, Lanes};
use crate::domain::{
    Body, Content, GroupId, Item, ItemKey, Lane, MessageId, Msisdn, MtMessage, OnUnknown,
    PartnerId, ReceiptWish, Sender, ServiceId, ShortCode,
};

const LANE: Lane = Lane::Mt { group: GroupId(1), partner: PartnerId(1), is_charged: false };

fn item(seq: i64) -> Item {
    let message = MtMessage {
        id: MessageId(seq),
        partner: PartnerId(1),
        service: ServiceId(1),
        service_version: 1,
        caller: "smpp:acme#1".into(),
        link_group: "main".into(),
        sender: Sender::ShortCode(ShortCode::parse("7455").unwrap()),
        recipient: Msisdn::parse("48600100200").unwrap(),
        body: Body { data_coding: 0, has_udh: false, octets: bytes::Bytes::new() },
        parts: 1,
        charge: None,
        on_unknown: OnUnknown::Resend,
        accepted_at: 0,
        deliver_after: 0,
        valid_until: i64::MAX,
        receipts: ReceiptWish::NONE,
        reference: None,
        partner_reference: None,
        short_id: None,
        service_type: "".into(),
        priority: 0,
        protocol_id: 0,
        tlvs: Vec::new(),
    };
    Item {
        key: ItemKey { lane: LANE.id(), due_at: 0, seq },
        valid_until: i64::MAX,
        attempt: 0,
        deaths: 0,
        content: Content::Mt(Arc::new(message)),
    }
}

fn taken(lanes: &Lanes) -> Vec<i64> {
    let mut items = Vec::new();
    lanes.take(&lanes.outlet(Exit::of(LANE)), 100, &mut items);
    items.iter().map(|item| item.key.seq).collect()
}

#[test]
fn a_page_does_not_bring_back_what_went_while_it_was_read() {
    let (pages, _kept) = mpsc::channel(8);
    let lanes = Lanes::new(100, pages);
    lanes.push(item(1));
    lanes.push(item(2));
    lanes.push(item(3));
    assert_eq!(taken(&lanes), [1, 2, 3]);
    lanes.reading(LANE);
    // All three are in the page, because it was read before the first two went.
    let page = vec![item(1), item(2), item(3), item(4)];
    lanes.done(item(1).key);
    lanes.planned(item(2).key, 5);
    lanes.paged(LANE, page, true);
    assert_eq!(taken(&lanes), [4], "1 and 2 went, 3 is being sent");
}

#[test]
fn what_was_planned_for_later_comes_when_it_is_due() {
    let (pages, _kept) = mpsc::channel(8);
    let lanes = Lanes::new(100, pages);
    lanes.push(item(1));
    assert_eq!(taken(&lanes), [1]);
    lanes.reading(LANE);
    lanes.planned(item(1).key, 5);
    let again = ItemKey { due_at: 5, ..item(1).key };
    lanes.arrived(LANE, vec![Item { key: again, ..item(1) }]);
    assert_eq!(taken(&lanes), [1]);
}

#[test]
fn an_item_that_the_store_does_not_have_is_forgotten() {
    let (pages, _kept) = mpsc::channel(8);
    let lanes = Lanes::new(100, pages);
    lanes.push(item(1));
    assert_eq!(taken(&lanes), [1]);
    lanes.forget(item(1).key);
    assert_eq!(lanes.head(LANE).in_flight(), 0);
}
