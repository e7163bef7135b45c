//! Reading certificates, and what is said of those that cannot be used.

use std::path::{Path, PathBuf};

use gathering_support::pem;
use rustls::Error;
use rustls::pki_types::CertificateDer;

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the file {} cannot be read ({source}); check its path and rights", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file does not hold what it should; `expected` says what is missing.
    #[error("the file {} holds {expected}", path.display())]
    Content { path: PathBuf, expected: &'static str },
    /// The key does not belong to the certificate, or cannot be used.
    #[error("the certificate {} and the key {} cannot be used together ({source})", cert.display(), key.display())]
    Pair { cert: PathBuf, key: PathBuf, source: Error },
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const EXPECTED: &str = "no certificate in PEM";
    let content = || TlsError::Content { path: path.to_owned(), expected: EXPECTED };
    pem::certificates(&read(path)?).ok_or_else(content)
}
