//! `GET /api/v1/messages`: looking for messages, for partners' systems and for people.
//!
//! What surprises: the two see different numbers. A key belongs to the system that sent to them and
//! sees them whole; people see them masked, and a whole one only in the portal, where each look is
//! on record (S-23, S-44). A page may be shorter than `limit` and not the last: only `next` tells.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked},
    openapi::Problems,
    shapes::{PriceBody, moment},
};
use crate::{
    domain::{
        Catalog, MessageId, MessageState, NumberPattern, PartnerId, ServiceId,
        partner::MessageIdForm,
    },
    http::{
        App,
        auth::ApiCaller,
        edge::LoggedAs,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    store::{FoundMessage, FoundMessages, MessageFilter},
};

/// Characters of a name that is looked for.
const NAME_MAX: usize = 80;

/// Which messages.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// An id that you were given, or your own reference. The other filters are not looked at then.
    #[param(min_length = 1, max_length = 80)]
    id: Option<String>,
    /// The subscriber's number, whole or with stars in place of digits.
    #[param(
        example = "48600***200",
        pattern = r"^([0-9]{7,15}|[0-9]{3,15}\*{1,9}|\*{1,9}[0-9]{3,15}|[0-9]{2,7}\*{1,9}[0-9]{1,7})$"
    )]
    number: Option<String>,
    /// One state; without it all.
    #[param(
        pattern = "^(accepted|claimed|submitted|delivered|undeliverable|expired|rejected|deleted|unknown|unknown_final|held|quarantined|void_unacked|unrouted)$"
    )]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// `mt` to subscribers, `mo` from them; without it both.
    #[param(pattern = "^(mt|mo)$")]
    #[serde(default, deserialize_with = "asked::word")]
    direction: Option<String>,
    /// Number of a service.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    service: Option<i64>,
    /// Of staff: number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    partner: Option<i64>,
    /// Accepted at or after this moment.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Accepted before this moment.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,19}$")]
    #[serde(default, deserialize_with = "asked::word")]
    after: Option<String>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Messages)]
pub(crate) struct ListBody {
    /// The newest first.
    messages: Vec<FoundBody>,
    /// For `after`; null at the end. A page that has fewer rows than asked for may have one: then
    /// the search was ended before it was full.
    #[schema(required)]
    next: Option<String>,
}

/// A message in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FoundMessage)]
struct FoundBody {
    id: String,
    /// `mt` to the subscriber, `mo` from the subscriber.
    #[schema(pattern = "^(mt|mo)$")]
    direction: String,
    /// Null for a text that no partner takes.
    #[schema(required)]
    partner: Option<String>,
    #[schema(required)]
    service: Option<String>,
    from: String,
    to: String,
    state: String,
    is_final: bool,
    parts: i64,
    #[schema(required)]
    price: Option<PriceBody>,
    /// The keyword that took a subscriber's text.
    #[schema(required)]
    keyword: Option<String>,
    /// Your own word for it.
    #[schema(required)]
    reference: Option<String>,
    /// The network's cause, as `kind:code`, or a status name.
    #[schema(required)]
    error: Option<String>,
    #[schema(format = DateTime)]
    accepted_at: String,
    /// When it came into its state.
    #[schema(format = DateTime)]
    state_at: String,
}

/// Who looks: a person, whose right is asked for by the verb, or a system of a partner.
pub(crate) enum Seeker {
    Key(ApiCaller),
    Person(Box<SignedCaller>),
}

impl FromRequestParts<App> for Seeker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Problem> {
        if asked::brings_key(&parts.headers) {
            return Ok(Self::Key(ApiCaller::from_request_parts(parts, app).await?));
        }
        Ok(Self::Person(Box::new(SignedCaller::from_request_parts(parts, app).await?)))
    }
}

impl Seeker {
    /// The answer with who asked for the log.
    pub(super) fn named(&self, response: Response) -> Response {
        let who = match self {
            Self::Key(caller) => LoggedAs::from(caller),
            Self::Person(caller) => LoggedAs::from(&**caller),
        };
        asked::logged(response, who)
    }
}

