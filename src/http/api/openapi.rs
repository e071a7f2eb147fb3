//! The description of the API, `OpenAPI` 3.1, made from the handlers themselves.
//!
//! It must be true: a tool that generates requests from it is run against the gateway. The
//! surprise: what `utoipa` cannot say, that a message has a text, octets or a push and only one of
//! them, is put into the finished document.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::{
    IntoResponses, Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, RefOr, ResponseBuilder, Schema,
        schema::Type,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

// In the order of the alphabet and not of meaning: so two who add a noun at once rarely meet.
use super::{
    access, agreement_steps, agreements, applications, bank, companies, complaints, desk, faults,
    incidents, live, message_search, messages, numbers, orders, people, replays, reservations,
    sandbox, services, session, specifications, terms, ticket_work, tmf, tmf_hub, tmf_orders,
    tmf_tickets, traffic,
};
use crate::http::error::ProblemBody;

// Whatever has a route stands here too: the matrix of rights is read from the routers and from this
// list, and a tool makes its requests of it. What is left out would be an address that works and
// that nobody is told of.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bramka",
        description = "Sends premium SMS and tells what became of them. Every problem is \
                       explained at the address in its `type`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        applications::create, applications::show, applications::submit,
        message_search::list,
        messages::create, messages::show, messages::cancel, messages::redeliver,
        replays::list, replays::create, replays::preview, replays::show, replays::stop,
        session::create, session::step_up, session::delete, session::me,
        people::list, people::invite, people::show, people::change, people::set,
        access::credentials, access::add_credential, access::rotate_credential,
        access::revoke_credential, access::keys, access::add_key, access::rotate_key,
        access::revoke_key,
        agreements::list, agreements::create, agreements::show, agreements::history,
        agreement_steps::document, agreement_steps::copy, agreement_steps::step,
        agreement_steps::hand_in, agreement_steps::countersign,
        terms::list, terms::create, terms::show, terms::change, terms::step, terms::answer,
        terms::compare, terms::notices,
        companies::own, companies::change_own, companies::list, companies::show,
        companies::change,
        desk::list, desk::show, desk::step,
        tmf::list, tmf::show, tmf::specifications, tmf::specification,
        faults::list, faults::create, faults::show, faults::note, faults::step,
        complaints::list, complaints::create, complaints::show, complaints::note,
        complaints::step,
        sandbox::text, sandbox::checklist,
        // What is no step of a ticket has an address of its own, before `/{step}` takes the rest.
        incidents::list, incidents::open, incidents::show, incidents::tell, incidents::follow,
        ticket_work::own_fault, ticket_work::rate_fault, ticket_work::link_fault,
        ticket_work::merge_fault, ticket_work::add_fault_file, ticket_work::own_complaint,
        ticket_work::assign_complaint, ticket_work::add_complaint_file,
        // TMF621 knows no version of a ticket: none of these takes If-Match.
        tmf_hub::listen, tmf_hub::list, tmf_hub::unlisten,
        tmf_tickets::list, tmf_tickets::create, tmf_tickets::show, tmf_tickets::patch,
        bank::list, bank::ask, bank::show, bank::answer,
        numbers::list, numbers::show, numbers::import,
        reservations::list, reservations::create, reservations::show, reservations::step,
        reservations::waits, reservations::wait, reservations::stop_waiting,
        services::list, services::create, services::show, services::change, services::step,
        services::comment,
        orders::list, orders::show, orders::note, orders::step,
        tmf_orders::list, tmf_orders::show,
        specifications::list, specifications::show, specifications::publish,
        specifications::publish_next, specifications::withdraw,
        live::binds, live::end, live::links, live::order, traffic::show,
    ),
    tags(
        (name = "messages", description = "Messages to subscribers"),
        (name = "replays", description = "Handing over again what a partner lost"),
        (name = "sandbox", description = "Trying without subscribers and without cost"),
        (name = "session", description = "Log in and out"),
        (name = "people", description = "Who may log in"),
        (name = "access", description = "SMPP accounts and API keys"),
        (name = "company", description = "What a company says of itself"),
        (name = "applications", description = "Becoming a partner"),
        (name = "desk", description = "Deciding about applications"),
        (name = "agreements", description = "Agreements between partners and the operator"),
        (name = "terms", description = "Versions of terms, and who was told of them"),
        (name = "companies", description = "What partners say of themselves"),
        (name = "tmf651", description = "Agreements as TMF651 v4 shows them"),
        (name = "services", description = "What subscribers are offered, from draft to end"),
        (name = "orders", description = "What partners and the operator do together"),
        (name = "tmf641", description = "Orders as TMF641 v4 shows them"),
        (name = "specifications", description = "How to connect, and what the operator says of its systems"),
        (name = "faults", description = "Faults, and what becomes of them"),
        (name = "complaints", description = "Complaints of subscribers, and what becomes of them"),
        (name = "tmf621", description = "Faults and complaints as TMF621 v4 shows them"),
        (name = "live", description = "What is connected now, and how much goes through"),
        (name = "numbers", description = "Numbers, and who holds what of them"),
    ),
    modifiers(&ApiKeys)
)]
struct Api;

