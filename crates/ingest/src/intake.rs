//! Messages over a transport: framed, judged, recorded, counted.

use std::sync::Arc;

use gathering_domain::{
    BodyBytes, Clock, EventSink, IntakeSummary, MessageBody, MessageIntake, MessageOutcome, MessageRecord,
    OrderedEventSink, StoreError, Timestamp, WriteGrant,
};
use tokio::sync::oneshot;

use body::Pass;
use counters::{RecordCounters, Source};
use turns::Turns;

use crate::message::judgement::Judgement;
use crate::policy::Admission;
use crate::policy::allow_list::AllowList;

mod body;
pub(crate) mod counters;
pub(crate) mod recording;
mod turns;

/// Takes messages in and records them in a store.
#[derive(Clone)]
pub struct Intake<S> {
    sink: S,
    clock: Arc<dyn Clock>,
    allow_list: Option<Arc<AllowList>>,
    counters: RecordCounters,
    turns: Turns,
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
        Self { sink, clock, allow_list, counters, turns: Turns::of_this_machine() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn admission(&self, grant: WriteGrant) -> Admission {
        Admission { grant, allow_list: self.allow_list.clone() }
    }

    /// Records judged messages, in order.
    pub(crate) async fn store(
        &self,
        judgements: impl IntoIterator<Item = &mut Judgement>,
    ) -> Result<(), StoreError> {
        recording::store(&self.sink, judgements).await
    }

    /// Records judged messages, in order, and says beside each why it is not recorded, if it is not.
    pub(crate) async fn store_each<'j>(
        &self,
        judgements: impl IntoIterator<Item = (&'j mut Judgement, &'j mut Option<StoreError>)>,
    ) where
        S: OrderedEventSink,
    {
        recording::store_each(&self.sink, judgements).await;
    }

    /// Counts a message whose event, if any, is recorded.
    pub(crate) fn finish(&self, source: Source, judgement: &Judgement) -> MessageRecord {
        let record = judgement.record();
        self.count(source, record.outcome);
        record
    }

    pub(crate) fn count(&self, source: Source, outcome: MessageOutcome) {
        self.counters.add(source, outcome);
    }
}

impl<S: EventSink + Clone + 'static> MessageIntake for Intake<S> {
    /// In a task of its own: what a body takes up is there until the step in hand is over, also when nobody waits any more.
    async fn ingest<B: BodyBytes>(
        &self,
        body: MessageBody<B>,
        grant: WriteGrant,
    ) -> Result<IntakeSummary, StoreError> {
        let pass = Pass::new(body, self.admission(grant), self.now());
        let (answer, answered) = oneshot::channel();
        let (sink, counters, turns) = (self.sink.clone(), self.counters.clone(), self.turns.clone());
        tokio::spawn(async move {
            let work = pass.run(&sink, &counters, &turns, || answer.is_closed());
            let summary = work.await;
            // Nobody is there to be told if the caller is gone.
            let _ = answer.send(summary);
        });
        answered.await.map_err(StoreError::defect)?
    }
}
