//! The program as an operator types it, beside a daemon that runs as a process of its own.
//!
//! What surprises: after `service add` no test waits. The command itself tells the daemon, so the
//! very next text must find its way.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use bramka::{
    demo::{
        esme::{Esme, mt},
        fake_smsc::{CloseAfter, Closing, FakeSmsc},
    },
    smpp::{BindKind, Command as Smpp, Pdu, Version, pdu::MessageResp},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::world::eventually;

const SUBSCRIBER: &str = "48600100200";
/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// One host: its folder, its configuration and the daemon's port.
struct Host {
    folder: tempfile::TempDir,
    smpp: SocketAddr,
    smsc: SocketAddr,
}

impl Host {
    fn new(smsc: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in [("smsc.password", "smscpass"), ("pepper", "salt and more")] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        // Outgoing connections have 127.0.0.1, so nobody takes this port meanwhile.
        let octet = u8::try_from(1 + std::process::id() % 250).expect("below 251");
        let any = SocketAddr::from(([127, 77, 3, octet], 0));
        let probe = std::net::TcpListener::bind(any).expect("a free port");
        let smpp = probe.local_addr().expect("an address");
        let host = Self { folder, smpp, smsc };
        host.configure("info", 10);
        host
    }

    fn configure(&self, level: &str, window: u32) {
        let text = format!(
            "[node]\ndata_folder = \"{}\"\n[log]\nlevel = \"{level}\"\n\
             [smpp_server]\nlisten = [\"{}\"]\npepper_file = \"pepper\"\n\
             [http]\nlisten = []\nadmin_listen = []\n\
             [store]\ndisk_hard = \"8MiB\"\ndisk_soft = \"16MiB\"\n\
             [[smsc_link]]\nname = \"main\"\naddress = \"{}\"\nsystem_id = \"bramka\"\n\
             password_file = \"smsc.password\"\nreconnect_min = \"50ms\"\nwindow = {window}\n",
            self.folder.path().display(),
            self.smpp,
            self.smsc,
        );
        std::fs::write(self.path("bramka.toml"), text).expect("a file");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    async fn try_run(&self, arguments: &[&str]) -> Output {
        self.try_with(&self.path("bramka.toml"), arguments).await
    }

    async fn try_with(&self, config: &Path, arguments: &[&str]) -> Output {
        let ended = timeout(PATIENCE, command(config, arguments).output()).await;
        ended.unwrap_or_else(|_| panic!("{arguments:?} hangs")).expect("the program")
    }

    /// Runs a command that must succeed; its JSON.
    async fn run(&self, arguments: &[&str]) -> Value {
        let ended = self.try_run(&[arguments, &["--json"]].concat()).await;
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {complaint}");
        serde_json::from_slice(&ended.stdout).unwrap_or_else(|bad| panic!("{arguments:?}: {bad}"))
    }

    /// Runs a command that must end with this exit code; what it complains of.
    async fn fail(&self, exit: i32, arguments: &[&str]) -> String {
        let ended = self.try_run(arguments).await;
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(exit), "{arguments:?}: {complaint}");
        assert!(!complaint.is_empty(), "{arguments:?} ends without a word");
        complaint
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("daemon.log")).unwrap_or_default()
    }

    async fn start(&self) -> Child {
        let log = std::fs::File::create(self.path("daemon.log")).expect("a file");
        let mut command = command(&self.path("bramka.toml"), &["run"]);
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let daemon = command.spawn().expect("the program");
        eventually("the daemon is ready", async || {
            let ended = self.try_run(&["status", "--json"]).await;
            let status: Value = serde_json::from_slice(&ended.stdout).ok()?;
            (status["ready"] == true && status["links_up"] == 1).then_some(())
        })
        .await;
        daemon
    }

    /// A partner with a charged service, made by commands; the generated password.
    async fn set_up(&self) -> String {
        self.run(&["partner", "add", "acme", "--rate", "0"]).await;
        let credential = ["credential", "add", "acme1", "--partner", "acme", "--address"];
        let made = self.run(&[&credential[..], &["127.0.0.0/8"]].concat()).await;
        self.run(&["number", "add", "7455"]).await;
        self.run(&["tariff", "add", "T4", "--net", "4.00", "--gross", "4.92"]).await;
        let service = ["service", "add", "win", "--partner", "acme", "--number", "7455"];
        let what =
            ["--keyword", "WIN", "--billing", "mt", "--tariff", "T4", "--link-group", "main"];
        self.run(&[&service[..], &what, &["--state", "live"]].concat()).await;
        made["password"].as_str().expect("a password that is shown once").to_owned()
    }

    async fn bind(&self, password: &str) -> Esme {
        Esme::bind(self.smpp, BindKind::Transceiver, Version::V34, "acme1", password)
            .await
            .expect("a bind")
    }
}

