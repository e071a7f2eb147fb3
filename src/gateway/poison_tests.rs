//! Messages in quarantine, and the two people who decide about them.

use futures_util::FutureExt as _;

use super::{
    Error, Gateway,
    mo::NewMo,
    submit::LinkSeat,
    unknown::{Resolution, Resolved},
};
use crate::{
    control::tests::{daemon, mt, submitter, unknown_message},
    domain::{Body, Caller, Content, Item, MessageId, MessageState, Msisdn, ShortCode},
    store::{Change, NewService, Stored},
};

struct World {
    gateway: Gateway,
    seat: LinkSeat,
    _daemon: crate::control::tests::Daemon,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    let gateway = daemon.gateway.clone();
    unknown_message(&gateway).await;
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = LinkSeat { name: "north".into(), group, epoch };
    World { gateway, seat, _daemon: daemon, _folder: folder }
}

impl World {
    async fn state(&self, id: MessageId) -> MessageState {
        match self.gateway.store().message(id).await.unwrap() {
            Some(Stored::Mt(_, state) | Stored::Mo(_, state)) => state,
            None => panic!("{id} is stored"),
        }
    }

    /// What the link would send next.
    async fn claimed(&self) -> Vec<Item> {
        self.gateway.claim(&self.seat, &self.gateway.to_links(self.seat.group), 10).await
    }

    /// What the partner's sessions would be sent next.
    async fn delivered(&self) -> Vec<Item> {
        let partner = submitter(&self.gateway).partner;
        self.gateway
            .deliveries(&self.gateway.to_sessions(partner, crate::domain::Mode::Live), 10)
            .await
    }

    async fn aside(&self, item: &Item) {
        self.gateway.quarantine(item, &"north".into(), "it ends sessions".into()).await.unwrap();
        // Nobody waits for that change; the next one comes after it.
        self.gateway.store().save(Change::default()).await.unwrap();
        assert_eq!(self.state(item.content.message_id()).await, MessageState::Quarantined);
    }

    async fn quarantined_mt(&self) -> MessageId {
        let accepted = self.gateway.accept_mt(&submitter(&self.gateway), mt()).await.unwrap();
        self.gateway.answered(accepted.held);
        let items = self.claimed().await;
        self.aside(&items[0]).await;
        accepted.id
    }

    async fn quarantined_mo(&self) -> MessageId {
        let new = NewMo {
            sender: Msisdn::parse("48600100200").unwrap(),
            recipient: ShortCode::parse("7455").unwrap(),
            body: Body {
                data_coding: 0,
                has_udh: false,
                octets: bytes::Bytes::from_static(b"WIN"),
            },
            text: "WIN".to_owned(),
            part: None,
            tlvs: Vec::new(),
        };
        let accepted = self.gateway.accept_mo(&self.seat, new).await.unwrap();
        let items = self.delivered().await;
        self.aside(&items[0]).await;
        accepted.id
    }

    /// Two people say the same.
    async fn both(&self, id: MessageId, resolution: Resolution) -> MessageState {
        let first = self.gateway.resolve(id, resolution, "anna").await.unwrap();
        assert_eq!(first, Resolved::Proposed);
        match self.gateway.resolve(id, resolution, "jan").await.unwrap() {
            Resolved::Done(state) => state,
            Resolved::Proposed => panic!("the second person carries it out"),
        }
    }
}

#[tokio::test]
async fn a_released_mt_goes_to_its_link_with_a_clean_record_and_counts_as_waiting() {
    let world = world().await;
    let backlog = world.gateway.backlog(submitter(&world.gateway).partner);
    let before = backlog.load(std::sync::atomic::Ordering::Acquire);
    let id = world.quarantined_mt().await;
    assert_eq!(world.claimed().await.len(), 0, "nothing goes while it is aside");
    assert_eq!(world.both(id, Resolution::Release).await, MessageState::Accepted);
    let items = world.claimed().await;
    let found: Vec<_> =
        items.iter().map(|item| (item.content.message_id(), item.deaths, item.attempt)).collect();
    assert_eq!(found, [(id, 0, 0)]);
    world.gateway.submitted(&world.seat, &items[0], &["4711".into()]).await.unwrap();
    world.gateway.store().save(Change::default()).await.unwrap();
    assert_eq!(world.state(id).await, MessageState::Submitted);
    assert_eq!(backlog.load(std::sync::atomic::Ordering::Acquire), before, "counted in and out");
}

#[tokio::test]
async fn an_mt_that_is_given_up_is_rejected_with_a_receipt_and_without_a_charge() {
    let world = world().await;
    let id = world.quarantined_mt().await;
    assert_eq!(world.both(id, Resolution::WriteOff).await, MessageState::Rejected);
    assert_eq!(world.state(id).await, MessageState::Rejected);
    let items = world.delivered().await;
    let [Item { content: Content::Receipt(message, receipt), .. }] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert_eq!((message.id, receipt.state.stat()), (id, "REJECTD"));
    assert_eq!(world.claimed().await.len(), 0);
    assert_eq!(world.gateway.store().ledger().await.unwrap().0, 0);
    let again = world.gateway.resolve(id, Resolution::Release, "anna").await;
    assert!(matches!(again, Err(Error::Refused(_))), "what is final stays so");
}

