//! Secrets and files at rest: AES-256-GCM under the gateway's sealing key (S-43, S-52).
//!
//! The layout is one octet of key id, 12 of nonce, the ciphertext, 16 of tag. `context` is bound
//! to the text but not stored: a sealed field moved to another row does not open.

use std::sync::Arc;

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};

/// The sealing keys: the newest seals, every one opens.
#[derive(Clone)]
pub struct Seal(Arc<Vec<(u8, LessSafeKey)>>);

/// What was read is not what was sealed, or was sealed under another key or for another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be opened")]
pub struct BrokenSeal;

impl Seal {
    /// From the operator's secrets, oldest first; the key id is the place in that order.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let keys = secrets.into_iter().zip(0_u8..).map(|(secret, id)| {
            let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bramka seal 1");
            let drawn = salt.extract(secret);
            let key = drawn
                .expand(&[b"aes-256-gcm"], &AES_256_GCM)
                .expect("32 octets are not too long for HKDF");
            (id, LessSafeKey::new(UnboundKey::from(key)))
        });
        Self(Arc::new(keys.collect()))
    }

    /// Seals a value for one place, for example `person.totp:12`. Fails only without randomness.
    pub fn seal(&self, context: &str, clear: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let (id, key) = self.0.last().expect("a seal has at least one key");
        let mut nonce = [0_u8; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut body = clear.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.as_bytes()),
            &mut body,
        )
        .expect("the value is far below the limit of the cipher");
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(*id);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, BrokenSeal> {
        let (head, body) = sealed.split_at_checked(1 + NONCE_LEN).ok_or(BrokenSeal)?;
        let (_, key) = self.0.iter().find(|(id, _)| *id == head[0]).ok_or(BrokenSeal)?;
        let nonce = Nonce::try_assume_unique_for_key(&head[1..]).map_err(|_| BrokenSeal)?;
        let mut body = body.to_vec();
        let clear = key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| BrokenSeal)?
            .len();
        body.truncate(clear);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_in_its_place_only_and_only_whole() {
        let old = Seal::new([&b"first"[..]]);
        let sealed = old.seal("file:7", b"signed copy").unwrap();
        assert_eq!(old.open("file:7", &sealed).unwrap(), b"signed copy");
        assert_eq!(old.open("file:8", &sealed), Err(BrokenSeal));
        for cut in 0..sealed.len() {
            assert_eq!(old.open("file:7", &sealed[..cut]), Err(BrokenSeal));
        }
        for place in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[place] ^= 1;
            assert_eq!(old.open("file:7", &bent), Err(BrokenSeal), "octet {place}");
        }
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = Seal::new([&b"first"[..]]);
        let both = Seal::new([&b"first"[..], &b"second"[..]]);
        let before = old.seal("x", b"a").unwrap();
        let after = both.seal("x", b"a").unwrap();
        assert_eq!(both.open("x", &before).unwrap(), b"a");
        assert_eq!(both.open("x", &after).unwrap(), b"a");
        assert_eq!(old.open("x", &after), Err(BrokenSeal));
    }
}
