//! What of the configuration may be shown: everything but secrets.

use gathering_storage::DatabaseUrl;
use toml::{Table, Value};

/// The settings as text, for people and files.
pub(super) fn show(mut settings: Table) -> String {
    for key in ["url", "read_url"] {
        if let Some(Value::String(url)) = settings.get_mut("storage").and_then(|storage| storage.get_mut(key))
        {
            *url = DatabaseUrl::redact(url);
        }
    }
    if let Some(kafka) = settings.get_mut("ingest").and_then(|ingest| ingest.get_mut("kafka")) {
        hide_secrets("", kafka);
    }
    if let Some(auth) = settings.get_mut("auth") {
        hide_queries("auth", auth);
    }
    settings.to_string()
}

/// One value as text, for the sentence that refuses it.
pub(super) fn show_value(key: &str, mut value: Value) -> String {
    hide_secrets(key, &mut value);
    hide_queries(key, &mut value);
    // This one may come without a scheme.
    if key == "auth.rbac.url"
        && let Value::String(url) = &mut value
        && !url.contains("://")
        && let Some((_, host)) = url.rsplit_once('@')
    {
        *url = format!("***@{host}");
    }
    // What is no URL of a database may be a password anywhere in it.
    if ["storage.url", "storage.read_url"].contains(&key)
        && let Value::String(url) = &mut value
        && url.parse::<DatabaseUrl>().is_err()
    {
        *url = no_database(url);
    }
    // Wherever a URL turns up, and be it in the wrong place, its password does not.
    DatabaseUrl::redact(&value.to_string())
}

/// Shorter texts are looked for in no problem: they would be found in its words.
const MIN_REPEATED: usize = 4;

/// A problem as it may be told, which may repeat what the value says.
pub(super) fn show_problem(key: &str, value: &Value, problem: &str) -> String {
    let mut texts = Vec::new();
    collect_texts(value, &mut texts);
    // Of texts within others, the longer ones first.
    texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
    texts.into_iter().fold(problem.to_owned(), |problem, text| {
        let shown = show_value(key, Value::String(text.to_owned()));
        let shown = shown.trim_matches('"');
        // Whoever repeats it may do so as it is, or with escapes.
        let escaped = format!("{text:?}");
        problem.replace(escaped.trim_matches('"'), shown).replace(text, shown)
    })
}

/// The texts in a value that may hide something.
fn collect_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if text.len() >= MIN_REPEATED => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Table(table) => table.iter().for_each(|(_, value)| collect_texts(value, texts)),
        _ => {}
    }
}

/// What may be shown of a text that names no database.
fn no_database(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***"),
        None if text.contains(['@', '=', ':']) => "***".to_owned(),
        None => text.to_owned(),
    }
}

/// Hides the queries of URLs of key sets, which often hold a key of an API.
fn hide_queries(key: &str, value: &mut Value) {
    match value {
        Value::Table(table) => table.iter_mut().for_each(|(inner, value)| hide_queries(inner, value)),
        Value::Array(values) => values.iter_mut().for_each(|value| hide_queries(key, value)),
        Value::String(url) if key.ends_with("jwks_url") => {
            if let Some((address, _)) = url.split_once('?') {
                *url = format!("{address}?***");
            }
        }
        _ => {}
    }
}

/// Hides the values of properties that hold secrets: passwords, and keys and tokens given as texts.
fn hide_secrets(key: &str, value: &mut Value) {
    const SECRET: [&str; 8] =
        ["password", "passphrase", "secret", "key.pem", "ssl_key", "assertion", "jaas", "oauthbearer.config"];
    match value {
        Value::Table(table) => {
            for (inner, value) in table.iter_mut() {
                hide_secrets(&format!("{key}.{inner}"), value);
            }
        }
        // Where a secret is may be told.
        value if !key.ends_with("_file") && SECRET.iter().any(|word| key.contains(word)) => {
            *value = Value::String("***".to_owned());
        }
        _ => {}
    }
}
