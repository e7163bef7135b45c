//! Recording of polled messages, in steps that overlap.

use futures_util::future::poll_immediate;
use gathering_domain::store::OrderedEventSink;
use tokio::runtime::Handle;

use super::held::keep_order;
use super::in_flight::InFlight;
use super::topics::Topics;
use crate::intake::Intake;
use crate::policy::IngestPolicy;

/// How many messages are parsed while those before are written.
const STEP: usize = 500;

/// Parses and records messages.
pub(super) struct Recorder<S> {
    pub(super) runtime: Handle,
    pub(super) intake: Intake<S>,
    pub(super) policy: IngestPolicy,
    pub(super) topics: Topics,
}

impl<S: OrderedEventSink> Recorder<S> {
    /// Evaluates messages that are new, and records all of them in order. While one step is written, the next one is parsed.
    /// Afterwards each message that is not recorded has an error.
    ///
    /// No write is under way when this returns, whatever became of the steps: a rebalance cannot overtake one.
    pub(super) fn record(&self, items: &mut [InFlight<'_>]) {
        self.runtime.block_on(async {
            let mut writing = Vec::with_capacity(items.len().div_ceil(STEP));
            for step in items.chunks_mut(STEP) {
                for item in &mut *step {
                    item.evaluate(&self.topics, &self.policy, self.intake.tracer());
                }
                let messages = step.iter_mut().filter_map(|InFlight { parsed, error, .. }| {
                    // Without an event there is nothing to wait for.
                    *error = None;
                    parsed.as_mut().map(|parsed| (parsed, error))
                });
                let mut write = Box::pin(self.intake.store_each(messages));
                if poll_immediate(&mut write).await.is_none() {
                    writing.push(write);
                }
            }
            for write in writing {
                write.await;
            }
        });
        keep_order(items);
    }
}
