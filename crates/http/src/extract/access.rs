//! What a caller may do with what its path names: the only place of this crate that sees who calls.
//!
//! A handler names what it needs, a [`ReadableRequest`] for example, and gets it once the caller, the parameters, and then
//! scope and binding were checked, in this order. One that forgets it has no organization to answer for, and does not
//! compile: an identity gives none away but for a cluster that it may read.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::{Either, LocalBoxFuture};
use gathering_auth::{
    Authentication, Authenticator, CredentialHeader, Credentials, Denied, Identity, ReadGrant, Sent,
};
use gathering_domain::{RequestId, RequestKey, WriteGrant};

use super::body::declared_length;
use super::messages::MessageHeaders;
use super::path::{ClusterPath, RequestPath};
use super::request_ids::{ListRoom, read_request_ids};
use super::room::Taken;
use crate::error::{ApiError, BodyProblem, Defect};
use crate::limits::Limits;

/// A cluster that the caller may read.
pub(crate) struct ReadableCluster(pub(crate) ReadGrant);

/// A request of a cluster that the caller may read.
pub(crate) struct ReadableRequest(pub(crate) RequestKey);

/// A cluster that the caller may read, and the requests of the body with the room that they take.
pub(crate) struct ReadableSelection(pub(crate) ReadGrant, pub(crate) Vec<RequestId>, pub(crate) Taken);

/// For whom the caller may write, and what its body is.
pub(crate) struct WritableMessages(pub(crate) WriteGrant, pub(crate) MessageHeaders);

/// Something that a caller needs leave for.
trait Guarded: Sized + 'static {
    /// What the call says it is about, once it is well formed.
    type Parameters;

    fn parameters(request: &HttpRequest) -> Result<Self::Parameters, ApiError>;

    fn allowed(caller: &Identity, parameters: Self::Parameters) -> Result<Self, Denied>;

    fn of(request: &HttpRequest, caller: &Identity) -> Result<Self, ApiError> {
        Ok(Self::allowed(caller, Self::parameters(request)?)?)
    }
}

impl Guarded for ReadableCluster {
    type Parameters = ClusterPath;

    fn parameters(request: &HttpRequest) -> Result<ClusterPath, ApiError> {
        ClusterPath::of(request)
    }

    fn allowed(caller: &Identity, ClusterPath(cluster): ClusterPath) -> Result<Self, Denied> {
        Ok(Self(caller.read(cluster)?))
    }
}

impl Guarded for ReadableRequest {
    type Parameters = RequestPath;

    fn parameters(request: &HttpRequest) -> Result<RequestPath, ApiError> {
        RequestPath::of(request)
    }

    fn allowed(caller: &Identity, path: RequestPath) -> Result<Self, Denied> {
        let RequestPath { cluster, request } = path;
        let organization = caller.read(cluster)?.organization();
        Ok(Self(RequestKey { organization, cluster, request }))
    }
}

impl Guarded for WritableMessages {
    type Parameters = MessageHeaders;

    fn parameters(request: &HttpRequest) -> Result<MessageHeaders, ApiError> {
        MessageHeaders::of(request.headers())
    }

    fn allowed(caller: &Identity, headers: MessageHeaders) -> Result<Self, Denied> {
        Ok(Self(caller.write()?, headers))
    }
}

/// At once for nearly all calls, and later for those whose keys are on their way.
type Soon<T> = Either<Ready<Result<T, ApiError>>, LocalBoxFuture<'static, Result<T, ApiError>>>;

fn guarded<T: Guarded>(request: &HttpRequest) -> Soon<T> {
    match authentication(request) {
        Ok(Authentication::Done(caller)) => {
            let checked = caller.map_err(ApiError::from).and_then(|caller| T::of(request, &caller));
            Either::Left(ready(checked))
        }
        Ok(Authentication::Waiting(keys)) => {
            let request = request.clone();
            Either::Right(Box::pin(async move {
                let caller = authenticator(&request)?.authenticate_after(keys, &Sender(&request)).await?;
                T::of(&request, &caller)
            }))
        }
        Err(error) => Either::Left(ready(Err(error))),
    }
}

/// For extractors that are async anyway.
async fn caller(request: &HttpRequest) -> Result<Identity, ApiError> {
    match authentication(request)? {
        Authentication::Done(caller) => Ok(caller?),
        Authentication::Waiting(keys) => {
            Ok(authenticator(request)?.authenticate_after(keys, &Sender(request)).await?)
        }
    }
}

fn authenticator(request: &HttpRequest) -> Result<&Authenticator, ApiError> {
    let data = request.app_data::<web::Data<Authenticator>>();
    data.map(|data| &***data).ok_or(ApiError::Defect(Defect::Route("authenticator")))
}

fn authentication(request: &HttpRequest) -> Result<Authentication, ApiError> {
    Ok(authenticator(request)?.authenticate(&Sender(request)))
}

macro_rules! extracted_when_allowed {
    ($($what:ty),+) => { $(
        impl FromRequest for $what {
            type Error = ApiError;
            type Future = Soon<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                guarded(request)
            }
        }
    )+ };
}
extracted_when_allowed!(ReadableCluster, ReadableRequest, WritableMessages);

impl FromRequest for ReadableSelection {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), web::Payload::from_request(request, payload));
        Box::pin(async move {
            let caller = caller(&request).await?;
            let ClusterPath(cluster) = ClusterPath::of(&request)?;
            let limits = request.app_data::<web::Data<Limits>>();
            let limits = limits.ok_or(ApiError::Defect(Defect::Route("limits")))?;
            let room = request.app_data::<web::Data<ListRoom>>();
            let room = room.ok_or(ApiError::Defect(Defect::Route("room")))?;
            let payload = payload.await.map_err(|_| ApiError::Body(BodyProblem::CutOff))?;
            let declared = declared_length(request.headers());
            let (asked, taken) = read_request_ids(payload, declared, limits, room, caller.tenant()).await?;
            Ok(Self(caller.read(cluster)?, asked, taken))
        })
    }
}

/// A call, as the auth crate looks at it.
struct Sender<'a>(&'a HttpRequest);

const IDENTITY: HeaderName = HeaderName::from_static(CredentialHeader::Identity.name());
const GATEWAY_SECRET: HeaderName = HeaderName::from_static(CredentialHeader::GatewaySecret.name());

impl Credentials for Sender<'_> {
    fn header(&self, header: CredentialHeader) -> Sent<'_> {
        let name = match header {
            CredentialHeader::Authorization => header::AUTHORIZATION,
            CredentialHeader::Identity => IDENTITY,
            CredentialHeader::GatewaySecret => GATEWAY_SECRET,
        };
        Sent::from_values(self.0.headers().get_all(name).map(HeaderValue::as_bytes))
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|address| address.ip())
    }
}
