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
    settings.to_string()
}

/// One value as text, for the sentence that refuses it.
pub(super) fn show_value(key: &str, mut value: Value) -> String {
    hide_secrets(key, &mut value);
    // This one may come without a scheme.
    if key == "auth.rbac.url"
        && let Value::String(url) = &mut value
        && !url.contains("://")
        && let Some((_, host)) = url.rsplit_once('@')
    {
        *url = format!("***@{host}");
    }
    // Wherever a URL turns up, and be it in the wrong place, its password does not.
    DatabaseUrl::redact(&value.to_string())
}

/// Hides the values of properties that hold secrets: passwords, and keys and tokens given as texts.
fn hide_secrets(key: &str, value: &mut Value) {
    const SECRET: [&str; 4] = ["password", "secret", "key.pem", "oauthbearer.config"];
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
