//! The whole way of a company nobody knows, walked by people at browsers: from the first page to a
//! working team, with the letters as they were received. The same with JavaScript off.
//!
//! On the way every page behind the log-in has its pictures taken, in both languages, themes and
//! widths, and is judged by axe: `cargo test --test stories browser` takes them all anew into
//! `target/screenshots`. What surprises: nothing here asks the store or a verb. A person who
//! cannot find the next button cannot be helped.

use std::{sync::Arc, time::Duration};

use bramka::{clock::Clock, demo::AGREEMENTS, mail::SunkLetter};
use jiff::Timestamp;
use serde_json::Value;
use tokio::process::Command;

use super::{
    driver::{Driver, Human},
    tour,
};
use crate::world::{Builder, World, eventually};

const PASSWORD: &str = "mosty nad rzeka o swicie";
const COMPANY: &str = "Żółw Media sp. z o.o.";
const APPLICANT: &str = "jan@zolw.example";
const PDF: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n\
    << /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R \
    /MediaBox [0 0 595 842] >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n";

/// A daemon whose letters can be read, under the address that they lead to.
pub(super) async fn world() -> World {
    // Letters need the address before the daemon has it, so that a free port is looked up first.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let settings = format!(
        "[mail]\nsink = true\n[portal]\naddress = \"http://{address}\"\nstep_up = \"1h\"\n\
         legal_name = \"Operator Przykładowy S.A.\"\n[limits]\n\
         anonymous_requests_minute = 100000\nsession_requests_minute = 100000\n{AGREEMENTS}"
    );
    let tune = move |config: &mut bramka::config::Config| config.http.listen = vec![address];
    let builder = Builder { settings, tune: Some(Box::new(tune)), ..Builder::default() };
    let world = Box::pin(builder.build()).await;
    // The host's own tools read the same configuration from a file.
    let file = format!(
        "[node]\ndata_folder = \"{}\"\n[smpp_server]\npepper_file = \"pepper\"\n\
         [portal]\naddress = \"http://{address}\"\n",
        world.folder.path().display()
    );
    std::fs::write(world.folder.path().join("bramka.toml"), file).unwrap();
    world
}

/// The letter to somebody whose subject has these words, once it came.
async fn letter(world: &World, to: &str, words: &str) -> Arc<SunkLetter> {
    let sink = world.node.sink.as_ref().expect("the configuration asks for a sink");
    eventually(&format!("a letter to {to}: {words}"), async || {
        let letters = sink.letters();
        letters.into_iter().rev().find(|one| one.recipient == to && one.subject.contains(words))
    })
    .await
}

async fn link(world: &World, to: &str, words: &str) -> String {
    letter(world, to, words).await.link().expect("the letter has a button").to_owned()
}

/// What the authenticator shows for a secret; `steps` of 30 seconds later.
fn code(secret: &str, steps: i64) -> String {
    let secret: String = secret.split_whitespace().collect();
    let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret.as_bytes()).build().unwrap();
    let seconds = Clock::system().now() / 1_000_000 + 30 * steps;
    totp.generate(u64::try_from(seconds).unwrap()).to_string()
}

/// The words of a person's language that the way leads over.
pub(super) struct Words {
    set_password: &'static str,
    app_title: &'static str,
    finish: &'static str,
    once: &'static str,
    kept: &'static str,
    hello: &'static str,
}

pub(super) const POLISH: Words = Words {
    set_password: "Ustaw hasło",
    app_title: "Podłącz aplikację uwierzytelniającą",
    finish: "Zakończ",
    once: "Widzisz to tylko teraz.",
    kept: "Mam je zapisane",
    hello: "Dzień dobry,",
};
pub(super) const ENGLISH: Words = Words {
    set_password: "Set password",
    app_title: "Set up an authenticator app",
    finish: "Finish",
    once: "You see this only now.",
    kept: "I have kept them",
    hello: "Hello,",
};

