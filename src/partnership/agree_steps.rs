//! What the verbs of agreements share: reading, the step into force, the steps by the clock.
//!
//! It is called by no page. What surprises: a letter's data holds no text of the agreement, only
//! what its template names; the document itself goes with it as a file.

use serde_json::{Value, json};
use sha2::Digest as _;

use super::{
    Error, Partnership,
    agree::{
        Checklist, DOCUMENT_MAX, Draft, NAME_MAX, NewAgreementOf, REASON_MAX, REPLY, RETURN,
        Rendered, Stop,
    },
};
use crate::{
    domain::{
        AgreementEvent, AgreementKind, AgreementState, Caller, PartnerId, Refusal, ReplyItem, Side,
        agreement_kind::micros, refusal::FieldFault, secret::hex, terms::day_of,
    },
    store::{
        AgreementRow, AgreementWrite, CompanyStep, Constraint, Deadline, Denial, Happening,
        Invitation, NewDocument, NewMail, NewSignature, PartyRow, Whose, prepare_rule,
    },
};

pub(super) const UNKNOWN: Refusal = Refusal::UnknownId("agreement");

impl Partnership {
    /// The step into force: everything that it brings is one transaction.
    pub(super) async fn enter(
        &self,
        by: &Caller,
        (row, mut after): (&AgreementRow, AgreementRow),
        kind: &AgreementKind,
        signature: Option<NewSignature<'_>>,
        administrator: Option<&Invitation>,
    ) -> Result<AgreementRow, Error> {
        let now = self.now();
        after.in_force_at = Some(now);
        after.slot = None;
        let mut done = Vec::new();
        if signature.as_ref().is_some_and(|own| own.side == Side::Operator && own.file.is_some()) {
            // A copy with both signatures goes with the letter; paper goes by post and is ticked.
            done.push(ReplyItem::SignedCopy);
        }
        if kind.admits {
            done.extend([ReplyItem::PartnerNumber, ReplyItem::RegisteringServices]);
        }
        if administrator.is_some() {
            done.push(ReplyItem::Access);
        }
        tick(&mut after, kind, &done);
        let copy = signature.as_ref().and_then(|own| own.file).map(str::to_owned);
        let checklist = Checklist::of(kind, &after);
        let mut write = self.write(row, after, "agreement.in_force", "agreement_in_force");
        write.requires = &kind.requires;
        write.supersedes = !kind.many;
        write.company = kind.admits.then_some(CompanyStep::Admit);
        write.invites = administrator;
        write.meets = if checklist.is_complete() { vec![RETURN, REPLY] } else { vec![RETURN] };
        let data = json!({ "admits": kind.admits });
        let files = copy.filter(|_| kind.signatories.contains(&Side::Operator));
        write.mails =
            vec![letter(row, kind, "agreement_in_force", files.into_iter().collect(), &data)];
        write.detail = json!({
            "way": signature.as_ref().map(|own| own.way),
            "file": signature.as_ref().and_then(|own| own.file),
        });
        write.signature = signature;
        let company = format!("company:{}", row.partner_id);
        let next: Vec<_> = self.kinds.prepared_after(&kind.name).collect();
        let rules: Vec<_> = next.iter().map(|kind| prepare_rule(&kind.name)).collect();
        write.starts = rules
            .iter()
            .zip(&next)
            .filter_map(|(rule, kind)| {
                let due_at = now.saturating_add(micros(kind.prepare_within_days?));
                Some(Deadline { subject: &company, rule, owner: "operator", due_at })
            })
            .collect();
        self.step_agreement(by, write).await
    }

    /// The end by a person's word.
    pub(super) async fn end(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        (event, reason): (AgreementEvent, &str),
    ) -> Result<AgreementRow, Error> {
        let row = self.read(by, id, version).await?;
        let kind = self.kind(&row.kind)?;
        let reason = text("reason", reason, REASON_MAX)?;
        let mut after = stepped(&row, event)?;
        reason.clone_into(&mut after.reason);
        let declines = event == AgreementEvent::Decline;
        let (what, template) = if declines {
            ("agreement.decline", "agreement_declined")
        } else {
            ("agreement.terminate", "agreement_terminated")
        };
        self.close(&mut after);
        let mut write = self.write(&row, after, what, template);
        write.happening.note = reason;
        write.company = (kind.admits && !declines).then_some(CompanyStep::Close);
        write.mails = vec![letter(&row, kind, template, Vec::new(), &json!({ "reason": reason }))];
        write.meets = vec![RETURN, REPLY];
        self.step_agreement(by, write).await
    }

