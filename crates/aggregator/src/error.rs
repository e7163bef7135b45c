//! Why the aggregator cannot be asked, or did not answer.

use std::error::Error;

use gathering_support::one_line;

use crate::pauses::Reach;

/// The most characters of what a library says of an answer, which may hold parts of it.
const REASON: usize = 200;

/// Why there can be no filter.
#[derive(Debug, thiserror::Error)]
pub enum AggregatorError {
    /// TLS cannot be set up, as on a system without certificates of authorities.
    #[error(
        "report.filter.aggregator: TLS cannot be set up ({0}); are there certificates of authorities on this system?"
    )]
    Tls(#[from] rustls::Error),
    /// The metrics cannot be made: a defect.
    #[error("the metrics of the filter cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Why a question has no answer. The texts complete the sentence "the aggregator gave".
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuestionError {
    #[error("no answer in time")]
    Timeout,
    #[error("no answer ({})", brief(.0))]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("no whole answer ({})", brief(.0))]
    Interrupted(#[from] hyper::Error),
    #[error("an answer larger than 1 MiB")]
    TooLarge,
    #[error("the status {0}")]
    Status(u16),
    #[error("something else than its lists of rules ({})", brief(.0))]
    NotUnderstood(#[from] serde_json::Error),
    #[error("no chance to ask it: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("a panic, which is a defect of this program or of a library")]
    Panic,
}

impl QuestionError {
    /// Whom it says something about. An answer that came and cannot be used is no sign that the aggregator is away.
    pub(crate) const fn reach(&self) -> Reach {
        match self {
            Self::TooLarge | Self::NotUnderstood(_) | Self::Panic => Reach::Organization,
            Self::Timeout
            | Self::Unreachable(_)
            | Self::Interrupted(_)
            | Self::Status(_)
            | Self::Request(_) => Reach::Aggregator,
        }
    }
}

/// The error and its sources, in one line that is not long.
fn brief(error: &(dyn Error + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    one_line(&text).chars().take(REASON).collect()
}
