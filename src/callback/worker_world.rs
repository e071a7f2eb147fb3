//! The world of the worker's tests: a real gateway on a store of its own, and fake partners.

use bytes::Bytes;
use serde_json::Value;
use sqlx::Connection as _;

use super::{
    super::{
        fake_partner::{FakePartner, Reply, Seen},
        signature::SignedHeaders,
    },
    *,
};
use crate::{
    clock::{Clock, SetClock},
    config::Shutdown,
    domain::{Body, Caller, MessageId, MessageState, Msisdn, ReceiptWish, Sender, ShortCode},
    gateway::{
        self,
        mo::{NewMo, PartOf},
        mt::{NewMt, Submitter},
        submit::LinkSeat,
    },
    store::{GroupLimits, NewPartner, NewService, NewTariff, Place, Store, Stored},
    tasks::{Signals, Systemd},
};

pub(in crate::callback) const NOON: i64 = 1_795_262_400_000_000;
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(super) const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(in crate::callback) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
pub(in crate::callback) const FAILURE: &[u8] = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n";
pub(in crate::callback) const GONE: &[u8] = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";

pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) seat: LinkSeat,
    pub(super) clock: Arc<SetClock>,
    pub(super) tasks: Tasks,
    url: String,
    _folder: tempfile::TempDir,
}

/// A gateway with the services WIN and QUIZ, in this order, and their callbacks at work.
pub(super) async fn world(callbacks: &[&FakePartner]) -> World {
    world_with(callbacks, laboratory()).await
}

pub(super) async fn world_with(callbacks: &[&FakePartner], settings: config::Callback) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let place = Place { url: url.clone(), readers: 2 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    // Not part of `tasks`: a test that stops them looks into the store afterwards.
    run(async move { writer.run().await.unwrap() });
    sell(&store, callbacks).await;
    let clock = Arc::new(SetClock::at(NOON));
    let (gateway, pages) = Gateway::new(
        store,
        Clock::Set(Arc::clone(&clock)),
        gateway::Settings::default(),
        &["main".into()],
    )
    .await
    .unwrap();
    let keeper = gateway.clone().keep(pages, std::future::pending(), || ());
    run(async move { keeper.await.unwrap() });
    let shutdown = Shutdown { requests: Duration::ZERO, ..Shutdown::default() };
    let tasks = Tasks::with(&shutdown, Signals::none(), Systemd::Silent);
    let period = Duration::from_millis(10);
    Callbacks::start_looking_every(period, &gateway, &settings, &tasks).unwrap();
    let epoch = gateway.lease("north").await.unwrap();
    let seat = LinkSeat { name: "north".into(), group: gateway.group("main").unwrap(), epoch };
    World { gateway, seat, clock, tasks, url, _folder: folder }
}

