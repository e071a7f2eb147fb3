//! A company applies and the desk decides, page by page, as browsers do it.

use super::{people::Human, *};
use crate::http::portal::person::SESSION;

/// A browser: its cookies, and the last page it saw.
struct Browser<'w> {
    world: &'w World,
    cookies: Vec<(String, String)>,
    at: String,
    page: Reply,
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> Option<String> {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    Some(rest.split('"').next().unwrap_or_default().to_owned())
}

/// The pages are English here.
fn encode(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric();
    let mut out = String::new();
    for octet in text.bytes() {
        if plain(octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.push_str(&secret::hex(&[octet]));
        }
    }
    out
}

pub(super) const PDF: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n\
    << /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R \
    /MediaBox [0 0 595 842] >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n";

impl<'w> Browser<'w> {
    async fn at(world: &'w World, path: &str) -> Self {
        let page = Reply { status: 0, headers: HeaderMap::new(), text: String::new() };
        let mut browser = Self { world, cookies: Vec::new(), at: String::new(), page };
        browser.go(path).await;
        browser
    }

    async fn of(world: &'w World, human: &Human, path: &str) -> Self {
        let mut browser = Self::at(world, "/").await;
        let token = world.log_in(human).await;
        browser.cookies.push((format!("__Host-{SESSION}"), token));
        browser.go(path).await;
        browser
    }

    async fn send(&mut self, request: Request<Body>) {
        self.page = self.world.send(request).await;
        for line in self.page.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn headers(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Goes there, and on to where it is sent.
    async fn go(&mut self, path: &str) {
        path.clone_into(&mut self.at);
        let cookies = self.headers();
        let headers =
            [("cookie", &*cookies), ("accept-language", "en"), ("accept", "text/html,*/*")];
        self.send(request(Method::GET, path, &headers)).await;
        if self.page.status == 303 {
            let place = self.page.header("location").to_owned();
            Box::pin(self.go(&place)).await;
        }
    }

    /// Fills the form of the page it is on; token and version are those of the page.
    async fn fill(&mut self, path: &str, fields: &[(&str, &str)]) {
        let mut body = format!("token={}", hidden(&self.page.text, "token").expect("a token"));
        if let Some(version) = hidden(&self.page.text, "version") {
            body.extend(["&version=", &version]);
        }
        for (name, value) in fields {
            body.extend(["&", &encode(name), "=", &encode(value)]);
        }
        let kind = "application/x-www-form-urlencoded";
        self.post(path, kind, body).await;
    }

    async fn upload(&mut self, path: &str, fields: &[(&str, &str, &str)]) {
        let token = hidden(&self.page.text, "token").expect("a token");
        let version = hidden(&self.page.text, "version").expect("a version");
        let mut body = String::new();
        let all = [("token", "", &*token), ("version", "", &*version)];
        for (name, file, value) in all.iter().chain(fields) {
            let file =
                if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
            let head = "--XX\r\nContent-Disposition: form-data; name=\"";
            body.extend([head, name, "\"", &file, "\r\n\r\n", value, "\r\n"]);
        }
        body += "--XX--\r\n";
        self.post(path, "multipart/form-data; boundary=XX", body).await;
    }

    async fn post(&mut self, path: &str, kind: &str, body: String) {
        let cookies = self.headers();
        let headers = [
            ("cookie", &*cookies),
            ("accept-language", "en"),
            ("accept", "text/html,*/*"),
            ("content-type", kind),
        ];
        let sent = request(Method::POST, path, &headers).map(|_| Body::from(body));
        self.send(sent).await;
        if self.page.status == 303 {
            let place = self.page.header("location").to_owned();
            self.go(&place).await;
        }
    }

    #[track_caller]
    fn sees(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.page.text.contains(text), "{} lacks {text}: {}", self.at, self.page.text);
        }
    }
}

const REF: &str = "/apply/A-2026-000001";

