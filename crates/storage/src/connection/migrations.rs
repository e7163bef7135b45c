//! Schema migrations, compiled in, one set for each dialect with the same names: which ones are pending, and how they are
//! applied and reverted.

mod action;
mod postgres;
pub(crate) mod sqlite;
mod state;
mod step;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::Result as MigrationResult;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{Connection, ConnectionError, PgConnection, RunQueryDsl, sql_query};

use self::action::{Action, Refusal};
use self::state::{POSTGRES, SQLITE, SchemaState, known};
pub use self::step::MigrationStep;
use self::step::Observer;
use crate::connection::any::AnyConnection;
use crate::connection::network::Server;
use crate::connection::opener::Opener;
use crate::connection::pooled::Pooled;
use crate::connection::session::{Pooler, is_standby};
use crate::connection::sqlite_file::open;
use crate::connection::url::DatabaseUrl;
use crate::error::storage::StorageError;
use crate::settings::Settings;

/// How long a migration waits for a lock of somebody else on a table, or on the file of SQLite.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// How long it waits for its turn while another process migrates the same database: as long as a pod has for its start, in
/// deploy/base. And how often it asks whether it is its turn.
const TURN_WAIT: Duration = Duration::from_secs(5 * 60);
const TURN_POLL: Duration = Duration::from_millis(200);

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
                let mut connection = primary(settings, text, settings.query_timeout)?;
                let state = connection.work(|connection| postgres::state(connection.postgres()?));
                let state = state.map_err(reading)?;
                if settings.pooler == Pooler::None {
                    warn_of_shared_sessions(settings, text, &mut connection);
                }
                state
            }
        };
        pending(&state, url)
    }

    /// Applies what is pending and returns its names. Where nothing is, nothing is written, and no right to is needed.
    pub fn bring_up_to_date(settings: &Settings) -> Result<Vec<String>, StorageError> {
        Self::bring_up_to_date_telling(settings, |_| ())
    }

    /// The same, and tells the observer of each step before it.
    pub fn bring_up_to_date_telling(
        settings: &Settings,
        mut observer: impl FnMut(MigrationStep<'_>),
    ) -> Result<Vec<String>, StorageError> {
        let pending = Self::pending(settings)?;
        if pending.is_empty() {
            return Ok(pending);
        }
        Self::connect(settings)?.exclusively(Action::Migrate, &mut observer)
    }

    /// Connects to the database; on SQLite, makes the file and its folders where they are missing.
    pub fn connect(settings: &Settings) -> Result<Self, StorageError> {
        let connection = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                open::make_folder(path)?;
                open::create(path, LOCK_WAIT)
                    .map(|connection| Pooled::new(AnyConnection::Sqlite(connection)))
                    .map_err(|error| StorageError::connecting(&settings.url, &error))?
            }
            // What it asks before it takes the lock is answered at once, or never.
            DatabaseUrl::Postgres(url) => primary(settings, url, settings.query_timeout)?,
        };
        Ok(Self { url: settings.url.clone(), connection })
    }

    /// Applies what is pending, all of it or nothing, and returns its names.
    pub fn migrate(&mut self) -> Result<Vec<String>, StorageError> {
        self.exclusively(Action::Migrate, &mut |_| ())
    }

    /// Reverts the migration that was applied last and returns its name; `None` if there is none.
    pub fn revert_last(&mut self) -> Result<Option<String>, StorageError> {
        self.exclusively(Action::RevertLast, &mut |_| ()).map(|names| names.into_iter().next())
    }

    /// Two processes that start at the same moment must not both apply a migration.
    fn exclusively(&mut self, action: Action, observer: Observer<'_>) -> Result<Vec<String>, StorageError> {
        let result = match &mut *self.connection {
            AnyConnection::Sqlite(connection) => {
                connection.immediate_transaction(|connection| action.run(connection, SQLITE, observer))
            }
            AnyConnection::Postgres(connection) => connection.transaction(|connection| {
                // Of the transaction, and not of the session: a pooler would hand that on to others.
                connection.batch_execute(&format!(
                    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
                     SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = {}",
                    LOCK_WAIT.as_millis()
                ))?;
                wait_for_turn(connection, TURN_WAIT, observer)?;
                postgres::use_record(connection)?;
                action.run(connection, POSTGRES, observer)
            }),
        };
        let error = match result {
            Ok(names) => return Ok(names),
            Err(error) => error,
        };
        Err(match error.downcast::<Refusal>() {
            Ok(refusal) => match *refusal {
                Refusal::Unknown(unknown) => {
                    StorageError::UnknownMigrations { url: self.url.clone(), unknown }
                }
                busy @ Refusal::Busy(_) => StorageError::Busy { url: self.url.clone(), source: busy.into() },
            },
            Err(error) => StorageError::migrating(&self.url, error),
        })
    }
}

