//! `gathering config`

use super::console::print;
use crate::cli::ConfigArguments;
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &ConfigArguments) -> Result<(), ServerError> {
    if arguments.check {
        return preparation::check_files(config);
    }
    print(&config.shown)
}
