//! One number as the catalog knows it: whose its keywords are and who may use it now.
//!
//! It decides nothing about a service's state. The surprise: two sources meet here. Services say
//! which keywords they answer, the base of numbers says who holds them, and both must agree.

use std::{collections::HashMap, sync::Arc};

use super::{
    number::{KEYWORD_SEPARATORS, Keyword},
    partner::PartnerId,
    service::Service,
};
use crate::payload;

#[derive(Debug, Clone, Default)]
pub(super) struct Number {
    pub(super) keywords: HashMap<Keyword, Arc<Service>>,
    pub(super) catch_all: Option<Arc<Service>>,
    /// Those that answer standard words.
    pub(super) subscriptions: Vec<Arc<Service>>,
    /// Who may use it now; none if the base of numbers leaves that to its services.
    pub(super) whole: Option<Use>,
    pub(super) words: HashMap<Keyword, Use>,
}

/// The partner that may use a number now, if any may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use(pub(super) Option<PartnerId>);

impl Number {
    /// Takes a service out. A keyword that another has taken over in the meantime stays there.
    pub(super) fn forget(&mut self, service: &Service) {
        for keyword in &service.keywords {
            if self.keywords.get(keyword).is_some_and(|user| user.id == service.id) {
                self.keywords.remove(keyword);
            }
        }
        self.catch_all.take_if(|user| user.id == service.id);
        self.subscriptions.retain(|user| user.id != service.id);
    }

    pub(super) fn is_open_for(&self, partner: PartnerId, keyword: &Keyword) -> bool {
        let is_open = |user: &Use| user.0 == Some(partner);
        self.whole.as_ref().is_none_or(is_open) && self.words.get(keyword).is_none_or(is_open)
    }

    /// Whether an MT may leave: at least one way of the service to its subscribers is open.
    pub(super) fn lets_send(&self, service: &Service) -> bool {
        let whole = self.whole.as_ref().is_none_or(|user| user.0 == Some(service.partner));
        let mut words = service.keywords.iter();
        whole
            && (self.words.is_empty()
                || service.keywords.is_empty()
                || words.any(|keyword| self.is_open_for(service.partner, keyword)))
    }

    pub(super) fn longest_keyword(&self, text: &str) -> Option<(&Arc<Service>, Keyword)> {
        if self.keywords.is_empty() {
            return None;
        }
        let folded = payload::fold(payload::opening(text));
        let folded = folded.as_ref();
        let limit = folded.len().min(Keyword::OCTETS_MAX);
        let octets = folded.as_bytes();
        // From the longest candidate down: a keyword ends at the end of the text or before a
        // separator. `AP.ABC` is tried before `AP`.
        for end in (1..=limit).rev() {
            let ends_here = end == octets.len() || KEYWORD_SEPARATORS.contains(&octets[end]);
            if !ends_here || !folded.is_char_boundary(end) {
                continue;
            }
            if let Ok(keyword) = Keyword::parse(&folded[..end])
                && let Some(service) = self.keywords.get(&keyword)
            {
                return Some((service, keyword));
            }
        }
        None
    }
}
