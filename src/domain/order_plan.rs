//! What the orders of each kind take, as their file lists it: steps, whose they are, how long.
//!
//! It reads no file itself; [`OrderPlan::shipped`] is the one that is built in. What surprises:
//! everything that is wrong with a file is found at once and with its line, and a file that leaves
//! out a kind is wrong too, because the verbs open orders of every kind.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use super::{agreement::Side, agreement_kind::Both, order::OrderKind};

/// The word of a step that somebody ticks.
pub const BY_HAND: &str = "hand";
const STEPS_MAX: usize = 20;
const DAYS_MAX: u16 = 60;
const NAME_MAX: usize = 40;
const TITLE_MAX: usize = 80;
const FILE_MAX: usize = 256 * 1024;

/// One step of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub name: String,
    pub title: Both,
    pub side: Side,
    pub working_days: u16,
    /// A step of the number or the service, or [`BY_HAND`].
    pub done_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOrder {
    pub kind: OrderKind,
    pub title: Both,
    pub steps: Vec<PlannedStep>,
}

impl PlannedOrder {
    /// Working days that all its steps have together.
    pub fn working_days(&self) -> u16 {
        // Within a deadline's own bound: 20 steps would have more only by mistake.
        self.steps.iter().map(|step| step.working_days).sum::<u16>().min(366)
    }
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderMistake {
    /// Counted from 1; none if something is missing from the file.
    pub line: Option<usize>,
    pub text: String,
}

impl std::fmt::Display for OrderMistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Every kind once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlan(Vec<PlannedOrder>);

type Spanned<T> = toml::Spanned<T>;

/// The file as it is written; what it means is checked later, all of it at once.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    order: Vec<FileOrder>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOrder {
    kind: Spanned<String>,
    title: Spanned<Both>,
    step: Vec<FileStep>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    name: Spanned<String>,
    title: Spanned<Both>,
    side: Spanned<String>,
    working_days: Spanned<i64>,
    done_by: Spanned<String>,
}

/// What was found, with the places where it stands.
struct Found<'t> {
    text: &'t str,
    mistakes: Vec<OrderMistake>,
}

impl Found<'_> {
    fn say(&mut self, at: &Range<usize>, text: String) {
        let line = Some(line_of(self.text, at.start));
        self.mistakes.push(OrderMistake { line, text });
    }
}

fn line_of(text: &str, octet: usize) -> usize {
    text.bytes().take(octet).filter(|octet| *octet == b'\n').count() + 1
}

impl OrderPlan {
    pub fn parse(text: &str) -> Result<Self, Vec<OrderMistake>> {
        let alone = |line, text: String| vec![OrderMistake { line, text }];
        if text.len() > FILE_MAX {
            return Err(alone(None, format!("is larger than {FILE_MAX} octets")));
        }
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            alone(line, error.message().to_owned())
        })?;
        let mut found = Found { text, mistakes: Vec::new() };
        let mut orders: Vec<PlannedOrder> = Vec::new();
        for order in &file.order {
            let (at, word) = (order.kind.span(), order.kind.get_ref());
            let Some(kind) = OrderKind::parse(word) else {
                let known: Vec<_> = OrderKind::ALL.iter().map(|kind| kind.as_str()).collect();
                found.say(&at, format!("kind `{word}` is none of {}", known.join(", ")));
                continue;
            };
            if orders.iter().any(|above| above.kind == kind) {
                found.say(&at, format!("kind `{kind}` stands above already"));
            }
            check_title(&mut found, &order.title);
            let steps = steps(&mut found, kind, order);
            orders.push(PlannedOrder { kind, title: order.title.get_ref().clone(), steps });
        }
        for kind in OrderKind::ALL {
            if !orders.iter().any(|order| order.kind == *kind) {
                let text = format!("kind `{kind}` is missing");
                found.mistakes.push(OrderMistake { line: None, text });
            }
        }
        if found.mistakes.is_empty() { Ok(Self(orders)) } else { Err(found.mistakes) }
    }

    /// The steps that are built in.
    pub fn shipped() -> Arc<Self> {
        static SHIPPED: LazyLock<Arc<OrderPlan>> = LazyLock::new(|| {
            let text = include_str!("../../config/orders.toml");
            Arc::new(OrderPlan::parse(text).expect("a test reads the shipped file"))
        });
        Arc::clone(&SHIPPED)
    }

    pub fn of(&self, kind: OrderKind) -> &PlannedOrder {
        let found = self.0.iter().find(|order| order.kind == kind);
        found.expect("a file that leaves out a kind is not read")
    }
}

