//! A person as a row: what is kept of it, and what of a change may be told.
//!
//! It runs no statement. The surprise: [`changes`] makes the audit detail for every write, so that
//! no verb can forget it or let a secret into it.

use serde_json::{Value, json};

use super::{Error, PersonWrite};
use crate::domain::{PartnerId, PersonState, Role, UserId};

/// Somebody who logs in, or will.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: UserId,
    /// None for the operator's staff.
    pub partner: Option<PartnerId>,
    pub mail: String,
    pub name: String,
    pub role: Role,
    pub state: PersonState,
    pub secrets: PersonSecrets,
    pub language: String,
    pub theme: String,
    pub last_login_at: Option<i64>,
    /// Wrong tries since the last log-in.
    pub failures: i64,
    pub version: i64,
    pub made_at: i64,
}

/// What proves that it is them. Neither printed nor sent anywhere.
#[derive(Clone, PartialEq, Default)]
pub struct PersonSecrets {
    /// Argon2id, a PHC string.
    pub password: Option<String>,
    /// Sealed.
    pub totp: Option<Vec<u8>>,
    /// Sealed; shown and not confirmed yet.
    pub totp_new: Option<Vec<u8>>,
    /// Newest time step whose code was used.
    pub totp_step: i64,
}

impl std::fmt::Debug for PersonSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonSecrets(*)")
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: i64,
    partner_id: Option<i64>,
    mail: String,
    name: String,
    role: String,
    state: String,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    totp_new: Option<Vec<u8>>,
    totp_step: i64,
    language: String,
    theme: String,
    last_login_at: Option<i64>,
    failures: i64,
    version: i64,
    made_at: i64,
}

impl TryFrom<Row> for Person {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let (role, state) = role_and_state(row.id, row.partner_id, &row.role, &row.state)?;
        Ok(Self {
            id: UserId(row.id),
            partner: row.partner_id.map(PartnerId),
            mail: row.mail,
            name: row.name,
            role,
            state,
            secrets: PersonSecrets {
                password: row.password,
                totp: row.totp,
                totp_new: row.totp_new,
                totp_step: row.totp_step,
            },
            language: row.language,
            theme: row.theme,
            last_login_at: row.last_login_at,
            failures: row.failures,
            version: row.version,
            made_at: row.made_at,
        })
    }
}

pub(super) fn role_and_state(
    id: i64,
    partner: Option<i64>,
    role: &str,
    state: &str,
) -> Result<(Role, PersonState), Error> {
    let broken = |column, why: &str| Error::Corrupt {
        table: "person",
        column,
        id: id.to_string(),
        why: why.to_owned(),
    };
    Ok((
        Role::parse(partner.is_none(), role).ok_or_else(|| broken("role", role))?,
        PersonState::parse(state).ok_or_else(|| broken("state", state))?,
    ))
}

/// Before and after of what changed. Of secrets only that they changed.
pub(super) fn changes(write: &PersonWrite<'_>) -> Value {
    let (before, after) = (write.before, write.after);
    let mut detail = serde_json::Map::new();
    let texts = [
        ("mail", before.mail.as_str(), after.mail.as_str()),
        ("name", &before.name, &after.name),
        ("role", before.role.as_str(), after.role.as_str()),
        ("state", before.state.as_str(), after.state.as_str()),
        ("language", &before.language, &after.language),
        ("theme", &before.theme, &after.theme),
    ];
    for (name, before, after) in texts.into_iter().filter(|(_, before, after)| before != after) {
        detail.insert(name.to_owned(), json!([before, after]));
    }
    let secrets = [
        ("password", before.secrets.password != after.secrets.password),
        ("second_factor", before.secrets.totp != after.secrets.totp),
        ("recovery_codes", write.codes.is_some()),
    ];
    for (name, _) in secrets.into_iter().filter(|(_, has_changed)| *has_changed) {
        detail.insert(name.to_owned(), "changed".into());
    }
    if write.ends_sessions {
        detail.insert("sessions".to_owned(), "ended".into());
    }
    Value::Object(detail)
}
