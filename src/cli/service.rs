//! `number`, `tariff`, `service`: what is offered to subscribers and what it costs them.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{NumberCommand, ServiceAdd, ServiceCommand, StandardArgs, TariffAdd, TariffCommand},
    changes,
    desk::{Desk, partner_named},
    failure::Outcome,
    money, number_base,
    partner::check_name,
};
use crate::{
    callback::Secret,
    config::Limits,
    control::view::moment,
    domain::{
        Catalog, Currency, Delivery, Keyword, Money, Msisdn, ShortCode, StandardTexts,
        service::ServiceLimits,
    },
    store::{NewService, NewTariff, Store},
};

pub(crate) async fn number(desk: &mut Desk<'_>, command: NumberCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        NumberCommand::Add { digits } => add_numbers(desk, &store, &digits).await,
        NumberCommand::Bar { msisdn, reason } => bar_number(desk, &store, &msisdn, &reason).await,
        NumberCommand::List => list_numbers(desk, &store).await,
        NumberCommand::Import { file, trial } => {
            number_base::import(desk, &store, &file, trial).await
        }
        NumberCommand::Find(wish) => number_base::find(desk, &store, &wish).await,
        NumberCommand::Reservations { state, partner } => {
            number_base::reservations(desk, &store, state, partner.as_deref()).await
        }
    };
    store.close().await;
    done
}

async fn add_numbers(desk: &mut Desk<'_>, store: &Store, digits: &[String]) -> Outcome {
    // All are read before the first is added.
    for text in digits {
        ShortCode::parse(text).map_err(|error| Failure::usage(error.to_string()))?;
    }
    for text in digits {
        store.add_short_code(&desk.by(), desk.now(), text).await.map_err(|error| {
            let failure = Failure::from(error);
            Failure { text: format!("{text}: {}", failure.text), ..failure }
        })?;
    }
    desk.tell_daemon().await;
    desk.out.show(&json!({ "added": digits }), &format!("added {}", digits.join(", ")));
    Ok(())
}

async fn bar_number(desk: &mut Desk<'_>, store: &Store, msisdn: &str, reason: &str) -> Outcome {
    let number = Msisdn::parse(msisdn).map_err(|error| Failure::usage(error.to_string()))?;
    store.bar_number(&desk.by(), desk.now(), number.as_str(), reason).await?;
    desk.tell_daemon().await;
    let shown = number.masked();
    desk.out.show(&json!({ "barred": shown }), &format!("nothing more is sent to {shown}"));
    Ok(())
}

async fn list_numbers(desk: &mut Desk<'_>, store: &Store) -> Outcome {
    let rows: Vec<Value> = store
        .short_codes()
        .await?
        .iter()
        .map(|line| {
            json!({
                "number": line.digits, "services": line.services, "keywords": line.keywords,
                "made_at": moment(line.made_at),
            })
        })
        .collect();
    desk.out.rows(&rows, &["number", "services", "keywords", "made_at"]);
    Ok(())
}

pub(crate) async fn tariff(desk: &mut Desk<'_>, command: TariffCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        TariffCommand::Add(wish) => add_tariff(desk, &store, &wish).await,
        TariffCommand::List => list_tariffs(desk, &store).await,
    };
    store.close().await;
    done
}

pub(crate) fn new_tariff(wish: &TariffAdd, now: i64) -> Result<NewTariff, Failure> {
    let (net, gross) = (money::minor(&wish.net)?, money::minor(&wish.gross)?);
    if gross < net {
        return Err(Failure::usage("the gross must not be less than the net"));
    }
    let code_fits = (1..=16).contains(&wish.code.len())
        && wish.code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !code_fits {
        let text = format!("`{}` is no code: 1 to 16 letters, digits, `-`, `_` or `.`", wish.code);
        return Err(Failure::usage(text));
    }
    if Currency::parse(&wish.currency).is_none() {
        let text = format!("`{}` is no currency such as PLN", wish.currency);
        return Err(Failure::usage(text));
    }
    Ok(NewTariff {
        code: wish.code.clone(),
        valid_from: wish.from.map_or(now, jiff::Timestamp::as_microsecond),
        net_minor: net,
        vat_permille: money::permille(&wish.vat)?,
        gross_minor: gross,
        currency: wish.currency.clone(),
    })
}

