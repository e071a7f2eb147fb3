//! `PyPI`'s `aiosmtpd` as the mail server, and Python's own `email` package as the reader of
//! letters.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bramka::{
    clock::Clock,
    config::{self, MailSecurity, SecretFile},
    domain::Caller,
    mail::{Attachment, Attachments, Post, Server},
    store::{GroupLimits, LetterLine, NewMail, Place, Store},
    tasks::Tasks,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::{
    super::{tools, world::eventually},
    foreign::{Foreign, script},
};

const PDF: &[u8] = b"%PDF-1.7\r\n.\r\n..\n\x00\xff\xe2\xe3 not much of a document\n%%EOF";

/// A worker whose letters go to the foreign server.
struct World {
    store: Store,
    server: Foreign,
    tasks: Tasks,
    settings: config::Mail,
    _folder: tempfile::TempDir,
}

impl World {
    /// `words` are the server's; `change` is told its port's settings.
    async fn new(words: &[String], change: impl FnOnce(&mut config::Mail)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let venv = tools::python(&["aiosmtpd==1.4.6"]);
        let mut command = Command::new(venv.join("bin/python"));
        command.arg(script("mail_server.py")).args(words);
        let mut server = Foreign::start(command, folder.path(), "mail server");
        let port = server.says("listening").await["port"].as_u64().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let place = Place { url, readers: 2 };
        let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
        let mut settings = config::Mail {
            server: "localhost".into(),
            port: u16::try_from(port).unwrap(),
            security: MailSecurity::InsecurePlain,
            from: "Portal Żółw <portal@operator.example>".into(),
            reply_to: "pomoc@operator.example".into(),
            retry_min: Duration::from_millis(1),
            retry_max: Duration::from_millis(10),
            rate: 1000,
            ..config::Mail::default()
        };
        change(&mut settings);
        let attachments: Attachments = Arc::new(|id| {
            Box::pin(async move {
                let name = format!("Umowa o poufności {id}.pdf");
                let media_type = "application/pdf".into();
                Ok(Attachment { name, media_type, octets: PDF.to_vec() })
            })
        });
        let clock = Clock::system();
        let address = "https://portal.example".into();
        let portal = config::Portal { address, ..config::Portal::default() };
        let worker =
            Post::new(store.clone(), clock, settings.clone(), &portal, attachments).unwrap();
        let tasks = Tasks::for_tests();
        worker.start(&tasks);
        Self { store, server, tasks, settings, _folder: folder }
    }

    async fn write(&self, recipient: &str) -> i64 {
        let new = NewMail {
            recipient: recipient.into(),
            recipient_name: "Zażółć Gęślą".into(),
            language: "pl".into(),
            template: "application_accepted",
            data: json!({
                "reference": "W/2026/12", "company": "Żółw i Spółka sp. z o.o.",
                "return_address": "Operator S.A.\nul. Długa 1\n00-001 Łódź",
                "return_by": 1_795_262_400_000_000_i64, "link": "/applications/12?key=abc",
            }),
            attachments: vec!["7".into()],
            subject: "application:12".into(),
            partner: None,
        };
        self.store.queue_letter(&Caller::Gateway, Clock::system().now(), &new).await.unwrap()
    }

    async fn in_state(&self, id: i64, state: &str) -> LetterLine {
        eventually(state, async || {
            let line = self.store.letter_line(id).await.unwrap().unwrap();
            (line.state == state).then_some(line)
        })
        .await
    }

    async fn end(mut self) {
        self.tasks.drain(Duration::from_secs(10)).await.unwrap();
        self.server.ends().await;
        self.store.close().await;
    }
}

