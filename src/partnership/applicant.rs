//! An application as its owner sees it, and the mailed link that leads there.
//!
//! The link holds 128 random bits; the store has their hash, and the bits sealed for later
//! letters. What surprises: scores are not part of this view. They are the operator's opinion, and
//! the decision with its reason is what the applicant gets.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Error, Partnership};
use crate::{
    domain::{
        Caller, Refusal,
        application::{ApplicationState, JudgedArea, Purpose, Scores},
        application_form::{Form, FormRules, Task},
        deadline,
        secret::hex,
        turn::{ApplicationFacts, Journey, StepFacts, Stop, stops},
    },
    store::{ApplicationMessage, ApplicationRow, DeadlineRow, FileLine, HappeningRow},
};

/// The promise to decide.
pub(super) const DECISION: &str = "decision";
/// Begins every secret of a link, so that leaked ones are easy to search for.
const KEY_PREFIX: &str = "ba_";
/// Octets of a secret as text: the prefix and 128 bits in hex.
const KEY_OCTETS: usize = 35;
const DAY_US: i64 = 86_400_000_000;

/// Everything that an applicant may see of its application.
#[derive(Debug, Clone)]
pub struct ApplicationView {
    pub row: ApplicationRow,
    pub form: Form,
    /// The task list; empty once it was submitted.
    pub tasks: Vec<Task>,
    pub areas: Vec<JudgedArea>,
    pub messages: Vec<ApplicationMessage>,
    pub timeline: Vec<HappeningRow>,
    pub decision: Option<DeadlineRow>,
    /// What follows the acceptance.
    pub later: LaterSteps,
}

/// What an agreement, a number and a service are at, from their own nouns.
#[derive(Debug, Clone, Copy, Default)]
pub struct LaterSteps {
    pub nda: StepFacts,
    pub agreement: StepFacts,
    pub number: StepFacts,
    pub service: StepFacts,
}

impl ApplicationView {
    /// Whose turn it is, stop by stop (D13).
    pub fn stops(&self, now: i64) -> [Stop; 5] {
        let application = ApplicationFacts {
            state: self.row.state,
            accepted: self.row.is_accepted,
            decided_at: self.row.decided_at,
            decision: self.decision.as_ref().map(DeadlineRow::promise),
        };
        let LaterSteps { nda, agreement, number, service } = self.later;
        stops(&Journey { application, nda, agreement, number, service }, now)
    }
}

/// A fresh secret for a link.
pub(super) struct LinkKey {
    pub(super) shown: Zeroizing<String>,
    pub(super) hash: String,
    pub(super) sealed: Vec<u8>,
}

