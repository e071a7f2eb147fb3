//! `/api/v1/people`: who may log in, on one's own side.
//!
//! The surprise: a change needs `If-Match` with the version that was read, so that two
//! administrators never undo each other unseen.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked, tagged_as},
    fields::{self, Fields},
    once,
    openapi::{IdempotencyKey, Problems},
    session::{SHORT, named, needed},
    shapes::moment,
};
use crate::{
    domain::{PartnerId, PersonEvent, Refusal, UserId, row_id},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{NewPerson, PersonChange},
    store::Person,
};

/// Whose people, asked by the operator's staff; a partner's person always gets its own.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    pub(super) partner: Option<i64>,
}

impl Whose {
    pub(super) fn id(&self) -> Option<PartnerId> {
        self.partner.map(PartnerId)
    }
}

/// Whose people, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageOf {
    /// Number of a partner.
    #[param(minimum = 1)]
    #[serde(default, deserialize_with = "asked::from_one")]
    partner: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

impl PageOf {
    pub(super) fn id(&self) -> Option<PartnerId> {
        self.partner.map(PartnerId)
    }

    pub(super) fn place(&self) -> (Option<&str>, Option<i64>) {
        (self.after.as_deref(), self.limit)
    }
}

/// Somebody to be invited.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewPersonBody {
    #[schema(min_length = 1, max_length = 254)]
    mail: String,
    #[schema(min_length = 1, max_length = 254)]
    name: String,
    /// `admin`, `developer`, `finance`, `viewer`; of the operator's staff `support`,
    /// `provisioning`, `finance`, `auditor`, `admin`.
    #[schema(min_length = 1, max_length = 254)]
    role: String,
    /// `pl` or `en`.
    #[schema(min_length = 1, max_length = 254, nullable = false)]
    language: Option<String>,
}

/// What may be changed.
#[expect(dead_code, reason = "it describes a body that is read field by field")]
#[derive(utoipa::ToSchema)]
pub(crate) struct PersonChangeBody {
    #[schema(min_length = 1, max_length = 254, nullable = false)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 254, nullable = false)]
    role: Option<String>,
    #[schema(min_length = 1, max_length = 254, nullable = false)]
    language: Option<String>,
}

/// Somebody who logs in, or will.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonBody {
    id: i64,
    mail: String,
    name: String,
    role: &'static str,
    /// `invited`, `active`, `locked`, `disabled`.
    state: &'static str,
    has_second_factor: bool,
    language: String,
    #[schema(required, format = DateTime)]
    last_login_at: Option<String>,
    /// For If-Match.
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = People)]
pub(crate) struct PeopleBody {
    people: Vec<PersonBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<String>,
}

impl From<Person> for PersonBody {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.0,
            role: person.role.as_str(),
            state: person.state.as_str(),
            has_second_factor: person.secrets.totp.is_some(),
            last_login_at: person.last_login_at.map(moment),
            version: person.version,
            mail: person.mail,
            name: person.name,
            language: person.language,
        }
    }
}

