//! Changes of what exists: a partner's habits and sender names, a credential's rights, a callback.
//!
//! What is not named stays as it is. What surprises: sessions that are bound keep what they were
//! bound with; the change holds for the next bind.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{CredentialSet, Kind, PartnerHabit, ServiceCallback},
    desk::{Desk, partner_named},
    failure::Outcome,
    partner::described,
};
use crate::{
    callback::Secret,
    control::view::moment,
    domain::{Catalog, Sender, Service, ServiceId},
    store::{CallbackChange, CredentialRights, PartnerSetting, Store},
};

const ATTEMPTS_MAX: i64 = 100;
/// `service_type` has six octets with its NUL. [34 s5.2.11]
const SERVICE_TYPE_OCTETS_MAX: usize = 5;

/// Changes how a partner's software likes things.
pub(crate) async fn habit(desk: &mut Desk<'_>, store: &Store, wish: PartnerHabit) -> Outcome {
    // Looked up first: the audit trail must not show what was done to nobody.
    partner_named(&store.load_catalog().await?, &wish.name)?;
    let name = wish.name.clone();
    let settings = settings(wish)?;
    if settings.is_empty() {
        return Err(Failure::usage("nothing to change; see `bramka partner habit --help`"));
    }
    for setting in settings {
        store.set_partner(&desk.by(), desk.now(), &name, setting).await?;
    }
    desk.tell_daemon().await;
    let value = described(&store.load_catalog().await?, &name)?;
    desk.out.card(&value);
    Ok(())
}

/// One setting for each word that was said, so that the audit trail has one row for each.
fn settings(wish: PartnerHabit) -> Result<Vec<PartnerSetting>, Failure> {
    if let Some(zone) = &wish.receipt_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        let text = format!("`{zone}` is no time zone such as Europe/Warsaw or UTC");
        return Err(Failure::usage(text));
    }
    let flags = [
        wish.hex_ids.map(PartnerSetting::HexIds),
        wish.splits_long.map(PartnerSetting::SplitsLong),
        wish.takes_data_sm.map(PartnerSetting::TakesDataSm),
        wish.prefers_rx_t_appn.map(PartnerSetting::PrefersRxTAppn),
        wish.strips_trailing_nul.map(PartnerSetting::StripsTrailingNul),
        wish.vendor_tlvs.map(PartnerSetting::VendorTlvs),
        wish.receipt_zone.map(|zone| PartnerSetting::ReceiptZone(zone.into())),
        wish.receipt_seconds.map(PartnerSetting::ReceiptSeconds),
        wish.alphabet.map(|word| PartnerSetting::DefaultAlphabet(word.as_str())),
    ];
    Ok(flags.into_iter().flatten().collect())
}

/// Lets a partner send under a name.
pub(crate) async fn sender(
    desk: &mut Desk<'_>,
    store: &Store,
    partner: &str,
    text: &str,
) -> Outcome {
    partner_named(&store.load_catalog().await?, partner)?;
    // Digits would be somebody's number: those are had by a service on a short code (S060).
    if !matches!(Sender::parse(text), Ok(Sender::Name(_))) {
        let why = "1 to 11 characters with a letter among them";
        return Err(Failure::usage(format!("`{text}` is no sender name: {why}")));
    }
    store.add_sender_name(&desk.by(), desk.now(), partner, text).await?;
    desk.tell_daemon().await;
    let value = json!({ "partner": partner, "sender_name": text });
    desk.out.show(&value, &format!("{partner} may send as {text}"));
    Ok(())
}

/// Changes what one credential may do.
pub(crate) async fn rights(desk: &mut Desk<'_>, store: &Store, wish: CredentialSet) -> Outcome {
    let catalog = store.load_catalog().await?;
    let system_id = wish.system_id.clone();
    let mut rights = rights_of(&catalog, &system_id)?;
    if !change_rights(&mut rights, wish)? {
        return Err(Failure::usage("nothing to change; see `bramka credential set --help`"));
    }
    store.set_credential(&desk.by(), desk.now(), &system_id, &rights).await?;
    desk.tell_daemon().await;
    let mut value = json!(rights);
    value["system_id"] = system_id.into();
    desk.out.card(&value);
    Ok(())
}

/// The rights as they are, for the store writes all of them at once.
fn rights_of(catalog: &Catalog, system_id: &str) -> Result<CredentialRights, Failure> {
    let known = catalog
        .credential(system_id)
        .ok_or_else(|| Failure::not_found(format!("no system_id `{system_id}`")))?;
    Ok(CredentialRights {
        is_active: known.is_active,
        may_transmit: known.may_transmit,
        may_receive: known.may_receive,
        may_have_receipts: known.may_have_receipts,
        service_types: known.service_types.iter().map(ToString::to_string).collect(),
        binds_max: known.binds_max,
        addresses: known.addresses.iter().map(ToString::to_string).collect(),
        tls_only: known.tls_only,
        window: known.window,
        outbind: known.outbind.as_ref().map(ToString::to_string),
        pdu_octets_max: known.pdu_octets_max,
    })
}

