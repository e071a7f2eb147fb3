//! Loading the routing snapshot.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::{
    Error,
    db::{Db, Tx, fetch_each, fetch_in},
    holdings,
};
use crate::domain::{
    Billing, Catalog, ChargeAt, Credential, Currency, Delivery, Keyword, Mode, Money, Msisdn,
    OnUnknown, Partner, PartnerId, Sender, Service, ServiceId, ServiceState, ShortCode,
    StandardTexts, Tariff, TariffId,
    catalog::{ApiKey, Parts},
    partner::{DefaultAlphabet, Habits, MessageIdForm, PartnerLimits},
    service::{Brakes, Callback, ServiceLimits},
    service_field::TextCoding,
    tariff::TariffVersion,
};

#[derive(sqlx::FromRow)]
struct PartnerRow {
    id: i64,
    name: String,
    is_active: i64,
    rate: i64,
    burst: i64,
    backlog_max: i64,
    waiting_max: i64,
    message_id_form: String,
    receipt_seconds: i64,
    receipt_zone: String,
    default_alphabet: String,
    strip_trailing_nul: i64,
    prefers_rx_t_appn: i64,
    vendor_tlvs: i64,
    splits_long: i64,
    takes_data_sm: i64,
}

#[derive(sqlx::FromRow)]
struct CredentialRow {
    system_id: String,
    partner_id: i64,
    secret: String,
    secret_old: Option<String>,
    is_active: i64,
    addresses: String,
    tls_only: i64,
    may_transmit: i64,
    may_receive: i64,
    binds_max: i64,
    send_window: i64,
    service_types: String,
    default_sender: Option<String>,
    may_have_receipts: i64,
    pdu_octets_max: i64,
    outbind: Option<String>,
    mode: String,
}

#[derive(sqlx::FromRow)]
struct ServiceRow {
    id: i64,
    version: i64,
    partner_id: i64,
    name: String,
    state: String,
    short_code: String,
    billing: String,
    tariff_id: Option<i64>,
    tariffs_allowed: String,
    link_group: String,
    delivery: String,
    callback_url: Option<String>,
    callback_secrets: Option<String>,
    callback_enabled: i64,
    on_unknown: String,
    charge_at: String,
    charges_per_minute: i64,
    charges_per_day: i64,
    spend_per_day_minor: i64,
    validity_max_us: i64,
    test_numbers: String,
    rate: i64,
    parts_max: i64,
    begins_at: i64,
    ends_at: i64,
    coding: String,
    retry: String,
    tlvs: String,
}

#[derive(sqlx::FromRow)]
struct TextRow {
    service_id: i64,
    help: String,
    stop: String,
    contact: String,
    rules_url: String,
}

/// Everything as it is at one moment: a service must not have the keywords of its next version.
pub(super) async fn catalog(db: &Db) -> Result<Catalog, Error> {
    let tx = &mut db.snapshot().await?;
    let mut parts = Parts { services: services(tx).await?, ..Parts::default() };
    let (sql, rows) = ("select * from partner", &mut parts.partners);
    fetch_each!(tx, PartnerRow, sql; row => rows.push(partner(row)));
    let (sql, rows) = ("select * from credential", &mut parts.credentials);
    fetch_each!(tx, CredentialRow, sql; row => rows.push(credential(row)?));
    let sql = "select prefix, partner_id, secret, expires_at, mode from api_key";
    fetch_each!(tx, KeyRow, sql; row => parts.api_keys.push(api_key(row)?));
    let (sql, rows) = ("select partner_id, name from sender_name", &mut parts.sender_names);
    fetch_each!(tx, (i64, String), sql; (id, name) => rows.push((PartnerId(id), name.into())));
    let (sql, rows) = ("select msisdn from barred_number", &mut parts.barred);
    fetch_each!(tx, (String,), sql; (number,) => rows.extend(Msisdn::parse(&number)));
    parts.holdings = holdings::of_services(tx).await?;
    parts.tariffs = tariffs(tx).await?;
    Ok(Catalog::new(parts))
}

async fn services(tx: &mut Tx<'_>) -> Result<Vec<Service>, Error> {
    let mut texts = HashMap::new();
    let sql = "select * from standard_text";
    fetch_each!(tx, TextRow, sql; row => texts.insert(row.service_id, texts_of(row)));
    let mut words = HashMap::new();
    let sql = "select service_id, string_agg(word, ' ') from keyword group by service_id";
    fetch_each!(tx, (i64, String), sql; (id, list) => words.insert(id, keywords(&list)?));
    let mut services = Vec::new();
    fetch_each!(tx, ServiceRow, "select * from service"; row => {
        let (words, texts) = (words.remove(&row.id).unwrap_or_default(), texts.remove(&row.id));
        services.push(service(row, words, texts)?);
    });
    Ok(services)
}

