//! The HMAC secret of one test.

use std::path::PathBuf;

use tempfile::TempDir;

/// An HMAC secret made for one test.
#[derive(Debug)]
pub(crate) struct Secret(TempDir);

impl Secret {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("the temporary folder can be written to");
        let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        std::fs::write(folder.path().join("hmac.key"), secret)
            .expect("the temporary folder can be written to");
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("hmac.key")
    }
}