#[tokio::test]
async fn a_released_mo_goes_to_its_partner_and_one_that_is_given_up_does_not() {
    let world = world().await;
    let id = world.quarantined_mo().await;
    assert_eq!(world.delivered().await.len(), 0);
    assert_eq!(world.both(id, Resolution::Release).await, MessageState::Accepted);
    let items = world.delivered().await;
    assert_eq!((items[0].content.message_id(), items[0].deaths), (id, 0));
    // It does it again: the earlier decision is not one about this time.
    world.aside(&items[0]).await;
    let first = world.gateway.resolve(id, Resolution::Release, "jan").await.unwrap();
    assert_eq!(first, Resolved::Proposed);
    assert_eq!(world.both(id, Resolution::WriteOff).await, MessageState::Rejected);
    assert_eq!(world.delivered().await.len(), 0, "an MO has no receipt");
}

#[tokio::test]
async fn nobody_says_of_a_message_in_quarantine_that_it_was_sent() {
    let world = world().await;
    let id = world.quarantined_mt().await;
    let said = world.gateway.resolve(id, Resolution::Sent, "anna").await;
    assert!(matches!(said, Err(Error::Refused(_))), "{said:?}");
    assert_eq!(world.state(id).await, MessageState::Quarantined);
}

/// The service of the tests charges the MT; here it charges the MO as well, from now on.
async fn charged_mo(world: &World) -> MessageId {
    let (store, by) = (world.gateway.store(), Caller::Gateway);
    store.add_short_code(&by, 0, "7477").await.unwrap();
    let service = NewService {
        billing: "mo".into(),
        tariff: Some("T4".into()),
        ..NewService::free("acme", "pay", "7477", &["PAY"], "main")
    };
    store.add_service(&by, 0, &service).await.unwrap();
    world.gateway.reload_catalog().await.unwrap();
    let new = NewMo {
        sender: Msisdn::parse("48600100200").unwrap(),
        recipient: ShortCode::parse("7477").unwrap(),
        body: Body { data_coding: 0, has_udh: false, octets: bytes::Bytes::from_static(b"PAY") },
        text: "PAY".to_owned(),
        part: None,
        tlvs: Vec::new(),
    };
    let accepted = world.gateway.accept_mo(&world.seat, new).await.unwrap();
    let items = world.delivered().await;
    assert_eq!(world.gateway.store().ledger().await.unwrap(), (1, 492));
    world.aside(&items[0]).await;
    accepted.id
}

#[tokio::test]
async fn writing_off_a_charged_mo_takes_its_charge_back_once_though_two_people_do_it_at_once() {
    let world = world().await;
    let id = charged_mo(&world).await;
    let gateway = &world.gateway;
    gateway.resolve(id, Resolution::WriteOff, "anna").await.unwrap();
    let (one, other) = tokio::join!(
        gateway.resolve(id, Resolution::WriteOff, "jan"),
        gateway.resolve(id, Resolution::WriteOff, "ewa"),
    );
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|is_done| **is_done).count(), 1);
    assert_eq!(world.state(id).await, MessageState::Rejected);
    let rows = gateway.store().charges(id).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|(line, gross, _, why)| (*line, *gross, &**why)).collect();
    assert_eq!(rows, [(0, 492, "accepted"), (1, -492, "written_off")]);
    assert_eq!(gateway.store().ledger().await.unwrap(), (2, 0));
}

/// However far it had come when it stopped, the next attempt leaves one reversal and one end.
#[tokio::test]
async fn a_write_off_that_is_cut_off_anywhere_leaves_exactly_one_reversal_in_the_end() {
    for polls in 0..12 {
        let world = world().await;
        let id = charged_mo(&world).await;
        world.gateway.resolve(id, Resolution::WriteOff, "anna").await.unwrap();
        {
            let mut cut = Box::pin(world.gateway.resolve(id, Resolution::WriteOff, "jan"));
            for _ in 0..polls {
                if (&mut cut).now_or_never().is_some() {
                    break;
                }
                // A look at the store takes as long as a step of it does.
                world.gateway.store().last_audit().await.unwrap();
            }
        }
        // What was handed to the writer is written, whoever waits for it.
        world.gateway.store().save(Change::default()).await.unwrap();
        let lines = world.gateway.store().charges(id).await.unwrap().len();
        let is_over = world.state(id).await == MessageState::Rejected;
        assert_eq!(lines, if is_over { 2 } else { 1 }, "both or none, after {polls} polls");
        let again = world.gateway.resolve(id, Resolution::WriteOff, "ewa").await;
        assert_eq!(again.is_err(), is_over, "after {polls} polls");
        assert_eq!(world.gateway.store().ledger().await.unwrap(), (2, 0));
        assert_eq!(world.state(id).await, MessageState::Rejected);
    }
}
