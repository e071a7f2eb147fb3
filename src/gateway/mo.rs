//! Taking an MO from the operator: join its parts, find its service, store it, answer.

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::{
    Error, Gateway, by_itself,
    likeness::{self, Doubt, Likeness},
    parts::{Joined, Taken},
    submit::LinkSeat,
};
use crate::{
    domain::{
        Billing, Body, Catalog, Content, Delivery, Item, ItemKey, Keyword, Lane, MessageId,
        MessageState, MoMessage, Mode, Money, Msisdn, Price, Refusal, Route, Service, ShortCode,
        StandardTurn, StandardWord, catalog::Unrouted,
    },
    metrics,
    payload::alphabet::{self, Alphabet},
    store::{
        self, Change,
        change::{ChargeRow, MoPart, NewMo as NewMoRow, Rare},
    },
};

/// An MO, or one part of one, as a link read it.
#[derive(Debug, Clone)]
pub struct NewMo {
    pub sender: Msisdn,
    pub recipient: ShortCode,
    pub body: Body,
    /// The text as far as it can be read, for routing.
    pub text: String,
    pub part: Option<PartOf>,
    pub tlvs: Vec<(u16, Bytes)>,
}

/// Which part of which long message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartOf {
    pub reference: u16,
    pub total: u8,
    /// From 1.
    pub number: u8,
}

/// The durable yes to an MO, with what a later repeat would look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoAccepted {
    pub id: MessageId,
    pub likeness: Likeness,
}

/// Where an MO goes, or why nowhere, and what the gateway itself has to say to it.
#[derive(Default)]
pub(super) struct Way {
    mode: Mode,
    service: Option<Arc<Service>>,
    keyword: Option<Keyword>,
    why: Option<&'static str>,
    turn: Option<StandardTurn>,
    /// The partner gets it.
    goes_on: bool,
}

impl Way {
    pub(super) fn to(service: Arc<Service>, keyword: Keyword, mode: Mode) -> Self {
        let (service, keyword) = (Some(service), Some(keyword));
        Self { mode, service, keyword, goes_on: true, ..Self::default() }
    }
}

impl Gateway {
    /// Takes an MO. When this returns `Ok`, it survives a power cut (P2).
    ///
    /// A text that no keyword takes is not an error: it is stored as unrouted and counted, and the
    /// SMSC is told yes, or it would try for ever.
    pub async fn accept_mo(&self, seat: &LinkSeat, new: NewMo) -> Result<MoAccepted, Error> {
        if self.inner.disk.load(std::sync::atomic::Ordering::Acquire) > 1 {
            return Err(Refusal::StoreFull.into());
        }
        let likeness = likeness::of(
            &smol_str::format_smolstr!(
                "mo:{}:{:?}",
                seat.group.0,
                new.part.map(|part| (part.reference, part.number))
            ),
            new.sender.as_str(),
            new.recipient.as_str(),
            &new.body,
        );
        if let Some(doubt) = self.inner.uncertain.take(&likeness, self.now()) {
            metrics::replayed("mo_likeness");
            let change = Change::default().event(self.note_row(
                doubt.message,
                "repeat_suppressed",
                by_itself(),
            ));
            self.inner.store.save(change).await?;
            return Ok(MoAccepted { id: doubt.message, likeness });
        }
        // Beyond the limit a part is handed on as it is: nothing is refused for want of memory.
        let settings = self.settings();
        let most = settings.mo_parts_waiting_max;
        let joinable = new.part.filter(|part| {
            part.total <= settings.mo_parts_max
                && self.inner.parts.has_room(most, seat, &new, *part)
        });
        match joinable {
            None => self.route_mo(seat, Joined::single(new), likeness).await,
            Some(part) => self.take_part(seat, new, part, likeness).await,
        }
    }

    async fn take_part(
        &self,
        seat: &LinkSeat,
        new: NewMo,
        part: PartOf,
        likeness: Likeness,
    ) -> Result<MoAccepted, Error> {
        let id = self.next_id();
        let row = MoPart {
            id,
            link: seat.name.clone(),
            link_group: self.group_name(seat.group),
            sender: new.sender.as_str().into(),
            recipient: new.recipient.as_str().into(),
            reference: part.reference,
            total: part.total,
            number: part.number,
            data_coding: new.body.data_coding,
            body: new.body.octets.clone(),
            tlvs: new.tlvs.clone(),
            received_at: self.now(),
        };
        let (sender, recipient) = (new.sender.clone(), new.recipient.clone());
        match self.inner.parts.take(seat, id, new, part, self.now()) {
            Taken::Waiting => {
                let change =
                    Change { rare: vec![Rare::KeepPart(Box::new(row))], ..Change::default() };
                // Its repeat must not be taken for one that is stored.
                self.inner.store.save(change).await.inspect_err(|_| {
                    self.inner.parts.untake(seat, &sender, &recipient, part);
                })?;
                Ok(MoAccepted { id: MessageId(id), likeness })
            }
            Taken::Repeated => Ok(MoAccepted { id: MessageId(id), likeness }),
            Taken::Complete(joined, unsettled) => {
                let outcome = self.route_mo(seat, *joined, likeness).await;
                if outcome.is_err() {
                    self.inner.parts.put_back(unsettled);
                }
                outcome
            }
        }
    }

