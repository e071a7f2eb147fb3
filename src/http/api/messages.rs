//! `/api/v1/messages`: send, look at, take back.
//!
//! Every answer 202 is durable (P1). The surprise: a message whose answer was not taken by the
//! connection is handed to the gateway as `unanswered`, exactly as in SMPP: a charged one is sent
//! only when its sender asks again and so learns of it (P5).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Json,
    body::Body as HttpBody,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use smol_str::SmolStr;

use super::{
    fields,
    new_message::{Moment, NewMessage, read},
};
use crate::{
    domain::{Body, Content, Item, MessageId, MtMessage, Refusal},
    gateway::{self, Gateway, likeness::Likeness, mt::NewMt, query::Status},
    http::{
        App,
        auth::ApiCaller,
        edge::LoggedAs,
        error::{FieldError, Problem, ProblemBody},
    },
    metrics,
};

const KEY: &str = "idempotency-key";
const KEY_MAX: usize = 255;
/// Events of one message that are shown; retries of a whole week are fewer.
const EVENTS_MAX: usize = 500;
/// Octets of an id in the path that are looked at.
const ID_MAX: usize = 32;

/// What was accepted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AcceptedMessage)]
pub(crate) struct AcceptedMessage {
    /// Name of the message in every later question and receipt.
    #[schema(example = "912345678901234567")]
    id: String,
    /// Short messages that it takes on the air.
    #[schema(minimum = 1)]
    parts: u8,
    /// What the subscriber pays for it; null if it is not charged itself.
    #[schema(required)]
    price: Option<PriceBody>,
    /// `accepted`, or for a repeat the state of the earlier message.
    state: &'static str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Price)]
pub(crate) struct PriceBody {
    tariff: String,
    /// Gross amount in minor units (grosze).
    amount_minor: i64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// A message and what became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    id: String,
    state: &'static str,
    is_final: bool,
    from: String,
    to: String,
    parts: u8,
    #[schema(required)]
    price: Option<PriceBody>,
    #[schema(format = DateTime)]
    accepted_at: String,
    #[schema(format = DateTime)]
    valid_until: String,
    /// Moment before which nothing is sent; null is "at once".
    #[schema(required, format = DateTime)]
    deliver_after: Option<String>,
    /// When the final state was reached.
    #[schema(required, format = DateTime)]
    final_at: Option<String>,
    /// The network's cause, as `kind:code`, or a status name.
    #[schema(required)]
    error: Option<String>,
    /// Your own word for it.
    #[schema(required)]
    reference: Option<String>,
    /// Every step, oldest first.
    events: Vec<EventBody>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MessageEvent)]
pub(crate) struct EventBody {
    #[schema(format = DateTime)]
    at: String,
    what: String,
    /// Which try it was; 0 if it was none.
    attempt: i64,
}

