//! `[uploads]` and `[documents]`: files of others, and texts of our own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::machine::secs;
use super::range::lasting;
use super::scalar::words;
use super::walk::section;

words! {
    /// What happens to a file while the malware scanner is away.
    pub enum ScanWay {
        /// It is not taken.
        FailClosed = "fail_closed",
        /// It is kept, and nobody can open it until it was scanned.
        Pending = "pending",
    }
}

section! {
    /// Files that partners and applicants send.
    pub struct Uploads {
        /// clamd's socket, `/run/clamav/clamd.ctl` or `HOST:PORT`; empty scans nothing (S-53).
        fixed clamd: String = String::new(), |text| clamd(text);
        /// When clamd does not answer: `fail_closed` takes no file, `pending` keeps it shut.
        fixed scan: ScanWay = ScanWay::FailClosed;
        /// Time for clamd to look at one file.
        fixed scan_timeout: Duration = secs(20), lasting(secs(1), secs(120));
    }
}

section! {
    /// Texts of agreements.
    pub struct Documents {
        /// Folder with texts over the shipped ones, `nda.pl.md` and so on.
        fixed texts_folder: Option<PathBuf> = None;
    }
}

fn clamd(text: &str) -> Result<(), String> {
    let is_address = |text: &str| {
        text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
        })
    };
    if text.is_empty() || Path::new(text).is_absolute() || is_address(text) {
        Ok(())
    } else {
        Err("must be a path that starts with `/`, or HOST:PORT".into())
    }
}