/// The fake partners speak plain HTTP and live on this machine.
pub(in crate::callback) fn laboratory() -> config::Callback {
    config::Callback {
        insecure_http: true,
        insecure_private_addresses: true,
        ..config::Callback::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's writer outlives its Tasks")]
fn run(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

async fn sell(store: &Store, callbacks: &[&FakePartner]) {
    let by = Caller::Operator { name: "test".into() };
    let partner = NewPartner::unhurried("acme", 1000);
    store.add_partner(&by, 0, &partner).await.unwrap();
    store.add_short_code(&by, 0, "7455").await.unwrap();
    let tariff = NewTariff::polish("T4", 400, 492);
    store.add_tariff(&by, 0, &tariff).await.unwrap();
    for (partner, word) in callbacks.iter().zip(["WIN", "QUIZ"]) {
        let service = NewService {
            callback: Some((partner.url("127.0.0.1"), vec![SECRET.into()])),
            ..NewService::free("acme", &word.to_lowercase(), "7455", &[word], "main")
                .charging_mt("T4")
        };
        store.add_service(&by, 0, &service).await.unwrap();
    }
}

impl World {
    pub(super) async fn mo(&self, text: &str) -> MessageId {
        self.part(text, None).await
    }

    pub(super) async fn part(&self, text: &str, part: Option<PartOf>) -> MessageId {
        let octets = Bytes::copy_from_slice(text.as_bytes());
        let new = NewMo {
            sender: Msisdn::parse("48600100200").unwrap(),
            recipient: ShortCode::parse("7455").unwrap(),
            body: Body { data_coding: 0, has_udh: false, octets },
            text: text.to_owned(),
            part,
            tlvs: Vec::new(),
        };
        self.gateway.accept_mo(&self.seat, new).await.unwrap().id
    }

    pub(super) async fn state(&self, id: MessageId) -> MessageState {
        match self.gateway.store().message(id).await.unwrap().unwrap() {
            Stored::Mo(_, state) | Stored::Mt(_, state) => state,
        }
    }

    pub(super) async fn until_state(&self, id: MessageId, state: MessageState) {
        until(async || self.state(id).await == state).await;
    }

    pub(super) async fn until_event(&self, id: MessageId, kind: &str) {
        let store = self.gateway.store();
        until(async || store.events(id).await.unwrap().iter().any(|event| event.kind == kind))
            .await;
    }

    pub(super) async fn until_retries(&self, id: MessageId, count: usize) {
        let store = self.gateway.store();
        until(async || {
            let events = store.events(id).await.unwrap();
            events.iter().filter(|event| event.kind == "retry_planned").count() == count
        })
        .await;
    }

    pub(super) fn is_enabled(&self, name: &str) -> bool {
        let catalog = self.gateway.catalog();
        catalog.services().any(|service| service.name == name && enabled(service).is_some())
    }

    /// What somebody at the portal does.
    pub(super) async fn change_services(&self, sql: &'static str, value: &str) {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        sqlx::query(sql).bind(value).execute(&mut connection).await.unwrap();
        self.gateway.reload_catalog().await.unwrap();
    }

    /// Somebody who is written to about acme.
    pub(super) async fn has_an_administrator(&self) {
        let sql = "insert into person (id, partner_id, mail, name, role, state, totp_step, \
                   language, theme, failures, version, made_at) select 101, id, ?, 'Ala', 'admin', \
                   'active', 0, 'pl', 'auto', 0, 1, 0 from partner where name = 'acme'";
        self.change_services(sql, "ala@acme.pl").await;
    }

    /// Letters that wait: what about, and to whom.
    pub(super) async fn letters(&self) -> Vec<(String, String)> {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let sql = "select template, recipient from mail order by id";
        sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
    }

    pub(super) async fn attempts(&self, id: MessageId) -> Vec<(i64, String)> {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let sql = "select attempt, outcome from callback_attempt where message_id = ? order by id";
        sqlx::query_as(sql).bind(id.0).fetch_all(&mut connection).await.unwrap()
    }

    pub(super) async fn tries_in_lane(&self) -> Vec<i64> {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let sql = "select attempt from lane_item order by seq";
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    }

    pub(super) fn now_s(&self) -> i64 {
        self.gateway.now() / 1_000_000
    }
}

/// Looks again and again, but not for ever.
pub(super) async fn until(is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.expect("it becomes so");
}

pub(super) fn always(octets: &'static [u8]) -> impl Fn(usize) -> Reply {
    move |_| Reply::Keep(octets.to_vec())
}

/// The first answers, then `200`.
pub(super) fn first(answers: &'static [&'static [u8]]) -> impl Fn(usize) -> Reply {
    move |number| Reply::Keep(answers.get(number).unwrap_or(&OK).to_vec())
}

pub(super) fn data(seen: &Seen) -> Value {
    serde_json::from_slice::<Value>(&seen.body).unwrap()["data"].take()
}

pub(super) fn verify(seen: &Seen, secret: &str, now: i64) {
    let headers = SignedHeaders {
        id: seen.header("webhook-id").unwrap(),
        timestamp: seen.header("webhook-timestamp").unwrap(),
        signature: seen.header("webhook-signature").unwrap(),
    };
    assert_eq!(Secrets::parse(&[secret]).unwrap().verify(&headers, &seen.body, now), Ok(()));
}

/// A charged message, submitted with an API key and answered.
pub(super) async fn submit(world: &World) -> MessageId {
    let partner = world.gateway.catalog().partner_named("acme").unwrap().id;
    let from = Submitter {
        caller: Caller::ApiKey { partner, key: "k1".into() },
        partner,
        mode: crate::domain::Mode::Live,
        default_sender: None,
        may_have_receipts: true,
        service_types: Vec::new(),
    };
    let octets = Bytes::from_static(b"Thank you.");
    let new = NewMt {
        sender: Some(Sender::ShortCode(ShortCode::parse("7455").unwrap())),
        recipient: Msisdn::parse("48600100200").unwrap(),
        body: Body { data_coding: 0, has_udh: false, octets },
        parts: 1,
        service: Some("win".into()),
        tariff: None,
        service_type: "".into(),
        priority: 0,
        protocol_id: 0,
        deliver_after: None,
        valid_until: None,
        receipts: ReceiptWish::FINAL,
        reference: None,
        partner_reference: Some("order 9".into()),
        idempotency: None,
        answers: None,
        replaces: false,
        tlvs: Vec::new(),
        wants_short_id: false,
        known_as: None,
    };
    let accepted = world.gateway.accept_mt(&from, new).await.unwrap();
    world.gateway.answered(accepted.held);
    accepted.id
}
