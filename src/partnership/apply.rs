//! The applicant's verbs: begin, save, submit, answer, withdraw, and send an idea.
//!
//! What surprises: a wrong section is saved all the same, with its mistakes as the answer. Only
//! [`Partnership::submit_application`] insists.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Error, Partnership,
    applicant::{DECISION, form_of, hashed},
};
use crate::{
    domain::{
        Caller, PartnerId, Refusal,
        application::{ApplicationEvent, ApplicationState, Purpose},
        application_form::{Complete, Form, Section, SectionForm, Task},
        company::{Company, MailAddress, line, paragraphs},
        fields::{BadValue, FieldErrors},
    },
    store::{
        self, ApplicationRow, ApplicationSet, ApplicationStep, Constraint, DeadlineStep,
        NewApplication, NewMail, Repeat, Submitted,
    },
};

const DAY_US: i64 = 86_400_000_000;
/// Characters of a question, an answer or an idea.
pub(super) const WORDS_MAX: usize = 5000;

/// Somebody begins an application.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    pub mail: &'a str,
    /// `pl` or `en`.
    pub language: &'a str,
    /// Where the request came from.
    pub address: &'a str,
}

/// An application that was begun.
pub struct Begun {
    pub id: i64,
    pub reference: String,
    pub version: i64,
    pub state: ApplicationState,
    /// The secret of its link, `ba_...`: the letter has it as well.
    pub key: Zeroizing<String>,
    /// The same request came before, and this is what it made.
    pub is_replay: bool,
}

/// An application that comes in one piece, from the API.
#[derive(Debug, Clone)]
pub struct WholeApplication<'a> {
    pub begin: Beginning<'a>,
    pub form: Form,
    /// Idempotency-Key and a hash of the request's body.
    pub repeat: Option<(&'a str, String)>,
}

/// An idea for a service (R4.20). A company behind it is not needed.
#[derive(Debug, Clone)]
pub struct NewIdea<'a> {
    pub begin: Beginning<'a>,
    pub name: &'a str,
    pub title: &'a str,
    pub text: &'a str,
    /// The notice that was accepted.
    pub privacy_notice: &'a str,
    /// A partner's person files it from inside (Q4.7).
    pub partner: Option<PartnerId>,
}

impl Partnership {
    /// Begins a draft and mails its link.
    pub async fn begin_application(&self, new: &Beginning<'_>) -> Result<Begun, Error> {
        let mail = self.admit(new).await?;
        self.begin_draft(&mail, new, (Purpose::Join, None), Form::default(), None).await
    }

    /// A partner's person begins to ask for one more area; the company is known.
    pub async fn begin_new_area(&self, by: &Caller, new: &Beginning<'_>) -> Result<Begun, Error> {
        let Caller::User { partner: Some(partner), .. } = by else {
            return Err(Refusal::NotAllowed.into());
        };
        let mail = self.admit(new).await?;
        self.begin_draft(&mail, new, (Purpose::NewArea, Some(*partner)), Form::default(), None)
            .await
    }

    /// Takes a whole application. What is wrong in it is refused; if only its documents are
    /// missing, it stays a draft until they are there. A repeat has the same answer.
    pub async fn apply_whole(&self, new: &WholeApplication<'_>) -> Result<Begun, Error> {
        let key_hash = new.repeat.as_ref().map(|(key, _)| hashed(key));
        if let (Some(hash), Some((key, body))) = (&key_hash, &new.repeat)
            && let Some(earlier) = self.earlier(hash, key, body).await?
        {
            return Ok(earlier);
        }
        let mut errors = FieldErrors::default();
        for task in new.form.tasks(&self.form_rules(Purpose::Join)) {
            let is_missing = task.errors.iter().all(|error| error.code == "document_missing");
            if task.section != Section::Documents || !is_missing {
                errors.append(task.errors);
            }
        }
        errors.into_result().map_err(Refusal::from)?;
        let mail = self.admit(&new.begin).await?;
        let repeat = new.repeat.as_ref().zip(key_hash.clone());
        let repeat =
            repeat.map(|((_, body), key_hash)| Repeat { key_hash, body_hash: body.clone() });
        let begun = self
            .begin_draft(&mail, &new.begin, (Purpose::Join, None), new.form.clone(), repeat)
            .await;
        let mut begun = match (begun, key_hash, &new.repeat) {
            // Two of the same request at once: the other one was first.
            (Err(Error::Store(cause)), Some(hash), Some((key, body)))
                if matches!(*cause, store::Error::Conflict(Constraint::ApplicationKey)) =>
            {
                return self
                    .earlier(&hash, key, body)
                    .await?
                    .ok_or_else(|| Refusal::VersionConflict.into());
            }
            (begun, ..) => begun?,
        };
        if new.form.check(&self.form_rules(Purpose::Join)).is_ok() {
            let by = Caller::Applicant { application: begun.id };
            let at = (begun.id, begun.version);
            begun.version = self.submit_application(&by, at, new.begin.address).await?.0;
            begun.state = ApplicationState::Submitted;
        }
        Ok(begun)
    }

