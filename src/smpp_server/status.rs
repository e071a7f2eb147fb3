//! What a refusal is called over SMPP.
//!
//! Only four statuses mean "later" to other gateways (`ESME_RTHROTTLED`, `ESME_RMSGQFUL`,
//! `ESME_RSYSERR`, `ESME_RX_T_APPN`); whatever is temporary must be one of them, or the partner's
//! software drops the message (P25).

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    domain::Refusal,
    gateway,
    smpp::{CommandId, CommandStatus, Tlvs, Version},
};

/// The status for a refused submit.
pub fn of_refusal(refusal: &Refusal) -> CommandStatus {
    use CommandStatus as S;
    match refusal {
        Refusal::NotYourNumber(_) | Refusal::NoSender | Refusal::BadSender(_) => S::RINVSRCADR,
        Refusal::BadRecipient(_) => S::RINVDSTADR,
        Refusal::Throttled { .. } => S::RTHROTTLED,
        Refusal::BacklogFull { .. } | Refusal::StoreFull => S::RMSGQFUL,
        Refusal::Draining => S::RSYSERR,
        Refusal::BadValidity(_) => S::RINVEXPIRY,
        Refusal::BadSchedule(_) => S::RINVSCHED,
        Refusal::BadLength(_) => S::RINVMSGLEN,
        Refusal::BadDataCoding(_) | Refusal::AlphabetNotAllowed { .. } => S::RINVDCS,
        Refusal::TlvNotAllowed { .. } => S::RTLVNOTALLWD,
        Refusal::BadUserData(_) => S::RINVESMCLASS,
        Refusal::BadServiceType(_) => S::RINVSERTYP,
        Refusal::TariffMissing(_) => S::RMISSINGTLV,
        Refusal::TariffUnknown(_)
        | Refusal::UnknownMo(_)
        | Refusal::BadField(_)
        | Refusal::UnknownService(_)
        | Refusal::AmbiguousService(_)
        | Refusal::BadIdempotencyId(_) => S::RINVTLVVAL,
        Refusal::TariffNotAllowed(_) => S::RPROHIBITED,
        Refusal::RecipientBarred(_)
        | Refusal::SubscriberStopped(..)
        | Refusal::ServiceNotLive { .. }
        | Refusal::SpendLimit(_)
        | Refusal::PartnerSuspended => S::RSUBMITFAIL,
        Refusal::ReceiptsNotAllowed => S::RINVREGDLVFLG,
        Refusal::ReplaceNotAllowed => S::RINVSUBREP,
        Refusal::UnknownStoredText(_) => S::RINVDFTMSGID,
        Refusal::UnknownMessage(_) => S::RINVMSGID,
        Refusal::TooLateToCancel(_) | Refusal::NothingToCancel => S::RCANCELFAIL,
        Refusal::CannotReplace(_) => S::RREPLACEFAIL,
        Refusal::TooManyRecipients { .. } => S::RINVNUMDESTS,
        // Of these only the first comes over SMPP; nothing there asks the partnership.
        Refusal::IdempotencyConflict(_)
        | Refusal::FieldErrors(_)
        | Refusal::NotAllowed
        | Refusal::StepUpNeeded
        | Refusal::ViewOnly
        | Refusal::WrongState(_)
        | Refusal::VersionConflict
        | Refusal::UnknownId(_)
        | Refusal::Taken(_)
        | Refusal::QuotaReached { .. }
        | Refusal::WrongLogIn
        | Refusal::TooManyTries { .. }
        | Refusal::LinkInvalid => S::RX_P_APPN,
    }
}

/// The status of any error of a verb.
pub fn of(error: &gateway::Error) -> CommandStatus {
    match error {
        gateway::Error::Refused(refusal) => of_refusal(refusal),
        // S092: never a yes, and never a status that means "give up".
        gateway::Error::Store(_) => CommandStatus::RSYSERR,
    }
}

/// 3.4 has another word for two statuses where a code above 0xFF would be cut (S063, S086).
pub fn for_peer(status: CommandStatus, version: Version) -> CommandStatus {
    match status {
        CommandStatus::RINVSERTYP if version >= Version::V50 => CommandStatus::RSERTYPUNAUTH,
        other => other.for_version(version),
    }
}

/// What stands behind the header of a refused `query_sm`, `cancel_sm` or `replace_sm`.
///
/// Their answers have no optional parameters in 3.4, and an error there is 16 octets long (S131),
/// whatever the partner asked for. In 5.0 every answer may have TLVs and an unknown one is ignored;
/// the fields of a `query_sm_resp` stand before it, empty, for TLVs come last. [50 s3.2.1.3]
pub(crate) fn body_of_refusal(id: CommandId, version: Version, tlvs: &Tlvs) -> Bytes {
    const EMPTY_QUERY_RESP: [u8; 4] = [0, 0, 7, 0];
    let mut body = BytesMut::new();
    if version < Version::V50 || tlvs.is_empty() {
        return body.freeze();
    }
    match id {
        CommandId::QUERY_SM => body.put_slice(&EMPTY_QUERY_RESP),
        CommandId::CANCEL_SM | CommandId::REPLACE_SM => {}
        _ => return body.freeze(),
    }
    for tlv in tlvs.iter() {
        body.put_u16(tlv.tag);
        body.put_u16(u16::try_from(tlv.value.len()).unwrap_or(u16::MAX));
        body.put_slice(&tlv.value);
    }
    body.freeze()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// P25: other gateways treat every other status as final and lose the message.
    #[test]
    fn what_is_temporary_is_one_of_the_four_statuses_that_others_retry() {
        let retried = [
            CommandStatus::RTHROTTLED,
            CommandStatus::RMSGQFUL,
            CommandStatus::RSYSERR,
            CommandStatus::RX_T_APPN,
        ];
        let temporary = [
            Refusal::Throttled { rate: 1, retry_after: Duration::from_secs(1) },
            Refusal::BacklogFull { backlog: 1 },
            Refusal::StoreFull,
            Refusal::Draining,
        ];
        for refusal in temporary {
            assert!(refusal.is_temporary());
            assert!(retried.contains(&of_refusal(&refusal)), "{refusal}");
        }
    }

    #[test]
    fn a_peer_of_3_4_gets_no_status_above_0xff() {
        assert_eq!(for_peer(CommandStatus::RINVDCS, Version::V34), CommandStatus::RSUBMITFAIL);
        assert_eq!(for_peer(CommandStatus::RINVDCS, Version::V50), CommandStatus::RINVDCS);
        assert_eq!(for_peer(CommandStatus::RINVSERTYP, Version::V34), CommandStatus::RINVSERTYP);
    }
}
