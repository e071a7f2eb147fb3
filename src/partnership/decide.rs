//! The desk's verbs: take up, ask, score, decide, answer an idea, notice what is late.
//!
//! A positive decision makes the partner and the company in its own transaction, and takes what
//! else belongs there from its caller (the NDA, R4.10). What surprises: of a hundred that decide
//! at once one wins, and the others are told to look again, because the version they saw is gone.

use serde_json::json;

use super::{
    Error, Partnership, Signed,
    applicant::{ApplicationView, DECISION, form_of},
    apply::{after, letter, plain_step, understood, words, wrong_state},
};
use crate::{
    domain::{
        Caller, PartnerId, Refusal,
        application::{
            ApplicationEvent, ApplicationState, Area, Criterion, Decision, Purpose, Scores, Verdict,
        },
        company::Company,
        deadline::date,
        fields::{BadValue, FieldErrors},
        right::Right,
    },
    metrics,
    store::{
        ApplicationFilter, ApplicationLine, ApplicationRow, ApplicationSet, ApplicationStep,
        CompanyRow, DeadlineRow, DeadlineStep, Extras, FileLine, NewMail, ORDER_RULE, Prospect,
    },
};

/// Promises that one sweep looks at.
const SWEEP_MAX: u32 = 200;

/// An application as the desk sees it: everything on one page (R4.04).
#[derive(Debug, Clone)]
pub struct StaffView {
    pub view: ApplicationView,
    /// Other applications with the same NIP: id, reference, state.
    pub same_nip: Vec<(i64, String, String)>,
    /// The partner with the same NIP.
    pub same_partner: Option<CompanyRow>,
}

/// A decision that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    pub version: i64,
    /// The partner that it made, or whose area it was.
    pub partner: Option<PartnerId>,
}

impl Partnership {
    /// One page of the desk's list.
    pub async fn applications(
        &self,
        signed: &Signed,
        filter: &ApplicationFilter,
    ) -> Result<Vec<ApplicationLine>, Error> {
        self.staff(signed, Right::SeeApplications)?;
        Ok(self.store.applications(filter).await?)
    }

    pub async fn application(&self, signed: &Signed, id: i64) -> Result<StaffView, Error> {
        let (_, row) = self.desk(signed, id, Right::SeeApplications).await?;
        let nip = row.nip.clone();
        let view = self.view(row, false).await?;
        let same_nip = self.store.applications_of_nip(&nip, id).await?;
        let same_partner =
            if nip.is_empty() { None } else { self.store.company_by_nip(&nip).await? };
        Ok(StaffView { view, same_nip, same_partner })
    }

    /// Somebody begins to read it.
    pub async fn take_up(&self, signed: &Signed, (id, version): (i64, i64)) -> Result<i64, Error> {
        let (by, row) = self.desk(signed, id, Right::ReviewApplications).await?;
        let state = after(&row, ApplicationEvent::TakeUp, "taken up")?;
        let set = ApplicationSet::Reviewer(by.to_string());
        let step = ApplicationStep { version, set, ..plain_step(&row, state, "taken_up") };
        self.step_application(&by, &step).await
    }

    /// Asks the applicant for more; the clock stands if the rules say so (Q4.11).
    pub async fn ask_applicant(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        question: &str,
    ) -> Result<i64, Error> {
        let (by, row) = self.desk(signed, id, Right::ReviewApplications).await?;
        let state = after(&row, ApplicationEvent::Ask, "asked about")?;
        let question = words("question", question)?;
        let data = json!({
            "reference": row.reference, "question": question, "link": self.link_of(&row)?,
        });
        let pauses = self.rules.pause_on_needs_information;
        let pause = pauses.then_some(DeadlineStep::Pause { rule: DECISION });
        let step = ApplicationStep {
            version,
            set: ApplicationSet::Question(question),
            deadlines: pause.into_iter().collect(),
            mails: vec![letter(&row, "application_question", data)],
            ..plain_step(&row, state, "asked")
        };
        self.step_application(&by, &step).await
    }

    /// A remark for the colleagues; the applicant never sees it.
    pub async fn comment_on_application(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        text: &str,
    ) -> Result<i64, Error> {
        let (by, row) = self.desk(signed, id, Right::ReviewApplications).await?;
        let note = words("comment", text)?;
        let step = ApplicationStep {
            version,
            note,
            is_public: false,
            ..plain_step(&row, row.state, "commented")
        };
        self.step_application(&by, &step).await
    }

