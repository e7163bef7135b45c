//! What errors of diesel and the drivers mean: for callers, for the events that were to be written, and for those who open or
//! migrate a database.

pub(crate) mod connection;
pub(crate) mod failure;
pub(crate) mod plain;
pub(crate) mod sqlite_file;
pub(crate) mod storage;

use std::time::Duration;

use diesel::ConnectionError;
use diesel::result::DatabaseErrorKind as Kind;
use diesel::result::Error;
use gathering_domain::store::StoreError;

use self::failure::{Failure, Stage};
use self::sqlite_file::SqliteFileError;
use self::storage::StorageError;
use crate::connection::url::DatabaseUrl;

impl Failure {
    /// What an error of work means that took no longer than it might. `is_lost` says whether the connection is.
    pub(crate) fn of_work(error: Error, is_lost: bool) -> Self {
        if is_lost {
            return Self::cut_off(StoreError::unavailable(error));
        }
        let stage = match &error {
            error if is_violation(error) => Stage::Violation,
            // The connection is there, so it is one between servers that was lost.
            Error::DatabaseError(Kind::ClosedConnection, _) => Stage::PartAway,
            _ => Stage::Refused,
        };
        Self { error: store_error(error), stage }
    }
}

/// What an error of a lookup means that took so long, and was to take no longer than `limit`. `is_lost` says whether the
/// connection is.
pub(crate) fn lookup_error(error: Error, is_lost: bool, took: Duration, limit: Duration) -> StoreError {
    if took >= limit {
        // Whatever it is called, it is what a statement that ran out of time ends in.
        StoreError::Timeout { limit }
    } else if is_lost {
        StoreError::unavailable(error)
    } else {
        store_error(error)
    }
}

impl StorageError {
    /// What an error on opening a database means.
    pub(crate) fn connecting(url: &DatabaseUrl, error: &ConnectionError) -> Self {
        let (url, source) = (url.clone(), error.to_string().into());
        match error {
            ConnectionError::CouldntSetupConfiguration(error) if is_damage(&error.to_string()) => {
                Self::Damaged { url, source }
            }
            _ => Self::Connect { url, source },
        }
    }

    /// What an error on asking for the schema, or on changing it, means.
    pub(crate) fn migrating(url: &DatabaseUrl, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let url = url.clone();
        if is_damage(&source.to_string()) {
            Self::Damaged { url, source }
        } else if is_lock(&source.to_string()) {
            Self::Busy { url, source }
        } else {
            Self::Migration { url, source }
        }
    }
}

impl SqliteFileError {
    /// What SQLite means by an error on opening.
    pub(crate) fn opening(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => Self::asking(error),
            error => Self::Unusable { reason: error.to_string() },
        }
    }

    /// What SQLite means by an error on asking.
    pub(crate) fn asking(error: &Error) -> Self {
        if is_damage(&error.to_string()) {
            Self::Damaged
        } else {
            Self::Unusable { reason: error.to_string() }
        }
    }
}

/// Whether this is what SQLite says of nonsense in a file: diesel gives the texts of the codes `CORRUPT` and `NOTADB`, and
/// not the codes.
pub(crate) fn is_damage(text: &str) -> bool {
    ["database disk image is malformed", "file is not a database"].iter().any(|known| text.contains(known))
}

/// Whether this is what a server says that ended a wait for a lock, or a statement that took too long, which is such a wait as a
/// rule (`55P03`, `57014`). The driver gives no codes, so it is the words of PostgreSQL in English, and of SQLite.
pub(crate) fn is_lock(text: &str) -> bool {
    ["due to lock timeout", "due to statement timeout", "could not obtain lock", "database is locked"]
        .iter()
        .any(|known| text.contains(known))
}

/// Whether a constraint forbids what was to be written: the one kind of error that says something about the data. The drivers
/// tell no codes; locks, cancelled statements, full disks, missing tables and missing rights are all of one kind.
const fn is_violation(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation
                | Kind::RestrictViolation
                | Kind::ExclusionViolation,
            _
        )
    )
}

/// What callers are told of an error that is neither a lost connection nor a lack of time. What may pass is no defect, and all
/// that a server says may.
fn store_error(error: Error) -> StoreError {
    if let Error::DatabaseError(Kind::Unknown, information) = &error
        && is_damage(information.message())
    {
        return StoreError::unavailable(SqliteFileError::Damaged);
    }
    let is_defect = match &error {
        Error::DatabaseError(..) => is_violation(&error),
        Error::NotFound
        | Error::InvalidCString(_)
        | Error::QueryBuilderError(_)
        | Error::SerializationError(_)
        | Error::DeserializationError(_) => true,
        // Of transactions: they end with the connection.
        _ => false,
    };
    if is_defect { StoreError::defect(error) } else { StoreError::unavailable(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_no_lack_of_rights() {
        let url: DatabaseUrl = "postgres://h/db".parse().unwrap();
        for (text, is_busy) in [
            ("canceling statement due to lock timeout", true),
            ("canceling statement due to statement timeout", true),
            ("database is locked", true),
            ("permission denied for schema gathering", false),
        ] {
            let error = StorageError::migrating(&url, text.into());
            assert_eq!(matches!(error, StorageError::Busy { .. }), is_busy, "{error}");
            assert_eq!(error.to_string().contains("the rights of its user"), !is_busy, "{error}");
        }
    }

    #[test]
    fn what_may_pass_is_no_defect() {
        let of = |kind| Error::DatabaseError(kind, Box::new("said so".to_owned()));
        for kind in [
            Kind::Unknown,
            Kind::SerializationFailure,
            Kind::ReadOnlyTransaction,
            Kind::ClosedConnection,
            Kind::UnableToSendCommand,
        ] {
            assert!(!is_violation(&of(kind)));
            assert!(matches!(store_error(of(kind)), StoreError::Unavailable { .. }));
        }
        assert!(matches!(store_error(Error::BrokenTransactionManager), StoreError::Unavailable { .. }));
        for kind in [
            Kind::UniqueViolation,
            Kind::ForeignKeyViolation,
            Kind::NotNullViolation,
            Kind::CheckViolation,
            Kind::RestrictViolation,
            Kind::ExclusionViolation,
        ] {
            assert!(is_violation(&of(kind)));
            assert!(matches!(store_error(of(kind)), StoreError::Defect { .. }));
        }
        let unreadable = Error::DeserializationError("no rule hit".into());
        assert!(matches!(store_error(unreadable), StoreError::Defect { .. }));
    }
}
