//! Messages over a transport: framed, judged, recorded, counted.

use std::sync::Arc;

use gathering_domain::{
    Clock, EventSink, Framing, MessageBody, MessageIntake, MessageOutcome, MessageRecord, StoreError,
    Timestamp, WriteGrant,
};

use memchr::memchr_iter;
use tokio::task::spawn_blocking;

use crate::admission::Admission;
use crate::judgement::{self, Judgement};
use crate::{AllowList, RecordCounters, Source};

/// How many messages are recorded at once. A larger body takes several steps, and lets others in between.
pub(crate) const BATCH: usize = 500;

/// Bodies up to this size, in bytes, are read on the thread that calls: some tens of microseconds. Larger ones would keep
/// it from answering others.
const INLINE: usize = 16 * 1024;

/// Takes messages in and records them in a store.
#[derive(Clone)]
pub struct Intake<S> {
    sink: S,
    clock: Arc<dyn Clock>,
    allow_list: Option<Arc<AllowList>>,
    counters: RecordCounters,
}

impl<S> std::fmt::Debug for Intake<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("allow_list", &self.allow_list).finish_non_exhaustive()
    }
}

impl<S: EventSink> Intake<S> {
    /// An intake into this store. Without an allow list, every organization is taken.
    pub const fn new(
        sink: S,
        clock: Arc<dyn Clock>,
        allow_list: Option<Arc<AllowList>>,
        counters: RecordCounters,
    ) -> Self {
        Self { sink, clock, allow_list, counters }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn admission(&self, grant: WriteGrant) -> Admission {
        Admission { grant, allow_list: self.allow_list.clone() }
    }

    /// Records judged messages, in order.
    pub(crate) async fn store(
        &self,
        judgements: impl IntoIterator<Item = &mut Judgement>,
    ) -> Result<(), StoreError> {
        judgement::store(&self.sink, judgements).await
    }

    /// Counts a message whose event, if any, is recorded.
    pub(crate) fn finish(&self, source: Source, judgement: &Judgement) -> MessageRecord {
        let record = judgement.record();
        self.count(source, record.outcome);
        record
    }

    pub(crate) fn count(&self, source: Source, outcome: MessageOutcome) {
        self.counters.add(source, outcome);
    }
}

impl<S: EventSink> MessageIntake for Intake<S> {
    async fn take_in(&self, body: MessageBody, grant: WriteGrant) -> Result<Vec<MessageRecord>, StoreError> {
        let (admission, arrival) = (self.admission(grant), self.now());
        let is_small = body.bytes.len() <= INLINE;
        let judge = move || judge_all(&body, &admission, arrival);
        let judgements =
            if is_small { judge() } else { spawn_blocking(judge).await.map_err(StoreError::defect)? };
        let mut records = Vec::with_capacity(judgements.len());
        let mut judgements = judgements.into_iter();
        while judgements.len() > 0 {
            let batch = judgement::store_for_good(&self.sink, judgements.by_ref().take(BATCH)).await?;
            for record in &batch {
                self.count(Source::Http, record.outcome);
            }
            records.extend(batch);
        }
        Ok(records)
    }
}

fn judge_all(body: &MessageBody, admission: &Admission, arrival: Timestamp) -> Vec<Judgement> {
    let judge = |document: &[u8]| admission.judge(body.kind, document, arrival);
    match body.framing {
        Framing::One => vec![judge(&body.bytes)],
        Framing::Lines => {
            lines(&body.bytes).filter(|line| !line.trim_ascii().is_empty()).map(judge).collect()
        }
    }
}

/// What is between line ends. Looking at each byte for itself would be a seventh of reading a message.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', body).chain([body.len()]).map(move |end| {
        let line = body.get(start..end).unwrap_or_default();
        start = end + 1;
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_is_between_line_ends() {
        for body in ["", "\n", "a", "a\n", "\na", "a\n\nb\r\n c\n", "\n\n"] {
            let expected: Vec<&[u8]> = body.as_bytes().split(|byte| *byte == b'\n').collect();
            assert_eq!(lines(body.as_bytes()).collect::<Vec<_>>(), expected, "{body:?}");
        }
    }
}