/// Three kinds of bearer token that look alike: of a partner's system, of a person, and of somebody
/// who applies. Which one an operation takes stands at the operation.
struct ApiKeys;

impl Modify for ApiKeys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "api_key",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
        components.add_security_scheme(
            "application_key",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
}

/// A schema that is only a text with a pattern or a constant.
macro_rules! plain {
    ($name:ident, $kind:ident, $($call:tt)*) => {
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::$kind)$($call)*.into()
            }
        }

        impl ToSchema for $name {}
    };
}

plain!(IdempotencyKey, String, .min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$")));
plain!(IdText, String, .min_length(Some(1)).max_length(Some(32)).pattern(Some("^[0-9A-Za-z]+$")));
plain!(ReferenceText, String, .min_length(Some(1)).max_length(Some(32)).pattern(Some("^[0-9A-Za-z-]+$")));
plain!(True, String, .enum_values(Some(["true"])));

/// The problems that a request may be answered with, by status; the body is the same for all.
macro_rules! problems {
    ($name:ident: $($status:literal $why:literal),+ $(,)?) => {
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                [$(($status, $why)),+].into_iter().map(problem).collect()
            }
        }
    };
}

// By a live key or by one of the sandbox. A 403 is both: a key that may not play a subscriber, and
// a number that is another partner's.
problems! { SendProblems:
    "400" "Not JSON",
    "401" "No valid API key",
    "403" "Not allowed to your account",
    "408" "Took too long",
    "409" "The service is not live",
    "413" "Body too large",
    "415" "Not application/json",
    "422" "Fields are wrong, or the key was used for another message",
    "429" "Over your rate",
    "503" "Try again later",
}

// A message of the other mode is a 404, in the words of one that nobody has (S-28).
problems! { LookProblems:
    "400" "The path is not text",
    "401" "No valid API key",
    "403" "Account suspended",
    "404" "None of your messages",
    "429" "Too many wrong keys",
    "503" "Try again later",
}

// Every "no" that a person may hear, for all operations of people. The union: a status that one of
// them never has does no harm, and a list for each would be wrong after the next refusal.
problems! { Problems:
    "400" "Not JSON, or not HTTP as it should be",
    "401" "No session, or not the right one",
    "403" "Not allowed to your role, or a fresh code is needed",
    "404" "Nothing of yours",
    "408" "Took too long",
    "409" "Not possible in this state",
    "412" "Changed since it was read",
    "413" "Body too large",
    "415" "Not application/json",
    "422" "Fields are wrong",
    "429" "Too many tries",
    "503" "Try again later",
}

problems! { ApplyProblems:
    "400" "Not JSON",
    "408" "Took too long",
    "412" "The same request is being answered",
    "413" "Body too large",
    "415" "Not application/json",
    "422" "Fields are wrong, or the key was used for another one",
    "429" "Too many applications",
    "503" "Try again later",
}

problems! { OwnApplicationProblems:
    "400" "The path is not text",
    "401" "No valid key of this application",
    "429" "Too many requests",
    "503" "Try again later",
}

problems! { SubmitProblems:
    "400" "The path is not text",
    "401" "No valid key of this application",
    "409" "Submitted already",
    "412" "Changed meanwhile",
    "422" "Not complete",
    "429" "Too many requests",
    "503" "Try again later",
}

/// The body by its name alone: written out for each status it made half of the document.
fn problem((status, why): (&str, &str)) -> (String, RefOr<utoipa::openapi::Response>) {
    let body = utoipa::openapi::Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(body)).build();
    let response = ResponseBuilder::new().description(why);
    (status.to_owned(), response.content("application/problem+json", content).build().into())
}

