//! Messages from Kafka: recorded in batches, their offsets after them, and refused ones kept as dead letters.
//!
//! One thread polls, parses, records and stores offsets, in this order; librdkafka's own threads fetch ahead and keep the
//! membership of the group. Since the thread that records is the one that is told of a rebalance, nothing is ever
//! written for a partition that somebody else has taken over. `docs/INGEST.md` says what holds when what is down.

#[cfg(feature = "kafka")]
mod consumer;
mod error;
#[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "the consumer uses it"))]
mod health;
mod letters;
mod metrics;
mod settings;
#[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "the consumer uses it"))]
mod stop;
#[cfg(not(feature = "kafka"))]
mod unavailable;

#[cfg(feature = "kafka")]
pub use consumer::{KafkaConsumer, KeptLetters};
pub use error::KafkaError;
pub use health::ConsumerHealth;
pub use letters::{Letter, LetterFilter, ListedLetters, ReplayedLetters};
pub use metrics::KafkaMetrics;
pub use settings::{KafkaSettings, Password, SaslMechanism, Security, SecurityProtocol, Start};
pub use stop::StopHandle;
#[cfg(not(feature = "kafka"))]
pub use unavailable::{KafkaConsumer, KeptLetters};