async fn add_tariff(desk: &mut Desk<'_>, store: &Store, wish: &TariffAdd) -> Outcome {
    let new = new_tariff(wish, desk.now())?;
    let versions = store.tariff_versions().await?;
    let is_taken =
        versions.iter().any(|line| line.code == new.code && line.valid_from == new.valid_from);
    if is_taken {
        return Err(Failure::failed(format!(
            "tariff {} has a version from this very moment already",
            new.code
        )));
    }
    store.add_tariff(&desk.by(), desk.now(), &new).await?;
    desk.tell_daemon().await;
    let value = json!({
        "code": new.code, "valid_from": moment(new.valid_from), "gross_minor": new.gross_minor,
    });
    let text =
        format!("tariff {} holds from {}", new.code, super::output::cell(&value["valid_from"]));
    desk.out.show(&value, &text);
    Ok(())
}

async fn list_tariffs(desk: &mut Desk<'_>, store: &Store) -> Outcome {
    let rows: Vec<Value> = store
        .tariff_versions()
        .await?
        .iter()
        .map(|line| {
            let currency = Currency::parse(&line.currency).unwrap_or(Currency::PLN);
            let shown = |amount_minor| Money { amount_minor, currency }.to_string();
            json!({
                "code": line.code,
                "valid_from": moment(line.valid_from),
                "net": shown(line.net_minor),
                "vat_permille": line.vat_permille,
                "gross": shown(line.gross_minor),
                "gross_minor": line.gross_minor,
            })
        })
        .collect();
    desk.out.rows(&rows, &["code", "valid_from", "net", "vat_permille", "gross"]);
    Ok(())
}

pub(crate) async fn service(desk: &mut Desk<'_>, command: ServiceCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        ServiceCommand::Add(wish) => add_service(desk, &store, &wish).await,
        ServiceCommand::List { partner } => list_services(desk, &store, partner.as_deref()).await,
        ServiceCommand::State { name, state, partner } => {
            set_state(desk, &store, (&partner, &name), &state).await
        }
        ServiceCommand::Callback(wish) => changes::callback(desk, &store, wish).await,
        ServiceCommand::Attempts { name, partner } => {
            changes::attempts(desk, &store, partner.as_deref(), &name).await
        }
    };
    store.close().await;
    done
}

/// What is asked for, checked as far as it can be without the store; a callback gets a secret.
pub(crate) fn new_service(wish: &ServiceAdd, limits: &Limits) -> Result<NewService, Failure> {
    let usage = |error: crate::domain::number::BadNumber| Failure::usage(error.to_string());
    check_name(&wish.name)?;
    check_name(&wish.link_group)?;
    ShortCode::parse(&wish.number).map_err(usage)?;
    let keywords = wish.keywords.iter().map(|word| Keyword::parse(word).map_err(usage));
    let keywords: Vec<Keyword> = keywords.collect::<Result<_, _>>()?;
    for number in &wish.test_numbers {
        Msisdn::parse(number).map_err(usage)?;
    }
    if wish.billing != "free" && wish.tariff.is_none() {
        return Err(Failure::usage(format!("billing `{}` needs a tariff", wish.billing)));
    }
    let callback = match &wish.callback_url {
        None => None,
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
            let secret = Secret::generate();
            let secret =
                secret.map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
            Some((url.clone(), vec![secret.reveal()]))
        }
        Some(url) => return Err(Failure::usage(format!("`{url}` is no https: address"))),
    };
    Ok(NewService {
        partner: wish.partner.clone(),
        name: wish.name.clone(),
        state: wish.state.clone(),
        short_code: wish.number.clone(),
        keywords: keywords.iter().map(|word| word.as_str().to_owned()).collect(),
        billing: wish.billing.clone(),
        tariff: wish.tariff.clone(),
        tariffs_allowed: wish.tariffs_allowed.clone(),
        link_group: wish.link_group.clone(),
        callback,
        on_unknown: wish.on_unknown.clone(),
        charge_at: wish.charge_at.clone(),
        charges_per_minute: wish.charges_per_minute.unwrap_or(limits.subscriber_charges_minute),
        charges_per_day: wish.charges_per_day.unwrap_or(limits.subscriber_charges_day),
        spend_per_day_minor: money::minor(&wish.spend_per_day)?,
        validity_max_us: i64::from(wish.validity_max_seconds) * 1_000_000,
        test_numbers: wish.test_numbers.clone(),
        limits: ServiceLimits::default(),
        standard: standard(&wish.standard)?,
    })
}

fn standard(wish: &StandardArgs) -> Result<Option<StandardTexts>, Failure> {
    let StandardArgs { help_text, stop_text, contact, rules_url } = wish.clone();
    let (help, stop, contact, rules_url) = match (help_text, stop_text, contact, rules_url) {
        (None, None, None, None) => return Ok(None),
        (Some(help), Some(stop), Some(contact), Some(rules)) => (help, stop, contact, rules),
        _ => {
            let text = "a service that answers POMOC, INFO and STOP needs a help text, a stop text, \
                        a contact and the address of its rules, all four";
            return Err(Failure::usage(text));
        }
    };
    let texts = StandardTexts { help, stop, contact, rules_url };
    texts.check().map_err(|(what, bad)| Failure::usage(format!("{what} {}", bad.detail)))?;
    Ok(Some(texts))
}

