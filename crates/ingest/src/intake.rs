//! Intake of messages, whatever the transport: evaluated, recorded, counted.

use std::sync::Arc;
use std::thread::available_parallelism;

use gathering_domain::intake::{
    BodyBytes, IntakeSummary, MessageBody, MessageIntake, MessageKind, MessageOutcome, MessageRecord, Tenant,
    WriteGrant,
};
use gathering_domain::store::{EventSink, OrderedEventSink, StoreError};
use gathering_domain::time::{Clock, Timestamp};
use gathering_support::FairSemaphore;
use gathering_support::trace::Tracer;
use tokio::sync::oneshot;

use body::BodyIngestion;
use counters::{RecordCounters, Source};

use crate::message::parsed::ParsedMessage;
use crate::policy::IngestPolicy;
use crate::policy::allow_list::AllowList;

mod body;
pub(crate) mod counters;
pub(crate) mod recording;

/// Takes messages in and records their events in a store.
#[derive(Clone)]
pub struct Intake<S> {
    sink: S,
    clock: Arc<dyn Clock>,
    allow_list: Option<Arc<AllowList>>,
    counters: RecordCounters,
    /// Permits to read bodies.
    semaphore: FairSemaphore<Tenant>,
    tracer: Option<Tracer>,
}

impl<S> std::fmt::Debug for Intake<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("allow_list", &self.allow_list).finish_non_exhaustive()
    }
}

impl<S: EventSink> Intake<S> {
    /// An intake into this store. Without an allow list, every organization is taken.
    pub fn new(
        sink: S,
        clock: Arc<dyn Clock>,
        allow_list: Option<Arc<AllowList>>,
        counters: RecordCounters,
    ) -> Self {
        Self { sink, clock, allow_list, counters, semaphore: readers(), tracer: None }
    }

    /// The same, with a part of the messages traced.
    #[must_use]
    pub fn traced(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }

    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only the Kafka consumer needs it"))]
    pub(crate) const fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn policy(&self, grant: WriteGrant) -> IngestPolicy {
        IngestPolicy { grant, allow_list: self.allow_list.clone() }
    }

    /// Records the events of these messages, in order.
    pub(crate) async fn store(
        &self,
        messages: impl IntoIterator<Item = &mut ParsedMessage>,
    ) -> Result<(), StoreError> {
        recording::store(&self.sink, messages).await
    }

    /// Records the events of these messages, in order, and sets the error beside each whose event is not recorded.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only the Kafka consumer needs it"))]
    pub(crate) async fn store_each<'m>(
        &self,
        messages: impl IntoIterator<Item = (&'m mut ParsedMessage, &'m mut Option<StoreError>)>,
    ) where
        S: OrderedEventSink,
    {
        recording::store_each(&self.sink, messages).await;
    }

    /// Counts a message whose event, if it has one, is recorded.
    pub(crate) fn finish(&self, source: Source, kind: MessageKind, parsed: &ParsedMessage) -> MessageRecord {
        let record = parsed.record();
        self.count(source, kind, record.outcome);
        record
    }

    pub(crate) fn count(&self, source: Source, kind: MessageKind, outcome: MessageOutcome) {
        self.counters.add(source, kind, outcome);
    }
}

impl<S: EventSink + Clone + 'static> MessageIntake for Intake<S> {
    /// Works in a task of its own, since what a body takes up is needed until its current step is over, even if the caller goes
    /// away meanwhile.
    async fn ingest<B: BodyBytes>(
        &self,
        body: MessageBody<B>,
        grant: WriteGrant,
    ) -> Result<IntakeSummary, StoreError> {
        let ingestion = BodyIngestion::new(body, self.policy(grant), self.now());
        let (answer, answered) = oneshot::channel();
        let (sink, counters, semaphore) = (self.sink.clone(), self.counters.clone(), self.semaphore.clone());
        tokio::spawn(async move {
            let work = ingestion.run(&sink, &counters, &semaphore, || answer.is_closed());
            let summary = work.await;
            // The caller may be gone.
            let _ = answer.send(summary);
        });
        answered.await.map_err(StoreError::defect)?
    }
}

/// A permit to read for every second processor. The others are left to those who answer.
fn readers() -> FairSemaphore<Tenant> {
    let permits = available_parallelism().map_or(1, |cores| cores.get() / 2);
    FairSemaphore::new(permits, permits)
}
