//! The description of the API, `OpenAPI` 3.1, made from the handlers themselves.
//!
//! It must be true: a tool that generates requests from it is run against the gateway. The
//! surprise: what `utoipa` cannot say, that a message has a text or octets but never both, is put
//! into the finished document.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::Type,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{applications, messages};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bramka",
        description = "Sends premium SMS and tells what became of them. Every problem is \
                       explained at the address in its `type`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        applications::create,
        applications::show,
        applications::submit,
        messages::create,
        messages::show,
        messages::cancel
    ),
    tags(
        (name = "applications", description = "Becoming a partner"),
        (name = "messages", description = "Messages to subscribers")
    ),
    modifiers(&ApiKeys)
)]
struct Api;

struct ApiKeys;

impl Modify for ApiKeys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "api_key",
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

/// The document as it is served, made once.
pub fn json_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document =
            serde_json::to_value(Api::openapi()).expect("the document is plain data");
        let place = "/paths/~1api~1v1~1messages/post/requestBody/content/application~1json/schema";
        if let Some(Value::Object(schema)) = document.pointer_mut(place) {
            schema.insert("additionalProperties".to_owned(), json!(false));
            let with = |names: &[&str]| -> Vec<Value> {
                names.iter().map(|name| json!({ "required": [name] })).collect()
            };
            schema.insert(
                "oneOf".to_owned(),
                json!([
                    {
                        "title": "text", "required": ["text"],
                        "not": { "anyOf": with(&["binary", "data_coding", "udh"]) }
                    },
                    {
                        "title": "octets", "required": ["binary", "data_coding"],
                        "not": { "anyOf": with(&["text", "coding"]) }
                    }
                ]),
            );
            schema.insert("anyOf".to_owned(), json!(with(&["from", "service"])));
            schema.insert("not".to_owned(), json!({ "required": ["validity", "valid_until"] }));
        }
        add_examples(&mut document);
        document.to_string()
    });
    &TEXT
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
