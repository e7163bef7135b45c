//! What libpq is told beside what a URL says: limits for a network that says nothing, and which of several servers to take.

use std::time::Duration;

use crate::connection::url::{hosts, last_of, parameters};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// The one that takes writes.
    Primary,
    /// One that only reads, and follows the primary.
    Standby,
}

impl Server {
    /// Which of several servers libpq is to take, in its own words.
    const fn of_several(self) -> &'static str {
        match self {
            Self::Primary => "read-write",
            Self::Standby => "standby",
        }
    }
}

/// Whether one of several hosts is to be taken by what it is, since neither the URL nor the environment says which.
pub(crate) fn is_to_choose(url: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let says = last_of(url, "target_session_attrs").is_some() || variable("PGTARGETSESSIONATTRS").is_some();
    !says && hosts(url, variable) > 1
}

/// Adds libpq's limits for a network that says nothing, and with several hosts which one libpq is to choose, unless
/// the URL or the environment says so.
pub(crate) fn completed(
    url: &str,
    wanted_server: Option<Server>,
    connect: Duration,
    silence: Duration,
    variable: impl Fn(&str) -> Option<String>,
) -> String {
    let silence = if silence.is_zero() { connect } else { silence };
    let hosts = hosts(url, &variable);
    let mut wanted = vec![
        ("connect_timeout", connect_seconds(connect, hosts).to_string()),
        ("tcp_user_timeout", silence.as_millis().to_string()),
        ("keepalives_idle", silence.as_millis().div_ceil(1000).max(1).to_string()),
        ("keepalives_interval", "1".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("application_name", "gathering".to_owned()),
    ];
    if let Some(server) = wanted_server.filter(|_| is_to_choose(url, &variable)) {
        wanted.push(("target_session_attrs", server.of_several().to_owned()));
    }
    let query = parameters(url);
    // One that ends in a `?` or `&` names no more parameters, and libpq takes no empty ones.
    let mut completed = query.map_or(url, |_| url.trim_end_matches('&')).to_owned();
    let mut separator = match query {
        None => "?",
        Some(_) if completed.ends_with('?') => "",
        Some(_) => "&",
    };
    for (key, value) in wanted.iter().filter(|(key, _)| last_of(url, key).is_none()) {
        for text in [separator, key, "=", value] {
            completed.push_str(text);
        }
        separator = "&";
    }
    completed
}

/// The same URL with its hosts in any order; `None` where there is one host, or the URL or the environment says which order.
///
/// libpq tries the next host where one cannot be reached or is not the one that is wanted. Where one answers with any other error, as
/// a pooler does whose server is away, it gives up.
pub(crate) fn shuffled(completed: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let says = last_of(completed, "load_balance_hosts").is_some() || variable("PGLOADBALANCEHOSTS").is_some();
    // It has parameters: they were completed.
    (hosts(completed, &variable) > 1 && !says).then(|| format!("{completed}&load_balance_hosts=random"))
}

/// libpq takes whole seconds, for each host. With several, one that says nothing is to leave time for the next.
fn connect_seconds(connect: Duration, hosts: usize) -> u64 {
    if hosts < 2 {
        return u64::try_from(connect.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(2);
    }
    (connect.as_secs() / u64::try_from(hosts).unwrap_or(u64::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, server: Server, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned())
        };
        completed(url, Some(server), Duration::from_millis(2500), Duration::from_secs(5), variable)
    }

    const LIMITS: &str = "tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=1&keepalives_count=3";

    #[test]
    fn limits_are_added_but_do_not_override() {
        let with = |url| of(url, Server::Primary, &[]);
        assert_eq!(
            with("postgres://h/db"),
            format!("postgres://h/db?connect_timeout=3&{LIMITS}&application_name=gathering")
        );
        assert_eq!(
            with("postgres://h/db?connect_timeout=9&application_name=x"),
            format!("postgres://h/db?connect_timeout=9&application_name=x&{LIMITS}")
        );
        assert_eq!(connect_seconds(Duration::from_millis(500), 1), 2);
    }

    #[test]
    fn several_hosts_are_tried_in_any_order_once_one_answered_with_an_error() {
        let of = |url: &str| shuffled(url, |_| None);
        assert_eq!(
            of("postgres://a,b/db?x=y").as_deref(),
            Some("postgres://a,b/db?x=y&load_balance_hosts=random")
        );
        assert_eq!(of("postgres://a/db?x=y"), None);
        assert_eq!(of("postgres://a,b/db?load_balance_hosts=disable"), None);
        assert_eq!(shuffled("postgres://a,b/db?x=y", |_| Some("disable".to_owned())), None);
    }

    #[test]
    fn of_several_hosts_the_one_is_taken_that_is_needed() {
        for url in [
            "postgres://u:p@a,b/db?x=y",
            "postgres://a:1,b:2/db?x=y",
            "postgres:///db?host=a,b",
            "postgres:///db?hostaddr=127.0.0.1%2C127.0.0.2",
        ] {
            let rest =
                format!("&connect_timeout=1&{LIMITS}&application_name=gathering&target_session_attrs=");
            assert_eq!(of(url, Server::Primary, &[]), format!("{url}{rest}read-write"));
            assert_eq!(of(url, Server::Standby, &[]), format!("{url}{rest}standby"));
        }
        let asks = |url: &str, variables: &[(&str, &str)]| {
            of(url, Server::Primary, variables).contains("target_session_attrs=read-write")
        };
        assert!(asks("postgres:///db", &[("PGHOST", "a,b")]));
        for (url, variables) in [
            ("postgres://u:p,q@h/db", &[][..]),
            ("postgres://h/a,b", &[]),
            ("postgres://a,b/db?target_session_attrs=any", &[]),
            ("postgres://a,b/db", &[("PGTARGETSESSIONATTRS", "primary")]),
            ("postgres://h/db", &[("PGHOST", "a,b")]),
        ] {
            assert!(!asks(url, variables), "{url}");
        }
    }
}
