//! One command a file. Each gets what it needs and says what went wrong; exit codes are made here.

mod config;
mod demo;
mod health;
mod import_content;
mod import_results;
mod inspect_token;
mod migrate;
mod openapi;
mod serve;
mod token;

use std::future::Future;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, ImportWhat, Options, TokenAction};
use crate::config::{Config, Sources};
use crate::{ServerError, logging};

/// Runs the program: reads the command line, does what it says, and tells how it went.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with exit code 0.
            let text = error.render().to_string();
            if text.split(SEPARATORS).any(is_token) {
                let _ = write!(std::io::stderr(), "{}", without_tokens(&text));
            } else {
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has read enough.
        Err(ServerError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "gathering: {}", one_line(&error.to_string()));
            ExitCode::from(error.exit_code())
        }
    }
}

/// What words of a message stand between.
const SEPARATORS: [char; 6] = [' ', '\n', '\'', '"', '=', ','];

/// A token that was given where none is taken; the message about it must not repeat it.
fn is_token(word: &str) -> bool {
    word.len() > 30 && word.matches('.').count() == 2 && !word.contains('/')
}

fn without_tokens(text: &str) -> String {
    let words = text.split_inclusive(SEPARATORS).map(|word| {
        let (bare, separator) = word.split_at(word.trim_end_matches(SEPARATORS).len());
        if is_token(bare) { format!("***{separator}") } else { word.to_owned() }
    });
    words.collect()
}

fn dispatch(cli: Cli) -> Result<(), ServerError> {
    let outer = cli.options;
    match cli.command {
        Command::Serve(with) => serve::run(&load(outer.and(with.options), None)?, with.arguments.role),
        Command::Demo(with) => demo::run(&load(outer.and(with.options), Some(demo::SETTINGS))?),
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
        Command::Token(with) => {
            let (outer, mut arguments) = (outer.and(with.options), with.arguments);
            match arguments.action.take() {
                None => token::run(&load(outer, None)?, arguments),
                Some(TokenAction::Inspect(inspect)) if arguments.org.is_none() => {
                    inspect_token::run(&load(outer.and(inspect.options), None)?, &inspect.arguments)
                }
                Some(TokenAction::Inspect(_)) => Err(ServerError::Usage("token inspect takes no --org")),
            }
        }
        Command::Config(with) => config::run(&load(outer.and(with.options), None)?, &with.arguments),
        Command::OpenApi(with) => openapi::run(&load(outer.and(with.options), None)?),
        Command::Health(with) => health::run(&load(outer.and(with.options), None)?, &with.arguments),
    }
}

fn load(options: Options, demo: Option<&str>) -> Result<Config, ServerError> {
    let config = Config::load(&Sources {
        demo: demo.map(str::to_owned),
        file: options.config.or_else(|| std::env::var_os("GATHERING_CONFIG").map(Into::into)),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        assignments: options.assignments,
    })?;
    logging::init(&config.log);
    Ok(config)
}

/// Runs async work on this thread. What is stuck in a blocking call when the work is done is left behind: waiting for
/// it could take for ever.
fn block_on<T>(work: impl Future<Output = Result<T, ServerError>>) -> Result<T, ServerError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServerError::system("the runtime cannot start"))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// Writes to standard output.
fn print(text: impl AsRef<str>) -> Result<(), ServerError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes()).and_then(|()| stdout.flush()).map_err(ServerError::Output)
}

/// Writes a line to standard error; there is nowhere to tell if that fails.
fn tell(line: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", one_line(line.as_ref()));
}

/// Drivers say things in several lines; a sentence is one.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_wrong_place_is_not_repeated() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJvcmdfaWQiOiI0MiJ9.c2lnbmF0dXJl";
        let text = format!("error: unexpected argument '{token}' found\n\nUsage: x {token}");
        assert!(text.split(SEPARATORS).any(is_token));
        assert_eq!(without_tokens(&text), "error: unexpected argument '***' found\n\nUsage: x ***");
        for harmless in
            ["error: a value is required for '--set <SECTION.KEY=VALUE>'", "http://127.0.0.1:9090", "1.2.3"]
        {
            assert!(!harmless.split(SEPARATORS).any(is_token), "{harmless}");
        }
    }
}
