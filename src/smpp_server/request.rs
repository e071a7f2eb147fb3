//! A partner's request from its PDU to its answer. Each is a future of its own, so that a session
//! has many in work and one commit serves them all.

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::{
    read::{Reading, Wrong, moment},
    status,
};
use crate::{
    config::Tag,
    domain::{MessageId, MessageState, Msisdn, Refusal},
    gateway::{
        self, Gateway,
        likeness::Likeness,
        mt::{Accepted, NewMt, Submitter},
        query::{Replacement, Status},
    },
    metrics,
    smpp::{
        Command, CommandId, CommandStatus, Pdu, Tlvs, Version,
        pdu::{
            CancelSm, DataSm, Destination, MessageResp, QuerySm, QuerySmResp, ReplaceSm,
            ShortMessage, SubmitMulti, SubmitMultiResp, Unsuccess,
        },
        tag, time,
    },
};

/// What all requests of a session share.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) from: Submitter,
    pub(crate) reading: Reading,
    /// The tag of the words beside a refusal; none for a peer that wants none.
    pub(crate) reason: Option<Tag>,
    /// `ESME_RX_T_APPN` instead of `ESME_RSYSERR` while the gateway cannot work (P24).
    pub(crate) prefers_rx_t_appn: bool,
}

/// A yes that its partner has not seen yet.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) id: MessageId,
    pub(crate) likeness: Likeness,
    pub(crate) held: Option<crate::domain::Item>,
}

/// A request that came to its end.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) answer: Command,
    pub(crate) promises: Vec<Promise>,
    /// Accepted, or refused with the code of the refusal.
    pub(crate) refused: Option<&'static str>,
    /// The writer stopped in the middle: there is no answer, and the session ends (P4).
    pub(crate) is_uncertain: bool,
}

impl Done {
    fn answered(answer: Command) -> Self {
        Self { answer, promises: Vec::new(), refused: None, is_uncertain: false }
    }

    fn promised(answer: Command, promises: Vec<Promise>) -> Self {
        Self { promises, ..Self::answered(answer) }
    }
}

/// A request of a partner, whatever it is.
pub(crate) async fn handle(gateway: Gateway, asking: Arc<Asking>, command: Command) -> Done {
    let Command { sequence, pdu, .. } = command;
    let id = pdu.command_id();
    let now = gateway.now();
    let outcome = match pdu {
        Pdu::SubmitSm(pdu) => submit_sm(&gateway, &asking, &pdu, sequence, now).await,
        Pdu::DataSm(pdu) => data_sm(&gateway, &asking, *pdu, sequence, now).await,
        Pdu::SubmitMulti(pdu) => submit_multi(&gateway, &asking, &pdu, sequence, now).await,
        Pdu::QuerySm(pdu) => query_sm(&gateway, &asking, &pdu, sequence).await,
        Pdu::CancelSm(pdu) => cancel_sm(&gateway, &asking, &pdu, sequence).await,
        Pdu::ReplaceSm(pdu) => replace_sm(&gateway, &asking, &pdu, sequence, now).await,
        // S138: broadcast is of 5.0, and not sold here.
        _ => Err(Wrong {
            code: "prohibited",
            ..Wrong::new(CommandStatus::RPROHIBITED, "cell broadcast is not part of this service")
        }),
    };
    outcome.unwrap_or_else(|wrong| asking.refuse(id, sequence, &wrong))
}

impl Asking {
    /// The answer to a refused request: its status, and beside it the reason in words (D7).
    pub(crate) fn refuse(&self, id: CommandId, sequence: u32, wrong: &Wrong) -> Done {
        metrics::refusal("smpp", wrong.code);
        let version = self.reading.version;
        let status = self.status(wrong);
        let mut tlvs = Tlvs::new();
        if let Some(tag) = self.reason.filter(|_| version >= Version::V34) {
            let mut text = format!("{}: {}", wrong.code, wrong.reason);
            text.truncate(text.floor_char_boundary(200));
            tlvs.push(tag.0, text.into_bytes());
        }
        // A failed data_sm says of what kind the failure was (S120).
        let pdu = match id {
            CommandId::SUBMIT_SM if !tlvs.is_empty() => {
                Pdu::SubmitSmResp(MessageResp { tlvs, ..MessageResp::default() })
            }
            CommandId::SUBMIT_MULTI if !tlvs.is_empty() => {
                Pdu::SubmitMultiResp(SubmitMultiResp { tlvs, ..SubmitMultiResp::default() })
            }
            CommandId::DATA_SM => {
                if self.is_transaction(wrong) {
                    tlvs.push(tag::DELIVERY_FAILURE_REASON, vec![1]);
                }
                Pdu::DataSmResp(MessageResp { tlvs, ..MessageResp::default() })
            }
            id => Pdu::Other(id.response(), status::body_of_refusal(id, version, &tlvs)),
        };
        let answer = Command { status, sequence, pdu };
        Done {
            refused: Some(wrong.code),
            is_uncertain: wrong.is_uncertain,
            ..Done::answered(answer)
        }
    }

