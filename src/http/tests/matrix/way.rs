//! The way of a partnership over the API: every step by a person, each write one record (S-41).

use super::{super::desk::PDF, *};

/// Somebody at work.
struct Hand<'c> {
    cast: &'c Cast,
    token: String,
}

impl Hand<'_> {
    /// Asks; a write that is done leaves exactly one record.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        (kind, body): (&str, String),
        headers: &[(&str, &str)],
    ) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", &*bearer), ("content-type", kind)];
        all.extend(headers);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let is_read = method == Method::GET;
        let before = self.cast.audited().await;
        let request = request(method, path, &all).map(|_| Body::from(body));
        let reply = reply_of(&self.cast.world, request).await;
        let written = self.cast.audited().await - before;
        let is_new =
            reply.status < 300 && !is_read && reply.header("idempotency-replayed").is_empty();
        assert_eq!(written, i64::from(is_new), "{path}: {} {}", reply.status, reply.text);
        reply
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, ("application/json", String::new()), &[]).await
    }

    async fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        self.ask("POST", path, ("application/json", body.to_string()), headers).await
    }

    async fn patch(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        self.ask("PATCH", path, ("application/json", body.to_string()), headers).await
    }

    /// The entity tag of a thing as it is now.
    async fn tag(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.header("etag").to_owned()
    }
}

fn hand(cast: &Cast, role: crate::domain::Role) -> Hand<'_> {
    let who = cast.everybody.iter().find(|who| who.role == Some(role)).unwrap();
    Hand { cast, token: who.bearer.clone() }
}

#[tokio::test]
async fn a_framework_agreement_goes_its_whole_way_over_the_api() {
    use crate::domain::Role;
    let cast = Cast::gather().await;
    let (partner, desk) = (hand(&cast, Role::PartnerAdmin), hand(&cast, Role::OperatorAdmin));
    let list = partner.get("/api/v1/agreements?state=sent").await.json();
    assert_eq!((&list["total"], &list["next"]), (&json!(1), &Value::Null));
    let nda = list["agreements"][0]["id"].as_str().unwrap().to_owned();
    let nda = format!("/api/v1/agreements/{nda}");
    // The own copy: without a version, with an old one, with the right one.
    let copies = format!("{nda}/copies?way=upload&signed_by=Jan%20Nowak&file_name=nda.pdf");
    let pdf = || ("application/octet-stream", PDF.to_owned());
    let blind = partner.ask("POST", &copies, pdf(), &[]).await;
    assert_eq!((blind.status, &*blind.code()), (422, "invalid_fields"));
    let stale = partner.ask("POST", &copies, pdf(), &[("if-match", "\"77\"")]).await;
    assert_eq!((stale.status, &*stale.code()), (412, "version_conflict"));
    let tag = partner.tag(&nda).await;
    let before = cast.audited().await;
    let signed = {
        let headers = [("if-match", &*tag)];
        let bearer = format!("Bearer {}", partner.token);
        let mut all = vec![("authorization", &*bearer), ("content-type", pdf().0)];
        all.extend(headers);
        reply_of(&cast.world, request(Method::POST, &copies, &all).map(|_| Body::from(PDF))).await
    };
    assert_eq!((signed.status, &signed.json()["state"]), (200, &json!("in_force")));
    // The file and the step: keeping a file is a write of its own.
    assert_eq!(cast.audited().await - before, 2);

    let number = cast.own.partner.0;
    let wish = json!({
        "partner": number, "kind": "framework", "contact_name": "Jan", "contact_mail": "jan@zolw.example"
    });
    let key = [("idempotency-key", "framework-1")];
    let bearer = format!("Bearer {}", desk.token);
    let mut all = vec![("authorization", &*bearer), ("content-type", "application/json")];
    all.extend(key);
    let first =
        request(Method::POST, "/api/v1/agreements", &all).map(|_| Body::from(wish.to_string()));
    let made = reply_of(&cast.world, first).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = desk.post("/api/v1/agreements", &wish, &key).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json()["id"], made.json()["id"]);
    let other = json!({
        "partner": number, "kind": "framework", "contact_name": "Ewa", "contact_mail": "e@zolw.example"
    });
    let other = desk.post("/api/v1/agreements", &other, &key).await;
    assert_eq!((other.status, &*other.code()), (422, "idempotency_conflict"));
    let framework = made.header("location").to_owned();
    assert_eq!(partner.get(&framework).await.status, 404, "a draft is the operator's alone");
    let steps = format!("{framework}/steps");
    let tag = desk.tag(&framework).await;
    let sent = desk.post(&steps, &json!({ "step": "send" }), &[("if-match", &tag)]).await;
    assert_eq!((sent.status, &sent.json()["state"]), (200, &json!("sent")), "{}", sent.text);
    let why = json!({ "step": "decline", "reason": "Too dear." });
    let declined = partner.post(&steps, &why, &[("if-match", sent.header("etag"))]).await;
    assert_eq!(declined.json()["state"], "declined", "{}", declined.text);
    let history = partner.get(&format!("{framework}/history")).await.json();
    assert!(history["events"].as_array().unwrap().len() >= 2, "{history}");

    let first = desk.get("/api/v1/agreements?limit=1").await.json();
    let next = first["next"].as_i64().unwrap();
    let second = desk.get(&format!("/api/v1/agreements?limit=1&after={next}")).await.json();
    assert_ne!(first["agreements"][0]["id"], second["agreements"][0]["id"]);
    let tmf = partner.get("/tmf-api/agreementManagement/v4/agreement?fields=status").await;
    assert_eq!(tmf.header("x-total-count"), "2");
    assert!(tmf.json()[0]["href"].is_string() && tmf.json()[0].get("name").is_none());
}

