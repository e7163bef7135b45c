//! Rule content, the same on both databases.

use diesel::prelude::*;
use diesel::result::Error;
use gathering_domain::{ContentRevision, RuleContent, RuleContentSet, RuleHit};

use crate::connection::AnyConnection;
use crate::schema::{content_revision, rule_content};

pub(crate) fn revision(connection: &mut AnyConnection) -> QueryResult<ContentRevision> {
    content_revision::table.select(content_revision::revision).get_result(connection).map(ContentRevision)
}

pub(crate) fn load(connection: &mut AnyConnection) -> QueryResult<(ContentRevision, RuleContentSet)> {
    // In this order: content that is newer than its revision is loaded again at the next look, older would stay.
    let revision = revision(connection)?;
    let rows: Vec<(String, String, String, String, i32)> = rule_content::table
        .select((
            rule_content::module,
            rule_content::error_key,
            rule_content::generic,
            rule_content::summary,
            rule_content::total_risk,
        ))
        .load(connection)?;
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

pub(crate) fn replace(
    connection: &mut AnyConnection,
    content: &RuleContentSet,
) -> QueryResult<ContentRevision> {
    connection.transaction(|connection| {
        // Comes first: its row lock makes concurrent replacements follow one another, and it makes SQLite take the
        // write lock at the start.
        diesel::update(content_revision::table)
            .set(content_revision::revision.eq(content_revision::revision + 1))
            .execute(connection)?;
        diesel::delete(rule_content::table).execute(connection)?;
        for (hit, content) in content.iter() {
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
        revision(connection)
    })
}
