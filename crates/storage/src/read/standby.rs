//! A standby that is asked before the primary, as long as it is fit for that.

mod fitness;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gathering_domain::store::StoreError;
use gathering_domain::time::Clock;

use self::fitness::{Fitness, Unfit};
use super::batcher::LookupBatcher;
use crate::connection::network::Server;
use crate::connection::pool::PoolState;
use crate::settings::Settings;

/// A standby. It is asked from the moment on that a check has found it fit, until a check or a question says otherwise.
///
/// Nobody waits for checks: whoever asks starts one when it is due. Where nobody asks, there is none.
pub(crate) struct Standby {
    batcher: LookupBatcher,
    fitness: Mutex<Fitness>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    asked_again: AtomicU64,
    failed: AtomicU64,
}

/// What became of questions to a standby, and whether it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandbyStats {
    /// Whether it is asked.
    pub is_up: bool,
    /// Questions that it answered.
    pub answered: u64,
    /// Questions that were asked again on the primary, since it did not know that the request is processed.
    pub asked_again: u64,
    /// Questions that were asked on the primary, since it did not answer in time or not at all.
    pub failed: u64,
}

/// What part of the time of a call a standby has: the rest is for the primary.
const SHARE: u32 = 4;

impl Standby {
    pub(crate) fn new(url: &str, settings: &Settings, clock: &Arc<dyn Clock>) -> Self {
        let query_timeout = settings.query_timeout / SHARE;
        let pool_timeout = settings.pool_timeout.min(query_timeout);
        let settings = Settings { pool_timeout, query_timeout, ..settings.clone() };
        // What becomes of its connections says nothing of those to the primary.
        let epoch = Arc::default();
        Self {
            batcher: LookupBatcher::new(url, Server::Standby, &epoch, &settings, clock),
            fitness: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// Its answer, if that can be told: where there is none, the primary is to be asked.
    pub(crate) async fn ask<T>(
        self: &Arc<Self>,
        primary: &Arc<LookupBatcher>,
        can_be_told: impl FnOnce(&T) -> bool,
        question: impl AsyncFnOnce(&LookupBatcher) -> Result<Option<T>, StoreError>,
    ) -> Option<T> {
        self.check_when_due(primary);
        if !self.fitness().is_fit(Instant::now()) {
            return None;
        }
        let (count, answer) = match question(&self.batcher).await {
            Ok(Some(answer)) if can_be_told(&answer) => (&self.counts.answered, Some(answer)),
            Ok(_) => (&self.counts.asked_again, None),
            Err(error) => {
                self.fitness().failed(Unfit::Silent(error.to_string()), Instant::now());
                (&self.counts.failed, None)
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// Starts a check when one is due.
    pub(crate) fn check_when_due(self: &Arc<Self>, primary: &Arc<LookupBatcher>) {
        if self.fitness().begin_check(Instant::now()) {
            let (standby, primary) = (Arc::clone(self), Arc::clone(primary));
            tokio::spawn(async move { standby.check(&primary).await });
        }
    }

    /// Called when something was erased: what it knows of before may be gone on the primary.
    pub(crate) fn notice_erasure(&self) {
        self.fitness().noticed_erasure(Instant::now());
    }

    async fn check(&self, primary: &LookupBatcher) {
        // In this order: what was written by then, the standby may have applied.
        let asked = Instant::now();
        let of_primary = primary.position().await;
        let own = self.batcher.position().await;
        self.fitness().checked(asked, of_primary.ok(), own.map_err(|error| error.to_string()));
    }

    fn fitness(&self) -> MutexGuard<'_, Fitness> {
        self.fitness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn connections(&self) -> PoolState {
        self.batcher.connections()
    }

    pub(crate) fn stats(&self) -> StandbyStats {
        let Counts { answered, asked_again, failed } = &self.counts;
        StandbyStats {
            is_up: self.fitness().is_fit(Instant::now()),
            answered: answered.load(Ordering::Relaxed),
            asked_again: asked_again.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
        }
    }
}
