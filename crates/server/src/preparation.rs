//! What has to be in order before a service or an import starts: the schema and the allow list.

use std::sync::Arc;

use gathering_ingest::AllowList;
use gathering_storage::Migrator;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::ServerError;
use crate::config::Config;

/// The allow list, if there is to be one.
pub(crate) fn allow_list(config: &Config) -> Result<Option<Arc<AllowList>>, ServerError> {
    let Some(path) = &config.ingest.allowlist_file else { return Ok(None) };
    Ok(Some(Arc::new(AllowList::open(path)?)))
}

/// Brings the schema up to date and returns what was applied, or makes sure that nothing is to be.
pub(crate) async fn prepare_schema(config: &Config) -> Result<Vec<String>, ServerError> {
    let (settings, migrates) = (config.storage_settings(), config.storage.migrate_on_start);
    let work = move || {
        if migrates {
            return Ok(Migrator::connect(&settings)?.migrate()?);
        }
        let names = Migrator::pending(&settings)?;
        if names.is_empty() {
            Ok(names)
        } else {
            Err(ServerError::SchemaBehind { url: settings.url.to_string(), names })
        }
    };
    let mut task = spawn_blocking(work);
    let done = tokio::select! {
        done = &mut task => done,
        () = sleep(config.storage.pool_timeout) => {
            log::warn!("waiting for the database; another process may be changing its schema");
            task.await
        }
    };
    done.map_err(ServerError::system("the schema cannot be prepared"))?
}
