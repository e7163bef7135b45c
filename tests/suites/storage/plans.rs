//! How PostgreSQL finds what is asked for, by its own counters: through the primary key, a row for each key, however small or
//! large the table was when the statements were planned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use gathering_domain::ids::RequestKey;
use gathering_domain::request::RequestState;
use gathering_domain::store::RequestStore;
use gathering_domain::time::ManualClock;
use gathering_storage::Storage;
use gathering_tests::{Scale, TestDatabase, until, until_some};

use crate::fixture::START;

/// In microseconds since 1970: the year 2100.
const LATER: i64 = 4_102_444_800_000_000;

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Scans {
    #[diesel(sql_type = Text)]
    by: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How often `requests` was looked through, in whole and by each index, once all who did it are gone.
fn scans(connection: &mut PgConnection) -> Vec<Scans> {
    diesel::sql_query(
        "SELECT 'whole' AS by, seq_scan AS count, seq_tup_read AS rows FROM pg_stat_user_tables
         WHERE relid = 'requests'::regclass
         UNION ALL
         SELECT indexrelname::text, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE relid = 'requests'::regclass
         ORDER BY 1",
    )
    .load(connection)
    .unwrap()
}

fn key(number: usize, clusters: usize) -> RequestKey {
    RequestKey {
        organization: 42.try_into().unwrap(),
        cluster: format!("00000000-0000-4000-8000-{:012x}", number % clusters).parse().unwrap(),
        request: format!("{number:032x}").parse().unwrap(),
    }
}

#[test]
fn each_key_costs_one_look_into_the_primary_key() {
    for (requests, clusters) in [(10, 5), (50_000, 2_500)] {
        let database = TestDatabase::postgres();
        Scale { first: 0, requests, clusters, expires_at: LATER, at_once: 500 }.fill(&database);
        let mut connection = PgConnection::establish(database.url()).unwrap();
        let inserted = i64::try_from(requests).unwrap();
        // The counters of a connection are added when it ends, some time later.
        let before = until_some(|| {
            let inserts =
                "SELECT 'inserts' AS by, n_tup_ins AS count, 0::bigint AS rows FROM pg_stat_user_tables
                           WHERE relid = 'requests'::regclass";
            let inserts: Scans = diesel::sql_query(inserts).get_result(&mut connection).unwrap();
            (inserts.count == inserted).then(|| scans(&mut connection))
        });
        let settings = gathering_storage::Settings { processed_cache: 0, ..database.settings() };
        let store = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for number in 0..10 {
                let state = store.state(&key(number, clusters)).await.unwrap();
                assert_eq!(state, Some(RequestState::Processed));
                assert_eq!(store.state(&key(number + requests, clusters)).await.unwrap(), None);
                assert!(store.report(&key(number, clusters)).await.unwrap().is_some());
            }
            let RequestKey { organization, cluster, .. } = key(0, clusters);
            let list = store.list(organization, cluster, None).await.unwrap().unwrap();
            assert_eq!(list.len(), requests / clusters);
        });
        drop(store);
        let listed = i64::try_from(requests / clusters).unwrap();
        let expected = vec![
            Scans { by: "requests_expires_at".to_owned(), count: 0, rows: 0 },
            Scans { by: "requests_pkey".to_owned(), count: 31, rows: 20 + listed },
            Scans { by: "whole".to_owned(), count: 0, rows: 0 },
        ];
        let (mut last, started) = (Vec::new(), Instant::now());
        until(|| {
            last = scans(&mut connection);
            for (now, before) in last.iter_mut().zip(&before) {
                now.count -= before.count;
                now.rows -= before.rows;
            }
            last == expected || started.elapsed() > Duration::from_secs(30)
        });
        assert_eq!(last, expected, "of {requests} requests");
    }
}
