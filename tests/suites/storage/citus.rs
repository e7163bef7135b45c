//! The statements for PostgreSQL have nothing that Citus refuses, or answers wrongly, where the tables are spread over servers.
//!
//! There is no Citus here. What it refuses was found out by hand; these rules keep it out of all that the service sends, new
//! statements included.

mod tap;

use std::cell::RefCell;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use gathering_domain::conformance::{check, check_purging};
use gathering_domain::content::RuleContentSet;
use gathering_domain::request::RequestState;
use gathering_domain::store::{ContentStore, EventSink, Purge, RequestStore};
use gathering_domain::time::{Clock, ManualClock};
use gathering_domain::wait::Waiters;
use gathering_storage::{Settings, Storage};
use gathering_tests::{Scale, TestDatabase};

use self::tap::Tap;
use crate::fixture::{START, announced, event, key, processed};

/// The tables that are spread by cluster.
const DISTRIBUTED: [&str; 2] = ["requests", "clusters"];

/// Statements whose number of rows nobody looks at.
const UNCOUNTED: &str = "INSERT INTO clusters ";

/// Why Citus would not run a statement, or would run it wrongly.
fn refusal(statement: &str) -> Option<&'static str> {
    let has = |part: &str| statement.contains(part);
    let is_distributed = DISTRIBUTED.iter().any(|table| {
        statement
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .any(|word| word == *table)
    });
    if !is_distributed {
        return None;
    }
    let is_about_one = has("org_id = $") && has("cluster_id = $");
    let conflict = statement.split_once("ON CONFLICT").map(|(_, conflict)| conflict);
    let subquery = ["EXISTS (SELECT", "IN (SELECT", "ANY (SELECT", "ANY(SELECT", "ARRAY(SELECT", "= (SELECT"];
    if conflict.is_some_and(|conflict| conflict.contains('$')) {
        Some("a parameter after ON CONFLICT")
    } else if has("LATERAL") && has("OFFSET") {
        Some("OFFSET in a lateral subquery")
    } else if subquery.iter().any(|subquery| has(subquery)) {
        Some("a correlated subquery")
    } else if has("FOR UPDATE") || has("FOR SHARE") || has("SKIP LOCKED") {
        Some("row locks across shards")
    } else if has("ctid") || has("xmin") || has("pg_current_xact_id") {
        Some("where a row lies, or who wrote it, on one of many servers")
    } else if has("INSERT INTO") && has("SELECT") && !has("RETURNING") && !statement.starts_with(UNCOUNTED) {
        Some("a number of rows that were sent, not written")
    } else if has("LATERAL") && !has("GROUP BY") {
        Some("a lateral subquery that is not grouped by the cluster")
    } else if (statement.starts_with("UPDATE") || statement.starts_with("DELETE"))
        && (has(" USING ") || has("unnest(") || (statement.starts_with("UPDATE") && !is_about_one))
    {
        Some("a change of many shards with a join")
    } else {
        None
    }
}

/// Everything that a store does.
fn use_all_of_it(tap: &Tap) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let kept = RefCell::new(Vec::new());
    let open = |clock: Arc<ManualClock>, records: usize| {
        let database = TestDatabase::postgres();
        database.migrate();
        if records > 0 {
            let expires_at = START.as_micros() - 1;
            Scale { first: 0, requests: records, clusters: 3, expires_at, at_once: records }.fill(&database);
        }
        let url =
            database.url().replacen(&database.server_address().to_string(), &tap.address().to_string(), 1);
        let settings = Settings { url: url.parse().unwrap(), processed_cache: 0, ..database.settings() };
        kept.borrow_mut().push(database);
        Storage::open(&settings, clock as Arc<dyn Clock>).unwrap()
    };
    runtime.block_on(async {
        check(async |clock| open(clock, 0)).await;
        check_purging(async |clock| open(clock, 0)).await;
        let storage = open(Arc::new(ManualClock::at(START)), 20_000);
        let writer = storage.batch_writer(&Waiters::nobody());
        writer.store(vec![event(key("a"), processed(&[])), event(key("b"), announced())]).await.unwrap();
        assert_eq!(storage.states(&[key("a")]).await.unwrap(), [Some(RequestState::Processed)]);
        storage.replace_content(RuleContentSet::default()).await.unwrap();
        storage.content().await.unwrap();
        storage.ping().await.unwrap();
        assert_eq!(storage.purge().await.unwrap().requests, 20_000);
    });
}

