//! Sections about the machine: `[node]`, `[store]`, `[log]`, `[shutdown]`, `[clock]`, `[audit]`.

use std::path::PathBuf;
use std::time::Duration;

use super::range::{ascii, between, each, lasting, sized};
use super::scalar::words;
use super::secret::SecretFile;
use super::units::Size;
use super::walk::section;

section! {
    /// This process among its like.
    pub struct Node {
        /// Stands in logs, metrics and the audit trail.
        fixed name: String = "bramka".into(), ascii(1, 64);
        /// Part of every message id; two nodes with one id would give out the same ids.
        fixed id: u8 = 0, between(0, 62);
        /// Where data files belong; not set is the state folder that systemd gives, else this one.
        fixed data_folder: Option<PathBuf> = None;
    }
}

section! {
    /// Where everything that was promised is kept.
    pub struct Store {
        /// `sqlite:FILE` needs nothing installed; `postgres://HOST/DATABASE` when nodes share one.
        fixed url: String = "sqlite:bramka.db".into();
        /// A file holding the URL instead, because a URL with a password is a secret.
        fixed url_file: SecretFile = SecretFile::default();
        /// Connections for reading; writing has one of its own.
        fixed readers: u32 = 4, between(1, 64);
        /// A group commit closes after this many records (P3).
        fixed commit_records: u32 = 256, between(1, 10_000);
        /// A group commit closes after this long (P3): what an idle partner waits at most.
        fixed commit_wait: Duration = Duration::from_millis(5), lasting(Duration::ZERO, secs(1));
        /// Records waiting for the writer; beyond it submitters wait and then are refused.
        fixed inbox_records: u32 = 4096, between(16, 1_000_000);
        /// A commit that takes longer is treated as failed, its outcome as ambiguous (P4).
        fixed commit_timeout: Duration = secs(10), lasting(secs(1), secs(120));
        /// Less free disk than this refuses new MT (P35).
        fixed disk_soft: Size = Size::gib(1), sized(Size::mib(16), Size::gib(4096));
        /// Less free disk than this refuses MO too (P35).
        fixed disk_hard: Size = Size::mib(256), sized(Size::mib(8), Size::gib(4096));
        /// File given up when the disk is full, so that receipts and the audit trail can finish.
        fixed reserve: Size = Size::mib(64), sized(Size::mib(1), Size::gib(64));
    }
}

words! {
    /// How log lines are written.
    pub enum LogFormat {
        /// Text on a terminal, JSON everywhere else.
        Auto = "auto",
        Json = "json",
        Text = "text",
    }
}

section! {
    /// What is told to whoever reads the log.
    pub struct Log {
        /// `error`, `warn`, `info`, `debug`, `trace`, or by module: `info,bramka::smpp_server=debug`.
        live level: String = "info".into(), |text| log_level(text);
        /// `auto` is text on a terminal and JSON elsewhere.
        fixed format: LogFormat = LogFormat::Auto;
        /// Longer text fields are cut: a peer must not fill the disk through the log.
        fixed field_octets_max: Size = Size::kib(4), sized(Size(64), Size::mib(1));
    }
}

section! {
    /// How a stop goes (P38); the parts follow each other within the whole.
    pub struct Shutdown {
        /// Whole time from SIGTERM to the end; the unit's `TimeoutStopSec` must be longer.
        fixed grace: Duration = secs(45), lasting(secs(1), secs(600));
        /// Waiting for outstanding responses of SMSCs: cutting this short makes UNKNOWN messages.
        fixed links: Duration = secs(30), lasting(secs(0), secs(600));
        /// Waiting for partners to answer unbind.
        fixed sessions: Duration = secs(5), lasting(secs(0), secs(60));
        /// Waiting for HTTP requests and callbacks that have begun.
        fixed requests: Duration = secs(5), lasting(secs(0), secs(60));
    }
}

section! {
    /// What the wall clock may do before it is doubted (P37).
    pub struct ClockLimits {
        /// A larger step, forward or back, is logged and counted.
        fixed jump: Duration = secs(2), lasting(Duration::from_millis(100), secs(3600));
        /// A larger forward step pauses expiry decisions.
        fixed pause_after: Duration = secs(300), lasting(secs(1), secs(86_400));
        /// How long expiry pauses unless somebody confirms the clock before.
        fixed pause: Duration = secs(600), lasting(secs(1), secs(86_400));
    }
}

section! {
    /// The trail of who did what (S-40).
    pub struct Audit {
        /// Folder for the signed head of the chain; a copy outside the database shows tampering.
        fixed export_folder: Option<PathBuf> = None;
        /// How often the head is exported.
        fixed export_every: Duration = secs(3600), lasting(secs(60), secs(86_400));
        /// Key file for signing the head.
        fixed signing_key_file: SecretFile = SecretFile::default();
    }
}

section! {
    /// What is written about messages, not about the machine.
    pub struct Retention {
        /// Message texts are erased after this (S-45); `"0s"` erases with the final state.
        fixed text: Duration = days(7), lasting(Duration::ZERO, days(30));
        /// Messages without their text, for billing disputes (S-45).
        fixed messages: Duration = days(548), lasting(days(1), days(3660));
        /// Drafts of applications that nobody sent; never before their link ends.
        fixed drafts: Duration = days(30), lasting(days(1), days(3660));
        /// Applications that were declined or withdrawn, with their files and letters.
        fixed declined: Duration = days(365), lasting(days(1), days(3660));
        /// Fault reports that are over, with their notes, files and letters.
        fixed faults: Duration = days(1095), lasting(days(1), days(3660));
        /// Complaints that are over, with their messages, evidence, files and letters.
        fixed complaints: Duration = days(1095), lasting(days(1), days(3660));
        /// Keys by which a repeated application is known.
        fixed application_keys: Duration = days(2), lasting(days(1), days(366));
        /// Letters that were sent or failed; those of notices stay as proof (R1.17).
        fixed mails: Duration = days(548), lasting(days(1), days(3660));
        /// Sessions after their end.
        fixed sessions: Duration = days(7), lasting(Duration::ZERO, days(366));
        /// Invitations and links to new passwords after their end.
        fixed links: Duration = days(30), lasting(Duration::ZERO, days(366));
        /// UTC hours in which erasing runs; the quiet ones.
        fixed hours: Vec<u8> = vec![2, 3], each(1, 24, between(0, 23));
    }
}

/// Stricter than the filter itself, to which `loud` is a module name and `warning` one too.
fn log_level(text: &str) -> Result<(), String> {
    let is_level = |word: &str| ["error", "warn", "info", "debug", "trace", "off"].contains(&word);
    let is_module = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b))
    };
    let fits = text.split(',').map(str::trim).all(|part| match part.split_once('=') {
        Some((module, level)) => is_module(module) && is_level(level),
        None => is_level(part),
    });
    fits.then_some(()).ok_or_else(|| {
        "must be error, warn, info, debug, trace or off, or a list such as \
         \"info,bramka::smpp_server=debug\""
            .into()
    })
}

pub(crate) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}
