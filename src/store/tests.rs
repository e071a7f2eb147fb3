//! The same stories on both engines: `SQLite`, and `PostgreSQL` as `TEST_POSTGRES_URL` names it or a
//! server of the tests' own.

use std::{sync::Arc, time::Duration};

use super::{
    change::{
        BrakeCheck, ChargeRow, Claim, EventRow, Gates, Idempotency, NewMt, Rare, ReceiptKey,
        StateRow,
    },
    *,
};
use crate::domain::{
    Body, Caller, ChargeAt, Content, GroupId, Item, ItemKey, Lane, MessageId, MessageState, Money,
    Msisdn, MtMessage, OnUnknown, PartnerId, Price, ReceiptWish, Sender, ServiceId, ShortCode,
    TariffId, service::Brakes,
};

pub(super) const NOON: i64 = 1_795_262_400_000_000;

/// A store of one engine with its writer running; what it made is gone when it is dropped.
pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) writer: tokio::task::JoinHandle<Result<(), Error>>,
    folder: Option<tempfile::TempDir>,
    _server: Option<Arc<private_postgres::Server>>,
}

pub(crate) async fn sqlite() -> Engine {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    engine(url, Some(folder)).await
}

pub(crate) async fn any_postgres() -> Engine {
    if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
        return postgres(&url).await;
    }
    let server = tokio::task::spawn_blocking(private_postgres::server).await.unwrap();
    let engine = postgres(&server.url()).await;
    Engine { _server: Some(server), ..engine }
}

/// One database for each test, made from nothing.
async fn postgres(base: &str) -> Engine {
    use sqlx::Connection;
    let name = format!("bramka_test_{}", jiff::Timestamp::now().as_nanosecond());
    let mut admin = sqlx::PgConnection::connect(base).await.expect("PostgreSQL answers");
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}")))
        .execute(&mut admin)
        .await
        .expect("a database can be made");
    let (server, _) = base.rsplit_once('/').expect("the URL names a database");
    engine(format!("{server}/{name}"), None).await
}

async fn engine(url: String, folder: Option<tempfile::TempDir>) -> Engine {
    let place = Place { url, readers: 2 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("it opens");
    #[expect(clippy::disallowed_methods, reason = "a test has no Tasks")]
    let writer = tokio::spawn(writer.run());
    Engine { store, writer, folder, _server: None }
}

/// Runs a story on every engine that is there.
macro_rules! on_both {
    ($name:ident, $engine:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for round in 0..2 {
                let $engine = if round == 0 { sqlite().await } else { any_postgres().await };
                $body
                assert!(!$engine.writer.is_finished(), "the writer is alive");
            }
        }
    };
}

pub(super) use on_both;

fn mt(id: i64, is_charged: bool) -> Arc<MtMessage> {
    let price = Price {
        tariff: TariffId(1),
        code: "T4".into(),
        gross: Money::pln(492),
        net: Money::pln(400),
    };
    Arc::new(MtMessage {
        id: MessageId(id),
        partner: PartnerId(1),
        service: ServiceId(1),
        service_version: 3,
        caller: "smpp:acme#1".into(),
        link_group: "main".into(),
        sender: Sender::ShortCode(ShortCode::parse("7455").unwrap()),
        recipient: Msisdn::parse("48600100200").unwrap(),
        body: Body {
            data_coding: 8,
            has_udh: true,
            octets: bytes::Bytes::from_static(b"\x00a\xff"),
        },
        parts: 2,
        charge: is_charged.then_some((price, ChargeAt::Delivered)),
        on_unknown: if is_charged { OnUnknown::Park } else { OnUnknown::Resend },
        accepted_at: NOON,
        deliver_after: 0,
        valid_until: NOON + 3_600_000_000,
        receipts: ReceiptWish::FINAL,
        reference: Some(7),
        partner_reference: Some("order 1".into()),
        short_id: None,
        service_type: "CMT".into(),
        priority: 1,
        protocol_id: 0x41,
        tlvs: vec![(0x1401, bytes::Bytes::from_static(b"x"))],
    })
}

