//! Visiting every key of a configuration, for all that writes one down or compares two.
//!
//! The surprise: plain keys come before tables, whatever the order of the declaration, because in
//! TOML a key after a table's header would belong to that table.

use std::collections::BTreeMap;

use super::scalar::Scalar;
use super::walk::{Key, Section};

/// One key with its value, found while visiting a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `[http]`, `[[smsc_link]]`, `[smsc_link.tlvs.tariff]`.
    pub(crate) header: String,
    /// Path of the table the key is in; two links have one header and two of these.
    pub(crate) table: String,
    pub(crate) key: &'static str,
    pub(crate) path: String,
    /// As TOML.
    pub(crate) value: String,
    /// Whether a reload changes it without a restart.
    pub(crate) live: bool,
    pub(crate) about: &'static [&'static str],
    pub(crate) why: &'static [&'static str],
}

/// The table being visited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Header without brackets and indexes.
    name: String,
    path: String,
    in_list: bool,
    about: &'static [&'static str],
}

impl Place {
    fn inside(&self, key: &str, index: Option<usize>, about: &'static [&'static str]) -> Self {
        let join = |left: &str| if left.is_empty() { key.into() } else { format!("{left}.{key}") };
        let mut path = join(&self.path);
        if let Some(index) = index {
            path = format!("{path}[{index}]");
        }
        Self { name: join(&self.name), path, in_list: index.is_some(), about }
    }

    fn entry<S>(&self, key: &Key<S>, value: String, live: bool) -> Entry {
        let header =
            if self.in_list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) };
        let path = format!("{}.{}", self.path, key.name);
        Entry {
            header,
            table: self.path.clone(),
            key: key.name,
            path,
            value,
            live,
            about: self.about,
            why: key.why,
        }
    }
}

/// Every key of a section and of the tables in it, plain keys first.
pub(crate) fn visit<S: Section>(section: &S, place: &Place, entries: &mut Vec<Entry>) {
    for nested in [false, true] {
        for key in S::KEYS.iter().filter(|key| key.nested == nested) {
            (key.visit)(section, place, entries);
        }
    }
}

pub(crate) fn visit_scalar<S: Section, T: Scalar>(
    (name, value, live): (&str, &T, bool),
    place: &Place,
    entries: &mut Vec<Entry>,
) {
    let key = S::KEYS.iter().find(|key| key.name == name).expect("a key visits itself");
    entries.push(place.entry(key, value.show(), live));
}

pub(crate) fn visit_table<S: Section>(
    (name, section): (&str, &S),
    place: &Place,
    entries: &mut Vec<Entry>,
) {
    visit(section, &place.inside(name, None, S::ABOUT), entries);
}

pub(crate) fn visit_tables<S: Section>(
    (name, list): (&str, &[S]),
    place: &Place,
    entries: &mut Vec<Entry>,
) {
    for (index, section) in list.iter().enumerate() {
        visit(section, &place.inside(name, Some(index), S::ABOUT), entries);
    }
}

pub(crate) fn visit_map<S: Section>(
    (name, map): (&str, &BTreeMap<String, S>),
    place: &Place,
    entries: &mut Vec<Entry>,
) {
    let place = place.inside(name, None, &[]);
    for (key, section) in map {
        visit(section, &place.inside(key, None, S::ABOUT), entries);
    }
}
