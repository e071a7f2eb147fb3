//! People of both sides: invite them, change them, keep them out.
//!
//! Log-in stands in `log_in`, forgotten passwords in `links`, the own account in `own`. The surprise: whose people they are
//! comes from the session; only the operator's administrator names a partner (S-21).

use serde_json::json;
use zeroize::Zeroizing;

use super::{Error, Partnership, Signed, factor, log_in::letter, micros};
use crate::{
    domain::{
        Caller, PartnerId, PersonEvent, PersonState, Refusal, Right, Role, UserId,
        refusal::FieldFault, user::mail_address,
    },
    store::{
        Constraint, Error as StoreError, Invitation, NewLink, NewMail, Person, PersonWrite, Written,
    },
};

/// Octets of the token in a link: 160 bits.
const LINK_OCTETS: usize = 20;
const NAME_MAX: usize = 100;
/// People of one partner, or of the operator.
const PEOPLE_MAX: usize = 500;

/// Somebody to be invited.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    /// Heard from the operator only; a partner invites its own.
    pub partner: Option<PartnerId>,
    pub mail: String,
    pub name: String,
    /// A role of that side.
    pub role: String,
    /// `pl` or `en`.
    pub language: String,
    /// Whose portal account it is, for the letter; empty is the operator.
    pub company: String,
}

/// An invitation on its way.
pub struct Invited {
    pub person: UserId,
    /// Where the invited sets the password, once; for whoever hands it over without a letter.
    pub path: Zeroizing<String>,
    pub valid_until: i64,
}

/// What may be changed of a person; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct PersonChange {
    pub name: Option<String>,
    pub role: Option<String>,
    pub language: Option<String>,
}

impl Partnership {
    /// People of the own side; the operator may ask for those of a partner.
    pub async fn people(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
    ) -> Result<Vec<Person>, Error> {
        self.require(signed, Right::SeePeople)?;
        let partner = if signed.is_operator() { partner } else { signed.partner };
        Ok(self.store.people(partner).await?)
    }

    pub async fn person(&self, signed: &Signed, id: UserId) -> Result<Person, Error> {
        self.person_for(signed, id, Right::SeePeople).await
    }

    /// A person that the caller reaches with a right; oneself may always be looked at.
    pub(super) async fn person_for(
        &self,
        signed: &Signed,
        id: UserId,
        right: Right,
    ) -> Result<Person, Error> {
        if id != signed.person || right != Right::SeePeople {
            self.require(signed, right)?;
        }
        let person = self.store.person(id).await?.filter(|it| signed.reaches(it.partner));
        Ok(person.ok_or(Refusal::UnknownId("person"))?)
    }

    /// Invites somebody by letter; the link works once (Q4.6).
    pub async fn invite(&self, signed: &Signed, new: &NewPerson) -> Result<Invited, Error> {
        self.require(signed, Right::ManagePeople)?;
        let partner = if signed.is_operator() { new.partner } else { signed.partner };
        let new = NewPerson { partner, ..new.clone() };
        if self.store.people(partner).await?.len() >= PEOPLE_MAX {
            let text = format!("there are {PEOPLE_MAX} people already, which is the most");
            return Err(Refusal::WrongState(text).into());
        }
        self.invite_by(&signed.caller(), &new, true).await
    }

    /// The same for the command line on the host, which asks for no right (S-07).
    pub async fn invite_by(
        &self,
        by: &Caller,
        new: &NewPerson,
        by_letter: bool,
    ) -> Result<Invited, Error> {
        let new = NewPerson { company: self.company_of(new.partner).await?, ..new.clone() };
        let (mut invitation, path) = self.invitation(&new)?;
        if !by_letter {
            invitation.letter = None;
        }
        let person = self.store.invite_person(by, self.now(), &invitation).await;
        let person = person.map_err(taken)?;
        Ok(Invited { person, path, valid_until: invitation.link.expires_at })
    }

