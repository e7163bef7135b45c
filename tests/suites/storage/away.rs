//! A part of the database is away: what a coordinator of Citus says when a server that has some clusters does not answer.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use futures_util::future::join_all;
use gathering_domain::event::EventOutcome;
use gathering_domain::ids::{ClusterId, RequestKey};
use gathering_domain::request::RequestState;
use gathering_domain::store::{EventSink, RequestStore, StoreError};

use crate::fixture::{event, key, organization, processed};
use crate::useless::{Subject, with_a_role};

/// Clusters of even numbers are on the server that goes away.
fn of(cluster: u8, request: &str) -> RequestKey {
    RequestKey { cluster: id(cluster), ..key(request) }
}

fn id(cluster: u8) -> ClusterId {
    ClusterId::from_bytes([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, cluster])
}

/// Every row is looked at by a policy of the table, which says what Citus would, and counts how often. Those of the clusters with
/// these numbers in the end, as a pattern, are away.
fn take_away(subject: &Subject, pattern: &str) {
    subject.execute(&format!(
        "CREATE SEQUENCE IF NOT EXISTS refusals; GRANT ALL ON refusals TO PUBLIC;
         CREATE OR REPLACE FUNCTION is_there(cluster uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF cluster::text ~ '{pattern}$' THEN
                 PERFORM nextval('refusals');
                 RAISE EXCEPTION 'connection to the remote node gathering@worker-2:5432 failed with the following error: \
         Connection refused' USING ERRCODE = 'connection_failure';
             END IF;
             RETURN true;
         END $$;
         ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
         DROP POLICY IF EXISTS there ON requests;
         CREATE POLICY there ON requests USING (is_there(cluster_id))"
    ));
}

/// How often it was said so far.
fn refusals(subject: &Subject) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let mut connection = PgConnection::establish(subject.url()).unwrap();
    let sql = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS count FROM refusals";
    let row: Row = diesel::sql_query(sql).get_result(&mut connection).unwrap();
    row.count
}

const EVEN: &str = "[02468ace]";
const ALL: &str = "[0-9a-f]";

async fn with_records(subject: &Subject) {
    let events = (0..=255).map(|cluster| event(of(cluster, "a"), processed(&["m|A"])));
    subject.writer.store(events.collect()).await.unwrap();
}

/// Lets lookups gather before any is answered, so that they are in few batches.
async fn together<T>(subject: &Subject, lookups: impl Future<Output = T>) -> T {
    let mut other = PgConnection::establish(subject.url()).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.batch_execute("COMMIT").unwrap();
    };
    tokio::join!(lookups, release).0
}

#[test]
fn the_clusters_of_the_other_servers_are_answered() {
    with_a_role("", async |subject| {
        with_records(subject).await;
        take_away(subject, EVEN);
        let storage = &subject.storage;
        let (reports, lists, states) = together(subject, async {
            let reports = join_all((0..150).map(async |cluster| storage.report(&of(cluster, "a")).await));
            let lists =
                join_all((0..60).map(async |cluster| storage.list(organization(), id(cluster), None).await));
            let states = join_all((0..150).map(async |cluster| storage.state(&of(cluster, "a")).await));
            tokio::join!(reports, lists, states)
        })
        .await;
        for (cluster, report) in reports.into_iter().enumerate() {
            check(cluster, report.map(|report| report.unwrap().hits.len()), &1);
        }
        for (cluster, list) in lists.into_iter().enumerate() {
            check(cluster, list.map(|list| list.unwrap().len()), &1);
        }
        for (cluster, state) in states.into_iter().enumerate() {
            check(cluster, state, &Some(RequestState::Processed));
        }
        take_away(subject, "none");
        subject.does_everything().await;
    });
}

fn check<T: PartialEq + std::fmt::Debug>(cluster: usize, answer: Result<T, StoreError>, expected: &T) {
    if cluster.is_multiple_of(2) {
        let error = answer.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{cluster}: {error:?}");
    } else {
        assert_eq!(&answer.unwrap(), expected, "{cluster}");
    }
}

#[test]
fn one_that_asks_again_and_again_takes_nobody_with_it() {
    with_a_role("", async |subject| {
        with_records(subject).await;
        take_away(subject, EVEN);
        let storage = &subject.storage;
        let (own, others) = together(subject, async {
            let own = join_all((0..100).map(async |_| storage.report(&of(2, "a")).await));
            let others =
                join_all((0..20).map(async |cluster| storage.report(&of(2 * cluster + 1, "a")).await));
            tokio::join!(own, others)
        })
        .await;
        assert!(own.iter().all(Result::is_err));
        assert!(others.iter().all(Result::is_ok), "{others:?}");
    });
}

#[test]
fn where_all_are_away_few_questions_are_asked_again() {
    with_a_role("", async |subject| {
        with_records(subject).await;
        take_away(subject, ALL);
        let storage = &subject.storage;
        let reports = together(subject, async {
            join_all((0..=255).map(async |cluster| storage.report(&of(cluster, "a")).await)).await
        })
        .await;
        assert!(reports.iter().all(Result::is_err));
        // Two that were waiting for the lock, and what gathered behind them in pieces of 125.
        let (most, asked) = (5 * 17, refusals(subject));
        assert!((1..=most).contains(&asked), "{asked} questions, not {most}");
    });
}

#[test]
fn events_of_the_other_clusters_are_recorded_and_none_is_refused() {
    with_a_role("", async |subject| {
        take_away(subject, EVEN);
        subject.execute(
            "CREATE FUNCTION must_be_there() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM is_there(NEW.cluster_id); RETURN NEW; END $$;
             CREATE TRIGGER there BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION must_be_there()",
        );
        for round in 0..6 {
            let write =
                async |cluster| subject.writer.store(vec![event(of(cluster, "a"), processed(&[]))]).await;
            let outcomes = join_all((0..20).map(write)).await;
            for (cluster, outcome) in outcomes.into_iter().enumerate() {
                check(cluster, outcome, &vec![EventOutcome::Applied]);
            }
            assert_eq!(subject.writer.stats().refused, 0, "round {round}");
            // Longer than an event may fail alone, in all.
            subject.clock.advance(Duration::from_secs(140));
        }
        take_away(subject, "none");
        let write = async |cluster| subject.writer.store(vec![event(of(cluster, "a"), processed(&[]))]).await;
        assert!(join_all((0..20).map(write)).await.iter().all(Result::is_ok));
    });
}
