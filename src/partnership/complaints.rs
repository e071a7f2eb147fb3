//! Complaints: taking one, and finding what it is about.
//!
//! Looking at those that there are is in `complaint_views`, the steps that follow in
//! `complaint_steps`. What surprises: nobody names a message. The number and the days are enough,
//! and what the subscriber sent and got in them attaches itself; of what a partner hands over only
//! its own.

use std::time::Duration;

use serde_json::json;

use super::{
    Error, Partnership, Signed, complaint_letters as letters, complaint_views::shown,
    numbers::field, trouble_ticket::complaint_taken,
};
use crate::{
    domain::{
        ComplaintChannel, ComplaintDemand, ComplaintState, ComplaintSubject, Msisdn, PartnerId,
        Refusal, Right, company::MailAddress, refusal::FieldFault,
    },
    metrics,
    store::{
        ComplaintLetters, ComplaintMessage, ComplaintRow, ComplaintTaken, DisputedMessage, OPEN_MAX,
    },
};

/// Messages that one complaint is about at most.
pub const COMPLAINT_MESSAGES_MAX: usize = 200;
const STORY_MAX: usize = 4000;
const NAME_MAX: usize = 120;
const ADDRESS_MAX: usize = 300;
/// Complaints that one partner hands over in an hour at most.
const FORWARDS_PER_HOUR: u32 = 100;
const DAY_US: i64 = 86_400_000_000;
/// Days that one complaint is about at most: each of them is searched.
const SPAN_MAX: i64 = 93 * DAY_US;
/// A complaint may be lodged for twelve months; with a day for both ends.
const LODGED_MAX: i64 = 367 * DAY_US;
/// Clocks differ: so far ahead a receipt may be.
const AHEAD: i64 = 300_000_000;

/// A complaint as somebody takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplaintWish {
    pub subject: ComplaintSubject,
    pub channel: ComplaintChannel,
    pub demand: ComplaintDemand,
    /// As people say it: `600 100 200`, `+48 600 100 200`.
    pub msisdn: String,
    /// Where the answer goes.
    pub name: String,
    pub mail: String,
    pub address: String,
    pub story: String,
    /// The days in question, microseconds UTC.
    pub from_at: i64,
    pub until_at: i64,
    pub received_at: i64,
    /// Names; empty where nobody knows. A partner's person names no partner.
    pub partner: String,
    pub service: String,
}

impl Partnership {
    /// Takes a complaint in: of the staff for a subscriber, of a partner to hand it over.
    pub async fn take_complaint(
        &self,
        signed: &Signed,
        wish: &ComplaintWish,
    ) -> Result<ComplaintRow, Error> {
        self.require(signed, Right::FileTickets)?;
        let number = self.checked_complaint(wish)?;
        let (partner, service) = self.complained_of(signed, wish).await?;
        if let Some(own) = signed.partner {
            // Each looks through days of traffic, which is not for a partner to ask for at will.
            let who = format!("complaints of {}", own.0);
            if !self.floods.admits(&who, FORWARDS_PER_HOUR, self.now()) {
                let retry_after = Duration::from_hours(1);
                return Err(Refusal::TooManyTries { retry_after }.into());
            }
        }
        let days = (wish.from_at, wish.until_at);
        let found = self.store.traffic_of(&number, partner, days, COMPLAINT_MESSAGES_MAX).await?;
        let mut messages = Vec::new();
        for one in &found.messages {
            if service.is_none_or(|service| one.service_id == Some(service)) {
                messages.push(self.in_question(&number, one).await?);
            }
        }
        let terms = &self.complaints.terms;
        let row = ComplaintRow {
            partner_id: partner.map(|one| one.0).or_else(|| only(&messages, |one| one.partner_id)),
            service_id: service.or_else(|| only(&messages, |one| one.service_id)),
            person_id: signed.partner.map(|_| signed.person.0),
            msisdn: number.as_str().to_owned(),
            due_at: terms.answer_by(wish.received_at, &self.rules.calendar),
            step_at: terms.next_step(0, wish.received_at),
            made_by: signed.caller().to_string(),
            made_at: self.now(),
            ..blank(wish)
        };
        let desk = self.complaint_desk();
        let write = |row: &ComplaintRow| letters::taken(row, desk.as_ref());
        let new = (&row, messages.as_slice());
        let told = (&write as ComplaintLetters<'_>, complaint_taken as ComplaintTaken);
        let row = self.store.add_complaint(&signed.caller(), self.now(), new, told).await?;
        let row = row.ok_or_else(|| {
            let text = format!("{OPEN_MAX} complaints that you handed over are open");
            Refusal::WrongState(text)
        })?;
        metrics::complaint_step("take");
        Ok(shown(signed, row))
    }

    /// The words within their limits, and a number.
    fn checked_complaint(&self, wish: &ComplaintWish) -> Result<Msisdn, Error> {
        let mut wrong = Vec::new();
        let mut say = |field: &'static str, code, detail: &str| {
            wrong.push(FieldFault::new(field, code, detail));
        };
        let number = msisdn(&wish.msisdn, &self.complaints.country);
        if number.is_none() {
            say("msisdn", "invalid", "must be a telephone number, such as +48 600 100 200");
        }
        if wish.story.trim().is_empty() {
            say("story", "missing", "must not be empty");
        }
        for (name, text, most) in [
            ("story", &wish.story, STORY_MAX),
            ("name", &wish.name, NAME_MAX),
            ("address", &wish.address, ADDRESS_MAX),
        ] {
            if text.trim().chars().count() > most {
                say(name, "too_long", &format!("has {most} characters at most"));
            }
        }
        if !wish.mail.trim().is_empty() && MailAddress::parse(wish.mail.trim()).is_err() {
            say("mail", "invalid_mail", "must be a mail address");
        }
        let now = self.now();
        if !(now - LODGED_MAX..=now + AHEAD).contains(&wish.received_at) {
            say("received", "out_of_range", "must be a moment of the last year");
        }
        let span = wish.until_at.saturating_sub(wish.from_at);
        if !(0..=SPAN_MAX).contains(&span) {
            say("until", "out_of_range", "must be 93 days after the first at most");
        }
        // The law lets nobody complain later.
        if wish.received_at.saturating_sub(wish.from_at) > LODGED_MAX {
            say("from", "too_old", "must be a day of the twelve months before the complaint");
        }
        match number {
            Some(number) if wrong.is_empty() => Ok(number),
            _ => Err(Refusal::FieldErrors(wrong).into()),
        }
    }

