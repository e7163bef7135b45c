//! What clients of HTTP have in common, whomever they ask.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// How this program calls itself.
pub const USER_AGENT: &str = concat!("gathering/", env!("CARGO_PKG_VERSION"));

/// What keys and signatures of TLS are computed with, by clients and listeners.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Settings of a blocking client that trusts these authorities and follows no redirects, so that the configuration alone says who
/// is asked. Every status is an answer. Limits of time and size, and proxies, are for each client to set.
pub fn client(roots: RootCerts) -> ConfigBuilder<AgentScope> {
    let tls =
        TlsConfig::builder().unversioned_rustls_crypto_provider(crypto_provider()).root_certs(roots).build();
    Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .tls_config(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_an_answer_and_not_followed() {
        let config = client(RootCerts::PlatformVerifier).build();
        assert_eq!(config.max_redirects(), 0);
        assert!(!config.http_status_as_error() && !config.tls_config().disable_verification());
    }
}
