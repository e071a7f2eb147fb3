//! Walking a parsed TOML document key by key, so that one pass finds every mistake.
//!
//! serde stops at the first error; this does not. Each section is a table of [`Key`]s, made by the
//! `section!` macro from one declaration, and everything else (known keys, defaults, the effective
//! file, the sample, what a reload may change) is read from that table. The surprise: a field's
//! doc comment is the line of why in the shipped sample.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Mistake;
use super::scalar::Scalar;
use super::suggest::nearest;
use super::visit::{Entry, Place};

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File as the user named it, or `environment`.
    pub source: String,
    pub line: Option<usize>,
    /// The path in that source; a drop-in counts its own `[[smsc_link]]` tables.
    pub path: String,
}

/// One key of a section.
pub(crate) struct Key<S: 'static> {
    pub(crate) name: &'static str,
    pub(crate) why: &'static [&'static str],
    /// Whether it holds tables; these follow the plain keys when a file is written.
    pub(crate) nested: bool,
    pub(crate) take: fn(&mut S, &Spanned<DeValue<'_>>, &mut Walk<'_>),
    pub(crate) visit: fn(&S, &Place, &mut Vec<Entry>),
}

pub(crate) trait Section: Clone + Default + 'static {
    const ABOUT: &'static [&'static str];
    const KEYS: &'static [Key<Self>];
}

/// What one walk over one source needs to know and collects.
pub(crate) struct Walk<'a> {
    pub(crate) source: &'a str,
    pub(crate) text: &'a str,
    /// Set for an environment variable: its name stands for the path.
    pub(crate) variable: Option<String>,
    /// Lines with a syntax error: what was recovered from them proves nothing.
    pub(crate) broken_lines: Vec<usize>,
    pub(crate) mistakes: &'a mut Vec<Mistake>,
    pub(crate) origins: &'a mut BTreeMap<String, Origin>,
    /// As counted in this source, and as counted in the configuration put together.
    path: String,
    effective: String,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        source: &'a str,
        text: &'a str,
        mistakes: &'a mut Vec<Mistake>,
        origins: &'a mut BTreeMap<String, Origin>,
    ) -> Self {
        Self {
            source,
            text,
            variable: None,
            broken_lines: Vec::new(),
            mistakes,
            origins,
            path: String::new(),
            effective: String::new(),
        }
    }

    fn inside(&mut self, key: &str, then: impl FnOnce(&mut Self)) {
        let lengths = (self.path.len(), self.effective.len());
        for path in [&mut self.path, &mut self.effective] {
            if !path.is_empty() && !key.starts_with('[') {
                path.push('.');
            }
            path.push_str(key);
        }
        then(self);
        self.path.truncate(lengths.0);
        self.effective.truncate(lengths.1);
    }

    fn inside_list(&mut self, here: usize, effective: usize, then: impl FnOnce(&mut Self)) {
        let lengths = (self.path.len(), self.effective.len());
        let _infallible = write!(self.path, "[{here}]");
        let _infallible = write!(self.effective, "[{effective}]");
        then(self);
        self.path.truncate(lengths.0);
        self.effective.truncate(lengths.1);
    }

    fn line(&self, span: &Range<usize>) -> Option<usize> {
        self.variable.is_none().then(|| line_of(self.text, span.start))
    }

    pub(crate) fn mistake(&mut self, span: &Range<usize>, value: Option<String>, text: String) {
        let line = self.line(span);
        if line.is_some_and(|line| self.broken_lines.contains(&line)) {
            return;
        }
        let path = self.variable.clone().unwrap_or_else(|| self.path.clone());
        self.mistakes.push(Mistake { source: self.source.into(), line, path, value, text });
    }

    fn note_origin(&mut self, span: &Range<usize>) {
        let origin = Origin {
            source: self.source.into(),
            line: self.line(span),
            path: self.variable.clone().unwrap_or_else(|| self.path.clone()),
        };
        self.origins.insert(self.effective.clone(), origin);
    }

    /// A value as the file spells it, when it is short enough to be worth showing.
    fn spelt(&self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        if value.get_ref().is_table() {
            return None;
        }
        let text = self.text.get(value.span())?;
        (!text.contains('\n')).then(|| text.to_owned())
    }
}

pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.split(|octet| *octet == b'\n').count()
}

pub(crate) fn take_section<S: Section>(section: &mut S, table: &DeTable<'_>, walk: &mut Walk<'_>) {
    for (name, value) in table {
        let word = name.get_ref().as_ref();
        if let Some(key) = S::KEYS.iter().find(|key| key.name == word) {
            walk.inside(word, |walk| (key.take)(section, value, walk));
        } else {
            let text = match nearest(word, S::KEYS.iter().map(|key| key.name)) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => "unknown key".into(),
            };
            walk.inside(word, |walk| walk.mistake(&name.span(), None, text));
        }
    }
}

pub(crate) fn take_scalar<T: Scalar>(
    slot: &mut T,
    value: &Spanned<DeValue<'_>>,
    check: &dyn Fn(&T) -> Result<(), String>,
    walk: &mut Walk<'_>,
) {
    match T::read(value.get_ref(), check) {
        Ok(new) => {
            *slot = new;
            walk.note_origin(&value.span());
        }
        Err(text) => {
            let spelt = walk.spelt(value);
            walk.mistake(&value.span(), spelt, text);
        }
    }
}

