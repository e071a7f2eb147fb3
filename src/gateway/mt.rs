//! Taking an MT from a partner, over SMPP or HTTP alike.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use smol_str::{SmolStr, ToSmolStr};

use super::{
    Error, Gateway,
    likeness::{self, Doubt, Likeness},
    query::Whose,
    sandbox, throttle,
};
use crate::{
    domain::{
        Billing, Body, Caller, Catalog, ChargeAt, Content, Counted, GroupId, Item, ItemKey, Lane,
        MessageId, MoMessage, Mode, Msisdn, MtMessage, OnUnknown, Partner, PartnerId, Price,
        ReceiptWish, Refusal, Sender, Service, ServiceState,
    },
    metrics,
    store::{
        Applied, Change,
        change::{BrakeCheck, Gates, Idempotency, NewMt as NewMtRow, StopCheck},
    },
};

/// What a partner hands in, already read from its PDU or its JSON.
#[derive(Debug, Clone)]
pub struct NewMt {
    pub sender: Option<Sender>,
    pub recipient: Msisdn,
    pub body: Body,
    pub parts: u8,
    /// The service by name; otherwise the sender decides.
    pub service: Option<SmolStr>,
    pub tariff: Option<SmolStr>,
    pub service_type: SmolStr,
    pub priority: u8,
    pub protocol_id: u8,
    /// Microseconds UTC.
    pub deliver_after: Option<i64>,
    pub valid_until: Option<i64>,
    pub receipts: ReceiptWish,
    pub reference: Option<u16>,
    pub partner_reference: Option<SmolStr>,
    pub idempotency: Option<SmolStr>,
    /// The MO that this answers; a charged reply may have to name it (S099).
    pub answers: Option<SmolStr>,
    pub replaces: bool,
    pub tlvs: Vec<(u16, Bytes)>,
    /// The peer's ids have at most 8 octets (S006).
    pub wants_short_id: bool,
    /// The id of the first message of a `submit_multi`, under which all are known (S116).
    pub known_as: Option<SmolStr>,
}

impl NewMt {
    /// A message of one part with nothing said beside its number and body.
    pub fn plain(recipient: Msisdn, body: Body) -> Self {
        Self {
            sender: None,
            recipient,
            body,
            parts: 1,
            service: None,
            tariff: None,
            service_type: SmolStr::default(),
            priority: 0,
            protocol_id: 0,
            deliver_after: None,
            valid_until: None,
            receipts: ReceiptWish::NONE,
            reference: None,
            partner_reference: None,
            idempotency: None,
            answers: None,
            replaces: false,
            tlvs: Vec::new(),
            wants_short_id: false,
            known_as: None,
        }
    }
}

/// The durable yes.
#[derive(Debug)]
pub struct Accepted {
    pub id: MessageId,
    /// The id in the form that the partner knows.
    pub visible_id: SmolStr,
    pub likeness: Likeness,
    /// The same message was accepted before; this is the earlier answer (P11).
    pub is_replay: bool,
    /// A charged message that goes only once its answer is with the kernel (P5). The edge must
    /// hand it to `answered` or `unanswered`.
    pub held: Option<Item>,
}

/// Who submits, and under which account settings.
#[derive(Debug, Clone)]
pub struct Submitter {
    pub caller: Caller,
    pub partner: PartnerId,
    /// Of a test account: what it submits stays in the sandbox and costs nothing.
    pub mode: Mode,
    pub default_sender: Option<Sender>,
    pub may_have_receipts: bool,
    pub service_types: Vec<SmolStr>,
}

impl Submitter {
    /// Whose messages it may ask about.
    pub fn whose(&self) -> Whose {
        (self.partner, self.mode)
    }
}

impl Gateway {
    /// Takes an MT. When this returns `Ok`, the message survives a power cut (P1).
    pub async fn accept_mt(&self, from: &Submitter, new: NewMt) -> Result<Accepted, Error> {
        self.takes_mt()?;
        let catalog = self.catalog();
        let partner = active_partner(&catalog, from.partner)?;
        let service = service_asked(&catalog, partner, from, &new)?;
        let outcome = self.accept_for(&service, (partner, &catalog), from, new).await;
        if let Err(Error::Refused(_)) = outcome {
            self.count(from.mode, service.id, Counted::Refused);
        }
        outcome
    }

