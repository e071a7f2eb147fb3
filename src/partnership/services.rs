//! Services as people work on them: looking, drafting, editing, commenting single fields, the
//! secret of a callback.
//!
//! The steps from submission to the end are in `service_steps`. What surprises: an edit of a
//! service that was approved begins a new description and leaves the one that holds alone; nothing
//! that subscribers meet changes before a second person has approved it.

use base64::Engine as _;

use super::{
    Error, Partnership, Signed, numbers::field, order_turns::OrderAbout, service_steps::staff_or,
};
use crate::{
    domain::{
        Gate, LifeState, PartnerId, Refusal, Right, ServiceId,
        company::paragraphs,
        fields::FieldErrors,
        service_life::{RevisionEvent, RevisionState},
        service_revision::{ServiceForm, section_of, service_name},
    },
    metrics,
    store::{
        CallbackChange, Constraint, HappeningRow, NewOffering, OfferingFilter, OfferingRow,
        OfferingWrite, OrderItem, RevisionRow, ServiceCommentRow, Traffic,
    },
};

pub(super) const UNKNOWN: Refusal = Refusal::UnknownId("service");
const COMMENT_MAX: usize = 1000;
const SECRET_OCTETS: usize = 32;

/// A service with everything that its reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFile {
    pub row: OfferingRow,
    /// The newest first.
    pub revisions: Vec<RevisionRow>,
    /// Of the description that is worked on, else of the one that holds.
    pub form: ServiceForm,
    /// What is wrong with that one.
    pub errors: FieldErrors,
    /// What was said about that one.
    pub comments: Vec<ServiceCommentRow>,
    /// Every gate, with what is in its way.
    pub gates: Vec<(Gate, Option<String>)>,
}

impl ServiceFile {
    /// The description that is worked on.
    pub fn open(&self) -> Option<&RevisionRow> {
        self.revisions.iter().find(|one| one.state.is_open())
    }

    /// The description that holds.
    pub fn approved(&self) -> Option<&RevisionRow> {
        approved(&self.revisions)
    }

    /// Whether its partner can write on it now.
    pub fn is_editable(&self) -> bool {
        self.row.state != LifeState::Closed
            && self.open().is_none_or(|open| open.state == RevisionState::Draft)
    }

    /// What messages of a version of the routed service followed.
    pub fn at_version(&self, version: i64) -> Option<&RevisionRow> {
        // The newest first, so that the first one that had begun is it.
        self.revisions.iter().find(|one| one.service_version.is_some_and(|from| from <= version))
    }
}

pub(super) fn approved(revisions: &[RevisionRow]) -> Option<&RevisionRow> {
    revisions.iter().find(|one| one.state == RevisionState::Approved)
}

impl Partnership {
    /// A partner's own services, or all for the desk, the newest first.
    pub async fn services(
        &self,
        signed: &Signed,
        wish: &OfferingFilter,
    ) -> Result<Vec<OfferingRow>, Error> {
        self.require(signed, Right::SeeServices)?;
        let partner = signed.partner.or(wish.partner);
        Ok(self.store.offerings(&OfferingFilter { partner, ..wish.clone() }).await?)
    }

    pub async fn service(&self, signed: &Signed, id: i64) -> Result<OfferingRow, Error> {
        self.require(signed, Right::SeeServices)?;
        let row = self.store.offering(id).await?;
        let reached = row.filter(|row| signed.reaches(Some(PartnerId(row.partner_id))));
        Ok(reached.ok_or(UNKNOWN)?)
    }

    /// Everything about one service.
    pub async fn service_file(&self, signed: &Signed, id: i64) -> Result<ServiceFile, Error> {
        let row = self.service(signed, id).await?;
        let revisions = self.store.revisions(id).await?;
        let open = revisions.iter().find(|one| one.state.is_open());
        let shown = open.or(approved(&revisions)).or(revisions.first()).ok_or(UNKNOWN)?;
        let form = shown.form();
        let comments = self.store.service_comments(id, shown.number).await?;
        // The gates of what is asked for; a closed service passes none any more.
        let gates = match row.state {
            LifeState::Closed => Vec::new(),
            _ => self.gates(&row, shown, Gate::ALL).await?,
        };
        let errors = form.check().err().unwrap_or_default();
        Ok(ServiceFile { row, revisions, form, errors, comments, gates })
    }

    /// What happened to a service, oldest first, as its reader may see it.
    pub async fn service_history(
        &self,
        signed: &Signed,
        row: &OfferingRow,
    ) -> Result<Vec<HappeningRow>, Error> {
        self.require(signed, Right::SeeServices)?;
        if !signed.reaches(Some(PartnerId(row.partner_id))) {
            return Err(UNKNOWN.into());
        }
        Ok(self.store.timeline(&row.subject(), !signed.is_operator()).await?)
    }