    fn status(&self, wrong: &Wrong) -> CommandStatus {
        let status = match wrong.status {
            CommandStatus::RSYSERR if self.prefers_rx_t_appn => CommandStatus::RX_T_APPN,
            other => other,
        };
        status::for_peer(status, self.reading.version)
    }

    fn is_transaction(&self, wrong: &Wrong) -> bool {
        self.reading.version >= Version::V34 && wrong.status == CommandStatus::RDELIVERYFAILURE
    }
}

async fn accept(gateway: &Gateway, asking: &Asking, new: NewMt) -> Result<Accepted, Wrong> {
    if let Some(mo) = &new.answers {
        gateway.check_answers(asking.from.whose(), mo, &new.recipient).await.map_err(wrong)?;
    }
    let began = tokio::time::Instant::now();
    let accepted = gateway.accept_mt(&asking.from, new).await.map_err(wrong)?;
    metrics::accepted_in("server", began.elapsed());
    Ok(accepted)
}

fn wrong(error: gateway::Error) -> Wrong {
    match error {
        gateway::Error::Refused(refusal) => refusal.into(),
        gateway::Error::Store(error) => Wrong {
            status: CommandStatus::RSYSERR,
            code: "unavailable",
            reason: "the message could not be stored; try again".to_owned(),
            // PostgreSQL voids what turns out to be stored after all; SQLite's writer is gone.
            is_uncertain: matches!(*error, gateway::StoreError::Stopped),
        },
    }
}

fn promise(accepted: Accepted) -> Promise {
    Promise { id: accepted.id, likeness: accepted.likeness, held: accepted.held }
}

async fn submit_sm(
    gateway: &Gateway,
    asking: &Asking,
    pdu: &ShortMessage,
    sequence: u32,
    now: i64,
) -> Result<Done, Wrong> {
    let new = asking.reading.submit_sm(pdu, now)?;
    let accepted = accept(gateway, asking, new).await?;
    let resp = MessageResp {
        message_id: Bytes::copy_from_slice(accepted.visible_id.as_bytes()),
        tlvs: congestion(gateway, asking.reading.version),
    };
    let answer = Command::new(sequence, Pdu::SubmitSmResp(resp));
    Ok(Done::promised(answer, vec![promise(accepted)]))
}

async fn data_sm(
    gateway: &Gateway,
    asking: &Asking,
    pdu: DataSm,
    sequence: u32,
    now: i64,
) -> Result<Done, Wrong> {
    let wants_alert = pdu.tlvs.u8(tag::SET_DPF) == Some(1);
    let new = asking.reading.data_sm(pdu, now)?;
    let recipient = new.recipient.clone();
    let accepted = accept(gateway, asking, new).await?;
    let mut tlvs = congestion(gateway, asking.reading.version);
    if wants_alert {
        // S121: an alert_notification follows when the operator says that the handset is back.
        gateway.registry().wants_alert(asking.from.partner, &recipient);
        tlvs = tlvs.with_u8(tag::DPF_RESULT, 1);
    }
    let resp =
        MessageResp { message_id: Bytes::copy_from_slice(accepted.visible_id.as_bytes()), tlvs };
    let answer = Command::new(sequence, Pdu::DataSmResp(resp));
    Ok(Done::promised(answer, vec![promise(accepted)]))
}

/// Load as 5.0 peers are told it; never to others (S096).
fn congestion(gateway: &Gateway, version: Version) -> Tlvs {
    if version >= Version::V50 {
        Tlvs::new().with_u8(tag::CONGESTION_STATE, gateway.congestion())
    } else {
        Tlvs::new()
    }
}

/// One message for each destination under the id of the first (S110 to S116).
async fn submit_multi(
    gateway: &Gateway,
    asking: &Asking,
    pdu: &SubmitMulti,
    sequence: u32,
    now: i64,
) -> Result<Done, Wrong> {
    if pdu.message.replace_if_present != 0 && asking.reading.version < Version::V50 {
        return Err(Refusal::ReplaceNotAllowed.into());
    }
    let mut promises = Vec::new();
    let mut unsuccess = Vec::new();
    let mut shared: Option<SmolStr> = None;
    let mut last = None;
    for destination in &pdu.destinations {
        let outcome = match destination {
            Destination::List(_) => Err(Wrong {
                code: "no_distribution_lists",
                ..Wrong::new(CommandStatus::RCNTSUBDL, "there are no distribution lists here")
            }),
            Destination::Sme(address) => match asking.reading.recipient(address) {
                Ok(recipient) => {
                    let read = asking.reading.short_message(&pdu.message, recipient, now);
                    match read {
                        Ok(new) => {
                            let new = NewMt { known_as: shared.clone(), idempotency: None, ..new };
                            accept(gateway, asking, new).await
                        }
                        Err(wrong) => Err(wrong),
                    }
                }
                Err(wrong) => Err(wrong),
            },
        };
        match outcome {
            Ok(accepted) => {
                shared.get_or_insert_with(|| accepted.visible_id.clone());
                promises.push(promise(accepted));
            }
            Err(wrong) if wrong.is_uncertain => {
                // What was stored before it is repeated with the rest, and recognised (P11).
                let done = asking.refuse(CommandId::SUBMIT_MULTI, sequence, &wrong);
                return Ok(Done { promises, ..done });
            }
            Err(wrong) => {
                let address = match destination {
                    Destination::Sme(address) => address.clone(),
                    Destination::List(name) => crate::smpp::Address::new(0, 0, name.clone()),
                };
                let status = asking.status(&wrong);
                unsuccess.push(Unsuccess { address, status });
                last = Some(wrong);
            }
        }
    }
    let Some(id) = shared else {
        // Not one of them: the answer is that of the last.
        return Err(last.unwrap_or_else(|| {
            Wrong::new(CommandStatus::RINVNUMDESTS, "number_of_dests must be 1 to 254")
        }));
    };
    let refused = last.map(|wrong| wrong.code);
    let resp = SubmitMultiResp {
        message_id: Bytes::copy_from_slice(id.as_bytes()),
        unsuccess,
        tlvs: congestion(gateway, asking.reading.version),
    };
    let answer = Command::new(sequence, Pdu::SubmitMultiResp(resp));
    Ok(Done { refused, ..Done::promised(answer, promises) })
}

