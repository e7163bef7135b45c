use std::io::Write;

use gathering_ingest::kafka::{Password, SaslMechanism, SecurityProtocol};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value as Json, json};

use crate::config::{Config, Sources};

fn authority() -> String {
    let CertifiedKey { cert, .. } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    cert.pem()
}

/// A platform's file, our own beneath it, and what is above both.
fn load(platform: &Json, own: &str, assignments: &[&str]) -> Result<Config, String> {
    load_text(&platform.to_string(), own, &[], assignments)
}

fn load_text(
    platform: &str,
    own: &str,
    environment: &[(&str, &str)],
    assignments: &[&str],
) -> Result<Config, String> {
    let (mut file, mut own_file) =
        (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    file.write_all(platform.as_bytes()).unwrap();
    own_file.write_all(own.as_bytes()).unwrap();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let loaded = Config::load(&Sources {
        file: Some(own_file.path().to_owned()),
        platform: Some(file.path().to_owned()),
        environment: environment.iter().map(pair).collect(),
        assignments: assignments.iter().map(|&text| text.to_owned()).collect(),
        ..Sources::default()
    });
    loaded.map_err(|error| error.to_string().replace(file.path().to_str().unwrap(), "FILE"))
}

fn database() -> Json {
    json!({"hostname": "db", "port": 5432, "name": "gathering", "username": "u", "password": "s e/c:r@e?t#%",
        "adminUsername": "postgres", "adminPassword": "hidden", "sslMode": "verify-full"})
}

fn broker() -> Json {
    json!({"hostname": "kafka-0", "port": 9096, "authtype": "sasl", "securityProtocol": "SASL_SSL",
        "sasl": {"username": "u", "password": "10", "saslMechanism": "SCRAM-SHA-512"}})
}

fn url(config: &Config) -> String {
    let gathering_storage::DatabaseUrl::Postgres(url) = &config.storage.url else { panic!("{config:?}") };
    url.clone()
}

#[test]
fn ports_are_taken_on_every_interface() {
    let config = load(&json!({"publicPort": 8000, "webPort": 1, "metricsPort": 9000}), "", &[]).unwrap();
    assert_eq!(
        (config.http.bind.to_string(), config.admin.bind.to_string().as_str()),
        ("0.0.0.0:8000".to_owned(), "0.0.0.0:9000")
    );
    let config = load(&json!({"webPort": 8000, "publicPort": null}), "", &[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "0.0.0.0:8000");
    let defaults = load(&json!({"logging": 1, "tlsCAPath": [], "endpoints": "x"}), "", &[]).unwrap();
    assert_eq!(defaults.http.bind.to_string(), "127.0.0.1:8080", "what means nothing here is passed over");
}

#[test]
fn the_database_is_one_url_whatever_its_password_holds() {
    let config = load(&json!({"database": database()}), "", &[]).unwrap();
    let expected =
        "postgres://u:s%20e%2Fc%3Ar%40e%3Ft%23%25@db:5432/gathering?sslmode=verify-full&sslrootcert=system";
    assert_eq!(url(&config), expected);
    for text in [&config.shown, &format!("{config:?}")] {
        assert!(!text.contains("s%20e") && !text.contains("hidden"), "{text}");
    }
    let mut six = database();
    six["hostname"] = json!("fd00::1");
    six["sslMode"] = json!("");
    assert!(url(&load(&json!({"database": six}), "", &[]).unwrap()).ends_with("@[fd00::1]:5432/gathering"));
}

#[test]
fn authorities_of_the_database_are_in_one_private_file_however_often_they_are_read() {
    use std::os::unix::fs::PermissionsExt;

    let mut database = database();
    database["rdsCa"] = json!(authority());
    let config = load(&json!({"database": database.clone()}), "", &[]).unwrap();
    let url = url(&config);
    let path = url.split_once("&sslrootcert=").unwrap().1.replace("%2F", "/");
    let other = std::path::Path::new(&path).with_extension("other");
    std::fs::rename(&path, &other).unwrap();
    std::fs::write(&path, "what somebody left there").unwrap();
    let again = load(&json!({"database": database.clone()}), "", &[]).unwrap();
    assert_eq!(again.storage.url, config.storage.url);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), database["rdsCa"].as_str().unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = std::path::Path::new(&path).parent().unwrap();
    assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    // No other test has this authority.
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(&other).unwrap();
}

#[test]
fn brokers_and_their_login() {
    let (first, second) = (authority(), authority());
    let (mut one, mut two, mut three) = (broker(), broker(), broker());
    one["cacert"] = json!(first);
    two["cacert"] = json!(first);
    two["hostname"] = json!("::1");
    three["cacert"] = json!(second);
    three["port"] = Json::Null;
    let kafka = json!({"kafka": {"brokers": [one, two, three], "topics": []}});
    let own = "[ingest.kafka]\nenabled = true\n[ingest.kafka.security]\nca_file = \"gone\"\npassword_file = \"gone\"";
    let config = load(&kafka, own, &[]).unwrap();
    let settings = config.kafka_settings().unwrap();
    assert_eq!(settings.brokers, "kafka-0:9096,[::1]:9096,kafka-0");
    assert_eq!(settings.security.protocol, SecurityProtocol::SaslSsl);
    assert_eq!(settings.security.mechanism, SaslMechanism::ScramSha512);
    assert_eq!(settings.security.username.as_deref(), Some("u"));
    assert_eq!(settings.security.password, Some(Password::Text("10".to_owned())), "our file's gives way");
    assert_eq!(settings.security.ca_file, None, "and so does its authority");
    assert_eq!(settings.properties["ssl.ca.pem"], format!("{first}\n{second}"), "each counts once");
    assert!(config.shown.contains("password = \"***\""), "{}", config.shown);
    let text = format!("{config:?}");
    assert!(text.contains("Text(***)"), "{text}");

    let above = ["ingest.kafka.security.password_file=\"mine\"", "ingest.kafka.security.ca_file=\"my-ca\""];
    let settings = load(&kafka, own, &above).unwrap().kafka_settings().unwrap();
    assert_eq!(
        settings.security.password,
        Some(Password::File("mine".into())),
        "a later layer says it otherwise"
    );
    assert_eq!(settings.security.ca_file, Some("my-ca".into()));
    assert!(!settings.properties.contains_key("ssl.ca.pem"));
}

#[test]
fn a_protocol_that_is_not_named_never_sends_a_password_in_the_clear() {
    let login = json!({"username": "u", "password": "p"});
    for (extra, expected) in [
        (json!({}), SecurityProtocol::Plaintext),
        (json!({"authtype": "mtls"}), SecurityProtocol::Ssl),
        (json!({"cacert": authority()}), SecurityProtocol::Ssl),
        (json!({"sasl": login}), SecurityProtocol::SaslSsl),
        (json!({"sasl": {}, "securityProtocol": ""}), SecurityProtocol::Plaintext),
        (
            json!({"sasl": {"username": "u", "securityProtocol": "sasl_plaintext"}}),
            SecurityProtocol::SaslPlaintext,
        ),
        (
            json!({"sasl": {"securityProtocol": "SSL"}, "securityProtocol": "PLAINTEXT"}),
            SecurityProtocol::Plaintext,
        ),
    ] {
        let mut broker = json!({"hostname": "kafka", "port": 9092});
        broker.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let config = load(&json!({"kafka": {"brokers": [broker]}}), "", &[]).unwrap();
        assert_eq!(config.ingest.kafka.security.protocol, expected, "{extra}");
    }
}

#[test]
fn topics_get_the_names_that_brokers_know_whichever_layer_asks_for_them() {
    let topic = |asked: &str, name: &str| json!({"requestedName": asked, "name": name});
    let kafka = json!({"kafka": {"brokers": [broker()], "topics": [
        topic("ccx.ocp.results", "env-ccx-results"), topic("announce", "env-announce"), topic("77", "env-77")]}});
    let own = "[ingest.kafka]\nannouncements_topic = \"announce\"";
    let variable = ("GATHERING__INGEST__KAFKA__DEAD_LETTER_TOPIC", "77");
    let set = "ingest.kafka.payload_tracker_topic=unlisted";
    let config = load_text(&kafka.to_string(), own, &[variable], &[set]).unwrap().ingest.kafka;
    assert_eq!(config.results_topic, "env-ccx-results");
    assert_eq!(config.announcements_topic.as_deref(), Some("env-announce"));
    assert_eq!(config.dead_letter_topic.as_deref(), Some("env-77"));
    assert_eq!(config.payload_tracker_topic.as_deref(), Some("unlisted"));
    assert!(!config.enabled, "brokers alone do not make a consumer");
}

#[test]
fn variables_and_the_command_line_stand_over_it() {
    let platform = json!({"publicPort": 8000, "database": database()}).to_string();
    let variable = ("GATHERING__HTTP__BIND", "[::]:8000");
    let config =
        load_text(&platform, "[http]\nbind = \"127.0.0.1:1\"", &[variable], &["storage.url=sqlite://x.db"])
            .unwrap();
    assert_eq!(config.http.bind.to_string(), "[::]:8000");
    assert_eq!(config.storage.url.to_string(), "sqlite://x.db");
}

#[test]
fn what_is_wrong_is_named_by_key_and_file_and_no_value_is_shown() {
    let with = |section: &str, mut value: Json, key: &str, wrong: Json| {
        value[key] = wrong;
        if section == "database" {
            json!({"database": value})
        } else {
            json!({"kafka": {"brokers": [broker(), value]}})
        }
    };
    for (platform, key) in [
        (json!("secret"), "the whole of"),
        (json!({"publicPort": "secret"}), "publicPort of"),
        (json!({"webPort": 65536}), "webPort of"),
        (json!({"metricsPort": 0}), "metricsPort of"),
        (json!({"database": "secret"}), "database of"),
        (with("database", database(), "password", json!(1234)), "database.password of"),
        (with("database", database(), "password", Json::Null), "database.password of"),
        (with("database", database(), "username", json!("sec\0ret")), "database.username of"),
        (with("database", database(), "port", json!(-1)), "database.port of"),
        (with("database", database(), "sslMode", json!("secret")), "database.sslMode of"),
        (with("database", database(), "rdsCa", json!("secret")), "database.rdsCa of"),
        (with("database", database(), "hostname", json!("a@secret/x")), "database.hostname of"),
        (json!({"kafka": {"brokers": {}}}), "kafka.brokers of"),
        (with("kafka", broker(), "hostname", json!("a,secret")), "kafka.brokers[1].hostname of"),
        (with("kafka", broker(), "port", json!("secret")), "kafka.brokers[1].port of"),
        (with("kafka", broker(), "cacert", json!("secret")), "kafka.brokers[1].cacert of"),
        (with("kafka", broker(), "sasl", json!({"password": {}})), "kafka.brokers[1].sasl.password of"),
        (with("kafka", broker(), "sasl", json!({"username": "secret"})), "kafka.brokers[1] of"),
        (
            json!({"kafka": {"brokers": [], "topics": [{"name": "secret"}]}}),
            "kafka.topics[0].requestedName of",
        ),
    ] {
        let error = load(&platform, "", &[]).unwrap_err();
        assert!(
            error.starts_with(&format!("{key} the file FILE, which ACG_CONFIG names, ")),
            "{platform}: {error}"
        );
        assert!(!error.contains("secret") && !error.contains("1234"), "{error}");
    }
    let error = load_text("{\"database\": {\"password\": \"secret\", }", "", &[], &[]).unwrap_err();
    assert!(
        error.starts_with("the file FILE, which ACG_CONFIG names, is not JSON (")
            && !error.contains("secret"),
        "{error}"
    );
    let unknown =
        load(&json!({"kafka": {"brokers": [{"hostname": "k", "securityProtocol": "other"}]}}), "", &[])
            .unwrap_err();
    assert!(unknown.starts_with("the setting ingest.kafka.security.protocol = \"other\" (from the file FILE, which ACG_CONFIG names)"), "{unknown}");
    let missing =
        Config::load(&Sources { platform: Some("/no/such".into()), ..Sources::default() }).unwrap_err();
    assert!(
        missing.to_string().starts_with("the file /no/such, which ACG_CONFIG names, cannot be read ("),
        "{missing}"
    );
}
