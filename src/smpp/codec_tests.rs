//! Section A of the conformance list: one test per line, numbered as there.

use bytes::{Bytes, BytesMut};

use super::{
    codec::{self, Error, frame},
    pdu::{Command, MessageResp, Pdu, QuerySm, ShortMessage, SubmitMulti},
    time,
    tlv::{Tlvs, tag},
    values::{BindKind, CommandId, CommandStatus as S, Version},
    vectors::{address, all_pdus, decode, encode, message, octets, pdu, submit},
};

fn submitted(frame: &Bytes, version: Version) -> Result<Box<ShortMessage>, S> {
    match decode(frame, version)? {
        Pdu::SubmitSm(message) => Ok(message),
        other => panic!("{other:?}"),
    }
}

/// Decodes a `submit_sm` of "Hi" with these TLVs.
fn with_tlvs(tlvs: &str) -> Result<Tlvs, S> {
    submitted(&submit(&format!("02 'Hi'\n{tlvs}")), Version::V34).map(|message| message.tlvs)
}

#[test]
fn k001_the_sample_pdu_decodes_and_encodes_byte_identical() {
    let sample = Bytes::from(octets(
        "0000002F 00000002 00000000 00000001
         'SMPP3TEST' 00  ; system_id
         'secret08' 00   ; password
         'SUBMIT1' 00    ; system_type
         50 01 01 00     ; interface_version, addr_ton, addr_npi, address_range",
    ));
    assert_eq!(sample.len(), 47);
    let command = codec::decode(&sample, Version::V34).unwrap();
    let Pdu::Bind(BindKind::Transmitter, bind) = &command.pdu else { panic!("{command:?}") };
    assert_eq!((command.status, command.sequence), (S::ROK, 1));
    assert_eq!((&*bind.system_id, &*bind.password), (&b"SMPP3TEST"[..], &b"secret08"[..]));
    assert_eq!((&*bind.system_type, bind.interface_version), (&b"SUBMIT1"[..], 0x50));
    assert_eq!(bind.address_range, address(""));
    assert_eq!(encode(&command, Version::V34).unwrap(), sample);
}

#[test]
fn k002_a_text_of_max_16_takes_15_characters_and_a_nul() {
    let bind = |system_id: &str| {
        let body = format!("'{system_id}' 00 00 00 34 00 00 00");
        decode(&pdu(CommandId::BIND_RECEIVER, 0, &body), Version::V34).err()
    };
    assert_eq!(bind("123456789012345"), None);
    assert_eq!(bind("1234567890123456"), Some(S::RINVSYSID));
    let password = |password: &str| {
        let body = format!("00 '{password}' 00 00 34 00 00 00");
        decode(&pdu(CommandId::BIND_RECEIVER, 0, &body), Version::V34).err()
    };
    assert_eq!((password("12345678"), password("123456789")), (None, Some(S::RINVPASWD)));
    let system_type = |system_type: &str| {
        let body = format!("00 00 '{system_type}' 00 34 00 00 00");
        decode(&pdu(CommandId::BIND_RECEIVER, 0, &body), Version::V34).err()
    };
    assert_eq!(system_type("123456789012"), None);
    assert_eq!(system_type("1234567890123"), Some(S::RINVSYSTYP));
}

#[test]
fn k003_a_text_without_nul_is_an_error_of_its_field() {
    let table = [
        (CommandId::BIND_RECEIVER, "'abc'", S::RINVSYSID),
        (CommandId::BIND_RECEIVER, "'abc' 00 'pw'", S::RINVPASWD),
        (CommandId::SUBMIT_SM, "'CMT'", S::RINVSERTYP),
        (CommandId::SUBMIT_SM, "00 01 01 '48500'", S::RINVSRCADR),
        (CommandId::SUBMIT_SM, "00 00 00 00 01 01 '48500'", S::RINVDSTADR),
        (CommandId::QUERY_SM, "'42'", S::RINVMSGID),
        (CommandId::SUBMIT_MULTI, "00 00 00 00 01 02 'list'", S::RINVDLNAME),
    ];
    for (id, body, status) in table {
        assert_eq!(decode(&pdu(id, 0, body), Version::V34), Err(status), "{body}");
    }
}

