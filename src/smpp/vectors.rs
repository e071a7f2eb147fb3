//! What the tests of the protocol share: octets written so that a reader can check them, and one
//! sample of every PDU. Compiled for tests only.

use bytes::Bytes;

use super::{
    codec,
    pdu::{
        Address, AlertNotification, Bind, BindResp, CancelSm, Command, DataSm, Destination,
        MessageResp, Outbind, Pdu, QuerySm, QuerySmResp, ReplaceSm, ShortMessage, SubmitMulti,
        SubmitMultiResp, Unsuccess,
    },
    tlv::{Tlvs, tag},
    values::{BindKind, CommandId, CommandStatus, Version},
};

pub(crate) const VERSIONS: [Version; 3] = [Version::V33, Version::V34, Version::V50];

pub(crate) const KINDS: [BindKind; 3] =
    [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver];

/// Octets from hex and `'text'`; from `;` to the end of a line is a note.
pub(crate) fn octets(notation: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in notation.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() && !rest.starts_with(';') {
            if let Some(quoted) = rest.strip_prefix('\'') {
                let (text, after) = quoted.split_once('\'').expect("a closing quote");
                octets.extend(text.as_bytes());
                rest = after.trim_start();
            } else {
                let pair = u8::from_str_radix(&rest[..2], 16);
                octets.push(pair.unwrap_or_else(|_| panic!("not hex: {rest}")));
                rest = rest[2..].trim_start();
            }
        }
    }
    octets
}

/// A PDU with `sequence_number` 7 and the length it has.
pub(crate) fn pdu(id: CommandId, status: u32, body: &str) -> Bytes {
    let body = octets(body);
    let length = u32::try_from(body.len() + codec::HEADER).unwrap();
    let mut frame: Vec<u8> =
        [length, id.0, status, 7].iter().flat_map(|field| field.to_be_bytes()).collect();
    frame.extend(body);
    frame.into()
}

pub(crate) fn decode(frame: &Bytes, version: Version) -> Result<Pdu, CommandStatus> {
    match codec::decode(frame, version) {
        Ok(command) => Ok(command.pdu),
        Err(codec::Error::Recoverable { status, .. }) => Err(status),
        Err(other) => panic!("a whole frame cannot have {other}"),
    }
}

pub(crate) fn encode(command: &Command, version: Version) -> Result<Bytes, codec::Unfit> {
    let mut out = bytes::BytesMut::new();
    codec::encode(command, version, &mut out)?;
    Ok(out.freeze())
}

/// A `submit_sm` with these last octets, from `sm_length` on.
pub(crate) fn submit(tail: &str) -> Bytes {
    let fixed = "
        00                      ; service_type
        05 00 'Bramka' 00       ; source: alphanumeric
        01 01 '48500100200' 00  ; destination: international, ISDN
        00 00 00                ; esm_class, protocol_id, priority_flag
        00 00                   ; schedule_delivery_time, validity_period
        00 00 00 00             ; registered, replace, data_coding, default id
    ";
    pdu(CommandId::SUBMIT_SM, 0, &format!("{fixed}\n{tail}"))
}

pub(crate) fn address(digits: &'static str) -> Address {
    Address::new(1, 1, digits)
}

pub(crate) fn message(text: &'static str) -> ShortMessage {
    ShortMessage {
        service_type: "CMT".into(),
        source: Address::new(0, 1, "7055"),
        destination: address("48500100200"),
        esm_class: 0x03,
        protocol_id: 0x40,
        priority: 1,
        validity_period: "261121120000004+".into(),
        registered_delivery: 1,
        data_coding: 3,
        short_message: text.into(),
        tlvs: Tlvs::new()
            .with_u16(tag::USER_MESSAGE_REFERENCE, 0x1234)
            .with_u8(tag::MORE_MESSAGES_TO_SEND, 1),
        ..ShortMessage::default()
    }
}

fn message_resp() -> MessageResp {
    MessageResp { message_id: "0123456789abcdef".into(), tlvs: Tlvs::new() }
}

fn bind() -> Box<Bind> {
    Box::new(Bind {
        system_id: "SMPP3TEST".into(),
        password: "secret08".into(),
        system_type: "SUBMIT1".into(),
        interface_version: 0x50,
        address_range: address(""),
    })
}

