//! `gathering import content`

use std::path::Path;
use std::sync::Arc;

use gathering_domain::content::RuleContentSet;
use gathering_domain::store::{ContentStore, StoreError};
use gathering_domain::time::SystemClock;
use gathering_ingest::rule_content::{self, LoadedContent};
use gathering_storage::{Migrator, Storage};
use indicatif::ProgressBar;
use tokio::task::spawn_blocking;

use super::audit::{Of, audit};
use super::console::{print, print_error};
use super::progress;
use super::runtime::block_on;
use crate::cli::ImportContent;
use crate::config::Config;
use crate::{ServerError, preparation};

/// Keys that are named when they are no longer served, at most.
const NAMED: usize = 20;

pub(super) fn run(config: &Config, arguments: &ImportContent) -> Result<(), ServerError> {
    let loaded = load(&arguments.directory)?;
    let (left_out, warnings) = (loaded.left_out.len(), loaded.warnings.len());
    if loaded.content.is_empty() && !arguments.allow_empty {
        return Err(ServerError::EmptyTree { path: arguments.directory.clone() });
    }
    if arguments.strict && left_out + warnings > 0 {
        return Err(ServerError::OddTree { path: arguments.directory.clone(), left_out, warnings });
    }
    let sum = format!("{} error keys of {} rules, left out {left_out}\n", loaded.content.len(), loaded.rules);
    if arguments.check {
        block_on(compare(config, &loaded.content))?;
        return print(format!("would load {sum}"));
    }
    let replaced = block_on(async {
        preparation::prepare_schema(config).await?;
        let storage = Storage::open(&config.storage_settings(), Arc::new(SystemClock))?;
        print_lost(&storage, &loaded.content).await?;
        let bar = progress::bar(loaded.content.len() as u64, "{bar:40} {pos}/{len} error keys {eta}");
        replace(&storage, loaded, bar).await
    });
    replaced.inspect_err(|_| audit("import.content", Of::default(), "failed"))?;
    audit("import.content", Of::default(), sum.trim_end());
    print(format!("loaded {sum}"))
}

/// Loads a tree, and prints what is left out of it and what is odd.
pub(super) fn load(directory: &Path) -> Result<LoadedContent, ServerError> {
    let line = progress::line(format!("reading {}", directory.display()));
    let loaded = rule_content::load(directory);
    line.finish_and_clear();
    let loaded = loaded?;
    for left_out in &loaded.left_out {
        print_error(left_out.to_string());
    }
    for warning in &loaded.warnings {
        print_error(format!("warning: {warning}"));
    }
    Ok(loaded)
}

/// Replaces the content, and moves the bar by the findings that are written.
pub(super) async fn replace(
    storage: &Storage,
    loaded: LoadedContent,
    progress: ProgressBar,
) -> Result<(), ServerError> {
    let bar = progress.clone();
    let replaced =
        storage.replace_content_telling(loaded.content, move |written| bar.inc(written as u64)).await;
    progress.finish_and_clear();
    replaced.map(|_| ()).map_err(refused)
}

fn refused(source: StoreError) -> ServerError {
    ServerError::Store { what: "rule content", source }
}

/// Prints what the import would take away, without changing the database, and without making one.
async fn compare(config: &Config, content: &RuleContentSet) -> Result<(), ServerError> {
    let settings = config.storage_settings();
    let asked = settings.clone();
    let pending = spawn_blocking(move || Migrator::pending(&asked)).await;
    if !pending.map_err(ServerError::system("the database cannot be asked"))??.is_empty() {
        print_error(format!(
            "the database {} is yet to be made or migrated; there is nothing to compare with",
            settings.url
        ));
        return Ok(());
    }
    print_lost(&Storage::open(&settings, Arc::new(SystemClock))?, content).await
}

/// Prints which keys are stored and not in this content: hits of them are no longer reported.
async fn print_lost(storage: &Storage, content: &RuleContentSet) -> Result<(), ServerError> {
    let (_, stored) = storage.content().await.map_err(refused)?;
    let mut lost: Vec<_> =
        stored.iter().map(|(hit, _)| hit).filter(|hit| content.get(hit).is_none()).collect();
    lost.sort_unstable();
    if lost.is_empty() {
        return Ok(());
    }
    let more = if lost.len() > NAMED { " and others" } else { "" };
    let names = lost.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    print_error(format!("no longer served, {} of {} error keys: {names}{more}", lost.len(), stored.len()));
    Ok(())
}
