//! What identifies a company: register numbers with their check digits, addresses, an account.
//!
//! Input is taken as people write it, with spaces, dashes and a leading `PL`, and kept in one
//! form. It asks no register whether a number was ever given out.
//!
//! What surprises: a NIP whose check sum comes out as 10 does not exist, while a REGON's then
//! ends in 0.

use super::fields::{BadValue, FieldErrors};

/// Characters of any value that are looked at; what is longer is wrong without being read.
const RAW_MAX: usize = 64;
/// Letters of a register number as people write it, without what groups its digits.
fn compact(text: &str) -> String {
    let is_grouping = |letter: &char| letter.is_whitespace() || matches!(letter, '-' | '.' | '/');
    text.chars().take(RAW_MAX).filter(|letter| !is_grouping(letter)).collect()
}

/// Exactly so many ASCII digits.
fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|letter| letter.to_digit(10)).collect()
}

fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11
}

/// A value that is kept as checked text.
macro_rules! checked_text {
    ($($(#[$doc:meta])* $name:ident;)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}

checked_text! {
    /// The tax number of a company: 10 digits, the last one a check digit.
    Nip;
    /// The statistical number: 9 digits, or 14 for a local unit of a company.
    Regon;
    /// The number in the court register: 10 digits with leading zeros, without a check digit.
    Krs;
    /// A bank account with its country, without spaces; a Polish one has 28 characters.
    Iban;
    /// Two digits, a dash, three digits; abroad whatever is used there.
    PostalCode;
    /// An address that a letter can be sent to, its domain in lower case.
    MailAddress;
    /// A telephone number in international form, with its `+`.
    Phone;
}

impl Nip {
    const WEIGHTS: [u32; 9] = [6, 5, 7, 2, 3, 4, 5, 6, 7];

    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let compact = compact(text);
        let bare = compact.strip_prefix("PL").or_else(|| compact.strip_prefix("pl"));
        let bare = bare.unwrap_or(&compact);
        let Some(digits) = digits(bare).filter(|digits| digits.len() == 10) else {
            let detail = format!("NIP `{}` is not one; a NIP has 10 digits", shown(text));
            return Err(BadValue::new("nip_form", detail).with("value", shown(text)));
        };
        let expected = weighted(&digits, &Self::WEIGHTS);
        if expected == 10 || expected != digits[9] {
            let detail = format!(
                "NIP `{bare}` has a wrong check digit; one of its digits was mistyped or swapped"
            );
            return Err(BadValue::new("nip_checksum", detail).with("value", bare));
        }
        Ok(Self(bare.to_owned()))
    }
}

impl Regon {
    const SHORT: [u32; 8] = [8, 9, 2, 3, 4, 5, 6, 7];
    const LONG: [u32; 13] = [2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8];

    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let bare = compact(text);
        let digits = digits(&bare).filter(|digits| matches!(digits.len(), 9 | 14));
        let Some(digits) = digits else {
            let detail = format!("REGON `{}` is not one; a REGON has 9 or 14 digits", shown(text));
            return Err(BadValue::new("regon_form", detail).with("value", shown(text)));
        };
        // A remainder of 10 is written as 0.
        let is_short_good = weighted(&digits[..8], &Self::SHORT) % 10 == digits[8];
        let is_long_good =
            digits.len() == 9 || weighted(&digits[..13], &Self::LONG) % 10 == digits[13];
        if !is_short_good || !is_long_good {
            let detail = format!(
                "REGON `{bare}` has a wrong check digit; one of its digits was mistyped or swapped"
            );
            return Err(BadValue::new("regon_checksum", detail).with("value", bare));
        }
        Ok(Self(bare))
    }
}

impl Krs {
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let bare = compact(text);
        let is_good = digits(&bare)
            .is_some_and(|digits| digits.len() == 10 && digits.iter().any(|digit| *digit != 0));
        if !is_good {
            let detail = format!(
                "KRS `{}` is not one; a KRS number has 10 digits with its leading zeros",
                shown(text)
            );
            return Err(BadValue::new("krs_form", detail).with("value", shown(text)));
        }
        Ok(Self(bare))
    }
}

impl Iban {
    /// Takes a Polish account with or without `PL`, and accounts of other countries with theirs.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let mut bare = compact(text).to_ascii_uppercase();
        if bare.len() == 26 && bare.bytes().all(|octet| octet.is_ascii_digit()) {
            bare.insert_str(0, "PL");
        }
        // [ISO 13616] Two letters, two check digits, at most 30 letters or digits.
        let octets = bare.as_bytes();
        let is_formed = (15..=34).contains(&octets.len())
            && octets[..2].iter().all(u8::is_ascii_uppercase)
            && octets[2..4].iter().all(u8::is_ascii_digit)
            && octets[4..].iter().all(u8::is_ascii_alphanumeric);
        let is_polish = bare.starts_with("PL");
        let is_polish_formed = octets.len() == 28 && octets.iter().skip(2).all(u8::is_ascii_digit);
        if !is_formed || (is_polish && !is_polish_formed) {
            let detail = format!(
                "account `{}` is not one; a Polish account has 26 digits, others begin with \
                 their country",
                shown(text)
            );
            return Err(BadValue::new("iban_form", detail).with("value", shown(text)));
        }
        // [ISO 7064 mod 97-10] The first four move to the end, letters count from A=10.
        let moved = octets[4..].iter().chain(&octets[..4]);
        let rest = moved.fold(0_u32, |rest, octet| {
            let value = char::from(*octet).to_digit(36).expect("the form was checked above");
            (rest * if value > 9 { 100 } else { 10 } + value) % 97
        });
        if rest != 1 {
            let detail = format!("account `{bare}` has wrong check digits; a digit was mistyped");
            return Err(BadValue::new("iban_checksum", detail).with("value", bare));
        }
        Ok(Self(bare))
    }
}

