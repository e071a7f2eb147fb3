//! From what an operator delivers to a receipt or an MO.

use bytes::Bytes;
use smol_str::SmolStr;

use super::profile::Profile;
use crate::{
    config::DefaultAlphabet,
    domain::{
        Msisdn, NetworkError, ShortCode,
        message::{Body, ReceiptState},
    },
    gateway::{
        mo::{NewMo, PartOf},
        receipt::NewReceipt,
    },
    payload::{
        alphabet::{self, Alphabet},
        septet, udh,
    },
    smpp::{
        ShortMessage,
        receipt::ReceiptText,
        tag,
        values::{esm_class, ton},
    },
};

/// What a delivery turned out to be.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// With its id as the operator wrote it.
    Receipt(NewReceipt, SmolStr),
    Mo(Box<NewMo>),
}

/// A delivery that can never be read: it is refused for good (C021).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl Profile {
    pub(crate) fn delivery(&self, pdu: &ShortMessage, now: i64) -> Result<Delivered, Unreadable> {
        let octets = match pdu.tlvs.get(tag::MESSAGE_PAYLOAD) {
            Some(payload) if pdu.short_message.is_empty() => payload,
            _ => &pdu.short_message,
        };
        let kind = pdu.esm_class & esm_class::TYPE;
        let text = || ReceiptText::parse(octets);
        if kind == esm_class::RECEIPT || kind == esm_class::INTERMEDIATE {
            return self.receipt(pdu, text().as_ref(), kind, now);
        }
        // C035: some SMSCs forget esm_class.
        if self.settings.receipt_by_text
            && kind == 0
            && let Some(found) = text().filter(ReceiptText::is_unmistakable)
        {
            return self.receipt(pdu, Some(&found), kind, now);
        }
        self.mo(pdu, octets).map(|mo| Delivered::Mo(Box::new(mo)))
    }

    /// C029, C034: TLVs count more than the text.
    fn receipt(
        &self,
        pdu: &ShortMessage,
        text: Option<&ReceiptText>,
        kind: u8,
        now: i64,
    ) -> Result<Delivered, Unreadable> {
        let from_tlv = pdu.tlvs.text(tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty());
        // Without an id it is kept as an orphan: the reference may still tell.
        let written = from_tlv.or(text.map(|text| text.id.as_bytes())).unwrap_or_default();
        let id = if written.is_empty() { SmolStr::default() } else { self.receipt_id(written) };
        let code =
            pdu.tlvs.u8(tag::MESSAGE_STATE).or_else(|| text.and_then(ReceiptText::message_state));
        let state = match code {
            Some(code) => ReceiptState::from_code(code).unwrap_or(ReceiptState::Unknown),
            None if kind == esm_class::INTERMEDIATE => ReceiptState::Enroute,
            None => return Err(Unreadable("a receipt without a state".to_owned())),
        };
        let done_at =
            text.and_then(|text| text.done_date).and_then(|date| self.moment(date)).unwrap_or(now);
        let receipt = NewReceipt {
            smsc_message_id: id,
            state,
            network_error: network_error(pdu, text),
            done_at,
            sender: self.digits(pdu.source.ton, &pdu.source.digits),
            recipient: printable(&pdu.destination.digits),
            reference: pdu.tlvs.u16(tag::USER_MESSAGE_REFERENCE),
        };
        Ok(Delivered::Receipt(receipt, String::from_utf8_lossy(written).into()))
    }

    /// Dates in receipts carry no zone; the profile says which it is.
    fn moment(&self, date: jiff::civil::DateTime) -> Option<i64> {
        let at = self.receipt_zone.as_ref()?.to_timestamp(date).ok()?;
        Some(at.as_microsecond())
    }

    fn mo(&self, pdu: &ShortMessage, octets: &Bytes) -> Result<NewMo, Unreadable> {
        let sender = printable(&pdu.source.digits);
        let is_national = pdu.source.ton == ton::NATIONAL;
        let sender = Msisdn::normalise(&sender, is_national, &self.settings.national_prefix)
            .map_err(|bad| Unreadable(format!("source_addr: {bad}")))?;
        let recipient = ShortCode::parse(&printable(&pdu.destination.digits))
            .map_err(|bad| Unreadable(format!("destination_addr: {bad}")))?;
        let (mut part, has_udh, rest) = Self::without_concat(pdu, octets)?;
        let header = octets.len() - rest.len();
        // SAR says the same in TLVs; a header counts more (S081).
        if part.is_none() {
            part = sar(pdu);
        }
        let (data_coding, octets) = self.in_our_alphabet(pdu.data_coding, rest, has_udh, header)?;
        let body = Body { data_coding, has_udh, octets };
        let text = text_of(&body);
        let relayed = pdu
            .tlvs
            .iter()
            .filter(|tlv| crate::smpp::tlv::is_vendor(tlv.tag))
            .map(|tlv| (tlv.tag, tlv.value.clone()))
            .collect();
        Ok(NewMo { sender, recipient, body, text, part, tlvs: relayed })
    }

    /// Takes the concatenation out of a user data header; other elements stay (C037).
    fn without_concat(
        pdu: &ShortMessage,
        octets: &Bytes,
    ) -> Result<(Option<PartOf>, bool, Bytes), Unreadable> {
        if pdu.esm_class & esm_class::UDHI == 0 {
            return Ok((None, false, octets.clone()));
        }
        let (header, rest) =
            udh::split(octets).map_err(|bad| Unreadable(format!("user data header: {bad}")))?;
        match header.concat().filter(|concat| concat.total > 1) {
            Some(concat) => {
                let part = PartOf {
                    reference: concat.reference,
                    total: concat.total,
                    number: concat.number,
                };
                Ok((Some(part), false, octets.slice_ref(rest)))
            }
            None => Ok((None, true, octets.clone())),
        }
    }

    /// C038: what data coding 0 and 1 mean is the link's to say; inside it is GSM 7-bit.
    fn in_our_alphabet(
        &self,
        data_coding: u8,
        octets: Bytes,
        has_udh: bool,
        header: usize,
    ) -> Result<(u8, Bytes), Unreadable> {
        let known = Alphabet::of(data_coding, Alphabet::Gsm7)
            .map_err(|_| Unreadable(format!("data_coding 0x{data_coding:02X} is reserved")))?;
        if known == Alphabet::Ucs2 && !has_udh && !octets.len().is_multiple_of(2) {
            return Err(Unreadable("UCS-2 with an odd number of octets".to_owned()));
        }
        if data_coding > 1 || has_udh {
            return Ok((data_coding, octets));
        }
        let habit = if data_coding == 1 { DefaultAlphabet::Ia5 } else { self.settings.alphabet };
        let letters: String = match habit {
            DefaultAlphabet::Gsm7 if self.settings.packed_gsm7 => {
                let fill = septet::fill_bits(header);
                let bits = (octets.len() * 8).saturating_sub(usize::from(fill));
                let mut septets = septet::unpack(&octets, bits / 7, fill);
                // Seven bits left over look like an `@`; padding is far more likely.
                if bits.is_multiple_of(7) && septets.last() == Some(&0) {
                    septets.pop();
                }
                return Ok((0, septets.into()));
            }
            DefaultAlphabet::Gsm7 => return Ok((0, octets)),
            DefaultAlphabet::Latin1 | DefaultAlphabet::Ia5 => {
                octets.iter().copied().map(char::from).collect()
            }
            DefaultAlphabet::Utf8 => String::from_utf8_lossy(&octets).into_owned(),
        };
        Ok(match alphabet::encode_gsm7(&letters) {
            Ok(septets) => (0, septets.into()),
            Err(_) => (8, alphabet::encode_ucs2(&letters).into()),
        })
    }

    /// A subscriber's number in the form that messages carry, where it can be read as one.
    fn digits(&self, kind: u8, digits: &Bytes) -> SmolStr {
        let text = printable(digits);
        Msisdn::normalise(&text, kind == ton::NATIONAL, &self.settings.national_prefix)
            .map_or(text, |number| number.as_str().into())
    }
}