/// Lists people.
#[utoipa::path(
    get,
    path = "/api/v1/people",
    operation_id = "listPeople",
    tag = "people",
    params(PageOf),
    responses((status = 200, description = "The people", body = PeopleBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<PageOf>,
) -> Result<Response, Problem> {
    let people = app.partnership.people(&caller.0, whose.id()).await?;
    let key = |person: &Person| person.id.0.to_string();
    let (people, next) = asked::page_of(people, whose.place(), key)?;
    let people = people.into_iter().map(PersonBody::from).collect();
    Ok(named(&caller, Json(PeopleBody { people, next }).into_response()))
}

/// Invites somebody by letter.
#[utoipa::path(
    post,
    path = "/api/v1/people",
    operation_id = "invitePerson",
    tag = "people",
    params(Whose, ("Idempotency-Key" = inline(Option<IdempotencyKey>), Header,
        description = "Your name for this request; a repeat makes nothing twice")),
    request_body(content = inline(NewPersonBody), content_type = "application/json"),
    responses((status = 201, description = "Invited", body = PersonBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn invite(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let object = fields::object(&headers, body, app.limits.body_octets_max.as_usize()).await?;
    let repeat = once::key(&headers, &object)?;
    let mut fields = Fields::new(object);
    let new = NewPerson {
        partner: whose.id(),
        mail: needed(&mut fields, "mail", SHORT),
        name: needed(&mut fields, "name", SHORT),
        role: needed(&mut fields, "role", SHORT),
        language: fields.plain("language", SHORT).unwrap_or_else(|| caller.0.language.clone()),
        company: String::new(),
    };
    fields.finish(&["mail", "name", "role", "language"])?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        let invited = partnership.invite(&signed, &new).await?;
        Ok(invited.person.0.to_string())
    };
    let made = once::once(&app, &caller, repeat, "person", Box::pin(work)).await?;
    let person = app.partnership.person(&caller.0, person_id(made.id())?).await?;
    let place = format!("/api/v1/people/{}", person.id.0);
    Ok(made.placed(shown(&caller, StatusCode::CREATED, person), &place))
}

/// Shows a person.
#[utoipa::path(
    get,
    path = "/api/v1/people/{id}",
    operation_id = "getPerson",
    tag = "people",
    params(("id" = i64, Path, description = "Number of the person")),
    responses((status = 200, description = "The person", body = PersonBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let person = app.partnership.person(&caller.0, person_id(&id)?).await?;
    Ok(shown(&caller, StatusCode::OK, person))
}

/// Changes a person. A new role ends all its sessions.
#[utoipa::path(
    patch,
    path = "/api/v1/people/{id}",
    operation_id = "changePerson",
    tag = "people",
    params(
        ("id" = i64, Path, description = "Number of the person"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(PersonChangeBody), content_type = "application/json"),
    responses((status = 200, description = "Changed", body = PersonBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&app, &headers, body).await?;
    let mut text = |name| fields.plain(name, SHORT);
    let change =
        PersonChange { name: text("name"), role: text("role"), language: text("language") };
    let version = fields.version(&headers);
    fields.finish(&["name", "role", "language"])?;
    let (partnership, signed, id) = (app.partnership.clone(), caller.0.clone(), person_id(&id)?);
    let work = async move { partnership.change_person(&signed, id, version, &change).await };
    let person = app.finish(work).await??;
    Ok(shown(&caller, StatusCode::OK, person))
}

/// Takes a person one step on: `lock`, `unlock`, `disable`, `enable`, `remove-second-factor`,
/// `send-link`.
#[utoipa::path(
    post,
    path = "/api/v1/people/{id}/{step}",
    operation_id = "setPerson",
    tag = "people",
    params(
        ("id" = i64, Path, description = "Number of the person"),
        ("step" = String, Path, description = "What to do",
            pattern = "^(lock|unlock|disable|enable|remove-second-factor|send-link)$"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    responses((status = 200, description = "Done", body = PersonBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn set(
    State(app): State<App>,
    caller: SignedCaller,
    Path((id, step)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = person_id(&id)?;
    let event = match step.as_str() {
        "lock" => Some(PersonEvent::Locked),
        "unlock" => Some(PersonEvent::Unlocked),
        "disable" => Some(PersonEvent::Disabled),
        "enable" => Some(PersonEvent::Enabled),
        "remove-second-factor" | "send-link" => None,
        _ => return Err(Fault::NotFound.into()),
    };
    let version = asked::only_version(&headers)?;
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let work = async move {
        match event {
            Some(event) => partnership.set_person(&signed, id, version, event).await,
            None if step == "send-link" => {
                partnership.send_link(&signed, id).await?;
                partnership.person(&signed, id).await
            }
            None => partnership.remove_second_factor(&signed, id, version).await,
        }
    };
    let person = app.finish(work).await??;
    Ok(shown(&caller, StatusCode::OK, person))
}

fn shown(caller: &SignedCaller, status: StatusCode, person: Person) -> Response {
    let version = person.version;
    named(caller, tagged_as(status, &PersonBody::from(person), version))
}

fn person_id(id: &str) -> Result<UserId, Refusal> {
    row_id(id, "person").map(UserId)
}
