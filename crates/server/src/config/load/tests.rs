//! What is accepted, and which layer counts.

mod auth;
mod keys;
mod refusals;

use std::io::Write;
use std::time::Duration;

use gathering_domain::report::ReportPolicy;
use gathering_domain::time::Retention;
use gathering_http::PendingStatus;

use super::*;
use crate::config::{AuthMode, Kafka};

fn load(assignments: &[&str]) -> Result<Config, String> {
    let assignments = assignments.iter().map(|&text| text.to_owned()).collect();
    Config::load(&Sources { assignments, ..Sources::default() }).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_what_the_documents_say() {
    let config = load(&[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.base_paths.len(), 3);
    assert_eq!((config.http.max_body, config.http.max_request_ids), (1 << 20, 1000));
    assert_eq!((config.http.max_in_flight, config.ingest.http.max_in_flight), (16 << 20, 64 << 20));
    assert_eq!(config.http.max_list, 10_000);
    assert_eq!(config.http.pending_status, PendingStatus::Auto);
    assert_eq!(config.admin.bind.to_string(), "127.0.0.1:9464");
    assert_eq!((config.auth.mode, config.auth.disabled_org.get()), (AuthMode::Jwt, 1));
    assert_eq!(config.auth.max_token, 16 * 1024);
    assert_eq!(config.storage.url.to_string(), "sqlite://data/gathering.db");
    assert_eq!(config.storage_settings().retention, Retention::default());
    assert_eq!(config.report_policy(), ReportPolicy::default());
}

#[test]
fn names_of_properties_have_dots_and_later_layers_win_all_the_same() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        b"[ingest.kafka.properties]\n\"fetch.min.bytes\" = 1\nfetch.wait.max.ms = 5\n\"enable.metrics.push\" = false",
    )
    .unwrap();
    let config = Config::load(&Sources {
        file: Some(file.path().to_owned()),
        environment: vec![(
            "GATHERING__INGEST__KAFKA__PROPERTIES__FETCH__MAX__BYTES".to_owned(),
            "100".to_owned(),
        )],
        assignments: vec!["ingest.kafka.properties.fetch.min.bytes=2".to_owned()],
        ..Sources::default()
    })
    .unwrap();
    let properties: Vec<_> = config.ingest.kafka.properties.into_iter().collect();
    let expected = [
        ("enable.metrics.push", "false"),
        ("fetch.max.bytes", "100"),
        ("fetch.min.bytes", "2"),
        ("fetch.wait.max.ms", "5"),
    ];
    assert_eq!(properties, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn every_layer_goes_over_the_one_before() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[storage]\npool_size = 2\nretention = \"2h\"\nquery_timeout = \"2s\"").unwrap();
    let config = Config::load(&Sources {
        file: Some(file.path().to_owned()),
        environment: vec![
            ("GATHERING__STORAGE__RETENTION".to_owned(), "3h".to_owned()),
            ("GATHERING__STORAGE__URL".to_owned(), "sqlite://production.db".to_owned()),
        ],
        platform: None,
        demo: Some("[storage]\nurl = \"sqlite://demo.db\"".to_owned()),
        assignments: vec!["storage.query_timeout=4s".to_owned()],
        for_tokens: false,
    })
    .unwrap();
    let storage = config.storage_settings();
    assert_eq!((storage.pool_size, storage.url.to_string().as_str()), (2, "sqlite://demo.db"));
    assert_eq!(storage.retention.requests, Duration::from_secs(3 * 3600));
    assert_eq!(storage.query_timeout, Duration::from_secs(4));
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Config, String> {
    let environment = variables.iter().map(|&(name, value)| (format!("GATHERING__{name}"), value.to_owned()));
    let sources = Sources { environment: environment.collect(), ..Sources::default() };
    Config::load(&sources).map_err(|error| error.to_string())
}

#[test]
fn a_variable_for_a_text_is_that_text_whatever_it_looks_like() {
    for text in [
        "12345",
        "1e3",
        "0x10",
        "-1",
        "+5",
        "1_000",
        "1.50",
        "true",
        "inf",
        "nan",
        "1979-05-27",
        "07:32:00",
        "1979-05-27T07:32:00Z",
        "[]",
        "[1, 2]",
        "[\"a\"]",
        "{}",
        "{a = 1}",
        " 12345",
        "007",
        "12345 # ok",
        "a=b",
    ] {
        let config = from_variables(&[
            ("INGEST__KAFKA__SECURITY__USERNAME", text),
            ("INGEST__KAFKA__GROUP", text),
            ("AUTH__AUDIENCE", text),
            ("AUTH__KEYS__JWKS_FILE", text),
            ("INGEST__KAFKA__PROPERTIES__SSL__KEY__PASSWORD", text),
        ])
        .unwrap();
        let Kafka { security, group, properties, .. } = config.ingest.kafka;
        assert_eq!(security.username.as_deref(), Some(text));
        assert_eq!((group.as_str(), config.auth.audience.as_deref()), (text, Some(text)));
        assert_eq!(config.auth.keys.jwks_file, Some(text.into()));
        assert_eq!(properties.get("ssl.key.password").map(String::as_str), Some(text));
    }
    // Quotes around a text are those of TOML.
    let config = from_variables(&[("AUTH__ISSUER", "\"12345\"")]).unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("12345"));
}

