//! Our codec against an independent one: what either writes, the other reads the same.
//!
//! The other one is stricter about texts (ASCII only), takes addresses of `data_sm` up to 20
//! digits only and reads no `alert_notification` with other TLVs than its own; the samples stay
//! within that.

use bytes::{Buf, Bytes, BytesMut};
use proptest::prelude::*;
use rusmpp_core::{
    command::owned::Command as Theirs,
    decode::owned::DecodeWithLength,
    encode::{Length, owned::Encode},
    pdus::owned as their,
    tlvs::owned::Tlv as TheirTlv,
    types::owned::COctetString,
};

use super::{
    codec,
    pdu::{Address, Command, Destination, Pdu, ShortMessage},
    tlv::Tlvs,
    values::{CommandStatus, Version},
    vectors::{all_pdus, encode},
};

fn theirs(octets: &Bytes) -> Theirs {
    let mut rest = BytesMut::from(&octets[4..]);
    let (command, size) = Theirs::decode(&mut rest, octets.len() - 4)
        .unwrap_or_else(|error| panic!("the oracle refuses {octets:?}: {error:?}"));
    assert_eq!(size, octets.len() - 4, "the oracle left something");
    command
}

fn written_by_them(command: &Theirs) -> Bytes {
    let mut octets = BytesMut::new();
    let length = 4 + command.length();
    octets.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    command.encode(&mut octets);
    octets.freeze()
}

/// A text with its NUL taken off.
fn text<const MAX: usize>(text: &COctetString<1, MAX>) -> &str {
    text.as_str()
}

fn assert_tlvs(ours: &Tlvs, theirs: &[TheirTlv]) {
    let theirs: Vec<(u16, Bytes)> = theirs
        .iter()
        .map(|tlv| {
            let mut octets = BytesMut::new();
            tlv.encode(&mut octets);
            let tag = octets.get_u16();
            let length = octets.get_u16();
            assert_eq!(usize::from(length), octets.len());
            (tag, octets.freeze())
        })
        .collect();
    let ours: Vec<(u16, Bytes)> = ours.iter().map(|tlv| (tlv.tag, tlv.value.clone())).collect();
    assert_eq!(ours, theirs);
}

fn assert_address(ours: &Address, ton: impl Into<u8>, npi: impl Into<u8>, digits: &str) {
    assert_eq!((ours.ton, ours.npi, &*ours.digits), (ton.into(), npi.into(), digits.as_bytes()));
}

/// `submit_sm`, `deliver_sm` and `submit_multi` are three structs of the same fields over there.
macro_rules! assert_message {
    ($ours:expr, $theirs:expr) => {{
        let (ours, theirs): (&ShortMessage, _) = ($ours, $theirs);
        assert_eq!(&*ours.service_type, text(theirs.service_type.value()).as_bytes());
        let source = text(&theirs.source_addr);
        assert_address(&ours.source, theirs.source_addr_ton, theirs.source_addr_npi, source);
        assert_eq!(ours.esm_class, u8::from(theirs.esm_class));
        assert_eq!(ours.protocol_id, theirs.protocol_id);
        assert_eq!(ours.priority, u8::from(theirs.priority_flag));
        assert_eq!(
            &*ours.schedule_delivery_time,
            theirs.schedule_delivery_time.as_str().as_bytes()
        );
        assert_eq!(&*ours.validity_period, theirs.validity_period.as_str().as_bytes());
        assert_eq!(ours.registered_delivery, u8::from(theirs.registered_delivery));
        assert_eq!(ours.replace_if_present, u8::from(theirs.replace_if_present_flag));
        assert_eq!(ours.data_coding, u8::from(theirs.data_coding));
        assert_eq!(ours.default_message_id, theirs.sm_default_msg_id);
        assert_eq!(&*ours.short_message, theirs.short_message().as_ref());
        assert_tlvs(&ours.tlvs, theirs.tlvs());
    }};
}

macro_rules! assert_bind {
    ($ours:expr, $theirs:expr) => {{
        let (ours, theirs) = ($ours, $theirs);
        assert_eq!(&*ours.system_id, text(&theirs.system_id).as_bytes());
        assert_eq!(&*ours.password, text(&theirs.password).as_bytes());
        assert_eq!(&*ours.system_type, text(&theirs.system_type).as_bytes());
        assert_eq!(ours.interface_version, u8::from(theirs.interface_version));
        let range = text(&theirs.address_range);
        assert_address(&ours.address_range, theirs.addr_ton, theirs.addr_npi, range);
    }};
}

