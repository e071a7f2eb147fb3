//! How long a certificate is still good, read from its octets.
//!
//! It reads one field and judges nothing else: trust and names are checked by the handshake. What
//! surprises: there is no X.509 library among the dependencies for this one date. [RFC 5280 s4.1]

use std::path::Path;

use anyhow::Context as _;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// The end of the first certificate in a PEM file.
pub(crate) fn end_of_file(file: &Path) -> anyhow::Result<jiff::Timestamp> {
    let certificate = CertificateDer::pem_file_iter(file)
        .with_context(|| format!("reading `{}`", file.display()))?
        .next()
        .with_context(|| format!("`{}` holds no certificate", file.display()))?
        .with_context(|| format!("reading `{}`", file.display()))?;
    end(&certificate).with_context(|| format!("`{}` holds no readable date", file.display()))
}

/// `notAfter` of a certificate in DER.
pub(crate) fn end(certificate: &[u8]) -> Option<jiff::Timestamp> {
    let (whole, _) = inside(certificate, SEQUENCE)?;
    let (mut rest, _) = inside(whole, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (validity, _) = inside(rest, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    time(tag, std::str::from_utf8(text).ok()?)
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
    fn no_octets_make_it_panic() {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let key = rcgen::KeyPair::generate().unwrap();
        let good = parameters.self_signed(&key).unwrap().der().to_vec();
        for cut in 0..good.len() {
            let _read = end(&good[..cut]);
        }
        for place in 0..good.len() {
            for octet in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                let mut bad = good.clone();
                bad[place] = octet;
                let _read = end(&bad);
            }
        }
    }
}
