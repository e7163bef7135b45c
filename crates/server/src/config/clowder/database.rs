//! The database of the platform's file, as a URL.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::document::{Problem, Section};
use super::values::{authorities, host};

/// Everything that may mean something in a URL.
const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How far PostgreSQL's client insists on TLS, by its own words.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The URL of the database, and the authorities of its certificate.
pub(super) fn url(database: &Section<'_>) -> Result<(String, Option<String>), Problem> {
    let encoded = |key| database.needed_text(key).map(|text| utf8_percent_encode(&text, SPECIAL).to_string());
    let (user, password, name) = (encoded("username")?, encoded("password")?, encoded("name")?);
    let host = host(database)?;
    let port = database.port("port")?.map_or_else(String::new, |port| format!(":{port}"));
    let mut url = format!("postgres://{user}:{password}@{host}{port}/{name}");
    if let Some(mode) = database.text("sslMode")? {
        if !SSL_MODES.contains(&mode.as_str()) {
            let problem = "it has to be disable, allow, prefer, require, verify-ca or verify-full";
            return Err(database.problem("sslMode", problem));
        }
        url = format!("{url}?sslmode={mode}");
    }
    let authorities = authorities(database, "rdsCa")?;
    if authorities.is_none() && url.ends_with("?sslmode=verify-full") {
        // PostgreSQL's client would look for a file in the home folder.
        url.push_str("&sslrootcert=system");
    }
    Ok((url, authorities))
}

/// The URL with the file that says which authorities count.
pub(super) fn with_authorities(url: String, file: Option<&Path>) -> String {
    let Some(file) = file else { return url };
    let path = file.to_string_lossy();
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}sslrootcert={}", utf8_percent_encode(&path, SPECIAL))
}
