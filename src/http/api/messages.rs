//! `/api/v1/messages`: send, look at, take back, hand over again.
//!
//! Every answer 202 is durable (P1). It decides nothing; `new_message` reads, `acceptance` keeps
//! the promise. The surprise: a repeat with the same Idempotency-Key is answered 202 as well, for
//! a client that lost the first answer must not need a second branch.

use axum::{
    Json,
    body::Body as HttpBody,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use smol_str::SmolStr;

use super::{
    acceptance::accept,
    asked::logged,
    fields,
    new_message::{Moment, NewMessage, read},
    openapi::{IdText, IdempotencyKey, LookProblems, SendProblems, True},
    shapes::{AcceptedMessage, EventBody, MessageBody, described, moment},
};
use crate::{
    domain::{Body, Refusal},
    gateway,
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

/// Sends a message.
///
/// The answer 202 means that the message is stored and will not be lost. Repeat a request whose
/// answer did not arrive with the same Idempotency-Key: the earlier message is answered again.
#[utoipa::path(
    post,
    path = "/api/v1/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request, remembered for 24 hours; a UUID is best")),
    request_body(content = inline(NewMessage), content_type = "application/json"),
    responses(
        (status = 202, description = "Accepted, or accepted before with the same key",
            body = AcceptedMessage,
            headers(("Idempotency-Replayed" = inline(True),
                description = "Present if the earlier message is answered again"))),
        SendProblems,
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
    let response = accepted.into_response();
    metrics::accepted_in("http", app.gateway.clock().instant().duration_since(began));
    Ok(named(&caller, response))
}

/// Shows a message with its timeline.
#[utoipa::path(
    get,
    path = "/api/v1/messages/{id}",
    operation_id = "getMessage",
    tag = "messages",
    params(("id" = inline(IdText), Path, description = "Id of the answer 202")),
    responses(
        (status = 200, description = "The message", body = MessageBody),
        LookProblems,
    ),
    security(("api_key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let status = app.gateway.query(caller.whose(), checked(&id)?, None).await?;
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
    params(("id" = inline(IdText), Path, description = "Id of the answer 202")),
    responses(
        (status = 204, description = "Taken back; it will not be sent"),
        (status = 409, description = "On its way or final", body = ProblemBody,
            content_type = "application/problem+json"),
        LookProblems,
    ),
    security(("api_key" = []))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (gateway, whose) = (app.gateway.clone(), caller.whose());
    let id = checked(&id)?.to_owned();
    app.finish(async move { gateway.cancel(whose, &id, None).await }).await??;
    Ok(named(&caller, StatusCode::NO_CONTENT.into_response()))
}

/// Hands a text or a receipt over to you once more, to the callback of its service or to a session.
///
/// For what you took and lost all the same. It comes once, under the same id and with `redelivery`
/// counted on; nothing is charged again.
#[utoipa::path(
    post,
    path = "/api/v1/messages/{id}/redeliver",
    operation_id = "redeliverMessage",
    tag = "messages",
    params(("id" = inline(IdText), Path, description = "Id of the message, yours or a subscriber's")),
    responses(
        (status = 200, description = "Your system answered", body = RedeliveredBody),
        (status = 409, description = "Not handed over before, erased, or nobody is there to take it",
            body = ProblemBody, content_type = "application/problem+json"),
        LookProblems,
    ),
    security(("api_key" = []))
)]
pub(crate) async fn redeliver(
    State(app): State<App>,
    caller: ApiCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = checked(&id)?.to_owned();
    let (gateway, partner, by) = (app.gateway.clone(), caller.partner, caller.submitter().caller);
    let order = async move {
        let (message, done) = gateway.redeliver(&id, Some(partner), &by.to_string()).await?;
        let detail = serde_json::json!({ "outcome": done.outcome });
        let (store, now) = (gateway.store(), gateway.now());
        store.audit_message(&by, now, "message.redeliver", message, &detail).await?;
        Ok::<_, gateway::Error>(done)
    };
    let done = app.finish(order).await??;
    let body = RedeliveredBody { is_delivered: done.is_delivered(), outcome: done.outcome };
    Ok(named(&caller, Json(body).into_response()))
}

/// What became of the repeat.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct RedeliveredBody {
    /// Your callback answered with a 2xx, or your session with `ESME_ROK`.
    is_delivered: bool,
    /// The answer, as the log of deliveries has it.
    #[schema(example = "delivered: answered 204")]
    outcome: String,
}

fn named(caller: &ApiCaller, response: Response) -> Response {
    logged(response, LoggedAs::from(caller))
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
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<SmolStr>, FieldError> {
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
    use axum::http::HeaderValue;

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