#[test]
fn a_variable_for_something_else_is_toml() {
    let config = from_variables(&[
        ("HTTP__WORKERS", "7"),
        ("HTTP__MAX_BODY", "64 KiB"),
        ("STORAGE__PROCESSED_CACHE", "1048576"),
        ("STORAGE__MIGRATE_ON_START", "false"),
        ("AUTH__KEYS__PUBLIC_KEY_FILES", "[\"1.pem\", \"2.pem\"]"),
        ("AUTH__KEYS", "{jwks_file = \"3\"}"),
        ("AUTH__LEEWAY", "5s"),
    ])
    .unwrap();
    assert_eq!((config.http.workers, config.http.max_body), (7, 64 << 10));
    assert_eq!((config.storage.processed_cache, config.storage.migrate_on_start), (1 << 20, false));
    let keys = config.auth.keys;
    assert_eq!((keys.public_key_files.len(), keys.jwks_file), (2, Some("3".into())));
    for (name, value, sentence) in [
        (
            "HTTP__WORKERS",
            "9999",
            "the setting http.workers = 9999 (from the variable GATHERING__HTTP__WORKERS)",
        ),
        ("AUTH__LEEWAY", "5", "the setting auth.leeway = 5 (from"),
        ("HTTP__MAX_BODY", "true", "the setting http.max_body = true (from"),
        ("STORAGE__MIGRATE_ON_START", "1", "the setting storage.migrate_on_start = 1 (from"),
        ("AUTH__KEYS__PUBLIC_KEY_FILES", "1", "the setting auth.keys.public_key_files = 1 (from"),
        ("AUTH__ALGORITHMS", "[1]", "the setting auth.algorithms = [1] (from"),
        ("HTTP__BIND", "8080", "the setting http.bind = 8080 (from"),
    ] {
        let error = from_variables(&[("INGEST__KAFKA__GROUP", "1"), (name, value)]).unwrap_err();
        assert!(error.starts_with(sentence), "{error}");
    }
}

#[test]
fn the_command_line_is_toml_and_properties_are_as_they_are_written() {
    let config = load(&["auth.issuer=\"12345\"", "ingest.kafka.properties.ssl.key.password=1e10"]).unwrap();
    assert_eq!(config.auth.issuer.as_deref(), Some("12345"));
    assert_eq!(config.ingest.kafka.properties["ssl.key.password"], "1e10");
}

