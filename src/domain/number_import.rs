//! A pool of numbers as the operator sends it: a CSV file, read row by row against the plan.
//!
//! A wrong row never spoils the others: each is reported by its line, with the reason. What
//! surprises: the plan decides the class and the tariff, so that a file with digits alone will do,
//! and a file that says something else is refused row by row.

use std::{collections::HashSet, ops::RangeInclusive};

use smol_str::{SmolStr, format_smolstr};

use super::number_plan::{NumberClass, NumberPlan};

/// Octets of a file, numbers in it, and numbers that one row may stand for.
pub const FILE_OCTETS_MAX: usize = 4 * 1024 * 1024;
pub const NUMBERS_MAX: usize = 20_000;
const ROW_NUMBERS_MAX: u64 = 10_000;
/// Refused rows that are named; more are only counted.
const REFUSED_MAX: usize = 10_000;
const POOL_MAX: usize = 40;

/// Columns a file may have; only `digits` is needed.
pub const COLUMNS: [&str; 6] = ["digits", "to", "class", "shared", "pool", "net"];

/// One number to be taken into the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNumber {
    /// Line of the file.
    pub line: u64,
    pub digits: SmolStr,
    pub class: SmolStr,
    pub is_shared: bool,
    pub tariff: Option<SmolStr>,
    pub pool: SmolStr,
}

/// A row that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedRow {
    pub line: u64,
    /// What stands there, not at length.
    pub digits: String,
    /// A stable word: `digits`, `length`, `class`, `unplanned`, `flag`, `twice`, `price`, ...
    pub code: &'static str,
    pub detail: String,
}

/// What a file comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NumberFile {
    pub numbers: Vec<NewNumber>,
    pub refused: Vec<RefusedRow>,
    /// Rows with something in them, the good ones and the bad ones.
    pub rows: usize,
}

/// Why one row is not taken.
struct Why(&'static str, String);

/// The whole file is not a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadFile(pub String);

/// Where each column stands.
struct Header([Option<usize>; COLUMNS.len()]);

impl Header {
    fn read(row: &csv::StringRecord) -> Result<Self, BadFile> {
        let mut places = [None; COLUMNS.len()];
        for (place, name) in row.iter().enumerate() {
            let name = name.trim().to_ascii_lowercase();
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
                let known = COLUMNS.join(", ");
                return Err(BadFile(format!("column `{}` is none of {known}", clip(&name))));
            };
            places[column] = Some(place);
        }
        match places[0] {
            Some(_) => Ok(Self(places)),
            None => Err(BadFile("the first line names the columns; `digits` is missing".into())),
        }
    }

    fn get<'r>(&self, row: &'r csv::StringRecord, column: usize) -> &'r str {
        self.0[column].and_then(|place| row.get(place)).unwrap_or_default().trim()
    }
}

