//! `doctor`: tests what the gateway needs, and says for each what to do.
//!
//! It changes nothing but a file that it makes and removes in the data folder. What surprises:
//! it runs beside a working daemon, so a busy port is good news when the daemon holds it.

mod letters;

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Failure, Output, desk, failure::Outcome, seen};
use crate::{
    clock::Clock,
    config::{Config, SmscLink},
    control::{self, Client, who},
    store::Store,
    tls::{self, certificate},
};

const CERTIFICATE_DAYS_WARN: i64 = 30;
const TLS_PATIENCE: Duration = Duration::from_secs(10);
const PROGRAM_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// What one test found.
pub(super) struct Finding {
    pub(super) what: String,
    result: Verdict,
    pub(super) text: String,
    /// What to do about it; empty when it is ok.
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn ok(what: impl Into<String>, text: impl Into<String>) -> Self {
        let advice = String::new();
        Self { what: what.into(), result: Verdict::Ok, text: text.into(), advice }
    }

    pub(super) fn warn(what: impl Into<String>, text: impl Into<String>, advice: &str) -> Self {
        let advice = advice.to_owned();
        Self { what: what.into(), result: Verdict::Warn, text: text.into(), advice }
    }

    fn fail(what: impl Into<String>, text: impl Into<String>, advice: &str) -> Self {
        Self { result: Verdict::Fail, ..Self::warn(what, text, advice) }
    }

    pub(super) fn word(&self) -> &'static str {
        match self.result {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        }
    }
}

pub(crate) async fn doctor(file: &Path, out: &mut Output) -> Outcome {
    let findings = match Config::load(file) {
        Ok(config) => examine(&config).await,
        Err(mistakes) => vec![Finding::fail(
            "configuration",
            mistakes.to_string(),
            "correct these, then run `bramka check`; nothing else was tested",
        )],
    };
    if out.is_json() {
        let list: Vec<Value> = findings
            .iter()
            .map(|found| {
                json!({
                    "what": found.what, "result": found.word().to_lowercase(),
                    "text": found.text, "advice": found.advice,
                })
            })
            .collect();
        out.document(&list);
    } else {
        for found in &findings {
            out.line(&format!("{:<4}  {}: {}", found.word(), found.what, found.text));
            if !found.advice.is_empty() {
                out.line(&format!("      -> {}", found.advice));
            }
        }
    }
    let failed = findings.iter().filter(|found| found.result == Verdict::Fail).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{failed} of {} tests failed", findings.len())))
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![of_config(config), of_pepper(config), of_folder(config)];
    findings.extend(of_store(config).await);
    findings.push(of_disk(config).await);
    let socket = control::socket(&config.data_folder());
    let client = Client::new(&socket, &who::myself());
    let status = client.get("/status").await;
    let is_running = status.is_ok();
    findings.push(if is_running {
        Finding::ok("daemon", "answers at its control socket")
    } else {
        Finding::ok("daemon", "does not run")
    });
    findings.extend(of_ports(config, is_running));
    findings.extend(of_certificates(config));
    for link in &config.smsc_link {
        findings.push(of_link(config, link).await);
    }
    findings.extend(letters::of_mail(config).await);
    findings.push(letters::of_agreements(config));
    if let (Ok(status), Ok(links)) = (status, client.get("/links").await) {
        findings.extend(seen::findings(links, &status));
    }
    findings.push(of_clock().await);
    findings
}

fn of_config(config: &Config) -> Finding {
    let insecure = config.insecure();
    if insecure.is_empty() {
        return Finding::ok("configuration", format!("{} files, no mistakes", config.files.len()));
    }
    let text = format!("on although insecure: {}", insecure.join(", "));
    Finding::warn("configuration", text, "fine for tests; turn these off before real traffic")
}

fn of_pepper(config: &Config) -> Finding {
    if config.smpp_server.pepper_file.secret.is_empty() {
        return Finding::warn(
            "pepper",
            "`smpp_server.pepper_file` is not set",
            "set it before adding partners: `openssl rand -hex 32 > pepper`; changing it later \
             makes every password and key invalid",
        );
    }
    Finding::ok("pepper", "set")
}

fn of_folder(config: &Config) -> Finding {
    let folder = config.data_folder();
    let probe = folder.join(format!(".doctor.{}", std::process::id()));
    let tried = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::ok("data folder", format!("`{}` can be written", folder.display())),
        Err(error) => Finding::fail(
            "data folder",
            format!("`{}`: {error}", folder.display()),
            "make the folder and give it to the user that runs bramka, or set `node.data_folder`",
        ),
    }
}

