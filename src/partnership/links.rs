//! One-time links: the first password of an invited person, and a new one for a forgotten one.
//!
//! A link is looked at with GET and used with POST, because mail scanners follow links. The
//! surprise: whoever asks for a new password hears the same whether the address is known or not,
//! and the new password alone lets nobody in: the second factor is asked for as ever (S-06).

use serde_json::json;

use super::{
    Error, Partnership, Signed, Visitor,
    accounts::Invited,
    factor,
    guard::Count,
    log_in::{SignedIn, caller, letter, mail_hash, new_session},
};
use crate::{
    domain::{Caller, PersonEvent, PersonState, Refusal, Right, UserId, user::mail_address},
    store::{Person, PersonWrite},
};

/// What the page behind a link shows before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationView {
    pub name: String,
    pub mail: String,
    pub language: String,
    pub valid_until: i64,
}

impl Partnership {
    /// Whom an invitation's or a reset's link is for; uses nothing up.
    pub async fn look_at_link(&self, purpose: &str, token: &str) -> Result<InvitationView, Error> {
        let (person, valid_until) = self.holder(purpose, token).await?;
        let Person { name, mail, language, .. } = person;
        Ok(InvitationView { name, mail, language, valid_until })
    }

    async fn holder(&self, purpose: &str, token: &str) -> Result<(Person, i64), Error> {
        let link = self.store.one_time_link(&factor::hash(token)).await?;
        let link = link.filter(|link| {
            link.purpose == purpose && link.used_at.is_none() && link.expires_at > self.now()
        });
        let link = link.ok_or(Refusal::LinkInvalid)?;
        let person = self.store.person(UserId(link.person_id)).await?;
        let is_asked = |person: &Person| match purpose {
            "invitation" => person.state == PersonState::Invited,
            _ => matches!(person.state, PersonState::Invited | PersonState::Active),
        };
        Ok((person.filter(is_asked).ok_or(Refusal::LinkInvalid)?, link.expires_at))
    }

    /// Sets the first password. The session that begins can only set the second factor.
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: &str,
        visitor: Visitor<'_>,
    ) -> Result<SignedIn, Error> {
        let (before, _) = self.holder("invitation", token).await?;
        let mut after = before.clone();
        after.secrets.password = Some(self.new_password(&before, password).await?);
        let (session_token, session) = new_session(true, visitor, 0)?;
        let write = PersonWrite {
            uses: Some(&factor::hash(token)),
            ends_sessions: true,
            session: Some(&session),
            ..PersonWrite::new("person.accept", &before, &after)
        };
        self.write_person(&caller(&before), &write).await?;
        Ok(self.signed_in(&after, session_token, true))
    }

    /// Sends a link to a new password if the address is somebody's. The answer never says so.
    pub async fn ask_reset(&self, mail: &str, visitor: Visitor<'_>) -> Result<(), Error> {
        let tick = self.clock.monotonic_nanos();
        let counts = [Count::Letter(mail_hash(mail)), Count::Address(visitor.address.to_owned())];
        if counts.iter().any(|count| self.guard.begin(count, tick).is_err()) {
            // Said to nobody: it would tell that letters to this address were asked for before.
            return Ok(());
        }
        let person = match mail_address(mail) {
            Some(mail) => self.store.person_by_mail(&mail).await?,
            None => None,
        };
        let has_password = |person: &Person| {
            person.state == PersonState::Active && person.secrets.password.is_some()
        };
        let Some(person) = person.filter(has_password) else {
            let detail = json!({ "address": visitor.address });
            let (by, now) = (Caller::Gateway, self.now());
            let what = "person.ask_reset";
            self.store.audit_action(&by, now, what, "person:unknown", &detail).await?;
            return Ok(());
        };
        match self.renew_link(&Caller::Gateway, &person, "person.ask_reset", true).await {
            // Somebody changed the person at this moment; whoever asked asks again.
            Ok(_) | Err(Error::Refused(Refusal::VersionConflict)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets a new password by a link. All sessions end and none begins.
    pub async fn reset_password(&self, token: &str, password: &str) -> Result<(), Error> {
        let (before, _) = self.holder("reset", token).await?;
        let mut after = before.clone();
        after.secrets.password = Some(self.new_password(&before, password).await?);
        let letters = [letter(&before, "password_changed", self.told(&before))];
        let write = PersonWrite {
            uses: Some(&factor::hash(token)),
            ends_sessions: true,
            letters: &letters,
            ..PersonWrite::new("person.reset_password", &before, &after)
        };
        self.write_person(&caller(&before), &write).await
    }

    /// An administrator sends a person a new link: the invitation again, or to a new password.
    pub async fn send_link(&self, signed: &Signed, id: UserId) -> Result<Invited, Error> {
        let person = self.person_for(signed, id, Right::ManagePeople).await?;
        self.send_link_by(&signed.caller(), &person, true).await
    }

    /// The same for the command line on the host, which may hand the link over itself.
    pub async fn send_link_by(
        &self,
        by: &Caller,
        person: &Person,
        by_letter: bool,
    ) -> Result<Invited, Error> {
        let what = match person.state {
            PersonState::Invited => PersonEvent::Invited.as_str(),
            PersonState::Active => "person.send_reset",
            state => {
                let text = format!("the person is {}", state.as_str());
                return Err(Refusal::WrongState(text).into());
            }
        };
        self.renew_link(by, person, what, by_letter).await
    }

    async fn renew_link(
        &self,
        by: &Caller,
        person: &Person,
        what: &str,
        by_letter: bool,
    ) -> Result<Invited, Error> {
        let (purpose, template) = match person.state {
            PersonState::Invited => ("invitation", "invitation"),
            _ => ("reset", "password_reset"),
        };
        let (path, link) = self.new_link(purpose)?;
        let mut data = json!({
            "login": person.mail, "link": *path, "valid_until": link.expires_at,
        });
        if purpose == "invitation" {
            data["company"] = self.company_of(person.partner).await?.into();
        }
        let letters = [letter(person, template, data)];
        let write = PersonWrite {
            link: Some(&link),
            letters: if by_letter { &letters } else { &[] },
            ..PersonWrite::new(what, person, person)
        };
        self.write_person(by, &write).await?;
        Ok(Invited { person: person.id, path, valid_until: link.expires_at })
    }
}
