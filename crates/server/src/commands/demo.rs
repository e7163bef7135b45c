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

use gathering_auth::SigningKey;
use gathering_http::BindError;

pub(super) use self::folder::DemoFolder;
use self::folder::make_secret;
use self::introduction::Introduction;
use self::loading::{load_messages, load_own, prepare};
use self::minter::Minter;
use super::addresses::Addresses;
use super::console::print;
use super::runtime::block_on;
use super::serve;
use super::signals::Signals;
use crate::ServerError;
use crate::cli::{Demo, Role};
use crate::config::Config;
use crate::service::Environment;

const NO_SECRET: &str = "the demo needs auth.keys.hmac_secret_file to mint a token with";
const INPUT_TWICE: &str = "--until-eof and --messages - both need standard input; name a file instead";

pub(super) fn run(config: &Config, folder: &DemoFolder, arguments: &Demo) -> Result<(), ServerError> {
    let Demo { messages, supervision, .. } = arguments;
    if supervision.until_eof && messages.iter().any(|file| file == Path::new("-")) {
        return Err(ServerError::Usage(INPUT_TWICE));
    }
    block_on(async {
        // Left behind by a terminal that is closed, it would hold its address for ever.
        let mut signals = Signals::until(supervision.until_eof)?.or_hangup()?;
        let secret = config.auth.keys.hmac_secret_file.as_ref().ok_or(ServerError::Usage(NO_SECRET))?;
        make_secret(secret)?;
        let key = SigningKey::hmac_from_file(secret)?;
        // Before any data is touched: another demo may be running on it.
        check_free("http.bind", config.http.bind)?;
        check_free("admin.bind", config.admin.bind)?;
        let environment = Environment::system()?;
        let storage = prepare(config, folder, arguments.content.as_ref(), &environment).await?;
        let loaded = if messages.is_empty() {
            load_own(config, folder, &environment).await?
        } else {
            tokio::select! {
                loaded = load_messages(&storage, &environment, arguments) => loaded?,
                // There may be any number of them.
                () = signals.next() => return Ok(()),
            }
        };
        // The service opens its own.
        drop(storage);
        let minter = Minter { config, key, now: environment.clock.now() };
        serve::serve(config, Role::Api, environment, signals, |service| {
            let addresses = Addresses::of(config, service);
            let token = minter.mint(loaded.organization, None)?;
            if supervision.json {
                return addresses.print_line(Some((&token, loaded.organization)));
            }
            print(Introduction { addresses, token, loaded, folder, minter: &minter }.text()?)
        })
        .await
    })
}

fn check_free(key: &'static str, address: SocketAddr) -> Result<(), ServerError> {
    let bound = TcpListener::bind(address);
    bound.map(drop).map_err(|source| BindError { key, address, source }.into())
}
