//! `gathering import content`

use std::path::Path;
use std::sync::Arc;

use gathering_domain::{ContentStore, SystemClock};
use gathering_ingest::rule_content::{self, LoadedContent};
use gathering_storage::Storage;

use crate::cli::ImportContent;
use crate::commands::{block_on, print, tell};
use crate::config::Config;
use crate::{ServerError, preparation};

pub(super) fn run(config: &Config, arguments: &ImportContent) -> Result<(), ServerError> {
    let loaded = load(&arguments.directory)?;
    if loaded.content.is_empty() && !arguments.allow_empty {
        return Err(ServerError::EmptyTree { path: arguments.directory.clone() });
    }
    let (keys, rules, left_out) = (loaded.content.len(), loaded.rules, loaded.left_out.len());
    block_on(async {
        preparation::prepare_schema(config).await?;
        let storage = Storage::open(&config.storage_settings(), Arc::new(SystemClock))?;
        replace(&storage, loaded).await
    })?;
    print(format!("loaded {keys} error keys of {rules} rules, left out {left_out}\n"))
}

/// Loads a tree and tells what is left out of it.
pub(super) fn load(directory: &Path) -> Result<LoadedContent, ServerError> {
    let loaded = rule_content::load(directory)?;
    for left_out in &loaded.left_out {
        tell(left_out.to_string());
    }
    Ok(loaded)
}

pub(super) async fn replace(storage: &Storage, loaded: LoadedContent) -> Result<(), ServerError> {
    let replaced = storage.replace_content(loaded.content).await;
    replaced.map(|_| ()).map_err(|source| ServerError::Store { what: "rule content", source })
}
