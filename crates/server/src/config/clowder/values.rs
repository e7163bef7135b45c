//! Values that several parts of the file hold.

use gathering_support::pem;

use super::document::{Problem, Section};

/// Authorities in PEM, if there are any.
pub(super) fn authorities(section: &Section<'_>, key: &str) -> Result<Option<String>, Problem> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    match pem::certificates(text.as_bytes()) {
        Some(_) => Ok(Some(text)),
        None => Err(section.problem(key, "it has to be certificates in PEM")),
    }
}

/// A host as URLs have it: an address of IPv6 in brackets.
pub(super) fn host(section: &Section<'_>) -> Result<String, Problem> {
    let host = section.needed_text("hostname")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if host.chars().all(is_name) {
        Ok(host)
    } else {
        Err(section.problem("hostname", "it has to be the name or the IP address of a host"))
    }
}