fn assert_destinations(ours: &[Destination], theirs: &their::SubmitMulti) {
    use rusmpp_core::values::owned::DestAddress;
    assert_eq!(ours.len(), usize::from(theirs.number_of_dests()));
    for (ours, theirs) in ours.iter().zip(theirs.dest_address()) {
        match (ours, theirs) {
            (Destination::Sme(ours), DestAddress::SmeAddress(theirs)) => {
                assert_address(
                    ours,
                    theirs.dest_addr_ton,
                    theirs.dest_addr_npi,
                    text(&theirs.destination_addr),
                );
            }
            (Destination::List(ours), DestAddress::DistributionListName(theirs)) => {
                assert_eq!(&**ours, text(&theirs.dl_name).as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Field by field: two codecs that both mix up two fields would still agree on octets.
fn assert_same(ours: &Pdu, theirs: &their::Pdu) {
    use their::Pdu as T;
    match (ours, theirs) {
        (Pdu::Bind(_, ours), T::BindTransmitter(theirs)) => assert_bind!(ours, theirs),
        (Pdu::Bind(_, ours), T::BindReceiver(theirs)) => assert_bind!(ours, theirs),
        (Pdu::Bind(_, ours), T::BindTransceiver(theirs)) => assert_bind!(ours, theirs),
        (Pdu::SubmitSm(ours), T::SubmitSm(theirs)) => {
            let digits = text(&theirs.destination_addr);
            assert_address(&ours.destination, theirs.dest_addr_ton, theirs.dest_addr_npi, digits);
            assert_message!(ours, theirs);
        }
        (Pdu::DeliverSm(ours), T::DeliverSm(theirs)) => {
            let digits = text(&theirs.destination_addr);
            assert_address(&ours.destination, theirs.dest_addr_ton, theirs.dest_addr_npi, digits);
            assert_message!(ours, theirs);
        }
        (Pdu::SubmitMulti(ours), T::SubmitMulti(theirs)) => {
            assert_destinations(&ours.destinations, theirs);
            assert_message!(&ours.message, theirs);
        }
        (Pdu::DataSm(ours), T::DataSm(theirs)) => {
            assert_eq!(&*ours.service_type, text(theirs.service_type.value()).as_bytes());
            let (source, to) = (text(&theirs.source_addr), text(&theirs.destination_addr));
            assert_address(&ours.source, theirs.source_addr_ton, theirs.source_addr_npi, source);
            assert_address(&ours.destination, theirs.dest_addr_ton, theirs.dest_addr_npi, to);
            assert_eq!(ours.esm_class, u8::from(theirs.esm_class));
            assert_eq!(ours.registered_delivery, u8::from(theirs.registered_delivery));
            assert_eq!(ours.data_coding, u8::from(theirs.data_coding));
            assert_tlvs(&ours.tlvs, theirs.tlvs());
        }
        _ => assert_same_small(ours, theirs),
    }
}

fn assert_same_small(ours: &Pdu, theirs: &their::Pdu) {
    use their::Pdu as T;
    match (ours, theirs) {
        (Pdu::QuerySm(ours), T::QuerySm(theirs)) => {
            assert_eq!(&*ours.message_id, text(&theirs.message_id).as_bytes());
            let source = text(&theirs.source_addr);
            assert_address(&ours.source, theirs.source_addr_ton, theirs.source_addr_npi, source);
        }
        (Pdu::CancelSm(ours), T::CancelSm(theirs)) => {
            assert_eq!(&*ours.message_id, text(&theirs.message_id).as_bytes());
            let (source, to) = (text(&theirs.source_addr), text(&theirs.destination_addr));
            assert_address(&ours.source, theirs.source_addr_ton, theirs.source_addr_npi, source);
            assert_address(&ours.destination, theirs.dest_addr_ton, theirs.dest_addr_npi, to);
        }
        (Pdu::ReplaceSm(ours), T::ReplaceSm(theirs)) => {
            assert_eq!(&*ours.message_id, text(&theirs.message_id).as_bytes());
            let schedule = theirs.schedule_delivery_time.as_str();
            assert_eq!(&*ours.schedule_delivery_time, schedule.as_bytes());
            assert_eq!(ours.registered_delivery, u8::from(theirs.registered_delivery));
            assert_eq!(&*ours.short_message, theirs.short_message().as_ref());
        }
        (Pdu::SubmitSmResp(ours), T::SubmitSmResp(theirs)) => {
            assert_eq!(&*ours.message_id, text(theirs.message_id()).as_bytes());
            assert_tlvs(&ours.tlvs, theirs.tlvs());
        }
        (Pdu::DeliverSmResp(ours), T::DeliverSmResp(theirs)) => {
            assert_eq!(&*ours.message_id, text(theirs.message_id()).as_bytes());
        }
        (Pdu::DataSmResp(ours), T::DataSmResp(theirs)) => {
            assert_eq!(&*ours.message_id, text(theirs.message_id()).as_bytes());
        }
        (Pdu::SubmitMultiResp(ours), T::SubmitMultiResp(theirs)) => {
            assert_eq!(&*ours.message_id, text(&theirs.message_id).as_bytes());
            assert_eq!(ours.unsuccess.len(), usize::from(theirs.no_unsuccess()));
            for (ours, theirs) in ours.unsuccess.iter().zip(theirs.unsuccess_sme()) {
                let digits = text(&theirs.destination_addr);
                let (ton, npi) = (theirs.dest_addr_ton, theirs.dest_addr_npi);
                assert_address(&ours.address, ton, npi, digits);
                assert_eq!(ours.status.0, u32::from(theirs.error_status_code));
            }
        }
        (Pdu::QuerySmResp(ours), T::QuerySmResp(theirs)) => {
            assert_eq!(&*ours.message_id, text(&theirs.message_id).as_bytes());
            assert_eq!(&*ours.final_date, theirs.final_date.as_str().as_bytes());
            assert_eq!(ours.message_state, u8::from(theirs.message_state));
            assert_eq!(ours.error_code, theirs.error_code);
        }
        // Bodies without a field of their own, or with texts alone: the octets say it all.
        _ => {}
    }
}

#[test]
fn every_pdu_that_we_write_the_oracle_reads_and_writes_back_the_same() {
    for sample in all_pdus() {
        let name = sample.name();
        let ours = encode(&Command::new(0x0102_0304, sample.clone()), Version::V50).unwrap();
        let theirs = theirs(&ours);
        assert_eq!(u32::from(theirs.id()), sample.command_id().0, "{name}");
        assert_eq!(theirs.sequence_number(), 0x0102_0304, "{name}");
        assert_same(&sample, theirs.pdu().unwrap_or_else(|| panic!("{name} has no body")));
        assert_eq!(written_by_them(&theirs), ours, "{name}");
    }
}

#[test]
fn every_status_has_the_same_number_there() {
    for status in CommandStatus::ALL {
        let answer = Command::bare(super::CommandId::SUBMIT_SM_RESP, *status, 1);
        let octets = encode(&answer, Version::V50).unwrap();
        let theirs = theirs(&octets);
        assert_eq!(u32::from(theirs.status()), status.0);
        let theirs = format!("{:?}", theirs.status());
        let known = !theirs.starts_with("Other") || status.0 == 0;
        assert!(known, "{status} is {theirs} to the oracle");
    }
}

fn digits() -> impl Strategy<Value = String> {
    "[0-9]{0,20}"
}

proptest! {
    #[test]
    fn what_the_oracle_writes_we_read_the_same(
        (from, to) in (digits(), digits()),
        octets in any::<[u8; 6]>(),
        (esm_class, text) in (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..=255)),
        reference in any::<u16>(),
        is_delivery in any::<bool>(),
    ) {
        let [source_ton, npi, protocol, priority, coding, registered] = octets;
        macro_rules! build {
            ($builder:expr) => {
                $builder
                    .source_addr_ton(source_ton.into())
                    .source_addr_npi(npi.into())
                    .source_addr(COctetString::from_string(from.clone()).unwrap())
                    .dest_addr_ton(npi.into())
                    .dest_addr_npi(source_ton.into())
                    .destination_addr(COctetString::from_string(to.clone()).unwrap())
                    .esm_class(esm_class.into())
                    .protocol_id(protocol)
                    .priority_flag(priority.into())
                    .registered_delivery(registered.into())
                    .data_coding(coding.into())
                    .short_message(rusmpp_core::types::owned::OctetString::from_slice(&text).unwrap())
                    .build()
            };
        }
        let mut submit = build!(their::SubmitSm::builder());
        submit.push_tlv(rusmpp_core::tlvs::owned::MessageSubmissionRequestTlvValue::UserMessageReference(
            rusmpp_core::values::UserMessageReference::new(reference),
        ));
        let deliver = build!(their::DeliverSm::builder());
        let pdu = if is_delivery { their::Pdu::DeliverSm(deliver) } else { their::Pdu::SubmitSm(submit) };
        let theirs = Theirs::new(rusmpp_core::CommandStatus::EsmeRok, 9, pdu);
        let octets = written_by_them(&theirs);
        let ours = codec::decode(&octets, Version::V50).unwrap();
        prop_assert_eq!(ours.sequence, 9);
        assert_same(&ours.pdu, theirs.pdu().unwrap());
        prop_assert_eq!(encode(&ours, Version::V50).unwrap(), octets);
    }
}
