//! SMPP accounts and API keys in the hands of a partner's own developer (S-12, S-30).
//!
//! What is shown is shown once. The surprise: nobody chooses a password. The protocol leaves room
//! for eight octets, so every one of them is random.

use ipnet::IpNet;
use zeroize::Zeroizing;

use super::{Error, Partnership, Signed};
use crate::{
    domain::{
        Mode, PartnerId, Refusal, Right,
        refusal::FieldFault,
        secret::{Pepper, random_text},
    },
    store::{
        ApiKeyLine, Constraint, CredentialLine, Error as StoreError, KeyRotation, NewApiKey,
        NewCredential,
    },
};

/// The password field of a bind has nine octets with its NUL. [34 s4.1.1]
const PASSWORD_LETTERS: usize = 8;
const SYSTEM_ID_OCTETS_MAX: usize = 15;
/// Limits of a new account; the operator changes them.
const BINDS: u32 = 4;
const WINDOW: u32 = 10;
/// Accounts and live keys of one partner, and networks of one account.
const ACCOUNTS_MAX: usize = 20;
const KEYS_MAX: usize = 10;
const NETWORKS_MAX: usize = 50;
const DAY_US: i64 = 86_400_000_000;
/// A key lives for a year unless something else is asked for.
const KEY_DAYS: u32 = 365;
const KEY_DAYS_MAX: u32 = 730;
/// The old key works on so long beside the new one.
const OVERLAP_US: i64 = 7 * DAY_US;

/// An SMPP account to be made.
#[derive(Debug, Clone, Default)]
pub struct CredentialWish {
    pub system_id: String,
    /// Networks that may bind with it. Without one it binds over TLS only (S-33).
    pub addresses: Vec<String>,
    /// For live traffic, or for the sandbox.
    pub mode: Mode,
}

/// A secret on its only way to its owner.
pub struct NewSecret {
    /// `system_id`, or the public part of a key.
    pub name: String,
    pub secret: Zeroizing<String>,
    /// When it ends; 0 is never.
    pub expires_at: i64,
}

impl Partnership {
    pub async fn credentials(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
    ) -> Result<Vec<CredentialLine>, Error> {
        self.require(signed, Right::SeeCredentials)?;
        Ok(self.store.credentials_of(whose(signed, partner)?.0).await?)
    }

    pub async fn api_keys(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
    ) -> Result<Vec<ApiKeyLine>, Error> {
        self.require(signed, Right::SeeCredentials)?;
        Ok(self.store.api_keys_of(whose(signed, partner)?.0).await?)
    }

