//! What a node says while it cannot work, and that it goes on by itself when it can: P24 and P35 as
//! partners, the operator and HTTP see them.

use std::{net::SocketAddr, path::Path, sync::Arc};

use bramka::{
    config::Size,
    demo::esme::{Esme, Failed, mt},
    domain::{MessageState, secret::Pepper},
    smpp::{CommandStatus as S, ShortMessage},
    store::NewApiKey,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::world::{Builder, PEPPER, World, eventually, number};

const SUBSCRIBER: &str = "48600100200";

/// Octets that are free where a folder is.
fn free_in(folder: &Path) -> u64 {
    let stat = rustix::fs::statvfs(folder).unwrap();
    stat.f_bavail * stat.f_frsize
}

/// A file that takes room for as long as it lives.
struct Filler(std::path::PathBuf);

impl Filler {
    fn new(folder: &Path, octets: u64) -> Self {
        let path = folder.join("filler");
        let file = std::fs::File::create(&path).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, octets).unwrap();
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

async fn submit(esme: &Esme, words: &str) -> Result<bramka::domain::MessageId, S> {
    match esme.submit(mt("7455", SUBSCRIBER, words)).await {
        Ok(resp) => Ok(number(&resp.message_id)),
        Err(Failed::Refused(status)) => Err(status),
        Err(other) => panic!("{other:?}"),
    }
}

/// The volume is a file system in memory, because on a disk others write at the same time. That a
/// write really fails for want of space is told by the fault report, which mounts one of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t22_a_full_disk_refuses_for_now_and_once_there_is_space_the_same_sessions_go_on() {
    const MIB: u64 = 1 << 20;
    let memory = Path::new("/dev/shm");
    let is_roomy = memory.is_dir() && free_in(memory) > 256 * MIB;
    let folder = if is_roomy { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = Arc::new(folder.unwrap());
    let free = free_in(folder.path());
    let mut builder = Builder::default();
    builder.script.retry_delay = std::time::Duration::from_millis(20);
    builder.tune = Some(Box::new(move |config| {
        config.store.reserve = Size::mib(1);
        config.store.disk_soft = Size(free - 64 * MIB);
        config.store.disk_hard = Size(free - 80 * MIB);
    }));
    let world = builder.build_in(Arc::clone(&folder)).await;
    world.link_up().await;
    let mut acme = world.bind("acme").await;
    let before = submit(&acme, "before").await.unwrap();
    world.becomes(before, MessageState::Delivered).await;
    let reserve = folder.path().join("reserve");
    eventually("a reserve is kept", async || reserve.exists().then_some(())).await;

    let filler = Filler::new(folder.path(), 100 * MIB);
    let mut taken = 0;
    eventually("no MT is taken", async || match submit(&acme, "while full").await {
        Ok(_) => {
            taken += 1;
            None
        }
        Err(status) => (status == S::RMSGQFUL).then_some(()),
    })
    .await;
    // Nor an MO: the operator keeps it.
    eventually("no MO is taken", async || {
        world.smsc.queue_mo(SUBSCRIBER, "7455", "win").unwrap();
        world.smsc.journal(|journal| journal.deliveries_refused > 0).then_some(())
    })
    .await;
    // What the reserve held is there for what was promised.
    eventually("the reserve is given up", async || (!reserve.exists()).then_some(())).await;

    let freed = tokio::time::Instant::now();
    drop(filler);
    let after = eventually("MT are taken again", async || submit(&acme, "after").await.ok()).await;
    assert!(freed.elapsed() < std::time::Duration::from_secs(10), "{:?}", freed.elapsed());
    world.becomes(after, MessageState::Delivered).await;
    eventually("the operator got rid of every MO", async || {
        (world.smsc.deliveries_open() == 0).then_some(())
    })
    .await;
    // The same session all the while, and the partner has everything that was acknowledged.
    let mut texts = 0;
    let wanted = world.smsc.journal(|journal| journal.mos_acked);
    while texts < wanted {
        texts += u64::from(!acme.next_delivery().await.unwrap().is_receipt());
    }
    let sent = world.smsc.submits();
    let sent = |words: &str| sent.iter().filter(|one| is(&one.message, words)).count();
    assert_eq!((sent("before"), sent("after")), (1, 1));
    assert_eq!(sent("while full"), taken, "what was taken before it was noticed, each once");
    world.stop().await;
}

fn is(message: &ShortMessage, words: &str) -> bool {
    message.content() == words.as_bytes()
}

/// Status and whole answer of one message over HTTP.
async fn post(to: SocketAddr, key: &str, id: &str) -> (u16, String) {
    let body = format!(r#"{{"to":"{SUBSCRIBER}","service":"win","text":"hello {id}"}}"#);
    let request = format!(
        "POST /api/v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         idempotency-key: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// A world whose acme has an API key; the key is shown.
async fn world_with_key(change: impl FnOnce(&mut Builder)) -> (World, String) {
    let key = Pepper::new(PEPPER).mint().unwrap();
    let mut builder = Builder::default();
    builder.partners[0].api_key = Some(NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: i64::MAX,
        mode: bramka::domain::Mode::Live,
    });
    change(&mut builder);
    (builder.build().await, (*key.shown).clone())
}

/// A temporary no over HTTP: 503, its code, and when to come again.
async fn is_put_off(world: &World, key: &str, code: &str) {
    let (status, answer) = post(world.node.http[0], key, code).await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains(&format!("\"{code}\"")), "{answer}");
    let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    assert!(head.contains("\r\nretry-after: "), "{code} says not when: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p24_over_http_a_gateway_that_cannot_work_says_503_and_when_to_come_again() {
    let (world, key) = world_with_key(|builder| {
        builder.script.accepts_connections = false;
        builder.partners[0].partner.backlog_max = 1;
    })
    .await;
    assert_eq!(post(world.node.http[0], &key, "first").await.0, 202);
    is_put_off(&world, &key, "backlog_full").await;
    world.gateway().drain();
    is_put_off(&world, &key, "draining").await;

    let (world, key) = world_with_key(|_| {}).await;
    world.break_store().await;
    // The first is in the group that fails; the second meets a writer that is gone.
    is_put_off(&world, &key, "unavailable").await;
    is_put_off(&world, &key, "unavailable").await;
    assert!(!world.gateway().is_ready());

    let (world, key) = world_with_key(|builder| {
        builder.tune = Some(Box::new(|config| config.store.disk_soft = Size::gib(1 << 30)));
    })
    .await;
    eventually("the disk is seen to be nearly full", async || {
        let (status, _) = post(world.node.http[0], &key, "probe").await;
        (status == 503).then_some(())
    })
    .await;
    is_put_off(&world, &key, "store_full").await;
}
