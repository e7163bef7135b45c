//! Log lines that brokers, topics or messages can cause, each kind throttled by itself.

use std::fmt::Display;

use gathering_support::ThrottledLog;
use log::Level;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// The target of the lines that librdkafka writes.
const LIBRDKAFKA: &str = "librdkafka";

/// The target of the others: `log.filter = "info,gathering::kafka=off"` switches them off alone.
const KAFKA: &str = "gathering::kafka";

/// One throttled logger for each kind of line. The consumer and its producers share them.
#[derive(Debug)]
pub(super) struct ConsumerLog {
    /// Connections to brokers.
    connections: ThrottledLog,
    /// The group, its partitions and their offsets.
    pub(super) group: ThrottledLog,
    /// Messages that are refused.
    pub(super) refused: ThrottledLog,
    /// Refused messages that are kept nowhere else.
    pub(super) unkept: ThrottledLog,
    /// Messages that wait to be recorded.
    pub(super) waiting: ThrottledLog,
    /// Warnings about messages that are accepted.
    pub(super) odd: ThrottledLog,
    /// Messages that the payload tracker did not get.
    pub(super) tracker: ThrottledLog,
}

impl Default for ConsumerLog {
    fn default() -> Self {
        let [group, refused, unkept, waiting, odd, tracker] = [(); 6].map(|()| ThrottledLog::new(KAFKA));
        Self { connections: ThrottledLog::new(LIBRDKAFKA), group, refused, unkept, waiting, odd, tracker }
    }
}

impl ConsumerLog {
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
        self.connections.log(level, format_args!("{facility}: {line}"));
    }

    /// An error of a client, mostly of its connections. What it means for messages is logged where they are handled.
    pub(super) fn client_error(&self, error: &KafkaError, reason: &str) {
        self.connections.log(Level::Warn, format_args!("{error}: {reason}"));
    }

    /// Something about the group that failed and will be tried again.
    pub(super) fn group_warning(&self, what: &str, error: impl Display) {
        self.group.log(Level::Warn, format_args!("{what}: {error}"));
    }
}