pub(crate) fn take_table<S: Section>(
    section: &mut S,
    value: &Spanned<DeValue<'_>>,
    walk: &mut Walk<'_>,
) {
    if let DeValue::Table(table) = value.get_ref() {
        walk.note_origin(&value.span());
        take_section(section, table, walk);
    } else {
        let (spelt, name) = (walk.spelt(value), walk.path.clone());
        walk.mistake(&value.span(), spelt, format!("must be a table: write `[{name}]`"));
    }
}

/// A list of tables. One that repeats the name of an earlier *file* changes that entry; one that
/// repeats a name within its file is a mistake.
pub(crate) fn take_tables<S: Section>(
    list: &mut Vec<S>,
    value: &Spanned<DeValue<'_>>,
    name_of: fn(&S) -> &String,
    walk: &mut Walk<'_>,
) {
    let DeValue::Array(tables) = value.get_ref() else {
        let name = walk.path.clone();
        walk.mistake(&value.span(), None, format!("must be a list: write `[[{name}]]`"));
        return;
    };
    let mut seen: Vec<&str> = Vec::new();
    for (here, element) in tables.iter().enumerate() {
        let name = element.get_ref().get("name").and_then(|name| name.get_ref().as_str());
        let index = name.and_then(|name| list.iter().position(|known| name_of(known) == name));
        let index = index.unwrap_or(list.len());
        walk.inside_list(here, index, |walk| {
            if let Some(name) = name.filter(|name| seen.contains(name)) {
                let text = format!("`{name}` is the name of another one in this file");
                walk.mistake(&element.span(), None, text);
                return;
            }
            seen.extend(name);
            let mut section = list.get(index).cloned().unwrap_or_default();
            take_table(&mut section, element, walk);
            match list.get_mut(index) {
                Some(known) => *known = section,
                None => list.push(section),
            }
        });
    }
}

/// Named tables of one kind, such as `[smsc_link.tlvs.tariff]`.
pub(crate) fn take_map<S: Section>(
    map: &mut BTreeMap<String, S>,
    value: &Spanned<DeValue<'_>>,
    walk: &mut Walk<'_>,
) {
    let DeValue::Table(table) = value.get_ref() else {
        walk.mistake(&value.span(), None, "must be a table of tables".into());
        return;
    };
    for (name, value) in table {
        let word = name.get_ref().as_ref();
        walk.inside(word, |walk| {
            if !is_name(word) {
                let text = "must be named with lower case letters, digits and `_`".into();
                walk.mistake(&name.span(), None, text);
                return;
            }
            let mut section = map.get(word).cloned().unwrap_or_default();
            take_table(&mut section, value, walk);
            map.insert(word.to_owned(), section);
        });
    }
}

pub(crate) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 64
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// `r#type` is written `type`.
pub(crate) const fn key_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares a section: its struct, its default, and the table of its keys.
///
/// A line is `KIND name: Type = default, check;`. Kinds: `fixed` needs a restart, `live` changes
/// with a reload; `table`, `tables` (with the function that names an entry) and `map` nest.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $( $(#[doc = $why:literal])+ $kind:ident $field:ident: $type:ty = $default:expr $(, $check:expr)?; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $why])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl crate::config::walk::Section for $name {
            const ABOUT: &'static [&'static str] = &[$($about),+];
            const KEYS: &'static [crate::config::walk::Key<Self>] = &[$(
                crate::config::walk::Key {
                    name: crate::config::walk::key_name(stringify!($field)),
                    why: &[$($why),+],
                    nested: crate::config::walk::section!(@nested $kind),
                    take: |section, value, walk| {
                        crate::config::walk::section!(@take $kind section $field value walk $($check)?);
                    },
                    visit: |section, place, entries| {
                        let name = crate::config::walk::key_name(stringify!($field));
                        crate::config::walk::section!(@visit $kind section $field name place entries);
                    },
                },
            )+];
        }
    };
    (@nested fixed) => { false };
    (@nested live) => { false };
    (@nested $kind:ident) => { true };
    (@take table $s:ident $f:ident $v:ident $w:ident) => {
        crate::config::walk::take_table(&mut $s.$f, $v, $w)
    };
    (@take map $s:ident $f:ident $v:ident $w:ident) => {
        crate::config::walk::take_map(&mut $s.$f, $v, $w)
    };
    (@take tables $s:ident $f:ident $v:ident $w:ident $name_of:expr) => {
        crate::config::walk::take_tables(&mut $s.$f, $v, $name_of, $w)
    };
    (@take $kind:ident $s:ident $f:ident $v:ident $w:ident) => {
        crate::config::walk::take_scalar(&mut $s.$f, $v, &|_| Ok(()), $w)
    };
    (@take $kind:ident $s:ident $f:ident $v:ident $w:ident $check:expr) => {
        crate::config::walk::take_scalar(&mut $s.$f, $v, &$check, $w)
    };
    (@visit table $s:ident $f:ident $n:ident $p:ident $e:ident) => {
        crate::config::visit::visit_table(($n, &$s.$f), $p, $e)
    };
    (@visit map $s:ident $f:ident $n:ident $p:ident $e:ident) => {
        crate::config::visit::visit_map(($n, &$s.$f), $p, $e)
    };
    (@visit tables $s:ident $f:ident $n:ident $p:ident $e:ident) => {
        crate::config::visit::visit_tables(($n, &$s.$f), $p, $e)
    };
    (@visit live $s:ident $f:ident $n:ident $p:ident $e:ident) => {
        crate::config::visit::visit_scalar::<Self, _>(($n, &$s.$f, true), $p, $e)
    };
    (@visit fixed $s:ident $f:ident $n:ident $p:ident $e:ident) => {
        crate::config::visit::visit_scalar::<Self, _>(($n, &$s.$f, false), $p, $e)
    };
}
pub(crate) use section;
