//! How listeners and the consumer run, and how they end in order.
//!
//! What runs is a fused future: it may have ended by itself, and is not polled again then.

use std::future::pending;
use std::io;
use std::time::Duration;

use futures_util::future::FusedFuture;
use gathering_http::{Listener, StopHandle};
use gathering_ingest::kafka::{self, KafkaConsumer, KafkaError};
use tokio::time::timeout;

/// How much longer than the grace time the consumer may take to leave its group.
const LEAVE: Duration = Duration::from_secs(5);

/// Runs the API if there is one; otherwise never ends.
pub(super) async fn run_api(api: Option<Listener>) -> io::Result<()> {
    match api {
        Some(api) => api.run().await,
        None => pending().await,
    }
}

/// Runs the consumer if there is one; otherwise never ends.
pub(super) async fn run_consumer(consumer: Option<KafkaConsumer>) -> Result<(), KafkaError> {
    match consumer {
        Some(mut consumer) => consumer.ended().await,
        None => pending().await,
    }
}

/// Has the API take calls for `delay`, and end then.
pub(super) async fn stop_api(
    mut api: impl FusedFuture<Output = io::Result<()>> + Unpin,
    handle: Option<StopHandle>,
    delay: Duration,
) -> io::Result<()> {
    let Some(handle) = handle.filter(|_| !api.is_terminated()) else { return Ok(()) };
    handle.drain();
    match timeout(delay, &mut api).await {
        // It failed meanwhile.
        Ok(ended) => ended,
        Err(_) => tokio::join!(api, handle.stop()).0,
    }
}

/// Has the consumer finish what it has in hand within `grace`, and leave its group.
pub(super) async fn stop_consumer(
    consumer: impl FusedFuture<Output = Result<(), KafkaError>>,
    handle: Option<kafka::StopHandle>,
    grace: Duration,
) -> Result<(), KafkaError> {
    let Some(handle) = handle.filter(|_| !consumer.is_terminated()) else { return Ok(()) };
    handle.stop(grace);
    timeout(grace + LEAVE, consumer).await.unwrap_or_else(|_| {
        log::warn!("the consumer did not leave its group in time; others wait for its session to end");
        Ok(())
    })
}

/// Waits for a listener that is stopped elsewhere.
pub(super) async fn until_ended(listener: impl FusedFuture<Output = io::Result<()>>) -> io::Result<()> {
    if listener.is_terminated() { Ok(()) } else { listener.await }
}
