//! Partners' secrets as they are kept: an HMAC under a pepper, never the secret (S-31).
//!
//! What surprises: this is a fast hash on purpose. The secrets are random and made by us, and a
//! slow hash on every bind would turn a bind storm into an outage.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The key of the HMAC, from the secret store of the operator.
#[derive(Clone)]
pub struct Pepper(zeroize::Zeroizing<Vec<u8>>);

/// What is stored instead of a secret.
pub type SecretHash = [u8; 32];

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
}
