//! `gathering config`

use std::sync::Arc;

use gathering_auth::Authenticator;
use gathering_domain::SystemClock;

use crate::cli::ConfigArguments;
use crate::commands::print;
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &ConfigArguments) -> Result<(), ServerError> {
    if arguments.check {
        Authenticator::from_settings(&config.auth_settings(), Arc::new(SystemClock))?;
        preparation::allow_list(config)?;
        if let Some(kafka) = config.kafka_settings() {
            kafka.check()?;
        }
        return Ok(());
    }
    print(&config.shown)
}
