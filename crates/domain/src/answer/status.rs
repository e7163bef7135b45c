//! The body that says how far a request has come.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::FailureReason;
use crate::ids::{ClusterId, RequestId, RequestKey};
use crate::request::{RequestState, RequestStatus};

/// How far a request has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RequestStatus))]
pub struct StatusBody<'a> {
    /// The cluster, in lower case.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub cluster: ClusterId,
    /// The request.
    #[serde(rename = "requestID")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_id: Cow<'a, RequestId>,
    /// Where it stands.
    pub status: RequestState,
    /// Why it failed; left out unless it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub reason: Option<Cow<'a, FailureReason>>,
}

impl<'a> StatusBody<'a> {
    /// The body for this request.
    pub fn new(key: &'a RequestKey, status: &'a RequestStatus) -> Self {
        Self {
            cluster: key.cluster,
            request_id: Cow::Borrowed(&key.request),
            status: status.state,
            reason: status.failure.as_ref().map(Cow::Borrowed),
        }
    }
}
