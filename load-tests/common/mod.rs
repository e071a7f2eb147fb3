//! What the load tests share: a gateway as a process of its own, a fake SMSC in this one, and
//! partners that are lighter than any real one.

#![expect(dead_code, reason = "each load test uses its part")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bramka::{
    demo::fake_smsc::{self, FakeSmsc, Script},
    domain::{Caller, secret::Pepper},
    store::{GroupLimits, NewCredential, NewPartner, NewService, NewTariff, Place, Store},
};

pub(crate) mod api;
mod bulk;
pub(crate) mod crowd;
mod desk;
pub(crate) mod offers;
pub(crate) mod partner;
mod past;
pub(crate) mod people;
mod tickets;
pub(crate) mod verdict;

/// Command line: `--name value` pairs and bare words.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        let place = self.0.iter().position(|word| word == &format!("--{name}"));
        let Some(text) = place.and_then(|place| self.0.get(place + 1)) else { return default };
        text.replace('_', "").parse().unwrap_or_else(|_| panic!("--{name} must be a number"))
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|given| given == &format!("--{word}"))
    }
}

/// The world of a load test.
pub(crate) struct World {
    pub(crate) smsc: FakeSmsc,
    pub(crate) smpp: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) http: SocketAddr,
    gateway: Child,
    folder: tempfile::TempDir,
}

/// How big the world is.
pub(crate) struct Plan {
    pub(crate) partners: u64,
    pub(crate) keywords: u64,
    pub(crate) is_charged: bool,
    pub(crate) link_window: u64,
    pub(crate) link_binds: u64,
    pub(crate) partner_window: u64,
    pub(crate) receipts_delay: Duration,
    /// Messages of the last days that are in the store before the gateway starts.
    pub(crate) past: u64,
    /// Partners with their people, agreements and applications that send no messages.
    pub(crate) companies: u64,
    /// Records of the audit trail.
    pub(crate) records: u64,
    /// Faults and complaints of these companies.
    pub(crate) tickets: u64,
    pub(crate) log_level: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            partners: 10,
            keywords: 10,
            is_charged: false,
            link_window: 200,
            link_binds: 2,
            partner_window: 100,
            receipts_delay: Duration::from_millis(20),
            past: 0,
            companies: 0,
            records: 0,
            tickets: 0,
            log_level: "warn",
        }
    }
}

/// The company that somebody logs in of.
pub(crate) const BUSY: u64 = 5_000;

pub(crate) fn partner_name(number: u64) -> String {
    format!("p{number}")
}

impl World {
    pub(crate) async fn start(plan: &Plan) -> Self {
        Self::start_after(plan, async |_| ()).await
    }

    /// The same, with something to do in the store's folder before the gateway opens it.
    pub(crate) async fn start_after(plan: &Plan, first: impl AsyncFnOnce(&Path)) -> Self {
        let folder = match std::env::var_os("BRAMKA_LOAD_FOLDER") {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        }
        .expect("a folder");
        let mut script = Script::default();
        script.receipts.delay = plan.receipts_delay;
        script.window = 1000;
        let options = fake_smsc::Options { submits_kept: 10, ..fake_smsc::Options::default() };
        let smsc = FakeSmsc::with(options, script).await.expect("a fake SMSC");
        let (smpp, admin, http) = (free_port(), free_port(), free_port());
        let path = folder.path();
        let text = format!(
            "[node]\ndata_folder = \"{}\"\n[log]\nlevel = \"{}\"\n\
             [smpp_server]\nlisten = [\"{smpp}\"]\nconnections_per_address = 100000\n\
             connections_max = 100000\nunbound_max = 10000\nbind_rate = 100000\nwindow_in = 1000\n\
             [http]\nlisten = [\"{http}\"]\nadmin_listen = [\"{admin}\"]\n\
             [limits]\nanonymous_requests_minute = 100000\nsession_requests_minute = 100000\n\
             [store]\ndisk_soft = \"16MiB\"\ndisk_hard = \"8MiB\"\nreserve = \"1MiB\"\n\
             [[smsc_link]]\nname = \"main\"\naddress = \"{}\"\nsystem_id = \"bramka\"\n\
             password_file = \"smsc.password\"\nwindow = {}\nbinds = {}\n",
            path.display(),
            plan.log_level,
            smsc.address(),
            plan.link_window,
            plan.link_binds,
        );
        std::fs::write(path.join("bramka.toml"), text).expect("a file");
        std::fs::write(path.join("smsc.password"), "secret").expect("a file");
        seed(path.join("bramka.db"), plan).await;
        if plan.past > 0 {
            past::fill(&path.join("bramka.db"), plan.past).await;
        }
        if plan.companies > 0 {
            desk::fill(&path.join("bramka.db"), plan.companies, plan.records).await;
        }
        if plan.tickets > 0 {
            let of = (desk::FIRST, plan.companies, BUSY);
            tickets::fill(&path.join("bramka.db"), plan.tickets, of).await;
        }
        first(path).await;
        let gateway = spawn_gateway(path);
        let world = Self { smsc, smpp, admin, http, gateway, folder };
        world.wait_ready(plan.link_binds).await;
        world
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("bramka.db")
    }

