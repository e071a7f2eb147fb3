//! The sandbox of a partner: its test access, what its software has shown there, and who may play a
//! subscriber.
//!
//! It sends nothing; the gateway does. What surprises: nobody ticks an item. Each was really done
//! by the partner's software, and a whole list opens the gate of the technical test.

use super::{Error, Partnership, Signed, access::whose};
use crate::{
    domain::{
        Exercise, Mode, PartnerId, Refusal, Right,
        sandbox::{SANDBOX_NUMBER, keyword_of},
        service_revision::ServiceRevision,
    },
    store::{ApiKeyLine, CredentialLine, OfferingRow, TestMessage},
};

/// Test messages that a page shows.
const SHOWN: i64 = 20;
/// Letters of a partner's name in a test `system_id`, and numbers that are tried behind it.
const NAME_LETTERS: usize = 9;
const NAMES_TRIED: usize = 20;

/// One item of the list before a service goes live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercised {
    pub exercise: Exercise,
    /// Microseconds UTC; none: not yet.
    pub at: Option<i64>,
    /// The session or the message that did it.
    pub evidence: String,
}

/// Everything on one page.
#[derive(Debug)]
pub struct SandboxView {
    pub credentials: Vec<CredentialLine>,
    pub keys: Vec<ApiKeyLine>,
    pub checklist: Vec<Exercised>,
    pub messages: Vec<TestMessage>,
    /// Number and keyword of its own test service, once there is one.
    pub service: Option<(String, String)>,
}

impl Partnership {
    /// A partner's own sandbox; the staff names whose it looks at.
    pub async fn sandbox(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
    ) -> Result<SandboxView, Error> {
        self.require(signed, Right::SeeCredentials)?;
        let (id, _) = whose(signed, partner)?;
        let mut credentials = self.store.credentials_of(id).await?;
        credentials.retain(|line| is_test(&line.mode) && line.is_active != 0);
        let mut keys = self.store.api_keys_of(id).await?;
        keys.retain(|line| is_test(&line.mode));
        let has_service = !credentials.is_empty() || !keys.is_empty();
        Ok(SandboxView {
            credentials,
            keys,
            checklist: self.sandbox_checklist(id).await?,
            messages: self.store.test_messages(id, SHOWN).await?,
            service: has_service
                .then(|| (SANDBOX_NUMBER.to_owned(), keyword_of(id).as_str().to_owned())),
        })
    }

    /// Every item, done or not. Whoever asks has shown whose it is.
    pub async fn sandbox_checklist(&self, partner: PartnerId) -> Result<Vec<Exercised>, Error> {
        let done = self.store.exercises(partner).await?;
        let item = |exercise: &Exercise| {
            let row = done.iter().find(|row| row.exercise == *exercise);
            Exercised {
                exercise: *exercise,
                at: row.map(|row| row.at),
                evidence: row.map(|row| row.evidence.clone()).unwrap_or_default(),
            }
        };
        Ok(Exercise::ALL.iter().map(item).collect())
    }

    /// Whose subscriber a person may play: its own partner's.
    pub fn may_text(&self, signed: &Signed) -> Result<PartnerId, Error> {
        self.require(signed, Right::EditServices)?;
        Ok(signed.partner.ok_or(Refusal::NotAllowed)?)
    }

    /// A free `system_id` for a partner's test account, from its name.
    pub async fn test_system_id(
        &self,
        signed: &Signed,
        partner: Option<PartnerId>,
    ) -> Result<String, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let (id, name) = whose(signed, partner)?;
        let known = self.store.credentials().await?;
        let fits = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
        let name = name.unwrap_or_default();
        let mut stem: String = name.chars().filter(fits).take(NAME_LETTERS).collect();
        if stem.is_empty() {
            stem = format!("p{}", id.0);
        }
        let names = (1..=NAMES_TRIED).map(|number| match number {
            1 => format!("{stem}-test"),
            number => format!("{stem}-t{number}"),
        });
        let is_free = |name: &String| known.iter().all(|line| line.system_id != *name);
        let mut free = names.into_iter().filter(is_free);
        Ok(free.next().ok_or(Refusal::Taken("system_id"))?)
    }

    /// What is in the way of a service that nobody noted a test of: whatever its partner's software
    /// has not shown yet. The sandbox speaks SMPP only: that a callback works, staff has to see.
    pub(super) async fn test_obstacle(
        &self,
        row: &OfferingRow,
        meant: &ServiceRevision,
    ) -> Result<Option<String>, Error> {
        let none = "no test of this description was passed";
        if meant.callback_url.is_some() {
            return Ok(Some(none.to_owned()));
        }
        let list = self.sandbox_checklist(PartnerId(row.partner_id)).await?;
        let open = list.iter().filter(|item| item.at.is_none());
        let open: Vec<_> = open.map(|item| item.exercise.as_str()).collect();
        let told = || format!("{none}, and the sandbox has not seen all: {}", open.join(", "));
        Ok((!open.is_empty()).then(told))
    }
}

fn is_test(mode: &str) -> bool {
    mode == Mode::Test.as_str()
}
