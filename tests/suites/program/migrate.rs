//! `gathering migrate`

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use gathering_tests::{Finished, Program, TestDatabase, until};

use crate::refused;

/// Runs `gathering migrate` with these arguments on a database that this assignment names.
fn migrate(program: &Program, url: &str, arguments: &[&str]) -> Finished {
    program.run(&[&["migrate", "--set", url], arguments].concat())
}

#[test]
fn apply_check_and_revert_on_both_databases() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let program = Program::new();
        let url = format!("storage.url={}", database.url());
        let migrate = |arguments: &[&str]| migrate(&program, &url, arguments);
        let behind = migrate(&["--check"]);
        assert!(
            refused(&behind, 1)
                .contains("lacks the migrations 0001_requests, 0002_rule_content, 0003w_erasures"),
            "{behind:?}"
        );
        if let Some(path) = database.url().strip_prefix("sqlite://") {
            assert!(!std::path::Path::new(path).exists(), "a check makes no file");
        }
        assert_eq!(
            migrate(&[]).ok().stdout,
            "applied 0001_requests\napplied 0002_rule_content\napplied 0003w_erasures\n"
        );
        assert_eq!(migrate(&[]).ok().stdout, "the schema is up to date\n");
        assert_eq!(migrate(&["--check"]).ok().stdout, "the schema is up to date\n");
        assert_eq!(migrate(&["--revert"]).ok().stdout, "reverted 0003w_erasures\n");
        assert!(refused(&migrate(&["--check"]), 1).contains("lacks the migrations 0003w_erasures"));
        assert_eq!(migrate(&["--revert"]).ok().stdout, "reverted 0002_rule_content\n");
        assert_eq!(migrate(&["--revert"]).ok().stdout, "reverted 0001_requests\n");
        assert_eq!(migrate(&["--revert"]).ok().stdout, "there is nothing to revert\n");
        assert_eq!(migrate(&[]).ok().stdout.lines().count(), 3, "it can be applied again");
    }
}

/// The number that crates/storage/src/connection/migrations.rs has, in which processes agree.
const LOCK: i64 = 0x6761_7468_6572;

#[test]
fn whoever_waits_for_the_migration_of_another_process_goes_on_after_it_and_can_be_stopped() {
    let (program, database) = (Program::new(), TestDatabase::postgres());
    let url = format!("storage.url={}", database.url());
    let mut holder = PgConnection::establish(database.url()).unwrap();
    holder.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).unwrap();
    let settings = [
        "auth.mode=disabled",
        "storage.pool_timeout=1s",
        "http.bind=127.0.0.1:0",
        "admin.bind=127.0.0.1:0",
        &url,
    ];
    let wait: Vec<_> =
        std::iter::once("serve").chain(settings.into_iter().flat_map(|setting| ["--set", setting])).collect();
    let start = || {
        let log = program.folder().join("log");
        let file = std::fs::File::create(&log).unwrap();
        let child = program.command(&wait).stderr(file).spawn().unwrap();
        until(|| std::fs::read_to_string(&log).unwrap().contains("may be changing its schema"));
        (child, log)
    };
    let (mut stopped, log) = start();
    gathering_tests::signal(&stopped, "TERM");
    assert!(stopped.wait().unwrap().success());
    assert!(std::fs::read_to_string(&log).unwrap().contains("stopped before the start was done"));

    let (mut waiting, log) = start();
    holder.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).unwrap();
    until(|| std::fs::read_to_string(&log).unwrap().contains("answering on"));
    gathering_tests::signal(&waiting, "TERM");
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn a_lock_on_its_tables_is_no_lack_of_rights() {
    let (program, database) = (Program::new(), TestDatabase::postgres());
    let url = format!("storage.url={}", database.url());
    database.migrate();
    let mut holder = PgConnection::establish(database.url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE __diesel_schema_migrations").unwrap();
    let run = program.run(&["migrate", "--set", "storage.query_timeout=1s", "--set", &url]);
    let sentence = refused(&run, 1);
    assert!(sentence.starts_with("another process is changing the schema of the database"), "{sentence}");
}

#[test]
fn a_schema_from_the_future_is_refused_by_every_command() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let program = Program::new();
        let url = format!("storage.url={}", database.url());
        database.migrate();
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('0099')");
        for command in [
            &["migrate", "--check"][..],
            &["migrate"],
            &["migrate", "--revert"],
            &["import", "results", "-"],
            &["serve", "--set", "auth.mode=disabled", "--set", "log.filter=off"],
            &[
                "serve",
                "--set",
                "auth.mode=disabled",
                "--set",
                "log.filter=off",
                "--set",
                "storage.migrate_on_start=false",
            ],
        ] {
            let run = program.run(&[command, &["--set", &url]].concat());
            let sentence = refused(&run, 1);
            assert!(
                sentence.contains(
                    "has the migrations 0099, which this program does not know; run the newer program"
                ),
                "{command:?}: {sentence}"
            );
        }
    }
}

#[test]
fn a_schema_that_a_newer_release_only_added_to_is_as_good_as_our_own() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let program = Program::new();
        let url = format!("storage.url={}", database.url());
        let migrate = |arguments: &[&str]| migrate(&program, &url, arguments);
        database.migrate();
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('0098w')");
        for arguments in [&["--check"][..], &[]] {
            assert_eq!(migrate(arguments).ok().stdout, "the schema is up to date\n");
        }
        let import = program.run_with_input(&["import", "results", "-", "--set", &url], b"");
        assert_eq!(import.ok().stdout, "stored 0, failed 0, skipped 0, rejected 0\n");
        let revert = migrate(&["--revert"]);
        assert!(refused(&revert, 1).contains("has the migrations 0098w, which this program does not know"));

        for statement in [
            "DELETE FROM __diesel_schema_migrations WHERE version = '0002'",
            "DROP TABLE rule_content",
            "DROP TABLE content_revision",
        ] {
            database.execute(statement);
        }
        for arguments in [&["--check"][..], &[]] {
            let gap = migrate(arguments);
            assert!(refused(&gap, 1).contains("0098w, which this program does not know"), "{gap:?}");
        }
    }
}
