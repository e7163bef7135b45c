//! Why a caller is not let in, and what it can do about that.

use std::time::Duration;

/// Why a caller is not let in. The sentences are for the caller: they tell what to change and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No `Authorization` header.
    #[error("an Authorization header with a bearer token is required")]
    Missing,
    /// More than one `Authorization` header: which of them counts would be a guess.
    #[error("more than one Authorization header was sent")]
    Several,
    /// Another scheme than `Bearer`, or no token behind it.
    #[error("the Authorization header holds no bearer token")]
    Scheme,
    /// The token is longer than any that this service takes.
    #[error("the token is longer than {limit} characters")]
    TooLong {
        /// The most that one may have, in bytes: `auth.max_token`.
        limit: usize,
    },
    /// The token is not three parts of base64url with a JSON header and JSON claims.
    #[error("the token is not a JSON Web Token")]
    Malformed,
    /// A header parameter is of the wrong JSON type.
    #[error("the token's header parameter '{0}' is not usable")]
    Header(&'static str),
    /// The token's algorithm is `none`, unknown, or one that no configured key is for.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The header names extensions that must be understood; none is.
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
    /// A claim is missing, of the wrong JSON type, or out of its range.
    #[error("the token's claim '{0}' is missing or not usable")]
    Claim(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is yet to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is no configured issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// `aud` does not name the configured audience.
    #[error("the token is for another audience")]
    Audience,
    /// The keys of the token's issuer were never had, so that nobody can tell whether it is right.
    #[error("the keys of the token's issuer cannot be had at the moment, please try again")]
    KeysUnavailable,
    /// Whoever sent the identity did not prove to be the gateway.
    #[error("the call does not come from a trusted gateway")]
    Untrusted,
    /// No identity in the header of the gateway.
    #[error("an x-rh-identity header is required")]
    MissingIdentity,
    /// More than one identity.
    #[error("more than one x-rh-identity header was sent")]
    SeveralIdentities,
    /// The identity is longer than any that this service takes.
    #[error("the x-rh-identity header is longer than 32768 characters")]
    IdentityTooLong,
    /// The identity is no base64 of a JSON object, or a part of it is of the wrong type.
    #[error("the x-rh-identity header is not an identity in base64")]
    MalformedIdentity,
    /// The identity tells something twice that counts.
    #[error("the x-rh-identity header has a key twice, or in another letter case than usual")]
    AmbiguousIdentity,
    /// The identity is of a kind that this service does not know.
    #[error("the identity is not of the type User, System or ServiceAccount")]
    IdentityType,
    /// The identity has no organization that can be used.
    #[error("the identity's org_id is missing or not usable")]
    IdentityOrganization,
    /// The identity is bound to a cluster that cannot be read.
    #[error("the identity's cluster_id is not usable")]
    IdentityCluster,
    /// The organization called too often.
    #[error("the organization calls too often, please try again later")]
    OrganizationLimit {
        /// When the next call will be answered.
        retry_after: Duration,
    },
    /// The caller called too often.
    #[error("the caller calls too often, please try again later")]
    IdentityLimit {
        /// When the next call will be answered.
        retry_after: Duration,
    },
}

/// What a refused caller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Prove who it is, as the `WWW-Authenticate` header says (RFC 9110 section 11.6.1).
    Authenticate,
    /// Wait for this long: it calls too often.
    CallLess(Duration),
    /// Wait: nobody can be told at the moment.
    TryAgain,
}

impl Refused {
    /// What the caller can do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::OrganizationLimit { retry_after } | Self::IdentityLimit { retry_after } => {
                Remedy::CallLess(*retry_after)
            }
            Self::KeysUnavailable => Remedy::TryAgain,
            _ => Remedy::Authenticate,
        }
    }

    /// The value of the `WWW-Authenticate` header. For tokens it is that of RFC 6750 section 3: without an error code where
    /// there was no token, so that clients learn what is wanted and no more. Who calls without the gateway has no use for
    /// a token.
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
            _ => format!("{REALM}, error=\"invalid_token\", error_description=\"{self}\""),
        }
    }

    /// What [`label`](Self::label) can be.
    pub(crate) const LABELS: [&'static str; 28] = [
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
        "organization_limit",
        "identity_limit",
    ];

    /// The reason in one word, for metrics and logs.
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
            Self::Claim(_) => "claim",
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
            Self::OrganizationLimit { .. } => "organization_limit",
            Self::IdentityLimit { .. } => "identity_limit",
        }
    }
}
