//! When a token may cause a fetch of keys. Anybody can make up tokens that name a key which nobody has.
//!
//! A key that was asked for already is not asked for again soon, so that a token of a withdrawn key costs one fetch and no
//! more. A key that was not asked for before is: at once if only a few such fetches were made lately, and otherwise a few
//! seconds later, together with all others that wait. So a new key is found whatever others make up, and no provider is
//! asked more often than this.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gathering_domain::time::Clock;
use governor::Quota;
use governor::state::InMemoryState;

use crate::clock::{Limiter, MonotonicClock};

/// How many fetches tokens can cause at once.
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// How many fetches a minute tokens can cause after that: one every [`INTERVAL`].
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();
pub(super) const INTERVAL: Duration = Duration::from_secs(3);

/// How long a key that was asked for, and was not there, is not asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How many keys are remembered as asked for, and how many wait, each in some 40 bytes.
const MAX_KEYS: usize = 4096;

/// Hashes with keys of this process, so that nobody can aim at the hash of another key.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The key that a token may be waiting for, if no known key verifies it. Two keys rarely have the same hash; then one of
/// them is asked for half a minute later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WantedKey {
    hash: u64,
    /// Whether the token names a key, and none of this name is known.
    pub(crate) is_unknown: bool,
}

impl WantedKey {
    /// A key with a name that no known key has.
    pub(crate) fn unknown(id: &str) -> Self {
        Self { hash: HASHES.hash_one(id), is_unknown: true }
    }

    /// Another key than the one that is known by this name, or without a name.
    pub(crate) fn another(id: Option<&str>) -> Self {
        Self { hash: HASHES.hash_one(("another", id)), is_unknown: false }
    }
}

/// The keys that tokens asked for, and when.
pub(super) struct FetchThrottle {
    limiter: Limiter,
    /// What was asked for, and the time at which its fetch began.
    asked: HashMap<WantedKey, Duration>,
    /// What the next fetch is asked for.
    waiting: HashSet<WantedKey>,
    /// Whether the limiter has counted the next fetch.
    is_counted: bool,
    /// When the last fetch began.
    began: Duration,
}