impl PostalCode {
    pub fn parse(text: &str, country: &str) -> Result<Self, BadValue> {
        let text = text.trim();
        if country != "PL" {
            return Ok(Self(line(text, 1, 16)?));
        }
        let bare = compact(text);
        if bare.len() != 5 || digits(&bare).is_none() {
            let detail = format!("postal code `{}` is not one; write it like 00-950", shown(text));
            return Err(BadValue::new("postal_code_form", detail).with("value", shown(text)));
        }
        Ok(Self(format!("{}-{}", &bare[..2], &bare[2..])))
    }
}

impl MailAddress {
    /// [RFC 5321 s4.5.3.1] Octets of the part before `@`, and of the whole.
    const LOCAL_MAX: usize = 64;
    const WHOLE_MAX: usize = 254;

    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let text = text.trim();
        // Quoted local parts and addresses in brackets are legal and nobody has one; all that
        // could end a header line or begin another address is refused by the way.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
        let is_dotted = |part: &str| part.split('.').all(|atom| !atom.is_empty());
        let good = text.rsplit_once('@').filter(|(local, domain)| {
            text.len() <= Self::WHOLE_MAX
                && local.len() <= Self::LOCAL_MAX
                && local.chars().all(is_plain)
                && is_dotted(local)
                && domain.contains('.')
                && domain.split('.').all(is_label)
        });
        let Some((local, domain)) = good else {
            let detail =
                format!("`{}` is no mail address; it looks like name@company.pl", shown(text));
            return Err(BadValue::new("mail_form", detail).with("value", shown(text)));
        };
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Phone {
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let mut bare: String =
            compact(text).chars().filter(|letter| !matches!(letter, '(' | ')')).collect();
        if let Some(rest) = bare.strip_prefix("00") {
            bare = format!("+{rest}");
        } else if bare.len() == 9 && !bare.starts_with(['0', '+']) {
            bare.insert_str(0, "+48");
        }
        let is_good = bare.strip_prefix('+').is_some_and(|rest| {
            (7..=15).contains(&rest.len())
                && !rest.starts_with('0')
                && rest.bytes().all(|octet| octet.is_ascii_digit())
                // A Polish number has exactly 9 digits after its country.
                && rest.strip_prefix("48").is_none_or(|national| national.len() == 9)
        });
        if !is_good {
            let detail = format!(
                "telephone `{}` is not one; write 9 digits, or + with the country code",
                shown(text)
            );
            return Err(BadValue::new("phone_form", detail).with("value", shown(text)));
        }
        Ok(Self(bare))
    }
}

/// One line of a person's text: trimmed, bounded, without control characters.
pub fn line(text: &str, least: usize, most: usize) -> Result<String, BadValue> {
    let text = text.trim();
    let count = text.chars().take(most + 1).count();
    if text.is_empty() && least > 0 {
        return Err(BadValue::new("missing", "is missing"));
    }
    if !(least..=most).contains(&count) {
        let detail = format!("must have {least} to {most} characters");
        return Err(BadValue::new("length", detail)
            .with("least", least.to_string())
            .with("most", most.to_string()));
    }
    if text.chars().any(char::is_control) {
        return Err(BadValue::new("control", "must be one line without control characters"));
    }
    Ok(text.to_owned())
}

