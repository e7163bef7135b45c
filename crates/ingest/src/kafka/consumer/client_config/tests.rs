use super::*;
use crate::kafka::settings::Start;

fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
    let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    KafkaSettings {
        brokers: "127.0.0.1:9092".to_owned(),
        group: "g".to_owned(),
        client_id: "c".to_owned(),
        results_topic: "r".to_owned(),
        announcements_topic: None,
        dead_letter_topic: None,
        payload_tracker_topic: None,
        service_name: "s".to_owned(),
        start: Start::Latest,
        security: Security {
            protocol: SecurityProtocol::Plaintext,
            ca_file: None,
            cert_file: None,
            key_file: None,
            mechanism: SaslMechanism::Plain,
            username: None,
            password: None,
        },
        properties: properties.collect(),
    }
}

#[test]
fn properties_go_over_defaults_and_not_over_promises() {
    let config = settings(&[("statistics.interval.ms", "100"), ("fetch.min.bytes", "10")]);
    let consumer = config.consumer().unwrap();
    assert_eq!(consumer.get("statistics.interval.ms"), Some("100"));
    assert_eq!(consumer.get("fetch.min.bytes"), Some("10"));
    assert_eq!(consumer.get("auto.offset.reset"), Some("earliest"), "whatever the start");
    assert_eq!(consumer.get("enable.auto.offset.store"), Some("false"));
    assert!(config.check().is_ok());
    for key in properties::OURS {
        let error = settings(&[(key, "x")]).check().unwrap_err();
        assert!(matches!(error, KafkaError::ReservedProperty { .. }), "{key}");
    }
}

#[test]
fn intervals_that_switch_something_off_are_refused() {
    for (key, value) in [
        ("statistics.interval.ms", "00"),
        ("auto.commit.interval.ms", "0"),
        ("auto.commit.interval.ms", " 0"),
        ("auto.commit.interval.ms", "0x0"),
        ("auto.commit.interval.ms", "0.5"),
        ("topic.metadata.refresh.interval.ms", "0"),
        ("topic.metadata.refresh.interval.ms", "-1"),
        ("message.timeout.ms", "0"),
        ("delivery.timeout.ms", "0"),
    ] {
        let error = settings(&[(key, value)]).check().unwrap_err().to_string();
        assert!(error.contains("it has to be more than 0"), "{key}={value}: {error}");
    }
    let short = ["statistics.interval.ms", "auto.commit.interval.ms", "message.timeout.ms"];
    assert!(settings(&short.map(|key| (key, "1"))).check().is_ok());
}

#[test]
fn librdkafka_checks_properties_and_no_value_is_shown() {
    for (key, value) in [("no.such.property", "secret"), ("fetch.min.bytes", "secret")] {
        let error = settings(&[(key, value)]).check().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_login_needs_a_name_and_a_password() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "p w\n\n").unwrap();
    let mut settings = settings(&[]);
    settings.security.protocol = SecurityProtocol::SaslSsl;
    settings.security.mechanism = SaslMechanism::ScramSha512;
    assert!(matches!(settings.check(), Err(KafkaError::LoginMissing)));
    settings.security.username = Some("u".to_owned());
    settings.security.password = Some(Password::File(path));
    let config = settings.consumer().unwrap();
    assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    assert_eq!(config.get("sasl.password"), Some("p w\n"), "one newline is the file's, not the password's");
    assert!(settings.check().is_ok(), "TLS and SCRAM are compiled in");
    settings.security.password = Some(Password::Text("p w\n".to_owned()));
    assert_eq!(settings.consumer().unwrap().get("sasl.password"), Some("p w\n"), "a text is taken as it is");
    assert!(!format!("{settings:?}").contains("p w"), "{settings:?}");
    settings.security.ca_file = Some(folder.path().join("missing.pem"));
    assert!(matches!(settings.check(), Err(KafkaError::File { .. })));
}
