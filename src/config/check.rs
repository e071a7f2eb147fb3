//! What no single key can tell: missing keys, files, secrets, addresses, and keys that contradict.
//!
//! It opens the files that hold secrets and certificates, and nothing else. The surprise: a path
//! leads back to its line through the origins, so a contradiction is reported where it was written.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::mail::Mail;
use super::mistake::Mistake;
use super::secret::{self, SecretFile, why};
use super::smsc_link::{LinkTlv, SmscLink, TlvType};
use super::{ClientNames, Config, SmppServer, status};

/// The name of the link inside the process that plays the operator for tests.
const TAKEN_NAME: &str = "sandbox";

/// Keys that no environment variable may set.
pub(crate) const SECRET_KEYS: [&str; 4] =
    ["url_file", "password_file", "pepper_file", "signing_key_file"];

pub(crate) fn check(config: &mut Config) -> Vec<Mistake> {
    let mut found = Found { config: &*config, mistakes: Vec::new() };
    found.listeners();
    found.store();
    found.times();
    found.vendor_tags();
    for (index, link) in config.smsc_link.iter().enumerate() {
        found.link(&format!("smsc_link[{index}]"), link);
    }
    found.mail();
    let mut mistakes = found.mistakes;
    mistakes.extend(read_secrets(config));
    mistakes
}

struct Found<'a> {
    config: &'a Config,
    mistakes: Vec<Mistake>,
}