fn command(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bramka"));
    command.arg("--config").arg(config).args(arguments);
    command.env_remove("NOTIFY_SOCKET").stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn signal(daemon: &Child, signal: Signal) {
    let id = daemon.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    kill_process(id.expect("a process that lives"), signal).expect("a signal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sets_up_watches_and_stops_a_gateway_by_commands_alone() {
    let smsc = FakeSmsc::start().await.unwrap();
    let host = Host::new(smsc.address());
    host.run(&["check"]).await;
    let made = host.run(&["migrate"]).await;
    assert!(made["before"].is_null() && made["after"].is_number(), "{made}");
    assert_eq!(host.run(&["migrate"]).await["before"], made["after"]);
    let mut daemon = host.start().await;
    let password = host.set_up().await;
    traffic(&host, &smsc, &password).await;
    links(&host, &smsc).await;
    sessions(&host, &password).await;
    unknowns(&host, &smsc, &password).await;
    mistakes(&host).await;
    reload(&host, &daemon, &smsc, &password).await;
    let audit = host.run(&["audit", "verify"]).await;
    assert!(audit["whole"] == true && audit["records"].as_i64() >= Some(5), "{audit}");
    signal(&daemon, Signal::TERM);
    let ended = timeout(PATIENCE, daemon.wait()).await.expect("an end in time").unwrap();
    assert_eq!(ended.code(), Some(0), "{}", host.log());
    host.fail(4, &["status"]).await;
}

/// The next text after `service add` is routed; a message and its history are shown.
async fn traffic(host: &Host, smsc: &FakeSmsc, password: &str) {
    assert!(smsc.mo(SUBSCRIBER, "7455", "win").await.unwrap().is_ok());
    let queues = host.run(&["queue", "summary"]).await;
    let row = &queues[0];
    assert_eq!((&row["kind"], &row["partner"]), (&"mo".into(), &"acme".into()), "{queues}");
    assert_eq!((&row["waiting"], &row["limit"]), (&1.into(), &"absent".into()), "{queues}");
    let mut acme = host.bind(password).await;
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "win");
    let id = acme.submit(mt("7455", SUBSCRIBER, "your prize")).await.unwrap().message_id;
    let id = String::from_utf8_lossy(&id).into_owned();
    assert!(acme.next_delivery().await.unwrap().is_receipt());
    let shown = host.run(&["message", "show", &id]).await;
    assert_eq!((&shown["state"], &shown["partner"]), (&"delivered".into(), &"acme".into()));
    assert_eq!(shown["recipient"], "48600***200", "masked");
    assert_eq!(shown["charges"][0]["gross_minor"], 492, "{shown}");
    let trace = host.run(&["message", "trace", &id]).await;
    let kinds: Vec<_> =
        trace.as_array().unwrap().iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"accepted"));
    for kind in ["claimed", "submitted", "delivered"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    acme.unbind().await.unwrap();
}

async fn links(host: &Host, smsc: &FakeSmsc) {
    host.run(&["link", "down", "main"]).await;
    smsc.wait_for_binds(0).await.unwrap();
    eventually("the link is down", async || {
        (host.run(&["link", "list"]).await[0]["state"] == "down").then_some(())
    })
    .await;
    assert_eq!(host.run(&["status"]).await["links_up"], 0);
    host.run(&["link", "up", "main"]).await;
    smsc.wait_for_binds(1).await.unwrap();
}