    async fn accept_for(
        &self,
        service: &Service,
        (partner, catalog): (&Partner, &Catalog),
        from: &Submitter,
        new: NewMt,
    ) -> Result<Accepted, Error> {
        let message = self.compose(catalog, service, from, &new)?;
        let scope = sandbox::apart(from.mode, message.partner.0.to_smolstr());
        let likeness = likeness::of(
            &scope,
            message.sender.as_str(),
            message.recipient.as_str(),
            &message.body,
        );
        if let Some(doubt) = self.inner.uncertain.take(&likeness, self.now()) {
            metrics::replayed("likeness");
            return self.replay(doubt.message, likeness, doubt.held).await;
        }
        if new.replaces {
            self.withdraw_replaced(&message).await?;
        }
        let waiting = self.within_limits(partner, from.mode)?;
        self.within_rate(service, (partner, from.mode))?;
        if from.mode == Mode::Test {
            self.push_back(partner, &new)?;
        }
        let _turn = self.turn(waiting).await;
        self.store_mt(service, Arc::new(message), likeness, &new).await
    }

    fn takes_mt(&self) -> Result<(), Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if self.inner.disk.load(Ordering::Acquire) > 0 {
            return Err(Refusal::StoreFull);
        }
        Ok(())
    }

    /// Rate first, then backlog: the two limits that a partner can only wait out. Answers with the
    /// backlog.
    fn within_limits(&self, partner: &Partner, mode: Mode) -> Result<u64, Refusal> {
        let bucket = self.bucket(partner, mode);
        bucket.take(self.inner.clock.monotonic_nanos()).map_err(|retry_after| {
            metrics::throttled(&partner.name, "rate");
            Refusal::Throttled { rate: partner.limits.rate, retry_after }
        })?;
        let backlog = self.backlog(partner.id).load(Ordering::Acquire).unsigned_abs();
        if backlog >= partner.limits.backlog_max {
            metrics::throttled(&partner.name, "backlog");
            return Err(Refusal::BacklogFull { backlog: partner.limits.backlog_max });
        }
        Ok(backlog)
    }

    /// A turn at the store for a partner of whom more waits than memory holds.
    ///
    /// Taking in costs less than sending out. Without turns, whoever submits as fast as it is
    /// answered would fill the groups of the writer, and what waits would leave ever more slowly.
    /// The wait is one of `OVERFLOWN_TOGETHER` commits, and no longer than the sessions' windows.
    async fn turn(&self, waiting: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let room = u64::try_from(self.settings().lane_head).unwrap_or(u64::MAX);
        if waiting <= room {
            return None;
        }
        self.inner.overflown.acquire().await.ok()
    }

    /// The service's own rate, below its partner's.
    fn within_rate(
        &self,
        service: &Service,
        (partner, mode): (&Partner, Mode),
    ) -> Result<(), Refusal> {
        let rate = service.limits.rate;
        if rate == 0 {
            return Ok(());
        }
        let key = (service.id, mode);
        let bucket = throttle::bucket_of(&self.inner.service_throttles, key, (rate, rate));
        bucket.tune(rate, rate);
        bucket.take(self.inner.clock.monotonic_nanos()).map_err(|retry_after| {
            metrics::throttled(&partner.name, "service_rate");
            Refusal::Throttled { rate, retry_after }
        })
    }

    /// Rules first: everything that can be refused without the store.
    fn compose(
        &self,
        catalog: &Catalog,
        service: &Service,
        from: &Submitter,
        new: &NewMt,
    ) -> Result<MtMessage, Refusal> {
        let sender = sender_of(from, new)?;
        let tariff = new.tariff.as_deref();
        match from.mode {
            Mode::Live => is_live(service, &new.recipient, self.now())?,
            Mode::Test => sandbox::may_be_tried(service)?,
        }
        let tags = new.tlvs.iter().map(|(tag, _)| *tag);
        service.has_room_for(new.parts, new.body.data_coding, tags)?;
        if catalog.is_barred(&new.recipient) {
            return Err(Refusal::RecipientBarred(new.recipient.masked().into()));
        }
        let now = self.now();
        let charge = charge_of(catalog, service, tariff, now)?;
        let deliver_after = self.schedule(new.deliver_after, now)?;
        let valid_until =
            self.validity(service, new.valid_until, charge.is_some(), deliver_after, now)?;
        let id = MessageId(self.next_id());
        let message = MtMessage {
            id,
            partner: service.partner,
            service: service.id,
            service_version: service.version,
            caller: from.caller.to_smolstr(),
            link_group: service.link_group.clone(),
            sender,
            recipient: new.recipient.clone(),
            body: new.body.clone(),
            parts: new.parts,
            on_unknown: if charge.is_some() { OnUnknown::Park } else { service.on_unknown },
            charge,
            accepted_at: now,
            deliver_after,
            valid_until,
            receipts: new.receipts,
            reference: new.reference,
            partner_reference: new.partner_reference.clone(),
            short_id: new.known_as.clone().or_else(|| new.wants_short_id.then(|| short_id(id))),
            service_type: new.service_type.clone(),
            priority: new.priority,
            protocol_id: new.protocol_id,
            tlvs: new.tlvs.clone(),
        };
        Ok(match from.mode {
            Mode::Live => message,
            Mode::Test => sandbox::as_test(message),
        })
    }

    fn schedule(&self, wanted: Option<i64>, now: i64) -> Result<i64, Refusal> {
        let Some(at) = wanted else { return Ok(0) };
        if at < now - 300_000_000 {
            return Err(Refusal::BadSchedule(
                "delivery time is more than 5 minutes in the past".to_owned(),
            ));
        }
        if at > now + micros(self.settings().schedule_max) {
            return Err(Refusal::BadSchedule(format!(
                "delivery time is too far ahead; {} hours are the most",
                self.settings().schedule_max.as_secs() / 3600
            )));
        }
        Ok(if at <= now { 0 } else { at })
    }

    /// The partner's wish, capped (S074); without one, the default of the class (P18).
    fn validity(
        &self,
        service: &Service,
        wanted: Option<i64>,
        is_charged: bool,
        deliver_after: i64,
        now: i64,
    ) -> Result<i64, Refusal> {
        let settings = self.settings();
        let start = deliver_after.max(now);
        let default =
            if is_charged { settings.validity_charged } else { settings.validity_uncharged };
        let most = micros(settings.validity_max).min(match service.validity_max_us {
            0 => i64::MAX,
            most => most,
        });
        match wanted {
            Some(until) if until <= now => {
                Err(Refusal::BadValidity("validity ends before now".to_owned()))
            }
            Some(until) if until <= deliver_after => {
                Err(Refusal::BadValidity("validity ends before the delivery time".to_owned()))
            }
            Some(until) => Ok(until.min(start.saturating_add(most))),
            None => Ok(start.saturating_add(micros(default).min(most))),
        }
    }

    async fn store_mt(
        &self,
        service: &Service,
        message: Arc<MtMessage>,
        likeness: Likeness,
        new: &NewMt,
    ) -> Result<Accepted, Error> {
        let group = self.group(&message.link_group).ok_or_else(|| Refusal::ServiceNotLive {
            service: service.name.clone(),
            state: "without a link group",
        })?;
        let item = send_item(group, &message);
        let change = Change {
            gates: self.gates(service, &message, new.idempotency.clone(), likeness),
            mt: Some(NewMtRow { message: Arc::clone(&message), likeness }),
            items_in: smallvec::smallvec![item.clone()],
            ..Change::default()
        }
        .event(self.note_row(message.id, "accepted", message.caller.clone()));
        match self.save_with_items(change).await? {
            Applied::Replayed(earlier) => {
                metrics::replayed("idempotency");
                return self.replay(earlier, likeness, None).await;
            }
            Applied::IdempotencyConflict => {
                let key = new.idempotency.clone().unwrap_or_default();
                return Err(Refusal::IdempotencyConflict(key).into());
            }
            Applied::OverBrake(which) => return Err(Refusal::SpendLimit(which).into()),
            Applied::Stopped => {
                let number = message.recipient.masked().into();
                return Err(Refusal::SubscriberStopped(number, service.name.clone()).into());
            }
            Applied::Done | Applied::Fenced | Applied::Stale(_) => {}
        }
        self.backlog(message.partner).fetch_add(1, Ordering::AcqRel);
        metrics::message("mt", "accepted");
        self.count(Mode::of(&message.link_group), message.service, Counted::Accepted);
        if Mode::of(&message.link_group) == Mode::Test {
            self.exercised_mt(&message).await;
        }
        Ok(Accepted {
            id: message.id,
            visible_id: self.visible_id(&message),
            likeness,
            is_replay: false,
            held: self.release_or_hold(&message, item),
        })
    }

    /// A charged message waits for its answer; any other goes now, or at its time.
    fn release_or_hold(&self, message: &MtMessage, item: Item) -> Option<Item> {
        if item.key.due_at > 0 {
            self.inner.lanes.add_planned(item.key);
            None
        } else if message.is_charged() {
            self.inner.lanes.hold(item.key);
            Some(item)
        } else {
            self.inner.lanes.push(item);
            None
        }
    }

    fn gates(
        &self,
        service: &Service,
        message: &MtMessage,
        idempotency: Option<SmolStr>,
        likeness: Likeness,
    ) -> Option<Box<Gates>> {
        let now = message.accepted_at;
        let mode = Mode::of(&message.link_group);
        let idempotency = idempotency.map(|key| Idempotency {
            partner: message.partner,
            key: sandbox::apart(mode, key),
            body_hash: likeness,
            message: message.id,
            at: now,
            not_before: now - micros(self.settings().idempotency_ttl),
        });
        let brakes =
            message.charge.as_ref().filter(|_| service.brakes.are_set()).map(|(price, _)| {
                BrakeCheck {
                    service: service.id,
                    msisdn: message.recipient.as_str().into(),
                    minute: smol_str::format_smolstr!("m{}", now / 60_000_000),
                    day: smol_str::format_smolstr!("d{}", self.inner.clock.warsaw_date(now)),
                    amount_minor: price.gross.amount_minor,
                    brakes: service.brakes,
                }
            });
        let stop = (message.is_charged() && service.standard.is_some())
            .then(|| StopCheck { service: service.id, msisdn: message.recipient.as_str().into() });
        let is_asked = idempotency.is_some() || brakes.is_some() || stop.is_some();
        is_asked.then(|| Box::new(Gates { idempotency, brakes, stop }))
    }

    async fn replay(
        &self,
        id: MessageId,
        likeness: Likeness,
        held: Option<Item>,
    ) -> Result<Accepted, Error> {
        // The partner may know the message by a short name.
        let visible_id = match self.inner.store.message(id).await? {
            Some(crate::store::Stored::Mt(message, _)) => self.visible_id(&message),
            _ => id.to_smolstr(),
        };
        Ok(Accepted { id, visible_id, likeness, is_replay: true, held })
    }

    /// The id in the form that this partner's peers use everywhere: answer, receipt text, TLV.
    pub fn visible_id(&self, message: &MtMessage) -> SmolStr {
        use crate::domain::partner::MessageIdForm;
        if let Some(short) = &message.short_id {
            return short.clone();
        }
        let catalog = self.inner.catalog.load();
        match catalog.partner(message.partner).map(|partner| partner.habits.message_id_form) {
            Some(MessageIdForm::Hex) => smol_str::format_smolstr!("{:x}", message.id.0),
            _ => message.id.to_smolstr(),
        }
    }

    /// The answer is with the kernel: a held message may go.
    pub fn answered(&self, held: Option<Item>) {
        if let Some(item) = held {
            self.inner.lanes.let_go(item);
        }
    }

    /// The session ended and nobody knows whether the answer arrived. A repeat within the window
    /// gets the same id; a charged message is sent only if it is repeated.
    pub fn unanswered(&self, message: MessageId, likeness: Likeness, held: Option<Item>) {
        let until = self.now() + micros(self.settings().duplicate_window);
        self.inner.uncertain.add(likeness, Doubt { message, until, held });
    }
}

