//! From an accepted application to a contracted partner, through the pages.

use super::*;
use crate::{
    domain::{
        PartnerId,
        application::{Area, Criterion, Verdict},
        application_form::{ConsentForm, ContactForm, Form, PlanForm},
        company::CompanyForm,
        user::Role,
    },
    mail,
    partnership::{Beginning, Begun, NewPerson, Rules, Signed, Visitor, WholeApplication, code_of},
};

const PASSWORD: &str = "mosty nad rzeka o swicie";

fn whole() -> Form {
    let plan = PlanForm {
        revenue: vec!["10000".into(); 12],
        marketing_plan: "Television and the press, every week.".into(),
        idea: "A quiz in which the audience votes.".into(),
        novelty: "Nobody has it yet.".into(),
    };
    Form {
        company: CompanyForm {
            legal_name: "Żółw Media sp. z o.o.".into(),
            nip: "5261040828".into(),
            regon: "123456785".into(),
            street: "Prosta 1".into(),
            postal_code: "00-950".into(),
            city: "Warszawa".into(),
            ..CompanyForm::default()
        },
        contacts: vec![ContactForm {
            name: "Jan Nowak".into(),
            mail: "jan@zolw.example".into(),
            ..ContactForm::default()
        }],
        areas: vec!["special_wap".into()],
        plans: [("special_wap".to_owned(), plan)].into(),
        documents: Vec::new(),
        consent: ConsentForm { privacy_notice: "2026-01".into(), accepted: true },
    }
}

/// An application that the desk has accepted.
pub(super) async fn accepted(world: &World) -> (Begun, PartnerId) {
    let rules = Rules { documents: Vec::new(), ..Rules::default() };
    let desk = world.app.partnership.clone().with_rules(rules);
    let beginning = Beginning { mail: "jan@zolw.example", language: "pl", address: "192.0.2.7" };
    let whole = WholeApplication { begin: beginning, form: whole(), repeat: None };
    let begun = desk.apply_whole(&whole).await.unwrap();
    let by = Signed::try_out(Role::OperatorProvisioning, None);
    let mut version = desk.take_up(&by, (begun.id, begun.version)).await.unwrap();
    for criterion in Criterion::ALL {
        let score = (Area::Wap, *criterion, 4);
        version = desk.score_application(&by, (begun.id, version), score).await.unwrap();
    }
    let yes = vec![(Area::Wap, Verdict::Accepted)];
    let nothing = |_| crate::store::Extras::default();
    let decided = desk.decide_application(&by, (begun.id, version), yes, &[], &nothing).await;
    (begun, decided.unwrap().partner.unwrap())
}

/// Sets password and second factor behind an invitation; the token of the session.
pub(super) async fn enrolled(world: &World, path: &str) -> String {
    let partnership = &world.app.partnership;
    let token = path.rsplit('/').next().unwrap();
    let here = Visitor::default();
    let begun = partnership.accept_invitation(token, PASSWORD, here).await.unwrap();
    let enrolling = partnership.enrolling_of(&begun.token).await.unwrap().unwrap();
    let shown = partnership.begin_enrolment(&enrolling).await.unwrap();
    let code = code_of(&shown.secret, partnership.now());
    let done = partnership.confirm_enrolment(&enrolling, &code, here).await.unwrap();
    done.signed_in.token.to_string()
}

pub(super) async fn staff(world: &World, role: &str) -> String {
    let new = NewPerson {
        mail: format!("{role}@operator.example"),
        name: role.to_owned(),
        role: role.to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = world.app.partnership.invite_by(&by, &new, true).await.unwrap();
    enrolled(world, &invited.path).await
}

/// A browser with its cookies.
pub(super) struct Browser<'w> {
    pub(super) world: &'w World,
    pub(super) cookie: String,
}

impl Browser<'_> {
    pub(super) async fn get(&self, path: &str) -> Reply {
        let headers = [("cookie", &*self.cookie), ("accept-language", "en")];
        self.world.send(request(Method::GET, path, &headers)).await
    }

    /// Sends a form of a page, with the token and the version that the page has.
    pub(super) async fn send(
        &mut self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
        pdf: &[u8],
    ) -> Reply {
        let shown = self.get(page).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        let value = |name: &str| {
            let after = shown.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
            after.and_then(|after| after.split('"').next()).unwrap_or_default().to_owned()
        };
        if let Some(visit) = shown.headers.get("set-cookie") {
            let visit = visit.to_str().unwrap().split(';').next().unwrap();
            self.cookie = format!("{}; {visit}", self.cookie);
        }
        let (token, version) = (value("token"), value("version"));
        let mut body = Vec::new();
        let kept = [("token", &*token), ("version", &*version)];
        for (name, value) in kept.iter().chain(fields) {
            let part = format!(
                "--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.bytes());
        }
        if !pdf.is_empty() {
            body.extend(
                b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"copy.pdf\"\r\n\r\n",
            );
            body.extend(pdf);
            body.extend(b"\r\n");
        }
        body.extend(b"--XX--\r\n");
        let headers = [
            ("cookie", &*self.cookie),
            ("content-type", "multipart/form-data; boundary=XX"),
            ("accept-language", "en"),
        ];
        let request = request(Method::POST, action, &headers).map(|_| Body::from(body));
        self.world.send(request).await
    }
}

