//! Whether a service can do its work, part by part, as probes, gauges and the log are told.

mod question;
mod shown;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_auth::Authenticator;
use gathering_http::{PartState, Readiness, ReadinessReport};
use gathering_ingest::kafka::ConsumerHealth;
use gathering_storage::{BatchWriter, Storage};
use prometheus::Registry;
use tokio::time::sleep;

use self::question::Question;
use self::shown::{READS, Shown, WRITES};

/// What a service consists of beside its database. The table in `docs/MONITORING.md` says the same.
pub(super) struct Needs {
    /// Of an API: it answers for what is recorded, also while nothing can be recorded.
    pub(super) api: Option<ApiNeeds>,
    /// Required where there is no API.
    pub(super) consumer: Option<ConsumerHealth>,
}

/// Rule content that was loaded once, and keys.
pub(super) struct ApiNeeds {
    pub(super) content: Arc<AtomicBool>,
    pub(super) keys: Arc<Authenticator>,
}

/// Looks at the parts of a service.
pub(super) struct Health {
    reads: Question,
    writes: Question,
    needs: Needs,
    stopping: Arc<AtomicBool>,
    shown: Shown,
}

impl Health {
    /// Within a runtime.
    pub(super) fn new(
        storage: &Storage,
        writer: BatchWriter,
        needs: Needs,
        stopping: Arc<AtomicBool>,
        registry: &Registry,
    ) -> prometheus::Result<Arc<Self>> {
        let (reading, writing) = (storage.clone(), storage.clone());
        Ok(Arc::new(Self {
            reads: Question::new(move || {
                let storage = reading.clone();
                async move { storage.ping().await }
            }),
            writes: Question::new(move || {
                let (storage, writer) = (writing.clone(), writer.clone());
                async move { storage.check_writes(&writer).await }
            }),
            needs,
            stopping,
            shown: Shown::register(registry)?,
        }))
    }

    /// For probes: each looks anew.
    pub(super) fn readiness(self: &Arc<Self>) -> Readiness {
        let health = Arc::clone(self);
        Arc::new(move || {
            let health = Arc::clone(&health);
            Box::pin(async move { health.look().await })
        })
    }

    /// Looks again and again, so that gauges and the log are right where nobody probes.
    pub(super) async fn watch(self: Arc<Self>, every: Duration) {
        loop {
            self.look().await;
            sleep(every).await;
        }
    }

    async fn look(&self) -> ReadinessReport {
        let (reads, writes) = tokio::join!(self.reads.answer(), self.writes.answer());
        let Needs { api, consumer } = &self.needs;
        let has_api = api.is_some();
        let mut parts = vec![PartState::new(READS, has_api, reads), PartState::new(WRITES, !has_api, writes)];
        if let Some(consumer) = consumer {
            parts.push(PartState::new("kafka", !has_api, consumer.check()));
        }
        if let Some(ApiNeeds { content, keys }) = api {
            let when =
                |is_there: bool, problem: &str| if is_there { Ok(()) } else { Err(problem.to_owned()) };
            let content = when(content.load(Ordering::Relaxed), "the rule content is not loaded yet");
            let keys = when(keys.is_ready(), "the keys of the issuers of tokens are not there yet");
            parts.push(PartState::new("rule_content", true, content));
            parts.push(PartState::new("keys", true, keys));
        }
        let report = ReadinessReport::new(parts);
        let report = if self.stopping.load(Ordering::Relaxed) { report.stopping() } else { report };
        self.shown.show(&report);
        report
    }
}