/// Text of a person over several lines; tabs and line ends are kept.
pub fn paragraphs(text: &str, least: usize, most: usize) -> Result<String, BadValue> {
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if text.chars().any(is_odd) {
        return Err(BadValue::new("control", "must be without control characters"));
    }
    let flat: String = text.trim().replace("\r\n", "\n");
    let seen: String = flat.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line(&seen, least, most).map(|_| flat)
}

/// A peer's text as an answer may quote it.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// The company as it was typed, right or wrong: what a saved draft holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompanyForm {
    pub legal_name: String,
    pub nip: String,
    pub regon: String,
    /// May be empty: a person's company stands in another register.
    pub krs: String,
    pub street: String,
    pub postal_code: String,
    pub city: String,
    /// Two letters [ISO 3166-1]; empty is `PL`.
    pub country: String,
    /// May be empty until money is to be paid.
    pub bank_account: String,
}

/// A company whose every value was checked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Company {
    pub legal_name: String,
    pub nip: Nip,
    pub regon: Regon,
    pub krs: Option<Krs>,
    pub street: String,
    pub postal_code: PostalCode,
    pub city: String,
    pub country: String,
    pub bank_account: Option<Iban>,
}

impl Company {
    /// Checks all values and names everything that is wrong; fields are `{prefix}.nip` and so on.
    pub fn check(form: &CompanyForm, prefix: &str) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut at = errors.below(prefix.to_owned());
        let country = country(&form.country);
        let code = country.clone().unwrap_or_else(|_| "PL".to_owned());
        let legal_name = at.keep("legal_name", line(&form.legal_name, 2, 200));
        let nip = at.keep("nip", required(&form.nip, Nip::parse));
        let regon = at.keep("regon", required(&form.regon, Regon::parse));
        let krs = at.keep("krs", optional(&form.krs, Krs::parse));
        let street = at.keep("street", line(&form.street, 2, 120));
        let postal = required(&form.postal_code, |text| PostalCode::parse(text, &code));
        let postal_code = at.keep("postal_code", postal);
        let city = at.keep("city", line(&form.city, 2, 80));
        let country = at.keep("country", country);
        let bank_account = at.keep("bank_account", optional(&form.bank_account, Iban::parse));
        let whole = || {
            Some(Self {
                legal_name: legal_name?,
                nip: nip?,
                regon: regon?,
                krs: krs?,
                street: street?,
                postal_code: postal_code?,
                city: city?,
                country: country?,
                bank_account: bank_account?,
            })
        };
        whole().ok_or(errors)
    }
}

fn country(text: &str) -> Result<String, BadValue> {
    let text = text.trim().to_ascii_uppercase();
    match text.as_bytes() {
        [] => Ok("PL".to_owned()),
        [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(text),
        _ => {
            let detail =
                format!("country `{}` is not one; write two letters like PL", shown(&text));
            Err(BadValue::new("country_form", detail).with("value", shown(&text)))
        }
    }
}

/// A value that must be there.
pub(super) fn required<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, BadValue>,
) -> Result<T, BadValue> {
    if text.trim().is_empty() {
        return Err(BadValue::new("missing", "is missing"));
    }
    parse(text)
}

pub(super) fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, BadValue>,
) -> Result<Option<T>, BadValue> {
    if text.trim().is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// A short name for a company's partner: letters, digits and dashes. It is a label in metrics and
/// a word on the command line, so that Polish letters lose their marks and legal forms fall away.
pub fn slug(legal_name: &str) -> String {
    let folded: String = legal_name
        .chars()
        .take(200)
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            'ą' => 'a',
            'ć' => 'c',
            'ę' => 'e',
            'ł' => 'l',
            'ń' => 'n',
            'ó' => 'o',
            'ś' => 's',
            'ź' | 'ż' => 'z',
            plain if plain.is_ascii_alphanumeric() => plain,
            '.' => '.',
            _ => ' ',
        })
        .collect();
    let mut text = format!(" {} ", folded.split_whitespace().collect::<Vec<_>>().join(" "));
    for form in [
        " sp. z o.o. ",
        " sp. z o. o. ",
        " spolka z o.o. ",
        " s.a. ",
        " sp. k. ",
        " sp. j. ",
        " spolka z ograniczona odpowiedzialnoscia ",
        " spolka akcyjna ",
    ] {
        text = text.replace(form, " ");
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if !slug.is_empty() && slug.len() + word.len() >= 24 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(24));
    }
    if slug.is_empty() { "partner".to_owned() } else { slug }
}

#[cfg(test)]
#[path = "company_tests.rs"]
pub(super) mod tests;
