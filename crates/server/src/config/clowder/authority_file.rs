//! Authorities of the database as a file, since that is how its client takes them.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempPath;

use crate::config::error::ConfigError;

/// How many this process has written.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// A file in the folder for temporary files that only this user can read. It goes with the last clone.
#[derive(Debug, Clone)]
pub(in crate::config) struct AuthorityFile(Arc<TempPath>);

impl AuthorityFile {
    /// A process that is killed leaves its file behind. The name is made of the process's number, so that in a container the
    /// next one replaces it, and a process that is killed again and again does not fill the folder. One process may have
    /// several configurations.
    pub(super) fn write(authorities: &str) -> Result<Self, ConfigError> {
        let folder = std::env::temp_dir();
        let (process, number) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("gathering-database-ca-{process}-{number}.pem"));
        let write = || -> std::io::Result<TempPath> {
            // Nobody but this user may read it, from its first moment.
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(authorities.as_bytes())?;
            // It takes the place of what has its name, and follows no link.
            file.persist(&path)?;
            TempPath::try_from_path(&path)
        };
        let file = write().map_err(|source| ConfigError::AuthorityFile { folder: folder.clone(), source })?;
        Ok(Self(Arc::new(file)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}
