//! Schema migrations, compiled in, one set for each dialect with the same names: which ones are pending, and how they are
//! applied and reverted.

mod postgres;
pub(crate) mod sqlite;
mod state;

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{Connection, ConnectionError, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use self::state::{POSTGRES, SQLITE, SchemaState, known};
use crate::connection::any::AnyConnection;
use crate::connection::opener::Opener;
use crate::connection::pooled::Pooled;
use crate::connection::sqlite_file::open;
use crate::connection::url::DatabaseUrl;
use crate::error::storage::StorageError;
use crate::settings::Settings;

/// How long a migration waits for another process that migrates the same database.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// Any number will do, as long as it stays: it names the lock that migrating processes share.
const ADVISORY_LOCK: i64 = 0x6761_7468_6572;

/// Applies, checks and reverts migrations on a connection of its own. It blocks.
#[expect(missing_debug_implementations, reason = "diesel's connections have none")]
pub struct Migrator {
    url: DatabaseUrl,
    connection: Pooled,
}

impl Migrator {
    /// The names of the migrations that are yet to be applied, in order. This changes nothing, so that on PostgreSQL a
    /// user who may only read and write rows can ask.
    ///
    /// # Errors
    /// When the database cannot be asked, and when migrations would not make it one that this program can work with: when it
    /// has some that this program does not know, or other tables than its migrations made.
    pub fn pending(settings: &Settings) -> Result<Vec<String>, StorageError> {
        let url = &settings.url;
        let connecting = |error: ConnectionError| StorageError::connecting(url, &error);
        let reading = |error| StorageError::migrating(url, Box::new(error));
        let state = match url {
            DatabaseUrl::Sqlite(path) if !path.exists() => SchemaState::default(),
            DatabaseUrl::Sqlite(path) => {
                let opened = open::unchanged(path, settings.query_timeout);
                sqlite::state(&mut opened.map_err(connecting)?).map_err(reading)?
            }
            DatabaseUrl::Postgres(text) => {
                let opener = Opener::postgres(text, settings.pool_timeout, settings.query_timeout);
                let mut connection = opener.open().map_err(connecting)?;
                connection.postgres().and_then(postgres::state).map_err(reading)?
            }
        };
        pending(&state, url)
    }

    /// Applies what is pending and returns its names. Where nothing is, nothing is written, and no right to is needed.
    pub fn bring_up_to_date(settings: &Settings) -> Result<Vec<String>, StorageError> {
        let pending = Self::pending(settings)?;
        if pending.is_empty() { Ok(pending) } else { Self::connect(settings)?.migrate() }
    }

    /// Connects to the database; on SQLite, makes the file and its folders where they are missing.
    pub fn connect(settings: &Settings) -> Result<Self, StorageError> {
        let connection = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                open::make_folder(path)?;
                open::create(path, LOCK_WAIT).map(AnyConnection::Sqlite).map(Pooled::new)
            }
            DatabaseUrl::Postgres(url) => Opener::postgres(url, settings.pool_timeout, Duration::ZERO).open(),
        };
        let connection = connection.map_err(|error| StorageError::connecting(&settings.url, &error))?;
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
        let result = match &mut *self.connection {
            AnyConnection::Sqlite(connection) => {
                connection.immediate_transaction(|connection| action.run(connection, SQLITE))
            }
            AnyConnection::Postgres(connection) => connection.transaction(|connection| {
                connection.batch_execute(&format!("SET LOCAL lock_timeout = {}", LOCK_WAIT.as_millis()))?;
                diesel::sql_query(format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
                    .execute(connection)?;
                postgres::use_record(connection)?;
                action.run(connection, POSTGRES)
            }),
        };
        result.map_err(|error| match error.downcast::<Unknown>() {
            Ok(unknown) => StorageError::UnknownMigrations { url: self.url.clone(), unknown: unknown.0 },
            Err(error) => StorageError::migrating(&self.url, error),
        })
    }
}

/// The names of the migrations to apply to a database, unless that would go wrong or not be enough.
fn pending(state: &SchemaState, url: &DatabaseUrl) -> Result<Vec<String>, StorageError> {
    let known = match url {
        DatabaseUrl::Sqlite(_) => known::<Sqlite>(&SQLITE),
        DatabaseUrl::Postgres(_) => known::<Pg>(&POSTGRES),
    };
    let known = known.map_err(|error| StorageError::migrating(url, error))?;
    let unknown = state.unknown(&known);
    if !unknown.is_empty() {
        return Err(StorageError::UnknownMigrations { url: url.clone(), unknown });
    }
    let missing = state.lacking();
    if !missing.is_empty() {
        return Err(StorageError::TablesMissing { url: url.clone(), missing });
    }
    let foreign = state.foreign();
    if !foreign.is_empty() {
        return Err(StorageError::ForeignTables { url: url.clone(), foreign });
    }
    let unapplied = state.unapplied(&known);
    let widening = state.widening(&known);
    // A newer program applies every migration before its own: one that is missing was reverted, or never ours.
    if !widening.is_empty() && !unapplied.is_empty() {
        return Err(StorageError::UnknownMigrations { url: url.clone(), unknown: widening });
    }
    Ok(unapplied)
}

/// Migrations that are recorded and not among those of this program.
#[derive(Debug, thiserror::Error)]
#[error("migrations that this program does not know were applied")]
struct Unknown(Vec<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        // Asked under the lock: a newer program may have been faster.
        let applied: Vec<String> = connection.applied_migrations()?.iter().map(ToString::to_string).collect();
        let state = SchemaState { applied, tables: Vec::new() };
        let known = known::<C::Backend>(&migrations)?;
        let mut unknown = state.unknown(&known);
        if self == Self::RevertLast || !state.unapplied(&known).is_empty() {
            unknown.extend(state.widening(&known));
        }
        if !unknown.is_empty() {
            return Err(Unknown(unknown).into());
        }
        match self {
            Self::Migrate => {
                let pending = connection.pending_migrations(migrations)?;
                connection.run_migrations(&pending)?;
                Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
            }
            Self::RevertLast => {
                if state.applied.is_empty() {
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
