//! Sessions: begun by a log-in, read at every click, ended by their owner, an administrator or
//! time.
//!
//! It decides nothing about time: it gives the moments, the verb compares. The surprise: a session
//! is read from the store each time, together with its person, so that a disabled account is dead
//! at its next click (S-09).

use serde_json::json;

use super::{
    Error, NewMail, Store, audit,
    db::{Tx, execute, fetch_all, fetch_optional},
    letters::{next_id, queue_mail},
    person::role_and_state,
};
use crate::domain::{Caller, PartnerId, PersonState, Role, UserId};

/// Sessions of one person at once; the one that was seen longest ago makes place.
const SESSIONS_MAX: i64 = 20;
/// Addresses remembered of one person.
const ADDRESSES_MAX: i64 = 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of the token, hex.
    pub token: String,
    /// Only the second factor may be set with it.
    pub is_enrolling: bool,
    pub address: String,
    pub agent: String,
    pub stepped_up_at: i64,
}

/// What proved the second factor; each works once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The time step of a code.
    Step(i64),
    /// SHA-256 of a recovery code, hex.
    Recovery(String),
    /// None yet: the session is only good for enrolment.
    None,
}

/// A log-in that was proved.
pub struct SignIn<'a> {
    pub person: UserId,
    /// Of the person when its password was compared: who was changed since is not let in.
    pub version: i64,
    pub proof: &'a Proof,
    pub session: &'a NewSession,
    /// The same password, hashed again with what is asked for today.
    pub rehashed: Option<&'a str>,
    /// Sessions that were begun before this are over whatever happened.
    pub over_before: i64,
    pub letters: &'a [NewMail],
}

/// A session with its person, as one indexed read gives it.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub token: String,
    pub id: i64,
    pub is_enrolling: bool,
    pub made_at: i64,
    pub seen_at: i64,
    pub stepped_up_at: i64,
    pub person: UserId,
    pub partner: Option<PartnerId>,
    pub partner_name: Option<String>,
    /// Of the partner's company; 0 for the operator's staff.
    pub level: i64,
    pub name: String,
    pub mail: String,
    pub role: Role,
    pub state: PersonState,
    pub language: String,
    pub theme: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    token: String,
    id: i64,
    stage: String,
    made_at: i64,
    seen_at: i64,
    stepped_up_at: i64,
    person_id: i64,
    partner_id: Option<i64>,
    partner_name: Option<String>,
    level: Option<i64>,
    name: String,
    mail: String,
    role: String,
    state: String,
    language: String,
    theme: String,
}

/// A session in the list of its owner.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct SessionLine {
    pub id: i64,
    pub made_at: i64,
    pub seen_at: i64,
    pub address: String,
    pub agent: String,
}

impl Store {
    pub async fn session(&self, token: &str) -> Result<Option<SessionView>, Error> {
        let row = fetch_optional!(
            &self.db,
            Row,
            "select s.token, s.id, s.stage, s.made_at, s.seen_at, s.stepped_up_at, s.person_id, \
             p.partner_id, a.name as partner_name, c.level, p.name, p.mail, p.role, p.state, \
             p.language, p.theme from session s join person p on p.id = s.person_id \
             left join partner a on a.id = p.partner_id \
             left join company c on c.partner_id = p.partner_id where s.token = $1",
            token
        )?;
        let Some(row) = row else { return Ok(None) };
        let (role, state) = role_and_state(row.person_id, row.partner_id, &row.role, &row.state)?;
        Ok(Some(SessionView {
            token: row.token,
            id: row.id,
            is_enrolling: row.stage == "enrol",
            made_at: row.made_at,
            seen_at: row.seen_at,
            stepped_up_at: row.stepped_up_at,
            person: UserId(row.person_id),
            partner: row.partner_id.map(PartnerId),
            partner_name: row.partner_name,
            level: row.level.unwrap_or(0),
            name: row.name,
            mail: row.mail,
            role,
            state,
            language: row.language,
            theme: row.theme,
        }))
    }

