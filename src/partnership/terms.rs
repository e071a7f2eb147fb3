//! The verbs of terms: draft, approve by a second person, publish, tell everybody, answer, take
//! effect.
//!
//! Publishing and telling are two things: the first is one row, the second goes through all
//! partners in pages and may be interrupted anywhere. What surprises: partners that come between
//! the publication and the effect are told as well, because telling asks who was not told yet.

use jiff::civil::Date;
use serde_json::json;

use super::{
    Error, Partnership, Signed,
    agree_steps::{letter, staff, text, wrong},
};
use crate::{
    domain::{
        Caller, PartnerId, Refusal, Right, UserId,
        agreement_kind::Both,
        terms::{AppliesTo, Consent, TermsEvent, TermsState, day_begins, is_notice_enough},
        wording::{self, ClauseChange},
    },
    store::{Addressee, Denial, NewMail, NewTerms, NoticeOfTerms, NoticeRow, TermsRow},
};

const UNKNOWN: Refusal = Refusal::UnknownId("terms");
/// Octets of one text, of a summary, of a label.
const TEXT_MAX: usize = 512 << 10;
const SUMMARY_MAX: usize = 8 << 10;
const LABEL_MAX: usize = 64;
/// Partners of one transaction.
const PAGE: i64 = 100;
/// Pages of one sweep, so that it ends; the next one goes on.
const PAGES_MAX: usize = 1000;

/// A new wording of the terms of one kind of agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsDraft {
    pub kind: String,
    pub label: String,
    pub applies_to: AppliesTo,
    pub consent: Consent,
    /// Markdown, with numbered clauses.
    pub text: Both,
    /// What changes, in a few sentences; it stands in the letters.
    pub summary: Both,
}

/// Both wordings, clause by clause.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// Label of the older version; none if there is none.
    pub old: Option<String>,
    pub new: String,
    pub clauses: Vec<ClauseChange>,
}

/// What a sweep over changed terms did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TermsSwept {
    pub told: usize,
    pub suspended: usize,
    pub moved: usize,
    /// Versions that are in force from now on.
    pub begun: usize,
}

impl Partnership {
    pub async fn draft_terms(&self, by: &Caller, new: &TermsDraft) -> Result<TermsRow, Error> {
        staff(by)?;
        let kind = self.kind(&new.kind)?;
        check(new)?;
        let made_by = who(by)?;
        let new = NewTerms {
            kind: &kind.name,
            label: text("label", &new.label, LABEL_MAX)?,
            applies_to: new.applies_to.as_str(),
            consent: new.consent.as_str(),
            text: [&new.text.pl, &new.text.en],
            summary: [&new.summary.pl, &new.summary.en],
            made_by: &made_by,
        };
        said(self.store.begin_terms(by, self.now(), &new).await?)
    }

    /// Changes the texts of a draft; an approval that was given is void with it.
    pub async fn edit_terms(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        (texts, summary): (Both, Both),
    ) -> Result<TermsRow, Error> {
        staff(by)?;
        let row = self.read_terms(id, version).await?;
        if row.state != TermsState::Draft {
            return Err(no_step(row.state, "edit"));
        }
        check_texts(&texts, &summary)?;
        let after = TermsRow {
            text_pl: texts.pl,
            text_en: texts.en,
            summary_pl: summary.pl,
            summary_en: summary.en,
            made_by: who(by)?,
            made_at: self.now(),
            approved_by: None,
            approved_at: None,
            ..row.clone()
        };
        said(self.store.write_terms(by, self.now(), "terms.edit", &row, &after).await?)
    }

    /// A second person has read it (B.4 rule 9).
    pub async fn approve_terms(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
    ) -> Result<TermsRow, Error> {
        staff(by)?;
        let row = self.read_terms(id, version).await?;
        if row.state != TermsState::Draft {
            return Err(no_step(row.state, "approve"));
        }
        let approved_by = who(by)?;
        if approved_by == row.made_by {
            return Err(Refusal::WrongState(
                "who wrote the terms cannot approve them; another person must".to_owned(),
            )
            .into());
        }
        let after = TermsRow {
            approved_by: Some(approved_by),
            approved_at: Some(self.now()),
            ..row.clone()
        };
        said(self.store.write_terms(by, self.now(), "terms.approve", &row, &after).await?)
    }