fn active_partner(catalog: &Catalog, id: PartnerId) -> Result<&Arc<Partner>, Refusal> {
    catalog.partner(id).filter(|partner| partner.is_active).ok_or(Refusal::PartnerSuspended)
}

fn sender_of(from: &Submitter, new: &NewMt) -> Result<Sender, Refusal> {
    new.sender.clone().or_else(|| from.default_sender.clone()).ok_or(Refusal::NoSender)
}

/// The service that a message goes under, once its account may send such a one at all.
fn service_asked(
    catalog: &Catalog,
    partner: &Partner,
    from: &Submitter,
    new: &NewMt,
) -> Result<Arc<Service>, Refusal> {
    let sender = sender_of(from, new)?;
    if !from.service_types.is_empty() && !from.service_types.contains(&new.service_type) {
        return Err(Refusal::BadServiceType(new.service_type.clone()));
    }
    if new.receipts != ReceiptWish::NONE && !from.may_have_receipts {
        return Err(Refusal::ReceiptsNotAllowed);
    }
    let (named, tariff) = (new.service.as_deref(), new.tariff.as_deref());
    catalog.service_for(partner.id, &sender, named, tariff).map(Arc::clone)
}

fn is_live(service: &Service, recipient: &Msisdn, now: i64) -> Result<(), Refusal> {
    if let Some(state) = service.limits.is_off(now) {
        return Err(Refusal::ServiceNotLive { service: service.name.clone(), state });
    }
    let is_listed = service.test_numbers.contains(recipient);
    match service.state {
        ServiceState::Live if service.test_numbers.is_empty() || is_listed => Ok(()),
        ServiceState::Testing if is_listed => Ok(()),
        state => Err(Refusal::ServiceNotLive {
            service: service.name.clone(),
            state: if state == ServiceState::Live {
                "for test numbers only"
            } else {
                state.as_str()
            },
        }),
    }
}