/// Looks for messages, the newest first: of a partner its own.
#[utoipa::path(
    get, path = "/api/v1/messages", operation_id = "findMessages", tag = "messages",
    params(Wanted),
    responses((status = 200, description = "A page of messages", body = ListBody), Problems),
    security(("api_key" = []), ("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    seeker: Seeker,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let wish = read(&wanted)?;
    let found = look(&app, &seeker, wanted.id.as_deref(), &wish).await?;
    let catalog = app.gateway.catalog();
    let body = ListBody {
        messages: found.rows.into_iter().map(|row| body(&catalog, row)).collect(),
        next: found.next.map(|next| next.to_string()),
    };
    Ok(seeker.named(Json(body).into_response()))
}

async fn look(
    app: &App,
    seeker: &Seeker,
    name: Option<&str>,
    wish: &MessageFilter,
) -> Result<FoundMessages, Problem> {
    let verbs = &app.partnership;
    let rows = match (seeker, name) {
        (Seeker::Key(caller), None) => {
            return Ok(verbs.find_own_messages(caller.partner, wish).await?);
        }
        (Seeker::Person(caller), None) => return Ok(verbs.find_messages(&caller.0, wish).await?),
        (Seeker::Key(caller), Some(name)) => {
            verbs.own_messages_called(caller.partner, name).await?
        }
        (Seeker::Person(caller), Some(name)) => verbs.messages_called(&caller.0, name).await?,
    };
    Ok(FoundMessages { rows, ..FoundMessages::default() })
}

fn read(wanted: &Wanted) -> Result<MessageFilter, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    // What has the right shape and still is none: the document can say the shape only.
    let odd = |name: &str| Fault::InvalidFields.says(format!("`{name}` is none that can be"));
    let id = wanted.id.as_ref().map(|name| name.chars().take(NAME_MAX + 1).count());
    if id.is_some_and(|size| !(1..=NAME_MAX).contains(&size)) {
        return Err(bad("id"));
    }
    let number = wanted.number.as_deref();
    // People write spaces and a plus; a system writes what the document says.
    if number.is_some_and(|text| !text.bytes().all(|c| c.is_ascii_digit() || c == b'*')) {
        return Err(bad("number"));
    }
    let number =
        number.map(|text| NumberPattern::parse(text).ok_or_else(|| odd("number"))).transpose()?;
    let state = wanted.state.as_deref();
    let state =
        state.map(|word| MessageState::parse(word).ok_or_else(|| bad("state"))).transpose()?;
    let direction = wanted.direction.clone().unwrap_or_default();
    if !matches!(&*direction, "" | "mt" | "mo") {
        return Err(bad("direction"));
    }
    let at = |name: &str, text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Some(at.as_microsecond())),
            Err(_) => Err(odd(name)),
        },
    };
    let after = wanted.after.as_deref();
    let before =
        after.map(|text| text.parse().map(MessageId).map_err(|_| odd("after"))).transpose()?;
    Ok(MessageFilter {
        partner: wanted.partner.map(PartnerId),
        service: wanted.service.map(ServiceId),
        state,
        direction,
        number,
        from: at("from", wanted.from.as_deref())?,
        until: at("until", wanted.until.as_deref())?,
        before,
        limit: asked::limit(wanted.limit)?,
    })
}

fn body(catalog: &Catalog, row: FoundMessage) -> FoundBody {
    let price = match (row.tariff_code.clone(), row.gross_minor, row.currency.clone()) {
        (Some(tariff), Some(amount_minor), Some(currency)) => {
            Some(PriceBody { tariff, amount_minor, currency })
        }
        _ => None,
    };
    FoundBody {
        id: visible_id(catalog, &row),
        is_final: MessageState::parse(&row.state).is_some_and(MessageState::is_final),
        direction: row.direction,
        partner: row.partner,
        service: row.service,
        from: row.sender,
        to: row.recipient,
        state: row.state,
        parts: row.parts,
        price,
        keyword: row.keyword,
        reference: row.partner_reference,
        error: row.error,
        accepted_at: moment(row.accepted_at),
        state_at: moment(row.state_at),
    }
}

/// The id in the form that its partner was given.
fn visible_id(catalog: &Catalog, row: &FoundMessage) -> String {
    if let Some(short) = &row.short_id {
        return short.clone();
    }
    let partner = row.partner_id.and_then(|id| catalog.partner(PartnerId(id)));
    match partner.map(|partner| partner.habits.message_id_form) {
        Some(MessageIdForm::Hex) if row.direction == "mt" => format!("{:x}", row.id),
        _ => row.id.to_string(),
    }
}