/// One service as it is now; none if there is no such one.
pub(super) async fn service_of(tx: &mut Tx<'_>, id: ServiceId) -> Result<Option<Service>, Error> {
    let row = fetch_in!(&mut *tx, ServiceRow, "select * from service where id = $1", id.0)?;
    let Some(row) = row else { return Ok(None) };
    let sql = "select coalesce(string_agg(word, ' '), '') from keyword where service_id = $1";
    let list = fetch_in!(&mut *tx, (String,), sql, id.0)?;
    let words = list.map_or(Ok(Vec::new()), |(list,)| keywords(&list))?;
    let sql = "select * from standard_text where service_id = $1";
    let texts = fetch_in!(tx, TextRow, sql, id.0)?;
    service(row, words, texts.map(texts_of)).map(Some)
}

async fn tariffs(tx: &mut Tx<'_>) -> Result<Vec<Tariff>, Error> {
    let mut by_tariff: HashMap<i64, Vec<TariffVersion>> = HashMap::new();
    let sql = "select tariff_id, valid_from, net_minor, vat_permille, gross_minor, currency \
               from tariff_version order by tariff_id, valid_from";
    fetch_each!(tx, (i64, i64, i64, i64, i64, String), sql;
    (tariff, from, net, vat_permille, gross, currency) => {
        let currency = Currency::parse(&currency)
            .ok_or_else(|| corrupt("tariff_version", "currency", &tariff.to_string(), &currency))?;
        let (net, gross) = (Money { amount_minor: net, currency }, Money { amount_minor: gross, currency });
        by_tariff.entry(tariff).or_default().push(TariffVersion { from, net, vat_permille, gross });
    });
    let mut tariffs = Vec::new();
    fetch_each!(tx, (i64, String), "select id, code from tariff"; (id, code) => {
        let versions = by_tariff.remove(&id).unwrap_or_default();
        tariffs.push(Tariff { id: TariffId(id), code: code.into(), versions });
    });
    Ok(tariffs)
}

fn partner(row: PartnerRow) -> Partner {
    Partner {
        id: PartnerId(row.id),
        name: row.name.into(),
        is_active: row.is_active != 0,
        limits: PartnerLimits {
            rate: small(row.rate),
            burst: small(row.burst),
            backlog_max: row.backlog_max.unsigned_abs(),
            waiting_max: row.waiting_max.unsigned_abs(),
        },
        habits: Habits {
            message_id_form: match row.message_id_form.as_str() {
                "hex" => MessageIdForm::Hex,
                _ => MessageIdForm::Decimal,
            },
            receipt_seconds: row.receipt_seconds != 0,
            receipt_zone: row.receipt_zone.into(),
            default_alphabet: match row.default_alphabet.as_str() {
                "latin1" => DefaultAlphabet::Latin1,
                "ia5" => DefaultAlphabet::Ia5,
                _ => DefaultAlphabet::Gsm7,
            },
            strip_trailing_nul: row.strip_trailing_nul != 0,
            prefers_rx_t_appn: row.prefers_rx_t_appn != 0,
            vendor_tlvs: row.vendor_tlvs != 0,
            splits_long: row.splits_long != 0,
            takes_data_sm: row.takes_data_sm != 0,
        },
    }
}

fn credential(row: CredentialRow) -> Result<Credential, Error> {
    let wrong = |column, why: &str| corrupt("credential", column, &row.system_id, why);
    let mut secrets = Vec::with_capacity(2);
    for hex in [Some(&row.secret), row.secret_old.as_ref()].into_iter().flatten() {
        secrets.push(from_hex(hex).ok_or_else(|| wrong("secret", "not 32 octets in hex"))?);
    }
    let addresses = words(&row.addresses)
        .map(|word| word.parse().map_err(|_| wrong("addresses", word)))
        .collect::<Result<_, _>>()?;
    let default_sender = row
        .default_sender
        .as_deref()
        .map(|text| Sender::parse(text).map_err(|e| wrong("default_sender", &e.to_string())))
        .transpose()?;
    let mode = Mode::parse(&row.mode).ok_or_else(|| wrong("mode", &row.mode))?;
    Ok(Credential {
        mode,
        partner: PartnerId(row.partner_id),
        secrets,
        addresses,
        is_active: row.is_active != 0,
        tls_only: row.tls_only != 0,
        may_transmit: row.may_transmit != 0,
        may_receive: row.may_receive != 0,
        binds_max: small(row.binds_max),
        window: small(row.send_window),
        service_types: words(&row.service_types).map(SmolStr::from).collect(),
        default_sender,
        may_have_receipts: row.may_have_receipts != 0,
        pdu_octets_max: small(row.pdu_octets_max),
        outbind: row.outbind.map(SmolStr::from),
        system_id: row.system_id.into(),
    })
}

