//! Who and what is in the demo's database: the sample partner with a premium number and two
//! keywords, a guest account for whoever watches, and somebody at the operator's desk.

use anyhow::Context as _;

use super::folder::{GROUP, Secrets};
use crate::{
    clock::Clock,
    config::Portal,
    domain::{Caller, Mode, PersonState, seal::Seal, secret::Pepper},
    partnership::{NewPerson, Partnership},
    store::{NewApiKey, NewCredential, NewPartner, NewService, NewTariff, Store},
};

/// The sample partner, its account and its number.
pub(super) const PARTNER: &str = "acme";
pub(super) const NUMBER: &str = "7455";
/// The account of whoever watches.
pub(super) const GUEST: &str = "guest";
pub(super) const GUEST_NUMBER: &str = "7466";
/// Its account in the sandbox, with the same password.
pub(super) const GUEST_TEST: &str = "guest-test";
/// Who works at the operator's desk.
pub(super) const STAFF: &str = "operator@demo.example";
/// 4.00 net and 4.92 gross.
pub(super) const TARIFF: &str = "T4";

/// Writes everything, unless an earlier demo in this folder did.
pub(super) async fn seed(store: &Store, secrets: &Secrets) -> anyhow::Result<()> {
    let catalog = store.load_catalog().await.context("reading the catalog")?;
    if catalog.partner_named(GUEST).is_some() {
        return Ok(());
    }
    let by = Caller::Operator { name: "demo".into() };
    let at = Clock::system().now();
    let pepper = Pepper::new(secrets.pepper.as_bytes());
    let tariff = NewTariff::polish(TARIFF, 400, 492);
    store.add_tariff(&by, at, &tariff).await?;
    store.add_short_code(&by, at, NUMBER).await?;
    store.add_short_code(&by, at, GUEST_NUMBER).await?;
    for name in [PARTNER, GUEST] {
        let new = NewPartner {
            name: name.to_owned(),
            rate: 0,
            burst: 1,
            backlog_max: 100_000,
            waiting_max: 1_000_000,
        };
        store.add_partner(&by, at, &new).await?;
    }
    for (partner, system_id, password, mode) in [
        (PARTNER, PARTNER, &secrets.partner, Mode::Live),
        (GUEST, GUEST, &secrets.guest, Mode::Live),
        (GUEST, GUEST_TEST, &secrets.guest, Mode::Test),
    ] {
        let new = NewCredential {
            partner: partner.to_owned(),
            system_id: system_id.to_owned(),
            secret: pepper.hash_hex(password.as_bytes()),
            addresses: Vec::new(),
            tls_only: false,
            binds_max: 4,
            window: 20,
            default_sender: None,
            mode,
        };
        store.add_credential(&by, at, &new).await?;
    }
    let (prefix, secret) = secrets.key.rsplit_once('_').context("the key has no prefix")?;
    let key = NewApiKey {
        partner: GUEST.into(),
        prefix: prefix.to_owned(),
        secret: pepper.hash_hex(secret.as_bytes()),
        expires_at: 0,
        mode: Mode::Live,
    };
    store.add_api_key(&by, at, &key).await?;
    store.add_service(&by, at, &service("win", "WIN").charging_mt(TARIFF)).await?;
    store.add_service(&by, at, &service("info", "INFO")).await?;
    let hello = NewService {
        partner: GUEST.into(),
        short_code: GUEST_NUMBER.into(),
        keywords: Vec::new(),
        ..service("hello", "")
    };
    store.add_service(&by, at, &hello).await?;
    Ok(())
}

/// A one-time link for an administrator of the operator. One who has a password already gets none:
/// the way in is known then.
pub(super) async fn way_in(
    store: &Store,
    secrets: &Secrets,
    portal: &str,
) -> anyhow::Result<Option<String>> {
    let seal = Seal::new([secrets.pepper.as_bytes()]);
    let portal = Portal { address: portal.to_owned(), ..Portal::default() };
    let partnership =
        Partnership::new(store.clone(), Clock::system(), seal).with_portal(portal.clone());
    let by = Caller::Operator { name: "demo".into() };
    let invited = match store.person_by_mail(STAFF).await? {
        Some(person) if person.state == PersonState::Invited => {
            partnership.send_link_by(&by, &person, false).await
        }
        Some(_) => return Ok(None),
        None => {
            let new = NewPerson {
                mail: STAFF.to_owned(),
                name: "Demo Operator".to_owned(),
                role: "admin".to_owned(),
                language: "en".to_owned(),
                ..NewPerson::default()
            };
            partnership.invite_by(&by, &new, false).await
        }
    };
    let invited = invited.map_err(|error| anyhow::anyhow!("inviting the operator: {error}"))?;
    Ok(Some(portal.link(&invited.path)))
}

fn service(name: &str, keyword: &str) -> NewService {
    NewService {
        // The table says "doubled 0" of free messages too.
        on_unknown: "park".into(),
        ..NewService::free(PARTNER, name, NUMBER, &[keyword], GROUP)
    }
}
