//! Whether the database answers and takes writes, as probes ask.

use std::time::Duration;

use gathering_domain::store::{ContentStore, StoreError};

use super::Storage;
use crate::connection::any::AnyConnection;
use crate::database::Reads;
use crate::write::batch_writer::BatchWriter;
use crate::write::store_events;

/// A batch that was recorded so short a time ago is proof enough: then the writers' connection is not asked.
const RECENT: Duration = Duration::from_secs(2);

impl Storage {
    /// Asks the database for something small, in each way that it is asked: proof that it answers and that its schema is
    /// there.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.prepare_for_work()?;
        let lookup = async {
            match &self.database.reads {
                Reads::Sqlite(_) => Ok(()),
                Reads::Postgres(reads) => reads.ping().await,
            }
        };
        let (revision, lookup) = tokio::join!(self.content_revision(), lookup);
        revision.and(lookup)
    }

    /// Whether the database takes writes: what became of the last batches of this writer, or else a statement that changes
    /// no row and that a database refuses which only reads. Writes nothing.
    pub async fn check_writes(&self, writer: &BatchWriter) -> Result<(), StoreError> {
        self.database.prepare_for_work()?;
        if let Some(error) = writer.trouble() {
            return Err(error);
        }
        if writer.has_recorded_within(RECENT) {
            return Ok(());
        }
        let change_nothing = |connection: &mut AnyConnection| store_events::change_nothing(connection);
        self.database.writes.run(change_nothing).await
    }
}
