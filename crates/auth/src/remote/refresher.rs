//! A thread for each source of keys, which fetches them and keeps them fresh. However many calls need keys, there is one
//! fetch at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use gathering_domain::time::Clock;
use tokio::sync::watch;

use super::error::FetchError;
use super::refresh::Waiters;
use super::source::{FetchedKeys, KeySource, TIMEOUT};
use super::throttle::{FetchThrottle, INTERVAL, WantedKey};
use crate::error::AuthError;
use crate::keyring::Keyring;
use crate::keys::jwks::SkippedKeys;
use crate::metrics::FetchMetrics;
use crate::wait::Wait;

/// How long keys count as fresh at least, whatever their server says, so that it is not asked all the time.
const MIN_FRESH: Duration = Duration::from_secs(60);

/// How long keys count as fresh at most, so that a withdrawn key is not in force for long.
const MAX_FRESH: Duration = Duration::from_secs(60 * 60);

/// How long to wait after a fetch that failed.
const RETRY: Duration = Duration::from_secs(15);

/// The longest that a fetch takes, if nothing is wrong with this machine.
const STUCK: Duration = Duration::from_secs(15);

/// The longest that a call waits: for a fetch that is put off, takes as long as it may, and a little more.
const MAX_WAIT: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_add(Duration::from_secs(2));

/// Fetches the keys of one issuer and keeps them fresh. The thread ends when this is dropped.
pub(crate) struct KeyRefresher {
    shared: Arc<Shared>,
    wake: mpsc::Sender<()>,
}

struct Shared {
    source: KeySource,
    ca_file: Option<PathBuf>,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    metrics: FetchMetrics,
    state: Mutex<State>,
    /// The number of fetches that have ended.
    fetches: watch::Sender<u64>,
    waiters: Waiters,
}

struct State {
    /// Since when a fetch is running or about to.
    in_flight: Option<Instant>,
    /// When the next fetch is due, on the monotonic clock.
    due: Duration,
    /// What tokens asked for.
    throttle: FetchThrottle,
    /// The body of the last good answer.
    body: Vec<u8>,
    /// The keys of it that cannot be used.
    skipped: SkippedKeys,
    /// Whether the last fetch failed.
    is_failing: bool,
}

/// What to do about a token that no known key verifies.
pub(crate) enum RefreshAnswer {
    /// Wait: keys are on their way.
    Underway(Wait),
    /// Reject it: the keys were asked for lately, and have no such key.
    KeyNotThere,
    /// Nobody can tell at the moment whether there is such a key.
    Unavailable,
}

