//! Who plays in the matrix: two partners with everything they may own, and one person of each
//! role, a key, an applicant and a stranger.
//!
//! The surprise: nobody logs in. An invitation that is followed ends in a session with a fresh
//! code, and so no clock has to move between them.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::*;
use crate::{
    domain::{
        AgreementState, ComplaintChannel, ComplaintDemand, ComplaintSubject, FaultArea,
        NumberEvent, PartnerId, Role, Severity,
        agreement_kind::Both,
        application::{Area, Criterion, Verdict},
        application_form::{ConsentForm, ContactForm, Form, PlanForm},
        company::CompanyForm,
        terms::{AppliesTo, Consent},
    },
    http::{door::Peer, portal::guard},
    partnership::{
        Beginning, Begun, ComplaintWish, CredentialWish, FaultWish, HoldWish, IncidentWish,
        NewPerson, ReplayWish, Rules, Signed, TermsDraft, Visitor, WholeApplication, code_of,
    },
    store::OrderFilter,
};

const PASSWORD: &str = "mosty nad rzeka o swicie";

/// What stands in a path and is the same for everybody.
const EVERYBODYS: [(&str, &str); 4] = [
    ("{digits}", "7477"),
    ("{code}", "not_allowed"),
    ("{subject}", "messages"),
    ("{token}", "0123456789abcdef"),
];

/// Everything of one side, by what stands in the place of an id.
pub(super) struct Owned {
    pub(super) partner: PartnerId,
    application: Begun,
    agreement: String,
    file: String,
    person: String,
    bank_change: String,
    credentials: Vec<String>,
    keys: Vec<String>,
    message: String,
    fault: String,
    complaint: String,
    replay: String,
}

/// Somebody who asks.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) name: &'static str,
    pub(super) role: Option<Role>,
    pub(super) bearer: String,
    cookie: String,
    /// What the token of a form is bound to.
    bound: String,
}

impl Who {
    /// The same with a form that another was given.
    pub(super) fn with_bound(self, other: &Self) -> Self {
        Self { bound: other.bound.clone(), ..self }
    }
}

pub(super) struct Cast {
    pub(super) world: World,
    pub(super) own: Owned,
    pub(super) foreign: Owned,
    pub(super) everybody: Vec<Who>,
    terms: [String; 2],
    draft_application: String,
    reservation: String,
    order: String,
    /// A service of a partner that nobody here is of.
    service: String,
    wait: String,
    /// A key of the sandbox: of what a live one cannot do.
    test_key: String,
    count: AtomicU32,
}

/// Whose id stands in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Own,
    Foreign,
    Nobody,
}

