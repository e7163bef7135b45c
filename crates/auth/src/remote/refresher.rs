//! One thread for each place that keys are fetched from: whoever needs them, there is one fetch at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use gathering_domain::Clock;
use tokio::sync::watch;

use super::Source;
use super::client::TIMEOUT;
use super::refresh::{KeysAwaited, Waiters};
use super::throttle::{Demands, INTERVAL, Wanted};
use crate::AuthError;
use crate::issuer::Keyring;
use crate::keys::LeftOut;
use crate::metrics::KeyMetrics;
use crate::remote::source::{Fetched, SourceProblem};

/// How long keys are taken for fresh, whatever their server says: at least this, so that it is not asked all the time,
const FLOOR: Duration = Duration::from_secs(60);
/// and at most this, so that a key that was withdrawn is not in force for long.
const CEILING: Duration = Duration::from_secs(60 * 60);

/// How soon to try again when keys could not be fetched.
const RETRY: Duration = Duration::from_secs(15);

/// The longest that a fetch takes if nothing is wrong with this machine.
const STUCK: Duration = Duration::from_secs(15);

/// The longest that anybody waits for a fetch: one that is put off, takes as long as it may, and something.
const PATIENCE: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_add(Duration::from_secs(2));

/// Fetches the keys of one issuer and keeps them fresh. The thread ends when this is dropped.
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
    wake: mpsc::Sender<()>,
}

struct Shared {
    source: Source,
    ca_file: Option<PathBuf>,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    metrics: KeyMetrics,
    state: Mutex<State>,
    fetches: watch::Sender<u64>,
    waiters: Waiters,
}

struct State {
    /// A fetch is running or about to, since then.
    in_flight: Option<Instant>,
    /// When the next one is due, on the monotonic clock.
    due: Duration,
    /// What tokens made happen.
    demands: Demands,
    /// What the last good one brought.
    body: Vec<u8>,
    /// What of that cannot be used.
    left_out: LeftOut,
    /// The last one failed.
    is_failing: bool,
}

/// What becomes of a token that no known key verifies.
pub(crate) enum Demand {
    /// Keys are on their way.
    Awaited(KeysAwaited),
    /// They were asked for, and have no such key.
    Answered,
    /// Nobody can tell at the moment.
    Unavailable,
}

impl RemoteKeys {
    /// Starts the thread, which fetches at once. `tick` is how often it looks at the clock.
    pub(crate) fn start(
        source: Source,
        ca_file: Option<PathBuf>,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
        tick: Duration,
        metrics: KeyMetrics,
    ) -> Result<Self, AuthError> {
        let state = State {
            in_flight: Some(Instant::now()),
            due: clock.monotonic(),
            demands: Demands::new(Arc::clone(&clock)),
            body: Vec::new(),
            left_out: LeftOut::default(),
            is_failing: false,
        };
        let shared = Arc::new(Shared {
            source,
            ca_file,
            keyring,
            clock,
            metrics,
            state: Mutex::new(state),
            fetches: watch::Sender::new(0),
            waiters: Waiters::default(),
        });
        let (wake, woken) = mpsc::channel();
        let weak = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("gathering-keys".to_owned())
            .spawn(move || keep(&weak, &woken, tick))
            .map_err(|source| AuthError::Thread { source })?;
        Ok(Self { shared, wake })
    }

    /// The fetch that is running, or one that a token makes happen, unless its key was asked for just now. Where keys
    /// were never had, or the last fetch failed, their server is down, and is asked again soon anyway.
    pub(crate) fn demand(&self, wanted: Wanted, had_keys: bool) -> Demand {
        let mut state = self.shared.state();
        let now = self.shared.clock.monotonic();
        if state.demands.was_asked_for(wanted, now, state.in_flight.is_some()) {
            return Demand::Answered;
        }
        if state.is_failing && had_keys && !(wanted.is_unknown && state.in_flight.is_some()) {
            return Demand::Unavailable;
        }
        match state.in_flight {
            Some(since) if since.elapsed() > STUCK => return Demand::Unavailable,
            Some(_) => {}
            None if !had_keys => return Demand::Unavailable,
            None => {
                let due = state.demands.ask_for(wanted, now);
                state.due = state.due.min(due);
                if due <= now {
                    if self.wake.send(()).is_err() {
                        return Demand::Unavailable;
                    }
                    state.in_flight = Some(Instant::now());
                }
            }
        }
        // While the state is locked, so that the end of the fetch is not missed.
        let fetches = self.shared.fetches.subscribe();
        drop(state);
        self.shared.waiters.wait(fetches, PATIENCE).map_or(Demand::Unavailable, Demand::Awaited)
    }

