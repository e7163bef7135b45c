//! Every error has its status and sentence, and tells no secret.

use actix_web::body::MessageBody;
use actix_web::http::header::{HeaderMap, HeaderValue};
use gathering_auth::Scope;

use super::body::accepts_problem_details;
use super::*;

fn driver() -> Box<dyn std::error::Error + Send + Sync> {
    "password=secret SELECT * FROM requests".into()
}

fn body(response: HttpResponse) -> String {
    String::from_utf8(response.into_body().try_into_bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn every_error_has_its_status_and_tells_no_secret() {
    let limit = Duration::from_secs(5);
    for (error, status, text) in [
        (AuthRejection::Expired.into(), 401, "Unauthorized: the token has expired"),
        (AuthRejection::Untrusted.into(), 401, "Unauthorized: the call does not come from a trusted gateway"),
        (
            AuthRejection::OrganizationLimit { retry_after: limit }.into(),
            429,
            "Too Many Requests: the organization calls too often, please try again later",
        ),
        (
            AuthRejection::KeysUnavailable.into(),
            503,
            "Service Unavailable: the keys of the token's issuer cannot be had at the moment, please try again",
        ),
        (Denied::MissingScope(Scope::Read).into(), 403, "Forbidden: the caller lacks the scope 'read'"),
        (
            ApiError::parameter("requestID", "-b", IdError::Request),
            400,
            "Parameter 'requestID' with value '-b' is not valid: a request ID is 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start",
        ),
        (
            ApiError::Body(BodyError::Empty),
            400,
            "The request body is not valid: it is empty; a JSON array of request IDs is expected",
        ),
        (ApiError::BodyTooLarge { limit: 10 }, 413, "The request body is larger than 10 bytes"),
        (ApiError::BodyTimeout { limit }, 408, "The request body did not arrive within 5 seconds"),
        (
            ApiError::RequestNotFound(WaitHeaders::default()),
            404,
            "Request ID not found for given org_id and cluster_id",
        ),
        (ApiError::ClusterNotFound, 404, "Requests for cluster not found"),
        (ApiError::NoSuchPath, 404, "No endpoint has this path"),
        (
            ApiError::MethodNotAllowed { allow: "GET" },
            405,
            "The endpoint does not know this method; it knows GET",
        ),
        (
            StoreError::PoolExhausted { waited: limit }.into(),
            503,
            "The storage cannot answer at the moment, please try again",
        ),
        (
            StoreError::Timeout { limit }.into(),
            503,
            "The storage cannot answer at the moment, please try again",
        ),
        (
            StoreError::unavailable(driver()).into(),
            503,
            "The storage cannot answer at the moment, please try again",
        ),
        (
            StoreError::QueueFull { queue: StoreQueue::Events, limit: 5 }.into(),
            429,
            "Too much waits to be recorded at the moment, please try again",
        ),
        (
            StoreError::QueueFull { queue: StoreQueue::Lookups, limit: 5 }.into(),
            503,
            "The storage cannot answer at the moment, please try again",
        ),
        (
            ApiError::UnsupportedMedia { what: "no Content-Type", expected: "it has to be x" },
            415,
            "The body has no Content-Type; it has to be x",
        ),
        (StoreError::defect(driver()).into(), 500, "Internal Server Error"),
        (ApiError::Defect(Defect::MissingAppData("x")), 500, "Internal Server Error"),
    ] {
        let response = error.response(false);
        assert_eq!(response.status().as_u16(), status, "{error:?}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), [429, 503].contains(&status));
        assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
        assert_eq!(response.headers().contains_key(header::ALLOW), status == 405);
        assert_eq!(response.headers().get(header::X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        assert_eq!(body(response), serde_json::json!({"status": text}).to_string() + "\n");

        let problem = error.response(true);
        assert_eq!(problem.headers().get(header::CONTENT_TYPE), Some(&PROBLEM_JSON));
        let problem: serde_json::Value = serde_json::from_str(&body(problem)).unwrap();
        assert_eq!((&problem["status"], &problem["detail"]), (&status.into(), &text.into()));
    }
}

#[test]
fn a_wait_is_told_in_whole_seconds() {
    for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (90_000, "90")] {
        let retry_after = Duration::from_millis(millis);
        let response = ApiError::from(AuthRejection::IdentityLimit { retry_after }).response(false);
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), seconds);
    }
}

#[test]
fn long_values_are_not_sent_back_whole() {
    let error = ApiError::parameter("clusterID", &"x".repeat(100_000), IdError::Cluster);
    assert!(error.to_string().len() < 400);
}

#[test]
fn problem_documents_are_for_those_who_name_them() {
    let wants = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        accepts_problem_details(&headers)
    };
    assert!(wants(&["application/problem+json"]));
    assert!(wants(&["application/json, Application/Problem+JSON;q=0.5"]));
    assert!(wants(&["text/html", "application/problem+json"]));
    assert!(!wants(&[]));
    assert!(!wants(&["*/*"]));
    assert!(!wants(&["application/json"]));
    assert!(!wants(&["application/problem+json; q=0"]));
}
