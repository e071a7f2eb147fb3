//! `/docs`: the reference of the API, read from its own description, `openapi.json`.
//!
//! The first page says what there is, and each subject has a page with its operations and with the
//! shapes they speak of: all in one was two hundred screens. It is made once, without a script and
//! without a resource from elsewhere. The surprise: its words are English on the Polish page too,
//! and marked so, because they come from the code.

use std::{collections::BTreeSet, sync::LazyLock};

use askama::{Template, filters::HtmlSafe};
use axum::{Router, extract::Path, response::Response, routing::get};
use serde_json::{Map, Value};

use super::page::Page;
use crate::{
    domain::Refusal,
    http::{App, api::openapi, error::Problem, problems},
};

/// How deep a schema is followed; ours are flat, and a circle must end somewhere.
const DEPTH_MAX: usize = 4;

/// One operation of the API.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// Summary and description are HTML.
    summary: String,
    description: String,
    parameters: Vec<Field>,
    fields: Vec<Field>,
    /// What an example shows, and the command to copy.
    examples: Vec<(String, String)>,
    answers: Vec<(String, String, Option<String>)>,
}

/// A parameter, or a field of a body.
struct Field {
    name: String,
    /// `path`, `query` or `header`; empty in a body.
    place: String,
    kind: String,
    /// The schema to look up, if the kind is one.
    schema: Option<String>,
    is_needed: bool,
    description: String,
}

struct Schema {
    name: String,
    description: String,
    kind: String,
    fields: Vec<Field>,
}

/// What belongs together: a tag of the description.
struct Subject {
    name: String,
    description: String,
    operations: Vec<Operation>,
    /// What its operations take and answer, and what these shapes are made of.
    schemas: Vec<Schema>,
}

struct Document {
    title: String,
    description: String,
    subjects: Vec<Subject>,
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let value: Value = serde_json::from_str(openapi::json_text()).unwrap_or_default();
    Document::read(&value)
});

#[derive(Template)]
#[template(path = "reference.html", config = "src/http/portal/askama.toml")]
struct Reference<'p> {
    page: &'p Page,
    document: &'static Document,
}

#[derive(Template)]
#[template(path = "reference_subject.html", config = "src/http/portal/askama.toml")]
struct One<'p> {
    page: &'p Page,
    subject: &'static Subject,
}

/// One table of fields.
#[derive(Template)]
#[template(path = "fields.html", config = "src/http/portal/askama.toml")]
struct Table<'p> {
    page: &'p Page,
    fields: &'p [Field],
    caption: String,
}

impl HtmlSafe for Table<'_> {}

impl One<'_> {
    fn table<'p>(&'p self, fields: &'p [Field], caption: impl Into<String>) -> Table<'p> {
        Table { page: self.page, fields, caption: caption.into() }
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/docs", get(show)).route("/docs/{subject}", get(show_subject))
}

async fn show(page: Page) -> Response {
    let page = page.titled("docs-title");
    page.show(&Reference { page: &page, document: &DOCUMENT })
}

