//! One connection to either database.

use diesel::r2d2::R2D2Connection;
use diesel::result::Error;
use diesel::{PgConnection, QueryResult, SqliteConnection};

/// A connection to either database. Diesel's own `MultiConnection` prepares each statement anew, which takes longer than
/// most of them do; so every statement is run on the driver's own connection.
pub(crate) enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// The connection to PostgreSQL that this has to be.
    pub(crate) fn postgres(&mut self) -> QueryResult<&mut PgConnection> {
        match self {
            Self::Postgres(connection) => Ok(connection),
            Self::Sqlite(_) => Err(other_database()),
        }
    }

    /// The connection to SQLite that this has to be.
    pub(crate) fn sqlite(&mut self) -> QueryResult<&mut SqliteConnection> {
        match self {
            Self::Sqlite(connection) => Ok(connection),
            Self::Postgres(_) => Err(other_database()),
        }
    }

    /// Whether the driver knows that it cannot be used any more.
    pub(crate) fn is_broken(&mut self) -> bool {
        match self {
            Self::Postgres(connection) => connection.is_broken(),
            Self::Sqlite(connection) => connection.is_broken(),
        }
    }

    /// Asks for nothing.
    pub(crate) fn ping(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => connection.ping(),
            Self::Sqlite(connection) => connection.ping(),
        }
    }
}

fn other_database() -> Error {
    Error::QueryBuilderError("the connection is to another kind of database".into())
}
