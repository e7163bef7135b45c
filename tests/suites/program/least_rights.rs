//! deploy/postgres/roles.sql: an owner that migrates, and a role for the service that can do no more than read and write rows.

use gathering_tests::{CLUSTER, Message, Program, TestDatabase};

use crate::refused;

const ROLES: &str = include_str!("../../../deploy/postgres/roles.sql");

/// Both roles, under names of their own; they and their schema are dropped at the end.
struct Roles {
    database: TestDatabase,
    name: String,
}

impl Roles {
    fn new() -> Self {
        let roles = Self {
            database: TestDatabase::postgres(),
            name: format!("least{}", uuid::Uuid::new_v4().simple()),
        };
        roles.database.execute(&ROLES.replace("gathering", &roles.name));
        roles
    }

    fn setting(&self, role: &str) -> String {
        let (_, address) = self.database.url().split_once('@').unwrap();
        let (address, _) = address.split_once('?').unwrap();
        format!("storage.url=postgres://{}_{role}@{address}", self.name)
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        let name = &self.name;
        self.database.execute(&format!(
            "DROP OWNED BY {name}_app; DROP ROLE {name}_app; DROP OWNED BY {name}_owner CASCADE; DROP ROLE {name}_owner"
        ));
    }
}

#[test]
fn the_service_runs_as_a_role_that_reads_and_writes_rows_only() {
    let (roles, program) = (Roles::new(), Program::new());
    let (owner, app) = (roles.setting("owner"), roles.setting("app"));
    let early = program.run(&["migrate", "--set", &app]);
    assert!(refused(&early, 1).contains("check the rights of its user"), "{early:?}");
    program.run(&["migrate", "--set", &owner]).ok();

    let running = program.serve(&[
        "serve",
        "--set",
        "auth.mode=disabled",
        "--set",
        "storage.migrate_on_start=false",
        "--set",
        "storage.purge_interval=50ms",
        "--set",
        &app,
    ]);
    let message = Message::new(1, CLUSTER, "a").to_string();
    let post =
        running.call("POST", "/ingest/results").header("content-type", "application/json").body(message);
    assert_eq!(post.send().status, 200);
    let status = running.call("GET", &format!("/cluster/{CLUSTER}/request/a/status"));
    assert_eq!(status.send().status, 200);
    assert_eq!(running.admin("/readyz").send().status, 200);
    for command in
        [&["show", "--cluster", CLUSTER][..], &["erase", "--org", "1"], &["migrate", "--check"], &["migrate"]]
    {
        program.run(&[command, &["--set", &app]].concat()).ok();
    }
    let log = running.stderr();
    assert!(!log.contains("WARN") || !log.contains("denied"), "{log}");

    let run = program.run(&["migrate", "--revert", "--set", &app]);
    assert!(refused(&run, 1).contains("check the rights of its user"), "{run:?}");
    let name = &roles.name;
    for forbidden in [
        "CREATE TABLE t ()",
        "CREATE TABLE public.t ()",
        "CREATE TEMPORARY TABLE t ()",
        "DROP TABLE requests",
        "TRUNCATE requests",
        "ALTER TABLE requests ADD x INT",
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('0099')",
        "UPDATE __diesel_schema_migrations SET version = '0099'",
        "DELETE FROM __diesel_schema_migrations",
    ] {
        roles.database.execute(&format!(
            "SET ROLE {name}_app; SET search_path = {name};
             DO $$ BEGIN {forbidden}; RAISE $it$it may: {forbidden}$it$;
             EXCEPTION WHEN insufficient_privilege THEN NULL; END $$; RESET ROLE"
        ));
    }
}
