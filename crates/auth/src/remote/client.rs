//! Fetching a small JSON document, from a server that may be slow, down or hostile.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_cache_semantics::{CacheOptions, CachePolicy};
use ureq::http::{Request, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::proxy::ProxySettings;
use super::{KeyUrl, SourceProblem};
use crate::keys::read;
use crate::{AuthError, KeyProblem};

/// The longest that keys may take to fetch, all documents together, from the lookup of the name to the last byte. Calls may
/// wait for it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document, in bytes. Key sets of large providers have 5 to 20 KiB.
const MAX_BODY: u64 = 256 * 1024;

/// An HTTP client for one fetch. It follows no redirects: where keys come from is for the configuration to say.
pub(crate) struct Client {
    agent: ureq::Agent,
    proxies: ProxySettings,
    deadline: Instant,
}

/// A document, and for how long its server calls it fresh.
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
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(roots)
            .build();
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("gathering/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            // The library reads the environment in a way of its own.
            .proxy(None)
            .build();
        Ok(Self {
            agent: config.into(),
            proxies: ProxySettings::of_process(),
            deadline: Instant::now() + TIMEOUT,
        })
    }

    pub(crate) fn get(&self, url: &KeyUrl) -> Result<Document, SourceProblem> {
        let request = Request::get(url.as_str())
            .header(header::ACCEPT, "application/json, application/jwk-set+json")
            .body(())
            .map_err(|error| SourceProblem::Unreachable(error.into()))?;
        let asked = request.clone();
        let left = self.deadline.saturating_duration_since(Instant::now());
        let mut request = self.agent.configure_request(request).timeout_global(Some(left));
        // No proxy is to speak for this very machine.
        if let Some(authority) = asked.uri().authority().filter(|_| !url.is_local()) {
            request = request.proxy(self.proxies.proxy_for(authority)?);
        }
        let response = self.agent.run(request.build())?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(SourceProblem::Status(status));
        }
        let (now, options) = (SystemTime::now(), CacheOptions { shared: false, ..CacheOptions::default() });
        // At the moment of the answer: adding time to an absurd `Age` would panic.
        let fresh_for = CachePolicy::new_options(&asked, &response, now, options).time_to_live(now);
        let body = response.into_body().into_with_config().limit(MAX_BODY).read_to_vec()?;
        Ok(Document { body, fresh_for })
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>, AuthError> {
    let pem = read(path)?;
    let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
    let certificates: Vec<_> = items
        .unwrap_or_default()
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(AuthError::Key { path: path.to_owned(), problem: KeyProblem::NoCertificate });
    }
    Ok(certificates)
}