    /// Its last day is over. What it admitted to traffic ends in the same transaction.
    pub(super) async fn expire(
        &self,
        row: &AgreementRow,
        kind: &AgreementKind,
    ) -> Result<AgreementRow, Error> {
        let mut after = stepped(row, AgreementEvent::Expire)?;
        self.close(&mut after);
        let mut write = self.write(row, after, "agreement.expire", "agreement_expired");
        write.company = kind.admits.then_some(CompanyStep::Close);
        write.mails = vec![letter(row, kind, "agreement_expired", Vec::new(), &json!({}))];
        write.meets = vec![REPLY];
        self.step_agreement(&Caller::Gateway, write).await
    }

    /// Nobody returned it in time (Q4.9). The slot is free again for another one of its kind.
    pub(super) async fn lapse(
        &self,
        row: &AgreementRow,
        kind: &AgreementKind,
    ) -> Result<AgreementRow, Error> {
        let mut after = stepped(row, AgreementEvent::Lapse)?;
        self.close(&mut after);
        let mut write = self.write(row, after, "agreement.lapse", "agreement_lapsed");
        write.mails = vec![letter(row, kind, "agreement_lapsed", Vec::new(), &json!({}))];
        self.step_agreement(&Caller::Gateway, write).await
    }

    /// One reminder, however many are due: after a pause nobody gets three at once.
    /// A reminder moves no state; its own count keeps the sweep from sending it twice.
    pub(super) async fn remind(
        &self,
        row: &AgreementRow,
        kind: &AgreementKind,
    ) -> Result<AgreementRow, Error> {
        let (now, sent_at) = (self.now(), row.sent_at.unwrap_or(row.prepared_at));
        let days = &kind.remind_after_days;
        let due = days.iter().filter(|days| sent_at.saturating_add(micros(**days)) <= now).count();
        let mut after = row.clone();
        after.reminders = i64::try_from(due).unwrap_or(i64::MAX);
        after.remind_at = kind.remind_at(sent_at, due);
        let mut write = self.write(row, after, "agreement.remind", "agreement_reminder");
        let data = json!({ "return_by": row.return_by, "lapse_at": row.lapse_at });
        let files = row.file_id.clone().into_iter().collect();
        write.mails = vec![letter(row, kind, "agreement_reminder", files, &data)];
        self.step_agreement(&Caller::Gateway, write).await
    }

    /// Where a partner stands on its way in: every agreement that the way needs (D13).
    pub async fn agreement_stops(
        &self,
        by: &Caller,
        partner: PartnerId,
    ) -> Result<Vec<Stop>, Error> {
        let is_own = match by {
            Caller::Applicant { application } => {
                let whose = Whose::Application(*application);
                let (rows, _) = self.store.agreements(whose, None, None, (0, 1), false).await?;
                rows.iter().any(|row| row.partner_id == partner.0)
            }
            _ => by.partner() == Some(partner),
        };
        let is_staff = staff(by).is_ok();
        if !is_staff && !is_own {
            return Err(Refusal::UnknownId("partner").into());
        }
        let goal = self.kinds.iter().find(|kind| kind.admits);
        let on_way = |kind: &&AgreementKind| {
            goal.is_some_and(|goal| goal.name == kind.name || goal.requires.contains(&kind.name))
        };
        let (now, mut stops) = (self.now(), Vec::new());
        for kind in self.kinds.iter().filter(on_way) {
            let (rows, _) = self
                .store
                .agreements(Whose::Partner(partner), None, Some(&kind.name), (0, 1), is_staff)
                .await?;
            stops.push(self.stop(partner, kind, rows.into_iter().next(), now).await?);
        }
        Ok(stops)
    }

    async fn stop(
        &self,
        partner: PartnerId,
        kind: &AgreementKind,
        row: Option<AgreementRow>,
        now: i64,
    ) -> Result<Stop, Error> {
        let company = format!("company:{}", partner.0);
        let Some(row) = row else {
            let due_at = self.store.promised(&company, &prepare_rule(&kind.name)).await?;
            return Ok(Stop {
                kind: kind.name.to_string(),
                number: None,
                state: "awaited",
                turn: due_at.map(|_| Side::Operator),
                due_at,
                is_late: due_at.is_some_and(|due| due < now),
                done_at: None,
            });
        };
        let turn = row.state.turn(Checklist::of(kind, &row).is_complete());
        let due_at = match (row.state, turn) {
            (_, None) => None,
            (AgreementState::Draft, _) => {
                self.store.promised(&company, &prepare_rule(&kind.name)).await?
            }
            (AgreementState::Sent, _) => row.return_by,
            _ => self.store.promised(&row.subject(), REPLY).await?,
        };
        Ok(Stop {
            kind: row.kind,
            number: Some(row.number),
            state: row.state.as_str(),
            turn,
            due_at,
            is_late: due_at.is_some_and(|due| due < now),
            done_at: row.in_force_at.or(row.ended_at),
        })
    }

