//! Keys that verify tokens, read from files and judged when they are read.

use std::path::Path;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaParameters, VerificationAlgorithm,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use crate::{AuthError, KeyProblem};

/// Fewest bytes of an HMAC secret: the output size of HS256 (RFC 7518 section 3.2).
const MIN_SECRET: usize = 32;

/// A key with the algorithms that it may verify.
pub(crate) struct VerifyingKey {
    pub(crate) key: DecodingKey,
    algorithms: &'static [Algorithm],
}

impl VerifyingKey {
    /// Whether the key is of the algorithm's family and, on a curve, of its size.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(crate) fn hmac(path: &Path) -> Result<Self, AuthError> {
        let secret = hmac_secret(path)?;
        Ok(Self { key: DecodingKey::from_secret(&secret), algorithms: HMAC })
    }

    pub(crate) fn public(path: &Path) -> Result<Self, AuthError> {
        let pem = read(path)?;
        public_key(&pem).map_err(|problem| AuthError::Key { path: path.to_owned(), problem })
    }
}

const HMAC: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, AuthError> {
    std::fs::read(path).map_err(|source| AuthError::KeyFile { path: path.to_owned(), source })
}

/// The bytes of the file without one newline at the end, which editors and `echo` add.
pub(crate) fn hmac_secret(path: &Path) -> Result<Vec<u8>, AuthError> {
    let mut secret = read(path)?;
    if secret.last() == Some(&b'\n') {
        secret.pop();
    }
    let problem = if is_pem(&secret) {
        KeyProblem::PemAsSecret
    } else if secret.len() < MIN_SECRET {
        KeyProblem::ShortSecret
    } else {
        return Ok(secret);
    };
    Err(AuthError::Key { path: path.to_owned(), problem })
}

fn is_pem(bytes: &[u8]) -> bool {
    count(bytes, b"-----BEGIN ") > 0
}

fn count(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes.windows(pattern.len()).filter(|window| *window == pattern).count()
}

fn public_key(pem: &[u8]) -> Result<VerifyingKey, KeyProblem> {
    match count(pem, b"-----BEGIN ") {
        0 => return Err(KeyProblem::NoPublicKey),
        1 => {}
        _ => return Err(KeyProblem::Several),
    }
    // The PEM reader takes both of these for public keys of RSA.
    if count(pem, b"PRIVATE KEY-----") > 0 {
        return Err(KeyProblem::Private);
    }
    if count(pem, b"CERTIFICATE-----") > 0 {
        return Err(KeyProblem::Certificate);
    }
    let key = DecodingKey::from_rsa_pem(pem)
        .or_else(|_| DecodingKey::from_ec_pem(pem))
        .or_else(|_| DecodingKey::from_ed_pem(pem))
        .map_err(|_| KeyProblem::NoPublicKey)?;
    let bytes = key.try_get_as_bytes().map_err(|_| KeyProblem::NoPublicKey)?;
    let algorithms = algorithms(key.family(), bytes).ok_or(KeyProblem::NoPublicKey)?;
    Ok(VerifyingKey { key, algorithms })
}

/// What a public key may verify; `None` if it would never verify anything.
fn algorithms(family: AlgorithmFamily, bytes: &[u8]) -> Option<&'static [Algorithm]> {
    fn parses(algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]) -> bool {
        ParsedPublicKey::new(algorithm, bytes).is_ok()
    }
    match family {
        AlgorithmFamily::Rsa => {
            let bits = RsaParameters::public_modulus_len(bytes).ok()?;
            ((2048..=8192).contains(&bits) && parses(&RSA_PKCS1_2048_8192_SHA256, bytes)).then_some(RSA)
        }
        AlgorithmFamily::Ec if parses(&ECDSA_P256_SHA256_FIXED, bytes) => Some(&[Algorithm::ES256]),
        AlgorithmFamily::Ec if parses(&ECDSA_P384_SHA384_FIXED, bytes) => Some(&[Algorithm::ES384]),
        AlgorithmFamily::Ed if parses(&ED25519, bytes) => Some(&[Algorithm::EdDSA]),
        AlgorithmFamily::Ec | AlgorithmFamily::Ed | AlgorithmFamily::Hmac => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys::{TestKey, file, pem};

    fn problem(content: &[u8]) -> Option<KeyProblem> {
        public_key(content).err()
    }

    #[test]
    fn each_kind_of_public_key_is_bound_to_its_algorithms() {
        for (key, accepted, refused) in [
            (TestKey::rsa(), Algorithm::PS512, Algorithm::HS256),
            (TestKey::p256(), Algorithm::ES256, Algorithm::ES384),
            (TestKey::p384(), Algorithm::ES384, Algorithm::ES256),
            (TestKey::ed25519(), Algorithm::EdDSA, Algorithm::ES256),
        ] {
            let key = public_key(key.public_pem.as_bytes()).ok().unwrap();
            assert!(key.accepts(accepted) && !key.accepts(refused), "{accepted:?}");
        }
    }

    #[test]
    fn unusable_public_key_files_say_what_they_are() {
        let key = TestKey::p256();
        assert_eq!(problem(b""), Some(KeyProblem::NoPublicKey));
        assert_eq!(problem(b"no PEM at all"), Some(KeyProblem::NoPublicKey));
        assert_eq!(problem(pem("PUBLIC KEY", b"nonsense").as_bytes()), Some(KeyProblem::NoPublicKey));
        assert_eq!(problem(pem("CERTIFICATE", b"x").as_bytes()), Some(KeyProblem::Certificate));
        assert_eq!(problem(key.private_pem.as_bytes()), Some(KeyProblem::Private));
        assert_eq!(problem(TestKey::rsa().private_pem.as_bytes()), Some(KeyProblem::Private));
        let twice = format!("{0}{0}", key.public_pem);
        assert_eq!(problem(twice.as_bytes()), Some(KeyProblem::Several));
        let p521 = TestKey::p521();
        assert_eq!(problem(p521.public_pem.as_bytes()), Some(KeyProblem::NoPublicKey));
    }

    #[test]
    fn a_secret_is_the_file_without_one_newline() {
        let secret = |content: &[u8]| hmac_secret(file(content).path());
        assert_eq!(secret(&[b'x'; 32]).unwrap(), [b'x'; 32]);
        assert_eq!(secret(&[[b'x'; 32].as_slice(), b"\n"].concat()).unwrap(), [b'x'; 32]);
        assert_eq!(secret(&[[b'x'; 32].as_slice(), b"\n\n"].concat()).unwrap().len(), 33);
        assert_eq!(secret(&[0xff; 40]).unwrap(), [0xff; 40], "any bytes will do");
        let refused = |content: &[u8]| match secret(content) {
            Err(AuthError::Key { problem, .. }) => problem,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&[[b'x'; 31].as_slice(), b"\n"].concat()), KeyProblem::ShortSecret);
        assert_eq!(refused(TestKey::p256().public_pem.as_bytes()), KeyProblem::PemAsSecret);
        assert!(matches!(hmac_secret(Path::new("/no/such/file")), Err(AuthError::KeyFile { .. })));
    }
}
