//! Why work on a connection failed, and how far it came.

use gathering_domain::store::StoreError;

/// Why work on a connection failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What callers are told.
    pub(crate) error: StoreError,
    pub(crate) stage: Stage,
}

/// How far work came that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It did not begin: no connection could be had, or no time was left.
    NotBegun,
    /// It was cut off: the connection was lost, or the time ran out.
    CutOff,
    /// The database refused it, for a reason that may pass.
    Refused,
    /// The part of the database was away that it is for, which is no event's fault, however long it lasts.
    PartAway,
    /// A constraint forbids what was to be written.
    Violation,
}

impl Failure {
    pub(crate) const fn not_begun(error: StoreError) -> Self {
        Self { error, stage: Stage::NotBegun }
    }

    pub(crate) const fn cut_off(error: StoreError) -> Self {
        Self { error, stage: Stage::CutOff }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
