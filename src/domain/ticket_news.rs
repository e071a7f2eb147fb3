//! What a listener of the ticket hub is told, and which of it a listener wants (TMF621, TMF630).
//!
//! It writes no event and sends none. What surprises: one step of a ticket can be two events. That
//! its status changed is told to everybody who follows statuses, and that it was resolved, or that
//! somebody must answer, to those who wait for that alone.

use super::{agreement::words, ticket::TicketState};

words! {
    /// The events of TMF621.
    TicketNews {
        Created = "TroubleTicketCreateEvent",
        Changed = "TroubleTicketAttributeValueChangeEvent",
        Status = "TroubleTicketStatusChangeEvent",
        Resolved = "TroubleTicketResolvedEvent",
        /// It waits for an answer of whoever reported it, or of the partner.
        Asked = "TroubleTicketInformationRequiredEvent",
        /// It is no ticket of this listener's any more.
        Deleted = "TroubleTicketDeleteEvent",
    }
}

impl TicketNews {
    /// What a step from one state to another is told as.
    pub fn of_step(from: TicketState, to: TicketState) -> Vec<Self> {
        if from == to {
            return vec![Self::Changed];
        }
        let more = match to {
            TicketState::Resolved => Some(Self::Resolved),
            TicketState::Pending => Some(Self::Asked),
            _ => None,
        };
        [Self::Status].into_iter().chain(more).collect()
    }
}

/// Which events a listener wants; none named is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewsFilter(Vec<TicketNews>);

impl NewsFilter {
    /// Reads `eventType=A,B`, also given several times. None for what it cannot filter by: a
    /// listener that asked for less must not be told more.
    pub fn parse(query: &str) -> Option<Self> {
        let mut kinds = Vec::new();
        for part in query.trim().trim_start_matches('?').split('&') {
            if part.is_empty() && query.trim().is_empty() {
                continue;
            }
            let (name, words) = part.split_once('=')?;
            if name.trim() != "eventType" {
                return None;
            }
            for word in words.split(',') {
                let kind = TicketNews::parse(word.trim())?;
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        Some(Self(kinds))
    }

    /// `,A,B,`, in which a statement finds a name between commas; empty for all.
    pub fn as_list(&self) -> String {
        let mut list = String::new();
        for kind in &self.0 {
            if list.is_empty() {
                list.push(',');
            }
            list.push_str(kind.as_str());
            list.push(',');
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_as_a_status_and_as_what_somebody_waits_for() {
        use TicketState as S;
        for (from, to, told) in [
            (S::Acknowledged, S::InProgress, vec![TicketNews::Status]),
            (S::InProgress, S::InProgress, vec![TicketNews::Changed]),
            (S::InProgress, S::Resolved, vec![TicketNews::Status, TicketNews::Resolved]),
            (S::InProgress, S::Pending, vec![TicketNews::Status, TicketNews::Asked]),
            (S::Resolved, S::Closed, vec![TicketNews::Status]),
        ] {
            assert_eq!(TicketNews::of_step(from, to), told, "{from} {to}");
        }
    }

    #[test]
    fn a_filter_is_read_whole_or_not_at_all() {
        let status = ",TroubleTicketStatusChangeEvent,";
        for (query, list) in [
            ("", Some("")),
            ("eventType=TroubleTicketStatusChangeEvent", Some(status)),
            ("?eventType=TroubleTicketStatusChangeEvent", Some(status)),
            (
                "eventType=TroubleTicketStatusChangeEvent&eventType=TroubleTicketStatusChangeEvent",
                Some(status),
            ),
            (
                "eventType=TroubleTicketCreateEvent,TroubleTicketDeleteEvent",
                Some(",TroubleTicketCreateEvent,TroubleTicketDeleteEvent,"),
            ),
            ("eventType=", None),
            ("eventType=OrderCreateEvent", None),
            ("severity=critical", None),
            ("eventType=TroubleTicketCreateEvent&severity=critical", None),
            ("&", None),
        ] {
            let read = NewsFilter::parse(query).map(|filter| filter.as_list());
            assert_eq!(read.as_deref(), list, "{query}");
        }
    }
}
