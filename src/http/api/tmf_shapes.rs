//! What TMF621 is asked and told: filters of a list, a new ticket, a whole one.
//!
//! It calls no verb but to look; steps are in `tmf_tickets`. What surprises: of a new ticket all is
//! refused that nobody here would keep, by its name, so that a desk never believes that it was.

use serde::Deserialize;
use serde_json::{Value, json};

use super::shapes::moment;
use crate::{
    domain::{ComplaintState, FaultArea, FaultItemKind, Severity, TicketState},
    http::error::{Fault, Problem},
    partnership::{
        ComplaintView, FaultView, FaultWish,
        trouble_ticket::{COMPLAINT_TYPE, complaint_ticket as complaint, fault_ticket as ticket},
    },
    store::{FaultFilter, FileLine, HappeningRow},
};

/// What a thing that a ticket names is to it.
const ROLE: &str = "affected";
const NOTES_MAX: usize = 10;
/// Characters of a description that become the name, if none is given.
const NAME_MAX: usize = 100;

/// What TMF630 lets a client ask for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketsWanted {
    /// Only tickets with this status.
    status: Option<String>,
    /// Only tickets of this severity; complaints have none.
    severity: Option<String>,
    /// `fault`, `fault/wap` and so on, or `complaint`; without it both.
    #[serde(rename = "ticketType")]
    #[param(rename = "ticketType")]
    ticket_type: Option<String>,
    /// Members that are wanted, with commas between.
    pub(super) fields: Option<String>,
    /// Rows to leave out.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub(super) offset: Option<i64>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 0, maximum = 100)]
    pub(super) limit: Option<i64>,
}

/// A ticket to open, as far as TMF621 asks for it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewTicketBody {
    #[schema(min_length = 1, max_length = 4000)]
    description: String,
    /// `critical`, `major`, `minor` or `question`, also with a capital letter.
    #[schema(pattern = "^([Cc]ritical|[Mm]ajor|[Mm]inor|[Qq]uestion)$")]
    severity: String,
    /// `fault`; the area may follow, as in `fault/wap`.
    #[schema(pattern = "^fault(/(sms|wap|number|portal|settlement))?$")]
    ticket_type: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    name: String,
    /// What it is about: your services, numbers, links and messages.
    #[serde(default)]
    #[schema(max_items = 50)]
    related_entity: Vec<EntityBody>,
    /// They are put behind the description.
    #[serde(default)]
    #[schema(max_items = 10)]
    note: Vec<NoteTextBody>,
    #[serde(default, rename = "@type")]
    #[schema(rename = "@type", pattern = "^TroubleTicket$")]
    kind: Option<String>,
}