    /// Files of an application, as the desk lists them.
    pub async fn application_files(
        &self,
        signed: &Signed,
        id: i64,
    ) -> Result<Vec<FileLine>, Error> {
        let (_, row) = self.desk(signed, id, Right::SeeApplications).await?;
        Ok(self.store.files_of(&row.subject()).await?)
    }

    /// Open promises of the operator, the least time left first.
    pub async fn open_promises(&self, signed: &Signed) -> Result<Vec<DeadlineRow>, Error> {
        self.staff(signed, Right::SeeApplications)?;
        Ok(self.store.open_deadlines(SWEEP_MAX).await?)
    }

    /// Gives one criterion of one area its score; a later one takes its place.
    pub async fn score_application(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        (area, criterion, score): (Area, Criterion, u8),
    ) -> Result<i64, Error> {
        let (by, row) = self.desk(signed, id, Right::ReviewApplications).await?;
        if row.state != ApplicationState::InReview {
            return Err(wrong_state(&row, "scored"));
        }
        let field = format!("areas.{}.scores.{}", area.as_str(), criterion.as_str());
        let wrong = |bad| Error::from(Refusal::from(FieldErrors::of(field.clone(), bad)));
        Scores::default().set(criterion, score).map_err(wrong)?;
        let areas = self.store.application_areas(id).await?;
        if !areas.iter().any(|judged| judged.area == area) {
            return Err(wrong(BadValue::new("not_applied_for", "was not applied for")));
        }
        let step = ApplicationStep {
            version,
            set: ApplicationSet::Score { area, criterion, score },
            is_public: false,
            ..plain_step(&row, row.state, "scored")
        };
        self.step_application(&by, &step).await
    }

    /// Decides every area at once. `extras` makes what belongs into the same transaction once the
    /// partner's number is known; `attachments` are files for the letter of acceptance.
    pub async fn decide_application(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        verdicts: Vec<(Area, Verdict)>,
        attachments: &[String],
        extras: &(dyn Fn(PartnerId) -> Extras + Sync),
    ) -> Result<Decided, Error> {
        let (by, row) = self.desk(signed, id, Right::DecideApplications).await?;
        let state = after(&row, ApplicationEvent::Decide, "decided")?;
        if row.purpose == Purpose::Idea {
            return Err(wrong_state(&row, "decided; an idea is answered"));
        }
        let areas = self.store.application_areas(id).await?;
        let decision =
            Decision::check(&areas, verdicts, date(self.now())).map_err(Refusal::from)?;
        let mut step = ApplicationStep {
            version,
            set: ApplicationSet::Decided(decision.verdicts().to_vec()),
            deadlines: vec![DeadlineStep::Meet { rule: DECISION }],
            ..plain_step(&row, state, "decided")
        };
        if !decision.accepts_any() {
            step.kind = "declined";
            step.mails.push(self.refusal_letter(&row, &decision)?);
            let version = self.step_application(&by, &step).await?;
            return Ok(Decided { version, partner: row.partner });
        }
        step.kind = "accepted";
        let mut yes = self.acceptance_letter(&row)?;
        yes.attachments = attachments.to_vec();
        step.mails.push(yes);
        let company = Self::submitted_company(&row)?;
        let prospect = Prospect {
            company: company.as_ref(),
            partner: row.partner,
            language: &row.language,
            extras,
        };
        let now = self.now();
        let accepted = self.store.accept_application(&by, now, &step, &prospect).await;
        let partner = accepted.map_err(understood)?;
        // The acceptance stands whatever happens here; the sweep tries again.
        if let Err(error) = self.sweep_first_agreements().await {
            tracing::warn!(%error, "the first agreement of a partner waits");
        }
        Ok(Decided { version: version + 1, partner: Some(partner) })
    }

    /// Answers an idea (R4.20).
    pub async fn answer_idea(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        answer: &str,
    ) -> Result<i64, Error> {
        let (by, row) = self.desk(signed, id, Right::DecideApplications).await?;
        let state = after(&row, ApplicationEvent::Decide, "answered")?;
        if row.purpose != Purpose::Idea {
            return Err(wrong_state(&row, "answered; it is decided by its areas"));
        }
        let answer = words("answer", answer)?;
        let data = json!({
            "reference": row.reference, "title": idea_title(&row), "answer": answer,
            "link": self.link_of(&row)?,
        });
        let step = ApplicationStep {
            version,
            set: ApplicationSet::Decided(Vec::new()),
            note: answer,
            deadlines: vec![DeadlineStep::Meet { rule: DECISION }],
            mails: vec![letter(&row, "idea_answered", data)],
            ..plain_step(&row, state, "answered")
        };
        self.step_application(&by, &step).await
    }

