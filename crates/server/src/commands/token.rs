//! `gathering token`

use gathering_auth::{SigningKey, TokenRequest};
use gathering_domain::{Clock, SystemClock};

use crate::ServerError;
use crate::cli::Token;
use crate::commands::print;
use crate::config::Config;

pub(super) fn run(config: &Config, arguments: Token) -> Result<(), ServerError> {
    let Token { org, cluster, scope, ttl, subject, hmac_secret_file, private_key_file } = arguments;
    let secret = hmac_secret_file.or_else(|| config.auth.keys.hmac_secret_file.clone());
    let key = match (private_key_file, secret) {
        (Some(path), _) => SigningKey::private_pem_from_file(&path)?,
        (None, Some(path)) => SigningKey::hmac_from_file(&path)?,
        (None, None) => {
            return Err(ServerError::Usage(
                "no key to sign with: give --hmac-secret-file or --private-key-file, or set auth.keys.hmac_secret_file",
            ));
        }
    };
    let request = TokenRequest {
        organization: org,
        cluster,
        scopes: scope,
        lifetime: ttl,
        issuer: config.auth.issuer.clone(),
        audience: config.auth.audience.clone(),
        subject,
    };
    print(request.mint(&key, SystemClock.now())? + "\n")
}