    pub(super) fn kind(&self, name: &str) -> Result<&AgreementKind, Error> {
        self.kinds.get(name).ok_or_else(|| wrong("kind", "is no kind of agreement"))
    }

    pub(super) async fn party(&self, partner: PartnerId) -> Result<PartyRow, Error> {
        Ok(self.store.party(partner).await?.ok_or(Refusal::UnknownId("partner"))?)
    }

    /// The row as the caller has seen it.
    pub(super) async fn read(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
    ) -> Result<AgreementRow, Error> {
        let row = self.agreement(by, id).await?;
        // A person of the partner acts; a key or a session only looks.
        if staff(by).is_err() && !matches!(by, Caller::User { .. } | Caller::Applicant { .. }) {
            return Err(Refusal::NotAllowed.into());
        }
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        Ok(row)
    }

    /// What the text of an agreement is filled with, and the terms that it shall have.
    pub(super) async fn draft(
        &self,
        row: &AgreementRow,
        kind: &AgreementKind,
    ) -> Result<(Draft, Option<i64>), Error> {
        let company = self.party(PartnerId(row.partner_id)).await?;
        let terms = self.store.current_terms(&kind.name).await?;
        let partner = PartnerId(row.partner_id);
        let admits = self.kinds.iter().find(|kind| kind.admits).map_or("", |kind| &kind.name);
        let framework_number = self.store.number_in_force(partner, admits).await?;
        let areas = self.store.accepted_areas(partner).await?;
        let id = terms.as_ref().map(|terms| terms.id);
        let terms_label = terms.as_ref().map(|terms| terms.label.clone());
        let draft = Draft {
            number: row.number.clone(),
            kind: row.kind.clone(),
            title: kind.title.of(&row.language).to_owned(),
            language: row.language.clone(),
            date: day_of(row.prepared_at).to_string(),
            copies: kind.copies,
            stamp: kind.stamp,
            return_within_days: kind.return_within_days,
            notice_days: kind.notice_days,
            framework_number: framework_number.unwrap_or_default(),
            areas,
            enclosures: kind.enclosures.iter().map(ToString::to_string).collect(),
            company,
            terms: terms.map(
                |terms| {
                    if row.language == "en" { terms.text_en } else { terms.text_pl }
                },
            ),
            terms_label,
        };
        Ok((draft, id))
    }

    pub(super) fn document(
        &self,
        row: &AgreementRow,
        rendered: &Rendered,
    ) -> Result<NewDocument, Error> {
        let (html, pdf) = (&rendered.html, &rendered.pdf);
        if pdf.is_empty() || pdf.len() > DOCUMENT_MAX || html.len() > DOCUMENT_MAX {
            return Err(Error::Broken(format!("a document of {} octets", pdf.len())));
        }
        let sha256 = hex(&sha2::Sha256::digest(pdf));
        if sha256 != rendered.sha256 {
            return Err(Error::Broken("the document is not the one that was hashed".to_owned()));
        }
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)?;
        let file = hex(&octets);
        let sealed = self.seal.seal(&format!("file:{file}"), pdf)?;
        Ok(NewDocument {
            name: format!("{}.pdf", row.number.replace('/', "-")),
            octets: i64::try_from(pdf.len()).unwrap_or(i64::MAX),
            html: html.clone(),
            file,
            sha256,
            sealed,
        })
    }

    fn close(&self, after: &mut AgreementRow) {
        after.ended_at = Some(self.now());
        (after.slot, after.lapse_at, after.remind_at) = (None, None, None);
    }

    /// A write that only moves the row; the verb adds what goes with it.
    pub(super) fn write<'a>(
        &self,
        before: &'a AgreementRow,
        after: AgreementRow,
        what: &'a str,
        kind: &'a str,
    ) -> AgreementWrite<'a> {
        AgreementWrite {
            at: self.now(),
            what,
            detail: json!({}),
            before,
            after,
            requires: &[],
            supersedes: false,
            document: None,
            signature: None,
            rejects: None,
            company: None,
            mails: Vec::new(),
            happening: Happening { subject: "", kind, note: "", is_public: true },
            starts: Vec::new(),
            meets: Vec::new(),
            invites: None,
        }
    }

    pub(super) async fn step_agreement(
        &self,
        by: &Caller,
        mut write: AgreementWrite<'_>,
    ) -> Result<AgreementRow, Error> {
        self.lead_in(&mut write).await?;
        match self.store.step_agreement(by, &write).await {
            Err(crate::store::Error::Conflict(Constraint::PersonMail)) => {
                Err(Refusal::Taken("mail address").into())
            }
            other => said(other?),
        }
    }
}

