//! Which properties of librdkafka may be set by users.

use std::collections::BTreeMap;

/// What settings of ours stand for, and what the promises of this crate depend on: no property may say otherwise.
pub(super) const OURS: [&str; 16] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "client.id",
    "security.protocol",
    "ssl.certificate.location",
    "ssl.key.location",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "acks",
    // What "acks" is called first. Which of two names counts would be chance.
    "request.required.acks",
];

/// Intervals of the consumer that switch something off where they are 0 or less: without commits nothing stays done with after
/// a kill, without looks at topics no new partition is noticed, without statistics nobody sees brokers go away.
pub(super) const OF_CONSUMER: &[&str] =
    &["auto.commit.interval.ms", "topic.metadata.refresh.interval.ms", "statistics.interval.ms"];

/// The same of the producers: a dead letter that is waited for without end keeps the consumer from polling.
pub(super) const OF_PRODUCER: &[&str] = &["message.timeout.ms"];

/// The name for how long messages may take that is not to be used where the other one is: which of two counts would be chance.
pub(super) fn spare_timeout(properties: &BTreeMap<String, String>) -> Option<&'static str> {
    let is_set = |name| properties.contains_key(name);
    match (is_set("message.timeout.ms"), is_set("delivery.timeout.ms")) {
        (_, false) => None,
        (false, true) => Some("message.timeout.ms"),
        (true, true) => Some("delivery.timeout.ms"),
    }
}

/// Properties that say which authorities count: instead of `security.ca_file`, and not beside it.
const AUTHORITIES: [&str; 2] = ["ssl.ca.location", "ssl.ca.pem"];

/// Whether a property must not be set to this, with a file of authorities in the settings or not.
pub(super) fn is_reserved(key: &str, value: &str, has_ca_file: bool) -> bool {
    let is_twice = has_ca_file && AUTHORITIES.contains(&key);
    // Without statistics nobody would notice that brokers are away, or come back.
    let is_blind = key == "statistics.interval.ms" && value.trim() == "0";
    OURS.contains(&key) || is_twice || is_blind
}

/// Whether properties, or the environment, say which authorities count.
pub(super) fn name_authorities(properties: &BTreeMap<String, String>) -> bool {
    AUTHORITIES.iter().any(|&key| properties.contains_key(key)) || environment_names_authorities()
}

/// OpenSSL heeds these unless it is told otherwise.
fn environment_names_authorities() -> bool {
    ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