/// From an invitation to the first page behind the log-in; the secret of the authenticator.
async fn enrols(human: &Human<'_>, words: &Words, invitation: &str, shot: Option<&str>) -> String {
    human.go(invitation).await;
    human.reads(&[words.set_password]).await;
    if let Some(name) = shot {
        human.look(&format!("{name}-password")).await;
    }
    human.fill(&[("#password", "12345678")]).await;
    human.press(words.set_password).await;
    // A password that everybody tries is not taken, and the link still works.
    human.fill(&[("#password", PASSWORD)]).await;
    human.press(words.set_password).await;
    human.reads(&[words.app_title]).await;
    let secret = human.text("#secret").await;
    // Looking again shows the same secret: what was scanned stays right.
    human.go("/account/second-factor").await;
    assert_eq!(human.text("#secret").await, secret);
    if let Some(name) = shot {
        human.look(&format!("{name}-factor")).await;
    }
    human.fill(&[("#code", &code(&secret, 0))]).await;
    human.press(words.finish).await;
    human.reads(&[words.once]).await;
    if let Some(name) = shot {
        human.look_here(&format!("{name}-codes")).await;
    }
    human.follow(words.kept).await;
    human.reads(&[words.hello]).await;
    secret
}

/// `bramka user add`, as the operator's host makes the first administrator.
async fn first_administrator(world: &World) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bramka"))
        .arg("--config")
        .arg(world.folder.path().join("bramka.toml"))
        .args(["--json", "user", "add", "--mail", "anna@operator.example"])
        .args(["--name", "Anna Lis", "--role", "admin", "--language", "en"])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{complaints}{said}"));
    told["link"].as_str().unwrap().to_owned()
}

fn yesterday() -> String {
    let now = Timestamp::from_microsecond(Clock::system().now()).unwrap();
    let yesterday = now - jiff::SignedDuration::from_hours(30);
    yesterday.strftime("%Y-%m-%d").to_string()
}

/// The form as a task list, with return by the mailed link.
async fn applies(world: &World, stranger: &Human<'_>) {
    stranger.go("/").await;
    stranger.follow("Zarejestruj firmę").await;
    stranger.fill(&[("#name", "Jan Nowak"), ("#mail", APPLICANT)]).await;
    stranger.press("Wyślij mi link").await;
    stranger.reads(&["Zajrzyj do poczty", "A-2026-000001"]).await;
    stranger.look("apply-sent").await;
    stranger.go(&link(world, APPLICANT, "Zapisany wniosek").await).await;
    stranger.reads(&["Twój wniosek", "Jeszcze nie można zacząć"]).await;
    stranger.look("apply-tasks").await;
    stranger.follow("Firma").await;
    stranger.press("Zapisz i przejdź dalej").await;
    // Each line of the summary says by itself what to do.
    stranger.reads(&["Podaj nazwę firmy", "Podaj NIP", "Podaj miejscowość"]).await;
    stranger.look_here("apply-company-empty").await;
    let company = [
        ("#company-legal_name", COMPANY),
        ("#company-nip", "526-104-08-28"),
        ("#company-regon", "123456785"),
        ("#company-street", "Prosta 1"),
        ("#company-postal_code", "00-950"),
        ("#company-city", "Warszawa"),
    ];
    stranger.fill(&company).await;
    stranger.look_at("apply-company", "/apply/A-2026-000001/section/company").await;
    stranger.press("Zapisz i przejdź dalej").await;
    stranger.look_at("apply-contacts", "/apply/A-2026-000001/section/contacts").await;
    // The name that was typed at the start makes the contact complete: the areas are next.
    stranger.reads(&["Zapisano.", "Co chcesz oferować?"]).await;
    stranger.look("apply-areas").await;
    stranger.check("input[value=special_wap]").await;
    stranger.press("Zapisz i przejdź dalej").await;
    let plan = |name: &str| format!("#plans-special_wap-{name}");
    let texts = [
        ("idea", "Quiz, w którym głosuje cała widownia."),
        ("novelty", "Nikt jeszcze tego nie ma."),
        ("marketing_plan", "Telewizja i prasa, co tydzień."),
    ];
    for (name, text) in texts {
        stranger.fill(&[(&*plan(name), text)]).await;
    }
    for month in 0..12 {
        stranger.fill(&[(&*plan(&format!("revenue-{month}")), "10 000,50")]).await;
    }
    stranger.look_at("apply-plans", "/apply/A-2026-000001/section/plans").await;
    stranger.press("Zapisz i przejdź dalej").await;
    stranger.reads(&["Zapisano.", "Dokumenty"]).await;
    stranger.look("apply-documents").await;
    for kind in ["register_entry", "nip_certificate"] {
        stranger.upload(&format!("#documents-{kind}"), &format!("{kind}.pdf"), PDF).await;
        stranger.fill(&[(&*format!("#documents-{kind}-issued_on"), &*yesterday())]).await;
    }
    stranger.press("Zapisz i przejdź dalej").await;
    stranger.follow("Dane osobowe").await;
    stranger.look("apply-consent").await;
    stranger.check("#consent-privacy_notice").await;
    stranger.press("Zapisz i przejdź dalej").await;
    stranger.reads(&["Gotowe części: 6 z 6"]).await;
    stranger.follow("Sprawdź odpowiedzi i wyślij").await;
    stranger.reads(&[COMPANY, "register_entry.pdf", "10 000,50"]).await;
    stranger.look("apply-check").await;
    stranger.press("Wyślij wniosek").await;
    stranger.reads(&["Mamy Twój wniosek. Jego numer to A-2026-000001."]).await;
    stranger.look("apply-done").await;
    stranger.follow("Śledź wniosek").await;
    stranger.reads(&["Nasz ruch", "Decyzja obiecana do"]).await;
}

