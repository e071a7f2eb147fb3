//! Everything of one demo on disk: configuration, passwords, database, journals, logs.
//!
//! A temporary folder goes with the demo unless something was lost; a named one stays and may be
//! used again. What surprises: journals are begun anew each time, because the partner's
//! application has forgotten what it answered in an earlier run.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::domain::secret::{Pepper, hex};

/// How a temporary folder's name begins; a second terminal finds it by that.
const PREFIX: &str = "bramka-demo-";
/// The link's group, and what the gateway is called at the SMSC.
pub(super) const GROUP: &str = "main";
pub(super) const SYSTEM_ID: &str = "bramka";
/// Carries the tariff to the SMSC.
pub(super) const TARIFF_TAG: u16 = 0x1401;

/// What stands in the demo's agreements; every value of it is made up.
pub const AGREEMENTS: &str = r#"[partnership]
return_address = ["Operator Przykładowy S.A.", "Dział Partnerów", "ul. Przykładowa 12", "00-916 Warszawa"]

[operator]
street = "ul. Przykładowa 12"
postal_code = "00-916"
city = "Warszawa"
nip = "5252445767"
regon = "123456785"
krs = "0000000001"
represented_by_pl = "Łucję Żółkiewską, prokurentkę"
represented_by_en = "Łucja Żółkiewska, proxy"
mail = "partnerzy@operator.example"
fault_mail = "premium@operator.example"
fault_phone = "+48 600 000 000"
complaints_mail = "reklamacje@operator.example"
privacy_mail = "iod@operator.example"

[contract]
confidence_years = 5
confidence_penalty = 50_000
complaint_days = 30
escalation_days = 5
statement_day = 15
payment_days = 30
least_payout = 100
termination_months = 3
share_special_sms_mms = 50
share_special_wap = 50
share_special_number = 50
breach_hours = 24
erase_days = 30
"#;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

/// What must not be guessed. Made once for a folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Secrets {
    pub(super) pepper: String,
    /// Of the gateway at the SMSC.
    pub(super) smsc: String,
    pub(super) partner: String,
    pub(super) guest: String,
    /// The guest's API key.
    pub(super) key: String,
}

/// Where everybody listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) gateway: SocketAddr,
    pub(super) smsc: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Folder {
    pub(super) fn open(named: Option<&Path>) -> anyhow::Result<Self> {
        let mut maker = fs::DirBuilder::new();
        maker.mode(0o700);
        let (path, is_temporary) = if let Some(path) = named {
            let made = maker.recursive(true).create(path);
            made.with_context(|| format!("making {}", path.display()))?;
            (path.canonicalize().context("finding the folder")?, false)
        } else {
            let path = std::env::temp_dir().join(format!("{PREFIX}{}", random(4)?));
            maker.create(&path).with_context(|| format!("making {}", path.display()))?;
            (path, true)
        };
        let folder = Self { path, is_temporary };
        for journal in [folder.smsc_journal(), folder.partner_journal()] {
            if let Err(error) = fs::remove_file(&journal)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(error).context("beginning the journals anew");
            }
        }
        Ok(folder)
    }

    /// The folders in which a demo may be running.
    pub(super) fn candidates() -> Vec<PathBuf> {
        let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
        ours.take(1000).map(|entry| entry.path()).collect()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.file("bramka.toml")
    }

    pub(super) fn smsc_journal(&self) -> PathBuf {
        self.file("smsc.jsonl")
    }

    pub(super) fn partner_journal(&self) -> PathBuf {
        self.file("partner.jsonl")
    }

    /// The end of a log, for whoever must be told why it does not work.
    pub(super) fn last_words(&self, log: &str) -> String {
        let text = fs::read_to_string(self.file(log)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    pub(super) const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// From now on it outlives the demo.
    pub(super) fn keep(&mut self) {
        self.is_temporary = false;
    }

    /// Those of an earlier demo in this folder, or new ones.
    pub(super) fn secrets(&self) -> anyhow::Result<Secrets> {
        let path = self.file("secrets.json");
        if let Ok(text) = fs::read(&path) {
            return serde_json::from_slice(&text).context("reading secrets.json");
        }
        let pepper = random(32)?;
        let key = Pepper::new(pepper.as_bytes()).mint();
        let key = key.map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        let secrets = Secrets {
            pepper,
            // A password in a bind has 8 characters at most. [34 s5.2.2]
            smsc: random(4)?,
            partner: random(4)?,
            guest: random(4)?,
            key: key.shown.to_string(),
        };
        self.write("secrets.json", &serde_json::to_string(&secrets)?)?;
        Ok(secrets)
    }

    /// Writes the gateway's configuration and what it names.
    pub(super) fn configure(&self, ports: &Ports, secrets: &Secrets) -> anyhow::Result<()> {
        self.write("pepper", &secrets.pepper)?;
        self.write("smsc.password", &secrets.smsc)?;
        let folder = self.path.to_str().context("the folder's name is not UTF-8")?;
        let text = format!(
            "# Made by `bramka demo`; made anew at each of its starts.\n\
             [node]\nname = \"demo\"\ndata_folder = {folder:?}\n\n\
             [store]\ndisk_soft = \"64MiB\"\ndisk_hard = \"32MiB\"\nreserve = \"1MiB\"\n\n\
             [smpp_server]\nlisten = [\"{}\"]\npepper_file = \"pepper\"\n\n\
             [http]\nlisten = [\"{}\"]\nadmin_listen = [\"{}\"]\n\n\
             # Letters are kept in memory and shown in the log of the gateway.\n\
             [mail]\nsink = true\n[portal]\naddress = \"http://{}\"\n\
             legal_name = \"Operator Przykładowy S.A.\"\nbrand_name = \"Przykład Mobile\"\n\n\
             {AGREEMENTS}\n\
             # What a killed gateway had claimed and never sent is given up soon, not in days.\n\
             [messages]\nunknown_ttl = \"10s\"\n\n\
             [[smsc_link]]\nname = \"{GROUP}\"\naddress = \"{}\"\nsystem_id = \"{SYSTEM_ID}\"\n\
             password_file = \"smsc.password\"\nwindow = 50\nreconnect_min = \"100ms\"\n\
             reconnect_max = \"1s\"\ntariff_way = \"tlv\"\ntariff_tlv_tag = {TARIFF_TAG}\n",
            ports.gateway, ports.http, ports.admin, ports.http, ports.smsc,
        );
        self.write("bramka.toml", &text)
    }

    /// Nobody else on this machine may read it.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.file(name);
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // A folder that stays behind in /tmp does no harm.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

impl Ports {
    /// The usual ports where they are free, others where not.
    pub(super) fn pick() -> anyhow::Result<Self> {
        // Held until all are picked, so that no two are the same.
        let held: Vec<std::net::TcpListener> =
            [2775, 2776, 8080, 9464].into_iter().map(listen).collect::<Result<_, _>>()?;
        let address = |place: usize| held[place].local_addr();
        Ok(Self { gateway: address(0)?, smsc: address(1)?, http: address(2)?, admin: address(3)? })
    }
}

fn listen(preferred: u16) -> anyhow::Result<std::net::TcpListener> {
    std::net::TcpListener::bind(("127.0.0.1", preferred))
        .or_else(|_| std::net::TcpListener::bind(("127.0.0.1", 0)))
        .context("finding a free port")
}

/// Hexadecimal digits, two for each octet.
fn random(octets: usize) -> anyhow::Result<String> {
    let mut buffer = vec![0; octets];
    getrandom::fill(&mut buffer).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(hex(&buffer))
}
