//! `gathering serve`

use tokio::signal::unix::{SignalKind, signal};

use super::addresses::Addresses;
use super::runtime::block_on;
use super::signals::{End, Signals};
use crate::cli::{Role, Serve};
use crate::config::Config;
use crate::service::{Environment, Service};
use crate::{ServerError, open_files};

pub(super) fn run(config: &Config, arguments: &Serve) -> Result<(), ServerError> {
    let Serve { role, supervision } = *arguments;
    block_on(async {
        let signals = Signals::until(supervision.until_eof)?;
        serve(
            config,
            role,
            Environment::system()?,
            signals,
            |service| {
                if supervision.json { Addresses::of(config, service).print_line(None, None) } else { Ok(()) }
            },
            || (),
        )
        .await
    })
}

/// Serves until one of the signals; the same one again ends the process at once, after `at_once`. SIGHUP has files read again.
pub(super) async fn serve(
    config: &Config,
    role: Role,
    environment: Environment,
    mut signals: Signals,
    started: impl FnOnce(&Service) -> Result<(), ServerError>,
    at_once: impl FnOnce() + Send + 'static,
) -> Result<(), ServerError> {
    open_files::raise_limit();
    let failed = ServerError::system::<std::io::Error>;
    let mut hangups = signal(SignalKind::hangup()).map_err(failed("signals cannot be handled"))?;
    let service = tokio::select! {
        started = Service::start(config, role, environment) => started?,
        // Another process may hold up the start, with a migration for example.
        end = signals.next() => return before_the_start(end),
    };
    let admin = service.admin_url();
    match service.api_url() {
        Some(api) => log::info!("answering on {api}, admin on {admin}"),
        None => log::info!("ingesting, admin on {admin}"),
    }
    started(&service)?;
    let files = service.reread_handle();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            log::info!("reading files again");
            files.reread();
        }
    });
    let stopped = service.run_until(async {
        let first = signals.next().await;
        tokio::spawn(async move {
            signals.insisted(first).await;
            log::warn!("stopped at once, calls in flight are cut off");
            at_once();
            std::process::exit(1);
        });
    });
    stopped.await?;
    log::info!("stopped");
    Ok(())
}

/// What comes of a start that ended before it was done. Whoever gave the program no input to hold meant something else.
pub(super) fn before_the_start(end: End) -> Result<(), ServerError> {
    if end == End::Input {
        return Err(ServerError::NoInput);
    }
    log::info!("stopped before the start was done");
    Ok(())
}
