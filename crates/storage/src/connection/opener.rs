//! How connections are opened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection, QueryResult};

use crate::connection::any::AnyConnection;
use crate::connection::authorities;
use crate::connection::network::{self, Server};
use crate::connection::pooled::Pooled;
use crate::connection::session::{Pooler, SessionLimits, has_citus, is_standby, lock_timeout};
use crate::connection::sqlite_file::SqliteFile;
use crate::error::connection::without_secrets;

/// How often several hosts are tried in any order: of two, one that answers with an error comes first each time once in 32 times.
/// Whoever needs a connection tries again a moment later.
const SHUFFLED: usize = 5;

/// Everything needed to open a connection.
#[derive(Debug, Clone)]
pub(crate) enum Opener {
    /// `busy` bounds the wait for another connection's lock.
    Sqlite { file: Arc<SqliteFile>, busy: Duration },
    /// To PostgreSQL.
    Postgres(PostgresOpener),
}

/// Everything needed to open a connection to PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct PostgresOpener {
    /// With its network limits.
    url: String,
    /// The same with its hosts in any order, where there are several.
    shuffled: Option<String>,
    /// What the server is to say that it is, where it is asked.
    asked: Option<Server>,
    /// How long to wait for a connection.
    connect: Duration,
    limits: SessionLimits,
    pooler: Pooler,
    /// What else sessions are set to, such as `jit = off`.
    settings: &'static [&'static str],
    /// The same, on servers without Citus.
    without_citus: &'static [&'static str],
}

impl Opener {
    pub(crate) const fn sqlite(file: Arc<SqliteFile>, busy: Duration) -> Self {
        Self::Sqlite { file, busy }
    }

    /// One for a server of this kind. `connect` bounds the wait for a connection, `statement` each statement on the server; zero
    /// does not.
    pub(crate) fn postgres(
        url: &str,
        server: Server,
        pooler: Pooler,
        connect: Duration,
        statement: Duration,
    ) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        // A pooler goes on telling libpq what its server was before a failover: behind one, each server is asked.
        let (asked, wanted) = match pooler {
            Pooler::None => (None, Some(server)),
            Pooler::Transaction => (Some(server).filter(|_| network::is_to_choose(url, variable)), None),
        };
        let url = authorities::named(&network::completed(url, wanted, connect, statement, variable));
        let shuffled = network::shuffled(&url, variable);
        let limits = SessionLimits { statement, lock: Duration::ZERO };
        Self::Postgres(PostgresOpener {
            url,
            shuffled,
            asked,
            connect,
            limits,
            pooler,
            settings: &[],
            without_citus: &[],
        })
    }

    /// One for writing many events at once: it waits for a lock that somebody else holds for so short that there is time left
    /// to find out which event it is that waits, and to record the others.
    pub(crate) fn for_writing(mut self) -> Self {
        if let Self::Postgres(PostgresOpener { limits, .. }) = &mut self {
            limits.lock = limits.statement / 4;
        }
        self
    }

    /// One whose sessions are set to something else besides, on PostgreSQL: always, and on servers without Citus.
    pub(crate) const fn set_to(
        mut self,
        always: &'static [&'static str],
        unless_citus: &'static [&'static str],
    ) -> Self {
        if let Self::Postgres(PostgresOpener { settings, without_citus, .. }) = &mut self {
            *settings = always;
            *without_citus = unless_citus;
        }
        self
    }

    pub(crate) fn open(&self) -> ConnectionResult<Pooled> {
        match self {
            Self::Sqlite { file, busy } => Ok(Pooled::on_file(file, *busy)?),
            Self::Postgres(opener) => opener.open(),
        }
    }
}

impl PostgresOpener {
    fn open(&self) -> ConnectionResult<Pooled> {
        // What the server is may change while it is connected to: then the connection is of the time before.
        let began = Instant::now();
        let mut connection = self.connect(began)?;
        let prepared = self.prepare(&mut connection);
        let (lock, beginning) = prepared.map_err(ConnectionError::CouldntSetupConfiguration)?;
        let pooled = Pooled::new(AnyConnection::Postgres(connection)).opened_at(began);
        Ok(pooled.with_lock_timeout(lock).with_beginning(beginning))
    }

    /// Connects to the first host that is the one that is wanted. Where one answers with an error instead, the others are tried
    /// all the same, as long as that takes no time that callers wait for.
    fn connect(&self, began: Instant) -> ConnectionResult<PgConnection> {
        let mut connected = self.establish(&self.url);
        for url in std::iter::repeat_n(self.shuffled.as_deref(), SHUFFLED).flatten() {
            if connected.is_ok() || began.elapsed() > self.connect / 4 {
                break;
            }
            connected = self.establish(url);
        }
        connected.map_err(without_secrets)
    }

    fn establish(&self, url: &str) -> ConnectionResult<PgConnection> {
        let mut connection = PgConnection::establish(url)?;
        let Some(server) = self.asked else { return Ok(connection) };
        let is_standby = is_standby(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
        match (server, is_standby) {
            (Server::Primary, true) => {
                Err(ConnectionError::BadConnection("the server is a standby".to_owned()))
            }
            (Server::Standby, false) => {
                Err(ConnectionError::BadConnection("the server is no standby".to_owned()))
            }
            _ => Ok(connection),
        }
    }

    /// Sets the session, or says what each of its transactions has to begin with; and the limit for a wait for a lock.
    fn prepare(&self, connection: &mut PgConnection) -> QueryResult<(Option<Duration>, Option<String>)> {
        let Self { limits, settings, without_citus, .. } = self;
        let mut settings = settings.to_vec();
        if !without_citus.is_empty() && !has_citus(connection)? {
            settings.extend(*without_citus);
        }
        match self.pooler {
            Pooler::None => {
                connection.batch_execute(&limits.of_session(&settings))?;
                Ok((lock_timeout(connection)?, None))
            }
            Pooler::Transaction => {
                // Where the role sets a shorter limit, that one stays.
                let of_role = lock_timeout(connection)?;
                let own = Some(limits.lock).filter(|lock| !lock.is_zero());
                let lock = own.into_iter().chain(of_role).min();
                let limits = SessionLimits { lock: lock.unwrap_or_default(), ..*limits };
                Ok((lock, Some(limits.of_transaction(&settings))))
            }
        }
    }
}