fn whole(nip: &str) -> Form {
    let plan = PlanForm {
        revenue: vec!["10000".into(); 12],
        marketing_plan: "Television and the press, every week.".into(),
        idea: "A quiz in which the audience votes.".into(),
        novelty: "Nobody has it yet.".into(),
    };
    Form {
        company: CompanyForm {
            legal_name: format!("Company {nip}"),
            nip: nip.into(),
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

/// Applies; the desk accepts, and the NDA goes out.
async fn accepted(world: &World, nip: &str) -> (Begun, PartnerId) {
    let rules = Rules { documents: Vec::new(), ..Rules::default() };
    let desk = world.app.partnership.clone().with_rules(rules);
    let first = Beginning { mail: "jan@zolw.example", language: "pl", address: nip };
    let whole = WholeApplication { begin: first, form: whole(nip), repeat: None };
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

/// Invites somebody and follows the link to its end: the person and the token of its session.
async fn enter(world: &World, partner: Option<PartnerId>, role: Role, mail: &str) -> (i64, String) {
    let partnership = &world.app.partnership;
    let new = NewPerson {
        partner,
        mail: mail.to_owned(),
        name: format!("{role:?}"),
        role: role.as_str().to_owned(),
        language: "en".to_owned(),
        company: String::new(),
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = partnership.invite_by(&by, &new, true).await.unwrap();
    let (here, token) = (Visitor::default(), invited.path.rsplit('/').next().unwrap());
    let begun = partnership.accept_invitation(token, PASSWORD, here).await.unwrap();
    let enrolling = partnership.enrolling_of(&begun.token).await.unwrap().unwrap();
    let shown = partnership.begin_enrolment(&enrolling).await.unwrap();
    let code = code_of(&shown.secret, partnership.now());
    let done = partnership.confirm_enrolment(&enrolling, &code, here).await.unwrap();
    (invited.person.0, done.signed_in.token.to_string())
}

/// A key of live traffic that lives for a month.
const MONTH: (Option<u32>, crate::domain::Mode) = (Some(30), crate::domain::Mode::Live);

/// An account that binds from one address.
fn near(system_id: String) -> CredentialWish {
    let addresses = vec!["192.0.2.1".to_owned()];
    CredentialWish { system_id, addresses, ..CredentialWish::default() }
}

/// One of the last hour, which nobody carries out.
async fn replay(world: &World, by: &Signed) -> String {
    let partnership = &world.app.partnership;
    let from = partnership.now() - 3_600_000_000;
    let wish = ReplayWish { mo: true, from, ..ReplayWish::default() };
    partnership.start_replay(by, &wish, None).await.unwrap().0.id.to_string()
}

async fn owned(world: &World, nip: &str, (key, number): (&str, &str)) -> Owned {
    let (application, partner) = accepted(world, nip).await;
    let partnership = &world.app.partnership;
    let by = Caller::Operator { name: "root".into() };
    let sent = Some(AgreementState::Sent);
    let agreements = partnership.agreements(&by, sent, None, (0, 100)).await.unwrap().0;
    let agreement = agreements.into_iter().find(|row| row.partner_id == partner.0).unwrap();
    let mut admin = Signed::try_out(Role::PartnerAdmin, Some(partner));
    admin.partner_name = None;
    let (mut credentials, mut keys) = (Vec::new(), Vec::new());
    let pepper = &world.app.pepper;
    for number in 0..4 {
        let wish = near(format!("s{}-{number}", partner.0));
        let made = partnership.add_credential(&admin, pepper, None, &wish).await.unwrap();
        credentials.push(made.name);
        let made = partnership.add_api_key(&admin, pepper, None, MONTH).await.unwrap();
        keys.push(made.name);
    }
    let mail = format!("spare@{nip}.example");
    let (person, token) = enter(world, Some(partner), Role::PartnerAdmin, &mail).await;
    let spare = partnership.caller_of(&token).await.unwrap().unwrap();
    let account = "PL61109010140000071219812874";
    let bank_change = partnership.ask_bank(&spare, account).await.unwrap().id.to_string();
    let text = json!({ "to": "48600100200", "from": number, "text": "Hello" });
    let message = world.send(post(key, &text, &[])).await;
    assert_eq!(message.status, 202, "{}", message.text);
    let wish = FaultWish {
        partner: None,
        area: FaultArea::Sms,
        severity: Severity::Minor,
        title: "Receipts".to_owned(),
        story: "They do not come.".to_owned(),
        since_at: partnership.now(),
        contact: String::new(),
        items: Vec::new(),
        incident: None,
    };
    let fault = partnership.report_fault(&spare, &wish).await.unwrap().id.to_string();
    let now = partnership.now();
    let wish = ComplaintWish {
        subject: ComplaintSubject::Price,
        channel: ComplaintChannel::Partner,
        demand: ComplaintDemand::Refund,
        msisdn: "48600100200".to_owned(),
        name: String::new(),
        mail: String::new(),
        address: String::new(),
        story: "Too dear.".to_owned(),
        from_at: now,
        until_at: now,
        received_at: now,
        partner: String::new(),
        service: String::new(),
    };
    let complaint = partnership.take_complaint(&spare, &wish).await.unwrap().id.to_string();
    Owned {
        partner,
        fault,
        complaint,
        replay: replay(world, &spare).await,
        application,
        agreement: agreement.id.to_string(),
        file: agreement.file_id.unwrap(),
        person: person.to_string(),
        bank_change,
        credentials,
        keys,
        message: message.json()["id"].as_str().unwrap().to_owned(),
    }
}

/// Numbers, of which the partner with traffic holds one and another one waits for it. Partners
/// without a framework agreement hold none, and so nobody of the matrix has one of its own.
async fn numbers(world: &World) -> (String, String) {
    let partnership = &world.app.partnership;
    let by = Caller::Operator { name: "root".into() };
    let file = b"digits,shared\n7477,\n7577,\n";
    partnership.import_numbers_by(&by, file, false).await.unwrap();
    let signed = |partner| {
        let mut signed = Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner)));
        signed.partner_name = None;
        signed
    };
    let number = partnership.number_called(&signed(1), "7477").await.unwrap().unwrap().id;
    let wish = HoldWish { number, keyword: String::new(), despite_likeness: false };
    let held = partnership.reserve_number(&signed(1), &wish).await.unwrap();
    let wait = partnership.wait_for_number(&signed(2), &wish).await.unwrap();
    (held.id.to_string(), wait.id.to_string())
}

/// An order of the partner with traffic, for the other number.
async fn order(world: &World) -> String {
    let partnership = &world.app.partnership;
    let mut signed = Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(1)));
    signed.partner_name = None;
    let number = partnership.number_called(&signed, "7577").await.unwrap().unwrap().id;
    let wish = HoldWish { number, keyword: String::new(), despite_likeness: false };
    let held = partnership.reserve_number(&signed, &wish).await.unwrap();
    let at = (held.id, held.version);
    partnership.step_reservation(&signed, at, NumberEvent::Order, "").await.unwrap();
    partnership.orders(&signed, &OrderFilter::default()).await.unwrap()[0].id.to_string()
}

