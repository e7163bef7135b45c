//! The consumer's handle: starts its thread, stops it, and tells how it is doing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::intake::WriteGrant;
use gathering_domain::store::OrderedEventSink;
use rdkafka::consumer::BaseConsumer;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::error::KafkaError;
use super::health::ConsumerHealth;
use super::metrics::KafkaMetrics;
use super::settings::KafkaSettings;
use super::stop::StopHandle;
use crate::intake::Intake;
use callbacks::ConsumerCallbacks;
use client_config::unusable;
use consumer_log::ConsumerLog;
use dead_letter::DeadLetters;
use flow_control::FlowControl;
use offsets::Offsets;
use recorder::Recorder;
use topics::Topics;
use tracker::Tracker;
use worker::Worker;

pub use kept_letters::KeptLetters;

mod backoff;
mod callbacks;
mod client_config;
mod consumer_log;
mod dead_letter;
mod flow_control;
mod held;
mod in_flight;
mod kept_letters;
mod offsets;
mod partition;
mod properties;
mod recorder;
mod topic_ends;
mod topics;
mod tracker;
mod worker;

/// A consumer that works on a thread of its own until it is stopped or dropped.
#[derive(Debug)]
pub struct KafkaConsumer {
    stop: StopHandle,
    health: ConsumerHealth,
    ended: oneshot::Receiver<Result<(), KafkaError>>,
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.stop.stop(Duration::ZERO);
    }
}

impl KafkaConsumer {
    /// Starts to consume; connections are made in the background. Has to be called within a tokio runtime that lives as long as
    /// the consumer.
    pub fn start<S: OrderedEventSink + 'static>(
        settings: &KafkaSettings,
        intake: Intake<S>,
        metrics: KafkaMetrics,
    ) -> Result<Self, KafkaError> {
        let (stop, health) = (StopHandle::default(), ConsumerHealth::new(metrics.stalled.clone()));
        let (log, runtime) = (Arc::new(ConsumerLog::default()), Handle::current());
        let callbacks = ConsumerCallbacks::new(health.clone(), metrics.clone(), Arc::clone(&log));
        let consumer: BaseConsumer<ConsumerCallbacks> =
            settings.consumer()?.create_with_context(callbacks).map_err(|error| unusable(&error))?;
        let topics = Topics {
            results: settings.results_topic.clone(),
            announcements: settings.announcements_topic.clone(),
        };
        let dead_letters = DeadLetters::new(settings, metrics.clone(), Arc::clone(&log), runtime.clone())?;
        let tracker = Tracker::new(settings, metrics, Arc::clone(&log))?;
        let start = settings.start;
        let (tell, ended) = oneshot::channel();
        let (thread_stop, thread_health) = (stop.clone(), health.clone());
        let work = move || {
            let worker = Worker {
                consumer: &consumer,
                recorder: Recorder {
                    runtime,
                    policy: intake.policy(WriteGrant::everything()),
                    intake,
                    topics,
                },
                dead_letters,
                tracker,
                log: &log,
                flow: FlowControl::new(&consumer, &log, thread_health.clone()),
                health: thread_health,
                stop: thread_stop,
                late: VecDeque::new(),
                offsets: Offsets::default(),
            };
            let result = worker.run(start);
            // Commits what is stored and leaves the group, so that others take over at once.
            drop(consumer);
            // Nobody listens once the whole service is gone.
            let _ = tell.send(result);
        };
        std::thread::Builder::new()
            .name("kafka".to_owned())
            .spawn(work)
            .map_err(|source| KafkaError::Thread { source })?;
        Ok(Self { stop, health, ended })
    }

    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    pub fn health(&self) -> ConsumerHealth {
        self.health.clone()
    }

    /// Waits until the consumer has stopped, or until it cannot go on.
    pub async fn ended(&mut self) -> Result<(), KafkaError> {
        (&mut self.ended).await.unwrap_or(Err(KafkaError::Ended))
    }
}
