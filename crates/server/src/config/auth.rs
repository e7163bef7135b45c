//! The section on authentication, each key with its type and range. `config/default.toml` says what they mean.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_auth::{
    AbsentScope, Algorithm, ClaimPath, ClusterBinding, IpNet, KeyUrl, MAX_COMMON_NAME, RbacUrl,
};
use gathering_domain::ids::OrganizationId;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::{DeserializeAs, DisplayFromStr, serde_as};

use super::value::{Name, Size, Time, Whole, text};

/// `[auth]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub mode: AuthMode,
    pub disabled_org: OrganizationId,
    #[serde_as(as = "Option<Name>")]
    pub issuer: Option<String>,
    #[serde_as(as = "Option<Name>")]
    pub audience: Option<String>,
    #[serde_as(as = "Vec<AlgorithmName>")]
    pub algorithms: Vec<Algorithm>,
    #[serde_as(as = "Leeway")]
    pub leeway: Duration,
    #[serde_as(as = "TokenSize")]
    pub max_token: usize,
    #[serde_as(as = "Size")]
    pub token_cache: usize,
    pub keys: Keys,
    pub claims: Claims,
    #[serde_as(as = "Whole<0, { u32::MAX }>")]
    pub default_organization: u32,
    pub scopes: Scopes,
    pub issuers: Vec<Issuer>,
    #[serde_as(as = "Vec<Network>")]
    pub trusted_proxies: Vec<IpNet>,
    pub gateway_secret_file: Option<PathBuf>,
    pub gateway_binding: bool,
    pub certificate: Certificate,
    pub rbac: Rbac,
    pub rate_limit: RateLimit,
}

/// `auth.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    Jwt,
    IdentityHeader,
    ClientCertificate,
    Disabled,
}

/// `[auth.keys]`, and the same of each issuer
#[serde_as]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    pub hmac_secret_file: Option<PathBuf>,
    pub public_key_files: Vec<PathBuf>,
    pub jwks_file: Option<PathBuf>,
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub jwks_url: Option<KeyUrl>,
    pub discovery: bool,
    pub ca_file: Option<PathBuf>,
}

/// `[[auth.issuers]]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    #[serde_as(as = "Name")]
    pub issuer: String,
    #[serde_as(as = "Option<Name>")]
    pub audience: Option<String>,
    #[serde(default)]
    #[serde_as(as = "Vec<AlgorithmName>")]
    pub algorithms: Vec<Algorithm>,
    #[serde(default)]
    pub keys: Keys,
    #[serde(default)]
    pub claims: Claims,
    #[serde(default)]
    #[serde_as(as = "Option<Whole<0, { u32::MAX }>>")]
    pub default_organization: Option<u32>,
    #[serde(default)]
    pub scopes: Scopes,
}

/// `[auth.claims]`, and the same of each issuer, where what is left out is as it is there
#[serde_as]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub organization: Option<ClaimPath>,
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub cluster: Option<ClaimPath>,
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub scope: Option<ClaimPath>,
}

/// `[auth.scopes]`, and the same of each issuer, where what is left out is as it is there
#[serde_as]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    #[serde_as(as = "Option<Vec<ScopeWord>>")]
    pub read: Option<Vec<String>>,
    #[serde_as(as = "Option<Vec<ScopeWord>>")]
    pub write: Option<Vec<String>>,
    #[serde_as(as = "Option<Vec<ScopeWord>>")]
    pub write_any: Option<Vec<String>>,
    #[serde_as(as = "Option<WhatAbsentGrants>")]
    pub absent: Option<AbsentScope>,
}

/// `[auth.certificate]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub organization: Option<OrganizationId>,
    #[serde_as(as = "Binding")]
    pub cluster: ClusterBinding,
    #[serde_as(as = "Vec<CommonName>")]
    pub writers: Vec<String>,
}

/// `[auth.rbac]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rbac {
    #[serde_as(as = "Option<DisplayFromStr>")]
    pub url: Option<RbacUrl>,
    pub enforce: bool,
}

/// `[auth.rate_limit]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    #[serde_as(as = "Whole<0, 1_000_000>")]
    pub per_organization: u32,
    #[serde_as(as = "Whole<0, 1_000_000>")]
    pub per_identity: u32,
}

/// Clocks differ by seconds; more than minutes would let expired tokens in for as long.
struct Leeway;

impl<'de> DeserializeAs<'de, Duration> for Leeway {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let leeway = Time::deserialize_as(deserializer)?;
        if leeway > Duration::from_secs(600) {
            Err(D::Error::custom("it has to be at most 10m"))
        } else {
            Ok(leeway)
        }
    }
}

/// A head of 128 KiB is the largest that the HTTP server reads, and a token is not all of it.
struct TokenSize;

impl<'de> DeserializeAs<'de, usize> for TokenSize {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        let size = Size::deserialize_as(deserializer)?;
        if (1024..=64 * 1024).contains(&size) {
            Ok(size)
        } else {
            Err(D::Error::custom("it has to be from 1 KiB to 64 KiB"))
        }
    }
}

/// A word among those that spaces separate: one with a space in it, or an empty one, would not be found where it was meant.
struct ScopeWord;

impl<'de> DeserializeAs<'de, String> for ScopeWord {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let is_word =
            |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control());
        text(deserializer, "a list of words without spaces, such as [\"read\"]", |word| {
            is_word(word).then(|| word.to_owned())
        })
    }
}

struct WhatAbsentGrants;

impl<'de> DeserializeAs<'de, AbsentScope> for WhatAbsentGrants {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<AbsentScope, D::Error> {
        text(deserializer, "\"read\" or \"nothing\"", |text| match text {
            "read" => Some(AbsentScope::Read),
            "nothing" => Some(AbsentScope::Nothing),
            _ => None,
        })
    }
}

struct Binding;

impl<'de> DeserializeAs<'de, ClusterBinding> for Binding {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<ClusterBinding, D::Error> {
        text(deserializer, "\"none\" or \"common-name\"", |word| match word {
            "none" => Some(ClusterBinding::None),
            "common-name" => Some(ClusterBinding::CommonName),
            _ => None,
        })
    }
}

/// A name that a certificate can have. One that no certificate can have would be a slip that keeps somebody out.
struct CommonName;

impl<'de> DeserializeAs<'de, String> for CommonName {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let expected =
            "a common name of 1 to 256 bytes, without control characters and without blanks around it";
        text(deserializer, expected, |name| {
            let is_name = (1..=MAX_COMMON_NAME).contains(&name.len())
                && name.trim() == name
                && !name.chars().any(char::is_control);
            is_name.then(|| name.to_owned())
        })
    }
}

struct AlgorithmName;

impl<'de> DeserializeAs<'de, Algorithm> for AlgorithmName {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Algorithm, D::Error> {
        let expected =
            "one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA";
        text(deserializer, expected, |name| name.parse().ok())
    }
}

struct Network;

impl<'de> DeserializeAs<'de, IpNet> for Network {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
        let expected = "a network such as 10.1.0.0/16 or fd00::/8, or an IP address";
        text(deserializer, expected, |text| {
            let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            let network: IpNet = text.parse().or_else(|_| address()).ok()?;
            // An IPv4 network in the way of IPv6 would match nobody, and bits behind the prefix are a slip in one of both.
            let is_mapped =
                matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
            (!is_mapped && network.addr() == network.network()).then_some(network)
        })
    }
}
