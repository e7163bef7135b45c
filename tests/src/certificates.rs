//! Certificates made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

/// An authority that signs certificates.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub cert: String,
    /// The private key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// An authority that nobody else has.
    ///
    /// # Panics
    /// If there are no random numbers.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("an authority");
        // OpenSSL takes a certificate for its own issuer if both have the same name.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `localhost`, as a server or as a client.
    ///
    /// # Panics
    /// If it cannot be signed.
    pub fn sign(&self) -> Certificate {
        self.sign_with(|params| {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        })
    }

    /// A certificate of a client whose subject has this common name.
    ///
    /// # Panics
    /// If it cannot be signed.
    pub fn sign_client(&self, common_name: &str) -> Certificate {
        self.sign_with(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, common_name);
        })
    }

    /// A certificate of a client, for `localhost`, after `change` has been at it.
    ///
    /// # Panics
    /// If it cannot be signed.
    pub fn sign_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Certificate { cert, key: key.serialize_pem() }
    }
}
