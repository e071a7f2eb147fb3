//! Sessions, people and access over the API.

use super::*;
use crate::{
    domain::{Right, Role, allows},
    partnership::{NewPerson, Visitor, code_of},
};

const PASSWORD: &str = "mosty nad rzeka o swicie";

/// A person with a second factor; the clock moves on by a step for each code.
pub(super) struct Human {
    mail: String,
    secret: String,
}

impl World {
    pub(super) async fn human(&self, partner: Option<&str>, role: &str) -> Human {
        let partnership = &self.app.partnership;
        let catalog = self.app.gateway.catalog();
        let partner = partner.map(|name| catalog.partner_named(name).unwrap().id);
        let mail = format!("{role}@{}.example", partner.map_or(0, |partner| partner.0));
        let new = NewPerson {
            partner,
            mail: mail.clone(),
            name: role.to_owned(),
            role: role.to_owned(),
            language: "en".to_owned(),
            company: String::new(),
        };
        let by = Caller::Operator { name: "root".into() };
        let invited = partnership.invite_by(&by, &new, true).await.unwrap();
        let token = invited.path.rsplit('/').next().unwrap();
        let here = Visitor::default();
        let begun = partnership.accept_invitation(token, PASSWORD, here).await.unwrap();
        let enrolling = partnership.enrolling_of(&begun.token).await.unwrap().unwrap();
        let shown = partnership.begin_enrolment(&enrolling).await.unwrap();
        let code = code_of(&shown.secret, partnership.now());
        partnership.confirm_enrolment(&enrolling, &code, here).await.unwrap();
        Human { mail, secret: shown.secret.to_string() }
    }