fn lane(is_charged: bool) -> Lane {
    Lane::Mt { group: GroupId(1), partner: PartnerId(1), is_charged }
}

fn item(message: &Arc<MtMessage>) -> Item {
    Item {
        key: ItemKey { lane: lane(message.is_charged()).id(), due_at: 0, seq: message.id.0 },
        valid_until: message.valid_until,
        attempt: 0,
        deaths: 0,
        content: Content::Mt(Arc::clone(message)),
    }
}

fn event(message: MessageId, seq: i64, kind: &'static str) -> EventRow {
    EventRow {
        message,
        seq,
        at: NOON,
        kind,
        who: "gateway".into(),
        link: None,
        attempt: 0,
        detail: None,
    }
}

fn acceptance(message: &Arc<MtMessage>) -> Change {
    Change {
        mt: Some(NewMt { message: Arc::clone(message), likeness: [7; 32] }),
        items_in: smallvec::smallvec![item(message)],
        ..Change::default()
    }
    .event(event(message.id, message.id.0, "accepted"))
}

on_both!(a_saved_message_reads_back_as_it_was, engine => {
    let message = mt(10, true);
    assert_eq!(engine.store.save(acceptance(&message)).await.unwrap(), Applied::Done);
    let Some(Stored::Mt(read, state)) = engine.store.message(message.id).await.unwrap() else {
        panic!("the message is there");
    };
    assert_eq!((read, state), (Arc::clone(&message), MessageState::Accepted));
    let page = engine.store.lane_page(ItemKey { seq: 0, ..item(&message).key }, 10).await.unwrap();
    assert_eq!(page.len(), 1);
    assert!(page[0].claim.is_none());
    assert_eq!(engine.store.events(message.id).await.unwrap()[0].kind, "accepted");
});

on_both!(a_thousand_messages_at_once_are_all_there_once, engine => {
    let mut pending = Vec::new();
    for id in 1..=1000 {
        pending.push(engine.store.submit(acceptance(&mt(id, false))).await.unwrap());
    }
    for one in pending {
        assert_eq!(one.committed().await.unwrap(), Applied::Done);
    }
    let census = engine.store.census().await.unwrap();
    assert_eq!(census, [("mt".to_owned(), MessageState::Accepted, 1000)]);
    assert_eq!(engine.store.lanes().await.unwrap()[0].items, 1000);
});

on_both!(a_claim_counts_only_under_the_epoch_of_the_lease, engine => {
    let message = mt(10, true);
    engine.store.save(acceptance(&message)).await.unwrap();
    let epoch = engine.store.take_lease("link", "north", 0, NOON).await.unwrap();
    let claim = |epoch| Change {
        claim: Some(Box::new(Claim { items: vec![item(&message).key], link: "north".into(), epoch })),
        ..Change::default()
    }.event(event(message.id, 11, "claimed"));
    assert_eq!(engine.store.take_lease("link", "north", 0, NOON).await.unwrap(), epoch);
    assert_eq!(engine.store.take_lease("link", "north", 1, NOON).await.unwrap(), epoch + 1);
    // The first owner was paused and does not know that its lease is gone.
    assert_eq!(engine.store.save(claim(epoch)).await.unwrap(), Applied::Fenced);
    assert!(engine.store.open_claims().await.unwrap().is_empty());
    assert_eq!(engine.store.events(message.id).await.unwrap().len(), 1);
    assert_eq!(engine.store.save(claim(epoch + 1)).await.unwrap(), Applied::Done);
    let open = engine.store.open_claims().await.unwrap();
    assert_eq!(open[0].claim, Some(("north".into(), epoch + 1)));
    assert_eq!(open[0].item.attempt, 1);
});

