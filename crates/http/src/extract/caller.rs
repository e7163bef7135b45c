//! Who calls.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use gathering_auth::{Authenticator, Identity};
use gathering_domain::{ClusterId, OrganizationId, WriteGrant};

use crate::error::{ApiError, Defect};

/// An authenticated caller.
pub(crate) struct Caller(Identity);

impl Caller {
    /// The organization whose records this caller may read of this cluster.
    pub(crate) fn reads(&self, cluster: ClusterId) -> Result<OrganizationId, ApiError> {
        self.0.may_read(cluster)?;
        Ok(self.0.organization())
    }

    /// For whom this caller may write.
    pub(crate) fn writes(&self) -> Result<WriteGrant, ApiError> {
        Ok(self.0.may_write()?)
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(authenticator) = request.app_data::<web::Data<Authenticator>>() else {
            return ready(Err(ApiError::Defect(Defect::Route("authenticator"))));
        };
        let headers = request.headers().get_all(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        ready(authenticator.authenticate(headers).map(Self).map_err(ApiError::Unauthorized))
    }
}