pub(crate) fn bind_pdu(kind: BindKind) -> Pdu {
    Pdu::Bind(kind, bind())
}

fn multi() -> SubmitMulti {
    let destinations = vec![
        Destination::Sme(address("48500100200")),
        Destination::List("friends".into()),
        Destination::Sme(address("48500100201")),
    ];
    let message = ShortMessage { destination: Address::default(), ..message("to all") };
    SubmitMulti { destinations, message }
}

/// One request of every kind, well formed in 3.4 and 5.0.
pub(crate) fn requests() -> Vec<Pdu> {
    let mut requests: Vec<Pdu> = KINDS.map(bind_pdu).into();
    let (source, esme) = (address("48500100200"), Address::new(0, 1, "7055"));
    requests.extend([
        Pdu::Outbind(Outbind { system_id: "mc".into(), password: "pw".into() }),
        Pdu::Unbind,
        Pdu::EnquireLink,
        Pdu::SubmitSm(Box::new(message("Kod 1234"))),
        Pdu::DeliverSm(Box::new(ShortMessage {
            validity_period: Bytes::new(),
            esm_class: 0,
            tlvs: Tlvs::new().with_u8(tag::SOURCE_ADDR_SUBUNIT, 2),
            ..message("TAK")
        })),
        Pdu::SubmitMulti(Box::new(multi())),
        Pdu::DataSm(Box::new(DataSm {
            service_type: "WAP".into(),
            source: source.clone(),
            destination: esme.clone(),
            esm_class: 0x40,
            registered_delivery: 1,
            data_coding: 4,
            tlvs: Tlvs::new().with(tag::MESSAGE_PAYLOAD, "octets"),
        })),
        Pdu::QuerySm(QuerySm { message_id: "42".into(), source: source.clone() }),
        Pdu::CancelSm(Box::new(CancelSm {
            service_type: "CMT".into(),
            message_id: "42".into(),
            source: source.clone(),
            destination: esme.clone(),
        })),
        Pdu::ReplaceSm(Box::new(ReplaceSm {
            message_id: "42".into(),
            source: source.clone(),
            schedule_delivery_time: "000001000000000R".into(),
            validity_period: Bytes::new(),
            registered_delivery: 1,
            default_message_id: 0,
            short_message: "new text".into(),
            tlvs: Tlvs::new(),
        })),
        Pdu::AlertNotification(Box::new(AlertNotification {
            source,
            esme,
            tlvs: Tlvs::new().with_u8(tag::MS_AVAILABILITY_STATUS, 0),
        })),
    ]);
    requests
}

/// One answer of every kind.
pub(crate) fn responses() -> Vec<Pdu> {
    let bind_resp = BindResp {
        system_id: "bramka".into(),
        tlvs: Tlvs::new().with_u8(tag::SC_INTERFACE_VERSION, 0x50),
    };
    let mut responses: Vec<Pdu> = KINDS.map(|kind| Pdu::BindResp(kind, bind_resp.clone())).into();
    responses.extend([
        Pdu::UnbindResp,
        Pdu::EnquireLinkResp,
        Pdu::GenericNack,
        Pdu::SubmitSmResp(message_resp()),
        Pdu::DeliverSmResp(MessageResp::default()),
        Pdu::DataSmResp(message_resp()),
        Pdu::SubmitMultiResp(SubmitMultiResp {
            message_id: "42".into(),
            unsuccess: vec![Unsuccess {
                address: address("48500100201"),
                status: CommandStatus::RINVDSTADR,
            }],
            tlvs: Tlvs::new(),
        }),
        Pdu::QuerySmResp(QuerySmResp {
            message_id: "42".into(),
            final_date: "261121120000004+".into(),
            message_state: 2,
            error_code: 0,
        }),
        Pdu::CancelSmResp,
        Pdu::ReplaceSmResp,
    ]);
    responses
}

pub(crate) fn all_pdus() -> Vec<Pdu> {
    let mut all = requests();
    all.extend(responses());
    all
}

/// Numbers that look random and are the same in every run (xorshift).
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap()
    }

    pub(crate) fn octet(&mut self) -> u8 {
        self.roll().to_le_bytes()[3]
    }
}
