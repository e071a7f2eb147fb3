//! An operator's habits, as one link knows them: ids, statuses, what goes beside a message.

use smol_str::{SmolStr, ToSmolStr};

use crate::{
    config::{self, IdForm, LinkTlv, TariffWay, TlvDirection, TlvType},
    domain::MtMessage,
    smpp::CommandStatus,
};

/// What a negative answer to a message means (P10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Certainly not accepted; may be sent again.
    Later,
    Never,
}

/// A link's configuration with its lists read.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) settings: config::SmscLink,
    safe: Vec<u32>,
    retry_uncharged: Vec<u32>,
    permanent: Vec<u32>,
    /// The zone of the dates in receipts, looked up once; none if nobody knows its name.
    pub(crate) receipt_zone: Option<jiff::tz::TimeZone>,
}

impl Profile {
    pub(crate) fn new(settings: config::SmscLink) -> Self {
        Self {
            safe: settings.safe_codes(),
            retry_uncharged: settings.retry_uncharged_codes(),
            permanent: settings.permanent_codes(),
            receipt_zone: jiff::tz::TimeZone::get(&settings.receipt_time_zone).ok(),
            settings,
        }
    }

    /// A charged message is retried only after a status that surely means "not accepted"; what is
    /// in no list is final (P10, C014 to C018).
    pub(crate) fn meaning(&self, status: CommandStatus, is_charged: bool) -> Meaning {
        let is_listed = |list: &[u32]| list.contains(&status.0);
        let is_safe = is_listed(&self.safe) || (!is_charged && is_listed(&self.retry_uncharged));
        if is_safe && !is_listed(&self.permanent) { Meaning::Later } else { Meaning::Never }
    }

    /// The name of a status: the operator's own where it has one (C018).
    pub(crate) fn status_name(&self, status: CommandStatus) -> SmolStr {
        self.settings
            .status_names
            .iter()
            .find(|(_, code)| **code == status.0)
            .map_or_else(|| status.to_smolstr(), |(name, _)| name.as_str().into())
    }

    /// The id of an answer in the form that receipts are looked up by (P14, C030).
    pub(crate) fn response_id(&self, raw: &[u8]) -> SmolStr {
        normal(raw, self.settings.message_id_response, self.settings.strip_leading_zeros)
    }

    /// The id of a receipt in the same form.
    pub(crate) fn receipt_id(&self, raw: &[u8]) -> SmolStr {
        normal(raw, self.settings.message_id_receipt, self.settings.strip_leading_zeros)
    }

