//! `[complaints]`: by when complaints of subscribers are answered, and how many are too many.
//!
//! What surprises: the days of the answer are the law's, not the operator's. They are data only
//! because a parliament may change them; a shorter time of one's own belongs into the steps.

use super::range::{between, each};
use super::walk::section;

section! {
    /// Complaints of subscribers.
    pub struct Complaints {
        /// A complaint that nobody answered in so many days is accepted by law.
        fixed answer_days: u16 = 30, between(1, 366);
        /// Days after receipt at which the desk is told that a complaint is open.
        fixed steps: Vec<u16> = vec![7, 14, 21, 25], each(0, 12, between(1, 365));
        /// Working days for the word of a partner.
        fixed partner_days: u16 = 5, between(1, 366);
        /// A decided complaint is closed after so many days; an appeal opens it again.
        fixed close_days: u16 = 30, between(1, 366);
        /// Days over which complaints and charges of a service are counted.
        fixed rate_days: u16 = 30, between(1, 366);
        /// Suspension is proposed from so many complaints in those days; fewer are chance.
        fixed rate_from: u32 = 5, between(1, 1_000_000);
        /// And from so many complaints in ten thousand charges.
        fixed rate_max: u32 = 50, between(1, 10_000);
    }
}
