//! Stands for the consumer in a build without the feature `kafka`. It can never be started.

use std::convert::Infallible;

use gathering_domain::store::OrderedEventSink;

use super::error::KafkaError;
use super::health::ConsumerHealth;
use super::letters::{LetterFilter, ListedLetters, ReplayedLetters};
use super::metrics::KafkaMetrics;
use super::settings::KafkaSettings;
use super::stop::StopHandle;
use crate::intake::Intake;

/// A consumer, of which there can be none in this build.
#[derive(Debug)]
pub struct KafkaConsumer(Infallible);

impl KafkaConsumer {
    /// Always fails.
    pub fn start<S: OrderedEventSink + 'static>(
        _: &KafkaSettings,
        _: Intake<S>,
        _: KafkaMetrics,
    ) -> Result<Self, KafkaError> {
        Err(KafkaError::NotBuilt)
    }

    pub const fn stop_handle(&self) -> StopHandle {
        match self.0 {}
    }

    pub const fn health(&self) -> ConsumerHealth {
        match self.0 {}
    }

    #[expect(clippy::unused_async, reason = "the consumer has to be waited for")]
    pub async fn ended(&mut self) -> Result<(), KafkaError> {
        match self.0 {}
    }
}

/// The dead letter topic, which cannot be read in this build.
#[derive(Debug)]
pub struct KeptLetters(Infallible);

impl KeptLetters {
    /// Always fails.
    pub const fn open(_: &KafkaSettings) -> Result<Self, KafkaError> {
        Err(KafkaError::NotBuilt)
    }

    pub const fn list(&self, _: &LetterFilter, _: usize) -> Result<ListedLetters, KafkaError> {
        match self.0 {}
    }

    pub const fn replay(&self, _: &LetterFilter, _: bool, _: bool) -> Result<ReplayedLetters, KafkaError> {
        match self.0 {}
    }
}

impl KafkaSettings {
    /// Always fails.
    pub const fn check(&self) -> Result<(), KafkaError> {
        Err(KafkaError::NotBuilt)
    }
}