/// A service that another partner describes.
async fn service(world: &World) -> String {
    let mut signed = Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(1)));
    signed.partner_name = None;
    let row = world.app.partnership.draft_service(&signed, "win").await.unwrap();
    row.id.to_string()
}

/// A published version of terms, and a draft.
async fn terms(world: &World) -> [String; 2] {
    let by = |name: &str| Caller::Operator { name: name.into() };
    let both = || Both { pl: "1. A".into(), en: "1. A".into() };
    let mut ids = Vec::new();
    for label in ["one", "two"] {
        let draft = TermsDraft {
            kind: "framework".into(),
            label: label.into(),
            applies_to: AppliesTo::All,
            consent: Consent::Silent,
            text: both(),
            summary: both(),
        };
        let row = world.app.partnership.draft_terms(&by("anna"), &draft).await.unwrap();
        ids.push((row.id, row.version));
    }
    let (id, version) = ids[0];
    let partnership = &world.app.partnership;
    let row = partnership.approve_terms(&by("ewa"), id, version).await.unwrap();
    let day = jiff::civil::date(2027, 12, 1);
    partnership.publish_terms(&by("anna"), id, row.version, day).await.unwrap();
    [ids[0].0.to_string(), ids[1].0.to_string()]
}

/// Everybody with an account reads it.
async fn incident(world: &World) {
    let wish = IncidentWish {
        area: FaultArea::Sms,
        title_pl: "Opóźnienia".into(),
        title_en: "Delays".into(),
        text_pl: "Pracujemy.".into(),
        text_en: "We work on it.".into(),
        is_public: true,
    };
    let by = Signed::try_out(Role::OperatorSupport, None);
    world.app.partnership.open_incident(&by, &wish).await.unwrap();
}

