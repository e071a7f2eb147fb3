//! Signatures of callbacks, as Standard Webhooks describes them.
//!
//! Signs what goes out, and verifies it the way a partner should: the tests and the sample
//! partner of the demo use that half. It keeps no list of ids already seen; a partner does.
//!
//! The surprise: the signature covers `id.timestamp.body` over the exact octets of the body, so
//! a body that was parsed and written again no longer fits, and an id must not contain a dot.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Secrets that sign together while a rotation overlaps; more would only feed a mistake.
pub const SECRETS_MAX: usize = 4;

/// How far the clock of a receiver may be off, in seconds, either way.
pub const TOLERANCE_S: i64 = 300;

const PREFIX: &str = "whsec_";
const OCTETS_MIN: usize = 24;
const OCTETS_MAX: usize = 64;
const GENERATED_OCTETS: usize = 32;
/// Signatures that `verify` looks at: a header has a limit like everything else.
const SIGNATURES_MAX: usize = 16;
const SIGNATURE_HEADER_MAX: usize = 4096;
const ID_MAX: usize = 128;

/// People paste secrets with and without the `=` at the end; both mean the same octets.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("secret does not begin with `whsec_`")]
    Prefix,
    #[error("secret is not base64 after `whsec_`")]
    Base64,
    #[error("secret has {octets} octets; it must have 24 to 64")]
    Length { octets: usize },
    #[error("callback has {count} secrets; it must have 1 to 4")]
    Count { count: usize },
}

/// The key that a partner and the gateway share for one endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new secret of 32 octets from the system's random source.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut octets = vec![0; GENERATED_OCTETS];
        getrandom::fill(&mut octets)?;
        Ok(Self(octets))
    }

    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(BadSecret::Prefix)?;
        if encoded.len() > OCTETS_MAX * 2 {
            return Err(BadSecret::Length { octets: encoded.len() / 4 * 3 });
        }
        let octets = LENIENT.decode(encoded).map_err(|_| BadSecret::Base64)?;
        if !(OCTETS_MIN..=OCTETS_MAX).contains(&octets.len()) {
            return Err(BadSecret::Length { octets: octets.len() });
        }
        Ok(Self(octets))
    }

    /// The secret as a partner writes it down. Show it once; never log it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", LENIENT.encode(&self.0))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

/// Says nothing, so that a secret in a struct that is printed stays one.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One to four secrets. While a rotation overlaps, every delivery carries a signature of each,
/// so that the partner may change over at any moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    pub fn new(secrets: Vec<Secret>) -> Result<Self, BadSecret> {
        let count = secrets.len();
        if count == 0 || count > SECRETS_MAX {
            return Err(BadSecret::Count { count });
        }
        Ok(Self(secrets))
    }

    /// Reads the `whsec_...` texts as a service stores them.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, BadSecret> {
        if texts.len() > SECRETS_MAX {
            return Err(BadSecret::Count { count: texts.len() });
        }
        Self::new(texts.iter().map(|text| Secret::parse(text.as_ref())).collect::<Result<_, _>>()?)
    }

    /// The value of `webhook-signature`: `v1,<base64>` for each secret, parted by spaces.
    pub fn sign(&self, id: &WebhookId, timestamp: i64, body: &[u8]) -> String {
        let timestamp = timestamp.to_string();
        let mut value = String::new();
        for secret in &self.0 {
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str("v1,");
            value.push_str(&LENIENT.encode(secret.mac(id.as_str(), &timestamp, body)));
        }
        value
    }

    /// What a partner does with a callback before it believes a word of it. Takes the headers as
    /// they came and the body octet for octet; `now` is in seconds since 1970.
    pub fn verify(
        &self,
        headers: &SignedHeaders<'_>,
        body: &[u8],
        now: i64,
    ) -> Result<(), BadSignature> {
        WebhookId::parse(headers.id).map_err(|_| BadSignature::Id)?;
        let timestamp: i64 = headers.timestamp.parse().map_err(|_| BadSignature::Timestamp)?;
        if timestamp.abs_diff(now) > TOLERANCE_S.unsigned_abs() {
            return Err(BadSignature::Tolerance);
        }
        if headers.signature.len() > SIGNATURE_HEADER_MAX {
            return Err(BadSignature::Mismatch);
        }
        // Every pair is compared, and in constant time: neither the place of the right
        // signature nor the first octet that differs can be read from the clock.
        let mut fits = subtle::Choice::from(0);
        for given in headers.signature.split(' ').take(SIGNATURES_MAX) {
            // `v1a,` is another scheme (ed25519) and does not concern a shared secret.
            let Some(encoded) = given.strip_prefix("v1,") else { continue };
            let Ok(given) = LENIENT.decode(encoded) else { continue };
            for secret in &self.0 {
                let expected = secret.mac(headers.id, headers.timestamp, body);
                fits |= expected.as_slice().ct_eq(&given);
            }
        }
        if fits.into() { Ok(()) } else { Err(BadSignature::Mismatch) }
    }
}

