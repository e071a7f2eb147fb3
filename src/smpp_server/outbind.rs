//! Calling a partner that is away while something waits for it: `outbind`. [34 s2.2.1, s4.1.7]
//!
//! It dials and says who calls; the partner then binds on that connection as on any other, under
//! the same rules. It calls in the clear only: the address belongs to the account, and the bind
//! that follows is judged by the account's own list (S-33). What surprises: the `outbind` has no
//! password, because ours would be told to whoever answers at that address.

use std::{collections::HashMap, sync::Arc, time::Duration};

use smol_str::SmolStr;
use tokio::{net::TcpStream, time::Instant};

use super::{
    Host,
    bind::Transport,
    session::{Places, Talk},
};
use crate::{
    domain::Credential,
    listen, metrics,
    tasks::{Scope, Stopping},
};

/// Calls until the stop; one call to a partner in `outbind_retry`.
pub(crate) async fn run(host: Arc<Host>, scope: Scope, stopping: Stopping) -> anyhow::Result<()> {
    let every = host.settings.outbind_retry.min(Duration::from_secs(1));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Bounded by the accounts of the catalog.
    let mut called: HashMap<SmolStr, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let catalog = host.gateway.catalog();
        called.retain(|_, at| at.elapsed() < host.settings.outbind_retry);
        for credential in catalog.credentials().filter(|one| is_wanted(&host, one)) {
            if called.contains_key(&credential.system_id) {
                continue;
            }
            called.insert(credential.system_id.clone(), Instant::now());
            let call = call(Arc::clone(&host), Arc::clone(credential));
            if scope.spawn(call).is_err() {
                metrics::bind("server", "connections_max");
            }
        }
    }
}

/// Something waits, nobody is there to take it, and the account says where to call.
fn is_wanted(host: &Host, credential: &Credential) -> bool {
    let partner = credential.partner;
    credential.outbind.is_some()
        && credential.is_active
        && credential.may_receive
        && host.gateway.catalog().partner(partner).is_some_and(|partner| partner.is_active)
        && host.gateway.has_waiting(partner, credential.mode)
        && !host.gateway.registry().has_receiver(partner, credential.mode)
}

async fn call(host: Arc<Host>, credential: Arc<Credential>) {
    let Some(to) = credential.outbind.as_deref() else { return };
    let dialled = tokio::time::timeout(host.settings.outbind_connect, TcpStream::connect(to)).await;
    let stream = match dialled {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::warn!(system_id = %credential.system_id, to, %error, "an outbind call failed");
            return metrics::bind("server", "outbind_failed");
        }
        Err(_) => {
            tracing::warn!(system_id = %credential.system_id, to, "an outbind call took too long");
            return metrics::bind("server", "outbind_failed");
        }
    };
    let Ok(peer) = stream.peer_addr() else { return };
    let (address, unbound) = match host.doors.enter(peer.ip().to_canonical()) {
        Ok(places) => places,
        Err(why) => return metrics::bind("server", why),
    };
    if let Err(error) = listen::tune(&stream) {
        tracing::debug!(session.peer = %peer, %error, "a socket could not be tuned");
    }
    tracing::info!(system_id = %credential.system_id, session.peer = %peer, "outbind");
    Talk::new(host, stream, peer, Transport::Plain, Places { unbound, address }).outbind().await;
}