/// What carries a new MT to the links of its group.
pub(super) fn send_item(group: GroupId, message: &Arc<MtMessage>) -> Item {
    let lane = Lane::Mt { group, partner: message.partner, is_charged: message.is_charged() };
    Item {
        key: ItemKey { lane: lane.id(), due_at: message.deliver_after, seq: message.id.0 },
        valid_until: message.valid_until,
        attempt: 0,
        deaths: 0,
        content: Content::Mt(Arc::clone(message)),
    }
}

/// The price that this message itself carries; none unless the service bills the MT. A tariff on
/// any other message is refused: its sender believes that somebody pays.
fn charge_of(
    catalog: &Catalog,
    service: &Service,
    named: Option<&str>,
    now: i64,
) -> Result<Option<(Price, ChargeAt)>, Refusal> {
    if service.billing != Billing::Mt {
        return match named {
            Some(code) => Err(Refusal::TariffNotAllowed(code.into())),
            None => Ok(None),
        };
    }
    let tariff = match named {
        Some(code) => {
            let tariff =
                catalog.tariff_coded(code).ok_or_else(|| Refusal::TariffUnknown(code.into()))?;
            if !catalog.may_charge(service, code) {
                return Err(Refusal::TariffNotAllowed(code.into()));
            }
            tariff
        }
        None => service
            .tariff
            .and_then(|id| catalog.tariff(id))
            .ok_or_else(|| Refusal::TariffMissing(service.name.clone()))?,
    };
    Ok(price_at(tariff, now).map(|price| (price, service.charge_at)))
}