#[test]
fn k004_an_empty_text_is_one_nul() {
    let query = QuerySm { message_id: Bytes::new(), source: address("") };
    let frame = encode(&Command::new(7, Pdu::QuerySm(query)), Version::V34).unwrap();
    assert_eq!(frame, pdu(CommandId::QUERY_SM, 0, "00 01 01 00"));
}

#[test]
fn k005_a_time_has_no_character_or_sixteen() {
    let with = |schedule: &str, validity: &str| {
        let head = "00 00 00 00 01 01 '48500100200' 00 00 00 00";
        let body = format!("{head} '{schedule}' 00 '{validity}' 00 00 00 00 00 00");
        submitted(&pdu(CommandId::SUBMIT_SM, 0, &body), Version::V34).err()
    };
    assert_eq!(with("", ""), None);
    assert_eq!(with("261121120000004+", "000001000000000R"), None);
    for wrong in
        ["2", "261121120000", "261121120000004", "261121120000004++", "26112112000000000004"]
    {
        assert_eq!(with(wrong, ""), Some(S::RINVSCHED), "{wrong}");
        assert_eq!(with("", wrong), Some(S::RINVEXPIRY), "{wrong}");
    }
}

#[test]
fn k006_255_octets_need_a_session_of_5_0() {
    let text = "x".repeat(255);
    let frame = submit(&format!("FF '{text}'"));
    assert_eq!(submitted(&frame, Version::V34), Err(S::RINVMSGLEN));
    assert_eq!(submitted(&frame, Version::V50).unwrap().short_message, text);
    let longest = "x".repeat(254);
    let shorter = submit(&format!("FE '{longest}'"));
    assert_eq!(submitted(&shorter, Version::V34).unwrap().short_message, longest);
}

#[test]
fn k007_a_length_beyond_the_body_leaves_the_stream_in_step() {
    let bad = submit("09 'only 8!!'");
    let mut stream = BytesMut::from(&bad[..]);
    stream.extend_from_slice(&pdu(CommandId::ENQUIRE_LINK, 0, ""));
    let first = frame(&mut stream, 70_000).unwrap().unwrap();
    assert_eq!(submitted(&first, Version::V34), Err(S::RINVMSGLEN));
    let second = frame(&mut stream, 70_000).unwrap().unwrap();
    assert_eq!(decode(&second, Version::V34), Ok(Pdu::EnquireLink));
}

#[test]
fn k008_the_order_of_tlvs_changes_nothing() {
    let one = with_tlvs("020C 0002 1234  020E 0001 02  020F 0001 01").unwrap();
    let other = with_tlvs("020F 0001 01  020C 0002 1234  020E 0001 02").unwrap();
    for tlvs in [one, other] {
        assert_eq!(tlvs.u16(tag::SAR_MSG_REF_NUM), Some(0x1234));
        assert_eq!(tlvs.u8(tag::SAR_TOTAL_SEGMENTS), Some(2));
        assert_eq!(tlvs.u8(tag::SAR_SEGMENT_SEQNUM), Some(1));
    }
}

#[test]
fn k009_octets_left_after_the_last_tlv_are_refused() {
    for left in ["00", "0204", "0204 00"] {
        assert_eq!(with_tlvs(left), Err(S::RINVTLVSTREAM), "{left}");
        let after_one = format!("0204 0002 0001 {left}");
        assert_eq!(with_tlvs(&after_one), Err(S::RINVTLVSTREAM), "{left}");
    }
}

