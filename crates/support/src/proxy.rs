//! The proxy that servers elsewhere are asked through. It is read from the environment as Go's
//! `golang.org/x/net/http/httpproxy` reads it, so that what is set for all programs of a platform means the same here.

use std::net::IpAddr;

use ipnet::IpNet;
use ureq::Proxy;
use ureq::http::uri::Authority;

/// The proxy of the environment for `https`, and the hosts that are asked without it.
pub struct ProxySettings {
    /// The name of the variable, and its value.
    proxy: Option<(&'static str, String)>,
    exceptions: Vec<Exception>,
}

/// The error of a proxy that cannot be used. The variable's value may hold a password, and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{variable} names no proxy that can be used, such as http://proxy.example.com:3128")]
pub struct ProxyError {
    variable: &'static str,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network(IpNet),
    Address(IpAddr, Option<u16>),
    /// A domain with a dot in front: all below it, and itself unless the entry began with the dot.
    Domain {
        suffix: String,
        with_itself: bool,
        port: Option<u16>,
    },
}

impl ProxySettings {
    /// Reads the environment of this process.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// `HTTP_PROXY` is not read: what has to stay secret or unchanged comes by `https`, or from this machine.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first_set = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| Some((name, variable(name).filter(|text| !text.is_empty())?)))
        };
        let no_proxy = first_set(["NO_PROXY", "no_proxy"]).map(|(_, text)| text).unwrap_or_default();
        Self {
            proxy: first_set(["HTTPS_PROXY", "https_proxy"]),
            exceptions: no_proxy.split(',').filter_map(Exception::parse).collect(),
        }
    }

    /// The proxy for an `https` URL of this authority; `None` if it is asked without one, as this very machine always is.
    ///
    /// # Errors
    /// When the variable's value names no proxy.
    pub fn proxy_for(&self, authority: &Authority) -> Result<Option<Proxy>, ProxyError> {
        match &self.proxy {
            Some((variable, proxy)) if !self.is_excepted(authority) => {
                Proxy::new(proxy.trim()).map(Some).map_err(|_| ProxyError { variable })
            }
            _ => Ok(None),
        }
    }

    fn is_excepted(&self, authority: &Authority) -> bool {
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(443);
        let address = without_brackets(&host).parse().ok().map(|address: IpAddr| address.to_canonical());
        host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self.exceptions.iter().any(|exception| exception.matches(&host, address, port))
    }
}

