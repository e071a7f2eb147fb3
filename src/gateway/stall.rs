//! The stall alarm: work that could go and does not, for longer than somebody should need to notice
//! it (complaint 3).
//!
//! It looks at counters once a second and repairs nothing. What surprises: a partner that is away
//! is no stall, and neither is a message that is planned for later; but a link that is away while
//! messages wait for it is one, because only the operator can mend it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use smol_str::SmolStr;

use super::{Gateway, lane::LaneHead};
use crate::{
    domain::Lane,
    metrics::{self, partner_label},
};

/// Something that has work at this moment.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// `lane` or `link`.
    subject: &'static str,
    name: SmolStr,
    /// The name as a metric has it: partners beyond the limit share one.
    label: SmolStr,
    /// Grows with every item that went; its value means nothing.
    progress: u64,
    limit: &'static str,
}

/// A lane or link that stands still.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stall {
    pub subject: &'static str,
    pub name: SmolStr,
    /// What holds it back, as far as that is known (D35).
    pub limit: &'static str,
    /// How long nothing went.
    pub seconds: i64,
}

#[derive(Debug)]
struct Watched {
    work: Work,
    /// When it moved last, or began to have work; on the clock that nobody sets.
    since: i64,
    is_told: bool,
}

/// What had work at the last look.
#[derive(Debug, Default)]
pub(crate) struct Stalls(Mutex<HashMap<(&'static str, SmolStr), Watched>>);

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    began: Vec<Stall>,
    ended: Vec<(&'static str, SmolStr)>,
    /// Stalls by subject and label, 0 where the last one ended.
    counts: HashMap<(&'static str, SmolStr), u32>,
}

impl Stalls {
    fn watched(&self) -> MutexGuard<'_, HashMap<(&'static str, SmolStr), Watched>> {
        // A std mutex: nothing awaits while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares with the last look. Whoever has no work any more is forgotten.
    fn look(&self, now: i64, after: Duration, working: Vec<Work>) -> News {
        let after = i64::try_from(after.as_nanos()).unwrap_or(i64::MAX);
        let mut news = News::default();
        let mut watched = self.watched();
        let mut before = std::mem::take(&mut *watched);
        for work in working {
            let key = (work.subject, work.name.clone());
            let mut entry = match before.remove(&key) {
                Some(old) if old.work.progress == work.progress => Watched { work, ..old },
                Some(old) => {
                    news.end(&old);
                    Watched { work, since: now, is_told: false }
                }
                None => Watched { work, since: now, is_told: false },
            };
            if now - entry.since >= after {
                *news.counts.entry((entry.work.subject, entry.work.label.clone())).or_default() +=
                    1;
                if !std::mem::replace(&mut entry.is_told, true) {
                    news.began.push(entry.stall(now));
                }
            }
            watched.insert(key, entry);
        }
        for old in before.values() {
            news.end(old);
        }
        news
    }

    fn told(&self, now: i64) -> Vec<Stall> {
        let watched = self.watched();
        let mut stalls: Vec<Stall> =
            watched.values().filter(|entry| entry.is_told).map(|entry| entry.stall(now)).collect();
        stalls.sort_by(|one, other| (one.subject, &one.name).cmp(&(other.subject, &other.name)));
        stalls
    }
}

impl Watched {
    fn stall(&self, now: i64) -> Stall {
        Stall {
            subject: self.work.subject,
            name: self.work.name.clone(),
            limit: self.work.limit,
            seconds: (now - self.since) / 1_000_000_000,
        }
    }
}

impl News {
    fn end(&mut self, old: &Watched) {
        if old.is_told {
            self.ended.push((old.work.subject, old.work.name.clone()));
            self.counts.entry((old.work.subject, old.work.label.clone())).or_default();
        }
    }
}

impl Gateway {
    /// What stands still now, for longer than `limits.stalled_after`.
    pub fn stalls(&self) -> Vec<Stall> {
        self.inner.stalls.told(self.inner.clock.monotonic_nanos())
    }

    /// Looks once, and tells what began and what is over.
    pub(super) fn look_for_stalls(&self) {
        let now = self.inner.clock.monotonic_nanos();
        let heads = self.inner.lanes.all();
        let mut working: Vec<Work> = heads.iter().filter_map(|head| self.lane_work(head)).collect();
        working.extend(self.links_work(&heads));
        let news = self.inner.stalls.look(now, self.settings().stalled_after, working);
        for stall in &news.began {
            tracing::error!(subject = stall.subject, name = %stall.name, limit = stall.limit,
                seconds = stall.seconds, "work waits and nothing goes");
        }
        for (subject, name) in &news.ended {
            tracing::info!(subject, name = %name, "it goes on");
        }
        for ((subject, label), count) in &news.counts {
            metrics::stalled(subject, label, *count);
        }
    }

    fn lane_work(&self, head: &LaneHead) -> Option<Work> {
        let limit = self.binding_limit(head);
        // Nobody there to take it: its age is shown, and nothing here is broken.
        let is_away = limit == "absent" && !matches!(head.lane, Lane::Mt { .. });
        if is_away || !head.has_work() {
            return None;
        }
        let partner = self.partner_of(head);
        Some(Work {
            subject: "lane",
            name: self.lane_name(head, &partner),
            label: self.lane_name(head, &partner_label(&partner)),
            progress: head.moved.load(Ordering::Relaxed),
            limit,
        })
    }

    /// Links that are bound while there is work for them. One that never sent anything may be there
    /// to receive only; the lane tells if nobody else sends.
    fn links_work(&self, heads: &[std::sync::Arc<LaneHead>]) -> Vec<Work> {
        let mut links = self.registry().links();
        links.retain(|card| {
            let has_sent = card.submitted.load(Ordering::Relaxed) > 0;
            let is_sending = card.in_flight.load(Ordering::Relaxed) > 0;
            let has_work = heads.iter().any(|head| match head.lane {
                Lane::Mt { group, .. } => head.has_work() && self.group_name(group) == card.group,
                _ => false,
            });
            card.bound.load(Ordering::Relaxed) > 0 && (is_sending || (has_sent && has_work))
        });
        let work = links.iter().map(|card| Work {
            subject: "link",
            name: card.name.clone(),
            label: card.name.clone(),
            progress: card.submitted.load(Ordering::Relaxed),
            limit: **card.binding_limit.load(),
        });
        work.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const AFTER: Duration = Duration::from_mins(1);

    fn work(name: &str, progress: u64) -> Work {
        Work { subject: "lane", name: name.into(), label: name.into(), progress, limit: "window" }
    }

    fn began(news: &News) -> Vec<(&str, i64)> {
        news.began.iter().map(|stall| (stall.name.as_str(), stall.seconds)).collect()
    }

    #[test]
    fn work_without_progress_is_told_once_and_its_end_too() {
        let stalls = Stalls::default();
        assert_eq!(stalls.look(0, AFTER, vec![work("a", 7)]), News::default());
        assert_eq!(stalls.look(59 * SECOND, AFTER, vec![work("a", 7)]), News::default());
        let news = stalls.look(60 * SECOND, AFTER, vec![work("a", 7)]);
        assert_eq!(began(&news), [("a", 60)]);
        assert_eq!(news.counts[&("lane", "a".into())], 1);
        let again = stalls.look(61 * SECOND, AFTER, vec![work("a", 7)]);
        assert!(again.began.is_empty() && again.ended.is_empty());
        assert_eq!(stalls.told(62 * SECOND)[0].seconds, 62);
        let moved = stalls.look(63 * SECOND, AFTER, vec![work("a", 8)]);
        assert_eq!(moved.ended, [("lane", "a".into())]);
        assert_eq!(moved.counts[&("lane", "a".into())], 0);
        assert!(stalls.told(63 * SECOND).is_empty());
    }

    #[test]
    fn progress_and_rest_begin_the_time_anew() {
        let stalls = Stalls::default();
        stalls.look(0, AFTER, vec![work("a", 7), work("b", 1)]);
        // `a` moves, `b` has nothing to do for a moment.
        stalls.look(50 * SECOND, AFTER, vec![work("a", 8)]);
        stalls.look(51 * SECOND, AFTER, vec![work("a", 8), work("b", 1)]);
        assert!(
            stalls.look(100 * SECOND, AFTER, vec![work("a", 8), work("b", 1)]).began.is_empty()
        );
        let news = stalls.look(110 * SECOND, AFTER, vec![work("a", 8), work("b", 1)]);
        assert_eq!(began(&news), [("a", 60)]);
        // Whoever has no work is over it.
        let news = stalls.look(111 * SECOND, AFTER, vec![]);
        assert_eq!(news.ended, [("lane", "a".into())]);
    }
}
