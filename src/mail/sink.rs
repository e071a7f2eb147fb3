//! The sink: letters that go nowhere and can be looked at, for tests and the demo.
//!
//! It is only used where the configuration asks for it by name. What surprises: one-time links are
//! shown here whole, in the log too, because nobody gets them otherwise.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{letter::Attachment, render::Rendered};
use crate::store::Letter;

/// Octets of all letters kept; the oldest go first.
const OCTETS_MAX: usize = 64 * 1024 * 1024;

/// Where letters end that are not sent. Clones are the same.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Mutex<Shelf>>);

#[derive(Debug)]
struct Shelf {
    letters: VecDeque<Arc<SunkLetter>>,
    letters_max: usize,
    octets: usize,
}

/// A letter that would have been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SunkLetter {
    pub id: i64,
    /// Microseconds UTC.
    pub at: i64,
    pub recipient: String,
    pub language: String,
    pub template: String,
    /// What it is about, like `application:12`.
    pub about: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub attachments: Vec<Attachment>,
}

impl SunkLetter {
    /// The address of the button; none if it has no button.
    pub fn link(&self) -> Option<&str> {
        self.text.lines().find(|line| line.starts_with("https://") || line.starts_with("http://"))
    }

    fn octets(&self) -> usize {
        let files: usize = self.attachments.iter().map(|one| one.octets.len()).sum();
        files + self.text.len() + self.html.len() + 1024
    }
}

impl Sink {
    pub fn new(letters_max: usize) -> Self {
        let letters_max = letters_max.max(1);
        Self(Arc::new(Mutex::new(Shelf { letters: VecDeque::new(), letters_max, octets: 0 })))
    }

    /// What is kept, oldest first.
    pub fn letters(&self) -> Vec<Arc<SunkLetter>> {
        self.shelf().letters.iter().cloned().collect()
    }

    /// The newest letter to an address.
    pub fn last_to(&self, recipient: &str) -> Option<Arc<SunkLetter>> {
        self.shelf().letters.iter().rev().find(|letter| letter.recipient == recipient).cloned()
    }

    pub(super) fn keep(
        &self,
        at: i64,
        letter: &Letter,
        rendered: Rendered,
        attachments: Vec<Attachment>,
    ) {
        let Rendered { subject, text, html } = rendered;
        let kept = SunkLetter {
            id: letter.id,
            at,
            recipient: letter.recipient.clone(),
            language: letter.language.clone(),
            template: letter.template.clone(),
            about: letter.subject.clone(),
            subject,
            text,
            html,
            attachments,
        };
        tracing::info!(
            to = kept.recipient,
            subject = kept.subject,
            link = kept.link().unwrap_or("none"),
            "a letter, kept in memory and not sent"
        );
        let mut kept_so_far = self.shelf();
        kept_so_far.octets += kept.octets();
        kept_so_far.letters.push_back(Arc::new(kept));
        while kept_so_far.letters.len() > kept_so_far.letters_max
            || (kept_so_far.octets > OCTETS_MAX && kept_so_far.letters.len() > 1)
        {
            let Some(oldest) = kept_so_far.letters.pop_front() else { break };
            kept_so_far.octets = kept_so_far.octets.saturating_sub(oldest.octets());
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A std mutex: nothing awaits while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::letter::tests::letter;

    fn rendered(text: &str) -> Rendered {
        Rendered { subject: "s".into(), text: text.into(), html: String::new() }
    }

    #[test]
    fn the_newest_letters_are_kept() {
        let sink = Sink::new(2);
        for id in 1..=3 {
            let letter = Letter { id, ..letter() };
            sink.keep(id, &letter, rendered("Go:\nhttps://p.example/x\n"), Vec::new());
        }
        let ids: Vec<i64> = sink.letters().iter().map(|letter| letter.id).collect();
        assert_eq!(ids, [2, 3]);
        let last = sink.last_to("anna@zolw.example").unwrap();
        assert_eq!((last.id, last.link()), (3, Some("https://p.example/x")));
        assert_eq!(sink.last_to("nobody@zolw.example"), None);
    }

    #[test]
    fn heavy_letters_push_older_ones_out() {
        let sink = Sink::new(100);
        let file = |octets| Attachment {
            name: "a".into(),
            media_type: "application/pdf".into(),
            octets: vec![0; octets],
        };
        for id in 1..=3 {
            let letter = Letter { id, ..letter() };
            sink.keep(0, &letter, rendered(""), vec![file(OCTETS_MAX / 2)]);
        }
        assert_eq!(sink.letters().len(), 1);
    }
}
