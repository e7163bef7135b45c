//! Recording a batch where one event of it may be such that the database will never take it.

use std::error::Error;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use gathering_domain::{EventOutcome, RequestEvent, StoreError};

/// What the batch writer needs of a database.
pub(crate) trait Table: Send + Sync + 'static {
    /// Records a part of a batch in one transaction: all of it, or on an error nothing.
    fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
    ) -> impl Future<Output = Result<Vec<EventOutcome>, StoreError>> + Send;

    /// Whether the database would take an event that nothing is odd about. Records nothing.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Records a batch in one transaction. When the database refuses it for a reason that will not pass, it is halved until
/// the culprit is alone; when it refuses a harmless event as well, the culprit is the database, and nobody's events are
/// blamed.
///
/// # Errors
/// When the database takes nothing at the moment. Parts of the batch may be recorded.
pub(crate) async fn record(
    table: &impl Table,
    batch: Arc<[RequestEvent]>,
) -> Result<Vec<EventOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut parts: Vec<_> = std::iter::once(0..batch.len()).collect();
    while let Some(part) = parts.pop() {
        let refusal = match table.write(Arc::clone(&batch), part.clone()).await {
            Ok(written) => {
                outcomes.extend(written);
                continue;
            }
            Err(StoreError::Defect { source }) => source,
            Err(passing) => return Err(passing),
        };
        if part.len() > 1 {
            let middle = part.start + part.len() / 2;
            // The last one is the next: the order of the batch is kept.
            parts.push(middle..part.end);
            parts.push(part.start..middle);
            continue;
        }
        if let Err(error) = table.probe().await {
            log::error!("the database takes no events: {refusal}");
            return Err(match error {
                StoreError::Defect { source } => StoreError::Unavailable { source },
                passing => passing,
            });
        }
        log_refusal(batch.get(part.start), &*refusal);
        outcomes.push(EventOutcome::Refused);
    }
    Ok(outcomes)
}

fn log_refusal(event: Option<&RequestEvent>, refusal: &(dyn Error + Send + Sync)) {
    if let Some(event) = event {
        let key = &event.key;
        log::error!(
            organization = key.organization.to_string().as_str(), cluster = key.cluster.to_string().as_str(),
            request = key.request.as_str();
            "the database refuses an event: {refusal}"
        );
    }
}
