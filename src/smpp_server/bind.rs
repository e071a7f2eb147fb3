//! Judging a bind: who is it, from where, and is there a place.

use std::{net::IpAddr, sync::Arc, time::Duration};

use smol_str::SmolStr;

use super::{Host, doors::BindPlace};
use crate::{
    domain::{Credential, Partner},
    gateway::registry::SessionOrder,
    smpp::{BindKind, CommandStatus, Version, pdu::Bind},
};

/// A bind that may be answered with yes.
pub(crate) struct Admitted {
    pub(crate) credential: Arc<Credential>,
    pub(crate) partner: Arc<Partner>,
    pub(crate) version: Version,
    pub(crate) place: BindPlace,
}

/// A bind that is refused; the reason is for the log and a metric, not for the peer (S-35).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: CommandStatus,
    pub(crate) reason: &'static str,
    /// How long the answer waits, so that guessing is slow (P34, S-34).
    pub(crate) delay: Duration,
}

/// Where a bind comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) address: IpAddr,
    pub(crate) is_tls: bool,
}

impl Host {
    pub(crate) async fn judge(
        &self,
        kind: BindKind,
        bind: &Bind,
        origin: Origin,
    ) -> Result<Admitted, Refused> {
        let name = SmolStr::from(String::from_utf8_lossy(&bind.system_id));
        if !self.doors.admits_bind(self.gateway.clock().monotonic_nanos()) {
            return Err(self.refused(&name, origin, "bind_rate"));
        }
        if self.gateway.is_draining() {
            return Err(self.refused(&name, origin, "draining"));
        }
        let (credential, partner) = self
            .authenticate(&name, &bind.password, origin)
            .map_err(|reason| self.refused(&name, origin, reason))?;
        if (kind.transmits() && !credential.may_transmit)
            || (kind.receives() && !credential.may_receive)
        {
            // S016: this kind of bind is not sold to the account.
            return Err(Refused {
                status: CommandStatus::RINVCMDID,
                reason: "bind_kind",
                delay: Duration::ZERO,
            });
        }
        let place = self.place(&credential).await.ok_or(Refused {
            status: CommandStatus(self.settings.bind_limit_error.code()),
            reason: "binds_max",
            delay: Duration::ZERO,
        })?;
        self.doors.succeeded(&name, origin.address);
        let version = Version::of_bind(bind.interface_version).min(self.version_max());
        Ok(Admitted { credential, partner, version, place })
    }

    /// Name, password, state, address, transport. Whatever is wrong, the answer looks the same.
    fn authenticate(
        &self,
        name: &SmolStr,
        password: &[u8],
        origin: Origin,
    ) -> Result<(Arc<Credential>, Arc<Partner>), &'static str> {
        let catalog = self.gateway.catalog();
        let credential = catalog.credential(name);
        let secrets = credential.map_or(&[][..], |credential| &credential.secrets);
        // Computed for unknown names too, so that the time tells nothing (S008).
        let is_right = self.pepper.matches(password, secrets);
        let credential = credential.ok_or("system_id")?;
        if !is_right {
            return Err("password");
        }
        if !credential.is_active {
            return Err("credential_disabled");
        }
        let partner = catalog
            .partner(credential.partner)
            .filter(|partner| partner.is_active)
            .ok_or("partner_suspended")?;
        let address = origin.address.to_canonical();
        let is_listed = credential.addresses.iter().any(|network| network.contains(&address));
        if !credential.addresses.is_empty() && !is_listed {
            return Err("address");
        }
        if !origin.is_tls {
            if credential.tls_only {
                return Err("tls_only");
            }
            // S-33: a password in the clear is only good from a known place.
            let is_near = address.is_loopback() || self.settings.insecure_plain_listen;
            if !is_listed && !is_near {
                return Err("address_list_missing");
            }
        }
        Ok((Arc::clone(credential), Arc::clone(partner)))
    }

    /// A place of the account. At its limit the session that was silent longest has to prove that
    /// it lives: half-open ghosts must not lock a partner out (P33).
    async fn place(&self, credential: &Credential) -> Option<BindPlace> {
        let account = self.doors.account(&credential.system_id);
        if let Some(place) = account.take(credential.binds_max) {
            return Some(place);
        }
        let oldest = self
            .gateway
            .registry()
            .sessions()
            .into_iter()
            .filter(|card| card.system_id == credential.system_id)
            .min_by_key(|card| card.counters.last_heard_at.load(std::sync::atomic::Ordering::Relaxed))?;
        oldest.orders.try_send(SessionOrder::Probe).ok()?;
        // Sessions look at their clocks once a second, and a session takes a moment to end.
        let patience = self.settings.bind_probe + Duration::from_secs(2);
        account.take_within(credential.binds_max, patience).await
    }

    fn refused(&self, name: &SmolStr, origin: Origin, reason: &'static str) -> Refused {
        let in_a_row = self.doors.failed(name, origin.address);
        let (shortest, longest) = self.settings.bind_fail_delay();
        let spread = i64::try_from((longest - shortest).as_millis()).unwrap_or(0).max(1);
        let jitter = self.gateway.clock().random().rem_euclid(spread).unsigned_abs();
        let once = shortest + Duration::from_millis(jitter);
        Refused {
            status: CommandStatus(self.settings.bind_auth_error.code()),
            reason,
            // Guessing gets slower with each try from one place, up to ten times.
            delay: once * in_a_row.clamp(1, 10).div_ceil(3),
        }
    }

    fn version_max(&self) -> Version {
        use crate::config::SmppVersion as Most;
        match self.settings.version_max {
            Most::V33 => Version::V33,
            Most::V34 => Version::V34,
            Most::V50 => Version::V50,
        }
    }
}