    fn code(&self, human: &Human) -> String {
        self.clock.advance(Duration::from_secs(30));
        code_of(&human.secret, self.app.partnership.now())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        (token, body): (&str, Value),
        headers: &[(&str, &str)],
    ) -> Reply {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("authorization", &*bearer), ("content-type", "application/json")];
        all.extend(headers);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request(method, path, &all).map(|_| Body::from(body))).await
    }

    pub(super) async fn log_in(&self, human: &Human) -> String {
        let body = json!({ "mail": human.mail, "password": PASSWORD, "code": self.code(human) });
        let reply = self.ask(Method::POST, "/api/v1/session", ("", body), &[]).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["token"].as_str().unwrap().to_owned()
    }

    async fn step_up(&self, human: &Human, token: &str) -> String {
        let body = json!({ "code": self.code(human) });
        let reply = self.ask(Method::POST, "/api/v1/session/step-up", (token, body), &[]).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_person_logs_in_sees_itself_and_logs_out() {
    let world = world().await;
    let human = world.human(Some("acme"), "developer").await;
    let wrong = json!({ "mail": human.mail, "password": "wrong", "code": "123456" });
    let refused = world.ask(Method::POST, "/api/v1/session", ("", wrong), &[]).await;
    assert_eq!((refused.status, &*refused.code()), (401, "wrong_log_in"));
    let token = world.log_in(&human).await;
    let me = world.get(&token, "/api/v1/me").await;
    assert_eq!((me.status, me.header("cache-control")), (200, "no-store"));
    let me = me.json();
    assert_eq!((&me["partner"], &me["role"]), (&json!("acme"), &json!("developer")));
    let rights: Vec<&str> = Right::ALL
        .iter()
        .filter(|right| allows(Role::PartnerDeveloper, **right))
        .map(|right| right.as_str())
        .collect();
    assert_eq!(me["rights"], json!(rights));
    assert_eq!(world.delete(&token, "/api/v1/session").await.status, 204);
    let after = world.get(&token, "/api/v1/me").await;
    assert_eq!((after.status, &*after.code()), (401, "unauthorized"));
}

#[tokio::test]
async fn every_route_of_people_asks_for_a_session_and_takes_no_cookie() {
    let world = world().await;
    let human = world.human(Some("acme"), "admin").await;
    let token = world.log_in(&human).await;
    let cookie = format!("__Host-session={token}; session={token}");
    for (method, path) in [
        (Method::GET, "/api/v1/me"),
        (Method::DELETE, "/api/v1/session"),
        (Method::POST, "/api/v1/session/step-up"),
        (Method::GET, "/api/v1/people"),
        (Method::POST, "/api/v1/people"),
        (Method::GET, "/api/v1/people/1"),
        (Method::PATCH, "/api/v1/people/1"),
        (Method::POST, "/api/v1/people/1/disable"),
        (Method::GET, "/api/v1/credentials"),
        (Method::POST, "/api/v1/credentials"),
        (Method::DELETE, "/api/v1/credentials/acme1"),
        (Method::POST, "/api/v1/credentials/acme1/rotate"),
        (Method::GET, "/api/v1/keys"),
        (Method::POST, "/api/v1/keys"),
        (Method::DELETE, "/api/v1/keys/bk_1"),
        (Method::POST, "/api/v1/keys/bk_1/rotate"),
    ] {
        for headers in [&[("cookie", &*cookie)][..], &[("authorization", &world.acme)]] {
            let reply = world.send(request(method.clone(), path, headers)).await;
            assert_eq!(reply.status, 401, "{method} {path}");
        }
    }
    assert_eq!(world.get(&token, "/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn an_administrator_invites_changes_by_version_and_disables() {
    let world = world().await;
    let human = world.human(Some("acme"), "admin").await;
    let token = world.log_in(&human).await;
    let new = json!({ "mail": "jan@acme.example", "name": "Jan", "role": "viewer" });
    let early = world.ask(Method::POST, "/api/v1/people", (&token, new.clone()), &[]).await;
    assert_eq!((early.status, &*early.code()), (403, "step_up_needed"));
    let token = world.step_up(&human, &token).await;
    let made = world.ask(Method::POST, "/api/v1/people", (&token, new.clone()), &[]).await;
    assert_eq!((made.status, made.header("etag")), (201, "\"1\""), "{}", made.text);
    let place = made.header("location").to_owned();
    let again = world.ask(Method::POST, "/api/v1/people", (&token, new), &[]).await;
    assert_eq!((again.status, &*again.code()), (409, "taken"));
    let change = json!({ "role": "finance" });
    let blind = world.ask(Method::PATCH, &place, (&token, change.clone()), &[]).await;
    assert_eq!((blind.status, &*blind.code()), (422, "invalid_fields"));
    let old = [("if-match", "\"7\"")];
    let stale = world.ask(Method::PATCH, &place, (&token, change.clone()), &old).await;
    assert_eq!((stale.status, &*stale.code()), (412, "version_conflict"));
    let known = [("if-match", "\"1\"")];
    let changed = world.ask(Method::PATCH, &place, (&token, change), &known).await;
    assert_eq!((changed.status, &changed.json()["role"]), (200, &json!("finance")));
    let odd = json!({ "partner": 2 });
    let odd = world.ask(Method::PATCH, &place, (&token, odd), &[("if-match", "\"2\"")]).await;
    assert_eq!((odd.status, &odd.json()["errors"][0]["code"]), (422, &json!("unknown")));
    let disable = format!("{place}/disable");
    let known = [("if-match", changed.header("etag"))];
    let disabled = world.ask(Method::POST, &disable, (&token, Value::Null), &known).await;
    assert_eq!(disabled.json()["state"], "disabled", "{}", disabled.text);
    let people = world.get(&token, "/api/v1/people").await.json();
    assert_eq!(people["people"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn another_partners_person_and_nobody_are_one_answer() {
    let world = world().await;
    let (human, stranger) =
        (world.human(Some("acme"), "admin").await, world.human(Some("other"), "admin").await);
    let token = world.log_in(&stranger).await;
    let token = world.step_up(&stranger, &token).await;
    let own = world.log_in(&human).await;
    let id = world.get(&own, "/api/v1/me").await.json()["person"].as_i64().unwrap();
    let mut answers = Vec::new();
    for id in [id.to_string(), "999".to_owned(), "rubbish".to_owned()] {
        for path in [format!("/api/v1/people/{id}"), format!("/api/v1/people/{id}/disable")] {
            let method = if path.ends_with("disable") { Method::POST } else { Method::GET };
            let headers = [("if-match", "\"1\"")];
            let reply = world.ask(method, &path, (&token, Value::Null), &headers).await;
            answers.push((reply.status, reply.code(), reply.json()["detail"].clone()));
        }
    }
    let unknown = (404, "unknown_id".to_owned(), json!("no such person"));
    assert!(answers.iter().all(|answer| *answer == unknown), "{answers:?}");
}

#[tokio::test]
async fn a_developers_new_key_sends_at_once_and_an_ended_one_no_more() {
    let world = world().await;
    let human = world.human(Some("acme"), "developer").await;
    let token = world.log_in(&human).await;
    let token = world.step_up(&human, &token).await;
    let days = json!({ "days": 30 });
    let made = world.ask(Method::POST, "/api/v1/keys", (&token, days), &[]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (name, key) = (made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(world.send(post(key, &hello(), &[])).await.status, 202);
    let listed = world.get(&token, "/api/v1/keys").await;
    assert!(listed.text.contains(name) && !listed.text.contains(key));
    assert_eq!(world.delete(&token, &format!("/api/v1/keys/{name}")).await.status, 204);
    assert_eq!(world.send(post(key, &hello(), &[])).await.status, 401);
    let wish = json!({ "system_id": "acme-1", "addresses": ["192.0.2.0/24"] });
    let made = world.ask(Method::POST, "/api/v1/credentials", (&token, wish), &[]).await;
    assert_eq!(made.json()["secret"].as_str().unwrap().len(), 8);
    assert!(world.app.gateway.catalog().credential("acme-1").is_some());
    let bad = json!({ "system_id": "acme 2", "addresses": ["here"] });
    let bad = world.ask(Method::POST, "/api/v1/credentials", (&token, bad), &[]).await;
    assert_eq!((bad.status, bad.json()["errors"].as_array().unwrap().len()), (422, 2));
}