/// Every letter that was written, each checked against what its text needs.
async fn letters(world: &World) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for id in 1..100 {
        let Some(letter) = world.app.partnership.store().letter(id).await.unwrap() else { break };
        let data: Value = serde_json::from_str(&letter.data).unwrap();
        let kind = mail::Kind::named(&letter.template).expect(&letter.template);
        assert_eq!(kind.accepts(&data), Ok(()), "{}: {data}", letter.template);
        found.push((letter.template, data));
    }
    found
}

#[tokio::test]
async fn an_accepted_applicant_becomes_a_contracted_partner_with_its_administrator_invited() {
    let world = world().await;
    let (begun, partner) = accepted(&world).await;
    let owner = Caller::Applicant { application: begun.id };
    let partnership = world.app.partnership.clone();
    let document = partnership.agreement_file(&owner, 1, None).await.unwrap();
    assert!(document.octets.starts_with(b"%PDF"));

    let cookie = format!("__Host-application={}.{}", begun.reference, begun.key.as_str());
    let mut applicant = Browser { world: &world, cookie };
    let page = applicant.get("/agreements/1").await;
    assert!(page.text.contains("It is your turn") && page.text.contains("NDA/2026/0001"));
    let none =
        applicant.send("/agreements/1", "/agreements/1/copy", &[("way", "upload")], b"").await;
    assert_eq!(none.status, 422);
    let signed = [("way", "upload"), ("signed_by", "Jan Nowak")];
    let (page, action) = ("/agreements/1", "/agreements/1/copy");
    let sent = applicant.send(page, action, &signed, &document.octets).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(applicant.get(page).await.text.contains("In force"));

    let cookie = format!("__Host-session={}", staff(&world, "admin").await);
    let mut desk = Browser { world: &world, cookie };
    let path = format!("/partners/{}", partner.0);
    assert!(desk.get("/partners").await.text.contains(&path));
    let wish = [
        ("kind", "framework"),
        ("contact_name", "Jan Nowak"),
        ("contact_mail", "jan@zolw.example"),
    ];
    let made = desk.send(&path, &path, &wish, b"").await;
    assert_eq!((made.status, made.header("location")), (303, "/agreements/2"), "{}", made.text);
    // The partner sees nothing of a draft.
    assert_eq!(applicant.get("/agreements/2").await.status, 404);
    let (page, step) = ("/agreements/2", "/agreements/2/step");
    let sent = desk.send(page, step, &[("step", "send")], b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let sent = applicant.send(page, "/agreements/2/copy", &signed, &document.octets).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let why = [("step", "reject"), ("reason", "The last page is missing.")];
    assert_eq!(desk.send(page, step, &why, b"").await.status, 303);
    let again = applicant.send(page, "/agreements/2/copy", &signed, &document.octets).await;
    assert_eq!(again.status, 303, "{}", again.text);
    let own = [("way", "upload"), ("signed_by", "Anna")];
    let done = desk.send(page, "/agreements/2/countersign", &own, &document.octets).await;
    assert_eq!(done.status, 303, "{}", done.text);

    let company = partnership.store().company(partner).await.unwrap().unwrap();
    assert_eq!(company.state, "contracted");
    assert_eq!(company.partner_number.as_deref(), Some("P-000001"));
    let letters = letters(&world).await;
    let (_, invitation) = letters
        .iter()
        .rev()
        .find(|(name, data)| name == "invitation" && data["login"] == "jan@zolw.example")
        .unwrap();
    let session = enrolled(&world, invitation["link"].as_str().unwrap()).await;
    let mut admin = Browser { world: &world, cookie: format!("__Host-session={session}") };
    for page in ["/agreements", "/agreements/2", "/company", "/terms"] {
        let shown = admin.get(page).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
    }
    assert_eq!(admin.get("/partners").await.status, 403);
    let moved = [
        ("street", "Nowa 2"),
        ("postal_code", "00-950"),
        ("city", "Warszawa"),
        ("regon", "123456785"),
    ];
    let saved = admin.send("/company", "/company", &moved, b"").await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert!(admin.get("/company").await.text.contains("Nowa 2"));
}

#[tokio::test]
async fn nobody_sees_agreements_of_others_and_a_first_agreement_goes_out_once() {
    let world = world().await;
    let (begun, _) = accepted(&world).await;
    assert_eq!(world.app.partnership.sweep_first_agreements().await.unwrap(), 0);
    let nobody = Browser { world: &world, cookie: String::new() };
    for path in ["/agreements", "/agreements/1", "/agreements/1/document", "/partners", "/company"]
    {
        let reply = nobody.get(path).await;
        assert_eq!(reply.status, 303, "{path}");
        assert!(reply.header("location").starts_with("/login?back="), "{path}");
    }
    let wrong = Browser {
        world: &world,
        cookie: format!("__Host-application={}.ba_{}", begun.reference, "0".repeat(32)),
    };
    assert_ne!(wrong.get("/agreements/1").await.status, 200);
    let auditor = format!("__Host-session={}", staff(&world, "auditor").await);
    let mut auditor = Browser { world: &world, cookie: auditor };
    let decline = [("step", "terminate"), ("reason", "x")];
    let refused = auditor.send("/agreements/1", "/agreements/1/step", &decline, b"").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}
