//! What can happen to the file of a SQLite database.

use std::io::{self, ErrorKind};

use diesel::ConnectionError;

/// Why a SQLite file is not read from or written to. None of these names the file: probes are told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqliteFileError {
    /// Nothing is at its path.
    #[error("the file of the database is gone")]
    Missing,
    /// Another file is at its path.
    #[error("the file of the database was replaced by another one")]
    Replaced,
    /// It is smaller than it was.
    #[error("the file of the database was cut off")]
    CutOff,
    /// A file that SQLite keeps beside it is gone, or another one.
    #[error(
        "the file that SQLite keeps beside the database with {suffix} at the end of its name is gone or another one"
    )]
    CompanionLost { suffix: &'static str },
    /// Whether it is there cannot be found out.
    #[error("the file of the database cannot be looked at ({kind})")]
    Unreachable { kind: ErrorKind },
    /// Connections to a file that was lost are being closed.
    #[error("the file of the database is being opened anew")]
    Reopening,
    /// It lacks migrations, or has some that this program does not know.
    #[error(
        "the file of the database does not have the schema of this program; see `gathering migrate --check`"
    )]
    OtherSchema,
    /// SQLite cannot make sense of it.
    #[error("the file of the database is damaged, or no SQLite database")]
    Damaged,
    /// SQLite cannot open or read it.
    #[error("the file of the database cannot be used ({reason})")]
    Unusable { reason: String },
}

impl SqliteFileError {
    /// What an error of the file system means for a database.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing,
            kind => Self::Unreachable { kind },
        }
    }
}

impl From<SqliteFileError> for ConnectionError {
    fn from(problem: SqliteFileError) -> Self {
        Self::BadConnection(problem.to_string())
    }
}
