//! Charts, drawn on the server as SVG: lines over time, with axes, units and a legend.
//!
//! It knows no noun and has no colours: lines have classes, and the stylesheet gives each a colour
//! for light and dark and a pattern of its own, because colour alone tells nothing to many
//! (WCAG 1.4.1). The surprise: the same figures stand below as a table, closed at first. That is
//! the chart for whoever cannot see one.

use askama::{Template, filters::HtmlSafe};

use super::page::Page;

/// The drawing in its own units; the page scales it.
const WIDTH: usize = 720;
const HEIGHT: usize = 260;
const LEFT: usize = 64;
/// Half of a label of the axis has its place here.
const RIGHT: usize = 28;
const TOP: usize = 28;
const BOTTOM: usize = 46;
/// Where the lines lie that are at nothing, and where they end.
const FLOOR: usize = HEIGHT - BOTTOM;
const END: usize = WIDTH - RIGHT;
/// Marks of the axes at most.
const TICKS_MAX: i64 = 5;
const LABELS_MAX: usize = 8;

/// One line: its name, its class, a value for each step.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub class: &'static str,
    pub values: Vec<i64>,
}

/// One step of time: short under the axis, whole in the table.
#[derive(Debug, Clone)]
pub struct StepName {
    pub short: String,
    pub whole: String,
}

/// What a chart shows; the template draws it.
#[derive(Template)]
#[template(path = "chart.html", config = "src/http/portal/askama.toml")]
pub struct Chart<'p> {
    page: &'p Page,
    /// Tells the charts of one page apart.
    id: String,
    title: String,
    /// What it says, in a sentence.
    summary: String,
    unit: String,
    /// What the steps are: the head of the first column.
    time: String,
    steps: Vec<StepName>,
    series: Vec<Series>,
    /// The value at the top of the axis.
    most: i64,
}

impl HtmlSafe for Chart<'_> {}

/// A mark of an axis: where, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    at: usize,
    text: String,
}

impl<'p> Chart<'p> {
    /// `unit` says what is counted, `time` what a step is.
    pub fn new(page: &'p Page, id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            page,
            id: id.into(),
            title: title.into(),
            summary: String::new(),
            unit: String::new(),
            time: String::new(),
            steps: Vec::new(),
            series: Vec::new(),
            most: 1,
        }
    }

    #[must_use]
    pub fn saying(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    #[must_use]
    pub fn axes(mut self, unit: impl Into<String>, time: impl Into<String>) -> Self {
        (self.unit, self.time) = (unit.into(), time.into());
        self
    }

    /// Each series has a value for each step.
    #[must_use]
    pub fn lines(mut self, steps: Vec<StepName>, series: Vec<Series>) -> Self {
        let highest = series.iter().flat_map(|line| line.values.iter().copied()).max();
        let highest = highest.unwrap_or_default().max(1);
        let step = tick(highest);
        self.most = (highest.saturating_add(step - 1) / step).saturating_mul(step);
        (self.steps, self.series) = (steps, series);
        self
    }

    // What the template asks for.

    fn y(&self, value: i64) -> usize {
        let room = FLOOR - TOP;
        let share = i128::from(value.clamp(0, self.most)) * i128::try_from(room).unwrap_or(0)
            / i128::from(self.most);
        FLOOR - usize::try_from(share).unwrap_or_default()
    }

    fn x(&self, index: usize) -> usize {
        let gaps = self.steps.len().saturating_sub(1).max(1);
        LEFT + index * (WIDTH - LEFT - RIGHT) / gaps
    }

    /// Marks of the axis of values, from nothing up.
    fn values(&self) -> Vec<Mark> {
        let step = tick(self.most);
        (0..=self.most / step)
            .map(|index| index * step)
            .map(|value| Mark { at: self.y(value), text: self.page.number(value) })
            .collect()
    }

    /// Marks of the axis of time, as many as have room. The last step always has one.
    fn times(&self) -> Vec<Mark> {
        let every = self.steps.len().div_ceil(LABELS_MAX).max(1);
        let mut marks: Vec<Mark> = self
            .steps
            .iter()
            .enumerate()
            .rev()
            .step_by(every)
            .map(|(index, step)| Mark { at: self.x(index), text: step.short.clone() })
            .collect();
        marks.reverse();
        marks
    }

    fn points(&self, line: &Series) -> String {
        let points = line.values.iter().enumerate();
        let points: Vec<String> =
            points.map(|(index, value)| format!("{},{}", self.x(index), self.y(*value))).collect();
        points.join(" ")
    }

    /// Rows of the table: the whole name of the step, and the values.
    fn rows(&self) -> Vec<(&str, Vec<String>)> {
        let values = |index: usize| {
            let values = self.series.iter().map(|line| line.values.get(index).copied());
            values.map(|value| self.page.number(value.unwrap_or_default())).collect()
        };
        let steps = self.steps.iter().enumerate();
        steps.map(|(index, step)| (step.whole.as_str(), values(index))).collect()
    }
}

/// The distance of marks: 1, 2 or 5 times a power of ten, so that there are few of them.
fn tick(highest: i64) -> i64 {
    let mut power = 1_i64;
    loop {
        for times in [1, 2, 5] {
            let step = power.saturating_mul(times);
            if highest / step <= TICKS_MAX {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_at_round_numbers_and_are_few() {
        for (highest, step) in [
            (1, 1),
            (5, 1),
            (6, 2),
            (11, 2),
            (12, 5),
            (60, 20),
            (119, 20),
            (1234, 500),
            (5_000_000, 1_000_000),
            (i64::MAX, 2_000_000_000_000_000_000),
        ] {
            assert_eq!(tick(highest), step, "{highest}");
        }
    }
}
