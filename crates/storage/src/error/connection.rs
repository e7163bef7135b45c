//! What of an error on connecting to PostgreSQL may be told.

use diesel::ConnectionError;

/// How reports of a connection begin. They name hosts, users and databases. What else libpq says may be of the URL, and repeat
/// any part of it, the password too.
const HARMLESS: [&str; 3] = ["connection to server ", "could not translate host name ", "could not match "];

/// In place of all else that libpq says.
const UNUSABLE: &str =
    "libpq does not take the URL, or what variables such as PGPORT or a service file add to it";

/// The error as it may be told.
pub(crate) fn without_secrets(error: ConnectionError) -> ConnectionError {
    match error {
        ConnectionError::BadConnection(text) if HARMLESS.iter().any(|begin| text.starts_with(begin)) => {
            ConnectionError::BadConnection(text)
        }
        ConnectionError::BadConnection(_)
        | ConnectionError::InvalidConnectionUrl(_)
        | ConnectionError::InvalidCString(_) => ConnectionError::BadConnection(UNUSABLE.to_owned()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use diesel::{Connection, PgConnection};

    use super::*;

    fn told(url: &str) -> String {
        without_secrets(PgConnection::establish(url).err().expect(url)).to_string()
    }

    #[test]
    fn libpq_does_not_repeat_passwords() {
        for url in [
            "postgres://u:100%SEcret@127.0.0.1:1/db",
            "postgres://u:SEcret/@127.0.0.1:1/db",
            "postgres://u:SEcret@[::1",
            "postgres://u@127.0.0.1:1/db?SEcret=x",
            "postgres://u@127.0.0.1:1/db?sslmode=SEcret",
            "postgres://u:SEcret\0@127.0.0.1:1/db",
        ] {
            assert_eq!(told(url), UNUSABLE, "{url}");
        }
    }

    #[test]
    fn why_no_server_answers_is_told() {
        let text = told("postgres://u:SEcret@127.0.0.1:1/db?sslmode=disable");
        assert!(text.contains("port 1 failed") && !text.contains("SEcret"), "{text}");
    }
}
