//! What an error of the driver means: for the caller, for the events that were to be written, and for the connection.

use diesel::result::DatabaseErrorKind as Kind;
use diesel::result::Error;
use gathering_domain::StoreError;

use crate::sqlite_file::{SqliteFileError, is_damage};

/// Why work on a connection did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What callers are told.
    pub(crate) error: StoreError,
    /// How far it came.
    pub(crate) stage: Stage,
}

/// How far work came that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It did not begin: no connection could be had, or no time was left.
    NotBegun,
    /// It was cut off: the connection was lost, or the time ran out.
    Cut,
    /// The database refused it, for a reason that may pass.
    Refused,
    /// A constraint forbids what was to be written.
    Violation,
}

impl Failure {
    pub(crate) const fn not_begun(error: StoreError) -> Self {
        Self { error, stage: Stage::NotBegun }
    }

    pub(crate) const fn cut(error: StoreError) -> Self {
        Self { error, stage: Stage::Cut }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Whether a constraint forbids what was to be written: the one kind of error that says something about the data. The drivers
/// tell no codes; locks, cancelled statements, full disks, missing tables and missing rights are all of one kind.
pub(crate) const fn is_violation(error: &Error) -> bool {
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
pub(crate) fn told(error: Error) -> StoreError {
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
            assert!(matches!(told(of(kind)), StoreError::Unavailable { .. }));
        }
        assert!(matches!(told(Error::BrokenTransactionManager), StoreError::Unavailable { .. }));
        for kind in [
            Kind::UniqueViolation,
            Kind::ForeignKeyViolation,
            Kind::NotNullViolation,
            Kind::CheckViolation,
            Kind::RestrictViolation,
            Kind::ExclusionViolation,
        ] {
            assert!(is_violation(&of(kind)));
            assert!(matches!(told(of(kind)), StoreError::Defect { .. }));
        }
        let unreadable = Error::DeserializationError("no rule hit".into());
        assert!(matches!(told(unreadable), StoreError::Defect { .. }));
    }
}
