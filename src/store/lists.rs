//! What the command line lists: numbers, credentials, keys, tariffs. Never a secret, not even its
//! hash; and the few writes that go with these lists.

use serde_json::{Value, json};

use super::{
    Error, Store, audit,
    db::{execute, fetch_all},
};
use crate::domain::Caller;

/// A `system_id` as `credential list` shows it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct CredentialLine {
    pub system_id: String,
    pub partner: String,
    pub is_active: i64,
    pub addresses: String,
    pub tls_only: i64,
    pub binds_max: i64,
    pub send_window: i64,
    pub default_sender: Option<String>,
    /// Two passwords are in force: a rotation has not ended.
    pub is_rotating: i64,
    pub made_at: i64,
    /// A word of [`crate::domain::Mode`].
    pub mode: String,
}

/// An API key as `key list` shows it: its public first part.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct ApiKeyLine {
    pub prefix: String,
    pub partner: String,
    /// Microseconds UTC; 0 never expires.
    pub expires_at: i64,
    pub made_at: i64,
    pub mode: String,
}

/// A short code and who uses it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct NumberLine {
    pub digits: String,
    pub services: i64,
    pub keywords: i64,
    pub made_at: i64,
}

/// One dated version of a tariff.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct TariffLine {
    pub code: String,
    pub valid_from: i64,
    pub net_minor: i64,
    pub vat_permille: i64,
    pub gross_minor: i64,
    pub currency: String,
}

impl Store {
    pub async fn credentials(&self) -> Result<Vec<CredentialLine>, Error> {
        fetch_all!(
            &self.db,
            CredentialLine,
            "select c.system_id, p.name as partner, c.is_active, c.addresses, c.tls_only, \
             c.binds_max, c.send_window, c.default_sender, \
             cast(case when c.secret_old is null then 0 else 1 end as bigint) as is_rotating, c.made_at, \
             c.mode \
             from credential c join partner p on p.id = c.partner_id order by c.system_id"
        )
    }

    pub async fn api_keys(&self) -> Result<Vec<ApiKeyLine>, Error> {
        fetch_all!(
            &self.db,
            ApiKeyLine,
            "select k.prefix, p.name as partner, k.expires_at, k.made_at, k.mode \
             from api_key k join partner p on p.id = k.partner_id order by p.name, k.made_at"
        )
    }

    pub async fn short_codes(&self) -> Result<Vec<NumberLine>, Error> {
        fetch_all!(
            &self.db,
            NumberLine,
            "select n.digits, \
             (select count(*) from service s where s.short_code = n.digits) as services, \
             (select count(*) from keyword k where k.short_code = n.digits) as keywords, \
             n.made_at from short_code n order by n.digits"
        )
    }

    pub async fn tariff_versions(&self) -> Result<Vec<TariffLine>, Error> {
        fetch_all!(
            &self.db,
            TariffLine,
            "select t.code, v.valid_from, v.net_minor, v.vat_permille, v.gross_minor, v.currency \
             from tariff_version v join tariff t on t.id = v.tariff_id \
             order by t.code, v.valid_from"
        )
    }

    /// Ends an API key at once. Answers whether there was one.
    pub async fn revoke_api_key(&self, by: &Caller, at: i64, prefix: &str) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = execute!(&mut tx, "delete from api_key where prefix = $1", prefix)?;
        if found > 0 {
            audit::append(&mut tx, at, by, "api_key.revoke", prefix, &json!({})).await?;
        }
        tx.commit().await?;
        Ok(found > 0)
    }

    /// Notes in the audit trail what a person did to something that lives in memory: a link, a
    /// session, the log.
    pub async fn audit_action(
        &self,
        by: &Caller,
        at: i64,
        what: &str,
        subject: &str,
        detail: &Value,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, what, subject, detail).await?;
        tx.commit().await
    }
}
