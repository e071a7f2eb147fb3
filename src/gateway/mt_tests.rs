//! Which service an MT belongs to, and when a tariff may be named; and long MO of many parts.

use super::{
    Error, Gateway, Settings,
    mo::{NewMo, PartOf},
    mt::NewMt,
    submit::LinkSeat,
};
use crate::{
    control::tests::{daemon, mt, submitter, unknown_message},
    domain::{Body, Caller, Content, Msisdn, Refusal, ShortCode},
    store::{NewService, Stored},
};

fn service(name: &str, billing: &str, allowed: &[&str]) -> NewService {
    NewService {
        billing: billing.into(),
        tariffs_allowed: allowed.iter().map(|code| (*code).to_owned()).collect(),
        ..NewService::free("acme", name, "7455", &[], "main")
    }
}

/// acme has the charged WIN with tariff T4 on 7455, and more services on that number.
async fn with(gateway: &Gateway, more: &[NewService]) {
    unknown_message(gateway).await;
    for new in more {
        gateway.store().add_service(&Caller::Gateway, 0, new).await.unwrap();
    }
    gateway.reload_catalog().await.unwrap();
}

/// The service that took it and whether it is charged, or the refusal's code.
async fn taken(gateway: &Gateway, service: Option<&str>, tariff: Option<&str>) -> String {
    let new = NewMt { service: service.map(Into::into), tariff: tariff.map(Into::into), ..mt() };
    match gateway.accept_mt(&submitter(gateway), new).await {
        Ok(accepted) => {
            let stored = gateway.store().message(accepted.id).await.unwrap();
            let Some(Stored::Mt(message, _)) = stored else { panic!("it is stored") };
            let catalog = gateway.catalog();
            let name = catalog.service(message.service).unwrap().name.clone();
            message.charge.as_ref().map_or_else(
                || format!("{name} free"),
                |(price, _)| format!("{name} {}", price.code),
            )
        }
        Err(Error::Refused(refusal)) => refusal.code().to_owned(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_tariff_asks_for_a_charge_and_a_service_that_does_not_charge_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    with(&gateway, &[service("info", "free", &[]), service("game", "mo", &["T4"])]).await;
    let not_allowed = Refusal::TariffNotAllowed("T4".into()).code();
    for (service, tariff, expected) in [
        (Some("info"), None, "info free"),
        (Some("info"), Some("T4"), not_allowed),
        (Some("game"), Some("T4"), not_allowed),
        (Some("win"), Some("T4"), "win T4"),
        (Some("win"), None, "win T4"),
    ] {
        assert_eq!(taken(&gateway, service, tariff).await, expected, "{service:?} {tariff:?}");
    }
}

#[tokio::test]
async fn on_a_shared_number_the_tariff_says_that_the_charged_service_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    with(&gateway, &[service("info", "free", &[]), service("dear", "mt", &["T25"])]).await;
    let dear = crate::store::NewTariff::polish("T25", 2500, 3075);
    let other = crate::store::NewTariff { code: "T9".into(), ..dear.clone() };
    for tariff in [dear, other] {
        gateway.store().add_tariff(&Caller::Gateway, 0, &tariff).await.unwrap();
    }
    gateway.reload_catalog().await.unwrap();
    for (tariff, expected) in [
        (None, "info free"),
        (Some("T4"), "win T4"),
        (Some("T25"), "dear T25"),
        (Some("T9"), Refusal::TariffNotAllowed("T9".into()).code()),
        (Some("T99"), Refusal::TariffUnknown("T99".into()).code()),
    ] {
        assert_eq!(taken(&gateway, None, tariff).await, expected, "{tariff:?}");
    }
}

#[tokio::test]
async fn a_part_of_a_longer_text_than_is_joined_is_handed_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = daemon(folder.path()).await.gateway;
    with(&gateway, &[]).await;
    gateway.tune(Settings { mo_parts_max: 2, ..Settings::default() });
    let group = gateway.group("main").unwrap();
    let seat = LinkSeat { name: "north".into(), group, epoch: 1 };
    let part = |total, text: &'static str| NewMo {
        sender: Msisdn::parse("48600100200").unwrap(),
        recipient: ShortCode::parse("7455").unwrap(),
        body: Body {
            data_coding: 0,
            has_udh: false,
            octets: bytes::Bytes::from_static(text.as_bytes()),
        },
        text: text.to_owned(),
        part: Some(PartOf { reference: 7, total, number: 1 }),
        tlvs: Vec::new(),
    };
    gateway.accept_mo(&seat, part(2, "WIN waits")).await.unwrap();
    gateway.accept_mo(&seat, part(3, "WIN goes")).await.unwrap();
    let partner = submitter(&gateway).partner;
    let items =
        gateway.deliveries(&gateway.to_sessions(partner, crate::domain::Mode::Live), 10).await;
    let bodies: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.content {
            Content::Mo(message) => Some((message.body.octets.as_ref(), message.parts)),
            _ => None,
        })
        .collect();
    assert_eq!(bodies, [(&b"WIN goes"[..], 1)]);
}
