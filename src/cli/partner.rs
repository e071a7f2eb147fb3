//! `partner`: who works with the operator, and within which limits.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{MessageIds, PartnerAdd, PartnerCommand, PartnerLimits},
    changes,
    desk::{Desk, partner_named},
    failure::Outcome,
    service,
};
use crate::{
    config::Limits,
    control::view::moment,
    domain::Catalog,
    store::{NewPartner, PartnerSetting, Store},
};

pub(crate) async fn partner(desk: &mut Desk<'_>, command: PartnerCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        PartnerCommand::Add(new) => add(desk, &store, new).await,
        PartnerCommand::List => list(desk, &store).await,
        PartnerCommand::Show { name } => show(desk, &store, &name).await,
        PartnerCommand::Disable { name } => activate(desk, &store, &name, false).await,
        PartnerCommand::Enable { name } => activate(desk, &store, &name, true).await,
        PartnerCommand::Limits(wish) => limits(desk, &store, wish).await,
        PartnerCommand::Habit(wish) => changes::habit(desk, &store, wish).await,
        PartnerCommand::Sender { name, text } => changes::sender(desk, &store, &name, &text).await,
    };
    store.close().await;
    done
}

/// A partner's name is a label in metrics and a word on command lines.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits {
        Ok(())
    } else {
        Err(Failure::usage(format!(
            "`{name}` is no name: 1 to 32 letters, digits, `-`, `_` or `.`"
        )))
    }
}

async fn add(desk: &mut Desk<'_>, store: &Store, new: PartnerAdd) -> Outcome {
    check_name(&new.name)?;
    let new = new_partner(new, &desk.config.limits);
    let id = store.add_partner(&desk.by(), desk.now(), &new).await?;
    desk.tell_daemon().await;
    let text = format!(
        "partner {} is added: {} messages a second (burst {}), backlog {}, waiting {}; give it a \
         credential or a key next",
        new.name, new.rate, new.burst, new.backlog_max, new.waiting_max
    );
    let value = json!({
        "id": id, "name": new.name, "rate": new.rate, "burst": new.burst,
        "backlog_max": new.backlog_max, "waiting_max": new.waiting_max,
    });
    desk.out.show(&value, &text);
    Ok(())
}

/// What is not said is taken from the configuration.
pub(crate) fn new_partner(wish: PartnerAdd, limits: &Limits) -> NewPartner {
    let rate = wish.rate.unwrap_or(limits.partner_rate);
    NewPartner {
        name: wish.name,
        rate,
        burst: wish.burst.unwrap_or(rate.saturating_mul(2).max(1)),
        backlog_max: wish.backlog_max.unwrap_or(limits.backlog_partner.into()),
        waiting_max: wish.waiting_max.unwrap_or(limits.backlog_mo.into()),
    }
}

