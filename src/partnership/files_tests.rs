//! Files through the verbs, with a scanner that a test plays.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixListener,
    task::JoinHandle,
};

use super::{FileFault, Partnership, Scanner};
use crate::{
    clock::{Clock, SetClock},
    config::{ScanWay, Uploads},
    documents::{Language, Texts, UploadFault, Values, pdf},
    domain::{Caller, PartnerId, seal::Seal, user::UserId},
    store::{GroupLimits, Place, Store},
};

const NOON: i64 = 1_795_262_400_000_000;

/// The sign that every scanner knows; it does nothing. In halves, or this file would be found.
const EICAR: [&str; 2] =
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

struct World {
    partnership: Partnership,
    folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("bramka.db").display());
    let place = Place { url, readers: 2 };
    // Without its writer: what people do are transactions of their own.
    let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    let clock = Clock::Set(Arc::new(SetClock::at(NOON)));
    World { partnership: Partnership::new(store, clock, Seal::new([&b"seal"[..]])), folder }
}

impl World {
    fn socket(&self) -> String {
        self.folder.path().join("clamd.ctl").display().to_string()
    }

    fn scanning(self, scan: ScanWay) -> Self {
        let clamd = self.socket();
        let settings = Uploads { clamd, scan, scan_timeout: Duration::from_secs(5) };
        let partnership = self.partnership.with_scanner(Scanner::new(&settings));
        Self { partnership, ..self }
    }
}

/// A clamd that answers so many times and gives back what it was sent.
fn fake_clamd(world: &World, times: usize, answers: bool) -> JoinHandle<Vec<Vec<u8>>> {
    let listener = UnixListener::bind(world.socket()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test has no Tasks")]
    tokio::spawn(async move {
        let mut seen = Vec::new();
        for _ in 0..times {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut command = [0; 10];
            socket.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"zINSTREAM\0");
            let mut file = Vec::new();
            loop {
                let length = socket.read_u32().await.unwrap() as usize;
                if length == 0 {
                    break;
                }
                let start = file.len();
                file.resize(start + length, 0);
                socket.read_exact(&mut file[start..]).await.unwrap();
            }
            let eicar = EICAR.concat();
            let is_found = file.windows(eicar.len()).any(|part| part == eicar.as_bytes());
            let answer: &[u8] = match (answers, is_found) {
                (false, _) => b"",
                (true, true) => b"stream: Win.Test.EICAR_HDB-1 FOUND\0",
                (true, false) => b"stream: OK\0",
            };
            socket.write_all(answer).await.unwrap();
            seen.push(file);
        }
        seen
    })
}

fn agreement() -> Vec<u8> {
    let values = Values::sample(Language::Polish);
    pdf(&Texts::shipped().render("nda", Language::Polish, &values).unwrap()).unwrap()
}

fn infected() -> Vec<u8> {
    let mut octets = agreement();
    let at = octets.windows(9).rposition(|part| part == b"startxref").unwrap();
    let comment = format!("% {}\n", EICAR.concat());
    octets.splice(at..at, comment.into_bytes());
    octets
}

fn user(partner: Option<i64>) -> Caller {
    Caller::User { partner: partner.map(PartnerId), user: UserId(9), name: "ewa".into() }
}

#[tokio::test]
async fn a_file_is_kept_sealed_and_opens_as_it_came() {
    let world = world().await;
    let (verbs, octets) = (&world.partnership, agreement());
    let by = Caller::Applicant { application: 12 };
    let line = verbs.keep_file(&by, "application:12", None, "../NDA żółć.pdf", &octets).await;
    let line = line.unwrap();
    assert_eq!((line.name.as_str(), line.scan.as_str()), ("NDA żółć.pdf", "clean"));
    assert_eq!(line.id.len(), 32);
    assert_eq!(verbs.store().file(&line.id).await.unwrap(), Some(line.clone()));
    let sealed = verbs.store().open_file(&by, NOON, &line.id).await.unwrap().unwrap().sealed;
    assert!(!sealed.windows(5).any(|part| part == b"%PDF-"), "nothing is in the clear");
    let opened = verbs.open_file(&by, &line.id).await.unwrap();
    assert!(opened.octets == octets);
    assert_eq!(opened.line, line);
}

