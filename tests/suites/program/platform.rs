//! What the platform says, in the file of `ACG_CONFIG`, as Clowder writes it.

use std::path::PathBuf;
use std::process::Command;

use gathering_tests::{Authority, Program, TestDatabase, until};
use serde_json::{Value, json};

use crate::{refused, secret};

/// The platform's file in the folder of the program.
fn platform(program: &Program, document: &Value) -> PathBuf {
    program.file("cdapp/cdappconfig.json", document.to_string())
}

/// A command that knows of the platform, with a folder of its own for temporary files.
fn command(program: &Program, platform: &PathBuf, arguments: &[&str]) -> Command {
    let mut command = program.command(arguments);
    std::fs::create_dir_all(program.folder().join("tmp")).unwrap();
    command.env("ACG_CONFIG", platform).env("TMPDIR", program.folder().join("tmp"));
    command
}

fn whole() -> Value {
    json!({
        "publicPort": 8000, "metricsPort": 9000, "metricsPath": "/metrics", "logging": {"type": "null"},
        "database": {"hostname": "db.example", "port": 5432, "name": "g", "username": "u", "password": "s3cret/of:db",
            "adminUsername": "a", "adminPassword": "s3cret-of-admin", "sslMode": "verify-full",
            "rdsCa": Authority::new().pem()},
        "kafka": {
            "brokers": [{"hostname": "kafka.example", "port": 9096, "authtype": "sasl", "cacert": Authority::new().pem(),
                "securityProtocol": "SASL_SSL",
                "sasl": {"username": "u", "password": "s3cret-of-kafka", "saslMechanism": "SCRAM-SHA-512"}}],
            "topics": [{"requestedName": "ccx.ocp.results", "name": "env-1.ccx.ocp.results"}]},
    })
}

#[test]
fn it_is_a_layer_between_file_and_environment_and_its_secrets_are_not_shown() {
    let program = Program::new();
    let file = platform(&program, &whole());
    let own =
        program.file("own.toml", "[http]\nbind = \"127.0.0.1:1\"\n[storage]\nurl = \"sqlite://own.db\"");
    let mut command = command(&program, &file, &["config", "--config"]);
    command.arg(own).env("GATHERING__ADMIN__BIND", "0.0.0.0:9999");
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for line in [
        "bind = \"0.0.0.0:8000\"",
        "bind = \"0.0.0.0:9999\"",
        "brokers = \"kafka.example:9096\"",
        "protocol = \"SASL_SSL\"",
        "password = \"***\"",
        "results_topic = \"env-1.ccx.ocp.results\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    assert!(shown.contains("postgres://u:***@db.example:5432/g?sslmode=verify-full&sslrootcert="), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn files_of_authorities_do_not_grow_in_number_and_nothing_stands_for_no_file() {
    let (program, document) = (Program::new(), whole());
    let file = platform(&program, &document);
    for _ in 0..3 {
        assert!(command(&program, &file, &["config"]).output().unwrap().status.success());
    }
    let folders: Vec<_> = std::fs::read_dir(program.folder().join("tmp")).unwrap().flatten().collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let files: Vec<_> = std::fs::read_dir(folders[0].path()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let held = std::fs::read_to_string(files[0].path()).unwrap();
    assert_eq!(held, document["database"]["rdsCa"].as_str().unwrap());

    let unset = command(&program, &PathBuf::new(), &["config"]).output().unwrap();
    assert!(unset.status.success(), "{unset:?}");
}

#[test]
fn login_and_authorities_that_come_inline_are_as_good_as_files() {
    let program = Program::new();
    let file = platform(&program, &whole());
    let check = ["config", "--check", "--set", "ingest.kafka.enabled=true", "--set", &secret(&program)];
    let output = command(&program, &file, &check).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_is_wrong_with_it_is_one_sentence_before_anything_starts() {
    let program = Program::new();
    let mut document = whole();
    document["database"]["password"] = json!({"value": "s3cret"});
    let file = platform(&program, &document);
    let finished = command(&program, &file, &["serve"]).output().unwrap();
    assert_eq!(finished.status.code(), Some(2));
    let sentence = String::from_utf8(finished.stderr).unwrap();
    assert!(sentence.starts_with("gathering: database.password of the file "), "{sentence}");
    assert!(sentence.lines().count() == 1 && !sentence.contains("s3cret"), "{sentence}");

    let run = program.run(&["serve", "--set", "ingest.kafka.security.password="]);
    assert!(
        refused(&run, 2).starts_with("the setting ingest.kafka.security.password = \"***\" (from --set)")
    );
}

#[test]
fn the_service_runs_on_the_database_that_it_names() {
    let (program, database) = (Program::new(), TestDatabase::postgres());
    let address = database.server_address();
    // The names are those of tests/scripts/with-postgres; the schema is the one of this test.
    let document = json!({"database": {"hostname": address.ip().to_string(), "port": address.port(), "name": "postgres",
        "username": "gathering", "password": "any", "sslMode": "disable"}});
    let file = platform(&program, &document);
    let schema = database.url().split_once("search_path%3D").unwrap().1;
    let variables =
        [("ACG_CONFIG", file.to_str().unwrap()), ("PGOPTIONS", &format!("-csearch_path={schema}"))];
    let running = program.serve_with(&["serve", "--set", &secret(&program)], &variables);
    until(|| running.admin("/readyz").send().status == 200);
    assert_eq!(database.requests(), 0, "its tables are there");
    running.signal("TERM");
    running.wait().ok();
}
