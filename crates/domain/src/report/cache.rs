//! The rule content that reports are made with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::entry::ReportEntry;
use super::omitted::{OmittedHits, OmittedKinds};
use super::policy::ReportPolicy;
use super::rendered::RenderedContent;
use crate::content::{ContentRevision, RuleContentSet};
use crate::rule::RuleHit;
use crate::store::{ContentStore, StoreError};

/// The rule content that reports are made with, kept in memory and replaced as a whole. Without [`refresh`](Self::refresh) or
/// [`put`](Self::put) there is none, and each report that has hits is [`StoreError::Unavailable`].
#[derive(Debug)]
pub struct ContentCache {
    policy: ReportPolicy,
    current: RwLock<Option<(ContentRevision, Arc<RenderedContent>)>>,
    /// Whether there is any. Each status poll asks.
    is_loaded: AtomicBool,
    omitted: OmittedHits,
}

impl ContentCache {
    /// A cache for reports of this policy. Until it is given content, be it empty, no report with hits can be made.
    pub fn new(policy: ReportPolicy) -> Self {
        Self {
            policy,
            current: RwLock::default(),
            is_loaded: AtomicBool::new(false),
            omitted: OmittedHits::default(),
        }
    }

    /// Takes the store's content if it is another revision than the cached one, and tells whether it was. To be called before
    /// the first report, and then now and then: every minute, for example.
    ///
    /// ```
    /// use gathering_domain::prelude::*;
    ///
    /// # pollster::block_on(async {
    /// let store = MemoryStore::new(SystemClock, Retention::default());
    /// let content = ContentCache::new(ReportPolicy::default());
    /// assert_eq!(content.revision(), None);
    /// assert!(content.refresh(&store).await?, "content that is empty is loaded too");
    /// assert_eq!(content.revision(), Some(ContentRevision(0)));
    /// assert!(!content.refresh(&store).await?, "nothing has changed since");
    /// # Ok::<(), StoreError>(())
    /// # }).unwrap();
    /// ```
    pub async fn refresh(&self, store: &impl ContentStore) -> Result<bool, StoreError> {
        let revision = store.content_revision().await?;
        if self.current().is_some_and(|(current, _)| current == revision) {
            return Ok(false);
        }
        let (revision, content) = store.content().await?;
        self.put(revision, &content);
        Ok(true)
    }

    /// Takes this content.
    pub fn put(&self, revision: ContentRevision, content: &RuleContentSet) {
        let rendered = Arc::new(RenderedContent::new(content, &self.policy));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some((revision, rendered));
        self.is_loaded.store(true, Ordering::Release);
        self.omitted.forget();
    }

    /// Which content is loaded; `None` until there is any.
    pub fn revision(&self) -> Option<ContentRevision> {
        self.current().map(|(revision, _)| revision)
    }

    /// Whether there is any content, be it empty: until then no report with hits can be made.
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Acquire)
    }

    /// How many hits have content; `None` until content is loaded.
    pub fn keys(&self) -> Option<usize> {
        self.current().map(|(_, content)| content.len())
    }

    /// How many hits reports have left out so far because they have no content.
    pub fn omitted(&self) -> u64 {
        self.omitted.count()
    }

    /// The kinds of hits that were left out and not taken from here yet. Each is new once while the content stays the same,
    /// and of very many the last are only counted, by [`omitted`](Self::omitted).
    pub fn take_omitted_kinds(&self) -> OmittedKinds {
        self.omitted.take()
    }

    fn current(&self) -> Option<(ContentRevision, Arc<RenderedContent>)> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails until there is content.
    pub(crate) fn require(&self) -> Result<(), StoreError> {
        if self.is_loaded() { Ok(()) } else { Err(not_loaded()) }
    }

    /// The report of these hits. Leaving hits out for want of content that is only not loaded yet would tell a client,
    /// which asks once, that all is well.
    pub(crate) fn report(&self, hits: Vec<RuleHit>) -> Result<Vec<ReportEntry>, StoreError> {
        match self.current() {
            _ if hits.is_empty() => Ok(Vec::new()),
            Some((_, content)) => {
                let (entries, omitted) = content.report(hits, &self.policy);
                self.omitted.note(&omitted);
                Ok(entries)
            }
            None => Err(not_loaded()),
        }
    }
}

fn not_loaded() -> StoreError {
    StoreError::unavailable("the rule content is not loaded yet")
}
