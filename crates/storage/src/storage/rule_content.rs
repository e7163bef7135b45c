//! The rule content of a store.

use gathering_domain::{ContentRevision, ContentStore, RuleContentSet, StoreError};

use super::{Reads, Storage};
use crate::content;
use crate::steps::Steps;

impl Storage {
    /// Replaces all content as [`ContentStore::replace_content`] does, and tells how many findings were written, each time
    /// some were. Where a connection is lost it begins again, and so does the count.
    pub async fn replace_content_telling(
        &self,
        content: RuleContentSet,
        told: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<ContentRevision, StoreError> {
        self.replace_in_steps(content, Steps::telling(told)).await
    }

    async fn replace_in_steps(
        &self,
        content: RuleContentSet,
        steps: Steps,
    ) -> Result<ContentRevision, StoreError> {
        self.prepare_for_work()?;
        let work = self
            .writes
            .run_in_steps(steps, move |connection, steps| content::replace(connection, &content, steps));
        work.await.map(|revision| self.revision(revision))
    }

    /// A revision that differs from each of a database that was lost.
    fn revision(&self, ContentRevision(revision): ContentRevision) -> ContentRevision {
        /// More than anybody replaces content.
        const EACH: i64 = 1 << 32;
        let lost = i64::try_from(self.generation()).unwrap_or_default();
        ContentRevision(lost.wrapping_mul(EACH).wrapping_add(revision))
    }
}

impl ContentStore for Storage {
    async fn content_revision(&self) -> Result<ContentRevision, StoreError> {
        let revision = match &self.reads {
            Reads::Sqlite(readers, file) => self.ask(readers, file, content::revision),
            Reads::Postgres(_) => self.writes.run(content::revision).await,
        };
        revision.map(|revision| self.revision(revision))
    }

    async fn content(&self) -> Result<(ContentRevision, RuleContentSet), StoreError> {
        let content = match &self.reads {
            Reads::Sqlite(readers, file) => {
                self.ask(readers, file, |connection| content::load(connection, &Steps::default()))
            }
            Reads::Postgres(_) => self.writes.run_in_steps(Steps::default(), content::load).await,
        };
        content.map(|(revision, content)| (self.revision(revision), content))
    }

    async fn replace_content(&self, content: RuleContentSet) -> Result<ContentRevision, StoreError> {
        self.replace_in_steps(content, Steps::default()).await
    }
}
