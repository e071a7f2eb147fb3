//! Who may see what is connected, and give orders to it: for pages and API alike.
//!
//! The gateway knows binds and no people; the partnership knows rights and no binds. Here they
//! meet, and nothing else happens. What surprises: the bind of another partner cannot be ended by
//! its partner, nor seen, because only staff has the right to end one at all.

use super::App;
use crate::{
    domain::{PartnerId, Refusal, Right},
    gateway::{
        self,
        live::{BindLine, LinkLine},
    },
    partnership::Signed,
};

/// Binds and accounts that are away: of a partner its own, whatever is asked.
pub(super) fn binds(
    app: &App,
    signed: &Signed,
    wanted: Option<PartnerId>,
) -> Result<Vec<BindLine>, Refusal> {
    app.partnership.require(signed, Right::SeeCredentials)?;
    Ok(app.gateway.binds(signed.whose(wanted)?))
}

/// Links are the operator's own affair.
pub(super) fn links(app: &App, signed: &Signed) -> Result<Vec<LinkLine>, Refusal> {
    app.partnership.require(signed, Right::SeeTraffic)?;
    if !signed.is_operator() {
        return Err(Refusal::NotAllowed);
    }
    Ok(app.gateway.links())
}

/// What somebody is about to order, before it is confirmed.
pub(super) fn may_order(app: &App, signed: &Signed) -> Result<(), Refusal> {
    app.partnership.require(signed, Right::ManageBinds)
}

pub(super) async fn end_bind(
    app: &App,
    signed: &Signed,
    name: &str,
    reason: &str,
) -> Result<(), gateway::Error> {
    may_order(app, signed)?;
    let card = app.gateway.bind_named(name)?;
    app.gateway.end_bind(&card, reason, &signed.caller()).await
}

pub(super) async fn want_link(
    app: &App,
    signed: &Signed,
    name: &str,
    is_wanted: bool,
    reason: &str,
) -> Result<(), gateway::Error> {
    may_order(app, signed)?;
    let card = app.gateway.link_named(name)?;
    app.gateway.want_link(&card, is_wanted, reason, &signed.caller()).await;
    Ok(())
}
