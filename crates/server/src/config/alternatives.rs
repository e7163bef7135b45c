//! Settings that say the same thing in several ways. One of a later layer takes those of earlier layers back; two of one layer
//! stay, for others to refuse.

const ALTERNATIVES: [&[&str]; 2] = [
    &["ingest.kafka.security.password", "ingest.kafka.security.password_file"],
    &[
        "ingest.kafka.security.ca_file",
        "ingest.kafka.properties.ssl.ca.pem",
        "ingest.kafka.properties.ssl.ca.location",
    ],
];

/// The other ways to say what a setting says.
pub(super) fn of(key: &str) -> impl Iterator<Item = &'static str> {
    let group = ALTERNATIVES.iter().copied().find(|group| group.contains(&key)).unwrap_or_default();
    group.iter().copied().filter(move |other| *other != key)
}