    async fn wait_ready(&self, binds: u64) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !ready(self.admin).await {
            assert!(Instant::now() < deadline, "the gateway does not get ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.smsc
            .wait_for_binds(usize::try_from(binds).expect("a small number"))
            .await
            .expect("the link binds");
    }

    /// CPU seconds of the gateway, user and system.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.gateway.id()))
            .expect("the gateway lives");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
        // Fields 14 and 15 of proc(5); two are before the bracket. 100 ticks are a second.
        (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
    }

    /// Resident memory of the gateway in MiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.id()))
            .expect("the gateway lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("0 0");
        line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) / 1024
    }

    pub(crate) fn pid(&self) -> u32 {
        self.gateway.id()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.gateway.kill());
        drop(self.gateway.wait());
    }
}

fn spawn_gateway(folder: &Path) -> Child {
    let here = std::env::current_exe().expect("the name of this program");
    let binary =
        here.parent().and_then(|folder| folder.parent()).expect("target/release").join("bramka");
    Command::new(binary)
        .arg("--config")
        .arg(folder.join("bramka.toml"))
        .arg("run")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the gateway starts; build it first with `cargo build --release`")
}

async fn ready(admin: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Ok(mut stream) = tokio::net::TcpStream::connect(admin).await else { return false };
    let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    if stream.write_all(request).await.is_err() {
        return false;
    }
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer).await);
    answer.starts_with("HTTP/1.1 200")
}

fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address")
}

async fn seed(database: PathBuf, plan: &Plan) {
    let place = Place { url: format!("sqlite:{}", database.display()), readers: 1 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("a store");
    drop(writer);
    let by = Caller::Operator { name: "load".into() };
    let tariff = NewTariff::polish("T4", 400, 492);
    store.add_tariff(&by, 0, &tariff).await.expect("a tariff");
    let secret = Pepper::new("").hash_hex(b"secret");
    for number in 0..plan.partners {
        let name = partner_name(number);
        let partner = NewPartner::unhurried(&name, 10_000_000);
        store.add_partner(&by, 0, &partner).await.expect("a partner");
        let credential = NewCredential {
            partner: name.clone(),
            system_id: name.clone(),
            secret: secret.clone(),
            addresses: Vec::new(),
            tls_only: false,
            binds_max: 10_000,
            window: u32::try_from(plan.partner_window).expect("a small window"),
            default_sender: None,
            mode: bramka::domain::Mode::Live,
        };
        store.add_credential(&by, 0, &credential).await.expect("a credential");
        let short_code = (70_000 + number).to_string();
        store.add_short_code(&by, 0, &short_code).await.expect("a short code");
        let per_partner = plan.keywords.div_ceil(plan.partners).max(1);
        let keywords = (0..per_partner).map(|keyword| format!("K{keyword}")).collect();
        let service =
            NewService { keywords, ..NewService::free(&name, "main", &short_code, &[], "main") };
        let service = if plan.is_charged { service.charging_mt("T4") } else { service };
        store.add_service(&by, 0, &service).await.expect("a service");
    }
    store.close().await;
}

/// Counters of the whole run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) delivered: AtomicU64,
    /// Nothing more is submitted; what comes is still answered.
    pub(crate) is_over: AtomicBool,
}