/// A trace shows PDUs line by line and ends with its session, which a kick ends.
async fn sessions(host: &Host, password: &str) {
    let acme = host.bind(password).await;
    let binds = host.run(&["bind", "list"]).await;
    assert_eq!((&binds[0]["system_id"], binds.as_array().unwrap().len()), (&"acme1".into(), 1));
    let id = binds[0]["id"].to_string();
    let mut trace = command(&host.path("bramka.toml"), &["trace", "session", &id, "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(trace.stdout.take().unwrap()).lines();
    // Signs of life until the first is traced: only then does the trace run.
    let first = eventually("a traced PDU", async || {
        acme.request(Pdu::EnquireLink).await.unwrap();
        timeout(Duration::from_millis(50), lines.next_line()).await.ok()?.unwrap()
    })
    .await;
    let first: Value = serde_json::from_str(&first).unwrap();
    assert!(first["command"].as_str().unwrap().starts_with("enquire_link"), "{first}");
    host.run(&["bind", "kick", &id, "--reason", "asked by acme, ticket 4711"]).await;
    timeout(PATIENCE, acme.closed()).await.unwrap().unwrap();
    let mut commands = Vec::new();
    while let Some(line) = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|bad| panic!("{line}: {bad}"));
        commands.push(line["command"].as_str().unwrap().to_owned());
    }
    assert!(commands.iter().any(|name| name == "unbind"), "{commands:?}");
    let ended = timeout(PATIENCE, trace.wait()).await.unwrap().unwrap();
    assert!(ended.success());
}

async fn unknowns(host: &Host, smsc: &FakeSmsc, password: &str) {
    assert_eq!(host.run(&["unknown", "list"]).await, serde_json::json!([]));
    smsc.script(|script| {
        script.close = Some(CloseAfter { submits: 1, how: Closing::Reset });
        script.receipts.are_sent = false;
    });
    let acme = host.bind(password).await;
    let id = acme.submit(mt("7455", SUBSCRIBER, "lost on the way")).await.unwrap().message_id;
    let listed = eventually("a message for a person", async || {
        let listed = host.run(&["unknown", "list"]).await;
        (!listed[0].is_null()).then_some(listed)
    })
    .await;
    assert_eq!(listed[0]["id"], String::from_utf8_lossy(&id).as_ref());
    assert_eq!((&listed[0]["state"], &listed[0]["partner"]), (&"unknown".into(), &"acme".into()));
    assert_eq!(listed[0]["recipient"], "48600***200");
    smsc.wait_for_binds(1).await.unwrap();
}

/// A script can tell by the exit code what was wrong.
async fn mistakes(host: &Host) {
    host.fail(2, &["status", "--no-such-flag"]).await;
    host.fail(2, &["partner", "add", "two words"]).await;
    host.fail(3, &["message", "show", "1"]).await;
    host.fail(3, &["partner", "show", "nobody"]).await;
    host.fail(3, &["link", "down", "nowhere"]).await;
    host.fail(3, &["bind", "kick", "4711", "--reason", "none"]).await;
    let taken = host.fail(1, &["partner", "add", "acme"]).await;
    assert!(taken.contains("exists already"), "{taken}");
    let wrong = host.path("wrong.toml");
    std::fs::write(&wrong, "[smpp_server]\nlisen = []\nwindow = 0\n").expect("a file");
    let ended = host.try_with(&wrong, &["check"]).await;
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{text}");
    // Both at once, with what was probably meant.
    assert!(text.contains("listen") && text.contains("window"), "{text}");
    let ended = host.try_with(&host.path("absent.toml"), &["status"]).await;
    assert_eq!(ended.status.code(), Some(2));
}

/// SIGHUP takes over a log level and a window without an end of any session.
async fn reload(host: &Host, daemon: &Child, smsc: &FakeSmsc, password: &str) {
    assert_eq!(host.run(&["link", "list"]).await[0]["window"], 10);
    let binds = smsc.journal(|journal| journal.binds_seen);
    host.configure("debug", 3);
    signal(daemon, Signal::HUP);
    eventually("the new window", async || {
        let links = host.run(&["link", "list"]).await;
        (links[0]["window"] == 3 && links[0]["state"] == "up").then_some(())
    })
    .await;
    assert_eq!(smsc.journal(|journal| journal.binds_seen), binds, "the link did not bind anew");
    let acme = host.bind(password).await;
    eventually("a line of the new level", async || {
        // An answer to nothing is ignored, and said to be at this level only.
        acme.send(Smpp::new(77, Pdu::DeliverSmResp(MessageResp::default()))).await.unwrap();
        host.log().lines().any(|line| line.contains("ignored")).then_some(())
    })
    .await;
    // A file with a mistake changes nothing and ends nothing.
    host.configure("debug", 0);
    signal(daemon, Signal::HUP);
    eventually("the refusal in the log", async || {
        host.log().contains("must be 1 to 1000").then_some(())
    })
    .await;
    host.configure("debug", 3);
    assert_eq!(host.run(&["link", "list"]).await[0]["window"], 3);
}
