//! Why a caller is not let in, and what it can do about that.

use std::time::Duration;

/// Why a caller is not let in. The texts are sent to the caller: they say what to change, and give no secret away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthRejection {
    /// The call has no `Authorization` header.
    #[error("an Authorization header with a bearer token is required")]
    Missing,
    /// The call has more than one `Authorization` header, and nobody could say which one counts.
    #[error("more than one Authorization header was sent")]
    Several,
    /// The `Authorization` header has another scheme than `Bearer`, or no token after it.
    #[error("the Authorization header holds no bearer token")]
    Scheme,
    /// The token is longer than this service accepts.
    #[error("the token is longer than {limit} characters")]
    TooLong {
        /// The greatest accepted length in bytes: `auth.max_token`.
        limit: usize,
    },
    /// The token is not three parts of base64url, of which the first two are JSON objects.
    #[error("the token is not a JSON Web Token")]
    Malformed,
    /// The header parameter of this name has the wrong JSON type.
    #[error("the token's header parameter '{0}' is not usable")]
    Header(&'static str),
    /// The token's algorithm is `none`, unknown, not allowed for its issuer, or one that no key of the issuer is for.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The header has `crit`: extensions that have to be understood, of which this service knows none.
    #[error("the token has critical header extensions, which are not supported")]
    Critical,
    /// The token names a key (`kid`) that its issuer does not have.
    #[error("the token was signed with a key that is not known")]
    UnknownKey,
    /// The token names no key, and more than one might have signed it.
    #[error("the token names no key (kid), and its issuer has several")]
    KeyNotNamed,
    /// No key verifies the signature.
    #[error("the token's signature does not verify")]
    Signature,
    /// The claim of this name is missing, has the wrong JSON type, or is out of its range.
    #[error("the token's claim '{0}' is missing or not usable")]
    Claim(&'static str),
    /// The organization is missing where tokens of the issuer name it, or is not a number from 1 to 4294967295.
    #[error("the token's organization is missing or not usable")]
    TokenOrganization,
    /// The token is bound to something that is not the UUID of a cluster.
    #[error("the token's cluster is not usable")]
    TokenCluster,
    /// The scopes of the token are neither a text nor a list of texts.
    #[error("the token's scopes are not usable")]
    TokenScope,
    /// The time `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// The time `nbf` or `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The claim `iss` names no configured issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// The claim `aud` does not name the configured audience.
    #[error("the token is for another audience")]
    Audience,
    /// Nobody can tell whether the token is good: the keys of its issuer could not be fetched.
    #[error("the keys of the token's issuer cannot be had at the moment, please try again")]
    KeysUnavailable,
    /// The call does not come from the gateway, or did not prove that it does.
    #[error("the call does not come from a trusted gateway")]
    Untrusted,
    /// The header of the gateway is missing or empty.
    #[error("an x-rh-identity header is required")]
    MissingIdentity,
    /// The call has more than one header with an identity.
    #[error("more than one x-rh-identity header was sent")]
    SeveralIdentities,
    /// The header with the identity is longer than 32768 bytes.
    #[error("the x-rh-identity header is longer than 32768 characters")]
    IdentityTooLong,
    /// The identity is not base64 of a JSON object, or a part of it has the wrong JSON type.
    #[error("the x-rh-identity header is not an identity in base64")]
    MalformedIdentity,
    /// The identity has a key that counts twice, or in another letter case than usual.
    #[error("the x-rh-identity header has a key twice, or in another letter case than usual")]
    AmbiguousIdentity,
    /// The identity has a type that this service does not know.
    #[error("the identity is not of the type User, System or ServiceAccount")]
    IdentityType,
    /// The organization of the identity is missing, or is not a number from 1 to 4294967295.
    #[error("the identity's org_id is missing or not usable")]
    IdentityOrganization,
    /// The identity is bound to a cluster whose ID is not a UUID.
    #[error("the identity's cluster_id is not usable")]
    IdentityCluster,
    /// Nobody can tell what the service account may do: the RBAC service gives no answer.
    #[error("the permissions of the service account cannot be had at the moment, please try again")]
    PermissionsUnavailable,
    /// The caller's connection has no certificate.
    #[error("a client certificate is required")]
    MissingCertificate,
    /// Callers are bound to the clusters of their names, and this certificate names none.
    #[error(
        "the certificate's subject has no single common name that is the UUID of a cluster, or a name that may write"
    )]
    CertificateName,
    /// The organization calls too often.
    #[error("the organization calls too often, please try again later")]
    OrganizationLimit {
        /// How long to wait until the next call is answered.
        retry_after: Duration,
    },
    /// The caller calls too often.
    #[error("the caller calls too often, please try again later")]
    IdentityLimit {
        /// How long to wait until the next call is answered.
        retry_after: Duration,
    },
}

