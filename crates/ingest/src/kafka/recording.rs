//! How the consumer records messages: what can be, while partitions wait for what cannot.

use std::collections::HashSet;

use futures_util::future::poll_immediate;
use gathering_domain::OrderedEventSink;
use log::Level;
use rdkafka::consumer::Consumer;

use super::batch::Item;
use super::client::Partition;
use super::held;
use super::worker::{IN_HAND, Worker};

/// How many messages are judged while those before are written.
const STEP: usize = 500;

impl<'c, S: OrderedEventSink> Worker<'c, S> {
    /// Judges what is not judged yet, and records all of it in order; the next step is judged while one is written. What is
    /// not recorded says why.
    ///
    /// Whatever becomes of a step, all of them are over when this returns: a rebalance finds no write on its way.
    pub(super) fn record(&self, items: &mut [Item<'c>]) {
        self.runtime.block_on(async {
            let mut writing = Vec::with_capacity(IN_HAND / STEP);
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
        held::keep_order(items);
    }

    /// Moves what is not recorded to where it waits, and pauses its partitions.
    pub(super) fn hold(&mut self, items: &mut Vec<Item<'c>>) {
        let is_recorded = |item: &Item<'_>| {
            item.error.is_none()
                && item.judgement.as_ref().is_some_and(|judgement| judgement.event().is_some())
        };
        let is_any_recorded = items.iter().any(is_recorded);
        let held = &self.held;
        let has_progress = items.iter().any(|item| is_recorded(item) && held.has_partition_of(&item.message));
        let failed: Vec<_> = items.extract_if(.., |item| item.error.is_some()).collect();
        let Some((error, place)) = failed.first().and_then(|item| Some((item.error.clone()?, item.place())))
        else {
            self.held.hold(failed, has_progress);
            if is_any_recorded {
                self.health.set_stalled(None);
            }
            return;
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        let count = failed.len();
        let line = format_args!("messages cannot be recorded: {error}{cause}; {count} wait, such as {place}");
        self.lines.waiting.tell(Level::Warn, line);
        let is_new = failed.iter().any(|item| !self.held.has_partition_of(&item.message));
        self.held.hold(failed, is_new || has_progress);
        let partitions = self.consumer.assignment().map_or(usize::MAX, |partitions| partitions.count());
        if self.held.partitions() >= partitions || (is_new && !is_any_recorded) {
            self.health.set_stalled(Some(error.to_string()));
        } else if is_any_recorded {
            self.health.set_stalled(None);
        }
        if let Err(error) = self.consumer.pause(&self.held.list()) {
            self.lines.group_warning("partitions cannot be paused", error);
        }
    }

    /// Fetches again from partitions of which nothing waits any more.
    pub(super) fn release(&mut self) {
        let released = self.held.release();
        if released.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.resume(&held::list(&released)) {
            self.lines.group_warning("partitions cannot be resumed", error);
            // The next round tries again.
            self.is_paused = true;
        }
        self.health.set_stalled(None);
        if self.held.is_empty() {
            log::info!("all messages that waited are recorded");
        }
    }

    /// Forgets what waits of partitions that somebody else has now.
    pub(super) fn forget_held(&mut self, revoked: &HashSet<Partition>) {
        if !self.held.is_empty() {
            self.held.forget(revoked);
            if self.held.is_empty() {
                self.health.set_stalled(None);
            }
        }
    }
}
