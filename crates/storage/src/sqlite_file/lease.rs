//! What a connection knows of the file that it was opened on.

use std::sync::Arc;

use super::files::Files;
use super::{SqliteFile, SqliteFileError};

/// The claim of a connection on its file. To be dropped after the connection: while it lives, no other file is opened.
#[derive(Debug)]
pub(crate) struct Lease {
    file: Arc<SqliteFile>,
    files: Arc<Files>,
    generation: u64,
    _uses: Arc<()>,
}

impl Lease {
    pub(super) const fn new(
        file: Arc<SqliteFile>,
        files: Arc<Files>,
        generation: u64,
        uses: Arc<()>,
    ) -> Self {
        Self { file, files, generation, _uses: uses }
    }

    /// Whether nobody found that the file was lost.
    pub(crate) fn is_current(&self) -> bool {
        self.file.generation() == self.generation
    }

    /// Makes sure that the file is still the one at its path.
    pub(crate) fn confirm(&self) -> Result<(), SqliteFileError> {
        if !self.is_current() {
            return Err(SqliteFileError::Replaced);
        }
        self.files.check().inspect_err(|problem| self.file.lose(self.generation, problem))
    }
}