/// Reads a file. Spreadsheets of Polish offices separate by `;`, which is taken as well.
pub fn read(octets: &[u8], plan: &NumberPlan, now: i64) -> Result<NumberFile, BadFile> {
    if octets.len() > FILE_OCTETS_MAX {
        return Err(BadFile(format!("the file has more than {FILE_OCTETS_MAX} octets")));
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let text = str::from_utf8(octets).map_err(|_| BadFile("the file is not UTF-8".into()))?;
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') { b';' } else { b',' };
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut rows = rows.records();
    let header = match rows.next() {
        Some(Ok(row)) => Header::read(&row)?,
        _ => return Err(BadFile("the file is empty".into())),
    };
    let (mut file, mut seen) = (NumberFile::default(), HashSet::new());
    for row in rows {
        let Ok(row) = row else {
            return Err(BadFile("the file is not CSV as it should be".into()));
        };
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        file.rows += 1;
        let line = line_of(text, &row);
        let taken = read_row(&header, &row, (plan, now), line)
            .and_then(|numbers| file.take(numbers, &mut seen));
        if let Err(Why(code, detail)) = taken
            && file.refused.len() < REFUSED_MAX
        {
            let digits = clip(header.get(&row, 0));
            file.refused.push(RefusedRow { line, digits, code, detail });
        }
    }
    Ok(file)
}

/// The line on which a row begins: the reader counts empty lines before it as part of it.
fn line_of(text: &str, row: &csv::StringRecord) -> u64 {
    let Some(position) = row.position() else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let empty = rest.iter().take_while(|octet| octet.is_ascii_whitespace());
    position.line() + empty.filter(|octet| **octet == b'\n').count() as u64
}

impl NumberFile {
    /// Takes all numbers of a row, or none of them.
    fn take(&mut self, numbers: Vec<NewNumber>, seen: &mut HashSet<SmolStr>) -> Result<(), Why> {
        if let Some(twice) = numbers.iter().find(|number| seen.contains(&number.digits)) {
            let detail = format!("{} stands in the file already", twice.digits);
            return Err(Why("twice", detail));
        }
        if self.numbers.len() + numbers.len() > NUMBERS_MAX {
            return Err(Why("too_many", format!("a file may have {NUMBERS_MAX} numbers")));
        }
        seen.extend(numbers.iter().map(|number| number.digits.clone()));
        self.numbers.extend(numbers);
        Ok(())
    }
}

fn read_row(
    header: &Header,
    row: &csv::StringRecord,
    (plan, now): (&NumberPlan, i64),
    line: u64,
) -> Result<Vec<NewNumber>, Why> {
    if row.len() > COLUMNS.len() {
        return Err(Why("columns", "the row has more cells than there are columns".into()));
    }
    let is_shared = flag(header.get(row, 3))?;
    let pool = header.get(row, 4);
    if pool.chars().count() > POOL_MAX || pool.chars().any(char::is_control) {
        return Err(Why("pool", format!("a pool has {POOL_MAX} characters at most")));
    }
    let (from, length) = digits(header.get(row, 0))?;
    let numbers = span(from, length, header.get(row, 1))?;
    let mut taken = Vec::new();
    for number in numbers {
        let digits = format_smolstr!("{number:0length$}");
        let (class, tariff) = place(plan, &digits, header.get(row, 2))?;
        check_price(plan, tariff.as_deref(), header.get(row, 5), now)?;
        taken.push(NewNumber {
            line,
            digits,
            class: class.name.clone(),
            is_shared,
            tariff,
            pool: pool.into(),
        });
    }
    Ok(taken)
}

fn digits(text: &str) -> Result<(u64, usize), Why> {
    let is_number = (3..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number => Ok((number, text.len())),
        _ => Err(Why("digits", format!("`{}` is no number of 3 to 9 digits", clip(text)))),
    }
}

/// From the first number to the one in `to`, which may be empty.
fn span(from: u64, length: usize, to: &str) -> Result<RangeInclusive<u64>, Why> {
    if to.is_empty() {
        return Ok(from..=from);
    }
    let (until, as_long) = digits(to)?;
    if as_long != length || until < from {
        return Err(Why("range", "`to` has as many digits as `digits` and is not less".into()));
    }
    if until - from >= ROW_NUMBERS_MAX {
        return Err(Why("range", format!("one row may stand for {ROW_NUMBERS_MAX} numbers")));
    }
    Ok(from..=until)
}

/// The class and tariff of a number by the plan; a class that the file names must fit.
fn place<'p>(
    plan: &'p NumberPlan,
    digits: &str,
    named: &str,
) -> Result<(&'p NumberClass, Option<SmolStr>), Why> {
    let class = match named {
        "" => None,
        name => Some(plan.class(name).ok_or_else(|| {
            let known: Vec<_> = plan.classes().map(|class| class.name.as_str()).collect();
            Why("class", format!("`{}` is none of {}", clip(name), known.join(", ")))
        })?),
    };
    let range = plan.range_of(digits);
    let class = match (class, range) {
        (Some(class), Some(range)) if class.name != range.class => {
            return Err(Why("class", format!("{digits} is {} by the plan", range.class)));
        }
        (Some(class), _) => class,
        (None, Some(range)) => {
            plan.class(&range.class).expect("the plan was checked when it was read")
        }
        (None, None) => {
            return Err(Why(
                "unplanned",
                format!("the plan has no range for {digits}; name a class"),
            ));
        }
    };
    if !class.lengths.iter().any(|length| usize::from(*length) == digits.len()) {
        let detail = format!("{} has no numbers of {} digits", class.name, digits.len());
        return Err(Why("length", detail));
    }
    Ok((class, range.and_then(|range| range.tariff.clone())))
}

/// A price in the file must be the plan's: a pool that was sold under another one is a mistake.
fn check_price(plan: &NumberPlan, tariff: Option<&str>, net: &str, now: i64) -> Result<(), Why> {
    if net.is_empty() {
        return Ok(());
    }
    let said = grosze(net)
        .ok_or_else(|| Why("price", format!("`{}` is no price such as 4.00", clip(net))))?;
    let planned = tariff.and_then(|code| plan.tariff(code)?.at(now)).map_or(0, |price| price.net);
    if said == planned {
        return Ok(());
    }
    let (zlote, grosze) = (planned / 100, planned % 100);
    Err(Why("price", format!("by the plan it is {zlote}.{grosze:02} net")))
}

fn grosze(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, "00"));
    let is_plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if !(1..=6).contains(&whole.len()) || part.len() != 2 || !is_plain(whole) || !is_plain(part) {
        return None;
    }
    Some(whole.parse::<i64>().ok()? * 100 + part.parse::<i64>().ok()?)
}

fn flag(text: &str) -> Result<bool, Why> {
    match &*text.to_lowercase() {
        "" | "no" | "nie" | "0" => Ok(false),
        "yes" | "tak" | "1" => Ok(true),
        other => Err(Why("flag", format!("shared is yes or no, not `{}`", clip(other)))),
    }
}

/// Bad input is quoted back, but never at length.
fn clip(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(32).collect()
}

#[cfg(test)]
#[path = "number_import_tests.rs"]
mod tests;
