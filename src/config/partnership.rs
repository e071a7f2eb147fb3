//! `[partnership]`: what an operator promises to applicants, and what it asks of them.

use std::path::PathBuf;

use super::range::{between, each};
use super::walk::section;

const DAYS_MAX: u16 = 366;

section! {
    /// How companies become partners.
    pub struct Partnership {
        /// A decision is promised for the end of this day: `"5d"` counts days, `"5wd"` working days (R4.03).
        fixed decision_within: String = "5d".into(), |text| is_span(text);
        /// Asking an applicant for more stops the clock; what was promised first stays visible.
        fixed pause_on_needs_information: bool = true;
        /// A list of days off instead of the shipped Polish one, dates in the first column.
        fixed holidays_file: Option<PathBuf> = None;
        /// The operator's own classes, ranges and prices of numbers instead of the shipped Polish ones.
        fixed numbers_file: Option<PathBuf> = None;
        /// The operator's own steps of each kind of order instead of the shipped ones.
        fixed orders_file: Option<PathBuf> = None;
        /// Where the desk is told that a decision is late; empty tells nobody.
        fixed desk_mail: String = String::new();
        /// Language of letters to the desk: `"pl"` or `"en"`.
        fixed desk_language: String = "pl".into(), |text| is_language(text);
        /// Lines of the address to which signed paper is sent back (R4.11).
        fixed return_address: Vec<String> = Vec::new(), each(0, 8, |line: &String| is_line(line));
        /// Version of the privacy notice in force; it is stored with every consent.
        fixed privacy_notice: String = "2026-01".into(), |text| is_version(text);
        /// Documents an application needs: `"register_entry"`, `"nip_certificate"`, `"marketing_plan"`.
        fixed documents: Vec<String> = ["register_entry", "nip_certificate"].map(Into::into).to_vec(), each(0, 8, |word: &String| is_document(word));
        /// A copy from a register is current for so many days.
        fixed document_days_max: u16 = 90, between(1, DAYS_MAX);
        /// Days for which a saved application can be gone on with.
        fixed draft_days: u16 = 30, between(1, DAYS_MAX);
        /// Days in which a changed bank account must be confirmed by a second person.
        fixed bank_change_days: u16 = 14, between(1, 90);
        /// A charged service is live so many days after its entry in the regulator's register.
        fixed register_days: u16 = 14, between(0, DAYS_MAX);
        /// Applications that may be begun from one address in an hour (S-56).
        fixed begins_per_address: u32 = 10, between(1, 100_000);
        /// Applications that may be begun for one mail address in a day (S-56).
        fixed begins_per_mail: u32 = 5, between(1, 1000);
    }
}

fn is_span(text: &str) -> Result<(), String> {
    let number = text.strip_suffix("wd").or_else(|| text.strip_suffix('d')).unwrap_or_default();
    let is_plain = number.bytes().all(|octet| octet.is_ascii_digit());
    let days = number.parse::<u16>().ok().filter(|days| is_plain && (1..=DAYS_MAX).contains(days));
    days.map(|_| ()).ok_or_else(|| format!("must be 1 to {DAYS_MAX} and `d` or `wd`, like \"5wd\""))
}

fn is_language(text: &str) -> Result<(), String> {
    ["pl", "en"].contains(&text).then_some(()).ok_or_else(|| "must be pl or en".to_owned())
}

fn is_line(text: &str) -> Result<(), String> {
    let fits = (1..=100).contains(&text.chars().count());
    fits.then_some(()).ok_or_else(|| "must have 1 to 100 characters".to_owned())
}

fn is_version(text: &str) -> Result<(), String> {
    let is_word = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(is_word);
    fits.then_some(()).ok_or_else(|| "must be 1 to 32 letters, digits or `-._`".to_owned())
}

fn is_document(text: &str) -> Result<(), String> {
    let known = ["register_entry", "nip_certificate", "marketing_plan"];
    let fits = known.contains(&text);
    fits.then_some(()).ok_or_else(|| format!("must be one of {}", known.join(", ")))
}
