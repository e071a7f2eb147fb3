//! What the operator's people set up: partners, credentials, numbers, services, tariffs. Every
//! write is one transaction with its audit row; who was first is decided by a named constraint. What
//! changed nothing leaves no audit row.

use serde_json::json;

use super::{
    Error, NewApiKey, NewCredential, NewPartner, NewService, NewTariff, Store, audit, checked,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::next_id,
    sandbox::furnish,
};
use crate::domain::{Caller, Keyword, MessageId, MessageState, PartnerId, ServiceId};

/// A partner as `partner list` shows it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct PartnerLine {
    pub id: i64,
    pub name: String,
    pub is_active: i64,
    pub rate: i64,
    pub backlog_max: i64,
    pub services: i64,
    pub system_ids: i64,
}

/// Counts for `status`.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Overview {
    pub partners: i64,
    pub services: i64,
    pub waiting: i64,
    pub unknown: i64,
    pub orphan_receipts: i64,
}

impl Store {
    pub async fn add_partner(
        &self,
        by: &Caller,
        at: i64,
        new: &NewPartner,
    ) -> Result<PartnerId, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from partner").await?;
        insert_partner(&mut tx, at, id, new, true).await?;
        let detail = json!({ "rate": new.rate, "backlog_max": new.backlog_max });
        audit::append(&mut tx, at, by, "partner.add", &new.name, &detail).await?;
        tx.commit().await?;
        Ok(PartnerId(id))
    }

    /// Lets a partner in, or keeps it out; its messages stay where they are.
    pub async fn set_partner_active(
        &self,
        by: &Caller,
        at: i64,
        name: &str,
        is_active: bool,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update partner set is_active = $1 where name = $2",
            i64::from(is_active),
            name
        )?;
        if found == 0 {
            return Ok(false);
        }
        let what = if is_active { "partner.resume" } else { "partner.suspend" };
        audit::append(&mut tx, at, by, what, name, &json!({})).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn partners(&self) -> Result<Vec<PartnerLine>, Error> {
        fetch_all!(
            &self.db,
            PartnerLine,
            "select p.id, p.name, p.is_active, p.rate, p.backlog_max, \
             (select count(*) from service s where s.partner_id = p.id) as services, \
             (select count(*) from credential c where c.partner_id = p.id) as system_ids \
             from partner p order by p.name"
        )
    }

    pub async fn add_credential(
        &self,
        by: &Caller,
        at: i64,
        new: &NewCredential,
    ) -> Result<(), Error> {
        checked::credential(new)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let partner = partner_id(&mut tx, &new.partner).await?;
        execute!(
            &mut tx,
            "insert into credential (system_id, partner_id, secret, secret_old, is_active, \
             addresses, tls_only, may_transmit, may_receive, binds_max, send_window, \
             service_types, default_sender, may_have_receipts, pdu_octets_max, made_at, mode) \
             values ($1, $2, $3, null, 1, $4, $5, 1, 1, $6, $7, '', $8, 1, 70000, $9, $10)",
            new.system_id.as_str(),
            partner,
            new.secret.as_str(),
            new.addresses.join(","),
            i64::from(new.tls_only),
            i64::from(new.binds_max),
            i64::from(new.window),
            new.default_sender.as_deref(),
            at,
            new.mode.as_str()
        )?;
        furnish(&mut tx, at, (partner, &new.partner), new.mode).await?;
        let detail = json!({
            "partner": new.partner, "addresses": new.addresses, "mode": new.mode,
        });
        audit::append(&mut tx, at, by, "credential.add", &new.system_id, &detail).await?;
        tx.commit().await
    }

    /// Gives a `system_id` a new password; the old one keeps working until the next rotation (D6).
    pub async fn rotate_credential(
        &self,
        by: &Caller,
        at: i64,
        system_id: &str,
        secret: &str,
    ) -> Result<bool, Error> {
        checked::hash(secret)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update credential set secret_old = secret, secret = $1 where system_id = $2",
            secret,
            system_id
        )?;
        if found == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, at, by, "credential.rotate", system_id, &json!({})).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Changes what one credential may do. Used by commands and tests.
    pub async fn set_credential(
        &self,
        by: &Caller,
        at: i64,
        system_id: &str,
        rights: &CredentialRights,
    ) -> Result<bool, Error> {
        checked::addresses(&rights.addresses)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update credential set is_active = $1, may_transmit = $2, may_receive = $3, \
             may_have_receipts = $4, service_types = $5, binds_max = $6, addresses = $7, \
             tls_only = $8, send_window = $9, outbind = $10, pdu_octets_max = $11 \
             where system_id = $12",
            i64::from(rights.is_active),
            i64::from(rights.may_transmit),
            i64::from(rights.may_receive),
            i64::from(rights.may_have_receipts),
            rights.service_types.join(","),
            i64::from(rights.binds_max),
            rights.addresses.join(","),
            i64::from(rights.tls_only),
            i64::from(rights.window),
            rights.outbind.as_deref(),
            i64::from(rights.pdu_octets_max),
            system_id
        )?;
        if found == 0 {
            return Ok(false);
        }
        let detail = json!(rights);
        audit::append(&mut tx, at, by, "credential.set", system_id, &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn add_api_key(&self, by: &Caller, at: i64, new: &NewApiKey) -> Result<(), Error> {
        checked::hash(&new.secret)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let partner = partner_id(&mut tx, &new.partner).await?;
        execute!(
            &mut tx,
            "insert into api_key (prefix, partner_id, secret, expires_at, made_at, mode) \
             values ($1, $2, $3, $4, $5, $6)",
            new.prefix.as_str(),
            partner,
            new.secret.as_str(),
            new.expires_at,
            at,
            new.mode.as_str()
        )?;
        furnish(&mut tx, at, (partner, &new.partner), new.mode).await?;
        let detail = json!({ "partner": new.partner, "mode": new.mode });
        audit::append(&mut tx, at, by, "api_key.add", &new.prefix, &detail).await?;
        tx.commit().await
    }

    /// Adds a tariff, or a new dated version of one.
    pub async fn add_tariff(&self, by: &Caller, at: i64, new: &NewTariff) -> Result<(), Error> {
        checked::tariff(new)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "insert into tariff (id, code) values \
             ((select coalesce(max(id), 0) + 1 from tariff), $1) on conflict do nothing",
            new.code.as_str()
        )?;
        execute!(
            &mut tx,
            "insert into tariff_version (tariff_id, valid_from, net_minor, vat_permille, \
             gross_minor, currency) values ((select id from tariff where code = $1), $2, $3, $4, \
             $5, $6)",
            new.code.as_str(),
            new.valid_from,
            new.net_minor,
            new.vat_permille,
            new.gross_minor,
            new.currency.as_str()
        )?;
        let detail = json!({ "gross_minor": new.gross_minor, "valid_from": new.valid_from });
        audit::append(&mut tx, at, by, "tariff.add", &new.code, &detail).await?;
        tx.commit().await
    }

    pub async fn add_short_code(&self, by: &Caller, at: i64, digits: &str) -> Result<(), Error> {
        checked::short_code(digits)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(&mut tx, "insert into short_code (digits, made_at) values ($1, $2)", digits, at)?;
        audit::append(&mut tx, at, by, "number.add", digits, &json!({})).await?;
        tx.commit().await
    }

    /// Lets a partner send under a name.
    pub async fn add_sender_name(
        &self,
        by: &Caller,
        at: i64,
        partner: &str,
        name: &str,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = partner_id(&mut tx, partner).await?;
        execute!(
            &mut tx,
            "insert into sender_name (partner_id, name) values ($1, $2) on conflict do nothing",
            id,
            name
        )?;
        audit::append(&mut tx, at, by, "sender_name.add", partner, &json!({ "name": name }))
            .await?;
        tx.commit().await
    }

    /// Bars a subscriber's number for every partner (S097).
    pub async fn bar_number(
        &self,
        by: &Caller,
        at: i64,
        msisdn: &str,
        reason: &str,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "insert into barred_number (msisdn, reason) values ($1, $2) on conflict do nothing",
            msisdn,
            reason
        )?;
        let masked = crate::domain::number::mask(msisdn);
        audit::append(&mut tx, at, by, "number.bar", &masked, &json!({ "reason": reason })).await?;
        tx.commit().await
    }

    pub async fn add_service(
        &self,
        by: &Caller,
        at: i64,
        new: &NewService,
    ) -> Result<ServiceId, Error> {
        let keywords = checked::service(new)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let partner = partner_id(&mut tx, &new.partner).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from service").await?;
        insert_service(&mut tx, id, partner, at, new).await?;
        put_keywords(&mut tx, id, new, &keywords).await?;
        let detail = json!({
            "partner": new.partner, "short_code": new.short_code, "keywords": new.keywords,
            "billing": new.billing, "tariff": new.tariff,
        });
        audit::append(&mut tx, at, by, "service.add", &new.name, &detail).await?;
        tx.commit().await?;
        Ok(ServiceId(id))
    }

    pub async fn set_service_state(
        &self,
        by: &Caller,
        at: i64,
        service: ServiceId,
        state: &str,
    ) -> Result<bool, Error> {
        checked::state(state)?;
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(
            &mut tx,
            "update service set state = $1, version = version + 1 where id = $2",
            state,
            service.0
        )?;
        if found == 0 {
            return Ok(false);
        }
        // Who works on the service sees what was done from the host.
        execute!(
            &mut tx,
            "update offering set state = $1, version = version + 1 where service_id = $2 \
             and state in ('testing', 'live', 'suspended')",
            state,
            service.0
        )?;
        let detail = json!({ "state": state });
        audit::append(&mut tx, at, by, "service.set", &service.0.to_string(), &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes in the audit trail what was done to a message by a person.
    pub async fn audit_message(
        &self,
        by: &Caller,
        at: i64,
        what: &str,
        message: MessageId,
        detail: &serde_json::Value,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, what, &message.to_string(), detail).await?;
        tx.commit().await
    }

    pub async fn overview(&self) -> Result<Overview, Error> {
        let count = async |text: &'static str| -> Result<i64, Error> {
            Ok(fetch_optional!(&self.db, (i64,), text)?.map_or(0, |(n,)| n))
        };
        Ok(Overview {
            partners: count("select count(*) from partner").await?,
            services: count("select count(*) from service").await?,
            waiting: count("select count(*) from lane_item").await?,
            unknown: count("select count(*) from message where state = 'unknown'").await?,
            orphan_receipts: count("select count(*) from orphan_receipt").await?,
        })
    }

    /// Messages by direction and state, for checks of conservation (L3).
    pub async fn census(&self) -> Result<Vec<(String, MessageState, i64)>, Error> {
        let rows = fetch_all!(
            &self.db,
            (String, String, i64),
            "select direction, state, count(*) from message group by direction, state"
        )?;
        rows.into_iter()
            .map(|(direction, state, count)| {
                let state = MessageState::parse(&state).ok_or_else(|| Error::Corrupt {
                    table: "message",
                    column: "state",
                    id: "?".to_owned(),
                    why: state,
                })?;
                Ok((direction, state, count))
            })
            .collect()
    }
}