impl Found<'_> {
    fn say(&mut self, path: &str, value: Option<String>, text: impl Into<String>) {
        self.mistakes.push(located(self.config, path, value, text.into()));
    }

    fn listeners(&mut self) {
        let Config { settings, .. } = self.config;
        let (smpp, http) = (&settings.smpp_server, &settings.http);
        let is_allowed = !smpp.plain_from.is_empty() || smpp.insecure_plain_listen;
        if let Some(open) = smpp.listen.iter().find(|a| !a.ip().is_loopback() && !is_allowed) {
            self.say(
                "smpp_server.listen",
                Some(format!("\"{open}\"")),
                "would take passwords in \
                the clear: use `listen_tls`, or name the networks in `plain_from`, or set \
                `insecure_plain_listen = true`",
            );
        }
        let is_allowed = !http.trusted_proxies.is_empty() || http.insecure_plain_listen;
        if let Some(open) = http.listen.iter().find(|a| !a.ip().is_loopback() && !is_allowed) {
            self.say(
                "http.listen",
                Some(format!("\"{open}\"")),
                "would take passwords in the \
                clear: use `listen_tls`, or name your proxies in `trusted_proxies`, or set \
                `insecure_plain_listen = true`",
            );
        }
        let open = http.admin_listen.iter().find(|a| !a.ip().is_loopback());
        if let Some(open) = open.filter(|_| !http.insecure_admin_listen) {
            self.say(
                "http.admin_listen",
                Some(format!("\"{open}\"")),
                "has no log-in: use an \
                address of this machine, or set `insecure_admin_listen = true`",
            );
        }
        // The default door with TLS waits for a certificate; whoever chose one wants it open.
        let is_chosen = smpp.listen_tls != SmppServer::default().listen_tls;
        let named: &[SocketAddr] = if is_chosen { &smpp.listen_tls } else { &[] };
        self.tls("smpp_server", named, [&smpp.certificate_file, &smpp.key_file]);
        self.tls("http", &http.listen_tls, [&http.certificate_file, &http.key_file]);
        for (path, file) in [
            ("smpp_server.client_ca_file", &smpp.client_ca_file),
            ("callback.ca_file", &settings.callback.ca_file),
        ] {
            self.readable(path, file.as_deref());
        }
        if smpp.client_names == ClientNames::SystemId && smpp.client_ca_file.is_none() {
            let why = "compares certificates that nobody has to show: set `client_ca_file`";
            self.say("smpp_server.client_names", Some("\"system_id\"".into()), why);
        }
        self.ports_differ();
    }

    fn tls(
        &mut self,
        section: &str,
        listen: &[SocketAddr],
        [certificate, key]: [&Option<std::path::PathBuf>; 2],
    ) {
        for (name, file) in [("certificate_file", certificate), ("key_file", key)] {
            let path = format!("{section}.{name}");
            match file {
                None if !listen.is_empty() => {
                    self.say(&path, None, "missing; `listen_tls` needs it");
                }
                file => self.readable(&path, file.as_deref()),
            }
        }
    }

    fn ports_differ(&mut self) {
        let Config { settings, .. } = self.config;
        let mut taken: BTreeMap<SocketAddr, &str> = BTreeMap::new();
        for (path, list) in [
            ("smpp_server.listen", &settings.smpp_server.listen[..]),
            ("smpp_server.listen_tls", settings.smpp_server.tls_addresses()),
            ("http.listen", &settings.http.listen),
            ("http.listen_tls", &settings.http.listen_tls),
            ("http.admin_listen", &settings.http.admin_listen),
        ] {
            // Port 0 is "any free one", which never collides.
            for address in list.iter().filter(|address| address.port() != 0) {
                let same = taken.iter().find(|(other, _)| {
                    other.port() == address.port()
                        && (other.ip() == address.ip()
                            || other.ip().is_unspecified()
                            || address.ip().is_unspecified())
                });
                if let Some((_, other)) = same {
                    let text = format!("is taken by `{other}` already");
                    self.mistakes.push(located(
                        self.config,
                        path,
                        Some(format!("\"{address}\"")),
                        text,
                    ));
                } else {
                    taken.insert(*address, path);
                }
            }
        }
    }

    fn store(&mut self) {
        let store = &self.config.settings.store;
        if store.url_file.path.is_none() {
            if let Err(text) = store_url(&store.url) {
                // Without its value: what is wrong may be that there is a password in it.
                self.say("store.url", None, text);
            }
        } else if self.config.origin("store.url").is_some() {
            self.say("store.url", None, "and `url_file` are both set; keep one");
        }
        if store.disk_hard >= store.disk_soft {
            let value = format!("{:?}", store.disk_hard);
            self.say("store.disk_hard", Some(value), "must be less than `disk_soft`");
        }
    }

    fn times(&mut self) {
        let Config { settings, .. } = self.config;
        let messages = &settings.messages;
        for (key, validity) in [
            ("validity_uncharged", messages.validity_uncharged),
            ("validity_charged", messages.validity_charged),
        ] {
            if validity > messages.validity_max {
                let path = format!("messages.{key}");
                self.say(&path, None, "must not be longer than `validity_max`");
            }
        }
        let shutdown = &settings.shutdown;
        for (key, part) in [("links", shutdown.links), ("sessions", shutdown.sessions)] {
            if part > shutdown.grace {
                self.say(&format!("shutdown.{key}"), None, "must not be longer than `grace`");
            }
        }
        let smpp = &settings.smpp_server;
        if smpp.pdu_octets_max_unbound > smpp.pdu_octets_max {
            let path = "smpp_server.pdu_octets_max_unbound";
            self.say(path, None, "must not be more than `pdu_octets_max`");
        }
    }

    fn vendor_tags(&mut self) {
        let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
        for (key, tag) in self.config.settings.smpp_server.vendor_tlv.all() {
            let path = format!("smpp_server.vendor_tlv.{key}");
            if !(0x1400..=0x3fff).contains(&tag.0) {
                self.say(&path, None, "must be in the vendor range, 0x1400 to 0x3FFF");
            }
            if let Some(other) = taken.insert(tag.0, key) {
                self.say(&path, None, format!("has the tag of `{other}`"));
            }
        }
    }

    fn mail(&mut self) {
        let mail = &self.config.settings.mail;
        if mail.server.is_empty() && !mail.sink {
            return;
        }
        if !mail.server.is_empty() && mail.sink {
            self.say("mail.sink", None, "and `server` are both set; keep one");
        }
        for (key, address) in [("from", &mail.from), ("reply_to", &mail.reply_to)] {
            let is_needed = key == "from" && !mail.server.is_empty();
            if !address.is_empty() && !Mail::is_address(address) {
                let text = "must be an address such as \"portal@operator.example\"";
                self.say(&format!("mail.{key}"), Some(format!("\"{address}\"")), text);
            } else if address.is_empty() && is_needed {
                self.say(&format!("mail.{key}"), None, "missing; `server` needs it");
            }
        }
        if !mail.server.is_empty() && self.config.settings.portal.address.is_empty() {
            self.say("portal.address", None, "missing; links in letters need it");
        }
        if mail.user.is_empty() != mail.password_file.path.is_none() {
            self.say("mail.user", None, "and `password_file` must both be set or both not");
        }
        if mail.retry_min > mail.retry_max {
            self.say("mail.retry_min", None, "must not be longer than `retry_max`");
        }
        self.readable("mail.ca_file", mail.ca_file.as_deref());
    }

    fn link(&mut self, path: &str, link: &SmscLink) {
        for (key, is_missing) in [
            ("name", link.name.is_empty()),
            ("address", link.address.host.is_empty()),
            ("system_id", link.system_id.is_empty()),
            ("password_file", link.password_file.path.is_none()),
        ] {
            let path = format!("{path}.{key}");
            if is_missing && !self.is_noted_at(&path) {
                self.say(&path, None, "missing; it has no default");
            }
        }
        if [link.group(), &*link.name].contains(&TAKEN_NAME) {
            let text = "is the name of the link that plays the operator for tests; choose another";
            self.say(&format!("{path}.name"), None, text);
        }
        if link.reconnect_min > link.reconnect_max {
            let path = format!("{path}.reconnect_min");
            self.say(&path, None, "must not be longer than `reconnect_max`");
        }
        for (key, words) in [
            ("safe_status", &link.safe_status),
            ("retry_uncharged", &link.retry_uncharged),
            ("permanent_status", &link.permanent_status),
        ] {
            for word in words.iter().filter(|word| link.status_code(word).is_none()) {
                self.say(&format!("{path}.{key}"), None, status::suggestion(word));
            }
        }
        let is_safe = |word: &&String| link.safe_status.contains(word);
        if let Some(word) = link.permanent_status.iter().find(is_safe) {
            let text = format!("`{word}` is in `safe_status` too; keep one");
            self.say(&format!("{path}.permanent_status"), None, text);
        }
        self.readable(&format!("{path}.tls_ca_file"), link.tls_ca_file.as_deref());
        for (name, tlv) in &link.tlvs {
            self.tlv(&format!("{path}.tlvs.{name}"), tlv);
        }
    }

    fn tlv(&mut self, path: &str, tlv: &LinkTlv) {
        if tlv.tag.is_none() {
            self.say(&format!("{path}.tag"), None, "missing; it has no default");
        }
        let fits = |most: u32| tlv.default.parse().is_ok_and(|value: u32| value <= most);
        let hex = |text: &str| {
            text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
        };
        let wrong = match tlv.r#type {
            TlvType::Int1 => (!fits(0xff)).then_some("must be a number up to 255"),
            TlvType::Int2 => (!fits(0xffff)).then_some("must be a number up to 65535"),
            TlvType::Int4 => (!fits(u32::MAX)).then_some("must be a number up to 4294967295"),
            TlvType::Octets => (!hex(&tlv.default)).then_some("must be pairs of hex digits"),
            TlvType::CString => None,
        };
        if let Some(text) = wrong.filter(|_| !tlv.default.is_empty()) {
            self.say(&format!("{path}.default"), Some(tlv.default.clone()), text);
        }
    }

    /// Whether a key was given but wrong, so that calling it missing would mislead.
    fn is_noted_at(&self, path: &str) -> bool {
        self.mistakes.iter().any(|mistake| mistake.path == path)
    }

    fn readable(&mut self, path: &str, file: Option<&Path>) {
        let Some(file) = file else { return };
        let file = self.config.file(file);
        if let Err(error) = std::fs::File::open(&file) {
            self.say(path, None, format!("cannot read `{}`: {}", file.display(), why(&error)));
        }
    }
}