/// Sends a message.
///
/// The answer 202 means that the message is stored and will not be lost. Repeat a request whose
/// answer did not arrive with the same Idempotency-Key: the earlier message is answered again.
#[utoipa::path(
    post,
    path = "/api/v1/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(("Idempotency-Key" = inline(Option<super::openapi::IdempotencyKey>), Header,
        description = "Your name for this request, remembered for 24 hours; a UUID is best")),
    request_body(content = inline(NewMessage), content_type = "application/json"),
    responses(
        (status = 202, description = "Accepted, or accepted before with the same key",
            body = AcceptedMessage,
            headers(("Idempotency-Replayed" = inline(super::openapi::True),
                description = "Present if the earlier message is answered again"))),
        (status = 400, description = "Not JSON", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "Not allowed to your account", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 408, description = "Took too long", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The service is not live", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 413, description = "Body too large", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong, or the key was used for another message",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Over your rate", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    headers: HeaderMap,
    body: HttpBody,
) -> Result<Response, Problem> {
    let began = app.gateway.clock().instant();
    let octets_max = app.limits.body_octets_max.as_usize();
    let fields = fields::object(&headers, body, octets_max).await?;
    let (key, key_error) = match idempotency_key(&headers) {
        Ok(key) => (key, None),
        Err(error) => (None, Some(error)),
    };
    let catalog = app.gateway.catalog();
    let moment = Moment {
        now: app.gateway.now(),
        parts_max: app.gateway.settings().parts_max,
        partner: caller.partner,
        catalog: &catalog,
    };
    let mut new = read(fields, key_error, &moment)?;
    new.idempotency = key;
    let (gateway, from) = (app.gateway.clone(), caller.clone());
    let accepted = app.finish(accept(gateway, from, new)).await??;
    let response = accepted.into_response()?;
    metrics::accepted_in("http", app.gateway.clock().instant().duration_since(began));
    Ok(named(&caller, response))
}

/// Shows a message with its timeline.
#[utoipa::path(
    get,
    path = "/api/v1/messages/{id}",
    operation_id = "getMessage",
    tag = "messages",
    params(("id" = inline(super::openapi::IdText), Path, description = "Id of the answer 202")),
    responses(
        (status = 200, description = "The message", body = MessageBody),
        (status = 400, description = "The path is not text", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "Account suspended", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "None of your messages", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong keys", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let status = app.gateway.query(caller.partner, checked(&id)?, None).await?;
    let events = app.gateway.store().events(status.message.id).await;
    let mut events = events.map_err(gateway::Error::from)?;
    events.truncate(EVENTS_MAX);
    let events = events
        .into_iter()
        .map(|event| EventBody { at: moment(event.at), what: event.kind, attempt: event.attempt })
        .collect();
    Ok(named(&caller, Json(described(&app.gateway, &status, events)).into_response()))
}

/// Takes a waiting message back.
#[utoipa::path(
    delete,
    path = "/api/v1/messages/{id}",
    operation_id = "cancelMessage",
    tag = "messages",
    params(("id" = inline(super::openapi::IdText), Path, description = "Id of the answer 202")),
    responses(
        (status = 204, description = "Taken back; it will not be sent"),
        (status = 400, description = "The path is not text", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "Account suspended", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "None of your messages", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "On its way or final", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong keys", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (gateway, partner) = (app.gateway.clone(), caller.partner);
    let id = checked(&id)?.to_owned();
    app.finish(async move { gateway.cancel(partner, &id, None).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

fn named(caller: &ApiCaller, mut response: Response) -> Response {
    response.extensions_mut().insert(LoggedAs::from(caller));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An id that can be one. What cannot is unknown, in the same words as an unknown one (S-28).
fn checked(id: &str) -> Result<&str, Refusal> {
    let is_good =
        (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric());
    if is_good {
        return Ok(id);
    }
    let shown = id.chars().filter(|letter| !letter.is_control()).take(ID_MAX).collect();
    Err(Refusal::UnknownMessage(shown))
}

/// The key, with or without the quotes that the draft of the header wants.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<SmolStr>, FieldError> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let text = text
        .map(|text| text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text));
    text.filter(|text| {
        (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic())
    })
    .map(|text| Some(text.into()))
    .ok_or_else(|| FieldError {
        pointer: None,
        header: Some("Idempotency-Key"),
        detail: "must be given once, with 1 to 255 visible ASCII characters".to_owned(),
        code: "invalid",
    })
}

async fn accept(gateway: Gateway, from: ApiCaller, new: NewMt) -> Result<Fresh, gateway::Error> {
    if let Some(mo) = &new.answers {
        gateway.check_answers(from.partner, mo, &new.recipient).await?;
    }
    let is_planned = new.deliver_after.is_some();
    let (parts, is_keyed) = (new.parts, new.idempotency.is_some());
    let accepted = gateway.accept_mt(&from.submitter(), new).await?;
    let mut fresh = Fresh {
        answer: AcceptedMessage {
            id: accepted.visible_id.to_string(),
            parts,
            price: accepted.held.as_ref().and_then(price_of_item),
            state: "accepted",
        },
        is_replay: accepted.is_replay,
        fate: Fate {
            gateway: gateway.clone(),
            message: accepted.id,
            likeness: accepted.likeness,
            held: accepted.held,
            is_keyed,
            is_answered: false,
        },
    };
    // A message that goes at once and is charged is held, so its price is known without a read.
    if accepted.is_replay || is_planned {
        let status = gateway.query(from.partner, &accepted.visible_id, None).await?;
        fresh.answer.price = price(&status.message);
        fresh.answer.parts = status.message.parts;
        fresh.answer.state = status.state.as_str();
    }
    Ok(fresh)
}

/// A message that was accepted and whose sender does not know it yet.
struct Fresh {
    answer: AcceptedMessage,
    is_replay: bool,
    fate: Fate,
}

/// Tells the gateway, whatever happens, whether the answer left.
struct Fate {
    gateway: Gateway,
    message: MessageId,
    likeness: Likeness,
    held: Option<Item>,
    is_keyed: bool,
    is_answered: bool,
}

impl Drop for Fate {
    fn drop(&mut self) {
        let held = self.held.take();
        // A key recognises the repeat by itself. A doubt would also catch another key with the
        // same text, so it is left only where money waits for the repeat.
        if self.is_answered || (self.is_keyed && held.is_none()) {
            self.gateway.answered(held);
        } else {
            self.gateway.unanswered(self.message, self.likeness, held);
        }
    }
}

impl Fresh {
    fn into_response(self) -> Result<Response, Problem> {
        let text =
            serde_json::to_vec(&self.answer).expect("an answer has only strings and numbers");
        let body = Answer { octets: Some(text.into()), fate: self.fate };
        let mut response = (StatusCode::ACCEPTED, HttpBody::new(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_replay {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        let place = format!("/api/v1/messages/{}", self.answer.id);
        if let Ok(place) = HeaderValue::from_str(&place) {
            headers.insert(header::LOCATION, place);
        }
        Ok(response)
    }
}

/// A body that knows whether the connection took it.
///
/// "Took" is one step before "is with the kernel" (P5): the octets are in the connection's write
/// buffer, which is written at once. Only a failure of that very write is missed, and there the
/// client still has its Idempotency-Key.
struct Answer {
    octets: Option<Bytes>,
    fate: Fate,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let octets = self.octets.take();
        self.fate.is_answered = true;
        Poll::Ready(octets.map(|octets| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.octets.as_ref().map_or(0, |octets| octets.len() as u64))
    }
}

fn price_of_item(item: &Item) -> Option<PriceBody> {
    match &item.content {
        Content::Mt(message) => price(message),
        _ => None,
    }
}

fn price(message: &MtMessage) -> Option<PriceBody> {
    message.charge.as_ref().map(|(price, _)| PriceBody {
        tariff: price.code.to_string(),
        amount_minor: price.gross.amount_minor,
        currency: price.gross.currency.as_str().to_owned(),
    })
}

fn described(gateway: &Gateway, status: &Status, events: Vec<EventBody>) -> MessageBody {
    let message = &status.message;
    MessageBody {
        id: gateway.visible_id(message).to_string(),
        state: status.state.as_str(),
        is_final: status.state.is_final(),
        from: message.sender.as_str().to_owned(),
        to: message.recipient.as_str().to_owned(),
        parts: message.parts,
        price: price(message),
        accepted_at: moment(message.accepted_at),
        valid_until: moment(message.valid_until),
        deliver_after: (message.deliver_after > 0).then(|| moment(message.deliver_after)),
        final_at: status.final_at.map(moment),
        error: status.error.clone(),
        reference: message.partner_reference.as_ref().map(ToString::to_string),
        events,
    }
}

/// RFC 3339 in UTC.
fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// Which alphabet a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    #[default]
    Auto,
    Gsm7,
    Ucs2,
}

/// A text as a message's body, and how many short messages it takes.
///
/// A simple choice of its own for now; `payload::alphabet::prepare` will take its place, with its
/// tables and with what a text may be folded to.
pub fn text_body(text: &str, mode: Coding, parts_max: u8) -> Result<(Body, u8), Refusal> {
    let septets = (mode != Coding::Ucs2).then(|| gsm7(text)).flatten();
    let (data_coding, octets, one, many, unit) = match (septets, mode) {
        (Some(septets), _) => (0, septets, 160, 153, 1),
        (None, Coding::Gsm7) => {
            let odd = text.chars().find(|letter| gsm7(letter.encode_utf8(&mut [0; 4])).is_none());
            let odd = odd.unwrap_or_default();
            return Err(Refusal::BadField(format!(
                "U+{:04X} is not in the GSM alphabet; use coding auto",
                u32::from(odd)
            )));
        }
        (None, _) => (8, text.encode_utf16().flat_map(u16::to_be_bytes).collect(), 70, 67, 2),
    };
    let units = octets.len() / unit;
    let parts = if units <= one { 1 } else { units.div_ceil(many) };
    let count = u8::try_from(parts).ok().filter(|parts| *parts <= parts_max);
    let count = count.ok_or_else(|| {
        Refusal::BadLength(format!("takes {parts} parts; {parts_max} are the most"))
    })?;
    Ok((Body { data_coding, has_udh: false, octets: Bytes::from(octets) }, count))
}

/// The GSM alphabet in the order of its codes; 0x1B leads to the extension. [23.038 s6.2.1]
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// One septet in each octet; none if a letter is not in the alphabet.
fn gsm7(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let is_basic = |place: &(usize, char)| place.1 == letter && letter != '\u{1b}';
        if let Some((place, _)) = BASIC.chars().enumerate().find(is_basic) {
            septets.push(u8::try_from(place).ok()?);
        } else {
            let (_, code) = EXTENDED.iter().find(|(extended, _)| *extended == letter)?;
            septets.extend([0x1b, *code]);
        }
    }
    Some(septets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_gsm_alphabet_where_it_can_and_ucs2_else() {
        assert_eq!(BASIC.chars().count(), 128);
        let of = |text: &str| {
            text_body(text, Coding::Auto, 16)
                .map(|(body, parts)| (body.data_coding, body.octets.to_vec(), parts))
        };
        assert_eq!(of("@é"), Ok((0, vec![0x00, 0x05], 1)));
        assert_eq!(of("1€"), Ok((0, vec![0x31, 0x1b, 0x65], 1)));
        assert_eq!(of("zażółć").unwrap().0, 8);
        assert_eq!(of("ż"), Ok((8, vec![0x01, 0x7c], 1)));
        assert_eq!(of(&"a".repeat(160)).unwrap().2, 1);
        assert_eq!(of(&"a".repeat(161)).unwrap().2, 2);
        assert_eq!(of(&"ż".repeat(70)).unwrap().2, 1);
        assert_eq!(of(&"ż".repeat(71)).unwrap().2, 2);
        assert!(matches!(of(&"a".repeat(153 * 16 + 1)), Err(Refusal::BadLength(_))));
        assert!(matches!(text_body("ż", Coding::Gsm7, 16), Err(Refusal::BadField(_))));
        assert_eq!(text_body("a", Coding::Ucs2, 16).unwrap().0.octets.as_ref(), [0, 0x61]);
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes_and_given_once() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_static(value));
            }
            idempotency_key(&headers).map_err(|error| error.code)
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["order-17"]), Ok(Some("order-17".into())));
        assert_eq!(of(&["\"order-17\""]), Ok(Some("order-17".into())));
        for bad in [&[""][..], &["a b"], &["a", "b"], &["\"\""]] {
            assert_eq!(of(bad), Err("invalid"), "{bad:?}");
        }
        assert_eq!(of(&["a", "a"]), Err("invalid"));
    }
}
