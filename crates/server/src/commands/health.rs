//! `gathering health`

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gathering_http::{Tls, TlsSettings};
use gathering_support::{http_client, one_line, pem};
use serde::Deserialize;
use ureq::tls::{Certificate, ClientCert, PrivateKey, TlsConfig};

use super::console::print;
use crate::ServerError;
use crate::cli::Health;
use crate::config::Config;

/// Longer than a probe may take, on a machine that has much to do.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What `/readyz` says. Another path may say less, or something else.
#[derive(Deserialize)]
struct Report {
    status: String,
    #[serde(default)]
    parts: BTreeMap<String, Part>,
}

#[derive(Deserialize)]
struct Part {
    ready: bool,
    #[serde(default)]
    reason: String,
}

pub(super) fn run(config: &Config, arguments: &Health) -> Result<(), ServerError> {
    let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    if arguments.url.as_ref().is_some_and(|url| !is_url(url)) {
        return Err(ServerError::Usage(
            "the URL has to begin with http:// or https://, such as http://127.0.0.1:9464",
        ));
    }
    let scheme = if config.admin.tls.settings().is_some() { "https" } else { "http" };
    let url = probe(arguments.url.as_deref(), scheme, config.admin.bind);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(tls(arguments)?)
        .timeout_global(Some(TIMEOUT))
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    let not_ready = |problem: String| ServerError::NotReady { url: url.clone(), problem };
    let mut response = agent.get(&url).call().map_err(|error| not_ready(error.to_string()))?;
    let body = response.body_mut().with_config().limit(LONGEST).read_to_string().unwrap_or_default();
    let (sentence, parts) = told(&body);
    let but_for = if parts.is_empty() { String::new() } else { format!("; not ready: {parts}") };
    if !response.status().is_success() {
        return Err(not_ready(format!("{} {sentence}{but_for}", response.status())));
    }
    if parts.is_empty() { Ok(()) } else { print(format!("{sentence}{but_for}\n")) }
}

/// The sentence of an answer, and each part that is not ready with its reason.
fn told(body: &str) -> (String, String) {
    let Ok(report) = serde_json::from_str::<Report>(body) else {
        return (one_line(body.trim()), String::new());
    };
    let failing = report.parts.iter().filter(|(_, part)| !part.ready);
    let parts: Vec<_> =
        failing.map(|(name, part)| format!("{} ({})", one_line(name), one_line(&part.reason))).collect();
    (one_line(&report.status), parts.join(", "))
}

/// Whose certificate answers does not matter: nothing is told, and nothing but a status is heard.
fn tls(arguments: &Health) -> Result<TlsConfig, ServerError> {
    let mut own = None;
    if let (Some(cert), Some(key)) = (&arguments.cert, &arguments.key) {
        // Says in a sentence what is wrong with them, where the client would panic.
        let (cert_file, key_file) = (cert.clone(), key.clone());
        let settings = TlsSettings {
            cert: cert_file,
            key: key_file,
            client_ca: None,
            admits_without_certificate: false,
        };
        Tls::load(&settings)
            .map_err(|source| ServerError::Tls { section: "--cert and --key", source: source.into() })?;
        let failed = ServerError::system("the certificate cannot be shown");
        let read = || -> Result<ClientCert, Box<dyn std::error::Error + Send + Sync>> {
            let chain = pem::certificates(&std::fs::read(cert)?).unwrap_or_default();
            let chain: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            Ok(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(&std::fs::read(key)?)?))
        };
        own = Some(read().map_err(failed)?);
    }
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(http_client::crypto_provider())
        .disable_verification(true)
        .client_cert(own)
        .build())
}

/// The given URL, with `/readyz` where it has no path; else that of the configured admin address.
fn probe(url: Option<&str>, scheme: &str, bind: SocketAddr) -> String {
    let base = url.map_or_else(|| format!("{scheme}://{}", reachable(bind)), str::to_owned);
    let path = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
    match path.split_once('/') {
        None => format!("{base}/readyz"),
        Some((_, "")) => format!("{base}readyz"),
        Some(_) => base,
    }
}

/// An address that listens on every interface is asked on the loopback one.
pub(super) fn reachable(mut bind: SocketAddr) -> SocketAddr {
    match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => bind.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => bind.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    bind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_not_ready_are_named() {
        let body = r#"{"status":"a\u001bb","parts":{"kafka":{"ready":false,"required":false,"reason":"none\nup"},
            "keys":{"ready":true,"required":true}}}"#;
        let (sentence, parts) = told(body);
        assert_eq!((sentence.as_str(), parts.as_str()), ("a b", "kafka (none up)"));
        assert_eq!(told(r#"{"status":"alive"}"#), ("alive".to_owned(), String::new()));
        assert_eq!(told(" <html> "), ("<html>".to_owned(), String::new()));
    }

    #[test]
    fn the_readiness_probe_is_meant_unless_a_path_is_given() {
        let bind = |text: &str| text.parse().unwrap();
        let any = bind("0.0.0.0:9464");
        assert_eq!(probe(None, "http", any), "http://127.0.0.1:9464/readyz");
        assert_eq!(probe(None, "http", bind("[::]:9464")), "http://[::1]:9464/readyz");
        assert_eq!(probe(None, "https", bind("10.0.0.1:80")), "https://10.0.0.1:80/readyz");
        assert_eq!(probe(Some("http://h:1"), "https", any), "http://h:1/readyz");
        assert_eq!(probe(Some("http://h:1/"), "http", any), "http://h:1/readyz");
        assert_eq!(probe(Some("http://h:1/livez"), "http", any), "http://h:1/livez");
    }
}
