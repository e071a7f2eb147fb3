//! Files that belong to applications and agreements: taken in, given out, never changed.
//!
//! A file is checked, scanned, sealed and only then written. What surprises: giving one out is a
//! write too, because who looked at a signed agreement stands in the audit trail (S-40).

use sha2::{Digest as _, Sha256};

use super::{
    Error, Partnership,
    agree_steps::wrong,
    clamd::{ScanFault, Verdict},
};
use crate::{
    documents::{UploadFault, upload},
    domain::{Caller, PartnerId, Refusal, Right, seal::BrokenSeal, secret::hex},
    store::{self, Constraint, FileLine, NewFile},
};

/// Scanned in one go.
const SCANNED_AT_ONCE: i64 = 20;

/// Why a file is not taken or not given.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    #[error(transparent)]
    Refused(#[from] UploadFault),
    #[error("together the files would be more than 50 MiB")]
    NoRoom,
    #[error("the malware scanner found {0}")]
    Infected(String),
    #[error(transparent)]
    NoScan(#[from] ScanFault),
    /// Also for a file of somebody else.
    #[error("there is no such file")]
    Unknown,
    #[error("the file was not scanned yet; try again in a few minutes")]
    NotYetScanned,
    #[error(transparent)]
    Broken(#[from] BrokenSeal),
    #[error("no randomness: {0}")]
    NoRandomness(#[from] getrandom::Error),
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for FileFault {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict(Constraint::FileRoom) => Self::NoRoom,
            error => Self::Store(error),
        }
    }
}

/// What a verb answers where a file is a field among others.
impl From<FileFault> for Error {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Unknown => Refusal::UnknownId("file").into(),
            FileFault::Store(error) => error.into(),
            FileFault::Broken(why) => why.into(),
            FileFault::NoRandomness(why) => why.into(),
            other => wrong("file", &other.to_string()),
        }
    }
}

/// A file to be given out, only ever as an attachment with `nosniff` (S-52).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFile {
    pub line: FileLine,
    pub octets: Vec<u8>,
}

impl Partnership {
    /// Takes a file in. The right of the caller to `subject` is the calling verb's to check.
    pub async fn keep_file(
        &self,
        by: &Caller,
        subject: &str,
        partner: Option<PartnerId>,
        name: &str,
        octets: &[u8],
    ) -> Result<FileLine, FileFault> {
        let (new, _) = self.sealed_upload(subject, partner, name, octets).await?;
        let at = self.now();
        self.store.put_file(by, at, &new).await?;
        Ok(line(&new, by, at))
    }

    /// Checks, scans and seals an upload without writing it, for a verb that writes more in the
    /// same transaction. Also tells whether there is a signature inside, verified by nobody.
    pub async fn sealed_upload(
        &self,
        subject: &str,
        partner: Option<PartnerId>,
        name: &str,
        octets: &[u8],
    ) -> Result<(NewFile, bool), FileFault> {
        let upload = upload::check(name, octets)?;
        let scan = match self.scanner.look(octets).await? {
            Verdict::Clean => "clean",
            Verdict::Later => "pending",
            Verdict::Infected(name) => return Err(FileFault::Infected(name)),
        };
        let media_type = upload.media_type.as_str();
        let new = self.sealed(subject, partner, &upload.name, media_type, octets)?;
        Ok((NewFile { scan, ..new }, upload.has_signature))
    }

    /// Seals a document that the gateway made itself.
    pub fn sealed_document(
        &self,
        subject: &str,
        partner: Option<PartnerId>,
        name: &str,
        pdf: &[u8],
    ) -> Result<NewFile, FileFault> {
        self.sealed(subject, partner, &upload::clean_name(name), "application/pdf", pdf)
    }

    /// The same for what is no PDF.
    pub(super) fn sealed_data(
        &self,
        subject: &str,
        partner: Option<PartnerId>,
        name: &str,
        (media_type, octets): (&'static str, &[u8]),
    ) -> Result<NewFile, FileFault> {
        self.sealed(subject, partner, &upload::clean_name(name), media_type, octets)
    }

    fn sealed(
        &self,
        subject: &str,
        partner: Option<PartnerId>,
        name: &str,
        media_type: &'static str,
        octets: &[u8],
    ) -> Result<NewFile, FileFault> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let id = hex(&random);
        let sealed = self.seal.seal(&place(&id), octets)?;
        Ok(NewFile {
            subject: subject.to_owned(),
            partner,
            name: name.to_owned(),
            media_type,
            octets: i64::try_from(octets.len()).unwrap_or(i64::MAX),
            sha256: hex(&Sha256::digest(octets)),
            sealed,
            scan: "clean",
            id,
        })
    }

