//! Lists: what was asked for (filters, order, place), and the table that answers, on a page or
//! as CSV.
//!
//! A page asks for one row more than it shows; that row says whether there is a next page
//! (keyset, never an offset). The surprise: a cell of the CSV that a spreadsheet would take for
//! a formula gets a quote before it (S-55).

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{address::encoded, cell::Cell, field::Choice, page::Page, person::Person};
use crate::{
    domain::PartnerId,
    http::{
        App,
        error::{Fault, Problem},
    },
};

/// Rows of one page.
pub const ROWS: usize = 50;
/// Rows of one CSV file; whoever wants more narrows the filters.
pub const CSV_ROWS_MAX: usize = 10_000;
const PAIRS_MAX: usize = 32;
const VALUE_OCTETS_MAX: usize = 256;

/// The query of a list: `sort`, `down`, `after`, `format`, and filters of the page's own.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pairs: Vec<(String, String)>,
}

impl FromRequestParts<App> for Ask {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        type Query = axum::extract::Query<Vec<(String, String)>>;
        let query = Query::from_request_parts(parts, app).await;
        let axum::extract::Query(pairs) =
            query.map_err(|wrong| Fault::BadRequest.says(wrong.body_text()))?;
        if pairs.len() > PAIRS_MAX || pairs.iter().any(|(_, value)| value.len() > VALUE_OCTETS_MAX)
        {
            return Err(Fault::BadRequest.says("the query is too long"));
        }
        Ok(Self { pairs })
    }
}

impl Ask {
    /// A filter as typed; empty if not asked for.
    pub fn get(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Staff name a partner; a partner's person looks among its own whatever is asked. The error
    /// is the key of what to say.
    pub(super) fn partner(
        &self,
        page: &Page,
        person: &Person,
    ) -> Result<Option<PartnerId>, &'static str> {
        let name = self.get("partner");
        if name.is_empty() || !person.is_operator() {
            return Ok(None);
        }
        let found = page.app().gateway.catalog().partner_named(name).map(|partner| partner.id);
        found.map(Some).ok_or("lists-wrong-partner")
    }

    /// The column to sort by, if it is one of these.
    pub fn sort<'c>(&self, columns: &[&'c str]) -> Option<&'c str> {
        columns.iter().find(|column| **column == self.get("sort")).copied()
    }

    pub fn is_down(&self) -> bool {
        self.get("down") == "1"
    }

    /// The key of the last row of the page before, as `List::next` was given it.
    pub fn after(&self) -> Option<&str> {
        Some(self.get("after")).filter(|after| !after.is_empty())
    }

    pub fn is_csv(&self) -> bool {
        self.get("format") == "csv"
    }

    /// How many rows to ask the store for, the one that tells of a next page included.
    pub fn rows(&self) -> usize {
        if self.is_csv() { CSV_ROWS_MAX } else { ROWS + 1 }
    }

    /// The query with one value changed; an empty one is left out, and so is the place.
    pub(super) fn with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self
            .pairs
            .iter()
            .map(|(key, value)| (&**key, &**value))
            .filter(|(key, _)| !matches!(*key, "after" | "format" | "lang"))
            .filter(|(key, _)| !changes.iter().any(|(changed, _)| changed == key));
        let pairs: Vec<String> = kept
            .chain(changes.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
            .collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

/// Rows for a page or a file, of a store that gives so many at once.
#[derive(Debug)]
pub struct Gathered<R> {
    rows: Vec<R>,
    wanted: usize,
    at_once: usize,
    /// How many were asked for last; 0 once no more will come.
    asked: usize,
}

impl<R> Gathered<R> {
    pub fn of(ask: &Ask, at_once: usize) -> Self {
        Self { rows: Vec::new(), wanted: ask.rows(), at_once, asked: at_once }
    }

    /// How many to ask for next; none once there are enough, or the store has no more.
    pub fn room(&mut self) -> Option<u32> {
        let is_over = self.rows.len() >= self.wanted || self.asked == 0;
        self.asked = self.wanted.saturating_sub(self.rows.len()).min(self.at_once);
        (!is_over).then(|| u32::try_from(self.asked).unwrap_or(u32::MAX))
    }

    /// Takes what was given; fewer than asked for are the last.
    pub fn add(&mut self, rows: Vec<R>) {
        if rows.len() < self.asked {
            self.asked = 0;
        }
        self.rows.extend(rows);
    }

    /// Behind which the next rows stand.
    pub fn last(&self) -> Option<&R> {
        self.rows.last()
    }

    pub fn rows(self) -> Vec<R> {
        self.rows
    }
}

/// One column; one with a `sort` can be sorted by.
#[derive(Debug, Clone)]
pub struct Column {
    text: String,
    sort: Option<&'static str>,
}

/// One way to narrow a list: a text to look for, or a choice.
#[derive(Debug, Clone)]
pub struct Filter {
    name: &'static str,
    text: String,
    /// Type of its input, where there are no choices.
    kind: &'static str,
    choices: Vec<Choice>,
}

/// A table with what stands around it.
#[derive(Template)]
#[template(path = "list.html", config = "src/http/portal/askama.toml")]
pub struct List<'a> {
    page: &'a Page,
    ask: &'a Ask,
    path: &'a str,
    caption: String,
    empty: String,
    columns: Vec<Column>,
    filters: Vec<Filter>,
    rows: Vec<Vec<Cell>>,
    total: Option<i64>,
    next: Option<String>,
    has_csv: bool,
}

