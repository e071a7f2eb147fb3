//! The steps of a service: submit, return, approve, test, go live, suspend, resume, close.
//!
//! The partner asks and ends, the operator does what is between, and who wrote a description never
//! approves it (S-25). What surprises: submission and answer mean the service as long as nothing of
//! it was approved, and afterwards only its change; the step has one name for both.

use super::{
    Error, Partnership, Signed,
    numbers::field,
    services::{approved, new_secret},
};
use crate::{
    domain::{
        Billing, Gate, LifeEvent, LifeState, OnUnknown, PartnerId, Refusal, Right,
        service_life::{CHANGE_GATES, RevisionEvent, RevisionState},
        service_revision::ServiceRevision,
        terms::day_of,
    },
    store::{NewService, OfferingRow, OfferingWrite, RevisionRow, Traffic},
};

const REASON_MAX: usize = 1000;

/// What a person adds to a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepNote<'a> {
    /// The other side reads it.
    pub reason: &'a str,
    /// The links that carry its MT, for an approval; empty is the usual group.
    pub link_group: &'a str,
}

impl Partnership {
    /// Takes one step with a service or with its change.
    pub async fn step_service(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        event: LifeEvent,
        note: StepNote<'_>,
    ) -> Result<OfferingRow, Error> {
        let right = if LifeState::is_of_partner(event) {
            staff_or(signed, Right::EditServices)
        } else {
            Right::ApproveServices
        };
        self.require(signed, right)?;
        if matches!(event, LifeEvent::Submit | LifeEvent::AskClose) && signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        let (row, revisions) = self.read_service(signed, (id, version)).await?;
        let reason = check_reason(event, note.reason)?;
        match event {
            LifeEvent::Submit | LifeEvent::Return | LifeEvent::Approve => {
                let note = StepNote { reason, ..note };
                self.step_revision(signed, (&row, &revisions), event, note).await
            }
            _ => self.step_life(signed, (&row, &revisions), event, reason).await,
        }
    }

    /// A step of the description, which is one of the service too as long as it is the first.
    async fn step_revision(
        &self,
        signed: &Signed,
        (row, revisions): (&OfferingRow, &[RevisionRow]),
        event: LifeEvent,
        note: StepNote<'_>,
    ) -> Result<OfferingRow, Error> {
        let open = revisions.iter().find(|one| one.state.is_open());
        let open = open.ok_or_else(|| no_step(row, event))?;
        let mut revision = self.answered(signed, open, row, event)?;
        let mut after = row.clone();
        let is_change = row.state.is_settled();
        if !is_change {
            after.state = row.state.after(event).ok_or_else(|| no_step(row, event))?;
        }
        note.reason.clone_into(&mut after.reason);
        let (mut traffic, mut supersedes) = (Traffic::Same, None);
        match event {
            LifeEvent::Submit => {
                open.form().check().map_err(Refusal::from)?;
            }
            LifeEvent::Approve => {
                if !is_change || !note.link_group.is_empty() {
                    after.link_group = self.link_group(note.link_group)?;
                }
                supersedes = approved(revisions).map(|one| one.number);
                if is_change && row.state.is_routed() {
                    self.pass(row, &revision, CHANGE_GATES).await?;
                    traffic = self.traffic(&after, &revision, after.state)?;
                }
            }
            _ => {}
        }
        if event == LifeEvent::Return {
            (revision.submitted_by, revision.submitted_at) = (None, None);
        }
        let what = format!("service.{event}");
        let write = OfferingWrite {
            what: &what,
            before: row,
            mails: self.service_letters(row, event, note.reason).await?,
            after,
            revision: Some(revision),
            supersedes,
            traffic,
            comment: None,
            note: note.reason,
        };
        self.write_service(signed, &write).await
    }

    /// The description after a step.
    fn answered(
        &self,
        signed: &Signed,
        open: &RevisionRow,
        row: &OfferingRow,
        event: LifeEvent,
    ) -> Result<RevisionRow, Error> {
        let step = match event {
            LifeEvent::Submit => RevisionEvent::Submit,
            LifeEvent::Return => RevisionEvent::Return,
            _ => RevisionEvent::Approve,
        };
        let state = open.state.after(step).ok_or_else(|| no_step(row, event))?;
        let who = signed.caller().to_string();
        let mut revision = RevisionRow { state, ..open.clone() };
        match event {
            LifeEvent::Submit => {
                revision.submitted_by = Some(who);
                revision.submitted_at = Some(self.now());
            }
            LifeEvent::Approve => {
                // Two persons, whatever roles they have (S-25).
                if open.made_by == who || open.submitted_by.as_ref() == Some(&who) {
                    return Err(Refusal::NotAllowed.into());
                }
                revision.approved_by = Some(who);
                revision.approved_at = Some(self.now());
            }
            _ => {}
        }
        Ok(revision)
    }

