//! What happened and what is to do: timelines, task lists, and the line of stations that says
//! whose turn it is.
//!
//! They know no noun; a page fills them from happenings and states. The surprise: the current
//! station says whose turn it is in words, because that is what people come to the page for.

use askama::{Template, filters::HtmlSafe};

use super::cell::{Tag, Time, Tone};

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Step {
    pub at: Time,
    pub what: String,
    /// Who did it, as the reader may know it.
    pub who: String,
    /// Why, in the words of who did it.
    pub why: Option<String>,
    pub tone: Tone,
}

/// What happened, the latest first.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "timeline.html", config = "src/http/portal/askama.toml")]
pub struct Timeline {
    pub steps: Vec<Step>,
}

impl HtmlSafe for Timeline {}

/// One task; without `href` it cannot be started yet.
#[derive(Debug, Clone)]
pub struct Task {
    pub text: String,
    pub hint: Option<String>,
    pub href: Option<String>,
    pub state: Tag,
}

/// Tasks in sections.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "task_list.html", config = "src/http/portal/askama.toml")]
pub struct TaskList {
    pub tasks: Vec<Task>,
}

impl HtmlSafe for TaskList {}

/// Where a station stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    Done,
    Here,
    Ahead,
    /// The way ended here, and not well.
    Stopped,
}

/// One station of the way.
#[derive(Debug, Clone)]
pub struct Station {
    pub text: String,
    pub passed: Passed,
    /// When it was passed, or by when it will be; whose turn it is.
    pub note: Option<String>,
}

/// The way of a thing, like that of a parcel.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parcel.html", config = "src/http/portal/askama.toml")]
pub struct Parcel {
    /// What the line as a whole is, for those who hear it.
    pub label: String,
    pub stations: Vec<Station>,
}

impl HtmlSafe for Parcel {}

impl Station {
    pub fn new(passed: Passed, text: impl Into<String>) -> Self {
        Self { text: text.into(), passed, note: None }
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn class(&self) -> &'static str {
        match self.passed {
            Passed::Done => "done",
            Passed::Here => "here",
            Passed::Ahead => "ahead",
            Passed::Stopped => "stopped",
        }
    }
}

/// The name in what the store keeps of a doer, such as `user:7:Anna Lis`; the rest is for the
/// audit trail.
pub fn doer(who: &str) -> &str {
    let mut parts = who.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("user"), Some(_), Some(name)) | (Some("operator"), Some(name), _) => name,
        _ => who,
    }
}
