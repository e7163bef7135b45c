//! How the schema of a database stands to the migrations of this program.

use diesel::backend::Backend;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub(super) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(super) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The tables that each migration makes, by its number.
pub(super) const TABLES: [(&str, &[&str]); 3] = [
    ("0001", &["requests", "clusters"]),
    ("0002", &["rule_content", "content_revision"]),
    ("0003w", &["erasures"]),
];

/// How the number of a migration ends that only adds something which programs of before need not know, such as `0003w`. They
/// start on a schema with it: in a rolling upgrade, and after a way back.
const WIDENING: char = 'w';

/// What a database holds, as far as migrations are concerned.
#[derive(Debug, Default)]
pub(super) struct SchemaState {
    /// The numbers of the migrations that are recorded as applied.
    pub(super) applied: Vec<String>,
    /// Those of [`TABLES`] that are there.
    pub(super) tables: Vec<String>,
}

/// The number and the name of each of these migrations.
pub(super) fn known<DB: Backend>(
    migrations: &impl MigrationSource<DB>,
) -> MigrationResult<Vec<(String, String)>> {
    let all = migrations.migrations()?;
    Ok(all.iter().map(|one| (one.name().version().to_string(), one.name().to_string())).collect())
}

impl SchemaState {
    /// The numbers of the migrations that are recorded and not known, and that may have changed what this program works on.
    pub(super) fn unknown(&self, known: &[(String, String)]) -> Vec<String> {
        self.newer(known).filter(|version| !version.ends_with(WIDENING)).cloned().collect()
    }

    /// The numbers of the migrations that are recorded and not known, and that only added something.
    pub(super) fn widening(&self, known: &[(String, String)]) -> Vec<String> {
        self.newer(known).filter(|version| version.ends_with(WIDENING)).cloned().collect()
    }

    fn newer<'a>(&'a self, known: &'a [(String, String)]) -> impl Iterator<Item = &'a String> {
        let is_known = |version: &String| known.iter().any(|(number, _)| number == version);
        self.applied.iter().filter(move |version| !is_known(version))
    }

    /// The names of the known migrations that are not recorded.
    pub(super) fn unapplied(&self, known: &[(String, String)]) -> Vec<String> {
        let names = known.iter().filter(|(version, _)| !self.applied.contains(version));
        names.map(|(_, name)| name.clone()).collect()
    }

    /// The tables that are not there although the migration that makes them is recorded.
    pub(super) fn lacking(&self) -> Vec<String> {
        self.tables_of(true).filter(|table| !self.has(table)).map(str::to_owned).collect()
    }

    /// The tables that are there although the migration that makes them is not recorded.
    pub(super) fn foreign(&self) -> Vec<String> {
        self.tables_of(false).filter(|table| self.has(table)).map(str::to_owned).collect()
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|found| found == table)
    }

    /// The tables of the migrations that are recorded, or of those that are not.
    pub(super) fn tables_of(&self, applied: bool) -> impl Iterator<Item = &'static str> {
        let is_applied = |version: &str| self.applied.iter().any(|number| number == version);
        TABLES
            .iter()
            .filter(move |(version, _)| is_applied(version) == applied)
            .flat_map(|(_, tables)| *tables)
            .copied()
    }
}
