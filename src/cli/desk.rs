//! What a command works with: the configuration, the store, the daemon, the way out.

use super::{Failure, Output, failure::Exit};
use crate::{
    clock::Clock,
    config::Config,
    control::{self, Client, ClientError, who},
    domain::{Caller, Catalog, Partner, secret::Pepper},
    store::{GroupLimits, Place, Store},
};

pub(crate) struct Desk<'o> {
    pub(crate) config: Config,
    pub(crate) out: &'o mut Output,
    clock: Clock,
    who: String,
}

impl<'o> Desk<'o> {
    pub(crate) fn new(config: Config, out: &'o mut Output) -> Self {
        Self { config, out, clock: Clock::system(), who: who::myself() }
    }

    /// Who types, for the audit trail.
    pub(crate) fn by(&self) -> Caller {
        Caller::Operator { name: self.who.as_str().into() }
    }

    /// Microseconds UTC.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn place(&self) -> Place {
        place(&self.config)
    }

    /// Opens the store without its writer: people's changes are transactions of their own.
    ///
    /// A schema of another step is left alone, because a daemon of another version may be using
    /// it; only where there is nothing yet, it is made.
    pub(crate) async fn store(&mut self) -> Result<Store, Failure> {
        let place = self.place();
        match Store::inspect(&place).await? {
            Some(found) if found.is_current() => {}
            Some(found) if found.schema > Some(found.schema_wanted) => {
                return Err(Failure::failed(
                    "the database was made by a newer version of bramka; use that one",
                ));
            }
            Some(found) if found.schema.is_some() => {
                return Err(Failure::failed(
                    "the database is of an older version; run `bramka migrate` first",
                ));
            }
            _ => self.out.remark("there was no database; a new one is made"),
        }
        // The writer is not run: nothing here submits a change to it.
        let (store, _writer) = Store::open(place, GroupLimits::default()).await?;
        Ok(store)
    }

    pub(crate) fn client(&self) -> Client {
        self.client_for(&self.who)
    }

    /// As [`Desk::client`], on somebody's behalf.
    pub(crate) fn client_for(&self, name: &str) -> Client {
        Client::new(&control::socket(&self.config.data_folder()), name)
    }

    /// Lets a running daemon see what was changed. The change is made whatever comes of this.
    pub(crate) async fn tell_daemon(&mut self) {
        match self.client().post("/catalog/reload", &serde_json::json!({})).await {
            Ok(_) | Err(ClientError::NoDaemon { .. }) => {}
            Err(error) => {
                let text = format!("written, but the daemon did not take it over: {error}");
                self.out.remark(&text);
            }
        }
    }

    pub(crate) fn pepper(&self) -> Pepper {
        Pepper::new(self.config.smpp_server.pepper_file.secret.reveal().as_bytes())
    }

    /// Passwords and keys kept without a pepper are only as safe as the database file.
    pub(crate) fn remark_on_pepper(&mut self) {
        if self.config.smpp_server.pepper_file.secret.is_empty() {
            self.out.remark(
                "warning: `smpp_server.pepper_file` is not set; secrets are kept without a pepper, \
                 and setting one later makes all of them invalid",
            );
        }
    }
}

pub(crate) fn place(config: &Config) -> Place {
    Place { url: config.store_url().reveal().to_owned(), readers: 2 }
}

/// The partner of a name, or exit code 3.
pub(crate) fn partner_named<'c>(
    catalog: &'c Catalog,
    name: &str,
) -> Result<&'c std::sync::Arc<Partner>, Failure> {
    let found = catalog.partner_named(name);
    found.ok_or_else(|| Failure::new(Exit::NotFound, format!("no partner is called `{name}`")))
}
