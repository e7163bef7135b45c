//! Which database: the value of `storage.url`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

mod syntax;

/// The text is no URL of a database. It is not repeated, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It names no database that is supported.
    #[error(
        "a database URL is sqlite://relative/path, sqlite:///absolute/path or postgres://user@host/database; \
         SQLite in memory is not supported"
    )]
    Unsupported,
    /// libpq would not take it, or for something else than was meant.
    #[error(
        "{0}; in a user, a password and a value of a URL, such a character is written as % with two digits (%25 for %)"
    )]
    Malformed(&'static str),
    /// It demands TLS, and libpq was built without it.
    #[error(
        "it demands TLS, and this program is built without TLS to PostgreSQL: use one that `make build` makes, which has it"
    )]
    WithoutTls,
}

/// A SQLite file or a PostgreSQL server. Shown without passwords.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite://relative/path` or `sqlite:///absolute/path`.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    Postgres(String),
}

impl DatabaseUrl {
    /// What is wrong as a rule when it cannot be opened.
    pub(crate) const fn what_to_check(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "that it is a database of this program that its user may write to",
            Self::Postgres(_) => "that it runs",
        }
    }

    /// Which kind of server the URL asks libpq for (`target_session_attrs`), if it says so.
    fn target(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(url) => last_of(url, "target_session_attrs"),
        }
    }

    /// Whether it asks for a server that only reads.
    pub fn asks_for_standby(&self) -> bool {
        matches!(self.target(), Some("read-only" | "standby" | "prefer-standby"))
    }

    /// Whether it asks for a server that takes writes.
    pub fn asks_for_primary(&self) -> bool {
        matches!(self.target(), Some("read-write" | "primary"))
    }

    /// A URL, or what was meant to be one, as it may be shown: without passwords.
    pub fn redact(url: &str) -> String {
        without_passwords(url)
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        match text.split_once("://") {
            // Each connection to SQLite's `:memory:` would open a database of its own.
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(':') && !path.ends_with('/') => {
                Ok(Self::Sqlite(path.into()))
            }
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                syntax::check(text).map_err(InvalidDatabaseUrl::Malformed)?;
                check_tls(text, cfg!(feature = "postgres-tls"))?;
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err(InvalidDatabaseUrl::Unsupported),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_passwords(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// libpq itself says of such a URL only that it does not take it.
fn check_tls(url: &str, has_tls: bool) -> Result<(), InvalidDatabaseUrl> {
    let demands_tls = matches!(last_of(url, "sslmode"), Some("require" | "verify-ca" | "verify-full"));
    if demands_tls && !has_tls { Err(InvalidDatabaseUrl::WithoutTls) } else { Ok(()) }
}

const HIDDEN: &str = "***";

/// What names of parameters have in them whose values are secret. A name that is written in percent-encoding may be any.
const SECRET: [&str; 4] = ["password", "secret", "scram_", "%"];

/// Hides more rather than less: whatever stands between the first colon after the scheme and the last `@`, since a
/// password may hold `/`, `?` and `@` unescaped, and the value of everything that is called a password.
fn without_passwords(text: &str) -> String {
    let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() => match user.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None => rest.to_owned(),
        },
        _ => rest.to_owned(),
    };
    let mut shown = scheme.to_owned();
    for part in rest.split_inclusive(|c: char| "?&".contains(c) || c.is_whitespace()) {
        match part.split_once('=') {
            Some((key, value)) if is_secret(key) => {
                let end = value.trim_end_matches(|c: char| !("?&\"'".contains(c) || c.is_whitespace()));
                let end = end.chars().next_back().map_or(String::new(), String::from);
                shown.extend([key, "=", HIDDEN, &end]);
            }
            _ => shown.push_str(part),
        }
    }
    shown
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET.iter().any(|word| key.contains(word))
}

/// The parameters of a PostgreSQL URL with the `?` before them. libpq looks for a user and password first: up to an `@`
/// that comes before any `/`, a `?` belongs to the password.
pub(crate) fn parameters(url: &str) -> Option<&str> {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let credentials = url.get(authority..)?.find(['@', '/']).map_or(authority, |at| authority + at);
    let query = url.get(credentials..)?.find('?')?;
    url.get(credentials + query..)
}

/// The last value of a parameter, which is the one that counts for libpq.
pub(crate) fn last_of<'a>(url: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = parameters(url)?.strip_prefix('?')?.rsplit('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// How many hosts libpq tries, one after the other.
pub(crate) fn hosts(url: &str, variable: impl Fn(&str) -> Option<String>) -> usize {
    let count = |list: &str| list.replace("%2C", ",").replace("%2c", ",").split(',').count();
    let given = |key, name| last_of(url, key).map(str::to_owned).or_else(|| variable(name));
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = match rest.find(['@', '/']) {
        Some(at) if rest.get(at..).is_some_and(|rest| rest.starts_with('@')) => {
            rest.get(at + 1..).unwrap_or(rest)
        }
        _ => rest,
    };
    let authority = rest.split(['/', '?']).next().filter(|hosts| !hosts.is_empty());
    let named = last_of(url, "host").or(authority).map(str::to_owned).or_else(|| variable("PGHOST"));
    [named, given("hostaddr", "PGHOSTADDR")].iter().flatten().map(|list| count(list)).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_tls_takes_no_url_that_demands_it() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://user@host/database?sslmode={mode}");
            assert_eq!(check_tls(&url, false), Err(InvalidDatabaseUrl::WithoutTls), "{mode}");
            assert_eq!(check_tls(&url, true), Ok(()), "{mode}");
        }
        for query in ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require&sslmode=disable"] {
            assert_eq!(check_tls(&format!("postgres://host/database{query}"), false), Ok(()), "{query}");
        }
    }

    #[test]
    fn reads_both_kinds() {
        assert_eq!(
            "sqlite://data/x.db".parse::<DatabaseUrl>().unwrap(),
            DatabaseUrl::Sqlite("data/x.db".into())
        );
        assert_eq!(
            "sqlite:///tmp/x.db".parse::<DatabaseUrl>().unwrap(),
            DatabaseUrl::Sqlite("/tmp/x.db".into())
        );
        for url in
            ["postgres://h/db", "postgresql://u:p@h:5432/db?sslmode=require", "postgres:///db?host=/run"]
        {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap(), DatabaseUrl::Postgres(url.to_owned()));
        }
    }

    #[test]
    fn refuses_others() {
        for url in
            ["", "x.db", "sqlite:x.db", "sqlite://", "sqlite://:memory:", "sqlite://dir/", "mysql://h/d"]
        {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Unsupported), "{url}");
        }
    }

    #[test]
    fn shows_no_password() {
        for (url, shown) in [
            ("postgres://h/db", "postgres://h/db"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            ("postgres://u:secret@h/db", "postgres://u:***@h/db"),
            ("postgres://u:s%20e%40c@h/db", "postgres://u:***@h/db"),
            (
                "postgres://h/db?user=u&password=secret&sslmode=require",
                "postgres://h/db?user=u&password=***&sslmode=require",
            ),
            ("postgres://h/db?sslpassword=secret", "postgres://h/db?sslpassword=***"),
            ("postgres://h/db?oauth_client_secret=x", "postgres://h/db?oauth_client_secret=***"),
            ("postgres://u:sec?ret@h/db", "postgres://u:***@h/db"),
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn what_is_refused_is_shown_without_its_password_too() {
        for (url, shown) in [
            ("postgres://u:100%SEcret@h/db", "postgres://u:***@h/db"),
            ("postgres://u:sec@r/et@h/db", "postgres://u:***@h/db"),
            ("postgres://u:s/e?c@ret@h/db?password=x", "postgres://u:***@h/db?password=***"),
            ("postgres://h/db?passw%6Frd=SEcret", "postgres://h/db?passw%6Frd=***"),
        ] {
            assert!(matches!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Malformed(_))), "{url}");
            assert_eq!(DatabaseUrl::redact(url), shown);
        }
    }

    #[test]
    fn redacts_what_is_no_url_too() {
        for (text, shown) in [
            ("{ url = \"postgres://u:secret@h/d\" }", "{ url = \"postgres://u:***@h/d\" }"),
            ("[\"postgres://a:b@h\", \"postgres://c:d@h\"]", "[\"postgres://a:***@h\"]"),
            ("host=h password=secret user=u", "host=h password=*** user=u"),
            ("nothing to hide", "nothing to hide"),
        ] {
            assert_eq!(DatabaseUrl::redact(text), shown);
        }
    }

    #[test]
    fn parameters_begin_after_the_password() {
        for (url, expected) in [
            ("postgres://h/db", None),
            ("postgres://h/db?a=b", Some("?a=b")),
            ("postgres://h?a=b", Some("?a=b")),
            ("postgres://u:p?x@h/db", None),
            ("postgres://u:p?x@h/db?a=b", Some("?a=b")),
        ] {
            assert_eq!(parameters(url), expected, "{url}");
        }
    }
}
