//! Extractors that authorize: the only place of this crate that sees who calls.
//!
//! A handler names what it needs, a [`ReadableRequest`] for example, and gets it once the caller, the parameters, and then
//! scope and binding to a cluster were checked, in this order. A handler that forgets it has no organization to answer for,
//! and does not compile: an identity gives none away but for a cluster that it may read.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::{Either, LocalBoxFuture};
use gathering_auth::{
    AuthHeader, AuthHeaderName, Authentication, Authenticator, ClientCertificate, Credentials, Denied,
    Identity, ReadGrant,
};
use gathering_domain::ids::{RequestId, RequestKey};
use gathering_domain::intake::WriteGrant;

use super::body::declared_length;
use super::body_budget::BudgetGuard;
use super::messages::MessageHeaders;
use super::path::{ClusterPath, RequestPath};
use super::request_ids::{ListBudget, read_request_ids};
use crate::audit;
use crate::error::{ApiError, BodyError, Defect};
use crate::failure_log::FailureLog;
use crate::gone;
use crate::limits::Limits;

/// A cluster that the caller may read.
pub(crate) struct ReadableCluster(pub(crate) ReadGrant);

/// A request of a cluster that the caller may read.
pub(crate) struct ReadableRequest(pub(crate) RequestKey);

/// A cluster that the caller may read, and the requests of the body with their part of the budget.
pub(crate) struct ReadableSelection(pub(crate) ReadGrant, pub(crate) Vec<RequestId>, pub(crate) BudgetGuard);

/// The organizations that the caller may write for, and what the headers say of the body.
pub(crate) struct WritableMessages(pub(crate) WriteGrant, pub(crate) MessageHeaders);

/// Something that a caller has to be authorized for.
trait Authorize: Sized + 'static {
    type Parameters;

    /// The valid parameters of the call.
    fn parameters(request: &HttpRequest) -> Result<Self::Parameters, ApiError>;

    fn authorize(caller: &Identity, parameters: Self::Parameters) -> Result<Self, Denied>;

    fn extract(request: &HttpRequest, caller: &Identity) -> Result<Self, ApiError> {
        let parameters = Self::parameters(request)?;
        Ok(Self::authorize(caller, parameters).inspect_err(|denied| tell(request, caller, *denied))?)
    }
}

impl Authorize for ReadableCluster {
    type Parameters = ClusterPath;

    fn parameters(request: &HttpRequest) -> Result<ClusterPath, ApiError> {
        ClusterPath::of(request)
    }

    fn authorize(caller: &Identity, ClusterPath(cluster): ClusterPath) -> Result<Self, Denied> {
        Ok(Self(caller.read(cluster)?))
    }
}

impl Authorize for ReadableRequest {
    type Parameters = RequestPath;

    fn parameters(request: &HttpRequest) -> Result<RequestPath, ApiError> {
        RequestPath::of(request)
    }

    fn authorize(caller: &Identity, path: RequestPath) -> Result<Self, Denied> {
        let RequestPath { cluster, request } = path;
        let organization = caller.read(cluster)?.organization();
        Ok(Self(RequestKey { organization, cluster, request }))
    }
}

impl Authorize for WritableMessages {
    type Parameters = MessageHeaders;

    fn parameters(request: &HttpRequest) -> Result<MessageHeaders, ApiError> {
        MessageHeaders::of(request.headers())
    }

    fn authorize(caller: &Identity, headers: MessageHeaders) -> Result<Self, Denied> {
        Ok(Self(caller.write()?, headers))
    }
}

/// Tells the log of a caller that may not do what it asks.
fn tell(request: &HttpRequest, caller: &Identity, denied: Denied) {
    if let Some(log) = request.app_data::<web::Data<FailureLog>>() {
        log.denied(caller.tenant(), request.method().as_str(), request.path(), denied);
    }
}

