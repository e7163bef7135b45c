//! `gathering migrate`

use gathering_tests::{Program, TestDatabase};

use crate::refused;

#[test]
fn apply_check_and_revert_on_both_databases() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let program = Program::new();
        let url = format!("storage.url={}", database.url());
        let migrate = |arguments: &[&str]| {
            let all: Vec<&str> =
                ["migrate", "--set", &url].into_iter().chain(arguments.iter().copied()).collect();
            program.run(&all)
        };
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
        let migrate = |arguments: &[&str]| {
            let all: Vec<&str> =
                ["migrate", "--set", &url].into_iter().chain(arguments.iter().copied()).collect();
            program.run(&all)
        };
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
