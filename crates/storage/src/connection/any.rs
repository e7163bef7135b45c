//! One connection to either database.

use diesel::result::Error;
use diesel::{PgConnection, QueryResult, SqliteConnection};

pub(crate) use derived::{AnyConnection, MultiBackend};

/// The derive makes public items without documentation; they stay in here.
#[expect(unreachable_pub, reason = "made by the derive")]
mod derived {
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        Postgres(diesel::PgConnection),
        Sqlite(diesel::SqliteConnection),
    }
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
}

fn other_database() -> Error {
    Error::QueryBuilderError("the connection is to another kind of database".into())
}
