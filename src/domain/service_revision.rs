//! What a partner writes down about a service: the form as it was typed, and what it means once it
//! is right.
//!
//! A draft is kept with all its mistakes; `check` names all of them at once. It does not ask who
//! holds the number or what the tariff costs: verbs do. The surprise: a form is one list of names
//! that pages, API and store share, so that a new field is one line here.

use jiff::civil::Date;
use smol_str::SmolStr;

use super::{
    agreement::words,
    company::{MailAddress, Phone, line, optional, required},
    deadline::start_of,
    fields::{BadValue, FieldErrors},
    number::{Keyword, Msisdn, ShortCode},
    service::{Billing, OnUnknown, ServiceLimits},
    service_field::{
        AgeClass, ServiceArea, ServiceKind, TextCoding, address, day, figure, list, on_unknown,
        one_of, retry, text, tlvs, too_many, word,
    },
    standard_word::StandardTexts,
};

/// Keywords of one service.
pub const KEYWORDS_MAX: usize = 20;
/// Subscribers that try a service before others have it.
pub const TEST_NUMBERS_MAX: usize = 20;
const NAME: (usize, usize) = (1, 32);
const ENTRY_MAX: usize = 100;
const PARTS_MAX: u32 = 10;
const RATE_MAX: u32 = 1000;
const HOURS_MAX: u32 = 168;
const HOUR_US: i64 = 3_600_000_000;
/// Octets of one field as it is kept, whatever was typed.
const KEPT_MAX: usize = 8192;

words! {
    /// The parts of the form, as its task list shows them.
    ServiceSection {
        Offer = "offer",
        Texts = "texts",
        Subscribers = "subscribers",
        Register = "register",
        Technical = "technical",
        Schedule = "schedule",
    }
}

