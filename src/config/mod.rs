//! The configuration: one TOML file, drop-ins beside it, the environment over both.
//!
//! It says how this node runs; partners, numbers and tariffs are business data and live in the
//! database. The surprise: a bad file never falls back to defaults, and every mistake in it is
//! reported at once.

mod check;
mod complaints;
mod contract;
mod effective;
mod faults;
mod http;
mod load;
mod machine;
mod mail;
mod messages;
mod mistake;
mod partnership;
mod portal;
mod range;
mod reload;
mod replay;
mod scalar;
mod secret;
mod smpp_server;
mod smsc_link;
pub mod status;
mod suggest;
mod units;
mod uploads;
mod visit;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use complaints::Complaints;
pub use contract::{Contract, Operator};
pub use faults::Faults;
pub use http::{Callback, Http};
pub use load::Sources;
pub use machine::{Audit, ClockLimits, Log, LogFormat, Node, Retention, Shutdown, Store};
pub use mail::{Mail, MailSecurity};
pub use messages::{Limits, Messages};
pub use mistake::{Mistake, Mistakes};
pub use partnership::Partnership;
pub use portal::Portal;
pub use reload::ReloadDiff;
pub use replay::Replay;
pub use scalar::{HostPort, Tag};
pub use secret::{Secret, SecretFile};
pub use smpp_server::{
    BindAuthError, BindLimitError, ClientNames, SmppServer, SmppVersion, VendorTlv,
};
pub use smsc_link::{
    DefaultAlphabet, IdForm, LinkBind, LinkTlv, LongMessages, OnMissingPart, SmscLink, TariffWay,
    TlvDirection, TlvType, TlvsAllowed,
};
pub use units::Size;
pub use uploads::{Documents, ScanWay, Uploads};
pub use walk::Origin;

use walk::section;

section! {
    /// Everything a node is told before it starts.
    pub struct Settings {
        /// This process among its like.
        table node: Node = Node::default();
        /// Where everything is kept.
        table store: Store = Store::default();
        /// Partners bind here.
        table smpp_server: SmppServer = SmppServer::default();
        /// SMSCs that are dialled.
        tables smsc_link: Vec<SmscLink> = Vec::new(), |link| &link.name;
        /// Portal and API.
        table http: Http = Http::default();
        /// What people see.
        table portal: Portal = Portal::default();
        /// Callbacks to partners.
        table callback: Callback = Callback::default();
        /// Letters out.
        table mail: Mail = Mail::default();
        /// How companies become partners.
        table partnership: Partnership = Partnership::default();
        /// The operator as it stands in agreements.
        table operator: Operator = Operator::default();
        /// Numbers of agreements.
        table contract: Contract = Contract::default();
        /// Fault reports.
        table faults: Faults = Faults::default();
        /// Complaints of subscribers.
        table complaints: Complaints = Complaints::default();
        /// Handing over again.
        table replay: Replay = Replay::default();
        /// Files that others send.
        table uploads: Uploads = Uploads::default();
        /// Texts of agreements.
        table documents: Documents = Documents::default();
        /// Lives of messages.
        table messages: Messages = Messages::default();
        /// Limits.
        table limits: Limits = Limits::default();
        /// What is erased and when.
        table retention: Retention = Retention::default();
        /// Logging.
        table log: Log = Log::default();
        /// Stopping.
        table shutdown: Shutdown = Shutdown::default();
        /// The wall clock.
        table clock: ClockLimits = ClockLimits::default();
        /// The audit trail.
        table audit: Audit = Audit::default();
    }
}

/// The settings, and where each of them was said.
#[derive(Clone, Debug, Default)]
pub struct Config {
    settings: Settings,
    origins: BTreeMap<String, Origin>,
    /// Files that were read, the main one first.
    pub files: Vec<PathBuf>,
    folders: secret::Folders,
    /// systemd's state folder.
    state: Option<PathBuf>,
}

impl std::ops::Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

// Tests and the demo change single settings of a default configuration.
impl std::ops::DerefMut for Config {
    fn deref_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }
}

impl Config {
    /// A file named in the configuration, where it really is.
    pub fn file(&self, path: &std::path::Path) -> PathBuf {
        self.folders.file(path)
    }

    /// The links, with the files they name where they lie.
    pub fn links(&self) -> Vec<SmscLink> {
        let mut links = self.smsc_link.clone();
        for link in &mut links {
            let password = &mut link.password_file.path;
            *password = password.as_ref().map(|path| self.folders.secret(path));
            link.tls_ca_file = link.tls_ca_file.as_ref().map(|path| self.folders.file(path));
        }
        links
    }

    /// How letters leave, with the files that are named where they lie.
    pub fn resolved_mail(&self) -> Mail {
        let mut mail = self.mail.clone();
        let password = &mut mail.password_file.path;
        *password = password.as_ref().map(|path| self.folders.secret(path));
        mail.ca_file = mail.ca_file.as_ref().map(|path| self.folders.file(path));
        mail.templates = mail.templates.as_ref().map(|path| self.folders.file(path));
        mail
    }

    /// Where a setting was said; nothing when it is a default. `path` as in `smsc_link[0].window`.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// Where data files belong: as configured, else where systemd says, else here.
    pub fn data_folder(&self) -> PathBuf {
        let configured = self.node.data_folder.clone();
        configured.or_else(|| self.state.clone()).unwrap_or_else(|| PathBuf::from("."))
    }

    /// The URL of the store, from wherever it was given; a relative file lies in the data folder.
    pub fn store_url(&self) -> Secret {
        let from_file = self.store.url_file.secret.reveal();
        let url = if from_file.is_empty() { &self.store.url } else { from_file };
        match url.strip_prefix("sqlite:") {
            Some(file) if file != ":memory:" => {
                let file = self.data_folder().join(file.strip_prefix("//").unwrap_or(file));
                Secret::new(format!("sqlite:{}", file.display()))
            }
            _ => Secret::new(url),
        }
    }
}
