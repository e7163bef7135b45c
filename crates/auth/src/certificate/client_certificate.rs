//! What a caller's certificate says of the caller.

use x509_parser::asn1_rs::FromDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::X509Name;

use crate::identity::fingerprint_of;

/// The longest common name that counts, in bytes. Clusters of a hub have longer ones than the 64 of the standard.
pub const MAX_COMMON_NAME: usize = 256;

/// A certificate that a listener has checked: signed by a trusted authority, and valid. It is read once for each connection,
/// and keeps no more than what counts.
#[derive(Debug)]
pub struct ClientCertificate {
    common_name: Option<Box<str>>,
    subject_hash: u64,
}

impl ClientCertificate {
    /// Reads a certificate in DER. Whoever calls this has checked the certificate; what cannot be read of it is not there.
    pub fn parse(der: &[u8]) -> Self {
        let certificate = X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty());
        let subject = certificate.as_ref().map(|(_, certificate)| certificate.subject());
        // A certificate that was renewed is the same caller; one without a subject is a caller by itself.
        let who = subject
            .filter(|subject| subject.iter_attributes().next().is_some())
            .map_or(der, X509Name::as_raw);
        Self {
            common_name: subject.and_then(common_name).map(Into::into),
            subject_hash: fingerprint_of(("certificate", who)),
        }
    }

    /// The subject's common name; `None` if it has none or several, or one that nobody should compare with anything: empty, not
    /// a text, with control characters, or longer than [`MAX_COMMON_NAME`].
    pub(crate) fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Tells one subject from another, within this process.
    pub(crate) const fn subject_hash(&self) -> u64 {
        self.subject_hash
    }
}

fn common_name<'a>(subject: &X509Name<'a>) -> Option<&'a str> {
    let mut names = subject.iter_common_name();
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    let name = name.as_str().ok()?;
    let is_usable = !name.is_empty() && name.len() <= MAX_COMMON_NAME && !name.chars().any(char::is_control);
    is_usable.then_some(name)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn signed(names: &[(DnType, DnValue)]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in names {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn cn(value: &str) -> Vec<u8> {
        signed(&[(DnType::CommonName, value.into())])
    }

    fn name(der: &[u8]) -> Option<String> {
        ClientCertificate::parse(der).common_name().map(str::to_owned)
    }

    #[test]
    fn a_single_common_name_counts() {
        let organization = || (DnType::OrganizationName, "an organization".into());
        for text in ["one", "\u{e4}\u{1f980}", &"n".repeat(65), &"n".repeat(MAX_COMMON_NAME)] {
            assert_eq!(name(&cn(text)).as_deref(), Some(text));
            let more = signed(&[organization(), (DnType::CommonName, text.into())]);
            assert_eq!(name(&more).as_deref(), Some(text));
        }
        let printable = DnValue::PrintableString("one".try_into().unwrap());
        assert_eq!(name(&signed(&[(DnType::CommonName, printable)])).as_deref(), Some("one"));
    }

    #[test]
    fn a_name_that_is_no_text_or_not_the_only_one_is_none() {
        // The library that makes certificates takes each kind of attribute once: this is the same object identifier.
        let again = || DnType::CustomDnType(vec![2, 5, 4, 3]);
        let bmp = DnValue::BmpString("one".try_into().unwrap());
        for der in [
            signed(&[]),
            signed(&[(DnType::OrganizationName, "one".into())]),
            cn(""),
            cn("one\0two"),
            cn("one\ntwo"),
            cn("one\u{85}two"),
            cn(&"n".repeat(MAX_COMMON_NAME + 1)),
            cn(&"n".repeat(5000)),
            signed(&[(DnType::CommonName, "one".into()), (again(), "two".into())]),
            signed(&[(DnType::CommonName, "one".into()), (again(), "one".into())]),
            signed(&[(DnType::CommonName, "one".into()), (again(), "".into())]),
            signed(&[(DnType::CommonName, bmp)]),
        ] {
            assert_eq!(name(&der), None, "{der:x?}");
        }
        // A text that is not UTF-8.
        let mut broken = cn("a-name-to-be-broken");
        let at = broken.windows(19).rposition(|window| window == b"a-name-to-be-broken").unwrap();
        broken[at] = 0xff;
        assert_eq!(name(&broken), None);
        let good = cn("one");
        for der in [&b""[..], b"nonsense", &good[..good.len() - 1], &[&good[..], b"x"].concat()] {
            assert_eq!(name(der), None);
        }
    }

    #[test]
    fn who_calls_is_told_by_the_subject() {
        let hash = |der: &[u8]| ClientCertificate::parse(der).subject_hash();
        assert_eq!(hash(&cn("one")), hash(&cn("one")), "a renewed certificate");
        let organized = signed(&[(DnType::OrganizationName, "o".into()), (DnType::CommonName, "one".into())]);
        assert!(hash(&cn("one")) != hash(&cn("two")) && hash(&cn("one")) != hash(&organized));
        assert_ne!(hash(&signed(&[])), hash(&signed(&[])), "without a subject, each certificate is a caller");
    }
}
