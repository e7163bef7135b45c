//! The parameters in paths.

use std::str::FromStr;

use actix_web::HttpRequest;
use gathering_domain::ids::{ClusterId, IdError, RequestId};

use crate::error::ApiError;

pub(super) struct ClusterPath(pub(super) ClusterId);

pub(super) struct RequestPath {
    pub(super) cluster: ClusterId,
    pub(super) request: RequestId,
}

fn parameter<T: FromStr<Err = IdError>>(request: &HttpRequest, name: &'static str) -> Result<T, ApiError> {
    let value = request.match_info().get(name).unwrap_or_default();
    value.parse().map_err(|reason| ApiError::parameter(name, value, reason))
}

impl ClusterPath {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        parameter(request, "clusterID").map(Self)
    }
}

impl RequestPath {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        Ok(Self { cluster: parameter(request, "clusterID")?, request: parameter(request, "requestID")? })
    }
}
