//! The HTTP edge over a real gateway on a store of its own.

mod accounts_pages;
mod agreements;
mod api;
mod applications;
mod company;
mod complaints;
mod desk;
mod doors;
mod faults;
mod live;
mod matrix;
mod messages;
mod numbers;
mod orders;
mod pages;
mod people;
mod portal;
mod replays;
mod sandbox;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

use super::*;
use crate::{
    clock::{Clock, SetClock},
    config::Shutdown,
    domain::{Caller, MessageId, Refusal, seal::Seal, secret},
    gateway::{Pages, Settings},
    store::{GroupLimits, NewApiKey, NewPartner, NewService, NewTariff, Place, Store, Stored},
    tasks::{Phase, Signals, Stopping, Systemd, Tasks},
};

const NOON: i64 = 1_795_262_400_000_000;

struct World {
    app: App,
    public: Router,
    clock: Arc<SetClock>,
    tasks: Tasks,
    acme: String,
    other: String,
    _pages: Pages,
    _folder: tempfile::TempDir,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect(&self.text)
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn world() -> World {
    world_with(config::Http::default(), 64).await
}

async fn world_with(limits: config::Http, work: usize) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("http.db").display());
    let (store, writer) =
        Store::open(Place { url, readers: 2 }, GroupLimits::default()).await.unwrap();
    let tasks = Tasks::with(&Shutdown::default(), Signals::none(), Systemd::Silent);
    tasks.spawn_in(Phase::Writer, "writer", async move { Ok(writer.run().await?) });
    let pepper = Pepper::new(*b"pepper");
    let mut keys = Vec::new();
    for (name, number, rate) in [("acme", "7455", 0), ("other", "7456", 1)] {
        keys.push(partner(&store, &pepper, name, number, rate).await);
    }
    let other = keys.pop().unwrap();
    let acme = keys.pop().unwrap();
    let clock = Arc::new(SetClock::at(NOON));
    let (gateway, pages) =
        Gateway::new(store, Clock::Set(Arc::clone(&clock)), Settings::default(), &[])
            .await
            .unwrap();
    let work = tasks.scope(Phase::Requests, "http_work", work);
    let partnership = Partnership::new(
        gateway.store().clone(),
        gateway.clock().clone(),
        Seal::new([&b"seal"[..]]),
    )
    .with_quick_passwords()
    .with_contract(crate::partnership::Contract::sample());
    let render: Render = Arc::new(|| "bramka_up 1\n".to_owned());
    let app = App::new(gateway, partnership, limits, pepper, render, work);
    let public = public(app.clone());
    World { public, app, clock, tasks, acme, other, _pages: pages, _folder: folder }
}

/// A partner with a free service, a charged one on another number, and a key.
async fn partner(store: &Store, pepper: &Pepper, name: &str, number: &str, rate: u32) -> String {
    let by = Caller::Operator { name: "test".into() };
    let new = NewPartner { name: name.into(), rate, burst: 1, backlog_max: 100, waiting_max: 100 };
    store.add_partner(&by, NOON, &new).await.unwrap();
    if name == "acme" {
        let tariff = NewTariff::polish("T4", 400, 492);
        store.add_tariff(&by, NOON, &tariff).await.unwrap();
    }
    for (service, number, billing) in
        [("info", number.to_owned(), "free"), ("win", format!("{number}1"), "mt")]
    {
        store.add_short_code(&by, NOON, &number).await.unwrap();
        let new = NewService::free(name, service, &number, &["WIN"], "main");
        let new = if billing == "mt" { new.charging_mt("T4") } else { new };
        store.add_service(&by, NOON, &new).await.unwrap();
    }
    let key = pepper.mint().unwrap();
    let new = NewApiKey {
        partner: name.into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: NOON + 3_600_000_000,
        mode: crate::domain::Mode::Live,
    };
    store.add_api_key(&by, NOON, &new).await.unwrap();
    key.shown.to_string()
}

impl World {
    async fn send(&self, request: Request<Body>) -> Reply {
        reply(self.public.clone(), request).await
    }

    async fn post(&self, body: &Value) -> Reply {
        self.send(post(&self.acme, body, &[])).await
    }

    async fn post_with_key(&self, key: &'static str, body: &Value) -> Reply {
        self.send(post(&self.acme, body, &[("idempotency-key", key)])).await
    }

    async fn get(&self, key: &str, path: &str) -> Reply {
        self.send(request(Method::GET, path, &[("authorization", &format!("Bearer {key}"))])).await
    }

    async fn delete(&self, key: &str, path: &str) -> Reply {
        let headers = [("authorization", &*format!("Bearer {key}"))];
        self.send(request(Method::DELETE, path, &headers)).await
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::empty()).unwrap()
}

fn post(key: &str, body: &Value, headers: &[(&str, &str)]) -> Request<Body> {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", &*bearer), ("content-type", "application/json")];
    all.extend(headers);
    request(Method::POST, "/api/v1/messages", &all).map(|_| Body::from(body.to_string()))
}

async fn reply(router: Router, request: Request<Body>) -> Reply {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(octets.to_vec()).unwrap(),
    }
}

fn hello() -> Value {
    json!({ "to": "48600100200", "from": "7455", "text": "Hello" })
}

fn charged() -> Value {
    json!({ "to": "48600100200", "service": "win", "text": "You won" })
}

/// Takes every message of the links' lanes.
async fn claimable(world: &World) -> usize {
    let gateway = &world.app.gateway;
    let group = gateway.group("main").unwrap();
    let epoch = gateway.store().take_lease("link", "north", 0, i64::MAX).await.unwrap();
    let seat = crate::gateway::submit::LinkSeat { name: "north".into(), group, epoch };
    gateway.claim(&seat, &gateway.to_links(group), 10).await.len()
}
