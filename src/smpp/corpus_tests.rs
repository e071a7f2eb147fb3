//! Replays `corpus.txt`: what is right about each line, and that nothing else happens.

use bytes::{Bytes, BytesMut};

use super::{
    codec,
    receipt::ReceiptText,
    time::{self, Time},
    tlv::Tlvs,
    values::{CommandId, Version},
    vectors::{VERSIONS, octets, pdu},
};

const CORPUS: &str = include_str!("corpus.txt");

fn version(word: &str) -> Version {
    VERSIONS.into_iter().find(|version| version.as_str() == word).expect("a version")
}

fn decode(version_word: &str, id: &str, body: &str) -> String {
    let id = CommandId(u32::from_str_radix(id.trim_start_matches("0x"), 16).unwrap());
    match codec::decode(&pdu(id, 0, body), version(version_word)) {
        Ok(_) => "ok".to_owned(),
        Err(codec::Error::Recoverable { status, .. }) => status.to_string(),
        Err(codec::Error::BadLength { .. }) => "bad".to_owned(),
    }
}

fn frames(cap: &str, octets: &[u8]) -> String {
    let mut stream = BytesMut::from(octets);
    let mut outcome = Vec::new();
    loop {
        match codec::frame(&mut stream, cap.parse().unwrap()) {
            Ok(Some(frame)) => outcome.push(frame.len().to_string()),
            Ok(None) => {
                outcome.push(if stream.is_empty() { "empty" } else { "more" }.to_owned());
                return outcome.join(",");
            }
            Err(_) => {
                outcome.push("bad".to_owned());
                return outcome.join(",");
            }
        }
    }
}

fn tlvs(is_lenient: bool, octets: Vec<u8>) -> String {
    let read = Tlvs::decode(Bytes::from(octets), is_lenient)
        .and_then(|tlvs| if is_lenient { Ok(tlvs) } else { tlvs.check().map(|()| tlvs) });
    read.map_or_else(|(status, _)| status.to_string(), |tlvs| tlvs.iter().count().to_string())
}

fn receipt(octets: &[u8]) -> String {
    let Some(read) = ReceiptText::parse(octets) else { return "none".to_owned() };
    let fields = [&read.id, &read.stat, &read.err];
    fields.map(|field| if field.is_empty() { "-" } else { field.as_str() }).join("/")
}

fn moment(octets: &[u8]) -> String {
    match time::parse(octets, time::PIVOT) {
        Ok(Time::None) => "nothing".to_owned(),
        Ok(Time::Absolute(moment)) => moment.to_string(),
        Ok(Time::Relative(_)) => "period".to_owned(),
        Err(_) => "error".to_owned(),
    }
}

#[test]
fn every_line_of_the_corpus_ends_as_it_says() {
    let mut replayed = 0;
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        // The notation has colons, too; the arguments have none but in a moment, without blanks.
        let (head, body) =
            line.split_once(" :").unwrap_or_else(|| panic!("a line without a colon: {line}"));
        let words: Vec<&str> = head.split_whitespace().collect();
        let (found, expected) = match words.as_slice() {
            ["decode", version, id, expected] => (decode(version, id, body), *expected),
            ["frame", cap, expected] => (frames(cap, &octets(body)), *expected),
            ["tlvs", "strict", expected] => (tlvs(false, octets(body)), *expected),
            ["tlvs", "lenient", expected] => (tlvs(true, octets(body)), *expected),
            ["receipt", expected] => (receipt(&octets(body)), *expected),
            ["time", expected] => (moment(&octets(body)), *expected),
            other => panic!("an unknown kind of line: {other:?}"),
        };
        assert_eq!(found, expected, "{line}");
        replayed += 1;
    }
    assert!(replayed > 60, "{replayed} lines only");
}

#[test]
fn every_octet_string_of_the_corpus_is_harmless_to_every_reader() {
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        let octets = octets(line.split_once(" :").expect("a colon").1);
        receipt(&octets);
        moment(&octets);
        frames("70000", &octets);
        tlvs(true, octets.clone());
        tlvs(false, octets.clone());
        for version in VERSIONS {
            // Without a header of its own, whatever it begins with is taken for one.
            let decoded = codec::decode(&Bytes::from(octets.clone()), version);
            assert!(decoded.is_err() || octets.len() >= codec::HEADER);
        }
    }
}
