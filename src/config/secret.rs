//! Secrets: they come from a file, print as stars and are wiped when dropped (S-37).
//!
//! It does not seal anything at rest. The surprise: comparing two secrets is for the reload only;
//! a password that a peer sent is compared in constant time elsewhere.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

const SECRET_OCTETS_MAX: u64 = 64 * 1024;

/// A text nobody may print.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself; each caller of this is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

/// A secret by reference: the configuration names a file, the load fills in what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SecretFile {
    /// As written; relative names belong to the credentials folder, else to the file's folder.
    pub path: Option<PathBuf>,
    /// What the file holds without its last line end; empty when no file is named.
    pub secret: Secret,
}

impl SecretFile {
    /// What the file holds now; what it held at the start if it cannot be read. One small read:
    /// for what happens as rarely as a bind.
    pub fn fresh(&self) -> Secret {
        let Some(path) = &self.path else { return self.secret.clone() };
        read(path).unwrap_or_else(|why| {
            tracing::warn!(why, "a secret could not be read again; the old one is used");
            self.secret.clone()
        })
    }
}

/// Where a file named in the configuration is looked for.
///
/// systemd puts `LoadCredential=` files into a private folder and names it in
/// `$CREDENTIALS_DIRECTORY`; without systemd the configuration's own folder stands in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folders {
    pub(crate) config: PathBuf,
    pub(crate) credentials: Option<PathBuf>,
}

impl Folders {
    /// A secret: the credentials folder first, and only that one when there is one.
    pub(crate) fn secret(&self, path: &Path) -> PathBuf {
        self.credentials.as_ref().unwrap_or(&self.config).join(path)
    }

    /// Anything else: certificates may be credentials too, but usually lie beside the file.
    pub(crate) fn file(&self, path: &Path) -> PathBuf {
        let credential = self.credentials.as_ref().map(|folder| folder.join(path));
        credential.filter(|file| file.exists()).unwrap_or_else(|| self.config.join(path))
    }
}

/// Reads a secret, without the line end that every editor adds.
pub(crate) fn read(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let meta = std::fs::metadata(path)
        .map_err(|error| format!("cannot read `{shown}`: {}", why(&error)))?;
    if !meta.is_file() {
        return Err(format!("`{shown}` is not a file"));
    }
    if meta.len() > SECRET_OCTETS_MAX {
        return Err(format!("`{shown}` has {} octets; a secret has at most 65536", meta.len()));
    }
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("cannot read `{shown}`: {}", why(&error)))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("`{shown}` is empty; it must hold the secret on one line"));
    }
    Ok(Secret::new(text))
}

/// An I/O error without the "(os error 2)" that tells an operator nothing.
pub(crate) fn why(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars_however_it_is_printed() {
        let file =
            SecretFile { path: Some("smsc.password".into()), secret: Secret::new("hunter2") };
        let printed = format!("{file:?} {file:#?} {} {:?}", file.secret, file.secret);
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("****"));
        assert_eq!(file.secret.reveal(), "hunter2");
    }

    #[test]
    fn a_relative_secret_belongs_to_the_credentials_folder_when_there_is_one() {
        let mut folders = Folders { config: "/etc/bramka".into(), credentials: None };
        assert_eq!(folders.secret(Path::new("a")), Path::new("/etc/bramka/a"));
        folders.credentials = Some("/run/credentials/bramka.service".into());
        assert_eq!(folders.secret(Path::new("a")), Path::new("/run/credentials/bramka.service/a"));
        assert_eq!(folders.secret(Path::new("/srv/a")), Path::new("/srv/a"));
    }
}