#[test]
fn what_is_shown_has_no_secrets_and_can_be_read_back() {
    let (url, reads) = ("storage.url=postgres://u:secret@h/d", "storage.read_url=postgres://r:secret@s/d");
    let config = load(&[url, reads, "auth.issuer=me"]).unwrap();
    assert!(!config.shown.contains("secret@") && config.shown.contains("postgres://u:***@h/d"));
    assert!(config.shown.contains("postgres://r:***@s/d"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.shown.as_bytes()).unwrap();
    let again = Config::load(&Sources { file: Some(file.path().to_owned()), ..Sources::default() }).unwrap();
    assert_eq!(again.auth.issuer.as_deref(), Some("me"));
}

#[test]
fn secrets_of_properties_and_of_urls_of_keys_are_not_shown() {
    for (name, is_shown) in [
        ("sasl.oauthbearer.assertion.private.key.passphrase", false),
        ("sasl.oauthbearer.assertion.private.key.pem", false),
        ("sasl.oauthbearer.client.secret", false),
        ("sasl.jaas.config", false),
        ("ssl_key", false),
        ("ssl.keystore.password", false),
        ("client.rack", true),
    ] {
        let config = load(&[&format!("ingest.kafka.properties.{name}=hush")]).unwrap();
        assert_eq!(config.shown.contains("hush"), is_shown, "{name}");
    }
    for assignment in [
        "auth.keys.jwks_url=https://sso.example.com/keys?code=hush",
        "auth.issuers=[{issuer=\"a\",audience=\"b\",keys={jwks_url=\"https://sso.example.com/keys?code=hush\"}}]",
    ] {
        let shown = load(&[assignment]).unwrap().shown;
        assert!(!shown.contains("hush") && shown.contains("https://sso.example.com/keys?***"), "{shown}");
    }
    let error = load(&["auth.keys.jwks_url=http://sso.example.com/keys?code=hush"]).unwrap_err();
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn what_is_shown_of_variables_is_what_counts() {
    let variables =
        [("INGEST__KAFKA__GROUP", "12345"), ("AUTH__AUDIENCE", "[\"a\"]"), ("HTTP__WORKERS", "7")];
    let shown = from_variables(&variables).unwrap().shown;
    for line in ["group = \"12345\"", "audience = '[\"a\"]'", "workers = 7"] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
    // What is refused is shown as it was given, and with what was expected in the words of TOML.
    for (name, value, expected) in [
        (
            "AUTH__DISABLED_ORG",
            "-1",
            "auth.disabled_org = -1 (from the variable GATHERING__AUTH__DISABLED_ORG)",
        ),
        ("AUTH__DISABLED_ORG", "me", "expected a whole number"),
        ("INGEST__KAFKA__DEAD_LETTER_TOPIC", "ccx.ocp.results", "another topic than those that are read"),
    ] {
        let error = from_variables(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected) && !error.contains("u32"), "{error}");
    }
}

#[test]
fn a_password_in_the_wrong_place_is_hidden_too() {
    let from = |name: &str, value: &str| {
        let environment = vec![(name.to_owned(), value.to_owned())];
        Config::load(&Sources { environment, ..Sources::default() }).unwrap_err().to_string()
    };
    for error in [
        from("GATHERING__STORAGE", "postgres://u:secret@h/d"),
        from("GATHERING__STORAGE", "{url=\"mysql://u:secret@h/d\"}"),
        from("GATHERING__STORAGE__URL__X", "postgres://u:secret@h/d"),
        load(&["url=postgres://u:secret@h/d"]).unwrap_err(),
        load(&["storage.url=postgres"]).unwrap_err(),
    ] {
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_refused_url_costs_the_sentence_no_word() {
    assert_eq!(
        load(&["storage.url=mysql://x/y"]).unwrap_err(),
        "the setting storage.url = \"mysql://***\" (from --set) is not usable: a database URL is sqlite://relative/path, \
         sqlite:///absolute/path or postgres://user@host/database; SQLite in memory is not supported"
    );
    for value in [
        "postgres://u:100%SEcret@h/db",
        "postgres://u:SE cret@h/db",
        "postgres://u:SEcret/x@h/db",
        "postgres://u:SEcret/db",
        "postgres://u:SEcret@[::1",
        "postgres://h/db?passw%6Frd=SEcret",
        "u:SEcret@h/db",
    ] {
        for key in ["storage.url", "storage.read_url"] {
            let error = load(&[&format!("{key}={value}")]).unwrap_err();
            assert!(!error.contains("cret") && error.contains("a database URL "), "{error}");
        }
    }
}

#[test]
fn a_later_layer_may_say_the_same_thing_in_another_way() {
    use gathering_ingest::kafka::Password;

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[ingest.kafka]\nenabled = true\nbrokers = \"k\"\nsecurity.password_file = \"file\"")
        .unwrap();
    let name = "GATHERING__INGEST__KAFKA__SECURITY__PASSWORD".to_owned();
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: vec![(name.clone(), "12345".to_owned())],
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap();
    let password = config.kafka_settings().unwrap().security.password;
    assert_eq!(password, Some(Password::Text("12345".to_owned())));
    assert!(!config.shown.contains("12345") && !format!("{config:?}").contains("12345"), "{}", config.shown);

    let both = vec![(name.clone(), "12345".to_owned()), (format!("{name}_FILE"), "other".to_owned())];
    let error = Config::load(&Sources { environment: both, ..sources }).unwrap_err().to_string();
    let start = "the setting ingest.kafka.security.password = \"***\" (from the variable GATHERING__";
    assert!(error.starts_with(start) && error.ends_with("only one of them can count"), "{error}");
}