/// Whether anything was asked for.
fn change_rights(rights: &mut CredentialRights, wish: CredentialSet) -> Result<bool, Failure> {
    let mut is_change = false;
    let mut set = |slot: &mut u32, value: Option<u32>| {
        is_change |= value.is_some();
        *slot = value.unwrap_or(*slot);
    };
    set(&mut rights.window, wish.window);
    set(&mut rights.pdu_octets_max, wish.pdu_octets);
    set(&mut rights.binds_max, wish.binds_max);
    if let Some(outbind) = wish.outbind {
        rights.outbind = called_at(&outbind)?;
        is_change = true;
    }
    if let Some(may) = wish.receipts {
        rights.may_have_receipts = may;
        is_change = true;
    }
    if let Some(words) = wish.service_types {
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let fits = |word: &String| {
            word.len() <= SERVICE_TYPE_OCTETS_MAX && word.bytes().all(|b| (0x21..0x7f).contains(&b))
        };
        if let Some(bad) = words.iter().find(|word| !fits(word)) {
            let text = format!("`{bad}` is no service_type: at most 5 printable ASCII characters");
            return Err(Failure::usage(text));
        }
        rights.service_types = words;
        is_change = true;
    }
    if let Some(kinds) = wish.kinds {
        rights.may_transmit = kinds.contains(&Kind::Transmitter);
        rights.may_receive = kinds.contains(&Kind::Receiver);
        is_change = true;
    }
    Ok(is_change)
}

/// Only the form: a name may begin to resolve after it was written down.
fn called_at(text: &str) -> Result<Option<String>, Failure> {
    if text == "none" {
        return Ok(None);
    }
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        (1..=253).contains(&host.len()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if is_address {
        return Ok(Some(text.to_owned()));
    }
    Err(Failure::usage(format!("`{text}` is neither HOST:PORT nor `none`")))
}

/// Changes a service's callback.
pub(crate) async fn callback(desk: &mut Desk<'_>, store: &Store, wish: ServiceCallback) -> Outcome {
    let service = service_named(store, wish.partner.as_deref(), &wish.name).await?;
    let mut changes = Vec::new();
    let mut secret = None;
    if let Some(url) = wish.url {
        // Which of the two is allowed is asked when it is called, as it depends on the node (S-54).
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(Failure::usage(format!("`{url}` is no https: address")));
        }
        changes.push(CallbackChange::Url(url));
    }
    if wish.new_secret {
        let made = Secret::generate();
        let made = made.map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
        changes.push(CallbackChange::Rotate(made.reveal()));
        secret = Some(made.reveal());
    }
    // Last: what flows again goes to the new address under the new secret.
    if wish.enable {
        changes.push(CallbackChange::Enable);
    } else if wish.disable {
        changes.push(CallbackChange::Disable);
    }
    if changes.is_empty() {
        return Err(Failure::usage("nothing to change; see `bramka service callback --help`"));
    }
    for change in &changes {
        if !store.set_callback(&desk.by(), desk.now(), service, change).await? {
            let text = format!("service {} has no callback; it delivers over SMPP", wish.name);
            return Err(Failure::failed(text));
        }
    }
    desk.tell_daemon().await;
    let mut text = format!("the callback of {} is changed", wish.name);
    if let Some(secret) = &secret {
        text = format!("{text}\ncallback secret: {secret}\nIt is not shown again.");
    }
    desk.out.show(&json!({ "name": wish.name, "callback_secret": secret }), &text);
    Ok(())
}

/// The last tries to reach a service's callback, newest first.
pub(crate) async fn attempts(
    desk: &mut Desk<'_>,
    store: &Store,
    partner: Option<&str>,
    name: &str,
) -> Outcome {
    let service = service_named(store, partner, name).await?;
    let rows: Vec<Value> = store
        .callback_attempts(service, ATTEMPTS_MAX)
        .await?
        .iter()
        .map(|line| {
            json!({
                "at": moment(line.at), "message": line.message_id.to_string(),
                "attempt": line.attempt, "outcome": line.outcome, "took_ms": line.took_ms,
            })
        })
        .collect();
    desk.out.rows(&rows, &["at", "message", "attempt", "outcome", "took_ms"]);
    Ok(())
}

/// The one service of this name; two partners may have called theirs the same.
async fn service_named(
    store: &Store,
    partner: Option<&str>,
    name: &str,
) -> Result<ServiceId, Failure> {
    let catalog = store.load_catalog().await?;
    let owner = match partner {
        Some(partner) => Some(partner_named(&catalog, partner)?.id),
        None => None,
    };
    let fits = |service: &&std::sync::Arc<Service>| {
        service.name == name && owner.is_none_or(|owner| owner == service.partner)
    };
    let found: Vec<_> = catalog.services().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Failure::not_found(format!("no service is called `{name}`"))),
        [only] => Ok(only.id),
        _ => {
            Err(Failure::usage(format!("several partners have a service `{name}`; add --partner")))
        }
    }
}