    /// Begins a description; `name` is a word that logs and the API use.
    pub async fn draft_service(&self, signed: &Signed, name: &str) -> Result<OfferingRow, Error> {
        self.require(signed, Right::EditServices)?;
        let partner = signed.partner.ok_or(Refusal::NotAllowed)?;
        if let Some(company) = self.store.company(partner).await?
            && !matches!(&*company.state, "contracted" | "live")
        {
            let text = "services are described once the framework agreement is in force";
            return Err(Refusal::WrongState(text.to_owned()).into());
        }
        let name = service_name(name).map_err(|bad| Refusal::from(FieldErrors::of("name", bad)))?;
        let body = body(&ServiceForm::usual());
        let person = Some(signed.person);
        let new = NewOffering { partner, name: &name, person, body: &body };
        let id = match self.store.begin_offering(&signed.caller(), self.now(), &new).await {
            Err(crate::store::Error::Conflict(Constraint::OfferingName)) => {
                return Err(Refusal::Taken("service name").into());
            }
            other => other?,
        };
        metrics::service_step("draft");
        self.service(signed, id).await
    }

    /// Writes fields of the description that is worked on, right or wrong; of a service that was
    /// approved a new description is begun.
    pub async fn edit_service(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        fields: &[(String, String)],
    ) -> Result<OfferingRow, Error> {
        self.require(signed, Right::EditServices)?;
        let (row, revisions) = self.read_service(signed, (id, version)).await?;
        let mut revision = self.editable(&row, &revisions, signed)?;
        let mut form = revision.form();
        for (name, value) in fields {
            if !form.set(name, value) {
                return Err(field("fields", "unknown_field", "there is no such field"));
            }
        }
        revision.body = body(&form);
        revision.made_by = signed.caller().to_string();
        let write = OfferingWrite {
            what: "service.edit",
            before: &row,
            after: row.clone(),
            revision: Some(revision),
            supersedes: None,
            traffic: Traffic::Same,
            comment: None,
            note: "",
            mails: Vec::new(),
        };
        self.write_service(signed, &write).await
    }

    /// The draft that is worked on, or a new one after the description that holds.
    fn editable(
        &self,
        row: &OfferingRow,
        revisions: &[RevisionRow],
        signed: &Signed,
    ) -> Result<RevisionRow, Error> {
        let open = revisions.iter().find(|one| one.state.is_open());
        match open {
            Some(open) if open.state == RevisionState::Draft => return Ok(open.clone()),
            Some(_) => {
                let text = "it was submitted; wait for the answer, or withdraw the change";
                return Err(Refusal::WrongState(text.to_owned()).into());
            }
            None => {}
        }
        let holds = approved(revisions).filter(|_| row.state.is_settled());
        let holds = holds.ok_or_else(|| {
            Error::from(Refusal::WrongState(format!("it is {} and stays as it is", row.state)))
        })?;
        let number = revisions.iter().map(|one| one.number).max().unwrap_or_default() + 1;
        Ok(RevisionRow {
            offering_id: row.id,
            number,
            state: RevisionState::Draft,
            body: holds.body.clone(),
            made_by: signed.caller().to_string(),
            made_at: self.now(),
            submitted_by: None,
            submitted_at: None,
            approved_by: None,
            approved_at: None,
            service_version: None,
            ended_at: None,
        })
    }

    /// Gives up a change of a service that was approved before.
    pub async fn withdraw_change(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
    ) -> Result<OfferingRow, Error> {
        self.require(signed, Right::EditServices)?;
        let (row, revisions) = self.read_service(signed, (id, version)).await?;
        let open = revisions.iter().find(|one| one.state.is_open());
        // The first description is the service itself; that is closed.
        let open = open.filter(|_| row.state.is_settled());
        let after = open.and_then(|open| open.state.after(RevisionEvent::Withdraw));
        let (Some(open), Some(state)) = (open, after) else {
            return Err(Refusal::WrongState("there is no change to withdraw".to_owned()).into());
        };
        let revision = RevisionRow { state, ended_at: Some(self.now()), ..open.clone() };
        let write = OfferingWrite {
            what: "service.withdraw_change",
            before: &row,
            after: row.clone(),
            revision: Some(revision),
            supersedes: None,
            traffic: Traffic::Same,
            comment: None,
            note: "",
            mails: Vec::new(),
        };
        self.write_service(signed, &write).await
    }