/// The desk asks, the applicant answers, the desk accepts.
async fn is_accepted(world: &World, desk: &Human<'_>, stranger: &Human<'_>) {
    desk.go("/desk").await;
    desk.reads(&["Decision on an application"]).await;
    desk.go("/applications").await;
    desk.follow(COMPANY).await;
    desk.look("application-new").await;
    desk.press("Take it up").await;
    desk.reads(&["You have taken up the application."]).await;
    desk.fill(&[("#question", "W których gazetach?")]).await;
    desk.press("Send the question").await;
    desk.reads(&["The question was sent.", "The clock stands"]).await;

    stranger.go(&link(world, APPLICANT, "Pytanie do wniosku").await).await;
    stranger.reads(&["Mamy pytanie", "W których gazetach?", "Twój ruch"]).await;
    stranger.does_not_read(&["Anna Lis"]).await;
    stranger.look("apply-question").await;
    stranger.press("Wyślij odpowiedź").await;
    stranger.reads(&["Coś się nie zgadza", "Wpisz odpowiedź"]).await;
    stranger.fill(&[("#text", "We wszystkich.")]).await;
    stranger.press("Wyślij odpowiedź").await;
    stranger.reads(&["Odpowiedź wysłana."]).await;

    desk.go("/applications/1").await;
    desk.reads(&["We wszystkich."]).await;
    for criterion in ["revenue", "marketing_plan", "innovation"] {
        desk.choose(&format!("#areas-special_wap-scores-{criterion}"), "4").await;
    }
    desk.press("Save the scores").await;
    desk.reads(&["The scores were saved."]).await;
    desk.look("application").await;
    desk.follow("Decide").await;
    desk.look("decision").await;
    desk.check("input[value=accepted]").await;
    desk.press("Decide and send the letter").await;
    desk.reads(&["Decided. The letter is on its way."]).await;
}

/// NDA by upload, framework agreement on paper, countersigned.
async fn signs(world: &World, desk: &Human<'_>, stranger: &Human<'_>) {
    stranger.go(&link(world, APPLICANT, "decyzja pozytywna").await).await;
    stranger.reads(&["Rozstrzygnięty", "Twój ruch", "NDA/2026/0001"]).await;
    stranger.look("apply-accepted").await;
    stranger.follow("NDA/2026/0001").await;
    stranger.reads(&["Teraz Twoja kolej"]).await;
    stranger.look("nda-to-sign").await;
    stranger.press("Przekaż").await;
    stranger.reads(&["Coś się nie zgadza", "Wybierz postać kopii"]).await;
    stranger.check("input[value=upload]").await;
    stranger.fill(&[("#signed_by", "Jan Nowak")]).await;
    stranger.carry("Pobierz dokument (PDF)", "#file").await;
    stranger.press("Przekaż").await;
    stranger.reads(&["Podpisana kopia została przyjęta.", "Obowiązuje"]).await;

    desk.go("/partners").await;
    desk.follow(COMPANY).await;
    desk.look("partner").await;
    desk.choose("#kind", "framework").await;
    desk.fill(&[("#contact_name", "Jan Nowak"), ("#contact_mail", APPLICANT)]).await;
    desk.press("Prepare").await;
    desk.reads(&["The agreement was prepared."]).await;
    desk.look("framework-draft").await;
    desk.press("Send to the partner").await;
    desk.reads(&["It is the partner's turn"]).await;
    // The letter leads somebody without an account to the very agreement.
    stranger.go(&link(world, APPLICANT, "Dokument do podpisu: UR/").await).await;
    stranger.reads(&["Umowa ramowa", "Teraz Twoja kolej"]).await;
    desk.check("input[value=paper]").await;
    desk.fill(&[("#signed_by", "Jan Nowak")]).await;
    desk.press("Hand in").await;
    desk.reads(&["The signed copy was taken.", "Signed by the partner"]).await;
    desk.look("framework-signed").await;
    desk.check("input[value=paper]").await;
    desk.fill(&[("#signed_by", "Anna Lis")]).await;
    desk.press("Sign and bring into force").await;
    desk.reads(&["The agreement is in force."]).await;
    desk.look("framework-in-force").await;
}

