//! The API over real HTTP, every check on SQLite and on PostgreSQL.

mod answers;
mod browsers;
mod callers;
mod concurrency;
mod connections;
mod documents;
mod expiry;
mod filters;
mod fixture;
mod ingest;
mod lists;
mod metrics;
mod outages;
mod pages;
mod promises;
mod protocol;
mod readiness;
mod refusals;
mod rendered_reports;
mod reports;
mod tenants;
mod waiting;

/// Makes of each check a test for both databases.
macro_rules! on_both {
    ($($check:ident),+ $(,)?) => { $(
        mod $check {
            #[test]
            fn on_sqlite() {
                super::$check(gathering_tests::TestDatabase::sqlite());
            }

            #[test]
            fn on_postgres() {
                super::$check(gathering_tests::TestDatabase::postgres());
            }
        }
    )+ };
}
pub(crate) use on_both;
