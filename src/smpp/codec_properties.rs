//! What holds for every PDU and for every rubbish: K029 and the promises behind it.

use bytes::{Bytes, BytesMut};
use proptest::{collection::vec, prelude::*};

use super::{
    codec::{self, Error, HEADER, frame},
    pdu::{
        Address, AlertNotification, Bind, BindResp, CancelSm, Command, DataSm, Destination,
        MessageResp, Outbind, Pdu, QuerySm, QuerySmResp, ReplaceSm, ShortMessage, SubmitMulti,
        SubmitMultiResp, Unsuccess,
    },
    receipt::ReceiptText,
    time,
    tlv::Tlvs,
    values::{CommandId, CommandStatus, Version},
    vectors::{Dice, KINDS, VERSIONS, all_pdus, encode, pdu, requests},
};

const CAP: usize = 70_000;

/// Ids that exist and some that do not.
fn ids() -> Vec<CommandId> {
    let mut ids: Vec<CommandId> = all_pdus().iter().map(Pdu::command_id).collect();
    ids.extend([0, 0x0a, 0xff, 0x111, 0x8000_00ff, 0x8000_0111, 0xffff_ffff].map(CommandId));
    ids
}

#[test]
fn k029_random_bodies_end_in_a_pdu_or_an_error_for_every_command_and_version() {
    let mut dice = Dice(0x5eed_0001);
    for id in ids() {
        for version in VERSIONS {
            for _ in 0..200 {
                let length = dice.below(300);
                // Mostly zeros: else no random body would get past its first text.
                let octets = (0..length).map(|_| if dice.below(3) > 0 { 0 } else { dice.octet() });
                let body: String = octets
                    .collect::<Vec<_>>()
                    .iter()
                    .fold(String::new(), |hex, octet| format!("{hex}{octet:02X}"));
                let frame = pdu(id, 0, &body);
                match codec::decode(&frame, version) {
                    Ok(command) => assert_eq!(command.pdu.command_id(), id),
                    Err(Error::Recoverable { header, status, .. }) => {
                        assert!(!id.is_response(), "an answer is never refused");
                        assert!(!status.is_ok() && header.sequence == 7);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}

#[test]
fn k029_a_pdu_with_damaged_octets_never_panics_and_the_next_one_decodes() {
    let mut dice = Dice(0x5eed_0002);
    let good = pdu(CommandId::ENQUIRE_LINK, 0, "");
    for sample in all_pdus() {
        let whole = encode(&Command::new(7, sample), Version::V50).unwrap();
        for _ in 0..400 {
            let mut damaged = whole.to_vec();
            for _ in 0..=dice.below(4) {
                // The length stays right, or the next PDU could not be found.
                let place = 4 + dice.below(damaged.len() - 4);
                damaged[place] = dice.octet();
            }
            let mut stream = BytesMut::from(&damaged[..]);
            stream.extend_from_slice(&good);
            for version in VERSIONS {
                let mut stream = stream.clone();
                let first = frame(&mut stream, CAP).unwrap().unwrap();
                assert!(!matches!(codec::decode(&first, version), Err(Error::BadLength { .. })));
                let next = frame(&mut stream, CAP).unwrap().unwrap();
                assert_eq!(codec::decode(&next, version).unwrap().pdu, Pdu::EnquireLink);
            }
        }
    }
}

#[test]
fn k029_a_random_stream_never_panics_and_never_grows() {
    let mut dice = Dice(0x5eed_0003);
    for _ in 0..2000 {
        let length = dice.below(200);
        let mut octets: Vec<u8> = (0..length).map(|_| dice.octet()).collect();
        // Half of the time the length is small, so that some frames are cut.
        if length >= 4 && dice.below(2) == 0 {
            octets[..3].fill(0);
        }
        let mut stream = BytesMut::from(&octets[..]);
        while let Ok(Some(frame)) = frame(&mut stream, CAP) {
            assert!((HEADER..=length).contains(&frame.len()));
            for version in VERSIONS {
                codec::decode(&frame, version).ok();
            }
        }
        assert!(stream.len() <= length);
    }
}

#[test]
fn a_request_cut_short_under_a_right_length_is_recoverable_and_never_misread_as_whole() {
    for sample in requests() {
        let whole = encode(&Command::new(7, sample.clone()), Version::V50).unwrap();
        for length in HEADER..whole.len() {
            let mut cut = whole[..length].to_vec();
            cut[..4].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            let decoded = codec::decode(&Bytes::from(cut), Version::V50);
            assert!(!matches!(decoded, Err(Error::BadLength { .. })));
            assert_ne!(decoded.ok().map(|command| command.pdu).as_ref(), Some(&sample));
        }
    }
}

fn text(max: usize) -> impl Strategy<Value = Bytes> {
    vec(1..=255_u8, 0..max).prop_map(Bytes::from)
}

fn moment() -> impl Strategy<Value = Bytes> {
    prop_oneof![Just(Bytes::new()), vec(1..=255_u8, 16).prop_map(Bytes::from)]
}

fn any_address(max: usize) -> impl Strategy<Value = Address> {
    (any::<u8>(), any::<u8>(), text(max)).prop_map(|(ton, npi, digits)| Address {
        ton,
        npi,
        digits,
    })
}

/// Tags of vendors: the known ones have rules of their own.
fn tlvs() -> impl Strategy<Value = Tlvs> {
    vec((0x1400..=0x3fff_u16, vec(any::<u8>(), 0..40)), 0..4).prop_map(|all| {
        all.into_iter().fold(Tlvs::new(), |tlvs, (tag, value)| tlvs.with(tag, value))
    })
}

fn short_message() -> impl Strategy<Value = ShortMessage> {
    let texts = (text(6), any_address(21), any_address(21), moment(), moment());
    let body = (vec(any::<u8>(), 0..=254), tlvs());
    (texts, any::<[u8; 7]>(), body).prop_map(|(texts, octets, (body, tlvs))| {
        let (service_type, source, destination, schedule_delivery_time, validity_period) = texts;
        let [esm_class, protocol_id, priority, registered_delivery, replace, coding, id] = octets;
        ShortMessage {
            service_type,
            source,
            destination,
            esm_class,
            protocol_id,
            priority,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            replace_if_present: replace,
            data_coding: coding,
            default_message_id: id,
            short_message: body.into(),
            tlvs,
        }
    })
}

fn request() -> impl Strategy<Value = Pdu> {
    let kind = proptest::sample::select(KINDS.to_vec());
    let bind = (kind, text(16), text(9), text(13), any::<u8>(), any_address(41));
    let destination = prop_oneof![
        any_address(21).prop_map(Destination::Sme),
        text(21).prop_map(Destination::List)
    ];
    let data = (text(6), any_address(65), any_address(65), any::<[u8; 3]>(), tlvs());
    let replace = (
        text(65),
        any_address(21),
        moment(),
        moment(),
        any::<[u8; 2]>(),
        vec(any::<u8>(), 0..=254),
    );
    prop_oneof![
        bind.prop_map(|(kind, system_id, password, system_type, interface_version, range)| {
            let address_range = range;
            let bind = Bind { system_id, password, system_type, interface_version, address_range };
            Pdu::Bind(kind, Box::new(bind))
        }),
        (text(16), text(9))
            .prop_map(|(system_id, password)| Pdu::Outbind(Outbind { system_id, password })),
        short_message().prop_map(|message| Pdu::SubmitSm(Box::new(message))),
        short_message().prop_map(|message| Pdu::DeliverSm(Box::new(message))),
        (vec(destination, 1..20), short_message()).prop_map(|(destinations, mut message)| {
            message.destination = Address::default();
            Pdu::SubmitMulti(Box::new(SubmitMulti { destinations, message }))
        }),
        data.prop_map(|(service_type, source, destination, octets, tlvs)| {
            let [esm_class, registered_delivery, data_coding] = octets;
            Pdu::DataSm(Box::new(DataSm {
                service_type,
                source,
                destination,
                esm_class,
                registered_delivery,
                data_coding,
                tlvs,
            }))
        }),
        (text(65), any_address(21))
            .prop_map(|(message_id, source)| Pdu::QuerySm(QuerySm { message_id, source })),
        (text(6), text(65), any_address(21), any_address(21)).prop_map(
            |(service_type, message_id, source, destination)| {
                Pdu::CancelSm(Box::new(CancelSm { service_type, message_id, source, destination }))
            }
        ),
        (replace, tlvs()).prop_map(
            |((message_id, source, schedule, validity, octets, text), tlvs)| {
                Pdu::ReplaceSm(Box::new(ReplaceSm {
                    message_id,
                    source,
                    schedule_delivery_time: schedule,
                    validity_period: validity,
                    registered_delivery: octets[0],
                    default_message_id: octets[1],
                    short_message: text.into(),
                    tlvs,
                }))
            }
        ),
        (any_address(65), any_address(65), tlvs()).prop_map(|(source, esme, tlvs)| {
            Pdu::AlertNotification(Box::new(AlertNotification { source, esme, tlvs }))
        }),
    ]
}

fn response() -> impl Strategy<Value = Pdu> {
    let kind = proptest::sample::select(KINDS.to_vec());
    let message =
        || (text(65), tlvs()).prop_map(|(message_id, tlvs)| MessageResp { message_id, tlvs });
    // Statuses of every version, or the mapping for older peers would change them.
    let unsuccess = (any_address(21), 0..=0xff_u32)
        .prop_map(|(address, status)| Unsuccess { address, status: CommandStatus(status) });
    prop_oneof![
        (kind, text(16), tlvs())
            .prop_map(|(kind, system_id, tlvs)| Pdu::BindResp(kind, BindResp { system_id, tlvs })),
        message().prop_map(Pdu::SubmitSmResp),
        message().prop_map(Pdu::DeliverSmResp),
        message().prop_map(Pdu::DataSmResp),
        (text(65), vec(unsuccess, 0..10), tlvs()).prop_map(|(message_id, unsuccess, tlvs)| {
            Pdu::SubmitMultiResp(SubmitMultiResp { message_id, unsuccess, tlvs })
        }),
        (text(65), text(17), any::<[u8; 2]>()).prop_map(|(message_id, final_date, octets)| {
            let [message_state, error_code] = octets;
            Pdu::QuerySmResp(QuerySmResp { message_id, final_date, message_state, error_code })
        }),
        (0x8001_0200..=0x8001_02ff_u32, vec(any::<u8>(), 0..50))
            .prop_map(|(id, body)| Pdu::Other(CommandId(id), body.into())),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself_and_encodes_the_same(
        pdu in prop_oneof![request(), response()],
        sequence in any::<u32>(),
        version in proptest::sample::select(vec![Version::V34, Version::V50]),
    ) {
        let command = Command::new(sequence, pdu);
        let mut stream = BytesMut::new();
        codec::encode(&command, version, &mut stream).unwrap();
        let octets = stream.clone().freeze();
        let framed = frame(&mut stream, CAP).unwrap().unwrap();
        prop_assert!(stream.is_empty());
        let decoded = codec::decode(&framed, version).unwrap();
        prop_assert_eq!(&decoded, &command);
        prop_assert_eq!(encode(&decoded, version).unwrap(), octets);
    }

    #[test]
    fn texts_and_times_of_any_octets_never_panic(octets in vec(any::<u8>(), 0..200)) {
        let _ = ReceiptText::parse(&octets);
        time::parse(&octets, time::PIVOT).and_then(|time| time.resolve(0)).ok();
        if let Ok(octets) = <&[u8; 16]>::try_from(&octets[..octets.len().min(16)]) {
            let digits = octets.map(|octet| b'0' + octet % 10);
            for last in [b'+', b'-', b'R'] {
                let mut time = digits;
                time[15] = last;
                time::parse(&time, time::PIVOT).and_then(|time| time.resolve(i64::MAX / 2)).ok();
            }
        }
    }

    #[test]
    fn a_receipt_reads_back_what_was_written(id in "[A-Za-z0-9-]{1,64}", state in 0..=9_u8, text in vec(any::<u8>(), 0..20)) {
        let receipt = ReceiptText {
            id: id.into(),
            sub: Some(1),
            dlvrd: Some(0),
            submit_date: Some(jiff::civil::date(2026, 1, 2).at(3, 4, 0, 0)),
            done_date: None,
            stat: super::receipt::word_of_state(state).into(),
            err: "00A".into(),
            text,
        };
        prop_assert_eq!(ReceiptText::parse(&receipt.write()), Some(receipt));
    }
}
