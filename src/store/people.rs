//! People, their invitations and everything that somebody changes about them.
//!
//! One write is one transaction: the person, the audit row with what changed, the sessions that
//! end with it, the letters. The surprise: the last administrator of a side is protected here and
//! not in a verb, because two that demote each other must not both win.

use serde_json::json;

use super::{
    Error, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, queue_mail},
    person::{Person, Row, changes},
};
use crate::domain::{Caller, PartnerId, PersonState, Role, UserId};

/// A link that somebody gets by mail and may follow once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// SHA-256 of its token, hex.
    pub token: String,
    /// `invitation` or `reset`.
    pub purpose: &'static str,
    pub expires_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OneTimeLink {
    pub person_id: i64,
    pub purpose: String,
    pub expires_at: i64,
    pub used_at: Option<i64>,
}

/// A new person with the link to its first password. Verbs of other nouns write one in their own
/// transaction, as the framework agreement does for the first administrator (R4.14).
#[derive(Debug, Clone, PartialEq)]
pub struct Invitation {
    pub partner: Option<PartnerId>,
    pub mail: String,
    pub name: String,
    pub role: Role,
    pub language: String,
    pub link: NewLink,
    /// None when the link is handed over in another way.
    pub letter: Option<NewMail>,
}

/// A change of one person, as it was and as it shall be.
pub struct PersonWrite<'a> {
    pub what: &'a str,
    pub before: &'a Person,
    pub after: &'a Person,
    /// Replaces the recovery codes: SHA-256 of each, hex.
    pub codes: Option<&'a [String]>,
    /// A new link makes all older ones of this person useless.
    pub link: Option<&'a NewLink>,
    /// This link is used up; if it was before, nothing happens.
    pub uses: Option<&'a str>,
    /// All sessions of this person end.
    pub ends_sessions: bool,
    /// Begins after the others have ended.
    pub session: Option<&'a super::NewSession>,
    pub letters: &'a [NewMail],
}

