//! Sessions: who is behind a token, what they may do now, and how sessions end.
//!
//! It lets nobody in; `log_in` does. The surprise: two types. A [`Signed`] may act, an
//! [`Enrolling`] has shown a password only and can do nothing but set a second factor, and no verb
//! takes the one for the other (S-04).

use std::time::Duration;

use smol_str::SmolStr;
use zeroize::Zeroizing;

use super::{Error, Partnership, Viewing, factor, guard::Count, micros};
use crate::{
    domain::{
        Caller, PartnerId, PersonState, Refusal, Right, Role, UserId, allows,
        right::{least_level, needs_step_up},
    },
    store::{Proof, SessionLine, SessionView},
};

/// First letters of a session's token: leaked ones are easy to search for.
const TOKEN_PREFIX: &str = "bs_";
const TOKEN_OCTETS: usize = 32;
const TOKEN_LENGTH: usize = TOKEN_PREFIX.len() + 2 * TOKEN_OCTETS;
/// A session that is in use is written down at most so often, in microseconds.
const TOUCH_EVERY: i64 = 30_000_000;
/// The time to set a second factor, in microseconds.
const ENROLMENT: i64 = 1_800_000_000;

/// Somebody with a session, as of this request.
#[derive(Debug, Clone)]
pub struct Signed {
    pub person: UserId,
    pub name: String,
    pub mail: String,
    /// None for the operator's staff. Never taken from input (S-21).
    pub partner: Option<PartnerId>,
    pub partner_name: Option<String>,
    pub role: Role,
    /// Of the partner; 0 for the operator's staff.
    pub level: i64,
    pub language: String,
    pub theme: String,
    /// Number of the session in lists.
    pub session: i64,
    pub begun_at: i64,
    /// When the session ends whatever happens.
    pub expires_at: i64,
    /// Until when what is sensitive is open; in the past if a fresh code is needed.
    pub stepped_up_until: i64,
    /// Set while a member of staff looks as a partner: everything can be read, nothing written.
    pub view: Option<Viewing>,
    pub(super) token: String,
}

/// Somebody who has shown a password and must set a second factor.
#[derive(Debug, Clone)]
pub struct Enrolling {
    pub person: UserId,
    /// Number of the session; what it was shown is confirmed in it alone.
    pub session: i64,
    pub name: String,
    pub mail: String,
    pub language: String,
}

impl Signed {
    /// Whose things somebody looks for: a partner's person for the partner's own whatever is asked,
    /// the staff for those of anybody, or of all.
    pub fn whose(&self, wanted: Option<PartnerId>) -> Result<Option<PartnerId>, Refusal> {
        match self.partner {
            Some(own) => Ok(Some(own)),
            None if self.is_operator() => Ok(wanted),
            None => Err(Refusal::NotAllowed),
        }
    }

    /// Who it is, for events and the audit trail.
    pub fn caller(&self) -> Caller {
        Caller::User {
            partner: self.partner,
            user: self.person,
            name: SmolStr::from(self.name.as_str()),
        }
    }

    pub fn is_operator(&self) -> bool {
        self.role.is_operator()
    }

    /// What pages ask before they show a button; a fresh code may be needed on top.
    pub fn may(&self, right: Right) -> bool {
        if let Some(view) = &self.view {
            return view.shows(right);
        }
        let is_high = self.is_operator() || self.level >= least_level(right);
        is_high && allows(self.role, right)
    }

    /// Whether something of a partner may be touched at all; none is the operator's own.
    pub fn reaches(&self, partner: Option<PartnerId>) -> bool {
        self.is_operator() || (partner.is_some() && partner == self.partner)
    }
}

#[cfg(test)]
impl Signed {
    /// Somebody with a role, for tests of verbs; no session stands behind it.
    pub(crate) fn try_out(role: Role, partner: Option<PartnerId>) -> Self {
        Self {
            person: UserId(7),
            name: "anna".to_owned(),
            mail: "anna@operator.pl".to_owned(),
            partner,
            partner_name: partner.map(|partner| format!("partner-{}", partner.0)),
            role,
            level: 0,
            language: "pl".to_owned(),
            theme: "auto".to_owned(),
            session: 1,
            begun_at: 0,
            expires_at: i64::MAX,
            stepped_up_until: i64::MAX,
            view: None,
            token: String::new(),
        }
    }
}

impl Partnership {
    /// Who is behind a session's token now. Reads the store each time: whoever was disabled, or
    /// whose session was ended, is nobody from the next call on (S-09).
    pub async fn caller_of(&self, token: &str) -> Result<Option<Signed>, Error> {
        let Some(view) = self.session_view(token).await? else { return Ok(None) };
        let now = self.now();
        if view.is_enrolling || view.state != PersonState::Active {
            return Ok(None);
        }
        let (idle, absolute) = self.session_life(view.role.is_operator());
        let expires_at = view.made_at.saturating_add(micros(absolute));
        if now >= expires_at || now - view.seen_at >= micros(idle) {
            return Ok(None);
        }
        if now - view.seen_at >= TOUCH_EVERY {
            self.store.touch_session(&view.token, now).await?;
        }
        let stepped_up_until = match view.stepped_up_at {
            0 => 0,
            at => at.saturating_add(micros(self.portal.step_up)),
        };
        let looks = if allows(view.role, Right::ViewAsPartner) {
            self.store.support_view((view.id, view.made_at), view.person, now).await?
        } else {
            None
        };
        let signed = Signed {
            person: view.person,
            name: view.name,
            mail: view.mail,
            partner: view.partner,
            partner_name: view.partner_name,
            role: view.role,
            level: view.level,
            language: view.language,
            theme: view.theme,
            session: view.id,
            begun_at: view.made_at,
            expires_at,
            stepped_up_until,
            view: None,
            token: view.token,
        };
        Ok(Some(match looks {
            Some(looks) => signed.viewing(looks),
            None => signed,
        }))
    }