    /// A step of the service itself, by the description that holds.
    async fn step_life(
        &self,
        signed: &Signed,
        (row, revisions): (&OfferingRow, &[RevisionRow]),
        event: LifeEvent,
        reason: &str,
    ) -> Result<OfferingRow, Error> {
        let state = row.state.after(event).ok_or_else(|| no_step(row, event))?;
        let holds = approved(revisions);
        let mut after = OfferingRow { state, ..row.clone() };
        reason.clone_into(&mut after.reason);
        let mut revision = None;
        let traffic = match (event, holds) {
            (LifeEvent::Close, _) => {
                after.ended_at = Some(self.now());
                Traffic::End
            }
            (LifeEvent::Suspend, _) => Traffic::State("suspended"),
            (LifeEvent::AskClose, _) => Traffic::Same,
            (_, None) => return Err(no_step(row, event)),
            (_, Some(holds)) => {
                self.pass(row, holds, event.gates()).await?;
                revision = Some(holds.clone());
                self.traffic(&after, holds, state)?
            }
        };
        if event == LifeEvent::GoLive {
            after.live_at = Some(self.now());
        }
        let what = format!("service.{event}");
        let write = OfferingWrite {
            what: &what,
            before: row,
            mails: self.service_letters(row, event, reason).await?,
            after,
            revision,
            supersedes: None,
            traffic,
            comment: None,
            note: reason,
        };
        self.write_service(signed, &write).await
    }

    /// Notes that the technical test of what holds was passed, and how it was seen.
    pub async fn pass_service_test(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        note: &str,
    ) -> Result<OfferingRow, Error> {
        self.require(signed, Right::ApproveServices)?;
        let (row, revisions) = self.read_service(signed, (id, version)).await?;
        let holds = approved(&revisions).filter(|_| row.state == LifeState::Testing);
        let holds = holds.ok_or_else(|| {
            Refusal::WrongState(format!("it is {}; a test is noted while it runs", row.state))
        })?;
        let note = check_reason(LifeEvent::Return, note)?;
        let after = OfferingRow {
            tested_at: Some(self.now()),
            tested_by: Some(signed.caller().to_string()),
            tested_revision: Some(holds.number),
            ..row.clone()
        };
        let write = OfferingWrite {
            what: "service.pass_test",
            before: &row,
            after,
            revision: None,
            supersedes: None,
            traffic: Traffic::Same,
            comment: None,
            note,
            mails: Vec::new(),
        };
        self.write_service(signed, &write).await
    }

    /// Gates with what is in their way, for a description as it is.
    pub(super) async fn gates(
        &self,
        row: &OfferingRow,
        revision: &RevisionRow,
        wanted: &[Gate],
    ) -> Result<Vec<(Gate, Option<String>)>, Error> {
        let Ok(meant) = revision.form().check() else {
            let unfinished = || Some("the description is not finished".to_owned());
            return Ok(wanted.iter().map(|gate| (*gate, unfinished())).collect());
        };
        let mut gates = Vec::new();
        for gate in wanted {
            let obstacle = match gate {
                Gate::NumberActive => self.number_obstacle(row, &meant).await?,
                Gate::TariffSet => self.tariff_obstacle(&meant).await?,
                Gate::TextsApproved => (revision.state != RevisionState::Approved)
                    .then(|| "the description is not approved".to_owned()),
                Gate::RegisterEntry => self.register_obstacle(&meant),
                Gate::TechnicalTest if row.tested_revision == Some(revision.number) => None,
                Gate::TechnicalTest => self.test_obstacle(row, &meant).await?,
            };
            gates.push((*gate, obstacle));
        }
        Ok(gates)
    }

    /// All the gates of a step, or everything that is in the way at once.
    async fn pass(
        &self,
        row: &OfferingRow,
        revision: &RevisionRow,
        wanted: &[Gate],
    ) -> Result<(), Error> {
        let gates = self.gates(row, revision, wanted).await?;
        let shut = gates.iter().filter_map(|(gate, why)| Some((gate, why.as_ref()?)));
        let told: Vec<_> = shut.map(|(gate, why)| format!("{gate}: {why}")).collect();
        if told.is_empty() { Ok(()) } else { Err(Refusal::WrongState(told.join("; ")).into()) }
    }

    async fn number_obstacle(
        &self,
        row: &OfferingRow,
        meant: &ServiceRevision,
    ) -> Result<Option<String>, Error> {
        let used = self.store.used_keywords(PartnerId(row.partner_id), &meant.number).await?;
        if used.iter().any(String::is_empty) {
            return Ok(None);
        }
        if meant.keywords.is_empty() {
            return Ok(Some(format!("{} is not in use by the partner", meant.number)));
        }
        let missing: Vec<_> = meant
            .keywords
            .iter()
            .map(crate::domain::Keyword::as_str)
            .filter(|keyword| !used.iter().any(|known| known == keyword))
            .collect();
        Ok((!missing.is_empty())
            .then(|| format!("{} on {} is not in use", missing.join(", "), meant.number)))
    }

