//! Letting people in: log-in, the second factor, the first of both.
//!
//! It knows no page and no cookie. The surprise: a wrong mail address, a wrong password, a wrong
//! code, a used code and a disabled account have one answer, and cost one hash each (S-03, S-05).

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    Enrolling, Enrolment, Error, Partnership, Signed, factor, guard::Count, micros,
    session::new_token,
};
use crate::{
    domain::{
        Caller, PersonEvent, PersonState, Refusal, UserId,
        user::{MAIL_OCTETS_MAX, mail_address},
    },
    metrics,
    store::{NewMail, NewSession, Person, PersonWrite, Proof, SignIn},
};

/// Characters of a browser's name that are kept.
const AGENT_MAX: usize = 200;
/// The owner hears of wrong tries when there were so many, and never of each. The wait is about
/// a minute then, and more after each further try.
const TELLS_AT: u32 = 12;
const TELLS_WAIT: i64 = 64_000_000;
/// How often showing a new second factor begins again because another window was quicker.
const LOOKS_MAX: usize = 5;

/// Where somebody comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// As the edge counts it: an IPv4 address, or the first half of an IPv6 one.
    pub address: &'a str,
    /// What the browser calls itself.
    pub agent: &'a str,
}

/// What somebody types to get in.
pub struct LogIn<'a> {
    pub mail: &'a str,
    pub password: &'a str,
    /// Of the authenticator, or a recovery code; none before there is a second factor.
    pub code: Option<&'a str>,
    pub visitor: Visitor<'a>,
}

/// A session that has begun.
#[derive(Debug)]
pub struct SignedIn {
    /// Shown to the browser or client once; the store has only its hash.
    pub token: Zeroizing<String>,
    /// Nothing but the second factor may be set with it.
    pub is_enrolling: bool,
    pub expires_at: i64,
}

/// The second factor is set.
pub struct Enrolled {
    pub signed_in: SignedIn,
    /// Shown once.
    pub recovery_codes: Vec<Zeroizing<String>>,
}

impl Partnership {
    /// Begins a session. One word for everything that is wrong: [`Refusal::WrongLogIn`].
    pub async fn log_in(&self, wish: &LogIn<'_>) -> Result<SignedIn, Error> {
        let tick = self.clock.monotonic_nanos();
        let person = match mail_address(wish.mail) {
            Some(mail) => self.store.person_by_mail(&mail).await?,
            None => None,
        };
        let id = person.as_ref().map(|person| person.id);
        let address = wish.visitor.address;
        // Asked for nobody too: both ways read the store as often.
        let is_owner = self.store.knows_address(id.unwrap_or(UserId(0)), address).await?;
        let counts = match (is_owner, id) {
            (true, Some(id)) => vec![Count::Owner(id.0, address.to_owned())],
            _ => vec![Count::Address(address.to_owned()), Count::Account(mail_hash(wish.mail))],
        };
        let mut wrong = 0;
        for count in &counts {
            wrong = self.guard.begin(count, tick).map_err(|retry_after| {
                metrics::refusal("log_in", "too_many_tries");
                Refusal::TooManyTries { retry_after }
            })?;
        }
        let person = person
            .filter(|person| matches!(person.state, PersonState::Active | PersonState::Invited));
        let stored = person.as_ref().and_then(|person| person.secrets.password.clone());
        let checked = self.passwords.check(wish.password, stored).await?;
        let known = person.filter(|_| checked.is_right);
        let signed_in = match known {
            Some(person) => {
                let is_new = !is_owner && person.last_login_at.is_some();
                self.begin(&person, wish, checked.rehashed.as_deref(), is_new).await?
            }
            None => None,
        };
        let Some(signed_in) = signed_in else {
            self.note_wrong(id, wish.visitor, wrong).await?;
            return Err(Refusal::WrongLogIn.into());
        };
        for count in &counts {
            self.guard.forgive(count, tick);
        }
        Ok(signed_in)
    }

