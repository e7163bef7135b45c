//! Leaving a lost file in order.

use std::sync::{Arc, Weak};

use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::files::Files;

/// A file that was lost, with the connection that keeps it.
pub(super) struct Retired {
    files: Arc<Files>,
    anchor: SqliteConnection,
    uses: Weak<()>,
}

impl Retired {
    pub(super) fn new(files: Arc<Files>, anchor: SqliteConnection, uses: &Arc<()>) -> Self {
        Self { files, anchor, uses: Arc::downgrade(uses) }
    }

    /// Whether a connection to it is open, beside the anchor.
    pub(super) fn is_used(&self) -> bool {
        self.uses.strong_count() > 0
    }

    /// Writes what was committed into the file, wherever it is now, and takes away what SQLite would take for companions of
    /// the next file. Of a file that is still in its place SQLite takes care when the last connection is closed.
    pub(super) fn tidy(self) {
        let Self { files, mut anchor, .. } = self;
        let wal_is_empty = empty_wal(&mut anchor);
        drop(anchor);
        if !files.is_in_place()
            && let Err(error) = files.take_companions(wal_is_empty)
        {
            log::error!("what a lost database file left behind cannot be taken away: {error}");
        }
    }
}

fn empty_wal(anchor: &mut SqliteConnection) -> bool {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    let done = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(anchor);
    done.is_ok_and(|done| done.busy == 0)
}
