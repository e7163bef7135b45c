//! The schema of a PostgreSQL database, found out without a write: which of the schemas that the server looks through has the
//! tables of this program.
//!
//! Tables are read from and written to in the first schema of `search_path` that has one of their name; new ones are made in
//! the first schema of all, also where a later one has some of their name. Later schemas may belong to other applications.

use diesel::pg::Pg;
use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::state::{POSTGRES, SchemaState, TABLES, known};

/// A schema of the path in which diesel, of whichever application, keeps a record.
#[derive(Debug, QueryableByName)]
struct Schema {
    /// As it is written in SQL.
    #[diesel(sql_type = Text)]
    quoted: String,
    #[diesel(sql_type = Bool)]
    is_first: bool,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// What is there of this program's, and what is in its way.
pub(super) fn state(connection: &mut PgConnection) -> QueryResult<SchemaState> {
    let Some((home, mut state)) = record(connection)? else {
        // The tables will be made in the first schema.
        let tables = tables_in(connection, None)?;
        return Ok(SchemaState { tables, ..SchemaState::default() });
    };
    let seen = load(
        connection,
        "SELECT name FROM unnest($1) AS name JOIN pg_class ON pg_class.oid = to_regclass(name)
         WHERE relnamespace <> to_regnamespace($2)",
        Some(&home.quoted),
    )?;
    // One that is found before ours hides it. Of one that is found instead of ours, ours is missing.
    state.tables.retain(|table| !seen.contains(table));
    Ok(state)
}

/// Makes diesel find the record of this program until the end of the transaction, where it is not in the first schema.
pub(super) fn use_record(connection: &mut PgConnection) -> QueryResult<()> {
    if let Some((Schema { quoted, is_first: false }, _)) = record(connection)? {
        sql_query("SELECT set_config('search_path', $1 || ', ' || current_setting('search_path'), true)")
            .bind::<Text, _>(quoted)
            .execute(connection)?;
    }
    Ok(())
}

/// The record of this program, with what is in its schema. One in the first schema is, since diesel uses it. One in a later
/// schema is if there are just such migrations in it as this program knows or need not know, and tables that they made.
fn record(connection: &mut PgConnection) -> QueryResult<Option<(Schema, SchemaState)>> {
    let schemas: Vec<Schema> = sql_query(
        "SELECT quote_ident(path.name) AS quoted, place = 1 AS is_first
         FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place)
         JOIN pg_namespace ON nspname = path.name
         JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = '__diesel_schema_migrations'
         JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'version' AND NOT attisdropped
         WHERE place = 1 OR has_table_privilege(pg_class.oid, 'SELECT')
         ORDER BY place",
    )
    .load(connection)?;
    let known = known::<Pg>(&POSTGRES).unwrap_or_default();
    for schema in schemas {
        let versions =
            format!("SELECT version::text AS name FROM {}.__diesel_schema_migrations", schema.quoted);
        let versions: Vec<Named> = sql_query(versions).load(connection)?;
        let applied = versions.into_iter().map(|version| version.name).collect();
        let tables = tables_in(connection, Some(&schema.quoted))?;
        let state = SchemaState { applied, tables };
        let is_ours = state.unknown(&known).is_empty() && state.tables_of(true).any(|table| state.has(table));
        if schema.is_first || is_ours {
            return Ok(Some((schema, state)));
        }
    }
    Ok(None)
}

/// Those of [`TABLES`] that are in a schema; `None` is the first one.
fn tables_in(connection: &mut PgConnection, schema: Option<&str>) -> QueryResult<Vec<String>> {
    load(
        connection,
        "SELECT name FROM unnest($1) AS name JOIN pg_class ON relname = name
         WHERE relnamespace = coalesce(to_regnamespace($2), to_regnamespace(quote_ident(current_schema())))
         AND relkind IN ('r', 'p', 'v', 'm', 'f')",
        schema,
    )
}

fn load(connection: &mut PgConnection, sql: &str, schema: Option<&str>) -> QueryResult<Vec<String>> {
    let names: Vec<&str> = TABLES.iter().flat_map(|(_, tables)| *tables).copied().collect();
    let found: Vec<Named> = sql_query(sql)
        .bind::<Array<Text>, _>(names)
        .bind::<diesel::sql_types::Nullable<Text>, _>(schema)
        .load(connection)?;
    Ok(found.into_iter().map(|table| table.name).collect())
}