impl Cast {
    pub(super) async fn gather() -> Self {
        let world = world().await;
        let own = owned(&world, "5261040828", (&world.acme, "7455")).await;
        let foreign = owned(&world, "1234563218", (&world.other, "7456")).await;
        let terms = terms(&world).await;
        incident(&world).await;
        let (reservation, wait) = numbers(&world).await;
        let order = order(&world).await;
        let service = service(&world).await;
        let begin = Beginning { mail: "ewa@lis.example", language: "pl", address: "192.0.2.9" };
        let draft = world.app.partnership.begin_application(&begin).await.unwrap();
        world.app.gateway.reload_catalog().await.unwrap();
        let nobody = |name| Who {
            name,
            role: None,
            bearer: String::new(),
            cookie: "__Host-visit=visit".to_owned(),
            bound: "visit".to_owned(),
        };
        let key = Who { bearer: world.acme.clone(), ..nobody("a key") };
        let (reference, secret) = (&own.application.reference, own.application.key.as_str());
        let applicant = Who {
            bearer: secret.to_owned(),
            cookie: format!("__Host-visit=visit; __Host-application={reference}.{secret}"),
            ..nobody("an applicant")
        };
        let mut everybody = vec![nobody("nobody"), key, applicant];
        for role in Role::ALL {
            everybody.push(Who { name: "a person", role: Some(role), ..nobody("") });
        }
        let draft_application = draft.id.to_string();
        let test_key = sandbox::test_key(&world).await;
        let mut cast = Self {
            world,
            own,
            foreign,
            everybody,
            terms,
            draft_application,
            reservation,
            order,
            service,
            wait,
            test_key,
            count: AtomicU32::new(0),
        };
        for place in 3..cast.everybody.len() {
            cast.everybody[place] = cast.fresh(&cast.everybody[place]).await;
        }
        cast
    }

    /// The same with a session of its own, for what ends one.
    pub(super) async fn fresh(&self, who: &Who) -> Who {
        let Some(role) = who.role else { return who.clone() };
        let partner = (!role.is_operator()).then_some(self.own.partner);
        let mail = format!("{role:?}{}@zolw.example", self.next());
        let (_, token) = enter(&self.world, partner, role, &mail).await;
        let cookie = format!("__Host-session={token}");
        Who { bearer: token.clone(), cookie, bound: token, ..who.clone() }
    }