impl<'a> PersonWrite<'a> {
    /// A change of the person and nothing else.
    pub fn new(what: &'a str, before: &'a Person, after: &'a Person) -> Self {
        Self {
            what,
            before,
            after,
            codes: None,
            link: None,
            uses: None,
            ends_sessions: false,
            session: None,
            letters: &[],
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Done,
    /// Somebody changed the person in between.
    Conflict,
    /// The link was used or had expired.
    LinkUsed,
    /// Its side would be left without an administrator.
    LastAdmin,
}

impl Store {
    pub async fn person(&self, id: UserId) -> Result<Option<Person>, Error> {
        let row = fetch_optional!(&self.db, Row, "select * from person where id = $1", id.0)?;
        row.map(Person::try_from).transpose()
    }

    /// `mail` in lower case.
    pub async fn person_by_mail(&self, mail: &str) -> Result<Option<Person>, Error> {
        let row = fetch_optional!(&self.db, Row, "select * from person where mail = $1", mail)?;
        row.map(Person::try_from).transpose()
    }

    /// People of one partner, or the operator's staff.
    pub async fn people(&self, partner: Option<PartnerId>) -> Result<Vec<Person>, Error> {
        let rows = match partner {
            Some(partner) => fetch_all!(
                &self.db,
                Row,
                "select * from person where partner_id = $1 order by name, id",
                partner.0
            )?,
            None => fetch_all!(
                &self.db,
                Row,
                "select * from person where partner_id is null order by name, id"
            )?,
        };
        rows.into_iter().map(Person::try_from).collect()
    }

    /// How many people there are at all; 0 is a fresh install (S-07).
    pub async fn count_people(&self) -> Result<i64, Error> {
        let count = fetch_optional!(&self.db, (i64,), "select count(*) from person")?;
        Ok(count.map_or(0, |(count,)| count))
    }

    /// The legal name of a partner's company, or the partner's own where there is none yet.
    pub async fn company_name(&self, partner: PartnerId) -> Result<Option<String>, Error> {
        let row = fetch_optional!(
            &self.db,
            (String,),
            "select coalesce(c.legal_name, p.name) from partner p \
             left join company c on c.partner_id = p.id where p.id = $1",
            partner.0
        )?;
        Ok(row.map(|(name,)| name))
    }

    /// Words that somebody who knows the partner would try first as a password (S-02).
    pub async fn words_about(&self, partner: PartnerId) -> Result<Vec<String>, Error> {
        let rows = fetch_all!(
            &self.db,
            (String,),
            "select name from partner where id = $1 \
             union all select legal_name from company where partner_id = $1 \
             union all select name from service where partner_id = $1 \
             union all select short_code from service where partner_id = $1 \
             union all select system_id from credential where partner_id = $1 limit 50",
            partner.0
        )?;
        Ok(rows.into_iter().map(|(word,)| word).collect())
    }

    pub async fn invite_person(
        &self,
        by: &Caller,
        at: i64,
        new: &Invitation,
    ) -> Result<UserId, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = insert_invited(&mut tx, by, at, new).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Writes a change of a person and everything that goes with it.
    pub async fn write_person(
        &self,
        by: &Caller,
        at: i64,
        write: &PersonWrite<'_>,
    ) -> Result<Written, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = write.after.id;
        let detail = changes(write);
        audit::append(&mut tx, at, by, write.what, &id.to_string(), &detail).await?;
        if let Some(token) = write.uses {
            let found = execute!(
                &mut tx,
                "update one_time_link set used_at = $1 \
                 where token = $2 and person_id = $3 and used_at is null and expires_at > $4",
                at,
                token,
                id.0,
                at
            )?;
            if found == 0 {
                return Ok(Written::LinkUsed);
            }
        }
        if !update(&mut tx, write).await? {
            return Ok(Written::Conflict);
        }
        if loses_admin(write) && !has_admin(&mut tx, write.before.partner).await? {
            return Ok(Written::LastAdmin);
        }
        if let Some(codes) = write.codes {
            execute!(&mut tx, "delete from recovery_code where person_id = $1", id.0)?;
            for code in codes {
                let code = code.as_str();
                execute!(
                    &mut tx,
                    "insert into recovery_code (person_id, code) values ($1, $2)",
                    id.0,
                    code
                )?;
            }
        }
        if write.ends_sessions {
            execute!(&mut tx, "delete from session where person_id = $1", id.0)?;
        }
        if let Some(session) = write.session {
            super::sessions::insert(&mut tx, id, at, session).await?;
            if !session.is_enrolling {
                let sql = "update person set last_login_at = $1 where id = $2";
                execute!(&mut tx, sql, at, id.0)?;
            }
        }
        if let Some(link) = write.link {
            insert_link(&mut tx, at, id, link).await?;
        }
        for letter in write.letters {
            queue_mail(&mut tx, at, letter).await?;
        }
        tx.commit().await?;
        Ok(Written::Done)
    }

    /// The link behind a token's hash, used and expired ones too.
    pub async fn one_time_link(&self, token: &str) -> Result<Option<OneTimeLink>, Error> {
        fetch_optional!(
            &self.db,
            OneTimeLink,
            "select person_id, purpose, expires_at, used_at from one_time_link where token = $1",
            token
        )
    }

    pub async fn count_recovery_codes(&self, person: UserId) -> Result<i64, Error> {
        let count = fetch_optional!(
            &self.db,
            (i64,),
            "select count(*) from recovery_code where person_id = $1",
            person.0
        )?;
        Ok(count.map_or(0, |(count,)| count))
    }
}

/// Writes a new person in a transaction that may hold more.
pub(super) async fn insert_invited(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    new: &Invitation,
) -> Result<UserId, Error> {
    audit::take_turn(tx).await?;
    let id = UserId(next_id(tx, "select coalesce(max(id), 0) + 1 from person").await?);
    execute!(
        tx,
        "insert into person (id, partner_id, mail, name, role, state, totp_step, language, theme, \
         failures, version, made_at) values ($1, $2, $3, $4, $5, 'invited', 0, $6, 'auto', 0, 1, \
         $7)",
        id.0,
        new.partner.map(|partner| partner.0),
        new.mail.as_str(),
        new.name.as_str(),
        new.role.as_str(),
        new.language.as_str(),
        at
    )?;
    let detail = json!({
        "partner": new.partner, "mail": new.mail, "name": new.name, "role": new.role.as_str(),
    });
    audit::append(tx, at, by, "person.invite", &id.to_string(), &detail).await?;
    insert_link(tx, at, id, &new.link).await?;
    if let Some(letter) = &new.letter {
        let letter = NewMail { subject: id.to_string(), ..letter.clone() };
        queue_mail(tx, at, &letter).await?;
    }
    Ok(id)
}

/// The newest link is the only one that works.
async fn insert_link(tx: &mut Tx<'_>, at: i64, id: UserId, link: &NewLink) -> Result<(), Error> {
    execute!(
        tx,
        "update one_time_link set used_at = $1 where person_id = $2 and used_at is null",
        at,
        id.0
    )?;
    execute!(
        tx,
        "insert into one_time_link (token, person_id, purpose, made_at, expires_at) \
         values ($1, $2, $3, $4, $5)",
        link.token.as_str(),
        id.0,
        link.purpose,
        at,
        link.expires_at
    )?;
    Ok(())
}

async fn update(tx: &mut Tx<'_>, write: &PersonWrite<'_>) -> Result<bool, Error> {
    let after = write.after;
    let found = execute!(
        tx,
        "update person set mail = $1, name = $2, role = $3, state = $4, password = $5, totp = $6, \
         totp_new = $7, totp_step = $8, language = $9, theme = $10, version = version + 1 \
         where id = $11 and version = $12",
        after.mail.as_str(),
        after.name.as_str(),
        after.role.as_str(),
        after.state.as_str(),
        after.secrets.password.as_deref(),
        after.secrets.totp.as_deref(),
        after.secrets.totp_new.as_deref(),
        after.secrets.totp_step,
        after.language.as_str(),
        after.theme.as_str(),
        after.id.0,
        write.before.version
    )?;
    Ok(found > 0)
}

fn loses_admin(write: &PersonWrite<'_>) -> bool {
    let is_one = |person: &Person| person.role.is_admin() && person.state == PersonState::Active;
    is_one(write.before) && !is_one(write.after)
}

async fn has_admin(tx: &mut Tx<'_>, partner: Option<PartnerId>) -> Result<bool, Error> {
    let found = match partner {
        Some(partner) => fetch_in!(
            tx,
            (i64,),
            "select id from person where partner_id = $1 and role = 'admin' and state = 'active' \
             limit 1",
            partner.0
        )?,
        None => fetch_in!(
            tx,
            (i64,),
            "select id from person where partner_id is null and role = 'admin' \
             and state = 'active' limit 1"
        )?,
    };
    Ok(found.is_some())
}