async fn list(desk: &mut Desk<'_>, store: &Store) -> Outcome {
    let rows = store.partners().await?.into_iter().map(|line| {
        json!({
            "id": line.id,
            "name": line.name,
            "active": line.is_active != 0,
            "rate": line.rate,
            "backlog_max": line.backlog_max,
            "services": line.services,
            "system_ids": line.system_ids,
        })
    });
    let rows: Vec<Value> = rows.collect();
    let columns = ["name", "active", "rate", "backlog_max", "services", "system_ids"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

async fn show(desk: &mut Desk<'_>, store: &Store, name: &str) -> Outcome {
    let catalog = store.load_catalog().await?;
    let mut value = described(&catalog, name)?;
    let credentials = store.credentials().await?;
    let own = credentials.iter().filter(|line| line.partner == name);
    value["system_ids"] = own.map(|line| Value::from(line.system_id.as_str())).collect();
    let keys = store.api_keys().await?;
    let own = keys.iter().filter(|line| line.partner == name);
    value["keys"] = own
        .map(|line| json!({ "prefix": line.prefix, "expires_at": moment(line.expires_at) }))
        .collect();
    let services = service::described(&catalog, Some(name), desk.now());
    value["services"] = services.iter().map(|service| service["name"].clone()).collect();
    desk.out.card(&value);
    Ok(())
}

pub(crate) fn described(catalog: &Catalog, name: &str) -> Result<Value, Failure> {
    use crate::domain::partner::{DefaultAlphabet, MessageIdForm};
    let partner = partner_named(catalog, name)?;
    Ok(json!({
        "id": partner.id,
        "name": partner.name,
        "active": partner.is_active,
        "rate": partner.limits.rate,
        "burst": partner.limits.burst,
        "backlog_max": partner.limits.backlog_max,
        "waiting_max": partner.limits.waiting_max,
        "message_ids": match partner.habits.message_id_form {
            MessageIdForm::Decimal => "decimal",
            MessageIdForm::Hex => "hex",
        },
        "default_alphabet": match partner.habits.default_alphabet {
            DefaultAlphabet::Gsm7 => "gsm7",
            DefaultAlphabet::Latin1 => "latin1",
            DefaultAlphabet::Ia5 => "ia5",
        },
        "splits_long": partner.habits.splits_long,
        "takes_data_sm": partner.habits.takes_data_sm,
        "prefers_rx_t_appn": partner.habits.prefers_rx_t_appn,
        "strips_trailing_nul": partner.habits.strip_trailing_nul,
        "vendor_tlvs": partner.habits.vendor_tlvs,
        "receipt_zone": partner.habits.receipt_zone,
        "receipt_seconds": partner.habits.receipt_seconds,
    }))
}

async fn activate(desk: &mut Desk<'_>, store: &Store, name: &str, is_active: bool) -> Outcome {
    // Looked up first: the audit trail must not show what was done to nobody.
    partner_named(&store.load_catalog().await?, name)?;
    store.set_partner_active(&desk.by(), desk.now(), name, is_active).await?;
    desk.tell_daemon().await;
    let word = if is_active { "enabled" } else { "disabled" };
    let text = format!("partner {name} is {word}");
    desk.out.show(&json!({ "name": name, "active": is_active }), &text);
    Ok(())
}

async fn limits(desk: &mut Desk<'_>, store: &Store, wish: PartnerLimits) -> Outcome {
    let catalog = store.load_catalog().await?;
    let now = &partner_named(&catalog, &wish.name)?.limits;
    let mut settings: Vec<PartnerSetting> = Vec::new();
    if wish.rate.is_some() || wish.burst.is_some() {
        settings.push(PartnerSetting::Rate {
            rate: wish.rate.unwrap_or(now.rate),
            burst: wish.burst.unwrap_or(now.burst),
        });
    }
    if wish.backlog_max.is_some() || wish.waiting_max.is_some() {
        settings.push(PartnerSetting::Backlog {
            backlog_max: wish.backlog_max.unwrap_or(now.backlog_max),
            waiting_max: wish.waiting_max.unwrap_or(now.waiting_max),
        });
    }
    settings.extend(
        wish.message_ids.map(|form| PartnerSetting::HexIds(matches!(form, MessageIds::Hex))),
    );
    settings.extend(wish.splits_long.map(PartnerSetting::SplitsLong));
    settings.extend(wish.vendor_tlvs.map(PartnerSetting::VendorTlvs));
    settings
        .extend(wish.default_alphabet.map(|word| PartnerSetting::DefaultAlphabet(word.as_str())));
    if settings.is_empty() {
        return Err(Failure::usage("nothing to change; see `bramka partner limits --help`"));
    }
    for setting in settings {
        store.set_partner(&desk.by(), desk.now(), &wish.name, setting).await?;
    }
    desk.tell_daemon().await;
    let value = described(&store.load_catalog().await?, &wish.name)?;
    desk.out.card(&value);
    Ok(())
}
