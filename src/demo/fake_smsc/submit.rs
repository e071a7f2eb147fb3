//! What the fake operator does with one `submit_sm`: take or refuse it, note it, plan its receipt
//! and its answer.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Submitted,
    line::{Answer, Line},
    state::{State, lossy},
};
use crate::{
    demo::journal::{self, Event},
    smpp::{Command, CommandId, CommandStatus, Pdu, ShortMessage, Tlvs, pdu::MessageResp, tag},
};

/// An answer waits no longer for a receipt that must come first over another connection.
const RECEIPT_AHEAD: Duration = Duration::from_secs(1);

impl Line {
    pub(super) fn submit(
        &mut self,
        state: &mut State,
        message: ShortMessage,
        sequence: u32,
        now: Instant,
    ) {
        let nack = state.script.take_nack();
        let mut status = match &nack {
            Some(nack) => nack.status,
            None => state.script.status_for(&message.destination.digits),
        };
        let wants_receipt = state.script.receipts.is_due(message.registered_delivery);
        if status.is_ok() && wants_receipt && state.deliveries_full() {
            status = CommandStatus::RMSGQFUL;
        }
        let is_taken = status.is_ok() && nack.is_none();
        let number = is_taken.then(|| state.take_id());
        let id = number.map(|number| state.script.id_format.write(number));
        let event = state.has_file().then(|| self.event(&message, id.clone(), status));
        let has_receipt = wants_receipt && is_taken;
        if let Some(number) = number
            && has_receipt
        {
            let plan = &state.script.receipts;
            let due = if plan.come_before_answers { now } else { now + plan.delay };
            let message_state = plan.state;
            state.queue_receipts(&self.account, &message, number, message_state, due);
        }
        let answer = answer(state, sequence, status, id.as_deref());
        let submit = Submitted {
            at: now,
            line: self.number,
            system_id: self.account.clone(),
            sequence,
            status,
            id,
            message,
            number,
        };
        state.note_submit(submit, self.shared.options.submits_kept, event);
        if let Some(how) = state.script.take_close() {
            self.closing = Some(how);
        } else if let Some(nack) = nack {
            let sequence = if nack.is_sequence_zero { 0 } else { sequence };
            self.send(&Command { status: nack.status, sequence, pdu: Pdu::GenericNack });
        } else if state.script.answers_submits {
            let answer = self.hold(state, answer, has_receipt, now);
            self.answers.push_back(answer);
            let most = &mut state.journal.unanswered_max;
            *most = (*most).max(self.answers.len());
        }
    }

    fn hold(&self, state: &mut State, command: Command, has_receipt: bool, now: Instant) -> Answer {
        let due = now + state.script.answer_delay;
        // On this connection the order of writing is enough; on another one only the
        // acknowledgement shows that the receipt came first.
        let must_wait =
            has_receipt && state.script.receipts.come_before_answers && !self.is_receiver;
        let behind = must_wait.then(|| state.put_last_ahead());
        Answer { due, behind, latest: due + RECEIPT_AHEAD, command }
    }

    fn event(&self, message: &ShortMessage, id: Option<String>, status: CommandStatus) -> Event {
        let tariff = message.tlvs.text(self.shared.options.tariff_tag).map(lossy);
        Event::Submit {
            id,
            status: status.0,
            system_id: lossy(&self.account),
            sender: lossy(&message.source.digits),
            recipient: lossy(&message.destination.digits),
            body_hash: journal::body_hash(message.content()),
            tag: journal::tag_of(&journal::text_of(message)).map(str::to_owned),
            tariff,
        }
    }
}

fn answer(state: &State, sequence: u32, status: CommandStatus, id: Option<&str>) -> Command {
    let Some(id) = id else {
        return Command::bare(CommandId::SUBMIT_SM_RESP, status, sequence);
    };
    let mut tlvs = Tlvs::new();
    if let Some(congestion) = state.script.congestion {
        tlvs = tlvs.with_u8(tag::CONGESTION_STATE, congestion);
    }
    let resp = MessageResp { message_id: id.as_bytes().to_vec().into(), tlvs };
    Command { status, sequence, pdu: Pdu::SubmitSmResp(resp) }
}