async fn of_store(config: &Config) -> Vec<Finding> {
    let found = match Store::inspect(&desk::place(config)).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let text = "no database yet";
            let advice = "`bramka run` makes it; so does `bramka migrate`";
            return vec![Finding::warn("store", text, advice)];
        }
        Err(error) => {
            let advice = "see that the server runs, and that `store.url` names its address, user \
                          and database; a damaged SQLite file is restored from its backup";
            return vec![Finding::fail("store", error.to_string(), advice)];
        }
    };
    let mut findings = vec![if found.health == "ok" {
        Finding::ok("store", format!("{} is reachable", found.engine))
    } else {
        let advice = "stop the daemon, keep a copy of the file, restore the newest backup";
        Finding::fail("store", format!("{}: {}", found.engine, found.health), advice)
    }];
    let (is, wanted) = (found.schema.unwrap_or_default(), found.schema_wanted);
    findings.push(if found.is_current() {
        Finding::ok("schema", format!("step {is}"))
    } else if is > wanted {
        let text = format!("step {is}, this program knows {wanted}");
        Finding::fail("schema", text, "run the newer version of bramka that made it")
    } else {
        let text = format!("step {is}, this program needs {wanted}");
        Finding::warn("schema", text, "run `bramka migrate`, or let `bramka run` do it")
    });
    let settings = found.durability.iter().map(|(name, value)| format!("{name} {value}"));
    let settings = settings.collect::<Vec<_>>().join(", ");
    findings.push(if found.is_durable {
        Finding::ok("durability", settings)
    } else {
        let advice = "acknowledged messages could be lost: journal_mode must be wal and \
                      synchronous 2; on PostgreSQL synchronous_commit, fsync and \
                      full_page_writes must be on";
        Finding::fail("durability", settings, advice)
    });
    findings
}

/// Asks `df`: the standard library cannot tell, and this is no hot path.
async fn of_disk(config: &Config) -> Finding {
    let folder = config.data_folder();
    let folder = if folder.as_os_str().is_empty() { Path::new(".").to_owned() } else { folder };
    let mut program = tokio::process::Command::new("df");
    program.arg("-Pk").arg("--").arg(&folder);
    let Some(free) = said(&mut program).await.and_then(|text| free_octets(&text)) else {
        return Finding::warn("disk", "`df` does not tell", "look at the free space yourself");
    };
    let mebibytes = free >> 20;
    let text = format!("{mebibytes} MiB free at `{}`", folder.display());
    let advice = "free some space or move the data folder; below `store.disk_soft` new MT are \
                  refused, below `store.disk_hard` MO too";
    if free < config.store.disk_hard.0 {
        Finding::fail("disk", text, advice)
    } else if free < config.store.disk_soft.0 {
        Finding::warn("disk", text, advice)
    } else {
        Finding::ok("disk", text)
    }
}

