//! Recording what was polled, in steps that overlap.

use futures_util::future::poll_immediate;
use gathering_domain::OrderedEventSink;
use tokio::runtime::Handle;

use super::batch::{Item, Topics};
use super::held::keep_order;
use crate::intake::Intake;
use crate::policy::Admission;

/// How many messages are judged while those before are written.
const STEP: usize = 500;

/// Judges and records messages.
pub(super) struct Recorder<S> {
    pub(super) runtime: Handle,
    pub(super) intake: Intake<S>,
    pub(super) admission: Admission,
    pub(super) topics: Topics,
}

impl<S: OrderedEventSink> Recorder<S> {
    /// Judges what is not judged yet, and records all of it in order; the next step is judged while one is written. What is
    /// not recorded says why.
    ///
    /// Whatever becomes of a step, all of them are over when this returns: a rebalance finds no write on its way.
    pub(super) fn record(&self, items: &mut [Item<'_>]) {
        self.runtime.block_on(async {
            let mut writing = Vec::with_capacity(items.len().div_ceil(STEP));
            for step in items.chunks_mut(STEP) {
                for item in &mut *step {
                    item.judge(&self.topics, &self.admission);
                }
                let judgements = step.iter_mut().filter_map(|Item { judgement, error, .. }| {
                    // Without an event there is nothing to wait for.
                    *error = None;
                    judgement.as_mut().map(|judgement| (judgement, error))
                });
                let mut write = Box::pin(self.intake.store_each(judgements));
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