    /// Publishes an approved version with the day of its effect. The sweep tells everybody.
    pub async fn publish_terms(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
        effective: Date,
    ) -> Result<TermsRow, Error> {
        staff(by)?;
        let row = self.read_terms(id, version).await?;
        let state = stepped(&row, TermsEvent::Publish)?;
        if row.approved_by.is_none() {
            return Err(
                Refusal::WrongState("no second person has approved it yet".to_owned()).into()
            );
        }
        let now = self.now();
        let days = self.kind(&row.kind)?.notice_days;
        // Terms that nobody has yet bind nobody who could refuse them.
        let binds = row.applies_to == AppliesTo::All.as_str();
        if binds && !is_notice_enough(now, effective, days) {
            let detail = format!("must be {days} days after today, or later");
            return Err(wrong("effective_day", &detail));
        }
        let from = day_begins(effective).ok_or_else(|| wrong("effective_day", "is no day"))?;
        if !binds && effective < crate::domain::terms::day_of(now) {
            return Err(wrong("effective_day", "is over"));
        }
        let after = TermsRow {
            state,
            published_at: Some(now),
            effective_day: Some(effective.to_string()),
            effective_from: Some(from),
            ..row.clone()
        };
        said(self.store.write_terms(by, now, "terms.publish", &row, &after).await?)
    }

    /// Takes a version back, before its effect only.
    pub async fn withdraw_terms(
        &self,
        by: &Caller,
        id: i64,
        version: i64,
    ) -> Result<TermsRow, Error> {
        staff(by)?;
        let row = self.read_terms(id, version).await?;
        let state = stepped(&row, TermsEvent::Withdraw)?;
        let now = self.now();
        if row.effective_from.is_some_and(|from| from <= now) {
            return Err(no_step(row.state, "withdraw after its day of effect"));
        }
        let after = TermsRow { state, ended_at: Some(now), ..row.clone() };
        said(self.store.write_terms(by, now, "terms.withdraw", &row, &after).await?)
    }

    /// "I accept" or "I do not accept", for the partner of the caller, until the day of effect.
    pub async fn answer_terms(&self, by: &Caller, id: i64, accepts: bool) -> Result<(), Error> {
        let Caller::User { partner: Some(partner), .. } = by else {
            return Err(Refusal::NotAllowed.into());
        };
        let terms = self.terms(by, id).await?;
        if self.store.notices(id, Some(*partner), (0, 1)).await?.is_empty() {
            return Err(UNKNOWN.into());
        }
        match self.store.answer_terms(by, self.now(), id, *partner, accepts).await? {
            Ok(()) => Ok(()),
            Err(_) => Err(no_step(terms.state, "answer")),
        }
    }

    /// A version; who is not staff sees what was published.
    pub async fn terms(&self, by: &Caller, id: i64) -> Result<TermsRow, Error> {
        let row = self.store.terms(id).await?;
        let may_see = |row: &TermsRow| staff(by).is_ok() || row.published_at.is_some();
        Ok(row.filter(may_see).ok_or(UNKNOWN)?)
    }

    /// Versions of one kind, or of all; drafts only for staff. Published ones are public (R1.18).
    pub async fn terms_list(
        &self,
        by: &Caller,
        kind: Option<&str>,
    ) -> Result<Vec<TermsRow>, Error> {
        let kind = kind.unwrap_or_default();
        Ok(self.store.terms_list(kind, staff(by).is_ok()).await?)
    }

    /// The name of who wrote or approved a version, as its row keeps them.
    pub async fn doer(&self, who: &str) -> Result<String, Error> {
        let id = who.strip_prefix("person:").and_then(|id| id.parse().ok());
        let person = match id {
            Some(id) => self.store.person(UserId(id)).await?,
            None => None,
        };
        let name = person.map(|person| person.name);
        Ok(name.unwrap_or_else(|| who.trim_start_matches("operator:").to_owned()))
    }

    /// A version beside the one before it.
    pub async fn compare_terms(
        &self,
        by: &Caller,
        id: i64,
        language: &str,
    ) -> Result<Comparison, Error> {
        let new = self.terms(by, id).await?;
        let old = self.store.terms_before(&new).await?;
        let of = |row: &TermsRow| {
            if language == "en" { row.text_en.clone() } else { row.text_pl.clone() }
        };
        let before = old.as_ref().map(of).unwrap_or_default();
        Ok(Comparison {
            clauses: wording::compare(&before, &of(&new)),
            old: old.map(|old| old.label),
            new: new.label,
        })
    }

    /// Who was told when and answered what; a partner sees its own.
    pub async fn notices(
        &self,
        by: &Caller,
        terms: i64,
        page: (i64, i64),
    ) -> Result<Vec<NoticeRow>, Error> {
        let partner = match by.partner() {
            Some(partner) => Some(partner),
            None => staff(by).map(|()| None)?,
        };
        Ok(self.store.notices(terms, partner, page).await?)
    }

    /// A partner's person gets every notice of the partner; the desk those that did not arrive.
    pub async fn notices_told(&self, signed: &Signed) -> Result<Vec<NoticeOfTerms>, Error> {
        self.require(signed, Right::SeeAgreements)?;
        Ok(match signed.partner {
            Some(partner) => self.store.notices_of(partner).await?,
            None => self.store.bounced_notices().await?,
        })
    }

