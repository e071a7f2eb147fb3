//! The second factor: codes that change every 30 seconds, and ten codes for the day without a
//! telephone (S-04).
//!
//! It keeps nothing. The surprise: recovery codes are hashed fast, as SHA-256, because each has 80
//! random bits and nobody can run through those.

use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::Error;
use crate::domain::{UserId, seal::Seal, secret::hex};

/// A code of one step before or after is taken: clocks differ. [RFC 6238 s5.2]
const STEPS_AROUND: u16 = 1;
/// Octets of a new secret. [RFC 4226 s4]
const SECRET_OCTETS: usize = 20;
pub(crate) const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: 32, none like another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const RECOVERY_LETTERS: usize = 16;

/// What somebody puts into an authenticator.
pub struct Enrolment {
    /// Base32, for typing.
    pub secret: Zeroizing<String>,
    /// `otpauth://`, for a QR code.
    pub uri: Zeroizing<String>,
}

/// What a code turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Code {
    Step(i64),
    Recovery(String),
    Wrong,
}

fn totp(secret: &[u8]) -> Result<Totp, Error> {
    let builder = Builder::new().with_skew(STEPS_AROUND).with_secret(secret);
    builder.build().map_err(|error| Error::Broken(format!("second factor: {error}")))
}

/// Where a secret is sealed to.
fn place(person: UserId) -> String {
    format!("person.totp:{}", person.0)
}

/// Where a secret is sealed to that is not confirmed yet. The session is part of it: what somebody
/// else was shown in an old session is never confirmed in a new one.
fn pending_place((person, session): (UserId, i64)) -> String {
    format!("person.totp_new:{}:{session}", person.0)
}

/// A new secret: sealed for the store, and as its owner needs it.
pub(crate) fn enrol(
    seal: &Seal,
    whose: (UserId, i64),
    mail: &str,
    issuer: &str,
) -> Result<(Vec<u8>, Enrolment), Error> {
    let mut octets = Zeroizing::new([0_u8; SECRET_OCTETS]);
    getrandom::fill(octets.as_mut_slice())?;
    let sealed = seal.seal(&pending_place(whose), octets.as_slice())?;
    Ok((sealed, shown(octets.as_slice(), mail, issuer)))
}

/// The secret that a session was shown already; none if it was another session.
pub(crate) fn pending(
    seal: &Seal,
    whose: (UserId, i64),
    sealed: &[u8],
    mail: &str,
    issuer: &str,
) -> Option<Enrolment> {
    let secret = Zeroizing::new(seal.open(&pending_place(whose), sealed).ok()?);
    Some(shown(&secret, mail, issuer))
}

/// A pending secret, sealed as the person's own from now on; none if another session was shown it.
pub(crate) fn adopted(
    seal: &Seal,
    whose: (UserId, i64),
    sealed: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(secret) = seal.open(&pending_place(whose), sealed) else { return Ok(None) };
    Ok(Some(seal.seal(&place(whose.0), &Zeroizing::new(secret))?))
}

fn shown(secret: &[u8], mail: &str, issuer: &str) -> Enrolment {
    let secret = Zeroizing::new(totp_rs::Secret::from(secret).to_base32());
    let (issuer, mail) = (escaped(issuer), escaped(mail));
    let uri = Zeroizing::new(format!(
        "otpauth://totp/{issuer}:{mail}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
        secret.as_str()
    ));
    Enrolment { secret, uri }
}

/// What a code is, at a moment in microseconds UTC.
pub(crate) fn read(
    seal: &Seal,
    person: UserId,
    sealed: Option<&[u8]>,
    code: &str,
    now: i64,
) -> Result<Code, Error> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect();
    let code = Zeroizing::new(code.to_ascii_lowercase());
    if code.len() == RECOVERY_LETTERS {
        return Ok(Code::Recovery(hash(&code)));
    }
    let Some(sealed) = sealed else { return Ok(Code::Wrong) };
    if code.len() != 6 || !code.bytes().all(|octet| octet.is_ascii_digit()) {
        return Ok(Code::Wrong);
    }
    let secret = Zeroizing::new(seal.open(&place(person), sealed)?);
    let seconds = u64::try_from(now / 1_000_000).unwrap_or_default();
    let step = totp(&secret)?.check(&code, seconds);
    let step = step.and_then(|step| i64::try_from(step).ok());
    Ok(step.map_or(Code::Wrong, Code::Step))
}

