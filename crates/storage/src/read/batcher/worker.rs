//! A thread that answers lookups: its connection, its batches, and what it does when the database is away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gathering_domain::store::StoreError;
use r2d2::HandleError;

use super::batch::Batch;
use super::lookup::Lookup;
use super::patience::Patience;
use super::shared::Shared;
use super::status::WorkerStatus;
use crate::connection::network::Server;
use crate::connection::pool::LogFailures;
use crate::connection::pooled::Pooled;
use crate::connection::session::is_standby;
use crate::error::lookup_error;
use crate::read::postgres::session::can_write;
use crate::read::rows::ReadTimes;

/// About how many rows one batch asks for. With more, the first lookup of a batch would wait for too many others.
const BATCH: usize = 500;

/// How long something waits before a worker helps the first one. Two that take turns make the batches half as large, and a
/// statement costs far more than a row; help is for when the first is held up. Where the network makes every statement take
/// longer than this, they do take turns.
const HELP_AFTER: Duration = Duration::from_millis(2);

/// How often the server is asked whether it still is what it is to be. A primary that takes no writes is a standby, or a primary
/// of yesterday: what it knows may be old, and no read would ever tell.
const SERVER_CHECK: Duration = Duration::from_secs(15);

/// Between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A worker as others see it.
pub(super) struct WorkerHandle(Arc<WorkerStatus>);

impl WorkerHandle {
    /// Starts the first worker, which takes all that comes, or one that takes what had to wait.
    pub(super) fn start(shared: Arc<Shared>, is_first: bool) -> std::io::Result<Self> {
        let status = Arc::new(WorkerStatus::new(is_first));
        let own = Arc::clone(&status);
        std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            Worker::new(&shared, &own).run();
            own.has_ended.store(true, Ordering::Release);
        })?;
        Ok(Self(status))
    }

    pub(super) fn is_first(&self) -> bool {
        self.0.is_first
    }

    pub(super) fn is_connected(&self) -> bool {
        self.0.is_connected.load(Ordering::Acquire)
    }

    /// For how long it has been at the batch that is in hand.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        let since = self.0.busy_since.load(Ordering::Acquire).checked_sub(1)?;
        Some(Duration::from_millis(self.0.age().saturating_sub(since)))
    }

    /// Makes it end as soon as what it hangs in lets go.
    pub(super) fn give_up(&self) {
        self.0.is_replaced.store(true, Ordering::Release);
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.0.is_replaced.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Acquire)
    }
}

/// Lookups without a reply, and why.
struct Unanswered {
    error: StoreError,
    left: Vec<Lookup>,
    /// Whether the database said no to them, and might not to each alone.
    is_refused: bool,
}

