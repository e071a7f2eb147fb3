//! From the JSON of a new message to what the gateway takes.
//!
//! It checks form only: whether the partner may send so is the gateway's to say. The surprise: a
//! message that names a service and no sender comes from the service's short code.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{
    fields::Fields,
    messages::{Coding, text_body},
    wap_push::{self, PushFields},
};
use crate::{
    domain::{Billing, Body, Catalog, Msisdn, PartnerId, ReceiptWish, Refusal, Sender},
    gateway::mt::NewMt,
    http::error::{FieldError, Problem},
};

/// Characters of a text that are looked at; the parts that fit are fewer.
pub(super) const TEXT_MAX: usize = 4096;
/// Seconds of a validity; the gateway's own cap is lower.
const VALIDITY_MAX: i64 = 31_536_000;

const KNOWN: [&str; 16] = [
    "to",
    "from",
    "text",
    "coding",
    "binary",
    "data_coding",
    "udh",
    "wap_push",
    "service",
    "tariff",
    "validity",
    "valid_until",
    "deliver_after",
    "receipts",
    "reference",
    "answers",
];

/// The schema of the request, for the document only; `read` is what decides.
#[derive(utoipa::ToSchema)]
#[schema(as = NewMessage)]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) struct NewMessage {
    /// Recipient in international form.
    #[schema(pattern = r"^\+?[1-9][0-9]{6,14}$", example = "48600100200")]
    to: String,
    /// Short code, number or name that the message comes from. With `service` and without `from`
    /// it is the service's short code.
    #[schema(nullable = false, min_length = 1, max_length = 16, example = "7455")]
    from: Option<String>,
    /// The text; the gateway chooses the alphabet and splits it. One of `text`, `binary` and
    /// `wap_push` must be there.
    #[schema(nullable = false, min_length = 1, max_length = 4096, example = "Thank you!")]
    text: Option<String>,
    /// Alphabet of `text`: `auto` takes the GSM alphabet where it can and UCS-2 else.
    #[schema(nullable = false, inline)]
    coding: Option<CodingWord>,
    /// Octets in base64, for what is not text.
    #[schema(nullable = false, min_length = 4, max_length = 240, content_encoding = "base64")]
    binary: Option<String>,
    /// GSM data coding of `binary`: 0, 3, 4 or 8.
    #[schema(nullable = false, inline)]
    data_coding: Option<DataCodingWord>,
    /// User data header in base64, its length octet first. With `binary` only.
    #[schema(nullable = false, min_length = 4, max_length = 188, content_encoding = "base64")]
    udh: Option<String>,
    /// A WAP push instead of a text, made and split by the gateway.
    #[schema(nullable = false, inline)]
    wap_push: Option<PushFields>,
    /// Name of one of your services. Without it the sender decides.
    #[schema(nullable = false, min_length = 1, max_length = 64)]
    service: Option<String>,
    /// Code of a tariff of your agreement.
    #[schema(nullable = false, min_length = 1, max_length = 32, example = "T4")]
    tariff: Option<String>,
    /// Seconds for which delivery is tried. Not together with `valid_until`.
    #[schema(nullable = false, minimum = 1, maximum = 31_536_000)]
    validity: Option<i64>,
    /// Moment until which delivery is tried, RFC 3339.
    #[schema(nullable = false, format = DateTime, max_length = 40)]
    valid_until: Option<String>,
    /// Moment before which nothing is sent, RFC 3339.
    #[schema(nullable = false, format = DateTime, max_length = 40)]
    deliver_after: Option<String>,
    /// Receipts wanted; `none` if absent.
    #[schema(nullable = false, inline)]
    receipts: Option<ReceiptsWord>,
    /// Your own word for the message, echoed.
    #[schema(nullable = false, min_length = 1, max_length = 80)]
    reference: Option<String>,
    /// Id of the MO that this message answers.
    #[schema(nullable = false, min_length = 1, max_length = 32)]
    answers: Option<String>,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) enum CodingWord {
    Auto,
    Gsm7,
    Ucs2,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) enum ReceiptsWord {
    None,
    Success,
    Failure,
    Final,
    All,
}

/// Numbers as an enumeration, which `utoipa` cannot derive.
pub(crate) struct DataCodingWord;

impl utoipa::PartialSchema for DataCodingWord {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .enum_values(Some([0, 3, 4, 8]))
            .into()
    }
}

impl utoipa::ToSchema for DataCodingWord {}