on_both!(an_idempotency_id_gives_the_earlier_answer_or_a_conflict, engine => {
    let with_id = |id: i64, hash: u8| Change {
        gates: Some(Box::new(Gates {
            idempotency: Some(Idempotency {
                partner: PartnerId(1), key: "k1".into(), body_hash: [hash; 32],
                message: MessageId(id), at: NOON, not_before: NOON - 1,
            }),
            ..Gates::default()
        })),
        ..acceptance(&mt(id, false))
    };
    assert_eq!(engine.store.save(with_id(1, 5)).await.unwrap(), Applied::Done);
    assert_eq!(engine.store.save(with_id(2, 5)).await.unwrap(), Applied::Replayed(MessageId(1)));
    assert_eq!(engine.store.save(with_id(3, 6)).await.unwrap(), Applied::IdempotencyConflict);
    assert!(engine.store.message(MessageId(2)).await.unwrap().is_none());
});

on_both!(a_brake_stops_the_message_that_goes_over_and_counts_no_more, engine => {
    let check = |id: i64| Change {
        gates: Some(Box::new(Gates {
            brakes: Some(BrakeCheck {
                service: ServiceId(1), msisdn: "48600100200".into(), minute: "m1".into(),
                day: "d2026-11-21".into(), amount_minor: 492,
                brakes: Brakes { per_minute: 5, per_day: 0, spend_per_day_minor: 1000 },
            }),
            ..Gates::default()
        })),
        ..acceptance(&mt(id, true))
    };
    assert_eq!(engine.store.save(check(1)).await.unwrap(), Applied::Done);
    assert_eq!(engine.store.save(check(2)).await.unwrap(), Applied::Done);
    assert_eq!(engine.store.save(check(3)).await.unwrap(), Applied::OverBrake("money a day"));
    assert_eq!(engine.store.census().await.unwrap()[0].2, 2);
});

on_both!(a_message_is_charged_once_whatever_happens, engine => {
    let message = mt(10, true);
    engine.store.save(acceptance(&message)).await.unwrap();
    for id in [100, 101] {
        let (price, _) = message.charge.clone().unwrap();
        let change = Change {
            charge: Some(Box::new(ChargeRow {
                id, message: message.id, line: 0, partner: message.partner, service: message.service,
                service_version: 3, direction: "mt", price, msisdn: "48600100200".into(),
                at: NOON, reason: "delivered",
            })),
            ..Change::default()
        };
        engine.store.save(change).await.unwrap();
    }
    assert_eq!(engine.store.charges(message.id).await.unwrap().len(), 1);
});

on_both!(the_last_state_of_a_group_wins_and_items_go, engine => {
    let message = mt(10, false);
    engine.store.save(acceptance(&message)).await.unwrap();
    let state = |state, at| StateRow { message: message.id, state, at, error: None };
    let change = Change { items_out: smallvec::smallvec![item(&message).key], ..Change::default() }
        .state(state(MessageState::Submitted, NOON + 1))
        .state(state(MessageState::Delivered, NOON + 2));
    engine.store.save(change).await.unwrap();
    let line = engine.store.message_line(message.id).await.unwrap().unwrap();
    assert_eq!((line.state, line.state_at), ("delivered", NOON + 2));
    assert!(engine.store.lanes().await.unwrap().is_empty());
});

on_both!(a_receipt_finds_its_message_by_the_smscs_id, engine => {
    let message = mt(10, false);
    let mut change = acceptance(&message);
    change.receipt_keys.push(ReceiptKey {
        link_group: "main".into(), smsc_message_id: "1a".into(), message: message.id, part: 1,
    });
    engine.store.save(change).await.unwrap();
    let found = engine.store.by_smsc_id("main", "1a").await.unwrap();
    assert_eq!(found, Some((message.id, 1)));
    assert_eq!(engine.store.by_smsc_id("other", "1a").await.unwrap(), None);
});

