//! Calls over real HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Longer than anything may take; a call that hangs fails its test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A call that is being put together.
#[derive(Debug, Clone)]
pub struct Call {
    address: SocketAddr,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    trust: Option<Trust>,
}

/// With what a call goes over TLS.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The authority of the server's certificate, in PEM.
    pub authority: String,
    /// The caller's own certificate and key, in PEM.
    pub own: Option<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Call {
    /// A call of `target`, a path that may have a query, with any method.
    ///
    /// # Panics
    /// If the method is none.
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        let method = method.parse().expect("a method");
        Self { address, method, target: target.to_owned(), headers: Vec::new(), body: None, trust: None }
    }

    /// Changes the method.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.parse().expect("a method");
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it over TLS, to the name `localhost`.
    #[must_use]
    pub fn tls(mut self, trust: &Trust) -> Self {
        self.trust = Some(trust.clone());
        self
    }

    /// Sends it and waits for the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.target);
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it on a connection of its own and waits for the answer.
    ///
    /// # Errors
    /// When there is none.
    ///
    /// # Panics
    /// If a header or the target is not such that it can be sent.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let (scheme, host, tls) = match &self.trust {
            None => ("http", self.address.to_string(), TlsConfig::default()),
            Some(trust) => ("https", format!("localhost:{}", self.address.port()), trust.config()),
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut request =
            Request::builder().method(self.method).uri(format!("{scheme}://{host}{}", self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match self.body {
            Some(body) => agent.run(request.body(body).expect("a request that can be sent")),
            None => agent.run(request.body(()).expect("a request that can be sent")),
        };
        let mut response = response?;
        let body = response.body_mut().with_config().limit(1 << 30).read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

impl Trust {
    fn config(&self) -> TlsConfig {
        let certificate = |pem: &str| Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let own = self.own.as_ref().map(|(own, key)| {
            let key = PrivateKey::from_pem(key.as_bytes()).expect("a key");
            ClientCert::new_with_certs(&[certificate(own)], key)
        });
        TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[certificate(&self.authority)]))
            .client_cert(own)
            .build()
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        self.read()
    }

    /// The body as what it says, such as a body of `gathering_domain::answer`.
    ///
    /// # Panics
    /// If it says something else.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The header's value; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The sentence of an error.
    ///
    /// # Panics
    /// If the body is not `{"status": "…"}`, with the `parts` of a service beside it or without.
    pub fn sentence(&self) -> String {
        let json = self.json();
        let keys = json.as_object().into_iter().flat_map(serde_json::Map::keys);
        assert!(keys.into_iter().all(|key| key == "status" || key == "parts"), "{json}");
        json["status"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
    }
}
