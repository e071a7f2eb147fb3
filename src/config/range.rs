//! The ranges of values: each function makes a check that says what the value must be.

use std::time::Duration;

use super::units::{Size, show_duration, show_size};

pub(crate) fn between<T: PartialOrd + std::fmt::Display + Copy>(
    least: T,
    most: T,
) -> impl Fn(&T) -> Result<(), String> {
    move |value| {
        let fits = *value >= least && *value <= most;
        fits.then_some(()).ok_or_else(|| format!("must be {least} to {most}"))
    }
}

pub(crate) fn lasting(least: Duration, most: Duration) -> impl Fn(&Duration) -> Result<(), String> {
    move |value| {
        let fits = *value >= least && *value <= most;
        let range = || format!("must be {} to {}", show_duration(least), show_duration(most));
        fits.then_some(()).ok_or_else(range)
    }
}

/// A duration that may be `"off"`.
pub(crate) fn off_or(
    check: impl Fn(&Duration) -> Result<(), String>,
) -> impl Fn(&Option<Duration>) -> Result<(), String> {
    move |value| match value {
        Some(duration) => check(duration).map_err(|text| format!("{text}, or \"off\"")),
        None => Ok(()),
    }
}

pub(crate) fn sized(least: Size, most: Size) -> impl Fn(&Size) -> Result<(), String> {
    move |value| {
        let fits = *value >= least && *value <= most;
        let range = || format!("must be {} to {}", show_size(least), show_size(most));
        fits.then_some(()).ok_or_else(range)
    }
}

/// Printable ASCII of a bounded length: what fits a C-octet string of SMPP.
pub(crate) fn ascii(least: usize, most: usize) -> impl Fn(&String) -> Result<(), String> {
    move |text| {
        let plain = text.bytes().all(|octet| (0x20..0x7f).contains(&octet));
        let fits = plain && (least..=most).contains(&text.len());
        fits.then_some(()).ok_or_else(|| format!("must be {least} to {most} ASCII characters"))
    }
}

pub(crate) fn digits(least: usize, most: usize) -> impl Fn(&String) -> Result<(), String> {
    move |text| {
        let fits = text.bytes().all(|b| b.is_ascii_digit()) && (least..=most).contains(&text.len());
        fits.then_some(()).ok_or_else(|| format!("must be {least} to {most} digits"))
    }
}

/// Every entry of a list, and how many there may be.
pub(crate) fn each<T>(
    least: usize,
    most: usize,
    check: impl Fn(&T) -> Result<(), String>,
) -> impl Fn(&Vec<T>) -> Result<(), String> {
    move |list| {
        if !(least..=most).contains(&list.len()) {
            return Err(format!("must have {least} to {most} entries"));
        }
        list.iter().enumerate().try_for_each(|(index, entry)| {
            check(entry).map_err(|text| format!("entry {}: {text}", index + 1))
        })
    }
}
