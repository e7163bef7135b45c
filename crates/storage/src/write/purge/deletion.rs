//! What is purged, and how far a step of it came.

use diesel::result::Error;

/// Rows deleted in one transaction: on SQLite a few milliseconds of the write lock.
pub(super) const STEP: u32 = 500;

/// What becomes out of date.
#[derive(Debug)]
pub(crate) struct Deletion {
    /// A table whose key begins with organization and cluster, and the column that says from when on a row counts as absent.
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// Deletes at most so many rows, the second parameter, of those that are out of date at a time, the first.
    pub(crate) sqlite: &'static str,
}

/// Expired requests.
pub(crate) static REQUESTS: Deletion = Deletion {
    table: "requests",
    column: "expires_at",
    sqlite: "DELETE FROM requests WHERE rowid IN (
                 SELECT rowid FROM requests WHERE expires_at <= ? LIMIT ?)",
};

/// Clusters without a record for long.
pub(super) static CLUSTERS: Deletion = Deletion {
    table: "clusters",
    column: "last_seen",
    sqlite: "DELETE FROM clusters WHERE rowid IN (
                 SELECT rowid FROM clusters WHERE last_seen <= ? LIMIT ?)",
};

/// What a step did.
#[derive(Debug)]
pub(super) enum Step {
    /// It deleted so many rows, and there may be more, of this time and later ones.
    Deleted { count: usize, from: i64 },
    /// It deleted so many rows, and there is nothing left for this one to do.
    Last(usize),
    /// Somebody holds a row of those that it was to delete; what the database says of it.
    Held(Error),
}
