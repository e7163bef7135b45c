//! When a token may make keys be fetched: anybody can make one up that names a key which nobody has.
//!
//! What was asked for already is not asked for again soon, so that a token of a withdrawn key costs one fetch and no
//! more. What was not asked for before is: at once while only a few such fetches were made lately, and otherwise
//! together with all others that wait, a few seconds later. A key that is new is so refused to nobody, whatever others
//! make up, and whoever publishes keys is never asked more often than this.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gathering_domain::Clock;
use governor::Quota;
use governor::state::InMemoryState;

use crate::rate_limits::{Limiter, Monotonic};

/// Fetches that tokens can cause at once.
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// After that, they can cause so many a minute: one every [`INTERVAL`].
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();
pub(super) const INTERVAL: Duration = Duration::from_secs(3);

/// For how long a key that was asked for, and was not there, is not asked for again.
const AGAIN: Duration = Duration::from_secs(30);

/// Most that is remembered as asked for, and most that waits, each in some 40 bytes.
const MOST: usize = 4096;

/// Makes hashes that nobody outside of this process can aim at.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a token that no known key verifies may be waiting for. Two may rarely look the same; then one of them is asked
/// for half a minute later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    hash: u64,
    /// Whether the token names a key, and none of this name is known.
    pub(crate) is_unknown: bool,
}

impl Wanted {
    /// A key with a name that no known key has.
    pub(crate) fn unknown(id: &str) -> Self {
        Self { hash: HASHES.hash_one(id), is_unknown: true }
    }

    /// Another key than the one that is known by this name, or without a name.
    pub(crate) fn another(id: Option<&str>) -> Self {
        Self { hash: HASHES.hash_one(("another", id)), is_unknown: false }
    }
}

/// What tokens asked for.
pub(super) struct Demands {
    limiter: Limiter,
    /// What was asked for, and when the fetch began.
    asked: HashMap<Wanted, Duration>,
    /// What the next fetch is to bring.
    waiting: HashSet<Wanted>,
    /// Whether the limiter has counted that fetch.
    is_counted: bool,
    /// When the last fetch began.
    began: Duration,
}

impl Demands {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        let limiter = Limiter::new(quota, InMemoryState::default(), Monotonic(clock));
        Self {
            limiter,
            asked: HashMap::new(),
            waiting: HashSet::new(),
            is_counted: false,
            began: Duration::ZERO,
        }
    }

    /// Whether it was asked for lately, and did not come; not yet, while the fetch that is to bring it is running.
    pub(super) fn was_asked_for(&self, wanted: Wanted, now: Duration, is_running: bool) -> bool {
        self.asked
            .get(&wanted)
            .is_some_and(|asked| now.saturating_sub(*asked) < AGAIN && !(is_running && *asked == self.began))
    }

    /// Asks for it. Returns when the fetch may begin: now, or soon.
    pub(super) fn ask_for(&mut self, wanted: Wanted, now: Duration) -> Duration {
        if self.waiting.len() < MOST {
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

    /// A fetch begins, for all that wait.
    pub(super) fn begin(&mut self, now: Duration) {
        if !std::mem::take(&mut self.is_counted) && !self.waiting.is_empty() {
            // One that was put off, or that was due anyway.
            let _ = self.limiter.check();
        }
        self.began = now;
        self.asked.retain(|_, asked| now.saturating_sub(*asked) < AGAIN);
        for wanted in std::mem::take(&mut self.waiting) {
            if self.asked.len() < MOST {
                self.asked.insert(wanted, now);
            }
        }
    }

    /// The fetch that began then brought nothing: what it was to bring is as good as never asked for.
    pub(super) fn fail(&mut self, began: Duration) {
        self.asked.retain(|_, asked| *asked != began);
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::{ManualClock, Timestamp};

    use super::*;

    struct Fixture {
        demands: Demands,
        clock: Arc<ManualClock>,
    }

    impl Fixture {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000)));
            Self { demands: Demands::new(Arc::clone(&clock) as Arc<dyn Clock>), clock }
        }

        fn now(&self) -> Duration {
            self.clock.monotonic()
        }

        /// How long the fetch for this has to wait.
        fn ask_for(&mut self, id: &str) -> Duration {
            let now = self.now();
            self.demands.ask_for(Wanted::unknown(id), now).saturating_sub(now)
        }

        fn begin(&mut self) {
            self.demands.begin(self.now());
        }

        fn was_asked_for(&self, id: &str) -> bool {
            self.demands.was_asked_for(Wanted::unknown(id), self.now(), false)
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
        let (old, now) = (Wanted::unknown("old"), fixture.now());
        assert!(!fixture.demands.was_asked_for(old, now, true), "it is running");
        assert!(fixture.was_asked_for("old") && !fixture.was_asked_for("new"));
        fixture.clock.advance(AGAIN.checked_sub(Duration::from_secs(1)).unwrap());
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
        fixture.demands.fail(began);
        assert!(fixture.was_asked_for("before") && !fixture.was_asked_for("now"));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_given_back() {
        let mut fixture = Fixture::new();
        for fetch in 0..3 {
            for number in 0..2 * MOST {
                fixture.ask_for(&format!("{fetch}/{number}"));
            }
            assert_eq!(fixture.demands.waiting.len(), MOST);
            fixture.begin();
            assert_eq!((fixture.demands.asked.len(), fixture.demands.waiting.len()), (MOST, 0));
        }
        fixture.clock.advance(AGAIN);
        fixture.begin();
        assert_eq!(fixture.demands.asked.len(), 0);
    }
}
