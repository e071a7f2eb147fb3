//! Test messages of partners: what is different about them, texts by hand, and what was exercised.
//!
//! They come in by the same doors, under the same rules, with limits of their own of the same size,
//! and end on the sandbox's own link (`test_link`). What surprises: everything that a subscriber's charge, stop
//! list or brake could notice is taken off here, once, and nothing later looks whether it is a test.

use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use smol_str::SmolStr;

use super::{
    Error, Gateway,
    likeness::{self, Likeness},
    mo::{MoAccepted, Way},
    mt::NewMt,
    parts::Joined,
    registry::SessionCard,
    submit::LinkSeat,
};
use crate::{
    domain::{
        Body, Exercise, Fate, MessageId, Mode, Msisdn, MtMessage, OnUnknown, Partner, PartnerId,
        Refusal, SANDBOX, Service, ServiceState, ShortCode,
    },
    payload::alphabet::{self, Alphabet},
    store::{Change, change::Rare},
};

/// How long the number that throttles wants to be left alone.
pub(super) const PUSH_BACK: Duration = Duration::from_secs(1);
/// Characters of a text by hand: one message on the air, or two.
pub const TEXT_CHARS_MAX: usize = 160;

/// What the sandboxes of all partners remember; bounded by the partners.
#[derive(Debug, Default)]
pub(super) struct Sandboxes {
    /// One bit for each exercise that was noted since the start.
    done: DashMap<PartnerId, u8>,
    /// When the number that throttles last refused, in nanoseconds of the monotonic clock.
    pushed_back: DashMap<PartnerId, i64>,
}

/// A subscriber's text, played by a person or by a partner's own test run.
#[derive(Debug, Clone)]
pub struct TestText {
    pub sender: Msisdn,
    pub recipient: ShortCode,
    pub text: String,
}

/// The difference between a live message and the same one as a test: it costs nothing, no link of
/// an operator takes it, and its lost outcome is shown as that of a charged one would be.
pub(super) fn as_test(message: MtMessage) -> MtMessage {
    MtMessage { link_group: SANDBOX.into(), charge: None, on_unknown: OnUnknown::Park, ..message }
}

/// What is not live yet is just what is tried.
pub(super) fn may_be_tried(service: &Service) -> Result<(), Refusal> {
    match service.state {
        ServiceState::Closed => Err(Refusal::ServiceNotLive {
            service: service.name.clone(),
            state: service.state.as_str(),
        }),
        _ => Ok(()),
    }
}

/// Names that a partner gives are apart in the sandbox: a test run may use those of live traffic.
pub(super) fn apart(mode: Mode, name: SmolStr) -> SmolStr {
    match mode {
        Mode::Live => name,
        Mode::Test => smol_str::format_smolstr!("{SANDBOX}:{name}"),
    }
}

impl Gateway {
    /// The seat of the link that plays the operator.
    pub(super) fn test_seat(&self, epoch: i64) -> LinkSeat {
        let group = self.group(SANDBOX).expect("its group is numbered when the gateway begins");
        LinkSeat { name: SANDBOX.into(), group, epoch }
    }

    /// The number that throttles: it refuses until a submit comes that waited as it was told to.
    pub(super) fn push_back(&self, partner: &Partner, new: &NewMt) -> Result<(), Refusal> {
        if Fate::of(&new.recipient) != Fate::Throttled {
            return Ok(());
        }
        let now = self.inner.clock.monotonic_nanos();
        let refusals = &self.inner.sandboxes.pushed_back;
        let last = refusals.get(&partner.id).map(|at| *at);
        let pause = i64::try_from(PUSH_BACK.as_nanos()).unwrap_or(i64::MAX);
        if last.is_some_and(|at| now.saturating_sub(at) >= pause) {
            refusals.remove(&partner.id);
            return Ok(());
        }
        refusals.insert(partner.id, now);
        Err(Refusal::Throttled { rate: partner.limits.rate.max(1), retry_after: PUSH_BACK })
    }

