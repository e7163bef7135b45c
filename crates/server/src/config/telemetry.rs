//! The section on traces, each key with its type and range. `config/default.toml` says what they mean.

use gathering_support::BaseUrl;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::{DeserializeAs, DisplayFromStr, serde_as};

/// `[telemetry]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub otlp_endpoint: Option<BaseUrl>,
    #[serde_as(as = "Share")]
    pub sample: f64,
}

/// From 0 to 1.
struct Share;

impl<'de> DeserializeAs<'de, f64> for Share {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&share) {
            Ok(share)
        } else {
            Err(D::Error::custom("it has to be a share from 0 to 1, such as 0.01"))
        }
    }
}
