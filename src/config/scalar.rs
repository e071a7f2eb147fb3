//! The kinds of value a key can hold: reading one from TOML, writing it back, checking its range.
//!
//! The surprise: "not set" has a spelling (`""` for names and files, `"off"` for durations), so
//! that a drop-in can take back what the main file sets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

use super::secret::{Secret, SecretFile};
use super::units::{Size, parse_duration, parse_size, show_duration, show_size};

const LIST_MAX: usize = 256;
const TEXT_OCTETS_MAX: usize = 4096;

pub(crate) trait Scalar: Sized + Clone {
    /// The value, or what it must be.
    fn scan(value: &DeValue<'_>) -> Result<Self, String>;

    /// The value as TOML.
    fn show(&self) -> String;

    /// The value within its range.
    fn read(
        value: &DeValue<'_>,
        check: &dyn Fn(&Self) -> Result<(), String>,
    ) -> Result<Self, String> {
        let read = Self::scan(value)?;
        check(&read).map(|()| read)
    }
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("must be text in quotes, not {}", with_article(value)))?;
    if text.len() > TEXT_OCTETS_MAX || text.chars().any(char::is_control) {
        return Err("must be at most 4096 octets without control characters".into());
    }
    Ok(text)
}

fn with_article(value: &DeValue<'_>) -> String {
    match value.type_str() {
        kind @ ("integer" | "array") => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}

pub(crate) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Scalar for bool {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "must be true or false".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Scalar for String {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        text(value).map(Into::into)
    }

    fn show(&self) -> String {
        quote(self)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => { $(
        impl Scalar for $type {
            fn scan(value: &DeValue<'_>) -> Result<Self, String> {
                Self::read(value, &|_| Ok(()))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn read(
                value: &DeValue<'_>,
                check: &dyn Fn(&Self) -> Result<(), String>,
            ) -> Result<Self, String> {
                let wide = whole(value)?;
                let range = || format!("must be {} to {}", Self::MIN, Self::MAX);
                match Self::try_from(wide) {
                    Ok(number) => check(&number).map(|()| number),
                    // The key's own range says more than the range of the type behind it.
                    Err(_) if wide < 0 => check(&Self::MIN).and_then(|()| Err(range())),
                    Err(_) => check(&Self::MAX).and_then(|()| Err(range())),
                }
            }
        }
    )+ };
}
whole_numbers!(u8, u16, u32, u64, usize);

fn whole(value: &DeValue<'_>) -> Result<i128, String> {
    let integer = value.as_integer().ok_or_else(|| {
        format!("must be a whole number without quotes, not {}", with_article(value))
    })?;
    i128::from_str_radix(integer.as_str(), integer.radix())
        .map_err(|_| "must be a whole number".into())
}

impl Scalar for Duration {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        parse_duration(value.as_str().unwrap_or_default())
    }

    fn show(&self) -> String {
        quote(&show_duration(*self))
    }
}

impl Scalar for Option<Duration> {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("off") {
            return Ok(None);
        }
        Duration::scan(value).map(Some).map_err(|text| format!("{text}, or \"off\""))
    }

    fn show(&self) -> String {
        self.map_or_else(|| quote("off"), |duration| duration.show())
    }
}

impl Scalar for Size {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        parse_size(value.as_str().unwrap_or_default())
    }

    fn show(&self) -> String {
        quote(&show_size(*self))
    }
}

impl Scalar for Option<PathBuf> {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let path = text(value)?;
        Ok((!path.is_empty()).then(|| path.into()))
    }

    fn show(&self) -> String {
        quote(&self.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default())
    }
}

impl Scalar for SecretFile {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        // The file is read later, when every layer has had its say about which file it is.
        Option::scan(value).map(|path| Self { path, secret: Secret::default() })
    }

    fn show(&self) -> String {
        self.path.show()
    }
}

impl Scalar for SocketAddr {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse().map_err(|_| {
            "must be an address with a port such as \"127.0.0.1:2775\" or \"[::]:2775\"".into()
        })
    }

    fn show(&self) -> String {
        quote(&self.to_string())
    }
}

