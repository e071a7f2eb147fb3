//! One message on its way to the SMSC: its parts, their answers, and what becomes of it.
//!
//! Whether it is tried again is the gateway's to say; which status means what is the profile's.
//! What surprises: once one part was taken its sisters can only be tried again within this session,
//! since the subscriber may hold the first already.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use smol_str::SmolStr;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    profile::Meaning,
    session::{Talk, Token},
};
use crate::{
    domain::{Content, Item, MtMessage, story::NO_VALUE},
    gateway::submit::{NotTaken, PART_REFUSED},
    metrics,
    smpp::{Command, CommandId, CommandStatus, Pdu, ShortMessage, Version, tag},
};

/// Tries of one part within a session after its sisters were taken.
const PART_TRIES: u8 = 5;

/// A message under way with its parts' answers.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(super) item: Item,
    parts: Mutex<Parts>,
    pub(super) is_given_up: AtomicBool,
    sent_at: Instant,
}

#[derive(Debug)]
struct Parts {
    /// The SMSC's id of each part, or [`PART_REFUSED`].
    ids: Vec<Option<SmolStr>>,
    tries: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    pub(super) async fn send_item(&mut self, item: Item, now: Instant) {
        let Content::Mt(message) = item.content.clone() else { return };
        if let Some(name) = self.link.profile.missing_tlv(&message) {
            let status = smol_str::format_smolstr!("{NO_VALUE}{name}");
            self.refuse(&item, NotTaken::Never { status }).await;
            return;
        }
        let pdus = self.link.profile.submits(&message, self.takes_tlvs);
        let parts = Parts { ids: vec![None; pdus.len()], tries: 0 };
        let sending = Arc::new(Sending {
            item,
            parts: Mutex::new(parts),
            is_given_up: AtomicBool::new(false),
            sent_at: now,
        });
        // A message is one in rates; whoever sells by parts sets the rate accordingly.
        // Room for it was seen before it was claimed; a race between two binds costs one message.
        self.link.rate.take(self.link.gateway.clock().monotonic_nanos()).unwrap_or_default();
        for (part, pdu) in pdus.into_iter().enumerate() {
            self.submit(pdu, (Arc::clone(&sending), part), now);
        }
    }

    /// The parts of one message go together, even where they are more than the window.
    fn submit(&mut self, pdu: ShortMessage, token: (Arc<Sending>, usize), now: Instant) {
        let token = Token::Part(token.0, token.1);
        let in_flight = self.session.in_flight();
        let limits = self.session.limits_mut();
        let window = limits.window;
        limits.window = window.max(1 + in_flight);
        let sent =
            self.session.request(Pdu::SubmitSm(Box::new(pdu)), token, now, &mut self.actions);
        debug_assert!(sent.is_ok(), "it is bound, and the window was made to fit");
        self.session.limits_mut().window = window;
        self.link.sent_one();
    }

    pub(super) fn send_later(&mut self, now: Instant) {
        while self.later.front().is_some_and(|(at, ..)| *at <= now) && self.session.is_bound() {
            let Some((_, token, pdu)) = self.later.pop_front() else { return };
            self.submit(pdu, token, now);
        }
    }

    async fn refuse(&mut self, item: &Item, why: NotTaken) {
        if let Err(error) = self.link.gateway.not_taken(&self.link.seat, item, why).await {
            tracing::error!(%error, link = %self.link.seat.name, "a refusal could not be noted");
        }
    }

