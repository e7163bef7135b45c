//! The rule content of a store.

use gathering_domain::content::{ContentRevision, RuleContentSet};
use gathering_domain::store::{ContentStore, StoreError};

use super::Storage;
use crate::connection::progress::Progress;
use crate::content;
use crate::database::Reads;

impl Storage {
    /// Replaces all content as [`ContentStore::replace_content`] does, and tells the observer how many findings were written,
    /// each time some were. Where a connection is lost it begins again, and so does the count.
    pub async fn replace_content_telling(
        &self,
        content: RuleContentSet,
        observer: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<ContentRevision, StoreError> {
        self.replace_with_progress(content, Progress::observed(observer)).await
    }

    async fn replace_with_progress(
        &self,
        content: RuleContentSet,
        progress: Progress,
    ) -> Result<ContentRevision, StoreError> {
        self.database.prepare_for_work()?;
        let work = self
            .database
            .writes
            .run_long(progress, move |connection, progress| content::replace(connection, &content, progress));
        work.await.map(|revision| self.revision(revision))
    }

    /// A revision that differs from each of a database that was lost.
    fn revision(&self, ContentRevision(revision): ContentRevision) -> ContentRevision {
        /// More than anybody replaces content.
        const EACH: i64 = 1 << 32;
        let lost = i64::try_from(self.database.generation()).unwrap_or_default();
        ContentRevision(lost.wrapping_mul(EACH).wrapping_add(revision))
    }
}

impl ContentStore for Storage {
    async fn content_revision(&self) -> Result<ContentRevision, StoreError> {
        let revision = match &self.database.reads {
            Reads::Sqlite(reads) => self.database.ask(reads, content::revision),
            Reads::Postgres(_) => self.database.writes.run(content::revision).await,
        };
        revision.map(|revision| self.revision(revision))
    }

    async fn content(&self) -> Result<(ContentRevision, RuleContentSet), StoreError> {
        let content = match &self.database.reads {
            Reads::Sqlite(reads) => {
                self.database.ask(reads, |connection| content::load(connection, &Progress::default()))
            }
            Reads::Postgres(_) => self.database.writes.run_long(Progress::default(), content::load).await,
        };
        content.map(|(revision, content)| (self.revision(revision), content))
    }

    async fn replace_content(&self, content: RuleContentSet) -> Result<ContentRevision, StoreError> {
        self.replace_with_progress(content, Progress::default()).await
    }
}