on_both!(who_was_first_is_a_named_conflict, engine => {
    let by = Caller::Operator { name: "anna".into() };
    let partner = NewPartner {
        name: "acme".into(), rate: 10, burst: 10, backlog_max: 100, waiting_max: 100,
    };
    engine.store.add_partner(&by, NOON, &partner).await.unwrap();
    let again = engine.store.add_partner(&by, NOON, &partner).await;
    assert!(matches!(again, Err(Error::Conflict(Constraint::PartnerName))), "{again:?}");
    assert_eq!(engine.store.verify_audit().await.unwrap(), Ok(1));
});

on_both!(what_could_not_be_loaded_again_is_refused_and_says_what_would_be_right, engine => {
    let (store, by) = (&engine.store, Caller::Operator { name: "anna".into() });
    store.add_partner(&by, NOON, &NewPartner::unhurried("acme", 100)).await.unwrap();
    store.add_short_code(&by, NOON, "7455").await.unwrap();
    let long = "ABCDEFGHIJKLMNOPQRSTU";
    for word in ["", "WI N", long, "WI,N", "-"] {
        let service = NewService::free("acme", "win", "7455", &["GO", word], "main");
        let said = store.add_service(&by, NOON, &service).await.unwrap_err().to_string();
        assert!(said.contains("1 to 20 letters, digits"), "{word}: {said}");
    }
    for digits in ["", "74 55", "12", "123456789"] {
        let said = store.add_short_code(&by, NOON, digits).await.unwrap_err().to_string();
        assert!(said.contains("3 to 8 digits"), "{digits}: {said}");
        let service = NewService::free("acme", "win", digits, &["GO"], "main");
        let said = store.add_service(&by, NOON, &service).await.unwrap_err().to_string();
        assert!(said.contains("3 to 8 digits"), "{digits}: {said}");
    }
    let good = || NewService::free("acme", "win", "7455", &["Wín"], "main");
    for (bad, right) in [
        (NewService { state: "alive".into(), ..good() }, "testing, live"),
        (NewService { billing: "mms".into(), ..good() }, "free, mo, mt"),
        (NewService { on_unknown: "again".into(), ..good() }, "resend, park"),
        (NewService { charge_at: "once".into(), ..good() }, "delivered, submitted"),
        (NewService { test_numbers: vec!["600".into()], ..good() }, "7 to 15 digits"),
    ] {
        let said = store.add_service(&by, NOON, &bad).await.unwrap_err().to_string();
        assert!(said.contains(right), "{said}");
    }
    let currency = NewTariff { currency: "ZŁOTY".into(), ..NewTariff::polish("T", 1, 1) };
    assert!(matches!(store.add_tariff(&by, NOON, &currency).await, Err(Error::Wrong(_))));
    let credential = NewCredential {
        partner: "acme".into(), system_id: "acme".into(), secret: "ab".repeat(32),
        addresses: vec!["192.0.2.0".into()], tls_only: false, binds_max: 1, window: 1,
        default_sender: None, mode: crate::domain::Mode::Live,
    };
    let said = store.add_credential(&by, NOON, &credential).await.unwrap_err().to_string();
    assert!(said.contains("192.0.2.0/24"), "{said}");
    // None of it left a trace, and what is good is stored as it is compared.
    assert_eq!(store.verify_audit().await.unwrap(), Ok(2));
    let id = store.add_service(&by, NOON, &good()).await.unwrap();
    assert!(matches!(store.set_service_state(&by, NOON, id, "").await, Err(Error::Wrong(_))));
    let again = NewService { name: "two".into(), keywords: vec!["WIN".into()], ..good() };
    let again = store.add_service(&by, NOON, &again).await;
    assert!(matches!(again, Err(Error::Conflict(Constraint::KeywordTaken))), "{again:?}");
    assert_eq!(store.load_catalog().await.unwrap().services().count(), 1);
});