#[test]
fn k010_a_tlv_longer_than_the_pdu_is_refused() {
    assert_eq!(with_tlvs("0204 0003 0001"), Err(S::RINVTLVSTREAM));
    assert_eq!(with_tlvs("1500 FFFF 00"), Err(S::RINVTLVSTREAM));
}

#[test]
fn k011_an_unknown_tlv_does_not_hide_the_next() {
    let tlvs = with_tlvs("0111 0003 ABCDEF  0204 0002 0001").unwrap();
    assert_eq!(tlvs.u16(tag::USER_MESSAGE_REFERENCE), Some(1));
}

#[test]
fn k012_a_known_tlv_that_does_not_belong_here_is_ignored() {
    let tlvs = with_tlvs("0210 0001 34  0204 0002 0001").unwrap();
    assert_eq!(tlvs.u16(tag::USER_MESSAGE_REFERENCE), Some(1));
}

#[test]
fn k013_a_known_tlv_of_a_wrong_length_is_refused() {
    for wrong in ["020E 0002 0002", "020E 0000", "0204 0001 01", "1204 0002 0000", "0423 0002 0300"]
    {
        assert_eq!(with_tlvs(wrong), Err(S::RINVTLVLEN), "{wrong}");
    }
}

#[test]
fn k014_a_known_tlv_of_illegal_content_is_refused() {
    for wrong in ["0019 0001 07", "0426 0001 02", "0304 0001 64", "0201 0001 04"] {
        assert_eq!(with_tlvs(wrong), Err(S::RINVTLVVAL), "{wrong}");
    }
}

#[test]
fn k015_a_tlv_without_a_value_goes_both_ways() {
    let frame = submit("02 'Hi' 130C 0000");
    let message = submitted(&frame, Version::V34).unwrap();
    assert_eq!(message.tlvs.get(tag::ALERT_ON_MESSAGE_DELIVERY), Some(&Bytes::new()));
    assert_eq!(encode(&Command::new(7, Pdu::SubmitSm(message)), Version::V34).unwrap(), frame);
}

#[test]
fn k016_repeated_callback_numbers_stay_in_order_with_their_companions() {
    let (first, second) = ("0381 0004 01 01 01 '1'", "0381 0004 01 01 01 '2'");
    let tlvs = with_tlvs(&format!("{first} {second} 0302 0001 00 0302 0001 01")).unwrap();
    let last: Vec<u8> = tlvs.all(tag::CALLBACK_NUM).map(|number| number[3]).collect();
    assert_eq!(last, b"12");
    assert_eq!(with_tlvs(&format!("{first} {second} 0302 0001 00")), Err(S::RINVTLVVAL));
    assert_eq!(with_tlvs(&format!("{first} 0303 0001 00 0303 0001 01")), Err(S::RINVTLVVAL));
    assert!(with_tlvs(&format!("{first} {second}")).is_ok());
}

#[test]
fn k017_a_tlv_given_twice_is_refused() {
    assert_eq!(with_tlvs("0204 0002 0001 0204 0002 0001"), Err(S::RTLVNOTALLWD));
}

#[test]
fn k018_a_vendor_tlv_is_passed_on_byte_exact() {
    let frame = submit("02 'Hi' 1501 0004 'W3' 00FF  1400 0000  3FFF 0001 00  1501 0001 01");
    let message = submitted(&frame, Version::V34).unwrap();
    assert_eq!(encode(&Command::new(7, Pdu::SubmitSm(message)), Version::V34).unwrap(), frame);
}

#[test]
fn k019_a_pdu_cut_anywhere_is_not_ready_and_loses_nothing() {
    for sample in all_pdus() {
        let whole = encode(&Command::new(7, sample.clone()), Version::V50).unwrap();
        for cut in 0..whole.len() {
            let mut stream = BytesMut::from(&whole[..cut]);
            assert_eq!(frame(&mut stream, 70_000), Ok(None), "{} at {cut}", sample.name());
            stream.extend_from_slice(&whole[cut..]);
            let framed = frame(&mut stream, 70_000).unwrap().unwrap();
            assert_eq!(decode(&framed, Version::V50).as_ref(), Ok(&sample), "at {cut}");
        }
    }
}