    pub(super) fn next(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// The path with ids in it.
    pub(super) fn path(&self, pattern: &str, who: &Who, of: Of) -> String {
        let owned = if of == Of::Foreign { &self.foreign } else { &self.own };
        let is = |part: &str| pattern.contains(part);
        // Four roles may end these; each has one of its own.
        let place = match who.role {
            Some(Role::PartnerDeveloper) => 1,
            Some(Role::OperatorProvisioning) => 2,
            Some(Role::OperatorAdmin) => 3,
            _ => 0,
        };
        let application = owned.application.id.to_string();
        let is_staff = who.role.is_some_and(Role::is_operator);
        let id = match of {
            Of::Nobody => "999999",
            _ if is("/incidents/") => "1",
            _ if is("/faults/") || is("/troubleTicket/{id}") => &owned.fault,
            _ if is("/complaints/rates/") => "888888",
            _ if is("/complaints/") => &owned.complaint,
            _ if is("/hub/") => "888888",
            _ if is("/replays/") => &owned.replay,
            _ if is("/people/") => &owned.person,
            _ if is("/bank-changes/") => &owned.bank_change,
            _ if is("/numbers/") => "1",
            _ if is("waits/") && of == Of::Foreign => &self.wait,
            _ if is("waits/") => "888888",
            _ if is("/reservations/") && of == Of::Own && !is_staff => "888888",
            _ if is("/reservations/") => &self.reservation,
            _ if (is("/orders/") || is("/serviceOrder/")) && of == Of::Own && !is_staff => "888888",
            _ if is("/orders/") || is("/serviceOrder/") => &self.order,
            _ if is("/services/") && of == Of::Own && !is_staff => "888888",
            _ if is("/services/") => &self.service,
            _ if is("/agreementSpecification/") => "nda",
            _ if is("/agreement") => &owned.agreement,
            _ if is("/partners/") => &owned.partner.0.to_string(),
            _ if is("/terms/") => &self.terms[usize::from(of == Of::Foreign)],
            _ if is("/applications/") && of == Of::Foreign => &self.draft_application,
            _ if is("/applications/") => &application,
            _ if is("/files/") => &owned.file,
            _ => &owned.message,
        };
        let named = match of {
            Of::Nobody => "nosuch",
            _ if is("/credentials/") => &owned.credentials[place],
            _ => &owned.keys[place],
        };
        let nobodys = of == Of::Nobody;
        let step = match pattern {
            "/api/v1/people/{id}/{step}" => "disable",
            "/api/v1/bank-changes/{id}/{step}" => "confirm",
            "/api/v1/services/{id}/{step}" => "submit",
            "/api/v1/faults/{id}/{step}" | "/api/v1/complaints/{id}/{step}" => "close",
            _ if is("/links/") => "up",
            _ => "order",
        };
        let reference = if nobodys { "A-2026-999999" } else { &owned.application.reference };
        let file = if nobodys { "0123456789abcdef0123456789abcdef" } else { &owned.file };
        let path = pattern
            .replace("{id}", id)
            .replace("{system_id}", named)
            .replace("{name}", if is("/static/") { "app.css" } else { named })
            .replace("{reference}", reference)
            .replace("{file}", file)
            .replace("{section}", if is("/services/") { "offer" } else { "company" })
            .replace("{step}", step);
        let path = EVERYBODYS.iter().fold(path, |path, (name, value)| path.replace(name, value));
        let is_access = is("/credentials") || is("/keys") || pattern == "/sandbox";
        if is_access && who.role.is_some_and(Role::is_operator) {
            return format!("{path}?partner={}", self.own.partner.0);
        }
        path
    }

    /// The request of a row as somebody sends it; `more` is put into its body.
    pub(super) fn request(
        &self,
        row: &super::Row,
        (who, path): (&Who, &str),
        more: &str,
    ) -> Request<Body> {
        let number = self.next().to_string();
        let partner = self.own.partner.0.to_string();
        let body = row.body.replace("$n", &number).replace("$partner", &partner);
        let now = self.world.app.partnership.now();
        let now = jiff::Timestamp::from_microsecond(now).unwrap().to_string();
        let body = body.replace("$since", &now).replace("$day", &now[..10]);
        let (kind, body) = if row.is_api() && body.starts_with('%') {
            ("application/octet-stream", body)
        } else if row.is_api() && body.starts_with("digits") {
            ("text/csv", body.replace("\\n", "\n"))
        } else if row.is_api() {
            let body = if more.is_empty() {
                body
            } else {
                let rest = body.trim_start_matches('{');
                let comma = if rest == "}" { "" } else { "," };
                format!("{{{more}{comma}{rest}")
            };
            ("application/json", body)
        } else {
            let token = guard::token(&self.world.app, &who.bound);
            let form = format!("token={token}&version=999&{body}");
            ("application/x-www-form-urlencoded", if row.is_write() { form } else { String::new() })
        };
        let is_test = row.path == "/api/v1/sandbox/messages" && who.name == "a key";
        let bearer = if is_test { &self.test_key } else { &who.bearer };
        let bearer = format!("Bearer {bearer}");
        let mut headers = vec![
            ("x-request-id", "matrix"),
            ("accept-language", "en"),
            ("if-match", "\"999\""),
            ("content-type", kind),
        ];
        if row.is_api() {
            if !who.bearer.is_empty() {
                headers.push(("authorization", &*bearer));
            }
        } else {
            headers.extend([("accept", "text/html"), ("cookie", &*who.cookie)]);
        }
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let mut request = request(method, path, &headers).map(|_| Body::from(body));
        // Each from an address of its own, or the limits would answer.
        request.extensions_mut().insert(Peer(std::net::Ipv4Addr::from(self.next()).into()));
        request
    }

    pub(super) async fn ask(&self, row: &super::Row, who: &Who, of: Of) -> (String, Reply) {
        let path = self.path(row.path, who, of);
        let reply = reply_of(&self.world, self.request(row, (who, &path), "")).await;
        (path, reply)
    }

    /// Number of the newest record of the audit trail.
    pub(super) async fn audited(&self) -> i64 {
        self.world.app.partnership.store().last_audit().await.unwrap()
    }
}

/// The answer, of which files need not be text.
pub(super) async fn reply_of(world: &World, request: Request<Body>) -> Reply {
    let (parts, body) = world.public.clone().oneshot(request).await.unwrap().into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&octets).into_owned(),
    }
}
