//! Fault reports: filing one, and looking at those that there are.
//!
//! The steps that follow are in `fault_steps`. What surprises: what a report names must be the
//! partner's own, and what is another's is answered like what does not exist; the trace of a
//! message is kept as it was when it was reported, for the message goes on.

use serde_json::json;

use super::{
    Error, FaultContact, Partnership, Signed, fault_letters as letters, trouble_ticket::fault_filed,
};
use crate::{
    domain::{
        Caller, FaultArea, FaultItemKind, MessageId, PartnerId, Refusal, Right, Severity,
        refusal::FieldFault,
    },
    metrics,
    store::{
        DeadlineRow, FaultFilter, FaultItem, FaultRow, FileLine, HappeningRow, NewFault, OPEN_MAX,
        QueuePlace,
    },
};

pub(super) const UNKNOWN: Refusal = Refusal::UnknownId("fault");
/// What one report names at most.
pub const ITEMS_MAX: usize = 50;
const TITLE_MAX: usize = 120;
pub(super) const STORY_MAX: usize = 4000;
const CONTACT_MAX: usize = 200;
const NAME_MAX: usize = 64;
/// Nobody reports what began longer ago, in microseconds: a year.
const SINCE_MAX: i64 = 366 * 86_400_000_000;
/// Clocks differ: so far ahead a beginning may be.
const SINCE_AHEAD: i64 = 300_000_000;

/// A fault as somebody reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultWish {
    /// Whose it is, of the staff alone; a partner's person reports for its partner.
    pub partner: Option<PartnerId>,
    pub area: FaultArea,
    pub severity: Severity,
    pub title: String,
    pub story: String,
    /// Microseconds UTC.
    pub since_at: i64,
    pub contact: String,
    pub items: Vec<(FaultItemKind, String)>,
    /// "This is it."
    pub incident: Option<i64>,
}

/// A fault with everything around it that its reader may see.
#[derive(Debug, Clone)]
pub struct FaultView {
    pub row: FaultRow,
    pub items: Vec<FaultItem>,
    pub history: Vec<HappeningRow>,
    pub files: Vec<FileLine>,
    pub deadlines: Vec<DeadlineRow>,
}

impl Partnership {
    /// Takes a fault in: numbered, with its promises, told to both sides.
    pub async fn report_fault(&self, signed: &Signed, wish: &FaultWish) -> Result<FaultRow, Error> {
        self.require(signed, Right::FileTickets)?;
        let partner = self.partner_of(signed, wish).await?;
        let wish = self.checked(wish)?;
        let items = self.items(partner, &wish.items).await?;
        if let Some(incident) = wish.incident {
            self.incident(signed, incident).await?;
        }
        let now = self.now();
        let (targets, calendar) = (&self.faults.targets, &self.rules.calendar);
        let new = NewFault {
            partner,
            person: signed.partner.map(|_| signed.person),
            area: wish.area,
            severity: wish.severity,
            title: &wish.title,
            story: &wish.story,
            since_at: wish.since_at,
            contact: &wish.contact,
            cause: None,
            evidence: "",
            items: &items,
            incident: wish.incident,
            answer_by: targets.answer_by(wish.severity, now, calendar),
            solve_by: targets.solve_by(wish.severity, now, calendar),
        };
        self.file_fault(&signed.caller(), &new).await?.ok_or_else(|| {
            let text = format!("{OPEN_MAX} of your reports are open; close what is over");
            Refusal::WrongState(text).into()
        })
    }

    /// The same for what was checked, also by the gateway itself.
    pub(super) async fn file_fault(
        &self,
        by: &Caller,
        new: &NewFault<'_>,
    ) -> Result<Option<FaultRow>, Error> {
        let told = match new.partner {
            Some(partner) => self.store.holder(partner, new.person.map(|person| person.0)).await?,
            None => None,
        };
        let desk = self.fault_desk();
        let write = |id| letters::reported(id, new, told.as_ref(), desk.as_ref());
        let row = self.store.add_fault(by, self.now(), new, (&write, fault_filed)).await?;
        if row.is_some() {
            metrics::fault_step("report");
        }
        Ok(row)
    }