on_both!(a_change_of_nothing_leaves_no_audit_row, engine => {
    let (store, by) = (&engine.store, Caller::Operator { name: "anna".into() });
    let rights = CredentialRights {
        is_active: true, may_transmit: true, may_receive: true, may_have_receipts: true,
        service_types: Vec::new(), binds_max: 1, addresses: Vec::new(), tls_only: false,
        window: 1, outbind: None, pdu_octets_max: 70_000,
    };
    let secret = "ab".repeat(32);
    assert!(!store.rotate_credential(&by, NOON, "nobody", &secret).await.unwrap());
    assert!(!store.set_credential(&by, NOON, "nobody", &rights).await.unwrap());
    assert!(!store.set_partner_active(&by, NOON, "nobody", false).await.unwrap());
    assert!(!store.set_service_state(&by, NOON, ServiceId(7), "live").await.unwrap());
    for setting in [
        PartnerSetting::Rate { rate: 1, burst: 1 }, PartnerSetting::HexIds(true),
        PartnerSetting::DefaultAlphabet("ia5"),
    ] {
        assert!(!store.set_partner(&by, NOON, "nobody", setting).await.unwrap());
    }
    assert_eq!(store.last_audit().await.unwrap(), 0);
    store.add_partner(&by, NOON, &NewPartner::unhurried("acme", 1)).await.unwrap();
    assert!(store.set_partner_active(&by, NOON, "acme", false).await.unwrap());
    assert_eq!(store.last_audit().await.unwrap(), 2);
});

on_both!(expired_items_are_found_page_by_page, engine => {
    for id in 1..=30 {
        let mut message = MtMessage::clone(&mt(id, false));
        message.valid_until = if id % 10 == 0 { NOON } else { NOON + 10 };
        engine.store.save(acceptance(&Arc::new(message))).await.unwrap();
    }
    let mut from = ItemKey { lane: crate::domain::LaneId(0), due_at: 0, seq: 0 };
    let mut found = Vec::new();
    for _ in 0..10 {
        let (rows, next) = engine.store.expired_items(from, NOON, 7).await.unwrap();
        found.extend(rows.into_iter().map(|row| row.item.key.seq));
        let Some(next) = next else { break };
        from = next;
    }
    assert_eq!(found, [10, 20, 30]);
});

#[tokio::test]
async fn sqlite_is_opened_with_full_syncs_or_not_at_all() {
    let engine = sqlite().await;
    assert!(engine.store.is_up());
    tokio::time::timeout(Duration::from_secs(5), engine.store.save(Change::default()))
        .await
        .expect("it answers")
        .unwrap();
}

on_both!(a_process_that_dies_young_does_not_give_its_numbers_to_the_next, engine => {
    let first = engine.store.begin_ids(NOON).await.unwrap();
    let second = engine.store.begin_ids(NOON).await.unwrap();
    let third = engine.store.begin_ids(NOON + 1).await.unwrap();
    let one_second = 1_000 << 22;
    assert_eq!(first, 0);
    assert!(second > crate::domain::ids::first_at(NOON).0 + one_second, "{second}");
    assert!(third > second + one_second, "{third} after {second}");
});

on_both!(an_item_is_claimed_once_and_one_that_is_gone_never, engine => {
    let epoch = engine.store.take_lease("link", "north", 0, NOON).await.unwrap();
    let (first, second, third) = (mt(10, true), mt(20, true), mt(30, true));
    for message in [&first, &second] {
        engine.store.save(acceptance(message)).await.unwrap();
    }
    let claim = |messages: &[&Arc<MtMessage>], seq: i64| Change {
        claim: Some(Box::new(Claim {
            items: messages.iter().map(|message| item(message).key).collect(),
            link: "north".into(),
            epoch,
        })),
        events: messages.iter().map(|message| event(message.id, seq, "claimed")).collect(),
        ..Change::default()
    };
    assert_eq!(engine.store.save(claim(&[&first], 11)).await.unwrap(), Applied::Done);
    // The first is under way, the third was never stored; the second may go.
    let verdict = engine.store.save(claim(&[&first, &second, &third], 12)).await.unwrap();
    assert_eq!(verdict, Applied::Stale(vec![item(&first).key, item(&third).key]));
    assert_eq!(engine.store.open_claims().await.unwrap().len(), 2);
    assert_eq!(engine.store.events(first.id).await.unwrap().len(), 2);
    assert_eq!(engine.store.events(second.id).await.unwrap().len(), 2);
    assert!(engine.store.events(third.id).await.unwrap().is_empty());
});