    /// TLVs that this operator wants on an MT; `is_first` of its parts.
    pub(crate) fn mt_tlvs(&self, message: &MtMessage, is_first: bool) -> Vec<(u16, Vec<u8>)> {
        let mut tlvs = Vec::new();
        // The tariff stands on the first part alone: the subscriber pays once for one message.
        if let Some((price, _)) = message.charge.as_ref().filter(|_| is_first)
            && self.settings.tariff_way == TariffWay::Tlv
        {
            let value = encode(&price.code, self.settings.tariff_tlv_type);
            tlvs.push((self.settings.tariff_tlv_tag.0, value));
        }
        for tlv in self.settings.tlvs.values().filter(|tlv| is_for_mt(tlv)) {
            let Some(tag) = tlv.tag else { continue };
            let given = message.tlvs.iter().find(|(given, _)| *given == tag.0);
            match given {
                Some((_, value)) => tlvs.push((tag.0, value.to_vec())),
                None if !tlv.default.is_empty() => {
                    tlvs.push((tag.0, encode(&tlv.default, tlv.r#type)));
                }
                None => {}
            }
        }
        tlvs
    }

    /// The name of a TLV without which this operator takes no MT.
    pub(crate) fn missing_tlv(&self, message: &MtMessage) -> Option<&str> {
        self.settings.tlvs.iter().find_map(|(name, tlv)| {
            let tag = tlv.tag?;
            let is_given = message.tlvs.iter().any(|(given, _)| *given == tag.0);
            let is_needed = tlv.mandatory && is_for_mt(tlv) && tlv.default.is_empty();
            (is_needed && !is_given).then_some(name.as_str())
        })
    }

    /// `service_type` as the operator wants it.
    pub(crate) fn service_type(&self, message: &MtMessage, is_first: bool) -> SmolStr {
        match &message.charge {
            Some((price, _)) if is_first && self.settings.tariff_way == TariffWay::ServiceType => {
                price.code.chars().take(5).collect::<String>().into()
            }
            _ => message.service_type.clone(),
        }
    }
}

fn is_for_mt(tlv: &LinkTlv) -> bool {
    matches!(tlv.direction, TlvDirection::Mt | TlvDirection::Any)
}

/// One spelling of an id for all of a form.
pub(crate) fn normal(raw: &[u8], form: IdForm, strips_zeros: bool) -> SmolStr {
    let text = String::from_utf8_lossy(raw);
    let text = text.trim().to_ascii_lowercase();
    let number = match form {
        IdForm::Hex => u128::from_str_radix(text.trim_start_matches("0x"), 16).ok(),
        IdForm::Decimal => text.parse::<u128>().ok(),
        IdForm::Opaque => None,
    };
    match number {
        Some(number) => number.to_smolstr(),
        None if strips_zeros && text.len() > 1 => {
            let stripped = text.trim_start_matches('0');
            if stripped.is_empty() { "0".into() } else { stripped.into() }
        }
        None => text.into(),
    }
}

/// A value in the operator's encoding; one that does not fit is sent as it is written.
fn encode(value: &str, kind: TlvType) -> Vec<u8> {
    match kind {
        TlvType::Int1 => value.parse::<u8>().map(|n| vec![n]),
        TlvType::Int2 => value.parse::<u16>().map(|n| n.to_be_bytes().to_vec()),
        TlvType::Int4 => value.parse::<u32>().map(|n| n.to_be_bytes().to_vec()),
        TlvType::CString => Ok([value.as_bytes(), &[0]].concat()),
        TlvType::Octets => Ok(unhex(value).unwrap_or_else(|| value.as_bytes().to_vec())),
    }
    .unwrap_or_else(|_| value.as_bytes().to_vec())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(change: impl FnOnce(&mut config::SmscLink)) -> Profile {
        let mut settings = config::SmscLink::default();
        change(&mut settings);
        Profile::new(settings)
    }

    #[test]
    fn c030_ids_are_one_number_however_the_operator_writes_them() {
        let cases = [
            (IdForm::Hex, IdForm::Decimal, "1a2B", "6699"),
            (IdForm::Decimal, IdForm::Hex, "00000000006699", "1A2B"),
            (IdForm::Decimal, IdForm::Decimal, "007", "7"),
            (IdForm::Opaque, IdForm::Opaque, "Ab-12", "aB-12"),
        ];
        for (response, receipt, in_response, in_receipt) in cases {
            let profile = profile(|settings| {
                settings.message_id_response = response;
                settings.message_id_receipt = receipt;
            });
            assert_eq!(
                profile.response_id(in_response.as_bytes()),
                profile.receipt_id(in_receipt.as_bytes()),
                "{in_response} {in_receipt}"
            );
        }
    }

    #[test]
    fn c030_leading_zeros_count_unless_the_profile_says_otherwise() {
        let strict = profile(|_| {});
        assert_ne!(strict.response_id(b"0042"), strict.receipt_id(b"42"));
        let lax = profile(|settings| settings.strip_leading_zeros = true);
        assert_eq!(lax.response_id(b"0042"), lax.receipt_id(b"42"));
        assert_eq!(lax.response_id(b"000"), "0");
    }

    #[test]
    fn c014_to_c018_a_charged_message_is_retried_only_after_a_safe_status() {
        let profile = profile(|settings| {
            settings.status_names.insert("OPERATOR_BUSY".into(), 0x400);
            settings.safe_status.push("OPERATOR_BUSY".into());
        });
        let cases = [
            (CommandStatus::RTHROTTLED, Meaning::Later, Meaning::Later),
            (CommandStatus::RMSGQFUL, Meaning::Later, Meaning::Later),
            (CommandStatus::RSYSERR, Meaning::Later, Meaning::Never),
            (CommandStatus::RX_T_APPN, Meaning::Later, Meaning::Never),
            (CommandStatus::RINVDSTADR, Meaning::Never, Meaning::Never),
            (CommandStatus::RSUBMITFAIL, Meaning::Never, Meaning::Never),
            (CommandStatus(0x400), Meaning::Later, Meaning::Later),
            (CommandStatus(0x4ff), Meaning::Never, Meaning::Never),
        ];
        for (status, uncharged, charged) in cases {
            assert_eq!(profile.meaning(status, false), uncharged, "{status}");
            assert_eq!(profile.meaning(status, true), charged, "{status} charged");
        }
        assert_eq!(profile.status_name(CommandStatus(0x400)), "OPERATOR_BUSY");
        assert_eq!(profile.status_name(CommandStatus(0x401)), "0x00000401");
    }

    #[test]
    fn a_tlv_is_encoded_as_the_profile_says() {
        assert_eq!(encode("7", TlvType::Int1), [7]);
        assert_eq!(encode("258", TlvType::Int2), [1, 2]);
        assert_eq!(encode("258", TlvType::Int4), [0, 0, 1, 2]);
        assert_eq!(encode("T9", TlvType::CString), b"T9\0");
        assert_eq!(encode("0aff", TlvType::Octets), [0x0a, 0xff]);
    }
}