impl Exception {
    /// `None` for an entry without a meaning, which is ignored.
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Ok(network) = entry.parse() {
            return Some(Self::Network(network));
        }
        let (host, port) = match entry.rsplit_once(':') {
            // An address of IPv6 has colons of its own, and needs brackets before a port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (entry.as_str(), None),
        };
        if let Ok(address) = without_brackets(host).parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let domain = host.strip_prefix('.').unwrap_or(host);
        let suffix = format!(".{}", domain.strip_suffix('.').unwrap_or(domain));
        (suffix.len() > 1).then(|| Self::Domain { suffix, with_itself: !host.starts_with('.'), port })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let is_port = |own: &Option<u16>| own.is_none_or(|own| own == port);
        match (self, address) {
            (Self::Everything, _) => true,
            (Self::Network(network), Some(address)) => network.contains(&address),
            (Self::Address(own, own_port), Some(address)) => *own == address && is_port(own_port),
            (Self::Domain { suffix, with_itself, port }, None) => {
                let host = host.strip_suffix('.').unwrap_or(host);
                let is_itself = *with_itself && suffix.strip_prefix('.') == Some(host);
                (is_itself || host.ends_with(suffix)) && is_port(port)
            }
            _ => false,
        }
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> ProxySettings {
        ProxySettings::from_variables(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn host_of(proxy: Option<Proxy>) -> Option<String> {
        proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    fn through(variables: &[(&str, &str)]) -> Option<String> {
        host_of(settings(variables).proxy_for(&"sso.example.com".parse().unwrap()).unwrap())
    }

    fn is_direct(no_proxy: &str, authority: &str) -> bool {
        let settings = settings(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no_proxy)]);
        settings.proxy_for(&authority.parse().unwrap()).unwrap().is_none()
    }

    #[test]
    fn the_proxy_is_that_of_https() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(through(&[]), None);
        assert_eq!(through(&[("HTTPS_PROXY", "http://one:1")]), some("one:1"));
        assert_eq!(through(&[("https_proxy", "two:2")]), some("two:2"));
        assert_eq!(through(&[("HTTPS_PROXY", "http://one:1"), ("https_proxy", "two:2")]), some("one:1"));
        assert_eq!(through(&[("HTTPS_PROXY", ""), ("https_proxy", " http://u:p@two:2/ ")]), some("two:2"));
        assert_eq!(through(&[("HTTPS_PROXY", "https://one")]), some("one:443"));
        assert_eq!(through(&[("HTTPS_PROXY", "socks5h://one")]), some("one:1080"));
        for other in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            assert_eq!(through(&[(other, "http://other:1")]), None, "{other}");
        }
        for name in ["NO_PROXY", "no_proxy"] {
            assert_eq!(through(&[("HTTPS_PROXY", "one"), (name, "example.com")]), None, "{name}");
        }
        let both = [("HTTPS_PROXY", "one"), ("NO_PROXY", "other.com"), ("no_proxy", "example.com")];
        assert_eq!(through(&both), some("one:80"), "capitals win");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for (variable, text) in
            [("HTTPS_PROXY", "ftp://u:password@one"), ("https_proxy", "http://u:pass word@")]
        {
            let refused = settings(&[(variable, text)]).proxy_for(&"sso".parse().unwrap()).err();
            assert_eq!(refused, Some(ProxyError { variable }));
            assert!(!format!("{refused:?}{}", refused.unwrap()).contains("pass"));
        }
        let excepted = settings(&[("HTTPS_PROXY", "ftp://one"), ("NO_PROXY", "sso")]);
        assert_eq!(excepted.proxy_for(&"sso".parse().unwrap()).map(host_of), Ok(None));
    }

    #[test]
    fn exceptions_are_read_as_go_reads_them() {
        for (no_proxy, direct, through) in [
            (
                "",
                &["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:1", "[::1]:443"][..],
                &["sso", "10.0.0.1"][..],
            ),
            ("*", &["sso.example.com", "10.0.0.1", "[fd00::1]"], &[]),
            (" one.com , two.com\t,,three.com", &["one.com", "a.two.com", "three.com"], &["four.com"]),
            (
                "example.com",
                &["example.com", "EXAMPLE.com", "a.example.com", "a.b.example.com:8443", "example.com."],
                &["notexample.com", "example.com.evil.org", "com"],
            ),
            ("EXAMPLE.com.", &["example.com", "a.example.com"], &["example.org"]),
            (".example.com", &["a.example.com", "a.b.example.com"], &["example.com", "aexample.com"]),
            ("*.example.com", &["a.example.com"], &["example.com"]),
            ("*example.com", &[], &["a.example.com", "aexample.com"]),
            (
                "example.com:8443",
                &["example.com:8443", "a.example.com:8443"],
                &["example.com", "a.example.com", "example.com:443"],
            ),
            ("example.com:443", &["example.com", "example.com:443"], &["example.com:8443"]),
            ("*.example.com:443", &["a.example.com"], &["a.example.com:8443", "example.com"]),
            ("10.0.0.0/8", &["10.1.2.3", "10.255.0.1:8443", "[::ffff:10.0.0.1]"], &["11.0.0.1", "a10.com"]),
            ("10.1.2.3/8", &["10.9.9.9"], &["11.0.0.1"]),
            ("fd00::/8", &["[fd12::1]", "[fd12::1]:8443"], &["[fe80::1]", "10.0.0.1"]),
            ("10.0.0.1", &["10.0.0.1", "10.0.0.1:8443"], &["10.0.0.2", "110.0.0.1"]),
            ("10.0.0.1:8443", &["10.0.0.1:8443"], &["10.0.0.1"]),
            ("fd00::1", &["[fd00::1]", "[fd00:0::1]:8443"], &["[fd00::2]"]),
            ("[fd00::1]", &["[fd00::1]"], &["[fd00::2]"]),
            ("[fd00::1]:8443", &["[fd00::1]:8443"], &["[fd00::1]"]),
            ("0.1", &[], &["10.0.0.1"]),
            (":8443,.,*.,example.com:https,http://example.com", &[], &["example.com", "example.com:8443"]),
        ] {
            for authority in direct {
                assert!(is_direct(no_proxy, authority), "{no_proxy:?} {authority}");
            }
            for authority in through {
                assert!(!is_direct(no_proxy, authority), "{no_proxy:?} {authority}");
            }
        }
    }
}
