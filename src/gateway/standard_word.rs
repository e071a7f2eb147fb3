//! Answers POMOC, INFO and STOP, whatever the partner does.
//!
//! It does not decide which service is meant; the catalog does. The answer costs nobody anything
//! and is stored in the transaction of the text that it answers, so that there is never one without
//! the other. The surprise: two machines that answer each other would never end, so a subscriber
//! gets a handful of answers an hour and then none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Gateway, by_itself, likeness, mt};
use crate::{
    domain::{
        Body, Content, Counted, Item, MessageId, MoMessage, Mode, MtMessage, ReceiptWish, Sender,
        ServiceId, StandardTurn, StandardWord, service_field::TextCoding,
    },
    metrics,
    payload::{self, Coding, Reference},
    store::{
        Change,
        change::{NewMt as NewMtRow, Rare},
    },
};

/// Answers to one subscriber of one service within an hour of the clock.
const ANSWERS_PER_HOUR: u8 = 10;
/// Subscribers of whom the answers are counted; others are answered uncounted.
const COUNTED_MAX: usize = 100_000;
const HOUR_US: i64 = 3_600_000_000;

/// How many answers subscribers got in this hour.
#[derive(Debug, Default)]
pub(crate) struct AnswerCounts(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    counts: HashMap<(ServiceId, String), u8>,
}

impl AnswerCounts {
    /// Counts one more answer; false if there were enough.
    fn take(&self, service: ServiceId, subscriber: &str, now: i64) -> bool {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now / HOUR_US;
        if hour.number != number {
            *hour = Hour { number, counts: HashMap::new() };
        }
        let key = (service, subscriber.to_owned());
        if hour.counts.len() >= COUNTED_MAX && !hour.counts.contains_key(&key) {
            return true;
        }
        let count = hour.counts.entry(key).or_default();
        *count = count.saturating_add(1);
        *count <= ANSWERS_PER_HOUR
    }
}

impl Gateway {
    /// What a standard word means, as rows of the change that stores it; the item of the answer,
    /// to be pushed once the change is committed.
    pub(super) fn mean(
        &self,
        turn: &StandardTurn,
        mo: &MoMessage,
        change: &mut Change,
    ) -> Option<Item> {
        metrics::standard_word(turn.word.as_str());
        let (service, msisdn) = (turn.service.id, mo.sender.as_str().into());
        match turn.word {
            StandardWord::Stop => {
                change.rare.push(Rare::Stop {
                    service,
                    msisdn,
                    message: mo.id,
                    at: mo.accepted_at,
                });
            }
            StandardWord::Start => change.rare.push(Rare::Start { service, msisdn }),
            StandardWord::Help | StandardWord::Info => {}
        }
        let (message, item) = self.answer(turn, mo)?;
        let said = self.note_row(mo.id, "answered", by_itself());
        change.events.push(said.saying(format!("{} by {}", turn.word.as_str(), message.id)));
        let said = self.note_row(message.id, "accepted", by_itself());
        change.events.push(said.saying(format!("answers {}", mo.id)));
        let scope = smol_str::format_smolstr!("standard:{}", mo.id);
        let likeness =
            likeness::of(&scope, message.sender.as_str(), mo.sender.as_str(), &message.body);
        change.mt = Some(NewMtRow { message, likeness });
        change.items_in.push(item.clone());
        Some(item)
    }

    /// The answer is committed: it may go.
    pub(super) fn send_answer(&self, item: Item) {
        if let Content::Mt(message) = &item.content {
            let backlog = self.backlog(message.partner);
            backlog.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
            self.count(Mode::of(&message.link_group), message.service, Counted::Accepted);
        }
        metrics::message("mt", "accepted");
        self.inner.lanes.push(item);
    }

    fn answer(&self, turn: &StandardTurn, mo: &MoMessage) -> Option<(Arc<MtMessage>, Item)> {
        let (service, now) = (&turn.service, mo.accepted_at);
        let catalog = self.catalog();
        let tariff = service.tariff.and_then(|id| catalog.tariff(id));
        let gross = tariff.and_then(|tariff| tariff.at(now)).map(|version| version.gross);
        let texts = service.standard.as_ref()?;
        let text = texts.answer(turn.word, (service, &turn.keyword), gross)?;
        let (body, parts) = body(&text, service.limits.coding)?;
        let group = self.group(&service.link_group)?;
        if !self.inner.answers.take(service.id, mo.sender.as_str(), now) {
            return None;
        }
        let message = Arc::new(MtMessage {
            id: MessageId(self.next_id()),
            partner: service.partner,
            service: service.id,
            service_version: service.version,
            caller: by_itself(),
            link_group: service.link_group.clone(),
            sender: Sender::ShortCode(service.short_code.clone()),
            recipient: mo.sender.clone(),
            body,
            parts,
            on_unknown: service.on_unknown,
            charge: None,
            accepted_at: now,
            deliver_after: 0,
            valid_until: now + mt::micros(self.settings().validity_uncharged),
            receipts: ReceiptWish::NONE,
            reference: None,
            partner_reference: None,
            short_id: None,
            service_type: smol_str::SmolStr::default(),
            priority: 0,
            protocol_id: 0,
            tlvs: Vec::new(),
        });
        let item = mt::send_item(group, &message);
        Some((message, item))
    }
}

/// The text as it goes over the air, with the number of its parts. It is written in the alphabet
/// of its service; but one that has no room for it does not keep a subscriber from an answer.
fn body(text: &str, coding: TextCoding) -> Option<(Body, u8)> {
    let encoded = payload::prepare(text, coding.coding());
    let encoded = encoded.or_else(|_| payload::prepare(text, Coding::Auto)).ok()?;
    let parts =
        payload::parts::split(&encoded.octets, encoded.alphabet, Reference::Bits8(0), u8::MAX);
    let parts = u8::try_from(parts.ok()?.len()).ok()?;
    let body = Body {
        data_coding: encoded.data_coding,
        has_udh: false,
        octets: bytes::Bytes::from(encoded.octets),
    };
    Some((body, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_machines_that_answer_each_other_fall_silent_until_the_next_hour() {
        let counts = AnswerCounts::default();
        let answered =
            |now| (0..50).filter(|_| counts.take(ServiceId(1), "48600100200", now)).count();
        assert_eq!(answered(5 * HOUR_US), 10);
        assert!(counts.take(ServiceId(1), "48600100201", 5 * HOUR_US), "another subscriber");
        assert!(counts.take(ServiceId(2), "48600100200", 5 * HOUR_US), "another service");
        assert_eq!(answered(6 * HOUR_US), 10);
    }
}
