//! The metrics of the consumer.

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// Counters and gauges of the consumer; `gathering_records_total` counts its messages.
#[derive(Debug, Clone)]
pub struct KafkaMetrics {
    pub(super) dead_letters: IntCounter,
    pub(super) unkept: IntCounter,
    pub(super) tracker_failures: IntCounter,
    pub(super) stalled: IntGauge,
    pub(super) brokers_up: IntGauge,
    pub(super) lag: IntGaugeVec,
}

impl KafkaMetrics {
    /// Adds the metrics to a registry, once.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            dead_letters: IntCounter::new(
                "gathering_kafka_dead_letters_total",
                "Refused messages that the dead letter topic has acknowledged.",
            )?,
            unkept: IntCounter::new(
                "gathering_kafka_refused_without_dead_letter_total",
                "Refused messages that are only in the log.",
            )?,
            tracker_failures: IntCounter::new(
                "gathering_kafka_tracker_failures_total",
                "Messages that the payload tracker did not get.",
            )?,
            stalled: IntGauge::new(
                "gathering_kafka_stalled",
                "1 while no messages are taken: they cannot be recorded, or no broker can be reached.",
            )?,
            brokers_up: IntGauge::new(
                "gathering_kafka_brokers_up",
                "Brokers that the consumer is connected to; 0 also while none answers.",
            )?,
            lag: IntGaugeVec::new(
                Opts::new(
                    "gathering_kafka_lag",
                    "Messages that wait to be recorded, of the partitions that this process reads.",
                ),
                &["topic", "partition"],
            )?,
        };
        for counter in [&metrics.dead_letters, &metrics.unkept, &metrics.tracker_failures] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(metrics.stalled.clone()))?;
        registry.register(Box::new(metrics.brokers_up.clone()))?;
        registry.register(Box::new(metrics.lag.clone()))?;
        Ok(metrics)
    }
}
