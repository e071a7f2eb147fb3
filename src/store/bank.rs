//! Changes of a partner's bank account that wait for a second person (S-25).
//!
//! The company's own row keeps the old account until the change is confirmed. What surprises: the
//! trail and the timeline carry the last four digits only, because more people read those than may
//! see an account (S-23).

use serde_json::json;

use super::{
    Denial, Error, Happening, NewMail, Step, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, note_happening, queue_mail},
};
use crate::domain::{Caller, PartnerId, UserId};

/// Rows of one look, and changes that one sweep ends.
const ROWS_MAX: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BankChangeRow {
    pub id: i64,
    pub partner_id: i64,
    pub legal_name: String,
    pub account: String,
    pub state: String,
    pub asked_by: i64,
    pub asked_name: String,
    pub asked_at: i64,
    pub lapses_at: i64,
    pub answered_name: String,
    pub answered_at: Option<i64>,
    pub version: i64,
}

impl BankChangeRow {
    pub fn is_open(&self) -> bool {
        self.state == "asked"
    }

    /// As much of the account as anybody may see.
    pub fn ending(&self) -> &str {
        ending(&self.account)
    }
}

/// A wish for another account.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBankChange<'a> {
    pub partner: PartnerId,
    pub account: &'a str,
    pub by: UserId,
    pub name: &'a str,
    pub lapses_at: i64,
    pub letters: &'a [NewMail],
}

/// What became of one.
#[derive(Debug, Clone, PartialEq)]
pub struct BankAnswer<'a> {
    pub id: i64,
    pub version: i64,
    /// `confirmed`, `refused`, `withdrawn` or `lapsed`.
    pub state: &'a str,
    /// None when time did it.
    pub by: Option<UserId>,
    pub name: &'a str,
    pub letters: &'a [NewMail],
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select b.id, b.partner_id, c.legal_name, b.account, b.state, b.asked_by, \
             b.asked_name, b.asked_at, b.lapses_at, b.answered_name, b.answered_at, b.version \
             from bank_change b join company c on c.partner_id = b.partner_id ",
            $rest
        )
    };
}

impl Store {
    pub async fn bank_change(&self, id: i64) -> Result<Option<BankChangeRow>, Error> {
        fetch_optional!(&self.db, BankChangeRow, select!("where b.id = $1"), id)
    }

    /// Changes of one partner, or those of all that wait; the newest first.
    pub async fn bank_changes(
        &self,
        partner: Option<PartnerId>,
    ) -> Result<Vec<BankChangeRow>, Error> {
        fetch_all!(
            &self.db,
            BankChangeRow,
            select!(
                "where ($1 = 0 and b.state = 'asked') or b.partner_id = $1 \
                 order by b.id desc limit $2"
            ),
            partner.map_or(0, |partner| partner.0),
            ROWS_MAX
        )
    }

    /// Changes that nobody answered in time.
    pub async fn bank_changes_over(&self, now: i64) -> Result<Vec<BankChangeRow>, Error> {
        fetch_all!(
            &self.db,
            BankChangeRow,
            select!("where b.state = 'asked' and b.lapses_at <= $1 order by b.id limit $2"),
            now,
            ROWS_MAX
        )
    }

    /// Keeps a wish; `Taken` if another one of the partner waits.
    pub async fn ask_bank(
        &self,
        by: &Caller,
        at: i64,
        new: &NewBankChange<'_>,
    ) -> Step<BankChangeRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("company:{}", new.partner.0);
        let detail = json!({ "ending": ending(new.account) });
        audit::append(&mut tx, at, by, "bank.ask", &subject, &detail).await?;
        let open = fetch_in!(
            &mut tx,
            (i64,),
            "select id from bank_change where partner_id = $1 and state = 'asked'",
            new.partner.0
        )?;
        if open.is_some() {
            return Ok(Err(Denial::Taken));
        }
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from bank_change").await?;
        execute!(
            &mut tx,
            "insert into bank_change (id, partner_id, account, state, asked_by, asked_name, \
             asked_at, lapses_at, answered_name, version) \
             values ($1, $2, $3, 'asked', $4, $5, $6, $7, '', 1)",
            id,
            new.partner.0,
            new.account,
            new.by.0,
            new.name,
            at,
            new.lapses_at
        )?;
        tell(&mut tx, (at, by), (&subject, "bank_asked"), new.letters).await?;
        let row = fetch_in!(&mut tx, BankChangeRow, select!("where b.id = $1"), id)?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }

    /// Ends a wish. A confirmed one is the company's account from this commit on.
    pub async fn answer_bank(
        &self,
        by: &Caller,
        at: i64,
        answer: &BankAnswer<'_>,
    ) -> Step<BankChangeRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let before = fetch_in!(&mut tx, BankChangeRow, select!("where b.id = $1"), answer.id)?;
        let Some(before) = before else { return Ok(Err(Denial::Unknown)) };
        let subject = format!("company:{}", before.partner_id);
        let detail = json!({ "change": answer.id, "ending": before.ending() });
        let what = format!("bank.{}", answer.state);
        audit::append(&mut tx, at, by, &what, &subject, &detail).await?;
        let done = execute!(
            &mut tx,
            "update bank_change set state = $1, answered_by = $2, answered_name = $3, \
             answered_at = $4, version = version + 1 \
             where id = $5 and version = $6 and state = 'asked'",
            answer.state,
            answer.by.map(|person| person.0),
            answer.name,
            at,
            answer.id,
            answer.version
        )?;
        if done == 0 {
            return Ok(Err(Denial::Stale));
        }
        if answer.state == "confirmed" {
            execute!(
                &mut tx,
                "update company set bank_account = $1, version = version + 1 where partner_id = $2",
                before.account.as_str(),
                before.partner_id
            )?;
        }
        let kind = format!("bank_{}", answer.state);
        tell(&mut tx, (at, by), (&subject, &kind), answer.letters).await?;
        let row = fetch_in!(&mut tx, BankChangeRow, select!("where b.id = $1"), answer.id)?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }
}

/// The last four characters of an account.
pub fn ending(account: &str) -> &str {
    account.get(account.len().saturating_sub(4)..).unwrap_or_default()
}

async fn tell(
    tx: &mut Tx<'_>,
    (at, by): (i64, &Caller),
    (subject, kind): (&str, &str),
    letters: &[NewMail],
) -> Result<(), Error> {
    let happening = Happening { subject, kind, note: "", is_public: true };
    note_happening(tx, at, by, &happening).await?;
    for letter in letters {
        queue_mail(tx, at, letter).await?;
    }
    Ok(())
}
