//! Properties of librdkafka that users may not set.

use std::collections::BTreeMap;

/// Properties that have a setting of their own, or that the promises of this crate depend on.
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

/// Intervals of the consumer that have to be more than 0, since 0 switches something off: commits, the search for new
/// partitions, or statistics, without which nobody notices that brokers are away.
pub(super) const OF_CONSUMER: &[&str] =
    &["auto.commit.interval.ms", "topic.metadata.refresh.interval.ms", "statistics.interval.ms"];

/// Intervals of producers that have to be more than 0: waiting for a dead letter without end would keep the consumer from
/// polling.
pub(super) const OF_PRODUCER: &[&str] = &["message.timeout.ms"];

/// The name of the message timeout that must not be set because the other one is: if both were, chance would decide.
pub(super) fn redundant_timeout(properties: &BTreeMap<String, String>) -> Option<&'static str> {
    let is_set = |name| properties.contains_key(name);
    match (is_set("message.timeout.ms"), is_set("delivery.timeout.ms")) {
        (_, false) => None,
        (false, true) => Some("message.timeout.ms"),
        (true, true) => Some("delivery.timeout.ms"),
    }
}

/// Properties that name certificate authorities. They may be set instead of `security.ca_file`, not with it.
const AUTHORITIES: [&str; 2] = ["ssl.ca.location", "ssl.ca.pem"];

/// Whether a property must not be set to this value.
pub(super) fn is_reserved(key: &str, value: &str, has_ca_file: bool) -> bool {
    let is_twice = has_ca_file && AUTHORITIES.contains(&key);
    // Without statistics nobody would notice that brokers are away, or come back.
    let is_blind = key == "statistics.interval.ms" && value.trim() == "0";
    OURS.contains(&key) || is_twice || is_blind
}

/// Whether properties or the environment name certificate authorities.
pub(super) fn name_authorities(properties: &BTreeMap<String, String>) -> bool {
    AUTHORITIES.iter().any(|&key| properties.contains_key(key)) || environment_names_authorities()
}

/// OpenSSL heeds these unless it is told otherwise.
fn environment_names_authorities() -> bool {
    ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
