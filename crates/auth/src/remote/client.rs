//! Fetching a small JSON document from a server that may be slow, down or hostile.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use gathering_support::{ProxySettings, ServiceUrl, http_client, pem};
use http_cache_semantics::{CacheOptions, CachePolicy};
use ureq::http::{HeaderMap, Request};
use ureq::tls::{Certificate, RootCerts};

use super::error::FetchError;
use crate::error::AuthError;
use crate::keys::error::KeyError;
use crate::keys::pem::read;

/// The largest document, in bytes. Key sets of large providers have 5 to 20 KiB, pages of permissions less.
const MAX_BODY: u64 = 256 * 1024;

/// An HTTP client. It follows no redirects: the configuration alone says where keys and permissions come from.
pub(crate) struct Client {
    agent: ureq::Agent,
    proxies: ProxySettings,
}

/// A document, and how long its server says that it is fresh.
pub(crate) struct Document {
    pub(crate) body: Vec<u8>,
    pub(crate) fresh_for: Duration,
}

impl Client {
    /// A client that trusts the authorities of this PEM file, or those of the system.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self, AuthError> {
        let roots = match ca_file {
            None => RootCerts::PlatformVerifier,
            Some(path) => RootCerts::new_with_certs(&authorities(path)?),
        };
        // The library reads proxies from the environment in another way than `ProxySettings`.
        let config = http_client::client(roots).proxy(None).build();
        Ok(Self { agent: config.into(), proxies: ProxySettings::from_environment() })
    }

    /// Fetches a document until `deadline`, which covers everything from the lookup of the name to the last byte.
    pub(crate) fn get(
        &self,
        url: &ServiceUrl,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<Document, FetchError> {
        let mut request =
            Request::get(url.as_str()).body(()).map_err(|error| FetchError::Unreachable(error.into()))?;
        *request.headers_mut() = headers;
        let asked = request.clone();
        let left = deadline.saturating_duration_since(Instant::now());
        let mut request = self.agent.configure_request(request).timeout_global(Some(left));
        // This very machine is never asked through a proxy.
        if let Some(authority) = asked.uri().authority().filter(|_| !url.is_local()) {
            request = request.proxy(self.proxies.proxy_for(authority)?);
        }
        let response = self.agent.run(request.build())?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status(status));
        }
        let (now, options) = (SystemTime::now(), CacheOptions { shared: false, ..CacheOptions::default() });
        // As of now, since adding time to an absurd `Age` would panic.
        let fresh_for = CachePolicy::new_options(&asked, &response, now, options).time_to_live(now);
        let body = response.into_body().into_with_config().limit(MAX_BODY).read_to_vec()?;
        Ok(Document { body, fresh_for })
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>, AuthError> {
    let certificates = pem::certificates(&read(path)?)
        .ok_or_else(|| AuthError::Key { path: path.to_owned(), error: KeyError::NoCertificate })?;
    Ok(certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}
