//! The sandbox in the store: a partner's own test service, what was exercised, test messages.
//!
//! It knows no rule. What surprises: whatever is asked of test messages is asked with the name of
//! their group written out, because only then is their own small index used.

use super::{
    Error, NewService, Store,
    admin::{insert_service, put_keywords},
    db::{Tx, execute, fetch_all, fetch_in},
    letters::next_id,
};
use crate::domain::{
    Exercise, Fate, MessageId, Mode, Msisdn, PartnerId, SANDBOX,
    sandbox::{SANDBOX_NUMBER, SANDBOX_SERVICE, keyword_of},
};

/// Something that a partner's software did, the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExerciseRow {
    pub exercise: Exercise,
    /// Microseconds UTC.
    pub at: i64,
    /// The session or the message that did it.
    pub evidence: String,
}

/// A test message in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TestMessage {
    pub id: i64,
    /// `mt`, `mo`
    pub direction: String,
    pub sender: String,
    pub recipient: String,
    pub state: String,
    pub accepted_at: i64,
}

impl Store {
    /// In the order in which they were done.
    pub async fn exercises(&self, partner: PartnerId) -> Result<Vec<ExerciseRow>, Error> {
        let rows = fetch_all!(
            &self.db,
            (String, i64, String),
            "select exercise, at, evidence from exercise where partner_id = $1 \
             order by at, exercise",
            partner.0
        )?;
        let row = |(word, at, evidence): (String, i64, String)| {
            let exercise = Exercise::parse(&word)?;
            Some(ExerciseRow { exercise, at, evidence })
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// The newest test messages of a partner.
    pub async fn test_messages(
        &self,
        partner: PartnerId,
        limit: i64,
    ) -> Result<Vec<TestMessage>, Error> {
        fetch_all!(
            &self.db,
            TestMessage,
            "select id, direction, sender, recipient, state, accepted_at from message \
             where link_group = 'sandbox' and partner_id = $1 order by id desc limit $2",
            partner.0,
            limit
        )
    }

    /// Test messages that were taken and have no end, with the moment of their last step.
    pub(crate) async fn sandbox_owed(
        &self,
        most: usize,
    ) -> Result<Vec<(MessageId, i64, Fate)>, Error> {
        let rows = fetch_all!(
            &self.db,
            (i64, i64, String),
            "select id, state_at, recipient from message where link_group = 'sandbox' \
             and direction = 'mt' and state in ('submitted', 'unknown') order by id limit $1",
            i64::try_from(most).unwrap_or(i64::MAX)
        )?;
        let owed = |(id, at, recipient): (i64, i64, String)| {
            let fate =
                Msisdn::parse(&recipient).map_or(Fate::Delivered, |number| Fate::of(&number));
            (MessageId(id), at, fate)
        };
        Ok(rows.into_iter().map(owed).collect())
    }
}

/// Gives a partner whose first test access is made a service to try: before any other is described.
/// It takes no text of a live subscriber, because nobody is listed as its tester.
pub(super) async fn furnish(
    tx: &mut Tx<'_>,
    at: i64,
    (partner, name): (i64, &str),
    mode: Mode,
) -> Result<(), Error> {
    if mode == Mode::Live {
        return Ok(());
    }
    let known = fetch_in!(
        &mut *tx,
        (i64,),
        "select id from service where partner_id = $1 and name = $2",
        partner,
        SANDBOX_SERVICE
    )?;
    if known.is_some() {
        return Ok(());
    }
    execute!(
        &mut *tx,
        "insert into short_code (digits, made_at) values ($1, $2) on conflict do nothing",
        SANDBOX_NUMBER,
        at
    )?;
    let keyword = keyword_of(PartnerId(partner));
    let new = NewService {
        state: "testing".to_owned(),
        ..NewService::free(name, SANDBOX_SERVICE, SANDBOX_NUMBER, &[keyword.as_str()], SANDBOX)
    };
    let id = next_id(&mut *tx, "select coalesce(max(id), 0) + 1 from service").await?;
    insert_service(&mut *tx, id, partner, at, &new).await?;
    put_keywords(tx, id, &new, &[keyword]).await
}
