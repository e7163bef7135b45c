//! The section on authentication, each key with its type and range. `config/default.toml` says what they mean.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_auth::{Algorithm, IpNet, KeyUrl};
use gathering_domain::OrganizationId;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::value::{duration, size, whole};

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Auth {
    pub mode: AuthMode,
    pub disabled_org: OrganizationId,
    #[serde(default, deserialize_with = "optional_name")]
    pub issuer: Option<String>,
    #[serde(default, deserialize_with = "optional_name")]
    pub audience: Option<String>,
    #[serde(deserialize_with = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    #[serde(deserialize_with = "leeway")]
    pub leeway: Duration,
    #[serde(deserialize_with = "token_size")]
    pub max_token: usize,
    #[serde(deserialize_with = "size")]
    pub token_cache: usize,
    pub keys: Keys,
    pub issuers: Vec<Issuer>,
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub gateway_secret_file: Option<PathBuf>,
    pub rate_limit: RateLimit,
}

/// `auth.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "config/default.toml documents each value")]
pub enum AuthMode {
    Jwt,
    IdentityHeader,
    Disabled,
}

/// `[auth.keys]`, and the same of each issuer
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Keys {
    pub hmac_secret_file: Option<PathBuf>,
    pub public_key_files: Vec<PathBuf>,
    pub jwks_file: Option<PathBuf>,
    #[serde(deserialize_with = "key_url")]
    pub jwks_url: Option<KeyUrl>,
    pub discovery: bool,
    pub ca_file: Option<PathBuf>,
}

/// `[[auth.issuers]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Issuer {
    #[serde(deserialize_with = "name")]
    pub issuer: String,
    #[serde(default, deserialize_with = "optional_name")]
    pub audience: Option<String>,
    #[serde(default, deserialize_with = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    #[serde(default)]
    pub keys: Keys,
}

/// `[auth.rate_limit]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct RateLimit {
    #[serde(deserialize_with = "whole::<_, _, 0, 1_000_000>")]
    pub per_organization: u32,
    #[serde(deserialize_with = "whole::<_, _, 0, 1_000_000>")]
    pub per_identity: u32,
}

impl Auth {
    /// What does not go together: the key, and why.
    pub(super) fn contradiction(&self) -> Option<(String, &'static str)> {
        let alone = [
            ("issuer", self.issuer.is_some()),
            ("audience", self.audience.is_some()),
            ("algorithms", !self.algorithms.is_empty()),
            ("keys.hmac_secret_file", self.keys.hmac_secret_file.is_some()),
            ("keys.public_key_files", !self.keys.public_key_files.is_empty()),
            ("keys.jwks_file", self.keys.jwks_file.is_some()),
            ("keys.jwks_url", self.keys.jwks_url.is_some()),
            ("keys.discovery", self.keys.discovery),
            ("keys.ca_file", self.keys.ca_file.is_some()),
        ];
        let set_here = alone.into_iter().find(|(_, is_set)| *is_set).filter(|_| !self.issuers.is_empty());
        if let Some((key, _)) = set_here {
            let problem =
                "with auth.issuers, each issuer has this key of its own, and it must not be set here";
            return Some((format!("auth.{key}"), problem));
        }
        for (number, issuer) in self.issuers.iter().enumerate() {
            if self.issuers.iter().take(number).any(|other| other.issuer == issuer.issuer) {
                let key = format!("auth.issuers[{number}].issuer");
                return Some((key, "another entry of auth.issuers has it too; give one entry all its keys"));
            }
        }
        if self.mode != AuthMode::IdentityHeader {
            let problem =
                "it counts in auth.mode = \"identity-header\" only, and here it would keep nobody out";
            if !self.trusted_proxies.is_empty() {
                return Some(("auth.trusted_proxies".to_owned(), problem));
            }
            if self.gateway_secret_file.is_some() {
                return Some(("auth.gateway_secret_file".to_owned(), problem));
            }
        }
        let own = std::iter::once(("auth".to_owned(), &self.keys));
        let theirs = self
            .issuers
            .iter()
            .enumerate()
            .map(|(number, one)| (format!("auth.issuers[{number}]"), &one.keys));
        own.chain(theirs).find_map(|(prefix, keys)| {
            let (key, problem) = keys.contradiction()?;
            Some((format!("{prefix}.keys.{key}"), problem))
        })
    }
}

impl Keys {
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        if self.discovery && self.jwks_url.is_some() {
            Some(("discovery", "jwks_url says where the keys are already"))
        } else if self.ca_file.is_some() && !self.discovery && self.jwks_url.is_none() {
            Some(("ca_file", "it is of use with jwks_url or discovery only"))
        } else {
            None
        }
    }
}

/// A text that tells something: an empty one, of a variable that was not filled in, would refuse every token or none.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.trim().is_empty() {
        Err(D::Error::custom("it must not be empty; leave the key out not to check it"))
    } else {
        Ok(name)
    }
}

fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    name(deserializer).map(Some)
}

/// Clocks differ by seconds; more than minutes would let expired tokens in for as long.
fn leeway<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let leeway = duration(deserializer)?;
    if leeway > Duration::from_secs(600) {
        Err(D::Error::custom("it has to be at most 10m"))
    } else {
        Ok(leeway)
    }
}

/// A head of 128 KiB is the largest that the HTTP server reads, and a token is not all of it.
fn token_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = size(deserializer)?;
    if (1024..=64 * 1024).contains(&size) {
        Ok(size)
    } else {
        Err(D::Error::custom("it has to be from 1 KiB to 64 KiB"))
    }
}

fn algorithms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
    const EXPECTED: &str = "each has to be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
        ES384 and EdDSA";
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| name.parse().map_err(|_| D::Error::custom(EXPECTED))).collect()
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    const EXPECTED: &str = "each has to be a network such as 10.1.0.0/16 or fd00::/8, or an IP address";
    let one = |text: &String| {
        let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network: IpNet = text.parse().or_else(|_| address()).map_err(|_| D::Error::custom(EXPECTED))?;
        // An IPv4 network in the way of IPv6 would match nobody, and bits behind the prefix are a slip in one of both.
        let is_mapped = matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
        if is_mapped || network.addr() != network.network() {
            Err(D::Error::custom(EXPECTED))
        } else {
            Ok(network)
        }
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(one).collect()
}

fn key_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeyUrl>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}