/// The fourth column of the second line of `df -Pk`, in octets.
fn free_octets(text: &str) -> Option<u64> {
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

async fn said(program: &mut tokio::process::Command) -> Option<String> {
    let output = program.kill_on_drop(true).output();
    let output = tokio::time::timeout(PROGRAM_PATIENCE, output).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn of_ports(config: &Config, is_running: bool) -> Vec<Finding> {
    let lists: [(&str, &[SocketAddr]); 5] = [
        ("smpp_server.listen", &config.smpp_server.listen),
        ("smpp_server.listen_tls", config.smpp_server.tls_addresses()),
        ("http.listen", &config.http.listen),
        ("http.listen_tls", &config.http.listen_tls),
        ("http.admin_listen", &config.http.admin_listen),
    ];
    let all = lists.iter().flat_map(|(path, list)| list.iter().map(move |one| (*path, *one)));
    all.map(|(path, address)| {
        let what = format!("port {address}");
        match std::net::TcpListener::bind(address) {
            Ok(_) if is_running => Finding::warn(
                what,
                format!("free although the daemon runs ({path})"),
                "the daemon was started with another configuration; restart it",
            ),
            Ok(_) => Finding::ok(what, format!("free ({path})")),
            Err(error) if is_running && error.kind() == std::io::ErrorKind::AddrInUse => {
                Finding::ok(what, format!("in use, as it should be ({path})"))
            }
            Err(error) => Finding::fail(
                what,
                format!("{error} ({path})"),
                "stop what uses it (`ss -ltnp`), or choose another address; ports below 1024 need \
                 a right of their own",
            ),
        }
    })
    .collect()
}

fn of_certificates(config: &Config) -> Vec<Finding> {
    let files = [
        ("smpp_server", &config.smpp_server.certificate_file),
        ("http", &config.http.certificate_file),
    ];
    let named = files.into_iter().filter_map(|(section, file)| Some((section, file.as_ref()?)));
    named
        .map(|(section, file)| {
            let what = format!("certificate of {section}");
            match certificate::end_of_file(&config.file(file)) {
                Ok(end) => days_left(what, end),
                Err(error) => Finding::fail(what, format!("{error:#}"), "give it a PEM file"),
            }
        })
        .collect()
}

fn days_left(what: String, end: jiff::Timestamp) -> Finding {
    let days = (end.as_second() - Clock::system().timestamp().as_second()).div_euclid(86_400);
    let text = format!("{days} days left, until {end}");
    let advice = "renew it; the daemon takes the new file by itself or on SIGHUP";
    if days < 0 {
        Finding::fail(what, format!("expired on {end}"), advice)
    } else if days < CERTIFICATE_DAYS_WARN {
        Finding::warn(what, text, advice)
    } else {
        Finding::ok(what, text)
    }
}

async fn of_link(config: &Config, link: &SmscLink) -> Finding {
    let what = format!("link {}", link.name);
    let address = (link.address.host.as_str(), link.address.port);
    let shown = link.address.to_string();
    let stream = match tokio::time::timeout(link.connect, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let advice = "see the address, the route and the firewall; many operators admit only \
                          named source addresses";
            return Finding::fail(what, format!("{shown}: {error}"), advice);
        }
        Err(_) => {
            let text = format!("{shown}: no answer in {:?}", link.connect);
            let advice = "a firewall drops the packets, or the tunnel to the operator is down";
            return Finding::fail(what, text, advice);
        }
    };
    if !link.tls {
        return Finding::ok(what, format!("{shown} accepts connections; the bind is not tried"));
    }
    match tokio::time::timeout(TLS_PATIENCE, handshake(config, link, stream)).await {
        Ok(Ok(Some(end))) => days_left(what, end),
        Ok(Ok(None)) => Finding::ok(what, format!("{shown} speaks TLS")),
        Ok(Err(error)) => Finding::fail(
            what,
            format!("{shown}: {error:#}"),
            "see `tls_name` and `tls_ca_file`, or ask the operator for the chain",
        ),
        Err(_) => {
            let advice = "the port may not speak TLS: see `tls`";
            Finding::fail(what, format!("{shown}: the TLS handshake does not end"), advice)
        }
    }
}

async fn handshake(
    config: &Config,
    link: &SmscLink,
    stream: TcpStream,
) -> anyhow::Result<Option<jiff::Timestamp>> {
    let authority = link.tls_ca_file.as_ref().map(|file| config.file(file));
    let connector = tls::client(authority.as_deref(), tls::Inside::Smpp)?;
    let name = if link.tls_name.is_empty() { &link.address.host } else { &link.tls_name };
    let name = tls::server_name(name)?;
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| anyhow::anyhow!(tls::handshake_problem(&error)))?;
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(<[_]>::first);
    Ok(first.and_then(|certificate| certificate::end(certificate)))
}

/// Whether the clock is kept right by somebody; only the system knows.
async fn of_clock() -> Finding {
    let now = Clock::system().timestamp();
    let mut program = tokio::process::Command::new("timedatectl");
    program.args(["show", "--property=NTPSynchronized", "--value"]);
    match said(&mut program).await.as_deref().map(str::trim) {
        Some("yes") => Finding::ok("clock", format!("{now}, synchronised")),
        Some("no") => Finding::warn(
            "clock",
            format!("{now}, not synchronised"),
            "run chrony or systemd-timesyncd: expiry and prices depend on the date",
        ),
        _ => Finding::warn(
            "clock",
            format!("{now}; nobody can say whether it is right"),
            "compare it yourself; expiry and prices depend on the date",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_fourth_column() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/sda1 100 40 60 40% /\n";
        assert_eq!(free_octets(text), Some(60 * 1024));
        assert_eq!(free_octets("nonsense"), None);
        assert_eq!(free_octets(&format!("h\n/ 1 1 {} 1% /", u64::MAX)), None);
    }

    #[test]
    fn a_certificate_is_judged_by_its_days() {
        let now = Clock::system().timestamp();
        let after = |hours: i64| now + jiff::SignedDuration::from_hours(hours);
        for (end, expected) in [
            (after(24 * 90), Verdict::Ok),
            (after(24 * 5), Verdict::Warn),
            (after(-1), Verdict::Fail),
        ] {
            assert!(days_left("x".into(), end).result == expected, "{end}");
        }
    }
}