impl FetchThrottle {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        let limiter = Limiter::new(quota, InMemoryState::default(), MonotonicClock(clock));
        Self {
            limiter,
            asked: HashMap::new(),
            waiting: HashSet::new(),
            is_counted: false,
            began: Duration::ZERO,
        }
    }

    /// Whether the key was asked for lately and was not there. While the fetch that asks for it is running, nobody knows.
    pub(super) fn was_asked_for(&self, wanted: WantedKey, now: Duration, is_running: bool) -> bool {
        self.asked.get(&wanted).is_some_and(|asked| {
            now.saturating_sub(*asked) < ASK_AGAIN_AFTER && !(is_running && *asked == self.began)
        })
    }

    /// Asks for the key. Returns the time at which the fetch may begin, which is now or soon.
    pub(super) fn ask_for(&mut self, wanted: WantedKey, now: Duration) -> Duration {
        if self.waiting.len() < MAX_KEYS {
            self.waiting.insert(wanted);
        }
        match self.limiter.check() {
            Ok(()) => {
                self.is_counted = true;
                now
            }
            Err(until) => until.earliest_possible().into(),
        }
    }

    /// Notes that a fetch begins, for every key that waits.
    pub(super) fn begin(&mut self, now: Duration) {
        if !std::mem::take(&mut self.is_counted) && !self.waiting.is_empty() {
            // The fetch was put off, or was due anyway.
            let _ = self.limiter.check();
        }
        self.began = now;
        self.asked.retain(|_, asked| now.saturating_sub(*asked) < ASK_AGAIN_AFTER);
        for wanted in std::mem::take(&mut self.waiting) {
            if self.asked.len() < MAX_KEYS {
                self.asked.insert(wanted, now);
            }
        }
    }

    /// Notes that the fetch which began at this time failed: its keys count as never asked for.
    pub(super) fn fail(&mut self, began: Duration) {
        self.asked.retain(|_, asked| *asked != began);
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::time::{ManualClock, Timestamp};

    use super::*;

    struct Fixture {
        throttle: FetchThrottle,
        clock: Arc<ManualClock>,
    }

    impl Fixture {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000)));
            Self { throttle: FetchThrottle::new(Arc::clone(&clock) as Arc<dyn Clock>), clock }
        }

        fn now(&self) -> Duration {
            self.clock.monotonic()
        }

        /// How long the fetch for this has to wait.
        fn ask_for(&mut self, id: &str) -> Duration {
            let now = self.now();
            self.throttle.ask_for(WantedKey::unknown(id), now).saturating_sub(now)
        }

        fn begin(&mut self) {
            self.throttle.begin(self.now());
        }

        fn was_asked_for(&self, id: &str) -> bool {
            self.throttle.was_asked_for(WantedKey::unknown(id), self.now(), false)
        }
    }

    #[test]
    fn a_few_fetches_happen_at_once_and_then_one_in_three_seconds() {
        let mut fixture = Fixture::new();
        for number in 0..5 {
            assert_eq!(fixture.ask_for(&number.to_string()), Duration::ZERO, "{number}");
            fixture.begin();
        }
        assert_eq!(fixture.ask_for("one more"), INTERVAL);
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(fixture.ask_for("another"), Duration::from_secs(2), "with the one before");
        fixture.clock.advance(Duration::from_secs(2));
        fixture.begin();
        assert!(fixture.was_asked_for("one more") && fixture.was_asked_for("another"));
        assert_eq!(fixture.ask_for("a third"), INTERVAL, "a fetch that was put off counts");
        fixture.clock.advance(Duration::from_secs(3600));
        fixture.begin();
        assert_eq!(
            [(); 4].map(|()| fixture.ask_for("x")),
            [Duration::ZERO; 4],
            "and no more add up than a few"
        );
        assert_eq!(fixture.ask_for("x"), INTERVAL);
    }

    #[test]
    fn what_was_asked_for_is_asked_for_again_after_half_a_minute() {
        let mut fixture = Fixture::new();
        assert!(!fixture.was_asked_for("old"));
        fixture.ask_for("old");
        assert!(!fixture.was_asked_for("old"), "the fetch has not begun");
        fixture.begin();
        let (old, now) = (WantedKey::unknown("old"), fixture.now());
        assert!(!fixture.throttle.was_asked_for(old, now, true), "it is running");
        assert!(fixture.was_asked_for("old") && !fixture.was_asked_for("new"));
        fixture.clock.advance(ASK_AGAIN_AFTER.checked_sub(Duration::from_secs(1)).unwrap());
        assert!(fixture.was_asked_for("old"));
        fixture.clock.advance(Duration::from_secs(1));
        assert!(!fixture.was_asked_for("old"));
    }

    #[test]
    fn a_fetch_that_failed_was_none() {
        let mut fixture = Fixture::new();
        fixture.ask_for("before");
        fixture.begin();
        fixture.clock.advance(Duration::from_secs(1));
        fixture.ask_for("now");
        fixture.begin();
        let began = fixture.now();
        fixture.throttle.fail(began);
        assert!(fixture.was_asked_for("before") && !fixture.was_asked_for("now"));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_given_back() {
        let mut fixture = Fixture::new();
        for fetch in 0..3 {
            for number in 0..2 * MAX_KEYS {
                fixture.ask_for(&format!("{fetch}/{number}"));
            }
            assert_eq!(fixture.throttle.waiting.len(), MAX_KEYS);
            fixture.begin();
            assert_eq!((fixture.throttle.asked.len(), fixture.throttle.waiting.len()), (MAX_KEYS, 0));
        }
        fixture.clock.advance(ASK_AGAIN_AFTER);
        fixture.begin();
        assert_eq!(fixture.throttle.asked.len(), 0);
    }
}