    /// An invitation to be written in the transaction of another verb, and the path in its link.
    pub fn invitation(&self, new: &NewPerson) -> Result<(Invitation, Zeroizing<String>), Error> {
        let mut faults = Vec::new();
        let mail = mail_address(&new.mail);
        if mail.is_none() {
            faults.push(FieldFault::new("mail", "invalid", "must be a mail address"));
        }
        let name = name_of(&new.name, &mut faults);
        let role = role_of(new.partner.is_none(), &new.role, &mut faults);
        let language = language_of(&new.language, &mut faults);
        let (Some(mail), Some(role), true) = (mail, role, faults.is_empty()) else {
            return Err(Refusal::FieldErrors(faults).into());
        };
        let (path, link) = self.new_link("invitation")?;
        let letter = NewMail {
            recipient: mail.clone(),
            recipient_name: name.clone(),
            language: language.clone(),
            template: "invitation",
            data: json!({
                "company": if new.company.is_empty() { &self.portal.legal_name } else { &new.company },
                "login": mail, "link": *path, "valid_until": link.expires_at,
            }),
            attachments: Vec::new(),
            // The store puts the person's number here.
            subject: String::new(),
            partner: new.partner,
        };
        let letter = Some(letter);
        let partner = new.partner;
        Ok((Invitation { partner, mail, name, role, language, link, letter }, path))
    }

    /// A link of a purpose, `invitation` or `reset`, and its path.
    pub(super) fn new_link(
        &self,
        purpose: &'static str,
    ) -> Result<(Zeroizing<String>, NewLink), Error> {
        let token = factor::token(LINK_OCTETS)?;
        let valid = match purpose {
            "invitation" => self.portal.invitation_valid,
            _ => self.portal.reset_valid,
        };
        let expires_at = self.now().saturating_add(micros(valid));
        let path = Zeroizing::new(format!("/{purpose}/{}", token.as_str()));
        Ok((path, NewLink { token: factor::hash(&token), purpose, expires_at }))
    }

    /// The name of the company whose people they are.
    pub(super) async fn company_of(&self, partner: Option<PartnerId>) -> Result<String, Error> {
        let Some(partner) = partner else { return Ok(self.portal.legal_name.clone()) };
        let name = self.store.company_name(partner).await?;
        Ok(name.ok_or(Refusal::UnknownId("partner"))?)
    }

    /// What letters about an account say.
    pub(super) fn told(&self, person: &Person) -> serde_json::Value {
        json!({ "login": person.mail, "at": self.now() })
    }

    /// Changes name, role or language. A new role ends all sessions of the person (S-08).
    pub async fn change_person(
        &self,
        signed: &Signed,
        id: UserId,
        version: i64,
        change: &PersonChange,
    ) -> Result<Person, Error> {
        let before = self.person_for(signed, id, Right::ManagePeople).await?;
        let mut faults = Vec::new();
        let mut after = before.clone();
        if let Some(name) = &change.name {
            after.name = name_of(name, &mut faults);
        }
        if let Some(role) = &change.role {
            let role = role_of(before.partner.is_none(), role, &mut faults);
            after.role = role.unwrap_or(before.role);
        }
        if let Some(language) = &change.language {
            after.language = language_of(language, &mut faults);
        }
        if !faults.is_empty() {
            return Err(Refusal::FieldErrors(faults).into());
        }
        let has_new_role = after.role != before.role;
        let mut data = self.told(&before);
        data["role"] = after.role.as_str().into();
        let letters = [letter(&before, "role_changed", data)];
        let write = PersonWrite {
            ends_sessions: has_new_role,
            letters: if has_new_role { &letters } else { &[] },
            ..PersonWrite::new("person.change", &before, &after)
        };
        self.write_from(&signed.caller(), version, &write).await
    }

    /// Lock, unlock, disable, enable. Whoever is kept out is so at the next click (S-09).
    pub async fn set_person(
        &self,
        signed: &Signed,
        id: UserId,
        version: i64,
        event: PersonEvent,
    ) -> Result<Person, Error> {
        let before = self.person_for(signed, id, Right::ManagePeople).await?;
        self.set_person_by(&signed.caller(), &before, version, event).await
    }

