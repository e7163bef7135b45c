//! Schema migrations, compiled in, one set for each dialect with the same names.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel::{Connection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::{AnyConnection, Opener};
use crate::storage::make_folder;
use crate::{DatabaseUrl, Settings, StorageError, pending};

pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How long a migration waits for another process that migrates the same database.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// Any number will do, as long as it stays: it names the lock that migrating processes share.
const ADVISORY_LOCK: i64 = 0x6761_7468_6572;

/// Applies, checks and reverts migrations on a connection of its own. It blocks.
#[expect(missing_debug_implementations, reason = "diesel's connections have none")]
pub struct Migrator {
    url: DatabaseUrl,
    connection: AnyConnection,
}

impl Migrator {
    /// The names of the migrations that are yet to be applied, in order. This makes no file and no table, so
    /// that on PostgreSQL a user without rights on the schema can ask.
    pub fn pending(settings: &Settings) -> Result<Vec<String>, StorageError> {
        pending::names(settings)
    }

    /// Connects to the database; on SQLite, makes the file and its folders where they are missing.
    pub fn connect(settings: &Settings) -> Result<Self, StorageError> {
        let opener = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                make_folder(path)?;
                Opener::sqlite(path, LOCK_WAIT)
            }
            DatabaseUrl::Postgres(url) => Opener::postgres(url, settings.pool_timeout, Duration::ZERO),
        };
        let connection = opener
            .open()
            .map_err(|error| StorageError::Connect { url: settings.url.clone(), source: error.into() })?;
        Ok(Self { url: settings.url.clone(), connection })
    }

    /// Applies what is pending, all of it or nothing, and returns its names.
    pub fn migrate(&mut self) -> Result<Vec<String>, StorageError> {
        self.exclusively(Action::Migrate)
    }

    /// Reverts the migration that was applied last and returns its name; `None` if there is none.
    pub fn revert_last(&mut self) -> Result<Option<String>, StorageError> {
        self.exclusively(Action::RevertLast).map(|names| names.into_iter().next())
    }

    /// Two processes that start at the same moment must not both apply a migration.
    fn exclusively(&mut self, action: Action) -> Result<Vec<String>, StorageError> {
        let result = match &mut self.connection {
            AnyConnection::Sqlite(connection) => {
                connection.immediate_transaction(|connection| action.run(connection, SQLITE))
            }
            AnyConnection::Postgres(connection) => connection.transaction(|connection| {
                connection.batch_execute(&format!("SET LOCAL lock_timeout = {}", LOCK_WAIT.as_millis()))?;
                diesel::sql_query(format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
                    .execute(connection)?;
                action.run(connection, POSTGRES)
            }),
        };
        result.map_err(|source| StorageError::Migration { url: self.url.clone(), source })
    }
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Migrate,
    RevertLast,
}

impl Action {
    fn run<C>(self, connection: &mut C, migrations: EmbeddedMigrations) -> MigrationResult<Vec<String>>
    where
        C: Connection + MigrationHarness<C::Backend>,
        C::Backend: 'static,
    {
        match self {
            Self::Migrate => {
                let pending = connection.pending_migrations(migrations)?;
                connection.run_migrations(&pending)?;
                Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
            }
            Self::RevertLast => {
                if connection.applied_migrations()?.is_empty() {
                    return Ok(Vec::new());
                }
                let all = MigrationSource::<C::Backend>::migrations(&migrations)?;
                let version = connection.revert_last_migration(migrations)?;
                let name =
                    all.iter().map(|migration| migration.name()).find(|name| name.version() == version);
                Ok(vec![name.map_or_else(|| version.to_string(), ToString::to_string)])
            }
        }
    }
}
