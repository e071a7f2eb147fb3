//! What the doors with TLS show, read from the files that the configuration names.

use std::{sync::Arc, time::Duration};

use anyhow::Context;

use crate::{
    config::Config,
    tasks::Tasks,
    tls::{Inside, ServerFiles, ServerTls},
};

/// What the doors with TLS show; read again on SIGHUP.
#[derive(Clone, Default)]
pub struct Certificates {
    pub http: Option<Arc<ServerTls>>,
    pub smpp: Option<Arc<ServerTls>>,
}

impl Certificates {
    /// Reads the files that the configuration names now; what cannot be used changes nothing.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        if let Some(tls) = &self.http {
            tls.reload(Some(http_files(config)?)).context("http")?;
        }
        if let Some(tls) = &self.smpp {
            tls.reload(Some(smpp_files(config)?)).context("smpp_server")?;
        }
        Ok(())
    }
}

pub(super) fn smpp_tls(config: &Config) -> anyhow::Result<Arc<ServerTls>> {
    Ok(Arc::new(ServerTls::load(smpp_files(config)?, Inside::Smpp)?))
}

fn smpp_files(config: &Config) -> anyhow::Result<ServerFiles> {
    let server = &config.smpp_server;
    let files =
        server_files(config, server.certificate_file.as_deref(), server.key_file.as_deref())
            .context("smpp_server.listen_tls")?;
    let client_ca = server.client_ca_file.as_deref().map(|path| config.file(path));
    Ok(ServerFiles { client_ca, ..files })
}

pub(super) fn http_tls(config: &Config) -> anyhow::Result<Arc<ServerTls>> {
    Ok(Arc::new(ServerTls::load(http_files(config)?, Inside::Http)?))
}

fn http_files(config: &Config) -> anyhow::Result<ServerFiles> {
    let http = &config.http;
    server_files(config, http.certificate_file.as_deref(), http.key_file.as_deref())
        .context("http.listen_tls")
}

fn server_files(
    config: &Config,
    certificate: Option<&std::path::Path>,
    key: Option<&std::path::Path>,
) -> anyhow::Result<ServerFiles> {
    let named = |path: Option<&std::path::Path>, key: &'static str| {
        path.map(|path| config.file(path)).with_context(|| format!("needs `{key}`"))
    };
    Ok(ServerFiles {
        certificate: named(certificate, "certificate_file")?,
        key: named(key, "key_file")?,
        client_ca: None,
    })
}

/// Reads a certificate again when its file changes.
pub(super) fn keep_fresh(tls: &Arc<ServerTls>, name: &'static str, tasks: &Tasks) {
    let (tls, stopping) = (Arc::clone(tls), tasks.stopping());
    tasks.spawn(name, async move { tls.poll(Duration::from_mins(1), stopping).await });
}
