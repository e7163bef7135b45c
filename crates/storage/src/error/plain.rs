//! Errors in words for those who run the service, without what drivers say: that may name hosts and data.

use diesel::result::{DatabaseErrorKind, Error};
use gathering_domain::store::StoreError;

use super::sqlite_file::SqliteFileError;

/// Why the database does not do what it is asked, in a sentence without hosts, data or statements.
pub fn plain_reason(error: &StoreError) -> String {
    let StoreError::Unavailable { source } = error else { return error.to_string() };
    if let Some(problem) = source.downcast_ref::<SqliteFileError>() {
        return problem.to_string();
    }
    match source.downcast_ref::<Error>() {
        Some(Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)) => {
            "the database only reads".to_owned()
        }
        Some(Error::DatabaseError(_, information)) if says_full(information.message()) => {
            "the disk of the database is full".to_owned()
        }
        Some(Error::DatabaseError(_, information)) if information.message().contains("permission denied") => {
            "the database refuses: its role lacks a right".to_owned()
        }
        Some(Error::DatabaseError(_, information)) if information.message().contains("readonly database") => {
            "the database only reads".to_owned()
        }
        Some(Error::DatabaseError(_, information)) if says_locked(information.message()) => {
            "the database holds locks that others wait for".to_owned()
        }
        Some(Error::DatabaseError(_, information)) if says_missing(information.message()) => {
            "a table of the service is not there".to_owned()
        }
        Some(_) => error.to_string(),
        None => "the database cannot be reached".to_owned(),
    }
}

fn says_missing(message: &str) -> bool {
    message.contains("no such table")
        || (message.contains("relation \"") && message.contains("does not exist"))
}

fn says_locked(message: &str) -> bool {
    ["lock timeout", "database is locked", "database table is locked", "deadlock"]
        .iter()
        .any(|known| message.contains(known))
}

/// Whether a disk is full. A harmless event that is rolled back does not find that out on SQLite.
pub(crate) fn is_full(error: &StoreError) -> bool {
    let StoreError::Unavailable { source } = error else { return false };
    match source.downcast_ref::<Error>() {
        Some(Error::DatabaseError(_, information)) => says_full(information.message()),
        _ => false,
    }
}

/// In the words of SQLite, and of PostgreSQL in English.
fn says_full(message: &str) -> bool {
    ["database or disk is full", "No space left on device"].iter().any(|known| message.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, message: &str) -> StoreError {
        StoreError::unavailable(Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn what_drivers_say_is_not_repeated() {
        let unknown = |message| of(DatabaseErrorKind::Unknown, message);
        for (error, reason) in [
            (of(DatabaseErrorKind::ReadOnlyTransaction, "cannot execute UPDATE"), "the database only reads"),
            (unknown("attempt to write a readonly database"), "the database only reads"),
            (unknown("database or disk is full"), "the disk of the database is full"),
            (
                unknown("could not extend file \"base/1/2\": No space left on device"),
                "the disk of the database is full",
            ),
            (unknown("permission denied for table requests"), "the database refuses: its role lacks a right"),
            (
                unknown("no pg_hba.conf entry for host \"10.0.0.1\""),
                "the database cannot be used at the moment",
            ),
            (unknown("no such table: requests"), "a table of the service is not there"),
            (unknown("relation \"requests\" does not exist"), "a table of the service is not there"),
            (
                unknown("canceling statement due to lock timeout"),
                "the database holds locks that others wait for",
            ),
            (StoreError::unavailable("db.example.com"), "the database cannot be reached"),
            (StoreError::unavailable(SqliteFileError::Missing), "the file of the database is gone"),
        ] {
            assert_eq!(plain_reason(&error), reason);
        }
    }
}
