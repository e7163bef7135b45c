//! `gathering migrate`

use gathering_storage::Migrator;

use super::audit::{Of, audit};
use super::console::print;
use super::progress;
use crate::ServerError;
use crate::cli::Migrate;
use crate::config::Config;

pub(super) fn run(config: &Config, arguments: &Migrate) -> Result<(), ServerError> {
    let settings = config.storage_settings();
    if arguments.check {
        let names = Migrator::pending(&settings)?;
        if names.is_empty() {
            return print("the schema is up to date\n");
        }
        return Err(ServerError::SchemaBehind { url: settings.url.to_string(), names });
    }
    if arguments.revert {
        let reverted = Migrator::connect(&settings).and_then(|mut migrator| migrator.revert_last());
        // It takes tables with all that they hold.
        return match reverted.inspect_err(|_| audit("migrate.revert", Of::default(), "failed"))? {
            Some(name) => {
                audit("migrate.revert", Of::default(), &name);
                print(format!("reverted {name}\n"))
            }
            None => print("there is nothing to revert\n"),
        };
    }
    let line = progress::line("connecting to the database");
    let names = Migrator::bring_up_to_date_telling(&settings, |step| line.set_message(step.to_string()));
    line.finish_and_clear();
    let names = names?;
    if names.is_empty() {
        return print("the schema is up to date\n");
    }
    names.iter().try_for_each(|name| print(format!("applied {name}\n")))
}