/// The operator's people, at the portal or at the host.
pub(super) fn staff(by: &Caller) -> Result<(), Error> {
    match by {
        Caller::User { partner: None, .. } | Caller::Operator { .. } => Ok(()),
        _ => Err(Refusal::NotAllowed.into()),
    }
}

/// Its own, once it was sent: a draft is the operator's until then.
pub(super) fn may_see(by: &Caller, row: &AgreementRow) -> bool {
    let is_own = match by {
        Caller::Applicant { application } => row.application_id == Some(*application),
        _ => by.partner() == Some(PartnerId(row.partner_id)),
    };
    staff(by).is_ok() || (is_own && row.sent_at.is_some())
}

pub(super) fn said<T>(step: Result<T, Denial>) -> Result<T, Error> {
    Ok(step.map_err(|denial| match denial {
        Denial::Unknown => UNKNOWN,
        Denial::Stale => Refusal::VersionConflict,
        Denial::Missing(kind) => Refusal::WrongState(format!("`{kind}` is not in force")),
        Denial::File => Refusal::UnknownId("file"),
        Denial::Taken => Refusal::Taken("kind of agreement"),
    })?)
}

/// The row after a step, or the refusal of a step that does not exist from here.
/// The row after a legal step; the one place where a state is moved.
pub(super) fn stepped(row: &AgreementRow, event: AgreementEvent) -> Result<AgreementRow, Error> {
    let state = row.state.after(event).ok_or_else(|| no_step(row.state, event.as_str()))?;
    Ok(AgreementRow { state, ..row.clone() })
}

pub(super) fn no_step(state: AgreementState, what: &str) -> Error {
    Refusal::WrongState(format!("the agreement is {state}; `{what}` is no step from there")).into()
}

/// One field, one reason; pages show it at the field.
pub(super) fn wrong(field: &'static str, detail: &str) -> Error {
    Refusal::FieldErrors(vec![FieldFault::new(field, "invalid", detail)]).into()
}

/// Clocks of a copy that is awaited run from now.
pub(super) fn await_copy(after: &mut AgreementRow, kind: &AgreementKind, now: i64) {
    after.sent_at = Some(now);
    after.return_by = Some(kind.return_by(now));
    after.lapse_at = Some(kind.lapse_at(now));
    after.reminders = 0;
    after.remind_at = kind.remind_at(now, 0);
}

pub(super) fn tick(after: &mut AgreementRow, kind: &AgreementKind, done: &[ReplyItem]) {
    let before = Checklist::of(kind, after).0;
    let words: Vec<_> = before
        .into_iter()
        .filter(|(item, is_done)| *is_done || done.contains(item))
        .map(|(item, _)| item.as_str())
        .collect();
    after.replied = words.join(",");
}

pub(super) fn text<'a>(field: &'static str, value: &'a str, most: usize) -> Result<&'a str, Error> {
    let value = value.trim();
    let is_plain = value.chars().all(|letter| !letter.is_control() || letter == '\n');
    if value.is_empty() || value.len() > most || !is_plain {
        return Err(wrong(field, &format!("must be 1 to {most} octets of text")));
    }
    Ok(value)
}

pub(super) fn check_contact(new: &NewAgreementOf) -> Result<(), Error> {
    text("contact_name", &new.contact_name, NAME_MAX)?;
    let mail = text("contact_mail", &new.contact_mail, NAME_MAX)?;
    let is_mail =
        mail.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !is_mail || mail.contains([' ', '\n', ',']) {
        return Err(wrong("contact_mail", "must be one mail address"));
    }
    Ok(())
}

/// A letter about an agreement, to its contact; `data` adds to what all of them have.
pub(super) fn letter(
    row: &AgreementRow,
    kind: &AgreementKind,
    template: &'static str,
    attachments: Vec<String>,
    data: &Value,
) -> NewMail {
    let mut all = json!({
        "number": row.number, "kind": row.kind, "title": kind.title.of(&row.language),
        "link": format!("/agreements/{}", row.id),
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, data) {
        all.extend(more.clone());
    }
    NewMail {
        recipient: row.contact_mail.clone(),
        recipient_name: row.contact_name.clone(),
        language: row.language.clone(),
        template,
        data: all,
        attachments,
        subject: row.subject(),
        partner: Some(PartnerId(row.partner_id)),
    }
}
