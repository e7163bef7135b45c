//! Arguments of `token` and `token inspect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use gathering_auth::Scope;
use gathering_domain::ids::{ClusterId, OrganizationId};

use super::options::With;

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    pub(crate) action: Option<TokenAction>,
    /// The organization, from 1 to 4294967295
    #[arg(long, value_name = "N", required = true)]
    pub(crate) org: Option<OrganizationId>,
    /// Binds the token to one cluster
    #[arg(long, value_name = "UUID")]
    pub(crate) cluster: Option<ClusterId>,
    /// What the token allows: read, write, write:any
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', default_value = "read")]
    pub(crate) scope: Vec<Scope>,
    /// How long the token is valid
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = lifetime)]
    pub(crate) ttl: Duration,
    /// The token's subject
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Signs with the secret in this file instead of the one in `auth.keys.hmac_secret_file`
    #[arg(long, value_name = "FILE", conflicts_with = "private_key_file")]
    pub(crate) hmac_secret_file: Option<PathBuf>,
    /// Signs with the private key in this PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) private_key_file: Option<PathBuf>,
    /// Names the key that signs, as a key set does (kid)
    #[arg(long, value_name = "NAME")]
    pub(crate) key_id: Option<String>,
    /// Which of `auth.issuers` the token is of; needed where there are several
    #[arg(long, value_name = "ISSUER")]
    pub(crate) issuer: Option<String>,
}

/// What else is done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Says what a token says, and whether the configured keys and issuers let it in
    #[command(after_help = "Example: gathering token inspect --config /etc/gathering.toml < token.txt")]
    Inspect(With<Inspect>),
}

/// Arguments of `token inspect`.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The token, with or without Bearer before it; without it, it is read from standard input, where nobody else sees it
    #[arg(value_name = "TOKEN")]
    pub(crate) token: Vec<String>,
}

/// How long a token is valid: at least a second, at most ten years.
fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = humantime::parse_duration(text).ok();
    lifetime
        .filter(|lifetime| (Duration::from_secs(1)..=Duration::from_secs(3650 * 86_400)).contains(lifetime))
        .ok_or("it has to be a duration such as 30m, 1h or 7d, from 1s to 3650d")
}
