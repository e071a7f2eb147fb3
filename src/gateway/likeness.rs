//! Recognising the repeat of a message whose answer may not have arrived (P11 b, P12).
//!
//! Two equal texts are legal: a subscriber may order twice. So likeness alone decides nothing. It
//! counts only for a message whose acknowledgement was *uncertain*: its session ended before the
//! peer sent anything more. Those few are kept here for ten minutes; everybody else is never
//! compared.

use dashmap::DashMap;
use sha2::{Digest, Sha256};

use crate::domain::{Body, Item, MessageId};

/// SHA-256 over who, from, to and the content.
pub type Likeness = [u8; 32];

pub fn of(scope: &str, sender: &str, recipient: &str, body: &Body) -> Likeness {
    let mut sha = Sha256::new();
    for text in [scope, sender, recipient] {
        sha.update((text.len() as u64).to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.update([body.data_coding, u8::from(body.has_udh)]);
    sha.update(&body.octets);
    sha.finalize().into()
}

/// A message that its sender may not know to be accepted.
#[derive(Debug, Clone)]
pub struct Doubt {
    pub message: MessageId,
    pub until: i64,
    /// A charged MT that waits until its sender knows of it (P5).
    pub held: Option<Item>,
}

#[derive(Debug, Default)]
pub struct Uncertain {
    doubts: DashMap<Likeness, Vec<Doubt>>,
}

impl Uncertain {
    pub fn add(&self, likeness: Likeness, doubt: Doubt) {
        self.doubts.entry(likeness).or_default().push(doubt);
    }

    /// The earlier message that `likeness` repeats, if there is one in doubt. Each doubt answers
    /// for one repeat only: a third equal text is a new order.
    pub fn take(&self, likeness: &Likeness, now: i64) -> Option<Doubt> {
        // The usual case is an empty map, and it must cost nothing.
        if self.doubts.is_empty() {
            return None;
        }
        let mut entry = self.doubts.get_mut(likeness)?;
        let place = entry.iter().position(|doubt| doubt.until > now)?;
        let doubt = entry.remove(place);
        let is_empty = entry.is_empty();
        drop(entry);
        if is_empty {
            self.doubts.remove_if(likeness, |_, left| left.is_empty());
        }
        Some(doubt)
    }

    /// Doubts whose time is over: nobody repeated them.
    pub fn expired(&self, now: i64) -> Vec<Doubt> {
        let mut gone = Vec::new();
        self.doubts.retain(|_, doubts| {
            let mut index = 0;
            while index < doubts.len() {
                if doubts[index].until <= now {
                    gone.push(doubts.swap_remove(index));
                } else {
                    index += 1;
                }
            }
            !doubts.is_empty()
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static [u8]) -> Body {
        Body { data_coding: 0, has_udh: false, octets: bytes::Bytes::from_static(text) }
    }

    #[test]
    fn every_field_makes_another_likeness() {
        let base = of("1", "7455", "48600100200", &body(b"hi"));
        assert_eq!(base, of("1", "7455", "48600100200", &body(b"hi")));
        assert_ne!(base, of("2", "7455", "48600100200", &body(b"hi")));
        assert_ne!(base, of("17", "455", "48600100200", &body(b"hi")));
        assert_ne!(base, of("1", "7455", "48600100201", &body(b"hi")));
        assert_ne!(base, of("1", "7455", "48600100200", &body(b"ho")));
    }

    #[test]
    fn a_doubt_answers_for_one_repeat_and_not_for_ever() {
        let uncertain = Uncertain::default();
        let likeness = of("1", "7455", "48600100200", &body(b"hi"));
        let doubt = Doubt { message: MessageId(7), until: 100, held: None };
        uncertain.add(likeness, doubt.clone());
        assert_eq!(uncertain.take(&likeness, 50).map(|d| d.message), Some(MessageId(7)));
        assert!(uncertain.take(&likeness, 50).is_none());
        uncertain.add(likeness, doubt);
        assert!(uncertain.take(&likeness, 100).is_none());
        assert_eq!(uncertain.expired(100).len(), 1);
    }
}
