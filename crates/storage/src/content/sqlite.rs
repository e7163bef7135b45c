//! Rule content on SQLite. It is in this process: more rows in a statement would save nothing.

use diesel::prelude::*;
use diesel::sql_query;

use super::row::ContentRow;
use super::tables::{ContentTables, LoadedRow};
use crate::connection::progress::Progress;
use crate::schema::{content_revision, rule_content};

impl ContentTables for SqliteConnection {
    fn revision(&mut self) -> QueryResult<i64> {
        content_revision::table.select(content_revision::revision).get_result(self)
    }

    fn load(&mut self, _: &Progress) -> QueryResult<Vec<LoadedRow>> {
        sql_query("SELECT module, error_key, generic, summary, total_risk FROM rule_content").load(self)
    }

    /// The first write of a transaction waits for the others.
    fn begin_replacement(&mut self, _: &Progress) -> QueryResult<()> {
        Ok(())
    }

    fn insert(&mut self, rows: &[ContentRow<'_>]) -> QueryResult<()> {
        for ContentRow { hit, content } in rows {
            diesel::insert_into(rule_content::table)
                .values((
                    rule_content::module.eq(hit.module()),
                    rule_content::error_key.eq(hit.error_key()),
                    rule_content::generic.eq(&content.generic),
                    rule_content::summary.eq(&content.summary),
                    rule_content::total_risk.eq(content.total_risk),
                ))
                .execute(self)?;
        }
        Ok(())
    }
}