    /// Parts of long messages that the last run was still waiting for.
    pub async fn load_parts(&self) -> Result<usize, store::Error> {
        let max = self.settings().mo_parts_waiting_max;
        let parts = self.inner.store.mo_parts(max).await?;
        let count = parts.len();
        for row in parts {
            let (Ok(sender), Ok(recipient)) =
                (Msisdn::parse(&row.sender), ShortCode::parse(&row.recipient))
            else {
                continue;
            };
            let Some(group) = self.group(&row.link_group) else { continue };
            let seat = LinkSeat { name: row.link.clone(), group, epoch: 0 };
            let part = PartOf { reference: row.reference, total: row.total, number: row.number };
            let body = Body { data_coding: row.data_coding, has_udh: false, octets: row.body };
            let alphabet =
                Alphabet::of(body.data_coding, Alphabet::Gsm7).unwrap_or(Alphabet::Binary);
            let text = alphabet::decode_lenient(&body.octets, alphabet);
            let new = NewMo { sender, recipient, body, text, part: Some(part), tlvs: row.tlvs };
            // A set that is complete now lost its process between two commits: it is whole in
            // the store, and its last part was never answered, so it will come again.
            let _: Taken = self.inner.parts.take(&seat, row.id, new, part, row.received_at);
        }
        Ok(count)
    }

    /// Finds the service and hands on.
    pub(super) async fn route_mo(
        &self,
        seat: &LinkSeat,
        joined: Joined,
        likeness: Likeness,
    ) -> Result<MoAccepted, Error> {
        let catalog = self.catalog();
        let way = self.way(&catalog, &joined, self.now())?;
        self.store_mo(&catalog, (seat, &seat.name), joined, likeness, way).await
    }

    /// Freezes the price, stores, wakes the lane.
    pub(super) async fn store_mo(
        &self,
        catalog: &Catalog,
        (seat, who): (&LinkSeat, &str),
        joined: Joined,
        likeness: Likeness,
        way: Way,
    ) -> Result<MoAccepted, Error> {
        let now = self.now();
        let id = MessageId(self.next_id());
        let Way { mode, service, keyword, why, turn, goes_on } = way;
        let is_answered = turn.as_ref().is_some_and(|turn| turn.word != StandardWord::Start);
        let message = Arc::new(MoMessage {
            id,
            service: service.as_ref().map(|s| (s.partner, s.id, s.version)),
            link: seat.name.clone(),
            link_group: self.group_name(seat.group),
            sender: joined.sender,
            recipient: joined.recipient,
            keyword,
            body: joined.body,
            parts: joined.parts,
            charge: service
                .as_ref()
                .filter(|_| !is_answered && mode == Mode::Live)
                .and_then(|service| mo_price(catalog, service, now)),
            accepted_at: now,
            valid_until: now + super::mt::micros(self.settings().validity_mo),
            tlvs: joined.tlvs,
        });
        let item = service.filter(|_| goes_on).map(|service| deliver_item(&service, &message));
        let state = match (why, &item) {
            (Some(_), _) => MessageState::Unrouted,
            (None, Some(_)) => MessageState::Accepted,
            // Answered by the gateway: that was its whole way.
            (None, None) => MessageState::Delivered,
        };
        let mut row = self
            .note_row(id, if why.is_some() { "unrouted" } else { "accepted" }, who)
            .over(&seat.name, 0);
        row.detail = why.map(str::to_owned);
        let mut change = Change {
            mo: Some(NewMoRow { message: Arc::clone(&message), likeness, state, why }),
            charge: self.mo_charge(&message),
            ..Change::default()
        }
        .event(row);
        change.items_in.extend(item.clone());
        if !joined.stored.is_empty() {
            change.rare.push(Rare::DropParts(joined.stored));
        }
        let answer = turn.as_ref().and_then(|turn| self.mean(turn, &message, &mut change));
        self.save_with_items(change).await?;
        if let Some(item) = item {
            self.inner.lanes.push(item);
        }
        if let Some(answer) = answer {
            self.send_answer(answer);
        }
        metrics::message("mo", state.as_str());
        self.count_taken(mode, &message);
        if let Some(why) = why {
            metrics::unrouted(why);
        }
        Ok(MoAccepted { id, likeness })
    }

