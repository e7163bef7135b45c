//! Import of files of result messages, in batches, with a report on each record.

use std::fmt;
use std::io::Read;

use gathering_domain::intake::{MessageKind, MessageOutcome, MessageRecord, OutcomeCounts, WriteGrant};
use gathering_domain::store::{EventSink, StoreError};

use crate::framing::documents::{DocumentError, Documents};
use crate::intake::Intake;
use crate::intake::counters::Source;
use crate::intake::recording::BATCH;

/// A batch ends after this many bytes of documents, if it is not full before.
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
    /// An importer into this intake.
    pub fn new(intake: &'a Intake<S>) -> Self {
        Self { intake, counts: OutcomeCounts::default() }
    }

    /// The outcomes of all records so far.
    pub const fn counts(&self) -> OutcomeCounts {
        self.counts
    }

    /// Imports one file, and calls `each` for every record in order, with its number from 1. Events are durable by then.
    ///
    /// # Errors
    /// When the store does not take a batch. The records for which `each` was called are stored.
    pub async fn import(
        &mut self,
        name: &str,
        file: impl Read,
        mut each: impl FnMut(u64, &MessageRecord),
    ) -> Result<(), StoreError> {
        let policy = self.intake.policy(WriteGrant::everything());
        let mut documents = Documents::new(file);
        let mut number = 0;
        loop {
            let (mut messages, mut bytes, mut unreadable) = (Vec::with_capacity(BATCH), 0, None);
            while messages.len() < BATCH && bytes < BATCH_BYTES {
                match documents.next() {
                    Some(Ok(document)) => {
                        let document = document.get().as_bytes();
                        bytes += document.len();
                        messages.push(policy.evaluate(MessageKind::Result, document, self.intake.now()));
                    }
                    Some(Err(error)) => unreadable = Some(error),
                    None => break,
                }
            }
            if messages.is_empty() && unreadable.is_none() {
                return Ok(());
            }
            self.intake.store(&mut messages).await?;
            for parsed in &messages {
                number += 1;
                for warning in &parsed.warnings {
                    log::warn!("{name}:{number}: {warning}");
                }
                self.tell(number, &self.intake.finish(Source::File, MessageKind::Result, parsed), &mut each);
            }
            if let Some(error) = unreadable {
                number += 1;
                self.intake.count(Source::File, MessageKind::Result, MessageOutcome::Rejected);
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