impl HtmlSafe for List<'_> {}

impl<'a> List<'a> {
    /// `caption` names the table; `empty` says what to do when there is nothing.
    pub fn new(page: &'a Page, ask: &'a Ask, path: &'a str, caption: &str, empty: &str) -> Self {
        Self {
            page,
            ask,
            path,
            caption: page.t(caption),
            empty: page.t(empty),
            columns: Vec::new(),
            filters: Vec::new(),
            rows: Vec::new(),
            total: None,
            next: None,
            has_csv: false,
        }
    }

    #[must_use]
    pub fn column(mut self, key: &str) -> Self {
        self.columns.push(Column { text: self.page.t(key), sort: None });
        self
    }

    /// A column that the reader can sort by; `sort` is a word of the page, never of the SQL.
    #[must_use]
    pub fn sorted(mut self, key: &str, sort: &'static str) -> Self {
        self.columns.push(Column { text: self.page.t(key), sort: Some(sort) });
        self
    }

    /// A text to look for.
    #[must_use]
    pub fn search(self, name: &'static str, key: &str) -> Self {
        self.filter(name, key, Vec::new())
    }

    /// A moment, of the reader's clock.
    #[must_use]
    pub fn moment(mut self, name: &'static str, key: &str) -> Self {
        let (text, kind) = (self.page.t(key), "datetime-local");
        self.filters.push(Filter { name, text, kind, choices: Vec::new() });
        self
    }

    /// A choice; "all" is added.
    #[must_use]
    pub fn filter(mut self, name: &'static str, key: &str, choices: Vec<Choice>) -> Self {
        self.filters.push(Filter { name, text: self.page.t(key), kind: "search", choices });
        self
    }

    /// Offers the list as CSV.
    #[must_use]
    pub fn with_csv(mut self) -> Self {
        self.has_csv = true;
        self
    }

    /// How many there are in all, if that is known.
    #[must_use]
    pub fn total(mut self, total: i64) -> Self {
        self.total = Some(total);
        self
    }

    /// The rows as the store gave them, the one too many included. `key` is that of a row.
    #[must_use]
    pub fn rows<R>(
        mut self,
        found: &[R],
        key: impl Fn(&R) -> String,
        cells: impl Fn(&R) -> Vec<Cell>,
    ) -> Self {
        let shown = if self.ask.is_csv() { CSV_ROWS_MAX } else { ROWS };
        if found.len() > shown {
            self.next = found.get(shown - 1).map(key);
        }
        self.rows = found.iter().take(shown).map(cells).collect();
        self
    }

    /// Where the list goes on, if the store said it and no row too many does.
    #[must_use]
    pub fn further(mut self, next: Option<String>) -> Self {
        self.next = next.or(self.next);
        self
    }