async fn show_subject(page: Page, Path(name): Path<String>) -> Result<Response, Problem> {
    let subject = DOCUMENT.subjects.iter().find(|subject| subject.name == name);
    let subject = subject.ok_or(Refusal::UnknownId("subject"))?;
    let title = format!("{}: {}", page.t("docs-title"), subject.name);
    let page = page.under("/docs", "docs-title").titled_as(title);
    Ok(page.show(&One { page: &page, subject }))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text of the description as HTML, with what stands between back quotes as code.
fn marked(value: &Value, name: &str) -> String {
    problems::marked(value[name].as_str().unwrap_or_default())
}

fn described(value: &Value) -> String {
    marked(value, "description")
}

/// `Message` of `#/components/schemas/Message`.
fn named(schema: &Value) -> Option<String> {
    let place = schema["$ref"].as_str()?;
    place.rsplit('/').next().map(str::to_owned)
}

/// A schema in a few words, and the named schema within it.
fn kind(schema: &Value, depth: usize) -> (String, Option<String>) {
    if let Some(name) = named(schema) {
        return (name.clone(), Some(name));
    }
    if depth >= DEPTH_MAX {
        return ("object".to_owned(), None);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        // A default is written as an object without fields beside the schema it belongs to.
        let says = |one: &&Value| {
            let is_bare = one["type"] == "object" && one["properties"].is_null();
            one["type"] != "null" && !is_bare
        };
        let kinds = items(&schema[choice]).filter(says);
        let mut kinds: Vec<_> = kinds.map(|one| kind(one, depth + 1)).collect();
        if kinds.len() == 1 {
            return kinds.remove(0);
        }
        if !kinds.is_empty() && schema["properties"].is_null() {
            let words: Vec<String> = kinds.into_iter().map(|(word, _)| word).collect();
            return (words.join(" or "), None);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        return (words.join(", "), None);
    }
    let word = match &schema["type"] {
        Value::String(word) => word.clone(),
        Value::Array(words) => {
            words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    if word == "array" {
        let (word, name) = kind(&schema["items"], depth + 1);
        return (format!("list of {word}"), name);
    }
    let limits = match word.as_str() {
        "string" => range(schema, ["minLength", "maxLength"], " characters"),
        "integer" => range(schema, ["minimum", "maximum"], ""),
        _ => None,
    };
    (limits.map_or_else(|| word.clone(), |limits| format!("{word}, {limits}")), None)
}

/// "1 to 32 characters"
fn range(schema: &Value, [least, most]: [&str; 2], unit: &str) -> Option<String> {
    match (schema[least].as_i64(), schema[most].as_i64()) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let needed: Vec<&str> = items(&schema["required"]).filter_map(Value::as_str).collect();
    members(&schema["properties"])
        .map(|(name, inner)| {
            let (kind, schema) = kind(inner, 0);
            let is_needed = needed.contains(&name.as_str());
            let description = described(inner);
            Field { name: name.clone(), place: String::new(), kind, schema, is_needed, description }
        })
        .collect()
}

impl Document {
    fn read(value: &Value) -> Self {
        let subjects = items(&value["tags"]).map(|tag| Subject::read(value, tag)).collect();
        let info = &value["info"];
        let (title, description) = (text(info, "title"), described(info));
        Self { title, description, subjects }
    }
}

impl Subject {
    fn read(value: &Value, tag: &Value) -> Self {
        let schemas = &value["components"]["schemas"];
        let resolved = |schema: &Value| -> Value {
            named(schema).map_or_else(|| schema.clone(), |name| schemas[&name].clone())
        };
        let (mut operations, mut shapes) = (Vec::new(), BTreeSet::new());
        for (path, methods) in members(&value["paths"]) {
            let shared: Vec<&Value> = items(&methods["parameters"]).collect();
            for method in ["get", "post", "put", "patch", "delete"] {
                let one = &methods[method];
                if items(&one["tags"]).any(|name| *name == tag["name"]) {
                    operations.push(Operation::read(path, method, one, &shared, &resolved));
                    for piece in shared.iter().copied().chain([one]) {
                        gather(piece, schemas, &mut shapes);
                    }
                }
            }
        }
        let schemas = members(schemas)
            .filter(|(name, _)| shapes.contains(*name))
            .map(|(name, schema)| Schema {
                name: name.clone(),
                description: described(schema),
                kind: kind(schema, 0).0,
                fields: fields(schema),
            })
            .collect();
        let (name, description) = (text(tag, "name"), described(tag));
        Self { name, description, operations, schemas }
    }
}

/// The names of all schemas that a piece of the description speaks of, and what these speak of.
fn gather(piece: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = named(piece) {
        if found.insert(name.clone()) {
            gather(&schemas[&name], schemas, found);
        }
        return;
    }
    items(piece).for_each(|inner| gather(inner, schemas, found));
    members(piece).for_each(|(_, inner)| gather(inner, schemas, found));
}

impl Operation {
    fn read(
        path: &str,
        method: &str,
        one: &Value,
        shared: &[&Value],
        resolved: &dyn Fn(&Value) -> Value,
    ) -> Self {
        let parameters: Vec<Field> = shared
            .iter()
            .copied()
            .chain(items(&one["parameters"]))
            .map(|parameter| {
                let (kind, schema) = kind(&parameter["schema"], 0);
                Field {
                    name: text(parameter, "name"),
                    place: text(parameter, "in"),
                    kind,
                    schema,
                    is_needed: parameter["required"] == true,
                    description: described(parameter),
                }
            })
            .collect();
        let (_, content) = members(&one["requestBody"]["content"])
            .next()
            .map_or((String::new(), &Value::Null), |(kind, content)| (kind.clone(), content));
        let examples = members(&content["examples"])
            .map(|(name, example)| {
                let summary = example["summary"].as_str().unwrap_or(name).to_owned();
                (summary, command(method, path, Some(&example["value"])))
            })
            .collect::<Vec<_>>();
        let examples = if examples.is_empty() {
            vec![(String::new(), command(method, path, None))]
        } else {
            examples
        };
        let answers = members(&one["responses"])
            .map(|(status, answer)| {
                let content = members(&answer["content"]).next();
                let schema = content.and_then(|(_, content)| kind(&content["schema"], 0).1);
                (status.clone(), text(answer, "description"), schema)
            })
            .collect();
        Self {
            id: text(one, "operationId"),
            method: method.to_owned(),
            path: path.to_owned(),
            summary: marked(one, "summary"),
            description: described(one),
            parameters,
            fields: fields(&resolved(&content["schema"])),
            examples,
            answers,
        }
    }
}

/// A command to copy. The key stands in the environment: one in a command stays in its history.
fn command(method: &str, path: &str, body: Option<&Value>) -> String {
    let mut out = format!("curl -X {} \"$BRAMKA{path}\" \\\n", method.to_uppercase());
    out.push_str("  -H \"Authorization: Bearer $BRAMKA_KEY\"");
    if let Some(body) = body {
        let body = serde_json::to_string_pretty(body).unwrap_or_default().replace('\'', "'\\''");
        out.push_str(" \\\n  -H 'Content-Type: application/json' \\\n  -d '");
        out.push_str(&body);
        out.push('\'');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_description_is_on_the_page_of_one_subject() {
        let value: Value = serde_json::from_str(openapi::json_text()).unwrap();
        let operations: Vec<&Operation> =
            DOCUMENT.subjects.iter().flat_map(|subject| &subject.operations).collect();
        for (path, methods) in value["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let same = |one: &&&Operation| one.path == *path && one.method == *method;
                let found: Vec<_> = operations.iter().filter(same).collect();
                assert_eq!(found.len(), 1, "{method} {path}");
                assert!(!found[0].id.is_empty() && !found[0].answers.is_empty());
            }
        }
    }

    #[test]
    fn every_shape_that_a_subject_links_to_is_on_its_page() {
        for subject in &DOCUMENT.subjects {
            assert!(!subject.operations.is_empty(), "{}", subject.name);
            let taken =
                subject.operations.iter().flat_map(|one| one.parameters.iter().chain(&one.fields));
            let inner = subject.schemas.iter().flat_map(|schema| &schema.fields);
            let answers = subject.operations.iter().flat_map(|one| &one.answers);
            let links = taken.chain(inner).filter_map(|field| field.schema.as_ref());
            for name in links.chain(answers.filter_map(|(.., name)| name.as_ref())) {
                let is_there = subject.schemas.iter().any(|schema| schema.name == *name);
                assert!(is_there, "{name} on the page of {}", subject.name);
            }
        }
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        let body = serde_json::json!({ "text": "it's" });
        let said = command("post", "/api/v1/messages", Some(&body));
        assert!(said.starts_with("curl -X POST \"$BRAMKA/api/v1/messages\" \\\n"), "{said}");
        assert!(said.ends_with("-d '{\n  \"text\": \"it'\\''s\"\n}'"), "{said}");
    }
}
