//! What authentication needs to know. See `config/default.toml` for defaults.

use std::path::PathBuf;
use std::time::Duration;

use gathering_domain::OrganizationId;
use ipnet::IpNet;
use jsonwebtoken::Algorithm;

use crate::remote::KeyUrl;

/// How callers prove who they are, and how often they may call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How callers prove who they are.
    pub mode: Mode,
    /// How often they may call.
    pub rate_limit: RateLimit,
}

impl Settings {
    /// The files with keys and secrets, which may change while the service runs.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.mode {
            Mode::Jwt(tokens) => {
                tokens.issuers.iter().flat_map(|issuer| issuer.keys.files()).cloned().collect()
            }
            Mode::IdentityHeader(gateway) => gateway.secret_file.iter().cloned().collect(),
            Mode::Disabled { .. } => Vec::new(),
        }
    }
}

/// How callers prove who they are.
#[derive(Debug, Clone)]
pub enum Mode {
    /// With a JSON Web Token.
    Jwt(TokenSettings),
    /// By what a trusted gateway says of them in a header.
    IdentityHeader(GatewaySettings),
    /// Not at all: every caller belongs to this organization. For a loopback address only, which the caller of this
    /// crate has to see to.
    Disabled {
        /// Whose records all callers see.
        organization: OrganizationId,
    },
}

/// Whose tokens are taken.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Who may issue tokens, at least one. Where there are more, each has its `issuer`.
    pub issuers: Vec<IssuerSettings>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// The longest token that is looked at, in bytes.
    pub max_token: usize,
    /// How much memory verified tokens may take up, in bytes; 0 verifies each token each time.
    pub cache_size: usize,
}

/// One issuer of tokens.
#[derive(Debug, Clone, Default)]
pub struct IssuerSettings {
    /// The `iss` of its tokens; not looked at where it is not set.
    pub issuer: Option<String>,
    /// What the `aud` of its tokens must name, when set.
    pub audience: Option<String>,
    /// The only algorithms of its tokens; empty for every one that its keys are for.
    pub algorithms: Vec<Algorithm>,
    /// Its keys.
    pub keys: KeySettings,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, Default)]
pub struct KeySettings {
    /// A file with the secret of HS256, HS384 and HS512.
    pub hmac_secret_file: Option<PathBuf>,
    /// PEM files with one public key each.
    pub public_key_files: Vec<PathBuf>,
    /// A file with a JSON Web Key Set (RFC 7517).
    pub jwks_file: Option<PathBuf>,
    /// Where a key set is fetched from.
    pub jwks_url: Option<KeyUrl>,
    /// Whether the address of the key set is asked of the issuer (`OpenID` Connect Discovery 1.0).
    pub discovery: bool,
    /// A PEM file with the authorities that may have signed the certificate of that server; the system's otherwise.
    pub ca_file: Option<PathBuf>,
}

impl KeySettings {
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.hmac_secret_file.iter().chain(&self.public_key_files).chain(&self.jwks_file)
    }
}

/// How a gateway is told from anybody else who sends its header. Each that is set has to hold; one has to be set.
#[derive(Debug, Clone, Default)]
pub struct GatewaySettings {
    /// The networks that it calls from.
    pub trusted_proxies: Vec<IpNet>,
    /// A file with the secrets that it may send, one a line, at least 32 characters each.
    pub secret_file: Option<PathBuf>,
    /// Whether the listener asks every caller for a certificate of an authority that is the gateway's alone.
    pub client_certificates: bool,
}

/// How many calls a second are answered; 0 for any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Those of one organization together.
    pub per_organization: u32,
    /// Those of one caller: one subject, or one cluster where a token names no subject.
    pub per_identity: u32,
}
