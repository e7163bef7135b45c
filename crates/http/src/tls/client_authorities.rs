//! The authorities of clients' certificates: in the handshake, and for as long as a connection is open.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gathering_support::http_client::crypto_provider;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use x509_parser::asn1_rs::FromDer;
use x509_parser::certificate::X509Certificate;

use super::files::{TlsError, certificates};

/// How long a check of a certificate holds. Certificates may end while their connection is open.
const HOLDS_FOR: Duration = Duration::from_secs(60);

/// What a client may show, in bytes: certificates are kept as long as their connection is open. A usual one has 1 to 2 KiB.
const MAX_CERTIFICATES: usize = 16 * 1024;

/// The authorities of a file, with the library's verifier for those that have not ended. By itself, the library does not look at
/// the end of an authority.
#[derive(Debug)]
struct Verifier {
    authorities: Vec<Authority>,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    /// The last second of it.
    end: UnixTime,
}

#[derive(Debug)]
struct Current {
    verifier: Arc<dyn ClientCertVerifier>,
    /// When the first of its authorities ends.
    end: UnixTime,
}

impl Authority {
    /// `None` for what is no certificate.
    fn read(certificate: CertificateDer<'static>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(&certificate).ok()?;
        let end = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
        Some(Self { certificate, end: UnixTime::since_unix_epoch(Duration::from_secs(end)) })
    }
}

impl Current {
    /// The verifier at this date; `None` if no authority is left.
    fn at(authorities: &[Authority], date: UnixTime) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let valid = || authorities.iter().filter(|authority| authority.end >= date);
        for authority in valid() {
            roots.add(authority.certificate.clone()).ok()?;
        }
        let end = valid().map(|authority| authority.end).min()?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto_provider()).build();
        Some(Self { verifier: verifier.ok()?, end })
    }
}

impl Verifier {
    fn load(path: &Path, date: UnixTime) -> Result<Self, TlsError> {
        const EXPECTED: &str = "no certificate in PEM of an authority that has not ended";
        let content = || TlsError::Content { path: path.to_owned(), expected: EXPECTED };
        let authorities = certificates(path)?.into_iter().map(Authority::read);
        let authorities = authorities.collect::<Option<Vec<_>>>().ok_or_else(content)?;
        let current = Current::at(&authorities, date).ok_or_else(content)?;
        let ended = authorities.iter().filter(|authority| authority.end < date).count();
        if ended > 0 {
            log::warn!("{ended} authorities in {} have ended and vouch for nobody", path.display());
        }
        Ok(Self { authorities, current: ArcSwap::from_pointee(current) })
    }

    /// What checks signatures, which depends on no authority.
    fn signatures(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.current.load().verifier)
    }

    fn verify(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        date: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let length: usize = intermediates.iter().map(|certificate| certificate.len()).sum();
        if own.len() + length > MAX_CERTIFICATES {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        if date > self.current.load().end {
            let current = Current::at(&self.authorities, date).ok_or(CertificateError::UnknownIssuer)?;
            self.current.store(Arc::new(current));
        }
        self.current.load().verifier.verify_client_cert(own, intermediates, date)
    }
}

/// The authorities of clients' certificates, with the library's verifier for the present ones.
#[derive(Debug)]
pub(super) struct ClientAuthorities {
    current: ArcSwap<Verifier>,
    admits_without_certificate: bool,
}

impl ClientAuthorities {
    pub(super) fn load(path: &Path, admits_without_certificate: bool) -> Result<Self, TlsError> {
        Ok(Self {
            current: ArcSwap::from_pointee(Verifier::load(path, UnixTime::now())?),
            admits_without_certificate,
        })
    }

    /// Reads the authorities again. If that fails, those of before stay.
    pub(super) fn reload(&self, path: &Path) -> Result<(), TlsError> {
        self.current.store(Arc::new(Verifier::load(path, UnixTime::now())?));
        Ok(())
    }
}

impl ClientCertVerifier for ClientAuthorities {
    /// No hint: clients have one certificate, and the authorities may change.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        !self.admits_without_certificate
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.current.load().verify(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().signatures().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().signatures().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().signatures().supported_verify_schemes()
    }
}

/// What the certificate of a connection was checked by, and when: an authority that is taken out is not trusted any longer
/// because somebody was connected before, and neither is a certificate that has ended.
pub(crate) struct CertificateCheck {
    authorities: Arc<ClientAuthorities>,
    checked_by: Arc<Verifier>,
    checked_at: Instant,
}

impl CertificateCheck {
    /// To be called before the handshake: authorities that change meanwhile count as changed.
    pub(super) fn begin(authorities: &Arc<ClientAuthorities>) -> Self {
        let checked_by = authorities.current.load_full();
        Self { authorities: Arc::clone(authorities), checked_by, checked_at: Instant::now() }
    }

