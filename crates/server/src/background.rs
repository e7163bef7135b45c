//! What runs beside the listeners: purging, and new rule content.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_domain::ContentCache;
use gathering_storage::Storage;
use tokio::time::sleep;

/// How soon to look again for rule content while there is none because the database did not answer.
const CONTENT_RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn refresh(content: &ContentCache, storage: &Storage) -> bool {
    match content.refresh(storage).await {
        Ok(changed) => {
            if changed {
                log::info!("took new rule content");
            }
            true
        }
        Err(error) => {
            log::warn!("the rule content cannot be looked at: {error}");
            false
        }
    }
}

pub(crate) async fn keep_content(
    content: Arc<ContentCache>,
    storage: Storage,
    every: Duration,
    loaded: Arc<AtomicBool>,
) {
    loop {
        sleep(if loaded.load(Ordering::Relaxed) { every } else { CONTENT_RETRY.min(every) }).await;
        if refresh(&content, &storage).await {
            loaded.store(true, Ordering::Relaxed);
        }
    }
}

pub(crate) async fn keep_purging(storage: Storage, every: Duration) {
    loop {
        sleep(every).await;
        match storage.purge().await {
            Ok(purged) if purged.requests > 0 || purged.clusters > 0 => {
                log::info!("purged {} requests and {} clusters", purged.requests, purged.clusters);
            }
            Ok(_) => {}
            Err(error) => log::warn!("purging has to wait: {error}"),
        }
    }
}