    /// Finds the service. What the gateway answers itself needs no partner that is there, and a
    /// STOP is never put off.
    fn way(&self, catalog: &Catalog, joined: &Joined, now: i64) -> Result<Way, Refusal> {
        let (recipient, sender) = (&joined.recipient, &joined.sender);
        let turn = catalog.standard_word(recipient, &joined.text, sender);
        if let Some(turn) = turn.as_ref().filter(|turn| turn.word != StandardWord::Start) {
            let service = &turn.service;
            return Ok(Way {
                mode: Mode::Live,
                service: Some(Arc::clone(service)),
                keyword: Some(turn.keyword.clone()),
                why: None,
                goes_on: turn.word == StandardWord::Stop
                    && self.has_room_for(service, Mode::Live).is_ok(),
                turn: Some(turn.clone()),
            });
        }
        let why = match catalog.route(recipient, &joined.text, sender) {
            Route::To { service, .. } if service.limits.is_off(now).is_some() => {
                Unrouted::OutOfSchedule
            }
            Route::To { service, keyword } => {
                self.has_room_for(&service, Mode::Live)?;
                return Ok(Way { turn, ..Way::to(service, keyword, Mode::Live) });
            }
            Route::Unrouted(why) => why,
        };
        // A START that no service takes now starts nothing.
        Ok(Way { why: Some(why.as_str()), ..Way::default() })
    }

    /// Beyond the cap of what waits for a partner, the SMSC keeps the message (P29).
    pub(super) fn has_room_for(&self, service: &Service, mode: Mode) -> Result<(), Refusal> {
        let catalog = self.inner.catalog.load();
        let Some(partner) = catalog.partner(service.partner) else { return Ok(()) };
        let lane = self.inner.lanes.head(deliver_lane(service, mode));
        let waiting = lane.waiting.load(std::sync::atomic::Ordering::Acquire).unsigned_abs();
        if waiting >= partner.limits.waiting_max {
            return Err(Refusal::BacklogFull { backlog: partner.limits.waiting_max });
        }
        Ok(())
    }

    /// The session ended and the SMSC may not know that we took it: a repeat will be recognised.
    pub fn mo_unanswered(&self, accepted: &MoAccepted) {
        let until = self.now() + super::mt::micros(self.settings().duplicate_window);
        let doubt = Doubt { message: accepted.id, until, held: None };
        self.inner.uncertain.add(accepted.likeness, doubt);
    }

    fn mo_charge(&self, message: &MoMessage) -> Option<Box<ChargeRow>> {
        let price = message.charge.as_ref()?;
        let (partner, service, service_version) = message.service?;
        metrics::charge(price);
        Some(Box::new(ChargeRow {
            id: self.next_id(),
            message: message.id,
            line: 0,
            partner,
            service,
            service_version,
            direction: "mo",
            price: price.clone(),
            msisdn: SmolStr::from(message.sender.as_str()),
            at: message.accepted_at,
            reason: "accepted",
        }))
    }
}

/// What takes the charge of a message back: the same, opposite, under the next line. The ledger is
/// never changed, only added to.
impl Gateway {
    pub(super) async fn mo_reversal(
        &self,
        message: &MoMessage,
        reason: &'static str,
    ) -> Result<Option<Box<ChargeRow>>, store::Error> {
        let lines = self.inner.store.charges(message.id).await?;
        let is_charged = lines.iter().any(|(line, ..)| *line == 0);
        let is_reversed = lines.iter().any(|(line, ..)| *line > 0);
        let (Some(price), Some((partner, service, service_version))) =
            (message.charge.as_ref().filter(|_| is_charged && !is_reversed), message.service)
        else {
            return Ok(None);
        };
        metrics::charge_reversed(price);
        let opposite = |money: Money| Money { amount_minor: -money.amount_minor, ..money };
        Ok(Some(Box::new(ChargeRow {
            id: self.next_id(),
            message: message.id,
            line: 1,
            partner,
            service,
            service_version,
            direction: "mo",
            price: Price {
                gross: opposite(price.gross),
                net: opposite(price.net),
                ..price.clone()
            },
            msisdn: SmolStr::from(message.sender.as_str()),
            at: self.now(),
            reason,
        })))
    }
}

/// Sending the text was charged to the subscriber: by whom the service says, at the price now.
fn mo_price(catalog: &Catalog, service: &Service, now: i64) -> Option<Price> {
    if service.billing != Billing::Mo {
        return None;
    }
    super::mt::price_at(catalog.tariff(service.tariff?)?, now)
}

/// A test text goes to test sessions, whatever way the service has: a callback is a live system.
pub(super) fn deliver_lane(service: &Service, mode: Mode) -> Lane {
    match service.delivery {
        Delivery::Callback(_) if mode == Mode::Live => Lane::Callback { service: service.id },
        _ => Lane::Mo { partner: service.partner, mode },
    }
}

pub(super) fn deliver_item(service: &Service, message: &Arc<MoMessage>) -> Item {
    let mode = Mode::of(&message.link_group);
    Item {
        key: ItemKey { lane: deliver_lane(service, mode).id(), due_at: 0, seq: message.id.0 },
        valid_until: message.valid_until,
        attempt: 0,
        deaths: 0,
        content: Content::Mo(Arc::clone(message)),
    }
}
