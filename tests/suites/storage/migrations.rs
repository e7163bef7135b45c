//! Migrations apply, revert and apply again, on both databases, and two processes do not get in each other's way.

use gathering_storage::Migrator;
use gathering_tests::TestDatabase;

fn up_and_down(database: &TestDatabase) {
    let pending = || Migrator::pending(&database.settings()).unwrap();
    let all = pending();
    if database.is_postgres() {
        // Fails if the question had made the table that diesel keeps its record in.
        database.execute(
            "CREATE TABLE __diesel_schema_migrations (x INT); DROP TABLE __diesel_schema_migrations",
        );
    }
    assert_eq!(all, ["0001_requests", "0002_rule_content"]);
    let mut migrator = Migrator::connect(&database.settings()).unwrap();
    assert_eq!(pending(), all, "connecting applies nothing");
    assert_eq!(migrator.migrate().unwrap(), all);
    assert!(pending().is_empty());
    assert!(migrator.migrate().unwrap().is_empty(), "a second time there is nothing to do");

    for (index, name) in all.iter().enumerate().rev() {
        assert_eq!(migrator.revert_last().unwrap().as_ref(), Some(name));
        assert_eq!(pending(), all[index..]);
        assert_eq!(migrator.migrate().unwrap(), all[index..], "what was reverted applies again");
        for _ in index..all.len() {
            migrator.revert_last().unwrap();
        }
    }
    assert_eq!(migrator.revert_last().unwrap(), None, "nothing is left to revert");
    assert_eq!(migrator.migrate().unwrap(), all);
}

fn at_the_same_time(database: &TestDatabase) {
    let applied: usize = std::thread::scope(|scope| {
        let migrate = || Migrator::connect(&database.settings()).unwrap().migrate().unwrap().len();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(applied, 2, "each migration was applied by exactly one");
}

#[test]
fn up_and_down_on_sqlite() {
    up_and_down(&TestDatabase::sqlite());
}

#[test]
fn up_and_down_on_postgres() {
    up_and_down(&TestDatabase::postgres());
}

#[test]
fn at_the_same_time_on_sqlite() {
    // Rounds, since who meets whom while the file is made is chance.
    for _ in 0..20 {
        at_the_same_time(&TestDatabase::sqlite());
    }
}

#[test]
fn at_the_same_time_on_postgres() {
    at_the_same_time(&TestDatabase::postgres());
}