macro_rules! form {
    ($($section:ident { $($(#[$doc:meta])* $name:ident),+ $(,)? })+) => {
        /// The form as it was typed; every field is text.
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct ServiceForm { $($($(#[$doc])* pub $name: String,)+)+ }

        impl ServiceForm {
            /// Every field with its section, in the order of reading.
            pub const FIELDS: &'static [(ServiceSection, &'static str)] =
                &[$($((ServiceSection::$section, stringify!($name)),)+)+];

            pub fn get(&self, field: &str) -> Option<&str> {
                match field { $($(stringify!($name) => Some(&self.$name),)+)+ _ => None }
            }

            /// Keeps what was typed, cut where no honest text ends. False: there is no such field.
            pub fn set(&mut self, field: &str, text: &str) -> bool {
                let place = match field {
                    $($(stringify!($name) => &mut self.$name,)+)+
                    _ => return false,
                };
                let end = text.floor_char_boundary(KEPT_MAX);
                text[..end].clone_into(place);
                true
            }
        }
    };
}

form! {
    Offer {
        area,
        kind,
        short_code,
        /// Between spaces or commas; none on a number of one's own is every text.
        keywords,
        /// Who pays: `free`, `mo`, `mt`.
        billing,
        tariff,
    }
    Texts {
        answer,
        help,
        stop,
        error,
    }
    Subscribers {
        age,
        contact_mail,
        contact_phone,
        rules_url,
    }
    Register {
        register_entry,
        /// The day of the entry.
        register_date,
    }
    Technical {
        delivery,
        callback_url,
        coding,
        parts_max,
        /// Texts a second at the most.
        rate,
        validity_hours,
        /// Seconds between tries, between spaces; none leaves them to the gateway.
        retry,
        on_unknown,
        /// Vendors' tags, between spaces; none allows what the links let through.
        tlvs,
        /// Of people who try it, between spaces or commas.
        test_numbers,
    }
    Schedule {
        starts_on,
        ends_on,
    }
}

/// A description in which every field is right by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRevision {
    pub area: ServiceArea,
    pub kind: ServiceKind,
    /// Digits; of a voice number more than a short code has.
    pub number: SmolStr,
    pub keywords: Vec<Keyword>,
    pub billing: Billing,
    pub tariff: Option<SmolStr>,
    /// The regulator's entry and its day.
    pub register: Option<(String, Date)>,
    pub callback_url: Option<String>,
    pub on_unknown: OnUnknown,
    pub validity_max_us: i64,
    pub test_numbers: Vec<Msisdn>,
    pub limits: ServiceLimits,
    /// Of a subscription: what the gateway itself answers.
    pub standard: Option<StandardTexts>,
}

impl ServiceRevision {
    /// Whether the gateway carries its traffic; calls go another way.
    pub fn is_routed(&self) -> bool {
        self.area != ServiceArea::Voice
    }
}

/// The name of a service: a word in logs, metrics and the API.
pub fn service_name(text: &str) -> Result<String, BadValue> {
    let text = line(text, NAME.0, NAME.1)?;
    let is_good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric();
    if is_good {
        return Ok(text);
    }
    let detail = "must be letters a to z, digits, `.`, `_` or `-`, a letter or digit first";
    Err(BadValue::new("name_form", detail))
}

impl ServiceForm {
    /// A new one, with what most services have.
    pub fn usual() -> Self {
        let text = str::to_owned;
        Self {
            area: text("sms"),
            age: text("all"),
            delivery: text("smpp"),
            coding: text("auto"),
            parts_max: text("1"),
            rate: text("10"),
            validity_hours: text("24"),
            on_unknown: text("park"),
            ..Self::default()
        }
    }

    /// What the fields mean, or everything that is wrong with them.
    pub fn check(&self) -> Result<ServiceRevision, FieldErrors> {
        let mut errors = FieldErrors::default();
        let area = errors.keep("area", required(&self.area, |t| word(ServiceArea::parse(t))));
        let kind = errors.keep("kind", required(&self.kind, |t| word(ServiceKind::parse(t))));
        let number = errors.keep("short_code", self.number(area));
        let keywords = errors.keep("keywords", self.keywords());
        let billing = errors.keep("billing", required(&self.billing, |t| word(Billing::parse(t))));
        let tariff = errors.keep("tariff", self.tariff(billing));
        let register = self.register(billing, &mut errors);
        let parts_max = self.check_texts(kind, &mut errors);
        self.check_subscribers(&mut errors);
        let callback_url = errors.keep("callback_url", self.callback());
        let on_unknown = errors.keep("on_unknown", required(&self.on_unknown, on_unknown));
        let hours =
            errors.keep("validity_hours", required(&self.validity_hours, figure(1, HOURS_MAX)));
        let rate = errors.keep("rate", required(&self.rate, figure(1, RATE_MAX)));
        errors.keep("delivery", required(&self.delivery, |t| one_of(t, &["smpp", "callback"])));
        let retry = errors.keep("retry", retry(&self.retry));
        let tlvs = errors.keep("tlvs", tlvs(&self.tlvs));
        let test_numbers = errors.keep("test_numbers", self.test_numbers());
        let (begins_at, ends_at) = self.schedule(&mut errors);
        errors.into_result()?;
        let kept = "nothing is wrong, so that every field was kept";
        Ok(ServiceRevision {
            area: area.expect(kept),
            kind: kind.expect(kept),
            number: number.expect(kept),
            keywords: keywords.expect(kept),
            billing: billing.expect(kept),
            tariff: tariff.expect(kept),
            register,
            callback_url: callback_url.expect(kept),
            on_unknown: on_unknown.expect(kept),
            validity_max_us: i64::from(hours.expect(kept)) * HOUR_US,
            test_numbers: test_numbers.expect(kept),
            limits: ServiceLimits {
                rate: rate.expect(kept),
                parts_max,
                begins_at,
                ends_at,
                coding: TextCoding::parse(&self.coding).expect(kept),
                retry: retry.expect(kept),
                tlvs: tlvs.expect(kept),
            },
            standard: self.standard(kind.expect(kept)),
        })
    }

    fn standard(&self, kind: ServiceKind) -> Option<StandardTexts> {
        let kept = |text: &str| text.trim().to_owned();
        (kind == ServiceKind::Subscription).then(|| StandardTexts {
            help: kept(&self.help),
            stop: kept(&self.stop),
            contact: format!("{}, {}", kept(&self.contact_phone), kept(&self.contact_mail)),
            rules_url: kept(&self.rules_url),
        })
    }

    /// What is wrong within one section.
    pub fn errors_of(&self, section: ServiceSection) -> FieldErrors {
        let all = self.check().err().unwrap_or_default();
        let mut own = FieldErrors::default();
        for error in &all {
            if section_of(&error.field) == Some(section) {
                let mut bad = BadValue::new(error.code, error.detail.as_str());
                bad.params.clone_from(&error.params);
                own.push(error.field.clone(), bad);
            }
        }
        own
    }

    fn number(&self, area: Option<ServiceArea>) -> Result<SmolStr, BadValue> {
        required(&self.short_code, |text| {
            let text = text.trim();
            let is_voice = area == Some(ServiceArea::Voice)
                && text.len() == 9
                && text.bytes().all(|octet| octet.is_ascii_digit());
            if is_voice || ShortCode::parse(text).is_ok() {
                return Ok(text.into());
            }
            Err(BadValue::new("number_form", "must be the digits of one of your numbers"))
        })
    }

    fn keywords(&self) -> Result<Vec<Keyword>, BadValue> {
        let mut keywords = Vec::new();
        for word in list(&self.keywords) {
            let keyword = Keyword::parse(word).ok().filter(|keyword| !keyword.is_catch_all());
            let keyword = keyword.ok_or_else(|| {
                let detail = "must be words of 1 to 20 letters, digits, `.`, `_` or `-`";
                BadValue::new("keyword_form", detail)
            })?;
            if !keywords.contains(&keyword) {
                keywords.push(keyword);
            }
        }
        if keywords.len() > KEYWORDS_MAX {
            return Err(too_many(KEYWORDS_MAX));
        }
        Ok(keywords)
    }

    fn test_numbers(&self) -> Result<Vec<Msisdn>, BadValue> {
        let mut numbers = Vec::new();
        for text in list(&self.test_numbers) {
            let number = Msisdn::parse(text).map_err(|_| {
                BadValue::new("msisdn_form", "must be numbers with the country code")
            })?;
            numbers.push(number);
        }
        if numbers.len() > TEST_NUMBERS_MAX {
            return Err(too_many(TEST_NUMBERS_MAX));
        }
        Ok(numbers)
    }

    /// A price and nobody who pays it is as wrong as the other way round.
    fn tariff(&self, billing: Option<Billing>) -> Result<Option<SmolStr>, BadValue> {
        match (billing, self.tariff.trim()) {
            (Some(Billing::Mo | Billing::Mt), "") => Err(BadValue::new("missing", "is missing")),
            (Some(Billing::Free), code) if !code.is_empty() => {
                Err(BadValue::new("tariff_of_free", "must be empty: nobody pays"))
            }
            (_, "") => Ok(None),
            (_, code) => line(code, 1, 16).map(|code| Some(code.into())),
        }
    }

    /// Both fields or none; a charged service cannot do without [poland.md 2].
    fn register(
        &self,
        billing: Option<Billing>,
        errors: &mut FieldErrors,
    ) -> Option<(String, Date)> {
        let is_empty =
            self.register_entry.trim().is_empty() && self.register_date.trim().is_empty();
        if is_empty && !matches!(billing, Some(Billing::Mo | Billing::Mt)) {
            return None;
        }
        let entry = required(&self.register_entry, |text| line(text, 1, ENTRY_MAX));
        let entry = errors.keep("register_entry", entry);
        let day = errors.keep("register_date", required(&self.register_date, day));
        entry.zip(day)
    }

    /// The texts; answers with the parts that a text may have.
    fn check_texts(&self, kind: Option<ServiceKind>, errors: &mut FieldErrors) -> u8 {
        let coding = required(&self.coding, |text| word(TextCoding::parse(text)));
        let coding = errors.keep("coding", coding).unwrap_or(TextCoding::Auto);
        let parts_max = required(&self.parts_max, figure(1, PARTS_MAX));
        let parts_max = errors.keep("parts_max", parts_max).unwrap_or(PARTS_MAX);
        errors.keep("answer", required(&self.answer, |t| text(t, coding, parts_max)));
        // [poland.md 2] Whoever pays again and again must be able to ask and to stop.
        let is_kept_up = kind == Some(ServiceKind::Subscription);
        for (field, value) in [("help", &self.help), ("stop", &self.stop)] {
            let read = |value: &str| text(value, coding, 1);
            let good =
                if is_kept_up { required(value, read).map(Some) } else { optional(value, read) };
            errors.keep(field, good);
        }
        errors.keep("error", optional(&self.error, |t| text(t, coding, 1)));
        u8::try_from(parts_max).unwrap_or(u8::MAX)
    }

    fn check_subscribers(&self, errors: &mut FieldErrors) {
        errors.keep("age", required(&self.age, |text| word(AgeClass::parse(text))));
        errors.keep("contact_mail", required(&self.contact_mail, MailAddress::parse));
        errors.keep("contact_phone", required(&self.contact_phone, Phone::parse));
        errors.keep("rules_url", required(&self.rules_url, address));
    }

    fn callback(&self) -> Result<Option<String>, BadValue> {
        match self.delivery.as_str() {
            "callback" => required(&self.callback_url, address).map(Some),
            _ => Ok(None),
        }
    }

    /// The first moment of its first day and the one after its last; 0 where no day is given.
    fn schedule(&self, errors: &mut FieldErrors) -> (i64, i64) {
        let starts = errors.keep("starts_on", optional(&self.starts_on, day)).flatten();
        let ends = errors.keep("ends_on", optional(&self.ends_on, day)).flatten();
        if let (Some(starts), Some(ends)) = (starts, ends)
            && ends < starts
        {
            errors
                .push("ends_on".to_owned(), BadValue::new("order", "must not be before the start"));
        }
        let behind = ends.and_then(|day| day.tomorrow().ok());
        (starts.map_or(0, start_of), behind.map_or(0, start_of))
    }
}

/// The section in which a field stands.
pub fn section_of(field: &str) -> Option<ServiceSection> {
    ServiceForm::FIELDS.iter().find(|(_, name)| *name == field).map(|(section, _)| *section)
}

#[cfg(test)]
#[path = "service_revision_tests.rs"]
pub(crate) mod tests;
