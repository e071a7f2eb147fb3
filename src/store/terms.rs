//! Versions of terms and the notices of their change.
//!
//! Notices and effects go partner by partner in pages, each page a transaction of its own, so that
//! the number of partners never makes one too long. What surprises: a page that is done twice
//! writes nothing the second time. A notice is unique, and the effect moves a mark that is part of
//! its own condition.

use serde_json::json;

use super::{
    AgreementRow, AgreementWrite, CompanyStep, Denial, Error, Happening, NewMail, Step, Store,
    agreement_steps::step_in,
    agreements::select,
    audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::{next_id, note_happening, queue_mail},
};
use crate::domain::{
    AgreementEvent, Caller, PartnerId,
    terms::{Consent, TermsState},
};

/// Rows of one page at most.
const PAGE_MAX: i64 = 500;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct TermsRow {
    pub id: i64,
    pub kind: String,
    pub label: String,
    #[sqlx(try_from = "String")]
    pub state: TermsState,
    pub applies_to: String,
    pub consent: String,
    pub text_pl: String,
    pub text_en: String,
    pub summary_pl: String,
    pub summary_en: String,
    pub made_by: String,
    pub made_at: i64,
    pub approved_by: Option<String>,
    pub approved_at: Option<i64>,
    pub published_at: Option<i64>,
    pub effective_day: Option<String>,
    pub effective_from: Option<i64>,
    pub effect_after: Option<i64>,
    pub in_force_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub version: i64,
}

impl TryFrom<String> for TermsState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or(word)
    }
}

/// One person told of one change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct NoticeRow {
    pub id: i64,
    pub terms_id: i64,
    pub partner_id: i64,
    pub recipient: String,
    pub recipient_name: String,
    pub state: String,
    pub mail_id: i64,
    pub queued_at: i64,
    pub sent_at: Option<i64>,
    pub delivered_at: Option<i64>,
    pub bounced_at: Option<i64>,
    pub answered_by: Option<String>,
    pub answered_at: Option<i64>,
}

/// A notice with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NoticeOfTerms {
    pub id: i64,
    pub terms_id: i64,
    pub partner_id: i64,
    pub legal_name: String,
    pub label: String,
    pub summary_pl: String,
    pub summary_en: String,
    pub effective_day: Option<String>,
    pub recipient: String,
    pub recipient_name: String,
    pub state: String,
    pub queued_at: i64,
    pub sent_at: Option<i64>,
    pub answered_at: Option<i64>,
}

/// Somebody who must be told.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Addressee {
    pub partner_id: i64,
    pub mail: String,
    pub name: String,
    pub language: String,
}

/// A new version, still a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTerms<'a> {
    pub kind: &'a str,
    pub label: &'a str,
    pub applies_to: &'a str,
    pub consent: &'a str,
    pub text: [&'a str; 2],
    pub summary: [&'a str; 2],
    pub made_by: &'a str,
}

/// What a page of the effect did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EffectPage {
    /// Partners that were looked at; none: the version is in force now.
    pub partners: usize,
    pub suspended: usize,
    pub moved: usize,
}

impl Store {
    pub async fn terms(&self, id: i64) -> Result<Option<TermsRow>, Error> {
        fetch_optional!(&self.db, TermsRow, "select * from terms_version where id = $1", id)
    }

    /// Versions of a kind or of all, newest first.
    pub async fn terms_list(&self, kind: &str, with_drafts: bool) -> Result<Vec<TermsRow>, Error> {
        fetch_all!(
            &self.db,
            TermsRow,
            "select * from terms_version where ($1 = '' or kind = $1) \
             and ($2 = 1 or published_at is not null) order by id desc limit $3",
            kind,
            i64::from(with_drafts),
            PAGE_MAX
        )
    }

    /// The version that a new agreement of the kind gets.
    pub async fn current_terms(&self, kind: &str) -> Result<Option<TermsRow>, Error> {
        fetch_optional!(
            &self.db,
            TermsRow,
            "select * from terms_version where kind = $1 and state = 'in_force' \
             order by effective_from desc, id desc limit 1",
            kind
        )
    }

    /// The version that was or is in force before another one.
    pub async fn terms_before(&self, terms: &TermsRow) -> Result<Option<TermsRow>, Error> {
        fetch_optional!(
            &self.db,
            TermsRow,
            "select * from terms_version where kind = $1 and id <> $2 \
             and state in ('in_force', 'superseded') and effective_from <= $3 \
             order by effective_from desc, id desc limit 1",
            terms.kind.as_str(),
            terms.id,
            terms.effective_from.unwrap_or(i64::MAX)
        )
    }

