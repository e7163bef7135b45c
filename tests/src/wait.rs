//! Waiting for what happens soon, without a fixed time.

use std::time::{Duration, Instant};

/// Longer than anything takes; what does not happen fails its test.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long to rest before asking again.
const REST: Duration = Duration::from_millis(20);

/// Asks until it is so.
///
/// # Panics
/// If it is not within three minutes.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    until_some(|| is_so().then_some(()));
}

/// Asks until there is an answer, and returns it.
///
/// # Panics
/// If there is none within three minutes.
#[track_caller]
pub fn until_some<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(REST);
    }
    panic!("it does not happen")
}
