//! How the fake operator behaves. Everything is polite unless a test says otherwise, and may be
//! changed while sessions run.

use std::time::Duration;

use crate::smpp::CommandStatus;

/// The behaviour of a [`super::FakeSmsc`].
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch, free of the others")]
pub struct Script {
    /// False: a new connection is reset at once, as if the SMSC were gone.
    pub accepts_connections: bool,
    /// Every bind is refused with this status.
    pub bind_status: Option<CommandStatus>,
    /// `bind_transceiver` is answered with `ESME_RINVCMDID`, as an old SMSC does.
    pub refuses_transceiver: bool,
    /// False: a bind is read and never answered.
    pub answers_binds: bool,
    /// The `sc_interface_version` in a bind's answer; none: the TLV is absent.
    pub interface_version: Option<u8>,
    /// The first rule that fits a `submit_sm` gives its status.
    pub rules: Vec<Rule>,
    /// False: a `submit_sm` is taken and never answered.
    pub answers_submits: bool,
    pub answer_delay: Duration,
    /// Answers are held until there are so many and then sent last first; 0 and 1: in order.
    pub reverse_answers: usize,
    pub nack: Option<Nack>,
    pub close: Option<CloseAfter>,
    pub id_format: IdFormat,
    /// `congestion_state` in each answer to a submit (5.0).
    pub congestion: Option<u8>,
    pub receipts: Receipts,
    /// False: `enquire_link` is read and never answered.
    pub answers_enquire_link: bool,
    /// After each read nothing is read for so long.
    pub read_pause: Option<Duration>,
    /// `deliver_sm` in flight on one bind.
    pub window: usize,
    /// After a temporary refusal of a `deliver_sm`, or no answer, it is sent again this late.
    pub retry_delay: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            accepts_connections: true,
            bind_status: None,
            refuses_transceiver: false,
            answers_binds: true,
            interface_version: Some(0x34),
            rules: Vec::new(),
            answers_submits: true,
            answer_delay: Duration::ZERO,
            reverse_answers: 0,
            nack: None,
            close: None,
            id_format: IdFormat::Decimal,
            congestion: None,
            receipts: Receipts::default(),
            answers_enquire_link: true,
            read_pause: None,
            window: 100,
            retry_delay: Duration::from_secs(1),
        }
    }
}

impl Script {
    /// Every submit gets this status.
    pub fn answer_with(&mut self, status: CommandStatus) {
        self.rules.push(Rule { status, recipient: None, times: None });
    }

    /// The next `times` submits get this status.
    pub fn answer_first(&mut self, times: u64, status: CommandStatus) {
        self.rules.push(Rule { status, recipient: None, times: Some(times) });
    }

    /// Submits to recipients that begin with this get this status.
    pub fn answer_recipient(&mut self, recipient: &str, status: CommandStatus) {
        let recipient = Some(recipient.to_owned());
        self.rules.push(Rule { status, recipient, times: None });
    }

    /// The status of one submit; uses up a rule that is counted.
    pub(super) fn status_for(&mut self, recipient: &[u8]) -> CommandStatus {
        let rule = self.rules.iter_mut().find(|rule| rule.fits(recipient));
        let Some(rule) = rule else { return CommandStatus::ROK };
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        rule.status
    }

    /// The nack for one submit, if it is its turn.
    pub(super) fn take_nack(&mut self) -> Option<Nack> {
        let nack = self.nack.as_mut()?;
        nack.times = nack.times.checked_sub(1)?;
        Some(nack.clone())
    }

    /// Counts one submit; the way to close if it was the last.
    pub(super) fn take_close(&mut self) -> Option<Closing> {
        let close = self.close.as_mut()?;
        close.submits = close.submits.saturating_sub(1);
        if close.submits > 0 {
            return None;
        }
        self.close.take().map(|close| close.how)
    }
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub status: CommandStatus,
    /// How the recipient begins; none: any.
    pub recipient: Option<String>,
    /// How often the rule still holds; none: always.
    pub times: Option<u64>,
}

impl Rule {
    fn fits(&self, recipient: &[u8]) -> bool {
        self.times != Some(0)
            && self.recipient.as_ref().is_none_or(|start| recipient.starts_with(start.as_bytes()))
    }
}

/// `generic_nack` instead of an answer.
#[derive(Debug, Clone)]
pub struct Nack {
    pub status: CommandStatus,
    /// With `sequence_number` 0 instead of the request's.
    pub is_sequence_zero: bool,
    pub times: u64,
}

/// The connection closes after the last of so many submits, which stays unanswered.
#[derive(Debug, Clone)]
pub struct CloseAfter {
    pub submits: u64,
    pub how: Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// In order, after what was queued (FIN).
    Fin,
    /// At once, throwing away what was queued (RST).
    Reset,
}

/// How a `message_id` is written. The classic fault of the field is that the answer and the
/// receipt disagree. [smpp.md 9]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdFormat {
    Decimal,
    Hex,
    HexUpper,
    /// With leading zeros up to so many digits.
    DecimalPadded(usize),
    HexPadded(usize),
    /// Nothing at all.
    Empty,
}

impl IdFormat {
    pub fn write(self, number: u64) -> String {
        match self {
            Self::Decimal => number.to_string(),
            Self::Hex => format!("{number:x}"),
            Self::HexUpper => format!("{number:X}"),
            Self::DecimalPadded(width) => format!("{number:0width$}", width = width.min(64)),
            Self::HexPadded(width) => format!("{number:0width$x}", width = width.min(64)),
            Self::Empty => String::new(),
        }
    }
}

/// What a receipt carries its facts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptForm {
    TlvsAndText,
    TextOnly,
    TlvsOnly,
}

/// What becomes of the messages that were taken.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch, free of the others")]
pub struct Receipts {
    /// False: none is sent by itself; `send_receipt_for` still works.
    pub are_sent: bool,
    pub delay: Duration,
    pub form: ReceiptForm,
    /// `message_state`. [34 s5.2.28]
    pub state: u8,
    /// A `stat:` that contradicts the TLV.
    pub text_state: Option<&'static str>,
    pub network_error: Option<[u8; 3]>,
    /// How often each is sent; 2 and more: duplicates.
    pub copies: u32,
    /// Another format of the id than in the answer.
    pub id_format: Option<IdFormat>,
    /// The id is one that no answer ever carried.
    pub have_unknown_ids: bool,
    /// The receipt is on its way before the answer to the submit.
    pub come_before_answers: bool,
    /// Also for messages that asked for none.
    pub are_unasked: bool,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            are_sent: true,
            delay: Duration::ZERO,
            form: ReceiptForm::TlvsAndText,
            state: 2,
            text_state: None,
            network_error: None,
            copies: 1,
            id_format: None,
            have_unknown_ids: false,
            come_before_answers: false,
            are_unasked: false,
        }
    }
}

impl Receipts {
    /// Whether `registered_delivery` asks for a receipt of this state. [34 s5.2.17]
    pub(super) fn is_due(&self, registered_delivery: u8) -> bool {
        let is_success = self.state == 2;
        let is_asked = match registered_delivery & 0x03 {
            1 => true,
            2 => !is_success,
            3 => is_success,
            _ => false,
        };
        self.are_sent && (is_asked || self.are_unasked)
    }
}