/// The three headers that a signature needs, as they came.
#[derive(Debug, Clone, Copy)]
pub struct SignedHeaders<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("webhook-id is missing or has a character that it must not have")]
    Id,
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    #[error("webhook-timestamp is more than 5 minutes away from now")]
    Tolerance,
    #[error("no signature fits")]
    Mismatch,
}

/// Identifies one event at one endpoint and stays the same on every retry and replay, so that a
/// partner can recognise what it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebhookId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook id must be 1 to 128 letters, digits, `_` or `-`")]
pub struct BadWebhookId;

impl WebhookId {
    pub fn parse(text: &str) -> Result<Self, BadWebhookId> {
        let is_fit = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-');
        if text.is_empty() || text.len() > ID_MAX || !text.bytes().all(is_fit) {
            return Err(BadWebhookId);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for WebhookId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn vector() -> Secrets {
        Secrets::parse(&[SECRET]).unwrap()
    }

    fn verify(signature: &str, timestamp: &str, body: &[u8], now: i64) -> Result<(), BadSignature> {
        vector().verify(&SignedHeaders { id: ID, timestamp, signature }, body, now)
    }

    #[test]
    fn the_vector_of_the_specification_is_signed_as_printed() {
        let id = WebhookId::parse(ID).unwrap();
        assert_eq!(vector().sign(&id, TIMESTAMP, BODY), SIGNATURE);
        assert_eq!(verify(SIGNATURE, "1614265330", BODY, TIMESTAMP), Ok(()));
    }

    #[test]
    fn one_changed_octet_anywhere_breaks_the_signature() {
        let id = WebhookId::parse(ID).unwrap();
        let mut body = BODY.to_vec();
        body[9] ^= 1;
        let mismatch = Err(BadSignature::Mismatch);
        assert_eq!(verify(SIGNATURE, "1614265330", &body, TIMESTAMP), mismatch);
        assert_eq!(verify(SIGNATURE, "1614265331", BODY, TIMESTAMP), mismatch);
        let other = WebhookId::parse("msg_p5jXN8AQM9LWM0D4loKWxJel").unwrap();
        assert_ne!(vector().sign(&other, TIMESTAMP, BODY), vector().sign(&id, TIMESTAMP, BODY));
    }

    #[test]
    fn a_callback_older_or_newer_than_five_minutes_is_refused() {
        for (now, expected) in [
            (TIMESTAMP + 300, Ok(())),
            (TIMESTAMP - 300, Ok(())),
            (TIMESTAMP + 301, Err(BadSignature::Tolerance)),
            (TIMESTAMP - 301, Err(BadSignature::Tolerance)),
            (i64::MIN, Err(BadSignature::Tolerance)),
        ] {
            assert_eq!(verify(SIGNATURE, "1614265330", BODY, now), expected, "{now}");
        }
    }

    #[test]
    fn during_a_rotation_the_old_and_the_new_secret_both_verify() {
        let new = Secret::generate().unwrap();
        let old = Secret::parse(SECRET).unwrap();
        let both = Secrets::new(vec![new.clone(), old.clone()]).unwrap();
        let id = WebhookId::parse(ID).unwrap();
        let signature = both.sign(&id, TIMESTAMP, BODY);
        assert_eq!(signature.split(' ').count(), 2);
        for secret in [new, old] {
            let one = Secrets::new(vec![secret]).unwrap();
            let headers = SignedHeaders { id: ID, timestamp: "1614265330", signature: &signature };
            assert_eq!(one.verify(&headers, BODY, TIMESTAMP), Ok(()));
        }
        let stranger = Secrets::new(vec![Secret::generate().unwrap()]).unwrap();
        let headers = SignedHeaders { id: ID, timestamp: "1614265330", signature: &signature };
        assert_eq!(stranger.verify(&headers, BODY, TIMESTAMP), Err(BadSignature::Mismatch));
    }

    #[test]
    fn signatures_of_other_schemes_and_rubbish_are_passed_over() {
        let rubbish = format!("v1a,AAAA v1 v1,%%% v2,x {SIGNATURE}");
        assert_eq!(verify(&rubbish, "1614265330", BODY, TIMESTAMP), Ok(()));
        let as_other_scheme = SIGNATURE.replace("v1,", "v1a,");
        for (signature, timestamp, expected) in [
            (as_other_scheme.as_str(), "1614265330", BadSignature::Mismatch),
            ("", "1614265330", BadSignature::Mismatch),
            ("v1,", "1614265330", BadSignature::Mismatch),
            (SIGNATURE, "", BadSignature::Timestamp),
            (SIGNATURE, "16142653300000000000000", BadSignature::Timestamp),
        ] {
            assert_eq!(verify(signature, timestamp, BODY, TIMESTAMP), Err(expected));
        }
    }

    #[test]
    fn a_secret_has_a_prefix_and_24_to_64_octets() {
        let of = |octets: usize| format!("whsec_{}", LENIENT.encode(vec![7; octets]));
        for octets in [24, 25, 32, 64] {
            let secret = Secret::parse(&of(octets)).unwrap();
            assert_eq!(secret.reveal(), of(octets));
            assert_eq!(Secret::parse(of(octets).trim_end_matches('=')), Ok(secret));
        }
        for (text, expected) in [
            (of(23), BadSecret::Length { octets: 23 }),
            (of(65), BadSecret::Length { octets: 65 }),
            (of(999), BadSecret::Length { octets: 999 }),
            (of(32).replace("whsec_", ""), BadSecret::Prefix),
            (of(32).replace("whsec_", "whsk_"), BadSecret::Prefix),
            ("whsec_%%%%".into(), BadSecret::Base64),
        ] {
            assert_eq!(Secret::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_generated_secret_is_new_each_time_and_never_printed() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one, two);
        assert_eq!(Secret::parse(&one.reveal()), Ok(one.clone()));
        assert_eq!(format!("{one:?}"), "Secret(..)");
    }

    #[test]
    fn nothing_is_signed_without_a_secret_or_with_too_many() {
        assert_eq!(Secrets::parse::<&str>(&[]), Err(BadSecret::Count { count: 0 }));
        assert_eq!(Secrets::parse(&[SECRET; 5]), Err(BadSecret::Count { count: 5 }));
    }

    #[test]
    fn a_webhook_id_has_no_dot_and_no_line_break() {
        assert!(WebhookId::parse("mo_1234567890123456789").is_ok());
        let long = "a".repeat(129);
        for text in ["", "a.b", "a b", "a\r\nx: y", "ą", long.as_str()] {
            assert_eq!(WebhookId::parse(text), Err(BadWebhookId), "{text}");
        }
    }
}