/// Writes the row that traffic sees.
pub(super) async fn insert_partner(
    tx: &mut Tx<'_>,
    at: i64,
    id: i64,
    new: &NewPartner,
    is_active: bool,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into partner (id, name, is_active, rate, burst, backlog_max, waiting_max, \
         message_id_form, receipt_seconds, receipt_zone, default_alphabet, \
         strip_trailing_nul, prefers_rx_t_appn, vendor_tlvs, splits_long, \
         takes_data_sm, made_at) \
         values ($1, $2, $3, $4, $5, $6, $7, 'decimal', 0, 'Europe/Warsaw', 'gsm7', 0, 0, 0, 1, \
         0, $8)",
        id,
        new.name.as_str(),
        i64::from(is_active),
        i64::from(new.rate),
        i64::from(new.burst),
        clamp(new.backlog_max),
        clamp(new.waiting_max),
        at
    )?;
    Ok(())
}

/// Everything of a credential but its password and its owner.
#[expect(clippy::struct_excessive_bools, reason = "each right is given or not by itself")]
#[derive(Debug, Clone, serde::Serialize)]
pub struct CredentialRights {
    pub is_active: bool,
    pub may_transmit: bool,
    pub may_receive: bool,
    pub may_have_receipts: bool,
    pub service_types: Vec<String>,
    pub binds_max: u32,
    pub addresses: Vec<String>,
    pub tls_only: bool,
    pub window: u32,
    /// Host and port to call; none: it is not called.
    pub outbind: Option<String>,
    pub pdu_octets_max: u32,
}