    /// Who must set a second factor with this token.
    pub async fn enrolling_of(&self, token: &str) -> Result<Option<Enrolling>, Error> {
        let view = self.session_view(token).await?.filter(|view| {
            let may_enrol = matches!(view.state, PersonState::Invited | PersonState::Active);
            view.is_enrolling && may_enrol && self.now() - view.made_at < ENROLMENT
        });
        Ok(view.map(|view| Enrolling {
            person: view.person,
            session: view.id,
            name: view.name,
            mail: view.mail,
            language: view.language,
        }))
    }

    /// Idle and absolute life of a session of one side (S-09).
    pub(super) fn session_life(&self, is_operator: bool) -> (Duration, Duration) {
        let portal = &self.portal;
        if is_operator {
            (portal.staff_idle, portal.staff_session)
        } else {
            (portal.partner_idle, portal.partner_session)
        }
    }

    /// Nobody's session lasts longer.
    pub(super) fn longest_session(&self) -> Duration {
        self.portal.partner_session.max(self.portal.staff_session)
    }

    async fn session_view(&self, token: &str) -> Result<Option<SessionView>, Error> {
        if token.len() != TOKEN_LENGTH || !token.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        Ok(self.store.session(&factor::hash(token)).await?)
    }

    /// The right, and where it is sensitive a fresh code too (S-10, S-22).
    pub fn require(&self, signed: &Signed, right: Right) -> Result<(), Refusal> {
        if signed.view.is_some() && !right.is_reading() {
            return Err(Refusal::ViewOnly);
        }
        if !signed.may(right) {
            return Err(Refusal::NotAllowed);
        }
        if needs_step_up(right) { self.require_fresh(signed) } else { Ok(()) }
    }

    /// A fresh code, for what needs one beyond rights: own password, own second factor.
    pub fn require_fresh(&self, signed: &Signed) -> Result<(), Refusal> {
        if signed.view.is_some() {
            return Err(Refusal::ViewOnly);
        }
        if self.now() < signed.stepped_up_until { Ok(()) } else { Err(Refusal::StepUpNeeded) }
    }

    /// Opens what is sensitive for some minutes. The session goes on under a new token, which is
    /// the answer; the old one is dead.
    pub async fn step_up(&self, signed: &Signed, code: &str) -> Result<Zeroizing<String>, Error> {
        let (count, tick) = (Count::Code(signed.person.0), self.clock.monotonic_nanos());
        let wait = self.guard.begin(&count, tick);
        wait.map_err(|retry_after| Refusal::TooManyTries { retry_after })?;
        let person = self.store.person(signed.person).await?;
        let person = person.ok_or(Refusal::WrongLogIn)?;
        let proof = self.proof(&person, code)?.ok_or(Refusal::WrongLogIn)?;
        let token = new_token()?;
        let tokens = (&*signed.token, &*factor::hash(&token));
        let now = self.now();
        let done =
            self.store.step_up(&signed.caller(), now, (signed.person, &proof), tokens).await?;
        if !done {
            return Err(Refusal::WrongLogIn.into());
        }
        self.guard.forgive(&count, tick);
        Ok(token)
    }

    /// What a code proves; none if it is wrong or was used.
    pub(super) fn proof(
        &self,
        person: &crate::store::Person,
        code: &str,
    ) -> Result<Option<Proof>, Error> {
        let secrets = &person.secrets;
        let code = factor::read(&self.seal, person.id, secrets.totp.as_deref(), code, self.now())?;
        Ok(match code {
            factor::Code::Step(step) => (step > secrets.totp_step).then_some(Proof::Step(step)),
            factor::Code::Recovery(hash) => Some(Proof::Recovery(hash)),
            factor::Code::Wrong => None,
        })
    }

    /// Own sessions that are not over, the one used last first.
    pub async fn sessions(&self, signed: &Signed) -> Result<Vec<SessionLine>, Error> {
        let (idle, absolute) = self.session_life(signed.is_operator());
        let now = self.now();
        let mut lines = self.store.sessions_of(signed.person, now - micros(absolute)).await?;
        lines.retain(|line| now - line.seen_at < micros(idle));
        Ok(lines)
    }

    pub async fn log_out(&self, signed: &Signed) -> Result<(), Error> {
        self.end_session(signed, signed.session).await
    }

    /// Ends one of the own sessions.
    pub async fn end_session(&self, signed: &Signed, id: i64) -> Result<(), Error> {
        let ended = self.store.end_session(&signed.caller(), self.now(), signed.person, id).await?;
        if ended { Ok(()) } else { Err(Refusal::UnknownId("session").into()) }
    }

    /// Ends all own sessions but this one; answers how many.
    pub async fn end_other_sessions(&self, signed: &Signed) -> Result<u64, Error> {
        let but = Some(signed.session);
        Ok(self.store.end_sessions(&signed.caller(), self.now(), signed.person, but).await?)
    }

    /// An administrator ends all sessions of a person.
    pub async fn end_sessions_of(&self, signed: &Signed, person: UserId) -> Result<u64, Error> {
        let person = self.person_for(signed, person, Right::ManagePeople).await?;
        Ok(self.store.end_sessions(&signed.caller(), self.now(), person.id, None).await?)
    }
}

/// A new token: 256 random bits behind its prefix.
pub(super) fn new_token() -> Result<Zeroizing<String>, Error> {
    let random = factor::token(TOKEN_OCTETS)?;
    Ok(Zeroizing::new(format!("{TOKEN_PREFIX}{}", random.as_str())))
}