struct Worker<'a> {
    shared: &'a Shared,
    status: &'a WorkerStatus,
    connection: Option<Pooled>,
    /// When the server was last asked what it is, by the clock that never goes back.
    checked: Duration,
    failures: LogFailures,
    /// When connecting failed, unless it has succeeded since.
    failed: Option<Instant>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, status: &'a WorkerStatus) -> Self {
        let failures = LogFailures::new(shared.pool);
        Self { shared, status, connection: None, checked: Duration::ZERO, failures, failed: None }
    }

    fn run(&mut self) {
        let queue = &self.shared.queue;
        let patience = if self.status.is_first { Duration::ZERO } else { HELP_AFTER };
        while !self.is_replaced() && queue.wait(patience) && !self.is_replaced() {
            // Where there is more to do than the machine can, those who ask go first, and the batch is larger for it.
            std::thread::yield_now();
            self.status.busy_since.store(self.status.age() + 1, Ordering::Release);
            if catch_unwind(AssertUnwindSafe(|| self.answer())).is_err() {
                // The log has the panic already, and whoever waited is told by the end of its channel.
                self.disconnect();
            }
            self.status.busy_since.store(0, Ordering::Release);
        }
        self.disconnect();
    }

    fn is_replaced(&self) -> bool {
        self.status.is_replaced.load(Ordering::Acquire)
    }

    /// Answers what waits. Nothing is taken before there is a connection, so that callers can tell who has to wait for one
    /// from who has to wait for an answer, and so that another worker that has one can take it.
    fn answer(&mut self) {
        let Shared { queue, connected, .. } = self.shared;
        let started = Instant::now();
        self.check_connection();
        let connecting = self.connect(started);
        if connecting.is_err() && (self.is_replaced() || connected.load(Ordering::Acquire) > 0) {
            return std::thread::sleep(RETRY_PAUSE);
        }
        let lookups = queue.take(BATCH, Lookup::weight);
        let lookups = lookups.into_iter().filter(|lookup| !lookup.is_abandoned()).collect();
        let asked = match connecting {
            Ok(()) => self.ask(lookups, started),
            Err(error) => Err((error, lookups)),
        };
        if let Err((error, left)) = asked {
            Batch::new(left).fail(&error);
        }
    }

    /// Drops a connection that is not to be used any more.
    fn check_connection(&mut self) {
        let Shared { server, epoch, clock, .. } = self.shared;
        let Some(connection) = &mut self.connection else { return };
        let now = clock.monotonic();
        if connection.is_old() || epoch.is_over(connection.opened()) {
            return self.disconnect();
        }
        if now.saturating_sub(self.checked) < SERVER_CHECK {
            return;
        }
        self.checked = now;
        let asked = connection.work(|connection| match server {
            Server::Primary => can_write(connection.postgres()?),
            Server::Standby => is_standby(connection.postgres()?),
        });
        if !asked.unwrap_or(false) {
            // The others are of the same time.
            epoch.end(connection.opened());
            self.disconnect();
        }
    }

    /// Asks all together, and where that fails, each alone: one that cannot be answered must not take others with it. What
    /// has no reply in the end comes back with the error.
    fn ask(&mut self, lookups: Vec<Lookup>, started: Instant) -> Result<(), (StoreError, Vec<Lookup>)> {
        let Err(Unanswered { mut error, left, is_refused }) = self.ask_together(lookups, started) else {
            return Ok(());
        };
        if left.len() < 2 || !is_refused {
            return Err((error, left));
        }
        let (mut patience, mut hopeless, mut left) = (Patience::default(), Vec::new(), left.into_iter());
        while !patience.is_over() && started.elapsed() < self.shared.query_timeout {
            let Some(lookup) = left.next() else { break };
            // Whoever waited too long has given up.
            if lookup.is_abandoned() {
                continue;
            }
            let whose = lookup.whose();
            if !patience.has_hope_for(whose) {
                hopeless.push(lookup);
                continue;
            }
            match self.ask_together(vec![lookup], started) {
                Ok(()) => patience.note_answer(),
                Err(unanswered) => {
                    patience.note_failure(whose, unanswered.is_refused);
                    error = unanswered.error;
                    Batch::new(unanswered.left).fail(&error);
                }
            }
        }
        Err((error, hopeless.into_iter().chain(left).collect()))
    }

    /// Asks, and once more where the connection turns out to be useless.
    fn ask_together(&mut self, lookups: Vec<Lookup>, started: Instant) -> Result<(), Unanswered> {
        let Shared { query_timeout, clock, retention, epoch, .. } = self.shared;
        let mut batch = Batch::new(lookups);
        let mut may_repeat = true;
        loop {
            if let Err(error) = self.connect(started) {
                return Err(Unanswered { error, left: batch.into_lookups(), is_refused: false });
            }
            let Some(connection) = &mut self.connection else { continue };
            let now = clock.now();
            let times = ReadTimes { now, cluster_cutoff: retention.cluster_cutoff(now) };
            let began = Instant::now();
            let answered = connection.work(|connection| batch.answer(connection.postgres()?, times));
            let Err(error) = answered else { return Ok(()) };
            let is_quick = began.elapsed() < *query_timeout / 8;
            let is_unfit = connection.is_unfit_after(&error, epoch, started, is_quick);
            let is_refused = !connection.is_lost() && started.elapsed() < *query_timeout;
            let error = lookup_error(error, connection.is_lost(), started.elapsed(), *query_timeout);
            if connection.is_given_up() {
                self.disconnect();
            }
            if !is_unfit || !may_repeat || started.elapsed() >= *query_timeout {
                return Err(Unanswered { error, left: batch.into_lookups(), is_refused });
            }
            may_repeat = false;
        }
    }

    /// Makes sure of a connection. When the database was there a moment ago it is tried for as long as callers wait for
    /// one; during an outage once, and not at once after the last try.
    fn connect(&mut self, started: Instant) -> Result<(), StoreError> {
        let patience = match self.failed {
            None => self.shared.pool_timeout,
            Some(failed) => {
                std::thread::sleep(RETRY_PAUSE.saturating_sub(failed.elapsed()));
                Duration::ZERO
            }
        };
        while self.connection.is_none() {
            match self.shared.opener.open() {
                Ok(connection) => {
                    self.connection = Some(connection);
                    self.checked = self.shared.clock.monotonic();
                    self.failed = None;
                    self.status.is_connected.store(true, Ordering::Release);
                    self.shared.connected.fetch_add(1, Ordering::AcqRel);
                }
                Err(error) => {
                    let text = error.to_string();
                    self.failures.handle_error(error);
                    if started.elapsed() + RETRY_PAUSE >= patience {
                        self.failed = Some(Instant::now());
                        return Err(StoreError::unavailable(text));
                    }
                    std::thread::sleep(RETRY_PAUSE);
                }
            }
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.status.is_connected.store(false, Ordering::Release);
            self.shared.connected.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
