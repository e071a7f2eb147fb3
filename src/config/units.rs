//! Durations as `"30s"` and sizes as `"64KiB"`: reading them and writing them back.
//!
//! It knows nothing of keys or sections. The surprise: a bare number is refused. `response = 10`
//! has been read as milliseconds by one half of the world and as seconds by the other.

use std::time::Duration;

/// A number of octets, written with a binary unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    pub const fn kib(count: u64) -> Self {
        Self(count * 1024)
    }

    pub const fn mib(count: u64) -> Self {
        Self(count * 1024 * 1024)
    }

    pub const fn gib(count: u64) -> Self {
        Self(count * 1024 * 1024 * 1024)
    }

    pub const fn octets(self) -> u64 {
        self.0
    }

    /// The same as an index type; more than the address space becomes the whole of it.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl std::fmt::Debug for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&show_size(*self))
    }
}

// Longest unit first: writing picks the first that divides without remainder.
const DURATIONS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];
const SIZES: [(&str, u64); 4] =
    [("GiB", 1024 * 1024 * 1024), ("MiB", 1024 * 1024), ("KiB", 1024), ("B", 1)];

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text, &DURATIONS).map(Duration::from_micros).ok_or_else(|| {
        "must be a duration such as \"30s\", \"5ms\", \"2m\", \"24h\" or \"7d\"".into()
    })
}

pub(crate) fn parse_size(text: &str) -> Result<Size, String> {
    parse(text, &SIZES)
        .map(Size)
        .ok_or_else(|| "must be a size such as \"512B\", \"64KiB\", \"16MiB\" or \"1GiB\"".into())
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim_start();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*factor)
}

pub(crate) fn show_duration(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    // "0s" reads better than "0d". Days only where they are really meant: "24h" stays "24h".
    if micros == 0 {
        return "0s".into();
    }
    let days_hide_hours = micros < 3 * 86_400_000_000;
    show(micros, &DURATIONS[usize::from(days_hide_hours)..])
}

pub(crate) fn show_size(size: Size) -> String {
    if size.0 == 0 { "0B".into() } else { show(size.0, &SIZES) }
}

fn show(count: u64, units: &[(&str, u64)]) -> String {
    let (unit, factor) = units
        .iter()
        .find(|(_, factor)| count.is_multiple_of(*factor))
        .expect("the last unit is one, which divides everything");
    format!("{}{unit}", count / factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_their_unit_and_nothing_else() {
        for (text, micros) in [
            ("30s", 30_000_000),
            ("5ms", 5_000),
            ("2m", 120_000_000),
            ("24h", 86_400_000_000),
            ("7d", 604_800_000_000),
            ("7 d", 604_800_000_000),
            ("0s", 0),
            ("250us", 250),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "30 seconds", "1m30s", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("18446744073709551615d").is_err(), "would overflow");
    }

    #[test]
    fn sizes_are_binary_and_say_so() {
        assert_eq!(parse_size("64KiB"), Ok(Size(65_536)));
        assert_eq!(parse_size("1GiB"), Ok(Size::gib(1)));
        assert_eq!(parse_size("256B"), Ok(Size(256)));
        for text in ["64KB", "64", "64kib", "1.5MiB", "KiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_stays_twenty_four_hours_and_a_week_is_seven_days() {
        assert_eq!(show_duration(Duration::from_hours(24)), "24h");
        assert_eq!(show_duration(Duration::from_hours(72)), "3d");
        assert_eq!(show_duration(Duration::from_hours(168)), "7d");
        assert_eq!(show_duration(Duration::from_millis(1500)), "1500ms");
        assert_eq!(show_size(Size(70_000)), "70000B");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(micros in 0u64..1 << 50, octets in any::<u64>()) {
            let duration = Duration::from_micros(micros);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&show_size(Size(octets))), Ok(Size(octets)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,40}") {
            let _read = (parse_duration(&text), parse_size(&text));
        }
    }
}
