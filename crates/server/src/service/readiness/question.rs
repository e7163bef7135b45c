//! A question to the database that probes have answered in time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gathering_domain::store::StoreError;
use gathering_storage::plain_reason;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a probe waits for an answer: probes give up after a second as a rule.
const PATIENCE: Duration = Duration::from_millis(900);

type Outcome = Result<(), String>;
type Asking = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// A question that is open once at a time, however many probes come, on a thread of its own, so that neither a server that says
/// nothing nor a disk that stalls keeps a probe waiting.
pub(super) struct Question {
    ask: Box<dyn Fn() -> Asking + Send + Sync>,
    runtime: Handle,
    open: Mutex<Option<watch::Receiver<Option<Outcome>>>>,
    /// Dropped with this question: what is open then is given up, so that it does not outlive the runtime.
    over: watch::Sender<()>,
}

impl Question {
    /// Within a runtime.
    pub(super) fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let ask = Box::new(move || Box::pin(ask()) as Asking);
        Self { ask, runtime: Handle::current(), open: Mutex::default(), over: watch::channel(()).0 }
    }

    /// The answer, or that it does not come.
    pub(super) async fn answer(&self) -> Outcome {
        let mut outcome = self.opened();
        match timeout(PATIENCE, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Ok(())),
            Ok(Err(_)) => Err("the question to the database broke off".to_owned()),
            Err(_) => Err(format!("the database did not answer within {PATIENCE:?}")),
        }
    }

    /// The question that has no answer yet, or a new one.
    fn opened(&self) -> watch::Receiver<Option<Outcome>> {
        let mut asked = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open =
            asked.as_ref().filter(|outcome| outcome.borrow().is_none() && outcome.has_changed().is_ok());
        if let Some(open) = open {
            return open.clone();
        }
        let (tell, outcome) = watch::channel(None);
        let (asking, runtime) = ((self.ask)(), self.runtime.clone());
        let mut over = self.over.subscribe();
        self.runtime.spawn_blocking(move || {
            let answer = runtime.block_on(async {
                tokio::select! {
                    // First: the question itself panics on a runtime that is gone.
                    biased;
                    _ = over.changed() => None,
                    answer = asking => Some(answer.map_err(|error| plain_reason(&error))),
                }
            });
            // Nobody may be there any more.
            let _ = tell.send(answer);
        });
        *asked = Some(outcome.clone());
        outcome
    }
}