on_both!(a_message_leaves_quarantine_with_its_octets, engine => {
    let aside = Rare::Quarantine { message: MessageId(7), at: NOON, reason: "x".into(), pdu: vec![1] };
    let rows = async || {
        let count = "select count(*) from quarantine";
        db::fetch_optional!(&engine.store.db, (i64,), count).unwrap().map_or(0, |(count,)| count)
    };
    engine.store.save(Change { rare: vec![aside], ..Change::default() }).await.unwrap();
    assert_eq!(rows().await, 1);
    let out = Rare::LeaveQuarantine(MessageId(7));
    engine.store.save(Change { rare: vec![out], ..Change::default() }).await.unwrap();
    assert_eq!(rows().await, 0);
});

/// Somebody else holds the file: on `SQLite` a commit that takes too long ends the writer, and nobody
/// is told anything about what it held (P4).
#[tokio::test]
async fn a_commit_that_takes_too_long_ends_the_writer_and_answers_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let place = Place { url, readers: 1 };
    let limits = GroupLimits { timeout: Duration::from_millis(20), ..GroupLimits::default() };
    let (store, writer) = Store::open(place.clone(), limits).await.unwrap();
    let mut other = db::open_pen(&place, None).await.unwrap();
    let lock = other.begin().await.unwrap();
    let (ended, saved) = tokio::join!(writer.run(), store.save(Change::default()));
    assert!(
        matches!(ended, Err(Error::Unavailable(ref why)) if why.contains("longer")),
        "{ended:?}"
    );
    assert!(matches!(saved.unwrap_err().as_ref(), Error::Stopped));
    assert!(!store.is_up());
    drop(lock);
}