/// New recovery codes as they are shown once, and their hashes.
pub(crate) fn recovery_codes() -> Result<(Vec<Zeroizing<String>>, Vec<String>), Error> {
    let mut shown = Vec::with_capacity(RECOVERY_CODES);
    let mut hashes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut octets = Zeroizing::new([0_u8; RECOVERY_LETTERS]);
        getrandom::fill(octets.as_mut_slice())?;
        let letters = octets.iter().map(|octet| char::from(LETTERS[usize::from(octet & 31)]));
        let code: Zeroizing<String> = Zeroizing::new(letters.collect());
        hashes.push(hash(&code));
        let groups: Vec<&str> = (0..4).map(|group| &code[group * 4..group * 4 + 4]).collect();
        shown.push(Zeroizing::new(groups.join("-")));
    }
    Ok((shown, hashes))
}

/// SHA-256 in hex: how tokens and codes with enough random bits are kept.
pub(crate) fn hash(secret: &str) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(secret.as_bytes()))
}

/// A random token of so many octets, in hex.
pub(crate) fn token(octets: usize) -> Result<Zeroizing<String>, Error> {
    let mut random = Zeroizing::new(vec![0_u8; octets]);
    getrandom::fill(random.as_mut_slice())?;
    Ok(Zeroizing::new(hex(&random)))
}

/// Percent-encoded, all but letters and digits. [RFC 3986 s2.1]
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.push_str(&hex(&[octet]).to_ascii_uppercase());
        }
    }
    out
}

/// The code of a moment, as an authenticator shows it.
#[cfg(test)]
pub(crate) fn code_of(base32: &str, now: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(base32).unwrap();
    let seconds = u64::try_from(now / 1_000_000).unwrap();
    totp(secret.as_bytes()).unwrap().generate(seconds).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;
    const STEP: i64 = 30_000_000;

    #[test]
    fn codes_are_those_of_the_standard() {
        // [RFC 6238 appendix B] shows 8 digits, of which 6 are the last.
        let secret = totp_rs::Secret::from(*b"12345678901234567890").to_base32();
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(code_of(&secret, seconds * 1_000_000), code);
        }
    }

    #[test]
    fn a_code_is_right_one_step_around_its_own_and_for_its_person_only() {
        let seal = Seal::new([&b"seal"[..]]);
        let whose = (UserId(7), 1);
        let (new, shown) = enrol(&seal, whose, "anna@x.example", "T & Co").unwrap();
        let again = pending(&seal, whose, &new, "anna@x.example", "T & Co").unwrap();
        assert_eq!(again.uri, shown.uri, "a second look shows the same");
        let other = (UserId(7), 2);
        assert!(pending(&seal, other, &new, "anna@x.example", "T & Co").is_none());
        assert_eq!(adopted(&seal, other, &new).unwrap(), None, "nor does it confirm another's");
        let sealed = adopted(&seal, whose, &new).unwrap().unwrap();
        let read_at = |code: &str, now| read(&seal, UserId(7), Some(&sealed), code, now).unwrap();
        let code = code_of(&shown.secret, NOON);
        let step = NOON / STEP;
        for (now, expected) in [
            (NOON - 2 * STEP, Code::Wrong),
            (NOON - STEP, Code::Step(step)),
            (NOON, Code::Step(step)),
            (NOON + STEP, Code::Step(step)),
            (NOON + 2 * STEP, Code::Wrong),
        ] {
            assert_eq!(read_at(&code, now), expected);
        }
        assert_eq!(read_at(&format!("{} {}", &code[..3], &code[3..]), NOON), Code::Step(step));
        for wrong in ["", "12345", "1234567", "abcdef", "\u{661}\u{662}\u{663}"] {
            assert_eq!(read_at(wrong, NOON), Code::Wrong, "{wrong}");
        }
        assert!(read(&seal, UserId(8), Some(&sealed), &code, NOON).is_err());
        assert!(shown.uri.starts_with("otpauth://totp/T%20%26%20Co:anna%40x.example?secret="));
    }

    #[test]
    fn recovery_codes_are_ten_and_kept_only_as_hashes() {
        let (shown, hashes) = recovery_codes().unwrap();
        assert_eq!((shown.len(), hashes.len()), (10, 10));
        let seal = Seal::new([&b"seal"[..]]);
        for (shown, hash) in shown.iter().zip(&hashes) {
            assert_eq!(shown.len(), 19);
            let typed = shown.to_uppercase();
            let read = read(&seal, UserId(1), None, &typed, NOON).unwrap();
            assert_eq!(read, Code::Recovery(hash.clone()));
        }
    }
}