    /// Whom and what it is about, as far as it was said.
    async fn complained_of(
        &self,
        signed: &Signed,
        wish: &ComplaintWish,
    ) -> Result<(Option<PartnerId>, Option<i64>), Error> {
        let named = wish.partner.trim();
        let partner = match signed.partner {
            Some(own) => Some(own),
            None if named.is_empty() => None,
            None => {
                let found = self.store.partner_called(named).await?;
                Some(found.ok_or_else(|| unknown("partner", named))?)
            }
        };
        let named = wish.service.trim();
        if named.is_empty() {
            return Ok((partner, None));
        }
        let Some(of) = partner else {
            return Err(field("partner", "missing", "names of services are those of a partner"));
        };
        let found = self.store.service_called(of, named).await?;
        Ok((partner, Some(found.ok_or_else(|| unknown("service", named))?)))
    }

    /// A message with its steps as they are now, and neither its text nor the subscriber's number.
    async fn in_question(
        &self,
        number: &Msisdn,
        found: &DisputedMessage,
    ) -> Result<ComplaintMessage, Error> {
        let is_sender = found.sender == number.as_str();
        let steps: Vec<_> = self
            .store
            .events(crate::domain::MessageId(found.id))
            .await?
            .iter()
            .map(|step| json!({ "at": step.at, "what": step.kind, "attempt": step.attempt }))
            .collect();
        let trace = json!({
            "state": found.state, "state_at": found.state_at, "error": found.error,
            "steps": steps,
        });
        Ok(ComplaintMessage {
            message_id: found.id,
            partner_id: found.partner_id,
            service_id: found.service_id,
            service_version: found.service_version,
            direction: found.direction.clone(),
            short_code: if is_sender { &found.recipient } else { &found.sender }.clone(),
            keyword: found.keyword.clone(),
            accepted_at: found.accepted_at,
            trace: trace.to_string(),
        })
    }
}

/// A row with what was said, and nothing yet of what follows from it.
fn blank(wish: &ComplaintWish) -> ComplaintRow {
    let trimmed = |text: &str| text.trim().to_owned();
    ComplaintRow {
        id: 0,
        partner_id: None,
        partner: None,
        service_id: None,
        service: None,
        person_id: None,
        subject: wish.subject,
        channel: wish.channel,
        demand: wish.demand,
        state: ComplaintState::Received,
        msisdn: String::new(),
        name: trimmed(&wish.name),
        mail: trimmed(&wish.mail),
        address: trimmed(&wish.address),
        story: trimmed(&wish.story),
        from_at: wish.from_at,
        until_at: wish.until_at,
        received_at: wish.received_at,
        counts_from: wish.received_at,
        due_at: 0,
        partner_due_at: None,
        told_step: 0,
        step_at: None,
        owner_id: None,
        owner: None,
        partner_says: None,
        partner_answer: String::new(),
        answered_at: None,
        decision: None,
        reason: String::new(),
        decided_at: None,
        decided_by: None,
        refund_minor: 0,
        currency: "PLN".to_owned(),
        appeals: 0,
        answer_file: None,
        pack_file: None,
        pack_sha256: None,
        pack_copy: None,
        pack_copy_sha256: None,
        pack_at: None,
        made_by: String::new(),
        made_at: 0,
        ended_at: None,
        version: 1,
    }
}

/// A number as people say it. Nine digits are those of the country.
pub(super) fn msisdn(text: &str, country: &str) -> Option<Msisdn> {
    let bare: String =
        text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '\u{a0}')).collect();
    let is_national = bare.len() == 9 && bare.bytes().all(|octet| octet.is_ascii_digit());
    Msisdn::normalise(&bare, is_national, country).ok()
}

/// The one value that all messages with any have.
fn only(
    messages: &[ComplaintMessage],
    of: impl Fn(&ComplaintMessage) -> Option<i64>,
) -> Option<i64> {
    let mut values = messages.iter().filter_map(of);
    let first = values.next()?;
    values.all(|one| one == first).then_some(first)
}

fn unknown(field: &'static str, name: &str) -> Error {
    let shown: String = name.chars().take(64).collect();
    let fault = FieldFault::new(field, "unknown", format!("there is no {field} `{shown}`"));
    Refusal::FieldErrors(vec![FieldFault { params: vec![("name", shown)], ..fault }]).into()
}
