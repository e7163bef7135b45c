//! Whether a service can do its work, as probes are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gathering_auth::Authenticator;
use gathering_domain::store::StoreError;
use gathering_http::Readiness;
use gathering_ingest::kafka::ConsumerHealth;
use gathering_storage::{SqliteFileError, Storage};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// What a service needs beside a database that answers, before it is ready.
#[derive(Clone)]
pub(super) enum Needs {
    /// The API: rule content that was loaded once, and keys. It answers for what is recorded while nothing comes from Kafka.
    Api { content: Arc<AtomicBool>, keys: Arc<Authenticator> },
    /// The consumer alone: that it takes messages.
    Consumer(ConsumerHealth),
}

/// How long a probe waits for the database: probes give up after a second as a rule.
const PATIENCE: Duration = Duration::from_millis(900);

pub(super) fn readiness(storage: Storage, stopping: Arc<AtomicBool>, needs: Needs) -> Readiness {
    let database = Arc::new(Database { storage, runtime: Handle::current(), asked: Mutex::default() });
    Arc::new(move || {
        let (database, stopping, needs) = (Arc::clone(&database), Arc::clone(&stopping), needs.clone());
        Box::pin(async move {
            if stopping.load(Ordering::Relaxed) {
                return Err("the service is stopping".to_owned());
            }
            database.check().await?;
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

type Outcome = Result<(), String>;

/// The database as probes ask it: one question at a time, however many probes come, on a thread of its own, so that neither a
/// server that says nothing nor a disk that stalls keeps a probe waiting.
struct Database {
    storage: Storage,
    runtime: Handle,
    asked: Mutex<Option<watch::Receiver<Option<Outcome>>>>,
}

impl Database {
    async fn check(&self) -> Outcome {
        let mut outcome = self.ask();
        match timeout(PATIENCE, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Ok(())),
            Ok(Err(_)) => Err("the question to the database broke off".to_owned()),
            Err(_) => Err(format!("the database did not answer within {PATIENCE:?}")),
        }
    }

    /// The question that has no answer yet, or a new one.
    fn ask(&self) -> watch::Receiver<Option<Outcome>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let open =
            asked.as_ref().filter(|outcome| outcome.borrow().is_none() && outcome.has_changed().is_ok());
        if let Some(open) = open {
            return open.clone();
        }
        let (tell, outcome) = watch::channel(None);
        let (storage, runtime) = (self.storage.clone(), self.runtime.clone());
        self.runtime.spawn_blocking(move || {
            let answer = runtime.block_on(storage.ping()).map_err(|error| why(&error));
            // Nobody may be there any more.
            let _ = tell.send(Some(answer));
        });
        *asked = Some(outcome.clone());
        outcome
    }
}

/// What is said of a database that does not answer. What drivers say may name hosts and data; what happened to a file does
/// not.
fn why(error: &StoreError) -> String {
    let problem = match error {
        StoreError::Unavailable { source } => source.downcast_ref::<SqliteFileError>(),
        _ => None,
    };
    problem.map_or_else(|| error.to_string(), ToString::to_string)
}
