//! The two forms of an answer with an error. Names and comments of the types are those of the OpenAPI document.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Body;

/// Why there is no answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct ErrorBody {
    /// One sentence.
    pub(crate) status: String,
}

/// Why there is no answer, as RFC 9457 words it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDetails {
    /// Always `about:blank`: the status says what kind of problem it is.
    pub(crate) r#type: &'static str,
    /// The name of the status.
    pub(crate) title: &'static str,
    /// The status.
    pub(crate) status: u16,
    /// One sentence.
    pub(crate) detail: String,
}

impl Body for ErrorBody {}
impl Body for ProblemDetails {}

pub(crate) const PROBLEM_JSON: HeaderValue =
    HeaderValue::from_static("application/problem+json; charset=utf-8");

/// Whether the caller asks for problem details by name. Today's clients do not, and read `status`.
pub(crate) fn accepts_problem_details(headers: &HeaderMap) -> bool {
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
