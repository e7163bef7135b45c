//! Messages from Kafka: recorded in batches, their offsets after them, and refused ones kept as dead letters.
//!
//! One thread polls, parses, records and stores offsets, in this order; librdkafka's own threads fetch ahead and keep the
//! membership of the group. Since the thread that records is the one that is told of a rebalance, nothing is ever
//! written for a partition that somebody else has taken over. `docs/INGEST.md` says what holds when what is down.

mod backoff;
mod callbacks;
mod consumer;
mod consumer_log;
mod dead_letter;
mod error;
mod flow_control;
mod health;
mod held;
mod in_flight;
mod metrics;
mod offsets;
mod partition;
mod properties;
mod recorder;
mod settings;
mod stop;
mod throttled_logger;
mod topic_ends;
mod topics;
mod tracker;
mod worker;

pub use consumer::KafkaConsumer;
pub use error::KafkaError;
pub use health::ConsumerHealth;
pub use metrics::KafkaMetrics;
pub use settings::{KafkaSettings, SaslMechanism, Security, SecurityProtocol, Start};
pub use stop::StopHandle;
