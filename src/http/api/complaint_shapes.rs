//! What the API says of a complaint, and what it is told of a new one.
//!
//! What surprises: the subscriber's number is masked for whoever may not see it, and the person
//! behind it is empty for a partner; the fields are there, so that every answer has the same ones.

use serde::{Deserialize, Serialize};

use super::shapes::moment;
use crate::{
    domain::{
        ComplaintChannel, ComplaintDemand, ComplaintSubject,
        deadline::{days_after, start_of},
    },
    http::error::{Fault, Problem},
    partnership::{ComplaintView, ComplaintWish},
    store::{ComplaintCharge, ComplaintMessage, ComplaintRow, HappeningRow},
};

/// A complaint to take, or to hand over.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewComplaintBody {
    #[schema(pattern = "^(price|not_ordered|not_delivered|could_not_stop|content|other)$")]
    pub(super) subject: String,
    /// Of staff: how it came. What a partner hands over came by `partner`.
    #[serde(default)]
    #[schema(pattern = "^(phone|mail|post|shop|web|partner)$")]
    pub(super) channel: Option<String>,
    #[schema(pattern = "^(refund|stop|explanation|other)$")]
    pub(super) demand: String,
    /// The subscriber, `48600100200`.
    #[schema(min_length = 1, max_length = 32)]
    pub(super) msisdn: String,
    #[schema(min_length = 1, max_length = 4000)]
    pub(super) description: String,
    /// The first and the last day in question.
    #[schema(format = Date)]
    pub(super) from: String,
    #[schema(format = Date)]
    pub(super) until: String,
    /// When it came; now if not given.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub(super) received: Option<String>,
    /// Where the answer goes.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub(super) name: String,
    #[serde(default)]
    #[schema(max_length = 254)]
    pub(super) mail: String,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub(super) address: String,
    /// Of staff: the partner's name.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub(super) partner: String,
    /// The service's name.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub(super) service: String,
}

impl NewComplaintBody {
    pub(super) fn wish(self, is_partner: bool, now: i64) -> Result<ComplaintWish, Problem> {
        let bad =
            |name: &str| Fault::InvalidFields.says(format!("`{name}` is not as it should be"));
        let day = |text: &str, name| text.parse::<jiff::civil::Date>().map_err(|_| bad(name));
        let received_at = match &self.received {
            Some(text) => {
                let at: jiff::Timestamp = text.parse().map_err(|_| bad("received"))?;
                at.as_microsecond()
            }
            None => now,
        };
        let channel = match (is_partner, self.channel.as_deref()) {
            (true, None | Some("partner")) => ComplaintChannel::Partner,
            (false, Some(word)) => ComplaintChannel::parse(word)
                .filter(|one| *one != ComplaintChannel::Partner)
                .ok_or_else(|| bad("channel"))?,
            _ => return Err(bad("channel")),
        };
        Ok(ComplaintWish {
            subject: ComplaintSubject::parse(&self.subject).ok_or_else(|| bad("subject"))?,
            channel,
            demand: ComplaintDemand::parse(&self.demand).ok_or_else(|| bad("demand"))?,
            msisdn: self.msisdn,
            name: self.name,
            mail: self.mail,
            address: self.address,
            story: self.description,
            from_at: start_of(day(&self.from, "from")?),
            until_at: start_of(days_after(day(&self.until, "until")?, 1)) - 1,
            received_at,
            partner: self.partner,
            service: self.service,
        })
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Complaint)]
pub(crate) struct ComplaintBody {
    id: i64,
    #[schema(example = "R-000012")]
    reference: String,
    subject: &'static str,
    channel: &'static str,
    demand: &'static str,
    /// `received`, `asked_partner`, `answered`, `accepted`, `refused` or `closed`.
    state: &'static str,
    /// The same in the words of TMF621: `acknowledged`, `pending`, `inProgress`, `resolved` or
    /// `closed`.
    ticket_status: &'static str,
    /// Masked for whoever may not see numbers.
    msisdn: String,
    /// Null while nobody knows whose service it is.
    #[schema(required)]
    partner: Option<i64>,
    #[schema(required)]
    service: Option<String>,
    description: String,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    until: String,
    #[schema(format = DateTime)]
    received_at: String,
    /// The law accepts the complaint after this moment.
    #[schema(format = DateTime)]
    due_at: String,
    /// When the partner's answer is due.
    #[schema(required, format = DateTime)]
    partner_due_at: Option<String>,
    /// `accept` or `refuse`.
    #[schema(required)]
    partner_says: Option<String>,
    partner_answer: String,
    /// `accepted`, `refused`, `by_law` or `withdrawn`.
    #[schema(required)]
    decision: Option<String>,
    reason: String,
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
    /// Given back so far.
    refund_minor: i64,
    currency: String,
    appeals: i64,
    /// For If-Match.
    version: i64,
}