fn head(letter: &Value, name: &str) -> String {
    letter["head"][name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polish_letter_with_a_document_arrives_as_it_was_written() {
    let mut world = World::new(&[], |_| ()).await;
    let id = world.write("anna@zolw.example").await;
    let letter = world.server.says("letter").await;
    assert_eq!(letter["defects"], json!([]), "{letter}");
    assert_eq!(letter["sender"], "portal@operator.example");
    assert_eq!(head(&letter, "Subject"), "Wniosek W/2026/12: decyzja pozytywna");
    assert_eq!(head(&letter, "From"), "Portal Żółw <portal@operator.example>");
    assert_eq!(head(&letter, "To"), "Zażółć Gęślą <anna@zolw.example>");
    assert_eq!(head(&letter, "Reply-To"), "Bramka <pomoc@operator.example>");
    assert_eq!(head(&letter, "Auto-Submitted"), "auto-generated");
    assert!(head(&letter, "Message-ID").ends_with("@operator.example>"), "{letter}");
    let text = letter["text"].as_str().unwrap();
    let unwrapped = text.replace('\n', " ");
    assert!(unwrapped.contains("firmy Żółw i Spółka sp. z o.o. został rozpatrzony"), "{text}");
    assert!(unwrapped.contains("do 21 listopada 2026."), "{text}");
    for part in [
        "\nOperator S.A.\nul. Długa 1\n00-001 Łódź\n",
        "Zobacz wniosek:\nhttps://portal.example/applications/12?key=abc\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let html = letter["html"].as_str().unwrap();
    assert!(html.contains("href=\"https://portal.example/applications/12?key=abc\""), "{html}");
    let digest = bramka::domain::secret::hex(&Sha256::digest(PDF));
    let file = json!({
        "name": "Umowa o poufności 7.pdf", "type": "application/pdf", "sha256": digest,
    });
    assert_eq!(letter["files"], json!([file]));
    // A line of a letter has at most 998 octets. [RFC 5322 s2.1.1]
    assert!(letter["longest_line"].as_u64().unwrap() <= 998, "{letter}");
    let line = world.in_state(id, "sent").await;
    assert_eq!(line.answer.as_deref(), Some("250 2.0.0 queued as anna"));
    assert_eq!((line.attempt, line.error), (1, None));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_tried_again_and_a_refusal_bounces() {
    let mut world = World::new(&[], |_| ()).await;
    let (busy, gone) =
        (world.write("busy@zolw.example").await, world.write("gone@x.example").await);
    world.server.says("put_off").await;
    assert_eq!(world.server.says("letter").await["to"], "busy@zolw.example");
    assert_eq!(world.in_state(busy, "sent").await.attempt, 2);
    let line = world.in_state(gone, "bounced").await;
    assert_eq!(line.attempt, 1);
    assert!(line.error.unwrap().contains("no such mailbox"));
    world.server.said_nothing_of("letter");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_after_the_letter_gets_it_again_under_the_same_id() {
    let mut world = World::new(&[], |_| ()).await;
    let id = world.write("dies@zolw.example").await;
    let first = world.server.says("letter").await;
    let again = world.server.says("letter").await;
    assert_eq!(head(&first, "Message-ID"), head(&again, "Message-ID"));
    assert_eq!(head(&first, "Date"), head(&again, "Date"));
    assert_eq!(first["text"], again["text"]);
    assert_eq!(world.in_state(id, "sent").await.attempt, 2);
    world.server.said_nothing_of("letter");
    world.end().await;
}

/// The authority's certificate, and the server's certificate and key, as files.
fn authority(folder: &std::path::Path, host: &str) -> (PathBuf, PathBuf, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    (
        write("ca.pem", issuer.pem()),
        write("server.pem", certificate.pem()),
        write("server.key", key.serialize_pem()),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starttls_under_an_authority_of_our_own_protects_the_account() {
    let files = tempfile::tempdir().unwrap();
    let (ca, certificate, key) = authority(files.path(), "localhost");
    let password = files.path().join("password");
    std::fs::write(&password, "zażółć\n").unwrap();
    let words = ["--starttls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let words = words.iter().chain(&["--account", "bramka", "zażółć"]);
    let words: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    let mut world = World::new(&words, |mail| {
        mail.security = MailSecurity::StartTls;
        mail.ca_file = Some(ca);
        mail.user = "bramka".into();
        mail.password_file = SecretFile { path: Some(password), ..SecretFile::default() };
    })
    .await;
    let id = world.write("anna@zolw.example").await;
    assert_eq!(world.server.says("account").await["ok"], true);
    let letter = world.server.says("letter").await;
    assert_eq!((&letter["tls"], &letter["account"]), (&json!(true), &json!("bramka")));
    world.in_state(id, "sent").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_starttls_or_with_a_strangers_certificate_gets_nothing() {
    let files = tempfile::tempdir().unwrap();
    let (ca, certificate, key) = authority(files.path(), "other.example");
    let words = ["--starttls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    for words in [&words[..], &[]] {
        let world = World::new(words, |mail| {
            mail.security = MailSecurity::StartTls;
            mail.ca_file = Some(ca.clone());
        })
        .await;
        let id = world.write("anna@zolw.example").await;
        let tried = Server::new(world.settings.clone()).unwrap().try_out().await;
        let why = tried.unwrap_err();
        let expected = if words.is_empty() { "STARTTLS" } else { "certificate" };
        assert!(why.contains(expected), "{why}");
        assert_eq!(world.in_state(id, "queued").await.attempt, 0);
        world.server.said_nothing_of("letter");
        world.end().await;
    }
}