    pub async fn begin_terms(&self, by: &Caller, at: i64, new: &NewTerms<'_>) -> Step<TermsRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "label": new.label });
        audit::append(&mut tx, at, by, "terms.draft", new.kind, &detail).await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from terms_version").await?;
        let done = execute!(
            &mut tx,
            "insert into terms_version (id, kind, label, state, applies_to, consent, text_pl, \
             text_en, summary_pl, summary_en, made_by, made_at, version) \
             values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, 1)",
            id,
            new.kind,
            new.label,
            new.applies_to,
            new.consent,
            new.text[0],
            new.text[1],
            new.summary[0],
            new.summary[1],
            new.made_by,
            at
        );
        if let Err(Error::Conflict(super::Constraint::TermsLabel)) = done {
            return Ok(Err(Denial::Taken));
        }
        done?;
        let row = reread(&mut tx, id).await?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }

    /// Writes a version as the verb wants it, if it is still the one that was read.
    pub async fn write_terms(
        &self,
        by: &Caller,
        at: i64,
        what: &str,
        before: &TermsRow,
        after: &TermsRow,
    ) -> Step<TermsRow> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let subject = format!("terms:{}", before.id);
        let detail = json!({
            "from": before.state, "to": after.state, "effective_day": after.effective_day,
        });
        audit::append(&mut tx, at, by, what, &subject, &detail).await?;
        let done = execute!(
            &mut tx,
            "update terms_version set state = $1, text_pl = $2, text_en = $3, summary_pl = $4, \
             summary_en = $5, made_by = $6, made_at = $7, approved_by = $8, approved_at = $9, \
             published_at = $10, effective_day = $11, effective_from = $12, ended_at = $13, \
             version = version + 1 where id = $14 and version = $15 and effect_after is null",
            after.state.as_str(),
            after.text_pl.as_str(),
            after.text_en.as_str(),
            after.summary_pl.as_str(),
            after.summary_en.as_str(),
            after.made_by.as_str(),
            after.made_at,
            after.approved_by.as_deref(),
            after.approved_at,
            after.published_at,
            after.effective_day.as_deref(),
            after.effective_from,
            after.ended_at,
            before.id,
            before.version
        )?;
        if done == 0 {
            return Ok(Err(Denial::Stale));
        }
        let row = reread(&mut tx, before.id).await?;
        tx.commit().await?;
        Ok(row.ok_or(Denial::Unknown))
    }

    /// Partners after `after` whom nobody has told of a version, and their people. A partner
    /// without people is told at the address of its agreement.
    pub async fn untold(
        &self,
        terms: i64,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<i64>, Vec<Addressee>), Error> {
        let partners = fetch_all!(
            &self.db,
            (i64,),
            "select c.partner_id from company c where c.partner_id > $1 \
             and c.state in ('contracted', 'live', 'suspended') and not exists \
             (select 1 from notice n where n.terms_id = $2 and n.partner_id = c.partner_id) \
             order by c.partner_id limit $3",
            after,
            terms,
            limit.clamp(1, PAGE_MAX)
        )?;
        let partners: Vec<i64> = partners.into_iter().map(|(id,)| id).collect();
        let (Some(first), Some(last)) = (partners.first(), partners.last()) else {
            return Ok((partners, Vec::new()));
        };
        let mut people = fetch_all!(
            &self.db,
            Addressee,
            "select partner_id, mail, name, language from person where partner_id >= $1 \
             and partner_id <= $2 and state <> 'disabled' \
             union all select a.partner_id, a.contact_mail, a.contact_name, a.language \
             from agreement a where a.partner_id >= $1 and a.partner_id <= $2 and a.id = \
             (select max(b.id) from agreement b where b.partner_id = a.partner_id \
             and b.state in ('in_force', 'suspended')) and not exists (select 1 from person p \
             where p.partner_id = a.partner_id and p.state <> 'disabled')",
            *first,
            *last
        )?;
        people.retain(|person| partners.binary_search(&person.partner_id).is_ok());
        Ok((partners, people))
    }

    /// Writes the notices of one page with their letters; who has one already gets no second.
    pub async fn write_notices(
        &self,
        by: &Caller,
        at: i64,
        terms: i64,
        letters: &[NewMail],
    ) -> Result<usize, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!({ "letters": letters.len() });
        audit::append(&mut tx, at, by, "terms.notices", &format!("terms:{terms}"), &detail).await?;
        let mut written = 0;
        for letter in letters {
            let Some(partner) = letter.partner else { continue };
            let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from notice").await?;
            // Only while it is published: a version may be withdrawn between two pages.
            let is_new = execute!(
                &mut tx,
                "insert into notice (id, terms_id, partner_id, recipient, recipient_name, state, \
                 mail_id, queued_at) select $1, id, $2, $3, $4, 'queued', 0, $5 \
                 from terms_version where id = $6 and state = 'published' on conflict do nothing",
                id,
                partner.0,
                letter.recipient.as_str(),
                letter.recipient_name.as_str(),
                at,
                terms
            )?;
            if is_new == 0 {
                continue;
            }
            let mail = queue_mail(&mut tx, at, letter).await?;
            execute!(&mut tx, "update notice set mail_id = $1 where id = $2", mail, id)?;
            written += 1;
        }
        tx.commit().await?;
        Ok(written)
    }

    /// Takes over from the outbox which notices left and which came back.
    pub async fn sync_notices(&self, at: i64) -> Result<(), Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        execute!(
            &mut tx,
            "update notice set state = 'sent', \
             sent_at = (select m.sent_at from mail m where m.id = notice.mail_id) \
             where state = 'queued' and exists \
             (select 1 from mail m where m.id = notice.mail_id and m.state = 'sent')"
        )?;
        execute!(
            &mut tx,
            "update notice set state = 'bounced', bounced_at = $1 \
             where state in ('queued', 'sent', 'delivered') and exists \
             (select 1 from mail m where m.id = notice.mail_id and m.state in ('bounced', 'failed'))",
            at
        )?;
        tx.commit().await
    }

    /// A partner's answer for all of its notices of a version, until the day of effect.
    pub async fn answer_terms(
        &self,
        by: &Caller,
        at: i64,
        terms: i64,
        partner: PartnerId,
        accepts: bool,
    ) -> Step<()> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let what = if accepts { "terms.accept" } else { "terms.refuse" };
        let subject = format!("terms:{terms}");
        audit::append(&mut tx, at, by, what, &subject, &json!({ "partner": partner.0 })).await?;
        let state = if accepts { "accepted" } else { "refused" };
        let done = execute!(
            &mut tx,
            "update notice set state = $1, answered_by = $2, answered_at = $3 \
             where terms_id = $4 and partner_id = $5 and state <> 'deemed_accepted' and exists \
             (select 1 from terms_version t where t.id = $4 and t.state = 'published' \
             and t.effective_from > $3)",
            state,
            by.to_string(),
            at,
            terms,
            partner.0
        )?;
        if done == 0 {
            return Ok(Err(Denial::Stale));
        }
        let happening = Happening {
            subject: &format!("company:{}", partner.0),
            kind: if accepts { "terms_accepted" } else { "terms_refused" },
            note: &subject,
            is_public: true,
        };
        note_happening(&mut tx, at, by, &happening).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// The notices of a version, of one partner or of all, with their proof.
    pub async fn notices(
        &self,
        terms: i64,
        partner: Option<PartnerId>,
        page: (i64, i64),
    ) -> Result<Vec<NoticeRow>, Error> {
        fetch_all!(
            &self.db,
            NoticeRow,
            "select * from notice where terms_id = $1 and ($2 = 0 or partner_id = $2) \
             order by partner_id, id limit $3 offset $4",
            terms,
            partner.map_or(0, |partner| partner.0),
            page.1.clamp(0, PAGE_MAX),
            page.0.max(0)
        )
    }

    /// Published versions, and whether their day of effect has come.
    pub async fn published_terms(&self) -> Result<Vec<TermsRow>, Error> {
        fetch_all!(
            &self.db,
            TermsRow,
            "select * from terms_version where state = 'published' order by effective_from, id \
             limit $1",
            PAGE_MAX
        )
    }

    /// Carries the effect out for the next partners; for none left, the version is in force.
    /// `told` writes the letter to a partner that is suspended because it refused.
    pub async fn effect_page(
        &self,
        at: i64,
        terms: &TermsRow,
        limit: i64,
        told: &(dyn Fn(&AgreementRow) -> NewMail + Sync),
    ) -> Result<EffectPage, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let by = Caller::Gateway;
        let subject = format!("terms:{}", terms.id);
        audit::append(&mut tx, at, &by, "terms.effect", &subject, &json!({})).await?;
        let now = reread(&mut tx, terms.id).await?;
        let Some(now) = now.filter(|now| {
            now.state == TermsState::Published && now.effective_from.is_some_and(|from| from <= at)
        }) else {
            return Ok(EffectPage::default());
        };
        let mut done = EffectPage::default();
        let mut mark = now.effect_after.unwrap_or(0);
        for _ in 0..limit.clamp(1, PAGE_MAX) {
            let next = fetch_in!(
                &mut tx,
                (i64,),
                "select partner_id from notice where terms_id = $1 and partner_id > $2 \
                 order by partner_id limit 1",
                terms.id,
                mark
            )?;
            let Some((partner,)) = next else { break };
            mark = partner;
            done.partners += 1;
            effect_on(&mut tx, at, &now, partner, told, &mut done).await?;
        }
        if done.partners == 0 {
            begin_force(&mut tx, at, &now).await?;
        } else {
            execute!(
                &mut tx,
                "update terms_version set effect_after = $1, version = version + 1 where id = $2",
                mark,
                terms.id
            )?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

/// One partner at the day of effect: refused, accepted, silent or never reached.
async fn effect_on(
    tx: &mut Tx<'_>,
    at: i64,
    terms: &TermsRow,
    partner: i64,
    told: &(dyn Fn(&AgreementRow) -> NewMail + Sync),
    done: &mut EffectPage,
) -> Result<(), Error> {
    let counts = fetch_in!(
        tx,
        (i64, i64, i64),
        "select count(case when state = 'refused' then 1 end), \
         count(case when state = 'accepted' then 1 end), \
         count(case when state in ('sent', 'delivered') then 1 end) \
         from notice where terms_id = $1 and partner_id = $2",
        terms.id,
        partner
    )?;
    let Some((refused, accepted, reached)) = counts else { return Ok(()) };
    if refused > 0 {
        done.suspended += usize::from(suspend(tx, at, terms, partner, told).await?);
        return Ok(());
    }
    let is_silent = terms.consent == Consent::Silent.as_str();
    if is_silent && reached > 0 {
        execute!(
            tx,
            "update notice set state = 'deemed_accepted' where terms_id = $1 and partner_id = $2 \
             and state in ('sent', 'delivered')",
            terms.id,
            partner
        )?;
    }
    if accepted > 0 || (is_silent && reached > 0) {
        execute!(
            tx,
            "update agreement set terms_id = $1, version = version + 1 where partner_id = $2 \
             and kind = $3 and state in ('in_force', 'suspended')",
            terms.id,
            partner,
            terms.kind.as_str()
        )?;
        done.moved += 1;
    }
    Ok(())
}

/// The refuser's agreement, company and traffic stop in the transaction of the effect (Q1.6).
async fn suspend(
    tx: &mut Tx<'_>,
    at: i64,
    terms: &TermsRow,
    partner: i64,
    told: &(dyn Fn(&AgreementRow) -> NewMail + Sync),
) -> Result<bool, Error> {
    let row = fetch_in!(
        tx,
        AgreementRow,
        select!("where partner_id = $1 and kind = $2 and state = 'in_force' order by id limit 1"),
        partner,
        terms.kind.as_str()
    )?;
    let Some(before) = row else { return Ok(false) };
    let Some(state) = before.state.after(AgreementEvent::Suspend) else { return Ok(false) };
    let after = AgreementRow { state, reason: "refused_terms".to_owned(), ..before.clone() };
    let write = AgreementWrite {
        at,
        what: "agreement.suspend",
        detail: json!({ "terms": terms.id }),
        before: &before,
        after,
        requires: &[],
        supersedes: false,
        document: None,
        signature: None,
        rejects: None,
        company: Some(CompanyStep::Suspend),
        mails: vec![told(&before)],
        happening: Happening {
            subject: "",
            kind: "agreement_suspended",
            note: &terms.label,
            is_public: true,
        },
        starts: Vec::new(),
        meets: Vec::new(),
        invites: None,
    };
    Ok(step_in(tx, &Caller::Gateway, &write).await?.is_ok())
}

async fn begin_force(tx: &mut Tx<'_>, at: i64, terms: &TermsRow) -> Result<(), Error> {
    execute!(
        tx,
        "update terms_version set state = 'superseded', ended_at = $1, version = version + 1 \
         where kind = $2 and state = 'in_force'",
        terms.effective_from,
        terms.kind.as_str()
    )?;
    execute!(
        tx,
        "update terms_version set state = 'in_force', in_force_at = $1, version = version + 1 \
         where id = $2",
        at,
        terms.id
    )?;
    Ok(())
}

async fn reread(tx: &mut Tx<'_>, id: i64) -> Result<Option<TermsRow>, Error> {
    fetch_in!(tx, TermsRow, "select * from terms_version where id = $1", id)
}
