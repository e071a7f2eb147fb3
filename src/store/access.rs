//! SMPP accounts and API keys as a partner's own developer manages them: always by its partner,
//! so that another partner's name is as unknown as one that does not exist (S-20).

use serde_json::json;

use super::{
    ApiKeyLine, CredentialLine, Error, NewApiKey, Store, audit,
    db::{execute, fetch_all, fetch_in},
};
use crate::domain::{Caller, PartnerId};

/// A new key in the place of another, which lives on for a while.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    pub old: String,
    pub new: NewApiKey,
    /// When the old one ends, if it does not end before.
    pub old_until: i64,
}

impl Store {
    pub async fn credentials_of(&self, partner: PartnerId) -> Result<Vec<CredentialLine>, Error> {
        fetch_all!(
            &self.db,
            CredentialLine,
            "select c.system_id, p.name as partner, c.is_active, c.addresses, c.tls_only, \
             c.binds_max, c.send_window, c.default_sender, \
             cast(case when c.secret_old is null then 0 else 1 end as bigint) as is_rotating, c.made_at, \
             c.mode \
             from credential c join partner p on p.id = c.partner_id where c.partner_id = $1 \
             order by c.system_id",
            partner.0
        )
    }

    pub async fn api_keys_of(&self, partner: PartnerId) -> Result<Vec<ApiKeyLine>, Error> {
        fetch_all!(
            &self.db,
            ApiKeyLine,
            "select k.prefix, p.name as partner, k.expires_at, k.made_at, k.mode \
             from api_key k join partner p on p.id = k.partner_id where k.partner_id = $1 \
             order by k.made_at, k.prefix",
            partner.0
        )
    }

    /// Ends an SMPP account at once. False if the partner has none of that name.
    pub async fn revoke_credential(
        &self,
        by: &Caller,
        at: i64,
        partner: PartnerId,
        system_id: &str,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, "credential.revoke", system_id, &json!({})).await?;
        let found = execute!(
            &mut tx,
            "update credential set is_active = 0, secret_old = null \
             where system_id = $1 and partner_id = $2",
            system_id,
            partner.0
        )?;
        if found == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Adds a key and shortens the life of the one that it follows. False if there is none.
    pub async fn rotate_api_key(
        &self,
        by: &Caller,
        at: i64,
        partner: PartnerId,
        rotation: &KeyRotation,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "follows": rotation.old });
        audit::append(&mut tx, at, by, "api_key.rotate", &rotation.new.prefix, &detail).await?;
        let old = fetch_in!(
            &mut tx,
            (i64, String),
            "select expires_at, mode from api_key where prefix = $1 and partner_id = $2",
            rotation.old.as_str(),
            partner.0
        )?;
        // A rotation never makes a test key a live one.
        let Some((expires_at, mode)) = old else { return Ok(false) };
        // 0 never expires; a key that ends sooner keeps its end.
        if expires_at == 0 || expires_at > rotation.old_until {
            execute!(
                &mut tx,
                "update api_key set expires_at = $1 where prefix = $2",
                rotation.old_until,
                rotation.old.as_str()
            )?;
        }
        execute!(
            &mut tx,
            "insert into api_key (prefix, partner_id, secret, expires_at, made_at, mode) \
             values ($1, $2, $3, $4, $5, $6)",
            rotation.new.prefix.as_str(),
            partner.0,
            rotation.new.secret.as_str(),
            rotation.new.expires_at,
            at,
            mode.as_str()
        )?;
        tx.commit().await?;
        Ok(true)
    }
}
