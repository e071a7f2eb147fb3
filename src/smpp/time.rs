//! Times on the wire: `YYMMDDhhmmsstnnp`, absolute or relative. [34 s7.1.1]
//!
//! Not here: how far ahead a schedule or a validity may lie; that is a rule of ours, not of the
//! protocol.
//!
//! What surprises: the year has two digits, and 38 is 1938. The specification's turn of the
//! century is near, so it is a parameter (K027).

use jiff::{Span, Timestamp, Zoned, civil, tz};

/// Years from here to 99 are of the twentieth century. [34 app. C]
pub const PIVOT: u8 = 38;

/// A time as a peer wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Empty: at once, or the default validity.
    None,
    Absolute(Timestamp),
    Relative(Period),
}

/// A span of the calendar: a month is a month, not 30 days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    pub years: u8,
    pub months: u8,
    pub days: u8,
    pub hours: u8,
    pub minutes: u8,
    pub seconds: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    #[error("a time has 0 or 16 characters, not {0}")]
    Length(usize),
    #[error("{0} is out of range or not a number")]
    Field(&'static str),
    #[error("the time lies outside of what can be reckoned with")]
    OutOfRange,
}

impl Time {
    /// The moment that is meant, in microseconds since 1970; none for an empty time. Periods are
    /// added in UTC and end with the month if the day does not exist there.
    pub fn resolve(&self, now_micros: i64) -> Result<Option<i64>, BadTime> {
        match self {
            Self::None => Ok(None),
            Self::Absolute(timestamp) => Ok(Some(timestamp.as_microsecond())),
            Self::Relative(period) => {
                let now =
                    Timestamp::from_microsecond(now_micros).map_err(|_| BadTime::OutOfRange)?;
                let then = Zoned::new(now, tz::TimeZone::UTC).checked_add(period.span());
                then.map(|then| Some(then.timestamp().as_microsecond()))
                    .map_err(|_| BadTime::OutOfRange)
            }
        }
    }
}

impl Period {
    fn span(self) -> Span {
        Span::new()
            .years(self.years)
            .months(self.months)
            .days(self.days)
            .hours(self.hours)
            .minutes(self.minutes)
            .seconds(self.seconds)
    }
}

/// Reads a time without its NUL. `pivot` is [`PIVOT`] unless configured.
pub fn parse(octets: &[u8], pivot: u8) -> Result<Time, BadTime> {
    if octets.is_empty() {
        return Ok(Time::None);
    }
    let octets: &[u8; 16] = octets.try_into().map_err(|_| BadTime::Length(octets.len()))?;
    let fields = Fields(octets);
    match octets[15] {
        // [34 s7.1.1.2] Tenths and quarter hours of a period are ignored, whatever they are.
        b'R' => Ok(Time::Relative(Period {
            years: fields.pair(0, "the years", 0..=99)?,
            months: fields.pair(2, "the months", 0..=99)?,
            days: fields.pair(4, "the days", 0..=99)?,
            hours: fields.pair(6, "the hours", 0..=99)?,
            minutes: fields.pair(8, "the minutes", 0..=99)?,
            seconds: fields.pair(10, "the seconds", 0..=99)?,
        })),
        b'+' => fields.absolute(pivot, 1),
        b'-' => fields.absolute(pivot, -1),
        _ => Err(BadTime::Field("the direction from UTC")),
    }
}

struct Fields<'o>(&'o [u8; 16]);

impl Fields<'_> {
    fn pair(
        &self,
        at: usize,
        name: &'static str,
        range: std::ops::RangeInclusive<u8>,
    ) -> Result<u8, BadTime> {
        let (tens, ones) = (self.digit(at, name)?, self.digit(at + 1, name)?);
        Some(tens * 10 + ones).filter(|value| range.contains(value)).ok_or(BadTime::Field(name))
    }

    fn digit(&self, at: usize, name: &'static str) -> Result<u8, BadTime> {
        let octet = self.0[at];
        if octet.is_ascii_digit() { Ok(octet - b'0') } else { Err(BadTime::Field(name)) }
    }

    fn absolute(&self, pivot: u8, direction: i32) -> Result<Time, BadTime> {
        let year = self.pair(0, "the year", 0..=99)?;
        let century: i16 = if year >= pivot { 1900 } else { 2000 };
        let month = self.small(2, "the month", 1..=12)?;
        let day = self.small(4, "the day", 1..=31)?;
        let hour = self.small(6, "the hour", 0..=23)?;
        let minute = self.small(8, "the minute", 0..=59)?;
        let second = self.small(10, "the second", 0..=59)?;
        let tenths = i32::from(self.digit(12, "the tenths")?);
        let quarters = i32::from(self.pair(13, "the quarter hours from UTC", 0..=48)?);
        let local = civil::DateTime::new(
            century + i16::from(year),
            month,
            day,
            hour,
            minute,
            second,
            tenths * 100_000_000,
        )
        .map_err(|_| BadTime::Field("the day"))?;
        // `+` means that the local time is ahead of UTC, as in ISO 8601.
        tz::Offset::from_seconds(direction * quarters * 15 * 60)
            .and_then(|offset| offset.to_timestamp(local))
            .map(Time::Absolute)
            .map_err(|_| BadTime::OutOfRange)
    }

    fn small(
        &self,
        at: usize,
        name: &'static str,
        range: std::ops::RangeInclusive<u8>,
    ) -> Result<i8, BadTime> {
        // At most 99.
        self.pair(at, name, range).map(u8::cast_signed)
    }
}

