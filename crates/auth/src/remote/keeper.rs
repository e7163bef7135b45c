//! One thread for each place that keys are fetched from: whoever needs them, there is one fetch at a time.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use gathering_domain::Clock;
use tokio::sync::watch;

use super::Source;
use crate::AuthError;
use crate::issuer::Keyring;
use crate::metrics::KeyMetrics;
use crate::remote::source::{Fetched, SourceProblem};

/// How long keys are taken for fresh, whatever their server says: at least this, so that it is not asked all the time,
const FLOOR: Duration = Duration::from_secs(60);
/// and at most this, so that a key that was withdrawn is not in force for long.
const CEILING: Duration = Duration::from_secs(60 * 60);

/// How soon to try again when keys could not be fetched.
const RETRY: Duration = Duration::from_secs(15);

/// How often tokens that name an unknown key can make the keys be fetched: anybody can make up such a token.
const DEMAND: Duration = Duration::from_secs(30);

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
}

struct State {
    /// A fetch is running or about to.
    in_flight: bool,
    /// When the next one is due, on the monotonic clock.
    due: Duration,
    /// When a token last made one happen.
    demanded: Option<Duration>,
    /// What the last good one brought.
    body: Vec<u8>,
    /// The last one failed.
    is_failing: bool,
}

/// A fetch of keys that is running. It is over, well or not, when this is.
pub struct KeysAwaited(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for KeysAwaited {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for KeysAwaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysAwaited").finish_non_exhaustive()
    }
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
            in_flight: true,
            due: clock.monotonic(),
            demanded: None,
            body: Vec::new(),
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
        });
        let (wake, woken) = mpsc::channel();
        let weak = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("gathering-keys".to_owned())
            .spawn(move || keep(&weak, &woken, tick))
            .map_err(|source| AuthError::Thread { source })?;
        Ok(Self { shared, wake })
    }

    /// The fetch that is running, or one that a token makes happen; `None` if there is none and none may happen now.
    /// Where keys were never had, their server is down, and one is tried again soon anyway.
    pub(crate) fn demand(&self, had_keys: bool) -> Option<KeysAwaited> {
        let mut state = self.shared.state();
        if !state.in_flight {
            let now = self.shared.clock.monotonic();
            let is_too_soon = state.demanded.is_some_and(|last| now.saturating_sub(last) < DEMAND);
            if !had_keys || is_too_soon || self.wake.send(()).is_err() {
                return None;
            }
            (state.in_flight, state.due, state.demanded) = (true, now, Some(now));
        }
        // While the state is locked, so that the end of the fetch is not missed.
        let mut fetches = self.shared.fetches.subscribe();
        drop(state);
        Some(KeysAwaited(Box::pin(async move {
            // An error says that the thread is gone: then there is nothing to wait for.
            let _ = fetches.changed().await;
        })))
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
        {
            let mut state = self.state();
            if self.clock.monotonic() < state.due {
                return;
            }
            state.in_flight = true;
        }
        // What comes from elsewhere goes through libraries; a panic of one must not end the refreshing of keys.
        let fetch = || self.source.fetch(self.ca_file.as_deref());
        let fetched = catch_unwind(AssertUnwindSafe(fetch)).unwrap_or(Err(SourceProblem::Panic));
        self.take(fetched);
    }

    fn take(&self, fetched: Result<Fetched, SourceProblem>) {
        let mut state = self.state();
        let is_ok = fetched.is_ok();
        let pause = match fetched {
            Ok(Fetched { body, keys, left_out, fresh_for }) => {
                if body != state.body {
                    log::info!("took {} keys from {}", keys.len(), self.source);
                    for left_out in left_out {
                        log::warn!(
                            "the key {:?} from {} is not used: it {}",
                            left_out.id,
                            self.source,
                            left_out.problem
                        );
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
        // Told while the state is locked: who asks for the next fetch must not take the end of this one for its end.
        state.in_flight = false;
        self.fetches.send_modify(|count| *count += 1);
    }
}

fn keep(shared: &Weak<Shared>, woken: &mpsc::Receiver<()>, tick: Duration) {
    while let Some(shared) = shared.upgrade() {
        shared.look();
        drop(shared);
        if woken.recv_timeout(tick) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