fn sar(pdu: &ShortMessage) -> Option<PartOf> {
    let reference = pdu.tlvs.u16(tag::SAR_MSG_REF_NUM)?;
    let total = pdu.tlvs.u8(tag::SAR_TOTAL_SEGMENTS)?;
    let number = pdu.tlvs.u8(tag::SAR_SEGMENT_SEQNUM)?;
    (total > 1 && (1..=total).contains(&number)).then_some(PartOf { reference, total, number })
}

/// The network's cause: the TLV, or the number in the text.
fn network_error(pdu: &ShortMessage, text: Option<&ReceiptText>) -> Option<NetworkError> {
    if let Some([kind, high, low]) = pdu.tlvs.get(tag::NETWORK_ERROR_CODE).map(AsRef::as_ref) {
        return Some(NetworkError { kind: *kind, code: u16::from_be_bytes([*high, *low]) });
    }
    let code = text?.err.parse::<u16>().ok().filter(|code| *code != 0)?;
    // 3 is GSM. [34 s5.3.2.31]
    Some(NetworkError { kind: 3, code })
}

/// The text as routing reads it; nothing of a binary message.
fn text_of(body: &Body) -> String {
    let alphabet = Alphabet::of(body.data_coding, Alphabet::Gsm7).unwrap_or(Alphabet::Binary);
    if alphabet == Alphabet::Binary {
        return String::new();
    }
    let header = if body.has_udh {
        body.octets.first().map_or(0, |length| usize::from(*length) + 1).min(body.octets.len())
    } else {
        0
    };
    alphabet::decode_lenient(&body.octets[header..], alphabet)
}

fn printable(octets: &Bytes) -> SmolStr {
    octets
        .iter()
        .take(64)
        .filter(|octet| octet.is_ascii_graphic())
        .map(|octet| char::from(*octet))
        .collect()
}
