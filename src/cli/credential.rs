//! `credential` and `key`: the secrets of partners. Each is shown once or read from a file, and
//! kept only as a hash under the pepper (S-30, S-31, S-12).
//!
//! What surprises: a password never stands on the command line, where `ps` would show it.

use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Failure,
    args::{CredentialAdd, CredentialCommand, KeyCommand},
    changes,
    desk::{Desk, partner_named},
    failure::Outcome,
};
use crate::{
    config::Limits,
    control::view::moment,
    domain::{
        Mode,
        secret::{self, Pepper},
    },
    store::{NewApiKey, NewCredential, Store},
};

/// The password field of a bind has nine octets with its NUL. [34 s4.1.1]
pub(crate) const PASSWORD_OCTETS_MAX: usize = 8;
const SYSTEM_ID_OCTETS_MAX: usize = 15;
const DAY_US: i64 = 86_400_000_000;

pub(crate) async fn credential(desk: &mut Desk<'_>, command: CredentialCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        CredentialCommand::Add(wish) => add(desk, &store, wish).await,
        CredentialCommand::Rotate { system_id, password_file } => {
            rotate(desk, &store, &system_id, password_file.as_deref()).await
        }
        CredentialCommand::Set(wish) => changes::rights(desk, &store, wish).await,
        CredentialCommand::List { partner } => list(desk, &store, partner.as_deref()).await,
    };
    store.close().await;
    done
}

/// A password and how it came here: what was read is not shown again.
pub(crate) struct Password {
    pub(crate) text: Zeroizing<String>,
    pub(crate) is_generated: bool,
}

impl Password {
    /// Read from a file or standard input (`-`), or made.
    pub(crate) fn obtain(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = file else {
            let text = random_text(PASSWORD_OCTETS_MAX)?;
            return Ok(Self { text, is_generated: true });
        };
        let read = if file == Path::new("-") {
            first_line(std::io::stdin().lock())
        } else {
            std::fs::File::open(file).and_then(first_line)
        };
        let text = read.map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
        let fits = (1..=PASSWORD_OCTETS_MAX).contains(&text.len())
            && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        if !fits {
            return Err(Failure::usage(format!(
                "the password in `{}` must be 1 to {PASSWORD_OCTETS_MAX} printable ASCII characters",
                file.display()
            )));
        }
        Ok(Self { text, is_generated: false })
    }

    /// The password for the answer; null when its owner knows it already.
    pub(crate) fn shown(&self) -> Value {
        if self.is_generated { self.text.as_str().into() } else { Value::Null }
    }
}

fn first_line(source: impl std::io::Read) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read as _;
    let mut text = Zeroizing::new(String::new());
    source.take(4096).read_to_string(&mut text)?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Letters and digits, each as likely as any other.
pub(crate) fn random_text(length: usize) -> Result<Zeroizing<String>, Failure> {
    secret::random_text(length).map_err(|error| Failure::failed(format!("no randomness: {error}")))
}

