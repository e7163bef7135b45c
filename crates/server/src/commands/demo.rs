//! `gathering demo`: the service on a database of its own, with data to try it on, or to test clients with.
//!
//! The data goes the way of all data: results are messages, and are imported as those of a pipeline are.

mod folder;
mod introduction;
mod loading;
mod minter;
mod records;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use gathering_auth::SigningKey;
use gathering_http::BindError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::folder::{DemoFiles, DemoFolder, make_secret};
use self::introduction::Introduction;
use self::loading::{Loaded, load_messages, load_own, prepare};
use self::minter::Minter;
use self::records::ORGANIZATION;
use super::addresses::Addresses;
use super::console::print;
use super::runtime::block_on;
use super::serve::{self, before_the_start};
use super::signals::Signals;
use crate::ServerError;
use crate::cli::{Demo, Role};
use crate::config::Config;
use crate::service::{Environment, Service};

const NO_SECRET: &str = "the demo needs auth.keys.hmac_secret_file to mint a token with";
const INPUT_TWICE: &str = "--until-eof and --messages - both need standard input; name a file instead";

/// How long an end waits for what is being loaded.
const FILLING: Duration = Duration::from_secs(1);

/// `load` reads the configuration with the demo's settings in it.
pub(super) fn run(
    load: impl FnOnce(&str) -> Result<Config, ServerError>,
    arguments: Demo,
) -> Result<(), ServerError> {
    let Demo { messages, supervision, .. } = &arguments;
    let supervision = *supervision;
    if supervision.until_eof && messages.iter().any(|file| file == Path::new("-")) {
        return Err(ServerError::Usage(INPUT_TWICE));
    }
    let mut kept = None;
    let result = block_on(async {
        // Left behind by a terminal that is closed, it would hold its address for ever. Before there is a folder: no signal is to
        // leave that behind.
        let mut signals = Signals::until(supervision.until_eof)?.or_hangup()?;
        let files = kept.insert(DemoFolder::new()?).files().clone();
        let config = load(&files.settings())?;
        let secret = config.auth.keys.hmac_secret_file.as_ref().ok_or(ServerError::Usage(NO_SECRET))?;
        make_secret(secret)?;
        let key = SigningKey::hmac_from_file(secret)?;
        // Before any data is touched: another demo may be running on it.
        check_free("http.bind", config.http.bind)?;
        check_free("admin.bind", config.admin.bind)?;
        let environment = Environment::system()?;
        let mut filling = filled(config.clone(), files.clone(), environment.clone(), arguments)?;
        let loaded = tokio::select! {
            loaded = &mut filling => loaded.map_err(ServerError::system("the data cannot be loaded"))??,
            // Reading may take any time: of a pipe, until somebody writes. What is being written is to be done before it is removed.
            end = signals.next() => {
                let _ = timeout(FILLING, filling).await;
                return before_the_start(end);
            }
        };
        let config = with_caller_of(config, &loaded);
        let minter = Minter { config: &config, key, now: environment.clock.now() };
        let at_once = files.clone();
        let started = |service: &Service| {
            let addresses = Addresses::of(&config, service);
            let organization = minter.organization(loaded.organization);
            let token = minter.mint(organization, None)?;
            if supervision.json {
                return addresses.print_line(minter.tokens_count().then_some(&*token), Some(organization));
            }
            print(Introduction { addresses, token, loaded, files: &files, minter: &minter }.text()?)
        };
        serve::serve(&config, Role::Api, environment, signals, started, move || at_once.remove()).await
    });
    // What works in the background yet would tell of a database that is gone.
    log::set_max_level(log::LevelFilter::Off);
    drop(kept);
    result
}

/// Fills the database, on a thread of its own: reading cannot be called off, and must hold up no signal.
fn filled(
    config: Config,
    files: DemoFiles,
    environment: Environment,
    arguments: Demo,
) -> Result<oneshot::Receiver<Result<Loaded, ServerError>>, ServerError> {
    let (tell, told) = oneshot::channel();
    let fill = move || {
        let loaded = block_on(async {
            let storage = prepare(&config, &files, arguments.content.as_ref(), &environment).await?;
            if arguments.messages.is_empty() {
                load_own(&config, &files, &environment).await
            } else {
                load_messages(&storage, &environment, &arguments).await
            }
        });
        // The command may be over.
        let _ = tell.send(loaded);
    };
    let thread = std::thread::Builder::new().name("demo data".to_owned()).spawn(fill);
    thread.map_err(ServerError::system("the data cannot be loaded"))?;
    Ok(told)
}

/// Where nobody is asked who calls, callers are of the organization whose data it is, unless the command line names another.
fn with_caller_of(mut config: Config, loaded: &Loaded) -> Config {
    if config.auth.disabled_org.to_string() == ORGANIZATION {
        config.auth.disabled_org = loaded.organization;
    }
    config
}

fn check_free(key: &'static str, address: SocketAddr) -> Result<(), ServerError> {
    let bound = TcpListener::bind(address);
    bound.map(drop).map_err(|source| BindError { key, address, source }.into())
}