pub(super) async fn insert_service(
    tx: &mut Tx<'_>,
    id: i64,
    partner: i64,
    at: i64,
    new: &NewService,
) -> Result<(), Error> {
    let tariff = tariff_id(tx, new.tariff.as_deref()).await?;
    let (delivery, url, secrets) = match &new.callback {
        Some((url, secrets)) => ("callback", Some(url.as_str()), Some(secrets.join(","))),
        None => ("smpp", None, None),
    };
    execute!(
        tx,
        "insert into service (id, version, partner_id, name, state, short_code, billing, \
         tariff_id, tariffs_allowed, link_group, delivery, callback_url, callback_secrets, \
         callback_enabled, on_unknown, charge_at, charges_per_minute, charges_per_day, \
         spend_per_day_minor, validity_max_us, test_numbers, made_at, rate, parts_max, \
         begins_at, ends_at, coding, retry, tlvs) values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, \
         $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)",
        id,
        partner,
        new.name.as_str(),
        new.state.as_str(),
        new.short_code.as_str(),
        new.billing.as_str(),
        tariff,
        new.tariffs_allowed.join(","),
        new.link_group.as_str(),
        delivery,
        url,
        secrets.clone(),
        new.on_unknown.as_str(),
        new.charge_at.as_str(),
        i64::from(new.charges_per_minute),
        i64::from(new.charges_per_day),
        new.spend_per_day_minor,
        new.validity_max_us,
        new.test_numbers.join(","),
        at,
        i64::from(new.limits.rate),
        i64::from(new.limits.parts_max),
        new.limits.begins_at,
        new.limits.ends_at,
        new.limits.coding.as_str(),
        listed(&new.limits.retry),
        listed(&new.limits.tlvs)
    )?;
    put_texts(tx, id, new).await
}

