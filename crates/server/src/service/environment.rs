//! What a service takes from its surroundings, and tests replace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::time::{Clock, SystemClock};
use gathering_ingest::RecordCounters;

use crate::ServerError;

/// How often a service looks for new rule content. It has to follow within a second. A look asks for one number; docs/CAPACITY.md
/// says what that costs.
const CONTENT_REFRESH: Duration = Duration::from_millis(500);

/// How often it looks at files that may change. A change is taken at the second look that finds it.
const FILE_REFRESH: Duration = Duration::from_secs(5);

/// How often it looks how its parts are, beside the probes.
const HEALTH_LOOK: Duration = Duration::from_secs(5);

/// How often it looks whether keys that come from a URL are due.
const KEY_TICK: Duration = Duration::from_secs(1);

/// The clock, the intervals of what runs beside the listeners, and the counters of a service.
#[derive(Clone)]
pub struct Environment {
    pub clock: Arc<dyn Clock>,
    /// How often to look for new rule content.
    pub content_refresh: Duration,
    /// How often to look at files that may change: keys, secrets, certificates, the allow list.
    pub file_refresh: Duration,
    /// How often to look whether keys that come from a URL are due.
    pub key_tick: Duration,
    /// How often to look at the parts of the service beside the probes.
    pub health_look: Duration,
    /// What this process read so far.
    pub records: RecordCounters,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("content_refresh", &self.content_refresh).finish_non_exhaustive()
    }
}

impl Environment {
    /// The machine's clock and the usual intervals.
    pub fn system() -> Result<Self, ServerError> {
        let records = RecordCounters::new().map_err(ServerError::system("the metrics cannot be set up"))?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            content_refresh: CONTENT_REFRESH,
            file_refresh: FILE_REFRESH,
            key_tick: KEY_TICK,
            health_look: HEALTH_LOOK,
            records,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rule_content_is_found_within_a_second_with_time_left_to_load_it() {
        assert!(Environment::system().unwrap().content_refresh <= Duration::from_millis(500));
    }
}
