//! What rule content needs of a database.

use diesel::sql_types::{Integer, Text};
use diesel::{Connection, QueryResult, QueryableByName};

use super::row::ContentRow;
use crate::connection::progress::Progress;

/// A connection to a database with rule content.
pub(super) trait ContentTables: Connection {
    /// The number of the content that is stored.
    fn revision(&mut self) -> QueryResult<i64>;

    /// All rows, of one moment.
    fn load(&mut self, progress: &Progress) -> QueryResult<Vec<LoadedRow>>;

    /// Begins a replacement within a transaction, and waits for others that are under way.
    fn begin_replacement(&mut self, progress: &Progress) -> QueryResult<()>;

    /// Adds rows.
    fn insert(&mut self, rows: &[ContentRow<'_>]) -> QueryResult<()>;
}

/// A row of `rule_content`.
#[derive(QueryableByName)]
pub(super) struct LoadedRow {
    #[diesel(sql_type = Text)]
    pub(super) module: String,
    #[diesel(sql_type = Text)]
    pub(super) error_key: String,
    #[diesel(sql_type = Text)]
    pub(super) generic: String,
    #[diesel(sql_type = Text)]
    pub(super) summary: String,
    #[diesel(sql_type = Integer)]
    pub(super) total_risk: i32,
}