/// The steps of one kind; those that are wrong are left out, which the mistakes make good.
fn steps(found: &mut Found<'_>, kind: OrderKind, order: &FileOrder) -> Vec<PlannedStep> {
    let mut steps: Vec<PlannedStep> = Vec::new();
    let at = order.kind.span();
    if order.step.len() > STEPS_MAX {
        found.say(&at, format!("`{kind}` has more than {STEPS_MAX} steps"));
    }
    for step in order.step.iter().take(STEPS_MAX) {
        check_title(found, &step.title);
        let (name, done_by) = (step.name.get_ref(), step.done_by.get_ref());
        let is_word =
            |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_';
        if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(is_word) {
            let text = format!("name `{name}` must be 1 to {NAME_MAX} of `a-z`, `0-9`, `_`");
            found.say(&step.name.span(), text);
        }
        if steps.iter().any(|above| above.name == *name) {
            found.say(&step.name.span(), format!("`{kind}` has a step `{name}` already"));
        }
        let (days, at_days) = (*step.working_days.get_ref(), step.working_days.span());
        let working_days = u16::try_from(days).ok().filter(|days| (1..=DAYS_MAX).contains(days));
        if working_days.is_none() {
            found.say(&at_days, format!("working_days {days} must be 1 to {DAYS_MAX}"));
        }
        let side = Side::parse(step.side.get_ref());
        if side.is_none() {
            let text = format!("side `{}` must be partner or operator", step.side.get_ref());
            found.say(&step.side.span(), text);
        }
        let happenings = kind.happenings();
        if done_by != BY_HAND && !happenings.contains(&done_by.as_str()) {
            let known = happenings.join(", ");
            let text = format!("done_by `{done_by}` must be {BY_HAND} or one of {known}");
            found.say(&step.done_by.span(), text);
        }
        if done_by != BY_HAND && steps.iter().any(|above| above.done_by == *done_by) {
            found.say(&step.done_by.span(), format!("`{done_by}` finishes a step above"));
        }
        steps.push(PlannedStep {
            name: name.clone(),
            title: step.title.get_ref().clone(),
            side: side.unwrap_or(Side::Operator),
            working_days: working_days.unwrap_or(1),
            done_by: done_by.clone(),
        });
    }
    if !steps.iter().any(|step| step.done_by == kind.ends_with()) {
        found.say(&at, format!("`{kind}` needs a step with done_by = \"{}\"", kind.ends_with()));
    }
    steps
}

fn check_title(found: &mut Found<'_>, title: &Spanned<Both>) {
    let Both { pl, en } = title.get_ref();
    let is_right = |text: &str| {
        (1..=TITLE_MAX).contains(&text.trim().chars().count()) && !text.contains(char::is_control)
    };
    if !is_right(pl) || !is_right(en) {
        let text = format!("a title has 1 to {TITLE_MAX} characters in both languages");
        found.say(&title.span(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/orders.toml");

    fn told(text: &str) -> Vec<String> {
        OrderPlan::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    /// The line on which a text stands last.
    fn line(text: &str, part: &str) -> usize {
        let before = &text[..text.rfind(part).unwrap()];
        before.matches('\n').count() + 1
    }

    #[test]
    fn the_shipped_file_has_every_kind_and_ends_each_with_its_work() {
        let plan = OrderPlan::shipped();
        for kind in OrderKind::ALL {
            let order = plan.of(*kind);
            assert_eq!(order.steps.last().unwrap().done_by, kind.ends_with(), "{kind}");
            assert_eq!(order.steps.first().unwrap().done_by, kind.begins_with(), "{kind}");
        }
        assert_eq!(plan.of(OrderKind::NumberActivation).working_days(), 4);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (from, to, why) in [
            ("kind = \"service_change\"", "kind = \"change\"", "kind `change` is none of"),
            ("side = \"operator\"", "side = \"both\"", "side `both` must be partner or operator"),
            ("working_days = 3", "working_days = 0", "working_days 0 must be 1 to 60"),
            ("\"number.close\"", "\"number.closed\"", "done_by `number.closed` must be hand or"),
            ("name = \"tested\"", "name = \"Tested!\"", "name `Tested!` must be"),
            ("name = \"activated\"", "name = \"ordered\"", "has a step `ordered` already"),
            ("pl = \"Zamówienie\"", "pl = \"\"", "a title has 1 to 80 characters"),
        ] {
            let text = SHIPPED.replacen(from, to, 1);
            let (told, wanted) = (told(&text), format!("line {}: ", line(&text, to)));
            let is_told = told.iter().any(|one| one.starts_with(&wanted) && one.contains(why));
            assert!(is_told, "{wanted}{why}: {told:?}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_once_and_a_kind_that_is_missing_is_one() {
        let text = SHIPPED
            .replacen("kind = \"service_closure\"", "kind = \"closure\"", 1)
            .replacen("side = \"partner\"", "side = \"x\"", 1)
            .replacen("done_by = \"number.close\"", "done_by = \"hand\"", 1);
        let told = told(&text);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().any(|one| one == "kind `service_closure` is missing"), "{told:?}");
        assert!(
            told.iter().any(|one| one.contains("needs a step with done_by = \"number.close\""))
        );
    }

    #[test]
    fn what_is_no_toml_or_has_a_strange_key_is_told_with_its_line() {
        let text = SHIPPED.replacen("working_days = 1", "working_days = 1\ncolour = 2", 1);
        let told = told(&text);
        let wanted = format!("line {}: ", line(&text, "colour"));
        assert!(told[0].starts_with(&wanted) && told[0].contains("`colour`"), "{told:?}");
        assert!(OrderPlan::parse("[[order]").is_err());
    }
}
