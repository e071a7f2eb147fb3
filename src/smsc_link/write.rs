//! From an MT to the PDUs that carry it to one operator.

use bytes::Bytes;

use super::profile::Profile;
use crate::{
    config::{DefaultAlphabet, LongMessages},
    domain::{Msisdn, MtMessage, Sender, message::Body},
    gateway::receipt::reference_of,
    payload::{
        alphabet::{self, Alphabet},
        parts, septet, udh,
    },
    smpp::{
        Address, ShortMessage, Tlvs, tag,
        time::write_absolute,
        values::{esm_class, ton},
    },
};

/// Octets that fit into `short_message`. [34 s5.2.21]
const SHORT_MESSAGE_MAX: usize = 254;

impl Profile {
    /// The parts of a message, each a `submit_sm`; one for most.
    pub(crate) fn submits(&self, message: &MtMessage, takes_tlvs: bool) -> Vec<ShortMessage> {
        let bodies = self.bodies(message, takes_tlvs);
        let total = bodies.len();
        bodies
            .into_iter()
            .enumerate()
            .map(|(index, (body, tlvs))| {
                self.submit(message, &body, tlvs, (index, total), takes_tlvs)
            })
            .collect()
    }

    fn submit(
        &self,
        message: &MtMessage,
        body: &Body,
        mut tlvs: Tlvs,
        (index, total): (usize, usize),
        takes_tlvs: bool,
    ) -> ShortMessage {
        let settings = &self.settings;
        let is_first = index == 0;
        if takes_tlvs {
            if settings.reference {
                tlvs = tlvs.with_u16(tag::USER_MESSAGE_REFERENCE, reference_of(message.id));
            }
            for (tag, value) in self.mt_tlvs(message, is_first) {
                tlvs.push(tag, value);
            }
            if index + 1 < total {
                tlvs = tlvs.with_u8(tag::MORE_MESSAGES_TO_SEND, 1);
            }
        }
        let (data_coding, octets) = self.in_link_alphabet(body);
        let mut pdu = ShortMessage {
            service_type: Bytes::copy_from_slice(self.service_type(message, is_first).as_bytes()),
            source: self.source(&message.sender),
            destination: self.destination(&message.recipient),
            esm_class: if body.has_udh { esm_class::UDHI } else { 0 },
            protocol_id: message.protocol_id,
            priority: message.priority,
            validity_period: Bytes::copy_from_slice(&write_absolute(message.valid_until)),
            registered_delivery: settings.registered_delivery,
            data_coding,
            tlvs,
            ..ShortMessage::default()
        };
        if octets.len() <= SHORT_MESSAGE_MAX {
            pdu.short_message = octets;
        } else {
            pdu.tlvs.push(tag::MESSAGE_PAYLOAD, octets);
        }
        pdu
    }

    /// A long text is cut as the operator wants it: headers, SAR, or not at all.
    fn bodies(&self, message: &MtMessage, takes_tlvs: bool) -> Vec<(Body, Tlvs)> {
        let body = &message.body;
        let whole = || vec![(body.clone(), Tlvs::new())];
        if message.parts <= 1 {
            return whole();
        }
        let alphabet = Alphabet::of(body.data_coding, Alphabet::Gsm7).unwrap_or(Alphabet::Binary);
        let reference = reference_of(message.id);
        if body.has_udh {
            return under_its_header(body, alphabet, reference).unwrap_or_else(whole);
        }
        let way = match self.settings.long_messages {
            _ if !takes_tlvs => LongMessages::Udh,
            way => way,
        };
        match way {
            LongMessages::Payload => whole(),
            LongMessages::Udh => {
                let pieces = parts::split(&body.octets, alphabet, low_bits(reference), u8::MAX);
                let Ok(pieces) = pieces else { return whole() };
                headed(body.data_coding, pieces)
            }
            LongMessages::Sar => {
                let pieces =
                    parts::split(&body.octets, alphabet, parts::Reference::Bits8(0), u8::MAX);
                let Ok(pieces) = pieces else { return whole() };
                let total = u8::try_from(pieces.len()).unwrap_or(u8::MAX);
                (1..=u8::MAX)
                    .zip(pieces)
                    .map(|(number, octets)| {
                        let octets = Bytes::from(octets);
                        let header = usize::from(octets.first().copied().unwrap_or(0)) + 1;
                        let part = Body {
                            data_coding: body.data_coding,
                            has_udh: false,
                            octets: octets.slice(header.min(octets.len())..),
                        };
                        let tlvs = Tlvs::new()
                            .with_u16(tag::SAR_MSG_REF_NUM, reference)
                            .with_u8(tag::SAR_TOTAL_SEGMENTS, total)
                            .with_u8(tag::SAR_SEGMENT_SEQNUM, number);
                        (part, tlvs)
                    })
                    .collect()
            }
        }
    }

    /// Data coding 0 means what this SMSC means by it (C038).
    fn in_link_alphabet(&self, body: &Body) -> (u8, Bytes) {
        if body.data_coding != 0 {
            return (body.data_coding, body.octets.clone());
        }
        let header = if body.has_udh {
            body.octets.first().map_or(0, |length| usize::from(*length) + 1).min(body.octets.len())
        } else {
            0
        };
        let (head, text) = body.octets.split_at(header);
        let text = match self.settings.alphabet {
            DefaultAlphabet::Gsm7 if self.settings.packed_gsm7 => {
                septet::pack(text, septet::fill_bits(header))
            }
            DefaultAlphabet::Gsm7 => return (0, body.octets.clone()),
            DefaultAlphabet::Latin1 | DefaultAlphabet::Ia5 => {
                let letters = alphabet::decode_lenient(text, Alphabet::Gsm7);
                letters
                    .chars()
                    .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
                    .collect()
            }
            DefaultAlphabet::Utf8 => alphabet::decode_lenient(text, Alphabet::Gsm7).into_bytes(),
        };
        (0, [head, &text].concat().into())
    }

    fn source(&self, sender: &Sender) -> Address {
        let (kind, plan) = match sender {
            Sender::Name(_) => (ton::ALPHANUMERIC, 0),
            _ => (self.settings.source_ton, self.settings.source_npi),
        };
        Address::new(kind, plan, Bytes::copy_from_slice(sender.as_str().as_bytes()))
    }

    fn destination(&self, recipient: &Msisdn) -> Address {
        let digits = Bytes::copy_from_slice(recipient.as_str().as_bytes());
        Address::new(self.settings.dest_ton, self.settings.dest_npi, digits)
    }
}

/// A long message that has a header of its own, such as the ports of a WAP push: every part
/// repeats it. Whatever the link's way is, the parts are numbered in that header: an SMSC that cuts
/// a payload by itself would leave the ports to the first part only.
fn under_its_header(body: &Body, alphabet: Alphabet, reference: u16) -> Option<Vec<(Body, Tlvs)>> {
    let (header, rest) = udh::split(&body.octets).ok()?;
    let pieces = parts::split_under(&header, rest, alphabet, low_bits(reference), u8::MAX).ok()?;
    Some(headed(body.data_coding, pieces))
}

fn headed(data_coding: u8, pieces: Vec<Vec<u8>>) -> Vec<(Body, Tlvs)> {
    let part = |octets: Vec<u8>| Body { data_coding, has_udh: true, octets: octets.into() };
    pieces.into_iter().map(|octets| (part(octets), Tlvs::new())).collect()
}

fn low_bits(reference: u16) -> parts::Reference {
    parts::Reference::Bits8(u8::try_from(reference & 0xff).expect("masked to 8 bits"))
}