    /// Says something about one field of what is worked on, or about the whole. Both sides do.
    pub async fn comment_service(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        (name, text): (&str, &str),
    ) -> Result<OfferingRow, Error> {
        self.require(signed, staff_or(signed, Right::EditServices))?;
        let (row, revisions) = self.read_service(signed, (id, version)).await?;
        if !name.is_empty() && section_of(name).is_none() {
            return Err(field("field", "unknown_field", "there is no such field"));
        }
        let text = paragraphs(text, 1, COMMENT_MAX)
            .map_err(|bad| Refusal::from(FieldErrors::of("text", bad)))?;
        let open = revisions.iter().find(|one| one.state.is_open());
        let about = open.or(approved(&revisions));
        let about = about
            .filter(|_| row.state != LifeState::Closed)
            .ok_or_else(|| Refusal::WrongState("it is closed".to_owned()))?;
        let write = OfferingWrite {
            what: "service.comment",
            before: &row,
            after: row.clone(),
            revision: Some(about.clone()),
            supersedes: None,
            traffic: Traffic::Same,
            comment: Some((name, &text)),
            note: &text,
            mails: Vec::new(),
        };
        self.write_service(signed, &write).await
    }

    /// A new secret that signs callbacks; it is shown this once. The one before signs too until
    /// the next change.
    pub async fn new_service_secret(&self, signed: &Signed, id: i64) -> Result<String, Error> {
        self.require(signed, Right::ManageCredentials)?;
        let row = self.service(signed, id).await?;
        // The operator has no business with a partner's secret.
        if signed.partner.is_none() {
            return Err(Refusal::NotAllowed.into());
        }
        let secret = new_secret()?;
        let change = CallbackChange::Rotate(secret.clone());
        let done = match row.service_id.filter(|_| row.state != LifeState::Closed) {
            Some(service) => {
                let service = ServiceId(service);
                self.store.set_callback(&signed.caller(), self.now(), service, &change).await?
            }
            None => false,
        };
        if done {
            return Ok(secret);
        }
        let text = "it has no callback yet; the test begins first";
        Err(Refusal::WrongState(text.to_owned()).into())
    }

    /// Sends to a callback again that was disabled; what waited goes by itself.
    pub async fn enable_callback(
        &self,
        signed: &Signed,
        at: (i64, i64),
    ) -> Result<OfferingRow, Error> {
        self.require(signed, Right::EditServices)?;
        let (row, _) = self.read_service(signed, at).await?;
        let done = match row.service_id.filter(|_| row.state != LifeState::Closed) {
            Some(service) => {
                let (by, now) = (signed.caller(), self.now());
                let change = CallbackChange::Enable;
                self.store.set_callback(&by, now, ServiceId(service), &change).await?
            }
            None => false,
        };
        if done {
            return Ok(row);
        }
        Err(Refusal::WrongState("it has no callback".to_owned()).into())
    }

    pub(super) async fn read_service(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
    ) -> Result<(OfferingRow, Vec<RevisionRow>), Error> {
        let row = self.service(signed, id).await?;
        if row.version != version {
            return Err(Refusal::VersionConflict.into());
        }
        Ok((row, self.store.working_revisions(id).await?))
    }

    pub(super) async fn write_service(
        &self,
        signed: &Signed,
        write: &OfferingWrite<'_>,
    ) -> Result<OfferingRow, Error> {
        let (by, was_live) = (signed.caller(), write.before.live_at.is_some());
        let step = (write.what, was_live, write.note);
        let orders = self.order_turns(&by, || order_about(write), step).await?;
        let write = (write, orders.as_slice());
        let done = match self.store.step_offering(&by, self.now(), write).await {
            Err(crate::store::Error::Conflict(Constraint::KeywordTaken)) => {
                return Err(Refusal::Taken("keyword").into());
            }
            Err(crate::store::Error::Conflict(Constraint::ServiceName)) => {
                return Err(Refusal::Taken("service name").into());
            }
            other => other?,
        };
        let row = done.ok_or(Refusal::VersionConflict)?;
        metrics::service_step(write.0.what.trim_start_matches("service."));
        Ok(row)
    }
}

/// What an order about a service is about: the service, and what it is reached by.
fn order_about(write: &OfferingWrite<'_>) -> OrderAbout {
    let row = write.before;
    let mut items = vec![OrderItem::new("service", &row.name)];
    let meant = write.revision.as_ref().and_then(|revision| revision.form().check().ok());
    if let Some(meant) = meant {
        items.push(OrderItem::new("number", meant.number.as_str()));
        let keywords = meant.keywords.iter();
        items.extend(keywords.map(|keyword| OrderItem::new("keyword", keyword.as_str())));
    }
    OrderAbout {
        partner: PartnerId(row.partner_id),
        subject: row.subject(),
        name: row.name.clone(),
        items,
    }
}

pub(super) fn body(form: &ServiceForm) -> String {
    serde_json::to_string(form).expect("a form is plain text")
}

/// A secret as Standard Webhooks writes it.
pub(super) fn new_secret() -> Result<String, Error> {
    let mut octets = zeroize::Zeroizing::new([0_u8; SECRET_OCTETS]);
    getrandom::fill(octets.as_mut_slice())?;
    let text = base64::engine::general_purpose::STANDARD.encode(octets.as_slice());
    Ok(format!("whsec_{text}"))
}
