//! TLS with rustls on ring: a server side whose certificates can be changed while it runs, and a
//! client side.
//!
//! It does no handshake itself. The surprise: the provider is named everywhere and never installed
//! for the process, so a crate that brings another one cannot make the first handshake panic.

pub mod certificate;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tasks::Stopping;

const PEM_OCTETS_MAX: u64 = 4 * 1024 * 1024;
/// Authorities taken from one file; the whole public list has about 150.
const CERTIFICATES_MAX: usize = 1000;

/// What is spoken inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    Smpp,
    Http,
}

impl Inside {
    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            // SMPP has no registered name; partners' software sends none and would be refused.
            Self::Smpp => Vec::new(),
            Self::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// The files a server side is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// PEM, leaf first.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// With it, clients must show a certificate of this authority.
    pub client_ca: Option<PathBuf>,
}

/// A server side. Connections take what is current when they come; old ones keep theirs.
#[derive(Debug)]
pub struct ServerTls {
    inside: Inside,
    current: ArcSwap<ServerConfig>,
    // A std mutex: nothing awaits while it is held. It also lets only one reload run at a time.
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    files: ServerFiles,
    stamps: Vec<Option<(SystemTime, u64)>>,
}

impl ServerTls {
    pub fn load(files: ServerFiles, inside: Inside) -> anyhow::Result<Self> {
        // The stamps first: a file replaced while it is read looks changed at the next poll.
        let stamps = stamps(&files);
        let config = server_config(&files, inside)?;
        let loaded = Mutex::new(Loaded { files, stamps });
        Ok(Self { inside, current: ArcSwap::new(config), loaded })
    }

    /// For one connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Reads the files again, perhaps other ones. On an error what was current stays current.
    pub fn reload(&self, files: Option<ServerFiles>) -> anyhow::Result<()> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.unwrap_or_else(|| loaded.files.clone());
        let stamps = stamps(&files);
        let config = server_config(&files, self.inside)?;
        self.current.store(config);
        *loaded = Loaded { files, stamps };
        Ok(())
    }

    /// Reads the files again when one of them looks different; tells whether it did.
    pub fn reload_if_changed(&self) -> anyhow::Result<bool> {
        {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            let now = stamps(&loaded.files);
            if now == loaded.stamps {
                return Ok(false);
            }
            // Noted even if the files turn out bad: one complaint for each change is enough. A
            // key that is written after its certificate changes the stamps again.
            loaded.stamps = now;
        }
        self.reload(None).map(|()| true)
    }

    /// Looks for changed files until the stop; renewal tools replace them without telling.
    pub async fn poll(self: Arc<Self>, every: Duration, stopping: Stopping) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(every.max(Duration::from_secs(1)));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            match self.reload_if_changed() {
                Ok(true) => tracing::info!("new TLS certificates are in use"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!("new TLS certificates refused, the old ones stay: {error:#}");
                }
            }
        }
    }
}

/// When a file was changed and how long it is; nothing when it is not there.
fn stamps(files: &ServerFiles) -> Vec<Option<(SystemTime, u64)>> {
    [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()]
        .into_iter()
        .flatten()
        .map(|file| {
            let meta = std::fs::metadata(file).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
        .collect()
}

fn server_config(files: &ServerFiles, inside: Inside) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = provider();
    let chain = certificates(&files.certificate)?;
    let key = private_key(&files.key)?;
    check_pair(files, &chain, &key, &provider)?;

    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?;
    let builder = match &files.client_ca {
        Some(file) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots(file)?), provider)
                    .build()
                    .with_context(|| format!("using the authorities in `{}`", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .with_context(|| format!("using the certificate in `{}`", files.certificate.display()))?;
    config.alpn_protocols = inside.alpn();
    // The stronger one that both know, not the one that the peer's old library happens to like.
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// The commonest slip of a renewal is a new certificate beside the old key.
fn check_pair(
    files: &ServerFiles,
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> anyhow::Result<()> {
    let (certificate, key_file) = (files.certificate.display(), files.key.display());
    let signing = provider
        .key_provider
        .load_private_key(key.clone_key())
        .with_context(|| format!("`{key_file}` holds a key of a kind that cannot sign"))?;
    match CertifiedKey::new(chain.to_vec(), signing).keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            bail!("the key in `{key_file}` is not that of the first certificate in `{certificate}`")
        }
        // Some keys cannot tell their public half; the handshake will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(_)) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("reading `{certificate}`")),
    }
}

/// The client side, for links and callbacks.
///
/// Trusts the authorities of a file, or those of the system.
pub fn client(ca_file: Option<&Path>, inside: Inside) -> anyhow::Result<TlsConnector> {
    client_config(ca_file, inside).map(TlsConnector::from)
}

/// As [`client`], for a library that wants the configuration itself.
pub fn client_config(ca_file: Option<&Path>, inside: Inside) -> anyhow::Result<Arc<ClientConfig>> {
    let roots = match ca_file {
        Some(file) => roots(file)?,
        None => native_roots()?,
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = inside.alpn();
    Ok(Arc::new(config))
}

/// The name a peer's certificate must have.
pub fn server_name(name: &str) -> anyhow::Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned())
        .with_context(|| format!("`{name}` is neither a host name nor an address"))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn native_roots() -> anyhow::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    let first_error = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    ensure!(
        added > 0,
        "this system has no certificate authorities{first_error}; install the package \
         `ca-certificates` or name a file of your own"
    );
    Ok(roots)
}

fn roots(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .with_context(|| format!("`{}` holds no usable authority", file.display()))?;
    }
    Ok(roots)
}

