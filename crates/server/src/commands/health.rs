//! `gathering health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::ServerError;
use crate::cli::Health;
use crate::config::Config;

/// Longer than a probe may take: `storage.pool_timeout` and `storage.query_timeout` together by default.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn run(config: &Config, arguments: &Health) -> Result<(), ServerError> {
    if arguments.url.as_ref().is_some_and(|url| !url.starts_with("http://")) {
        return Err(ServerError::Usage("the URL has to begin with http://, such as http://127.0.0.1:9090"));
    }
    let url = probe(arguments.url.as_deref(), config.admin.bind);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    let not_ready = |problem: String| ServerError::NotReady { url: url.clone(), problem };
    let mut response = agent.get(&url).call().map_err(|error| not_ready(error.to_string()))?;
    if response.status().is_success() {
        return Ok(());
    }
    let body = response.body_mut().read_to_string().unwrap_or_default();
    Err(not_ready(format!("{} {}", response.status(), body.trim())))
}

/// The given URL, with `/readyz` where it has no path; else that of the configured admin address.
fn probe(url: Option<&str>, bind: SocketAddr) -> String {
    let base = url.map_or_else(|| format!("http://{}", reachable(bind)), str::to_owned);
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
    fn the_readiness_probe_is_meant_unless_a_path_is_given() {
        let bind = |text: &str| text.parse().unwrap();
        let any = bind("0.0.0.0:9090");
        assert_eq!(probe(None, any), "http://127.0.0.1:9090/readyz");
        assert_eq!(probe(None, bind("[::]:9090")), "http://[::1]:9090/readyz");
        assert_eq!(probe(None, bind("10.0.0.1:80")), "http://10.0.0.1:80/readyz");
        assert_eq!(probe(Some("http://h:1"), any), "http://h:1/readyz");
        assert_eq!(probe(Some("http://h:1/"), any), "http://h:1/readyz");
        assert_eq!(probe(Some("http://h:1/livez"), any), "http://h:1/livez");
    }
}
