//! The section on rules that reports leave out, each key with its type and range. `config/default.toml` says what they mean.

use std::time::Duration;

use gathering_support::BaseUrl;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::{DeserializeAs, DisplayFromStr, serde_as};

use super::value::{PositiveTime, Time};

/// `[report.filter]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFilter {
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub aggregator: Option<BaseUrl>,
    #[serde_as(as = "FilterTimeout")]
    pub timeout: Duration,
    #[serde_as(as = "Time")]
    pub fresh_for: Duration,
    #[serde_as(as = "Time")]
    pub stale_for: Duration,
}

/// A report waits for it, and proxies in front give up after 30 seconds.
struct FilterTimeout;

impl<'de> DeserializeAs<'de, Duration> for FilterTimeout {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let timeout = PositiveTime::deserialize_as(deserializer)?;
        if timeout > Duration::from_secs(30) {
            Err(D::Error::custom("it has to be at most 30s"))
        } else {
            Ok(timeout)
        }
    }
}
