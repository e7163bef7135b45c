//! `gathering serve`

use tokio::signal::unix::{SignalKind, signal};

use super::runtime::block_on;
use super::signals::Signals;
use crate::cli::Role;
use crate::config::Config;
use crate::service::{Environment, Service};
use crate::{ServerError, open_files};

pub(super) fn run(config: &Config, role: Role) -> Result<(), ServerError> {
    block_on(async { serve(config, role, Environment::system()?, |_| Ok(())).await })
}

/// Serves until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP has files read again.
pub(super) async fn serve(
    config: &Config,
    role: Role,
    environment: Environment,
    started: impl FnOnce(&Service) -> Result<(), ServerError>,
) -> Result<(), ServerError> {
    open_files::raise_limit();
    let failed = ServerError::system::<std::io::Error>;
    let mut signals = Signals::new().map_err(failed("signals cannot be handled"))?;
    let mut hangups = signal(SignalKind::hangup()).map_err(failed("signals cannot be handled"))?;
    let service = tokio::select! {
        started = Service::start(config, role, environment) => started?,
        // Another process may hold up the start, with a migration for example.
        () = signals.next() => {
            log::info!("stopped before the start was done");
            return Ok(());
        }
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
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            log::warn!("stopped at once, calls in flight are cut off");
            std::process::exit(1);
        });
    });
    stopped.await?;
    log::info!("stopped");
    Ok(())
}
