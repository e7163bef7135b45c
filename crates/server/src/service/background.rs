//! What runs beside the listeners: purging, new rule content, and what ends waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_domain::report::{ContentCache, MAX_NAME, OmittedKinds};
use gathering_domain::store::{Purge, StoreError};
use gathering_domain::time::Clock;
use gathering_domain::wait::Waiters;
use gathering_storage::Storage;
use tokio::time::sleep;

use super::metrics::PurgeMetrics;
use super::watch::Schedule;

/// Loads the rule content if it changed.
pub(super) async fn refresh(content: &ContentCache, storage: &Storage) -> Result<(), StoreError> {
    if content.refresh(storage).await? {
        log_loaded(content.keys().unwrap_or_default());
    }
    Ok(())
}

/// Says that the content could not be looked at. The looks go on.
pub(super) fn log_unseen(error: &StoreError) {
    log::warn!("the rule content cannot be looked at: {error}");
}

fn log_loaded(keys: usize) {
    if keys == 0 {
        log::warn!(
            "the database has no rule content, so that nothing is known of any rule hit; give it some with \
             `gathering import content DIR`"
        );
    } else {
        log::info!("took new rule content of {keys} error keys");
    }
}

/// Logs the kinds of hits that reports left out, in one line at most.
fn log_omitted(content: &ContentCache) {
    let OmittedKinds { names, more } = content.take_omitted_kinds();
    if names.is_empty() {
        return;
    }
    let kinds = names.join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    log::warn!(
        "reports leave out hits without rule content, or with a name of more than {MAX_NAME} characters: {kinds}{more}"
    );
}

/// Looks for new rule content, again and again. Of a database that does not answer, the first look tells, and the one that finds
/// it back.
pub(super) async fn refresh_content(
    content: Arc<ContentCache>,
    storage: Storage,
    mut schedule: Schedule,
    loaded: Arc<AtomicBool>,
) {
    let mut is_away = !loaded.load(Ordering::Relaxed);
    loop {
        schedule.next().await;
        match refresh(&content, &storage).await {
            Ok(()) => {
                loaded.store(true, Ordering::Relaxed);
                if std::mem::take(&mut is_away) {
                    log::info!("the rule content can be looked at again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut is_away, true) {
                    log_unseen(&error);
                }
            }
        }
    }
}

/// How often to tell of hits that reports left out.
const OMITTED_TOLD: Duration = Duration::from_secs(15);

/// Tells of hits that reports left out, in one line each time.
pub(super) async fn tell_omitted(content: Arc<ContentCache>) {
    loop {
        sleep(OMITTED_TOLD).await;
        log_omitted(&content);
    }
}

/// Deletes what has expired, again and again.
pub(super) async fn purge(storage: Storage, every: Duration, clock: Arc<dyn Clock>, metrics: PurgeMetrics) {
    loop {
        sleep(every).await;
        match storage.purge().await {
            Ok(purged) => {
                metrics.succeeded(purged, clock.now());
                if purged.requests > 0 || purged.clusters > 0 {
                    log::info!("purged {} requests and {} clusters", purged.requests, purged.clusters);
                }
            }
            Err(error) => log::warn!("purging has to wait: {error}"),
        }
    }
}

/// How often to look whether something was erased. With the time of the look, processes forget it within two seconds.
const ERASURE_LOOK: Duration = Duration::from_secs(1);

/// Forgets what is remembered of requests when another process has erased something.
pub(super) async fn notice_erasures(storage: Storage) {
    loop {
        // What is remembered is asked for again after a minute in any case.
        if let Err(error) = storage.notice_erasures().await {
            log::debug!("cannot look for what was erased: {error}");
        }
        sleep(ERASURE_LOOK).await;
    }
}

/// How often to look for waits whose time is over.
const WAIT_TICK: Duration = Duration::from_millis(50);

/// Ends waits when their time is over.
pub(super) async fn end_waits(waiters: Arc<Waiters>) {
    loop {
        sleep(WAIT_TICK).await;
        waiters.expire();
    }
}

/// Finds results that other processes recorded, for those who wait.
pub(super) async fn recheck_waits(waiters: Arc<Waiters>, storage: Storage, every: Duration) {
    loop {
        sleep(every).await;
        // Whoever waits asks once more at the end, and is told of a database that is away.
        if let Err(error) = waiters.recheck(&storage).await {
            log::debug!("cannot look for results that somebody waits for: {error}");
        }
    }
}