    /// Checks the certificates again, if authorities have changed or the last check is a minute old. The first one is the
    /// client's own; without any there is nothing to check.
    pub(crate) fn renew(&mut self, certificates: &[CertificateDer<'_>]) -> Result<(), Error> {
        self.renew_at(certificates, Instant::now(), UnixTime::now)
    }

    fn renew_at(
        &mut self,
        certificates: &[CertificateDer<'_>],
        now: Instant,
        date: impl FnOnce() -> UnixTime,
    ) -> Result<(), Error> {
        let Some((own, intermediates)) = certificates.split_first() else { return Ok(()) };
        let current = self.authorities.current.load();
        let is_same = Arc::ptr_eq(&self.checked_by, &current);
        if is_same && now.saturating_duration_since(self.checked_at) < HOLDS_FOR {
            return Ok(());
        }
        current.verify(own, intermediates, date())?;
        (self.checked_by, self.checked_at) = (Arc::clone(&current), now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
    use tempfile::NamedTempFile;

    use super::*;

    struct Authority(Issuer<'static, KeyPair>, String);

    impl Authority {
        fn new() -> Self {
            Self::until(4000)
        }

        fn until(year: i32) -> Self {
            let mut params = CertificateParams::default();
            params.not_after = date_time_ymd(year, 1, 1);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            Self(Issuer::new(params, key), pem)
        }

        /// A certificate that is valid until 2030.
        fn sign(&self) -> CertificateDer<'static> {
            let mut params = CertificateParams::default();
            params.not_after = date_time_ymd(2030, 1, 1);
            params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap().into()
        }
    }

    #[test]
    fn an_authority_that_has_ended_vouches_for_nobody() {
        let (short, long, file) =
            (Authority::until(2026), Authority::until(2029), NamedTempFile::new().unwrap());
        std::fs::write(file.path(), format!("{}{}", short.1, long.1)).unwrap();
        let verifier = Verifier::load(file.path(), date(2020)).unwrap();
        let check = |authority: &Authority, year| verifier.verify(&authority.sign(), &[], date(year)).is_ok();
        assert!(check(&short, 2025) && check(&long, 2025));
        assert!(!check(&short, 2028) && check(&long, 2028), "one of them has ended meanwhile");
        assert!(!check(&long, 2030) && !check(&short, 2030));
        let late = Verifier::load(file.path(), date(2028)).unwrap();
        assert!(late.verify(&short.sign(), &[], date(2028)).is_err());
        assert!(late.verify(&long.sign(), &[], date(2028)).is_ok());
        assert!(Verifier::load(file.path(), date(2031)).is_err(), "there is none left");
    }

    const fn date(year: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 365 * 24 * 60 * 60))
    }

    #[test]
    fn more_certificates_than_anybody_needs_are_refused() {
        let (authority, file) = (Authority::new(), NamedTempFile::new().unwrap());
        std::fs::write(file.path(), &authority.1).unwrap();
        let authorities = ClientAuthorities::load(file.path(), true).unwrap();
        let own = authority.sign();
        let check =
            |more: &[CertificateDer<'_>]| authorities.verify_client_cert(&own, more, date(2028)).is_ok();
        let most = (MAX_CERTIFICATES - own.len()) / own.len();
        assert!(check(&[]) && check(&vec![own.clone(); most]));
        assert!(!check(&vec![own.clone(); most + 1]));
    }

    #[test]
    fn a_certificate_is_checked_again_each_minute_and_by_new_authorities() {
        let (first, second, file) = (Authority::new(), Authority::new(), NamedTempFile::new().unwrap());
        std::fs::write(file.path(), &first.1).unwrap();
        let authorities = Arc::new(ClientAuthorities::load(file.path(), true).unwrap());
        let (own, began) = (first.sign(), Instant::now());
        let own = std::slice::from_ref(&own);
        let mut check = CertificateCheck::begin(&authorities);
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(check.renew_at(own, after(50), || unreachable!("it was checked")), Ok(()));
        assert_eq!(check.renew_at(own, after(70), || date(2028)), Ok(()));
        assert_eq!(check.renew_at(own, after(120), || unreachable!("it was checked")), Ok(()));
        assert!(check.renew_at(own, after(140), || date(2031)).is_err(), "it has ended");
        assert!(check.renew_at(own, after(141), || date(2031)).is_err(), "and is not forgotten");

        let mut check = CertificateCheck::begin(&authorities);
        std::fs::write(file.path(), format!("{}{}", first.1, second.1)).unwrap();
        authorities.reload(file.path()).unwrap();
        assert_eq!(check.renew_at(own, after(1), || date(2028)), Ok(()));
        std::fs::write(file.path(), &second.1).unwrap();
        authorities.reload(file.path()).unwrap();
        assert!(check.renew_at(own, after(2), || date(2028)).is_err(), "its authority has gone");
        assert!(check.renew_at(own, after(2), || date(2028)).is_err());
        std::fs::write(file.path(), "no authority").unwrap();
        assert!(authorities.reload(file.path()).is_err());
        assert!(check.renew_at(own, after(3), || date(2028)).is_err(), "those of before stay");
        assert_eq!(check.renew_at(&[], after(3), || unreachable!("there is none")), Ok(()));
    }
}