/// What the store would say less clearly: a foreign key has no name that a person knows.
pub(crate) async fn check_references(store: &Store, new: &NewService) -> Outcome {
    let catalog = store.load_catalog().await?;
    partner_named(&catalog, &new.partner)?;
    if !store.short_codes().await?.iter().any(|line| line.digits == new.short_code) {
        let text = format!("no number {0}; see `bramka number add {0}`", new.short_code);
        return Err(Failure::not_found(text));
    }
    for code in new.tariff.iter().chain(&new.tariffs_allowed) {
        if catalog.tariff_coded(code).is_none() {
            return Err(Failure::not_found(format!("no tariff is called `{code}`")));
        }
    }
    Ok(())
}

async fn add_service(desk: &mut Desk<'_>, store: &Store, wish: &ServiceAdd) -> Outcome {
    let new = new_service(wish, &desk.config.limits)?;
    check_references(store, &new).await?;
    let id = store.add_service(&desk.by(), desk.now(), &new).await?;
    desk.tell_daemon().await;
    let secret = new.callback.as_ref().and_then(|(_, secrets)| secrets.first());
    let value = json!({
        "id": id, "name": new.name, "callback_secret": secret,
        "charges_per_minute": new.charges_per_minute, "charges_per_day": new.charges_per_day,
    });
    let mut text = format!("service {} of {} is added, {}", new.name, new.partner, new.state);
    if new.billing == "mt" {
        text = format!(
            "{text}; one subscriber is charged at most {} times a minute and {} a day",
            times(new.charges_per_minute),
            times(new.charges_per_day)
        );
    }
    if let Some(secret) = secret {
        text = format!("{text}\ncallback secret: {secret}\nIt is not shown again.");
    }
    desk.out.show(&value, &text);
    Ok(())
}

fn times(count: u32) -> String {
    if count == 0 { "any number of".to_owned() } else { count.to_string() }
}

async fn list_services(desk: &mut Desk<'_>, store: &Store, partner: Option<&str>) -> Outcome {
    let catalog = store.load_catalog().await?;
    if let Some(name) = partner {
        partner_named(&catalog, name)?;
    }
    let rows = described(&catalog, partner, desk.now());
    let columns = [
        "partner",
        "name",
        "state",
        "number",
        "keywords",
        "billing",
        "tariff",
        "price",
        "link_group",
        "delivery",
    ];
    desk.out.rows(&rows, &columns);
    Ok(())
}

/// Services as lists show them, by partner and name.
pub(crate) fn described(catalog: &Catalog, partner: Option<&str>, now: i64) -> Vec<Value> {
    let mut rows: Vec<Value> = catalog
        .services()
        .map(|service| {
            let owner = catalog.partner(service.partner);
            let tariff = service.tariff.and_then(|id| catalog.tariff(id));
            let price = tariff.and_then(|tariff| tariff.at(now)).map(|version| version.gross);
            json!({
                "id": service.id,
                "partner": owner.map(|owner| owner.name.clone()),
                "name": service.name,
                "state": service.state.as_str(),
                "version": service.version,
                "number": service.short_code.as_str(),
                "keywords": service.keywords.iter().map(Keyword::as_str).collect::<Vec<_>>(),
                "billing": service.billing.as_str(),
                "tariff": tariff.map(|tariff| tariff.code.clone()),
                "price": price.map(|price| price.to_string()),
                "link_group": service.link_group,
                "answers_standard_words": service.standard.is_some(),
                "delivery": match &service.delivery {
                    Delivery::Smpp => "smpp",
                    Delivery::Callback(_) => "callback",
                },
            })
        })
        .filter(|row| partner.is_none_or(|name| row["partner"] == name))
        .collect();
    let key = |row: &Value| (row["partner"].to_string(), row["name"].to_string());
    rows.sort_by_key(key);
    rows
}

async fn set_state(
    desk: &mut Desk<'_>,
    store: &Store,
    (partner, name): (&str, &str),
    state: &str,
) -> Outcome {
    let catalog = store.load_catalog().await?;
    let owner = partner_named(&catalog, partner)?.id;
    let Some(known) = catalog.service_named(owner, name) else {
        return Err(Failure::not_found(format!("{partner} has no service `{name}`")));
    };
    store.set_service_state(&desk.by(), desk.now(), known.id, state).await?;
    desk.tell_daemon().await;
    let value = json!({ "partner": partner, "name": name, "state": state });
    desk.out.show(&value, &format!("service {name} of {partner} is {state}"));
    Ok(())
}
