//! How far a migration has come.

use std::fmt;

/// What whoever waits for migrations is told before each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationStep<'a> {
    /// Another process migrates the same database.
    Waiting,
    /// One of the pending migrations is being applied; they are counted from 1.
    Applying { name: &'a str, number: usize, count: usize },
}

/// Whoever is told of steps.
pub(super) type Observer<'a> = &'a mut dyn FnMut(MigrationStep<'_>);

impl fmt::Display for MigrationStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => {
                f.write_str("waiting for the database; another process may be changing its schema")
            }
            Self::Applying { name, number, count } => {
                write!(f, "applying the migration {name}, {number} of {count}")
            }
        }
    }
}