    /// Makes an SMPP account; the catalog must be loaded again for it to bind.
    pub async fn add_credential(
        &self,
        signed: &Signed,
        pepper: &Pepper,
        partner: Option<PartnerId>,
        wish: &CredentialWish,
    ) -> Result<NewSecret, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, name) = whose(signed, partner)?;
        let addresses = check_wish(wish)?;
        if self.store.credentials_of(id).await?.len() >= ACCOUNTS_MAX {
            let text = format!("there are {ACCOUNTS_MAX} accounts already, which is the most");
            return Err(Refusal::WrongState(text).into());
        }
        let name = match name {
            Some(name) => name,
            None => self.partner_name(id).await?,
        };
        let secret = random_text(PASSWORD_LETTERS)?;
        let new = NewCredential {
            partner: name,
            system_id: wish.system_id.clone(),
            secret: pepper.hash_hex(secret.as_bytes()),
            tls_only: addresses.is_empty(),
            addresses,
            binds_max: BINDS,
            window: WINDOW,
            default_sender: None,
            mode: wish.mode,
        };
        let added = self.store.add_credential(&signed.caller(), self.now(), &new).await;
        added.map_err(|error| match error {
            StoreError::Conflict(Constraint::SystemId) => Refusal::Taken("system_id").into(),
            other => Error::from(other),
        })?;
        Ok(NewSecret { name: new.system_id, secret, expires_at: 0 })
    }

    /// A new password; the one before works until the next rotation (D6).
    pub async fn rotate_credential(
        &self,
        signed: &Signed,
        pepper: &Pepper,
        partner: Option<PartnerId>,
        system_id: &str,
    ) -> Result<NewSecret, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, _) = whose(signed, partner)?;
        let known = self.store.credentials_of(id).await?;
        let is_live = |line: &&CredentialLine| line.system_id == system_id && line.is_active != 0;
        known.iter().find(is_live).ok_or(Refusal::UnknownId("system_id"))?;
        let secret = random_text(PASSWORD_LETTERS)?;
        let hash = pepper.hash_hex(secret.as_bytes());
        self.store.rotate_credential(&signed.caller(), self.now(), system_id, &hash).await?;
        Ok(NewSecret { name: system_id.to_owned(), secret, expires_at: 0 })
    }

    /// Ends an SMPP account: no bind from now on.
    pub async fn revoke_credential(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
        system_id: &str,
    ) -> Result<(), Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, _) = whose(signed, partner)?;
        let by = signed.caller();
        let found = self.store.revoke_credential(&by, self.now(), id, system_id).await?;
        if found { Ok(()) } else { Err(Refusal::UnknownId("system_id").into()) }
    }

    /// Makes an API key that lives for so many days, a year if none are named.
    pub async fn add_api_key(
        &self,
        signed: &Signed,
        pepper: &Pepper,
        partner: Option<PartnerId>,
        (days, mode): (Option<u32>, Mode),
    ) -> Result<NewSecret, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, name) = whose(signed, partner)?;
        let name = match name {
            Some(name) => name,
            None => self.partner_name(id).await?,
        };
        self.has_place_for_key(id).await?;
        let (new, secret) = self.new_key(pepper, name, (days, mode))?;
        self.store.add_api_key(&signed.caller(), self.now(), &new).await?;
        Ok(NewSecret { name: new.prefix, secret, expires_at: new.expires_at })
    }

    /// A new key in the place of another, which works on for a week.
    pub async fn rotate_api_key(
        &self,
        signed: &Signed,
        pepper: &Pepper,
        partner: Option<PartnerId>,
        prefix: &str,
    ) -> Result<NewSecret, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, _) = whose(signed, partner)?;
        self.has_place_for_key(id).await?;
        let (new, secret) = self.new_key(pepper, String::new(), (None, Mode::Live))?;
        let answer = NewSecret { name: new.prefix.clone(), secret, expires_at: new.expires_at };
        let old_until = self.now().saturating_add(OVERLAP_US);
        let rotation = KeyRotation { old: prefix.to_owned(), new, old_until };
        let found = self.store.rotate_api_key(&signed.caller(), self.now(), id, &rotation).await?;
        if found { Ok(answer) } else { Err(Refusal::UnknownId("key").into()) }
    }

    pub async fn revoke_api_key(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
        prefix: &str,
    ) -> Result<(), Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, _) = whose(signed, partner)?;
        let known = self.store.api_keys_of(id).await?;
        known.iter().find(|line| line.prefix == prefix).ok_or(Refusal::UnknownId("key"))?;
        self.store.revoke_api_key(&signed.caller(), self.now(), prefix).await?;
        Ok(())
    }

    async fn has_place_for_key(&self, id: PartnerId) -> Result<(), Error> {
        let now = self.now();
        let keys = self.store.api_keys_of(id).await?;
        let live = keys.iter().filter(|key| key.expires_at == 0 || key.expires_at > now).count();
        if live < KEYS_MAX {
            return Ok(());
        }
        let text = format!("there are {KEYS_MAX} live keys already; revoke one first");
        Err(Refusal::WrongState(text).into())
    }

    fn new_key(
        &self,
        pepper: &Pepper,
        partner: String,
        (days, mode): (Option<u32>, Mode),
    ) -> Result<(NewApiKey, Zeroizing<String>), Error> {
        let days = days.unwrap_or(KEY_DAYS);
        if !(1..=KEY_DAYS_MAX).contains(&days) {
            let detail = format!("must be 1 to {KEY_DAYS_MAX}");
            let fault = FieldFault::new("days", "invalid", detail);
            return Err(Refusal::FieldErrors(vec![fault]).into());
        }
        let key = pepper.mint()?;
        let expires_at = self.now().saturating_add(i64::from(days) * DAY_US);
        let new = NewApiKey { partner, prefix: key.prefix, secret: key.hash, expires_at, mode };
        Ok((new, key.shown))
    }

    async fn partner_name(&self, id: PartnerId) -> Result<String, Error> {
        let partners = self.store.partners().await?;
        let name = partners.into_iter().find(|line| line.id == id.0).map(|line| line.name);
        Ok(name.ok_or(Refusal::UnknownId("partner"))?)
    }
}

/// The partner whose access it is, with its name if the session knows it. The operator's staff
/// must name one; what a partner's person names does not count (S-21).
pub(super) fn whose(
    signed: &Signed,
    partner: Option<PartnerId>,
) -> Result<(PartnerId, Option<String>), Refusal> {
    match signed.partner {
        Some(own) => Ok((own, signed.partner_name.clone())),
        None => Ok((partner.ok_or(Refusal::UnknownId("partner"))?, None)),
    }
}

fn check_wish(wish: &CredentialWish) -> Result<Vec<String>, Refusal> {
    let mut faults = Vec::new();
    let fits = (1..=SYSTEM_ID_OCTETS_MAX).contains(&wish.system_id.len())
        && wish
            .system_id
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
    if !fits {
        let detail =
            format!("must be 1 to {SYSTEM_ID_OCTETS_MAX} letters, digits, `-`, `_` or `.`");
        faults.push(FieldFault::new("system_id", "invalid", detail));
    }
    if wish.addresses.len() > NETWORKS_MAX {
        let detail = format!("must have at most {NETWORKS_MAX} networks");
        faults.push(FieldFault::new("addresses", "invalid", detail));
    }
    let networks = wish.addresses.iter().take(NETWORKS_MAX).map(|text| {
        let one = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| one()).ok()
    });
    let networks: Option<Vec<IpNet>> = networks.collect();
    let networks = networks.unwrap_or_else(|| {
        let detail = "must be addresses or networks, as 192.0.2.0/24";
        faults.push(FieldFault::new("addresses", "invalid", detail));
        Vec::new()
    });
    if faults.is_empty() {
        Ok(networks.iter().map(ToString::to_string).collect())
    } else {
        Err(Refusal::FieldErrors(faults))
    }
}