    /// The password was right; none if the code is not.
    async fn begin(
        &self,
        person: &Person,
        wish: &LogIn<'_>,
        rehashed: Option<&str>,
        is_new_place: bool,
    ) -> Result<Option<SignedIn>, Error> {
        let is_enrolling = person.state == PersonState::Invited || person.secrets.totp.is_none();
        let proof = match wish.code {
            _ if is_enrolling => Some(Proof::None),
            Some(code) => self.proof(person, code)?,
            None => None,
        };
        let Some(proof) = proof else { return Ok(None) };
        let now = self.now();
        let (token, session) = new_session(is_enrolling, wish.visitor, 0)?;
        let data = json!({
            "login": person.mail, "at": now, "device": session.agent,
            "address": session.address, "link": "/sessions",
        });
        let letters = [letter(person, "new_device", data)];
        let sign_in = SignIn {
            person: person.id,
            version: person.version,
            proof: &proof,
            session: &session,
            rehashed,
            over_before: now.saturating_sub(micros(self.longest_session())),
            letters: if is_new_place && !is_enrolling { &letters } else { &[] },
        };
        let is_fresh = self.store.sign_in(&caller(person), now, &sign_in).await?;
        Ok(is_fresh.then(|| self.signed_in(person, token, is_enrolling)))
    }

    pub(super) fn signed_in(
        &self,
        person: &Person,
        token: Zeroizing<String>,
        is_enrolling: bool,
    ) -> SignedIn {
        let (_, absolute) = self.session_life(person.role.is_operator());
        let expires_at = self.now().saturating_add(micros(absolute));
        SignedIn { token, is_enrolling, expires_at }
    }

    async fn note_wrong(
        &self,
        id: Option<UserId>,
        visitor: Visitor<'_>,
        wrong: u32,
    ) -> Result<(), Error> {
        metrics::refusal("log_in", Refusal::WrongLogIn.code());
        let person = match id {
            Some(id) if wrong == TELLS_AT => self.store.person(id).await?,
            _ => None,
        };
        let person = person.filter(|person| person.state == PersonState::Active);
        let letter = person.map(|person| {
            let data = json!({
                "login": person.mail, "locked_until": self.now().saturating_add(TELLS_WAIT),
                "link": "/reset",
            });
            letter(&person, "account_locked", data)
        });
        let (by, now) = (Caller::Gateway, self.now());
        self.store.note_failed_log_in(&by, now, id, visitor.address, letter.as_ref()).await?;
        Ok(())
    }

    /// Shows a new secret for the authenticator; it counts once a code of it was given.
    pub async fn begin_enrolment(&self, enrolling: &Enrolling) -> Result<Enrolment, Error> {
        self.new_factor(enrolling.person, enrolling.session).await
    }

    /// Sets the second factor: from now on the account can be used.
    pub async fn confirm_enrolment(
        &self,
        enrolling: &Enrolling,
        code: &str,
        visitor: Visitor<'_>,
    ) -> Result<Enrolled, Error> {
        self.confirm((enrolling.person, enrolling.session), code, visitor).await
    }

    /// Another authenticator in the place of the own one. Needs a fresh code of the old.
    pub async fn begin_new_factor(&self, signed: &Signed) -> Result<Enrolment, Error> {
        self.require_fresh(signed)?;
        self.new_factor(signed.person, signed.session).await
    }

    pub async fn confirm_new_factor(
        &self,
        signed: &Signed,
        code: &str,
        visitor: Visitor<'_>,
    ) -> Result<Enrolled, Error> {
        self.require_fresh(signed)?;
        self.confirm((signed.person, signed.session), code, visitor).await
    }

    /// A second look in the same session shows the same secret and writes nothing: what was
    /// scanned stays right until it is confirmed.
    async fn new_factor(&self, id: UserId, session: i64) -> Result<Enrolment, Error> {
        let (brand, whose) = (&self.portal.brand_name, (id, session));
        // Of two looks at the same moment one writes; the other then finds what it wrote.
        for _ in 0..LOOKS_MAX {
            let before = self.store.person(id).await?.ok_or(Refusal::UnknownId("person"))?;
            let known = before.secrets.totp_new.as_deref();
            let known = known
                .and_then(|sealed| factor::pending(&self.seal, whose, sealed, &before.mail, brand));
            if let Some(enrolment) = known {
                return Ok(enrolment);
            }
            let (sealed, enrolment) = factor::enrol(&self.seal, whose, &before.mail, brand)?;
            let mut after = before.clone();
            after.secrets.totp_new = Some(sealed);
            let write = PersonWrite::new("person.show_factor", &before, &after);
            match self.write_person(&caller(&before), &write).await {
                Err(Error::Refused(Refusal::VersionConflict)) => {}
                written => return written.map(|()| enrolment),
            }
        }
        Err(Refusal::VersionConflict.into())
    }

