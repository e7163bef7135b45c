//! Every error that a caller can meet, and the only place that maps one to a status, headers and a body.

pub(crate) mod body;

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use gathering_auth::{AuthRejection, Denied, Remedy};
use gathering_domain::ids::IdError;
use gathering_domain::store::{StoreError, StoreQueue};

use self::body::{ErrorBody, PROBLEM_JSON, ProblemDetails};
use crate::wait::WaitHeaders;
use crate::wire;

/// Why a call is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("Unauthorized: {0}")]
    Unauthorized(AuthRejection),
    #[error("Too Many Requests: {rejection}")]
    TooManyCalls { rejection: AuthRejection, retry_after: Duration },
    #[error("Service Unavailable: {0}")]
    AuthUnavailable(AuthRejection),
    #[error("Forbidden: {0}")]
    Forbidden(#[from] Denied),
    #[error("Parameter '{name}' with value '{value}' is not valid: {reason}")]
    Parameter { name: &'static str, value: String, reason: IdError },
    #[error("The request body is not valid: {0}")]
    Body(BodyError),
    #[error("The request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("The request body did not arrive within {} seconds", limit.as_secs())]
    BodyTimeout { limit: Duration },
    #[error("The request body came too slowly: {least} bytes within {} seconds are the least", window.as_secs())]
    BodyTooSlow { least: usize, window: Duration },
    #[error("Too many request bodies arrive at the moment, please try again")]
    TooManyBodies,
    #[error("Request ID not found for given org_id and cluster_id")]
    RequestNotFound(WaitHeaders),
    #[error("Requests for cluster not found")]
    ClusterNotFound,
    #[error("No endpoint has this path")]
    NoSuchPath,
    #[error("The endpoint does not know this method; it knows {allow}")]
    MethodNotAllowed { allow: &'static str },
    #[error("The body has {what}; {expected}")]
    UnsupportedMedia { what: &'static str, expected: &'static str },
    #[error("Too much waits to be recorded at the moment, please try again")]
    IngestBusy,
    #[error("The storage cannot answer at the moment, please try again")]
    StorageUnavailable(StoreError),
    #[error("Internal Server Error")]
    Defect(Defect),
    /// An error of a middleware or extractor of a library, such as a call from an origin that is not allowed.
    #[error("{text}")]
    Library { status: StatusCode, text: String },
}

/// What is wrong with the body of a POST.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("it is empty; a JSON array of request IDs is expected")]
    Empty,
    #[error("it is not a JSON array of strings (line {line}, column {column})")]
    NotAnArrayOfStrings { line: usize, column: usize },
    #[error("it has {given} request IDs and at most {limit} are allowed")]
    TooManyRequestIds { given: usize, limit: usize },
    #[error("it could not be read to its end")]
    CutOff,
    #[error("its Content-Encoding is gzip and it is not")]
    NotGzip,
}

/// A defect of the service. Callers get a fixed text; the log gets the error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Defect {
    #[error(transparent)]
    Store(StoreError),
    #[error("the route is not set up: {0} is missing")]
    MissingAppData(&'static str),
}

/// The longest part of a caller's value that an error repeats, in characters.
const MAX_REPEATED: usize = 200;

/// How long a caller that gets 429 or 503 is asked to wait, in seconds, unless a rate limit knows better.
const RETRY_AFTER: &str = "1";

impl ApiError {
    pub(crate) fn parameter(name: &'static str, value: &str, reason: IdError) -> Self {
        Self::Parameter { name, value: value.chars().take(MAX_REPEATED).collect(), reason }
    }

    /// The cause that callers are not told, for the log.
    pub(crate) const fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::StorageUnavailable(error) => Some(error),
            Self::Defect(defect) => Some(defect),
            _ => None,
        }
    }

    /// The answer, with problem details (RFC 9457) or as today's clients expect it.
    pub(crate) fn response(&self, as_problem_details: bool) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponseBuilder::new(status);
        // The sentence may quote what the caller sent.
        response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        match self {
            Self::Unauthorized(rejection) => {
                response.insert_header((header::WWW_AUTHENTICATE, rejection.challenge()));
            }
            Self::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, *allow));
            }
            Self::TooManyCalls { retry_after, .. } => {
                response.insert_header((header::RETRY_AFTER, whole_seconds(*retry_after)));
            }
            Self::StorageUnavailable(_)
            | Self::AuthUnavailable(_)
            | Self::IngestBusy
            | Self::TooManyBodies => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            _ => {}
        }
        let mut response = if as_problem_details {
            let details = ProblemDetails {
                r#type: "about:blank",
                title: status.canonical_reason().unwrap_or_default(),
                status: status.as_u16(),
                detail: self.to_string(),
            };
            let mut response = wire::json(response, &details);
            response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
            response
        } else {
            wire::json(response, &ErrorBody { status: self.to_string() })
        };
        if let Self::RequestNotFound(headers) = self {
            headers.add_to(response.headers_mut());
        }
        response
    }
}

/// A wait in seconds, rounded up: a caller that comes back too early is rejection again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

impl From<AuthRejection> for ApiError {
    fn from(rejection: AuthRejection) -> Self {
        match rejection.remedy() {
            Remedy::Authenticate => Self::Unauthorized(rejection),
            Remedy::CallLess(retry_after) => Self::TooManyCalls { rejection, retry_after },
            Remedy::TryAgain => Self::AuthUnavailable(rejection),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::PoolExhausted { .. }
            | StoreError::Timeout { .. }
            | StoreError::Unavailable { .. }
            | StoreError::QueueFull { queue: StoreQueue::Lookups, .. } => Self::StorageUnavailable(error),
            StoreError::QueueFull { queue: StoreQueue::Events, .. } => Self::IngestBusy,
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
            Self::RequestNotFound(_) | Self::ClusterNotFound | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyCalls { .. } | Self::IngestBusy | Self::TooManyBodies => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::StorageUnavailable(_) | Self::AuthUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Defect(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Library { status, .. } => *status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.response(false)
    }
}

#[cfg(test)]
mod tests;
