//! Looking at the portal as a partner sees it, for support (S-27).
//!
//! A view changes who a session is for its readers, and takes every right to write from it. What
//! surprises: it opens nothing that the member of staff may not see anyway; account numbers and
//! texts stay hidden from whom they are hidden from.

use super::{Error, Partnership, Signed, agree_steps::text, micros};
use crate::{
    domain::{Caller, PartnerId, Refusal, Right, Role, allows},
    store,
};

/// How long a view lasts.
const VIEW: std::time::Duration = std::time::Duration::from_mins(15);
const REASON_MAX: usize = 200;

/// What a session looks at instead of its own side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewing {
    /// Legal name of the company.
    pub name: String,
    pub ends_at: i64,
    /// Of the member of staff.
    pub own_role: Role,
}

impl Signed {
    /// The same session while it looks as a partner.
    pub(super) fn viewing(self, view: store::SupportView) -> Self {
        let own_role = self.role;
        Self {
            partner: Some(PartnerId(view.partner_id)),
            partner_name: Some(view.name.clone()),
            role: Role::PartnerAdmin,
            level: view.level,
            view: Some(Viewing { name: view.name, ends_at: view.ends_at, own_role }),
            ..self
        }
    }
}

impl Viewing {
    /// Whether the view shows something: the partner's administrator sees it, and what is about
    /// persons or money the member of staff could see without the view.
    pub(super) fn shows(&self, right: Right) -> bool {
        let is_hidden = matches!(
            right,
            Right::SeeBank | Right::SeeFullNumbers | Right::SeeTexts | Right::SeeMoney
        );
        right.is_reading()
            && allows(Role::PartnerAdmin, right)
            && (!is_hidden || allows(self.own_role, right))
    }
}

impl Partnership {
    /// Begins to look as a partner, for a reason that stands in the trail.
    pub async fn begin_view(
        &self,
        signed: &Signed,
        partner: PartnerId,
        reason: &str,
    ) -> Result<(), Error> {
        self.require(signed, Right::ViewAsPartner)?;
        let reason = text("reason", reason, REASON_MAX)?;
        self.store.company(partner).await?.ok_or(Refusal::UnknownId("partner"))?;
        let now = self.now();
        let until = now.saturating_add(micros(VIEW));
        let whose = (signed.session, signed.person);
        let done =
            self.store.begin_view(&signed.caller(), (now, until), whose, (partner, reason)).await;
        Ok(done?)
    }

    /// Goes back to the own side.
    pub async fn end_view(&self, signed: &Signed) -> Result<(), Error> {
        let (Some(_), Some(partner)) = (&signed.view, signed.partner) else { return Ok(()) };
        // In the trail it is the member of staff and nobody of the partner.
        let by =
            Caller::User { partner: None, user: signed.person, name: signed.name.as_str().into() };
        Ok(self.store.end_view(&by, self.now(), signed.session, partner).await?)
    }
}