/// Figures as a column keeps them.
pub(super) fn listed(figures: &[impl ToString]) -> String {
    figures.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What it answers to standard words, and nothing that it answered before.
pub(super) async fn put_texts(tx: &mut Tx<'_>, id: i64, new: &NewService) -> Result<(), Error> {
    execute!(&mut *tx, "delete from standard_text where service_id = $1", id)?;
    if let Some(texts) = &new.standard {
        execute!(
            tx,
            "insert into standard_text (service_id, help, stop, contact, rules_url) \
             values ($1, $2, $3, $4, $5)",
            id,
            texts.help.as_str(),
            texts.stop.as_str(),
            texts.contact.as_str(),
            texts.rules_url.as_str()
        )?;
    }
    Ok(())
}

/// Its keywords, and none that it had before.
pub(super) async fn put_keywords(
    tx: &mut Tx<'_>,
    id: i64,
    new: &NewService,
    keywords: &[Keyword],
) -> Result<(), Error> {
    execute!(&mut *tx, "delete from keyword where service_id = $1", id)?;
    for word in keywords {
        execute!(
            &mut *tx,
            "insert into keyword (short_code, word, service_id) values ($1, $2, $3)",
            new.short_code.as_str(),
            word.as_str(),
            id
        )?;
    }
    Ok(())
}

pub(super) async fn tariff_id(tx: &mut Tx<'_>, code: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(code) = code else { return Ok(None) };
    let row = fetch_in!(tx, (i64,), "select id from tariff where code = $1", code)?;
    Ok(Some(row.ok_or_else(|| missing("tariff", "code", code))?.0))
}

async fn partner_id(tx: &mut Tx<'_>, name: &str) -> Result<i64, Error> {
    let row = fetch_in!(tx, (i64,), "select id from partner where name = $1", name)?;
    Ok(row.ok_or_else(|| missing("partner", "name", name))?.0)
}

fn missing(table: &'static str, column: &'static str, what: &str) -> Error {
    Error::Corrupt { table, column, id: what.to_owned(), why: "does not exist".to_owned() }
}

pub(super) fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
