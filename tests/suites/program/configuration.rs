//! Layers, refusals, and the two commands that show things.

use gathering_tests::{Call, Program};

use crate::{refused, secret};

#[test]
fn each_layer_goes_over_the_one_before() {
    let program = Program::new();
    let file = program
        .file("a.toml", "[http]\nmax_request_ids = 1\nworkers = 1\nmax_body = 1\nbind = \"127.0.0.1:1\"");
    let other = program.file("b.toml", "[http]\nmax_request_ids = 9");
    let shown = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = shown(
        program
            .command(&["--set", "http.max_body=2", "config", "--set", "http.bind=127.0.0.1:2", "--config"])
            .arg(&file)
            .env("GATHERING_CONFIG", &other)
            .env("GATHERING__HTTP__WORKERS", "7")
            .env("GATHERING__HTTP__MAX_BODY", "3"),
    );
    for line in ["max_request_ids = 1", "workers = 7", "max_body = 2", "bind = \"127.0.0.1:2\""] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    let text = shown(program.command(&["config"]).env("GATHERING_CONFIG", &other));
    assert!(text.contains("max_request_ids = 9"), "{text}");
}

#[test]
fn set_counts_wherever_it_stands() {
    let program = Program::new();
    let run = program.run(&["--set", "http.workers=3", "config", "--set", "http.max_request_ids=4"]).ok();
    assert!(run.stdout.contains("workers = 3") && run.stdout.contains("max_request_ids = 4"), "{run:?}");
    let run = program.run(&["import", "--set", "http.bnd=1", "results", "x"]);
    assert!(refused(&run, 2).starts_with("there is no setting http.bnd (from --set)"));
    let run = program.run(&["import", "results", "x", "--set", "http.bnd=1"]);
    assert!(refused(&run, 2).starts_with("there is no setting http.bnd (from --set)"));
}

#[test]
fn what_is_wrong_is_one_sentence_with_exit_code_2() {
    let program = Program::new();
    let broken = program.file("broken.toml", "[http\n");
    let broken = broken.to_str().unwrap();
    for (arguments, start) in [
        (&["serve", "--set", "http.bnd=1"][..], "there is no setting http.bnd (from --set)"),
        (
            &["serve", "--set", "http.bind=here"],
            "the setting http.bind = \"here\" (from --set) is not usable: ",
        ),
        (&["config", "--set", "nonsense"], "--set takes section.key=VALUE"),
        (&["config", "--config", broken], "the file "),
        (&["config", "--config", "missing.toml"], "the configuration file missing.toml cannot be read"),
        (&["serve"], "no key to verify tokens with: set auth.keys.hmac_secret_file"),
        (&["config", "--check"], "no key to verify tokens with: set auth.keys.hmac_secret_file"),
        (
            &["serve", "--set", "auth.mode=disabled", "--set", "http.bind=0.0.0.0:0"],
            "the setting auth.mode = \"disabled\" (from --set) is not usable: without authentication",
        ),
        (
            &["serve", "--set", "auth.keys.hmac_secret_file=missing.key"],
            "the key file missing.key cannot be read",
        ),
        (&["token", "--org", "42"], "no key to sign with: "),
    ] {
        let run = program.run(arguments);
        assert!(refused(&run, 2).starts_with(start), "{arguments:?}: {run:?}");
    }
    assert!(!program.folder().join("data").exists(), "nothing was made before the configuration was checked");
}

#[test]
fn wrong_usage_has_exit_code_2_and_shows_how() {
    let program = Program::new();
    for arguments in [
        &["nonsense"][..],
        &["serve", "extra"],
        &["import"],
        &["import", "results"],
        &["token"],
        &["token", "--org", "0"],
        &["token", "--org", "42", "--ttl", "0s"],
        &["token", "--org", "42", "--scope", "everything"],
        &["token", "--org", "42", "--cluster", "aaaa"],
        &["migrate", "--check", "--revert"],
        &[],
    ] {
        let run = program.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains("Usage: ") || run.stderr.contains("--help"), "{run:?}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let program = Program::new();
    for command in [
        &[][..],
        &["serve"],
        &["demo"],
        &["migrate"],
        &["import"],
        &["import", "results"],
        &["import", "content"],
        &["token"],
        &["config"],
        &["openapi"],
        &["health"],
    ] {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let run = program.run(&arguments).ok();
        for part in ["Example: gathering ", "--config <FILE>", "--set <SECTION.KEY=VALUE>"] {
            assert!(run.stdout.contains(part), "{command:?}: {}", run.stdout);
        }
    }
    assert!(program.run(&["--version"]).ok().stdout.starts_with("gathering "));
}

#[test]
fn the_effective_configuration_hides_secrets() {
    let program = Program::new();
    let url = "storage.url=postgres://u:secret@h/d?password=secret2";
    let run = program.run(&["config", "--set", url]).ok();
    assert!(
        run.stdout.contains("postgres://u:***@h/d?password=***") && !run.stdout.contains("secret"),
        "{run:?}"
    );
}

#[test]
fn check_is_silent_when_the_service_could_start() {
    let program = Program::new();
    let run = program.run(&["config", "--check", "--set", &secret(&program)]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let committed = include_str!("../../../docs/openapi.json");
    let program = Program::new();
    assert!(
        program.run(&["openapi"]).ok().stdout == committed,
        "run `make openapi` and look at the difference"
    );
    let other = program.run(&["openapi", "--set", "http.base_paths=[\"/x\"]"]).ok();
    let other: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    assert_eq!(other["servers"], serde_json::json!([{"url": "/x"}]));
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let program = Program::new();
    let mut command = program.command(&["openapi"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn health_tells_by_exit_code_and_sentence() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", &secret(&program)]);
    let url = format!("http://{}", running.admin_address());
    program.run(&["health", &url]).ok();
    program.run(&["health", "--set", &format!("admin.bind={}", running.admin_address())]).ok();
    program.run(&["health", &format!("{url}/livez")]).ok();
    let wrong = program.run(&["health", &format!("{url}/nope")]);
    assert!(refused(&wrong, 1).contains("is not ready: 404"), "{wrong:?}");
    let usage = program.run(&["health", "127.0.0.1:9464"]);
    assert!(refused(&usage, 2).starts_with("the URL has to begin with http://"), "{usage:?}");
    let address = running.admin_address();
    drop(running);
    let gone = program.run(&["health", &url]);
    assert!(refused(&gone, 1).starts_with(&format!("http://{address}/readyz is not ready: ")), "{gone:?}");
    assert!(Call::new(address, "GET", "/livez").try_send().is_err());
}
