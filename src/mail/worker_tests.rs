//! The worker against a sink and a scripted server, with a clock that the test moves.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    clock::SetClock,
    config::MailSecurity,
    domain::Caller,
    store::{GroupLimits, NewMail, Place},
};

const NOON: i64 = 1_795_262_400_000_000;
const DAY: Duration = Duration::from_hours(24);

struct World {
    post: Post,
    clock: Arc<SetClock>,
    stopping: Stopping,
    _folder: tempfile::TempDir,
}

async fn world(settings: config::Mail) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let place = Place { url, readers: 2 };
    let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    let clock = Arc::new(SetClock::at(NOON));
    let attachments: Attachments = Arc::new(|id| {
        Box::pin(async move {
            match id.as_str() {
                "gone" => Err(NoAttachment::Gone),
                "later" => Err(NoAttachment::Later("the store rests".into())),
                octets => Ok(Attachment {
                    name: "NDA.pdf".into(),
                    media_type: "application/pdf".into(),
                    octets: vec![b'x'; octets.parse().unwrap()],
                }),
            }
        })
    });
    let hands = Clock::Set(Arc::clone(&clock));
    let portal = config::Portal::default();
    let post = Post::new(store, hands, settings, &portal, attachments).unwrap();
    let stopping = Tasks::for_tests().stopping();
    World { post, clock, stopping, _folder: folder }
}

fn sink() -> config::Mail {
    config::Mail { sink: true, ..config::Mail::default() }
}

fn server(port: u16) -> config::Mail {
    config::Mail {
        server: "127.0.0.1".into(),
        port,
        security: MailSecurity::InsecurePlain,
        from: "portal@operator.example".into(),
        rate: 1000,
        connections: 1,
        timeout: Duration::from_secs(10),
        ..config::Mail::default()
    }
}

impl World {
    async fn write(&self, recipient: &str, attachments: &[&str]) -> i64 {
        let new = NewMail {
            recipient: recipient.into(),
            recipient_name: "Anna Żółw".into(),
            language: "pl".into(),
            template: "password_reset",
            data: json!({ "login": "anna", "valid_until": NOON, "link": "/reset?key=canary" }),
            attachments: attachments.iter().map(|id| (*id).to_owned()).collect(),
            subject: "person:5".into(),
            partner: None,
        };
        self.post.store.queue_letter(&Caller::Gateway, self.post.clock.now(), &new).await.unwrap()
    }

    async fn round(&self) {
        self.post.round(&self.stopping).await;
    }

    /// State, tries, error.
    async fn line(&self, id: i64) -> (String, i64, String) {
        let line = self.post.store.letter_line(id).await.unwrap().unwrap();
        (line.state, line.attempt, line.error.unwrap_or_default())
    }

    async fn state(&self, id: i64) -> String {
        self.line(id).await.0
    }
}

/// Answers each command of every connection; `"drop"` closes it instead. `"."` stands for the end
/// of a letter.
async fn scripted(answer: impl Fn(&str, usize) -> &'static str + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "a test has no Tasks")]
    drop(tokio::spawn(async move {
        let letters = AtomicUsize::new(0);
        while let Ok((stream, _)) = listener.accept().await {
            drop(talk(stream, &answer, &letters).await);
        }
    }));
    port
}

async fn talk(
    stream: TcpStream,
    answer: &(impl Fn(&str, usize) -> &'static str + Send + Sync),
    letters: &AtomicUsize,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 fake\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let mut said = answer(line.trim_end(), letters.load(Ordering::Relaxed));
        if line.starts_with("DATA") && said.starts_with("250") {
            stream.write_all(b"354 go on\r\n").await?;
            let mut end = [0; 5];
            while end != *b"\r\n.\r\n" {
                end.rotate_left(1);
                end[4] = stream.read_u8().await?;
            }
            said = answer(".", letters.fetch_add(1, Ordering::Relaxed));
        }
        if said == "drop" {
            return Ok(());
        }
        stream.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_letter_that_went_keeps_its_row_and_loses_its_data() {
    let world = world(sink()).await;
    let id = world.write("anna@zolw.example", &["7"]).await;
    world.round().await;
    let letters = world.post.sink().unwrap().letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].link(), Some("http://localhost:8080/reset?key=canary"));
    assert_eq!(letters[0].attachments[0].octets.len(), 7);
    let (state, tries, _) = world.line(id).await;
    assert_eq!((state.as_str(), tries), ("sent", 1));
    assert_eq!(world.post.store.letter(id).await.unwrap().unwrap().data, "");
    let about = world.post.store.letters_about("person:5", 10).await.unwrap();
    assert_eq!((about.len(), about[0].sent_at), (1, Some(NOON)));
    world.round().await;
    assert_eq!(world.post.sink().unwrap().letters().len(), 1);
}

#[tokio::test]
async fn without_a_server_letters_wait() {
    let world = world(config::Mail::default()).await;
    let id = world.write("anna@zolw.example", &[]).await;
    world.round().await;
    assert_eq!(world.line(id).await, ("queued".into(), 0, String::new()));
    let counts = world.post.store.mail_counts().await.unwrap();
    assert_eq!((counts.queued, counts.oldest_queued_at), (1, Some(NOON)));
}