    /// What a test that was taken shows of its sender.
    pub(super) async fn exercised_mt(&self, message: &MtMessage) {
        let evidence = message.id.to_string();
        self.exercised(message.partner, Exercise::Mt, &evidence).await;
        if Fate::of(&message.recipient) == Fate::Throttled {
            self.exercised(message.partner, Exercise::Throttle, &evidence).await;
        }
    }

    /// Something was handed over; of a live message nothing is noted.
    pub(super) async fn exercised_by(
        &self,
        link_group: &str,
        partner: Option<PartnerId>,
        exercise: Exercise,
        message: MessageId,
    ) {
        if let (Mode::Test, Some(partner)) = (Mode::of(link_group), partner) {
            self.exercised(partner, exercise, &message.to_string()).await;
        }
    }

    /// A session did something; of a live one nothing is noted.
    pub async fn exercised_on(&self, card: &SessionCard, exercise: Exercise) {
        if card.mode == Mode::Test {
            let evidence = format!("{}#{}", card.system_id, card.id);
            self.exercised(card.partner, exercise, &evidence).await;
        }
    }

    /// Written the first time only, and nobody waits for it.
    async fn exercised(&self, partner: PartnerId, exercise: Exercise, evidence: &str) {
        let bit = 1_u8 << Exercise::ALL.iter().take_while(|one| **one != exercise).count();
        {
            let mut done = self.inner.sandboxes.done.entry(partner).or_default();
            if *done & bit != 0 {
                return;
            }
            *done |= bit;
        }
        let evidence = evidence.to_owned();
        let rare = vec![Rare::Exercise { partner, exercise, at: self.now(), evidence }];
        if let Err(error) = self.inner.store.note(Change { rare, ..Change::default() }).await {
            tracing::warn!(%error, exercise = exercise.as_str(), "an exercise could not be noted");
            if let Some(mut done) = self.inner.sandboxes.done.get_mut(&partner) {
                *done &= !bit;
            }
        }
    }

    /// A subscriber's text to a partner's own number, live or not. It costs nothing, and only the
    /// partner's test sessions get it. A repeating sender's text comes twice, as two messages.
    pub async fn text_by_hand(
        &self,
        partner: PartnerId,
        new: &TestText,
        who: &str,
    ) -> Result<Vec<MessageId>, Error> {
        let times = if Fate::of(&new.sender) == Fate::RepeatedMo { 2 } else { 1 };
        let mut ids = Vec::with_capacity(times);
        for _ in 0..times {
            ids.push(self.accept_test_mo(partner, new, who).await?.id);
        }
        Ok(ids)
    }

    async fn accept_test_mo(
        &self,
        partner: PartnerId,
        new: &TestText,
        who: &str,
    ) -> Result<MoAccepted, Error> {
        if new.text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refusal::BadLength(format!(
                "a test text has at most {TEXT_CHARS_MAX} characters"
            ))
            .into());
        }
        let catalog = self.catalog();
        let found = catalog.rehearsed(partner, &new.recipient, &new.text);
        let (service, keyword) =
            found.ok_or_else(|| Refusal::NotYourNumber(new.recipient.as_str().into()))?;
        self.has_room_for(&service, Mode::Test)?;
        let seat = self.test_seat(0);
        let body = body_of(&new.text);
        let likeness: Likeness =
            likeness::of(SANDBOX, new.sender.as_str(), new.recipient.as_str(), &body);
        let joined = Joined::single(super::mo::NewMo {
            sender: new.sender.clone(),
            recipient: new.recipient.clone(),
            body,
            text: new.text.clone(),
            part: None,
            tlvs: Vec::new(),
        });
        let way = Way::to(service, keyword, Mode::Test);
        self.store_mo(&catalog, (&seat, who), joined, likeness, way).await
    }
}

/// In the alphabet that every handset would take for it.
fn body_of(text: &str) -> Body {
    let (data_coding, octets) = match alphabet::encode(text, Alphabet::Gsm7) {
        Ok(octets) => (0, octets),
        Err(_) => (8, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    };
    Body { data_coding, has_udh: false, octets: Bytes::from(octets) }
}
