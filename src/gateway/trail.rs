//! Puts the head of the audit chain outside of the database, where whoever changes the chain
//! cannot reach it (S-40).
//!
//! Each export is a file of one JSON line, named by the number of the record it speaks of:
//! `seq`, `hash`, `at`, `node`, and with a key `hmac_sha256`, made over
//! `<seq>|<hash>|<at>|<node>`. Nothing is ever written twice; what surprises is that the next
//! export is also a check: a file of the same number with another hash means tampering.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use smol_str::SmolStr;

use super::Gateway;
use crate::{
    domain::secret::{Pepper, hex},
    store::AuditHead,
};

/// Where heads go, and under which name and key.
#[derive(Debug, Clone)]
pub struct TrailExport {
    pub folder: PathBuf,
    pub node: SmolStr,
    /// Makes the HMAC; without it a head is not signed.
    pub key: Option<Pepper>,
}

/// What an export came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// Nobody has changed anything yet.
    Nothing,
    Written,
    /// The newest record was exported before, and is the same.
    Known,
    /// The newest record was exported before and was another one.
    Tampered,
}

impl Gateway {
    /// Writes the head of the chain. Failures are told in the log and tried again the next time.
    pub async fn export_trail(&self, export: &TrailExport) {
        let head = match self.inner.store.audit_head().await {
            Ok(head) => head,
            Err(error) => {
                tracing::warn!(%error, "the head of the audit chain could not be read");
                return;
            }
        };
        match put(export, head.as_ref(), self.inner.clock.timestamp()) {
            Ok(Exported::Tampered) => {
                let seq = head.map(|head| head.seq);
                tracing::error!(seq, "the audit chain is not the one that was exported");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the audit chain could not be exported"),
        }
    }
}

fn put(
    export: &TrailExport,
    head: Option<&AuditHead>,
    at: jiff::Timestamp,
) -> io::Result<Exported> {
    let Some(head) = head else { return Ok(Exported::Nothing) };
    let hash = hex(&head.hash);
    let file = export.folder.join(format!("audit-{:012}.json", head.seq));
    let mut made = match std::fs::File::create_new(&file) {
        Ok(made) => made,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(if is_of(&file, &hash)? { Exported::Known } else { Exported::Tampered });
        }
        Err(error) => return Err(error),
    };
    let signature = export.key.as_ref().map(|key| {
        let text = format!("{}|{hash}|{at}|{}", head.seq, export.node);
        key.hash_hex(text.as_bytes())
    });
    let line = serde_json::json!({
        "seq": head.seq, "hash": hash, "at": at.to_string(), "node": export.node.as_str(),
        "hmac_sha256": signature,
    });
    let written = writeln!(made, "{line}").and_then(|()| made.sync_all());
    if written.is_err() {
        // Half a line would look like tampering the next time.
        drop(std::fs::remove_file(&file));
    }
    written.map(|()| Exported::Written)
}

fn is_of(file: &Path, hash: &str) -> io::Result<bool> {
    let text = std::fs::read_to_string(file)?;
    let line: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    Ok(line["hash"] == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(folder: &Path, key: Option<Pepper>) -> TrailExport {
        TrailExport { folder: folder.to_owned(), node: "north".into(), key }
    }

    fn head(seq: i64, octet: u8) -> AuditHead {
        AuditHead { seq, hash: vec![octet; 2] }
    }

    #[test]
    fn a_head_is_one_signed_line_named_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let export = export(folder.path(), Some(Pepper::new(*b"key")));
        let at: jiff::Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        assert_eq!(put(&export, Some(&head(42, 0xab)), at).unwrap(), Exported::Written);
        let text = std::fs::read_to_string(folder.path().join("audit-000000000042.json")).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["seq"], &line["hash"], &line["at"], &line["node"]),
            (&42.into(), &"abab".into(), &"2026-11-21T08:00:00Z".into(), &"north".into())
        );
        let expected = Pepper::new(*b"key").hash(b"42|abab|2026-11-21T08:00:00Z|north");
        assert_eq!(line["hmac_sha256"], hex(&expected));
    }

    #[test]
    fn a_number_is_exported_once_and_a_second_hash_for_it_is_tampering() {
        let folder = tempfile::tempdir().unwrap();
        let export = export(folder.path(), None);
        let at = jiff::Timestamp::UNIX_EPOCH;
        let outcomes =
            [None, Some(head(1, 1)), Some(head(1, 1)), Some(head(1, 2)), Some(head(2, 2))]
                .map(|head| put(&export, head.as_ref(), at).unwrap());
        assert_eq!(
            outcomes,
            [
                Exported::Nothing,
                Exported::Written,
                Exported::Known,
                Exported::Tampered,
                Exported::Written,
            ]
        );
        let text = std::fs::read_to_string(folder.path().join("audit-000000000001.json")).unwrap();
        assert!(
            text.contains("\"hash\":\"0101\"") && text.contains("\"hmac_sha256\":null"),
            "{text}"
        );
    }
}
