//! What a person changes about a service's callback.

use serde_json::json;

use super::{
    Addressee, Error, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in},
    letters::queue_mail,
    reservations::HOLDER,
};
use crate::domain::{Caller, PartnerId, ServiceId};

/// A change of a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackChange {
    /// Another address; deliveries go there from the next try on.
    Url(String),
    /// It was disabled by a 410 or a schedule that ended; what waits flows again.
    Enable,
    Disable,
    /// Nothing more is sent there until somebody enables it, and the partner is told. True: it
    /// answered 410; false: it took nothing for as long as the schedule tries.
    GiveUp {
        is_gone: bool,
    },
    /// A new secret signs from now on, and the one before it signs too until the next change.
    Rotate(String),
}

/// One try to hand something over.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct CallbackAttempt {
    pub message_id: i64,
    pub at: i64,
    pub attempt: i64,
    pub outcome: String,
    pub took_ms: i64,
}

impl Store {
    /// The last tries to reach the callback of a service, newest first.
    pub async fn callback_attempts(
        &self,
        service: ServiceId,
        limit: i64,
    ) -> Result<Vec<CallbackAttempt>, Error> {
        fetch_all!(
            &self.db,
            CallbackAttempt,
            "select message_id, at, attempt, outcome, took_ms from callback_attempt \
             where service_id = $1 order by id desc limit $2",
            service.0,
            limit
        )
    }

    /// Changes the callback of a service. False: there is no such service with a callback.
    pub async fn set_callback(
        &self,
        by: &Caller,
        at: i64,
        service: ServiceId,
        change: &CallbackChange,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let found = fetch_in!(
            &mut tx,
            (String, i64, Option<String>),
            "select name, partner_id, callback_secrets from service \
             where id = $1 and delivery = 'callback'",
            service.0
        )?;
        let Some((name, partner, secrets)) = found else { return Ok(false) };
        let id = service.0;
        let what = match change {
            CallbackChange::Url(url) => {
                let text = "update service set callback_url = $1 where id = $2";
                execute!(&mut tx, text, url.as_str(), id)?;
                json!({ "url": url })
            }
            CallbackChange::Enable | CallbackChange::Disable => {
                let enabled = i64::from(*change == CallbackChange::Enable);
                let text = "update service set callback_enabled = $1 where id = $2";
                execute!(&mut tx, text, enabled, id)?;
                json!({ "enabled": enabled == 1 })
            }
            CallbackChange::GiveUp { is_gone } => {
                // Written down as it is read by whoever sends: one that was enabled meanwhile and
                // failed again is another story.
                let text = "update service set callback_enabled = 0, version = version + 1 \
                            where id = $1 and callback_enabled = 1";
                if execute!(&mut tx, text, id)? == 0 {
                    return Ok(true);
                }
                tell_disabled(&mut tx, at, (PartnerId(partner), &name), *is_gone).await?;
                json!({ "enabled": false, "is_gone": is_gone })
            }
            CallbackChange::Rotate(secret) => {
                let old = secrets.unwrap_or_default();
                let kept = old.split(',').next().filter(|secret| !secret.is_empty());
                let both = kept.map_or_else(|| secret.clone(), |kept| format!("{secret},{kept}"));
                let text = "update service set callback_secrets = $1 where id = $2";
                execute!(&mut tx, text, both.as_str(), id)?;
                json!({ "secret": "new" })
            }
        };
        audit::append(&mut tx, at, by, "service.callback", &name, &what).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A partner without people is not told: it was set up at the host.
async fn tell_disabled(
    tx: &mut Tx<'_>,
    at: i64,
    (partner, service): (PartnerId, &str),
    is_gone: bool,
) -> Result<(), Error> {
    let nobody_named = 0_i64;
    let Some(told) = fetch_in!(&mut *tx, Addressee, HOLDER, partner.0, nobody_named)? else {
        return Ok(());
    };
    let data = json!({ "service": service, "is_gone": is_gone, "link": "/services" });
    let subject = format!("service:{service}");
    let mail = told.letter("callback_disabled", data, subject, Some(partner));
    queue_mail(tx, at, &mail).await?;
    Ok(())
}
