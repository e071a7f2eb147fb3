//! What is connected now, as pages and the API show it, and the two orders that people give to it.
//!
//! What surprises: an account that is not bound has a line too. Whoever looks why nothing comes
//! needs that one most: when it left, and what it was refused for.
//!
//! An order is carried out whatever becomes of its row in the trail: people must be able to act
//! while the store is away.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};
use smol_str::SmolStr;

use super::{
    Error, Gateway,
    registry::{LinkCard, SeenError, SessionCard, SessionOrder},
};
use crate::domain::{Caller, Credential, Mode, Partner, PartnerId, Refusal};

/// A bind of a partner, or an account that has none.
#[derive(Debug, Clone)]
pub struct BindLine {
    pub partner: PartnerId,
    pub partner_name: SmolStr,
    pub system_id: SmolStr,
    pub mode: Mode,
    /// Since when it is bound, or away; 0 if that was before the start.
    pub since: i64,
    pub error: Option<SeenError>,
    /// Messages a second that the contract allows; 0 is no limit.
    pub rate_max: u32,
    /// None for an account that is not bound.
    pub session: Option<BoundLine>,
}

/// What only a bound session has.
#[derive(Debug, Clone)]
pub struct BoundLine {
    /// See [`SessionCard::name`].
    pub name: SmolStr,
    pub kind: &'static str,
    /// Of SMPP.
    pub version: &'static str,
    pub address: String,
    /// `1.2` or `1.3`; empty in the clear.
    pub tls: &'static str,
    pub window: u32,
    pub window_in_use: u32,
    pub rate_tenths: u32,
    pub submitted: u64,
    pub refused: u64,
    pub throttled: u64,
    pub delivered: u64,
}

/// A link to the operator.
#[derive(Debug, Clone)]
pub struct LinkLine {
    pub name: SmolStr,
    pub group: SmolStr,
    pub address: String,
    /// `up`, `partly`, `broken`, `down` or `closing`.
    pub state: &'static str,
    pub bound: u32,
    pub binds: u32,
    pub since: i64,
    pub window: u32,
    pub window_in_use: u32,
    pub rate_max: u32,
    pub rate_tenths: u32,
    pub submitted: u64,
    pub received: u64,
    /// One of `metrics::LIMITS` (D35).
    pub limit: &'static str,
    pub error: Option<SeenError>,
    pub is_wanted: bool,
}

impl Gateway {
    /// Binds and unbound accounts by partner and account: of one partner, or of all.
    pub fn binds(&self, partner: Option<PartnerId>) -> Vec<BindLine> {
        let (catalog, now) = (self.catalog(), self.now());
        let is_asked = |id: PartnerId| partner.is_none_or(|asked| asked == id);
        let cards = self.registry().sessions();
        let mut lines: Vec<BindLine> = Vec::new();
        for card in cards.iter().filter(|card| is_asked(card.partner)) {
            let rate_max = catalog.partner(card.partner).map_or(card.rate, |one| one.limits.rate);
            lines.push(self.bound_line(card, rate_max, now));
        }
        let bound: HashSet<&SmolStr> = cards.iter().map(|card| &card.system_id).collect();
        for credential in catalog.credentials().filter(|one| one.is_active) {
            let is_bound = bound.contains(&credential.system_id);
            let owner = catalog.partner(credential.partner).filter(|owner| owner.is_active);
            if let Some(owner) = owner.filter(|owner| !is_bound && is_asked(owner.id)) {
                lines.push(self.away_line(credential, owner));
            }
        }
        lines.sort_by(|one, other| {
            let by_owner = one.partner_name.cmp(&other.partner_name);
            by_owner.then(one.system_id.cmp(&other.system_id)).then(one.since.cmp(&other.since))
        });
        lines
    }

    fn bound_line(&self, card: &SessionCard, rate_max: u32, now: i64) -> BindLine {
        let (counters, before) = (&card.counters, self.registry().account(&card.system_id));
        let own = counters.last_error.load().as_ref().clone();
        let session = BoundLine {
            name: card.name(),
            kind: card.kind,
            version: card.version,
            address: card.peer.ip().to_canonical().to_string(),
            tls: card.tls_version,
            window: card.window,
            window_in_use: counters.window_in_use.load(Ordering::Relaxed),
            rate_tenths: counters.meter.rate_tenths(now),
            submitted: counters.submitted.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            throttled: counters.throttled.load(Ordering::Relaxed),
            delivered: counters.delivered.load(Ordering::Relaxed),
        };
        BindLine {
            partner: card.partner,
            partner_name: card.partner_name.clone(),
            system_id: card.system_id.clone(),
            mode: card.mode,
            since: card.bound_at,
            // A bind that was refused meanwhile is of the account and not of this session.
            error: own.into_iter().chain(before.error).max_by_key(|error| error.at),
            rate_max,
            session: Some(session),
        }
    }