/// What the store has instead of a secret. The secret is random, so that a plain hash is enough.
pub(super) fn hashed(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn seal_context(hash: &str) -> String {
    format!("application.link:{hash}")
}

impl Partnership {
    pub(super) fn mint_link(&self) -> Result<LinkKey, Error> {
        let mut octets = Zeroizing::new([0_u8; 16]);
        getrandom::fill(octets.as_mut_slice())?;
        let shown = Zeroizing::new(format!("{KEY_PREFIX}{}", hex(octets.as_slice())));
        let hash = hashed(&shown);
        let sealed = self.seal.seal(&seal_context(&hash), shown.as_bytes())?;
        Ok(LinkKey { shown, hash, sealed })
    }

    /// The secret of an application's link, for a letter to its owner.
    pub(super) fn link_key(&self, row: &ApplicationRow) -> Result<Zeroizing<String>, Error> {
        let clear =
            Zeroizing::new(self.seal.open(&seal_context(&row.link_hash), &row.link_sealed)?);
        let text = std::str::from_utf8(&clear);
        text.map(|text| Zeroizing::new(text.to_owned()))
            .map_err(|_| Error::Broken("the secret of a link is no text".to_owned()))
    }

    /// Where a letter leads.
    pub(super) fn link_to(reference: &str, key: &str) -> String {
        format!("/apply/{reference}?key={key}")
    }

    pub(super) fn link_of(&self, row: &ApplicationRow) -> Result<String, Error> {
        Ok(Self::link_to(&row.reference, &self.link_key(row)?))
    }

    /// Until when a draft can be gone on with.
    pub(super) fn draft_until(&self, made_at: i64) -> i64 {
        made_at.saturating_add(i64::from(self.rules.draft_days).saturating_mul(DAY_US))
    }

    /// Who follows a link, and to which application. A wrong secret, a wrong reference and a draft
    /// that is too old are answered alike.
    pub async fn follow_link(
        &self,
        reference: &str,
        key: &str,
    ) -> Result<(Caller, ApplicationRow), Error> {
        if key.len() != KEY_OCTETS || !key.starts_with(KEY_PREFIX) {
            return Err(Refusal::LinkInvalid.into());
        }
        let row = self.store.application_by_link(&hashed(key)).await?;
        let is_live = |row: &ApplicationRow| {
            row.reference == reference
                && (row.state != ApplicationState::Draft
                    || self.now() <= self.draft_until(row.made_at))
        };
        let row = row.filter(is_live).ok_or(Refusal::LinkInvalid)?;
        Ok((Caller::Applicant { application: row.id }, row))
    }

    /// The application as its owner sees it.
    pub async fn my_application(&self, by: &Caller, id: i64) -> Result<ApplicationView, Error> {
        let row = self.own(by, id).await?;
        let mut view = self.view(row, true).await?;
        for judged in &mut view.areas {
            judged.scores = Scores::default();
        }
        // Who of the operator it was stays inside.
        let other = |who: &mut String| {
            if !who.starts_with("applicant:") {
                "operator".clone_into(who);
            }
        };
        view.messages.iter_mut().for_each(|message| other(&mut message.who));
        view.timeline.iter_mut().for_each(|line| other(&mut line.who));
        view.row.reviewer.clear();
        Ok(view)
    }

    pub(super) async fn view(
        &self,
        row: ApplicationRow,
        public_only: bool,
    ) -> Result<ApplicationView, Error> {
        let subject = row.subject();
        let form = form_of(&row)?;
        let is_draft = row.state == ApplicationState::Draft && row.purpose != Purpose::Idea;
        let tasks = if is_draft { form.tasks(&self.form_rules(row.purpose)) } else { Vec::new() };
        Ok(ApplicationView {
            areas: self.store.application_areas(row.id).await?,
            messages: self.store.application_messages(row.id).await?,
            timeline: self.store.timeline(&subject, public_only).await?,
            decision: self.store.deadline(&subject, DECISION).await?,
            later: self.later_steps(row.partner).await?,
            row,
            form,
            tasks,
        })
    }

    /// The application if the caller owns it. Somebody else's is answered as an unknown one.
    pub(super) async fn own(&self, by: &Caller, id: i64) -> Result<ApplicationRow, Error> {
        let row = self.store.application(id).await?;
        let is_own = |row: &ApplicationRow| match by {
            Caller::Applicant { application } => *application == row.id,
            // What made a company a partner was sent by somebody without an account; its people
            // may look, and write only what they began themselves.
            Caller::User { partner: Some(partner), .. } => row.partner == Some(*partner),
            _ => false,
        };
        Ok(row.filter(is_own).ok_or(Refusal::UnknownId("application"))?)
    }

    /// Files that were sent with an application, as its owner lists them.
    pub async fn my_files(&self, by: &Caller, id: i64) -> Result<Vec<FileLine>, Error> {
        let row = self.own(by, id).await?;
        Ok(self.store.files_of(&row.subject()).await?)
    }

    pub(super) fn form_rules(&self, purpose: Purpose) -> FormRules<'_> {
        FormRules {
            purpose,
            today: deadline::date(self.now()),
            documents: if purpose == Purpose::Join { &self.rules.documents } else { &[] },
            document_days_max: self.rules.document_days_max,
            privacy_notice: &self.rules.privacy_notice,
        }
    }
}

/// The form of a row; an idea has none.
pub(super) fn form_of(row: &ApplicationRow) -> Result<Form, Error> {
    if row.purpose == Purpose::Idea {
        return Ok(Form::default());
    }
    serde_json::from_str(&row.form)
        .map_err(|error| Error::Broken(format!("the form of {} cannot be read: {error}", row.id)))
}
