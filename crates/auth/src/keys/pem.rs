//! Keys in files of their own: the secret of an HMAC, and a public key in PEM.

use std::path::Path;

use jsonwebtoken::DecodingKey;

use super::error::KeyError;
use super::key::VerifyingKey;
use crate::error::AuthError;

/// The least length of a secret in bytes: the output size of HS256 (RFC 7518 section 3.2).
pub(crate) const MIN_SECRET: usize = 32;

/// The content of a file with keys, secrets or certificates.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, AuthError> {
    std::fs::read(path).map_err(|source| AuthError::KeyFile { path: path.to_owned(), source })
}

/// The HMAC secret in a file.
pub(crate) fn hmac_secret(path: &Path) -> Result<Vec<u8>, AuthError> {
    let content = read(path)?;
    let secret = secret(&content).map_err(|error| AuthError::Key { path: path.to_owned(), error })?;
    Ok(secret.to_vec())
}

/// The secret in the content of a file: all bytes but one newline at the end, which editors and `echo` add.
pub(super) fn secret(content: &[u8]) -> Result<&[u8], KeyError> {
    let secret = content.strip_suffix(b"\n").unwrap_or(content);
    if is_pem(secret) {
        Err(KeyError::PemAsSecret)
    } else if secret.len() < MIN_SECRET {
        Err(KeyError::ShortSecret)
    } else {
        Ok(secret)
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    count(bytes, b"-----BEGIN ") > 0
}

fn count(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes.windows(pattern.len()).filter(|window| *window == pattern).count()
}

/// The one public key in the content of a file.
pub(super) fn public_key(pem: &[u8]) -> Result<VerifyingKey, KeyError> {
    match count(pem, b"-----BEGIN ") {
        0 => return Err(KeyError::NoPublicKey),
        1 => {}
        _ => return Err(KeyError::SeveralKeys),
    }
    // The reader of the library takes both of these for public keys of RSA.
    if count(pem, b"PRIVATE KEY-----") > 0 {
        return Err(KeyError::Private);
    }
    if count(pem, b"CERTIFICATE-----") > 0 {
        return Err(KeyError::Certificate);
    }
    let key = DecodingKey::from_rsa_pem(pem)
        .or_else(|_| DecodingKey::from_ec_pem(pem))
        .or_else(|_| DecodingKey::from_ed_pem(pem))
        .map_err(|_| KeyError::NoPublicKey)?;
    VerifyingKey::public(key, None).ok_or(KeyError::NoPublicKey)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;

    use super::*;
    use crate::testing::{TestKey, file, pem};

    fn problem(content: &[u8]) -> Option<KeyError> {
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
        assert_eq!(problem(b""), Some(KeyError::NoPublicKey));
        assert_eq!(problem(b"no PEM at all"), Some(KeyError::NoPublicKey));
        assert_eq!(problem(pem("PUBLIC KEY", b"nonsense").as_bytes()), Some(KeyError::NoPublicKey));
        assert_eq!(problem(pem("CERTIFICATE", b"x").as_bytes()), Some(KeyError::Certificate));
        assert_eq!(problem(key.private_pem.as_bytes()), Some(KeyError::Private));
        assert_eq!(problem(TestKey::rsa().private_pem.as_bytes()), Some(KeyError::Private));
        let twice = format!("{0}{0}", key.public_pem);
        assert_eq!(problem(twice.as_bytes()), Some(KeyError::SeveralKeys));
        let p521 = TestKey::p521();
        assert_eq!(problem(p521.public_pem.as_bytes()), Some(KeyError::NoPublicKey));
    }

    #[test]
    fn a_secret_is_the_file_without_one_newline() {
        let secret = |content: &[u8]| hmac_secret(file(content).path());
        assert_eq!(secret(&[b'x'; 32]).unwrap(), [b'x'; 32]);
        assert_eq!(secret(&[[b'x'; 32].as_slice(), b"\n"].concat()).unwrap(), [b'x'; 32]);
        assert_eq!(secret(&[[b'x'; 32].as_slice(), b"\n\n"].concat()).unwrap().len(), 33);
        assert_eq!(secret(&[0xff; 40]).unwrap(), [0xff; 40], "any bytes will do");
        let error = |content: &[u8]| match secret(content) {
            Err(AuthError::Key { error, .. }) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(error(&[[b'x'; 31].as_slice(), b"\n"].concat()), KeyError::ShortSecret);
        assert_eq!(error(TestKey::p256().public_pem.as_bytes()), KeyError::PemAsSecret);
        assert!(matches!(hmac_secret(Path::new("/no/such/file")), Err(AuthError::KeyFile { .. })));
    }
}