/// Connects to the server that takes writes. Where there is one server, it may turn out to be a standby.
fn primary(settings: &Settings, text: &str, statement: Duration) -> Result<Pooled, StorageError> {
    let url = &settings.url;
    let opener = Opener::postgres(text, Server::Primary, settings.pooler, settings.pool_timeout, statement);
    let mut connection = opener.open().map_err(|error| StorageError::connecting(url, &error))?;
    let asked = connection.work(|connection| is_standby(connection.postgres()?));
    let is_standby = asked.map_err(|error| StorageError::migrating(url, Box::new(error)))?;
    if is_standby { Err(StorageError::Standby { url: url.clone() }) } else { Ok(connection) }
}

/// Finds out, as far as can be told, whether a pooler between here and the server lets two connections share a session. Settings
/// of the session would hold for some transactions only, and with them what makes a commit durable.
fn warn_of_shared_sessions(settings: &Settings, text: &str, first: &mut Pooled) {
    let (statement, connect) = (settings.query_timeout, settings.pool_timeout);
    let opener = Opener::postgres(text, Server::Primary, Pooler::None, connect, statement);
    let (sender, receiver) = mpsc::channel();
    // On a thread of its own: a pooler of sessions that has none left lets it wait for one.
    std::thread::spawn(move || {
        // Nobody may be there any more.
        let _ = sender.send(opener.open());
    });
    let Ok(Ok(mut second)) = receiver.recv_timeout(connect) else { return };
    let marker = format!("{}-{:?}", std::process::id(), Instant::now());
    let set = first.postgres().and_then(|first| {
        sql_query("SELECT set_config('gathering.marker', $1, false)").bind::<Text, _>(&marker).execute(first)
    });
    let asked = diesel::select(sql::<Nullable<Text>>("current_setting('gathering.marker', true)"));
    let seen =
        set.and_then(|_| second.postgres().and_then(|second| asked.get_result::<Option<String>>(second)));
    if seen.is_ok_and(|seen| seen.as_deref() == Some(&marker)) {
        log::warn!(
            "a pooler shares connections to the database transaction by transaction, and storage.pooler does not say so: \
             what is acknowledged may be lost; set storage.pooler = \"transaction\""
        );
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

/// Waits for the lock that migrating processes share; it goes with the transaction. It is asked for again and again: whoever waits
/// in the server for long looks to others like one that hangs.
fn wait_for_turn(
    connection: &mut PgConnection,
    limit: Duration,
    observer: Observer<'_>,
) -> MigrationResult<()> {
    let began = Instant::now();
    loop {
        let is_ours = sql::<Bool>(&format!("pg_try_advisory_xact_lock({ADVISORY_LOCK})"));
        if diesel::select(is_ours).get_result(connection)? {
            return Ok(());
        }
        if began.elapsed() >= limit {
            return Err(Refusal::Busy(limit).into());
        }
        observer(MigrationStep::Waiting);
        std::thread::sleep(TURN_POLL);
    }
}
