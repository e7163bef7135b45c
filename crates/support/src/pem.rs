//! Certificates and private keys in PEM.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates of a PEM text, in their order, whatever else it holds; `None` if it holds none, or one that is broken.
pub fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// The first private key of a PEM text, in PKCS#8, PKCS#1 or SEC1; `None` if it holds none without a passphrase.
pub fn private_key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[test]
    fn certificates_and_keys_are_found_among_each_other() {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert_pem, key_pem) = (cert.pem(), signing_key.serialize_pem());
        let all = format!("A comment\n{cert_pem}{key_pem}\n{cert_pem}");
        assert_eq!(certificates(all.as_bytes()).unwrap(), [cert.der().clone(), cert.der().clone()]);
        assert_eq!(private_key(all.as_bytes()).unwrap().secret_der(), signing_key.serialize_der());
        assert!(certificates(key_pem.as_bytes()).is_none() && private_key(cert_pem.as_bytes()).is_none());
        let (half, _) = cert_pem.split_at(cert_pem.len() / 2);
        assert!(certificates(format!("{cert_pem}{half}").as_bytes()).is_none());
        for text in ["", "no PEM"] {
            assert!(certificates(text.as_bytes()).is_none() && private_key(text.as_bytes()).is_none());
        }
    }
}
