//! One command a file. Each gets what it needs and says what went wrong; exit codes are made here.

mod addresses;
mod audit;
mod backup;
mod config;
mod console;
mod dead_letters;
mod demo;
mod erase;
mod health;
mod import_content;
mod import_results;
mod inspect_token;
mod migrate;
mod openapi;
mod private_folder;
mod progress;
mod runtime;
mod sample;
mod serve;
mod show;
mod signals;
mod token;
mod watch;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use self::console::{print_error, print_usage};
use crate::cli::{Cli, Command, DeadLettersAction, ImportWhat, Options, SampleWhat, TokenAction};
use crate::config::{Config, Sources};
use crate::{ServerError, logging};

/// Runs the program: reads the command line, does what it says, and tells how it went.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with exit code 0.
            print_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has read enough.
        Err(ServerError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            print_error(format!("gathering: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), ServerError> {
    let outer = cli.options;
    match cli.command {
        Command::Serve(with) => serve::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::Demo(with) => {
            let options = outer.and(with.options);
            demo::run(|settings| load(options, Some(settings)), with.arguments)
        }
        Command::Sample(middle) => print_sample(outer.and(middle.options), middle.arguments.what),
        Command::Migrate(with) => migrate::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::Import(middle) => {
            let outer = outer.and(middle.options);
            match middle.arguments.what {
                ImportWhat::Results(with) => {
                    import_results::run(&load(outer.and(with.options), None)?, &with.arguments)
                }
                ImportWhat::Content(with) => {
                    import_content::run(&load(outer.and(with.options), None)?, &with.arguments)
                }
            }
        }
        Command::Backup(with) => backup::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::Erase(with) => erase::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::Show(with) => show::run(&load(outer.and(with.options), None)?, with.arguments),
        Command::DeadLetters(middle) => {
            let outer = outer.and(middle.options);
            match middle.arguments.action {
                DeadLettersAction::List(with) => {
                    dead_letters::list(&load(outer.and(with.options), None)?, with.arguments)
                }
                DeadLettersAction::Replay(with) => {
                    dead_letters::replay(&load(outer.and(with.options), None)?, with.arguments)
                }
            }
        }
        Command::Token(with) => {
            let (outer, mut arguments) = (outer.and(with.options), with.arguments);
            match arguments.action.take() {
                None => token::run(&load_for_tokens(outer)?, arguments),
                Some(TokenAction::Inspect(inspect)) if arguments.org.is_none() => {
                    inspect_token::run(&load_for_tokens(outer.and(inspect.options))?, &inspect.arguments)
                }
                Some(TokenAction::Inspect(_)) => Err(ServerError::Usage("token inspect takes no --org")),
            }
        }
        Command::Config(with) => config::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::OpenApi(with) => openapi::run(&load(outer.and(with.options), None)?),
        Command::Watch(with) => watch::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::Health(with) => health::run(&load(outer.and(with.options), None)?, &with.arguments),
    }
}

fn print_sample(outer: Options, what: SampleWhat) -> Result<(), ServerError> {
    match what {
        SampleWhat::Result(with) => {
            load(outer.and(with.options), None)?;
            sample::result(with.arguments)
        }
        SampleWhat::Announcement(with) => {
            load(outer.and(with.options), None)?;
            sample::announcement(with.arguments)
        }
    }
}

fn load(options: Options, demo: Option<&str>) -> Result<Config, ServerError> {
    load_from(&Sources { demo: demo.map(str::to_owned), ..sources(options) })
}

fn load_for_tokens(options: Options) -> Result<Config, ServerError> {
    load_from(&Sources { for_tokens: true, ..sources(options) })
}

fn load_from(sources: &Sources) -> Result<Config, ServerError> {
    let config = Config::load(sources)?;
    logging::init(&config.log);
    Ok(config)
}

fn sources(options: Options) -> Sources {
    Sources {
        file: options.config.or_else(|| path_in("GATHERING_CONFIG")),
        platform: path_in("ACG_CONFIG"),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        assignments: options.assignments,
        ..Sources::default()
    }
}

/// The path that a variable names. An empty one names none.
fn path_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(Into::into)
}