    /// A number that costs has its price in its digits; a service cannot name another one.
    async fn tariff_obstacle(&self, meant: &ServiceRevision) -> Result<Option<String>, Error> {
        let now = self.now();
        let number = self.store.number_called(now, &meant.number).await?;
        let of_number = number.and_then(|row| row.tariff.zip(row.gross_minor));
        if let Some(code) = &meant.tariff
            && self.store.price_now(code, now).await?.is_none()
        {
            return Ok(Some(format!("tariff {code} has no price yet")));
        }
        Ok(match (meant.billing, of_number) {
            (Billing::Mo, Some((code, _))) if meant.tariff.as_deref() != Some(&*code) => {
                Some(format!("the tariff of {} is {code}", meant.number))
            }
            (Billing::Free, Some((code, gross))) if gross > 0 => {
                Some(format!("{} costs by tariff {code}", meant.number))
            }
            _ => None,
        })
    }

    /// [poland.md 2] The entry is made so many days before the first subscriber is charged.
    fn register_obstacle(&self, meant: &ServiceRevision) -> Option<String> {
        let Some((_, day)) = &meant.register else {
            return (meant.billing != Billing::Free).then(|| "there is no entry".to_owned());
        };
        let days = self.rules.register_days;
        let from = day.checked_add(jiff::Span::new().days(i64::from(days)));
        let today = day_of(self.now());
        match from {
            Ok(from) if from <= today => None,
            Ok(from) => Some(format!("it may begin on {from}")),
            Err(_) => Some("its day is too far away".to_owned()),
        }
    }

    fn link_group(&self, wanted: &str) -> Result<String, Error> {
        let groups = &self.rules.link_groups;
        let found = groups.iter().find(|group| wanted.is_empty() || *group == wanted);
        found.cloned().ok_or_else(|| field("link_group", "invalid", "is no group of links"))
    }

    /// The routed service by a description, in a state; calls are not routed here.
    fn traffic(
        &self,
        row: &OfferingRow,
        revision: &RevisionRow,
        state: LifeState,
    ) -> Result<Traffic, Error> {
        let meant = revision.form().check().map_err(Refusal::from)?;
        if !meant.is_routed() {
            return Ok(Traffic::Same);
        }
        // A number of one's own takes every text, unless keywords say which.
        let keywords = match meant.keywords.as_slice() {
            [] => vec!["*".to_owned()],
            words => words.iter().map(|word| word.as_str().to_owned()).collect(),
        };
        let callback = match meant.callback_url {
            Some(url) => Some((url, vec![new_secret()?])),
            None => None,
        };
        let is_testing = state == LifeState::Testing;
        let test_numbers = meant.test_numbers.iter().filter(|_| is_testing);
        Ok(Traffic::Be(Box::new(NewService {
            partner: row.partner.clone(),
            name: row.name.clone(),
            state: state.as_str().to_owned(),
            short_code: meant.number.to_string(),
            keywords,
            billing: meant.billing.as_str().to_owned(),
            tariff: meant.tariff.map(|code| code.to_string()),
            tariffs_allowed: Vec::new(),
            link_group: row.link_group.clone(),
            callback,
            on_unknown: match meant.on_unknown {
                OnUnknown::Park => "park".to_owned(),
                OnUnknown::Resend => "resend".to_owned(),
            },
            charge_at: "delivered".to_owned(),
            charges_per_minute: self.rules.charges_per_minute,
            charges_per_day: self.rules.charges_per_day,
            spend_per_day_minor: 0,
            validity_max_us: meant.validity_max_us,
            test_numbers: test_numbers.map(|number| number.as_str().to_owned()).collect(),
            limits: meant.limits,
            standard: meant.standard,
        })))
    }
}

/// The right of one's own side: staff approves where a partner edits.
pub(super) fn staff_or(signed: &Signed, partner: Right) -> Right {
    if signed.is_operator() { Right::ApproveServices } else { partner }
}

fn no_step(row: &OfferingRow, event: LifeEvent) -> Error {
    Refusal::WrongState(format!("it is {}; `{event}` is no step from there", row.state)).into()
}

/// A reason that the other side can read, where one is owed.
fn check_reason(event: LifeEvent, reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if reason.is_empty() && event.needs_reason() {
        return Err(field("reason", "missing", "say why; the other side reads it"));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(field("reason", "too_long", "must have 1000 characters at most"));
    }
    Ok(reason)
}