/// The document as it is served, made once.
pub fn json_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document =
            serde_json::to_value(Api::openapi()).expect("the document is plain data");
        let place = "/paths/~1api~1v1~1messages/post/requestBody/content/application~1json/schema";
        if let Some(Value::Object(schema)) = document.pointer_mut(place) {
            // An unknown field is refused (S-24), and the document must say so.
            schema.insert("additionalProperties".to_owned(), json!(false));
            let with = |names: &[&str]| -> Vec<Value> {
                names.iter().map(|name| json!({ "required": [name] })).collect()
            };
            schema.insert(
                "oneOf".to_owned(),
                json!([
                    {
                        "title": "text", "required": ["text"],
                        "not": { "anyOf": with(&["binary", "data_coding", "udh", "wap_push"]) }
                    },
                    {
                        "title": "octets", "required": ["binary", "data_coding"],
                        "not": { "anyOf": with(&["text", "coding", "wap_push"]) }
                    },
                    {
                        "title": "push", "required": ["wap_push"],
                        "not": { "anyOf":
                            with(&["text", "coding", "binary", "data_coding", "udh"]) }
                    }
                ]),
            );
            schema.insert("anyOf".to_owned(), json!(with(&["from", "service"])));
            schema.insert("not".to_owned(), json!({ "required": ["validity", "valid_until"] }));
        }
        narrow_push(&mut document, place);
        add_examples(&mut document);
        document.to_string()
    });
    &TEXT
}

/// What an SI may have and an SL may not: `utoipa` cannot say that one field decides over others.
/// Whoever makes requests of the document would else send an SL with a text, and be refused. The
/// three kinds exclude each other, as `oneOf` wants: a push without an action is no `delete`.
fn narrow_push(document: &mut Value, message: &str) {
    let push = document.pointer_mut(&format!("{message}/properties/wap_push"));
    let Some(Value::Object(schema)) = push else { return };
    let of = |kind: &str, actions: &[&str]| json!({ "kind": { "enum": [kind] }, "action": { "enum": actions } });
    let signals = ["signal-none", "signal-low", "signal-medium", "signal-high", "delete"];
    let only_si: Vec<Value> = ["text", "id", "created", "expires"]
        .into_iter()
        .map(|name| json!({ "required": [name] }))
        .collect();
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert(
        "oneOf".to_owned(),
        json!([
            { "title": "si", "properties": of("si", &signals[..4]) },
            {
                "title": "si that takes another back", "properties": of("si", &signals[4..]),
                "required": ["action", "id"]
            },
            {
                "title": "sl", "properties": of("sl", &["execute-low", "execute-high", "cache"]),
                "not": { "anyOf": only_si }
            }
        ]),
    );
}

/// Whole requests to copy, and what the id of an answer is good for.
fn add_examples(document: &mut Value) {
    let place = "/paths/~1api~1v1~1messages/post/requestBody/content/application~1json";
    if let Some(Value::Object(content)) = document.pointer_mut(place) {
        let examples = json!({
            "text": {
                "summary": "A text, from a number",
                "value": { "to": "48600100200", "from": "7455", "text": "Thank you!" }
            },
            "service": {
                "summary": "A text of a service, its receipts wanted",
                "value": {
                    "to": "48600100200", "service": "win", "text": "Zażółć gęślą jaźń",
                    "receipts": "all", "validity": 3600
                }
            },
            "octets": {
                "summary": "Octets in an alphabet of yours",
                "value": {
                    "to": "48600100200", "from": "7455", "binary": "AGEAYg==", "data_coding": 8
                }
            },
            "push": {
                "summary": "A WAP push with an address",
                "value": {
                    "to": "48600100200", "from": "7455",
                    "wap_push": {
                        "kind": "si", "href": "https://wap.example.pl/d?t=AB12",
                        "text": "Pobierz grę"
                    }
                }
            }
        });
        content.insert("examples".to_owned(), examples);
    }
    if let Some(Value::Object(accepted)) =
        document.pointer_mut("/paths/~1api~1v1~1messages/post/responses/202")
    {
        let parameters = json!({ "id": "$response.body#/id" });
        let links = json!({
            "show": { "operationId": "getMessage", "parameters": parameters },
            "cancel": { "operationId": "cancelMessage", "parameters": parameters }
        });
        accepted.insert("links".to_owned(), links);
    }
}

pub(crate) async fn document() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, json_text()).into_response()
}