impl From<&ComplaintRow> for ComplaintBody {
    fn from(row: &ComplaintRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference(),
            subject: row.subject.as_str(),
            channel: row.channel.as_str(),
            demand: row.demand.as_str(),
            state: row.state.as_str(),
            ticket_status: row.state.ticket().tmf(),
            msisdn: row.msisdn.clone(),
            partner: row.partner_id,
            service: row.service.clone(),
            description: row.story.clone(),
            from: moment(row.from_at),
            until: moment(row.until_at),
            received_at: moment(row.received_at),
            due_at: moment(row.due_at),
            partner_due_at: row.partner_due_at.map(moment),
            partner_says: row.partner_says.clone(),
            partner_answer: row.partner_answer.clone(),
            decision: row.decision.clone(),
            reason: row.reason.clone(),
            decided_at: row.decided_at.map(moment),
            refund_minor: row.refund_minor,
            currency: row.currency.clone(),
            appeals: row.appeals,
            version: row.version,
        }
    }
}

/// A message in question.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ComplaintMessage)]
pub(crate) struct MessageBody {
    id: String,
    /// `mo` or `mt`.
    direction: String,
    short_code: String,
    #[schema(required)]
    keyword: Option<String>,
    #[schema(format = DateTime)]
    accepted_at: String,
    /// State and steps when the complaint was taken.
    #[schema(value_type = Object)]
    trace: serde_json::Value,
}

impl From<&ComplaintMessage> for MessageBody {
    fn from(one: &ComplaintMessage) -> Self {
        Self {
            id: one.message_id.to_string(),
            direction: one.direction.clone(),
            short_code: one.short_code.clone(),
            keyword: one.keyword.clone(),
            accepted_at: moment(one.accepted_at),
            trace: serde_json::from_str(&one.trace).unwrap_or_default(),
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ComplaintCharge)]
pub(crate) struct ChargeBody {
    message: String,
    /// 0 is the charge, 1 what gives it back.
    line: i64,
    gross_minor: i64,
    currency: String,
    #[schema(format = DateTime)]
    at: String,
}

impl From<&ComplaintCharge> for ChargeBody {
    fn from(one: &ComplaintCharge) -> Self {
        Self {
            message: one.message_id.to_string(),
            line: one.line,
            gross_minor: one.gross_minor,
            currency: one.currency.clone(),
            at: moment(one.charged_at),
        }
    }
}

/// One thing that happened to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ComplaintEvent)]
pub(crate) struct HappenedBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    note: String,
    is_internal: bool,
}

impl From<&HappeningRow> for HappenedBody {
    fn from(row: &HappeningRow) -> Self {
        Self {
            at: moment(row.at),
            what: row.kind.trim_start_matches("complaint_").to_owned(),
            note: row.note.clone(),
            is_internal: row.is_public == 0,
        }
    }
}

/// One complaint with everything around it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ComplaintView)]
pub(crate) struct ComplaintViewBody {
    #[serde(flatten)]
    complaint: ComplaintBody,
    /// Of the staff; else empty.
    name: String,
    mail: String,
    address: String,
    messages: Vec<MessageBody>,
    charges: Vec<ChargeBody>,
    history: Vec<HappenedBody>,
}

impl From<&ComplaintView> for ComplaintViewBody {
    fn from(view: &ComplaintView) -> Self {
        Self {
            complaint: ComplaintBody::from(&view.row),
            name: view.row.name.clone(),
            mail: view.row.mail.clone(),
            address: view.row.address.clone(),
            messages: view.messages.iter().map(MessageBody::from).collect(),
            charges: view.charges.iter().map(ChargeBody::from).collect(),
            history: view.history.iter().map(HappenedBody::from).collect(),
        }
    }
}