/// Where a contradiction was written: the key's own line, else that of its table.
fn located(config: &Config, path: &str, value: Option<String>, text: String) -> Mistake {
    let table = path.rsplit_once('.').map_or(path, |(table, _)| table);
    let origin = config.origins.get(path);
    let of_table = config.origins.get(table);
    let main =
        config.files.first().map_or("configuration".into(), |file| file.display().to_string());
    Mistake {
        source: origin.or(of_table).map_or(main, |origin| origin.source.clone()),
        line: origin.or(of_table).and_then(|origin| origin.line),
        path: match (origin, of_table) {
            (Some(origin), _) => origin.path.clone(),
            (None, Some(table)) => {
                format!("{}.{}", table.path, path.rsplit('.').next().unwrap_or(path))
            }
            (None, None) => path.to_owned(),
        },
        value,
        text,
    }
}

fn store_url(url: &str) -> Result<(), String> {
    if let Some(file) = url.strip_prefix("sqlite:") {
        let named = !file.trim_start_matches('/').is_empty();
        return named.then_some(()).ok_or_else(|| "names no file; `sqlite:bramka.db` does".into());
    }
    let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))
    else {
        return Err("must begin with `sqlite:` or `postgres://`".into());
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let in_query = rest.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|pair| pair.to_ascii_lowercase().starts_with("password="))
    });
    if in_query || user.is_some_and(|user| user.contains(':')) {
        return Err("holds a password; put the URL into a file and name it in `url_file`".into());
    }
    Ok(())
}

/// Fills in every secret. Last, because only then is it settled which file each one is in.
fn read_secrets(config: &mut Config) -> Vec<Mistake> {
    let folders = config.folders.clone();
    let mut wrong: Vec<(String, String)> = Vec::new();
    let mut read = |path: String, slot: &mut SecretFile, octets_max: usize| {
        let Some(file) = &slot.path else { return };
        match secret::read(&folders.secret(file)) {
            Ok(secret) if secret.reveal().len() > octets_max => {
                wrong.push((path, format!("the secret is longer than {octets_max} octets")));
            }
            Ok(secret) => slot.secret = secret,
            Err(text) => wrong.push((path, text)),
        }
    };
    let settings = &mut config.settings;
    read("store.url_file".into(), &mut settings.store.url_file, 4096);
    read("smpp_server.pepper_file".into(), &mut settings.smpp_server.pepper_file, 4096);
    read("audit.signing_key_file".into(), &mut settings.audit.signing_key_file, 65_536);
    read("mail.password_file".into(), &mut settings.mail.password_file, 1024);
    for (index, link) in settings.smsc_link.iter_mut().enumerate() {
        // [34 s4.1.1] password is a C-octet string of at most 9 with its NUL.
        read(format!("smsc_link[{index}].password_file"), &mut link.password_file, 8);
    }
    let url = config.settings.store.url_file.secret.reveal();
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if !url.is_empty() && !known.iter().any(|scheme| url.starts_with(scheme)) {
        wrong.push((
            "store.url_file".into(),
            "its URL must begin with `sqlite:` or `postgres://`".into(),
        ));
    }
    wrong.into_iter().map(|(path, text)| located(config, &path, None, text)).collect()
}
