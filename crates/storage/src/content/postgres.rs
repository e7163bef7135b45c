//! Rule content on PostgreSQL, many rows with one statement: a round trip for each would take longer than all else.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Text};

use super::row::{ContentRow, STEP};
use super::tables::{ContentTables, LoadedRow};
use crate::connection::progress::Progress;
use crate::schema::content_revision;

/// How long a replacement waits for others, and how long until it looks again.
const LONGEST_TURN: Duration = Duration::from_secs(10 * 60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

impl ContentTables for PgConnection {
    fn revision(&mut self) -> QueryResult<i64> {
        content_revision::table.select(content_revision::revision).get_result(self)
    }

    fn load(&mut self, progress: &Progress) -> QueryResult<Vec<LoadedRow>> {
        self.transaction(|connection| {
            connection.batch_execute(
                "DECLARE loaded_content NO SCROLL CURSOR FOR
                 SELECT module, error_key, generic, summary, total_risk FROM rule_content",
            )?;
            let mut rows = Vec::new();
            loop {
                let step: Vec<LoadedRow> =
                    sql_query(format!("FETCH {STEP} FROM loaded_content")).load(connection)?;
                progress.advance(step.len());
                let is_last = step.len() < STEP;
                rows.extend(step);
                if is_last {
                    connection.batch_execute("CLOSE loaded_content")?;
                    return Ok(rows);
                }
            }
        })
    }

    /// Takes the row lock that says that a replacement is under way. Each look counts as a step and is a statement of its own:
    /// another import may take longer than the time limit of a statement.
    fn begin_replacement(&mut self, progress: &Progress) -> QueryResult<()> {
        // For each lock there is as much time as for a statement: no event waits for this one.
        self.batch_execute("SET LOCAL lock_timeout = 0")?;
        let end = Instant::now() + LONGEST_TURN;
        while Instant::now() < end {
            let row = content_revision::table.select(content_revision::revision).for_update().skip_locked();
            if !row.load::<i64>(self)?.is_empty() {
                return Ok(());
            }
            progress.advance(0);
            progress.check()?;
            std::thread::sleep(BETWEEN_LOOKS);
        }
        // The statement that follows waits as long as a statement may, and says what it waited for.
        Ok(())
    }

    fn insert(&mut self, rows: &[ContentRow<'_>]) -> QueryResult<()> {
        let texts = |text: fn(&ContentRow<'_>) -> String| rows.iter().map(text).collect::<Vec<_>>();
        sql_query(
            "INSERT INTO rule_content (module, error_key, generic, summary, total_risk)
             SELECT * FROM unnest($1, $2, $3, $4, $5)",
        )
        .bind::<Array<Text>, _>(texts(|row| row.hit.module().to_owned()))
        .bind::<Array<Text>, _>(texts(|row| row.hit.error_key().to_owned()))
        .bind::<Array<Text>, _>(texts(|row| row.content.generic.clone()))
        .bind::<Array<Text>, _>(texts(|row| row.content.summary.clone()))
        .bind::<Array<Integer>, _>(rows.iter().map(|row| row.content.total_risk).collect::<Vec<_>>())
        .execute(self)
        .map(|_| ())
    }
}