    /// Gives a file out and notes who took it.
    pub async fn open_file(&self, by: &Caller, id: &str) -> Result<OpenFile, FileFault> {
        let line = self.store.file(id).await?.filter(|line| may_see(by, line));
        let line = line.ok_or(FileFault::Unknown)?;
        self.give_out(by, &line).await
    }

    /// What a person needs to open a file: what its subject needs. One that the caller cannot
    /// reach is unknown.
    pub async fn right_to_file(&self, by: &Caller, id: &str) -> Result<Right, FileFault> {
        let line = self.store.file(id).await?.filter(|line| may_see(by, line));
        let line = line.ok_or(FileFault::Unknown)?;
        Ok(match line.subject.split(':').next() {
            Some("agreement") => Right::SeeAgreements,
            // A complaint's own papers name the subscriber (S-44); what its partner gave does not.
            Some("complaint") if line.partner_id.is_none() => Right::SeeFullNumbers,
            Some("fault" | "complaint") => Right::SeeTickets,
            Some("order") => Right::SeeOrders,
            Some("specification") => Right::SeeSpecifications,
            _ => Right::SeeApplications,
        })
    }

    /// The same for a verb that has checked the right of the caller to it.
    pub(super) async fn give_out(
        &self,
        by: &Caller,
        line: &FileLine,
    ) -> Result<OpenFile, FileFault> {
        let id = line.id.as_str();
        match line.scan.as_str() {
            "clean" => {}
            "pending" => return Err(FileFault::NotYetScanned),
            _ => return Err(FileFault::Unknown),
        }
        let found = self.store.open_file(by, self.now(), id).await?;
        let found = found.ok_or(FileFault::Unknown)?;
        let octets = self.seal.open(&place(id), &found.sealed)?;
        Ok(OpenFile { line: found.line, octets })
    }

    /// Scans files that were taken while the scanner was away; gives back how many were. Called
    /// by a worker every few minutes, and does nothing while the scanner stays away.
    pub async fn scan_waiting_files(&self) -> Result<usize, FileFault> {
        let mut count = 0;
        for file in self.store.files_to_scan(SCANNED_AT_ONCE).await? {
            let octets = self.seal.open(&place(&file.line.id), &file.sealed)?;
            let is_clean = match self.scanner.ask(&octets).await? {
                Verdict::Clean => true,
                Verdict::Infected(name) => {
                    tracing::warn!(file = %file.line.id, %name, "the scanner refused a file");
                    false
                }
                Verdict::Later => continue,
            };
            self.store.note_scan(&Caller::Gateway, self.now(), &file.line, is_clean).await?;
            count += 1;
        }
        Ok(count)
    }
}

/// What a file is sealed for.
fn place(id: &str) -> String {
    format!("file:{id}")
}

/// The operator's people see every file, a partner's people its own, an applicant those of the
/// application.
fn may_see(by: &Caller, line: &FileLine) -> bool {
    match by {
        Caller::Operator { .. } | Caller::Gateway | Caller::User { partner: None, .. } => true,
        Caller::Applicant { application } => line.subject == format!("application:{application}"),
        Caller::User { .. } | Caller::Session { .. } | Caller::ApiKey { .. } => {
            line.partner_id.is_some() && by.partner().map(|partner| partner.0) == line.partner_id
        }
    }
}

fn line(new: &NewFile, by: &Caller, at: i64) -> FileLine {
    FileLine {
        id: new.id.clone(),
        subject: new.subject.clone(),
        partner_id: new.partner.map(|partner| partner.0),
        name: new.name.clone(),
        media_type: new.media_type.to_owned(),
        octets: new.octets,
        sha256: new.sha256.clone(),
        scan: new.scan.to_owned(),
        made_by: by.to_string(),
        made_at: at,
    }
}