/// Writes a moment in UTC, without a NUL. The century is lost, as the format has none.
pub fn write_absolute(micros: i64) -> [u8; 16] {
    let moment = Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    let utc = tz::Offset::UTC.to_datetime(moment);
    let mut octets = *b"000000000000000+";
    let pairs = [
        u8::try_from(utc.year().rem_euclid(100)).expect("less than 100"),
        utc.month().cast_unsigned(),
        utc.day().cast_unsigned(),
        utc.hour().cast_unsigned(),
        utc.minute().cast_unsigned(),
        utc.second().cast_unsigned(),
    ];
    for (place, value) in octets.chunks_exact_mut(2).zip(pairs) {
        place.copy_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
    }
    octets[12] = b'0' + u8::try_from(utc.millisecond() / 100).unwrap_or(0);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn resolved(time: &str, now: &str) -> Result<Option<i64>, BadTime> {
        parse(time.as_bytes(), PIVOT)?.resolve(instant(now))
    }

    const NOW: &str = "2026-11-21T12:00:00Z";

    #[test]
    fn an_absolute_time_counts_quarter_hours_from_utc() {
        let table = [
            ("261121120000004+", "2026-11-21T11:00:00Z"),
            ("261121120000004-", "2026-11-21T13:00:00Z"),
            ("261121120000000+", "2026-11-21T12:00:00Z"),
            ("261121120000900-", "2026-11-21T12:00:00.9Z"),
            ("261121000000048+", "2026-11-20T12:00:00Z"),
            ("280229235959900+", "2028-02-29T23:59:59.9Z"),
        ];
        for (time, moment) in table {
            assert_eq!(resolved(time, NOW), Ok(Some(instant(moment))), "{time}");
        }
    }

    #[test]
    fn a_period_follows_the_calendar_and_ends_with_the_month() {
        let table = [
            ("000000000000000R", NOW, NOW),
            ("000000003000000R", NOW, "2026-11-21T12:30:00Z"),
            ("000001000000000R", NOW, "2026-11-22T12:00:00Z"),
            ("000100000000000R", "2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z"),
            ("010000000000000R", "2028-02-29T08:00:00Z", "2029-02-28T08:00:00Z"),
            ("020610233429000R", "2026-01-01T00:00:00Z", "2028-07-11T23:34:29Z"),
            ("000000999999xxxR", "2026-01-01T00:00:00Z", "2026-01-05T04:40:39Z"),
        ];
        for (time, now, moment) in table {
            assert_eq!(resolved(time, now), Ok(Some(instant(moment))), "{time}");
        }
    }

    #[test]
    fn nothing_is_no_time_and_other_lengths_are_errors() {
        assert_eq!(parse(b"", PIVOT), Ok(Time::None));
        assert_eq!(Time::None.resolve(0), Ok(None));
        for length in (1..40).filter(|length| *length != 16) {
            assert_eq!(parse(&vec![b'0'; length], PIVOT), Err(BadTime::Length(length)));
        }
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let table = [
            ("261321120000004+", "the month"),
            ("260021120000004+", "the month"),
            ("261100120000004+", "the day"),
            ("260231120000004+", "the day"),
            ("261121240000004+", "the hour"),
            ("261121126000004+", "the minute"),
            ("261121120060004+", "the second"),
            ("261121120000049+", "the quarter hours from UTC"),
            ("26112112000000x+", "the quarter hours from UTC"),
            ("261121120000x00+", "the tenths"),
            ("2611211200000000", "the direction from UTC"),
            ("-61121120000000R", "the years"),
            (" 61121120000000+", "the year"),
        ];
        for (time, field) in table {
            assert_eq!(parse(time.as_bytes(), PIVOT), Err(BadTime::Field(field)), "{time}");
        }
    }

    #[test]
    fn the_century_turns_at_the_pivot() {
        let year = |time: &[u8], pivot| match parse(time, pivot).unwrap() {
            Time::Absolute(moment) => tz::Offset::UTC.to_datetime(moment).year(),
            other => panic!("{other:?}"),
        };
        assert_eq!(year(b"370101000000000+", PIVOT), 2037);
        assert_eq!(year(b"380101000000000+", PIVOT), 1938);
        assert_eq!(year(b"990101000000000+", PIVOT), 1999);
        assert_eq!(year(b"000101000000000+", PIVOT), 2000);
        assert_eq!(year(b"380101000000000+", 70), 2038);
    }

    #[test]
    fn what_is_written_reads_back_to_the_tenth_of_a_second() {
        assert_eq!(&write_absolute(instant("2026-11-21T12:00:00.55Z")), b"261121120000500+");
        for step in 0..2000_i64 {
            let micros = instant("2000-01-01T00:00:00Z") + step * 582_734_900_000;
            let expected = micros - micros.rem_euclid(100_000);
            let read = parse(&write_absolute(micros), PIVOT).unwrap();
            assert_eq!(read.resolve(0), Ok(Some(expected)));
        }
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        let period = parse(b"999999999999000R", PIVOT).unwrap();
        assert_eq!(period.resolve(i64::MAX), Err(BadTime::OutOfRange));
        assert_eq!(period.resolve(Timestamp::MAX.as_microsecond()), Err(BadTime::OutOfRange));
        assert!(write_absolute(i64::MIN).is_ascii() && write_absolute(i64::MAX).is_ascii());
    }
}
