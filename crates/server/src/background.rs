//! What runs beside the listeners: purging, new rule content, a changed allow list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_domain::ContentCache;
use gathering_ingest::AllowList;
use gathering_storage::Storage;
use tokio::task::spawn_blocking;
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

/// Takes a changed allow list. One that cannot be used is told of once, and the last good one stays.
pub(crate) async fn keep_allow_list(list: Arc<AllowList>, every: Duration) {
    let mut is_broken = false;
    loop {
        sleep(every).await;
        let same = Arc::clone(&list);
        match spawn_blocking(move || same.refresh()).await {
            Ok(Ok(changed)) => {
                if changed {
                    log::info!("took the changed allow list, {} organizations", list.len());
                }
                is_broken = false;
            }
            Ok(Err(error)) => {
                if !is_broken {
                    log::error!("{error}; the list before stays");
                }
                is_broken = true;
            }
            Err(error) => log::error!("the allow list cannot be looked at: {error}"),
        }
    }
}
