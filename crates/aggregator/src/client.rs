//! Asking the aggregator, which may be slow, wrong or hostile.

use std::pin::pin;
use std::time::Duration;

use gathering_domain::rule::RuleHit;
use gathering_support::BaseUrl;
use gathering_support::http_client::{USER_AGENT as OWN_NAME, crypto_provider};
use gathering_support::trace::TRACEPARENT;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task::spawn_blocking;

use crate::answer::{for_cluster, system_wide};
use crate::error::{AggregatorError, QuestionError};
use crate::key::ClusterKey;
use crate::rules::DisabledRules;

/// The largest answer of one call, in bytes. An entry has some 250.
const MAX_ANSWER: usize = 1024 * 1024;

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Answers up to this size, in bytes, are read in place. That takes less than a millisecond; more would keep the runtime's
/// thread from others.
const INLINE: usize = 64 * 1024;

/// Connections that nobody uses stay so long, and so many of them.
const IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE: usize = 8;

type HttpClient = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Asks without credentials, follows no redirect, and knows no proxy: the configuration alone says who is asked. It has no
/// limit of time.
#[derive(Debug)]
pub(crate) struct Client {
    http: HttpClient,
    url: BaseUrl,
}

impl Client {
    pub(crate) fn new(url: BaseUrl) -> Result<Self, AggregatorError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(&url)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_max_buf_size(MAX_HEAD)
            .build(connector);
        Ok(Self { http, url })
    }

    pub(crate) const fn url(&self) -> &BaseUrl {
        &self.url
    }

    /// The rules that are acknowledged by the organization or disabled for the cluster: two calls at once, as a part of the span
    /// that this `traceparent` names.
    pub(crate) async fn disabled_rules(
        &self,
        key: ClusterKey,
        traceparent: Option<&str>,
    ) -> Result<DisabledRules, QuestionError> {
        let (mut hits, more) =
            tokio::try_join!(self.system_wide(key, traceparent), self.for_cluster(key, traceparent))?;
        hits.extend(more);
        Ok(hits.into())
    }

    async fn system_wide(
        &self,
        key: ClusterKey,
        traceparent: Option<&str>,
    ) -> Result<Vec<RuleHit>, QuestionError> {
        let uri = format!("{}rules/organizations/{}/disabled_system_wide", self.url, key.organization);
        let request = Request::get(uri).body(Full::default())?;
        let answer = self.send(request, traceparent).await?;
        read(answer, move |body| system_wide(body, key)).await
    }

    /// 404 is how it says that there are none.
    async fn for_cluster(
        &self,
        key: ClusterKey,
        traceparent: Option<&str>,
    ) -> Result<Vec<RuleHit>, QuestionError> {
        let uri = format!("{}rules/organizations/{}/disabled_for_clusters", self.url, key.organization);
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, "application/json")
            .body(format!("[\"{}\"]", key.cluster).into())?;
        let answer = self.send(request, traceparent).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        read(answer, move |body| for_cluster(body, key)).await
    }

    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        traceparent: Option<&str>,
    ) -> Result<Response<impl Body<Data = Bytes, Error = hyper::Error> + use<>>, QuestionError> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(OWN_NAME));
        if let Some(value) = traceparent {
            headers.insert(TRACEPARENT, HeaderValue::from_str(value).map_err(hyper::http::Error::from)?);
        }
        Ok(self.http.request(request).await?)
    }
}

/// Reads an answer whose status is 200.
async fn read(
    answer: Response<impl Body<Data = Bytes, Error = hyper::Error>>,
    parse: impl FnOnce(&[u8]) -> serde_json::Result<Vec<RuleHit>> + Send + 'static,
) -> Result<Vec<RuleHit>, QuestionError> {
    if answer.status() != StatusCode::OK {
        return Err(QuestionError::Status(answer.status().as_u16()));
    }
    let body = whole(answer.into_body()).await?;
    if body.len() <= INLINE {
        return Ok(parse(&body)?);
    }
    let parsed = spawn_blocking(move || parse(&body)).await;
    Ok(parsed.map_err(|_| QuestionError::Panic)??)
}

/// The bytes of a body. They are put together as they come, since each piece of it takes up far more than one byte.
async fn whole(body: impl Body<Data = Bytes, Error = hyper::Error>) -> Result<Vec<u8>, QuestionError> {
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            if bytes.len() + piece.len() > MAX_ANSWER {
                return Err(QuestionError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
    }
    Ok(bytes)
}

/// Trusts the authorities of the system. They are looked for only where they are needed, since a system may have none.
fn tls_config(url: &BaseUrl) -> Result<ClientConfig, rustls::Error> {
    let config =
        ClientConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions()?;
    let config = if url.is_encrypted() {
        config.with_platform_verifier()?
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}