impl Scalar for IpNet {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse()
            .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()))
            .map_err(|_| "must be a network such as \"192.0.2.0/24\" or one address".into())
    }

    fn show(&self) -> String {
        quote(&self.to_string())
    }
}

impl<T: Scalar> Scalar for Vec<T> {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let list = value.as_array().ok_or("must be a list in square brackets")?;
        if list.len() > LIST_MAX {
            return Err(format!("must have at most {LIST_MAX} entries"));
        }
        list.iter()
            .enumerate()
            .map(|(index, element)| {
                T::scan(element.get_ref()).map_err(|text| format!("entry {}: {text}", index + 1))
            })
            .collect()
    }

    fn show(&self) -> String {
        format!("[{}]", self.iter().map(Scalar::show).collect::<Vec<_>>().join(", "))
    }
}

/// A vendor's names for its status codes: `{ ESME_VENDOR = 0x0401 }`.
impl Scalar for BTreeMap<String, u32> {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let table = value.as_table().ok_or("must be a table such as { ESME_VENDOR = 0x0401 }")?;
        table
            .iter()
            .map(|(name, code)| {
                let name = name.get_ref();
                let code = u32::scan(code.get_ref()).map_err(|text| format!("`{name}` {text}"))?;
                Ok((name.to_string(), code))
            })
            .collect()
    }

    fn show(&self) -> String {
        let pairs: Vec<_> =
            self.iter().map(|(name, code)| format!("{} = 0x{code:08X}", quote(name))).collect();
        if pairs.is_empty() { "{}".into() } else { format!("{{ {} }}", pairs.join(", ")) }
    }
}

/// A TLV tag; written in hexadecimal, as every operator's paper does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

impl Scalar for Tag {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        match u16::scan(value) {
            Ok(tag) if tag > 0 => Ok(Self(tag)),
            _ => Err("must be a TLV tag, 0x0001 to 0xFFFF without quotes".into()),
        }
    }

    fn show(&self) -> String {
        format!("0x{:04X}", self.0)
    }
}

impl Scalar for Option<Tag> {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("") { Ok(None) } else { Tag::scan(value).map(Some) }
    }

    fn show(&self) -> String {
        self.map_or_else(|| quote(""), |tag| tag.show())
    }
}

/// A peer to dial: a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Scalar for HostPort {
    fn scan(value: &DeValue<'_>) -> Result<Self, String> {
        let wrong = || "must be a host with a port such as \"smsc.example:2775\"".to_owned();
        let (host, port) = text(value)?.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = if let Some(address) = bare {
            address.parse::<std::net::Ipv6Addr>().is_ok()
        } else {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !host.is_empty() && host.len() <= 253 && host.bytes().all(allowed)
        };
        if is_host {
            Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
        } else {
            Err(wrong())
        }
    }

    fn show(&self) -> String {
        if self.host.is_empty() { quote("") } else { quote(&self.to_string()) }
    }
}

/// A choice between words: declares the enum and its spelling.
macro_rules! words {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident { $( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),+ $(,)? }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $doc])* $variant ),+ }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word ),+ }
            }
        }

        impl crate::config::scalar::Scalar for $name {
            fn scan(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
                match value.as_str() {
                    $( Some($word) => Ok(Self::$variant), )+
                    other => Err(crate::config::scalar::not_a_word(other, &[$($word),+])),
                }
            }

            fn show(&self) -> String {
                crate::config::scalar::quote(self.as_str())
            }
        }
    };
}
pub(crate) use words;

pub(crate) fn not_a_word(said: Option<&str>, words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let (last, first) = quoted.split_last().expect("a choice has at least one word");
    let choice =
        if first.is_empty() { last.clone() } else { format!("{} or {last}", first.join(", ")) };
    let meant = said.and_then(|said| super::suggest::nearest(said, words.iter().copied()));
    match meant {
        Some(word) => format!("must be {choice}; did you mean \"{word}\"?"),
        None => format!("must be {choice}"),
    }
}
