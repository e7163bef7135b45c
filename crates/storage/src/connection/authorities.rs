//! Where the system keeps its authorities, for `sslrootcert=system`.
//!
//! OpenSSL that is built with this program looks below its own prefix, where no system keeps any: libpq would trust nobody.
//! A file that was found takes the word's place, and what the word means for `sslmode` stays.

use std::path::{Path, PathBuf};

use crate::connection::url::parameters;

/// The URL with a file in the place of `sslrootcert=system`, if one is found. What the environment names counts, and
/// OpenSSL finds that itself.
pub(crate) fn named(url: &str) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable(openssl_probe::ENV_CERT_FILE).or_else(|| variable(openssl_probe::ENV_CERT_DIR)).is_some() {
        return url.to_owned();
    }
    replaced(url, variable, || openssl_probe::probe().cert_file)
}

fn replaced(
    url: &str,
    variable: impl Fn(&str) -> Option<String>,
    find: impl FnOnce() -> Option<PathBuf>,
) -> String {
    let unchanged = || url.to_owned();
    let query = parameters(url);
    let pairs: Vec<(&str, &str)> = query
        .and_then(|query| query.strip_prefix('?'))
        .map(|query| query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
        .unwrap_or_default();
    // libpq takes the last of several, and looks for what is missing in its environment.
    let given =
        |key: &str| pairs.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
    let root = given("sslrootcert").or_else(|| variable("PGSSLROOTCERT"));
    if root.as_deref() != Some("system") {
        return unchanged();
    }
    let mode = given("sslmode").or_else(|| given("ssl")).or_else(|| variable("PGSSLMODE"));
    // Anything weaker is refused by libpq beside "system", and would not be beside a file.
    if mode.as_deref().is_some_and(|mode| mode != "verify-full") {
        return unchanged();
    }
    let Some(file) = find().as_deref().and_then(Path::to_str).map(str::to_owned) else { return unchanged() };
    let separator = if query.is_some() { '&' } else { '?' };
    // Later ones win. A path of the list that was searched has nothing to be encoded.
    format!("{url}{separator}sslrootcert={file}&sslmode=verify-full")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/etc/ssl/bundle.pem";

    fn with(url: &str, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned())
        };
        replaced(url, variable, || Some(FILE.into()))
    }

    fn found(url: &str) -> String {
        format!("{url}&sslrootcert={FILE}&sslmode=verify-full")
    }

    #[test]
    fn the_systems_authorities_are_a_file_and_names_are_still_checked() {
        for url in [
            "postgres://h/db?sslrootcert=system",
            "postgres://u:p?x@h/db?a=b&sslrootcert=system",
            "postgres://h/db?sslmode=verify-full&sslrootcert=system",
            "postgres://h/db?sslrootcert=/elsewhere&sslrootcert=system",
        ] {
            assert_eq!(with(url, &[]), found(url));
        }
        let url = "postgres://h/db";
        let expected = format!("{url}?sslrootcert={FILE}&sslmode=verify-full");
        assert_eq!(with(url, &[("PGSSLROOTCERT", "system")]), expected);
    }

    #[test]
    fn what_asks_for_something_else_stays() {
        for url in [
            "postgres://h/db",
            "postgres://h/db?sslrootcert=/a/file",
            "postgres://h/db?sslrootcert=system&sslrootcert=/a/file",
            // libpq refuses these.
            "postgres://h/db?sslrootcert=system&sslmode=require",
            "postgres://h/db?sslrootcert=system&ssl=true",
        ] {
            assert_eq!(with(url, &[]), url);
        }
        let url = "postgres://h/db?sslrootcert=system";
        assert_eq!(with(url, &[("PGSSLMODE", "prefer")]), url, "libpq refuses it");
        assert_eq!(replaced(url, |_| None, || None), url, "where nothing is found");
    }
}
