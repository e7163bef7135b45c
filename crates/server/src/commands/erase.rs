//! `gathering erase`

use std::sync::Arc;

use gathering_domain::time::SystemClock;
use gathering_storage::{Erased, Erasure, Storage};

use super::audit::{Of, audit};
use super::console::print;
use super::runtime::block_on;
use crate::cli::Erase;
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &Erase) -> Result<(), ServerError> {
    let erasure = Erasure { organization: arguments.org, cluster: arguments.cluster };
    let of = Of { organization: Some(arguments.org), cluster: arguments.cluster, request: None };
    let action = if arguments.dry_run { "count" } else { "erase" };
    let erased = block_on(erase(config, erasure, arguments.dry_run));
    let Erased { requests, clusters } = erased.inspect_err(|_| audit(action, of, "failed"))?;
    audit(action, of, &format!("{requests} requests and {clusters} clusters"));
    let of = match erasure.cluster {
        Some(cluster) => format!("cluster {cluster} of organization {}", erasure.organization),
        None => format!("organization {}", erasure.organization),
    };
    let much = format!("{requests} requests and {clusters} clusters: {of}");
    if arguments.dry_run {
        return print(format!("would erase {much}\n"));
    }
    log::info!("erased {much}");
    print(format!("erased {much}\n"))
}

async fn erase(config: &Config, erasure: Erasure, is_dry: bool) -> Result<Erased, ServerError> {
    preparation::existing_database(config)?;
    let storage = if is_dry {
        preparation::current_schema(config).await?;
        Storage::open(&config.storage_settings(), Arc::new(SystemClock))?
    } else {
        preparation::prepare_schema(config).await?;
        Storage::open(&config.storage_settings(), Arc::new(SystemClock))?
    };
    let erased = if is_dry { storage.count_erasable(erasure).await } else { storage.erase(erasure).await };
    erased.map_err(|source| ServerError::Store { what: "erasure", source })
}
