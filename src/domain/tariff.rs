//! What the subscriber pays. A tariff has dated versions; a message keeps the version of its
//! own moment, so that a later change of price never touches it.

use smol_str::SmolStr;

/// An amount in minor units (grosze) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Money {
    pub amount_minor: i64,
    pub currency: Currency,
}

/// An ISO 4217 code, three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const PLN: Self = Self(*b"PLN");

    pub fn parse(text: &str) -> Option<Self> {
        let octets: [u8; 3] = text.as_bytes().try_into().ok()?;
        octets.iter().all(u8::is_ascii_uppercase).then_some(Self(octets))
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a currency is three capital letters")
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Money {
    pub const fn pln(amount_minor: i64) -> Self {
        Self { amount_minor, currency: Currency::PLN }
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let minor = self.amount_minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TariffId(pub i64);

/// One price band. `code` is what partners and links name it by.
#[derive(Debug, Clone)]
pub struct Tariff {
    pub id: TariffId,
    pub code: SmolStr,
    /// Sorted by `from`, at least one.
    pub versions: Vec<TariffVersion>,
}

/// A price from a moment on. Net, VAT and the published gross are kept apart: the published
/// gross is not always net with VAT, rounded. [poland.md 1]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TariffVersion {
    /// Microseconds UTC.
    pub from: i64,
    pub net: Money,
    /// VAT in tenths of a percent: 230 is 23 %.
    pub vat_permille: i64,
    /// What the subscriber pays.
    pub gross: Money,
}

impl Tariff {
    /// The version in force at `now`; none before the first one begins.
    pub fn at(&self, now: i64) -> Option<&TariffVersion> {
        self.versions.iter().rev().find(|version| version.from <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tariff_answers_with_the_version_of_the_moment() {
        let version = |from, gross| TariffVersion {
            from,
            net: Money::pln(gross * 100 / 123),
            vat_permille: 230,
            gross: Money::pln(gross),
        };
        let tariff = Tariff {
            id: TariffId(1),
            code: "T4".into(),
            versions: vec![version(100, 492), version(200, 500)],
        };
        assert_eq!(tariff.at(99), None);
        assert_eq!(tariff.at(100).unwrap().gross, Money::pln(492));
        assert_eq!(tariff.at(199).unwrap().gross, Money::pln(492));
        assert_eq!(tariff.at(200).unwrap().gross, Money::pln(500));
    }

    #[test]
    fn money_reads_as_people_write_it() {
        assert_eq!(Money::pln(492).to_string(), "4.92 PLN");
        assert_eq!(Money::pln(-5).to_string(), "-0.05 PLN");
    }
}
