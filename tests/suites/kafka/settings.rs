//! Settings that cannot be, said before any socket opens.

use gathering_tests::Program;

#[test]
fn what_is_wrong_is_one_sentence_with_exit_code_2() {
    let program = Program::new();
    let on = [
        "--set",
        "auth.mode=disabled",
        "--set",
        "ingest.kafka.enabled=true",
        "--set",
        "ingest.kafka.brokers=127.0.0.1:1",
    ];
    for (setting, sentence) in [
        (
            "ingest.kafka.brokers=",
            "the setting ingest.kafka.brokers = \"\" (from --set) is not usable: it has to name a broker",
        ),
        (
            "ingest.kafka.group=",
            "the setting ingest.kafka.group = \"\" (from --set) is not usable: it must not be empty",
        ),
        (
            "ingest.kafka.start=newest",
            "the setting ingest.kafka.start = \"newest\" (from --set) is not usable: it has to be",
        ),
        ("ingest.kafka.dead_letter_topic=ccx.ocp.results", "the setting ingest.kafka.dead_letter_topic = "),
        (
            "ingest.kafka.security.protocol=tls",
            "the setting ingest.kafka.security.protocol = \"tls\" (from --set) is not",
        ),
        (
            "ingest.kafka.security.mechanism=GSSAPI",
            "the setting ingest.kafka.security.mechanism = \"GSSAPI\"",
        ),
        ("ingest.kafka.security.protocol=sasl_ssl", "this ingest.kafka.security.protocol needs "),
        ("ingest.kafka.security.ca_file=missing.pem", "the file missing.pem cannot be read"),
        ("ingest.kafka.properties.no.such=1", "the settings of ingest.kafka are not usable: no.such: "),
        ("ingest.kafka.properties.enable.auto.commit=false", "the property enable.auto.commit cannot be set"),
        (
            "ingest.kafka.properties.auto.commit.interval.ms=0",
            "the settings of ingest.kafka are not usable: auto.commit.interval.ms: it has to be more than 0",
        ),
        ("ingest.kafka.properties.list=[1]", "the setting ingest.kafka.properties = "),
        ("ingest.allowlist_file=missing.csv", "the allow list missing.csv cannot be read"),
    ] {
        for command in [&["serve"][..], &["serve", "--role", "ingest"], &["config", "--check"]] {
            let arguments: Vec<&str> = command.iter().copied().chain(on).chain(["--set", setting]).collect();
            let run = program.run(&arguments);
            assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
            assert!(run.stderr.starts_with(&format!("gathering: {sentence}")), "{arguments:?}: {run:?}");
            assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        }
    }
    assert!(!program.folder().join("data").exists(), "nothing was made before the settings were checked");
}

#[test]
fn secrets_among_the_properties_are_not_shown() {
    let program = Program::new();
    let run = program
        .run(&[
            "config",
            "--set",
            "ingest.kafka.properties.ssl.key.password=hunter2",
            "--set",
            "ingest.kafka.properties.fetch.min.bytes=17",
        ])
        .ok();
    assert!(!run.stdout.contains("hunter2") && run.stdout.contains("17"), "{}", run.stdout);
}
