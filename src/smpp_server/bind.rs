//! Judging a bind: who is it, from where, and is there a place.

use std::{net::IpAddr, sync::Arc, time::Duration};

use smol_str::SmolStr;

use super::{Host, doors::BindPlace};
use crate::{
    config::{BindAuthError, ClientNames},
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
pub(crate) struct Origin<'a> {
    pub(crate) address: IpAddr,
    pub(crate) transport: &'a Transport,
}

/// What carries a connection.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain,
    /// With the names in the certificate that the peer showed, if it showed one, and the version.
    Tls(Vec<String>, &'static str),
}

impl Transport {
    /// Of TLS; empty in the clear.
    pub(crate) fn version(&self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Tls(_, version) => version,
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(..))
    }
}

impl Host {
    pub(crate) async fn judge(
        &self,
        kind: BindKind,
        bind: &Bind,
        origin: Origin<'_>,
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
        origin: Origin<'_>,
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
        from_right_place(credential, origin, self.settings.insecure_plain_listen)?;
        if self.settings.client_names == ClientNames::SystemId {
            bears_name(origin.transport, name)?;
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
            .min_by_key(|card| {
                card.counters.last_heard_at.load(std::sync::atomic::Ordering::Relaxed)
            })?;
        oldest.orders.try_send(SessionOrder::Probe).ok()?;
        // The probed session looks at its timers once in a tick, and takes a moment to end.
        let patience = self.settings.bind_probe + 2 * self.tick + Duration::from_secs(1);
        account.take_within(credential.binds_max, patience).await
    }

    fn status_of(&self, reason: &str) -> CommandStatus {
        match (self.settings.bind_auth_error, reason) {
            // The operator opted in to answers that tell names apart (S008).
            (BindAuthError::InvalidPassword, "password") => CommandStatus::RINVPASWD,
            (BindAuthError::InvalidPassword, "system_id") => CommandStatus::RINVSYSID,
            _ => CommandStatus::RBINDFAIL,
        }
    }

    fn refused(&self, name: &SmolStr, origin: Origin<'_>, reason: &'static str) -> Refused {
        let in_a_row = self.doors.failed(name, origin.address);
        let (shortest, longest) = self.settings.bind_fail_delay();
        let spread =
            i64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(0).max(1);
        let jitter = self.gateway.clock().random().rem_euclid(spread).unsigned_abs();
        let once = shortest + Duration::from_millis(jitter);
        Refused {
            status: self.status_of(reason),
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

/// Address and transport of a bind against its account (S-32, S-33).
fn from_right_place(
    credential: &Credential,
    origin: Origin<'_>,
    allows_plain_anywhere: bool,
) -> Result<(), &'static str> {
    let address = origin.address.to_canonical();
    let is_listed = credential.addresses.iter().any(|network| network.contains(&address));
    if !credential.addresses.is_empty() && !is_listed {
        return Err("address");
    }
    if !origin.transport.is_tls() {
        if credential.tls_only {
            return Err("tls_only");
        }
        // S-33: a password in the clear is only good from a known place.
        let is_near = address.is_loopback() || allows_plain_anywhere;
        if !is_listed && !is_near {
            return Err("address_list_missing");
        }
    }
    Ok(())
}

/// S-32: over TLS the certificate says who may bind. A session in the clear shows none; whether it
/// is good enough is a matter of its place and of the account's `tls_only`.
fn bears_name(transport: &Transport, system_id: &str) -> Result<(), &'static str> {
    match transport {
        Transport::Tls(names, _) if !names.iter().any(|name| name == system_id) => {
            Err("certificate_name")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(addresses: &[&str], tls_only: bool) -> Credential {
        Credential {
            system_id: "acme".into(),
            partner: crate::domain::PartnerId(1),
            secrets: Vec::new(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            is_active: true,
            tls_only,
            may_transmit: true,
            may_receive: true,
            binds_max: 1,
            window: 1,
            service_types: Vec::new(),
            default_sender: None,
            may_have_receipts: true,
            pdu_octets_max: 0,
            outbind: None,
            mode: crate::domain::Mode::Live,
        }
    }

    /// S-32, S-33, S012: what a list, a transport and an account allow together.
    #[test]
    fn a_password_in_the_clear_is_only_good_from_a_listed_address() {
        let far = "198.51.100.7";
        for (addresses, tls_only, from, is_tls, expected) in [
            (&[][..], false, far, true, Ok(())),
            (&[][..], false, far, false, Err("address_list_missing")),
            (&[][..], false, "127.0.0.1", false, Ok(())),
            (&["198.51.100.0/24"][..], false, far, false, Ok(())),
            (&["198.51.100.0/24"][..], false, "::ffff:198.51.100.7", false, Ok(())),
            (&["198.51.100.0/24"][..], true, far, false, Err("tls_only")),
            (&["198.51.100.0/24"][..], true, far, true, Ok(())),
            (&["203.0.113.0/24"][..], false, far, true, Err("address")),
            (&["203.0.113.0/24"][..], false, "127.0.0.1", false, Err("address")),
        ] {
            let transport =
                if is_tls { Transport::Tls(Vec::new(), "1.3") } else { Transport::Plain };
            let origin = Origin { address: from.parse().unwrap(), transport: &transport };
            let found = from_right_place(&credential(addresses, tls_only), origin, false);
            assert_eq!(found, expected, "{addresses:?} {tls_only} {from} {is_tls}");
        }
        let origin = Origin { address: far.parse().unwrap(), transport: &Transport::Plain };
        assert_eq!(from_right_place(&credential(&[], false), origin, true), Ok(()));
    }
}
