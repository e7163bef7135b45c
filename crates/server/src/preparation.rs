//! What has to be in order before a service or an import starts: the files that it reads, and the schema.

use std::sync::Arc;

use gathering_auth::Authenticator;
use gathering_http::{Tls, TlsSettings};
use gathering_ingest::AllowList;
use gathering_storage::Migrator;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::ServerError;
use crate::config::Config;

/// The certificates of a listener, if it is to have any.
pub(crate) fn tls(
    section: &'static str,
    settings: Option<TlsSettings>,
) -> Result<Option<Arc<Tls>>, ServerError> {
    let loaded = settings.map(|settings| Tls::load(&settings)).transpose();
    Ok(loaded.map_err(|source| ServerError::Tls { section, source: source.into() })?.map(Arc::new))
}

/// Checks every file that the configuration names, as a start does.
pub(crate) fn check_files(config: &Config) -> Result<(), ServerError> {
    Authenticator::check(&config.auth_settings())?;
    tls("http.tls", config.api_tls())?;
    tls("admin.tls", config.admin.tls.settings())?;
    allow_list(config)?;
    if let Some(kafka) = config.kafka_settings() {
        kafka.check()?;
    }
    Ok(())
}

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
            return Ok(Migrator::bring_up_to_date(&settings)?);
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
