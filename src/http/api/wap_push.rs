//! From the JSON of a WAP push to the octets of a message.
//!
//! It checks form, like `new_message`, whose field `wap_push` this is; `payload::wap_push` makes
//! the octets. The surprise: an SL is refused where the message would cost something, for it
//! opens its page without asking, and nobody agreed to pay.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::{
    domain::{Body, Refusal},
    payload::wap_push::{
        BadPush, DATA_CODING, HREF_OCTETS_MAX, Indication, Load, Loading, Signal, TEXT_OCTETS_MAX,
        WapPush, WspForm, parse_date,
    },
};

/// What only an SI has.
const OF_INDICATION: [&str; 4] = ["text", "id", "created", "expires"];
const KNOWN: [&str; 7] = ["kind", "href", "text", "id", "action", "created", "expires"];

/// The schema of the field, for the document only; `read` is what decides.
#[derive(utoipa::ToSchema)]
#[schema(as = WapPush)]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) struct PushFields {
    /// `si` (service indication) shows a text and asks; `sl` (service loading) opens the page.
    /// Most handsets of today ignore both: a text with a link is the better choice.
    #[schema(inline)]
    kind: PushKind,
    /// Address of the page, in printable ASCII.
    #[schema(
        min_length = 10,
        max_length = 512,
        pattern = r"^https?://[0-9A-Za-z][!-~]*$",
        example = "https://wap.example.pl/d?t=AB12"
    )]
    href: String,
    /// What an SI says; at most 1024 octets of UTF-8.
    #[schema(nullable = false, max_length = 1024, example = "Pobierz grę")]
    text: Option<String>,
    /// A newer SI of the same id replaces an older one. The address if absent.
    #[schema(nullable = false, min_length = 1, max_length = 512, pattern = r"^[!-~]+$")]
    id: Option<String>,
    /// How much an SI disturbs (`signal-medium` if absent; `delete` takes back the SI of `id`), or
    /// how an SL is loaded (`execute-low` if absent).
    #[schema(nullable = false, inline)]
    action: Option<PushAction>,
    /// When an SI was made, RFC 3339.
    #[schema(nullable = false, format = DateTime, max_length = 40)]
    created: Option<String>,
    /// When an SI is no longer shown, RFC 3339; later than `created`.
    #[schema(nullable = false, format = DateTime, max_length = 40)]
    expires: Option<String>,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) enum PushKind {
    Si,
    Sl,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the document is made of it")]
pub(crate) enum PushAction {
    SignalNone,
    SignalLow,
    SignalMedium,
    SignalHigh,
    Delete,
    ExecuteLow,
    ExecuteHigh,
    Cache,
}

/// A push as it goes on the air.
pub(super) struct Push {
    pub(super) body: Body,
    pub(super) parts: u8,
    /// It acts without asking the subscriber.
    pub(super) is_loading: bool,
}

/// Reads the object of the field; mistakes are named with their place in it.
pub(super) fn read(fields: &mut Fields, object: Map<String, Value>, parts_max: u8) -> Option<Push> {
    let mut inner = Fields::within("wap_push", object);
    let push = read_inner(&mut inner, parts_max);
    inner.refuse_unknown(&KNOWN, "a WAP push");
    let is_good = inner.is_good();
    fields.absorb(inner);
    push.filter(|_| is_good)
}

fn read_inner(fields: &mut Fields, parts_max: u8) -> Option<Push> {
    for name in ["kind", "href"] {
        if !fields.has(name) {
            fields.wrong(name, "missing", "is missing");
        }
    }
    let is_loading = fields.text("kind", (1, 8), |kind| match kind {
        "si" => Ok(false),
        "sl" => Ok(true),
        _ => Err(("invalid", "must be si or sl".to_owned())),
    });
    if is_loading == Some(true) {
        for name in OF_INDICATION.into_iter().filter(|name| fields.has(name)).collect::<Vec<_>>() {
            fields.wrong(name, "invalid", "belongs to an SI, and this is an SL");
        }
    }
    // All are read whatever the kind is, so that none of them is called unknown.
    let href = fields.plain("href", (1, HREF_OCTETS_MAX));
    let text = fields.plain("text", (0, TEXT_OCTETS_MAX)).unwrap_or_default();
    let si_id = fields.plain("id", (1, HREF_OCTETS_MAX));
    let date = |text: &str| parse_date(text).map_err(|bad| ("invalid", bad.to_string()));
    let created = fields.text("created", (1, 40), date);
    let expires = fields.text("expires", (1, 40), date);
    let action = fields.plain("action", (1, 16));
    let (href, is_loading) = (href?, is_loading?);
    let push = if is_loading {
        let load = action.as_deref().map_or(Ok(Load::default()), Load::parse);
        load.map(|action| WapPush::Loading(Loading { href: &href, action }))
    } else {
        let signal = action.as_deref().map_or(Ok(Signal::default()), Signal::parse);
        signal.map(|action| {
            WapPush::Indication(Indication {
                href: &href,
                text: &text,
                si_id: si_id.as_deref(),
                created,
                expires,
                action,
            })
        })
    };
    let made = push.and_then(|push| push.to_whole(WspForm::default(), parts_max));
    match made {
        Ok((octets, parts)) => {
            let body =
                Body { data_coding: DATA_CODING, has_udh: true, octets: Bytes::from(octets) };
            Some(Push { body, parts, is_loading })
        }
        Err(bad) => {
            let (name, code) = place_of(&bad);
            fields.wrong(name, code, bad.to_string());
            None
        }
    }
}

/// The field that a mistake is about, and its code.
fn place_of(bad: &BadPush) -> (&'static str, &'static str) {
    match bad {
        BadPush::NotAnAddress => ("href", "invalid"),
        BadPush::TooLong { what, .. } | BadPush::BadCharacter { what } => match *what {
            "si-id" => ("id", "invalid"),
            what => (what, "invalid"),
        },
        BadPush::DeleteWithoutId => ("id", "missing"),
        BadPush::BadDate(_) => ("created", "invalid"),
        BadPush::ExpiresBeforeCreated => ("expires", "invalid"),
        BadPush::UnknownAction(..) => ("action", "invalid"),
        BadPush::NotSplit(_) => ("text", Refusal::BadLength(String::new()).code()),
    }
}
