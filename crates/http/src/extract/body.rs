//! The bytes of a body, as they come in.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::Bytes;
use futures_util::future::poll_immediate;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::body_budget::{BudgetError, BudgetGuard};
use crate::error::{ApiError, BodyError};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// In each window, at least so many bytes have to arrive, unless the body ends: a slower client gives its place to others.
const WINDOW: Duration = Duration::from_secs(5);
const MIN_PER_WINDOW: usize = 16 * 1024;

/// The length of the body in bytes, if the head has it.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body. The budget is charged as its bytes arrive, or in advance if its length is `declared`: otherwise bodies
/// that arrive together could exhaust it with none of them whole. `exhausted` is the error if it is.
pub(super) async fn read(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    declared: Option<usize>,
    guard: &mut BudgetGuard,
    exhausted: fn() -> ApiError,
) -> Result<Vec<u8>, ApiError> {
    guard.reserve(declared.unwrap_or_default(), 0).map_err(|error| budget_error(error, exhausted))?;
    let mut body = Vec::new();
    let mut pace = Pace::new(Instant::now());
    loop {
        // What has arrived already is not late, however long this thread did other things.
        let chunk = if let Some(chunk) = poll_immediate(payload.next()).await {
            chunk
        } else {
            let until = pace.check(Instant::now(), body.len())?;
            let Ok(chunk) = timeout_at(until, payload.next()).await else { continue };
            chunk
        };
        let Some(chunk) = chunk else { return Ok(body) };
        let chunk = chunk.map_err(|_| ApiError::Body(BodyError::CutOff))?;
        guard.reserve(body.len() + chunk.len(), 0).map_err(|error| budget_error(error, exhausted))?;
        body.extend_from_slice(&chunk);
    }
}

pub(super) fn budget_error(error: BudgetError, exhausted: fn() -> ApiError) -> ApiError {
    match error {
        BudgetError::TooLarge { limit } => ApiError::BodyTooLarge { limit },
        BudgetError::Exhausted => exhausted(),
    }
}

/// Checks that a body arrives fast enough.
struct Pace {
    end: Instant,
    window_end: Instant,
    length_before: usize,
}

impl Pace {
    fn new(start: Instant) -> Self {
        Self { end: start + BODY_TIMEOUT, window_end: start + WINDOW, length_before: 0 }
    }

    /// How long to wait for more of a body of which `length` bytes have arrived.
    fn check(&mut self, now: Instant, length: usize) -> Result<Instant, ApiError> {
        if now >= self.end {
            return Err(ApiError::BodyTimeout { limit: BODY_TIMEOUT });
        }
        if now >= self.window_end {
            if length - self.length_before < MIN_PER_WINDOW {
                return Err(ApiError::BodyTooSlow { least: MIN_PER_WINDOW, window: WINDOW });
            }
            (self.window_end, self.length_before) = (now + WINDOW, length);
        }
        Ok(self.window_end.min(self.end))
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use futures_util::stream;

    use super::super::body_budget::BodyBudget;
    use super::*;

    /// Reads a body of which such pieces come, each so many seconds after the one before; it never ends by itself.
    async fn read_pieces(pieces: impl IntoIterator<Item = (u64, usize)>) -> (Result<Vec<u8>, String>, u64) {
        let pieces = stream::iter(pieces).then(async |(seconds, length)| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(Bytes::from(vec![b'x'; length]))
        });
        let payload = Box::pin(pieces.chain(stream::pending()));
        let budget = BodyBudget::new(1 << 20, 1 << 20, prometheus::IntGauge::new("bytes", "Bytes.").unwrap());
        let organization = gathering_domain::ids::OrganizationId::try_from(1).unwrap();
        let start = Instant::now();
        let read = read(payload, None, &mut budget.guard(organization.into()), || ApiError::IngestBusy).await;
        (read.map_err(|error| error.to_string()), start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_to_come_forward() {
        let slow =
            Err("The request body came too slowly: 16384 bytes within 5 seconds are the least".to_owned());
        let late = Err("The request body did not arrive within 30 seconds".to_owned());
        assert_eq!(read_pieces([]).await, (slow.clone(), 5), "nothing at all");
        assert_eq!(read_pieces([(0, 500_000)]).await, (slow.clone(), 10), "half of it");
        assert_eq!(read_pieces(repeat_n((1, 100), 60)).await, (slow.clone(), 5), "byte by byte");
        assert_eq!(read_pieces(repeat_n((1, 4000), 4).chain([(1, 1)])).await, (slow, 5), "a little less");
        assert_eq!(read_pieces(repeat_n((1, 4200), 60)).await, (late, 30), "a little more, and too long");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_is_not_late() {
        let organization = gathering_domain::ids::OrganizationId::try_from(1).unwrap();
        let budget = BodyBudget::new(1 << 20, 1 << 20, prometheus::IntGauge::new("bytes", "Bytes.").unwrap());
        let mut count = 0;
        let payload = stream::poll_fn(move |context| {
            count += 1;
            match count {
                1 => std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"first ")))),
                2 => {
                    context.waker().wake_by_ref();
                    std::task::Poll::Pending
                }
                3 => std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"second")))),
                _ => std::task::Poll::Ready(None),
            }
        });
        let read = read(payload, None, &mut budget.guard(organization.into()), || ApiError::IngestBusy).await;
        assert_eq!(read.unwrap(), b"first second");
    }
}
