//! `[faults]`: by when faults are answered and solved, whom to call, what the gateway files by
//! itself.
//!
//! What surprises: the lists with four entries are by severity, the worst first: critical, major,
//! minor, question.

use std::time::Duration;

use super::machine::secs;
use super::range::{between, each, lasting};
use super::walk::section;

section! {
    /// Fault reports of partners, and those of the gateway itself.
    pub struct Faults {
        /// Until when somebody takes a fault, by severity: `"1h"` by the clock, `"5d"` and `"5wd"` until the end of a day.
        fixed answer_within: Vec<String> = ["1h", "4h", "1wd", "3wd"].map(Into::into).to_vec(), each(4, 4, |text: &String| is_span(text));
        /// Until when a fault is solved, by severity.
        fixed solve_within: Vec<String> = ["4h", "1wd", "5wd", "10wd"].map(Into::into).to_vec(), each(4, 4, |text: &String| is_span(text));
        /// Waiting for the partner stops the clock; only where the contract says so.
        fixed pause_while_pending: bool = true;
        /// Shares of the time to a solution, in percent, at which the desk is told.
        fixed escalate_at: Vec<u16> = vec![50, 80, 100], each(0, 8, between(1, 100));
        /// A solved fault can be opened again for so long; then it is closed.
        fixed close_after: String = "5wd".into(), |text| is_span(text);
        /// Mail address of an area, `"wap=wap@example.com"`: sms, wap, number, portal, settlement; others have `operator.fault_mail` (R4.34).
        fixed area_mails: Vec<String> = Vec::new(), each(0, 5, |line: &String| of_area(line));
        /// Telephone of an area, `"wap=+48 22 000 00 00"`; sms has `operator.fault_phone` if it is not here (R4.33).
        fixed area_phones: Vec<String> = Vec::new(), each(0, 5, |line: &String| of_area(line));
        /// The gateway files a fault when a link was down for so long.
        fixed link_down_after: Duration = secs(300), lasting(secs(60), secs(86_400));
        /// The gateway files a fault when so many messages wait too long for their receipts.
        fixed receipts_missing: u32 = 100, between(1, 1_000_000);
        /// A receipt is missing so long after its message was accepted.
        fixed receipt_late_after: Duration = secs(3600), lasting(secs(60), secs(604_800));
        /// The gateway files a fault when so many messages more became unknown within an hour.
        fixed unknown_growth: u32 = 50, between(1, 1_000_000);
    }
}

fn is_span(text: &str) -> Result<(), String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let is_unit = ["h", "d", "wd"].contains(&&text[number.len()..]);
    let is_plain = number.bytes().all(|octet| octet.is_ascii_digit());
    let fits = number.parse().is_ok_and(|count: u16| (1..=366).contains(&count));
    let is_right = is_unit && is_plain && fits;
    is_right.then_some(()).ok_or_else(|| "must be 1 to 366 and `h`, `d` or `wd`".to_owned())
}

fn of_area(line: &str) -> Result<(), String> {
    let known = ["sms", "wap", "number", "portal", "settlement"];
    let is_right = line.split_once('=').is_some_and(|(area, value)| {
        known.contains(&area)
            && (1..=100).contains(&value.chars().count())
            && !value.chars().any(char::is_control)
    });
    let say = || format!("must be AREA=VALUE, with an area of {}", known.join(", "));
    is_right.then_some(()).ok_or_else(say)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_hours_days_or_working_days_and_a_contact_names_its_area() {
        for (text, is_good) in [
            ("1h", true),
            ("5wd", true),
            ("366d", true),
            ("0h", false),
            ("5w", false),
            ("h", false),
        ] {
            assert_eq!(is_span(text).is_ok(), is_good, "{text}");
        }
        for (text, is_good) in
            [("wap=a@b.pl", true), ("sms=+48 22 1", true), ("gsm=1", false), ("wap=", false)]
        {
            assert_eq!(of_area(text).is_ok(), is_good, "{text}");
        }
    }
}
