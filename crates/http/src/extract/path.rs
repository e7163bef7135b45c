//! The parameters in paths.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use gathering_domain::{ClusterId, IdError, RequestId};

use crate::error::ApiError;

/// The cluster of a path.
pub(crate) struct ClusterPath(pub(crate) ClusterId);

/// The cluster and the request of a path.
pub(crate) struct RequestPath {
    pub(crate) cluster: ClusterId,
    pub(crate) request: RequestId,
}

fn parameter<T: FromStr<Err = IdError>>(request: &HttpRequest, name: &'static str) -> Result<T, ApiError> {
    let value = request.match_info().get(name).unwrap_or_default();
    value.parse().map_err(|problem| ApiError::parameter(name, value, problem))
}

impl FromRequest for ClusterPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameter(request, "clusterID").map(Self))
    }
}

impl FromRequest for RequestPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let both = || {
            Ok(Self { cluster: parameter(request, "clusterID")?, request: parameter(request, "requestID")? })
        };
        ready(both())
    }
}