/// The price of the moment; a price of nothing is no charge.
pub(super) fn price_at(tariff: &crate::domain::Tariff, now: i64) -> Option<Price> {
    let version = tariff.at(now).filter(|version| version.gross.amount_minor > 0)?;
    Some(Price {
        tariff: tariff.id,
        code: tariff.code.clone(),
        gross: version.gross,
        net: version.net,
    })
}

/// Eight characters of 32 letters and digits: the low 40 bits of the number. They repeat after
/// 2^40 numbers of the same millisecond grid, about 194 days; the store's index refuses a clash.
fn short_id(id: MessageId) -> SmolStr {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    // The node and a full count are of no use here: keep milliseconds and the low count bits.
    let low = (id.0 >> 22 & 0xffff_ffff) << 8 | (id.0 & 0xff);
    (0..8)
        .rev()
        .map(|place| usize::try_from(low >> (place * 5) & 31).expect("masked to 5 bits"))
        .map(|letter| char::from(LETTERS[letter]))
        .collect()
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// An MO that a charged reply quotes must be known, recent and from the same subscriber.
impl Gateway {
    pub async fn check_answers(
        &self,
        (partner, mode): Whose,
        mo: &str,
        recipient: &Msisdn,
    ) -> Result<(), Error> {
        let unknown = || Refusal::UnknownMo(mo.into());
        let id = mo.parse().map(MessageId).map_err(|_| unknown())?;
        let stored = self.inner.store.message(id).await?;
        let found: Option<Arc<MoMessage>> = match stored {
            Some(crate::store::Stored::Mo(message, _)) => Some(message),
            _ => None,
        };
        let is_right = found.is_some_and(|mo| {
            mo.service.is_some_and(|(owner, ..)| owner == partner)
                && mo.sender == *recipient
                // A text that somebody played justifies no live charge.
                && Mode::of(&mo.link_group) == mode
                && mo.valid_until > self.now()
        });
        if is_right { Ok(()) } else { Err(unknown().into()) }
    }
}