    /// Saves one section, right or wrong; the answer is the new version and the task list.
    pub async fn save_section(
        &self,
        by: &Caller,
        (id, version): (i64, i64),
        section: SectionForm,
    ) -> Result<(i64, Vec<Task>), Error> {
        let row = self.own_writable(by, id).await?;
        // What was asked for may be a document; all else has its place in the answer.
        let is_open = match row.state {
            ApplicationState::Draft => true,
            ApplicationState::NeedsInformation => matches!(section, SectionForm::Documents(_)),
            _ => false,
        };
        if !is_open || row.purpose == Purpose::Idea {
            return Err(wrong_state(&row, "changed"));
        }
        let mut form = form_of(&row)?;
        form.put(section);
        let step = ApplicationStep {
            version,
            set: Self::form_set(&row, &form),
            ..plain_step(&row, row.state, "saved")
        };
        let version = self.step_application(by, &step).await?;
        Ok((version, form.tasks(&self.form_rules(row.purpose))))
    }

    /// Submits what is complete. The answer is the new version and until when a decision is
    /// promised (R4.03).
    pub async fn submit_application(
        &self,
        by: &Caller,
        (id, version): (i64, i64),
        address: &str,
    ) -> Result<(i64, i64), Error> {
        let row = self.own_writable(by, id).await?;
        let state = after(&row, ApplicationEvent::Submit, "submitted")?;
        let form = form_of(&row)?;
        let complete = form.check(&self.form_rules(row.purpose)).map_err(Refusal::from)?;
        self.check_files(&row, &complete).await?;
        if let Some(company) = &complete.company
            && self.store.company_by_nip(company.nip.as_str()).await?.is_some()
        {
            let detail = "belongs to a partner; log in and ask for a new area there";
            let bad = BadValue::new("nip_taken", detail).with("value", company.nip.as_str());
            return Err(Refusal::from(FieldErrors::of("company.nip", bad)).into());
        }
        let now = self.now();
        let due_at = self.rules.calendar.due(now, self.rules.decision_within);
        let key = self.link_key(&row)?;
        let legal_name = complete
            .company
            .as_ref()
            .map_or_else(|| row.legal_name.clone(), |company| company.legal_name.clone());
        let data = json!({
            "reference": row.reference, "company": legal_name, "promised_at": due_at,
            "link": Self::link_to(&row.reference, &key),
        });
        let submitted = Submitted {
            complete,
            notice_version: self.rules.privacy_notice.clone(),
            // Bound to the link's secret: an address alone has too few bits to be hashed.
            consented_from: hashed(&format!("{}\n{address}", *key)),
        };
        let step = ApplicationStep {
            version,
            set: ApplicationSet::Submitted(Box::new(submitted)),
            deadlines: vec![DeadlineStep::Start { rule: DECISION, owner: "operator", due_at }],
            mails: vec![letter(&row, "application_received", data)],
            ..plain_step(&row, state, "submitted")
        };
        Ok((self.step_application(by, &step).await?, due_at))
    }

    /// Answers what the desk asked; the clock runs again.
    pub async fn answer_application(
        &self,
        by: &Caller,
        (id, version): (i64, i64),
        text: &str,
    ) -> Result<i64, Error> {
        let row = self.own_writable(by, id).await?;
        let state = after(&row, ApplicationEvent::Answer, "answered")?;
        let text = words("text", text)?;
        let now = self.now();
        let decision = self.store.deadline(&row.subject(), DECISION).await?;
        let unit = self.rules.decision_within.unit;
        let resumed = decision
            .and_then(|decision| decision.promise().resume(now, unit, &self.rules.calendar));
        let deadlines = resumed
            .map(|promise| DeadlineStep::Resume { rule: DECISION, due_at: promise.due_at })
            .into_iter()
            .collect();
        let set = ApplicationSet::Answer(text);
        let step =
            ApplicationStep { version, set, deadlines, ..plain_step(&row, state, "answered") };
        self.step_application(by, &step).await
    }

    pub async fn withdraw_application(
        &self,
        by: &Caller,
        (id, version): (i64, i64),
    ) -> Result<i64, Error> {
        let row = self.own_writable(by, id).await?;
        let state = after(&row, ApplicationEvent::Withdraw, "withdrawn")?;
        let deadlines = vec![DeadlineStep::Meet { rule: DECISION }];
        let step = ApplicationStep { version, deadlines, ..plain_step(&row, state, "withdrawn") };
        self.step_application(by, &step).await
    }

