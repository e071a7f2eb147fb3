//! What people do to their own account: language, theme, password.
//!
//! Invitations and other people's accounts stand in `accounts`. The surprise: a new password needs
//! a fresh code and the old password, because an open browser must not be enough to take an
//! account over.

use super::{
    Error, Partnership, Signed, Visitor,
    accounts::language_of,
    log_in::{SignedIn, letter, new_session},
};
use crate::{
    domain::{Refusal, password, refusal::FieldFault},
    store::{Person, PersonWrite},
};

impl Partnership {
    /// Own language and theme.
    pub async fn set_preferences(
        &self,
        signed: &Signed,
        language: Option<&str>,
        theme: Option<&str>,
    ) -> Result<(), Error> {
        let before = self.store.person(signed.person).await?;
        let before = before.ok_or(Refusal::UnknownId("person"))?;
        let mut after = before.clone();
        let mut faults = Vec::new();
        if let Some(language) = language {
            after.language = language_of(language, &mut faults);
        }
        if let Some(theme) = theme {
            if !["auto", "light", "dark"].contains(&theme) {
                faults.push(FieldFault::new("theme", "invalid", "must be auto, light or dark"));
            }
            theme.clone_into(&mut after.theme);
        }
        if !faults.is_empty() {
            return Err(Refusal::FieldErrors(faults).into());
        }
        let write = PersonWrite::new("person.prefer", &before, &after);
        self.write_person(&signed.caller(), &write).await
    }

    /// Another password of one's own. All other sessions end; this one goes on under a new token.
    pub async fn change_password(
        &self,
        signed: &Signed,
        old: &str,
        new: &str,
        visitor: Visitor<'_>,
    ) -> Result<SignedIn, Error> {
        self.require_fresh(signed)?;
        let before = self.store.person(signed.person).await?;
        let before = before.ok_or(Refusal::UnknownId("person"))?;
        let stored = before.secrets.password.clone();
        if !self.passwords.check(old, stored).await?.is_right {
            let fault = FieldFault::new("old_password", "wrong", "is not your password");
            return Err(Refusal::FieldErrors(vec![fault]).into());
        }
        let mut after = before.clone();
        after.secrets.password = Some(self.new_password(&before, new).await?);
        let (token, session) = new_session(false, visitor, self.now())?;
        let letters = [letter(&before, "password_changed", self.told(&before))];
        let write = PersonWrite {
            ends_sessions: true,
            session: Some(&session),
            letters: &letters,
            ..PersonWrite::new("person.change_password", &before, &after)
        };
        self.write_person(&signed.caller(), &write).await?;
        Ok(self.signed_in(&after, token, false))
    }

    /// The hash of a password that is good enough for this person (S-01, S-02).
    pub(super) async fn new_password(&self, person: &Person, text: &str) -> Result<String, Error> {
        let mut words = vec![
            person.mail.clone(),
            person.name.clone(),
            "bramka".to_owned(),
            self.portal.brand_name.clone(),
            self.portal.legal_name.clone(),
        ];
        if let Some(partner) = person.partner {
            words.extend(self.store.words_about(partner).await?);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        password::check(text, &words).map_err(|fault| Refusal::FieldErrors(vec![fault]))?;
        self.passwords.hash(text).await
    }
}