#[tokio::test]
async fn a_file_of_somebody_else_is_as_unknown_as_one_that_never_was() {
    let world = world().await;
    let verbs = &world.partnership;
    let acme = Some(PartnerId(3));
    let own = verbs.keep_file(&user(Some(3)), "agreement:7", acme, "a.pdf", &agreement()).await;
    let own = own.unwrap().id;
    let early = Caller::Applicant { application: 1 };
    let draft = verbs.keep_file(&early, "application:1", None, "a.pdf", &agreement()).await;
    let draft = draft.unwrap().id;
    for (by, id, may) in [
        (user(Some(3)), &own, true),
        (user(Some(4)), &own, false),
        (user(None), &own, true),
        (Caller::Operator { name: "anna".into() }, &own, true),
        (Caller::ApiKey { partner: PartnerId(3), key: "k".into() }, &own, true),
        (Caller::ApiKey { partner: PartnerId(4), key: "k".into() }, &own, false),
        (early.clone(), &own, false),
        (early.clone(), &draft, true),
        (Caller::Applicant { application: 11 }, &draft, false),
        (user(Some(3)), &draft, false),
    ] {
        let opened = verbs.open_file(&by, id).await;
        assert_eq!(opened.is_ok(), may, "{by}");
        assert!(may || matches!(opened, Err(FileFault::Unknown)), "{by}");
    }
    assert!(matches!(verbs.open_file(&user(None), "nothing").await, Err(FileFault::Unknown)));
}

#[tokio::test]
async fn what_the_check_refuses_is_never_written() {
    let world = world().await;
    let by = user(Some(3));
    let kept = world.partnership.keep_file(&by, "agreement:7", None, "a.exe", b"MZ").await;
    assert!(matches!(kept, Err(FileFault::Refused(UploadFault::WrongKind))), "{kept:?}");
    assert!(world.partnership.store().files_of("agreement:7").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_scanner_sees_every_octet_and_what_it_finds_is_not_kept() {
    let world = world().await.scanning(ScanWay::FailClosed);
    let clamd = fake_clamd(&world, 2, true);
    let verbs = &world.partnership;
    let by = user(Some(3));
    let clean = verbs.keep_file(&by, "agreement:7", None, "a.pdf", &agreement()).await.unwrap();
    assert_eq!(clean.scan, "clean");
    let bad = verbs.keep_file(&by, "agreement:7", None, "b.pdf", &infected()).await;
    assert!(matches!(&bad, Err(FileFault::Infected(name)) if name.contains("EICAR")), "{bad:?}");
    assert_eq!(verbs.store().files_of("agreement:7").await.unwrap(), [clean]);
    let seen = clamd.await.unwrap();
    assert!(seen == [agreement(), infected()]);
}

#[tokio::test]
async fn without_an_answer_of_the_scanner_fail_closed_takes_nothing() {
    let world = world().await.scanning(ScanWay::FailClosed);
    let by = user(Some(3));
    let away = world.partnership.keep_file(&by, "agreement:7", None, "a.pdf", &agreement()).await;
    assert!(matches!(away, Err(FileFault::NoScan(_))), "{away:?}");
    let clamd = fake_clamd(&world, 1, false);
    let dumb = world.partnership.keep_file(&by, "agreement:7", None, "a.pdf", &agreement()).await;
    assert!(matches!(dumb, Err(FileFault::NoScan(_))), "{dumb:?}");
    clamd.await.unwrap();
    assert!(world.partnership.store().files_of("agreement:7").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pending_file_stays_shut_until_the_scanner_has_seen_it() {
    let world = world().await.scanning(ScanWay::Pending);
    let verbs = &world.partnership;
    let by = user(Some(3));
    let acme = Some(PartnerId(3));
    let good = verbs.keep_file(&by, "agreement:7", acme, "a.pdf", &agreement()).await.unwrap();
    let bad = verbs.keep_file(&by, "agreement:7", acme, "b.pdf", &infected()).await.unwrap();
    assert_eq!((good.scan.as_str(), bad.scan.as_str()), ("pending", "pending"));
    for id in [&good.id, &bad.id] {
        let opened = verbs.open_file(&by, id).await;
        assert!(matches!(opened, Err(FileFault::NotYetScanned)), "{opened:?}");
    }
    assert!(verbs.scan_waiting_files().await.is_err(), "the scanner is still away");
    let clamd = fake_clamd(&world, 2, true);
    assert_eq!(verbs.scan_waiting_files().await.unwrap(), 2);
    clamd.await.unwrap();
    assert!(verbs.open_file(&by, &good.id).await.unwrap().octets == agreement());
    assert!(matches!(verbs.open_file(&by, &bad.id).await, Err(FileFault::Unknown)));
}
