//! What service accounts may do, as the RBAC service of the platform says. A few threads ask it, and calls wait for the answer
//! without one.

mod answer;
mod questions;
mod rbac_client;
mod shares;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gathering_domain::ids::OrganizationId;
use gathering_domain::time::Clock;
use gathering_support::{BoundedCache, ThrottledLog};
use log::Level;

use self::questions::{Key, Question, Questions, Subject};
use self::rbac_client::RbacClient;
use self::shares::{Place, Shares};
use crate::error::AuthError;
use crate::identity::Identity;
use crate::metrics::PermissionMetrics;
use crate::rbac_url::RbacUrl;
use crate::rejection::AuthRejection;
use crate::rejection_log::TARGET;
use crate::settings::RbacSettings;
use crate::wait::Wait;

/// How many questions are asked at once.
const THREADS: usize = 8;

/// How many of them may be about one organization, so that others have a turn however slow the answers about it are.
const THREADS_EACH: usize = THREADS / 2;

/// The longest that a call waits: for its question's turn, and the answer.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// How many calls may wait. Each holds its connection anyway; further ones are asked to try again.
const MAX_WAITERS: usize = 4096;

/// How long an answer counts, from when it was asked for.
const ANSWER_HOLDS_FOR: Duration = Duration::from_secs(60);

/// How long nobody asks again after there was no answer.
const PAUSE: Duration = Duration::from_secs(2);

/// What remembered answers may take up, in bytes: some 8,000 of them.
const CACHE_SIZE: usize = 1024 * 1024;

/// What one of them takes up, in bytes.
const ENTRY: usize = 128;

/// What is known of a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    Missing,
    /// The RBAC service gave no answer.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    verdict: Verdict,
    /// On the monotonic clock.
    until: Duration,
}

/// A caller that is identified, or will be once its permission is known.
pub(crate) enum Identified {
    Known(Identity),
    Waiting(Wait),
}

/// Asks the RBAC service. Its threads end when this is dropped.
pub(crate) struct Permissions {
    shared: Arc<Shared>,
}

impl Permissions {
    pub(crate) fn start(
        settings: &RbacSettings,
        clock: Arc<dyn Clock>,
        metrics: PermissionMetrics,
    ) -> Result<Self, AuthError> {
        let shared = Arc::new(Shared {
            url: settings.url.clone(),
            enforces: settings.enforce,
            clock,
            metrics,
            answers: BoundedCache::new(CACHE_SIZE, ENTRY, |_, _| ENTRY),
            questions: Mutex::default(),
            asked: Condvar::new(),
            waiters: Arc::new(Mutex::new(Shares::of(MAX_WAITERS))),
            missing: ThrottledLog::new(TARGET),
            failures: ThrottledLog::new(TARGET),
        });
        // Made first: if a thread cannot be started, those before it end.
        let permissions = Self { shared };
        for _ in 0..THREADS {
            let shared = Arc::clone(&permissions.shared);
            std::thread::Builder::new()
                .name("gathering-rbac".to_owned())
                .spawn(move || shared.keep_asking())
                .map_err(|source| AuthError::Thread { source })?;
        }
        Ok(permissions)
    }

    /// The service account with this identity, which the header says, as far as it may do anything. Without `may_wait`, an
    /// answer that is not there yet is not waited for.
    pub(crate) fn judge(
        &self,
        identity: Identity,
        header: &[u8],
        may_wait: bool,
    ) -> Result<Identified, AuthRejection> {
        let shared = &self.shared;
        let verdict = match shared.find(identity.organization(), header, may_wait) {
            Finding::Known(verdict) => verdict,
            Finding::Underway(wait) => return Ok(Identified::Waiting(wait)),
            Finding::Unheard => return Ok(Identified::Known(identity)),
        };
        shared.count(verdict, identity.organization(), 1);
        match verdict {
            Verdict::Missing if shared.enforces => Ok(Identified::Known(identity.without_permission())),
            Verdict::Unknown if shared.enforces => Err(AuthRejection::PermissionsUnavailable),
            _ => Ok(Identified::Known(identity)),
        }
    }
}

impl Drop for Permissions {
    fn drop(&mut self) {
        self.shared.questions().close();
        self.shared.asked.notify_all();
    }
}