on_both!(people_are_invited_changed_by_version_and_let_in_once_for_each_code, engine => {
    let store = &engine.store;
    let by = Caller::Operator { name: "root".into() };
    let invite = async |mail: &str| {
        let link = NewLink { token: format!("link of {mail}"), purpose: "invitation", expires_at: NOON + 10 };
        let new = Invitation {
            partner: None, mail: mail.to_owned(), name: "Anna".to_owned(),
            role: crate::domain::Role::OperatorAdmin, language: "pl".to_owned(), link, letter: None,
        };
        store.invite_person(&by, NOON, &new).await
    };
    let id = invite("anna@operator.example").await.unwrap();
    assert!(matches!(
        invite("anna@operator.example").await,
        Err(Error::Conflict(Constraint::PersonMail))
    ));
    let before = store.person(id).await.unwrap().unwrap();
    let mut after = before.clone();
    after.state = crate::domain::PersonState::Active;
    after.secrets.totp = Some(vec![0, 255]);
    let codes = ["code 1".to_owned(), "code 2".to_owned()];
    let session = |token: &str| NewSession {
        token: token.to_owned(), is_enrolling: false, address: "192.0.2.1".to_owned(),
        agent: "Browser".to_owned(), stepped_up_at: 0,
    };
    let first = session("first");
    let write = PersonWrite {
        uses: Some("link of anna@operator.example"), codes: Some(&codes), session: Some(&first),
        ..PersonWrite::new("person.enrol", &before, &after)
    };
    assert_eq!(store.write_person(&by, NOON + 10, &write).await.unwrap(), Written::LinkUsed, "late");
    assert_eq!(store.write_person(&by, NOON, &write).await.unwrap(), Written::Done);
    assert_eq!(store.write_person(&by, NOON, &write).await.unwrap(), Written::LinkUsed, "twice");
    let stale = PersonWrite::new("person.change", &before, &after);
    assert_eq!(store.write_person(&by, NOON, &stale).await.unwrap(), Written::Conflict);
    let known = store.person_by_mail("anna@operator.example").await.unwrap().unwrap();
    assert_eq!((known.version, known.secrets.totp.as_deref()), (2, Some(&[0, 255][..])));
    let mut gone = known.clone();
    gone.state = crate::domain::PersonState::Disabled;
    let last = PersonWrite::new("person.disable", &known, &gone);
    assert_eq!(store.write_person(&by, NOON, &last).await.unwrap(), Written::LastAdmin);
    let view = store.session("first").await.unwrap().unwrap();
    assert_eq!((view.person, view.is_enrolling, view.level), (id, false, 0));
    assert!(store.knows_address(id, "192.0.2.1").await.unwrap());
    for (proof, version, is_let_in) in [
        (Proof::Step(7), 2, true), (Proof::Step(7), 2, false), (Proof::Step(6), 2, false),
        (Proof::Step(8), 1, false), (Proof::Step(8), 2, true),
        (Proof::Recovery("code 1".into()), 2, true), (Proof::Recovery("code 1".into()), 2, false),
    ] {
        let new = session(&format!("{proof:?}"));
        let sign_in = SignIn {
            person: id, version, proof: &proof, session: &new, rehashed: None, over_before: 0,
            letters: &[],
        };
        assert_eq!(store.sign_in(&by, NOON, &sign_in).await.unwrap(), is_let_in, "{proof:?}");
    }
    assert_eq!(store.sessions_of(id, 0).await.unwrap().len(), 4);
    let proof = Proof::Step(9);
    assert!(store.step_up(&by, NOON, (id, &proof), ("first", "second")).await.unwrap());
    assert!(!store.step_up(&by, NOON, (id, &proof), ("second", "third")).await.unwrap());
    assert!(store.session("first").await.unwrap().is_none());
    let kept = store.session("second").await.unwrap().unwrap();
    assert_eq!(store.end_sessions(&by, NOON, id, Some(kept.id)).await.unwrap(), 3);
    assert!(store.end_session(&by, NOON, id, kept.id).await.unwrap());
    for number in 0..25_i64 {
        let (proof, new) = (Proof::Step(100 + number), session(&format!("s{number}")));
        let sign_in = SignIn {
            person: id, version: 2, proof: &proof, session: &new, rehashed: Some("phc"),
            over_before: 0, letters: &[],
        };
        assert!(store.sign_in(&by, NOON + number, &sign_in).await.unwrap());
    }
    assert_eq!(store.sessions_of(id, 0).await.unwrap().len(), 20, "the oldest made place");
    assert!(store.verify_audit().await.unwrap().is_ok());
});

on_both!(an_auditor_finds_records_by_person_kind_and_subject, engine => {
    let (anna, jan) = (Caller::Operator { name: "anna".into() }, Caller::Operator { name: "jan".into() });
    for (by, name) in [(&anna, "acme"), (&jan, "best"), (&anna, "cool")] {
        engine.store.add_partner(by, NOON, &NewPartner::unhurried(name, 10)).await.unwrap();
    }
    engine.store.set_partner_active(&anna, NOON, "best", false).await.unwrap();
    let subjects = async |query: AuditQuery, limit| {
        let found = engine.store.find_audit(&query, limit).await.unwrap();
        found.into_iter().map(|record| record.subject).collect::<Vec<_>>()
    };
    let all = AuditQuery::default();
    assert_eq!(subjects(all.clone(), 2).await, ["best", "cool"]);
    assert_eq!(subjects(AuditQuery { before: Some(3), ..all.clone() }, 9).await, ["best", "acme"]);
    let who = |name: &str| AuditQuery { who: format!("operator:{name}"), ..AuditQuery::default() };
    assert_eq!(subjects(who("jan"), 9).await, ["best"]);
    assert_eq!(subjects(AuditQuery { what: "partner.add".into(), ..who("anna") }, 9).await, ["cool", "acme"]);
    assert_eq!(subjects(AuditQuery { subject: "best".into(), ..all.clone() }, 9).await, ["best", "best"]);
    assert_eq!(subjects(who("nobody"), 9).await, Vec::<String>::new());
});