fn company(nip: &str) -> Vec<(&'static str, String)> {
    [
        ("company-legal_name", "Acme Media sp. z o.o."),
        ("company-nip", nip),
        ("company-regon", "123456785"),
        ("company-street", "Prosta 1"),
        ("company-postal_code", "00-950"),
        ("company-city", "Warszawa"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn plan(december: &str) -> Vec<(String, String)> {
    let path = "plans-special_wap";
    let mut fields = vec![
        (format!("{path}-idea"), "A quiz in which the audience votes.".to_owned()),
        (format!("{path}-novelty"), "Nobody has it yet.".to_owned()),
        (format!("{path}-marketing_plan"), "Television and the press, every week.".to_owned()),
    ];
    for month in 0..12 {
        let sum = if month == 11 { december } else { "10 000,50" };
        fields.push((format!("{path}-revenue-{month}"), sum.to_owned()));
    }
    fields
}

fn lent<N: AsRef<str>>(fields: &[(N, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect()
}

/// Fills a section wrong, sees the sentence and what was typed, and fills it right.
async fn section(
    browser: &mut Browser<'_>,
    name: &str,
    (wrong, says): (&[(&str, &str)], &[&str]),
    right: &[(&str, &str)],
) {
    let path = format!("{REF}/section/{name}");
    browser.go(&path).await;
    browser.fill(&path, wrong).await;
    assert_eq!(browser.page.status, 422, "{name}");
    browser.sees(&["There is a problem", "<title>Error: "]);
    browser.sees(says);
    browser.fill(&path, right).await;
    assert_eq!(browser.page.status, 200, "{name}: {}", browser.page.text);
    browser.sees(&["Saved."]);
}

async fn apply(browser: &mut Browser<'_>) {
    let begin = [("name", "Jan Nowak"), ("mail", "jan@"), ("language", "en")];
    browser.fill("/apply", &begin).await;
    assert_eq!(browser.page.status, 422);
    browser.sees(&["“jan@” is not an e-mail address", "value=\"Jan Nowak\""]);
    browser.fill("/apply", &[("name", "Jan Nowak"), ("mail", "jan@acme.pl")]).await;
    browser.sees(&["Look into your mailbox", "A-2026-000001"]);
    browser.go(REF).await;
    browser.sees(&["Cannot start yet", "Incomplete", "1 of 6"]);

    let says = ["Check the digits of the NIP 5261040827", "value=\"5261040827\"", "#company-nip"];
    let (wrong, right) = (company("5261040827"), company("526-104-08-28"));
    section(browser, "company", (&lent(&wrong), &says), &lent(&right)).await;
    let contact = [("contacts-0-name", "Jan Nowak"), ("contacts-0-mail", "jan@acme.pl")];
    let says = ["Enter at least one person"];
    section(browser, "contacts", (&[], &says), &contact).await;
    let says = ["Choose at least one area"];
    section(browser, "areas", (&[], &says), &[("areas", "special_wap")]).await;
    let says = ["“many” is not an amount", "value=\"many\"", "#plans-special_wap-revenue-11"];
    let (wrong, right) = (plan("many"), plan("0"));
    section(browser, "plans", (&lent(&wrong), &says), &lent(&right)).await;
    let says = ["Read the privacy notice and tick the box"];
    section(browser, "consent", (&[], &says), &[("consent-privacy_notice", "yes")]).await;

    let path = format!("{REF}/documents");
    browser.go(&path).await;
    let kind = "documents-register_entry";
    let dates = [
        ("documents-register_entry-issued_on", "", "2026-11-02"),
        ("documents-nip_certificate-issued_on", "", "2026-11-02"),
    ];
    browser.upload(&path, &[dates[0], dates[1], (kind, "odpis.exe", "MZ")]).await;
    assert_eq!(browser.page.status, 422);
    browser.sees(&["Choose a PDF, PNG, JPEG or TIFF file", "Certificate of the NIP"]);
    let files = [(kind, "odpis.pdf", PDF), ("documents-nip_certificate", "nip.pdf", PDF)];
    browser.upload(&path, &[&dates[..], &files].concat()).await;
    assert_eq!(browser.page.status, 200, "{}", browser.page.text);
    browser.sees(&["6 of 6"]);
}

#[tokio::test]
async fn a_stranger_applies_and_of_two_who_decide_one_is_told_to_look_again() {
    let world = world().await;
    let mut browser = Browser::at(&world, "/apply").await;
    apply(&mut browser).await;
    browser.go(&format!("{REF}/check")).await;
    browser.sees(&["Acme Media sp. z o.o.", "odpis.pdf", "PLN\u{a0}10,000.50"]);
    browser.fill(&format!("{REF}/check"), &[]).await;
    browser.sees(&["Its number is A-2026-000001", "You get a decision by"]);
    browser.go(REF).await;
    browser.sees(&["It is our turn", "Confidentiality agreement"]);

    let human = world.human(None, "provisioning").await;
    let mut desk = Browser::of(&world, &human, "/desk").await;
    desk.sees(&["/applications/1\"", "Decision on an application"]);
    desk.go("/applications?q=acme").await;
    desk.sees(&["A-2026-000001", "5261040828"]);
    desk.go("/applications/1").await;
    desk.sees(&["Prosta 1", "A quiz in which the audience votes.", "odpis.pdf"]);
    let file = desk.page.text.split("href=\"/files/").nth(1).unwrap();
    let file = format!("/files/{}", file.split('"').next().unwrap());
    desk.fill("/applications/1/review", &[]).await;
    desk.sees(&["You have taken up the application."]);
    desk.fill("/applications/1/question", &[("question", "Which magazines?")]).await;
    desk.sees(&["The question was sent.", "The clock stands"]);

    browser.go(REF).await;
    browser.sees(&["It is your turn", "Which magazines?"]);
    assert!(!browser.page.text.contains("provisioning"), "who asked stays inside");
    browser.fill(&format!("{REF}/answer"), &[("text", "")]).await;
    assert_eq!(browser.page.status, 422);
    browser.fill(&format!("{REF}/answer"), &[("text", "All of them.")]).await;
    browser.sees(&["Your answer was sent."]);

    desk.go("/applications/1").await;
    desk.sees(&["All of them."]);
    let scores = [
        ("area", "special_wap"),
        ("areas-special_wap-scores-revenue", "5"),
        ("areas-special_wap-scores-marketing_plan", "4"),
    ];
    desk.fill("/applications/1/score", &scores).await;
    desk.sees(&["The scores were saved."]);
    let decision = "/applications/1/decision";
    desk.go(decision).await;
    let yes = [("areas-special_wap", "accepted")];
    desk.fill(decision, &yes).await;
    desk.sees(&["Score every criterion of this area before you decide"]);
    desk.go("/applications/1").await;
    let last = [("area", "special_wap"), ("areas-special_wap-scores-innovation", "3")];
    desk.fill("/applications/1/score", &last).await;
    desk.go(decision).await;
    let mut second = Browser::of(&world, &human, decision).await;
    desk.fill(decision, &yes).await;
    desk.sees(&["Decided. The letter is on its way."]);
    second.fill(decision, &[("areas-special_wap", "declined")]).await;
    assert_eq!(second.page.status, 422, "a refusal without a reason");
    let no = [("areas-special_wap", "declined"), ("areas-special_wap-reason", "not_innovative")];
    second.fill(decision, &no).await;
    assert!(matches!(second.page.status, 409 | 412), "{}", second.page.text);

    browser.go(REF).await;
    browser.sees(&["Accepted", "Confidentiality agreement"]);
    desk.go(&file).await;
    assert_eq!((desk.page.status, desk.page.header("x-content-type-options")), (200, "nosniff"));
    assert!(desk.page.header("content-disposition").starts_with("attachment;"));
    assert_eq!(desk.page.text, PDF);
    let mut stranger = Browser::at(&world, "/").await;
    let reply = request(Method::GET, &file, &[("accept", "text/html")]);
    stranger.send(reply).await;
    assert_eq!(stranger.page.status, 303, "to the login page");
}

#[tokio::test]
async fn two_tabs_of_the_desk_do_not_undo_each_other() {
    let world = world().await;
    let mut browser = Browser::at(&world, "/ideas").await;
    browser.fill("/ideas", &[("title", "A quiz on the bus")]).await;
    assert_eq!(browser.page.status, 422);
    browser.sees(&["value=\"A quiz on the bus\"", "Read the privacy notice"]);
    let idea = [
        ("name", "Ewa Lis"),
        ("mail", "ewa@poczta.pl"),
        ("title", "A quiz on the bus"),
        ("text", "Passengers vote on the next song by a short message."),
        ("privacy_notice", "yes"),
    ];
    browser.fill("/ideas", &idea).await;
    browser.sees(&["Its number is A-2026-000001"]);
    let human = world.human(None, "admin").await;
    let mut first = Browser::of(&world, &human, "/applications/1").await;
    let mut second = Browser::of(&world, &human, "/applications/1").await;
    first.sees(&["Passengers vote on the next song"]);
    first.fill("/applications/1/comment", &[("comment", "Like the one of 2024.")]).await;
    first.sees(&["Like the one of 2024."]);
    second.fill("/applications/1/comment", &[("comment", "No.")]).await;
    assert_eq!(second.page.status, 412, "{}", second.page.text);
    browser.go(REF).await;
    assert!(!browser.page.text.contains("2024."), "remarks stay inside");
}

#[tokio::test]
async fn an_application_is_open_to_its_own_link_and_the_desk_to_its_own_people() {
    let world = world().await;
    let mut browser = Browser::at(&world, "/apply").await;
    browser.fill("/apply", &[("name", "Robot"), ("mail", "r@x.pl"), ("website", "x")]).await;
    browser.sees(&["Look into your mailbox"]);
    assert!(!browser.page.text.contains("A-2026"), "nothing was begun for a machine");
    browser.go("/apply").await;
    browser.fill("/apply", &[("name", "Jan Nowak"), ("mail", "jan@acme.pl")]).await;
    let cookie = browser.cookies.iter().find(|(name, _)| name == "__Host-application").unwrap();
    let key = cookie.1.split_once('.').unwrap().1.to_owned();
    let mut other = Browser::at(&world, REF).await;
    assert_eq!(other.page.status, 410);
    other.go(&format!("{REF}?key=ba_{}", "0".repeat(32))).await;
    assert_eq!(other.page.status, 410);
    other.go(&format!("{REF}?key={key}")).await;
    assert_eq!((other.page.status, &*other.at), (200, REF));
    other.sees(&["Your application"]);

    let partner = world.human(Some("acme"), "admin").await;
    for path in ["/desk", "/applications", "/applications/1"] {
        let reply = world.send(request(Method::GET, path, &[("accept", "text/html")])).await;
        assert_eq!(reply.status, 303, "{path}");
        assert!(reply.header("location").starts_with("/login"), "{path}");
        let inside = Browser::of(&world, &partner, path).await;
        assert_eq!(inside.page.status, 403, "{path}");
    }
}

#[tokio::test]
async fn who_lost_the_letter_gets_its_link_again_and_a_guess_tells_nothing() {
    let world = world().await;
    let mut browser = Browser::at(&world, "/apply").await;
    browser.fill("/apply", &[("name", "Jan Nowak"), ("mail", "jan@acme.pl")]).await;
    let mut other = Browser::at(&world, "/agreements/1").await;
    other.sees(&["Have you a link from our letter?", "href=\"/status\""]);
    let mut said = Vec::new();
    for reference in ["a-2026-000001", "A-2026-009999"] {
        other.go("/status").await;
        other.fill("/status", &[("reference", reference)]).await;
        other.sees(&["the link is on its way"]);
        let words = other.page.text.split("<form").nth(1).unwrap().to_owned();
        said.push((other.page.status, words.len()));
    }
    assert_eq!(said[0], said[1], "known and unknown are answered alike");
    other.go("/status").await;
    other.fill("/status", &[]).await;
    assert_eq!(other.page.status, 422);
    other.sees(&["Enter the number of the application"]);
    let store = world.app.partnership.store();
    let letter = store.letter(2).await.unwrap().unwrap();
    assert_eq!((&*letter.template, &*letter.recipient), ("application_link", "jan@acme.pl"));
    assert!(store.letter(3).await.unwrap().is_none(), "one for the reference that exists");
    let data: Value = serde_json::from_str(&letter.data).unwrap();
    let link = data["link"].as_str().unwrap();
    other.go(&format!("{link}&agreement=7")).await;
    assert_eq!(other.at, "/agreements/7");
    other.go(link).await;
    other.sees(&["Your application"]);
}

#[tokio::test]
async fn a_form_of_somebody_who_was_logged_out_leads_back_to_a_page() {
    let world = world().await;
    for (form, page) in [
        ("/applications/1/score", "/applications/1"),
        ("/applications/1/decision", "/applications/1/decision"),
        ("/agreements/2/step", "/agreements/2"),
        ("/partners/3", "/partners/3"),
        ("/company", "/company"),
    ] {
        let mut browser = Browser::at(&world, "/login").await;
        browser.fill(form, &[]).await;
        let back = browser.at.split_once("back=").unwrap().1.replace("%2F", "/");
        assert_eq!((browser.page.status, &*back), (200, page), "{form}");
    }
}