    /// Whose fault it is. Staff may leave it out: then it is the operator's own.
    async fn partner_of(
        &self,
        signed: &Signed,
        wish: &FaultWish,
    ) -> Result<Option<PartnerId>, Error> {
        if signed.partner.is_some() {
            return Ok(signed.partner);
        }
        if let Some(partner) = wish.partner
            && self.store.company(partner).await?.is_none()
        {
            return Err(Refusal::UnknownId("partner").into());
        }
        Ok(wish.partner)
    }

    /// The words within their limits, without space around them.
    fn checked(&self, wish: &FaultWish) -> Result<FaultWish, Error> {
        let mut wrong = Vec::new();
        let mut text = |field: &'static str, text: &str, most: usize, is_needed: bool| {
            let text = text.trim();
            if is_needed && text.is_empty() {
                wrong.push(FieldFault::new(field, "missing", "must not be empty"));
            }
            if text.chars().count() > most {
                let detail = format!("has {most} characters at most");
                wrong.push(FieldFault::new(field, "too_long", detail));
            }
            text.to_owned()
        };
        let title = text("title", &wish.title, TITLE_MAX, true);
        let story = text("story", &wish.story, STORY_MAX, true);
        let contact = text("contact", &wish.contact, CONTACT_MAX, false);
        let now = self.now();
        if wish.since_at > now + SINCE_AHEAD || wish.since_at < now - SINCE_MAX {
            let detail = "must be a moment of the last year";
            wrong.push(FieldFault::new("since", "out_of_range", detail));
        }
        if wish.items.len() > ITEMS_MAX {
            let detail = format!("has {ITEMS_MAX} entries at most");
            wrong.push(FieldFault::new("items", "too_many", detail));
        }
        if !wrong.is_empty() {
            return Err(Refusal::FieldErrors(wrong).into());
        }
        Ok(FaultWish { title, story, contact, ..wish.clone() })
    }

    /// What the report names, each once, and all of it the partner's own (S-20).
    async fn items(
        &self,
        partner: Option<PartnerId>,
        named: &[(FaultItemKind, String)],
    ) -> Result<Vec<FaultItem>, Error> {
        let mut items: Vec<FaultItem> = Vec::new();
        let mut wrong = Vec::new();
        for (kind, name) in named {
            let name = name.trim();
            let Some(item) = self.item(partner, *kind, name).await? else {
                let shown: String = name.chars().take(NAME_MAX).collect();
                let detail = format!("there is no {kind} `{shown}` of yours");
                let fault = FieldFault::new(field_of(*kind), "unknown", detail);
                wrong.push(FieldFault { params: vec![("name", shown)], ..fault });
                continue;
            };
            if !items.iter().any(|one| one.kind == item.kind && one.name == item.name) {
                items.push(item);
            }
        }
        if wrong.is_empty() { Ok(items) } else { Err(Refusal::FieldErrors(wrong).into()) }
    }

    async fn item(
        &self,
        partner: Option<PartnerId>,
        kind: FaultItemKind,
        name: &str,
    ) -> Result<Option<FaultItem>, Error> {
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return Ok(None);
        }
        let item = |trace: String| FaultItem {
            kind: kind.as_str().to_owned(),
            name: name.to_owned(),
            trace,
        };
        if kind == FaultItemKind::Message {
            return Ok(self.trace(partner, name).await?.map(item));
        }
        let is_known = match partner {
            Some(partner) => self.store.partner_has(partner, kind.as_str(), name).await?,
            // The operator's own report names what it likes.
            None => true,
        };
        Ok(is_known.then(|| item(String::new())))
    }

    /// What is known of a message now: its state and steps, and neither its text nor its numbers.
    async fn trace(&self, partner: Option<PartnerId>, name: &str) -> Result<Option<String>, Error> {
        let is_plain = name.len() <= 19 && name.bytes().all(|octet| octet.is_ascii_digit());
        let mut id = name.parse().ok().filter(|_| is_plain).map(MessageId);
        if id.is_none()
            && let Some(partner) = partner
        {
            id = self.store.by_short_id(partner, name).await?;
        }
        let Some(id) = id else { return Ok(None) };
        let line = self.store.message_line(id).await?;
        let owned =
            line.filter(|line| partner.is_none_or(|partner| line.partner_id == Some(partner.0)));
        let Some(line) = owned else { return Ok(None) };
        let steps: Vec<_> = self
            .store
            .events(id)
            .await?
            .iter()
            .map(|step| json!({ "at": step.at, "what": step.kind, "attempt": step.attempt }))
            .collect();
        let trace = json!({
            "state": line.state, "state_at": line.state_at, "accepted_at": line.accepted_at,
            "error": line.error, "steps": steps,
        });
        Ok(Some(trace.to_string()))
    }

    /// Faults, the newest first: of a partner its own.
    pub async fn faults(
        &self,
        signed: &Signed,
        wish: &FaultFilter,
    ) -> Result<Vec<FaultRow>, Error> {
        let wish = self.own_faults(signed, wish)?;
        Ok(self.store.faults(&wish).await?)
    }

    /// How many there are like that.
    pub async fn count_faults(&self, signed: &Signed, wish: &FaultFilter) -> Result<i64, Error> {
        let wish = self.own_faults(signed, wish)?;
        Ok(self.store.count_faults(&wish).await?)
    }

    fn own_faults(&self, signed: &Signed, wish: &FaultFilter) -> Result<FaultFilter, Error> {
        self.require(signed, Right::SeeTickets)?;
        let mut wish = wish.clone();
        if signed.partner.is_some() {
            wish.partner = signed.partner;
        } else if !signed.is_operator() {
            return Err(Refusal::NotAllowed.into());
        }
        Ok(wish)
    }

    /// The queue of the staff: the worst first, then the least time left.
    pub async fn fault_queue(
        &self,
        signed: &Signed,
        wish: &FaultFilter,
        after: Option<QueuePlace>,
    ) -> Result<Vec<FaultRow>, Error> {
        self.require(signed, Right::SeeTickets)?;
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let start = after.unwrap_or((i64::MIN, i64::MIN, i64::MIN));
        Ok(self.store.fault_queue(wish, start).await?)
    }

    pub async fn fault(&self, signed: &Signed, id: i64) -> Result<FaultRow, Error> {
        self.require(signed, Right::SeeTickets)?;
        self.reached_fault(signed, id).await
    }

    pub(super) async fn reached_fault(&self, signed: &Signed, id: i64) -> Result<FaultRow, Error> {
        let row = self.store.fault(id).await?;
        let reached = row.filter(|row| signed.reaches(row.partner_id.map(PartnerId)));
        Ok(reached.ok_or(UNKNOWN)?)
    }

    /// One fault with its items, its timeline and its files.
    pub async fn fault_view(&self, signed: &Signed, id: i64) -> Result<FaultView, Error> {
        let row = self.fault(signed, id).await?;
        let subject = row.subject();
        Ok(FaultView {
            items: self.store.fault_items(id).await?,
            history: self.store.timeline(&subject, signed.partner.is_some()).await?,
            files: self.store.files_of(&subject).await?,
            deadlines: self.store.deadlines(&subject).await?,
            row,
        })
    }

    /// Whom to call about an area; for everybody with an account.
    pub fn fault_contact(&self, area: FaultArea) -> FaultContact {
        self.faults.contact(area)
    }
}

/// The field of a form or a body in which an item stands.
fn field_of(kind: FaultItemKind) -> &'static str {
    match kind {
        FaultItemKind::Service => "services",
        FaultItemKind::Number => "numbers",
        FaultItemKind::Link => "links",
        FaultItemKind::Message => "messages",
    }
}