    /// Notices promises that are over: each once, with a letter to the desk. Also tells the metric
    /// how many are over now. Answers how many it noticed.
    pub async fn sweep_overdue(&self) -> Result<usize, Error> {
        let now = self.now();
        let mut noticed = 0;
        for row in self.store.newly_overdue(now, SWEEP_MAX).await? {
            let mails = self.overdue_letters(&row).await?;
            noticed += usize::from(self.store.breach_deadline(now, &row, &mails).await?);
        }
        for (rule, count) in self.store.overdue_by_rule(now).await? {
            metrics::deadlines_overdue(&rule, count);
        }
        Ok(noticed)
    }

    /// Letters about a broken promise; other nouns' rules have none here.
    async fn overdue_letters(&self, late: &DeadlineRow) -> Result<Vec<NewMail>, Error> {
        if late.rule == ORDER_RULE {
            return self.late_order_letter(&late.subject).await;
        }
        let id = late.subject.strip_prefix("application:").and_then(|id| id.parse().ok());
        let (Some(id), false) = (id, self.rules.desk_mail.is_empty()) else {
            return Ok(Vec::new());
        };
        let Some(row) = self.store.application(id).await? else { return Ok(Vec::new()) };
        let company = if row.legal_name.is_empty() { &row.mail } else { &row.legal_name };
        Ok(vec![NewMail {
            recipient: self.rules.desk_mail.clone(),
            recipient_name: String::new(),
            language: self.rules.desk_language.clone(),
            template: "application_overdue",
            data: json!({
                "reference": row.reference, "company": company, "promised_at": late.promised_at,
                "link": format!("/applications/{id}"),
            }),
            attachments: Vec::new(),
            subject: late.subject.clone(),
            partner: row.partner,
        }])
    }

    fn acceptance_letter(&self, row: &ApplicationRow) -> Result<NewMail, Error> {
        let data = json!({
            "reference": row.reference, "company": row.legal_name,
            "return_address": self.rules.return_address, "link": self.link_of(row)?,
        });
        Ok(letter(row, "application_accepted", data))
    }

    fn refusal_letter(&self, row: &ApplicationRow, decision: &Decision) -> Result<NewMail, Error> {
        let mut reasons = Vec::new();
        let mut again = None;
        for (_, verdict) in decision.verdicts() {
            if let Verdict::Declined(declined) = verdict {
                reasons.push(super::wording::declined(declined, &row.language));
                again = again.max(declined.reapply_on);
            }
        }
        let data = json!({
            "reference": row.reference, "company": row.legal_name,
            "reason": reasons.join("\n\n"),
            "may_apply_from": again.map(crate::domain::deadline::start_of),
            "link": self.link_of(row)?,
        });
        Ok(letter(row, "application_declined", data))
    }

    /// The company as it was submitted; none where the partner is there already.
    fn submitted_company(row: &ApplicationRow) -> Result<Option<Company>, Error> {
        if row.purpose != Purpose::Join {
            return Ok(None);
        }
        let broken = |errors: FieldErrors| Error::Broken(format!("{}: {errors}", row.reference));
        Company::check(&form_of(row)?.company, "company").map(Some).map_err(broken)
    }

    /// The operator's staff only: a partner's people may see applications too, but not here.
    fn staff(&self, signed: &Signed, right: Right) -> Result<Caller, Error> {
        if !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        self.require(signed, right)?;
        Ok(signed.caller())
    }

    /// An application for the desk. Drafts are nobody's but the applicant's.
    async fn desk(
        &self,
        signed: &Signed,
        id: i64,
        right: Right,
    ) -> Result<(Caller, ApplicationRow), Error> {
        let by = self.staff(signed, right)?;
        let row = self.store.application(id).await?;
        let row = row.filter(|row| row.state != ApplicationState::Draft);
        Ok((by, row.ok_or(Refusal::UnknownId("application"))?))
    }
}

fn idea_title(row: &ApplicationRow) -> String {
    let idea: serde_json::Value = serde_json::from_str(&row.form).unwrap_or_default();
    idea["title"].as_str().unwrap_or_default().to_owned()
}
