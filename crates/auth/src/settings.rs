//! What authentication has to be told. `config/default.toml` has the defaults and says more about each setting.

use std::path::PathBuf;
use std::time::Duration;

use gathering_domain::ids::OrganizationId;
use ipnet::IpNet;
use jsonwebtoken::Algorithm;

use crate::claim_mapping::ClaimMapping;
use crate::key_url::KeyUrl;
use crate::rbac_url::RbacUrl;

/// How callers prove who they are, and how often they may call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How callers prove who they are.
    pub mode: Mode,
    /// How often they may call.
    pub rate_limit: RateLimit,
}

impl Settings {
    /// The paths of all files with keys and secrets. They may change while the service runs, and
    /// [`Authenticator::reload`](crate::Authenticator::reload) reads them again.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.mode {
            Mode::Jwt(tokens) => {
                tokens.issuers.iter().flat_map(|issuer| issuer.keys.files()).cloned().collect()
            }
            Mode::IdentityHeader(gateway) => gateway.secret_file.iter().cloned().collect(),
            Mode::ClientCertificate(_) | Mode::Disabled { .. } => Vec::new(),
        }
    }
}

/// How callers prove who they are.
#[derive(Debug, Clone)]
pub enum Mode {
    /// With a JSON Web Token in `Authorization`.
    Jwt(TokenSettings),
    /// Not by themselves: a trusted gateway names them in the header `x-rh-identity`.
    IdentityHeader(GatewaySettings),
    /// With the certificate of the connection. The listener has to check it, and to ask for it.
    ClientCertificate(CertificateSettings),
    /// Not at all: every caller may read and write for one organization. Whoever starts the service has to make sure that it
    /// listens on a loopback address.
    Disabled {
        /// The organization of every caller.
        organization: OrganizationId,
    },
}

/// Which tokens are accepted.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Who may issue tokens: at least one. If there are several, each has its [`issuer`](IssuerSettings::issuer).
    pub issuers: Vec<IssuerSettings>,
    /// How far the clocks of issuers may be off. `exp`, `nbf` and `iat` are checked with this tolerance.
    pub leeway: Duration,
    /// The greatest accepted length of a token, in bytes.
    pub max_token: usize,
    /// How much memory verified tokens may take up, in bytes. With 0, each token is verified each time.
    pub cache_size: usize,
}

/// One issuer of tokens.
#[derive(Debug, Clone, Default)]
pub struct IssuerSettings {
    /// The `iss` that its tokens have to have. `None` accepts every `iss`, and tokens without one.
    pub issuer: Option<String>,
    /// The audience that the `aud` of its tokens has to name. `None` accepts every `aud`, and tokens without one.
    pub audience: Option<String>,
    /// The algorithms that its tokens may use. If empty, these are all that its keys are for.
    pub algorithms: Vec<Algorithm>,
    /// Its keys.
    pub keys: KeySettings,
    /// How its tokens say who calls and what they permit.
    pub mapping: ClaimMapping,
}

impl IssuerSettings {
    /// Whether a token with this `iss` is of this issuer.
    pub(crate) fn issues_as(&self, issuer: Option<&str>) -> bool {
        self.issuer.is_none() || self.issuer.as_deref() == issuer
    }
}

/// Where the keys of an issuer are. All that are set count together, and at least one of the first five has to be.
#[derive(Debug, Clone, Default)]
pub struct KeySettings {
    /// A file whose content is the secret of HS256, HS384 and HS512: 32 bytes or more, and a newline that does not count.
    pub hmac_secret_file: Option<PathBuf>,
    /// PEM files with one public key each: RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519.
    pub public_key_files: Vec<PathBuf>,
    /// A file with a JSON Web Key Set (RFC 7517), which may also hold secrets.
    pub jwks_file: Option<PathBuf>,
    /// The URL of a JSON Web Key Set without secrets.
    pub jwks_url: Option<KeyUrl>,
    /// Whether [`issuer`](IssuerSettings::issuer) is asked for the URL of its key set (`OpenID` Connect Discovery 1.0). Counts
    /// only without `jwks_url`.
    pub discovery: bool,
    /// A PEM file with the authorities that the server of the URL is checked against; `None` for those of the system.
    pub ca_file: Option<PathBuf>,
}

impl KeySettings {
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.hmac_secret_file.iter().chain(&self.public_key_files).chain(&self.jwks_file)
    }
}

/// What proves that a call comes from the gateway. At least one has to be set, and all that are set have to hold.
#[derive(Debug, Clone, Default)]
pub struct GatewaySettings {
    /// The networks that the gateway calls from. If empty, it may call from everywhere.
    pub trusted_proxies: Vec<IpNet>,
    /// A file with the secrets that the gateway may send in `x-gateway-secret`: one a line, each of 32 printable ASCII
    /// characters or more.
    pub secret_file: Option<PathBuf>,
    /// Whether the listener accepts only callers with a certificate of an authority that belongs to the gateway alone. The
    /// listener checks it, not this crate.
    pub client_certificates: bool,
    /// Whether an identity that names a cluster may ask for every cluster of its organization. Otherwise it is bound to that
    /// one.
    pub any_cluster: bool,
    /// Who says what service accounts may do; `None` lets them read like everybody else.
    pub rbac: Option<RbacSettings>,
}

/// The service that says what service accounts may do.
#[derive(Debug, Clone)]
pub struct RbacSettings {
    /// Where it is.
    pub url: RbacUrl,
    /// Whether accounts without the permission are refused. Otherwise they are counted and logged.
    pub enforce: bool,
}

/// What callers with a certificate may do.
#[derive(Debug, Clone)]
pub struct CertificateSettings {
    /// The organization of every caller. It has to be set.
    pub organization: Option<OrganizationId>,
    /// The cluster that a caller is bound to.
    pub cluster: ClusterBinding,
    /// The common names of callers that may write for every organization. They are bound to no cluster.
    pub writers: Vec<String>,
}

/// Which cluster a caller with a certificate is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterBinding {
    /// None: every caller reads whatever its organization has.
    None,
    /// The one whose UUID its subject's common name is. A caller with another name is rejected, unless it is a writer.
    CommonName,
}

/// How many calls a second are answered, in each process; as many may come at once. 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// The limit of all callers of an organization together.
    pub per_organization: u32,
    /// The limit of each caller: a subject, of a token or a certificate, or a cluster if the token names no subject.
    pub per_identity: u32,
}
