//! What a connection knows of the file that it was opened on.

use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;

use super::{Claim, SqliteFile, open};
use crate::error::sqlite_file::SqliteFileError;

/// The claim of a connection on its file. To be dropped after the connection.
#[derive(Debug)]
pub(crate) struct Lease {
    file: Arc<SqliteFile>,
    claim: Claim,
}

impl Lease {
    /// A connection to the file, and its lease.
    pub(crate) fn connect(
        file: &Arc<SqliteFile>,
        busy: Duration,
    ) -> Result<(SqliteConnection, Self), SqliteFileError> {
        let lease = Self { file: Arc::clone(file), claim: file.claim()? };
        let opened = open::existing(&file.path, busy).map_err(|error| SqliteFileError::opening(&error));
        // Another file may have come to the path meanwhile.
        lease.confirm()?;
        opened.map(|connection| (connection, lease))
    }

    /// Whether nobody found that the file was lost.
    pub(crate) fn is_current(&self) -> bool {
        self.file.generation() == self.claim.generation
    }

    /// Makes sure that the file is still the one at its path.
    pub(crate) fn confirm(&self) -> Result<(), SqliteFileError> {
        if !self.is_current() {
            return Err(SqliteFileError::Replaced);
        }
        let Claim { files, generation, .. } = &self.claim;
        files.check().inspect_err(|problem| self.file.lose(*generation, problem))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const BUSY: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_told_of_a_lost_file_that_is_in_use_is_whether_another_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gathering.db");
        let file = SqliteFile::create(&path, BUSY).unwrap();
        let used = Lease::connect(&file, BUSY).unwrap();
        fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(file.look_now(), Err(SqliteFileError::Missing));
        }
        fs::write(&path, "another one").unwrap();
        assert_eq!(file.look_now(), Err(SqliteFileError::Reopening));
        drop(used);
        assert_ne!(file.look_now(), Err(SqliteFileError::Reopening));
    }
}
