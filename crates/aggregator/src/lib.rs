//! The aggregator as the one who knows which rules an organization acknowledged, or disabled for a cluster: asking it within
//! bounds, keeping its answers, and doing without it. What becomes of reports is up to the domain.

mod answer;
mod client;
mod error;
mod filter;
mod kept;
mod key;
mod metrics;
mod pauses;
mod questions;
mod rules;
mod settings;

pub use error::AggregatorError;
pub use filter::AggregatorFilter;
pub use settings::Settings;