/// S122 to S126.
async fn query_sm(
    gateway: &Gateway,
    asking: &Asking,
    pdu: &QuerySm,
    sequence: u32,
) -> Result<Done, Wrong> {
    let id = text(&pdu.message_id);
    let sender = text(&pdu.source.digits);
    let sender = (!sender.is_empty()).then_some(sender.as_str());
    let status = gateway.query(asking.from.whose(), &id, sender).await.map_err(wrong)?;
    let resp = QuerySmResp {
        message_id: pdu.message_id.clone(),
        final_date: status
            .final_at
            .map_or_else(Bytes::new, |at| Bytes::copy_from_slice(&time::write_absolute(at))),
        message_state: state_code(&status, asking.reading.version),
        error_code: error_code(&status),
    };
    Ok(Done::answered(Command::new(sequence, Pdu::QuerySmResp(resp))))
}

/// Our states in SMPP's words. [34 s5.2.28] [50 s4.7.15]
fn state_code(status: &Status, version: Version) -> u8 {
    match status.state {
        MessageState::Accepted if status.is_scheduled && version >= Version::V50 => 0,
        MessageState::Accepted
        | MessageState::Claimed
        | MessageState::Submitted
        | MessageState::Held
        | MessageState::Quarantined => 1,
        MessageState::Delivered => 2,
        MessageState::Expired => 3,
        MessageState::Deleted => 4,
        MessageState::Undeliverable => 5,
        MessageState::Unknown | MessageState::UnknownFinal => 7,
        MessageState::Rejected | MessageState::VoidUnacked | MessageState::Unrouted => 8,
    }
}

/// The network's own code, as far as one octet holds it; the receipt has the whole.
fn error_code(status: &Status) -> u8 {
    status
        .error
        .as_deref()
        .and_then(|error| error.rsplit(':').next())
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// By id, or everything between two numbers (S127 to S131).
async fn cancel_sm(
    gateway: &Gateway,
    asking: &Asking,
    pdu: &CancelSm,
    sequence: u32,
) -> Result<Done, Wrong> {
    let whose = asking.from.whose();
    let source = text(&pdu.source.digits);
    if pdu.message_id.is_empty() {
        let recipient: Msisdn = asking.reading.recipient(&pdu.destination)?;
        let service_type = text(&pdu.service_type);
        gateway.cancel_between(whose, &source, &recipient, &service_type).await.map_err(wrong)?;
    } else {
        let sender = (!source.is_empty()).then_some(source.as_str());
        gateway.cancel(whose, &text(&pdu.message_id), sender).await.map_err(wrong)?;
    }
    Ok(Done::answered(Command::new(sequence, Pdu::CancelSmResp)))
}

/// S132 to S135.
async fn replace_sm(
    gateway: &Gateway,
    asking: &Asking,
    pdu: &ReplaceSm,
    sequence: u32,
    now: i64,
) -> Result<Done, Wrong> {
    let schedule = |reason| Wrong::new(CommandStatus::RINVSCHED, reason);
    let expiry = |reason| Wrong::new(CommandStatus::RINVEXPIRY, reason);
    if pdu.default_message_id != 0 {
        return Err(Refusal::UnknownStoredText(pdu.default_message_id).into());
    }
    let octets = match pdu.tlvs.get(tag::MESSAGE_PAYLOAD) {
        Some(payload) if pdu.short_message.is_empty() => payload.clone(),
        _ => pdu.short_message.clone(),
    };
    let new = Replacement {
        octets,
        deliver_after: moment(&pdu.schedule_delivery_time, now).map_err(schedule)?,
        valid_until: moment(&pdu.validity_period, now).map_err(expiry)?,
    };
    let source = text(&pdu.source.digits);
    let sender = (!source.is_empty()).then_some(source.as_str());
    let id = text(&pdu.message_id);
    gateway.replace(asking.from.whose(), &id, sender, new).await.map_err(wrong)?;
    Ok(Done::answered(Command::new(sequence, Pdu::ReplaceSmResp)))
}

fn text(octets: &Bytes) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
