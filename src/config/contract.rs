//! `[operator]` and `[contract]`: who signs agreements, and the numbers that stand in them.
//!
//! Every value is empty or 0 until the operator gives it, because nothing invented may stand in a
//! contract. What surprises: an empty one is no mistake here. It is named by `bramka check`, and
//! again when somebody prepares an agreement whose text needs it; the form of values is checked
//! where companies' are.

use super::range::between;
use super::walk::section;

section! {
    /// The operator as it stands in agreements. A text that needs an empty one makes no document.
    pub struct Operator {
        /// Street and number of the registered office.
        fixed street: String = String::new(), |text| is_line(text);
        /// Postal code of the registered office, `00-916`.
        fixed postal_code: String = String::new(), |text| is_line(text);
        /// Town of the registered office.
        fixed city: String = String::new(), |text| is_line(text);
        /// Tax number.
        fixed nip: String = String::new(), |text| is_line(text);
        /// Statistical number.
        fixed regon: String = String::new(), |text| is_line(text);
        /// Number in the court register.
        fixed krs: String = String::new(), |text| is_line(text);
        /// Who signs, as it follows "reprezentowanym przez" in Polish texts; may stay empty.
        fixed represented_by_pl: String = String::new(), |text| is_line(text);
        /// Who signs, as it follows "represented by" in English texts; may stay empty.
        fixed represented_by_en: String = String::new(), |text| is_line(text);
        /// Where partners write to about agreements.
        fixed mail: String = String::new(), |text| is_line(text);
        /// Where technical faults are told (R4.32).
        fixed fault_mail: String = String::new(), |text| is_line(text);
        /// Telephone for faults of the area Special SMS (R4.33).
        fixed fault_phone: String = String::new(), |text| is_line(text);
        /// Who takes complaints that a partner cannot settle (R4.35).
        fixed complaints_mail: String = String::new(), |text| is_line(text);
        /// The data protection officer.
        fixed privacy_mail: String = String::new(), |text| is_line(text);
    }
}

section! {
    /// Numbers of agreements. 0 is not decided: a text that needs it makes no document.
    pub struct Contract {
        /// Years for which confidence lasts after the end.
        fixed confidence_years: u16 = 0, between(0, 100);
        /// Penalty for a breach of confidence, whole zlotys.
        fixed confidence_penalty: u32 = 0, between(0, 100_000_000);
        /// Days for an answer to a subscriber's complaint.
        fixed complaint_days: u16 = 0, between(0, 366);
        /// Working days for the partner's word on a complaint that went to the operator.
        fixed escalation_days: u16 = 0, between(0, 366);
        /// Day of the month by which a statement comes.
        fixed statement_day: u16 = 0, between(0, 28);
        /// Days in which an invoice is paid.
        fixed payment_days: u16 = 0, between(0, 366);
        /// Least amount that is paid out, whole zlotys.
        fixed least_payout: u32 = 0, between(0, 1_000_000);
        /// Months of notice of termination.
        fixed termination_months: u16 = 0, between(0, 60);
        /// Percent of the net charges of SMS and MMS that are the partner's; stands in its annex.
        fixed share_special_sms_mms: u16 = 0, between(0, 100);
        /// The same of WAP.
        fixed share_special_wap: u16 = 0, between(0, 100);
        /// The same of special numbers.
        fixed share_special_number: u16 = 0, between(0, 100);
        /// Hours in which a breach of personal data is told.
        fixed breach_hours: u16 = 0, between(0, 72);
        /// Days after the end in which personal data are erased.
        fixed erase_days: u16 = 0, between(0, 3660);
    }
}

fn is_line(text: &str) -> Result<(), String> {
    let fits = text.chars().count() <= 200 && !text.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| "must be at most 200 characters on one line".to_owned())
}