    fn away_line(&self, credential: &Credential, partner: &Partner) -> BindLine {
        let seen = self.registry().account(&credential.system_id);
        BindLine {
            partner: partner.id,
            partner_name: partner.name.clone(),
            system_id: credential.system_id.clone(),
            mode: credential.mode,
            since: seen.left_at,
            error: seen.error,
            rate_max: partner.limits.rate,
            session: None,
        }
    }

    /// Links by name.
    pub fn links(&self) -> Vec<LinkLine> {
        let now = self.now();
        self.registry().links().iter().map(|card| link_line(card, now)).collect()
    }

    /// The bind of a name; one that has ended is as unknown as one that never was.
    pub fn bind_named(&self, name: &str) -> Result<Arc<SessionCard>, Refusal> {
        self.registry().session_named(name).ok_or(Refusal::UnknownId("bind"))
    }

    pub fn link_named(&self, name: &str) -> Result<Arc<LinkCard>, Refusal> {
        self.registry().link(name).ok_or(Refusal::UnknownId("link"))
    }

    /// Tells a session to unbind and go. Its partner may bind again at once.
    pub async fn end_bind(
        &self,
        card: &SessionCard,
        reason: &str,
        by: &Caller,
    ) -> Result<(), Error> {
        use tokio::sync::mpsc::error::TrySendError;
        let order = SessionOrder::Kick(format!("{reason} (by {by})"));
        card.orders.try_send(order).map_err(|error| match error {
            // One that does not take its orders is stuck; say so rather than wait for it.
            TrySendError::Full(_) => {
                Refusal::WrongState("the bind has not taken the orders before this one".to_owned())
            }
            TrySendError::Closed(_) => Refusal::UnknownId("bind"),
        })?;
        let detail = json!({ "bind": card.id, "reason": reason });
        self.note_order(by, "bind.kick", &card.system_id, &detail).await;
        Ok(())
    }

    /// Takes a link up or down. It stays so until somebody orders otherwise, or the next start.
    pub async fn want_link(&self, card: &LinkCard, is_wanted: bool, reason: &str, by: &Caller) {
        card.want(is_wanted);
        let what = if is_wanted { "link.up" } else { "link.down" };
        let detail = if reason.is_empty() { json!({}) } else { json!({ "reason": reason }) };
        self.note_order(by, what, &card.name, &detail).await;
    }

    /// The row of an order that was carried out.
    async fn note_order(&self, by: &Caller, what: &str, subject: &str, detail: &Value) {
        tracing::info!(who = %by, what, subject, "an order to what is connected");
        let noted = self.inner.store.audit_action(by, self.now(), what, subject, detail).await;
        if let Err(error) = noted {
            tracing::error!(who = %by, what, subject, %error, "not in the audit trail");
        }
    }
}

fn link_line(card: &LinkCard, now: i64) -> LinkLine {
    let at = card.last_error_at.load(Ordering::Relaxed);
    let code = card.last_error.load().as_ref().clone();
    LinkLine {
        name: card.name.clone(),
        group: card.group.clone(),
        address: card.address.clone(),
        state: card.state(),
        bound: card.bound.load(Ordering::Relaxed),
        binds: card.binds,
        since: card.since.load(Ordering::Relaxed),
        window: card.window.load(Ordering::Relaxed),
        window_in_use: card.in_flight.load(Ordering::Relaxed),
        rate_max: card.rate.load(Ordering::Relaxed),
        rate_tenths: card.meter.rate_tenths(now),
        submitted: card.submitted.load(Ordering::Relaxed),
        received: card.received.load(Ordering::Relaxed),
        limit: **card.binding_limit.load(),
        error: code.map(|code| SeenError { code: code.into(), at }),
        is_wanted: card.is_wanted.load(Ordering::Acquire),
    }
}
