//! The list of request IDs in the body of a POST.

use std::time::Duration;

use actix_web::web;
use gathering_domain::RequestId;

use crate::error::{ApiError, BodyProblem};
use crate::server::Limits;

/// How long a body may take to arrive. A slow sender holds a connection and its buffer, nothing else.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the whole body, whatever its `Content-Type` says.
pub(super) async fn read_request_ids(
    payload: web::Payload,
    limits: &Limits,
) -> Result<Vec<RequestId>, ApiError> {
    let limit = limits.max_body;
    let body = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(limit))
        .await
        .map_err(|_| ApiError::BodyTimeout { limit: BODY_TIMEOUT })?
        .map_err(|_| ApiError::BodyTooLarge { limit })?
        .map_err(|_| ApiError::Body(BodyProblem::CutOff))?;
    parse(&body, limits.max_request_ids)
}

fn parse(body: &[u8], limit: usize) -> Result<Vec<RequestId>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::Body(BodyProblem::Missing));
    }
    let texts: Vec<String> = serde_json::from_slice(body).map_err(|error| {
        ApiError::Body(BodyProblem::NotAnArrayOfStrings { line: error.line(), column: error.column() })
    })?;
    if texts.len() > limit {
        return Err(ApiError::Body(BodyProblem::TooManyRequestIds { given: texts.len(), limit }));
    }
    let valid =
        |text: String| text.parse().map_err(|problem| ApiError::parameter("requestID", &text, problem));
    texts.into_iter().map(valid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_of_request_ids_and_nothing_else() {
        let ids =
            |body: &str| parse(body.as_bytes(), 3).map(|ids| ids.len()).map_err(|error| error.to_string());
        assert_eq!(ids("[]"), Ok(0));
        assert_eq!(ids(" [\"a\", \"b\", \"a\"]\n"), Ok(3));
        let invalid = "The request body is not valid: ";
        assert_eq!(ids(""), Err(format!("{invalid}it is empty; a JSON array of request IDs is expected")));
        assert_eq!(ids(" \n"), ids(""));
        for body in ["{}", "null", "\"a\"", "[1]", "[null]", "[\"a\"] x", "[\"a\"", "[[\"a\"]]", "\u{feff}[]"]
        {
            assert!(ids(body).unwrap_err().contains("not a JSON array of strings"), "{body}");
        }
        assert_eq!(
            ids("[\"a\",\"b\",\"c\",\"d\"]"),
            Err(format!("{invalid}it has 4 request IDs and at most 3 are allowed"))
        );
        assert!(ids("[\"a\",\"a-b\"]").unwrap_err().starts_with("Parameter 'requestID' with value 'a-b'"));
        assert!(ids("[\"\"]").unwrap_err().starts_with("Parameter 'requestID' with value ''"));
    }
}
