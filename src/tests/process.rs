//! The gateway as a process of its own, which can be killed, and its folder, which survives that.
//!
//! What surprises: readiness is not guessed. The process says `READY=1` to a socket as it would
//! to systemd, so the time from `exec` to ready is measured and never polled.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use bramka::config::{Config, Secret};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::UnixDatagram, process::Child, time::timeout};

use super::world::{LINK, PEPPER, PartnerPlan, charged, seed, service};

/// A start or a stop that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a gateway lives, over any number of its processes.
pub(crate) struct Site {
    binary: PathBuf,
    folder: PathBuf,
    pub(crate) smpp: SocketAddr,
    starts: u32,
    /// The negative control of durability: commits are not synced, and a power cut must lose.
    pub(crate) is_unsafe: bool,
    /// Names and values that each process gets besides its own.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A free port on an address of its own: nobody takes it while the gateway is dead, because
/// outgoing connections have 127.0.0.1.
fn free_port(salt: u64) -> SocketAddr {
    let octet = |shift: u32| u8::try_from(1 + (salt >> shift) % 250).expect("below 251");
    let address = [127, octet(0), octet(8), octet(16)];
    let probe = std::net::TcpListener::bind((std::net::IpAddr::from(address), 0));
    probe.and_then(|listener| listener.local_addr()).expect("a free port")
}

impl Site {
    /// A folder with configuration and business data; `more` is further TOML, `link` keys of the
    /// link.
    pub(crate) async fn new(
        binary: &Path,
        folder: &Path,
        smsc: SocketAddr,
        link: &str,
        more: &str,
    ) -> Self {
        let salt = u64::from(std::process::id()) ^ u64::from(smsc.port()) << 8;
        let smpp = free_port(salt);
        std::fs::write(folder.join("smsc.password"), "smscpass").expect("a file");
        std::fs::write(folder.join("pepper"), PEPPER).expect("a file");
        let text = format!(
            "[node]\ndata_folder = \"{}\"\n\
             [smpp_server]\nlisten = [\"{smpp}\"]\npepper_file = \"pepper\"\n\
             [http]\nlisten = []\nadmin_listen = []\n\
             [[smsc_link]]\nname = \"{LINK}\"\naddress = \"{smsc}\"\nsystem_id = \"bramka\"\n\
             password_file = \"smsc.password\"\nreconnect_min = \"50ms\"\n{link}\n{more}",
            folder.display(),
        );
        let path = folder.join("bramka.toml");
        std::fs::write(&path, &text).expect("a file");
        let mut config = Config::from_text(&text, folder).unwrap_or_else(|wrong| panic!("{wrong}"));
        config.smpp_server.pepper_file.secret = Secret::new(PEPPER);
        let mut acme = PartnerPlan::named("acme");
        acme.credential.window = 100;
        let services =
            [service("acme", "win", "7455", &["WIN"]), charged("acme", "pay", "7466", &["PAY"])];
        seed(&config, &[acme], &services).await;
        Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            smpp,
            starts: 0,
            is_unsafe: false,
            environment: Vec::new(),
        }
    }

    /// More keys for `[smpp_server]`, before a start.
    #[cfg(not(test))]
    pub(crate) fn server(&self, keys: &str) {
        let path = self.folder.join("bramka.toml");
        let text = std::fs::read_to_string(&path).expect("a configuration");
        let text = text.replace("[smpp_server]\n", &format!("[smpp_server]\n{keys}\n"));
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("bramka.db")
    }

    /// What the processes said, for a human who looks for the reason.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("daemon.log")).unwrap_or_default()
    }

    /// Starts a process without waiting for it.
    pub(crate) fn spawn(&mut self) -> Daemon {
        self.starts += 1;
        let socket = self.folder.join(format!("notify-{}", self.starts));
        let notify = UnixDatagram::bind(&socket).expect("a socket for the word of readiness");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("daemon.log"))
            .expect("a log file");
        let mut command = tokio::process::Command::new(&self.binary);
        command
            .arg("run")
            .arg("--config")
            .arg(self.folder.join("bramka.toml"))
            .env("NOTIFY_SOCKET", &socket)
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .kill_on_drop(true);
        if self.is_unsafe {
            command.env("BRAMKA_UNSAFE_SYNCHRONOUS", "normal");
        }
        let began = Instant::now();
        let child = command.spawn().expect("the gateway's program");
        Daemon { child, notify, socket, began }
    }

    /// Starts a process and waits until partners can bind; the time that took.
    pub(crate) async fn start(&mut self) -> (Daemon, Duration) {
        let mut daemon = self.spawn();
        match daemon.ready().await {
            Ok(took) => (daemon, took),
            Err(why) => panic!("not ready: {why}\n{}", last_lines(&self.log())),
        }
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// One process of the gateway; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    notify: UnixDatagram,
    socket: PathBuf,
    began: Instant,
}

impl Daemon {
    /// Waits for `READY=1`; the time since the start of the process.
    pub(crate) async fn ready(&mut self) -> Result<Duration, String> {
        let mut octets = [0; 4096];
        loop {
            tokio::select! {
                ended = self.child.wait() => return Err(format!("the process ended: {ended:?}")),
                got = timeout(PATIENCE, self.notify.recv(&mut octets)) => {
                    let size = got.map_err(|_| "too late")?.map_err(|error| error.to_string())?;
                    let words = String::from_utf8_lossy(&octets[..size]);
                    if words.lines().any(|word| word == "READY=1") {
                        return Ok(self.began.elapsed());
                    }
                }
            }
        }
    }

    /// True if the process ends by itself within that time.
    pub(crate) async fn ends_within(&mut self, time: Duration) -> bool {
        timeout(time, self.child.wait()).await.is_ok()
    }

    /// SIGKILL: no line of the program runs any more.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("a process to kill");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(pid.expect("a process that lives"), signal).expect("a signal");
    }

    /// Waits for the end; exit code and time. The code is none after a signal.
    pub(crate) async fn ended(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("an end in time").expect("a status");
        (status.code(), began.elapsed())
    }

    /// SIGTERM, and the orderly end.
    pub(crate) async fn stop(self) -> (Option<i32>, Duration) {
        self.signal(Signal::TERM);
        self.ended().await
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::fs::remove_file(&self.socket).is_err() {
            // Its folder may be gone already.
        }
    }
}

/// Shows a figure to whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stderr, reason = "this is what the figures are printed with")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// The program that was built beside this example.
#[cfg(not(test))]
pub(crate) fn beside() -> PathBuf {
    let own = std::env::current_exe().expect("a path of its own");
    let folder = own.parent().and_then(Path::parent).expect("examples have a folder of their own");
    folder.join("bramka")
}