/// Something that a ticket names.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EntityBody {
    /// Its name; of a message its id.
    #[schema(min_length = 1, max_length = 64)]
    id: String,
    #[schema(pattern = "^affected$")]
    role: String,
    #[serde(rename = "@referredType")]
    #[schema(rename = "@referredType", pattern = "^(service|number|link|message)$")]
    referred_type: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteTextBody {
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

impl NewTicketBody {
    /// What nobody here would keep is refused by its name: a desk must not believe that it was.
    pub(super) fn wish(self, now: i64) -> Result<FaultWish, Problem> {
        let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none of a ticket"));
        let area = match self.ticket_type.split_once('/') {
            None if self.ticket_type == "fault" => FaultArea::Sms,
            Some(("fault", area)) => FaultArea::parse(area).ok_or_else(|| bad("ticketType"))?,
            _ => return Err(bad("ticketType")),
        };
        if self.kind.is_some_and(|kind| kind != "TroubleTicket") {
            return Err(bad("@type"));
        }
        if self.note.len() > NOTES_MAX || self.note.iter().any(|note| note.text.is_empty()) {
            return Err(bad("note"));
        }
        let mut items = Vec::new();
        for entity in self.related_entity {
            let kind = FaultItemKind::parse(&entity.referred_type).filter(|_| entity.role == ROLE);
            items.push((kind.ok_or_else(|| bad("relatedEntity"))?, entity.id));
        }
        let title = if self.name.is_empty() {
            self.description.chars().take(NAME_MAX).collect()
        } else {
            self.name
        };
        let notes = self.note.into_iter().map(|note| note.text);
        let story: Vec<String> = [self.description].into_iter().chain(notes).collect();
        Ok(FaultWish {
            partner: None,
            area,
            severity: severity(&self.severity).ok_or_else(|| bad("severity"))?,
            title,
            story: story.join("\n\n"),
            since_at: now,
            contact: String::new(),
            items,
            incident: None,
        })
    }
}

/// TMF621 gives `Critical, Major, Minor` as its examples, so that a capital letter is none of
/// another word.
fn severity(word: &str) -> Option<Severity> {
    let (first, rest) = word.split_at_checked(1)?;
    Severity::parse(&format!("{}{rest}", first.to_ascii_lowercase()))
}

/// What a list is asked for, of each kind; none of a kind that it has nothing of.
pub(super) struct Sought {
    pub(super) faults: Option<FaultFilter>,
    pub(super) complaints: Option<Vec<ComplaintState>>,
}

impl Sought {
    pub(super) fn of(wanted: &TicketsWanted) -> Result<Self, Problem> {
        let bad = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none of a ticket"));
        let state = match &wanted.status {
            None => None,
            Some(word) => Some(TicketState::of_tmf(word).ok_or_else(|| bad("status"))?),
        };
        let severity = match wanted.severity.as_deref() {
            None => "",
            Some(word) => severity(word).ok_or_else(|| bad("severity"))?.as_str(),
        };
        let (area, [faults, complaints]) = match wanted.ticket_type.as_deref() {
            None => ("", [true, true]),
            Some("fault") => ("", [true, false]),
            Some(COMPLAINT_TYPE) => ("", [false, true]),
            Some(word) => {
                let area = word.strip_prefix("fault/").and_then(FaultArea::parse);
                (area.ok_or_else(|| bad("ticketType"))?.as_str(), [true, false])
            }
        };
        let states: Vec<_> = ComplaintState::ALL
            .iter()
            .copied()
            .filter(|one| state.is_some_and(|state| one.ticket() == state))
            .collect();
        // No complaint is rejected or cancelled.
        let complaints =
            complaints && severity.is_empty() && (state.is_none() || !states.is_empty());
        let filter = FaultFilter {
            state: state.map_or("", TicketState::as_str).to_owned(),
            area: area.to_owned(),
            severity: severity.to_owned(),
            ..FaultFilter::default()
        };
        Ok(Self { faults: faults.then_some(filter), complaints: complaints.then_some(states) })
    }
}

pub(super) fn whole(view: &FaultView) -> Value {
    let mut all = ticket(&view.row);
    all["note"] = notes(&view.history, "fault_note");
    let related: Vec<Value> = view
        .items
        .iter()
        .map(|item| json!({ "id": item.name, "role": ROLE, "@referredType": item.kind }))
        .collect();
    all["relatedEntity"] = json!(related);
    all["attachment"] = attachments(&view.files);
    all
}

pub(super) fn whole_complaint(view: &ComplaintView) -> Value {
    let mut all = complaint(&view.row);
    all["note"] = notes(&view.history, "complaint_note");
    let related: Vec<Value> = view
        .messages
        .iter()
        .map(|one| {
            let id = one.message_id.to_string();
            json!({ "id": id, "role": "disputed", "@referredType": "message" })
        })
        .collect();
    all["relatedEntity"] = json!(related);
    all["attachment"] = attachments(&view.files);
    all
}

/// What there is, without its octets: these are given out where it is noted who took them.
fn attachments(files: &[FileLine]) -> Value {
    files
        .iter()
        .map(|file| {
            json!({
                "id": file.id, "name": file.name, "mimeType": file.media_type,
                "size": { "amount": file.octets, "units": "octets" }, "@type": "Attachment",
            })
        })
        .collect()
}

fn notes(history: &[HappeningRow], kind: &str) -> Value {
    let notes = history.iter().filter(|one| one.kind == kind);
    notes
        .map(|one| json!({ "id": one.id.to_string(), "date": moment(one.at), "text": one.note }))
        .collect()
}