    /// The SMSC answered a part of a message (C010 to C018).
    pub(super) async fn answered(&mut self, sending: Arc<Sending>, part: usize, command: &Command) {
        self.link.heard_of_one();
        let Content::Mt(message) = sending.item.content.clone() else { return };
        let is_nack = command.pdu.command_id() == CommandId::GENERIC_NACK;
        let status = match command.status {
            CommandStatus::ROK if is_nack => CommandStatus::RUNKNOWNERR,
            status => status,
        };
        metrics::submit_response(
            &self.link.seat.name,
            &self.link.profile.status_name(status),
            sending.sent_at.elapsed(),
        );
        self.steer(&command.pdu);
        if status.is_ok() {
            let id = match &command.pdu {
                Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp) => {
                    self.link.seen().answer(&resp.message_id);
                    self.link.profile.response_id(&resp.message_id)
                }
                _ => SmolStr::default(),
            };
            self.taken_part(&sending, &message, part, id).await;
        } else {
            self.refused_part(sending, &message, part, status).await;
        }
    }

    async fn taken_part(
        &mut self,
        sending: &Arc<Sending>,
        message: &Arc<MtMessage>,
        part: usize,
        id: SmolStr,
    ) {
        let whole = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.ids[part] = Some(id);
            parts.ids.iter().cloned().collect::<Option<Vec<SmolStr>>>()
        };
        let Some(ids) = whole else { return };
        self.link.card.submitted.fetch_add(1, Ordering::Relaxed);
        self.link.card.meter.count(self.link.gateway.now());
        self.link.took_one();
        let gateway = &self.link.gateway;
        let outcome = if sending.is_given_up.swap(true, Ordering::AcqRel) {
            // Late, but the session lives: it is known now that it was sent (P7).
            gateway.submitted_late(&self.link.seat, message, &ids).await
        } else {
            gateway.submitted(&self.link.seat, &sending.item, &ids).await
        };
        if let Err(error) = outcome {
            tracing::error!(%error, link = %self.link.seat.name, message.id = %message.id,
                "an answer of the SMSC could not be noted");
        }
    }

    async fn refused_part(
        &mut self,
        sending: Arc<Sending>,
        message: &Arc<MtMessage>,
        part: usize,
        status: CommandStatus,
    ) {
        let link = Arc::clone(&self.link);
        let name = link.profile.status_name(status);
        link.card.failed(name.to_string(), link.gateway.now());
        if status == CommandStatus::RTHROTTLED {
            self.paused_until = Some(Instant::now() + link.throttled());
        }
        if sending.is_given_up.load(Ordering::Acquire) {
            link.gateway.refused_late(&link.seat, message, &name).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a late refusal could not be noted");
            });
            return;
        }
        let meaning = link.profile.meaning(status, message.is_charged());
        let (is_alone, tries) = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.tries = parts.tries.saturating_add(1);
            (parts.ids.len() == 1, parts.tries)
        };
        if is_alone {
            let why = match meaning {
                Meaning::Later => NotTaken::Later { status: name },
                Meaning::Never => NotTaken::Never { status: name },
            };
            sending.is_given_up.store(true, Ordering::Release);
            self.refuse(&sending.item, why).await;
            return;
        }
        // Its sisters may be with the subscriber: only this part can be tried again.
        if meaning == Meaning::Later && tries < PART_TRIES {
            let at = Instant::now() + Duration::from_secs(1 << tries.min(5));
            let pdu = link.profile.submits(message, self.takes_tlvs).into_iter().nth(part);
            if let Some(pdu) = pdu {
                self.later.push_back((at, (sending, part), pdu));
            }
            return;
        }
        let has_sisters = {
            let mut parts = sending.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.ids[part] = Some(PART_REFUSED.into());
            parts.ids.iter().any(|id| id.as_deref() != Some(PART_REFUSED))
        };
        if has_sisters {
            self.taken_part(&sending, message, part, PART_REFUSED.into()).await;
            return;
        }
        // Nothing of it was taken.
        sending.is_given_up.store(true, Ordering::Release);
        self.refuse(&sending.item, NotTaken::Never { status: name }).await;
    }

    /// C043: a 5.0 SMSC says how busy it is; 80 to 90 is where it works best.
    fn steer(&mut self, pdu: &Pdu) {
        let (Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp)) = pdu else { return };
        if let Some(state) = resp.tlvs.u8(tag::CONGESTION_STATE)
            && self.session.version() >= Version::V50
            && state > 90
        {
            self.paused_until = Some(Instant::now() + self.link.throttled());
        }
    }

    /// C013: the outcome is not known. Charged ones become UNKNOWN and are not sent again (P7).
    pub(super) async fn timed_out(&mut self, sending: &Arc<Sending>) {
        if sending.is_given_up.swap(true, Ordering::AcqRel) {
            return;
        }
        let id = sending.item.content.message_id();
        tracing::warn!(link = %self.link.seat.name, message.id = %id, "no answer in time");
        self.lost(vec![sending.item.clone()], false).await;
    }

    pub(super) async fn lost(&mut self, items: Vec<Item>, is_death: bool) {
        let gateway = &self.link.gateway;
        if let Err(error) = gateway.outcome_lost(&self.link.seat.name, items, is_death).await {
            tracing::error!(%error, link = %self.link.seat.name, "lost outcomes could not be noted");
        }
    }
}