#[tokio::test]
async fn a_letter_that_cannot_be_made_fails_at_once_and_others_go() {
    let world = world(config::Mail { attachment_octets_max: config::Size(10), ..sink() }).await;
    let mut ids = Vec::new();
    for attachments in [&["gone"][..], &["6", "6"], &["5", "5"], &["later"]] {
        ids.push(world.write("anna@zolw.example", attachments).await);
    }
    world.round().await;
    let mut states = Vec::new();
    for id in &ids {
        states.push(world.state(*id).await);
    }
    assert_eq!(states, ["failed", "failed", "sent", "queued"]);
    assert!(world.line(ids[0]).await.2.contains("the file is gone"));
    assert!(world.line(ids[1]).await.2.contains("too large"));
    assert_eq!(world.line(ids[3]).await.2, "the store rests");
}

#[tokio::test]
async fn what_the_server_says_of_a_recipient_bounces_and_what_it_says_of_us_does_not() {
    for (step, said, state) in [
        ("RCPT", "550 no such mailbox", "bounced"),
        ("RCPT", "451 greylisted", "queued"),
        ("RCPT", "530 log in first", "queued"),
        ("RCPT", "503 bad sequence", "queued"),
        ("MAIL", "553 you may not send", "queued"),
        ("DATA", "554 no", "bounced"),
        (".", "552 too large", "bounced"),
        (".", "452 disk full", "queued"),
        (".", "drop", "queued"),
        ("MAIL", "drop", "queued"),
    ] {
        let port = scripted(move |line, _| if line.starts_with(step) { said } else { "250 ok" });
        let world = world(server(port.await)).await;
        let id = world.write("anna@zolw.example", &[]).await;
        world.round().await;
        let (found, tries, error) = world.line(id).await;
        assert_eq!((found.as_str(), tries), (state, 1), "{step} {said}: {error}");
        assert!(said == "drop" || error.contains(&said[4..]), "{step} {said}: {error}");
        // A person may let it go again: the contents are still there.
        assert!(world.post.store.retry_letter(&Caller::Gateway, NOON, id).await.unwrap());
    }
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_costs_no_letter_a_try() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong\n").unwrap();
    let port = scripted(|line, _| match &line[..4] {
        "EHLO" => "250-fake\r\n250 AUTH PLAIN",
        "AUTH" => "535 wrong password",
        _ => "250 ok",
    })
    .await;
    let mut settings = server(port);
    settings.user = "bramka".into();
    settings.password_file.path = Some(file);
    let world = world(settings).await;
    let id = world.write("anna@zolw.example", &[]).await;
    for _ in 0..20 {
        world.round().await;
        world.clock.advance(DAY);
    }
    assert_eq!(world.line(id).await, ("queued".into(), 0, String::new()));
}

#[tokio::test]
async fn a_letter_that_is_refused_for_days_is_given_up() {
    let port = scripted(|line, _| if line.starts_with("RCPT") { "450 later" } else { "250 ok" });
    let world = world(server(port.await)).await;
    let id = world.write("anna@zolw.example", &[]).await;
    let mut tries = 0;
    while world.state(id).await == "queued" && tries < 1000 {
        world.round().await;
        world.clock.advance(Duration::from_hours(4));
        tries += 1;
    }
    let (state, attempt, error) = world.line(id).await;
    // Four days in steps of four hours, and one more that sees that they are over.
    assert_eq!((state.as_str(), attempt), ("failed", 26), "{error}");
    assert!(error.contains("450") || error.contains("later"), "{error}");
    world.post.forget().await;
    assert_ne!(world.post.store.letter(id).await.unwrap().unwrap().data, "");
    world.clock.advance(DAY * 14);
    world.post.forget().await;
    assert_eq!(world.post.store.letter(id).await.unwrap().unwrap().data, "");
    assert!(!world.post.store.retry_letter(&Caller::Gateway, NOON, id).await.unwrap());
}

#[tokio::test]
async fn a_letter_whose_try_was_cut_off_goes_again_when_its_claim_is_over() {
    let world = world(sink()).await;
    let id = world.write("anna@zolw.example", &[]).await;
    let due = world.post.store.due_letters(NOON, 10).await.unwrap();
    let until = NOON + micros(world.post.lease());
    assert!(world.post.store.claim_letter(&due[0], until).await.unwrap());
    // The same letter, as another node saw it.
    assert!(!world.post.store.claim_letter(&due[0], until).await.unwrap());
    world.round().await;
    assert_eq!(world.state(id).await, "queued");
    world.clock.advance(world.post.lease());
    world.round().await;
    assert_eq!(world.line(id).await.0, "sent");
}

#[tokio::test]
async fn a_bounce_that_comes_later_is_noted_once() {
    let world = world(sink()).await;
    let id = world.write("anna@zolw.example", &[]).await;
    world.round().await;
    let by = Caller::Gateway;
    let store = &world.post.store;
    assert!(store.bounce_letter(&by, NOON, id, "no such\r\nmailbox").await.unwrap());
    assert_eq!(world.line(id).await.2, "no such  mailbox");
    assert!(!store.bounce_letter(&by, NOON, id, "again").await.unwrap());
    assert!(!store.bounce_letter(&by, NOON, 999, "unknown").await.unwrap());
}

#[test]
fn pauses_double_up_to_a_limit_and_are_half_random() {
    let (least, most) = (Duration::from_secs(30), Duration::from_hours(4));
    for (tries, whole) in [(0, 30), (1, 60), (5, 960), (9, 14_400), (i64::MAX, 14_400)] {
        let whole = Duration::from_secs(whole);
        assert_eq!(pause(least, most, tries, 0), whole / 2);
        let longest = u64::try_from((whole / 2).as_micros()).unwrap();
        assert_eq!(pause(least, most, tries, longest), whole);
        assert!(pause(least, most, tries, u64::MAX) <= whole);
    }
}
