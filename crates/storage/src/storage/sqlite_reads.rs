//! What a store on a SQLite file does before it asks: the file may have been lost.

use diesel::QueryResult;
use gathering_domain::StoreError;

use super::{Reads, Storage};
use crate::connection::AnyConnection;
use crate::readers::Readers;
use crate::sqlite_file::SqliteFile;

impl Storage {
    /// Asks SQLite on this very thread.
    pub(super) fn ask<T>(
        &self,
        readers: &Readers,
        file: &SqliteFile,
        question: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.leave_lost(readers, file);
        readers.ask(question)
    }

    /// Makes sure before work on another thread that there is a file to work on, so that nobody waits where there is none.
    pub(crate) fn prepare_for_work(&self) -> Result<(), StoreError> {
        let Reads::Sqlite(readers, file) = &self.reads else { return Ok(()) };
        self.leave_lost(readers, file);
        file.look_now().map_err(StoreError::unavailable)
    }

    /// Closes what is open of a SQLite file that was lost, and forgets what was read from it.
    pub(super) fn leave_lost(&self, readers: &Readers, file: &SqliteFile) {
        if file.is_draining() {
            readers.close_lost();
            self.lists.close_lost();
            self.writes.close_lost();
            self.processed.clear();
            file.tidy();
        }
    }

    /// How often the database was lost and may have become another one.
    pub(super) fn generation(&self) -> u64 {
        match &self.reads {
            Reads::Sqlite(_, file) => file.generation(),
            Reads::Postgres(_) => 0,
        }
    }
}
