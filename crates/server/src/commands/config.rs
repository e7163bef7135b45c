//! `gathering config`

use std::sync::Arc;

use gathering_auth::Authenticator;
use gathering_domain::SystemClock;

use crate::cli::ConfigArguments;
use crate::commands::print;
use crate::config::Config;
use crate::{ServerError, service};

pub(super) fn run(config: &Config, arguments: &ConfigArguments) -> Result<(), ServerError> {
    if arguments.check {
        Authenticator::from_settings(&config.auth_settings(), Arc::new(SystemClock))?;
        service::allow_list(config)?;
        return Ok(());
    }
    print(&config.shown)
}
