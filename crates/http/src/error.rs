//! Every error that a caller can meet, and the only place that maps one to a status, headers and a body.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use gathering_auth::{Denied, Refused, Remedy};
use gathering_domain::{IdError, StoreError, StoreQueue};

use crate::wire::{self, Failure, Problem};

/// Why a call is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("Unauthorized: {0}")]
    Unauthorized(Refused),
    #[error("Too Many Requests: {refused}")]
    TooManyCalls { refused: Refused, retry_after: Duration },
    #[error("Service Unavailable: {0}")]
    CallerUnknown(Refused),
    #[error("Forbidden: {0}")]
    Forbidden(#[from] Denied),
    #[error("Parameter '{name}' with value '{value}' is not valid: {problem}")]
    Parameter { name: &'static str, value: String, problem: IdError },
    #[error("The request body is not valid: {0}")]
    Body(BodyProblem),
    #[error("The request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("The request body did not arrive within {} seconds", limit.as_secs())]
    BodyTimeout { limit: Duration },
    #[error("The request body came too slowly: {least} bytes within {} seconds are the least", window.as_secs())]
    BodyTooSlow { least: usize, window: Duration },
    #[error("Too many request bodies arrive at the moment, please try again")]
    TooManyBodies,
    #[error("Request ID not found for given org_id and cluster_id")]
    RequestNotFound,
    #[error("Requests for cluster not found")]
    ClusterNotFound,
    #[error("No endpoint has this path")]
    NoSuchPath,
    #[error("The endpoint does not know this method; it knows {allow}")]
    MethodNotAllowed { allow: &'static str },
    #[error("The body has {what}; {expected}")]
    UnsupportedMedia { what: &'static str, expected: &'static str },
    #[error("Too much waits to be recorded at the moment, please try again")]
    Busy,
    #[error("The storage cannot answer at the moment, please try again")]
    StorageAway(StoreError),
    #[error("Internal Server Error")]
    Defect(Defect),
    /// What a library in front of the handlers refused, such as a call from an origin that is not allowed.
    #[error("{text}")]
    Refused { status: StatusCode, text: String },
}

/// What is wrong with the body of a POST.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyProblem {
    #[error("it is empty; a JSON array of request IDs is expected")]
    Missing,
    #[error("it is not a JSON array of strings (line {line}, column {column})")]
    NotAnArrayOfStrings { line: usize, column: usize },
    #[error("it has {given} request IDs and at most {limit} are allowed")]
    TooManyRequestIds { given: usize, limit: usize },
    #[error("it could not be read to its end")]
    CutOff,
    #[error("its Content-Encoding is gzip and it is not")]
    NotGzip,
}

/// A defect of ours. Callers get a fixed text, the log everything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Defect {
    #[error(transparent)]
    Store(StoreError),
    #[error("the route is not set up: {0} is missing")]
    Route(&'static str),
}

/// The longest part of a caller's value that is shown to it, in characters.
const MAX_SHOWN: usize = 200;

/// What a caller that gets 429 or 503 is asked to wait, in seconds.
const RETRY_AFTER: &str = "1";

impl ApiError {
    pub(crate) fn parameter(name: &'static str, value: &str, problem: IdError) -> Self {
        Self::Parameter { name, value: value.chars().take(MAX_SHOWN).collect(), problem }
    }

    /// The cause that callers are not told, for the log.
    pub(crate) const fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::StorageAway(error) => Some(error),
            Self::Defect(defect) => Some(defect),
            _ => None,
        }
    }

    /// The answer, as a problem document (RFC 9457) or in the way of today's clients.
    pub(crate) fn answer(&self, as_problem: bool) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponseBuilder::new(status);
        match self {
            Self::Unauthorized(refused) => {
                response.insert_header((header::WWW_AUTHENTICATE, refused.challenge()));
            }
            Self::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, *allow));
            }
            Self::TooManyCalls { retry_after, .. } => {
                response.insert_header((header::RETRY_AFTER, whole_seconds(*retry_after)));
            }
            Self::StorageAway(_) | Self::CallerUnknown(_) | Self::Busy | Self::TooManyBodies => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            _ => {}
        }
        if !as_problem {
            return wire::json(response, &Failure { status: self.to_string() });
        }
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let mut response = wire::json(response, &problem);
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
        response
    }
}

/// A wait in seconds, rounded up: who comes back too early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused.remedy() {
            Remedy::Authenticate => Self::Unauthorized(refused),
            Remedy::CallLess(retry_after) => Self::TooManyCalls { refused, retry_after },
            Remedy::TryAgain => Self::CallerUnknown(refused),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::PoolExhausted { .. }
            | StoreError::Timeout { .. }
            | StoreError::Unavailable { .. }
            | StoreError::QueueFull { queue: StoreQueue::Lookups, .. } => Self::StorageAway(error),
            StoreError::QueueFull { queue: StoreQueue::Events, .. } => Self::Busy,
            StoreError::Defect { .. } => Self::Defect(Defect::Store(error)),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Parameter { .. } | Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout { .. } | Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::RequestNotFound | Self::ClusterNotFound | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyCalls { .. } | Self::Busy | Self::TooManyBodies => StatusCode::TOO_MANY_REQUESTS,
            Self::StorageAway(_) | Self::CallerUnknown(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Defect(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Refused { status, .. } => *status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(false)
    }
}

pub(crate) const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Whether the caller asks for problem documents by name. Today's clients do not, and read `status`.
pub(crate) fn wants_problem(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/problem+json"))
                && !parts.any(|parameter| ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&parameter))
        })
}

#[cfg(test)]
mod tests;