/// Ready at once for nearly all calls, and later for those that wait for keys.
type ExtractFuture<T> = Either<Ready<Result<T, ApiError>>, LocalBoxFuture<'static, Result<T, ApiError>>>;

fn extract<T: Authorize>(request: &HttpRequest) -> ExtractFuture<T> {
    match authentication(request) {
        Ok(Authentication::Done(caller)) => {
            let checked = caller.map_err(ApiError::from).and_then(|caller| {
                audit::identified(request, &caller);
                T::extract(request, &caller)
            });
            Either::Left(ready(checked))
        }
        Ok(Authentication::Waiting(keys)) => {
            let request = request.clone();
            Either::Right(Box::pin(async move {
                let caller =
                    authenticator(&request)?.authenticate_after(keys, &CallCredentials(&request)).await?;
                audit::identified(&request, &caller);
                T::extract(&request, &caller)
            }))
        }
        Err(error) => Either::Left(ready(Err(error))),
    }
}

/// The caller, for extractors that are async anyway.
async fn caller(request: &HttpRequest) -> Result<Identity, ApiError> {
    match authentication(request)? {
        Authentication::Done(caller) => Ok(caller?),
        Authentication::Waiting(keys) => {
            Ok(authenticator(request)?.authenticate_after(keys, &CallCredentials(request)).await?)
        }
    }
}

fn authenticator(request: &HttpRequest) -> Result<&Authenticator, ApiError> {
    let data = request.app_data::<web::Data<Authenticator>>();
    data.map(|data| &***data).ok_or(ApiError::Defect(Defect::MissingAppData("authenticator")))
}

fn authentication(request: &HttpRequest) -> Result<Authentication, ApiError> {
    gone::arrived(request);
    Ok(authenticator(request)?.authenticate(&CallCredentials(request)))
}

macro_rules! extract_when_authorized {
    ($($what:ty),+) => { $(
        impl FromRequest for $what {
            type Error = ApiError;
            type Future = ExtractFuture<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                extract(request)
            }
        }
    )+ };
}
extract_when_authorized!(ReadableCluster, ReadableRequest, WritableMessages);

impl FromRequest for ReadableSelection {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), web::Payload::from_request(request, payload));
        Box::pin(async move {
            let caller = caller(&request).await?;
            audit::identified(&request, &caller);
            let ClusterPath(cluster) = ClusterPath::of(&request)?;
            let limits = request.app_data::<web::Data<Limits>>();
            let limits = limits.ok_or(ApiError::Defect(Defect::MissingAppData("limits")))?;
            let budget = request.app_data::<web::Data<ListBudget>>();
            let budget = budget.ok_or(ApiError::Defect(Defect::MissingAppData("budget")))?;
            let payload = payload.await.map_err(|_| ApiError::Body(BodyError::CutOff))?;
            let declared = declared_length(request.headers());
            let (ids, guard) = read_request_ids(payload, declared, limits, budget, caller.tenant()).await?;
            let grant = caller.read(cluster).inspect_err(|denied| tell(&request, &caller, *denied))?;
            Ok(Self(grant, ids, guard))
        })
    }
}

/// A call, as the auth crate sees it.
struct CallCredentials<'a>(&'a HttpRequest);

const IDENTITY: HeaderName = HeaderName::from_static(AuthHeaderName::Identity.name());
const GATEWAY_SECRET: HeaderName = HeaderName::from_static(AuthHeaderName::GatewaySecret.name());

impl Credentials for CallCredentials<'_> {
    fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
        let name = match name {
            AuthHeaderName::Authorization => header::AUTHORIZATION,
            AuthHeaderName::Identity => IDENTITY,
            AuthHeaderName::GatewaySecret => GATEWAY_SECRET,
        };
        AuthHeader::from_values(self.0.headers().get_all(name).map(HeaderValue::as_bytes))
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|address| address.ip())
    }

    fn certificate(&self) -> Option<&ClientCertificate> {
        self.0.conn_data()
    }
}
