//! The schema of a SQLite database, found out without a write: diesel's own question makes its table first.

use diesel::dsl::sql;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryDsl, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::state::{SQLITE, SchemaState, TABLES, known};

diesel::table! {
    /// Diesel's record of what was applied.
    __diesel_schema_migrations (version) {
        /// The migration's number.
        version -> Text,
    }
}

/// Whether a SQLite database has the schema of this program, no more and no less.
pub(crate) fn is_ready(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let state = state(connection)?;
    let known = known::<Sqlite>(&SQLITE).unwrap_or_default();
    Ok(state.unknown(&known).is_empty() && state.unapplied(&known).is_empty() && state.lacking().is_empty())
}

/// Finds out what a database holds.
pub(super) fn state(connection: &mut SqliteConnection) -> QueryResult<SchemaState> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    const RECORD: &str = "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')";
    let mut state = SchemaState::default();
    if diesel::select(sql::<Bool>(RECORD)).get_result(connection)? {
        state.applied =
            __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)?;
    }
    let all: Vec<Named> =
        sql_query("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").load(connection)?;
    state.tables = all.into_iter().map(|named| named.name).filter(|name| is_ours(name)).collect();
    Ok(state)
}

fn is_ours(table: &str) -> bool {
    TABLES.iter().any(|(_, tables)| tables.contains(&table))
}

#[cfg(test)]
mod tests {
    use diesel::Connection;
    use diesel::migration::MigrationSource;
    use diesel_migrations::MigrationHarness;

    use super::*;

    #[test]
    fn every_table_is_known_by_its_migration() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        // Makes diesel's own table.
        connection.applied_migrations().unwrap();
        for migration in MigrationSource::<Sqlite>::migrations(&SQLITE).unwrap() {
            assert!(!is_ready(&mut connection).unwrap());
            connection.run_migration(&*migration).unwrap();
            let state = state(&mut connection).unwrap();
            assert_eq!((state.lacking(), state.foreign()), (vec![], vec![]), "{}", migration.name());
        }
        assert!(is_ready(&mut connection).unwrap());
        let all: i64 = diesel::select(sql::<diesel::sql_types::BigInt>(
            "(SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\')",
        ))
        .get_result(&mut connection)
        .unwrap();
        let known: usize = TABLES.iter().map(|(_, tables)| tables.len()).sum();
        assert_eq!(usize::try_from(all).unwrap(), known);
    }
}
