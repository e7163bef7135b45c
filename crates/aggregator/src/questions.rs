//! Questions to the aggregator: one at a time for each cluster, a bounded number in all, each within its time, and none during a
//! pause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gathering_domain::ids::OrganizationId;
use gathering_domain::time::Clock;
use gathering_support::{FairSemaphore, ThrottledLog, trace};
use log::Level;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::client::Client;
use crate::error::QuestionError;
use crate::kept::KeptAnswers;
use crate::key::ClusterKey;
use crate::metrics::FilterMetrics;
use crate::pauses::{Admission, Pauses};
use crate::rules::DisabledRules;

/// Questions that are with the aggregator at once, of two calls each: in all, and of one organization. While it is read, an
/// answer takes up three times its bytes at most, some 100 MiB in all.
const PLACES: usize = 16;
const PLACES_EACH: usize = 4;

/// Questions that are there at once, those that wait for a place included: in all, and of one organization.
const QUESTIONS: usize = 1024;
const QUESTIONS_EACH: usize = 128;

/// What becomes of a question, for those who wait for it.
type Progress = watch::Receiver<Outcome>;

#[derive(Debug, Clone, Default)]
enum Outcome {
    #[default]
    Underway,
    Answered(Arc<DisabledRules>),
    Failed,
}

/// Asks the aggregator.
pub(crate) struct Questions {
    parts: QuestionParts,
    places: FairSemaphore<OrganizationId>,
    state: Mutex<State>,
    log: ThrottledLog,
}

/// What asking takes.
pub(crate) struct QuestionParts {
    pub(crate) client: Client,
    /// How long a question may take, with the wait for its place.
    pub(crate) limit: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    /// Questions are tasks of it, so that they go on for others when their first caller has gone.
    pub(crate) runtime: Handle,
    /// Where answers go.
    pub(crate) kept: Arc<KeptAnswers>,
    pub(crate) metrics: Arc<FilterMetrics>,
}

#[derive(Default)]
struct State {
    underway: HashMap<ClusterKey, Progress>,
    pauses: Pauses,
}

impl Questions {
    pub(crate) fn new(parts: QuestionParts) -> Self {
        let places = FairSemaphore::new(PLACES, PLACES_EACH);
        Self { parts, places, state: Mutex::default(), log: ThrottledLog::new(module_path!()) }
    }

    /// What the aggregator says, within the time limit, be it to somebody who asked the same before; `None` if it does not, or
    /// is not asked.
    pub(crate) async fn ask(self: &Arc<Self>, key: ClusterKey) -> Option<Arc<DisabledRules>> {
        let mut progress = self.join_or_begin(key)?;
        let outcome = progress.wait_for(|outcome| !matches!(outcome, Outcome::Underway)).await.ok()?.clone();
        match outcome {
            Outcome::Answered(rules) => Some(rules),
            Outcome::Underway | Outcome::Failed => None,
        }
    }

    fn join_or_begin(self: &Arc<Self>, key: ClusterKey) -> Option<Progress> {
        let mut state = self.state();
        if let Some(progress) = state.underway.get(&key) {
            return Some(progress.clone());
        }
        let asked_at = self.parts.clock.monotonic();
        // A question may have ended since the caller looked.
        if let Some(rules) = self.parts.kept.fresh(key, asked_at) {
            return Some(watch::channel(Outcome::Answered(rules)).1);
        }
        let own = state.underway.keys().filter(|other| other.organization == key.organization).count();
        if state.underway.len() >= QUESTIONS || own >= QUESTIONS_EACH {
            return None;
        }
        let admission = state.pauses.admit(key.organization, asked_at)?;
        let (sender, progress) = watch::channel(Outcome::Underway);
        state.underway.insert(key, progress.clone());
        drop(state);
        let question = Question {
            questions: Arc::clone(self),
            key,
            traceparent: trace::current().map(|span| span.traceparent()),
            asked_at,
            admission,
            sender,
            is_underway: true,
        };
        self.parts.runtime.spawn(question.run());
        Some(progress)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is under way. It ends for those who wait when this is dropped.
struct Question {
    questions: Arc<Questions>,
    key: ClusterKey,
    /// The call that was the first to ask, if it is sampled.
    traceparent: Option<String>,
    /// When it was asked, on the monotonic clock.
    asked_at: Duration,
    admission: Admission,
    sender: watch::Sender<Outcome>,
    /// Whether others may join it.
    is_underway: bool,
}

impl Question {
    async fn run(mut self) {
        let questions = Arc::clone(&self.questions);
        let Questions { parts, places, .. } = &*questions;
        let mut has_place = false;
        let work = async {
            let _place = places.acquire(self.key.organization).await;
            has_place = true;
            parts.client.disabled_rules(self.key, self.traceparent.as_deref()).await
        };
        let answer = timeout(parts.limit, work).await.unwrap_or(Err(QuestionError::Timeout));
        parts.metrics.count_question(answer.is_ok());
        let outcome = match answer {
            Ok(rules) => self.succeed(rules.into()),
            Err(error) => self.fail(&error, has_place),
        };
        self.sender.send_replace(outcome);
    }

    fn succeed(&mut self, rules: Arc<DisabledRules>) -> Outcome {
        let questions = Arc::clone(&self.questions);
        let Questions { parts, log, .. } = &*questions;
        parts.kept.insert(self.key, Arc::clone(&rules), self.asked_at);
        let mut state = questions.state();
        self.leave(&mut state);
        let is_back = state.pauses.succeed(self.admission);
        drop(state);
        if is_back {
            log.log(Level::Info, format_args!("the aggregator {} answers again", parts.client.url()));
        }
        Outcome::Answered(rules)
    }

    fn fail(&mut self, error: &QuestionError, had_place: bool) -> Outcome {
        let questions = Arc::clone(&self.questions);
        let Questions { parts, log, .. } = &*questions;
        let mut state = questions.state();
        self.leave(&mut state);
        // Who did not get a place in time has found out nothing about the aggregator.
        if had_place {
            state.pauses.fail(self.admission, error.reach(), parts.clock.monotonic());
        }
        drop(state);
        let (organization, url) = (self.key.organization, parts.client.url());
        log.log(
            Level::Warn,
            format_args!("asked which rules the organization {organization} acknowledged, the aggregator {url} gave {error}"),
        );
        Outcome::Failed
    }

    /// Lets nobody join any more. Whoever asks from now on finds what came of it, or asks anew.
    fn leave(&mut self, state: &mut State) {
        if std::mem::take(&mut self.is_underway) {
            state.underway.remove(&self.key);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let questions = Arc::clone(&self.questions);
        self.leave(&mut questions.state());
    }
}
