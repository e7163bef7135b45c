//! The keys of an issuer that are in files. Each file is read by itself, so that a broken file does not hold up a change of
//! another.

use std::path::{Path, PathBuf};

use super::error::KeyError;
use super::jwk::Origin;
use super::jwks::parse;
use super::key::VerifyingKey;
use super::key_set::KeySet;
use super::pem::{public_key, read, secret};
use crate::error::AuthError;
use crate::settings::KeySettings;

/// Files with keys, and their content when it could last be used.
pub(crate) struct KeyFiles(Vec<KeyFile>);

struct KeyFile {
    path: PathBuf,
    kind: Kind,
    content: Vec<u8>,
    keys: Vec<VerifyingKey>,
}

#[derive(Clone, Copy)]
enum Kind {
    Secret,
    PublicKey,
    KeySet,
}

impl KeyFiles {
    /// Reads and checks all of them.
    pub(crate) fn open(settings: &KeySettings) -> Result<Self, AuthError> {
        let secrets = settings.hmac_secret_file.iter().map(|path| (path, Kind::Secret));
        let public = settings.public_key_files.iter().map(|path| (path, Kind::PublicKey));
        let sets = settings.jwks_file.iter().map(|path| (path, Kind::KeySet));
        let open = |(path, kind): (&PathBuf, Kind)| {
            let content = read(path)?;
            let keys = keys(kind, path, &content)?;
            Ok(KeyFile { path: path.clone(), kind, content, keys })
        };
        Ok(Self(secrets.chain(public).chain(sets).map(open).collect::<Result<_, _>>()?))
    }

    /// Reads all of them again.
    ///
    /// # Errors
    /// When one cannot be used. Its keys stay as they were, and the other files are read all the same.
    pub(crate) fn reload(&mut self) -> Result<(), AuthError> {
        let results: Vec<_> = self.0.iter_mut().map(KeyFile::reload).collect();
        results.into_iter().collect()
    }

    /// The keys of all files.
    pub(crate) fn set(&self) -> KeySet {
        KeySet::new(self.0.iter().flat_map(|file| &file.keys).cloned().collect())
    }
}

impl KeyFile {
    fn reload(&mut self) -> Result<(), AuthError> {
        let content = read(&self.path)?;
        if content != self.content {
            self.keys = keys(self.kind, &self.path, &content)?;
            self.content = content;
        }
        Ok(())
    }
}

fn keys(kind: Kind, path: &Path, content: &[u8]) -> Result<Vec<VerifyingKey>, AuthError> {
    let invalid = |error: KeyError| AuthError::Key { path: path.to_owned(), error };
    match kind {
        Kind::Secret => Ok(vec![VerifyingKey::hmac(secret(content).map_err(invalid)?, None)]),
        Kind::PublicKey => Ok(vec![public_key(content).map_err(invalid)?]),
        Kind::KeySet => {
            let (set, skipped) = parse(content, Origin::File).map_err(invalid)?;
            skipped.log(&path.display());
            Ok(set.into_keys())
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::json;

    use super::*;
    use crate::testing::{TestKey, file};

    #[test]
    fn a_broken_file_keeps_no_change_of_another_out() {
        let (one, two, three) = (TestKey::p256(), TestKey::p384(), TestKey::ed25519());
        let set = |key: &TestKey| json!({"keys": [key.jwk("k")]}).to_string();
        let (pem, jwks) = (file(one.public_pem.as_bytes()), file(set(&two).as_bytes()));
        let mut files = KeyFiles::open(&KeySettings {
            public_key_files: vec![pem.path().to_owned()],
            jwks_file: Some(jwks.path().to_owned()),
            ..KeySettings::default()
        })
        .unwrap();
        let has = |files: &KeyFiles, algorithm| files.set().candidates(algorithm, Some("k")).is_ok();
        std::fs::write(pem.path(), "broken").unwrap();
        std::fs::write(jwks.path(), set(&three)).unwrap();
        assert!(files.reload().is_err());
        assert!(has(&files, Algorithm::ES256), "what was read from the broken one stays");
        assert!(has(&files, Algorithm::EdDSA) && !has(&files, Algorithm::ES384), "and the other is taken");
        assert!(files.reload().is_err(), "it is still broken");
        std::fs::write(pem.path(), &one.public_pem).unwrap();
        assert!(files.reload().is_ok());
    }
}