#[test]
fn k020_several_pdus_in_one_segment_come_in_order() {
    let mut stream = BytesMut::new();
    for (sequence, sample) in (1..).zip(all_pdus()) {
        codec::encode(&Command::new(sequence, sample), Version::V50, &mut stream).unwrap();
    }
    for (sequence, sample) in (1..).zip(all_pdus()) {
        let framed = frame(&mut stream, 70_000).unwrap().unwrap();
        let command = codec::decode(&framed, Version::V50).unwrap();
        assert_eq!(command, Command::new(sequence, sample));
    }
    assert!(stream.is_empty());
}

#[test]
fn k021_a_length_below_the_header_ends_the_stream() {
    for length in 0..16_u32 {
        let mut stream = BytesMut::from(&length.to_be_bytes()[..]);
        let unread = Error::BadLength { length, max: 70_000, sequence: 0 };
        assert_eq!(frame(&mut stream, 70_000), Err(unread));
        stream.extend_from_slice(&octets("00000004 00000000 00000007"));
        let read = Error::BadLength { length, max: 70_000, sequence: 7 };
        assert_eq!(frame(&mut stream, 70_000), Err(read));
    }
}

#[test]
fn k022_a_length_above_the_cap_ends_the_stream_and_allocates_nothing() {
    for length in [201_u32, 70_000, 0x7fff_ffff, u32::MAX] {
        let mut stream = BytesMut::from(&length.to_be_bytes()[..]);
        let capacity = stream.capacity();
        let error = Error::BadLength { length, max: 200, sequence: 0 };
        assert_eq!(frame(&mut stream, 200), Err(error));
        assert_eq!(stream.capacity(), capacity);
    }
    let mut largest = BytesMut::from(&200_u32.to_be_bytes()[..]);
    assert_eq!(frame(&mut largest, 200), Ok(None));
}

#[test]
fn k023_a_header_without_its_body_is_a_wrong_command_length() {
    let with_body = [
        CommandId::BIND_TRANSMITTER,
        CommandId::OUTBIND,
        CommandId::SUBMIT_SM,
        CommandId::DELIVER_SM,
        CommandId::SUBMIT_MULTI,
        CommandId::DATA_SM,
        CommandId::QUERY_SM,
        CommandId::CANCEL_SM,
        CommandId::REPLACE_SM,
        CommandId::ALERT_NOTIFICATION,
    ];
    for id in with_body {
        assert_eq!(decode(&pdu(id, 0, ""), Version::V34), Err(S::RINVCMDLEN), "{}", id.name());
    }
}

#[test]
fn k024_an_error_answer_decodes_with_a_body_and_without() {
    for sample in all_pdus().into_iter().filter(|sample| sample.command_id().is_response()) {
        let id = sample.command_id();
        let full = encode(&Command::new(7, sample), Version::V50).unwrap();
        let mut refused = full.to_vec();
        refused[8..12].copy_from_slice(&S::RSUBMITFAIL.0.to_be_bytes());
        for frame in [Bytes::from(refused), pdu(id, S::RSUBMITFAIL.0, "")] {
            let command = codec::decode(&frame, Version::V34).unwrap();
            assert_eq!(command.pdu.command_id(), id);
            assert_eq!((command.status, command.sequence), (S::RSUBMITFAIL, 7));
        }
    }
}

