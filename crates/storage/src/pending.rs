//! How the schema of a database stands to this program, found out without a write: diesel's own question makes its table
//! first.

mod search_path;

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{
    ConnectionError, QueryDsl, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query,
};

pub(crate) use self::search_path::use_record;
use crate::connection::Opener;
use crate::migrator::{POSTGRES, SQLITE};
use crate::{DatabaseUrl, Settings, StorageError, sqlite_file};

diesel::table! {
    /// Diesel's record of what was applied.
    __diesel_schema_migrations (version) {
        /// The migration's number.
        version -> Text,
    }
}

/// The tables that each migration makes, by its number.
const TABLES: [(&str, &[&str]); 2] =
    [("0001", &["requests", "clusters"]), ("0002", &["rule_content", "content_revision"])];

/// What a database holds, as far as migrations are concerned.
#[derive(Debug, Default)]
struct Found {
    /// The numbers of the migrations that are recorded as applied.
    applied: Vec<String>,
    /// Those of [`TABLES`] that are there.
    tables: Vec<String>,
}

/// The names of the migrations that are yet to be applied to a database that this program can work with once they are.
pub(crate) fn names(settings: &Settings) -> Result<Vec<String>, StorageError> {
    let url = &settings.url;
    let connecting = |error: ConnectionError| StorageError::connecting(url, &error);
    let reading = |error| StorageError::migrating(url, Box::new(error));
    let found = match url {
        DatabaseUrl::Sqlite(path) if !path.exists() => Found::default(),
        DatabaseUrl::Sqlite(path) => {
            let opened = sqlite_file::open::unchanged(path, settings.query_timeout);
            found_on_sqlite(&mut opened.map_err(connecting)?).map_err(reading)?
        }
        DatabaseUrl::Postgres(text) => {
            let opener = Opener::postgres(text, settings.pool_timeout, settings.query_timeout);
            let mut connection = opener.open().map_err(connecting)?;
            connection.postgres().and_then(search_path::found).map_err(reading)?
        }
    };
    found.pending(url)
}

/// Whether a SQLite database has the schema of this program, no more and no less.
pub(crate) fn is_ready(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let found = found_on_sqlite(connection)?;
    let known = known::<Sqlite>(&SQLITE).unwrap_or_default();
    Ok(found.unknown(&known).is_empty() && found.unapplied(&known).is_empty() && found.lacking().is_empty())
}

/// The numbers among these of migrations that this program does not know.
pub(crate) fn unknown<DB: Backend>(
    migrations: &impl MigrationSource<DB>,
    applied: &[String],
) -> MigrationResult<Vec<String>> {
    let found = Found { applied: applied.to_vec(), tables: Vec::new() };
    Ok(found.unknown(&known(migrations)?))
}

fn found_on_sqlite(connection: &mut SqliteConnection) -> QueryResult<Found> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    const RECORD: &str = "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')";
    let mut found = Found::default();
    if diesel::select(sql::<Bool>(RECORD)).get_result(connection)? {
        found.applied =
            __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)?;
    }
    let all: Vec<Named> =
        sql_query("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").load(connection)?;
    found.tables = all.into_iter().map(|named| named.name).filter(|name| is_ours(name)).collect();
    Ok(found)
}

fn is_ours(table: &str) -> bool {
    TABLES.iter().any(|(_, tables)| tables.contains(&table))
}

/// The number and the name of each migration of this program.
fn known<DB: Backend>(migrations: &impl MigrationSource<DB>) -> MigrationResult<Vec<(String, String)>> {
    let all = migrations.migrations()?;
    Ok(all.iter().map(|one| (one.name().version().to_string(), one.name().to_string())).collect())
}

impl Found {
    /// The names of the migrations to apply, unless that would go wrong or not be enough.
    fn pending(&self, url: &DatabaseUrl) -> Result<Vec<String>, StorageError> {
        let known = match url {
            DatabaseUrl::Sqlite(_) => known::<Sqlite>(&SQLITE),
            DatabaseUrl::Postgres(_) => known::<Pg>(&POSTGRES),
        };
        let known = known.map_err(|error| StorageError::migrating(url, error))?;
        let unknown = self.unknown(&known);
        if !unknown.is_empty() {
            return Err(StorageError::UnknownMigrations { url: url.clone(), unknown });
        }
        let missing = self.lacking();
        if !missing.is_empty() {
            return Err(StorageError::TablesMissing { url: url.clone(), missing });
        }
        let foreign = self.foreign();
        if !foreign.is_empty() {
            return Err(StorageError::ForeignTables { url: url.clone(), foreign });
        }
        Ok(self.unapplied(&known))
    }

    fn unknown(&self, known: &[(String, String)]) -> Vec<String> {
        let is_known = |version: &String| known.iter().any(|(number, _)| number == version);
        self.applied.iter().filter(|version| !is_known(version)).cloned().collect()
    }

    fn unapplied(&self, known: &[(String, String)]) -> Vec<String> {
        let names = known.iter().filter(|(version, _)| !self.applied.contains(version));
        names.map(|(_, name)| name.clone()).collect()
    }

    /// The tables that are not there although the migration that makes them is recorded.
    fn lacking(&self) -> Vec<String> {
        self.tables_of(true).filter(|table| !self.has(table)).map(str::to_owned).collect()
    }

    /// The tables that are there although the migration that makes them is not recorded.
    fn foreign(&self) -> Vec<String> {
        self.tables_of(false).filter(|table| self.has(table)).map(str::to_owned).collect()
    }

    fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|found| found == table)
    }

    fn tables_of(&self, applied: bool) -> impl Iterator<Item = &'static str> {
        let is_applied = |version: &str| self.applied.iter().any(|number| number == version);
        TABLES
            .iter()
            .filter(move |(version, _)| is_applied(version) == applied)
            .flat_map(|(_, tables)| *tables)
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use diesel::Connection;
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
            let found = found_on_sqlite(&mut connection).unwrap();
            assert_eq!((found.lacking(), found.foreign()), (vec![], vec![]), "{}", migration.name());
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
