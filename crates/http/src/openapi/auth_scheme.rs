//! How callers authenticate, as the document describes it.

use gathering_auth::AuthHeaderName;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// How callers authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    BearerToken,
    /// A header that a gateway in front puts in.
    IdentityHeader,
    /// The certificate of the connection.
    ClientCertificate,
    None,
}

impl AuthScheme {
    /// The name of the scheme in the document, and its description.
    pub(super) fn security_scheme(self) -> Option<(&'static str, SecurityScheme)> {
        match self {
            Self::BearerToken => {
                let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
                    "A JSON Web Token with the claims `org_id` and `exp`, and the scope `read` (also without `scope`) \
                     or `write`, unless the service is told of other names for them.",
                ));
                Some(("bearerToken", SecurityScheme::Http(token.build())))
            }
            Self::IdentityHeader => {
                let header = ApiKeyValue::with_description(
                    AuthHeaderName::Identity.name(),
                    "The identity that the gateway in front puts in: base64 of a JSON object.",
                );
                Some(("identityHeader", SecurityScheme::ApiKey(ApiKey::Header(header))))
            }
            Self::ClientCertificate => {
                let description = Some(
                    "A certificate of the authority that the service trusts for its callers.".to_owned(),
                );
                Some((
                    "clientCertificate",
                    SecurityScheme::MutualTls { description, deprecated: None, extensions: None },
                ))
            }
            Self::None => None,
        }
    }
}
