//! Rule content, many rows with one statement: a round trip for each would take longer than all else.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Text};

use super::row::ContentRow;

/// Adds rows.
pub(super) fn insert_content(connection: &mut PgConnection, rows: &[ContentRow<'_>]) -> QueryResult<()> {
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
    .execute(connection)
    .map(|_| ())
}

/// A row of `rule_content`.
#[derive(QueryableByName)]
pub(super) struct LoadedContent {
    #[diesel(sql_type = Text)]
    pub(super) module: String,
    #[diesel(sql_type = Text)]
    pub(super) error_key: String,
    #[diesel(sql_type = Text)]
    pub(super) generic: String,
    #[diesel(sql_type = Text)]
    pub(super) summary: String,
    #[diesel(sql_type = Integer)]
    pub(super) total_risk: i32,
}

/// All rows, of one moment, so many with each statement. To be called in a transaction.
pub(super) fn load_content(
    connection: &mut PgConnection,
    each: usize,
    mut came: impl FnMut(Vec<LoadedContent>),
) -> QueryResult<()> {
    connection.batch_execute(
        "DECLARE loaded_content NO SCROLL CURSOR FOR
         SELECT module, error_key, generic, summary, total_risk FROM rule_content",
    )?;
    loop {
        let rows: Vec<LoadedContent> =
            sql_query(format!("FETCH {each} FROM loaded_content")).load(connection)?;
        let is_last = rows.len() < each;
        came(rows);
        if is_last {
            return connection.batch_execute("CLOSE loaded_content");
        }
    }
}