fn pem(file: &Path) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>> {
    let name = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("reading `{name}`"))?.len();
    ensure!(size <= PEM_OCTETS_MAX, "`{name}` has {size} octets; certificates are far smaller");
    std::fs::read(file).map(Into::into).with_context(|| format!("reading `{name}`"))
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let name = file.display();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem(file)?)
        .take(CERTIFICATES_MAX)
        .collect::<Result<_, _>>()
        .with_context(|| format!("`{name}` is not PEM"))?;
    ensure!(!chain.is_empty(), "`{name}` holds no certificate (no `BEGIN CERTIFICATE` line)");
    Ok(chain)
}

fn private_key(file: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let name = file.display();
    match PrivateKeyDer::from_pem_slice(&pem(file)?) {
        Ok(key) => Ok(key),
        Err(rustls_pki_types::pem::Error::NoItemsFound) => {
            bail!("`{name}` holds no private key that can be read; is it encrypted?")
        }
        Err(error) => Err(error).with_context(|| format!("`{name}` is not PEM")),
    }
}

/// The names in the certificate that a client showed; none where it had to show none.
pub fn peer_names<S>(stream: &tokio_rustls::server::TlsStream<S>) -> Vec<String> {
    let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    leaf.map(|leaf| certificate::names(leaf)).unwrap_or_default()
}

/// The version that both sides agreed on.
pub fn version<S>(stream: &tokio_rustls::server::TlsStream<S>) -> &'static str {
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "1.2",
        _ => "1.3",
    }
}

