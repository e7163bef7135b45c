//! Whether a service can do its work, as probes are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gathering_auth::Authenticator;
use gathering_http::Readiness;
use gathering_ingest::kafka::ConsumerHealth;
use gathering_storage::Storage;

/// What a service has to have before it is ready, beside a database that answers.
#[derive(Clone)]
pub(crate) enum Needs {
    /// The API: the rule content, loaded once, and keys to tell callers with. It answers for what is recorded while nothing
    /// comes from Kafka.
    Api {
        /// Whether the content was loaded.
        content: Arc<AtomicBool>,
        /// Whoever has the keys.
        keys: Arc<Authenticator>,
    },
    /// The consumer alone: that it takes messages.
    Consumer(ConsumerHealth),
}

pub(crate) fn readiness(storage: Storage, stopping: Arc<AtomicBool>, needs: Needs) -> Readiness {
    Arc::new(move || {
        let (storage, stopping, needs) = (storage.clone(), Arc::clone(&stopping), needs.clone());
        Box::pin(async move {
            if stopping.load(Ordering::Relaxed) {
                return Err("the service is stopping".to_owned());
            }
            storage.ping().await.map_err(|error| error.to_string())?;
            match needs {
                Needs::Api { content, .. } if !content.load(Ordering::Relaxed) => {
                    Err("the rule content is not loaded yet".to_owned())
                }
                Needs::Api { keys, .. } if !keys.is_ready() => {
                    Err("the keys of the issuers of tokens are not there yet".to_owned())
                }
                Needs::Api { .. } => Ok(()),
                Needs::Consumer(health) => health.check(),
            }
        })
    })
}
