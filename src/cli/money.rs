//! Amounts and percents as people type them, without floating point.

use super::Failure;

/// `4.92` as 492; at most two places after the point.
pub(crate) fn minor(text: &str) -> Result<i64, Failure> {
    decimal(text, 2).ok_or_else(|| Failure::usage(format!("`{text}` is no amount such as 4.92")))
}

/// `23` as 230; at most one place after the point.
pub(crate) fn permille(text: &str) -> Result<i64, Failure> {
    decimal(text, 1)
        .filter(|value| *value <= 1000)
        .ok_or_else(|| Failure::usage(format!("`{text}` is no percentage such as 23")))
}

fn decimal(text: &str, places: usize) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_point_and_part = !text.contains('.') || !part.is_empty();
    let fits = !whole.is_empty() && whole.len() <= 12 && part.len() <= places;
    if !(fits && has_point_and_part && is_digits(whole) && is_digits(part)) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("4.92", Some(492)),
            ("4.9", Some(490)),
            ("4", Some(400)),
            ("0.05", Some(5)),
            ("4.923", None),
            ("-1", None),
            ("1e3", None),
            ("4.", None),
            (".5", None),
            ("", None),
            ("99999999999999", None),
        ] {
            assert_eq!(minor(text).ok(), expected, "{text}");
        }
        assert_eq!(permille("23").ok(), Some(230));
        assert_eq!(permille("8.5").ok(), Some(85));
        assert_eq!(permille("101").ok(), None);
    }
}