    /// The list as a file, for `ask.is_csv()`.
    pub fn csv(&self, file: &str) -> Response {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let heads: Vec<String> =
            self.columns.iter().map(|column| safe_cell(&column.text)).collect();
        let mut written = writer.write_record(&heads);
        for row in &self.rows {
            let cells = row.iter().map(|cell| safe_cell(cell.plain()));
            written = written.and_then(|()| writer.write_record(cells));
        }
        let octets = written.map_err(|_| ()).and_then(|()| writer.into_inner().map_err(|_| ()));
        let Ok(octets) = octets else { return Problem::from(Fault::Internal).into_response() };
        // Without the mark Excel reads Polish letters as others.
        let body = [b"\xef\xbb\xbf", &octets[..]].concat();
        let name = format!("attachment; filename=\"{file}.csv\"");
        let name =
            HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static("attachment"));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (header::CONTENT_DISPOSITION, name),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, body).into_response()
    }

    // What the template asks for.

    fn sort_href(&self, sort: &str) -> String {
        let down = if self.ask.get("sort") == sort && !self.ask.is_down() { "1" } else { "" };
        format!("{}{}", self.path, self.ask.with(&[("sort", sort), ("down", down)]))
    }

    /// For `aria-sort`.
    fn order(&self, sort: &str) -> Option<&'static str> {
        (self.ask.get("sort") == sort)
            .then(|| if self.ask.is_down() { "descending" } else { "ascending" })
    }

    fn csv_href(&self) -> String {
        format!("{}{}", self.path, self.ask.with(&[("format", "csv")]))
    }

    fn next_href(&self, after: &str) -> String {
        format!("{}{}", self.path, self.ask.with(&[("after", after)]))
    }

    fn first_href(&self) -> String {
        format!("{}{}", self.path, self.ask.with(&[]))
    }

    fn is_filtered(&self) -> bool {
        self.filters.iter().any(|filter| !self.ask.get(filter.name).is_empty())
    }

    fn count_text(&self) -> String {
        let shown = i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
        let is_part = self.next.is_some() || self.ask.after().is_some();
        match self.total {
            Some(total) => self.page.count("lists-count", total),
            None if is_part => self.page.count("lists-count-here", shown),
            None => self.page.count("lists-count", shown),
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn head(&self, index: &usize) -> &str {
        self.columns.get(*index).map_or("", |column| &column.text)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn is_figures(&self, index: &usize) -> bool {
        self.rows.first().and_then(|row| row.get(*index)).is_some_and(Cell::is_figure)
    }
}

/// A cell that no spreadsheet runs (S-55).
fn safe_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        for text in ["=1+1", "+48600100200", "-5", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(safe_cell(text), format!("'{text}"));
        }
        assert_eq!(safe_cell("Acme = quiz"), "Acme = quiz");
    }

    #[test]
    fn rows_are_gathered_until_there_are_enough_or_no_more() {
        let steps = |at_once: usize, stored: usize| {
            let mut found = Gathered::of(&Ask::default(), at_once);
            let mut asked = Vec::new();
            while let Some(limit) = found.room() {
                asked.push(limit);
                let left: usize = stored - found.last().copied().unwrap_or_default();
                let begin = stored - left + 1;
                found.add((begin..begin + left.min(limit as usize)).collect());
            }
            (asked, found.rows().len())
        };
        // One row more than a page shows.
        assert_eq!(steps(500, 60), (vec![51], 51));
        assert_eq!(steps(20, 60), (vec![20, 20, 11], 51));
        assert_eq!(steps(20, 40), (vec![20, 20, 11], 40));
        assert_eq!(steps(20, 25), (vec![20, 20], 25));
        assert_eq!(steps(20, 0), (vec![20], 0));
    }

    #[test]
    fn the_query_keeps_filters_and_forgets_the_place() {
        let pairs = [("state", "in review"), ("after", "17"), ("sort", "name"), ("q", "a&b")];
        let ask =
            Ask { pairs: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec() };
        assert_eq!(ask.with(&[("sort", "at"), ("down", "")]), "?state=in%20review&q=a%26b&sort=at");
        assert_eq!(
            (ask.after(), ask.sort(&["name"]), ask.sort(&["at"])),
            (Some("17"), Some("name"), None)
        );
    }
}