#[test]
fn no_statement_has_what_citus_refuses() {
    let server = TestDatabase::postgres().server_address();
    let tap = Tap::to(server);
    use_all_of_it(&tap);
    let statements = tap.statements();
    let refused: Vec<_> =
        statements.iter().filter_map(|statement| refusal(statement).map(|why| (why, statement))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    // The tap sees each kind of them, or nothing would be proven.
    for kind in [
        "INSERT INTO requests",
        "INSERT INTO clusters",
        "DELETE FROM requests WHERE expires_at >=",
        "DELETE FROM requests WHERE org_id",
        "DELETE FROM clusters",
        "SELECT asked.position, list.*",
        "SELECT asked.position, found.*",
        "SELECT asked.position FROM unnest($1, $2) WITH ORDINALITY AS asked",
        "SELECT string_agg",
        "INSERT INTO rule_content",
    ] {
        assert!(statements.iter().any(|statement| statement.starts_with(kind)), "{kind}: {statements:#?}");
    }
}

#[test]
fn the_rules_know_what_citus_refuses() {
    for statement in [
        "INSERT INTO requests (a) SELECT b.* FROM unnest($1) AS b ON CONFLICT (a) DO UPDATE SET a = 1 WHERE requests.a <= $2 \
         RETURNING 1",
        "SELECT a.p, f.* FROM unnest($1) AS a CROSS JOIN LATERAL (SELECT x FROM requests WHERE x = a.x OFFSET 0) AS f",
        "INSERT INTO clusters (a) SELECT b.* FROM unnest($1) AS b WHERE NOT EXISTS (SELECT FROM clusters WHERE a = b.a)",
        "DELETE FROM requests WHERE ctid = ANY (ARRAY( SELECT ctid FROM requests LIMIT $2 FOR UPDATE SKIP LOCKED))",
        "SELECT a FROM clusters WHERE last_seen <= $1 FOR UPDATE SKIP LOCKED",
        "SELECT a FROM unnest($1) AS b JOIN requests USING (a) WHERE requests.xmin = pg_current_xact_id()::xid",
        "INSERT INTO requests (a) SELECT b.* FROM unnest($1) AS b ON CONFLICT DO NOTHING",
        "UPDATE requests SET expires_at = $1 WHERE org_id = $2",
        "DELETE FROM requests USING unnest($1) AS b WHERE requests.a = b.a",
    ] {
        assert!(refusal(statement).is_some(), "{statement}");
    }
    for statement in [
        "DELETE FROM requests WHERE org_id = $1 AND cluster_id = $2 AND expires_at <= $3",
        "SELECT revision FROM content_revision FOR UPDATE SKIP LOCKED",
    ] {
        assert_eq!(refusal(statement), None, "{statement}");
    }
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = Text)]
    mode: String,
}

/// How the statements of lookups are planned in a database that has an extension of this name in its catalogue, or none.
fn planned(extension: Option<&str>) -> Vec<String> {
    let suffix = uuid::Uuid::new_v4().simple();
    let (database, role) = (format!("citus_{suffix}"), format!("role_{suffix}"));
    let server = std::env::var("GATHERING_TEST_POSTGRES_URL").unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let mut admin = PgConnection::establish(&server).unwrap();
    // A database of its own: others would take this one for one of Citus, too.
    admin.batch_execute(&format!("CREATE DATABASE {database}")).unwrap();
    admin.batch_execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    let url = format!("{base}/{database}");
    let test_settings = TestDatabase::sqlite().settings();
    let owner = Settings { url: url.parse().unwrap(), ..test_settings.clone() };
    gathering_storage::Migrator::connect(&owner).unwrap().migrate().unwrap();
    let mut inside = PgConnection::establish(&url).unwrap();
    if let Some(extension) = extension {
        inside
            .batch_execute(&format!(
                "SET allow_system_table_mods = on;
                 INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
                 VALUES (99999, '{extension}', 10, 'public'::regnamespace, false, '13.2-1')"
            ))
            .unwrap();
    }
    inside
        .batch_execute(&format!(
            "CREATE TABLE seen (mode text);
             CREATE FUNCTION note() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO seen VALUES (current_setting('plan_cache_mode')); RETURN true; END $$;
             ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
             CREATE POLICY noted ON requests USING (note());
             GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .unwrap();
    let host = base.rsplit_once('@').unwrap().1;
    let settings =
        Settings { url: format!("postgres://{role}@{host}/{database}").parse().unwrap(), ..test_settings };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let settings = Settings { processed_cache: 0, ..settings };
        let storage = Storage::open(&settings, Arc::new(ManualClock::at(START)) as Arc<dyn Clock>).unwrap();
        storage.store(vec![event(key("a"), processed(&[]))]).await.unwrap();
        inside.batch_execute("DELETE FROM seen").unwrap();
        assert_eq!(storage.state(&key("a")).await.unwrap(), Some(RequestState::Processed));
    });
    let seen: Vec<Seen> = diesel::sql_query("SELECT mode FROM seen").load(&mut inside).unwrap();
    drop(inside);
    admin.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).unwrap();
    admin.batch_execute(&format!("DROP ROLE {role}")).unwrap();
    seen.into_iter().map(|seen| seen.mode).collect()
}

#[test]
fn plans_are_made_anew_where_citus_is() {
    assert_eq!(planned(Some("citus")), ["auto"]);
    assert_eq!(planned(None), ["force_generic_plan"]);
    assert_eq!(planned(Some("citus_columnar")), ["force_generic_plan"]);
}
