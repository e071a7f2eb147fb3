//! Words for people, in Polish and English, from the Fluent files in `texts/`.
//!
//! A key is `AREA-what`, in the file of its area, in both languages; a test finds keys that are
//! missing, unused or unknown. The surprise: an unknown key is shown as itself instead of failing
//! a page, because a page with one odd word is worth more than none.

use std::{fmt, sync::LazyLock};

use axum::http::{HeaderMap, header};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// The files, as area, English, Polish.
macro_rules! areas {
    ($($area:literal),+ $(,)?) => {
        const AREAS: &[(&str, &str, &str)] = &[$((
            $area,
            include_str!(concat!("texts/en/", $area, ".ftl")),
            include_str!(concat!("texts/pl/", $area, ".ftl")),
        )),+];
    };
}

areas![
    "accounts",
    "agreements",
    "apply",
    "audit",
    "bank",
    "complaints",
    "desk",
    "docs",
    "errors",
    "faults",
    "forms",
    "frame",
    "gallery",
    "letters",
    "lists",
    "live",
    "messages",
    "numbers",
    "orders",
    "problems",
    "replays",
    "sandbox",
    "services",
    "specifications",
    "start",
    "time",
    "traffic",
];

/// A language that everything is said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    English,
    Polish,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Polish, Self::English];

    /// For `lang` in HTML and for cookies.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Polish => "pl",
        }
    }

    /// As its own speakers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Polish => "Polski",
        }
    }

    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// Its place where texts are kept as English first, Polish second.
    pub fn place(self) -> usize {
        usize::from(self == Self::Polish)
    }

    /// The better of the two for a reader, by Accept-Language. [RFC 9110 s12.5.4]
    pub fn wanted(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let weight = |tag: &str| {
            wanted
                .unwrap_or_default()
                .split(',')
                .take(32)
                .filter_map(|range| {
                    let mut pieces = range.split(';').map(str::trim);
                    let primary = pieces.next()?.split('-').next()?;
                    let quality = pieces.find_map(|piece| piece.strip_prefix("q="));
                    let quality: f32 = quality.map_or(Some(1.0), |text| text.parse().ok())?;
                    primary.eq_ignore_ascii_case(tag).then_some(quality)
                })
                .fold(0.0_f32, f32::max)
        };
        if weight("pl") > weight("en") { Self::Polish } else { Self::English }
    }
}

type Bundle = FluentBundle<FluentResource>;

/// Parsed once, at the first page.
static BUNDLES: LazyLock<[Bundle; 2]> =
    LazyLock::new(|| [bundle(Language::English), bundle(Language::Polish)]);

fn bundle(language: Language) -> Bundle {
    let locale: LanguageIdentifier = language.tag().parse().expect("both tags are well formed");
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    // The marks that isolate inserted text are for scripts of both directions; here they would
    // only travel along when somebody copies a number from a page.
    bundle.set_use_isolating(false);
    for (area, english, polish) in AREAS {
        let text = if language == Language::Polish { polish } else { english };
        let resource =
            FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(half, wrong)| {
                tracing::error!(area, ?wrong, "a file of texts has mistakes");
                half
            });
        if let Err(wrong) = bundle.add_resource(resource) {
            tracing::error!(area, ?wrong, "a text is there twice");
        }
    }
    bundle
}

/// A value within a text.
#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    /// Chooses the plural as well.
    Count(i64),
}

impl Value {
    pub fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }
}

/// The text behind a key.
pub fn t(language: Language, key: &str, values: &[(&str, Value)]) -> String {
    find(language, key, None, values).unwrap_or_else(|| key.to_owned())
}

/// The same, or none for an unknown key.
pub fn known(language: Language, key: &str) -> Option<String> {
    find(language, key, None, &[])
}

/// The text behind an attribute of a key, such as the hint of a field, if there is one.
pub fn attribute(language: Language, key: &str, name: &str) -> Option<String> {
    find(language, key, Some(name), &[])
}

fn find(
    language: Language,
    key: &str,
    attribute: Option<&str>,
    values: &[(&str, Value)],
) -> Option<String> {
    let bundle = &BUNDLES[language.place()];
    let message = bundle.get_message(key)?;
    let pattern = match attribute {
        Some(name) => message.get_attribute(name)?.value(),
        None => message.value()?,
    };
    let mut given = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        match value {
            Value::Text(text) => given.set((*name).to_owned(), FluentValue::from(text.clone())),
            Value::Count(count) => given.set((*name).to_owned(), FluentValue::from(*count)),
        }
    }
    let mut wrong = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&given), &mut wrong).into_owned();
    if !wrong.is_empty() {
        tracing::warn!(key, ?wrong, "a text could not be made whole");
    }
    Some(text)
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
