//! One PDU in one line for `bramka trace`: no text, no password, numbers masked (S-37, S-44).

use super::{
    codec::encode,
    pdu::{Address, Command, Pdu},
    values::Version,
};

/// What a PDU says, without what nobody should read.
pub fn summary(command: &Command) -> String {
    match &command.pdu {
        Pdu::Bind(_, bind) => format!(
            "system_id={} version=0x{:02x} system_type={}",
            printable(&bind.system_id),
            bind.interface_version,
            printable(&bind.system_type)
        ),
        Pdu::BindResp(_, resp) => format!("system_id={}", printable(&resp.system_id)),
        Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => format!(
            "{} -> {} esm_class=0x{:02x} data_coding=0x{:02x} octets={} tlvs={}",
            masked(&message.source),
            masked(&message.destination),
            message.esm_class,
            message.data_coding,
            message.short_message.len(),
            message.tlvs.iter().count()
        ),
        Pdu::DataSm(data) => {
            format!(
                "{} -> {} tlvs={}",
                masked(&data.source),
                masked(&data.destination),
                data.tlvs.iter().count()
            )
        }
        Pdu::SubmitMulti(multi) => format!("destinations={}", multi.destinations.len()),
        Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp) | Pdu::DeliverSmResp(resp) => {
            format!("message_id={}", printable(&resp.message_id))
        }
        Pdu::SubmitMultiResp(resp) => {
            format!("message_id={} unsuccess={}", printable(&resp.message_id), resp.unsuccess.len())
        }
        Pdu::QuerySm(query) => format!("message_id={}", printable(&query.message_id)),
        Pdu::QuerySmResp(resp) => {
            format!("message_id={} state={}", printable(&resp.message_id), resp.message_state)
        }
        Pdu::CancelSm(cancel) => format!("message_id={}", printable(&cancel.message_id)),
        Pdu::ReplaceSm(replace) => format!("message_id={}", printable(&replace.message_id)),
        Pdu::Other(_, body) => format!("octets={}", body.len()),
        _ => String::new(),
    }
}

/// The octets of a PDU, for a capture; none of a bind, whose password they hold.
pub fn octets(command: &Command, version: Version) -> Option<bytes::Bytes> {
    if matches!(command.pdu, Pdu::Bind(..) | Pdu::Outbind(_)) {
        return None;
    }
    let mut out = bytes::BytesMut::new();
    encode(command, version, &mut out).ok().map(|()| out.freeze())
}

fn printable(octets: &[u8]) -> String {
    octets
        .iter()
        .take(65)
        .map(|octet| if octet.is_ascii_graphic() { char::from(*octet) } else { '.' })
        .collect()
}

fn masked(address: &Address) -> String {
    let text = printable(&address.digits);
    if text.len() < 8 {
        return text;
    }
    format!("{}***{}", &text[..5], &text[text.len() - 3..])
}