#[tokio::test]
async fn a_company_moves_and_terms_are_published_over_the_api() {
    use crate::domain::Role;
    let cast = Cast::gather().await;
    let (partner, desk) = (hand(&cast, Role::PartnerAdmin), hand(&cast, Role::OperatorAdmin));
    let tag = partner.tag("/api/v1/company").await;
    let moved = json!({ "street": "Nowa 2" });
    let done = partner.patch("/api/v1/company", &moved, &[("if-match", &tag)]).await;
    assert_eq!((done.status, &done.json()["street"]), (200, &json!("Nowa 2")), "{}", done.text);
    let late = partner.patch("/api/v1/company", &moved, &[("if-match", &tag)]).await;
    assert_eq!((late.status, &*late.code()), (412, "version_conflict"));
    let seen = desk.get(&format!("/api/v1/partners/{}", cast.own.partner.0)).await;
    assert_eq!(seen.json()["street"], "Nowa 2");
    let page = desk.get("/api/v1/partners?limit=1").await.json();
    let next = page["next"].as_i64().unwrap();
    let page = desk.get(&format!("/api/v1/partners?after={next}")).await.json();
    assert_eq!((page["partners"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));

    let both = json!({ "pl": "1. A", "en": "1. A" });
    let wish = json!({
        "kind": "framework", "label": "2027-12", "applies_to": "all", "consent": "silent",
        "text": both, "summary": both
    });
    let made = desk.post("/api/v1/terms", &wish, &[("idempotency-key", "terms-1")]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = desk.post("/api/v1/terms", &wish, &[("idempotency-key", "terms-1")]).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    let place = made.header("location").to_owned();
    assert_eq!(partner.get(&place).await.status, 404, "a draft is the operator's alone");
    let steps = format!("{place}/steps");
    let tag = made.header("etag").to_owned();
    let own = desk.post(&steps, &json!({ "step": "approve" }), &[("if-match", &tag)]).await;
    assert_eq!((own.status, &*own.code()), (409, "wrong_state"), "who wrote it cannot approve it");
    let new = json!({ "text": { "pl": "1. B", "en": "1. B" }, "summary": both });
    let changed = desk.patch(&place, &new, &[("if-match", &tag)]).await;
    assert_eq!(changed.json()["text"]["en"], "1. B", "{}", changed.text);
    let query = format!("{place}/comparison?language=pl");
    assert_eq!(desk.get(&query).await.json()["new"], "2027-12");
}

#[tokio::test]
async fn the_same_request_for_a_secret_makes_one_and_shows_it_once() {
    use crate::domain::Role;
    let cast = Cast::gather().await;
    let developer = hand(&cast, Role::PartnerDeveloper);
    let key = [("idempotency-key", "key-1")];
    let wish = json!({ "days": 30 });
    let made = developer.post("/api/v1/keys", &wish, &key).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = developer.post("/api/v1/keys", &wish, &key).await;
    assert_eq!((again.status, &*again.code()), (409, "wrong_state"));
    assert!(again.text.contains(made.json()["name"].as_str().unwrap()));
    assert!(!again.text.contains(made.json()["secret"].as_str().unwrap()));
    let odd = developer.get("/api/v1/keys?limit=2").await.json();
    assert_eq!(odd["keys"].as_array().unwrap().len(), 2);
    let next = odd["next"].as_str().unwrap();
    let rest = developer.get(&format!("/api/v1/keys?after={next}")).await.json();
    assert_eq!(rest["keys"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_desk_takes_an_application_up_over_the_api() {
    use crate::domain::Role;
    let cast = Cast::gather().await;
    let desk = hand(&cast, Role::OperatorProvisioning);
    let list = desk.get("/api/v1/desk/applications?order=newest&limit=1").await.json();
    let line = &list["applications"][0];
    assert_eq!((&line["state"], line["is_accepted"].as_bool()), (&json!("decided"), Some(true)));
    let next = list["next"].as_str().unwrap();
    let rest = desk.get(&format!("/api/v1/desk/applications?order=newest&after={next}")).await;
    assert_eq!(rest.json()["applications"].as_array().unwrap().len(), 1);
    let place = format!("/api/v1/desk/applications/{}", line["id"]);
    let shown = desk.get(&place).await;
    assert_eq!(shown.json()["scores"][0]["revenue"], 4, "{}", shown.text);
    assert_eq!(shown.json()["form"]["company"].get("bank_account"), None, "S-23");
    let step = json!({ "step": "take_up" });
    let tag = shown.header("etag").to_owned();
    let late = desk.post(&format!("{place}/steps"), &step, &[("if-match", &tag)]).await;
    assert_eq!((late.status, &*late.code()), (409, "wrong_state"));
    let remark = json!({ "step": "comment", "text": "Well done." });
    let done = desk.post(&format!("{place}/steps"), &remark, &[("if-match", &tag)]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_ne!(done.header("etag"), tag);
}
