//! What holds for each transaction, whatever the defaults of the server and the role are, and whoever else uses the session.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use gathering_domain::content::RuleContentSet;
use gathering_domain::store::{ContentStore, EventSink, Purge, RequestStore};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::{Migrator, Pooler, Settings, Storage};
use gathering_tests::TestDatabase;

use crate::fixture::{START, event, key, processed};

#[derive(Debug, PartialEq, Eq, diesel::QueryableByName)]
struct Seen {
    #[diesel(sql_type = diesel::sql_types::Text)]
    of: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    synchronous: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    statement: String,
}

/// Has the database note with which settings each transaction ends that changes a row.
const NOTE_SETTINGS: &str = "
    CREATE TABLE seen (of TEXT, synchronous TEXT, statement TEXT);
    CREATE FUNCTION note() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen
        SELECT TG_TABLE_NAME, current_setting('synchronous_commit'), current_setting('statement_timeout');
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON requests DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION note();
    CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON content_revision
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();";

/// Whatever is written, by whichever way, is durable and has its time limit though the defaults say otherwise.
fn every_commit_is_durable(pooler: Pooler) {
    let database = TestDatabase::postgres();
    let hostile = "%20-csynchronous_commit%3Doff%20-cstatement_timeout%3D77777";
    let url: gathering_storage::DatabaseUrl = format!("{}{hostile}", database.url()).parse().unwrap();
    let settings = Settings { url, pooler, query_timeout: Duration::from_secs(60), ..database.settings() };
    Migrator::bring_up_to_date(&settings).unwrap();
    database.execute(NOTE_SETTINGS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(ManualClock::at(START));
        let storage = Storage::open(&settings, Arc::clone(&clock) as _).unwrap();
        let writer = storage.batch_writer(&Waiters::nobody());
        storage.store(vec![event(key("a"), processed(&["m|A"]))]).await.unwrap();
        writer.store(vec![event(key("b"), processed(&["m|A"]))]).await.unwrap();
        storage.replace_content(RuleContentSet::default()).await.unwrap();
        assert_eq!(storage.report(&key("a")).await.unwrap().unwrap().hits.len(), 1);
        clock.advance(Duration::from_secs(25 * 3600));
        assert_eq!(storage.purge().await.unwrap().requests, 2);
    });
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let sql = "SELECT DISTINCT of, synchronous, statement FROM seen ORDER BY of";
    let seen: Vec<Seen> = diesel::sql_query(sql).load(&mut connection).unwrap();
    let of =
        |of: &str| Seen { of: of.to_owned(), synchronous: "on".to_owned(), statement: "1min".to_owned() };
    assert_eq!(seen, [of("content_revision"), of("requests")]);
    connection.batch_execute("DROP TABLE seen").unwrap();
}

#[test]
fn every_commit_is_durable_in_a_session_of_its_own() {
    every_commit_is_durable(Pooler::None);
}

#[test]
fn every_commit_is_durable_in_a_session_that_others_use() {
    every_commit_is_durable(Pooler::Transaction);
}
