//! What every route answers to whom, reviewed by eye whenever it changes (S-20, S-22).
//!
//! The cells are written out, so that a change of a right shows here as well; a test compares them
//! with what the need implies. The surprise: `o` counts as let in, for who may not gets `-` first.

use std::{path::Path, sync::LazyLock};

use crate::domain::{Right, Role, allows};

static TABLE: LazyLock<String> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/tests/matrix/table.txt");
    std::fs::read_to_string(path).unwrap()
});

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) method: &'static str,
    /// The pattern, perhaps with a query.
    pub(super) path: &'static str,
    pub(super) need: &'static str,
    /// In the order of `cast::Cast::all`.
    pub(super) cells: String,
    pub(super) body: &'static str,
}

impl Row {
    pub(super) fn all() -> Vec<Self> {
        TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Self::read)
            .collect()
    }

    fn read(line: &'static str) -> Self {
        let mut words = line.splitn(7, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (method, path, need) = (next(), next(), next());
        let cells = [next(), next(), next()].concat();
        assert_eq!(cells.len(), 12, "{line}");
        Self { method, path, need, cells, body: next() }
    }

    pub(super) fn pattern(&self) -> &'static str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(super) fn is_api(&self) -> bool {
        self.path.starts_with("/api/") || self.path.starts_with("/tmf-api/")
    }

    pub(super) fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether the session is dead afterwards.
    pub(super) fn ends_session(&self) -> bool {
        self.need.ends_with('!')
    }

    /// What the need says of everybody.
    pub(super) fn derived(&self) -> String {
        let mut needs = self.need.trim_end_matches('!').split('+');
        let first = needs.next().unwrap_or_default();
        let others: Vec<&str> = needs.chain([first]).collect();
        let way = |name: &str| if others.contains(&name) || first == "public" { 'x' } else { '?' };
        let mut cells: String =
            [if first == "public" { 'x' } else { '?' }, way("key"), way("applicant")]
                .into_iter()
                .collect();
        for role in Role::ALL {
            cells.push(match first {
                "public" | "session" => 'x',
                "applicant" | "key" | "link" => '?',
                right if may(right, role) => 'x',
                _ => '-',
            });
        }
        cells
    }
}

fn may(need: &str, role: Role) -> bool {
    let (word, side) = need.split_once('@').unwrap_or((need, ""));
    let word = match word.split_once('/') {
        Some((partner, operator)) => {
            if role.is_operator() {
                operator
            } else {
                partner
            }
        }
        None => word,
    };
    let right = Right::ALL.iter().find(|right| right.as_str() == word).expect(word);
    let is_there = match side {
        "partner" => !role.is_operator(),
        "operator" => role.is_operator(),
        _ => true,
    };
    is_there && allows(role, *right)
}
