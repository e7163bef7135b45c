//! `gathering token`

use gathering_auth::{IssuerSettings, SigningKey, TokenRequest};
use gathering_domain::time::{Clock, SystemClock};

use super::console::print;
use crate::ServerError;
use crate::cli::Token;
use crate::config::Config;

pub(super) fn run(config: &Config, arguments: Token) -> Result<(), ServerError> {
    let Token {
        action: _,
        org,
        cluster,
        scope,
        ttl,
        subject,
        hmac_secret_file,
        private_key_file,
        key_id,
        issuer,
    } = arguments;
    let IssuerSettings { issuer, audience, algorithms, keys, mapping } = chosen(config.issuers(), issuer)?;
    let key = match (private_key_file, hmac_secret_file.or(keys.hmac_secret_file)) {
        (Some(path), _) => SigningKey::private_pem_from_file(&path)?,
        (None, Some(path)) => SigningKey::hmac_from_file(&path)?,
        (None, None) => {
            return Err(ServerError::Usage(
                "no key to sign with: give --hmac-secret-file or --private-key-file, or set auth.keys.hmac_secret_file",
            ));
        }
    };
    let request = TokenRequest {
        organization: org.ok_or(ServerError::Usage("a token needs an organization: give --org"))?,
        cluster,
        scopes: scope,
        lifetime: ttl,
        issuer,
        audience,
        subject,
        key_id,
        mapping,
    };
    print(request.mint(&key.with_one_of(&algorithms)?, SystemClock.now())? + "\n")
}

/// The issuer that was asked for, or the only one.
fn chosen(mut issuers: Vec<IssuerSettings>, name: Option<String>) -> Result<IssuerSettings, ServerError> {
    if let Some(name) = name {
        issuers.retain(|issuer| issuer.issuer.as_ref() == Some(&name));
        return issuers.pop().ok_or(ServerError::Usage("--issuer names none of the configured issuers"));
    }
    match (issuers.pop(), issuers.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => {
            Err(ServerError::Usage("there are several auth.issuers: say with --issuer which the token is of"))
        }
    }
}