    /// Tells who was not told, and carries out what is due. Repeated, it does nothing twice.
    pub async fn sweep_terms(&self) -> Result<TermsSwept, Error> {
        let mut swept = TermsSwept::default();
        let open = self.store.published_terms().await?;
        if open.is_empty() {
            return Ok(swept);
        }
        self.store.sync_notices(self.now()).await?;
        for terms in open {
            if terms.effective_from.is_some_and(|from| from <= self.now()) {
                self.take_effect(&terms, &mut swept).await?;
            } else if terms.applies_to == AppliesTo::All.as_str() {
                swept.told += self.tell(&terms).await?;
            }
        }
        Ok(swept)
    }

    async fn tell(&self, terms: &TermsRow) -> Result<usize, Error> {
        let (mut after, mut told) = (0, 0);
        for _ in 0..PAGES_MAX {
            let (partners, people) = self.store.untold(terms.id, after, PAGE).await?;
            let Some(last) = partners.last() else { break };
            after = *last;
            let letters: Vec<_> = people.iter().map(|person| notice(terms, person)).collect();
            if !letters.is_empty() {
                let by = Caller::Gateway;
                told += self.store.write_notices(&by, self.now(), terms.id, &letters).await?;
            }
        }
        Ok(told)
    }

    async fn take_effect(&self, terms: &TermsRow, swept: &mut TermsSwept) -> Result<(), Error> {
        let Some(kind) = self.kinds.get(&terms.kind) else { return Ok(()) };
        let data = json!({ "reason": "refused_terms", "label": terms.label });
        let told = |row: &_| letter(row, kind, "agreement_suspended", Vec::new(), &data);
        for _ in 0..PAGES_MAX {
            let page = self.store.effect_page(self.now(), terms, PAGE, &told).await?;
            swept.suspended += page.suspended;
            swept.moved += page.moved;
            if page.partners == 0 {
                swept.begun += 1;
                break;
            }
        }
        Ok(())
    }

    async fn read_terms(&self, id: i64, version: i64) -> Result<TermsRow, Error> {
        let row = self.store.terms(id).await?.ok_or(UNKNOWN)?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        Ok(row)
    }
}

/// Who somebody is, for the rule of two persons: a changed name makes nobody another person.
fn who(by: &Caller) -> Result<String, Error> {
    match by {
        Caller::User { partner: None, user, .. } => Ok(user.to_string()),
        Caller::Operator { name } => Ok(format!("operator:{name}")),
        _ => Err(Refusal::NotAllowed.into()),
    }
}

fn said<T>(step: Result<T, Denial>) -> Result<T, Error> {
    Ok(step.map_err(|denial| match denial {
        Denial::Taken => Refusal::Taken("label"),
        Denial::Stale => Refusal::VersionConflict,
        _ => UNKNOWN,
    })?)
}

fn stepped(row: &TermsRow, event: TermsEvent) -> Result<TermsState, Error> {
    row.state.after(event).ok_or_else(|| no_step(row.state, event.as_str()))
}

fn no_step(state: TermsState, what: &str) -> Error {
    Refusal::WrongState(format!("the terms are {state}; `{what}` is no step from there")).into()
}

fn check(new: &TermsDraft) -> Result<(), Error> {
    text("label", &new.label, LABEL_MAX)?;
    check_texts(&new.text, &new.summary)
}

fn check_texts(texts: &Both, summary: &Both) -> Result<(), Error> {
    for (field, value, most) in [
        ("text.pl", &texts.pl, TEXT_MAX),
        ("text.en", &texts.en, TEXT_MAX),
        ("summary.pl", &summary.pl, SUMMARY_MAX),
        ("summary.en", &summary.en, SUMMARY_MAX),
    ] {
        text(field, value, most)?;
    }
    Ok(())
}

/// The letter of a notice. The whole text is too long for it: it names the page that has it.
fn notice(terms: &TermsRow, person: &Addressee) -> NewMail {
    let is_english = person.language == "en";
    let summary = if is_english { &terms.summary_en } else { &terms.summary_pl };
    NewMail {
        recipient: person.mail.clone(),
        recipient_name: person.name.clone(),
        language: person.language.clone(),
        template: "terms_changed",
        data: json!({
            "terms": terms.id, "label": terms.label, "kind": terms.kind, "summary": summary,
            "effective_day": terms.effective_day, "consent": terms.consent,
            "link": format!("/terms/{}", terms.id),
        }),
        attachments: Vec::new(),
        subject: format!("terms:{}", terms.id),
        partner: Some(PartnerId(person.partner_id)),
    }
}