    /// Notes that a session is in use. Not audited: nobody changed anything.
    pub async fn touch_session(&self, token: &str, at: i64) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(&mut tx, "update session set seen_at = $1 where token = $2", at, token)?;
        tx.commit().await
    }

    /// Sessions of somebody that were begun after a moment, the newest first.
    pub async fn sessions_of(
        &self,
        person: UserId,
        begun_after: i64,
    ) -> Result<Vec<SessionLine>, Error> {
        fetch_all!(
            &self.db,
            SessionLine,
            "select id, made_at, seen_at, address, agent from session \
             where person_id = $1 and made_at > $2 order by seen_at desc, id desc",
            person.0,
            begun_after
        )
    }

    /// Whether somebody has logged in from there before.
    pub async fn knows_address(&self, person: UserId, address: &str) -> Result<bool, Error> {
        let found = fetch_optional!(
            &self.db,
            (i64,),
            "select last_at from known_address where person_id = $1 and address = $2",
            person.0,
            address
        )?;
        Ok(found.is_some())
    }

    /// Begins a session. False if the proof was used before; nothing is written then.
    pub async fn sign_in(&self, by: &Caller, at: i64, new: &SignIn<'_>) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = new.person.to_string();
        let proof = match new.proof {
            Proof::Step(_) => "code",
            Proof::Recovery(_) => "recovery_code",
            Proof::None => "none",
        };
        let detail = json!({ "address": new.session.address, "second_factor": proof });
        audit::append(&mut tx, at, by, "session.begin", &subject, &detail).await?;
        if !use_up(&mut tx, new.person, new.proof).await? {
            return Ok(false);
        }
        let found = execute!(
            &mut tx,
            "update person set failures = 0, last_login_at = $1, \
             password = coalesce($2, password) where id = $3 and version = $4",
            at,
            new.rehashed,
            new.person.0,
            new.version
        )?;
        if found == 0 {
            return Ok(false);
        }
        execute!(&mut tx, "delete from session where made_at < $1", new.over_before)?;
        make_place(&mut tx, new.person).await?;
        insert(&mut tx, new.person, at, new.session).await?;
        for letter in new.letters {
            queue_mail(&mut tx, at, letter).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Notes a log-in that failed; nobody is told whether the address is known.
    pub async fn note_failed_log_in(
        &self,
        by: &Caller,
        at: i64,
        person: Option<UserId>,
        address: &str,
        letter: Option<&NewMail>,
    ) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = person.map_or_else(|| "person:unknown".to_owned(), |id| id.to_string());
        let detail = json!({ "address": address });
        audit::append(&mut tx, at, by, "session.refuse", &subject, &detail).await?;
        execute!(
            &mut tx,
            "update person set failures = failures + 1 where id = $1",
            person.map_or(0, |id| id.0)
        )?;
        if let Some(letter) = letter {
            queue_mail(&mut tx, at, letter).await?;
        }
        tx.commit().await
    }

    /// Notes a fresh proof; the session goes on under a new token. False if the proof was used.
    pub async fn step_up(
        &self,
        by: &Caller,
        at: i64,
        (person, proof): (UserId, &Proof),
        (token, new_token): (&str, &str),
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = person.to_string();
        audit::append(&mut tx, at, by, "session.step_up", &subject, &json!({})).await?;
        let is_fresh = use_up(&mut tx, person, proof).await?;
        let found = execute!(
            &mut tx,
            "update session set token = $1, stepped_up_at = $2, seen_at = $3 where token = $4",
            new_token,
            at,
            at,
            token
        )?;
        if !is_fresh || found == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Ends one session of a person. False if there is none of that number.
    pub async fn end_session(
        &self,
        by: &Caller,
        at: i64,
        person: UserId,
        id: i64,
    ) -> Result<bool, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "session": id });
        audit::append(&mut tx, at, by, "session.end", &person.to_string(), &detail).await?;
        let found = execute!(
            &mut tx,
            "delete from session where person_id = $1 and id = $2",
            person.0,
            id
        )?;
        if found == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Ends all sessions of a person but one; answers how many.
    pub async fn end_sessions(
        &self,
        by: &Caller,
        at: i64,
        person: UserId,
        but: Option<i64>,
    ) -> Result<u64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        audit::append(&mut tx, at, by, "session.end_all", &person.to_string(), &json!({})).await?;
        let ended = execute!(
            &mut tx,
            "delete from session where person_id = $1 and id <> $2",
            person.0,
            but.unwrap_or(0)
        )?;
        tx.commit().await?;
        Ok(ended)
    }
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    person: UserId,
    at: i64,
    new: &NewSession,
) -> Result<(), Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from session").await?;
    execute!(
        tx,
        "insert into session (token, id, person_id, stage, made_at, seen_at, address, agent, \
         stepped_up_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.token.as_str(),
        id,
        person.0,
        if new.is_enrolling { "enrol" } else { "full" },
        at,
        at,
        new.address.as_str(),
        new.agent.as_str(),
        new.stepped_up_at
    )?;
    if new.is_enrolling { Ok(()) } else { remember_address(tx, person, at, &new.address).await }
}

/// A code or a recovery code works once, however many ask at the same moment.
async fn use_up(tx: &mut Tx<'_>, person: UserId, proof: &Proof) -> Result<bool, Error> {
    let found = match proof {
        Proof::Step(step) => execute!(
            tx,
            "update person set totp_step = $1 where id = $2 and totp_step < $3",
            *step,
            person.0,
            *step
        )?,
        Proof::Recovery(code) => execute!(
            tx,
            "delete from recovery_code where person_id = $1 and code = $2",
            person.0,
            code.as_str()
        )?,
        Proof::None => 1,
    };
    Ok(found > 0)
}

async fn make_place(tx: &mut Tx<'_>, person: UserId) -> Result<(), Error> {
    execute!(
        tx,
        "delete from session where person_id = $1 and id not in (select id from session \
         where person_id = $2 order by seen_at desc, id desc limit $3)",
        person.0,
        person.0,
        SESSIONS_MAX - 1
    )?;
    Ok(())
}

async fn remember_address(
    tx: &mut Tx<'_>,
    person: UserId,
    at: i64,
    address: &str,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into known_address (person_id, address, last_at) values ($1, $2, $3) \
         on conflict (person_id, address) do update set last_at = excluded.last_at",
        person.0,
        address,
        at
    )?;
    execute!(
        tx,
        "delete from known_address where person_id = $1 and address not in \
         (select address from known_address where person_id = $2 \
         order by last_at desc, address limit $3)",
        person.0,
        person.0,
        ADDRESSES_MAX
    )?;
    Ok(())
}