    /// The same for the command line on the host.
    pub async fn set_person_by(
        &self,
        by: &Caller,
        before: &Person,
        version: i64,
        event: PersonEvent,
    ) -> Result<Person, Error> {
        let has_enrolled = before.secrets.password.is_some() && before.secrets.totp.is_some();
        let event = match event {
            // Who never set a password starts where it stopped.
            PersonEvent::Enabled if !has_enrolled => PersonEvent::Invited,
            PersonEvent::Enrolled | PersonEvent::Invited => return Err(Refusal::NotAllowed.into()),
            event => event,
        };
        let state = before.state.after(event).ok_or_else(|| {
            Refusal::WrongState(format!("the person is {}", before.state.as_str()))
        })?;
        let after = Person { state, ..before.clone() };
        let mut data = self.told(before);
        data["company"] = self.company_of(before.partner).await?.into();
        let letters = [letter(before, "account_disabled", data)];
        let write = PersonWrite {
            ends_sessions: state != PersonState::Active,
            letters: if state == PersonState::Disabled { &letters } else { &[] },
            ..PersonWrite::new(event.as_str(), before, &after)
        };
        self.write_from(by, version, &write).await
    }

    /// Takes the second factor from somebody who lost it; the next log-in sets a new one. Nobody
    /// does this to themselves.
    pub async fn remove_second_factor(
        &self,
        signed: &Signed,
        id: UserId,
        version: i64,
    ) -> Result<Person, Error> {
        let before = self.person_for(signed, id, Right::ManagePeople).await?;
        if id == signed.person {
            return Err(Refusal::NotAllowed.into());
        }
        self.remove_second_factor_by(&signed.caller(), &before, version).await
    }

    /// The same for the command line on the host.
    pub async fn remove_second_factor_by(
        &self,
        by: &Caller,
        before: &Person,
        version: i64,
    ) -> Result<Person, Error> {
        let mut after = before.clone();
        after.secrets.totp = None;
        after.secrets.totp_new = None;
        let letters = [letter(before, "second_factor_removed", self.told(before))];
        let write = PersonWrite {
            codes: Some(&[]),
            ends_sessions: true,
            letters: &letters,
            ..PersonWrite::new("person.remove_factor", before, &after)
        };
        self.write_from(by, version, &write).await
    }

    /// A change of somebody that was read at a version; gives back how it is now.
    async fn write_from(
        &self,
        by: &Caller,
        version: i64,
        write: &PersonWrite<'_>,
    ) -> Result<Person, Error> {
        if write.before.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        self.write_person(by, write).await?;
        Ok(Person { version: version + 1, ..write.after.clone() })
    }

    pub(super) async fn write_person(
        &self,
        by: &Caller,
        write: &PersonWrite<'_>,
    ) -> Result<(), Error> {
        let written = self.store.write_person(by, self.now(), write).await.map_err(taken)?;
        Err(match written {
            Written::Done => return Ok(()),
            Written::Conflict => Refusal::VersionConflict,
            Written::LinkUsed => Refusal::LinkInvalid,
            Written::LastAdmin => Refusal::WrongState(
                "this is the last administrator; name another one first".to_owned(),
            ),
        }
        .into())
    }
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Conflict(Constraint::PersonMail) => Refusal::Taken("mail address").into(),
        other => other.into(),
    }
}

fn name_of(text: &str, faults: &mut Vec<FieldFault>) -> String {
    let name = text.trim();
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    if !fits || name.chars().any(char::is_control) {
        let detail = format!("must have 1 to {NAME_MAX} characters on one line");
        faults.push(FieldFault::new("name", "invalid", detail));
    }
    name.to_owned()
}

fn role_of(is_operator: bool, word: &str, faults: &mut Vec<FieldFault>) -> Option<Role> {
    let role = Role::parse(is_operator, word);
    if role.is_none() {
        let detail = format!("must be one of {}", Role::words(is_operator).join(", "));
        faults.push(FieldFault::new("role", "invalid", detail));
    }
    role
}

pub(super) fn language_of(word: &str, faults: &mut Vec<FieldFault>) -> String {
    if !["pl", "en"].contains(&word) {
        faults.push(FieldFault::new("language", "invalid", "must be pl or en"));
    }
    word.to_owned()
}