/// Two of the company's people are invited; one of them is kept out again.
async fn makes_a_team(
    world: &World,
    (desk, admin): (&Human<'_>, &Human<'_>),
    (developer, finance): (&Human<'_>, &Human<'_>),
) {
    let invitation = link(world, APPLICANT, "Dostęp do Portalu Partnerskiego").await;
    enrols(admin, &POLISH, &invitation, Some("invited")).await;
    admin.reads(&["Jan Nowak", COMPANY, "Administrator"]).await;
    for (human, name, mail, role) in [
        (developer, "Ewa Kot", "ewa@zolw.example", "developer"),
        (finance, "Piotr Sowa", "piotr@zolw.example", "finance"),
    ] {
        admin.go("/people").await;
        admin.follow("Zaproś osobę").await;
        admin.fill(&[("#name", name), ("#mail", mail)]).await;
        admin.check(&format!("input[value={role}]")).await;
        admin.press("Wyślij zaproszenie").await;
        admin.reads(&["Zaproszenie jest w drodze.", name, "Zaproszono"]).await;
        let invitation = link(world, mail, "Dostęp do Portalu Partnerskiego").await;
        enrols(human, &POLISH, &invitation, None).await;
        human.reads(&[name]).await;
    }
    tour::of_partner(admin).await;
    tour::of_operator(desk).await;
    tour::access(admin).await;
    tour::bank(admin, finance, desk).await;
    tour::messages(world, admin, desk).await;
    tour::numbers(admin, desk).await;
    tour::services(admin, desk).await;
    tour::faults(world, admin, desk).await;
    tour::complaints(admin, desk).await;
    tour::terms(desk).await;
    tour::view(desk, COMPANY).await;
    developer.go("/credentials").await;
    developer.reads(&["Konta SMPP"]).await;
    admin.go("/people").await;
    admin.follow("Ewa Kot").await;
    admin.press("Wyłącz").await;
    admin.reads(&["Konto wyłączono, a wszystkie jego sesje zostały zakończone."]).await;
    // The next click of the session is a log-in; the other's work goes on.
    developer.follow("Dostęp").await;
    developer.reads(&["Logowanie"]).await;
    developer.does_not_read(&["Ewa Kot"]).await;
    finance.go("/agreements").await;
    finance.reads(&["Piotr Sowa", "Obowiązuje"]).await;
    // A link that was used leads nobody in again.
    developer.go(&invitation).await;
    developer.reads(&["Ten link nie działa"]).await;
}

async fn walk(has_scripts: bool) {
    let world = Box::pin(world()).await;
    let base = format!("http://{}", world.node.http[0]);
    let driver = Driver::start(&base, has_scripts).await;
    let stranger = driver.person("stranger", "pl").await;
    let desk = driver.person("desk", "en").await;
    let admin = driver.person("admin", "pl").await;
    let developer = driver.person("developer", "pl").await;
    let finance = driver.person("finance", "pl").await;
    let way = async {
        applies(&world, &stranger).await;
        let invitation = first_administrator(&world).await;
        enrols(&desk, &ENGLISH, &invitation, None).await;
        is_accepted(&world, &desk, &stranger).await;
        signs(&world, &desk, &stranger).await;
        makes_a_team(&world, (&desk, &admin), (&developer, &finance)).await;
    };
    tokio::time::timeout(Duration::from_mins(30), Box::pin(way)).await.expect("it takes for ever");
    let mut wrong = Vec::new();
    for human in [&stranger, &desk, &admin, &developer, &finance] {
        wrong.extend(human.complaints().await);
    }
    assert!(wrong.is_empty(), "{} complaints:\n  {}", wrong.len(), wrong.join("\n  "));
    drop(driver);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_comes_in_and_some_days_later_its_people_work_here() {
    Box::pin(walk(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_way_is_open_to_browsers_without_javascript() {
    Box::pin(walk(false)).await;
}
