//! Waiting for a result, and what callers are told of when to ask again.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::prefer;

/// How callers wait. `config/default.toml` says more about each setting.
#[derive(Debug, Clone, Copy)]
pub struct WaitSettings {
    /// The longest that a caller may wait.
    pub max: Duration,
    /// How long a status call waits that does not ask to.
    pub hold: Duration,
    /// When callers are told to ask again; zero says nothing.
    pub retry_after: Duration,
}

/// How long a call waits, and what its answer says of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wait {
    pub(crate) time: Duration,
    /// The seconds of the caller's wish, as far as it is heeded.
    applied: Option<u64>,
}

impl Wait {
    /// What the caller wishes, within limits.
    pub(crate) fn of(headers: &HeaderMap, settings: &WaitSettings) -> Self {
        let Some(wish) = prefer::wait(headers) else { return Self::default() };
        // Whole seconds, since the answer names them.
        let seconds = wish.min(settings.max).as_secs();
        Self { time: Duration::from_secs(seconds), applied: Some(seconds) }
    }

    /// The same, but one who does not ask waits as well.
    pub(crate) fn or_hold(self, settings: &WaitSettings) -> Self {
        if self.applied.is_some() { self } else { Self { time: settings.hold.min(settings.max), ..self } }
    }
}

/// What an answer says of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WaitHeaders {
    /// The seconds that the caller was let wait.
    applied: Option<u64>,
    /// The seconds after which to ask again.
    retry_after: Option<u64>,
}

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

impl WaitHeaders {
    pub(crate) const fn new(wait: Wait, was_heeded: bool) -> Self {
        Self { applied: if was_heeded { wait.applied } else { None }, retry_after: None }
    }

    /// With the advice to ask again later.
    pub(crate) fn and_retry(self, settings: &WaitSettings) -> Self {
        Self { retry_after: jittered(settings.retry_after), ..self }
    }

    pub(crate) fn add_to(self, headers: &mut HeaderMap) {
        let applied = self.applied.and_then(|seconds| HeaderValue::try_from(format!("wait={seconds}")).ok());
        if let Some(applied) = applied {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
    }
}

/// So many seconds or up to half as many more, so that callers that were answered together do not come back together.
fn jittered(time: Duration) -> Option<u64> {
    let seconds = u64::try_from(time.as_millis().div_ceil(1000)).ok().filter(|seconds| *seconds > 0)?;
    Some(rand::random_range(seconds..=seconds.saturating_add(seconds.div_ceil(2))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: WaitSettings = WaitSettings {
        max: Duration::from_millis(25_900),
        hold: Duration::from_millis(1500),
        retry_after: Duration::from_secs(4),
    };

    fn wait(wish: Option<&'static str>) -> Wait {
        let mut headers = HeaderMap::new();
        if let Some(wish) = wish {
            headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static(wish));
        }
        Wait::of(&headers, &SETTINGS)
    }

    #[test]
    fn a_wish_is_heeded_within_limits_and_without_one_the_call_is_held() {
        for (wish, seconds) in
            [("wait=7", 7), ("wait=26", 25), ("wait=99999999999999999999", 25), ("wait=0", 0)]
        {
            let time = Duration::from_secs(seconds);
            let expected = Wait { time, applied: Some(seconds) };
            assert_eq!(wait(Some(wish)), expected);
            assert_eq!(wait(Some(wish)).or_hold(&SETTINGS), expected, "who asks is not held otherwise");
        }
        assert_eq!(wait(None), Wait::default());
        assert_eq!(wait(None).or_hold(&SETTINGS), Wait { time: SETTINGS.hold, applied: None });
        let short = WaitSettings { max: Duration::from_secs(1), ..SETTINGS };
        assert_eq!(wait(None).or_hold(&short).time, short.max);
    }

    #[test]
    fn callers_come_back_at_different_times() {
        let seconds: Vec<u64> = (0..200).filter_map(|_| jittered(SETTINGS.retry_after)).collect();
        assert!(seconds.iter().all(|seconds| (4..=6).contains(seconds)));
        assert!([4, 5, 6].iter().all(|each| seconds.contains(each)));
        assert_eq!(jittered(Duration::ZERO), None);
        assert!(jittered(Duration::from_millis(1)).is_some_and(|seconds| (1..=2).contains(&seconds)));
        assert!(jittered(Duration::from_secs(u64::MAX)).is_some());
    }
}
