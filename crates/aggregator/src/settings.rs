//! What the filter needs to know.

use std::time::Duration;

use gathering_support::BaseUrl;

/// Where the aggregator is, and how its answers are used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where its REST API is.
    pub url: BaseUrl,
    /// How long a report waits for it at most.
    pub timeout: Duration,
    /// For how long nobody asks again.
    pub fresh_for: Duration,
    /// For how long, from when it was given, an answer serves while there is no newer one.
    pub stale_for: Duration,
}