/// What there is about an identity.
enum Finding {
    Known(Verdict),
    /// It is being asked for, and worth waiting for.
    Underway(Wait),
    /// It is being asked for, and nobody needs to wait. The call is counted with the answer.
    Unheard,
}

struct Shared {
    url: RbacUrl,
    enforces: bool,
    clock: Arc<dyn Clock>,
    metrics: PermissionMetrics,
    answers: BoundedCache<Key, Remembered>,
    questions: Mutex<Questions>,
    /// Told of new questions.
    asked: Condvar,
    waiters: Arc<Mutex<Shares>>,
    missing: ThrottledLog,
    failures: ThrottledLog,
}

impl Shared {
    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, key: &Key) -> Option<Verdict> {
        let remembered = self.answers.get(key)?;
        (self.clock.monotonic() < remembered.until).then_some(remembered.verdict)
    }

    fn find(&self, organization: OrganizationId, header: &[u8], may_wait: bool) -> Finding {
        let key = key_of(header);
        if let Some(verdict) = self.remembered(&key) {
            return Finding::Known(verdict);
        }
        let mut questions = self.questions();
        // It may have come meanwhile: answers are remembered while questions are locked.
        if let Some(verdict) = self.remembered(&key) {
            return Finding::Known(verdict);
        }
        let Some((question, is_new)) = questions.join(key, header, organization) else {
            return Finding::Known(Verdict::Unknown);
        };
        if is_new {
            self.asked.notify_one();
        }
        if !self.enforces {
            question.unheard += 1;
            return Finding::Unheard;
        }
        if !may_wait || question.age() > MAX_WAIT {
            return Finding::Known(Verdict::Unknown);
        }
        self.wait_for(question, organization).map_or(Finding::Known(Verdict::Unknown), Finding::Underway)
    }

    /// `None` if too many calls wait.
    fn wait_for(&self, question: &Question, organization: OrganizationId) -> Option<Wait> {
        let place = Place::take(&self.waiters, organization)?;
        Some(Wait::for_change(question.end(), MAX_WAIT, place))
    }

    /// Asks until there is nobody any more who could want to know.
    fn keep_asking(&self) {
        let mut client = RbacClient::new(self.url.clone());
        while let Some((key, subject)) = self.next_question() {
            let began = self.clock.monotonic();
            let (verdict, until) = match client.grants_reading(&subject) {
                Ok(true) => (Verdict::Granted, began.saturating_add(ANSWER_HOLDS_FOR)),
                Ok(false) => (Verdict::Missing, began.saturating_add(ANSWER_HOLDS_FOR)),
                Err(error) => {
                    self.failures.log(Level::Warn, format_args!("{} gave {error}", self.url));
                    (Verdict::Unknown, self.clock.monotonic().saturating_add(PAUSE))
                }
            };
            let mut questions = self.questions();
            self.answers.insert(|| key, Remembered { verdict, until });
            let ended = questions.end(&key);
            drop(questions);
            if let Some(question) = ended.filter(|question| question.unheard > 0) {
                self.count(verdict, question.organization(), question.unheard);
            }
        }
    }

    /// Waits for a question; `None` once there will be none.
    fn next_question(&self) -> Option<(Key, Arc<Subject>)> {
        let mut questions = self.questions();
        while !questions.is_closed() {
            if let Some(next) = questions.take_next(THREADS_EACH) {
                return Some(next);
            }
            questions = self.asked.wait(questions).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Counts calls by what is known of their permission, and tells of those that are let in without any.
    fn count(&self, verdict: Verdict, organization: OrganizationId, calls: u64) {
        let counter = match verdict {
            Verdict::Granted => &self.metrics.granted,
            Verdict::Missing => &self.metrics.missing,
            Verdict::Unknown => &self.metrics.unknown,
        };
        counter.inc_by(calls);
        if verdict == Verdict::Missing {
            let what = if self.enforces { "is refused" } else { "would be refused with auth.rbac.enforce" };
            let line =
                format_args!("a service account of organization {organization} has no permission and {what}");
            self.missing.log(Level::Info, line);
        }
    }
}

fn key_of(header: &[u8]) -> Key {
    let mut key = Key::default();
    let hash = digest(&SHA256, header);
    key.iter_mut().zip(hash.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    key
}