    /// Takes an idea and promises an answer.
    pub async fn file_idea(&self, new: &NewIdea<'_>) -> Result<Begun, Error> {
        let mut errors = FieldErrors::default();
        let name = errors.keep("name", line(new.name, 2, 120));
        let title = errors.keep("title", line(new.title, 3, 120));
        let text = errors.keep("text", paragraphs(new.text, 20, WORDS_MAX));
        if new.privacy_notice != self.rules.privacy_notice {
            let detail = format!("read version {} and accept it", self.rules.privacy_notice);
            let bad = BadValue::new("consent_missing", detail);
            errors.push("privacy_notice".to_owned(), bad);
        }
        errors.into_result().map_err(Refusal::from)?;
        let title = title.unwrap_or_default();
        let idea = json!({ "name": name, "title": title, "text": text });
        let mail = self.admit(&new.begin).await?;
        let link = self.mint_link()?;
        let row = NewApplication {
            purpose: Purpose::Idea,
            link_hash: link.hash.clone(),
            link_sealed: link.sealed.clone(),
            language: language(new.begin.language),
            mail,
            form: idea.to_string(),
            partner: new.partner,
            repeat: None,
        };
        let now = self.now();
        let (id, reference) = self.store.add_application(now, &row, |_, _| Vec::new()).await?;
        let by = Caller::Applicant { application: id };
        let row = self.own(&by, id).await?;
        let due_at = self.rules.calendar.due(now, self.rules.decision_within);
        let data = json!({
            "reference": reference, "title": title, "promised_at": due_at,
            "link": Self::link_to(&reference, &link.shown),
        });
        let submitted = Submitted {
            complete: Complete {
                company: None,
                contacts: Vec::new(),
                plans: Vec::new(),
                documents: Vec::new(),
            },
            notice_version: self.rules.privacy_notice.clone(),
            consented_from: hashed(&format!("{}\n{}", *link.shown, new.begin.address)),
        };
        let step = ApplicationStep {
            set: ApplicationSet::Submitted(Box::new(submitted)),
            deadlines: vec![DeadlineStep::Start { rule: DECISION, owner: "operator", due_at }],
            mails: vec![letter(&row, "idea_received", data)],
            ..plain_step(&row, ApplicationState::Submitted, "submitted")
        };
        let version = self.step_application(&by, &step).await?;
        let state = ApplicationState::Submitted;
        Ok(Begun { id, reference, version, state, key: link.shown, is_replay: false })
    }

    /// The mail address as it is kept, unless there were too many beginnings (S-56).
    async fn admit(&self, new: &Beginning<'_>) -> Result<String, Error> {
        let mail = MailAddress::parse(new.mail)
            .map_err(|bad| Refusal::from(FieldErrors::of("mail", bad)))?;
        let now = self.now();
        let too_many = |hours| {
            let retry_after = std::time::Duration::from_hours(hours);
            Err(Refusal::TooManyTries { retry_after }.into())
        };
        if !self.floods.admits(new.address, self.rules.begins_per_address, now) {
            return too_many(1);
        }
        let begun = self.store.applications_begun(mail.as_str(), now - DAY_US).await?;
        if begun >= i64::from(self.rules.begins_per_mail) {
            return too_many(24);
        }
        Ok(mail.as_str().to_owned())
    }

    async fn begin_draft(
        &self,
        mail: &str,
        new: &Beginning<'_>,
        (purpose, partner): (Purpose, Option<PartnerId>),
        mut form: Form,
        repeat: Option<Repeat>,
    ) -> Result<Begun, Error> {
        form.bound();
        let link = self.mint_link()?;
        let row = NewApplication {
            purpose,
            link_hash: link.hash.clone(),
            link_sealed: link.sealed.clone(),
            language: language(new.language),
            mail: mail.to_owned(),
            form: json!(form).to_string(),
            partner,
            repeat,
        };
        let now = self.now();
        let valid_until = self.draft_until(now);
        let mails = |id: i64, reference: &str| {
            vec![NewMail {
                recipient: mail.to_owned(),
                recipient_name: String::new(),
                language: row.language.clone(),
                template: "application_saved",
                data: json!({
                    "link": Self::link_to(reference, &link.shown), "valid_until": valid_until,
                }),
                attachments: Vec::new(),
                subject: format!("application:{id}"),
                partner,
            }]
        };
        let (id, reference) = self.store.add_application(now, &row, mails).await?;
        let state = ApplicationState::Draft;
        Ok(Begun { id, reference, version: 1, state, key: link.shown, is_replay: false })
    }

