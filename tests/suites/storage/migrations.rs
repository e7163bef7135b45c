//! Migrations apply, revert and apply again, on both databases, and two processes do not get in each other's way.

use gathering_storage::{MigrationStep, Migrator, StorageError};
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
    assert_eq!(all, ["0001_requests", "0002_rule_content", "0003w_erasures"]);
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

fn each_is_told_of(database: &TestDatabase) {
    let mut told = Vec::new();
    let tell = |step: MigrationStep<'_>| told.push(step.to_string());
    let applied = Migrator::bring_up_to_date_telling(&database.settings(), tell).unwrap();
    assert_eq!(applied.len(), 3);
    let expected: Vec<_> = applied
        .iter()
        .zip(1..)
        .map(|(name, number)| format!("applying the migration {name}, {number} of 3"))
        .collect();
    assert_eq!(told, expected);
}

fn at_the_same_time(database: &TestDatabase) {
    let applied: usize = std::thread::scope(|scope| {
        let migrate = || Migrator::connect(&database.settings()).unwrap().migrate().unwrap().len();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(applied, 3, "each migration was applied by exactly one");
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
fn each_is_told_of_on_sqlite() {
    each_is_told_of(&TestDatabase::sqlite());
}

#[test]
fn each_is_told_of_on_postgres() {
    each_is_told_of(&TestDatabase::postgres());
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

/// Everything that is in the way of working with a schema, and what is said of it.
fn schemas_of_others_are_refused(database: &TestDatabase) {
    let pending = || Migrator::pending(&database.settings());
    let refused = |expected: &str| {
        let bring = || Migrator::bring_up_to_date(&database.settings());
        for refusal in [pending().unwrap_err(), bring().unwrap_err()] {
            let sentence = refusal.to_string();
            assert!(sentence.contains(expected) && !sentence.contains("rights"), "{sentence}");
        }
    };
    database.migrate();
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101'), ('20990102')");
    refused("has the migrations 20990101, 20990102, which this program does not know");
    let connected = || Migrator::connect(&database.settings()).unwrap();
    for result in [connected().migrate().map(|_| ()), connected().revert_last().map(|_| ())] {
        let error = result.unwrap_err();
        assert!(matches!(error, StorageError::UnknownMigrations { .. }), "{error:?}");
    }
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '2099%'");
    assert!(pending().unwrap().is_empty());

    database.execute("ALTER TABLE requests RENAME TO elsewhere");
    refused("lacks the tables requests, which its migrations had made");
    database.execute("ALTER TABLE elsewhere RENAME TO requests");

    database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '0002'");
    refused("has the tables rule_content, content_revision, which no migration of this program made");
    database.execute("DROP TABLE __diesel_schema_migrations");
    refused(
        "has the tables requests, clusters, rule_content, content_revision, erasures, which no migration",
    );
}

#[test]
fn schemas_of_others_are_refused_on_sqlite() {
    schemas_of_others_are_refused(&TestDatabase::sqlite());
}

#[test]
fn schemas_of_others_are_refused_on_postgres() {
    schemas_of_others_are_refused(&TestDatabase::postgres());
}

#[test]
fn where_nothing_is_pending_rows_are_all_that_has_to_be_writable() {
    let database = TestDatabase::postgres();
    database.migrate();
    let (server, schema) = database.url().split_once("search_path%3D").unwrap();
    let role = format!("writer_{}", schema.rsplit('_').next().unwrap());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
    ));
    let (_, address) = server.split_once('@').unwrap();
    let url = format!("postgres://{role}@{address}search_path%3D{schema}").parse().unwrap();
    let settings = gathering_storage::Settings { url, ..database.settings() };
    assert!(Migrator::bring_up_to_date(&settings).unwrap().is_empty());
    let error = Migrator::connect(&settings).unwrap().revert_last().unwrap_err().to_string();
    assert!(error.contains("check the rights of its user"), "here they are what is missing: {error}");
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// Every file of a folder with what is in it.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_look_changes_nothing_on_sqlite() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("gathering.db");
    let url = format!("sqlite://{}", path.display()).parse().unwrap();
    let settings = gathering_storage::Settings { url, ..TestDatabase::sqlite().settings() };
    let is_same_after_a_look = |expected: usize| {
        let before = files(folder.path());
        assert_eq!(Migrator::pending(&settings).unwrap().len(), expected);
        let mut after = files(folder.path());
        // An index of the WAL file, which holds nothing of its own.
        after.retain(|(name, _)| {
            before.iter().any(|(before, _)| before == name) || !name.ends_with("gathering.db-shm")
        });
        assert!(before == after, "{:?}", after.iter().map(|(name, _)| name).collect::<Vec<_>>());
    };
    is_same_after_a_look(3);
    Migrator::bring_up_to_date(&settings).unwrap();
    is_same_after_a_look(0);
    let connect = || diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connect().batch_execute("PRAGMA journal_mode = DELETE").unwrap();
    is_same_after_a_look(0);
    // What a crash leaves behind.
    let mut connection = connect();
    connection.batch_execute("PRAGMA journal_mode = WAL; PRAGMA user_version = 7").unwrap();
    let left = files(folder.path());
    drop(connection);
    for (name, content) in left {
        if !name.ends_with("gathering.db-shm") {
            std::fs::write(name, content).unwrap();
        }
    }
    assert!(folder.path().join("gathering.db-wal").exists());
    is_same_after_a_look(0);
}

/// Settings for two schemas, of which the first is looked into first.
fn one_after_the_other(first: &TestDatabase, second: &TestDatabase) -> gathering_storage::Settings {
    let (_, schema) = second.url().split_once("search_path%3D").unwrap();
    let url = format!("{}%2C{schema}", first.url()).parse().unwrap();
    gathering_storage::Settings { url, ..first.settings() }
}

#[test]
fn tables_of_others_in_a_later_schema_are_in_nobodys_way() {
    for record in ["", "20240101000000", "0001"] {
        let (ours, others) = (TestDatabase::postgres(), TestDatabase::postgres());
        others.execute("CREATE TABLE clusters_of_theirs (x INT)");
        if record != "0001" {
            others.execute("CREATE TABLE requests (x INT); CREATE VIEW clusters AS SELECT 1");
        }
        if !record.is_empty() {
            others.execute(&format!(
                "CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY, run_on TIMESTAMP);
                 INSERT INTO __diesel_schema_migrations (version) VALUES ('{record}')"
            ));
        }
        let settings = one_after_the_other(&ours, &others);
        let all = ["0001_requests", "0002_rule_content", "0003w_erasures"];
        assert_eq!(Migrator::pending(&settings).unwrap(), all);
        assert_eq!(Migrator::bring_up_to_date(&settings).unwrap(), all);
        assert!(Migrator::pending(&settings).unwrap().is_empty());
        assert!(Migrator::pending(&ours.settings()).unwrap().is_empty(), "they are in the first schema");
        ours.execute("ALTER TABLE requests RENAME TO elsewhere");
        let sentence = Migrator::pending(&settings).unwrap_err().to_string();
        assert!(
            sentence.contains("lacks the tables requests"),
            "those of others are no substitute: {sentence}"
        );
        ours.execute("ALTER TABLE elsewhere RENAME TO requests");
        assert_eq!(
            Migrator::connect(&settings).unwrap().revert_last().unwrap().as_deref(),
            Some("0003w_erasures")
        );
        assert_eq!(Migrator::pending(&settings).unwrap(), all[2..]);
    }
}

#[test]
fn a_schema_that_comes_into_being_before_ours_hides_nothing() {
    let (empty, ours) = (TestDatabase::postgres(), TestDatabase::postgres());
    ours.migrate();
    let settings = one_after_the_other(&empty, &ours);
    assert!(Migrator::bring_up_to_date(&settings).unwrap().is_empty());
    assert_eq!(
        Migrator::connect(&settings).unwrap().revert_last().unwrap().as_deref(),
        Some("0003w_erasures")
    );
    assert_eq!(Migrator::pending(&settings).unwrap(), ["0003w_erasures"]);
    assert_eq!(Migrator::bring_up_to_date(&settings).unwrap(), ["0003w_erasures"]);
    assert!(Migrator::pending(&ours.settings()).unwrap().is_empty(), "it is where the others are");
    empty.execute("CREATE TABLE requests (x INT)");
    let sentence = Migrator::pending(&settings).unwrap_err().to_string();
    assert!(sentence.contains("lacks the tables requests"), "another one hides it: {sentence}");
}
