//! Recording files of result messages: read, judge, store in batches, and tell of each record what became of it.

use std::fmt;
use std::io::Read;

use gathering_domain::{
    EventSink, MessageKind, MessageOutcome, MessageRecord, OutcomeCounts, StoreError, WriteGrant,
};

use crate::framing::documents::{DocumentError, Documents};
use crate::intake::Intake;
use crate::intake::counters::Source;
use crate::intake::recording::BATCH;

/// After how many bytes of documents a batch ends that has fewer of them.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Imports files into a store.
pub struct Importer<'a, S> {
    intake: &'a Intake<S>,
    counts: OutcomeCounts,
}

impl<S> fmt::Debug for Importer<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl<'a, S: EventSink> Importer<'a, S> {
    /// An importer that hands messages to this intake.
    pub fn new(intake: &'a Intake<S>) -> Self {
        Self { intake, counts: OutcomeCounts::default() }
    }

    /// What was imported so far.
    pub const fn counts(&self) -> OutcomeCounts {
        self.counts
    }

    /// Imports one file and tells `each` of every record in order, with its number from 1; of those to be recorded,
    /// once they are durable.
    ///
    /// # Errors
    /// When the store does not take a batch. What `each` was told of by then is stored.
    pub async fn import(
        &mut self,
        name: &str,
        file: impl Read,
        mut each: impl FnMut(u64, &MessageRecord),
    ) -> Result<(), StoreError> {
        let admission = self.intake.admission(WriteGrant::everything());
        let mut documents = Documents::new(file);
        let mut number = 0;
        loop {
            let (mut judgements, mut bytes, mut unreadable) = (Vec::with_capacity(BATCH), 0, None);
            while judgements.len() < BATCH && bytes < BATCH_BYTES {
                match documents.next() {
                    Some(Ok(document)) => {
                        let document = document.get().as_bytes();
                        bytes += document.len();
                        judgements.push(admission.judge(MessageKind::Result, document, self.intake.now()));
                    }
                    Some(Err(error)) => unreadable = Some(error),
                    None => break,
                }
            }
            if judgements.is_empty() && unreadable.is_none() {
                return Ok(());
            }
            self.intake.store(&mut judgements).await?;
            for judgement in &judgements {
                number += 1;
                for warning in &judgement.warnings {
                    log::warn!("{name}:{number}: {warning}");
                }
                self.tell(number, &self.intake.finish(Source::File, judgement), &mut each);
            }
            if let Some(error) = unreadable {
                number += 1;
                self.intake.count(Source::File, MessageOutcome::Rejected);
                self.tell(number, &refused(&error), &mut each);
            }
        }
    }

    fn tell(&mut self, number: u64, record: &MessageRecord, each: &mut impl FnMut(u64, &MessageRecord)) {
        self.counts.add(record.outcome);
        each(number, record);
    }
}

fn refused(error: &DocumentError) -> MessageRecord {
    MessageRecord {
        outcome: MessageOutcome::Rejected,
        organization: None,
        cluster: None,
        request: None,
        reason: Some(error.to_string()),
    }
}