#[test]
fn a_text_of_an_answer_may_lack_its_nul_and_is_not_kept_without_a_limit() {
    let answer = |body: &str| match decode(&pdu(CommandId::SUBMIT_SM_RESP, 0, body), Version::V34) {
        Ok(Pdu::SubmitSmResp(resp)) => resp.message_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(answer("'abc'"), "abc");
    assert_eq!(answer(&format!("'{}' 00", "x".repeat(70))).len(), 70);
    assert_eq!(answer(&format!("'{}'", "x".repeat(60_000))).len(), 255);
}

#[test]
fn a_delivery_and_an_answer_keep_what_is_readable_of_broken_tlvs() {
    let tail = "0204 0002 0001 0427 0009 02";
    let fixed = "00 00 00 00 01 01 '7055' 00 04 00 00 00 00 00 00 00 00 00";
    let frame = pdu(CommandId::DELIVER_SM, 0, &format!("{fixed} {tail}"));
    let Ok(Pdu::DeliverSm(delivery)) = decode(&frame, Version::V34) else { panic!("refused") };
    assert_eq!(delivery.tlvs.u16(tag::USER_MESSAGE_REFERENCE), Some(1));
    let many = "1500 0000 ".repeat(70);
    let frame = pdu(CommandId::DELIVER_SM, 0, &format!("{fixed} {many}"));
    let Ok(Pdu::DeliverSm(delivery)) = decode(&frame, Version::V34) else { panic!("refused") };
    assert_eq!(delivery.tlvs.iter().count(), 64);
    assert_eq!(with_tlvs(&many), Err(S::RINVTLVSTREAM));
}

#[test]
fn k025_an_absolute_time_counts_from_utc() {
    let moment = |text: &str| time::parse(text.as_bytes(), time::PIVOT).map(|time| time.resolve(0));
    let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(moment("261121120000004+"), Ok(Ok(Some(micros("2026-11-21T12:00:00+01")))));
    assert_eq!(moment("261121120000004-"), Ok(Ok(Some(micros("2026-11-21T12:00:00-01")))));
    assert!(moment("261121120000049+").is_err());
}

#[test]
fn k026_a_relative_time_is_a_period() {
    let period =
        time::Period { years: 2, months: 6, days: 10, hours: 23, minutes: 34, seconds: 29 };
    assert_eq!(time::parse(b"020610233429000R", 38), Ok(time::Time::Relative(period)));
}

#[test]
fn k027_the_century_turns_at_a_configurable_pivot() {
    let table = [
        ("380101000000000+", 38, "1938-01-01T00:00:00Z"),
        ("990101000000000+", 38, "1999-01-01T00:00:00Z"),
        ("000101000000000+", 38, "2000-01-01T00:00:00Z"),
        ("370101000000000+", 38, "2037-01-01T00:00:00Z"),
        ("380101000000000+", 39, "2038-01-01T00:00:00Z"),
    ];
    for (text, pivot, moment) in table {
        let expected = time::Time::Absolute(moment.parse().unwrap());
        assert_eq!(time::parse(text.as_bytes(), pivot), Ok(expected), "{text}");
    }
}

#[test]
fn k028_values_that_nobody_defined_are_kept() {
    let body = "'42' 00 00 C8 FF ; message_id, final_date, state 200, error 255";
    let frame = pdu(CommandId::QUERY_SM_RESP, 0x1234_5678, body);
    let command = codec::decode(&frame, Version::V34).unwrap();
    assert_eq!(command.status, S(0x1234_5678));
    let Pdu::QuerySmResp(resp) = command.pdu else { panic!("not a query_sm_resp") };
    assert_eq!((resp.message_state, resp.error_code), (200, 255));
    let unknown = pdu(CommandId(0x0001_02ff), 0, "CAFE");
    let expected = Pdu::Other(CommandId(0x0001_02ff), Bytes::from_static(&[0xca, 0xfe]));
    assert_eq!(decode(&unknown, Version::V34), Ok(expected));
}

#[test]
fn k030_what_does_not_fit_is_not_written() {
    let unfit = |change: &dyn Fn(&mut ShortMessage), version| {
        let mut message = message("Hi");
        change(&mut message);
        let mut out = BytesMut::from(&b"before"[..]);
        let written =
            codec::encode(&Command::new(7, Pdu::SubmitSm(Box::new(message))), version, &mut out);
        assert_eq!(written.is_err(), out == b"before"[..], "a half-written PDU stays");
        written.err().map(|unfit| unfit.field)
    };
    let v34 = Version::V34;
    assert_eq!(unfit(&|m| m.service_type = "12345".into(), v34), None);
    assert_eq!(unfit(&|m| m.service_type = "123456".into(), v34), Some("service_type"));
    assert_eq!(unfit(&|m| m.service_type = "a\0b".into(), v34), Some("service_type"));
    assert_eq!(unfit(&|m| m.source.digits = "1".repeat(21).into(), v34), Some("source_addr"));
    assert_eq!(unfit(&|m| m.destination.digits = "1\0".into(), v34), Some("destination_addr"));
    assert_eq!(unfit(&|m| m.validity_period = "2611".into(), v34), Some("validity_period"));
    let long = |m: &mut ShortMessage| m.short_message = vec![b'x'; 255].into();
    assert_eq!((unfit(&long, v34), unfit(&long, Version::V50)), (Some("short_message"), None));
    let huge = |m: &mut ShortMessage| m.tlvs.push(tag::MESSAGE_PAYLOAD, vec![0; 65_536]);
    assert_eq!(unfit(&huge, v34), Some("the value of a TLV"));
    let nobody = SubmitMulti { destinations: Vec::new(), message: message("Hi") };
    let nobody = Command::new(7, Pdu::SubmitMulti(Box::new(nobody)));
    assert_eq!(encode(&nobody, v34).unwrap_err().field, "number_of_dests");
}

fn answer(status: S, message_id: &'static str, tlvs: Tlvs) -> Command {
    Command {
        status,
        sequence: 7,
        pdu: Pdu::SubmitSmResp(MessageResp { message_id: message_id.into(), tlvs }),
    }
}

#[test]
fn s005_s006_a_peer_of_3_3_gets_no_tlv_and_only_short_ids() {
    let tlvs = || Tlvs::new().with_u8(tag::CONGESTION_STATE, 50);
    let short = encode(&answer(S::ROK, "12345678", tlvs()), Version::V33).unwrap();
    assert_eq!(short, pdu(CommandId::SUBMIT_SM_RESP, 0, "'12345678' 00"));
    let long = encode(&answer(S::ROK, "123456789", Tlvs::new()), Version::V33);
    assert_eq!(long.unwrap_err().field, "message_id");
    let newer = encode(&answer(S::ROK, "123456789", tlvs()), Version::V50).unwrap();
    assert_eq!(newer, pdu(CommandId::SUBMIT_SM_RESP, 0, "'123456789' 00 0428 0001 32"));
    let delivery = Pdu::DeliverSm(Box::new(message("Hi")));
    let delivery = encode(&Command::new(7, delivery), Version::V33).unwrap();
    assert!(delivery.ends_with(b"\x02Hi"), "S005");
}

#[test]
fn s051_a_refusal_is_the_header_alone_with_a_status_that_the_peer_knows() {
    let refusal = answer(S::RINVDCS, "42", Tlvs::new());
    let id = CommandId::SUBMIT_SM_RESP;
    assert_eq!(encode(&refusal, Version::V34).unwrap(), pdu(id, S::RSUBMITFAIL.0, ""));
    assert_eq!(encode(&refusal, Version::V50).unwrap(), pdu(id, S::RINVDCS.0, ""));
    let reasoned =
        answer(S::RDELIVERYFAILURE, "", Tlvs::new().with_u8(tag::DELIVERY_FAILURE_REASON, 1));
    let octets = encode(&reasoned, Version::V34).unwrap();
    assert_eq!(octets, pdu(id, S::RDELIVERYFAILURE.0, "00 0425 0001 01"));
}