pub(crate) fn check_system_id(system_id: &str) -> Result<(), Failure> {
    let fits = (1..=SYSTEM_ID_OCTETS_MAX).contains(&system_id.len())
        && system_id.bytes().all(|b| (0x21..0x7f).contains(&b));
    if fits {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{system_id}` is no system_id: 1 to {SYSTEM_ID_OCTETS_MAX} printable ASCII characters"
    )))
}

pub(crate) fn new_credential(
    wish: &CredentialAdd,
    password: &Password,
    pepper: &Pepper,
    limits: &Limits,
) -> Result<NewCredential, Failure> {
    check_system_id(&wish.system_id)?;
    if let Some(sender) = &wish.default_sender {
        crate::domain::Sender::parse(sender)
            .map_err(|error| Failure::usage(format!("--default-sender: {error}")))?;
    }
    Ok(NewCredential {
        partner: wish.partner.clone(),
        system_id: wish.system_id.clone(),
        secret: pepper.hash_hex(password.text.as_bytes()),
        addresses: wish.addresses.iter().map(ToString::to_string).collect(),
        tls_only: wish.tls_only,
        binds_max: wish.binds_max.unwrap_or(limits.partner_binds),
        window: wish.window,
        default_sender: wish.default_sender.clone(),
        mode: Mode::Live,
    })
}

async fn add(desk: &mut Desk<'_>, store: &Store, wish: CredentialAdd) -> Outcome {
    let password = Password::obtain(wish.password_file.as_deref())?;
    let new = new_credential(&wish, &password, &desk.pepper(), &desk.config.limits)?;
    desk.remark_on_pepper();
    store.add_credential(&desk.by(), desk.now(), &new).await?;
    desk.tell_daemon().await;
    let what = format!("is added: {} sessions of each kind, window {}", new.binds_max, new.window);
    let more = json!({ "binds_max": new.binds_max, "window": new.window });
    tell_password(desk, &wish.system_id, &password, (&what, more));
    Ok(())
}

async fn rotate(
    desk: &mut Desk<'_>,
    store: &Store,
    system_id: &str,
    file: Option<&Path>,
) -> Outcome {
    let known = store.load_catalog().await?;
    if known.credential(system_id).is_none() {
        return Err(Failure::not_found(format!("no system_id `{system_id}`")));
    }
    let password = Password::obtain(file)?;
    let secret = desk.pepper().hash_hex(password.text.as_bytes());
    store.rotate_credential(&desk.by(), desk.now(), system_id, &secret).await?;
    desk.tell_daemon().await;
    tell_password(
        desk,
        system_id,
        &password,
        ("has a new password; the old one works until the next rotation", json!({})),
    );
    Ok(())
}

fn tell_password(
    desk: &mut Desk<'_>,
    system_id: &str,
    password: &Password,
    (what, mut value): (&str, Value),
) {
    value["system_id"] = system_id.into();
    value["password"] = password.shown();
    let mut text = format!("system_id {system_id} {what}");
    if password.is_generated {
        text = format!("{text}\npassword: {}\nIt is not shown again.", password.text.as_str());
    }
    desk.out.show(&value, &text);
}

async fn list(desk: &mut Desk<'_>, store: &Store, partner: Option<&str>) -> Outcome {
    if let Some(name) = partner {
        partner_named(&store.load_catalog().await?, name)?;
    }
    let lines = store.credentials().await?;
    let rows: Vec<Value> = lines
        .iter()
        .filter(|line| partner.is_none_or(|name| name == line.partner))
        .map(|line| {
            json!({
                "system_id": line.system_id,
                "partner": line.partner,
                "active": line.is_active != 0,
                "addresses": line.addresses.split(',').filter(|word| !word.is_empty())
                    .collect::<Vec<_>>(),
                "tls_only": line.tls_only != 0,
                "binds_max": line.binds_max,
                "window": line.send_window,
                "default_sender": line.default_sender,
                "rotating": line.is_rotating != 0,
                "made_at": moment(line.made_at),
            })
        })
        .collect();
    let columns = [
        "system_id",
        "partner",
        "active",
        "addresses",
        "tls_only",
        "binds_max",
        "window",
        "rotating",
    ];
    desk.out.rows(&rows, &columns);
    Ok(())
}

pub(crate) async fn key(desk: &mut Desk<'_>, command: KeyCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        KeyCommand::Add { partner, days } => add_key(desk, &store, &partner, days).await,
        KeyCommand::List { partner } => list_keys(desk, &store, partner.as_deref()).await,
        KeyCommand::Revoke { prefix } => revoke(desk, &store, &prefix).await,
    };
    store.close().await;
    done
}

async fn add_key(desk: &mut Desk<'_>, store: &Store, partner: &str, days: u32) -> Outcome {
    let key = desk.pepper().mint();
    let key = key.map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
    let expires_at = if days == 0 { 0 } else { desk.now() + i64::from(days) * DAY_US };
    let new = NewApiKey {
        partner: partner.to_owned(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at,
        mode: Mode::Live,
    };
    desk.remark_on_pepper();
    store.add_api_key(&desk.by(), desk.now(), &new).await?;
    desk.tell_daemon().await;
    let key = key.shown;
    let value = json!({
        "prefix": new.prefix, "partner": partner, "key": key.as_str(),
        "expires_at": moment(expires_at),
    });
    let text = format!("key of {partner}: {}\nIt is not shown again.", key.as_str());
    desk.out.show(&value, &text);
    Ok(())
}

async fn list_keys(desk: &mut Desk<'_>, store: &Store, partner: Option<&str>) -> Outcome {
    if let Some(name) = partner {
        partner_named(&store.load_catalog().await?, name)?;
    }
    let now = desk.now();
    let lines = store.api_keys().await?;
    let rows: Vec<Value> = lines
        .iter()
        .filter(|line| partner.is_none_or(|name| name == line.partner))
        .map(|line| {
            json!({
                "prefix": line.prefix,
                "partner": line.partner,
                "expires_at": moment(line.expires_at),
                "expired": line.expires_at != 0 && line.expires_at <= now,
                "made_at": moment(line.made_at),
            })
        })
        .collect();
    desk.out.rows(&rows, &["prefix", "partner", "expires_at", "expired", "made_at"]);
    Ok(())
}

async fn revoke(desk: &mut Desk<'_>, store: &Store, prefix: &str) -> Outcome {
    if !store.revoke_api_key(&desk.by(), desk.now(), prefix).await? {
        return Err(Failure::not_found(format!("no key is called `{prefix}`")));
    }
    desk.tell_daemon().await;
    desk.out.show(&json!({ "prefix": prefix }), &format!("key {prefix} is revoked"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_have_their_length_and_differ() {
        let texts: Vec<String> = (0..50).map(|_| random_text(43).unwrap().to_string()).collect();
        let distinct: std::collections::HashSet<&String> = texts.iter().collect();
        assert_eq!(distinct.len(), 50);
        assert!(texts.iter().all(|text| text.len() == 43));
        assert!(texts.concat().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line(&b"secret\r\nmore\n"[..]).unwrap().as_str(), "secret");
        assert_eq!(first_line(&b""[..]).unwrap().as_str(), "");
    }
}