type KeyRow = (String, i64, String, i64, String);

fn api_key((prefix, partner, secret, expires_at, mode): KeyRow) -> Result<ApiKey, Error> {
    let secret = from_hex(&secret)
        .ok_or_else(|| corrupt("api_key", "secret", &prefix, "not 32 octets in hex"))?;
    let mode = Mode::parse(&mode).ok_or_else(|| corrupt("api_key", "mode", &prefix, &mode))?;
    Ok(ApiKey { prefix: prefix.into(), partner: PartnerId(partner), secret, expires_at, mode })
}

/// No keyword has a space in it.
fn keywords(list: &str) -> Result<Vec<Keyword>, Error> {
    list.split_ascii_whitespace().map(keyword).collect()
}

/// Words of services and of reservations have one form.
pub(super) fn keyword(word: &str) -> Result<Keyword, Error> {
    Keyword::parse(word).map_err(|error| corrupt("keyword", "word", word, &error.to_string()))
}

/// A service from its rows. Its keywords come in the order of the alphabet on every engine.
fn service(
    row: ServiceRow,
    mut keywords: Vec<Keyword>,
    standard: Option<StandardTexts>,
) -> Result<Service, Error> {
    keywords.sort_unstable();
    let wrong = |column, why: &str| corrupt("service", column, &row.id.to_string(), why);
    let delivery = match (row.delivery.as_str(), &row.callback_url) {
        ("callback", Some(url)) => Delivery::Callback(Callback {
            url: url.clone(),
            secrets: words(row.callback_secrets.as_deref().unwrap_or_default())
                .map(str::to_owned)
                .collect(),
            is_enabled: row.callback_enabled != 0,
        }),
        _ => Delivery::Smpp,
    };
    Ok(Service {
        id: ServiceId(row.id),
        version: row.version,
        partner: PartnerId(row.partner_id),
        state: ServiceState::parse(&row.state).ok_or_else(|| wrong("state", &row.state))?,
        short_code: ShortCode::parse(&row.short_code)
            .map_err(|error| wrong("short_code", &error.to_string()))?,
        keywords,
        billing: Billing::parse(&row.billing).ok_or_else(|| wrong("billing", &row.billing))?,
        tariff: row.tariff_id.map(TariffId),
        tariffs_allowed: words(&row.tariffs_allowed).map(SmolStr::from).collect(),
        delivery,
        on_unknown: match row.on_unknown.as_str() {
            "park" => OnUnknown::Park,
            _ => OnUnknown::Resend,
        },
        charge_at: match row.charge_at.as_str() {
            "submitted" => ChargeAt::Submitted,
            _ => ChargeAt::Delivered,
        },
        brakes: Brakes {
            per_minute: small(row.charges_per_minute),
            per_day: small(row.charges_per_day),
            spend_per_day_minor: row.spend_per_day_minor,
        },
        validity_max_us: row.validity_max_us,
        test_numbers: words(&row.test_numbers)
            .filter_map(|number| Msisdn::parse(number).ok())
            .collect(),
        name: row.name.into(),
        link_group: row.link_group.into(),
        limits: ServiceLimits {
            rate: small(row.rate),
            parts_max: u8::try_from(row.parts_max).unwrap_or(u8::MAX),
            begins_at: row.begins_at,
            ends_at: row.ends_at,
            coding: TextCoding::parse(&row.coding).ok_or_else(|| wrong("coding", &row.coding))?,
            retry: words(&row.retry)
                .map(|pause| pause.parse().map_err(|_| wrong("retry", pause)))
                .collect::<Result<_, _>>()?,
            tlvs: words(&row.tlvs)
                .map(|tag| tag.parse().map_err(|_| wrong("tlvs", tag)))
                .collect::<Result<_, _>>()?,
        },
        standard,
    })
}

fn texts_of(row: TextRow) -> StandardTexts {
    let TextRow { help, stop, contact, rules_url, .. } = row;
    StandardTexts { help, stop, contact, rules_url }
}

pub(super) fn corrupt(table: &'static str, column: &'static str, id: &str, why: &str) -> Error {
    Error::Corrupt { table, column, id: id.to_owned(), why: why.to_owned() }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn small(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

pub(super) fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (index, octet) in out.iter_mut().enumerate() {
        *octet = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(out)
}