impl Counts {
    pub(crate) fn snapshot(&self) -> (u64, u64, u64) {
        (
            self.accepted.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
            self.delivered.load(Ordering::Relaxed),
        )
    }
}

/// Latencies in microseconds, in buckets of a twentieth.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<AtomicU64>);

impl Default for Latencies {
    fn default() -> Self {
        Self((0..400).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Latencies {
    pub(crate) fn note(&self, took: Duration) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bucket's number"
        )]
        let bucket = ((took.as_micros().max(1) as f64).ln() / 1.05_f64.ln()) as usize;
        self.0[bucket.min(399)].fetch_add(1, Ordering::Relaxed);
    }

    /// What was noted so far; from now on it is counted anew.
    pub(crate) fn drain(&self) -> Self {
        Self(self.0.iter().map(|count| AtomicU64::new(count.swap(0, Ordering::Relaxed))).collect())
    }

    /// The latency that `share` of a thousand stay under.
    pub(crate) fn per_mille(&self, share: u64) -> Duration {
        let total: u64 = self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let mut seen = 0;
        for (bucket, count) in self.0.iter().enumerate() {
            seen += count.load(Ordering::Relaxed);
            if seen * 1000 >= total * share {
                let exponent = i32::try_from(bucket + 1).unwrap_or(i32::MAX);
                return Duration::from_secs_f64(1.05_f64.powi(exponent) / 1e6);
            }
        }
        Duration::ZERO
    }
}

/// Prints a figure line each few seconds and answers rate and CPU per message between the first
/// and the last tick.
pub(crate) async fn watch(
    world: &World,
    counts: &Arc<Counts>,
    seconds: u64,
    what: impl Fn(&Counts) -> u64,
) {
    let warm = Duration::from_secs(seconds.min(5) / 2 + 1);
    tokio::time::sleep(warm).await;
    let (begun, cpu, first) = (Instant::now(), world.cpu(), what(counts));
    let mut last = (begun, first);
    while begun.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_secs(5.min(seconds))).await;
        let (now, count) = (Instant::now(), what(counts));
        #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
        let rate = (count - last.1) as f64 / (now - last.0).as_secs_f64();
        println!("{:5.0} s {rate:8.0}/s {:5} MiB", begun.elapsed().as_secs_f64(), world.resident());
        last = (now, count);
    }
    let took = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
    let count = (what(counts) - first) as f64;
    println!(
        "=> {:.0} messages/s, {:.1} us of gateway CPU each, {} MiB resident",
        count / took,
        (world.cpu() - cpu) * 1e6 / count,
        world.resident()
    );
}

/// Subscribers that text: to each bound partner's number in turn, with each of its keywords.
/// `rate` 0 is as fast as `in_flight` allows.
pub(crate) async fn text(world: &World, partners: u64, keywords: u64, in_flight: u64, rate: u64) {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let begun = Instant::now();
    let mut sent = 0_u64;
    loop {
        ticks.tick().await;
        let acked = world.smsc.journal(|journal| journal.mos_acked);
        let allowed = match rate {
            0 => u64::MAX,
            rate => {
                u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) * rate / 1_000_000
            }
        };
        let mut room = in_flight.saturating_sub(sent - acked.min(sent));
        while room > 0 && sent < allowed {
            let from = format!("48{:09}", 500_000_000 + sent % 100_000_000);
            let to = (70_000 + sent % partners).to_string();
            let keyword = format!("K{} please", (sent / partners) % keywords);
            if world.smsc.queue_mo(&from, &to, &keyword).is_err() {
                break;
            }
            sent += 1;
            room -= 1;
        }
    }
}
