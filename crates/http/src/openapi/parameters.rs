//! The parameters of paths, headers and bodies, as the document describes them.

use utoipa::{IntoParams, ToSchema};

/// `clusterID`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "a part of the document; extractors read the path")]
pub(crate) struct ClusterParameter {
    /// The cluster: a UUID with hyphens, in any letter case.
    #[param(rename = "clusterID", format = "uuid", example = "5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    cluster: String,
}

/// `requestID`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "a part of the document; extractors read the path")]
pub(crate) struct RequestParameter {
    /// The request: the ID that the upload was answered with.
    #[param(
        rename = "requestID",
        pattern = "^[a-zA-Z0-9][a-zA-Z0-9-]*$",
        min_length = 1,
        max_length = 128,
        example = "6d2eede257644308a8949c4ec251c5c4"
    )]
    request: String,
}

/// The ID that an upload was answered with.
#[derive(ToSchema)]
#[schema(
    as = RequestID,
    pattern = "^[a-zA-Z0-9][a-zA-Z0-9-]*$",
    min_length = 1,
    max_length = 128,
    example = "6d2eede257644308a8949c4ec251c5c4"
)]
#[expect(dead_code, reason = "a part of the document; extractors read the body")]
pub(crate) struct RequestIdInBody(String);

/// `If-None-Match`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a part of the document; handlers read the header")]
pub(crate) struct IfNoneMatchParameter {
    /// The `ETag` of an answer that the client has already. If it is still the same, it is not sent again: 304.
    #[param(rename = "If-None-Match", nullable = false)]
    if_none_match: Option<String>,
}

/// `Prefer`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a part of the document; handlers read the header")]
pub(crate) struct PreferParameter {
    /// `wait=N` (RFC 7240): the answer may wait up to N seconds for the result. `Preference-Applied` says what was heeded.
    #[param(rename = "Prefer", nullable = false)]
    prefer: Option<String>,
}

/// The header with the call's ID.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a part of the document; the answer's headers are made elsewhere")]
pub(crate) struct CallIdParameter {
    /// The ID that the call is to have in its answer and in log lines: 1 to 128 ASCII letters, digits, `-` or `_`. Without it, or with
    /// another text, it gets a new one.
    #[param(rename = "x-rh-insights-request-id", nullable = false)]
    call_id: Option<String>,
}
