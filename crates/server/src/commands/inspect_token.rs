//! `gathering token inspect`

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use gathering_auth::{Authenticator, Inspection};
use gathering_domain::time::{Clock, SystemClock};
use gathering_support::visible;

use super::console::print;
use super::runtime::block_on;
use crate::ServerError;
use crate::cli::Inspect;
use crate::config::{AuthMode, Config};

/// More than any token; whoever pipes a large file in is told so soon.
const MAX_INPUT: u64 = 128 * 1024;

pub(super) fn run(config: &Config, arguments: &Inspect) -> Result<(), ServerError> {
    if config.auth.mode != AuthMode::Jwt {
        return Err(ServerError::Usage(
            "tokens count in auth.mode = \"jwt\" only, and another is configured",
        ));
    }
    let input = match arguments.token.join(" ") {
        token if token.is_empty() || token == "-" => read()?,
        token => token,
    };
    // Alone, or as it stands in the header.
    let token = input.split_whitespace().next_back().unwrap_or_default();
    if token.is_empty() {
        return Err(ServerError::Usage("there is no token: give it as an argument or on standard input"));
    }

    let facts = Inspection::of(token, config.auth.max_token, &config.issuers(), SystemClock.now());
    let facts = facts.map_err(ServerError::TokenRefused)?.facts;
    // Claims are texts of whoever made the token; a terminal gets nothing of them that it obeys.
    let lines = facts.into_iter().map(|fact| format!("{:<11} {}\n", fact.name, visible(&fact.value)));
    print(lines.collect::<String>())?;

    let (verified, issuers) = block_on(async {
        let tick = Duration::from_secs(1);
        let authenticator = Authenticator::start(&config.auth_settings(), Arc::new(SystemClock), tick)?;
        let verified = authenticator.verify_token(token).await;
        Ok((verified, authenticator.describe_issuers()))
    })?;
    match verified {
        Some(Err(rejection)) => {
            let issuers = issuers.iter().map(|issuer| format!("expected    {}\n", visible(issuer)));
            print(issuers.collect::<String>())?;
            Err(ServerError::TokenRefused(rejection))
        }
        Some(Ok(identity)) if identity.may_do_nothing() => {
            print("the token is good, and lets in nothing: none of its scopes permits anything here\n")
        }
        _ => print("the token is good\n"),
    }
}

fn read() -> Result<String, ServerError> {
    let mut input = String::new();
    let read = std::io::stdin().take(MAX_INPUT).read_to_string(&mut input);
    read.map_err(ServerError::system("the token cannot be read from standard input"))?;
    Ok(input)
}
