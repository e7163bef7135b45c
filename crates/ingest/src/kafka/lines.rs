//! What the consumer writes to the log because of brokers, topics or messages, each kind within bounds of its own.

use std::fmt::Display;

use log::Level;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use super::log_limit::LogLimit;

/// The target of the lines that librdkafka writes.
const LIBRDKAFKA: &str = "librdkafka";

/// The target of the others: `log.filter = "info,gathering::kafka=off"` switches them off alone.
const KAFKA: &str = "gathering::kafka";

/// The kinds of lines; consumer and producers share them.
#[derive(Debug)]
pub(super) struct Lines {
    /// What clients say of their connections.
    connections: LogLimit,
    /// The group, its partitions and their offsets.
    pub(super) group: LogLimit,
    /// Messages that are refused.
    pub(super) refused: LogLimit,
    /// The last that is left of messages that are refused and kept nowhere else.
    pub(super) unkept: LogLimit,
    /// Messages that wait to be recorded.
    pub(super) waiting: LogLimit,
    /// What is odd about messages that are not.
    pub(super) odd: LogLimit,
    /// What the payload tracker did not get.
    pub(super) tracker: LogLimit,
}

impl Default for Lines {
    fn default() -> Self {
        let [group, refused, unkept, waiting, odd, tracker] = [(); 6].map(|()| LogLimit::new(KAFKA));
        Self { connections: LogLimit::new(LIBRDKAFKA), group, refused, unkept, waiting, odd, tracker }
    }
}

impl Lines {
    /// A line of librdkafka.
    pub(super) fn client(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // Consumer and producers get the same properties; each warns of those of the others.
        if facility == "CONFWARN" && line.contains("will be ignored by this") {
            return;
        }
        let level = match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => Level::Error,
            RDKafkaLogLevel::Warning => Level::Warn,
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => Level::Info,
            // Whoever has set the property `debug` wants all of them.
            RDKafkaLogLevel::Debug => {
                log::debug!(target: LIBRDKAFKA, "{facility}: {line}");
                return;
            }
        };
        self.connections.tell(level, format_args!("{facility}: {line}"));
    }

    /// What a client tells of its connections. Whatever it means for messages is told where they are.
    pub(super) fn client_error(&self, error: &KafkaError, reason: &str) {
        self.connections.tell(Level::Warn, format_args!("{error}: {reason}"));
    }

    /// Something about the group that goes wrong, and is tried again.
    pub(super) fn group_warning(&self, what: &str, error: impl Display) {
        self.group.tell(Level::Warn, format_args!("{what}: {error}"));
    }
}
