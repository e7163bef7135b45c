//! Why there is no configuration.

use std::path::PathBuf;

use gathering_storage::DatabaseUrl;

use super::origin::Origin;

/// Why there is no configuration. Each is one sentence that names the place to look at and shows no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read ({source})", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// The file of the platform cannot be read.
    #[error("the file {}, which ACG_CONFIG names, cannot be read ({source})", path.display())]
    PlatformFile { path: PathBuf, source: std::io::Error },
    /// The file of the platform is not JSON.
    #[error("the file {}, which ACG_CONFIG names, is not JSON ({source})", path.display())]
    PlatformSyntax { path: PathBuf, source: serde_json::Error },
    /// A key of the platform's file has a value that it cannot have. Its value may be a secret, and is not shown.
    #[error("{key} of the file {}, which ACG_CONFIG names, is not usable: {problem}", path.display())]
    PlatformKey { path: PathBuf, key: String, problem: &'static str },
    /// The authorities of the database that the platform's file holds cannot be put into a file, as the database's client
    /// wants them.
    #[error("the authorities in database.rdsCa of ACG_CONFIG cannot be written into {} ({source})", folder.display())]
    AuthorityFile { folder: PathBuf, source: std::io::Error },
    /// A document is not TOML; lines count from 1.
    #[error("{origin} is not TOML, see line {line} ({problem})")]
    Syntax { origin: Origin, line: usize, problem: String },
    /// A `--set` without key or value.
    #[error(
        "--set takes section.key=VALUE, such as --set http.workers=4, and not '{}'",
        DatabaseUrl::redact(text)
    )]
    Assignment { text: String },
    /// A variable that was meant for a setting.
    #[error(
        "there is no setting for the variable {name}; each has two underscores between its parts, such as GATHERING__STORAGE__URL"
    )]
    Variable { name: String },
    /// A key that does not exist.
    #[error("there is no setting {key} (from {origin}); config/default.toml lists all of them")]
    UnknownKey { key: String, origin: Origin },
    /// A value that a setting cannot have. The value is shown without secrets.
    #[error("the setting {key} = {value} (from {origin}) is not usable: {problem}")]
    Value { key: String, value: String, origin: Origin, problem: String },
}
