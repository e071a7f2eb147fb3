//! How long a certificate is still good and whose it is, read from its octets.
//!
//! It judges nothing: trust is checked by the handshake. What surprises: there is no X.509 library
//! among the dependencies for one date and a few names. [RFC 5280 s4.1]

use std::path::Path;

use anyhow::Context as _;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `UTF8String`, `PrintableString`, `IA5String`: the ways to write a name that are octets of UTF-8.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
/// Of a general name: rfc822Name, dNSName, uniformResourceIdentifier. [RFC 5280 s4.2.1.6]
const GENERAL_NAMES: [u8; 3] = [0x81, 0x82, 0x86];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// Names kept of one certificate; it is compared with each at every bind.
const NAMES_MAX: usize = 100;

/// The end of the first certificate in a PEM file.
pub fn end_of_file(file: &Path) -> anyhow::Result<jiff::Timestamp> {
    let certificate = CertificateDer::pem_file_iter(file)
        .with_context(|| format!("reading `{}`", file.display()))?
        .next()
        .with_context(|| format!("`{}` holds no certificate", file.display()))?
        .with_context(|| format!("reading `{}`", file.display()))?;
    end(&certificate).with_context(|| format!("`{}` holds no readable date", file.display()))
}

/// `notAfter` of a certificate in DER.
pub fn end(certificate: &[u8]) -> Option<jiff::Timestamp> {
    let (validity, _) = inside(from_validity(certificate)?, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Whom a certificate of DER names: the common name of its subject, then its alternative names.
///
/// What cannot be read names nobody.
pub fn names(certificate: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(rest) = from_validity(certificate) {
        read_names(rest, &mut names);
    }
    names
}

fn read_names(from_validity: &[u8], names: &mut Vec<String>) -> Option<()> {
    let (_, rest) = inside(from_validity, SEQUENCE)?;
    let (subject, rest) = inside(rest, SEQUENCE)?;
    names.extend(common_name(subject));
    let (_, mut rest) = inside(rest, SEQUENCE)?;
    // Two unique ids that nobody uses may stand before the extensions.
    while !rest.is_empty() {
        let (tag, content, after) = element(rest)?;
        if tag == EXTENSIONS {
            let (mut extensions, _) = inside(content, SEQUENCE)?;
            while !extensions.is_empty() {
                let (extension, after) = inside(extensions, SEQUENCE)?;
                alternative_names(extension, names);
                extensions = after;
            }
        }
        rest = after;
    }
    Some(())
}

/// The last one, which is the most specific. A certificate with two would else have two owners.
fn common_name(mut subject: &[u8]) -> Option<String> {
    let mut found = None;
    while !subject.is_empty() {
        let (mut set, after) = inside(subject, SET)?;
        while !set.is_empty() {
            let (attribute, after) = inside(set, SEQUENCE)?;
            let (kind, value) = inside(attribute, OID)?;
            if kind == COMMON_NAME {
                let (tag, text, _) = element(value)?;
                found = TEXTS.contains(&tag).then(|| String::from_utf8(text.to_vec()).ok())?;
            }
            set = after;
        }
        subject = after;
    }
    found
}

fn alternative_names(extension: &[u8], names: &mut Vec<String>) -> Option<()> {
    let (kind, rest) = inside(extension, OID)?;
    if kind != SUBJECT_ALT_NAME {
        return None;
    }
    // `critical` may stand before the value.
    let (tag, content, after) = element(rest)?;
    let octets = if tag == OCTET_STRING { content } else { inside(after, OCTET_STRING)?.0 };
    let (mut list, _) = inside(octets, SEQUENCE)?;
    while !list.is_empty() && names.len() < NAMES_MAX {
        let (tag, content, after) = element(list)?;
        if GENERAL_NAMES.contains(&tag) {
            names.extend(String::from_utf8(content.to_vec()).ok());
        }
        list = after;
    }
    Some(())
}

/// What stands in a certificate from its validity on.
fn from_validity(certificate: &[u8]) -> Option<&[u8]> {
    let (whole, _) = inside(certificate, SEQUENCE)?;
    let (mut rest, _) = inside(whole, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    Some(rest)
}

/// Tag, content and what follows of the first element.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        // Certificates stay far below 16 MiB; the indefinite form (0) is not DER.
        if !(1..=3).contains(&count) {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn inside(octets: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(octets)?;
    (tag == wanted).then_some((content, rest))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` after. [RFC 5280 s4.1.2.5]
fn time(tag: u8, text: &str) -> Option<jiff::Timestamp> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year: i16 = digits[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let part = |place: usize| rest[place..place + 2].parse::<i8>().ok();
    let date =
        jiff::civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0);
    date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        for (year, expected) in [(2031, "2031-05-06T00:00:00Z"), (2061, "2061-05-06T00:00:00Z")] {
            let mut parameters = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 5, 6);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            let read = end(certificate.der()).map(|end| end.to_string());
            assert_eq!(read.as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_common_name_and_the_alternative_names_are_read() {
        let made = |common: Option<&str>, others: &[&str]| {
            let others = others.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let mut parameters = rcgen::CertificateParams::new(others).unwrap();
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Acme Ltd");
            if let Some(name) = common {
                parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
            }
            let key = rcgen::KeyPair::generate().unwrap();
            names(parameters.self_signed(&key).unwrap().der())
        };
        assert_eq!(made(Some("acme"), &[]), ["acme"]);
        assert_eq!(made(None, &["acme", "sms.example"]), ["acme", "sms.example"]);
        // An address is no name that a bind could carry.
        assert_eq!(made(Some("za\u{17c}"), &["192.0.2.1", "b"]), ["za\u{17c}", "b"]);
        assert!(made(None, &[]).is_empty());
    }

    #[test]
    fn no_octets_make_it_panic() {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let key = rcgen::KeyPair::generate().unwrap();
        let good = parameters.self_signed(&key).unwrap().der().to_vec();
        for cut in 0..good.len() {
            let _read = (end(&good[..cut]), names(&good[..cut]));
        }
        for place in 0..good.len() {
            for octet in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                let mut bad = good.clone();
                bad[place] = octet;
                let _read = (end(&bad), names(&bad));
            }
        }
    }
}
