//! Which migrations are yet to be applied, found out without a write: diesel's own question makes its table first.

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel::pg::Pg;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use diesel::{QueryDsl, QueryResult, RunQueryDsl};

use crate::connection::{AnyConnection, Opener};
use crate::migrator::{POSTGRES, SQLITE};
use crate::{DatabaseUrl, Settings, StorageError};

diesel::table! {
    /// Diesel's record of what was applied.
    __diesel_schema_migrations (version) {
        /// The migration's number.
        version -> Text,
    }
}

pub(crate) fn names(settings: &Settings) -> Result<Vec<String>, StorageError> {
    let opener = match &settings.url {
        DatabaseUrl::Sqlite(path) if !path.exists() => return known(&settings.url, &[]),
        DatabaseUrl::Sqlite(path) => Opener::sqlite(path, settings.query_timeout),
        DatabaseUrl::Postgres(url) => Opener::postgres(url, settings.pool_timeout, settings.query_timeout),
    };
    let url = || settings.url.clone();
    let mut connection =
        opener.open().map_err(|error| StorageError::Connect { url: url(), source: error.into() })?;
    let applied = applied(&mut connection)
        .map_err(|error| StorageError::Migration { url: url(), source: error.into() })?;
    known(&settings.url, &applied)
}

fn applied(connection: &mut AnyConnection) -> QueryResult<Vec<String>> {
    const ON_SQLITE: &str = "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')";
    const ON_POSTGRES: &str = "to_regclass('__diesel_schema_migrations') IS NOT NULL";
    let versions = || __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
    match connection {
        AnyConnection::Sqlite(connection) => {
            let exists = diesel::select(sql::<Bool>(ON_SQLITE)).get_result(connection)?;
            if exists { versions().load(connection) } else { Ok(Vec::new()) }
        }
        AnyConnection::Postgres(connection) => {
            let exists = diesel::select(sql::<Bool>(ON_POSTGRES)).get_result(connection)?;
            if exists { versions().load(connection) } else { Ok(Vec::new()) }
        }
    }
}

/// The migrations of this program that are not among the applied ones.
fn known(url: &DatabaseUrl, applied: &[String]) -> Result<Vec<String>, StorageError> {
    let unapplied = match url {
        DatabaseUrl::Sqlite(_) => unapplied::<Sqlite>(&SQLITE, applied),
        DatabaseUrl::Postgres(_) => unapplied::<Pg>(&POSTGRES, applied),
    };
    unapplied.map_err(|source| StorageError::Migration { url: url.clone(), source })
}

fn unapplied<DB: Backend>(
    migrations: &impl MigrationSource<DB>,
    applied: &[String],
) -> MigrationResult<Vec<String>> {
    let all = migrations.migrations()?;
    let names = all.iter().map(|migration| migration.name());
    Ok(names.filter(|name| !applied.contains(&name.version().to_string())).map(ToString::to_string).collect())
}
