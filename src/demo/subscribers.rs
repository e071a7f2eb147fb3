//! Subscribers that text: MOs from random numbers at a steady rate.
//!
//! Each text ends in a tag that is unique over runs, so that it can be found again in every
//! journal. What surprises: when too many deliveries wait they pause instead of adding more, so a
//! gateway that is away for long sees a lower rate, never a flood from memory.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::FakeSmsc;
use crate::clock::Clock;

/// How often texts are made; many at once at high rates.
const BEAT: Duration = Duration::from_millis(10);
/// Deliveries that may wait before subscribers pause.
const OPEN_MAX: u64 = 10_000;

/// Who texts what and how often.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Texts in one second.
    pub rate: f64,
    /// Stops after so many; none: never.
    pub count: Option<u64>,
    pub short_code: String,
    /// Taken in turn; the tag is put behind.
    pub texts: Vec<String>,
}

impl Plan {
    pub fn new(rate: f64, short_code: &str) -> Self {
        Self {
            rate,
            count: None,
            short_code: short_code.to_owned(),
            texts: vec!["WIN 4711".to_owned(), "INFO weather".to_owned()],
        }
    }
}

/// Texts until the plan's count is reached and answers how many that were. Cancel-safe.
pub async fn text(smsc: &FakeSmsc, plan: &Plan) -> u64 {
    let clock = Clock::system();
    let run = format!("{:x}", clock.random() & 0xffff_ffff);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut credit = 0.0_f64;
    let mut before = Instant::now();
    let mut made = 0_u64;
    loop {
        beat.tick().await;
        let now = Instant::now();
        // A pause earns no more than one second's worth.
        credit = (credit + plan.rate * (now - before).as_secs_f64()).min(plan.rate.max(1.0));
        before = now;
        while credit >= 1.0 {
            if plan.count.is_some_and(|count| made >= count) {
                return made;
            }
            if smsc.deliveries_open() >= OPEN_MAX || send(smsc, plan, &run, made, &clock).is_none()
            {
                break;
            }
            made += 1;
            credit -= 1.0;
        }
    }
}

fn send(smsc: &FakeSmsc, plan: &Plan, run: &str, number: u64, clock: &Clock) -> Option<()> {
    let place = usize::try_from(number).ok()? % plan.texts.len().max(1);
    let text = plan.texts.get(place).map_or("WIN", String::as_str);
    let from = format!("48{:09}", 500_000_000 + clock.random() % 400_000_000);
    smsc.queue_mo(&from, &plan.short_code, &format!("{text} #{run}-{number}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo::{Esme, journal},
        smpp::{BindKind, Version},
    };

    #[tokio::test]
    async fn they_text_in_turn_with_unique_tags() {
        let smsc = FakeSmsc::start().await.unwrap();
        let plan = Plan { count: Some(6), ..Plan::new(1000.0, "7055") };
        let mut esme = Esme::bind(smsc.address(), BindKind::Receiver, Version::V34, "acme", "x")
            .await
            .unwrap();
        assert_eq!(text(&smsc, &plan).await, 6);
        let mut tags = std::collections::HashSet::new();
        let mut keywords = Vec::new();
        for _ in 0..6 {
            let message = esme.next_delivery().await.unwrap().message;
            let text = journal::text_of(&message);
            tags.insert(journal::tag_of(&text).unwrap().to_owned());
            keywords.push(text.split(' ').next().unwrap().to_owned());
            assert!(message.source.digits.starts_with(b"48"));
            assert_eq!(message.source.digits.len(), 11);
        }
        assert_eq!(tags.len(), 6);
        assert_eq!(keywords, ["WIN", "INFO", "WIN", "INFO", "WIN", "INFO"]);
    }
}
