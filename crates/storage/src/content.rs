//! Rule content. There may be megabytes of it, and the way to the database may be long: it comes and goes in steps, each a
//! statement with a time limit of its own.

mod postgres;
mod row;

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use gathering_domain::{ContentRevision, RuleContent, RuleContentSet, RuleHit};

use self::row::{ContentRow, STEP, in_steps};
use crate::connection::any::AnyConnection;
use crate::connection::progress::Progress;
use crate::schema::{content_revision, rule_content};

/// How long a replacement waits for others, and how long until it looks again.
const LONGEST_TURN: Duration = Duration::from_secs(10 * 60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub(crate) fn revision(connection: &mut AnyConnection) -> QueryResult<ContentRevision> {
    content_revision::table.select(content_revision::revision).get_result(connection).map(ContentRevision)
}

/// Loads what is stored and its revision.
pub(crate) fn load(
    connection: &mut AnyConnection,
    progress: &Progress,
) -> QueryResult<(ContentRevision, RuleContentSet)> {
    // In this order: content that is newer than its revision is loaded again at the next look, older would stay.
    let revision = revision(connection)?;
    let mut rows: Vec<Row> = Vec::new();
    match connection {
        AnyConnection::Postgres(connection) => connection.transaction(|connection| {
            postgres::load_content(connection, STEP, |step| {
                progress.advance(step.len());
                rows.extend(
                    step.into_iter()
                        .map(|row| (row.module, row.error_key, row.generic, row.summary, row.total_risk)),
                );
            })
        })?,
        AnyConnection::Sqlite(connection) => rows = all(connection)?,
    }
    let content = rows
        .into_iter()
        .map(|(module, error_key, generic, summary, total_risk)| {
            let hit = RuleHit::new(&module, &error_key)
                .map_err(|error| Error::DeserializationError(error.into()))?;
            Ok((hit, RuleContent { generic, summary, total_risk }))
        })
        .collect::<QueryResult<_>>()?;
    Ok((revision, content))
}

/// `module`, `error_key`, `generic`, `summary`, `total_risk`.
type Row = (String, String, String, String, i32);

fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<Row>> {
    rule_content::table
        .select((
            rule_content::module,
            rule_content::error_key,
            rule_content::generic,
            rule_content::summary,
            rule_content::total_risk,
        ))
        .load(connection)
}

/// Replaces what is stored, and counts the findings as they are written.
pub(crate) fn replace(
    connection: &mut AnyConnection,
    content: &RuleContentSet,
    progress: &Progress,
) -> QueryResult<ContentRevision> {
    let rows: Vec<_> = content.iter().map(|(hit, content)| ContentRow { hit, content }).collect();
    connection.transaction(|connection| {
        progress.check()?;
        if let AnyConnection::Postgres(connection) = connection {
            // For each lock there is as much time as for a statement: no event waits for this one.
            connection.batch_execute("SET LOCAL lock_timeout = 0")?;
            take_turn(connection, progress)?;
        }
        // Comes first: its row lock makes concurrent replacements follow one another, and it makes SQLite take the
        // write lock at the start.
        diesel::update(content_revision::table)
            .set(content_revision::revision.eq(content_revision::revision + 1))
            .execute(connection)?;
        progress.advance(0);
        diesel::delete(rule_content::table).execute(connection)?;
        progress.advance(0);
        for step in in_steps(&rows) {
            match connection {
                AnyConnection::Postgres(connection) => postgres::insert_content(connection, step)?,
                AnyConnection::Sqlite(connection) => insert_each(connection, step)?,
            }
            progress.advance(step.len());
        }
        let revision = revision(connection)?;
        progress.begin_commit()?;
        Ok(revision)
    })
}

/// Waits until no other replacement is under way, and takes the row lock that says so. Each look counts as a step and is a
/// statement of its own: another import may take longer than the time limit of a statement.
fn take_turn(connection: &mut PgConnection, progress: &Progress) -> QueryResult<()> {
    let end = Instant::now() + LONGEST_TURN;
    while Instant::now() < end {
        let row = content_revision::table.select(content_revision::revision).for_update().skip_locked();
        if !row.load::<i64>(connection)?.is_empty() {
            return Ok(());
        }
        progress.advance(0);
        progress.check()?;
        std::thread::sleep(BETWEEN_LOOKS);
    }
    // The statement that follows waits as long as a statement may, and says what it waited for.
    Ok(())
}

/// SQLite is in this process: more rows in a statement would save nothing.
fn insert_each(connection: &mut SqliteConnection, rows: &[ContentRow<'_>]) -> QueryResult<()> {
    for ContentRow { hit, content } in rows {
        diesel::insert_into(rule_content::table)
            .values((
                rule_content::module.eq(hit.module()),
                rule_content::error_key.eq(hit.error_key()),
                rule_content::generic.eq(&content.generic),
                rule_content::summary.eq(&content.summary),
                rule_content::total_risk.eq(content.total_risk),
            ))
            .execute(connection)?;
    }
    Ok(())
}
