//! The certificate of a listener, and the authorities of its clients' certificates. Both may change while it runs.

mod client_authorities;
mod files;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gathering_support::http_client::crypto_provider;
use gathering_support::pem;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::client_authorities::CertificateCheck;
use self::client_authorities::ClientAuthorities;
pub use self::files::TlsError;
use self::files::{certificates, read};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// A PEM file with the certificate, followed by its intermediates.
    pub cert: PathBuf,
    /// A PEM file with the private key.
    pub key: PathBuf,
    /// A PEM file with the authorities of clients' certificates. With it, a certificate that none of them vouches for ends the
    /// handshake.
    pub client_ca: Option<PathBuf>,
    /// Whether clients without a certificate may connect all the same. Whoever answers them has to know whom.
    pub admits_without_certificate: bool,
}

impl TlsSettings {
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.cert, &self.key].into_iter().chain(&self.client_ca)
    }
}

/// The certificates that new connections use.
#[derive(Debug)]
pub struct Tls {
    settings: TlsSettings,
    server: Arc<ServerCertificate>,
    clients: Option<Arc<ClientAuthorities>>,
}

impl Tls {
    /// Reads and checks the files.
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let clients = settings.client_ca.as_deref().map(|path| -> Result<_, TlsError> {
            ClientAuthorities::load(path, settings.admits_without_certificate).map(Arc::new)
        });
        Ok(Self {
            settings: settings.clone(),
            server: Arc::new(ServerCertificate(ArcSwap::from_pointee(certified_key(settings)?))),
            clients: clients.transpose()?,
        })
    }

    /// Reads the files again. Open connections keep the listener's certificate; those of clients are checked again, by the new
    /// authorities, with the next bytes that they send.
    ///
    /// # Errors
    /// When one of the files cannot be used. Certificate and key are replaced together or not at all, the authorities of
    /// clients independently of them.
    pub fn reload(&self) -> Result<(), TlsError> {
        let replaced = certified_key(&self.settings).map(|key| self.server.0.store(Arc::new(key)));
        if let (Some(clients), Some(path)) = (&self.clients, &self.settings.client_ca) {
            clients.reload(path)?;
        }
        replaced
    }

    pub(crate) fn acceptor(&self) -> Result<Acceptor, Error> {
        Ok(Acceptor { handshake: Arc::new(self.server_config()?).into(), clients: self.clients.clone() })
    }

    fn server_config(&self) -> Result<ServerConfig, Error> {
        let builder =
            ServerConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions()?;
        let server = Arc::clone(&self.server) as Arc<dyn ResolvesServerCert>;
        let Some(clients) = &self.clients else {
            return Ok(builder.with_no_client_auth().with_cert_resolver(server));
        };
        let clients = Arc::clone(clients) as Arc<dyn ClientCertVerifier>;
        let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(server);
        // A client that resumes a session does not show its certificate again, whose authority may be removed by then.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

/// What makes an encrypted connection of a plain one.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) handshake: TlsAcceptor,
    clients: Option<Arc<ClientAuthorities>>,
}

impl Acceptor {
    /// The check of a client's certificate, from before its handshake on; `None` if clients are not asked for any.
    pub(crate) fn certificate_check(&self) -> Option<CertificateCheck> {
        self.clients.as_ref().map(CertificateCheck::begin)
    }
}

fn certified_key(settings: &TlsSettings) -> Result<CertifiedKey, TlsError> {
    const EXPECTED: &str = "no private key in PEM without a passphrase";
    let chain = certificates(&settings.cert)?;
    let key = pem::private_key(&read(&settings.key)?)
        .ok_or_else(|| TlsError::Content { path: settings.key.clone(), expected: EXPECTED })?;
    CertifiedKey::from_der(chain, key, &crypto_provider()).map_err(|source| TlsError::Pair {
        cert: settings.cert.clone(),
        key: settings.key.clone(),
        source,
    })
}

/// The certificate and the key of the listener.
struct ServerCertificate(ArcSwap<CertifiedKey>);

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerCertificate").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertifiedKey as Made, generate_simple_self_signed};
    use tempfile::TempDir;

    use super::*;

    struct Files {
        folder: TempDir,
    }

    impl Files {
        fn new() -> Self {
            Self { folder: TempDir::new().unwrap() }
        }

        fn file(&self, name: &str, content: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        }

        fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
            let Made { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let key = self.file(&format!("{name}.key"), &signing_key.serialize_pem());
            (self.file(&format!("{name}.crt"), &cert.pem()), key)
        }
    }

    fn settings(cert: &Path, key: &Path, client_ca: Option<&Path>) -> TlsSettings {
        TlsSettings {
            cert: cert.into(),
            key: key.into(),
            client_ca: client_ca.map(Into::into),
            admits_without_certificate: false,
        }
    }

    fn refusal(cert: &Path, key: &Path, client_ca: Option<&Path>) -> String {
        let settings = settings(cert, key, client_ca);
        Tls::load(&settings).unwrap_err().to_string()
    }

    #[test]
    fn files_that_cannot_be_used_say_why() {
        let files = Files::new();
        let ((cert, key), (other, _)) = (files.pair("one"), files.pair("other"));
        let (nowhere, text) = (files.folder.path().join("none"), files.file("text", "no PEM"));
        assert!(refusal(&nowhere, &key, None).contains("cannot be read"));
        assert!(refusal(&cert, &nowhere, None).contains("cannot be read"));
        assert!(refusal(&text, &key, None).ends_with("holds no certificate in PEM"));
        assert!(refusal(&key, &key, None).ends_with("holds no certificate in PEM"));
        assert!(refusal(&cert, &cert, None).ends_with("holds no private key in PEM without a passphrase"));
        assert!(refusal(&other, &key, None).contains("cannot be used together"));
        assert!(refusal(&cert, &key, Some(&text)).ends_with("holds no certificate in PEM"));
    }

    #[test]
    fn a_broken_change_leaves_everything_as_it_was() {
        let files = Files::new();
        let (cert, key) = files.pair("one");
        let settings = settings(&cert, &key, Some(&cert));
        let tls = Tls::load(&settings).unwrap();
        assert_eq!(settings.files().count(), 3);
        let before = tls.server.0.load_full();
        std::fs::write(&key, "half a key").unwrap();
        assert!(tls.reload().is_err());
        assert!(Arc::ptr_eq(&before, &tls.server.0.load_full()));
        files.pair("one");
        tls.reload().unwrap();
        assert_ne!(before.cert, tls.server.0.load_full().cert);
    }
}