    /// What an earlier request with the same key made; a refusal if its body was another one.
    async fn earlier(&self, hash: &str, key: &str, body: &str) -> Result<Option<Begun>, Error> {
        let Some((body_hash, id)) = self.store.application_repeat(hash).await? else {
            return Ok(None);
        };
        if body_hash != body {
            return Err(Refusal::IdempotencyConflict(key.into()).into());
        }
        let row = self.store.application(id).await?;
        let row = row.ok_or(Refusal::UnknownId("application"))?;
        Ok(Some(Begun {
            id,
            key: self.link_key(&row)?,
            reference: row.reference,
            version: row.version,
            state: row.state,
            is_replay: true,
        }))
    }

    /// Every named file must have been uploaded to this application, and not be refused.
    async fn check_files(&self, row: &ApplicationRow, complete: &Complete) -> Result<(), Error> {
        let files = self.store.file_marks(&row.subject()).await?;
        let mut errors = FieldErrors::default();
        for (index, document) in complete.documents.iter().enumerate() {
            let scan = files.iter().find(|(id, _)| *id == document.file).map(|(_, scan)| scan);
            let bad = match scan.map(String::as_str) {
                None => BadValue::new("file_missing", "names no uploaded file"),
                Some("refused") => BadValue::new("file_refused", "was refused; upload another"),
                Some(_) => continue,
            };
            errors.push(format!("documents.{index}.file"), bad);
        }
        Ok(errors.into_result().map_err(Refusal::from)?)
    }

    /// The form as the store takes it, with the columns that lists search.
    fn form_set(row: &ApplicationRow, form: &Form) -> ApplicationSet {
        let company = Company::check(&form.company, "company").ok();
        let (nip, legal_name) = match (row.purpose, company) {
            (Purpose::Join, Some(company)) => (company.nip.as_str().to_owned(), company.legal_name),
            _ => (row.nip.clone(), row.legal_name.clone()),
        };
        ApplicationSet::Form { form: json!(form).to_string(), nip, legal_name }
    }

    /// The application if the caller may write to it.
    async fn own_writable(&self, by: &Caller, id: i64) -> Result<ApplicationRow, Error> {
        let row = self.own(by, id).await?;
        if matches!(by, Caller::User { .. }) && row.purpose == Purpose::Join {
            return Err(Refusal::NotAllowed.into());
        }
        Ok(row)
    }

    /// One step; somebody faster is a conflict that the caller understands.
    pub(super) async fn step_application(
        &self,
        by: &Caller,
        step: &ApplicationStep,
    ) -> Result<i64, Error> {
        self.store.step_application(by, self.now(), step).await.map_err(understood)
    }
}

/// A conflict in the caller's words.
pub(super) fn understood(error: store::Error) -> Error {
    match error {
        // The name is chosen by the gateway: who lost it in a race gets another at the next try.
        store::Error::Conflict(Constraint::Version | Constraint::PartnerName) => {
            Refusal::VersionConflict.into()
        }
        store::Error::Conflict(Constraint::CompanyNip) => Refusal::Taken("company").into(),
        error => error.into(),
    }
}

/// The state after an event, or a refusal that names both.
pub(super) fn after(
    row: &ApplicationRow,
    event: ApplicationEvent,
    done: &'static str,
) -> Result<ApplicationState, Error> {
    row.state.after(event).ok_or_else(|| wrong_state(row, done))
}

pub(super) fn wrong_state(row: &ApplicationRow, done: &'static str) -> Error {
    let text =
        format!("application {} is {} and cannot be {done} now", row.reference, row.state.as_str());
    Refusal::WrongState(text).into()
}

/// A step that sets nothing; struct update gives the rest.
pub(super) fn plain_step(
    row: &ApplicationRow,
    state: ApplicationState,
    kind: &'static str,
) -> ApplicationStep {
    ApplicationStep {
        id: row.id,
        version: row.version,
        state,
        set: ApplicationSet::Nothing,
        kind,
        note: String::new(),
        is_public: true,
        deadlines: Vec::new(),
        mails: Vec::new(),
    }
}

/// A letter to the applicant.
pub(super) fn letter(row: &ApplicationRow, template: &'static str, data: Value) -> NewMail {
    NewMail {
        recipient: row.mail.clone(),
        recipient_name: row.legal_name.clone(),
        language: row.language.clone(),
        template,
        data,
        attachments: Vec::new(),
        subject: row.subject(),
        partner: row.partner,
    }
}

/// Words of a person that must be there.
pub(super) fn words(field: &str, text: &str) -> Result<String, Error> {
    paragraphs(text, 1, WORDS_MAX).map_err(|bad| Refusal::from(FieldErrors::of(field, bad)).into())
}

fn language(wish: &str) -> String {
    if wish == "en" { "en".to_owned() } else { "pl".to_owned() }
}
