//! What has to be in order before a service or an import starts: the files that it reads, and the schema.

use std::sync::{Arc, Mutex, PoisonError};

use gathering_auth::Authenticator;
use gathering_http::{Tls, TlsSettings};
use gathering_ingest::AllowList;
use gathering_storage::{DatabaseUrl, MigrationStep, Migrator};
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
    if let Some(telemetry) = config.telemetry_settings() {
        telemetry.check()?;
    }
    Ok(())
}

/// The allow list, if there is to be one.
pub(crate) fn allow_list(config: &Config) -> Result<Option<Arc<AllowList>>, ServerError> {
    let Some(path) = &config.ingest.allowlist_file else { return Ok(None) };
    Ok(Some(Arc::new(AllowList::open(path)?)))
}

/// Makes sure that there is a database, for commands that an empty one is of no use to. PostgreSQL says so itself.
pub(crate) fn existing_database(config: &Config) -> Result<(), ServerError> {
    match &config.storage.url {
        DatabaseUrl::Sqlite(path) if !path.exists() => {
            Err(ServerError::NoDatabase { url: config.storage.url.to_string() })
        }
        _ => Ok(()),
    }
}

/// Makes sure that there is a database with the schema of this program, and changes nothing.
pub(crate) async fn current_schema(config: &Config) -> Result<(), ServerError> {
    existing_database(config)?;
    let settings = config.storage_settings();
    let url = settings.url.to_string();
    let pending = spawn_blocking(move || Migrator::pending(&settings)).await;
    let names = pending.map_err(ServerError::system("the database cannot be asked"))??;
    if names.is_empty() { Ok(()) } else { Err(ServerError::SchemaBehind { url, names }) }
}

/// Brings the schema up to date and returns what was applied, or makes sure that nothing is to be.
pub(crate) async fn prepare_schema(config: &Config) -> Result<Vec<String>, ServerError> {
    let (settings, migrates) = (config.storage_settings(), config.storage.migrate_on_start);
    let doing = Arc::new(Mutex::new(MigrationStep::Waiting.to_string()));
    let told = Arc::clone(&doing);
    let tell = move |step: MigrationStep<'_>| {
        *told.lock().unwrap_or_else(PoisonError::into_inner) = step.to_string();
    };
    let work = move || {
        if migrates {
            return Ok(Migrator::bring_up_to_date_telling(&settings, tell)?);
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
            log::warn!("{}", doing.lock().unwrap_or_else(PoisonError::into_inner));
            task.await
        }
    };
    done.map_err(ServerError::system("the schema cannot be prepared"))?
}
