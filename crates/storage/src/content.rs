//! Rule content. There may be megabytes of it, and the way to the database may be long: it comes and goes in steps, each a
//! statement with a time limit of its own.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use gathering_domain::{ContentRevision, RuleContent, RuleContentSet, RuleHit};

use crate::connection::AnyConnection;
use crate::dialect::postgres;
use crate::schema::{content_revision, rule_content};
use crate::steps::Steps;

/// The most rows of a step, and about how many bytes of text.
const STEP: usize = 500;
const STEP_BYTES: usize = 256 * 1024;

/// How long a replacement waits for others, and how long until it looks again.
const LONGEST_TURN: Duration = Duration::from_secs(10 * 60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// One finding with its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentRow<'a> {
    pub(crate) hit: &'a RuleHit,
    pub(crate) content: &'a RuleContent,
}

impl ContentRow<'_> {
    fn size(&self) -> usize {
        self.hit.as_str().len() + self.content.generic.len() + self.content.summary.len()
    }
}

pub(crate) fn revision(connection: &mut AnyConnection) -> QueryResult<ContentRevision> {
    content_revision::table.select(content_revision::revision).get_result(connection).map(ContentRevision)
}

/// Loads what is stored and its revision.
pub(crate) fn load(
    connection: &mut AnyConnection,
    steps: &Steps,
) -> QueryResult<(ContentRevision, RuleContentSet)> {
    // In this order: content that is newer than its revision is loaded again at the next look, older would stay.
    let revision = revision(connection)?;
    let mut rows: Vec<Row> = Vec::new();
    match connection {
        AnyConnection::Postgres(connection) => connection.transaction(|connection| {
            postgres::load_content(connection, STEP, |step| {
                steps.count(step.len());
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
    steps: &Steps,
) -> QueryResult<ContentRevision> {
    let rows: Vec<_> = content.iter().map(|(hit, content)| ContentRow { hit, content }).collect();
    connection.transaction(|connection| {
        steps.go_on()?;
        if let AnyConnection::Postgres(connection) = connection {
            // For each lock there is as much time as for a statement: no event waits for this one.
            connection.batch_execute("SET LOCAL lock_timeout = 0")?;
            take_turn(connection, steps)?;
        }
        // Comes first: its row lock makes concurrent replacements follow one another, and it makes SQLite take the
        // write lock at the start.
        diesel::update(content_revision::table)
            .set(content_revision::revision.eq(content_revision::revision + 1))
            .execute(connection)?;
        steps.count(0);
        diesel::delete(rule_content::table).execute(connection)?;
        steps.count(0);
        for step in in_steps(&rows) {
            match connection {
                AnyConnection::Postgres(connection) => postgres::insert_content(connection, step)?,
                AnyConnection::Sqlite(connection) => insert_each(connection, step)?,
            }
            steps.count(step.len());
        }
        let revision = revision(connection)?;
        steps.commit()?;
        Ok(revision)
    })
}

/// Waits until no other replacement is under way, and takes the row lock that says so. Each look counts as a step and is a
/// statement of its own: another import may take longer than the time limit of a statement.
fn take_turn(connection: &mut PgConnection, steps: &Steps) -> QueryResult<()> {
    let end = Instant::now() + LONGEST_TURN;
    while Instant::now() < end {
        let row = content_revision::table.select(content_revision::revision).for_update().skip_locked();
        if !row.load::<i64>(connection)?.is_empty() {
            return Ok(());
        }
        steps.count(0);
        steps.go_on()?;
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

fn in_steps<'a, 'b>(mut rows: &'b [ContentRow<'a>]) -> impl Iterator<Item = &'b [ContentRow<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rows.iter().take(STEP).take_while(|row| {
            let is_first = bytes == 0;
            bytes += row.size();
            is_first || bytes <= STEP_BYTES
        });
        let (step, rest) = rows.split_at_checked(fits.count())?;
        rows = rest;
        (!step.is_empty()).then_some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_bounded_in_rows_and_in_bytes() {
        let (hit, content) = ("module|KEY".parse::<RuleHit>().unwrap(), |size| RuleContent {
            generic: "x".repeat(size),
            summary: String::new(),
            total_risk: 1,
        });
        let sizes = |contents: &[RuleContent]| {
            let rows: Vec<_> = contents.iter().map(|content| ContentRow { hit: &hit, content }).collect();
            in_steps(&rows).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&vec![content(0); 2 * STEP + 1]), [STEP, STEP, 1]);
        assert_eq!(sizes(&vec![content(STEP_BYTES / 3); 4]), [2, 2]);
        assert_eq!(sizes(&vec![content(2 * STEP_BYTES); 2]), [1, 1]);
    }
}