/// What a handshake that failed is called in the log: short, and without the peer's octets.
pub fn handshake_problem(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => "the peer does not speak TLS".into(),
        Some(rustls::Error::NoCertificatesPresented) => "the peer showed no certificate".into(),
        Some(error) => error.to_string(),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// An authority with a folder to issue into.
    struct Authority {
        folder: PathBuf,
        issuer: CertifiedIssuer<'static, KeyPair>,
    }

    impl Authority {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("bramka-tls-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer =
                CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
            Self { folder, issuer }
        }

        fn issue(&self, name: &str) -> ServerFiles {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            let files = ServerFiles {
                certificate: self.folder.join(format!("{name}.pem")),
                key: self.folder.join(format!("{name}.key")),
                client_ca: None,
            };
            std::fs::write(&files.certificate, certificate.pem()).unwrap();
            std::fs::write(&files.key, key.serialize_pem()).unwrap();
            files
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let file = self.folder.join(name);
            std::fs::write(&file, text).unwrap();
            file
        }

        fn ca(&self) -> PathBuf {
            self.folder.join("ca.pem")
        }
    }

    impl Drop for Authority {
        fn drop(&mut self) {
            let _gone = std::fs::remove_dir_all(&self.folder);
        }
    }

    /// One handshake in memory; what the client got, and the protocol both agreed on.
    async fn shake(
        server: &ServerTls,
        client: &TlsConnector,
        name: &str,
    ) -> Result<(String, Option<Vec<u8>>), String> {
        let (near, far) = duplex(16 * 1024);
        let serve = async {
            let mut stream = server.acceptor().accept(far).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        };
        let dial = async {
            let mut stream = client.connect(server_name(name).unwrap(), near).await?;
            let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            io::Result::Ok((text, alpn))
        };
        let (near_end, far_end) = tokio::join!(dial, serve);
        far_end.map_err(|error| handshake_problem(&error))?;
        near_end.map_err(|error| handshake_problem(&error))
    }

    #[tokio::test]
    async fn a_client_of_the_same_authority_gets_through_and_another_name_does_not() {
        let ca = Authority::new("handshake");
        let server = ServerTls::load(ca.issue("smsc"), Inside::Smpp).unwrap();
        let smpp = client(Some(&ca.ca()), Inside::Smpp).unwrap();
        assert_eq!(shake(&server, &smpp, "smsc.example").await, Ok(("hello".into(), None)));
        assert!(shake(&server, &smpp, "other.example").await.is_err());

        let web = ServerTls::load(ca.issue("web"), Inside::Http).unwrap();
        let browser = client(Some(&ca.ca()), Inside::Http).unwrap();
        let (_, alpn) = shake(&web, &browser, "web.example").await.unwrap();
        assert_eq!(alpn.as_deref(), Some(b"h2".as_slice()));
    }

    #[tokio::test]
    async fn with_a_client_authority_a_client_without_certificate_is_refused() {
        let ca = Authority::new("mutual");
        let files = ServerFiles { client_ca: Some(ca.ca()), ..ca.issue("smsc") };
        let server = ServerTls::load(files, Inside::Smpp).unwrap();
        let client = client(Some(&ca.ca()), Inside::Smpp).unwrap();
        let refused = shake(&server, &client, "smsc.example").await.unwrap_err();
        assert_eq!(refused, "the peer showed no certificate");
    }

    #[tokio::test]
    async fn a_peer_that_does_not_speak_tls_is_called_that() {
        let ca = Authority::new("plain");
        let server = ServerTls::load(ca.issue("smsc"), Inside::Smpp).unwrap();
        let (mut near, far) = duplex(1024);
        near.write_all(&[0, 0, 0, 0x2f, 0, 0, 0, 9, 0, 0, 0, 0]).await.unwrap();
        let error = server.acceptor().accept(far).await.unwrap_err();
        assert_eq!(handshake_problem(&error), "the peer does not speak TLS");
    }

    #[tokio::test]
    async fn changed_files_are_taken_and_bad_ones_leave_the_old_in_use() {
        let ca = Authority::new("reload");
        let files = ca.issue("smsc");
        let server = ServerTls::load(files.clone(), Inside::Smpp).unwrap();
        let client = client(Some(&ca.ca()), Inside::Smpp).unwrap();
        assert!(!server.reload_if_changed().unwrap());

        // The certificate of another key, as in the middle of a renewal.
        let other = ca.issue("renewed");
        std::fs::copy(&other.certificate, &files.certificate).unwrap();
        touch(&files.certificate, 10);
        let error = server.reload_if_changed().unwrap_err().to_string();
        assert!(error.contains("is not that of the first certificate"), "{error}");
        assert!(!server.reload_if_changed().unwrap(), "complains once for each change");
        assert!(shake(&server, &client, "smsc.example").await.is_ok(), "the old one stays");

        std::fs::copy(&other.key, &files.key).unwrap();
        touch(&files.key, 20);
        assert!(server.reload_if_changed().unwrap());
        assert!(shake(&server, &client, "renewed.example").await.is_ok());

        server.reload(Some(ca.issue("third"))).unwrap();
        assert!(shake(&server, &client, "third.example").await.is_ok());
    }

    /// Moves a file's time ahead, as if it had been written that much later.
    fn touch(file: &Path, seconds: u64) {
        let file = std::fs::File::options().append(true).open(file).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        file.set_modified(before + Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn every_bad_file_is_named_with_what_is_wrong_with_it() {
        let ca = Authority::new("bad");
        let good = ca.issue("good");
        let missing = ca.folder.join("missing.pem");
        let empty = ca.file("empty.pem", "");
        let cut =
            ca.file("cut.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
        let locked = ca.file(
            "locked.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        for (files, name, part) in [
            (ServerFiles { certificate: missing, ..good.clone() }, "missing.pem", "reading"),
            (
                ServerFiles { certificate: empty.clone(), ..good.clone() },
                "empty.pem",
                "no certificate",
            ),
            (ServerFiles { certificate: cut, ..good.clone() }, "cut.pem", "not PEM"),
            (ServerFiles { key: locked, ..good.clone() }, "locked.key", "encrypted?"),
            (ServerFiles { key: ca.issue("b").key, ..good.clone() }, "good.pem", "is not that of"),
            (ServerFiles { client_ca: Some(empty), ..good.clone() }, "empty.pem", "no certificate"),
        ] {
            let error = format!("{:#}", ServerTls::load(files, Inside::Smpp).unwrap_err());
            assert!(error.contains(name) && error.contains(part), "{error}");
        }
        let error =
            format!("{:#}", client_config(Some(Path::new("/x.pem")), Inside::Http).unwrap_err());
        assert!(error.contains("/x.pem"), "{error}");
        assert!(server_name("no such host").is_err());
    }
}
