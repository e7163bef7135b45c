//! Recording a batch where some events of it may be such that the database does not take them.
//!
//! Only a constraint says that an event is at fault. Whatever else a database says may be its own bad moment: a lock, a full
//! disk, a statement that somebody cancelled. So such an event fails for now, its neighbours are recorded, and its sender tries
//! again; what has failed alone for long, while the database took others, is refused at last.

pub(super) mod batch;
mod notices;
mod shares;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::ids::RequestKey;
use gathering_domain::store::StoreError;
use gathering_domain::time::Clock;

use self::batch::{Batch, Recorded, sorted};
use self::notices::Notices;
use self::shares::{attempt_end, is_too_late};
use super::event_rows::size;
use super::suspects::{LoneFailure, Suspects};
use super::table::{EventResult, Limits, Table};
use crate::error::failure::{Failure, Stage};

/// Records batches, and remembers which events failed.
pub(crate) struct Recorder<T> {
    table: T,
    clock: Arc<dyn Clock>,
    query_timeout: Duration,
    suspects: Suspects,
    notices: Notices,
}

const NOTHING_FITS: &str = "a constraint forbids every event";

/// How long to wait for locks while it is found out which event waits for one.
const LOCK: Duration = Duration::from_millis(50);

/// How many events may fail alone before one is written, as long as the harmless one fails, too: constraints forbid them, or the
/// part of the database is away that they are for.
const DEFERRED: usize = 8;

/// Why the rest of a batch is not tried.
struct Stop {
    error: StoreError,
    is_away: bool,
}

impl<T: Table> Recorder<T> {
    pub(crate) fn new(
        table: T,
        clock: Arc<dyn Clock>,
        query_timeout: Duration,
        refuse_after: Duration,
    ) -> Self {
        let suspects = Suspects::new(refuse_after);
        Self { table, clock, query_timeout, suspects, notices: Notices::default() }
    }

    /// Records a batch until then. Where suspects are among its events, the others are recorded first, and `publish` is called
    /// with what is known by then: nobody has to wait for them.
    pub(crate) async fn record(
        &mut self,
        events: Arc<[RequestEvent]>,
        end: Instant,
        mut publish: impl FnMut(&[Option<EventResult>]) + Send,
    ) -> Recorded {
        if let Some(plan) = self.suspects.plan(&events, self.clock.monotonic()) {
            let ordered: Arc<[RequestEvent]> =
                plan.order.iter().filter_map(|&index| events.get(index)).cloned().collect();
            let mut batch = Batch::new(ordered);
            let mut stop =
                self.write_range(&mut batch, 0..plan.clean, None, Limits { end, lock: None }).await;
            if stop.is_ok() && plan.clean > 0 {
                publish(&sorted(&batch.results, &plan.order));
            }
            // Whoever waits for none but suspects has no more time for it.
            let latest = if plan.clean > 0 { Instant::now() + self.query_timeout } else { end };
            let half = Instant::now() + self.query_timeout / 2;
            batch.is_patient = plan.is_first_patient && latest >= half;
            let more = if batch.is_patient { self.query_timeout / 8 * 3 } else { Duration::ZERO };
            let end = latest.min(half + more);
            for group in plan.groups {
                if stop.is_ok() {
                    stop = self.write_range(&mut batch, group, None, Limits { end, lock: Some(LOCK) }).await;
                    batch.is_patient = false;
                }
            }
            let results = sorted(&batch.results, &plan.order);
            return self.finish(results, batch.takes_others(), stop);
        }
        let whole = 0..events.len();
        let limits = Limits { end, lock: None };
        match self.table.write(Arc::clone(&events), whole.clone(), limits).await {
            Ok(outcomes) => Recorded::Whole(outcomes),
            Err(failure) => {
                let mut batch = Batch::new(events);
                let stop = self.write_range(&mut batch, whole, Some(failure), limits).await;
                let takes_others = batch.takes_others();
                self.finish(batch.results, takes_others, stop)
            }
        }
    }

    /// Whether the database takes a harmless event, for a writer that has nothing else to do.
    pub(crate) async fn takes_harmless(&self) -> bool {
        let limits = Limits { end: Instant::now() + self.query_timeout / 4, lock: Some(LOCK) };
        self.table.probe(0, limits).await.is_ok()
    }

    /// How many events have failed alone, and may come again.
    pub(crate) fn failing(&self) -> usize {
        self.suspects.failing(self.clock.monotonic())
    }

    /// Forgets events that failed and did not come again.
    pub(crate) fn sweep(&mut self) {
        self.suspects.sweep(self.clock.monotonic());
    }

    fn finish(
        &self,
        results: Vec<Option<EventResult>>,
        takes_others: bool,
        stop: Result<(), Stop>,
    ) -> Recorded {
        let (error, is_away) = match stop {
            Ok(()) => (StoreError::Timeout { limit: self.query_timeout }, false),
            Err(Stop { error, is_away }) => (error, is_away),
        };
        let away = is_away.then(|| error.clone());
        let results = results.into_iter().map(|result| result.unwrap_or_else(|| Err(error.clone())));
        Recorded::Mixed { results: results.collect(), away, takes_others }
    }