/// What a rejected caller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Prove who it is, as the `WWW-Authenticate` header says (RFC 9110 section 11.6.1). Answered with status 401.
    Authenticate,
    /// Wait for this long, since it calls too often. Answered with status 429.
    CallLess(Duration),
    /// Try again later, since nobody can be let in at the moment. Answered with status 503.
    TryAgain,
}

impl AuthRejection {
    /// What the caller can do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::OrganizationLimit { retry_after } | Self::IdentityLimit { retry_after } => {
                Remedy::CallLess(*retry_after)
            }
            Self::KeysUnavailable | Self::PermissionsUnavailable => Remedy::TryAgain,
            _ => Remedy::Authenticate,
        }
    }

    /// The value of the `WWW-Authenticate` header. For tokens it follows RFC 6750 section 3, which names no error where
    /// there was no token. Where a gateway or a certificate is needed, it names a scheme of its own, so that no client sends a
    /// token.
    pub fn challenge(&self) -> String {
        const REALM: &str = "Bearer realm=\"gathering\"";
        match self {
            Self::Missing | Self::Scheme => REALM.to_owned(),
            Self::Several => format!("{REALM}, error=\"invalid_request\", error_description=\"{self}\""),
            Self::Untrusted
            | Self::MissingIdentity
            | Self::SeveralIdentities
            | Self::IdentityTooLong
            | Self::MalformedIdentity
            | Self::AmbiguousIdentity
            | Self::IdentityType
            | Self::IdentityOrganization
            | Self::IdentityCluster => "Gateway realm=\"gathering\"".to_owned(),
            Self::MissingCertificate | Self::CertificateName => "Certificate realm=\"gathering\"".to_owned(),
            _ => format!("{REALM}, error=\"invalid_token\", error_description=\"{self}\""),
        }
    }

    /// Every value that [`label`](Self::label) can have.
    pub(crate) const LABELS: [&'static str; 31] = [
        "missing",
        "several",
        "scheme",
        "too_long",
        "malformed",
        "header",
        "algorithm",
        "critical",
        "unknown_key",
        "key_not_named",
        "signature",
        "claim",
        "expired",
        "not_yet_valid",
        "issuer",
        "audience",
        "keys_unavailable",
        "untrusted",
        "missing_identity",
        "several_identities",
        "identity_too_long",
        "malformed_identity",
        "ambiguous_identity",
        "identity_type",
        "identity_organization",
        "identity_cluster",
        "permissions_unavailable",
        "missing_certificate",
        "certificate_name",
        "organization_limit",
        "identity_limit",
    ];

    /// The reason as one word of lower-case letters and underscores, for metrics and logs. It stays the same between
    /// versions.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Several => "several",
            Self::Scheme => "scheme",
            Self::TooLong { .. } => "too_long",
            Self::Malformed => "malformed",
            Self::Header(_) => "header",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown_key",
            Self::KeyNotNamed => "key_not_named",
            Self::Signature => "signature",
            Self::Claim(_) | Self::TokenOrganization | Self::TokenCluster | Self::TokenScope => "claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Untrusted => "untrusted",
            Self::MissingIdentity => "missing_identity",
            Self::SeveralIdentities => "several_identities",
            Self::IdentityTooLong => "identity_too_long",
            Self::MalformedIdentity => "malformed_identity",
            Self::AmbiguousIdentity => "ambiguous_identity",
            Self::IdentityType => "identity_type",
            Self::IdentityOrganization => "identity_organization",
            Self::IdentityCluster => "identity_cluster",
            Self::PermissionsUnavailable => "permissions_unavailable",
            Self::MissingCertificate => "missing_certificate",
            Self::CertificateName => "certificate_name",
            Self::OrganizationLimit { .. } => "organization_limit",
            Self::IdentityLimit { .. } => "identity_limit",
        }
    }
}