/// Reads the body, naming every mistake at once.
pub(super) fn read(
    fields: Map<String, Value>,
    header_error: Option<FieldError>,
    at: &Moment<'_>,
) -> Result<NewMt, Problem> {
    let mut fields = Fields::new(fields);
    if let Some(error) = header_error {
        fields.add(error);
    }
    let recipient = recipient(&mut fields);
    let (sender, service) = origin(&mut fields, at);
    let content = content(&mut fields, at.parts_max);
    let tariff = fields.text("tariff", (1, 32), smol);
    let deliver_after = fields.text("deliver_after", (1, 40), instant);
    let valid_until = valid_until(&mut fields, deliver_after.unwrap_or(at.now).max(at.now));
    let receipts = fields.text("receipts", (1, 16), receipts).unwrap_or_default();
    let partner_reference = fields.text("reference", (1, 80), |text| {
        let is_printable = !text.chars().any(char::is_control);
        is_printable.then(|| text.into()).ok_or(("invalid", "must be printable".to_owned()))
    });
    let answers = fields.text("answers", (1, 32), smol);
    if content.as_ref().is_some_and(|content| content.is_loading)
        && at.would_charge(sender.as_ref(), service.as_deref(), tariff.as_deref())
    {
        let detail = "an SL opens its page without asking, so it cannot be charged; use an SI";
        fields.wrong("wap_push", Refusal::BadField(String::new()).code(), detail);
    }
    fields.finish(&KNOWN)?;
    let Carried { body, parts, .. } = content.expect("a missing body is a wrong field");
    Ok(NewMt {
        sender,
        recipient: recipient.expect("a missing recipient is a wrong field"),
        body,
        parts,
        service,
        tariff,
        service_type: SmolStr::default(),
        priority: 0,
        protocol_id: 0,
        deliver_after,
        valid_until,
        receipts,
        reference: None,
        partner_reference,
        idempotency: None,
        answers,
        replaces: false,
        tlvs: Vec::new(),
        wants_short_id: false,
        known_as: None,
    })
}

/// What reading must know of the moment.
pub(super) struct Moment<'a> {
    pub(super) now: i64,
    pub(super) parts_max: u8,
    pub(super) partner: PartnerId,
    pub(super) catalog: &'a Catalog,
}

impl Moment<'_> {
    /// Whether the subscriber would pay for it, as far as its fields tell.
    fn would_charge(
        &self,
        sender: Option<&Sender>,
        service: Option<&str>,
        tariff: Option<&str>,
    ) -> bool {
        let Some(sender) = sender else { return false };
        let found = self.catalog.service_for(self.partner, sender, service, tariff);
        found.is_ok_and(|service| service.billing == Billing::Mt)
    }

    /// The short code of one of the partner's services.
    fn sender_of(&self, service: &str) -> Option<Sender> {
        let known = self.catalog.service_named(self.partner, service);
        known.map(|known| Sender::ShortCode(known.short_code.clone()))
    }
}

