//! `gathering erase`

use std::sync::Arc;

use gathering_domain::store::StoreError;
use gathering_domain::time::SystemClock;
use gathering_storage::{Erased, ErasedSoFar, Erasure, Storage};

use super::audit::{Of, audit};
use super::console::print;
use super::progress::watched;
use super::runtime::block_on;
use super::signals::Signals;
use crate::cli::Erase;
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &Erase) -> Result<(), ServerError> {
    let erasure = Erasure { organization: arguments.org, cluster: arguments.cluster };
    let of = Of { organization: Some(arguments.org), cluster: arguments.cluster, request: None };
    if arguments.dry_run {
        let counted = block_on(count(config, erasure)).inspect_err(|_| audit("count", of, "failed"))?;
        audit("count", of, &amount(counted));
        return print(format!("would erase {}: {}\n", amount(counted), whose(erasure)));
    }
    let so_far = ErasedSoFar::default();
    match block_on(erase(config, erasure, of, so_far.clone())) {
        Ok(erased) => {
            audit("erase", of, &amount(erased));
            log::info!("erased {}: {}", amount(erased), whose(erasure));
            print(format!("erased {}: {}\n", amount(erased), whose(erasure)))
        }
        Err(error) => {
            let erased = amount(so_far.get());
            audit("erase", of, &format!("failed after {erased}"));
            match error {
                ServerError::Stopped | ServerError::Store { .. } => {
                    Err(ServerError::EraseStopped { erased, source: Box::new(error) })
                }
                // It never began.
                error => Err(error),
            }
        }
    }
}

async fn count(config: &Config, erasure: Erasure) -> Result<Erased, ServerError> {
    preparation::existing_database(config)?;
    preparation::current_schema(config).await?;
    let storage = Storage::open(&config.storage_settings(), Arc::new(SystemClock))?;
    let line = || format!("counting what is recorded of {}", whose(erasure));
    watched(line, storage.count_erasable(erasure)).await.map_err(refused)
}

async fn erase(
    config: &Config,
    erasure: Erasure,
    of: Of<'_>,
    so_far: ErasedSoFar,
) -> Result<Erased, ServerError> {
    let mut signals = Signals::new().map_err(ServerError::system("signals cannot be handled"))?;
    // Whatever becomes of this process, there is an account of it.
    audit("erase", of, "begun");
    let work = async {
        preparation::existing_database(config)?;
        preparation::prepare_schema(config).await?;
        let storage = Storage::open(&config.storage_settings(), Arc::new(SystemClock))?;
        let line = || format!("erased {}", amount(so_far.get()));
        watched(line, storage.erase_telling(erasure, so_far.clone())).await.map_err(refused)
    };
    tokio::select! {
        erased = work => erased,
        // A step that is on its way may still be committed.
        _ = signals.next() => Err(ServerError::Stopped),
    }
}

const fn refused(source: StoreError) -> ServerError {
    ServerError::Store { what: "erasure", source }
}

fn amount(Erased { requests, clusters }: Erased) -> String {
    format!("{requests} requests and {clusters} clusters")
}

fn whose(erasure: Erasure) -> String {
    match erasure.cluster {
        Some(cluster) => format!("cluster {cluster} of organization {}", erasure.organization),
        None => format!("organization {}", erasure.organization),
    }
}