impl KeyRefresher {
    /// Starts the thread, which fetches at once. `tick` is how often it looks at the clock.
    pub(crate) fn start(
        source: KeySource,
        ca_file: Option<PathBuf>,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
        tick: Duration,
        metrics: FetchMetrics,
    ) -> Result<Self, AuthError> {
        let state = State {
            in_flight: Some(Instant::now()),
            due: clock.monotonic(),
            throttle: FetchThrottle::new(Arc::clone(&clock)),
            body: Vec::new(),
            skipped: SkippedKeys::default(),
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
            .spawn(move || run(&weak, &woken, tick))
            .map_err(|source| AuthError::Thread { source })?;
        Ok(Self { shared, wake })
    }

    /// Asks for a key: joins the fetch that is running, or causes one, unless the key was asked for lately. `had_keys` says
    /// whether keys were ever fetched. If they were not, or if the last fetch failed, none is caused, since the server is
    /// down and is asked again soon anyway.
    pub(crate) fn request(&self, wanted: WantedKey, had_keys: bool) -> RefreshAnswer {
        let mut state = self.shared.state();
        let now = self.shared.clock.monotonic();
        if state.throttle.was_asked_for(wanted, now, state.in_flight.is_some()) {
            return RefreshAnswer::KeyNotThere;
        }
        if state.is_failing && had_keys && !(wanted.is_unknown && state.in_flight.is_some()) {
            return RefreshAnswer::Unavailable;
        }
        match state.in_flight {
            Some(since) if since.elapsed() > STUCK => return RefreshAnswer::Unavailable,
            Some(_) => {}
            None if !had_keys => return RefreshAnswer::Unavailable,
            None => {
                let due = state.throttle.ask_for(wanted, now);
                state.due = state.due.min(due);
                if due <= now {
                    if self.wake.send(()).is_err() {
                        return RefreshAnswer::Unavailable;
                    }
                    state.in_flight = Some(Instant::now());
                }
            }
        }
        // Subscribed while the state is locked, so that the end of the fetch is not missed.
        let fetches = self.shared.fetches.subscribe();
        drop(state);
        self.shared
            .waiters
            .wait(fetches, MAX_WAIT)
            .map_or(RefreshAnswer::Unavailable, RefreshAnswer::Underway)
    }

    /// Whether the last fetch failed, or the present one never ends.
    pub(crate) fn is_failing(&self) -> bool {
        let state = self.shared.state();
        state.is_failing || state.in_flight.is_some_and(|since| since.elapsed() > STUCK)
    }

    /// Whether the first fetch has ended, well or not.
    pub(crate) fn was_tried(&self) -> bool {
        *self.shared.fetches.borrow() > 0
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch_if_due(&self) {
        let began = self.clock.monotonic();
        {
            let mut state = self.state();
            if began < state.due {
                return;
            }
            state.in_flight = Some(Instant::now());
            state.throttle.begin(began);
        }
        // Libraries read what strangers send. If one panics, keys are refreshed all the same.
        let fetch = || self.source.fetch(self.ca_file.as_deref());
        let fetched = catch_unwind(AssertUnwindSafe(fetch)).unwrap_or(Err(FetchError::Panic));
        self.finish(fetched, began);
    }

    fn finish(&self, fetched: Result<FetchedKeys, FetchError>, began: Duration) {
        let mut state = self.state();
        let is_ok = fetched.is_ok();
        let pause = match fetched {
            Ok(fetched) => self.accept(fetched, &mut state),
            Err(error) => {
                state.throttle.fail(began);
                self.note_failure(&error, &mut state);
                RETRY
            }
        };
        state.due = self.clock.monotonic().saturating_add(pause);
        // Counted last: whoever sees the count may move the clock, which must not move the next fetch.
        self.metrics.count(is_ok);
        self.end(&mut state);
    }

    /// Puts fetched keys in force. Returns how long they are fresh.
    fn accept(&self, fetched: FetchedKeys, state: &mut State) -> Duration {
        let FetchedKeys { body, keys, skipped, fresh_for } = fetched;
        if body != state.body {
            log::info!("took {} keys from {}", keys.len(), self.source);
            if skipped != state.skipped {
                skipped.log(&self.source);
                state.skipped = skipped;
            }
            state.body = body;
            self.keyring.set_remote(keys);
        }
        if std::mem::take(&mut state.is_failing) {
            log::info!("{} has keys again", self.source);
        }
        fresh_for.clamp(MIN_FRESH, MAX_FRESH)
    }

    /// Logs the first of several failures.
    fn note_failure(&self, error: &FetchError, state: &mut State) {
        if std::mem::replace(&mut state.is_failing, true) {
            return;
        }
        let kept = if state.body.is_empty() { "there are none yet" } else { "those of before stay" };
        log::warn!(
            "no keys were fetched, {kept}, and they are asked for every {} seconds: {} gave {error}",
            RETRY.as_secs(),
            self.source
        );
    }

    /// Tells all waiters. The state is locked, so that whoever asks for the next fetch does not take this end for its end.
    fn end(&self, state: &mut State) {
        state.in_flight = None;
        self.fetches.send_modify(|count| *count += 1);
    }

    /// Goes on after a panic of this crate: waiters go on, and the next fetch comes.
    fn recover(&self) {
        let mut state = self.state();
        if state.in_flight.is_some() {
            state.is_failing = true;
            state.due = state.due.saturating_add(RETRY);
            self.end(&mut state);
        }
        drop(state);
        log::error!("keys of {} could not be refreshed: {}", self.source, FetchError::Panic);
    }
}

fn run(shared: &Weak<Shared>, woken: &mpsc::Receiver<()>, tick: Duration) {
    while let Some(shared) = shared.upgrade() {
        if catch_unwind(AssertUnwindSafe(|| shared.fetch_if_due())).is_err() {
            // What panicked may do so again, and the thread has to survive that too.
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
