//! Partners' secrets as they are kept: an HMAC under a pepper, never the secret (S-31).
//!
//! What surprises: this is a fast hash on purpose. The secrets are random and made by us, and a
//! slow hash on every bind would turn a bind storm into an outage.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::number::Msisdn;

/// The key of the HMAC, from the secret store of the operator.
#[derive(Clone)]
pub struct Pepper(zeroize::Zeroizing<Vec<u8>>);

/// What is stored instead of a secret.
pub type SecretHash = [u8; 32];

/// A fresh API key, shown once to its owner.
pub struct MintedKey {
    /// What the store calls it, `bk_NAME`: it stands in lists and logs, and makes leaked keys easy
    /// to search for.
    pub prefix: String,
    /// Hash of the secret part in hex.
    pub hash: String,
    /// The whole key, `bk_NAME_SECRET`; it is not kept anywhere (S-12).
    pub shown: zeroize::Zeroizing<String>,
}

/// Two digits for each octet, in lower case.
pub fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// Letters and digits, each as likely as any other. Fails only without randomness.
pub fn random_text(length: usize) -> Result<zeroize::Zeroizing<String>, getrandom::Error> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = zeroize::Zeroizing::new(String::with_capacity(length));
    let mut octets = zeroize::Zeroizing::new([0_u8; 64]);
    while text.len() < length {
        getrandom::fill(octets.as_mut())?;
        // 248 is the largest multiple of 62: what is above it would favour the first letters.
        let fair = octets.iter().filter(|octet| **octet < 248);
        for octet in fair.take(length - text.len()) {
            text.push(char::from(LETTERS[usize::from(octet % 62)]));
        }
    }
    Ok(text)
}

impl Pepper {
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(zeroize::Zeroizing::new(octets.into()))
    }

    pub fn hash(&self, secret: &[u8]) -> SecretHash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(secret);
        mac.finalize().into_bytes().into()
    }

    /// The same in hex, as the store takes it.
    pub fn hash_hex(&self, secret: &[u8]) -> String {
        hex(&self.hash(secret))
    }

    /// The number under which a subscriber's rows stay in the books once it is forgotten: the same
    /// for one number always, and leading back to nobody without the pepper (S-46). It begins with
    /// 999, which is no country.
    pub fn pseudonym(&self, number: &Msisdn) -> Msisdn {
        let hash = self.hash(format!("pseudonym {}", number.as_str()).as_bytes());
        let drawn = hash.first_chunk::<8>().expect("a hash has 32 octets");
        let digits = u64::from_be_bytes(*drawn) % 1_000_000_000_000;
        Msisdn::parse(&format!("999{digits:012}")).expect("15 digits are a number")
    }

    /// Makes an API key: 40 bits of name, 256 bits of secret. Fails only without randomness.
    pub fn mint(&self) -> Result<MintedKey, getrandom::Error> {
        let mut octets = zeroize::Zeroizing::new([0_u8; 37]);
        getrandom::fill(octets.as_mut_slice())?;
        let (name, secret) = octets.split_at(5);
        let (prefix, secret) = (format!("bk_{}", hex(name)), zeroize::Zeroizing::new(hex(secret)));
        Ok(MintedKey {
            hash: self.hash_hex(secret.as_bytes()),
            shown: zeroize::Zeroizing::new(format!("{prefix}_{}", *secret)),
            prefix,
        })
    }

    /// Whether `secret` is one of those behind `known`. Takes the same time whichever it is, and
    /// as long for none (S-35).
    pub fn matches(&self, secret: &[u8], known: &[SecretHash]) -> bool {
        let hash = self.hash(secret);
        let mut found = subtle::Choice::from(0);
        for one in known {
            found |= hash.ct_eq(one);
        }
        // Somebody unknown costs a comparison too.
        found |= hash.ct_eq(&[0; 32]) & subtle::Choice::from(u8::from(known.is_empty()));
        found.into()
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper(*)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_own_hash_and_no_other() {
        let pepper = Pepper::new(*b"salt and more");
        let known = [pepper.hash(b"old"), pepper.hash(b"new")];
        assert!(pepper.matches(b"old", &known) && pepper.matches(b"new", &known));
        assert!(!pepper.matches(b"other", &known));
        assert!(!pepper.matches(b"old", &[]));
        assert!(!Pepper::new(*b"another pepper").matches(b"old", &known));
    }

    #[test]
    fn a_pepper_never_prints_itself() {
        assert_eq!(format!("{:?}", Pepper::new(*b"top secret")), "Pepper(*)");
    }

    #[test]
    fn a_minted_key_is_stored_only_as_its_hash() {
        let pepper = Pepper::new(*b"pepper");
        let key = pepper.mint().unwrap();
        let (prefix, secret) = key.shown.rsplit_once('_').unwrap();
        assert_eq!(prefix, key.prefix);
        assert_eq!((prefix.len(), secret.len(), key.hash.len()), (13, 64, 64));
        assert_eq!(pepper.hash_hex(secret.as_bytes()), key.hash);
        assert_ne!(Pepper::new(*b"salt").hash_hex(secret.as_bytes()), key.hash);
    }

    #[test]
    fn octets_are_written_as_pairs_of_digits() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }
}