    /// Whether the last fetch failed, or never ends.
    pub(crate) fn is_failing(&self) -> bool {
        let state = self.shared.state();
        state.is_failing || state.in_flight.is_some_and(|since| since.elapsed() > STUCK)
    }

    /// Whether the first fetch is over, well or not.
    pub(crate) fn was_tried(&self) -> bool {
        *self.shared.fetches.borrow() > 0
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches if it is due.
    fn look(&self) {
        let began = self.clock.monotonic();
        {
            let mut state = self.state();
            if began < state.due {
                return;
            }
            state.in_flight = Some(Instant::now());
            state.demands.begin(began);
        }
        // What comes from elsewhere goes through libraries; a panic of one must not end the refreshing of keys.
        let fetch = || self.source.fetch(self.ca_file.as_deref());
        let fetched = catch_unwind(AssertUnwindSafe(fetch)).unwrap_or(Err(SourceProblem::Panic));
        self.take(fetched, began);
    }

    fn take(&self, fetched: Result<Fetched, SourceProblem>, began: Duration) {
        let mut state = self.state();
        let is_ok = fetched.is_ok();
        let pause = match fetched {
            Ok(Fetched { body, keys, left_out, fresh_for }) => {
                if body != state.body {
                    log::info!("took {} keys from {}", keys.len(), self.source);
                    if left_out != state.left_out {
                        left_out.tell(&self.source);
                        state.left_out = left_out;
                    }
                    state.body = body;
                    self.keyring.set_remote(keys);
                }
                if std::mem::take(&mut state.is_failing) {
                    log::info!("{} has keys again", self.source);
                }
                fresh_for.clamp(FLOOR, CEILING)
            }
            Err(problem) => {
                state.demands.fail(began);
                if !std::mem::replace(&mut state.is_failing, true) {
                    let kept =
                        if state.body.is_empty() { "there are none yet" } else { "those of before stay" };
                    log::warn!(
                        "no keys were fetched, {kept}, and they are asked for every {} seconds: {} gave {problem}",
                        RETRY.as_secs(),
                        self.source
                    );
                }
                RETRY
            }
        };
        state.due = self.clock.monotonic().saturating_add(pause);
        // Not before: who sees the count may move the clock, and must not move the next fetch with it.
        self.metrics.fetched(is_ok);
        self.end(&mut state);
    }

    /// Told while the state is locked: who asks for the next fetch must not take the end of this one for its end.
    fn end(&self, state: &mut State) {
        state.in_flight = None;
        self.fetches.send_modify(|count| *count += 1);
    }

    /// Something of ours panicked. Whoever waits is told, and the next fetch comes.
    fn recover(&self) {
        let mut state = self.state();
        if state.in_flight.is_some() {
            state.is_failing = true;
            state.due = state.due.saturating_add(RETRY);
            self.end(&mut state);
        }
        drop(state);
        log::error!("keys of {} could not be refreshed: {}", self.source, SourceProblem::Panic);
    }
}

fn keep(shared: &Weak<Shared>, woken: &mpsc::Receiver<()>, tick: Duration) {
    while let Some(shared) = shared.upgrade() {
        if catch_unwind(AssertUnwindSafe(|| shared.look())).is_err() {
            // What panicked may do it again; the refreshing goes on all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| shared.recover()));
        }
        drop(shared);
        if woken.recv_timeout(tick) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
