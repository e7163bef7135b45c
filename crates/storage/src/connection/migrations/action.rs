//! What is done with migrations under the lock that migrating processes share, and why nothing is.

use std::time::Duration;

use diesel::Connection;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::state::{SchemaState, known};
use super::step::{MigrationStep, Observer};

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Migrations are recorded that are not among those of this program.
    #[error("migrations that this program does not know were applied")]
    Unknown(Vec<String>),
    /// Another process has the turn.
    #[error("it has been at it for {0:?}")]
    Busy(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Migrate,
    RevertLast,
}

impl Action {
    pub(super) fn run<C>(
        self,
        connection: &mut C,
        migrations: EmbeddedMigrations,
        observer: Observer<'_>,
    ) -> MigrationResult<Vec<String>>
    where
        C: Connection + MigrationHarness<C::Backend>,
        C::Backend: 'static,
    {
        // Asked under the lock: a newer program may have been faster.
        let applied: Vec<String> = connection.applied_migrations()?.iter().map(ToString::to_string).collect();
        let state = SchemaState { applied, tables: Vec::new() };
        let known = known::<C::Backend>(&migrations)?;
        let mut unknown = state.unknown(&known);
        if self == Self::RevertLast || !state.unapplied(&known).is_empty() {
            unknown.extend(state.widening(&known));
        }
        if !unknown.is_empty() {
            return Err(Refusal::Unknown(unknown).into());
        }
        match self {
            Self::Migrate => {
                let pending = connection.pending_migrations(migrations)?;
                let names: Vec<_> = pending.iter().map(|migration| migration.name().to_string()).collect();
                for ((name, migration), number) in names.iter().zip(&pending).zip(1..) {
                    observer(MigrationStep::Applying { name, number, count: names.len() });
                    connection.run_migration(migration)?;
                }
                Ok(names)
            }
            Self::RevertLast => {
                if state.applied.is_empty() {
                    return Ok(Vec::new());
                }
                let all = MigrationSource::<C::Backend>::migrations(&migrations)?;
                let version = connection.revert_last_migration(migrations)?;
                let name =
                    all.iter().map(|migration| migration.name()).find(|name| name.version() == version);
                Ok(vec![name.map_or_else(|| version.to_string(), ToString::to_string)])
            }
        }
    }
}
