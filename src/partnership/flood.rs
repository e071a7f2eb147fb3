//! How many applications one address may begin in an hour (S-56).
//!
//! It counts in memory and starts anew with the program: the count of each mail address is in the
//! store, and holds all the same. What surprises: in a flood from everywhere it remembers nobody,
//! for a table without a limit would be the worse evil.

use std::sync::{Mutex, PoisonError};

use std::collections::HashMap;

const HOUR_US: i64 = 3_600_000_000;
/// Addresses remembered at once.
const REMEMBERED_MAX: usize = 10_000;

/// Beginnings by address: since when, how many.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<HashMap<String, (i64, u32)>>);

impl Floods {
    /// Counts one; false if there were too many within the hour.
    pub(crate) fn admits(&self, address: &str, most: u32, now: i64) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |since: i64| !(0..HOUR_US).contains(&now.saturating_sub(since));
        if counts.len() >= REMEMBERED_MAX && !counts.contains_key(address) {
            counts.retain(|_, (since, _)| !is_old(*since));
            if counts.len() >= REMEMBERED_MAX {
                return true;
            }
        }
        let (since, count) = counts.entry(address.to_owned()).or_insert((now, 0));
        if is_old(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_begins_so_many_in_an_hour_and_others_are_not_hindered() {
        let floods = Floods::default();
        for _ in 0..3 {
            assert!(floods.admits("192.0.2.1", 3, 10));
        }
        assert!(!floods.admits("192.0.2.1", 3, HOUR_US));
        assert!(floods.admits("192.0.2.2", 3, 10));
        assert!(floods.admits("192.0.2.1", 3, HOUR_US + 10));
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let floods = Floods::default();
        for number in 0..REMEMBERED_MAX + 100 {
            assert!(floods.admits(&number.to_string(), 1, 10));
        }
        assert_eq!(floods.0.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
