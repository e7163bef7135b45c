//! Takes the place of the consumer in a program that is built without the feature `kafka`: there never is one.

use std::convert::Infallible;

use gathering_domain::OrderedEventSink;

use super::error::KafkaError;
use super::health::ConsumerHealth;
use super::metrics::KafkaMetrics;
use super::settings::KafkaSettings;
use super::stop::StopHandle;
use crate::intake::Intake;

/// A consumer, of which this program can have none.
#[derive(Debug)]
pub struct KafkaConsumer(Infallible);

impl KafkaConsumer {
    /// Fails: this program has no Kafka client.
    pub fn start<S: OrderedEventSink + 'static>(
        _: &KafkaSettings,
        _: Intake<S>,
        _: KafkaMetrics,
    ) -> Result<Self, KafkaError> {
        Err(KafkaError::NotBuilt)
    }

    /// A handle to stop it.
    pub const fn stop_handle(&self) -> StopHandle {
        match self.0 {}
    }

    /// How it is doing.
    pub const fn health(&self) -> ConsumerHealth {
        match self.0 {}
    }

    /// Waits until it has stopped.
    #[expect(clippy::unused_async, reason = "the consumer has to be waited for")]
    pub async fn ended(&mut self) -> Result<(), KafkaError> {
        match self.0 {}
    }
}

impl KafkaSettings {
    /// Fails: this program has no Kafka client.
    pub const fn check(&self) -> Result<(), KafkaError> {
        Err(KafkaError::NotBuilt)
    }
}
