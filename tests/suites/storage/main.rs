//! Every store against one suite: in memory, on SQLite, on PostgreSQL; then what only databases do.

mod concurrency;
mod content;
mod files;
mod fixture;
mod hanging;
mod lists;
mod migrations;
mod outages;
mod passing;
mod plans;
mod purge;
mod reading;
mod remembering;
mod slow;
mod states;
mod useless;
mod writer;

/// Makes of each generic check a test for every store.
macro_rules! for_every_store {
    ($($check:ident),+ $(,)?) => { $(
        mod $check {
            use crate::fixture::{Memory, Postgres, Sqlite, run};

            #[test]
            fn in_memory() {
                run::<Memory, _>(|subject| async move { super::$check(&subject).await });
            }

            #[test]
            fn on_sqlite() {
                run::<Sqlite, _>(|subject| async move { super::$check(&subject).await });
            }

            #[test]
            fn on_postgres() {
                run::<Postgres, _>(|subject| async move { super::$check(&subject).await });
            }
        }
    )+ };
}
pub(crate) use for_every_store;