    async fn confirm(
        &self,
        (id, session): (UserId, i64),
        code: &str,
        visitor: Visitor<'_>,
    ) -> Result<Enrolled, Error> {
        let (count, tick) = (Count::Code(id.0), self.clock.monotonic_nanos());
        let wait = self.guard.begin(&count, tick);
        wait.map_err(|retry_after| Refusal::TooManyTries { retry_after })?;
        let before = self.store.person(id).await?.ok_or(Refusal::UnknownId("person"))?;
        let shown = before.secrets.totp_new.as_deref();
        let sealed = match shown {
            Some(shown) => factor::adopted(&self.seal, (id, session), shown)?,
            None => None,
        };
        let sealed = sealed.ok_or_else(|| {
            Refusal::WrongState("there is no new second factor to confirm".to_owned())
        })?;
        let now = self.now();
        let read = factor::read(&self.seal, id, Some(&sealed), code, now)?;
        let factor::Code::Step(step) = read else { return Err(Refusal::WrongLogIn.into()) };
        let mut after = before.clone();
        after.secrets.totp = Some(sealed);
        after.secrets.totp_new = None;
        after.secrets.totp_step = step;
        after.state = before.state.after(PersonEvent::Enrolled).unwrap_or(before.state);
        let (recovery_codes, hashes) = factor::recovery_codes()?;
        let (token, session) = new_session(false, visitor, now)?;
        let letters = [letter(&before, "second_factor_set", self.told(&before))];
        let write = PersonWrite {
            codes: Some(&hashes),
            ends_sessions: true,
            session: Some(&session),
            letters: &letters,
            ..PersonWrite::new(PersonEvent::Enrolled.as_str(), &before, &after)
        };
        self.write_person(&caller(&before), &write).await?;
        self.guard.forgive(&count, tick);
        Ok(Enrolled { signed_in: self.signed_in(&after, token, false), recovery_codes })
    }

    /// Ten new recovery codes; the old ones are void. Needs a fresh code.
    pub async fn new_recovery_codes(
        &self,
        signed: &Signed,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        self.require_fresh(signed)?;
        let before = self.store.person(signed.person).await?;
        let before = before.ok_or(Refusal::UnknownId("person"))?;
        let (codes, hashes) = factor::recovery_codes()?;
        let write = PersonWrite {
            codes: Some(&hashes),
            ..PersonWrite::new("person.new_recovery_codes", &before, &before)
        };
        self.write_person(&signed.caller(), &write).await?;
        Ok(codes)
    }
}

/// A new session and its token.
pub(super) fn new_session(
    is_enrolling: bool,
    visitor: Visitor<'_>,
    stepped_up_at: i64,
) -> Result<(Zeroizing<String>, NewSession), Error> {
    let token = new_token()?;
    let agent = visitor.agent.chars().filter(|letter| !letter.is_control());
    let session = NewSession {
        token: factor::hash(&token),
        is_enrolling,
        address: visitor.address.to_owned(),
        agent: agent.take(AGENT_MAX).collect(),
        stepped_up_at,
    };
    Ok((token, session))
}

/// A person as the doer of what it does to itself before it has a session.
pub(super) fn caller(person: &Person) -> Caller {
    Caller::User { partner: person.partner, user: person.id, name: person.name.as_str().into() }
}

/// A letter to a person about its own account.
pub(super) fn letter(person: &Person, template: &'static str, data: serde_json::Value) -> NewMail {
    NewMail {
        recipient: person.mail.clone(),
        recipient_name: person.name.clone(),
        language: person.language.clone(),
        template,
        data,
        attachments: Vec::new(),
        subject: person.id.to_string(),
        partner: person.partner,
    }
}

/// A mail address as it is counted: known or not, whole or not. Keyed anew at each start, so that
/// nobody can choose addresses that share a count.
pub(super) fn mail_hash(mail: &str) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mail = mail.trim();
    let cut = mail.char_indices().nth(MAIL_OCTETS_MAX).map_or(mail, |(end, _)| &mail[..end]);
    KEYS.hash_one(cut.to_ascii_lowercase())
}