    /// Writes a part of a batch, whose first attempt may have failed already. Where the database refuses it but takes a harmless
    /// event, the part is halved until whoever is to blame is alone.
    async fn write_range(
        &mut self,
        batch: &mut Batch,
        whole: Range<usize>,
        mut failed: Option<Failure>,
        limits: Limits,
    ) -> Result<(), Stop> {
        let mut parts = vec![whole];
        let mut lock = limits.lock;
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let failure = match failed.take() {
                Some(failure) => failure,
                None if is_too_late(self.query_timeout, lock, limits.end) => {
                    self.suspects.left_untried(batch.part(&part), self.clock.monotonic());
                    continue;
                }
                None => {
                    let limits = Limits {
                        end: attempt_end(self.query_timeout, batch.is_patient, lock, limits.end),
                        lock,
                    };
                    match self.table.write(Arc::clone(&batch.events), part.clone(), limits).await {
                        Ok(outcomes) => {
                            self.suspects.clear_all(batch.part(&part));
                            batch.written(part, outcomes);
                            continue;
                        }
                        Err(failure) => failure,
                    }
                }
            };
            // From here on it is being found out who waits.
            lock = Some(LOCK);
            let limits = Limits { end: limits.end.min(Instant::now() + self.query_timeout / 4), lock };
            if let Some((first, second)) = self.after_failure(batch, part, failure, limits).await? {
                // The last one is the next: the order of the batch is kept.
                parts.extend([second, first]);
            }
        }
        for (part, failure) in std::mem::take(&mut batch.deferred) {
            if !batch.is_proven {
                let error = match failure.stage {
                    Stage::PartAway => failure.error.clone(),
                    _ => StoreError::unavailable(NOTHING_FITS),
                };
                let probe = Failure { error, stage: failure.stage };
                return Err(self.nothing_is_taken(batch, &part, failure, probe));
            }
            self.decide(batch, part, failure);
        }
        Ok(())
    }

    /// What to do about a part that failed: the halves of it, if they are to be tried.
    async fn after_failure(
        &mut self,
        batch: &mut Batch,
        part: Range<usize>,
        failure: Failure,
        limits: Limits,
    ) -> Result<Option<(Range<usize>, Range<usize>)>, Stop> {
        let now = self.clock.monotonic();
        let is_alone = batch.is_one_request(&part);
        if failure.stage == Stage::NotBegun {
            let is_away = matches!(failure.error, StoreError::Unavailable { .. });
            if is_away {
                self.suspects.reset_lone_failures();
            }
            return Err(Stop { error: failure.error, is_away });
        }
        if failure.stage == Stage::CutOff && !is_alone {
            // To find out who it is would take too long now: they come again, and in smaller groups.
            self.suspects.failed_together(batch.part(&part), part.len() / 2, now);
            return Err(Stop { error: failure.error, is_away: false });
        }
        if is_alone || !batch.is_probed {
            let size = batch.part(&part).iter().map(size).max().unwrap_or_default();
            match self.table.probe(size, limits).await {
                Ok(()) => batch.is_probed = true,
                // A constraint may forbid the harmless event and few others, and the part of the database may be away that it is
                // for: what the database makes of those will tell.
                Err(Failure { stage: Stage::Violation | Stage::PartAway, .. })
                    if batch.is_proven || !is_alone => {}
                Err(Failure { stage: Stage::Violation | Stage::PartAway, .. })
                    if batch.deferred.len() < DEFERRED =>
                {
                    batch.deferred.push((part, failure));
                    return Ok(None);
                }
                Err(other) => return Err(self.nothing_is_taken(batch, &part, failure, other)),
            }
        }
        if !is_alone {
            let middle = part.start + part.len() / 2;
            return Ok(Some((part.start..middle, middle..part.end)));
        }
        self.decide(batch, part, failure);
        Ok(None)
    }

    fn decide(&mut self, batch: &mut Batch, part: Range<usize>, failure: Failure) {
        if let Some(key) = batch.part(&part).first().map(|event| event.key.clone()) {
            let result = self.isolated_result(&key, failure, batch.is_patient);
            batch.decide(part, &result);
        }
    }

    /// What becomes of an event that failed alone, while the database took others.
    fn isolated_result(&mut self, key: &RequestKey, failure: Failure, is_patient: bool) -> EventResult {
        let Failure { error, stage } = failure;
        let had_time = stage != Stage::CutOff || is_patient;
        let alone = self.suspects.failed_alone(key, self.clock.monotonic(), had_time);
        if stage == Stage::Violation || (alone == LoneFailure::Overdue && stage != Stage::PartAway) {
            self.suspects.clear(key);
            self.notices.refused(key, &error);
            return Ok(EventOutcome::Refused);
        }
        if alone == LoneFailure::First {
            self.notices.failing(key, &error);
        }
        Err(passing(error))
    }

    /// The database takes no event at all, as far as can be told: nobody's is blamed.
    fn nothing_is_taken(
        &mut self,
        batch: &Batch,
        part: &Range<usize>,
        failure: Failure,
        probe: Failure,
    ) -> Stop {
        // A probe that had no turn, since the attempt before it still ends, says nothing about the database.
        if probe.stage != Stage::NotBegun || !matches!(probe.error, StoreError::Timeout { .. }) {
            self.suspects.reset_lone_failures();
        }
        if failure.stage == Stage::CutOff {
            // It may have been this one that used up the time. Next time some is kept for asking.
            self.suspects.failed_together(batch.part(part), 1, self.clock.monotonic());
        }
        if matches!(probe.stage, Stage::NotBegun | Stage::CutOff) {
            return Stop { error: passing(failure.error), is_away: false };
        }
        self.notices.away(&failure.error);
        Stop { error: passing(probe.error), is_away: true }
    }
}

/// Whatever it was, it may pass: no event is blamed for it yet.
fn passing(error: StoreError) -> StoreError {
    match error {
        StoreError::Defect { source } => StoreError::Unavailable { source },
        other => other,
    }
}
