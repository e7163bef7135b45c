//! Rule content. There may be megabytes of it, and the way to the database may be long: it comes and goes in steps, each a
//! statement with a time limit of its own.

mod postgres;
mod row;
mod sqlite;
mod tables;

use diesel::QueryResult;
use diesel::result::Error;
use gathering_domain::content::{ContentRevision, RuleContent, RuleContentSet};
use gathering_domain::rule::RuleHit;

use self::row::{ContentRow, in_steps};
use self::tables::ContentTables;
use crate::connection::any::AnyConnection;
use crate::connection::progress::Progress;

pub(crate) fn revision(connection: &mut AnyConnection) -> QueryResult<ContentRevision> {
    let revision = match connection {
        AnyConnection::Postgres(connection) => connection.revision(),
        AnyConnection::Sqlite(connection) => connection.revision(),
    };
    revision.map(ContentRevision)
}

/// Loads what is stored and its revision.
pub(crate) fn load(
    connection: &mut AnyConnection,
    progress: &Progress,
) -> QueryResult<(ContentRevision, RuleContentSet)> {
    match connection {
        AnyConnection::Postgres(connection) => load_from(connection, progress),
        AnyConnection::Sqlite(connection) => load_from(connection, progress),
    }
}

/// Replaces what is stored, and counts the findings as they are written.
pub(crate) fn replace(
    connection: &mut AnyConnection,
    content: &RuleContentSet,
    progress: &Progress,
) -> QueryResult<ContentRevision> {
    match connection {
        AnyConnection::Postgres(connection) => replace_in(connection, content, progress),
        AnyConnection::Sqlite(connection) => replace_in(connection, content, progress),
    }
}

fn load_from(
    connection: &mut impl ContentTables,
    progress: &Progress,
) -> QueryResult<(ContentRevision, RuleContentSet)> {
    // In this order: content that is newer than its revision is loaded again at the next look, older would stay.
    let revision = connection.revision()?;
    let rows = connection.load(progress)?.into_iter();
    let content = rows.map(|row| {
        let hit = RuleHit::new(&row.module, &row.error_key)
            .map_err(|error| Error::DeserializationError(error.into()))?;
        let (generic, summary, total_risk) = (row.generic, row.summary, row.total_risk);
        Ok((hit, RuleContent { generic, summary, total_risk }))
    });
    Ok((ContentRevision(revision), content.collect::<QueryResult<_>>()?))
}

fn replace_in(
    connection: &mut impl ContentTables,
    content: &RuleContentSet,
    progress: &Progress,
) -> QueryResult<ContentRevision> {
    let rows: Vec<_> = content.iter().map(|(hit, content)| ContentRow { hit, content }).collect();
    connection.transaction(|connection| {
        progress.check()?;
        connection.begin_replacement(progress)?;
        // Comes first: its row lock makes concurrent replacements follow one another, and it makes SQLite take the
        // write lock at the start.
        connection.batch_execute("UPDATE content_revision SET revision = revision + 1")?;
        progress.advance(0);
        connection.batch_execute("DELETE FROM rule_content")?;
        progress.advance(0);
        for step in in_steps(&rows) {
            connection.insert(step)?;
            progress.advance(step.len());
        }
        let revision = connection.revision()?;
        progress.begin_commit()?;
        Ok(ContentRevision(revision))
    })
}