on_both!(a_letter_goes_from_the_outbox_to_its_end_and_is_claimed_once, engine => {
    let store = &engine.store;
    let by = Caller::Gateway;
    let mut ids = Vec::new();
    for number in 0..4_i64 {
        let new = NewMail {
            recipient: format!("anna{number}@zolw.example"),
            recipient_name: "Żółw".into(),
            language: "pl".into(),
            template: "password_reset",
            data: serde_json::json!({ "link": "/canary" }),
            attachments: vec!["a".into(), "b".into()],
            subject: "person:5".into(),
            partner: None,
        };
        ids.push(store.queue_letter(&by, NOON + number, &new).await.unwrap());
    }
    let due = store.due_letters(NOON + 10, 3).await.unwrap();
    assert_eq!(due.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids[..3]);
    assert_eq!((due[0].attachments.as_str(), due[0].tried_from), ("a,b", NOON));
    assert!(!format!("{due:?}").contains("canary"));
    for (turn, expected) in [(0, true), (1, false)] {
        let claimed = store.claim_letter(&due[0], NOON + 100).await.unwrap();
        assert_eq!(claimed, expected, "{turn}");
    }
    store.letter_sent(ids[0], NOON + 50, "250 ok\u{1b}").await.unwrap();
    store.letter_put_off(ids[1], NOON + 60, "451").await.unwrap();
    store.letter_ended(ids[2], true, &"5".repeat(1000)).await.unwrap();
    store.letter_ended(ids[3], false, "no such template").await.unwrap();
    let lines = store.letters_about("person:5", 10).await.unwrap();
    let states: Vec<&str> = lines.iter().map(|line| line.state.as_str()).collect();
    assert_eq!(states, ["failed", "bounced", "queued", "sent"]);
    assert_eq!(lines[3].answer.as_deref(), Some("250 ok "));
    assert_eq!(lines[1].error.as_ref().unwrap().len(), 500);
    assert_eq!(store.letters("bounced", 10).await.unwrap().len(), 1);
    assert_eq!(store.letters("", 2).await.unwrap().len(), 2);
    assert!(store.due_letters(NOON + 59, 10).await.unwrap().is_empty());
    assert_eq!(store.due_letters(NOON + 60, 10).await.unwrap().len(), 1);
    let counts = store.mail_counts().await.unwrap();
    assert_eq!((counts.queued, counts.sent, counts.bounced, counts.failed), (1, 1, 1, 1));
    assert_eq!(counts.oldest_queued_at, Some(NOON + 1));
    // What was sent has nothing left to send; what failed goes again until it is forgotten.
    assert_eq!(store.letter(ids[0]).await.unwrap().unwrap().data, "");
    assert!(!store.retry_letter(&by, NOON, ids[0]).await.unwrap());
    assert!(store.retry_letter(&by, NOON, ids[2]).await.unwrap());
    assert_eq!(store.forget_letters(NOON + 100).await.unwrap(), 1);
    assert!(!store.retry_letter(&by, NOON, ids[3]).await.unwrap());
    assert!(store.bounce_letter(&by, NOON, ids[0], "came back").await.unwrap());
});

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone_and_the_refusal_says_so() {
    let engine = sqlite().await;
    let folder = engine.folder.as_ref().unwrap().path().join("store.db");
    let url = format!("sqlite:{}", folder.display());
    {
        use sqlx::Connection as _;
        let mut newer = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let step = "insert into _sqlx_migrations (version, description, success, checksum, \
                    execution_time) values (9999, 'of tomorrow', 1, x'00', 1)";
        sqlx::query(step).execute(&mut newer).await.unwrap();
        newer.close().await.unwrap();
    }
    let refused = Store::open(Place { url, readers: 2 }, GroupLimits::default()).await;
    let text = refused.err().unwrap().to_string();
    assert!(text.contains("newer Bramka: it has step 9999"), "{text}");
}