type Read<T> = Result<T, (&'static str, String)>;

// The other readers can fail; a table of readers needs one signature.
#[expect(clippy::unnecessary_wraps, reason = "a reader of a field may fail")]
fn smol(text: &str) -> Read<SmolStr> {
    Ok(text.into())
}

fn recipient(fields: &mut Fields) -> Option<Msisdn> {
    if !fields.has("to") {
        fields.wrong("to", "missing", "is missing; give the recipient's number");
        return None;
    }
    fields.text("to", (1, 32), |text| {
        Msisdn::parse(text).map_err(|error| ("bad_recipient", error.to_string()))
    })
}

/// Who it comes from. API keys have no default sender, so a sender or a service must be named.
fn origin(fields: &mut Fields, at: &Moment<'_>) -> (Option<Sender>, Option<SmolStr>) {
    let (has_sender, has_service) = (fields.has("from"), fields.has("service"));
    let service = fields.text("service", (1, 64), smol);
    let sender = fields.text("from", (1, 16), |text| {
        Sender::parse(text).map_err(|error| ("bad_sender", error.to_string()))
    });
    if has_sender {
        return (sender, service);
    }
    if !has_service {
        fields.wrong("from", "missing", "is missing; give a sender, or a service that has one");
        return (None, None);
    }
    let sender = service.as_deref().and_then(|name| at.sender_of(name));
    if let Some(name) = service.as_ref().filter(|_| sender.is_none()) {
        let refusal = Refusal::UnknownService(name.clone());
        fields.wrong("service", refusal.code(), refusal.to_string());
    }
    (sender, service)
}

/// What a message carries, and in how many parts.
struct Carried {
    body: Body,
    parts: u8,
    /// An SL, which must not cost anything.
    is_loading: bool,
}

/// Text, octets or a WAP push: exactly one of them.
fn content(fields: &mut Fields, parts_max: u8) -> Option<Carried> {
    let given = ["text", "binary", "wap_push"].map(|name| fields.has(name));
    match given.iter().filter(|is_given| **is_given).count() {
        0 => fields.wrong(
            "text",
            "missing",
            "is missing; give `text`, or `binary` with `data_coding`, or `wap_push`",
        ),
        1 => {}
        _ => fields.wrong("text", "invalid", "give one of `text`, `binary` and `wap_push`"),
    }
    let [is_text, is_binary, is_push] = given;
    for (names, owner, is_odd) in [
        (["data_coding", "udh"].as_slice(), "binary", (is_text || is_push) && !is_binary),
        (&["coding"], "text", is_push && !is_text),
    ] {
        for name in names.iter().filter(|_| is_odd) {
            if fields.has(name) {
                fields.wrong(name, "invalid", format!("belongs to `{owner}`, which is absent"));
            }
        }
    }
    // All are read whatever comes of it, so that none of them is called unknown.
    let coding = fields.text("coding", (1, 8), coding);
    let text = fields.text("text", (1, TEXT_MAX), |text| {
        let read = text_body(text, coding.unwrap_or_default(), parts_max);
        read.map_err(|refusal| (refusal.code(), refusal.to_string()))
    });
    let octets = binary(fields);
    let push = fields.object("wap_push");
    let push = push.and_then(|object| wap_push::read(fields, object, parts_max));
    text.or(octets).map(|(body, parts)| Carried { body, parts, is_loading: false }).or_else(|| {
        push.map(|push| Carried { body: push.body, parts: push.parts, is_loading: push.is_loading })
    })
}

fn binary(fields: &mut Fields) -> Option<(Body, u8)> {
    let has_binary = fields.has("binary");
    if has_binary && !fields.has("data_coding") {
        fields.wrong("data_coding", "missing", "is missing; `binary` needs it");
    }
    let data_coding = fields.number("data_coding", 0, 255);
    let data_coding = data_coding.and_then(|number| {
        let known = u8::try_from(number).ok().filter(|number| matches!(number, 0 | 3 | 4 | 8));
        if known.is_none() {
            fields.wrong("data_coding", "bad_data_coding", "must be 0, 3, 4 or 8");
        }
        known
    });
    let had_udh = fields.has("udh");
    let udh = fields.text("udh", (4, 188), |text| {
        let udh = STANDARD.decode(text).map_err(|_| ("invalid", "must be base64".to_owned()))?;
        let is_whole = udh.first().is_some_and(|length| usize::from(*length) + 1 == udh.len());
        let wrong = "its first octet must count the octets after it";
        if is_whole { Ok(udh) } else { Err(("bad_user_data", wrong.to_owned())) }
    });
    let octets = fields.text("binary", (4, 240), |text| {
        STANDARD.decode(text).map_err(|_| ("invalid", "must be base64".to_owned()))
    })?;
    let (data_coding, is_udh_good) = (data_coding?, had_udh == udh.is_some());
    let mut all = udh.unwrap_or_default();
    all.extend_from_slice(&octets);
    // One short message: 140 octets, or 160 letters of the GSM alphabet, unpacked.
    let most = if data_coding == 0 && !had_udh { 160 } else { 140 };
    if all.len() > most {
        fields.wrong("binary", "bad_length", format!("has {} octets; {most} fit", all.len()));
        return None;
    }
    is_udh_good.then(|| (Body { data_coding, has_udh: had_udh, octets: Bytes::from(all) }, 1))
}

fn valid_until(fields: &mut Fields, start: i64) -> Option<i64> {
    if fields.has("validity") && fields.has("valid_until") {
        fields.wrong("validity", "invalid", "give `validity` or `valid_until`, not both");
    }
    let seconds = fields.number("validity", 1, VALIDITY_MAX);
    let until = fields.text("valid_until", (1, 40), instant);
    until.or_else(|| Some(start.saturating_add(seconds? * 1_000_000)))
}

fn coding(text: &str) -> Read<Coding> {
    match text {
        "auto" => Ok(Coding::Auto),
        "gsm7" => Ok(Coding::Gsm7),
        "ucs2" => Ok(Coding::Ucs2),
        _ => Err(("invalid", "must be auto, gsm7 or ucs2".to_owned())),
    }
}

fn receipts(text: &str) -> Read<ReceiptWish> {
    let (on_success, on_failure, intermediate) = match text {
        "none" => (false, false, false),
        "success" => (true, false, false),
        "failure" => (false, true, false),
        "final" => (true, true, false),
        "all" => (true, true, true),
        _ => return Err(("invalid", "must be none, success, failure, final or all".to_owned())),
    };
    Ok(ReceiptWish { on_success, on_failure, intermediate })
}

/// RFC 3339 with a zone; a local time without one would be a guess.
fn instant(text: &str) -> Read<i64> {
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_microsecond)
        .map_err(|_| ("invalid", "must be a moment such as 2026-11-21T10:00:00Z".to_owned()))
}
